//! One request and its answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AGE, CACHE_CONTROL, CONTENT_ENCODING, HOST, LOCATION, USER_AGENT};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::connect::Stream;
use super::{FetchError, Fetched, Location};

/// The largest head of an answer, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// What a server answers.
pub(super) enum Answer {
    Document(Fetched),
    /// The text of the `Location` field.
    Redirect(String),
}

/// Asks for the document at `location` over `stream`, which is closed afterwards.
pub(super) async fn get(
    stream: Stream,
    location: &Location,
    limit: usize,
) -> Result<Answer, FetchError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // Dropped, and the connection closed, when this function is left in any way.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let request = Request::get(location.path().clone())
        .header(HOST, location.authority())
        .header(ACCEPT, "application/json, application/jwk-set+json")
        .header(USER_AGENT, "jotgate")
        .body(Empty::<Bytes>::new())
        .map_err(|_| FetchError::BadAddress(location.to_string()))?;
    let response = sender.send_request(request).await.map_err(broken)?;
    match response.status() {
        StatusCode::OK => read(response, limit).await.map(Answer::Document),
        status if status.is_redirection() && status != StatusCode::NOT_MODIFIED => {
            let target = response.headers().get(LOCATION);
            let target = target.and_then(|target| target.to_str().ok());
            let target = target.ok_or(FetchError::Redirect("without an address"))?;
            Ok(Answer::Redirect(target.to_owned()))
        }
        status => Err(FetchError::Status(status.as_u16())),
    }
}

async fn read(response: Response<Incoming>, limit: usize) -> Result<Fetched, FetchError> {
    if let Some(encoding) = response.headers().get(CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let shown = String::from_utf8_lossy(encoding.as_bytes());
        return Err(FetchError::Encoded(shown.chars().take(40).collect()));
    }
    let fresh_for = fresh_for(response.headers());
    let mut incoming = response.into_body();
    let announced = incoming.size_hint().lower();
    if usize::try_from(announced).is_ok_and(|size| size > limit) {
        return Err(FetchError::TooLarge(limit));
    }
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        if body.len() + data.len() > limit {
            return Err(FetchError::TooLarge(limit));
        }
        body.extend_from_slice(&data);
    }
    let body = body.freeze();
    Ok(Fetched { body, fresh_for })
}

/// How long the answer is fresh (RFC 9111 section 4.2): `max-age` without the age that it has
/// already. `no-store` and `no-cache` ask for the shortest time that is possible.
fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let fields = headers.get_all(CACHE_CONTROL).into_iter();
    let directives = fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(','))
        .map(str::trim);
    let mut seconds = None;
    for directive in directives {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return Some(Duration::ZERO);
        }
        if name.eq_ignore_ascii_case("max-age") {
            seconds = value.trim_matches('"').parse::<u64>().ok();
        }
    }
    let age = headers
        .get(AGE)
        .and_then(|age| age.to_str().ok()?.parse::<u64>().ok());
    seconds.map(|seconds| Duration::from_secs(seconds.saturating_sub(age.unwrap_or(0))))
}

fn broken(error: hyper::Error) -> FetchError {
    let mut text = error.to_string();
    if let Some(cause) = std::error::Error::source(&error) {
        text = format!("{text} ({cause})");
    }
    FetchError::Protocol(text)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn fresh(fields: &[&'static str], age: Option<&'static str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(CACHE_CONTROL, HeaderValue::from_static(field));
        }
        if let Some(age) = age {
            headers.insert(AGE, HeaderValue::from_static(age));
        }
        fresh_for(&headers).map(|duration| duration.as_secs())
    }

    #[test]
    fn freshness_is_max_age_without_age() {
        assert_eq!(fresh(&["public, Max-Age=300"], None), Some(300));
        assert_eq!(
            fresh(&["public", "max-age=\"300\""], Some("100")),
            Some(200)
        );
        assert_eq!(fresh(&["max-age=300"], Some("400")), Some(0));
        assert_eq!(fresh(&["max-age=300, no-cache"], None), Some(0));
        assert_eq!(fresh(&["no-store"], None), Some(0));
        assert_eq!(
            fresh(&["max-age=18446744073709551615"], None),
            Some(u64::MAX)
        );
        assert_eq!(fresh(&["max-age=-1"], None), None);
        assert_eq!(fresh(&["max-age", "public"], None), None);
        assert_eq!(fresh(&[], Some("10")), None);
    }
}
