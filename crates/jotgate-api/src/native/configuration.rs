//! The whole configuration: read, compared, applied.

use std::time::Duration;

use axum::extract::State;
use jotgate_manage::{Application, Probe, USUAL_PROBE_TIME, file};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Native;
use super::draft::{ChangeRequest, DraftRequest, draft};
use super::endpoint::Endpoint;
use super::input::{Body, Caller};
use super::output::{Answer, ComparisonAnswer};
use super::trouble::Trouble;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/configuration", "The whole configuration", export)
            .answer::<ConfigurationAnswer>(),
        Endpoint::post(
            "/configuration/difference",
            "Checks a configuration and says what would change",
            difference,
        )
        .body::<DraftRequest>()
        .answer::<ComparisonAnswer>(),
        Endpoint::post(
            "/configuration/apply",
            "Changes the configuration, in one save or not at all",
            apply,
        )
        .body::<ApplyRequest>()
        .answer::<AppliedAnswer>(),
    ]
}

/// The configuration of a revision, in the form of [`file`].
#[derive(Serialize, JsonSchema)]
pub(super) struct ConfigurationAnswer {
    revision: u64,
    configuration: Map<String, Value>,
}

pub(super) async fn export(
    State(native): State<Native>,
    Caller(_): Caller,
) -> Answer<ConfigurationAnswer> {
    let snapshot = native.management.snapshot();
    Answer(ConfigurationAnswer {
        revision: snapshot.revision,
        configuration: file::export(&snapshot.documents),
    })
}

pub(super) async fn difference(
    State(native): State<Native>,
    Caller(actor): Caller,
    Body(request): Body<DraftRequest>,
) -> Result<Answer<ComparisonAnswer>, Trouble> {
    let draft = request.draft()?;
    let management = &native.management;
    let comparison = management.compare_draft(&actor, &draft, (native.clock)());
    Ok(Answer(comparison.await?.into()))
}

/// A draft that is to hold, why, and whether sessions end whose key it removes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ApplyRequest {
    base: Option<u64>,
    configuration: Option<Map<String, Value>>,
    changes: Option<Vec<ChangeRequest>>,
    #[serde(default)]
    note: String,
    #[serde(default)]
    end_sessions: bool,
    probe: Option<ProbeRequest>,
}

/// What has changed, and how many sessions have ended because their key is gone.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AppliedAnswer {
    #[serde(flatten)]
    comparison: ComparisonAnswer,
    ended_sessions: usize,
    probe: Option<ProbedAnswer>,
}

/// A request that must be answered as expected: else the change is taken back. `timeout` is in seconds,
/// at most 30; without it, 5.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProbeRequest {
    path: String,
    token: Option<String>,
    expect: u16,
    timeout: Option<u64>,
}

/// How the probe was answered.
#[derive(Serialize, JsonSchema)]
struct ProbedAnswer {
    status: u16,
}

impl From<ProbeRequest> for Probe {
    fn from(request: ProbeRequest) -> Self {
        Self {
            path: request.path,
            token: request.token,
            expect: request.expect,
            limit: request
                .timeout
                .map_or(USUAL_PROBE_TIME, Duration::from_secs),
            keep: 0,
        }
    }
}

pub(super) async fn apply(
    State(native): State<Native>,
    Caller(actor): Caller,
    Body(request): Body<ApplyRequest>,
) -> Result<Answer<AppliedAnswer>, Trouble> {
    let draft = draft(request.base, request.configuration, request.changes)?;
    let application = Application {
        note: request.note,
        end_sessions: request.end_sessions,
        probe: request.probe.map(Probe::from),
    };
    let management = &native.management;
    let applied = management.apply_draft(&actor, draft, application, (native.clock)());
    let applied = applied.await?;
    Ok(Answer(AppliedAnswer {
        comparison: applied.comparison.into(),
        ended_sessions: applied.ended_sessions,
        probe: applied.probe.map(|answer| ProbedAnswer {
            status: answer.status,
        }),
    }))
}
