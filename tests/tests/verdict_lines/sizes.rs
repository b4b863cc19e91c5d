//! Tokens and signatures that are too long, too short, or cut.

use jotgate_scenarios::{Gateway, Keys};

use crate::forge::{HEADER, claims, segment, sign_text};
use crate::judged::{Judged, SERVED};

/// The longest token that is read.
const MAX_TOKEN: usize = 16 * 1024;

/// A good token with so many bytes.
fn of_length(length: usize) -> String {
    let header = |pad: usize| format!(r#"{{"alg":"RS256","x":"{}"}}"#, "x".repeat(pad));
    let payload = |pad: usize| {
        format!(
            r#"{{"userId":"boz","userDirectory":"example","x":"{}"}}"#,
            "x".repeat(pad)
        )
    };
    let signed = length - ".".len() - segment([0; 256]).len();
    for head in 0..4 {
        let head = segment(header(head));
        let first = (signed - head.len()) * 3 / 4 - 80;
        for pad in first..first + 80 {
            let text = format!("{head}.{}", segment(payload(pad)));
            if text.len() == signed {
                return sign_text(&text);
            }
        }
    }
    panic!("no token has {length} bytes");
}

#[tokio::test]
async fn t2_tokens_that_are_too_large_are_refused_before_they_are_read() {
    let site = Judged::on(Gateway::serve().setting("--max-header-bytes", "1MiB")).await;
    let rows = [
        ("as long as may be", of_length(MAX_TOKEN), SERVED),
        ("a byte more", of_length(MAX_TOKEN + 1), "token_too_large"),
        ("twice as long", of_length(2 * MAX_TOKEN), "token_too_large"),
        (
            "a hundred thousand dots",
            ".".repeat(100_000),
            "token_too_large",
        ),
        ("dots that may be", ".".repeat(MAX_TOKEN), "token_malformed"),
        ("500 KB of A", "A".repeat(500_000), "token_too_large"),
        (
            "a long signature",
            format!("{}.{}", signed(), "A".repeat(21_830)),
            "token_too_large",
        ),
    ];
    for (what, token, _) in &rows[..2] {
        assert!(
            token.len().abs_diff(MAX_TOKEN) <= 1,
            "{what}: {}",
            token.len()
        );
    }
    site.tokens(&rows).await;
}

fn signed() -> String {
    format!("{}.{}", segment(HEADER), segment(claims()))
}

#[tokio::test]
async fn t2_a_head_that_is_too_large_is_a_431_and_the_gateway_goes_on() {
    let site = Judged::new().await;
    for token in [".".repeat(100_000), of_length(60_000)] {
        let mut raw = site.client().raw().await;
        let head = site.get().bearer(&token).head();
        // It may be refused while it is being sent.
        drop(raw.try_send(head).await);
        let answer = raw.read_answer().await;
        assert_eq!(answer.status, 431, "{}", answer.head);
    }
    assert!(site.backend.received().is_empty());
    site.tokens(&[("afterwards", of_length(MAX_TOKEN), SERVED)])
        .await;
}

#[tokio::test]
async fn t3_signatures_of_another_length() {
    let site = Judged::new().await;
    let good = sign_text(&signed());
    let bytes = |length: usize| format!("{}.{}", signed(), segment(vec![7; length]));
    let flipped = |at: usize| {
        let mut token = good.clone().into_bytes();
        let at = signed().len() + 1 + at;
        token[at] = if token[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(token).expect("text")
    };
    let zeros = format!("{}.{}", signed(), "A".repeat(342));
    let larger = format!(
        "{}.{}",
        signed(),
        segment([&[0][..], &decoded(&good)].concat())
    );
    let mut rows = vec![
        ("its own".to_owned(), good.clone(), SERVED),
        ("zeros".to_owned(), zeros, "signature_invalid"),
        ("a zero before it".to_owned(), larger, "signature_invalid"),
        (
            "first character".to_owned(),
            flipped(0),
            "signature_invalid",
        ),
        (
            "in the middle".to_owned(),
            flipped(170),
            "signature_invalid",
        ),
    ];
    for length in [1, 2, 15, 64, 255] {
        rows.push((format!("{length} bytes"), bytes(length), "token_truncated"));
    }
    for length in [256, 257, 384, 512, 8000] {
        rows.push((
            format!("{length} bytes"),
            bytes(length),
            "signature_invalid",
        ));
    }
    let other = Keys::first().token().sign();
    let (_, others) = other.rsplit_once('.').expect("a signature");
    rows.push((
        "another token's".to_owned(),
        format!("{}.{others}", signed()),
        "signature_invalid",
    ));
    site.tokens(&rows).await;
}

/// Wherever it is cut, the verdict says that it was cut.
#[tokio::test]
async fn t3_tokens_that_were_cut_when_they_were_copied() {
    let site = Judged::new().await;
    let good = sign_text(&signed());
    let cuts = (1..good.len()).map(|end| {
        let expected = if end < 3 {
            "token_malformed"
        } else {
            "token_truncated"
        };
        (format!("after {end} characters"), &good[..end], expected)
    });
    site.tokens(&cuts.collect::<Vec<_>>()).await;
}

fn decoded(token: &str) -> Vec<u8> {
    let (_, signature) = token.rsplit_once('.').expect("a signature");
    base64_simd::URL_SAFE_NO_PAD
        .decode_to_vec(signature)
        .expect("base64url")
}
