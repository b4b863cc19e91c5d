use std::time::Duration;

use jotgate_model::{Reason, Timestamp, Uuid};

use super::*;
use crate::phase::{Phase, PhaseTimes};

fn spans() -> TraceSpans {
    TraceSpans {
        trace_id: [0xab; 16],
        parent: Some([1; 8]),
        server: [2; 8],
        client: [3; 8],
        started: 1_700_000_000_123_456_789,
        over_tls: true,
        version: "1.1",
    }
}

fn record() -> AccessRecord<'static> {
    let mut phases = PhaseTimes::NONE;
    phases.begin(Phase::Sanitize, 0);
    phases.begin(Phase::Forward, 50);
    AccessRecord {
        time: Timestamp::from_millis(1_700_000_000_123),
        reference: "R1",
        client: "192.0.2.7",
        method: "GET",
        path: "/jwt/hub/",
        virtual_proxy: Some("jwt"),
        virtual_proxy_id: Some(Uuid::from_u128(7)),
        user: Some(("example", "boz")),
        session: Some("session"),
        node: Some("Central"),
        phase: Phase::Respond,
        phases,
        status: 200,
        refusal: None,
        total: Duration::from_micros(400),
        waiting: Some(Duration::from_micros(300)),
        user_agent: "agent",
        token: None,
    }
}

fn message(spans: TraceSpans, record: &AccessRecord<'_>) -> serde_json::Value {
    let traced = Traced {
        spans,
        request: Kept::new(0, record, String::new()),
    };
    let mut message: serde_json::Value = serde_json::from_slice(&otlp::message(&[traced])).unwrap();
    message["resourceSpans"][0]["resource"] = serde_json::Value::Null;
    message
}

#[test]
fn the_form_of_a_message() {
    insta::assert_json_snapshot!(message(spans(), &record()));
}

#[test]
fn a_refusal_says_why_and_has_no_call_of_a_node() {
    let record = AccessRecord {
        method: "BREW",
        status: 401,
        virtual_proxy: None,
        virtual_proxy_id: None,
        refusal: Some((Reason::TokenExpired, Some("expired 5 s ago"))),
        phases: PhaseTimes::NONE,
        node: None,
        waiting: None,
        ..record()
    };
    let spans = TraceSpans {
        parent: None,
        ..spans()
    };
    insta::assert_json_snapshot!(message(spans, &record));
}

/// The collector may be an outside service: it learns who called what, not who the user is.
#[test]
fn users_and_sessions_are_not_told() {
    let text = message(spans(), &record()).to_string();
    assert!(!text.contains("boz") && !text.contains("session"), "{text}");
}

#[test]
fn what_has_no_place_is_dropped_and_counted() {
    let metrics = Metrics::default();
    let traces = Traces::on(10_000, metrics.clone());
    for _ in 0..MAX_WAITING + 7 {
        traces.record(spans(), &record());
    }
    assert_eq!(metrics.traces_dropped.get(), 7);
    let inner = traces.0.unwrap();
    assert_eq!(inner.next_batch().len(), BATCH);
    assert_eq!(inner.waiting.lock().len(), MAX_WAITING - BATCH);
}

#[test]
fn traces_can_be_off() {
    let traces = Traces::off();
    assert_eq!(traces.per_million(), None);
    traces.record(spans(), &record());
}
