//! The audit trail: who did what, to what, from where, and what became of it.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use jotgate_manage::{AuditFilter, AuditRow};
use jotgate_model::{Documents, Timestamp};
use serde_json::{Map, Value};

use crate::Console;
use crate::differences::{Field, named};
use crate::frame::{Frame, Stop, page};
use crate::paging::{PER_PAGE, with_query};
use crate::visit::Visit;

/// The path of the list.
const HERE: &str = "/audit";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(HERE, get(show))
}

async fn show(visit: Visit) -> Result<Response, Stop> {
    let asked = Asked::of(&visit);
    let before: Option<i64> = visit.parameter("before").parse().ok();
    let filter = asked.filter(before);
    // One more than is shown tells whether there are older ones.
    let found = visit.management().audit_rows(&filter, PER_PAGE as u32 + 1);
    let mut found = found.await.map_err(|error| visit.problem(&error))?;
    let has_older = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    let oldest = found.last().filter(|_| has_older);
    let address = |before: &str| {
        let [actor, action, subject, outcome] = asked.parameters();
        let parameters = [actor, action, subject, outcome, ("before", before)];
        with_query(visit.address(HERE), &parameters)
    };
    let snapshot = visit.snapshot();
    let names = &snapshot.documents;
    let trail = Trail {
        frame: visit.frame("Audit", HERE),
        older: oldest.map(|row| address(&row.sequence.to_string())),
        newest: before.map(|_| address("")),
        rows: found.into_iter().map(|row| Row::of(row, names)).collect(),
        asked,
    };
    Ok(page(StatusCode::OK, &trail))
}

/// What is asked of the list, as the address has it.
struct Asked {
    actor: String,
    action: String,
    subject: String,
    outcome: String,
}

impl Asked {
    fn of(visit: &Visit) -> Self {
        let text = |name| visit.parameter(name).trim().to_owned();
        Self {
            actor: text("actor"),
            action: text("action"),
            subject: text("subject"),
            outcome: text("outcome"),
        }
    }

    fn filter(&self, before: Option<i64>) -> AuditFilter {
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        AuditFilter {
            before,
            actor: said(&self.actor),
            action: said(&self.action),
            subject: said(&self.subject),
            outcome: said(&self.outcome),
            ..AuditFilter::default()
        }
    }

    fn parameters(&self) -> [(&'static str, &str); 4] {
        [
            ("actor", &self.actor),
            ("action", &self.action),
            ("subject", &self.subject),
            ("outcome", &self.outcome),
        ]
    }
}

#[derive(Template)]
#[template(path = "audit/trail.html")]
struct Trail {
    frame: Frame,
    asked: Asked,
    /// Where the next page is, and the first one.
    older: Option<String>,
    newest: Option<String>,
    rows: Vec<Row>,
}

impl Trail {
    fn outcomes(&self) -> [&'static str; 3] {
        ["done", "refused", "failed"]
    }
}

/// Something that was done.
struct Row {
    sequence: i64,
    at: String,
    actor: String,
    kind: String,
    source: String,
    action: String,
    subject: String,
    revision: Option<i64>,
    outcome: String,
    is_done: bool,
    reason: String,
    fields: Vec<Field>,
}

impl Row {
    fn of(row: AuditRow, names: &Documents) -> Self {
        let at = Timestamp::from_millis(row.at).to_string();
        let at: String = at.chars().take(19).collect();
        let name = if row.subject_name.is_empty() {
            row.subject_id
        } else {
            row.subject_name
        };
        let name = named(&name, names).unwrap_or(name);
        Self {
            sequence: row.sequence,
            at: at.replace('T', " "),
            actor: row.actor,
            kind: row.actor_kind,
            source: row.source,
            action: row.action,
            subject: format!("{} {name}", row.subject_kind).trim().to_owned(),
            revision: row.revision,
            is_done: row.outcome == "done",
            outcome: row.outcome,
            reason: row.reason,
            fields: fields(row.before.as_deref(), row.after.as_deref(), names),
        }
    }
}

/// The fields of both sides, which a row has as JSON.
fn fields(before: Option<&str>, after: Option<&str>, names: &Documents) -> Vec<Field> {
    let side = |text: Option<&str>| match text.map(serde_json::from_str) {
        Some(Ok(Value::Object(fields))) => fields,
        _ => Map::new(),
    };
    let (before, after) = (side(before), side(after));
    let mut all: Vec<&String> = before.keys().chain(after.keys()).collect();
    all.sort_unstable();
    all.dedup();
    let value = |side: &Map<String, Value>, name: &str| side.get(name).cloned().unwrap_or_default();
    all.into_iter()
        .map(|name| {
            Field::of(
                name.clone(),
                &value(&before, name),
                &value(&after, name),
                names,
            )
        })
        .collect()
}

#[cfg(test)]
mod tests;
