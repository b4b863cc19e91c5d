//! The audit trail: who did what, to what, from where, and what became of it.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use jotgate_manage::{AuditFilter, AuditRow};
use jotgate_model::Timestamp;

use crate::Console;
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
    let trail = Trail {
        frame: visit.frame("Audit", HERE),
        older: oldest.map(|row| address(&row.sequence.to_string())),
        newest: before.map(|_| address("")),
        rows: found.into_iter().map(Row::from).collect(),
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
    before: Option<String>,
    after: Option<String>,
}

impl From<AuditRow> for Row {
    fn from(row: AuditRow) -> Self {
        let at = Timestamp::from_millis(row.at).to_string();
        let at: String = at.chars().take(19).collect();
        let name = if row.subject_name.is_empty() {
            row.subject_id
        } else {
            row.subject_name
        };
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
            before: row.before,
            after: row.after,
        }
    }
}

#[cfg(test)]
mod tests;
