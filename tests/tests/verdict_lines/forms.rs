//! The form of a token: segments, alphabet, JSON.

use jotgate_scenarios::Keys;
use serde_json::json;

use crate::forge::{HEADER, USER, claims, segment, sign_text, with_header, with_payload};
use crate::judged::{Judged, SERVED};

/// How deep JSON may nest, the outermost object included.
const MAX_DEPTH: usize = 32;

#[tokio::test]
async fn t1_other_numbers_of_segments_and_empty_ones() {
    let site = Judged::new().await;
    let good = Keys::first().token().sign();
    let (signed, signature) = good.rsplit_once('.').expect("a signature");
    let (header, payload) = signed.split_once('.').expect("a payload");
    let flattened = json!({ "payload": payload, "protected": header, "signature": signature });
    let one = json!({ "protected": header, "signature": signature });
    let general = json!({ "payload": payload, "signatures": [one] });
    let rows = [
        ("three segments", good.clone(), SERVED),
        ("one", header.to_owned(), "token_truncated"),
        ("two", signed.to_owned(), "token_truncated"),
        (
            "header and signature",
            format!("{header}.{signature}"),
            "token_truncated",
        ),
        ("four", format!("{good}.{signature}"), "token_malformed"),
        (
            "four, the last one empty",
            format!("{good}."),
            "token_malformed",
        ),
        (
            "four, the first one empty",
            format!(".{good}"),
            "token_malformed",
        ),
        (
            "five",
            format!("{good}.{payload}.{signature}"),
            "token_encrypted",
        ),
        ("six", format!("{good}.a.b.c"), "token_malformed"),
        (
            "two whole tokens in one",
            format!("{good}.{good}"),
            "token_malformed",
        ),
        ("no signature", format!("{signed}."), "token_truncated"),
        (
            "no header",
            format!(".{payload}.{signature}"),
            "token_malformed",
        ),
        (
            "no payload",
            format!("{header}..{signature}"),
            "signature_invalid",
        ),
        ("no payload, signed so", with_payload(""), "token_malformed"),
        ("dots alone", "..".to_owned(), "token_malformed"),
        ("a dot", ".".to_owned(), "token_malformed"),
        ("the JSON form", flattened.to_string(), "token_malformed"),
        (
            "the general JSON form",
            general.to_string(),
            "token_malformed",
        ),
    ];
    site.tokens(&rows).await;
}

#[tokio::test]
async fn t4_other_spellings_of_base64() {
    let site = Judged::new().await;
    let good = Keys::first().token().sign();
    let (signed, signature) = good.rsplit_once('.').expect("a signature");
    let (header, payload) = signed.split_once('.').expect("a payload");
    let rows = [
        ("padded signature", format!("{good}=="), "token_malformed"),
        (
            "padded payload",
            format!("{header}.{payload}=.{signature}"),
            "token_malformed",
        ),
        (
            "padded header",
            format!("{header}=.{payload}.{signature}"),
            "token_malformed",
        ),
        (
            "padding, signed so",
            sign_text(&format!("{header}=.{payload}")),
            "token_malformed",
        ),
        (
            "a blank",
            format!("{signed}. {signature}"),
            "token_malformed",
        ),
        (
            "a tab",
            format!("{header}\t.{payload}.{signature}"),
            "token_malformed",
        ),
        (
            "an escaped line break",
            format!("{signed}.%0A{signature}"),
            "token_malformed",
        ),
        (
            "a star",
            format!("{signed}.*{}", &signature[1..]),
            "token_malformed",
        ),
        (
            "percent-encoded dots",
            good.replace('.', "%2e"),
            "token_malformed",
        ),
        (
            "another last character",
            last_bits(&good),
            "token_malformed",
        ),
        ("a character more", format!("{good}A"), "signature_invalid"),
    ];
    site.tokens(&rows).await;
}

#[tokio::test]
async fn t4_the_other_alphabet_and_loose_bits_also_when_they_are_what_was_signed() {
    let site = Judged::new().await;
    // `???` and `~~~` need the two characters in which the alphabets differ.
    let odd = format!(r#"{{{USER},"x":"???~~~???~~~"}}"#);
    let payload = segment(&odd);
    assert!(payload.contains(['-', '_']), "{payload}");
    let other = payload.replace('-', "+").replace('_', "/");
    let header = segment(HEADER);
    // Two bits of the last character are not part of the bytes.
    let loose = (0..3).map(|n| segment(format!("{{{USER}{}}}", " ".repeat(n))));
    let loose = loose
        .into_iter()
        .find(|text| text.len() % 4 == 3)
        .expect("one of three");
    let rows = [
        (
            "base64url",
            sign_text(&format!("{header}.{payload}")),
            SERVED,
        ),
        (
            "base64",
            sign_text(&format!("{header}.{other}")),
            "token_malformed",
        ),
        (
            "no loose bits",
            sign_text(&format!("{header}.{loose}")),
            SERVED,
        ),
        (
            "loose bits",
            sign_text(&format!("{header}.{}", last_bits(&loose))),
            "token_malformed",
        ),
        (
            "a length that is none",
            sign_text(&format!("{header}.{}A", segment("{}{}{}"))),
            "token_malformed",
        ),
    ];
    site.tokens(&rows).await;
}

/// The same with another last character, which decoders that are not strict do not see.
fn last_bits(text: &str) -> String {
    let (start, last) = text.split_at(text.len() - 1);
    let next = match last.as_bytes()[0] {
        b'Z' => 'a',
        b'z' => '0',
        b'9' => '-',
        b'-' => '_',
        b'_' => unreachable!("the loose bits of an encoder are zero"),
        other => char::from(other + 1),
    };
    format!("{start}{next}")
}

#[tokio::test]
async fn t5_payloads_that_are_no_object() {
    let site = Judged::new().await;
    let rows: Vec<_> = [
        "[]", "null", "7", "-1.5", "true", "\"text\"", "", " ", "[{}]", "{", "}",
    ]
    .map(|payload| (payload, with_payload(payload), "token_malformed"))
    .into();
    site.tokens(&rows).await;
    let array = format!("[{}]", claims());
    site.tokens(&[
        (
            "an object in an array",
            with_payload(array),
            "token_malformed",
        ),
        ("nobody", with_payload("{}"), "claim_missing"),
        (
            "blanks around",
            with_payload(format!(" \r\n\t{} ", claims())),
            SERVED,
        ),
    ])
    .await;
}

#[tokio::test]
async fn t5_members_that_stand_there_twice() {
    let site = Judged::new().await;
    let payload = |more: &str| with_payload(format!("{{{USER}{more}}}"));
    let rows = [
        ("once", payload(r#","a":1,"b":{"a":2}"#), SERVED),
        ("twice", payload(r#","a":1,"a":1"#), "token_malformed"),
        (
            "the user",
            payload(r#","userId":"admin""#),
            "token_malformed",
        ),
        (
            "the user, escaped",
            payload(r#","user\u0049d":"admin""#),
            "token_malformed",
        ),
        (
            "inside",
            payload(r#","a":{"b":1,"b":2}"#),
            "token_malformed",
        ),
        (
            "inside of an array",
            payload(r#","a":[0,{"b":1,"b":2}]"#),
            "token_malformed",
        ),
        (
            "exp",
            payload(r#","exp":1,"exp":9999999999"#),
            "token_malformed",
        ),
        ("in another case", payload(r#","UserId":"admin""#), SERVED),
        (
            "alg",
            with_header(r#"{"alg":"RS256","alg":"RS256"}"#),
            "token_malformed",
        ),
        (
            "alg, none first",
            with_header(r#"{"alg":"none","alg":"RS256"}"#),
            "token_malformed",
        ),
        (
            "alg, none last",
            with_header(r#"{"alg":"RS256","alg":"none"}"#),
            "token_malformed",
        ),
        (
            "kid",
            with_header(r#"{"alg":"RS256","kid":"a","kid":"b"}"#),
            "token_malformed",
        ),
    ];
    site.tokens(&rows).await;
    let many: String = (0..500).map(|n| format!(r#","c{n}":{n}"#)).collect();
    let twice = format!(r#"{many},"c250":0"#);
    site.tokens(&[
        ("many", payload(&many), SERVED),
        ("twice among many", payload(&twice), "token_malformed"),
    ])
    .await;
}

#[tokio::test]
async fn t5_nesting_is_bounded() {
    let site = Judged::new().await;
    let arrays = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        with_payload(format!(r#"{{{USER},"x":{open}{close}}}"#))
    };
    let objects = |depth: usize| {
        let (open, close) = (r#"{"x":"#.repeat(depth), "}".repeat(depth));
        with_payload(format!(r#"{{{USER},"x":{open}1{close}}}"#))
    };
    let rows = [
        ("as deep as may be", arrays(MAX_DEPTH - 1), SERVED),
        ("one deeper", arrays(MAX_DEPTH), "token_malformed"),
        ("objects as deep", objects(MAX_DEPTH - 1), SERVED),
        ("objects one deeper", objects(MAX_DEPTH), "token_malformed"),
        ("far deeper", arrays(5000), "token_malformed"),
        ("objects far deeper", objects(1800), "token_malformed"),
        (
            "never closed",
            with_payload("[".repeat(11_000)),
            "token_malformed",
        ),
        (
            "a deep header",
            with_header(format!(r#"{{"alg":"RS256","x":{}}}"#, "[".repeat(9000))),
            "token_malformed",
        ),
    ];
    site.tokens(&rows).await;
}

#[tokio::test]
async fn t5_bytes_that_are_no_text_and_text_that_is_no_json() {
    let site = Judged::new().await;
    let valued = |value: &[u8]| {
        let start = format!(r#"{{{USER},"x":"#);
        with_payload([start.as_bytes(), value, b"}"].concat())
    };
    let good: [&[u8]; 7] = [
        b"\"\\ud83d\\ude00\"",
        "\"\u{1f600}\u{e9}\"".as_bytes(),
        br#""\"\\\/\b\f\n\r\t""#,
        b"-0.0e-0",
        b"[ ]",
        b"{ }",
        b"null",
    ];
    let bad: [&[u8]; 27] = [
        b"\"\xff\"",
        b"\"\xc0\xaf\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xf5\x80\x80\x80\"",
        b"\"\xe2\x82\"",
        b"\"a\0b\"",
        b"1\0",
        b"\"\\u0000\"",
        b"\"\\ud800\"",
        b"\"\\udc00\\ud800\"",
        b"\"\\ud800x\"",
        b"\"\\u12g4\"",
        b"\"\\x41\"",
        b"\"a\nb\"",
        b"\"a",
        b"'a'",
        b"NaN",
        b"-Infinity",
        b"0x10",
        b"01",
        b"+1",
        b".5",
        b"5.",
        b"1,",
        b"1 /* one */",
        b"True",
        b"1}{\"x\":1",
    ];
    let name = |value: &[u8]| format!("the value {}", value.escape_ascii());
    let mut rows: Vec<_> = good
        .iter()
        .map(|value| (name(value), valued(value), SERVED))
        .collect();
    rows.extend(
        bad.iter()
            .map(|value| (name(value), valued(value), "token_malformed")),
    );
    let mark = [b"\xef\xbb\xbf", claims().as_bytes()].concat();
    let utf16: Vec<u8> = claims().encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (what, payload) in [("a byte order mark", mark), ("UTF-16", utf16)] {
        rows.push((what.to_owned(), with_payload(payload), "token_malformed"));
    }
    rows.push((
        "NUL in the header".to_owned(),
        with_header(b"{\"alg\":\"RS256\"}\0"),
        "token_malformed",
    ));
    site.tokens(&rows).await;
}
