//! The fields of the edit page as its template shows them: values, options, and what is wrong.

use std::collections::HashSet;

use jotgate_model::{Documents, FieldErrors, HostPattern};
use serde_json::{Map, Value};

use super::explained::ShownKey;
use super::fields::{Cell, Column, Field, Kind, SECTIONS};
use super::typed::{HEADER, header_rows};

/// What the values of fields are shown with.
pub(super) struct Around<'a> {
    pub(super) documents: &'a Documents,
    /// What the JWT certificate holds.
    pub(super) keys: Vec<ShownKey>,
}

pub(super) struct ShownSection {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) fields: Vec<ShownField>,
}

impl ShownSection {
    pub(super) fn is_wrong(&self) -> bool {
        self.fields.iter().any(|field| !field.problems.is_empty())
    }
}

pub(super) struct ShownField {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) help: &'static str,
    pub(super) only: &'static str,
    pub(super) problems: Vec<String>,
    pub(super) control: Control,
    pub(super) keys: Vec<ShownKey>,
}

impl ShownField {
    /// Whether a tab may keep what is typed: certificates and headers to backends may be secrets.
    pub(super) fn is_kept(&self) -> bool {
        let is_of_keys = match &self.control {
            Control::Area(_) => true,
            Control::Rows { stacked, .. } => *stacked,
            _ => false,
        };
        !is_of_keys && self.name != "backendHeaders"
    }
}

pub(super) enum Control {
    Area(String),
    Check {
        checked: bool,
        words: &'static str,
    },
    Choice(Vec<Choice>),
    Lines {
        rows: Vec<Line>,
        example: &'static str,
    },
    Number {
        value: String,
        unit: &'static str,
    },
    Rows {
        rows: Vec<Vec<ShownCell>>,
        stacked: bool,
    },
    Text(String),
    Ticks(Vec<Choice>),
}

/// A value that can be chosen.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) words: String,
    pub(super) chosen: bool,
}

/// A text of a list, and what it means.
pub(super) struct Line {
    pub(super) text: String,
    pub(super) meaning: String,
}

pub(super) struct ShownCell {
    pub(super) name: String,
    pub(super) label: &'static str,
    pub(super) kind: Cell,
    pub(super) text: String,
    pub(super) options: Vec<Choice>,
}

pub(super) fn sections(
    properties: &Map<String, Value>,
    errors: &FieldErrors,
    around: &Around<'_>,
) -> Vec<ShownSection> {
    let sections = SECTIONS.iter().map(|section| ShownSection {
        id: section.id,
        title: section.title,
        lead: section.lead,
        fields: section
            .fields
            .iter()
            .map(|field| shown(field, properties, errors, around))
            .collect(),
    });
    sections.collect()
}

/// What is wrong and has no field on the page.
pub(super) fn homeless(errors: &FieldErrors) -> Vec<String> {
    let known: HashSet<_> = super::fields::all().map(|field| field.name).collect();
    let others = errors
        .0
        .iter()
        .filter(|e| !known.contains(split(&e.field).0));
    others.map(ToString::to_string).collect()
}

/// A field's own name, and the row that the rest of its path names, from 1 on.
fn split(path: &str) -> (&str, Option<usize>) {
    let name = path.split(['[', '.']).next().unwrap_or_default();
    let index = path
        .split(['[', ']'])
        .nth(1)
        .and_then(|i| i.parse::<usize>().ok());
    (name, index.map(|i| i.saturating_add(1)))
}

fn shown(
    field: &Field,
    properties: &Map<String, Value>,
    errors: &FieldErrors,
    around: &Around<'_>,
) -> ShownField {
    let own = errors.0.iter().filter(|e| split(&e.field).0 == field.name);
    let problems = own.map(|error| match split(&error.field).1 {
        Some(row) => format!("Row {row} {}", error.problem),
        None => format!("It {}", error.problem),
    });
    let value = properties.get(field.name).unwrap_or(&Value::Null);
    let keys = match field.name {
        "jwtPublicKeyCertificate" => around.keys.clone(),
        _ => Vec::new(),
    };
    ShownField {
        name: field.name,
        label: field.label,
        help: field.help,
        only: field.only,
        problems: problems.collect(),
        control: control(field, value, around.documents),
        keys,
    }
}

fn control(field: &Field, value: &Value, documents: &Documents) -> Control {
    match field.kind {
        Kind::Area => Control::Area(text(value)),
        Kind::Text => Control::Text(text(value)),
        Kind::Check(words) => Control::Check {
            checked: value == &Value::Bool(true),
            words,
        },
        Kind::Number(unit) => Control::Number {
            value: text(value),
            unit,
        },
        Kind::Choice(options) | Kind::NumberChoice(options) => Control::Choice(
            options
                .iter()
                .map(|(its, words)| choice(its, words, text(value) == *its))
                .collect(),
        ),
        Kind::Ticks(options) => {
            let ticked = options.iter().map(|o| choice(o, o, has(value, o)));
            Control::Ticks(ticked.collect())
        }
        Kind::Nodes => {
            let nodes = documents.nodes.values();
            Control::Ticks(picks(
                value,
                nodes.map(|node| (node.metadata.id.to_string(), &node.name)),
            ))
        }
        Kind::Tags => {
            let tags = documents.tags.values();
            Control::Ticks(picks(
                value,
                tags.map(|tag| (tag.metadata.id.to_string(), &tag.name)),
            ))
        }
        Kind::Lines(example) => {
            let lines = items(value).iter().map(text);
            let lines = lines.map(|text| Line {
                meaning: match field.name {
                    "websocketCrossOriginWhiteList" => meaning(&text),
                    _ => String::new(),
                },
                text,
            });
            let rows = lines.chain([Line {
                text: String::new(),
                meaning: String::new(),
            }]);
            let rows = rows.collect();
            Control::Lines { rows, example }
        }
        Kind::Headers => {
            let rows = header_rows(value.as_str().unwrap_or_default());
            table(field.name, HEADER, &rows, documents)
        }
        Kind::Rows(columns) => table(field.name, columns, items(value), documents),
    }
}

/// The rows, and an empty one behind them.
fn table(name: &str, columns: &[Column], rows: &[Value], documents: &Documents) -> Control {
    let rows = rows.iter().chain([&Value::Null]);
    let rows = rows.map(|row| {
        let cells = columns.iter().map(|column| {
            let text = text(&row[column.name]);
            ShownCell {
                name: format!("{name}.{}", column.name),
                label: column.label,
                kind: column.kind,
                options: match column.kind {
                    Cell::Definition => definitions(&text, documents),
                    _ => Vec::new(),
                },
                text,
            }
        });
        cells.collect()
    });
    Control::Rows {
        rows: rows.collect(),
        stacked: columns.iter().any(|column| column.kind == Cell::Area),
    }
}

fn definitions(chosen: &str, documents: &Documents) -> Vec<Choice> {
    let all = documents.custom_properties.values();
    let own = all.filter(|d| {
        d.object_types
            .iter()
            .any(|object| object == "VirtualProxyConfig")
    });
    let own = own.map(|d| {
        let id = d.metadata.id.to_string();
        choice(&id, &d.name, id == chosen)
    });
    own.collect()
}

fn picks<'a>(value: &Value, all: impl Iterator<Item = (String, &'a String)>) -> Vec<Choice> {
    let mut all: Vec<_> = all
        .map(|(id, name)| choice(&id, name, has(value, &id)))
        .collect();
    all.sort_by_key(|choice| choice.words.to_lowercase());
    all
}

fn choice(value: &str, words: &str, chosen: bool) -> Choice {
    Choice {
        value: value.to_owned(),
        words: words.to_owned(),
        chosen,
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn has(value: &Value, wanted: &str) -> bool {
    items(value)
        .iter()
        .any(|item| item.as_str() == Some(wanted))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What an entry of the host allow list matches, in words; nothing for one that cannot be accepted.
fn meaning(entry: &str) -> String {
    let Ok(pattern) = HostPattern::parse(entry) else {
        return String::new();
    };
    let shown = pattern.to_string();
    let is_port = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (host, port) = match shown.rsplit_once(':') {
        Some((host, port)) if is_port(port) => (host, format!("port {port} only")),
        _ => (&*shown, "any port".to_owned()),
    };
    match host.strip_prefix("*.") {
        Some(domain) => format!("any subdomain of {domain}, not {domain} itself, {port}"),
        None => format!("{host} alone, {port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_the_allow_list_are_explained() {
        for (entry, expected) in [
            (
                "*.example.com",
                "any subdomain of example.com, not example.com itself, any port",
            ),
            ("Portal.example.com", "portal.example.com alone, any port"),
            (
                "portal.example.com:8443",
                "portal.example.com alone, port 8443 only",
            ),
            ("10.0.0.5", "10.0.0.5 alone, any port"),
            ("[::1]:8443", "[::1] alone, port 8443 only"),
            ("::1", "[::1] alone, any port"),
            ("https://x", ""),
            ("", ""),
        ] {
            assert_eq!(meaning(entry), expected, "{entry}");
        }
    }

    #[test]
    fn every_field_has_its_help() {
        for field in super::super::fields::all() {
            assert!(!field.help.is_empty(), "{}", field.name);
        }
    }
}
