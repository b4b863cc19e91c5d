//! The whole configuration: read, compared, applied.

use axum::extract::State;
use jotgate_manage::{Draft, DraftContent, file};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Native;
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
            "Makes the configuration another one, in one save or not at all",
            apply,
        )
        .body::<ApplyRequest>()
        .answer::<ComparisonAnswer>(),
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

/// A draft. `base` is the revision that it was made from.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftRequest {
    base: Option<u64>,
    configuration: Map<String, Value>,
}

pub(super) async fn difference(
    State(native): State<Native>,
    Caller(actor): Caller,
    Body(request): Body<DraftRequest>,
) -> Result<Answer<ComparisonAnswer>, Trouble> {
    let draft = Draft {
        base: request.base,
        content: DraftContent::Configuration(request.configuration),
    };
    let management = &native.management;
    let comparison = management.compare_draft(&actor, &draft, (native.clock)())?;
    Ok(Answer(comparison.into()))
}

/// A draft that is to hold, and why.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplyRequest {
    base: Option<u64>,
    configuration: Map<String, Value>,
    #[serde(default)]
    note: String,
}

pub(super) async fn apply(
    State(native): State<Native>,
    Caller(actor): Caller,
    Body(request): Body<ApplyRequest>,
) -> Result<Answer<ComparisonAnswer>, Trouble> {
    let draft = Draft {
        base: request.base,
        content: DraftContent::Configuration(request.configuration),
    };
    let applied = native
        .management
        .apply_draft(&actor, draft, &request.note, (native.clock)());
    Ok(Answer(applied.await?.into()))
}
