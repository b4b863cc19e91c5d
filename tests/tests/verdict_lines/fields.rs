//! The field that carries the token: sizes, schemes, several of them.

use jotgate_scenarios::{Algorithm, Gateway, Keys};

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

#[tokio::test]
async fn t8_the_scheme_and_what_stands_around_the_token() {
    let site = Judged::new().await;
    let good = Keys::first().token().sign();
    let other = Keys::first().token().claim("userId", "anna").sign();
    let middle = good.len() / 2;
    let (start, end) = good.split_at(middle);
    let rows = [
        ("bearer", format!("bearer {good}"), SERVED),
        ("BEARER", format!("BEARER {good}"), SERVED),
        ("bEaReR", format!("bEaReR {good}"), SERVED),
        ("blanks around", format!("Bearer   {good}  "), SERVED),
        ("nothing after it", "Bearer".to_owned(), "token_malformed"),
        ("a blank after it", "Bearer ".to_owned(), "token_malformed"),
        ("twice", format!("Bearer Bearer {good}"), "token_malformed"),
        (
            "twice, in another case",
            format!("Bearer bearer {good}"),
            "token_malformed",
        ),
        ("a tab", format!("Bearer\t{good}"), "token_malformed"),
        ("a colon", format!("Bearer: {good}"), "token_malformed"),
        (
            "an equals sign",
            format!("Bearer={good}"),
            "token_malformed",
        ),
        ("a comma", format!("Bearer, {good}"), "token_malformed"),
        ("no scheme", good.clone(), "token_malformed"),
        ("quoted", format!("Bearer \"{good}\""), "token_malformed"),
        (
            "quoted as a whole",
            format!("\"Bearer {good}\""),
            "token_malformed",
        ),
        (
            "single quotes",
            format!("Bearer '{good}'"),
            "token_malformed",
        ),
        (
            "quoted without scheme",
            format!("\"{good}\""),
            "token_malformed",
        ),
        (
            "cut by a blank",
            format!("Bearer {start} {end}"),
            "token_malformed",
        ),
        (
            "cut by a tab",
            format!("Bearer {start}\t{end}"),
            "token_malformed",
        ),
        (
            "a placeholder",
            "Bearer <token>".to_owned(),
            "token_malformed",
        ),
        (
            "a placeholder in braces",
            "Bearer {{token}}".to_owned(),
            "token_malformed",
        ),
        ("null", "Bearer null".to_owned(), "token_malformed"),
        (
            "undefined",
            "Bearer undefined".to_owned(),
            "token_malformed",
        ),
        (
            "an object",
            "Bearer [object Object]".to_owned(),
            "token_malformed",
        ),
        (
            "two tokens",
            format!("Bearer {good} {other}"),
            "token_ambiguous",
        ),
        (
            "two tokens, comma",
            format!("Bearer {good},{other}"),
            "token_ambiguous",
        ),
        (
            "two schemes, comma",
            format!("Bearer {good}, Bearer {other}"),
            "token_ambiguous",
        ),
        (
            "behind Basic",
            format!("Basic Ym96OmJveg==, Bearer {good}"),
            "token_ambiguous",
        ),
        ("as Basic", format!("Basic {good}"), "credentials_missing"),
        (
            "as another scheme",
            format!("Token {good}"),
            "credentials_missing",
        ),
        (
            "as a longer scheme",
            format!("BearerX {good}"),
            "credentials_missing",
        ),
        (
            "as a shorter scheme",
            format!("Beare {good}"),
            "credentials_missing",
        ),
        ("glued", format!("Bearer{good}"), "credentials_missing"),
        ("nothing", String::new(), "credentials_missing"),
    ];
    let rows = rows.map(|(what, value, expected)| (what, site.authorization(&value), expected));
    site.requests(rows).await;
}

#[tokio::test]
async fn t8_two_fields_are_never_one_of_them() {
    let site = Judged::new().await;
    let good = Keys::first().token().sign();
    let other = Keys::first().token().claim("userId", "anna").sign();
    let bad = Keys::second().token().sign();
    let pair = |first: &str, second: &str| {
        site.authorization(first)
            .header("authorization", second.to_owned())
    };
    let bearer = |token: &str| format!("Bearer {token}");
    let rows = [
        (
            "the same twice",
            pair(&bearer(&good), &bearer(&good)),
            "token_ambiguous",
        ),
        (
            "two users",
            pair(&bearer(&good), &bearer(&other)),
            "token_ambiguous",
        ),
        (
            "good and bad",
            pair(&bearer(&good), &bearer(&bad)),
            "token_ambiguous",
        ),
        (
            "bad and good",
            pair(&bearer(&bad), &bearer(&good)),
            "token_ambiguous",
        ),
        (
            "Basic and Bearer",
            pair("Basic Ym96OmJveg==", &bearer(&good)),
            "token_ambiguous",
        ),
        (
            "empty and Bearer",
            pair("", &bearer(&good)),
            "token_ambiguous",
        ),
        (
            "three",
            pair(&bearer(&good), &bearer(&good)).bearer(&good),
            "token_ambiguous",
        ),
        ("one", site.get().bearer(&good), SERVED),
    ];
    site.requests(rows).await;
}

/// What no HTTP library sends: bytes that are no text, folded lines, trailers.
#[tokio::test]
async fn t8_fields_that_only_bytes_can_say() {
    let site = Judged::new().await;
    let good = Keys::first().token().sign();
    let (start, end) = good.split_at(good.len() / 2);
    let get = |fields: &[u8]| {
        let head = b"GET /jwt/hub/ HTTP/1.1\r\nHost: g\r\nConnection: close\r\n";
        [head, fields, b"\r\n\r\n"].concat()
    };
    let line = |value: &[u8]| get(&[b"Authorization: Bearer ", value].concat());
    let trailer = format!(
        "POST /jwt/hub/ HTTP/1.1\r\nHost: g\r\nConnection: close\r\nTE: trailers\r\n\
         Trailer: Authorization\r\nTransfer-Encoding: chunked\r\n\r\n\
         1\r\nx\r\n0\r\nAuthorization: Bearer {good}\r\n\r\n"
    );
    let rows: [(&str, Vec<u8>, u16, &str); 9] = [
        ("as it should be", line(good.as_bytes()), 200, ""),
        (
            "not UTF-8",
            line(b"\xff\xfe.\xfd.\xfc"),
            401,
            "token_malformed",
        ),
        (
            "UTF-8",
            line("\u{e9}.\u{e9}.\u{e9}".as_bytes()),
            401,
            "token_malformed",
        ),
        (
            "a mark before it",
            line(&[b"\xef\xbb\xbf", good.as_bytes()].concat()),
            401,
            "token_malformed",
        ),
        (
            "a blank of another kind",
            line(&[b"\xc2\xa0", good.as_bytes()].concat()),
            401,
            "token_malformed",
        ),
        (
            "NUL",
            line(&[good.as_bytes(), b"\0"].concat()),
            400,
            "request_malformed",
        ),
        (
            "a carriage return",
            line(format!("{start}\r{end}").as_bytes()),
            400,
            "request_malformed",
        ),
        (
            "a folded line",
            line(format!("{start}\r\n {end}").as_bytes()),
            400,
            "request_malformed",
        ),
        (
            "a trailer",
            trailer.into_bytes(),
            401,
            "credentials_missing",
        ),
    ];
    for (what, bytes, status, reason) in rows {
        let mut raw = site.client().raw().await;
        raw.send(&bytes).await;
        let answer = raw.read_answer().await;
        let found = answer
            .headers
            .get("jotgate-reason")
            .map_or("", |value| value.to_str().expect("text"));
        assert_eq!(answer.status, status, "{what}: {}", answer.head);
        // What the HTTP library refuses has no reason.
        assert!(
            found == reason || (status == 400 && found.is_empty()),
            "{what}: {found}"
        );
    }
    assert_eq!(site.backend.received().len(), 1);
}

/// The field's name in other spellings, and other fields that carry tokens elsewhere.
#[tokio::test]
async fn t8_only_the_one_field_carries_a_token() {
    let site = Judged::new().await;
    let good = Keys::first().token().sign();
    let names = [
        "Authorization_",
        "X-Authorization",
        "Proxy-Authorization",
        "X-Forwarded-Authorization",
        "X-Access-Token",
        "X-Forwarded-Access-Token",
        "X-Amzn-Oidc-Data",
        "X-Goog-Iap-Jwt-Assertion",
        "Authentication",
        "Sec-WebSocket-Protocol",
    ];
    let rows = names.map(|name| {
        let request = site.get().header(name, format!("Bearer {good}"));
        (name, request, "credentials_missing")
    });
    site.requests(rows).await;
    let token = Keys::first().token().algorithm(Algorithm::RS384).sign();
    let fields = site.authorization(&format!("Bearer {token}"));
    site.requests([("the field", fields, SERVED)]).await;
}
