//! W3C Trace Context: what a client says about the trace that its request belongs to, read strictly,
//! and what the backend is told.
//!
//! A context proves nothing and opens nothing. The worst that a made-up one does is to put a request
//! into a trace of somebody's choice, and to ask for it to be recorded.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The header with the ids.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header with what vendors add.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// How long a `tracestate` may be (section 3.3.1.5 asks for at least that much).
const MAX_STATE: usize = 512;
/// How many members it may have (section 3.3.1.1).
const MAX_MEMBERS: usize = 32;

/// The span that a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; never zero.
    pub trace_id: [u8; 16],
    /// The span; never zero.
    pub span_id: [u8; 8],
    /// Whether whoever began the trace records it.
    pub sampled: bool,
}

/// The context of a request. Nothing when there is none, or none that can be read in one way only: then
/// a new trace begins (section 3.2.2).
#[must_use]
pub fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut fields = headers.get_all(TRACEPARENT).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return None;
    };
    let bytes = field.as_bytes();
    let known = bytes.get(..55)?;
    let version = known.get(..2)?;
    // A later version may add something behind a hyphen (section 3.2.4).
    let ends_well = match (version, bytes.get(55)) {
        (b"ff", _) => false,
        (_, None) => true,
        (b"00", Some(_)) => false,
        (_, Some(next)) => *next == b'-',
    };
    let hyphens = [2, 35, 52].iter().all(|at| known[*at] == b'-');
    if !ends_well || !hyphens {
        return None;
    }
    hex::<1>(version)?;
    let trace_id = hex::<16>(&known[3..35])?;
    let span_id = hex::<8>(&known[36..52])?;
    let [flags] = hex::<1>(&known[53..])?;
    let complete = trace_id != [0; 16] && span_id != [0; 8];
    complete.then_some(TraceParent {
        trace_id,
        span_id,
        sampled: flags & 1 == 1,
    })
}

/// Tells the backend that it is called by `span`. What the client sent about that is replaced; its
/// `tracestate` goes on when it belongs to the same trace and is in order.
pub fn set(headers: &mut HeaderMap, span: &TraceParent, same_trace: bool) {
    let state = same_trace.then(|| state(headers)).flatten();
    headers.remove(TRACESTATE);
    if let Some(state) = state {
        headers.insert(TRACESTATE, state);
    }
    let flags = if span.sampled { "01" } else { "00" };
    let mut text = String::with_capacity(55);
    text.push_str("00-");
    push_hex(&mut text, &span.trace_id);
    text.push('-');
    push_hex(&mut text, &span.span_id);
    text.push('-');
    text.push_str(flags);
    // Digits, letters and hyphens.
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(TRACEPARENT, value);
    }
}

/// Whether a trace is recorded: as its beginning decided, else so many in a million. The same trace is
/// decided in the same way on every node.
#[must_use]
pub fn is_sampled(parent: Option<&TraceParent>, trace_id: &[u8; 16], per_million: u32) -> bool {
    if let Some(parent) = parent {
        return parent.sampled;
    }
    let low = trace_id
        .last_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let place = (u128::from(low) * 1_000_000) >> 64;
    place < u128::from(per_million)
}

/// The `tracestate`, all fields in one, if it is in order.
fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut keys: Vec<&[u8]> = Vec::new();
    let mut text = Vec::new();
    for field in headers.get_all(TRACESTATE) {
        for member in field.as_bytes().split(|b| *b == b',') {
            let member = member.trim_ascii();
            if member.is_empty() {
                continue;
            }
            let at = member.iter().position(|b| *b == b'=')?;
            let (key, value) = (&member[..at], &member[at + 1..]);
            if !is_key(key) || !is_value(value) || keys.contains(&key) {
                return None;
            }
            keys.push(key);
            if !text.is_empty() {
                text.push(b',');
            }
            text.extend_from_slice(member);
            if keys.len() > MAX_MEMBERS || text.len() > MAX_STATE {
                return None;
            }
        }
    }
    (!text.is_empty()).then(|| HeaderValue::from_bytes(&text).ok())?
}

/// Section 3.3.1.3.1: lower case, digits and a few marks, `tenant@system` included.
fn is_key(key: &[u8]) -> bool {
    let first = key.first();
    first.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && key.len() <= 256
        && key
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/@".contains(b))
}

/// Section 3.3.1.3.2: printable, without the separators. Blanks around it are trimmed already.
fn is_value(value: &[u8]) -> bool {
    !value.is_empty()
        && value.len() <= 256
        && value.iter().all(|b| matches!(b, b' '..=b'~') && *b != b'=')
}

/// Lower-case hexadecimal digits only (section 3.2.2.3).
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests;
