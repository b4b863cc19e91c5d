//! Secrets of a configuration: in files and variables, not in the file that is compared and kept.

use std::path::Path;

use jotgate_repository::SECRET_FIELDS;
use serde_json::{Map, Value};

use crate::exit::{Exit, Failure};
use crate::settings::read_limited;

/// The longest secret.
const MAX_SECRET: u64 = 1 << 20;

/// Puts the contents of files (`{ file = "..." }`, beside the configuration) and variables
/// (`{ env = "..." }`) where the configuration names them.
///
/// # Errors
/// A file or a variable cannot be read.
pub(super) fn fill_in(
    configuration: &mut Map<String, Value>,
    folder: &Path,
    name: &str,
) -> Result<(), Failure> {
    let tables = configuration.values_mut().filter_map(Value::as_array_mut);
    for table in tables.flatten().filter_map(Value::as_object_mut) {
        for field in SECRET_FIELDS {
            if let Some(value) = table.get_mut(field) {
                let read = secret(value, folder).map_err(|problem| {
                    Failure::new(Exit::Refused, format!("{name}: {field}: {problem}"))
                })?;
                if let Some(text) = read {
                    *value = Value::String(text);
                }
            }
        }
    }
    Ok(())
}

/// The secret that a reference leads to; nothing for anything else, which the gateway judges.
fn secret(value: &Value, folder: &Path) -> Result<Option<String>, String> {
    let Value::Object(members) = value else {
        return Ok(None);
    };
    let mut members = members.iter();
    match (members.next(), members.next()) {
        (Some((how, Value::String(file))), None) if how == "file" => {
            let path = folder.join(file);
            let wrong = |problem: &dyn std::fmt::Display| format!("{} {problem}", path.display());
            let bytes = read_limited(&path, MAX_SECRET)
                .map_err(|error| wrong(&format_args!("cannot be read ({error})")))?
                .ok_or_else(|| wrong(&"is too long for a secret"))?;
            let text = String::from_utf8(bytes).map_err(|_| wrong(&"is no text"))?;
            Ok(Some(one_line_without_its_end(text)))
        }
        (Some((how, Value::String(variable))), None) if how == "env" => std::env::var(variable)
            .map(Some)
            .map_err(|_| format!("the variable {variable} is not set, or is no text")),
        _ => Ok(None),
    }
}

/// Editors end a line; a password does not end with one. A PEM block is left as it is.
fn one_line_without_its_end(mut text: String) -> String {
    if text.matches('\n').count() == 1 && text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_followed_and_everything_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "s3cret\n").unwrap();
        let mut configuration = json!({
            "format": 1,
            "virtualProxy": [{"oidcClientSecret": {"file": "secret"}}],
            "node": [{"clientKey": {"keep": true}}, {"clientKey": 7}],
        });
        let members = configuration.as_object_mut().unwrap();
        fill_in(members, folder.path(), "f").unwrap();
        assert_eq!(members["virtualProxy"][0]["oidcClientSecret"], "s3cret");
        assert_eq!(members["node"][0]["clientKey"], json!({"keep": true}));

        for reference in [
            json!({"file": "none"}),
            json!({"env": "JOTGATE_TEST_UNSET"}),
        ] {
            let mut wrong = json!({"node": [{"clientKey": reference}]});
            let failure = fill_in(wrong.as_object_mut().unwrap(), folder.path(), "f").unwrap_err();
            assert_eq!(failure.exit, Exit::Refused);
        }
    }
}
