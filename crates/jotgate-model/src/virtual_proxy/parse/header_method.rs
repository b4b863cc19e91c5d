//! The header methods: a server in front of the gateway names the user.

use http::header::HeaderName;

use super::access::check_directory;
use crate::entity::{AuthenticationMethod, VirtualProxyConfig};
use crate::virtual_proxy::{Authentication, HeaderForm, HeaderSettings};
use crate::{FieldErrors, Network, is_framing_header, is_injected_header};

/// Headers that mean something to the gateway itself.
const TAKEN: [&str; 3] = ["authorization", "cookie", "origin"];

/// Parses everything about the header methods. What is only missing goes to `missing`, what is
/// wrong to `errors`.
pub(super) fn parse_header_method(
    d: &VirtualProxyConfig,
    errors: &mut FieldErrors,
    missing: &mut FieldErrors,
) -> Authentication {
    let name = parse_name(&d.header_authentication_header_name, errors, missing);
    let form = match d.authentication_method {
        AuthenticationMethod::HeaderStaticUserDirectory => parse_static(d, errors, missing),
        _ => parse_dynamic(d, errors, missing),
    };
    let trusted = d.header_authentication_trusted_addresses.iter();
    let trusted = trusted.enumerate().filter_map(|(i, text)| {
        let field = format!("headerAuthenticationTrustedAddresses[{i}]");
        let named = |problem: String| format!("{text:?} {problem}");
        errors.take(field, Network::parse(text.trim()).map_err(named))
    });
    let trusted = trusted.collect();
    match (name, form) {
        (Some(name), Some(form)) => Authentication::Header(Box::new(HeaderSettings {
            name,
            form,
            trusted,
        })),
        // Something is missing or wrong: this is not what is used.
        _ => Authentication::Ticket,
    }
}

fn parse_name(
    text: &str,
    errors: &mut FieldErrors,
    missing: &mut FieldErrors,
) -> Option<HeaderName> {
    let field = "headerAuthenticationHeaderName";
    if text.is_empty() {
        missing.push(field, "is empty; name the header that carries the user");
        return None;
    }
    let usable = |name: &HeaderName| {
        !is_injected_header(name.as_str())
            && !is_framing_header(name.as_str())
            && !TAKEN.contains(&name.as_str())
    };
    let name = HeaderName::from_bytes(text.as_bytes()).ok().filter(usable);
    if name.is_none() {
        errors.push(
            field,
            format!("{text:?} is no header name that can be used; choose another"),
        );
    }
    name
}

fn parse_static(
    d: &VirtualProxyConfig,
    errors: &mut FieldErrors,
    missing: &mut FieldErrors,
) -> Option<HeaderForm> {
    let field = "headerAuthenticationStaticUserDirectory";
    let directory = d.header_authentication_static_user_directory.as_str();
    if directory.is_empty() {
        missing.push(field, "is empty; name the user directory");
        return None;
    }
    errors.take(field, check_directory(directory))?;
    Some(HeaderForm::Static {
        directory: directory.into(),
    })
}

/// `$ud\\$id` and its like: both names once, with a text between them.
fn parse_dynamic(
    d: &VirtualProxyConfig,
    errors: &mut FieldErrors,
    missing: &mut FieldErrors,
) -> Option<HeaderForm> {
    let field = "headerAuthenticationDynamicUserDirectory";
    let pattern = d.header_authentication_dynamic_user_directory.as_str();
    if pattern.is_empty() {
        missing.push(field, "is empty; write the pattern, such as $ud\\\\$id");
        return None;
    }
    let form = split_pattern(pattern);
    if form.is_none() {
        errors.push(
            field,
            format!(
                "{pattern:?} is no pattern; it must contain $ud and $id once, with a text between \
                 them, such as $ud\\\\$id"
            ),
        );
    }
    form
}

fn split_pattern(pattern: &str) -> Option<HeaderForm> {
    // The help pages write the backslash once or twice; it means one in the header.
    let pattern = pattern.replace("\\\\", "\\");
    let (ud, id) = (pattern.find("$ud")?, pattern.find("$id")?);
    let (first, second) = (ud.min(id), ud.max(id));
    let (before, between) = (&pattern[..first], &pattern[first + 3..second]);
    let after = &pattern[second + 3..];
    let once = pattern.matches("$ud").count() == 1 && pattern.matches("$id").count() == 1;
    (once && !between.is_empty()).then(|| HeaderForm::Dynamic {
        before: before.into(),
        between: between.into(),
        after: after.into(),
        directory_first: ud < id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(pattern: &str) -> Option<(String, String, String, bool)> {
        match split_pattern(pattern)? {
            HeaderForm::Dynamic {
                before,
                between,
                after,
                directory_first,
            } => Some((before.into(), between.into(), after.into(), directory_first)),
            HeaderForm::Static { .. } => None,
        }
    }

    #[test]
    fn patterns_have_both_names_once_and_something_between_them() {
        let own = |a: &str, b: &str, c: &str, first| Some((a.into(), b.into(), c.into(), first));
        assert_eq!(parts(r"$ud\\$id"), own("", r"\", "", true));
        assert_eq!(parts(r"$ud\$id"), own("", r"\", "", true));
        assert_eq!(parts("CN=$id,OU=$ud;"), own("CN=", ",OU=", ";", false));
        for bad in ["$ud", "$id", "$ud$id", "$id$ud", "$ud/$id/$ud", "x"] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}
