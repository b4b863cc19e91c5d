//! The audit trail: listed, exported, verified.

use axum::body::Body as Stream;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use jotgate_manage::{
    AuditFilter, AuditHead, AuditRow, AuditVerdict, MAX_AUDIT_ROWS, ManageError, Management,
};
use jotgate_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Native;
use super::endpoint::Endpoint;
use super::input::{Caller, Parameters};
use super::output::Answer;
use super::trouble::Trouble;
use crate::whole::Whole;

/// How many rows are listed when nobody says.
const USUAL: u32 = 100;
/// JSON, one object a line.
const LINES: &str = "application/x-ndjson";
/// How many rows an export has that is not sent while it is read.
const MAX_WHOLE: u64 = 10_000;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let list_summary = "The audit trail, newest first; with Accept: application/x-ndjson all of it, \
         oldest first, one object a line";
    let verify_summary = "Whether every row of the audit trail is as it was written";
    vec![
        Endpoint::get("/audit", list_summary, list)
            .query::<Choice>()
            .answer::<AuditAnswer>(),
        Endpoint::get("/audit/verify", verify_summary, verify)
            .query::<Expected>()
            .answer::<VerdictAnswer>(),
    ]
}

/// Which rows: those that fit everything that is set.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    /// Those before the row of this number.
    before: Option<i64>,
    /// Those after the row of this number.
    after: Option<i64>,
    /// Not older than this date.
    since: Option<String>,
    /// Older than this date.
    until: Option<String>,
    /// Of exactly this actor.
    actor: Option<String>,
    /// Of exactly this action, or of all that begin with it and a dot.
    action: Option<String>,
    /// About whatever has exactly this id or name.
    subject: Option<String>,
    /// `done`, `failed` or `refused`.
    outcome: Option<String>,
    /// How many at most: 100 when nobody says, never more than 1000. An export has no limit.
    limit: Option<u32>,
}

impl Choice {
    fn filter(&self) -> Result<AuditFilter, Trouble> {
        if let Some(outcome) = &self.outcome
            && !["done", "failed", "refused"].contains(&outcome.as_str())
        {
            let detail = "The parameter outcome must be done, failed or refused.";
            return Err(Trouble::bad_request(detail));
        }
        Ok(AuditFilter {
            before: self.before,
            after: self.after,
            since: date("since", self.since.as_deref())?,
            until: date("until", self.until.as_deref())?,
            actor: self.actor.clone(),
            action: self.action.clone(),
            subject: self.subject.clone(),
            outcome: self.outcome.clone(),
        })
    }
}

fn date(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Trouble> {
    let parsed = text.map(str::parse::<Timestamp>).transpose();
    parsed.map_err(|_| {
        Trouble::bad_request(format!(
            "The parameter {name} must be a date like 2026-11-22T08:55:17Z."
        ))
    })
}

/// Newest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct AuditAnswer {
    rows: Vec<Value>,
    /// Where the next page begins, as `before`; nothing when there is none.
    next: Option<i64>,
}

async fn list(
    State(native): State<Native>,
    Caller(_): Caller,
    whole: Option<Extension<Whole>>,
    headers: HeaderMap,
    Parameters(choice): Parameters<Choice>,
) -> Result<Response, Trouble> {
    let filter = choice.filter()?;
    let management = native.management;
    if wants_lines(&headers) {
        let limit = choice.limit.map_or(u64::MAX, u64::from);
        let limit = if whole.is_some() {
            limit.min(MAX_WHOLE)
        } else {
            limit
        };
        return export(management, filter, limit).await;
    }
    let limit = choice.limit.unwrap_or(USUAL).min(MAX_AUDIT_ROWS);
    let rows = management.audit_rows(&filter, limit).await?;
    let is_full = rows.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = rows.last().filter(|_| is_full).map(|row| row.sequence);
    let rows = rows.iter().map(AuditRow::to_value).collect();
    Ok(Answer(AuditAnswer { rows, next }).into_response())
}

fn wants_lines(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    let mut accepted = accepted.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    accepted.any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case(LINES)
    })
}

/// Rows are read as the client takes them: a page at a time is in memory.
async fn export(
    management: Management,
    filter: AuditFilter,
    limit: u64,
) -> Result<Response, Trouble> {
    // An export has everything up to now, and what cannot be read at all is no half of an answer.
    let first = page(&management, &filter, limit).await?;
    let begin = (management, filter, limit, Some(first));
    let pages = stream::try_unfold(begin, async |(management, mut filter, limit, read)| {
        let rows = match read {
            Some(rows) => rows,
            None => page(&management, &filter, limit).await?,
        };
        let Some(last) = rows.last() else {
            return Ok::<_, ManageError>(None);
        };
        filter.after = Some(last.sequence);
        let limit = limit.saturating_sub(rows.len() as u64);
        let lines: String = rows
            .iter()
            .map(|row| format!("{}\n", row.to_value()))
            .collect();
        Ok(Some((lines, (management, filter, limit, None))))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(LINES)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        ),
    ];
    Ok((headers, Stream::from_stream(pages)).into_response())
}

async fn page(
    management: &Management,
    filter: &AuditFilter,
    limit: u64,
) -> Result<Vec<AuditRow>, ManageError> {
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    management.oldest_audit_rows(filter, limit).await
}

/// A row that must still be there: `SEQUENCE:MAC`, as the log has it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    head: Option<String>,
}

/// What became of the trail.
#[derive(Serialize, JsonSchema)]
pub(super) struct VerdictAnswer {
    /// How many rows are as they were written, from the first one on.
    good: i64,
    /// The newest of them: `SEQUENCE:MAC`.
    head: String,
    /// The first thing that is wrong.
    problem: Option<ProblemAnswer>,
}

#[derive(Serialize, JsonSchema)]
struct ProblemAnswer {
    row: i64,
    damage: &'static str,
    sentence: String,
}

impl From<AuditVerdict> for VerdictAnswer {
    fn from(verdict: AuditVerdict) -> Self {
        Self {
            good: verdict.good,
            head: verdict.head.to_string(),
            problem: verdict.problem.map(|problem| ProblemAnswer {
                row: problem.row,
                damage: problem.damage.name(),
                sentence: problem.sentence,
            }),
        }
    }
}

async fn verify(
    State(native): State<Native>,
    Caller(_): Caller,
    Parameters(expected): Parameters<Expected>,
) -> Result<Answer<VerdictAnswer>, Trouble> {
    let head = expected.head.map(|head| head.parse::<AuditHead>());
    let head = head
        .transpose()
        .map_err(|problem| Trouble::bad_request(format!("The parameter head {problem}.")))?;
    let heads: Vec<AuditHead> = head.into_iter().collect();
    let verdict = native.management.verify_audit(&heads).await?;
    Ok(Answer(verdict.into()))
}
