use proptest::prelude::*;

use super::*;

const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn fields(parents: &[&str], states: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for parent in parents {
        headers.append(TRACEPARENT, HeaderValue::from_str(parent).unwrap());
    }
    for state in states {
        headers.append(TRACESTATE, HeaderValue::from_str(state).unwrap());
    }
    headers
}

#[test]
fn a_context_is_read() {
    let parent = parent(&fields(&[GOOD], &[])).unwrap();
    assert_eq!(parent.trace_id[..2], [0x4b, 0xf9]);
    assert_eq!(parent.span_id[6..], [0x02, 0xb7]);
    assert!(parent.sampled);
}

#[test]
fn later_versions_are_read_as_far_as_they_are_known() {
    let read = |text: &str| parent(&fields(&[text], &[])).is_some();
    assert!(read(&GOOD.replacen("00", "01", 1)));
    assert!(read(&format!("{}-more", GOOD.replacen("00", "cc", 1))));
    assert!(!read(&format!("{}.more", GOOD.replacen("00", "cc", 1))));
}

#[test]
fn anything_else_begins_a_new_trace() {
    for wrong in [
        "",
        "00",
        &GOOD[..54],
        &format!("{GOOD}-"),
        &format!("{GOOD} "),
        &GOOD.to_uppercase(),
        &GOOD.replacen("00", "ff", 1),
        &GOOD.replacen("00", "0x", 1),
        &GOOD.replace('-', "_"),
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
    ] {
        assert_eq!(parent(&fields(&[wrong], &[])), None, "{wrong:?}");
    }
    assert_eq!(parent(&fields(&[GOOD, GOOD], &[])), None);
    assert_eq!(parent(&HeaderMap::new()), None);
}

#[test]
fn the_backend_is_called_by_our_span() {
    let span = TraceParent {
        span_id: [0xab; 8],
        sampled: false,
        ..parent(&fields(&[GOOD], &[])).unwrap()
    };
    let mut headers = fields(&[GOOD, "forged"], &["a=1, b@c=2", "", "d=x y"]);
    set(&mut headers, &span, true);
    assert_eq!(
        headers.get_all(TRACEPARENT).iter().collect::<Vec<_>>(),
        ["00-4bf92f3577b34da6a3ce929d0e0e4736-abababababababab-00"]
    );
    assert_eq!(headers[TRACESTATE], "a=1,b@c=2,d=x y");
    let mut headers = fields(&[], &["a=1"]);
    set(&mut headers, &span, false);
    assert!(!headers.contains_key(TRACESTATE), "it was of another trace");
}

#[test]
fn a_state_that_is_not_in_order_goes() {
    let many: Vec<String> = (0..33).map(|i| format!("k{i}=v")).collect();
    for wrong in [
        "a",
        "=1",
        "a=",
        "A=1",
        "a=1,a=2",
        "a=b=c",
        &format!("a={}", "x".repeat(257)),
        &many.join(","),
        &(0..5)
            .map(|i| format!("k{i}={}", "x".repeat(120)))
            .collect::<Vec<_>>()
            .join(","),
    ] {
        assert_eq!(state(&fields(&[], &[wrong])), None, "{wrong:?}");
    }
    assert!(state(&fields(&[], &[&many[..32].join(",")])).is_some());
}

#[test]
fn the_parent_decides_then_the_ratio() {
    let decided = |sampled| TraceParent {
        sampled,
        ..parent(&fields(&[GOOD], &[])).unwrap()
    };
    let id = |low: u64| {
        let mut id = [1; 16];
        id[8..].copy_from_slice(&low.to_be_bytes());
        id
    };
    assert!(is_sampled(Some(&decided(true)), &id(u64::MAX), 0));
    assert!(!is_sampled(Some(&decided(false)), &id(0), 1_000_000));
    assert!(is_sampled(None, &id(u64::MAX), 1_000_000));
    assert!(!is_sampled(None, &id(0), 0));
    assert!(is_sampled(None, &id(u64::MAX / 5), 250_000));
    assert!(!is_sampled(None, &id(u64::MAX / 3), 250_000));
}

proptest! {
    #[test]
    fn whatever_clients_send_the_backend_gets_one_valid_context(
        parents in proptest::collection::vec("[0-9a-f-]{50,60}|.{0,60}", 0..3),
        states in proptest::collection::vec("[a-z0-9=,@ ]{0,80}|.{0,80}", 0..3),
        span in any::<[u8; 8]>(), trace in any::<[u8; 16]>(), sampled: bool, same: bool,
    ) {
        prop_assume!(span != [0; 8] && trace != [0; 16]);
        let mut headers = HeaderMap::new();
        for (name, values) in [(TRACEPARENT, parents), (TRACESTATE, states)] {
            for value in values.iter().filter_map(|v| HeaderValue::from_str(v).ok()) {
                headers.append(&name, value);
            }
        }
        let before = parent(&headers);
        let span = TraceParent { trace_id: trace, span_id: span, sampled };
        set(&mut headers, &span, same);
        prop_assert!(before.is_none_or(|parent| parent.trace_id != [0; 16]));
        prop_assert_eq!(parent(&headers), Some(span));
        prop_assert!(headers.get_all(TRACESTATE).iter().count() <= 1);
        prop_assert!(headers.get(TRACESTATE).is_none_or(|state| state.len() <= MAX_STATE));
    }
}
