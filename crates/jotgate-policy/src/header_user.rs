//! Identify: the user whom a server in front of the gateway names in a header.

use std::net::IpAddr;

use http::header::HeaderMap;
use jotgate_model::{HeaderForm, HeaderSettings, Reason, Refusal, User};

/// The longest directory or id, in bytes.
const MAX_NAME: usize = 1024;

/// The user that the header names, when it comes from an address whose header counts. Nothing when it
/// is absent or somebody else's: then it means nothing, and is removed like every header that only
/// some may send.
///
/// # Errors
/// [`Reason::TokenAmbiguous`] for several values, [`Reason::ClaimInvalid`] for one that names nobody.
pub fn header_user(
    settings: &HeaderSettings,
    peer: IpAddr,
    headers: &HeaderMap,
) -> Result<Option<User>, Refusal> {
    if !settings.trusted.iter().any(|range| range.contains(peer)) {
        return Ok(None);
    }
    let mut values = headers.get_all(&settings.name).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => {
            let detail = format!("the header {} comes more than once", settings.name);
            return Err(Refusal::with(Reason::TokenAmbiguous, detail));
        }
    };
    let user = std::str::from_utf8(value.as_bytes())
        .ok()
        .and_then(|text| read(&settings.form, text.trim()))
        .filter(|user| is_name(&user.directory) && is_name(&user.id));
    user.map(Some).ok_or_else(|| {
        let detail = format!("the header {} names no user", settings.name);
        Refusal::with(Reason::ClaimInvalid, detail)
    })
}

fn read(form: &HeaderForm, text: &str) -> Option<User> {
    match form {
        HeaderForm::Static { directory } => Some(User::new(directory.clone(), text)),
        HeaderForm::Dynamic {
            before,
            between,
            after,
            directory_first,
        } => {
            let inner = text.strip_prefix(&**before)?.strip_suffix(&**after)?;
            let (first, second) = inner.split_once(&**between)?;
            let (directory, id) = match directory_first {
                true => (first, second),
                false => (second, first),
            };
            Some(User::new(directory, id))
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use http::header::HeaderName;
    use jotgate_model::Network;
    use proptest::prelude::*;

    use super::*;

    fn settings(form: HeaderForm, trusted: &[&str]) -> HeaderSettings {
        HeaderSettings {
            name: HeaderName::from_static("x-user"),
            form,
            trusted: trusted.iter().map(|t| Network::parse(t).unwrap()).collect(),
        }
    }

    fn dynamic() -> HeaderForm {
        HeaderForm::Dynamic {
            before: "".into(),
            between: "\\".into(),
            after: "".into(),
            directory_first: true,
        }
    }

    fn find(settings: &HeaderSettings, values: &[&str]) -> Result<Option<String>, Reason> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-user", value.parse().unwrap());
        }
        header_user(settings, "10.0.0.5".parse().unwrap(), &headers)
            .map(|user| user.map(|user| user.to_string()))
            .map_err(|refusal| refusal.reason)
    }

    #[test]
    fn only_listed_addresses_name_anybody() {
        for (trusted, found) in [
            (&["10.0.0.5"][..], true),
            (&["192.0.2.0/24", "10.0.0.0/8"], true),
            (&["10.0.0.6"], false),
            (&[], false),
        ] {
            let settings = settings(dynamic(), trusted);
            let user = find(&settings, &[r"example\boz"]);
            assert_eq!(
                user,
                Ok(found.then(|| r"example\boz".to_owned())),
                "{trusted:?}"
            );
        }
    }

    #[test]
    fn a_header_names_one_user_or_nobody() {
        let dynamic = settings(dynamic(), &["10.0.0.0/8"]);
        assert_eq!(find(&dynamic, &[]), Ok(None));
        assert_eq!(
            find(&dynamic, &[r"a\b", r"a\b"]),
            Err(Reason::TokenAmbiguous)
        );
        assert_eq!(find(&dynamic, &[r" a\b\c "]), Ok(Some(r"a\b\c".into())));
        for bad in ["", "boz", r"\boz", r"a\", r"a\ "] {
            assert_eq!(find(&dynamic, &[bad]), Err(Reason::ClaimInvalid), "{bad}");
        }
        let form = HeaderForm::Static {
            directory: "CORP".into(),
        };
        let fixed = settings(form, &["10.0.0.0/8"]);
        assert_eq!(
            find(&fixed, &[r"other\boz"]),
            Ok(Some(r"CORP\other\boz".into()))
        );
    }

    proptest! {
        #[test]
        fn any_value_is_a_user_or_refused(value in "[ -~]{0,40}") {
            let settings = settings(dynamic(), &["10.0.0.0/8"]);
            if let Ok(Some(user)) = find(&settings, &[&value]) {
                prop_assert_eq!(user.as_str(), value.trim());
            }
        }
    }
}
