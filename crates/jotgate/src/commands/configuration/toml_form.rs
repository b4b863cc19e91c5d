//! The configuration as TOML (<https://toml.io/en/v1.0.0>).

use serde_json::{Map, Value};

use crate::exit::{Exit, Failure};

const HEAD: &str = "\
# The configuration of Jotgate. `jotgate diff FILE` says how a gateway differs from it, `jotgate apply
# FILE` makes a gateway what it says. What is left out has its default; a secret that is to be kept
# stays as it is.

";

/// Writes it.
///
/// # Errors
/// The gateway sent something that no file can have.
pub(in crate::commands) fn write(configuration: &Value) -> Result<String, Failure> {
    let text = toml::to_string_pretty(&plain_first(configuration)).map_err(|error| {
        let sentence = format!("the configuration cannot be written as TOML ({error})");
        Failure::new(Exit::Fault, sentence)
    })?;
    Ok(format!("{HEAD}{text}"))
}

/// Reads what [`write`] wrote, and what people made of it. `name` is the file's, for errors.
///
/// # Errors
/// It is no TOML: says where.
pub(super) fn read(text: &str, name: &str) -> Result<Map<String, Value>, Failure> {
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
        let sentence = format!("{name} is no TOML{place}: {problem}");
        Failure::new(Exit::Refused, sentence)
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
        let text = write(&configuration).unwrap();
        assert_eq!(Value::Object(read(&text, "f").unwrap()), configuration);
        assert!(text.contains("\nabc\n"), "{text}");
    }

    #[test]
    fn a_mistake_is_placed_and_not_repeated() {
        let failure = read("format = 1\n[[node]]\nname = \"secret", "site.toml").unwrap_err();
        let sentence = failure.to_string();
        assert!(
            sentence.contains("site.toml is no TOML at line 3, column "),
            "{sentence}"
        );
        assert!(
            !sentence.contains("secret") && !sentence.contains('\n'),
            "{sentence}"
        );
    }
}
