//! What only the real system's repository has: apps, streams, tasks, licences.
//!
//! Clients look at some of it when they start. They get the honest answer: there are none. Whoever
//! wants to make one is told that this is no place for it.

use serde_json::{Value, json};

use super::address::Verb;
use crate::answer::Answer;
use crate::problem::Problem;

/// Types of entities of QRS 38.22.0 that Jotgate does not have.
const TYPES: [&str; 34] = [
    "analyticconnection",
    "app",
    "appstatus",
    "compositeevent",
    "contentlibrary",
    "custombannermessage",
    "dataconnection",
    "engineservice",
    "event",
    "executionresult",
    "extension",
    "externalprogramtask",
    "fileextension",
    "license",
    "mimetype",
    "odagengine",
    "odagenginegroup",
    "odaglink",
    "odagrequest",
    "odagservice",
    "printingservice",
    "reloadtask",
    "repositoryservice",
    "schedulerservice",
    "schemaevent",
    "servernodeheartbeat",
    "sharedcontent",
    "staticcontentreference",
    "stream",
    "systemnotification",
    "systemrule",
    "task",
    "userdirectory",
    "usersynctask",
];

/// What is asked of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// How many there are.
    Count,
    /// One of them.
    Item,
    /// `license`: the one licence of a site.
    License,
    /// All of them.
    List,
    /// Chosen columns of all of them.
    Table,
}

impl Foreign {
    /// What these segments of an address, in lower case, ask for; nothing when they are about
    /// something else.
    pub(super) fn find(segments: &[&str]) -> Option<Self> {
        let (first, rest) = segments.split_first()?;
        if !TYPES.contains(first) {
            return None;
        }
        Some(match rest.last().copied() {
            None if *first == "license" => Self::License,
            Some("count") => Self::Count,
            Some("table") => Self::Table,
            // Also what is a part of it, such as `app/{id}/export`.
            Some(_) if rest.iter().any(|part| part.parse::<uuid::Uuid>().is_ok()) => Self::Item,
            _ => Self::List,
        })
    }

    pub(super) const fn verbs(self) -> &'static [Verb] {
        match self {
            Self::Table => &[Verb::Create],
            _ => &[Verb::Read],
        }
    }

    pub(super) fn answer(self) -> Result<Answer, Problem> {
        match self {
            Self::Count => Ok(Answer::Json(json!({"value": 0}))),
            Self::Item => Err(Problem::not_found(
                "There is no such entity: Jotgate is no repository of apps.",
            )),
            Self::License => Ok(Answer::Json(Value::Null)),
            Self::List => Ok(Answer::Json(json!([]))),
            Self::Table => Ok(Answer::Created(json!({
                "id": uuid::Uuid::new_v4(), "columnNames": [], "rows": [], "schemaPath": "Table",
            }))),
        }
    }
}
