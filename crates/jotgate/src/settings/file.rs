//! Settings in a TOML file.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::error::{SettingError, Source, meant};
use super::layers::{Found, Layer, read_limited};
use super::table::{self, ALL, Setting, Shape};

/// The longest settings file.
const MAX_FILE: u64 = 1 << 20;

/// Reads the file that `path` names. Lists are arrays, switches are booleans, numbers may be numbers;
/// everything else is a string.
///
/// # Errors
/// The file cannot be read, is no TOML, has a key that is no setting, or a value of the wrong kind.
pub(crate) fn read(path: &Found) -> Result<Layer, SettingError> {
    let file = PathBuf::from(path.values.concat());
    let wrong = |problem: &str| {
        SettingError::without_value(
            &path.source,
            &format!("names {}, which {problem}", file.display()),
        )
    };
    let bytes = read_limited(&file, MAX_FILE)
        .map_err(|error| {
            wrong(&format!(
                "cannot be read ({error}); name a readable TOML file"
            ))
        })?
        .ok_or_else(|| wrong("is longer than 1 MiB; name a TOML file with settings"))?;
    let text =
        String::from_utf8(bytes).map_err(|_| wrong("is no text; write the settings in UTF-8"))?;
    parse(&file, &text)
}

fn parse(file: &Path, text: &str) -> Result<Layer, SettingError> {
    let document = DeTable::parse(text).map_err(|error| {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        // The message alone: the rest of the display shows the line, which may hold a secret.
        let message = error.message().replace('\n', ", ");
        SettingError::sentence(format!(
            "{}: line {line} is no TOML ({message}); write for instance listen = [\"0.0.0.0:8443\"]",
            file.display()
        ))
    })?;
    let mut layer = Layer::new();
    for (key, value) in document.get_ref() {
        let name = key.get_ref();
        let setting = table::by_name(name)
            .filter(|setting| setting.name != table::CONFIG.name)
            .ok_or_else(|| unknown(file, line_of(text, key.span().start), name))?;
        let source = Source::Key {
            file: file.to_path_buf(),
            key: setting.name.to_owned(),
        };
        let values = values(setting, value.get_ref())
            .map_err(|problem| SettingError::without_value(&source, problem))?;
        layer.insert(setting.name, Found { source, values });
    }
    Ok(layer)
}

fn unknown(file: &Path, line: usize, key: &str) -> SettingError {
    let names = ALL.iter().map(|setting| setting.name);
    let advice = match meant(key, names.filter(|name| *name != table::CONFIG.name)) {
        Some(close) => format!("did you mean {close}?"),
        None => "remove it, or see `jotgate serve --help` for the settings".to_owned(),
    };
    SettingError::sentence(format!(
        "{}: {key:?} in line {line} is no setting; {advice}",
        file.display()
    ))
}

fn values(setting: &Setting, value: &DeValue<'_>) -> Result<Vec<String>, &'static str> {
    match (setting.shape, value) {
        (Shape::List, DeValue::Array(items)) => items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Ok(text.to_string()),
                _ => Err("takes an array of strings; put each value in quotes"),
            })
            .collect(),
        (Shape::List, _) => Err("takes an array; write [\"...\"]"),
        (Shape::Switch, DeValue::Boolean(value)) => Ok(vec![value.to_string()]),
        (Shape::Switch, _) => Err("is on or off; write true or false"),
        (Shape::One, DeValue::String(text)) => Ok(vec![text.to_string()]),
        (Shape::One, DeValue::Integer(number)) => Ok(vec![number.to_string()]),
        (Shape::One, DeValue::Float(number)) => Ok(vec![number.to_string()]),
        (Shape::One, _) => Err("takes one value; write a string in quotes or a whole number"),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}
