//! The echo: what exactly did the gateway send?
//!
//! `/echo` and everything below it answer any method with what was received. Below it are also a
//! WebSocket that echoes frames, and answers made to order (see [`made_to_order`]).
//!
//! Two things the HTTP library does not keep: header names arrive in lower case, and lines with the
//! same name stand together, at the place of the first one.

mod made_to_order;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::any;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};

/// How much of a body is shown.
const SHOWN_BODY: usize = 4 * 1024;

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/echo", any(echo))
        .route("/echo/", any(echo))
        .route("/echo/{*path}", any(echo))
        .route("/echo/ws", any(socket))
        .merge(made_to_order::routes())
}

async fn echo(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = match measure(body).await {
        Ok(body) => body,
        Err(error) => {
            let message = format!("the body could not be read: {error}");
            return (StatusCode::BAD_REQUEST, Json(json!({ "error": message }))).into_response();
        }
    };
    Json(json!({
        "method": head.method.as_str(),
        "path": head.uri.path(),
        "query": head.uri.query(),
        "version": format!("{:?}", head.version),
        "headers": lines(&head.headers),
        "body": {
            "length": body.length,
            "text": String::from_utf8_lossy(&body.start),
        },
        "trailers": lines(&body.trailers),
    }))
    .into_response()
}

#[derive(Default)]
struct Measured {
    length: u64,
    start: Vec<u8>,
    trailers: HeaderMap,
}

/// Reads a body of any length in little memory.
async fn measure(mut body: Body) -> Result<Measured, axum::Error> {
    let mut measured = Measured::default();
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) => {
                let room = SHOWN_BODY - measured.start.len();
                measured
                    .start
                    .extend_from_slice(&data[..data.len().min(room)]);
                measured.length += data.len() as u64;
            }
            Err(other) => measured
                .trailers
                .extend(other.into_trailers().unwrap_or_default()),
        }
    }
    Ok(measured)
}

/// Header lines as `[name, value]`; bytes that are no UTF-8 become U+FFFD.
fn lines(headers: &HeaderMap) -> Vec<Value> {
    headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect()
}

/// Accepts the first subprotocol that is asked for, so that its relay can be tested.
async fn socket(headers: HeaderMap, mut upgrade: WebSocketUpgrade) -> Response {
    // The upgrade has the protocols too, but sorted by name.
    let offered = headers
        .get(SEC_WEBSOCKET_PROTOCOL)
        .and_then(|value| value.to_str().ok());
    let first = offered
        .and_then(|list| list.split(',').next())
        .map(str::trim)
        .unwrap_or_default();
    let chosen = upgrade.requested_protocols().find(|p| *p == first).cloned();
    if let Some(protocol) = chosen {
        upgrade.set_selected_protocol(protocol);
    }
    upgrade.on_upgrade(echo_frames)
}

async fn echo_frames(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        // The library answers pings and close frames itself.
        if matches!(message, Message::Text(_) | Message::Binary(_))
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}
