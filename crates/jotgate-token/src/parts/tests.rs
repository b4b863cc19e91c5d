use proptest::prelude::*;

use super::*;

fn refusal(token: &str) -> Refusal {
    Parts::split(token.as_bytes()).expect_err(token)
}

#[test]
fn three_segments_are_decoded() {
    let parts = Parts::split(b"e30.W10.AQID").unwrap();
    assert_eq!(parts.signing_input, b"e30.W10");
    assert_eq!(parts.header(), b"{}");
    assert_eq!(parts.payload(), b"[]");
    assert_eq!(parts.signature(), [1, 2, 3]);
    assert!(Parts::split(b"e30..AQID").unwrap().payload().is_empty());
}

#[test]
fn the_size_is_bounded() {
    let token = |length: usize| format!("e30.{}.AQID", "A".repeat(length - 9));
    assert!(Parts::split(token(MAX_TOKEN).as_bytes()).is_ok());
    assert_eq!(refusal(&token(MAX_TOKEN + 1)).reason, Reason::TokenTooLarge);
    assert_eq!(refusal(&".".repeat(100_000)).reason, Reason::TokenTooLarge);
    assert_eq!(
        refusal(&".".repeat(MAX_TOKEN)).reason,
        Reason::TokenMalformed
    );
}

/// The administrator reads what happened to the token, not only that it is bad.
#[test]
fn mishaps_are_named() {
    let good = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLTE2LWJ5";
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.";
    assert!(Parts::split(good.as_bytes()).is_ok());
    let tokens = [
        String::new(),
        ".".into(),
        "..".into(),
        "a.b.c.d".into(),
        "nonsense".into(),
        "null".into(),
        "undefined".into(),
        "<token>".into(),
        format!("Bearer {good}"),
        format!("\"{good}\""),
        format!("'{good}'"),
        good.replace(".eyJz", ".ey\nJz"),
        good.replace(".eyJz", ".ey Jz"),
        format!("{good},{good}"),
        format!("{good}="),
        format!("{good}%3D"),
        good.replace("c2ln", "c2/n"),
        good.replace("c2ln", "c2\u{e9}n"),
        // Cut here and there.
        good[..10].into(),
        good[..30].into(),
        good[..good.len() - 1].into(),
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.".into(),
        unsigned.into(),
        // Bits left over: B instead of A at the end of 16 and 256 bytes.
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.AAAAAAAAAAAAAAAAAAAAAB".into(),
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn1.A".into(),
        "a.b.c.d.e".into(),
        "a....e".into(),
        r#"{"payload":"e30","signatures":[]}"#.into(),
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0=.c2ln".into(),
        ".eyJzdWIiOiJhIn0.c2ln".into(),
    ];
    let shown: String = tokens
        .iter()
        .map(|token| {
            let refusal = refusal(token);
            format!(
                "{token:?}\n  {}: {}\n",
                refusal.reason,
                refusal.detail().unwrap_or("-")
            )
        })
        .collect();
    insta::assert_snapshot!(shown);
}

#[test]
fn debug_shows_no_token() {
    let parts = Parts::split(b"e30.W10.AQID").unwrap();
    assert_eq!(format!("{parts:?}"), "Parts { .. }");
}

proptest! {
    /// T4: a segment is accepted exactly if it is what an encoder would have written.
    #[test]
    fn only_canonical_segments_are_accepted(segment in "[A-Za-z0-9_=+/ -]{1,12}") {
        let token = format!("e30.e30.{segment}");
        let accepted = Parts::split(token.as_bytes());
        match accepted {
            Ok(parts) => prop_assert_eq!(URL_SAFE_NO_PAD.encode_to_string(parts.signature()), segment),
            Err(_) => {
                let lenient = segment.replace('+', "-").replace('/', "_").replace(['=', ' '], "");
                let decoded = URL_SAFE_NO_PAD.decode_to_vec(&lenient);
                prop_assert!(decoded.is_err() || lenient != segment);
            }
        }
    }

    #[test]
    fn never_panics(token in proptest::collection::vec(any::<u8>(), 0..60)) {
        Parts::split(&token).ok();
    }

    #[test]
    fn never_panics_on_what_looks_like_a_token(token in "(eyJ)?[A-Za-z0-9_.-]{0,30}[.=]{0,3}") {
        Parts::split(token.as_bytes()).ok();
    }
}
