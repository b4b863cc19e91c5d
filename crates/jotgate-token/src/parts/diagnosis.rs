//! What happened to a token that is not in the compact form. Decides only which words are used: the
//! token is refused already.

use base64_simd::URL_SAFE_NO_PAD;
use jotgate_model::{Reason, Refusal};

/// The first characters of every header: `{"` in base64url.
const HEADER_START: &[u8] = b"eyJ";

pub(super) fn diagnose(token: &[u8]) -> Refusal {
    mishap(token)
        .or_else(|| wrong_count(token))
        .or_else(|| unsigned(token))
        .unwrap_or_else(|| bad_segment(token))
}

/// What copying and configuring do to tokens.
fn mishap(token: &[u8]) -> Option<Refusal> {
    let starts = |word: &[u8]| {
        token
            .get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let malformed = |detail: &'static str| Some(Refusal::with(Reason::TokenMalformed, detail));
    match token {
        [] => return malformed("the token is empty"),
        [b'"' | b'\'', ..] => return malformed("the token stands in quotation marks"),
        [b'{', ..] => {
            return malformed("the token is in the JSON form of RFC 7515; send the compact form");
        }
        [b'<', ..] => return malformed("there is a placeholder instead of a token"),
        _ => {}
    }
    if starts(b"Bearer ") || starts(b"Bearer%20") {
        return malformed("the word Bearer stands there twice");
    }
    if starts(b"null") || starts(b"undefined") || starts(b"[object") {
        return malformed("a script sent the word for \"nothing\" instead of a token");
    }
    if token.iter().any(|b| matches!(b, b'\r' | b'\n')) {
        return malformed("there is a line break inside of the token");
    }
    if token.contains(&b',') {
        return Some(Refusal::with(
            Reason::TokenAmbiguous,
            "there are several tokens, with commas between them",
        ));
    }
    if token.iter().any(u8::is_ascii_whitespace) {
        return malformed("there is a blank inside of the token");
    }
    None
}

fn wrong_count(token: &[u8]) -> Option<Refusal> {
    let segments = token.iter().filter(|b| **b == b'.').count() + 1;
    let looks_cut = token.starts_with(HEADER_START);
    Some(match segments {
        3 => return None,
        1 if looks_cut => Refusal::with(
            Reason::TokenTruncated,
            "the token ends inside of its header",
        ),
        2 if looks_cut => Refusal::with(
            Reason::TokenTruncated,
            "the token has no signature: it ends inside of its payload or right after it",
        ),
        5 => Refusal::with(
            Reason::TokenEncrypted,
            "the token has the five segments of an encrypted one (RFC 7516)",
        ),
        1 => Refusal::with(
            Reason::TokenMalformed,
            "the token has no dots; there must be three segments with dots between them",
        ),
        _ => Refusal::with(
            Reason::TokenMalformed,
            format!("the token has {segments} segments instead of three"),
        ),
    })
}

/// `header.payload.` is how unsigned tokens are written (RFC 7519 section 6.1).
fn unsigned(token: &[u8]) -> Option<Refusal> {
    let header = token.strip_suffix(b".")?.split(|b| *b == b'.').next()?;
    let header = URL_SAFE_NO_PAD.decode_to_vec(header).ok()?;
    let header = crate::json::parse_object(&header).ok()?;
    let algorithm = header.get("alg")?.as_text()?;
    Some(if algorithm.eq_ignore_ascii_case("none") {
        Refusal::with(
            Reason::AlgorithmNotAllowed,
            "the token is not signed (alg is none)",
        )
    } else {
        Refusal::with(
            Reason::TokenTruncated,
            "the token ends right before its signature",
        )
    })
}

fn bad_segment(token: &[u8]) -> Refusal {
    let names = ["header", "payload", "signature"];
    for (name, segment) in names.into_iter().zip(token.split(|b| *b == b'.')) {
        if segment.is_empty() && name != "payload" {
            return Refusal::with(
                Reason::TokenMalformed,
                format!("the token's {name} is empty"),
            );
        }
        if URL_SAFE_NO_PAD.decode_to_vec(segment).is_ok() {
            continue;
        }
        let foreign = segment
            .iter()
            .find(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')));
        return match foreign {
            Some(b'=') => malformed(
                name,
                "carries the padding =, which compact tokens leave out",
            ),
            Some(b'+' | b'/') => {
                malformed(name, "is base64 instead of base64url (+ and / for - and _)")
            }
            Some(b'%') => malformed(name, "is percent-encoded"),
            Some(_) => malformed(name, "contains a character that base64url does not have"),
            None if name == "signature" && !is_whole_signature(token, segment.len() * 3 / 4) => {
                Refusal::with(
                    Reason::TokenTruncated,
                    "the token ends inside of its signature",
                )
            }
            None => malformed(
                name,
                "is not canonical base64url: the last character is wrong",
            ),
        };
    }
    Refusal::new(Reason::TokenMalformed)
}

/// Whether a signature of so many bytes can be complete: 64 and 96 are those of elliptic curves, 256,
/// 384 and 512 those of usual RSA keys. What the header says is no more than a hint here.
fn is_whole_signature(token: &[u8], bytes: usize) -> bool {
    let header = token.split(|b| *b == b'.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode_to_vec(header).unwrap_or_default();
    let curve = header
        .windows(3)
        .any(|word| matches!(word, b"\"ES" | b"\"Ed"));
    let whole: &[usize] = if curve { &[64, 96] } else { &[256, 384, 512] };
    whole.contains(&bytes)
}

fn malformed(name: &str, problem: &str) -> Refusal {
    Refusal::with(
        Reason::TokenMalformed,
        format!("the token's {name} {problem}"),
    )
}
