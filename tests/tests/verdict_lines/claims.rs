//! Registered claims: dates, issuer, audience.

use jotgate_scenarios::{Keys, now};
use serde_json::{Value, json};

use crate::forge::{USER, with_payload};
use crate::judged::{Judged, SERVED};

/// A token with one more claim, its value as JSON text.
fn claim(name: &str, value: &str) -> String {
    with_payload(format!(r#"{{{USER},"{name}":{value}}}"#))
}

#[tokio::test]
async fn c2_exp_is_read_exactly_or_not_at_all() {
    let site = Judged::new().await;
    let (later, earlier) = (now() + 600, now() - 600);
    let rows: Vec<(String, &str)> = [
        (format!("{later}"), SERVED),
        (format!("{later}.5"), SERVED),
        (format!("{later}.000000000000000000001"), SERVED),
        (format!("{later}0e-1"), SERVED),
        (format!("{earlier}"), "token_expired"),
        (format!("{earlier}.999999999"), "token_expired"),
        ("1e300".into(), "claim_invalid"),
        ("1e99999999999999999999".into(), "claim_invalid"),
        ("2147483647".into(), SERVED),
        ("2147483648".into(), SERVED),
        ("4294967296".into(), SERVED),
        ("9007199254740993".into(), SERVED),
        ("1e10".into(), SERVED),
        ("9223372036854775807".into(), SERVED),
        ("9223372036854775808".into(), "claim_invalid"),
        ("18446744073709551615".into(), "claim_invalid"),
        ("18446744073709551616".into(), "claim_invalid"),
        (
            "340282366920938463463374607431768211456".into(),
            "claim_invalid",
        ),
        ("0".into(), "token_expired"),
        ("-0".into(), "token_expired"),
        ("1e-300".into(), "token_expired"),
        ("-1".into(), "claim_invalid"),
        ("-9223372036854775808".into(), "claim_invalid"),
        ("-1e300".into(), "claim_invalid"),
        (format!("\"{later}\""), "claim_invalid"),
        ("\"never\"".into(), "claim_invalid"),
        ("\"\"".into(), "claim_invalid"),
        ("null".into(), "claim_invalid"),
        ("true".into(), "claim_invalid"),
        ("false".into(), "claim_invalid"),
        (format!("[{later}]"), "claim_invalid"),
        ("[]".into(), "claim_invalid"),
        ("{}".into(), "claim_invalid"),
        ("NaN".into(), "token_malformed"),
        ("Infinity".into(), "token_malformed"),
        (format!("0{later}"), "token_malformed"),
        (format!("+{later}"), "token_malformed"),
        (format!("{later}."), "token_malformed"),
        ("0x7fffffff".into(), "token_malformed"),
    ]
    .into();
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(value, expected)| (format!("exp {value}"), claim("exp", &value), expected))
        .collect();
    site.tokens(&rows).await;
}

#[tokio::test]
async fn c2_nbf_and_iat_are_read_exactly_or_not_at_all() {
    let site = Judged::new().await;
    let (later, earlier) = (now() + 600, now() - 600);
    let mut rows = Vec::new();
    for (name, ahead) in [
        ("nbf", "token_not_yet_valid"),
        ("iat", "token_issued_in_future"),
    ] {
        for (value, expected) in [
            (format!("{earlier}"), SERVED),
            (format!("{earlier}.25"), SERVED),
            ("0".into(), SERVED),
            ("1.0e3".into(), SERVED),
            (format!("{later}"), ahead),
            (format!("{later}.5"), ahead),
            ("2147483648".into(), ahead),
            ("9223372036854775807".into(), ahead),
            // Milliseconds are in the future, never wrapped around.
            (format!("{earlier}000"), ahead),
            ("9223372036854775808".into(), "claim_invalid"),
            ("18446744073709551616".into(), "claim_invalid"),
            ("1e300".into(), "claim_invalid"),
            ("-1".into(), "claim_invalid"),
            ("-1e300".into(), "claim_invalid"),
            (format!("\"{earlier}\""), "claim_invalid"),
            ("null".into(), "claim_invalid"),
            ("true".into(), "claim_invalid"),
            ("[]".into(), "claim_invalid"),
            ("{}".into(), "claim_invalid"),
            ("NaN".into(), "token_malformed"),
        ] {
            rows.push((format!("{name} {value}"), claim(name, &value), expected));
        }
    }
    site.tokens(&rows).await;
}

/// A date that cannot be read must not count as absent where other rules would let it pass.
#[tokio::test]
async fn c2_wrong_types_are_refused_whatever_the_policy() {
    let site = Judged::new().await;
    for (required, lifetime) in [(false, 0), (true, 0), (false, 3600)] {
        site.vp
            .update(|entity| {
                entity["jwtRequireExpiration"] = json!(required);
                entity["jwtMaxLifetimeSeconds"] = json!(lifetime);
            })
            .await;
        for value in ["\"x\"", "null", "-1", "1e300", "{}"] {
            for name in ["exp", "nbf", "iat"] {
                let fine = if name == "exp" {
                    String::new()
                } else {
                    format!(r#","exp":{}"#, now() + 60)
                };
                let token = with_payload(format!(r#"{{{USER},"{name}":{value}{fine}}}"#));
                let answer = site.get().bearer(&token).send().await;
                assert_eq!(
                    (answer.status, answer.reason()),
                    (401, "claim_invalid"),
                    "{name} {value}"
                );
            }
        }
    }
}

#[tokio::test]
async fn c3_an_audience_of_a_wrong_type_is_refused_also_when_none_is_asked_for() {
    let site = Judged::new().await;
    let values: [(Value, &str); 13] = [
        (json!("anything"), SERVED),
        (json!(""), SERVED),
        (json!([]), SERVED),
        (json!(["a", "b"]), SERVED),
        (json!(1), "claim_invalid"),
        (json!(null), "claim_invalid"),
        (json!(true), "claim_invalid"),
        (json!({}), "claim_invalid"),
        (json!({ "0": "qlik" }), "claim_invalid"),
        (json!(["qlik", 1]), "claim_invalid"),
        (json!(["qlik", null]), "claim_invalid"),
        (json!([["qlik"]]), "claim_invalid"),
        (json!([{ "qlik": true }]), "claim_invalid"),
    ];
    let rows = values.map(|(value, expected)| {
        (
            format!("aud {value}"),
            claim("aud", &value.to_string()),
            expected,
        )
    });
    site.tokens(&rows).await;
}

#[tokio::test]
async fn c3_a_token_for_another_service_is_refused() {
    let site = Judged::new().await;
    site.vp.set("jwtAudience", "https://qlik.example").await;
    let values: [(Value, &str); 15] = [
        (json!("https://qlik.example"), SERVED),
        (json!(["https://qlik.example"]), SERVED),
        (json!(["a", "https://qlik.example", "b"]), SERVED),
        (json!("https://other.example"), "audience_mismatch"),
        (json!("https://qlik.example/"), "audience_mismatch"),
        (
            json!("https://qlik.example.evil.example"),
            "audience_mismatch",
        ),
        (json!("https://QLIK.example"), "audience_mismatch"),
        (json!("https://qlik"), "audience_mismatch"),
        (json!("a https://qlik.example"), "audience_mismatch"),
        (json!("https://qlik.example,a"), "audience_mismatch"),
        (json!("*"), "audience_mismatch"),
        (json!(""), "audience_mismatch"),
        (json!([]), "audience_mismatch"),
        (json!([""]), "audience_mismatch"),
        (json!(["https://qlik.example", 1]), "claim_invalid"),
    ];
    let mut rows: Vec<_> = values
        .map(|(value, expected)| {
            (
                format!("aud {value}"),
                claim("aud", &value.to_string()),
                expected,
            )
        })
        .into();
    rows.push((
        "none".into(),
        with_payload(format!("{{{USER}}}")),
        "audience_mismatch",
    ));
    rows.push((
        "as azp".into(),
        claim("azp", "\"https://qlik.example\""),
        "audience_mismatch",
    ));
    for row in &rows {
        let answer = site.get().bearer(&row.1).send().await;
        let found = if answer.status == 200 {
            SERVED
        } else {
            answer.reason()
        };
        assert_eq!(found, row.2, "{}", row.0);
    }
}

/// A token of somebody else is a token: it is refused, and what else comes along does not count.
#[tokio::test]
async fn c4_an_unknown_issuer_is_no_missing_token() {
    let site = Judged::new().await;
    site.vp.set("jwtIssuer", "https://issuer.example").await;
    let token = |issuer: &str| claim("iss", issuer);
    let good = token("\"https://issuer.example\"");
    let first = site.get().bearer(&good).send().await;
    assert_eq!(first.status, 200, "{}", first.text());
    let cookie = first.cookie();
    for (issuer, reason) in [
        ("\"https://other.example\"", "issuer_mismatch"),
        ("\"https://ISSUER.example\"", "issuer_mismatch"),
        ("\"https://issuer.example/\"", "issuer_mismatch"),
        ("\"https://issuer.example \"", "issuer_mismatch"),
        ("\"\"", "issuer_mismatch"),
        ("null", "claim_invalid"),
        ("1", "claim_invalid"),
        ("[\"https://issuer.example\"]", "claim_invalid"),
        ("{}", "claim_invalid"),
    ] {
        for request in [site.get(), site.get().cookie(&cookie)] {
            let answer = request.bearer(&token(issuer)).send().await;
            assert_eq!((answer.status, answer.reason()), (401, reason), "{issuer}");
            let challenge = answer.header("www-authenticate");
            assert!(challenge.contains("invalid_token"), "{issuer}: {challenge}");
        }
    }
    let unsigned = Keys::second()
        .token()
        .claim("iss", "https://other.example")
        .sign();
    let answer = site.get().bearer(&unsigned).send().await;
    assert_eq!(
        answer.reason(),
        "signature_invalid",
        "what is not proven is not judged"
    );
}
