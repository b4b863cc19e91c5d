//! Headers that an administrator adds, to answers and to requests.

use http::header::{HeaderName, HeaderValue};

use crate::entity::BackendHeaderConfig;
use crate::virtual_proxy::{BackendHeader, BackendHeaderPart};
use crate::{FieldErrors, is_framing_header, is_injected_header};

/// Raw header lines, one a line (Qlik help, "Additional response headers").
pub(super) fn parse_response_headers(
    text: &str,
    errors: &mut FieldErrors,
) -> Vec<(HeaderName, HeaderValue)> {
    let field = "additionalResponseHeaders";
    let mut headers = Vec::new();
    for line in text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
    {
        if line.trim().is_empty() {
            continue;
        }
        let parsed = line.split_once(':').and_then(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let value = HeaderValue::from_str(value.trim_matches([' ', '\t'])).ok()?;
            Some((name, value))
        });
        match parsed {
            None => errors.push(
                field,
                format!("the line {line:?} is no header; write Name: value, one a line"),
            ),
            Some((name, _))
                if is_framing_header(name.as_str()) || name == http::header::SET_COOKIE =>
            {
                errors.push(
                    field,
                    format!("{name} is set by the gateway itself; remove that line"),
                )
            }
            Some(header) => headers.push(header),
        }
    }
    headers
}

pub(super) fn parse_backend_headers(
    items: &[BackendHeaderConfig],
    errors: &mut FieldErrors,
) -> Vec<BackendHeader> {
    let mut headers = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let field = |part: &str| format!("backendHeaders[{i}].{part}");
        let Ok(name) = HeaderName::from_bytes(item.name.as_bytes()) else {
            errors.push(field("name"), format!("{:?} is no header name", item.name));
            continue;
        };
        let own = ["authorization", "cookie"].contains(&name.as_str());
        if own || is_injected_header(name.as_str()) || is_framing_header(name.as_str()) {
            errors.push(
                field("name"),
                format!(
                    "{name} carries the identity or the framing of the request; choose another name"
                ),
            );
            continue;
        }
        match parse_template(&item.value) {
            Ok(parts) => headers.push(BackendHeader { name, parts }),
            Err(problem) => errors.push(field("value"), problem),
        }
    }
    headers
}

fn parse_template(text: &str) -> Result<Vec<BackendHeaderPart>, String> {
    const MAX_TEMPLATE: usize = 1024;
    if text.len() > MAX_TEMPLATE {
        return Err(format!(
            "is {} bytes long; shorten it to at most {MAX_TEMPLATE}",
            text.len()
        ));
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (literal, tail) = rest.split_at(start);
        if !literal.is_empty() {
            parts.push(BackendHeaderPart::Text(literal.into()));
        }
        let (name, after) = tail[1..].split_once('}').ok_or("has a { without a }")?;
        parts.push(match name {
            "userId" => BackendHeaderPart::UserId,
            "userDirectory" => BackendHeaderPart::UserDirectory,
            _ => match name.strip_prefix("attribute.") {
                Some(attribute) if !attribute.is_empty() => {
                    BackendHeaderPart::Attribute(attribute.into())
                }
                _ => {
                    return Err(format!(
                        "has {{{name}}}; use {{userId}}, {{userDirectory}} or {{attribute.NAME}}"
                    ));
                }
            },
        });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(BackendHeaderPart::Text(rest.into()));
    }
    Ok(parts)
}
