//! Settings in the environment.

use std::ffi::OsString;

use super::error::{SettingError, Source, meant};
use super::layers::{Found, Layer};
use super::table::{ALL, PREFIX, Setting, Shape};

/// Reads the variables that begin with `JOTGATE_`. The values of a list are separated by commas.
///
/// # Errors
/// A variable that is no setting, is empty or is no text. Empty ones are refused and not ignored:
/// the empty name of a shared database would otherwise start a node on a database of its own.
pub(crate) fn read(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Layer, SettingError> {
    let mut layer = Layer::new();
    for (name, value) in variables {
        if !name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let name = name.to_string_lossy().into_owned();
        if is_service_link(&name, &value.to_string_lossy()) {
            continue;
        }
        let Some(setting) = ALL.iter().find(|setting| setting.variable() == name) else {
            return Err(unknown(&name));
        };
        let source = Source::Variable(name);
        let wrong = |problem| SettingError::without_value(&source, problem);
        let value = value
            .into_string()
            .map_err(|_| wrong("is no text; write it in UTF-8"))?;
        if value.is_empty() {
            return Err(wrong("is empty; remove it or write a value"));
        }
        let values = split(setting, value);
        layer.insert(setting.name, Found { source, values });
    }
    Ok(layer)
}

/// Variables that Kubernetes sets in every container for a service called `jotgate` or
/// `jotgate-something` (Kubernetes documentation, "Service", "Environment variables"). They are
/// nobody's settings, and none of our names looks like them. A port that somebody wrote there is no
/// address with a scheme, and stays a mistake that is told.
fn is_service_link(name: &str, value: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return false;
    };
    let rest = format!("_{rest}");
    let port = |at: usize| {
        let tail = rest.get(at + "_PORT".len()..).unwrap_or_default();
        (tail.is_empty() && value.contains("://"))
            || tail.strip_prefix('_').is_some_and(|tail| {
                let mut parts = tail.split('_');
                parts.next().is_some_and(is_number)
                    && matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"))
                    && matches!(parts.next(), None | Some("PROTO" | "PORT" | "ADDR"))
                    && parts.next().is_none()
            })
    };
    rest.ends_with("_SERVICE_HOST")
        || rest.contains("_SERVICE_PORT")
        || rest.match_indices("_PORT").any(|(at, _)| port(at))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn unknown(name: &str) -> SettingError {
    let bare = |name: &str| name.strip_prefix(PREFIX).unwrap_or_default().to_owned();
    let known: Vec<String> = ALL
        .iter()
        .map(|setting| bare(&setting.variable()))
        .collect();
    let advice = match meant(&bare(name), known.iter().map(String::as_str)) {
        Some(close) => format!("did you mean {PREFIX}{close}?"),
        None => "remove it, or see `jotgate serve --help` for the settings".to_owned(),
    };
    SettingError::sentence(format!(
        "the environment variable {} is no setting; {advice}",
        name.escape_debug()
    ))
}

fn split(setting: &Setting, value: String) -> Vec<String> {
    if setting.shape == Shape::List {
        value
            .split(',')
            .map(|part| part.trim().to_owned())
            .collect()
    } else {
        vec![value]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_links_are_nobodys_settings() {
        for link in [
            "JOTGATE_SERVICE_HOST",
            "JOTGATE_SERVICE_PORT",
            "JOTGATE_SERVICE_PORT_HTTPS",
            "JOTGATE_PORT",
            "JOTGATE_PORT_8443_TCP",
            "JOTGATE_PORT_8443_TCP_PROTO",
            "JOTGATE_PORT_8443_TCP_PORT",
            "JOTGATE_PORT_8443_TCP_ADDR",
            "JOTGATE_MANAGEMENT_SERVICE_HOST",
            "JOTGATE_MANAGEMENT_PORT_4242_TCP_ADDR",
        ] {
            assert!(is_service_link(link, "tcp://10.0.0.1:8443"), "{link}");
        }
        for other in [
            "JOTGATE_PORT_X",
            "JOTGATE_PORTS",
            "JOTGATE_LISTEN",
            "JOTGATE_PORT_1_TCP_X",
        ] {
            assert!(!is_service_link(other, "tcp://10.0.0.1:8443"), "{other}");
        }
        assert!(!is_service_link("JOTGATE_PORT", "8443"));
        for setting in ALL {
            assert!(
                !is_service_link(&setting.variable(), "tcp://10.0.0.1:8443"),
                "{}",
                setting.name
            );
        }
    }
}
