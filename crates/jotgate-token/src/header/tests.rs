use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<(Option<String>, Option<String>), (Reason, String)> {
    Header::read(text.as_bytes())
        .map(|h| (h.algorithm().map(str::to_owned), h.kid().map(str::to_owned)))
        .map_err(|refusal| {
            (
                refusal.reason,
                refusal.detail().unwrap_or_default().to_owned(),
            )
        })
}

#[test]
fn algorithm_and_key_id_are_read() {
    let both = (Some("RS256".to_owned()), Some("k".to_owned()));
    assert_eq!(
        read(r#"{"alg":"RS256","kid":"k","typ":"JWT","cty":"x"}"#),
        Ok(both)
    );
    assert_eq!(read("{}"), Ok((None, None)));
    assert_eq!(read(r#"{"alg":5}"#), Ok((None, None)));
}

#[test]
fn ordinary_types_are_accepted_and_foreign_ones_refused() {
    for kind in [
        "JWT",
        "jwt",
        "at+jwt",
        "application/at+jwt",
        "JOSE",
        "anything",
        "dpop",
        "logout",
    ] {
        assert!(read(&format!("{{\"typ\":\"{kind}\"}}")).is_ok(), "{kind}");
    }
    for kind in [
        "dpop+jwt",
        "DPoP+JWT",
        "application/dpop+jwt",
        "Application/Logout+JWT",
        "secevent+jwt",
    ] {
        let (reason, detail) = read(&format!("{{\"typ\":\"{kind}\"}}")).unwrap_err();
        assert_eq!(reason, Reason::TokenHeaderUnsupported, "{kind}");
        assert!(detail.contains(kind), "{detail}");
    }
}

/// T6, T7: nothing that changes the meaning of the token is passed over, whatever its value.
#[test]
fn extensions_are_refused_whatever_they_say() {
    for name in ["crit", "b64", "zip", "enc"] {
        let expected = if name == "enc" {
            Reason::TokenEncrypted
        } else {
            Reason::TokenHeaderUnsupported
        };
        for value in [
            "[]",
            "[\"exp\"]",
            "[\"b64\"]",
            "\"x\"",
            "null",
            "true",
            "false",
            "{}",
            "1",
        ] {
            let (reason, _) =
                read(&format!("{{\"alg\":\"RS256\",\"{name}\":{value}}}")).unwrap_err();
            assert_eq!(reason, expected, "{name} {value}");
        }
    }
}

#[test]
fn wrong_types_and_bad_json_are_refused() {
    for value in ["1", "null", "[]", "{}", "true"] {
        for name in ["kid", "typ"] {
            let (reason, _) = read(&format!("{{\"{name}\":{value}}}")).unwrap_err();
            assert_eq!(reason, Reason::TokenHeaderUnsupported, "{name} {value}");
        }
    }
    for text in [
        "",
        "[]",
        "null",
        "{\"alg\":\"RS256\",\"alg\":\"none\"}",
        "{\"kid\":\"\\u0000\"}",
        "{",
    ] {
        assert_eq!(read(text).unwrap_err().0, Reason::TokenMalformed, "{text}");
    }
}

#[test]
fn keys_in_the_header_are_seen_but_not_used() {
    let header = Header::read(br#"{"jwk":{},"jku":"u","x5u":1,"x5c":[],"alg":"RS256"}"#).unwrap();
    assert_eq!(
        header.ignored_keys().collect::<Vec<_>>(),
        ["jwk", "jku", "x5u", "x5c"]
    );
}

proptest! {
    #[test]
    fn never_panics(text in "\\{(\"(alg|kid|typ|crit|enc)\":(\"[a-zA-Z+/]{0,8}\"|null|1|\\[\\]),?){0,4}\\}?") {
        Header::read(text.as_bytes()).ok();
    }
}
