//! The configuration as TOML (<https://toml.io/en/v1.0.0>), as people keep it.

use serde_json::{Map, Value};

const HEAD: &str = "\
# The configuration of Jotgate. `jotgate diff FILE` says how a gateway differs from it, `jotgate apply
# FILE` makes a gateway what it says. What is left out has its default; a secret that is to be kept
# stays as it is.

";

/// Writes a configuration in the form of [`super::export`].
///
/// # Errors
/// It has something that no file can have.
pub fn to_toml(configuration: &Value) -> Result<String, String> {
    let text = toml::to_string_pretty(&plain_first(configuration))
        .map_err(|error| format!("the configuration cannot be written as TOML ({error})"))?;
    Ok(format!("{HEAD}{text}"))
}

/// Reads what [`to_toml`] wrote, and what people made of it.
///
/// # Errors
/// It is no TOML: says where, and nothing of what stands there, as half a sentence.
pub fn from_toml(text: &str) -> Result<Map<String, Value>, String> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let place = before.map_or_else(String::new, |before| {
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .map_or(0, |last| last.chars().count())
                + 1;
            format!(" at line {line}, column {column}")
        });
        // Only the kind of the mistake: the text around it may be a key.
        let problem = error.message().lines().next().unwrap_or("a mistake");
        format!("is no TOML{place}: {problem}")
    })
}

/// In TOML, what stands behind a table belongs to the table: plain values have to come first.
fn plain_first(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let is_table = |value: &Value| match value {
                Value::Object(_) => true,
                Value::Array(items) => items.iter().any(Value::is_object),
                _ => false,
            };
            let (tables, plain): (Vec<_>, Vec<_>) =
                members.iter().partition(|(_, value)| is_table(value));
            let sorted = plain.into_iter().chain(tables);
            Value::Object(sorted.map(|(n, v)| (n.clone(), plain_first(v))).collect())
        }
        Value::Array(items) => items.iter().map(plain_first).collect(),
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let configuration = json!({
            "format": 1,
            "node": [{
                "name": "ü \"quoted\" \\ 'x'",
                "services": [{"path": "/", "uri": "http://127.0.0.1:1"}],
                "clientKey": {"keep": true},
                "caCertificate": "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n",
                "nodePurpose": 2,
            }],
            "proxy": [{"settings": {"logVerbosity": {"logVerbosityAudit": 5}, "listenPort": 8443}}],
        });
        let text = to_toml(&configuration).unwrap();
        assert_eq!(Value::Object(from_toml(&text).unwrap()), configuration);
        assert!(text.contains("\nabc\n"), "{text}");
    }

    #[test]
    fn a_mistake_is_placed_and_not_repeated() {
        let sentence = from_toml("format = 1\n[[node]]\nname = \"secret").unwrap_err();
        assert!(
            sentence.starts_with("is no TOML at line 3, column "),
            "{sentence}"
        );
        assert!(
            !sentence.contains("secret") && !sentence.contains('\n'),
            "{sentence}"
        );
    }
}
