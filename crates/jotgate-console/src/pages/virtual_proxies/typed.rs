//! What was typed into the edit page, as the properties of a document.
//!
//! The properties keep what cannot be accepted as it was typed, so that the page can show it again.

use jotgate_manage::{KeySet, PemError};
use jotgate_model::FieldErrors;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::fields::{self, Cell, Column, Kind};
use crate::form::Fields;

/// What a button beside a row does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowAction<'a> {
    verb: &'a str,
    field: &'a str,
    row: usize,
}

impl<'a> RowAction<'a> {
    /// From the value of the button: `remove:NAME:ROW`, `up:NAME:ROW` or `down:NAME:ROW`.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(':');
        let (verb, field, row) = (parts.next()?, parts.next()?, parts.next()?);
        let row = row.parse().ok()?;
        matches!(verb, "down" | "remove" | "up").then_some(Self { verb, field, row })
    }

    fn apply(&self, rows: &mut Vec<Value>) {
        match self.verb {
            "down" if self.row < rows.len().saturating_sub(1) => rows.swap(self.row, self.row + 1),
            "remove" if self.row < rows.len() => drop(rows.remove(self.row)),
            "up" if self.row > 0 && self.row < rows.len() => rows.swap(self.row, self.row - 1),
            _ => {}
        }
    }
}

/// Puts what was typed over `properties`.
pub(super) fn read(
    typed: &Fields,
    action: Option<&RowAction<'_>>,
    properties: &mut Map<String, Value>,
) -> FieldErrors {
    let mut errors = FieldErrors::default();
    for field in fields::all() {
        let name = field.name;
        let text = || typed.text(name).trim().to_owned();
        let value = match field.kind {
            Kind::Text => text().into(),
            Kind::Area => {
                let text = pem(name, typed.text(name), &mut errors);
                unless_same(text, properties.get(name))
            }
            Kind::Check(_) => typed.all(name).next().is_some().into(),
            Kind::Choice(options) => {
                check_option(name, &text(), options, &mut errors);
                text().into()
            }
            Kind::NumberChoice(options) => {
                check_option(name, &text(), options, &mut errors);
                number(name, text(), &mut errors)
            }
            Kind::Number(_) => number(name, text(), &mut errors),
            Kind::Headers => {
                let lines = header_lines(&rows(typed, name, HEADER, &[], action, &mut errors));
                let stored = properties.get(name).and_then(Value::as_str);
                let is_same = |stored: &&str| header_lines(&header_rows(stored)) == lines;
                stored.filter(is_same).unwrap_or(&lines).into()
            }
            Kind::Rows(columns) => {
                let stored = properties.get(name).and_then(Value::as_array);
                let stored = stored.map_or(&[][..], Vec::as_slice);
                rows(typed, name, columns, stored, action, &mut errors).into()
            }
            Kind::Lines(_) => {
                let mut lines: Vec<Value> = typed.all(name).map(|v| v.trim().into()).collect();
                act(action, name, &mut lines);
                lines.retain(|line| line.as_str() != Some(""));
                lines.into()
            }
            Kind::Nodes | Kind::Tags => {
                let ids = typed.all(name).filter(|id| id.parse::<Uuid>().is_ok());
                ids.map(Value::from).collect()
            }
            Kind::Ticks(options) => {
                let ticked = options.iter().filter(|o| typed.all(name).any(|v| v == **o));
                ticked.map(|option| Value::from(*option)).collect()
            }
        };
        properties.insert(name.to_owned(), value);
    }
    errors
}

/// The columns of header lines.
pub(super) const HEADER: &[Column] = &[
    Column {
        name: "name",
        label: "Name",
        kind: Cell::Text,
    },
    Column {
        name: "value",
        label: "Value",
        kind: Cell::Text,
    },
];

/// Header lines as rows.
pub(super) fn header_rows(lines: &str) -> Vec<Value> {
    let lines = lines.lines().filter(|line| !line.trim().is_empty());
    let rows = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        serde_json::json!({ "name": name.trim(), "value": value.trim() })
    });
    rows.collect()
}

/// Rows as header lines.
pub(super) fn header_lines(rows: &[Value]) -> String {
    let text = |row: &Value, of: &str| row[of].as_str().unwrap_or_default().to_owned();
    let lines = rows
        .iter()
        .map(|row| format!("{}: {}", text(row, "name"), text(row, "value")));
    lines.collect::<Vec<_>>().join("\n")
}

/// Certificates and public keys. A private key goes no further, not even back to the page.
pub(super) fn pem(name: &str, text: &str, errors: &mut FieldErrors) -> String {
    if let Some(problem) = secret(text) {
        errors.push(name, problem);
        return String::new();
    }
    plain_lines(text)
}

/// What is said of a text that holds a private key in any form, or a token, instead of showing it again.
pub(super) fn secret(text: &str) -> Option<String> {
    let found = KeySet::from_pem(text).err().filter(PemError::is_secret);
    let named = || text.contains("PRIVATE KEY").then_some(PemError::PrivateKey);
    found.or_else(named).map(|error| error.to_string())
}

/// Browsers send CRLF (HTML standard, "constructing the entry list").
fn plain_lines(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

/// The stored text, when one differs in line ends and blanks only: nobody has changed it.
fn unless_same<'a>(text: String, stored: impl IntoIterator<Item = &'a Value>) -> Value {
    let mut stored = stored.into_iter().filter_map(Value::as_str);
    match stored.find(|stored| plain_lines(stored) == text) {
        Some(stored) => stored.into(),
        None => text.into(),
    }
}

fn number(name: &str, text: String, errors: &mut FieldErrors) -> Value {
    match text.parse::<u32>() {
        Ok(number) => number.into(),
        Err(_) => {
            errors.push(name, "must be a whole number, 0 or more");
            text.into()
        }
    }
}

fn check_option(name: &str, text: &str, options: &[(&str, &str)], errors: &mut FieldErrors) {
    if !options.iter().any(|(value, _)| *value == text) {
        errors.push(name, "is none of the values that can be chosen");
    }
}

fn rows(
    typed: &Fields,
    name: &str,
    columns: &[Column],
    stored: &[Value],
    action: Option<&RowAction<'_>>,
    errors: &mut FieldErrors,
) -> Vec<Value> {
    let values: Vec<Vec<&str>> = columns
        .iter()
        .map(|column| typed.all(&format!("{name}.{}", column.name)).collect())
        .collect();
    let count = values.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows: Vec<Value> = (0..count)
        .map(|i| {
            let cells = columns.iter().zip(&values);
            let cells = cells.filter_map(|(column, values)| {
                let text = values.get(i).copied().unwrap_or_default();
                let value = match column.kind {
                    Cell::Area => {
                        let stored = stored.iter().map(|row| &row[column.name]);
                        unless_same(pem(name, text, errors), stored)
                    }
                    kind => cell(kind, text)?,
                };
                Some((column.name.to_owned(), value))
            });
            Value::Object(cells.collect())
        })
        .collect();
    act(action, name, &mut rows);
    rows.retain(|row| !is_blank(row, columns));
    rows
}

fn cell(kind: Cell, text: &str) -> Option<Value> {
    match kind {
        Cell::Area | Cell::Text => Some(text.trim().into()),
        Cell::YesNo => Some((text == "true").into()),
        // A new row gets one from the save.
        Cell::Definition | Cell::Id => text.parse::<Uuid>().is_ok().then(|| text.into()),
    }
}

fn is_blank(row: &Value, columns: &[Column]) -> bool {
    let mut cells = columns
        .iter()
        .filter(|c| matches!(c.kind, Cell::Area | Cell::Text));
    cells.all(|column| row[column.name].as_str().is_none_or(str::is_empty))
}

fn act(action: Option<&RowAction<'_>>, name: &str, rows: &mut Vec<Value>) {
    if let Some(action) = action.filter(|action| action.field == name) {
        action.apply(rows);
    }
}
