//! A draft, tried without effect.

use axum::extract::State;
use jotgate_manage::{
    AffectedSession, BackendTrial, BackendTrials, RecentRequest, RequestEffects, SessionEffects,
    SessionGroup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Native;
use super::draft::{ChangeRequest, draft};
use super::endpoint::Endpoint;
use super::input::{Body, Caller};
use super::keys_tried::KeysTriedAnswer;
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
    requests: RequestsTriedAnswer,
    backends: BackendsTriedAnswer,
    keys: KeysTriedAnswer,
}

/// How the backends answer that the draft adds, or that connections are made to otherwise; `notTried` is
/// how many more there are.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct BackendsTriedAnswer {
    tried: Vec<BackendTriedAnswer>,
    not_tried: usize,
}

/// One service of a node, tried once.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct BackendTriedAnswer {
    node: String,
    node_name: String,
    service: String,
    address: String,
    outcome: &'static str,
    detail: String,
    milliseconds: u64,
    remedy: Option<&'static str>,
}

/// What would become of the newest requests of the live feed, were they sent again.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RequestsTriedAnswer {
    looked_at: usize,
    unknown: usize,
    groups: Vec<RequestGroupAnswer>,
}

/// Without a `reason` they would reach another virtual proxy than they did.
#[derive(Serialize, JsonSchema)]
struct RequestGroupAnswer {
    reason: Option<&'static str>,
    count: usize,
    requests: Vec<RequestTriedAnswer>,
}

#[derive(Serialize, JsonSchema)]
struct RequestTriedAnswer {
    number: u64,
    time: String,
    method: String,
    path: String,
    user: Option<String>,
    status: u16,
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
    let preview = management.preview_draft(&actor, &draft, request.end_sessions, usize::MAX, now);
    let preview = preview.await?;
    Ok(Answer(PreviewAnswer {
        comparison: preview.comparison.into(),
        sessions: preview.sessions.into(),
        requests: preview.requests.into(),
        backends: preview.backends.into(),
        keys: preview.keys.into(),
    }))
}

impl From<BackendTrials> for BackendsTriedAnswer {
    fn from(trials: BackendTrials) -> Self {
        Self {
            tried: trials.tried.into_iter().map(backend).collect(),
            not_tried: trials.not_tried,
        }
    }
}

fn backend(trial: BackendTrial) -> BackendTriedAnswer {
    let check = trial.check;
    BackendTriedAnswer {
        node: trial.node.to_string(),
        node_name: trial.node_name,
        service: trial.service,
        address: trial.address,
        outcome: check.outcome.id(),
        detail: check.detail,
        milliseconds: u64::try_from(check.elapsed.as_millis()).unwrap_or(u64::MAX),
        remedy: check.outcome.remedy(),
    }
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

impl From<RequestEffects> for RequestsTriedAnswer {
    fn from(effects: RequestEffects) -> Self {
        let groups = effects.groups.into_iter();
        let groups = groups.map(|group| RequestGroupAnswer {
            reason: group.reason,
            count: group.count,
            requests: group.requests.into_iter().map(tried).collect(),
        });
        Self {
            looked_at: effects.looked_at,
            unknown: effects.unknown,
            groups: groups.collect(),
        }
    }
}

fn tried(request: RecentRequest) -> RequestTriedAnswer {
    let user = request.user;
    RequestTriedAnswer {
        number: request.sequence,
        time: request.time.to_string(),
        method: request.method.into(),
        path: request.path.into(),
        user: user.map(|(directory, id)| format!("{directory}\\{id}")),
        status: request.status,
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
