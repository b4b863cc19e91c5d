//! What a request brings: who asks, parameters, and a body of JSON.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use jotgate_manage::{Actor, Asker, KeyCaller};
use serde::de::DeserializeOwned;

use super::trouble::Trouble;

/// The longest body: ten thousand virtual proxies with a certificate each.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// Who asks: somebody with a role. A program with an API key is refused.
pub(super) struct Caller(pub(super) Actor);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Trouble> {
        Ok(Self(asker(parts)?.administrator()?))
    }
}

/// Who asks: somebody with a role, or a program with an API key. The use case judges.
pub(super) struct Anybody(pub(super) Asker);

impl<S: Sync> FromRequestParts<S> for Anybody {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Trouble> {
        asker(parts).map(Self)
    }
}

fn asker(parts: &Parts) -> Result<Asker, Trouble> {
    let actor = parts.extensions.get::<Actor>();
    let key = parts.extensions.get::<KeyCaller>();
    match (actor, key) {
        // Whoever is less counts.
        (_, Some(key)) => Ok(Asker::Key(key.clone())),
        (Some(actor), None) => Ok(Asker::Administrator(actor.clone())),
        (None, None) => {
            let detail = "Nobody is named as the caller.";
            Err(Trouble::new(StatusCode::FORBIDDEN, detail))
        }
    }
}

/// The parameters of the address; unknown ones are refused by their types.
pub(super) struct Parameters<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Trouble> {
        let parsed = Query::<T>::try_from_uri(&parts.uri);
        parsed
            .map(|Query(parameters)| Self(parameters))
            .map_err(|error| Trouble::bad_request(error.body_text()))
    }
}

/// What varies in the path.
pub(super) struct Path<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Trouble> {
        let parsed = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        parsed
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| {
                Trouble::bad_request("The address holds something else than its place asks for.")
            })
    }
}

/// A JSON object.
pub(super) struct Body<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Trouble;

    async fn from_request(request: Request, _: &S) -> Result<Self, Trouble> {
        let (head, body) = request.into_parts();
        if !is_json(&head.headers) {
            let detail = "Send the body with Content-Type: application/json.";
            return Err(Trouble::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let value = crate::body::read(body, MAX_BODY).await?;
        let parsed = serde_json::from_value(value);
        parsed
            .map(Self)
            .map_err(|error| Trouble::bad_request(format!("The body cannot be used: {error}.")))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let text = value.to_str().unwrap_or_default();
    let kind = text.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}
