//! Everything that a gateway keeps, as one file.

use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body as Stream;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use jotgate_manage::{Actor, ManageError};
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use super::input::{Body, Caller};
use super::trouble::Trouble;

/// What makes a backup for an actor, or refuses: a file to read from its beginning.
type Source =
    dyn Fn(Actor) -> Pin<Box<dyn Future<Output = Result<File, ManageError>> + Send>> + Send + Sync;

/// `POST /jotgate/v1/backup`, for the ports of administrators alone: a browser's session, through a
/// virtual proxy, does not get private keys.
pub fn backup_router(
    source: impl Fn(Actor) -> Pin<Box<dyn Future<Output = Result<File, ManageError>> + Send>>
    + Send
    + Sync
    + 'static,
) -> Router {
    let source: Arc<Source> = Arc::new(source);
    Router::new()
        .route("/jotgate/v1/backup", post(backup))
        .method_not_allowed_fallback(async || Trouble::method_not_allowed())
        .with_state(source)
}

/// There is nothing to choose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BackupRequest {}

async fn backup(
    State(source): State<Arc<Source>>,
    Caller(actor): Caller,
    Body(BackupRequest {}): Body<BackupRequest>,
) -> Result<Response, Trouble> {
    let file = source(actor).await?;
    let length = file.metadata().map(|metadata| metadata.len());
    let length = length.map_err(|error| {
        tracing::error!(%error, "a backup cannot be read");
        let detail = "The backup cannot be read; the log says why.";
        Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    })?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/x-tar")),
        (CONTENT_LENGTH, HeaderValue::from(length)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        ),
    ];
    let bytes = ReaderStream::new(tokio::fs::File::from_std(file));
    Ok((headers, Stream::from_stream(bytes)).into_response())
}
