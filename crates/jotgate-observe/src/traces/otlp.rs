//! Recorded requests as OTLP in its JSON form (OpenTelemetry Protocol, section "JSON Protobuf
//! Encoding"), with the attributes of the semantic conventions for HTTP.

use serde_json::{Value, json};

use super::{TraceSpans, Traced};
use crate::kept::Kept;
use crate::phase::Phase;

/// `SpanKind` and `StatusCode` of the protocol.
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const ERROR: u8 = 2;

/// The methods that the conventions know; others are `_OTHER`.
const METHODS: [&str; 9] = [
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
];

/// One message for the collector.
pub(super) fn message(batch: &[Traced]) -> Vec<u8> {
    let spans: Vec<Value> = batch.iter().flat_map(spans).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": [
            text("service.name", "jotgate"),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ]},
        "scopeSpans": [{"scope": {"name": "jotgate"}, "spans": spans}],
    }]})
    .to_string()
    .into_bytes()
}

fn spans(traced: &Traced) -> impl Iterator<Item = Value> {
    let Traced { spans, request } = traced;
    std::iter::once(server(spans, request)).chain(client(spans, request))
}

fn server(spans: &TraceSpans, request: &Kept) -> Value {
    let (method, known) = method(request);
    let mut attributes = vec![
        text("http.request.method", known),
        text("url.path", request.path()),
        text("url.scheme", if spans.over_tls { "https" } else { "http" }),
        text("network.protocol.version", spans.version),
        text("client.address", request.client()),
        number("http.response.status_code", request.status),
        text("jotgate.reference", request.reference()),
        text("jotgate.phase", request.phase.name()),
    ];
    if known == OTHER {
        attributes.push(text("http.request.method_original", method));
    }
    if !request.user_agent().is_empty() {
        attributes.push(text("user_agent.original", request.user_agent()));
    }
    let route = request.virtual_proxy.map(|_| match request.prefix() {
        "" => "/*".to_owned(),
        prefix => format!("/{prefix}/*"),
    });
    let shown = if known == OTHER { "HTTP" } else { known };
    let name = match &route {
        Some(route) => format!("{shown} {route}"),
        None => shown.to_owned(),
    };
    if let Some(route) = &route {
        attributes.push(text("http.route", route));
        attributes.push(text("jotgate.virtual_proxy", request.prefix()));
    }
    attributes.extend(outcome(request));
    let at = |micros: u32| time(spans, micros);
    let events = request.phases.reached();
    let events: Vec<Value> = events
        .map(|(phase, began)| json!({"timeUnixNano": at(began), "name": phase.name()}))
        .collect();
    let mut span = json!({
        "traceId": hex(&spans.trace_id),
        "spanId": hex(&spans.server),
        "flags": 1,
        "name": name,
        "kind": SERVER,
        "startTimeUnixNano": at(0),
        "endTimeUnixNano": at(micros(request.total)),
        "attributes": attributes,
        "events": events,
        "status": status(request.status >= 500),
    });
    if let Some(parent) = &spans.parent {
        span["parentSpanId"] = hex(parent).into();
    }
    span
}

/// The call of the node, when it came to that.
fn client(spans: &TraceSpans, request: &Kept) -> Option<Value> {
    let began = [Phase::Forward, Phase::Tunnel]
        .iter()
        .find_map(|phase| request.phases.of(*phase))?;
    let ended = match request.waiting {
        Some(waiting) => began.saturating_add(micros(waiting)),
        None => micros(request.total),
    };
    let (_, known) = method(request);
    let mut attributes = vec![text("http.request.method", known)];
    if !request.node().is_empty() {
        attributes.push(text("jotgate.node", request.node()));
    }
    if request.reason.is_none() {
        attributes.push(number("http.response.status_code", request.status));
    }
    attributes.extend(outcome(request));
    Some(json!({
        "traceId": hex(&spans.trace_id),
        "spanId": hex(&spans.client),
        "parentSpanId": hex(&spans.server),
        "flags": 1,
        "name": if known == OTHER { "HTTP" } else { known },
        "kind": CLIENT,
        "startTimeUnixNano": time(spans, began),
        "endTimeUnixNano": time(spans, ended),
        "attributes": attributes,
        "status": status(request.reason.is_some() || request.status >= 400),
    }))
}

const OTHER: &str = "_OTHER";

/// The method, and what the conventions call it.
fn method(request: &Kept) -> (&str, &str) {
    let method = request.method();
    let known = METHODS.contains(&method);
    (method, if known { method } else { OTHER })
}

/// Why it was refused.
fn outcome(request: &Kept) -> Option<Value> {
    let reason = request.reason.map(|reason| text("error.type", reason.id()));
    let failed =
        || (request.status >= 500).then(|| text("error.type", &request.status.to_string()));
    reason.or_else(failed)
}

fn status(is_error: bool) -> Value {
    if is_error {
        json!({ "code": ERROR })
    } else {
        json!({})
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// 64-bit numbers are text in this form.
fn number(key: &str, value: u16) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

fn time(spans: &TraceSpans, micros: u32) -> String {
    (spans.started + u64::from(micros) * 1000).to_string()
}

fn micros(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
