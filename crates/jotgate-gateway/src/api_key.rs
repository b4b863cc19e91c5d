//! Programs with an API key: at virtual proxies that allow administration, below `/jotgate/v1/`, over TLS.
//!
//! A key is no user and opens no session. Nobody but the management side sees it: it is taken out of
//! whatever is passed on.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap};
use http::{Request, Response};
use jotgate_model::{Reason, Refusal, VirtualProxy};
use jotgate_observe::Phase;

use crate::Shared;
use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::prefixed_administration::{Answering, Belongs, in_background, without_prefix};
use crate::sanitized::Sanitized;

/// What every key begins with.
const MARK: &[u8] = b"jotgate_";

/// Judges a key that somebody at that address shows. Runs on the background runtime.
pub type ApiKeyHandler = dyn Fn(String, IpAddr) -> JudgedKey + Send + Sync;

/// What answers in the name of a good key; why a bad one is refused.
pub type JudgedKey = Pin<Box<dyn Future<Output = Result<Box<AnswersFor>, Refusal>> + Send>>;

/// Answers one request of a program whose key was good; its path has no prefix.
pub type AnswersFor = dyn FnOnce(Request<Bytes>) -> Answering + Send;

/// Answers a program with a key; nothing when the path leads elsewhere, or no key is shown.
///
/// # Errors
/// [`Reason::ApiKeyInvalid`], [`Reason::RateLimited`] for whoever shows many bad ones, and what is
/// wrong with the request.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    exchange: &mut Exchange,
    vp: &VirtualProxy,
    path: &str,
    request: &mut Sanitized,
) -> Result<Option<Response<ResponseBody>>, Refusal> {
    if !vp.allow_administration || Belongs::of(path) != Belongs::ToTheNativeInterface {
        return Ok(None);
    }
    let Some(key) = shown(request.headers()) else {
        return Ok(None);
    };
    if !exchange.client.over_tls {
        let detail =
            "API keys are taken over HTTPS only; make another one, this one was sent in the clear";
        return Err(Refusal::with(Reason::AccessDenied, detail));
    }
    exchange.enter_now(Phase::Identify);
    let judged = (shared.api_keys)(key, exchange.client.address);
    let answers = in_background(shared, judged).await??;
    exchange.enter_now(Phase::Authorize);
    let request = without_prefix(shared, path, request).await?;
    let answer = in_background(shared, answers(request)).await?;
    Ok(Some(answer.map(ResponseBody::full)))
}

/// The key of a request (RFC 6750 section 2.1): its one `Authorization` field, when that holds one.
fn shown(headers: &HeaderMap) -> Option<String> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return None;
    };
    let (scheme, key) = field.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && key.as_bytes().starts_with(MARK))
        .then(|| key.to_owned())
}

/// Whether anything in `Authorization` looks like a key: no backend may have it.
pub(crate) fn is_shown(headers: &HeaderMap) -> bool {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    fields.any(|field| {
        field
            .as_bytes()
            .windows(MARK.len())
            .any(|part| part == MARK)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let values = values.iter().map(|value| HeaderValue::from_static(value));
        values.map(|value| (AUTHORIZATION, value)).collect()
    }

    #[test]
    fn a_key_stands_alone_behind_bearer() {
        let of = |values: &[&'static str]| shown(&headers(values));
        assert_eq!(of(&["Bearer jotgate_x"]).unwrap(), "jotgate_x");
        assert_eq!(of(&["bearer  jotgate_x "]).unwrap(), "jotgate_x");
        for none in [
            &["Bearer eyJhbGciOi"][..],
            &["Basic jotgate_x"],
            &["jotgate_x"],
            &["Bearer"],
            &["Bearer jotgate_x", "Bearer jotgate_x"],
            &[],
        ] {
            assert_eq!(of(none), None, "{none:?}");
        }
    }

    #[test]
    fn whatever_looks_like_a_key_is_kept_from_backends() {
        for some in [
            "Bearer jotgate_x",
            "Basic jotgate_x",
            "Bearer a, Bearer jotgate_x",
        ] {
            assert!(is_shown(&headers(&["Basic YTpi", some])), "{some}");
        }
        assert!(!is_shown(&headers(&["Basic YTpi"])));
    }
}
