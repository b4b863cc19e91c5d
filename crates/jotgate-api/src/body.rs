//! The body of a request: JSON, whatever its Content-Type says.

use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::problem::Problem;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many entities may be created at once.
const MAX_OBJECTS: usize = 1000;

/// Reads a body of at most `limit` bytes. No Content-Type is asked for: one client sends none.
///
/// # Errors
/// 413 when it is longer, 408 when it does not end, 400 when it is no JSON.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Value, Problem> {
    read_within(body, limit, PATIENCE).await
}

/// The one object that a body is.
///
/// # Errors
/// 400 when it is something else.
pub(crate) fn object(body: Value) -> Result<Map<String, Value>, Problem> {
    match body {
        Value::Object(members) => Ok(members),
        _ => Err(Problem::bad_request(
            "The body is no JSON object; send the entity as one.",
        )),
    }
}

/// The objects that a body is a list of.
///
/// # Errors
/// 400 when it is something else, or too many.
pub(crate) fn objects(body: Value) -> Result<Vec<Map<String, Value>>, Problem> {
    let wrong = || {
        Problem::bad_request(format!(
            "The body is no list of at most {MAX_OBJECTS} JSON objects; send the entities as one."
        ))
    };
    match body {
        Value::Array(items) if items.len() <= MAX_OBJECTS => items
            .into_iter()
            .map(|item| object(item).map_err(|_| wrong()))
            .collect(),
        _ => Err(wrong()),
    }
}

async fn read_within(body: Body, limit: usize, patience: Duration) -> Result<Value, Problem> {
    let too_long = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("The body is longer than {limit} bytes."),
        )
    };
    let collected = timeout(patience, Limited::new(body, limit).collect())
        .await
        .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "The body did not end in time."))?;
    match collected {
        Ok(body) => parse(&body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_long()),
        Err(_) => Err(Problem::bad_request("The body broke off.")),
    }
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    // Some tools begin UTF-8 with a byte order mark, which JSON does not have (RFC 8259 section 8.1
    // allows to ignore it).
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::bad_request(
            "The body is empty; send the entity as a JSON object.",
        ));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::bad_request(format!(
            "The body is no JSON: {} at line {}, column {}.",
            kind(&error),
            error.line(),
            error.column()
        ))
    })
}

/// The parser's own words may repeat pieces of the body.
fn kind(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        _ => "there is a mistake",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn text_of(body: impl Into<Body>) -> String {
        read(body.into(), 64).await.unwrap_err().text
    }

    #[tokio::test]
    async fn a_body_is_json() {
        let body = Body::from("\u{feff} {\"prefix\": \"jwt\"} ");
        let members = read(body, 64).await.unwrap();
        assert_eq!(members["prefix"], "jwt");
        assert!(text_of(" \n").await.contains("empty"));
        let list = read("[{}]".into(), 64).await.unwrap();
        assert!(
            object(list.clone())
                .unwrap_err()
                .text
                .contains("no JSON object")
        );
        assert_eq!(objects(list).unwrap().len(), 1);
        for wrong in [
            json!({}),
            json!([1]),
            json!(vec![json!({}); MAX_OBJECTS + 1]),
        ] {
            assert_eq!(objects(wrong).unwrap_err().status, 400);
        }
        let open = text_of("{\"prefix\": \"secret").await;
        assert_eq!(
            open,
            "The body is no JSON: it ends too early at line 1, column 18."
        );
        let wrong = text_of("{\n\"prefix\": secret}").await;
        assert_eq!(
            wrong,
            "The body is no JSON: there is a mistake at line 2, column 11."
        );
        assert!(text_of(&b"{\"a\": \"\xff\"}"[..]).await.contains("no JSON"));
    }

    #[tokio::test]
    async fn a_body_has_a_limit() {
        let exact = format!("{{{}}}", " ".repeat(62));
        assert!(read(exact.into(), 64).await.is_ok());
        let long = format!("{{{}}}", " ".repeat(63));
        assert_eq!(read(long.into(), 64).await.unwrap_err().status, 413);
    }

    #[tokio::test]
    async fn nesting_has_a_limit() {
        let deep = format!("{}{}", "{\"a\":".repeat(200_000), "1");
        let error = read(deep.into(), usize::MAX).await.unwrap_err();
        assert_eq!(error.status, 400);
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_given_up() {
        struct Silent;
        impl http_body::Body for Silent {
            type Data = axum::body::Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>>
            {
                std::task::Poll::Pending
            }
        }
        let patience = Duration::from_millis(10);
        let error = read_within(Body::new(Silent), 64, patience)
            .await
            .unwrap_err();
        assert_eq!(error.status, 408);
    }
}
