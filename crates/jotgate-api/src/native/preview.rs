//! A draft, tried without effect.

use axum::extract::State;
use jotgate_manage::{AffectedSession, SessionEffects, SessionGroup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Native;
use super::draft::{ChangeRequest, draft};
use super::endpoint::Endpoint;
use super::input::{Body, Caller};
use super::output::{Answer, ComparisonAnswer, date};
use super::trouble::Trouble;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(
            "/configuration/preview",
            "Checks a configuration or changes, and says what would change and who would notice",
            preview,
        )
        .body::<PreviewRequest>()
        .answer::<PreviewAnswer>(),
    ]
}

/// A draft to try, and whether sessions would end whose key it removes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct PreviewRequest {
    base: Option<u64>,
    configuration: Option<Map<String, Value>>,
    changes: Option<Vec<ChangeRequest>>,
    #[serde(default)]
    end_sessions: bool,
}

/// What would change, and for whom.
#[derive(Serialize, JsonSchema)]
pub(super) struct PreviewAnswer {
    #[serde(flatten)]
    comparison: ComparisonAnswer,
    sessions: SessionsAnswer,
}

/// What would become of the sessions that there are: all are counted, some of each group are named.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SessionsAnswer {
    looked_at: usize,
    affected: usize,
    groups: Vec<GroupAnswer>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GroupAnswer {
    outcome: &'static str,
    reason: &'static str,
    why: &'static str,
    virtual_proxy: String,
    prefix: String,
    count: usize,
    sessions: Vec<AffectedAnswer>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AffectedAnswer {
    id: String,
    user: String,
    created: String,
    open_sockets: usize,
}

async fn preview(
    State(native): State<Native>,
    Caller(actor): Caller,
    Body(request): Body<PreviewRequest>,
) -> Result<Answer<PreviewAnswer>, Trouble> {
    let draft = draft(request.base, request.configuration, request.changes)?;
    let now = (native.clock)();
    let management = &native.management;
    let preview = management.preview_draft(&actor, &draft, request.end_sessions, now);
    let preview = preview.await?;
    Ok(Answer(PreviewAnswer {
        comparison: preview.comparison.into(),
        sessions: preview.sessions.into(),
    }))
}

impl From<SessionEffects> for SessionsAnswer {
    fn from(effects: SessionEffects) -> Self {
        Self {
            looked_at: effects.looked_at,
            affected: effects.affected,
            groups: effects.groups.into_iter().map(GroupAnswer::from).collect(),
        }
    }
}

impl From<SessionGroup> for GroupAnswer {
    fn from(group: SessionGroup) -> Self {
        let named = |session: AffectedSession| AffectedAnswer {
            id: session.id,
            user: session.user,
            created: date(session.created),
            open_sockets: session.sockets,
        };
        Self {
            outcome: group.outcome.id(),
            reason: group.effect.id(),
            why: group.effect.sentence(),
            virtual_proxy: group.virtual_proxy.to_string(),
            prefix: group.prefix,
            count: group.count,
            sessions: group.sessions.into_iter().map(named).collect(),
        }
    }
}
