//! The whole configuration: read, compared, applied.

use axum::extract::State;
use jotgate_manage::{Application, file};
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
}

/// What has changed, and how many sessions have ended because their key is gone.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AppliedAnswer {
    #[serde(flatten)]
    comparison: ComparisonAnswer,
    ended_sessions: usize,
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
    };
    let management = &native.management;
    let applied = management.apply_draft(&actor, draft, application, (native.clock)());
    let applied = applied.await?;
    Ok(Answer(AppliedAnswer {
        comparison: applied.comparison.into(),
        ended_sessions: applied.ended_sessions,
    }))
}
