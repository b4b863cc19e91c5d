//! Encryption, compression, nesting, and extensions that must be understood.

use jotgate_scenarios::{Algorithm, Keys};

use crate::forge::{USER, segment, sign_text, with_header, with_payload};
use crate::judged::{Judged, SERVED};

#[tokio::test]
async fn t6_encrypted_compressed_and_nested_tokens() {
    let site = Judged::new().await;
    let jwe = |header: &str, cek: &str| {
        let rest = [cek, "AAAAAAAAAAAAAAAA", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA"].join(".");
        format!("{}.{rest}", segment(header))
    };
    let inner = Keys::first().token().sign();
    let wrapped = segment(&inner);
    let bomb = r#"{"alg":"dir","enc":"A128GCM","zip":"DEF"}"#;
    let rows = [
        (
            "JWE",
            jwe(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#, "AAAA"),
            "token_encrypted",
        ),
        (
            "JWE, direct key",
            jwe(r#"{"alg":"dir","enc":"A128GCM"}"#, ""),
            "token_encrypted",
        ),
        (
            "JWE, empty everything",
            "....".to_owned(),
            "token_encrypted",
        ),
        ("JWE that unpacks to much", jwe(bomb, ""), "token_encrypted"),
        (
            "JWE around a plain token",
            format!(
                "{}..AAAA.{wrapped}.AAAA",
                segment(r#"{"alg":"dir","enc":"none"}"#)
            ),
            "token_encrypted",
        ),
        (
            "enc in a signed one",
            with_header(r#"{"alg":"RS256","enc":"A128GCM"}"#),
            "token_encrypted",
        ),
        (
            "zip",
            with_header(r#"{"alg":"RS256","zip":"DEF"}"#),
            "token_header_unsupported",
        ),
        (
            "a token in a token",
            with_payload(&inner),
            "token_malformed",
        ),
        (
            "a token in a token that says so",
            Keys::first().sign(
                Algorithm::RS256,
                br#"{"alg":"RS256","cty":"JWT"}"#,
                inner.as_bytes(),
            ),
            "token_malformed",
        ),
        (
            "cty alone",
            with_header(r#"{"alg":"RS256","cty":"JWT"}"#),
            SERVED,
        ),
    ];
    site.tokens(&rows).await;
}

#[tokio::test]
async fn t7_extensions_that_must_be_understood() {
    let site = Judged::new().await;
    let header = |more: &str| with_header(format!(r#"{{"alg":"RS256"{more}}}"#));
    let unsupported = [
        r#","crit":["exp"]"#,
        r#","crit":["exp"],"exp":1"#,
        r#","crit":[]"#,
        r#","crit":["absent"]"#,
        r#","crit":["alg"]"#,
        r#","crit":"exp""#,
        r#","crit":null"#,
        r#","crit":{}"#,
        r#","crit":[1]"#,
        r#","crit":["b64"],"b64":false"#,
        r#","crit":["b64"],"b64":true"#,
        r#","b64":false"#,
        r#","b64":true"#,
        r#","typ":"logout+jwt""#,
        r#","typ":"application/DPoP+JWT""#,
        r#","typ":7"#,
    ];
    let mut rows: Vec<_> = unsupported
        .map(|more| (more, header(more), "token_header_unsupported"))
        .into();
    for more in [
        "",
        r#","x":{"crit":[]}"#,
        r#","typ":"at+jwt""#,
        r#","typ":"jwt""#,
        r#","Crit":["x"]"#,
    ] {
        rows.push((more, header(more), SERVED));
    }
    let claimed = with_payload(format!(
        r#"{{{USER},"crit":["exp"],"b64":false,"zip":"DEF"}}"#
    ));
    rows.push(("as claims", claimed, SERVED));
    // The payload as it is, which is what b64 means (RFC 7797).
    let plain = format!(
        "{}.{}",
        segment(r#"{"alg":"RS256","b64":false,"crit":["b64"]}"#),
        "eyJ4Ijox"
    );
    rows.push((
        "a payload that is not encoded",
        sign_text(&plain),
        "token_header_unsupported",
    ));
    site.tokens(&rows).await;
}
