//! Answers made to order, with which tests of the gateway provoke what they want to see: a status,
//! a slow backend, a large body, a stream of events.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::any;
use futures_util::stream::{self, Stream, StreamExt};
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::json;
use tokio::time::sleep;

/// Longest wait: a minute.
const MAX_MILLIS: u64 = 60_000;
/// Largest body: 1 GiB.
const MAX_BYTES: u64 = 1 << 30;
/// Size of the pieces in which a large body is sent.
const PIECE: u64 = 64 * 1024;
static ZEROS: [u8; PIECE as usize] = [b'0'; PIECE as usize];

const EVENTS: u32 = 10;
const EVENT_INTERVAL: Duration = Duration::from_millis(100);

pub(super) fn routes() -> Router {
    Router::new()
        .route("/echo/status/{code}", any(status))
        .route("/echo/slow/{millis}", any(slow))
        .route("/echo/bytes/{n}", any(bytes))
        .route("/echo/sse", any(events))
}

/// An answer with this status, 200 to 599.
async fn status(Path(code): Path<u16>) -> Response {
    match StatusCode::from_u16(code) {
        Ok(status) if (200..600).contains(&code) => match status {
            // These have no body (RFC 9110 section 6.4.1).
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED => {
                status.into_response()
            }
            _ => (status, Json(json!({ "status": code }))).into_response(),
        },
        _ => refused("a status is a number from 200 to 599"),
    }
}

/// An answer that comes late.
async fn slow(Path(millis): Path<u64>) -> Response {
    if millis > MAX_MILLIS {
        return refused("the longest wait is 60000 milliseconds");
    }
    sleep(Duration::from_millis(millis)).await;
    Json(json!({ "waitedMillis": millis })).into_response()
}

/// A body of exactly `n` digits zero, with its length announced.
async fn bytes(Path(n): Path<u64>) -> Response {
    if n > MAX_BYTES {
        return refused("the largest body has 1073741824 bytes");
    }
    let pieces = stream::unfold(n, |left| async move {
        let piece = left.min(PIECE);
        let data = Bytes::from_static(ZEROS.get(..usize::try_from(piece).ok()?)?);
        (piece > 0).then(|| (Ok::<_, Infallible>(data), left - piece))
    });
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, n.to_string()),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

/// Ten events, one every 100 ms; the first at once.
async fn events() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = stream::iter(1..=EVENTS).then(|i| async move {
        if i > 1 {
            sleep(EVENT_INTERVAL).await;
        }
        Ok(Event::default()
            .event("tick")
            .id(i.to_string())
            .data(i.to_string()))
    });
    Sse::new(events)
}

fn refused(sentence: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": sentence }))).into_response()
}
