//! The saves of the past.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Native;
use super::endpoint::Endpoint;
use super::input::{Body, Caller, Parameters, Path};
use super::output::{Answer, ComparisonAnswer, RevisionAnswer};
use super::trouble::Trouble;

/// How many revisions are listed when nobody says.
const USUAL: u32 = 100;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/revisions", "The saves, newest first", list)
            .query::<Page>()
            .answer::<RevisionsAnswer>(),
        Endpoint::get(
            "/revisions/{before}/difference/{after}",
            "What differs between two",
            difference,
        )
        .answer::<ComparisonAnswer>(),
        Endpoint::post(
            "/revisions/{revision}/restore",
            "Makes the configuration what it was, in a new save",
            restore,
        )
        .body::<RestoreRequest>()
        .answer::<ComparisonAnswer>(),
    ]
}

/// Which revisions: the newest `limit` of those before `before`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    before: Option<u64>,
    limit: Option<u32>,
}

/// Newest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct RevisionsAnswer {
    revisions: Vec<RevisionAnswer>,
}

pub(super) async fn list(
    State(native): State<Native>,
    Caller(_): Caller,
    Parameters(page): Parameters<Page>,
) -> Result<Answer<RevisionsAnswer>, Trouble> {
    let limit = page.limit.unwrap_or(USUAL);
    let found = native.management.revisions(page.before, limit).await?;
    let revisions = found.into_iter().map(RevisionAnswer::from).collect();
    Ok(Answer(RevisionsAnswer { revisions }))
}

pub(super) async fn difference(
    State(native): State<Native>,
    Caller(_): Caller,
    Path((before, after)): Path<(u64, u64)>,
) -> Result<Answer<ComparisonAnswer>, Trouble> {
    let compared = native.management.compare_revisions(before, after);
    Ok(Answer(compared.await?.into()))
}

/// Why a revision is restored, and over which one: with `base` nothing is restored when that is not the
/// current revision any more.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RestoreRequest {
    base: Option<u64>,
    #[serde(default)]
    note: String,
}

pub(super) async fn restore(
    State(native): State<Native>,
    Caller(actor): Caller,
    Path(revision): Path<u64>,
    Body(request): Body<RestoreRequest>,
) -> Result<Answer<ComparisonAnswer>, Trouble> {
    let now = (native.clock)();
    let management = &native.management;
    let restored = management.restore_revision(&actor, revision, request.base, &request.note, now);
    Ok(Answer(restored.await?.into()))
}
