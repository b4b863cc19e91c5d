//! What is kept of a token that somebody presented.

use std::sync::Arc;

use jotgate_model::PresentedToken;
use serde_json::{Map, Value};

use crate::display::unverified_parts;
use crate::parts::Parts;

/// What stands in the place of a private value.
const MASK: &str = "***";
/// What stands in the place of a value that is too long.
const TOO_LONG: &str = "…";
/// The longest value that is kept, as JSON text in bytes.
const MAX_VALUE: usize = 1024;
/// What every token begins with: `{"` in base64url.
const TOKEN_START: &str = "eyJ";

/// What may be kept of a token that was refused. Nothing of it is proven; nothing when neither header
/// nor claims can be read. The values of claims named in `private` are masked, and so are values that
/// look like tokens.
#[must_use]
pub fn presented(token: &[u8], private: &[Box<str>]) -> Option<PresentedToken> {
    let parts = unverified_parts(token);
    if parts.header.is_none() && parts.claims.is_none() {
        return None;
    }
    let mut presented = PresentedToken::default();
    presented.header = parts.header.map(|h| text(h, &[], &mut presented.is_cut));
    presented.claims = parts
        .claims
        .map(|c| text(c, private, &mut presented.is_cut));
    Some(presented)
}

/// What may be kept of a token that was accepted: header and payload have been read, and `key` has made
/// the signature. Where nothing has to be masked or cut they are kept as they came, which costs a copy.
pub(crate) fn verified(
    token: &[u8],
    parts: &Parts<'_>,
    private: &[Box<str>],
    key: Arc<str>,
) -> PresentedToken {
    let as_it_came = |json| {
        let text = std::str::from_utf8(json).ok()?;
        // An escape could hide the beginning of a token.
        let plain = !text.contains(TOKEN_START) && !text.contains('\\');
        let fits = plain && text.len() <= PresentedToken::MAX_TEXT;
        fits.then(|| Box::from(text))
    };
    let header = as_it_came(parts.header());
    let claims = as_it_came(parts.payload()).filter(|_| private.is_empty());
    let kept = match (header, claims) {
        (Some(header), Some(claims)) => PresentedToken {
            header: Some(header),
            claims: Some(claims),
            ..PresentedToken::default()
        },
        _ => presented(token, private).unwrap_or_default(),
    };
    PresentedToken {
        key_fingerprint: Some(key),
        ..kept
    }
}

/// The members as JSON text of at most [`PresentedToken::MAX_TEXT`] bytes.
fn text(members: Map<String, Value>, private: &[Box<str>], is_cut: &mut bool) -> Box<str> {
    let mut text = String::from("{");
    for (name, mut value) in members {
        if private.iter().any(|private| **private == *name) {
            value = MASK.into();
        }
        mask_tokens(&mut value);
        let mut shown = value.to_string();
        if shown.len() > MAX_VALUE {
            *is_cut = true;
            shown = Value::from(TOO_LONG).to_string();
        }
        let name = Value::from(name).to_string();
        if text.len() + name.len() + shown.len() + 3 > PresentedToken::MAX_TEXT {
            *is_cut = true;
            continue;
        }
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&name);
        text.push(':');
        text.push_str(&shown);
    }
    text.push('}');
    text.into()
}

/// A token inside of a token is as good as any other.
fn mask_tokens(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(TOKEN_START) => MASK.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(mask_tokens),
        Value::Object(members) => members.values_mut().for_each(mask_tokens),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use base64_simd::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const SIGNATURE: &str = "c2lnbmF0dXJl";

    fn token(header: &Value, claims: &Value) -> Vec<u8> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode_to_string(value.to_string());
        format!("{}.{}.{SIGNATURE}", part(header), part(claims)).into_bytes()
    }

    fn read(text: Option<&str>) -> Value {
        serde_json::from_str(text.unwrap()).unwrap()
    }

    #[test]
    fn private_claims_and_tokens_inside_of_tokens_are_masked() {
        let claims = json!({"userId": "boz", "mail": "b@example.com", "deep": {"t": ["eyJh.b.c"]}});
        let kept = presented(&token(&json!({"alg": "RS256"}), &claims), &["mail".into()]).unwrap();
        assert_eq!(read(kept.header.as_deref()), json!({"alg": "RS256"}));
        assert_eq!(
            read(kept.claims.as_deref()),
            json!({"userId": "boz", "mail": "***", "deep": {"t": ["***"]}})
        );
        assert!(!kept.is_cut && kept.key_fingerprint.is_none());
    }

    #[test]
    fn what_was_verified_is_kept_as_it_came_unless_something_is_private() {
        let token = token(
            &json!({"alg": "RS256"}),
            &json!({"b": 1, "a": 12_345_678_901_234_567_890_u64}),
        );
        let parts = Parts::split(&token).unwrap();
        let plain = verified(&token, &parts, &[], "f".into());
        assert_eq!(
            plain.claims.as_deref(),
            Some(r#"{"b":1,"a":12345678901234567890}"#)
        );
        assert_eq!(plain.key_fingerprint.as_deref(), Some("f"));
        let masked = verified(&token, &parts, &["a".into()], "f".into());
        assert_eq!(masked.claims.as_deref(), Some(r#"{"b":1,"a":"***"}"#));
        assert_eq!(masked.key_fingerprint.as_deref(), Some("f"));
    }

    #[test]
    fn long_values_and_many_members_are_cut() {
        let mut claims = json!({"long": "x".repeat(2000), "userId": "boz"});
        for i in 0..700 {
            claims[format!("n{i}")] = json!(i);
        }
        let kept = presented(&token(&json!({}), &claims), &[]).unwrap();
        let shown = read(kept.claims.as_deref());
        assert!(kept.is_cut && kept.size() <= 2 * PresentedToken::MAX_TEXT);
        assert_eq!(
            (&shown["long"], &shown["userId"]),
            (&json!("…"), &json!("boz"))
        );
    }

    #[test]
    fn what_cannot_be_read_is_not_kept() {
        assert_eq!(presented(b"", &[]), None);
        assert_eq!(presented(b"not.a.token", &[]), None);
        let cut = presented(b"eyJhbGciOiJIUzI1NiJ9.eyJpc3", &[]).unwrap();
        assert!(cut.header.is_some() && cut.claims.is_none());
    }

    proptest! {
        #[test]
        fn whatever_is_presented_stays_small_and_is_json(bytes in proptest::collection::vec(any::<u8>(), 0..600), claim in ".{0,80}") {
            for token in [bytes, token(&json!({"kid": claim}), &json!({ "a": claim, "b": [claim] }))] {
                if let Some(kept) = presented(&token, &["a".into()]) {
                    prop_assert!(kept.size() <= 2 * PresentedToken::MAX_TEXT);
                    for text in [&kept.header, &kept.claims].into_iter().flatten() {
                        prop_assert!(serde_json::from_str::<Map<String, Value>>(text).is_ok());
                        prop_assert!(!text.contains(SIGNATURE));
                    }
                }
            }
        }
    }
}
