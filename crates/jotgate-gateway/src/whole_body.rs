//! Bodies that the gateway reads itself.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use jotgate_model::{Reason, Refusal};

use crate::Shared;
use crate::body::RequestBody;
use crate::sanitized::Sanitized;

/// The whole body of a request, of `max` bytes at most and within `timeout`.
///
/// # Errors
/// What is wrong with it.
pub(crate) async fn read(
    shared: &Shared,
    request: &mut Sanitized,
    max: u64,
    timeout: Duration,
) -> Result<Bytes, Refusal> {
    let body = request
        .take_body()
        .map_or_else(RequestBody::empty, |incoming| {
            RequestBody::new(incoming, Some(max), shared.settings().body_timeout, None)
        });
    let verdict = body.verdict();
    let collected = tokio::time::timeout(timeout, body.collect())
        .await
        .map_err(|_| Refusal::new(Reason::BodyTimeout))?
        .map_err(|_| Refusal::new(verdict.reason().unwrap_or(Reason::RequestMalformed)))?;
    Ok(collected.to_bytes())
}

/// The field of that name in a form (application/x-www-form-urlencoded); empty when it is absent.
pub(crate) fn form_field(form: &[u8], name: &str) -> String {
    let value = form
        .split(|b| *b == b'&')
        .find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    let decoded: Vec<u8> = value
        .unwrap_or_default()
        .iter()
        .map(|b| if *b == b'+' { b' ' } else { *b })
        .collect();
    percent_encoding::percent_decode(&decoded)
        .decode_utf8_lossy()
        .into_owned()
}
