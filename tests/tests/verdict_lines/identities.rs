//! Who the user is, and what becomes of the claims on their way to the backend.

use jotgate_scenarios::{Algorithm, Keys};
use serde_json::{Value, json};

use crate::forge::{HEADER, claims, with_payload};
use crate::judged::{Judged, SERVED};

/// The longest user id and user directory, in bytes.
const MAX_NAME: usize = 1024;

#[tokio::test]
async fn c5_a_user_and_a_directory_are_text_or_the_token_is_refused() {
    let site = Judged::new().await;
    let mut rows = Vec::new();
    for name in ["userId", "userDirectory"] {
        let token = |value: Option<Value>| {
            let mut claims = json!({ "userId": "boz", "userDirectory": "example" });
            let members = claims.as_object_mut().expect("an object");
            match value {
                Some(value) => members.insert(name.to_owned(), value),
                None => members.remove(name),
            };
            with_payload(claims.to_string())
        };
        let mut row = |what: &str, value: Option<Value>, expected: &'static str| {
            rows.push((format!("{name}: {what}"), token(value), expected));
        };
        row("missing", None, "claim_missing");
        for value in [
            json!(""),
            json!(null),
            json!(true),
            json!(0),
            json!(7),
            json!(1.5),
        ] {
            row(&value.to_string(), Some(value), "claim_invalid");
        }
        for value in [json!([]), json!(["boz"]), json!({}), json!({ "id": "boz" })] {
            row(&value.to_string(), Some(value), "claim_invalid");
        }
        for control in [
            "\r", "\n", "\t", "\0", "\u{7f}", "\u{85}", "\u{1b}", "\u{8}",
        ] {
            // NUL is refused by the reader of JSON already.
            let expected = if control == "\0" {
                "token_malformed"
            } else {
                "claim_invalid"
            };
            for text in [
                control.to_owned(),
                format!("a{control}b"),
                format!("boz{control}"),
            ] {
                row(&format!("{text:?}"), Some(json!(text)), expected);
            }
        }
        let long = |length: usize| Some(json!("x".repeat(length)));
        row("1024 bytes", long(MAX_NAME), SERVED);
        row("1025 bytes", long(MAX_NAME + 1), "claim_invalid");
        row("10 KB", long(10_000), "claim_invalid");
        // 512 letters of two bytes are as long as may be.
        row(
            "512 letters",
            Some(json!("\u{e9}".repeat(MAX_NAME / 2))),
            SERVED,
        );
        row(
            "513 letters",
            Some(json!("\u{e9}".repeat(MAX_NAME / 2 + 1))),
            "claim_invalid",
        );
    }
    site.tokens(&rows).await;
}

#[tokio::test]
async fn c5_names_stay_inside_of_their_value_at_the_backend() {
    let site = Judged::new().await;
    let names = [
        ("boz", "boz"),
        (
            "x; UserDirectory=INTERNAL; UserId=sa_api",
            "x%3B%20UserDirectory%3DINTERNAL%3B%20UserId%3Dsa_api",
        ),
        ("a;b", "a%3Bb"),
        ("a=b", "a%3Db"),
        ("a,b", "a%2Cb"),
        ("DOMAIN\\boz", "DOMAIN%5Cboz"),
        ("50%", "50%25"),
        ("%0d%0a", "%250d%250a"),
        ("\"boz\"", "%22boz%22"),
        ("a b", "a%20b"),
        ("a+b", "a%2Bb"),
        ("a/../b", "a%2F..%2Fb"),
        ("a@evil@example.com", "a%40evil%40example.com"),
        ("\u{e9}", "%C3%A9"),
        ("\u{1f600}", "%F0%9F%98%80"),
        ("\u{202e}boz", "%E2%80%AEboz"),
        ("\u{ff1b}", "%EF%BC%9B"),
        ("<b>", "%3Cb%3E"),
    ];
    for (name, encoded) in names {
        for claim in ["userId", "userDirectory"] {
            let mut claims = json!({ "userId": "boz", "userDirectory": "example" });
            claims[claim] = json!(name);
            let answer = site
                .get()
                .bearer(&with_payload(claims.to_string()))
                .send()
                .await;
            assert_eq!(answer.status, 200, "{name:?}: {}", answer.text());
            let (directory, id) = match claim {
                "userId" => ("example", encoded),
                _ => (encoded, "boz"),
            };
            let received = site.backend.last();
            assert_eq!(
                received.headers("x-qlik-user"),
                [format!("UserDirectory={directory}; UserId={id}")],
                "{name:?} as {claim}"
            );
        }
    }
}

#[tokio::test]
async fn c6_an_absent_claim_leaves_no_header_of_the_clients_own() {
    let site = Judged::new().await;
    site.vp
        .update(|entity| {
            entity["jwtAttributeMap"] =
                json!([{ "jwtAttribute": "mail", "senseAttribute": "mail", "isMandatory": false }]);
            entity["backendHeaders"] = json!([
                { "name": "X-Mail", "value": "{attribute.mail}" },
                { "name": "X-Who", "value": "{userId}" },
            ]);
        })
        .await;
    let with =
        with_payload(r#"{"userId":"boz","userDirectory":"example","mail":"boz@example.com"}"#);
    let served = site.get().bearer(&with).send().await;
    assert_eq!(served.status, 200, "{}", served.text());
    assert_eq!(site.backend.last().headers("x-mail"), ["boz@example.com"]);

    let empty = with_payload(r#"{"userId":"boz","userDirectory":"example","mail":[]}"#);
    for (what, token) in [
        ("absent", with_payload(claims())),
        ("an empty array", empty),
    ] {
        let forge = || {
            [
                "X-Mail", "x-mail", "X_Mail", "X.Mail", "x!mail", "X-Who", "X_Who",
            ]
            .iter()
            .fold(site.get(), |request, name| {
                request.header(name, "admin@example.com")
            })
        };
        let answer = forge().bearer(&token).send().await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        let cookie = answer.cookie();
        let later = forge().cookie(&cookie).send().await;
        assert_eq!(later.status, 200, "{what}: {}", later.text());
        for received in site.backend.received().iter().rev().take(2) {
            let text = received.text();
            assert!(!text.contains("admin@example.com"), "{what}: {text}");
            assert_eq!(received.headers("x-who"), ["boz"], "{what}");
            let mail = received.headers("x-mail");
            assert!(mail.iter().all(String::is_empty), "{what}: {mail:?}");
        }
    }
}

/// Attributes of forms that a rule does not expect are refused, never dropped: «not in group X» would
/// hold otherwise.
#[tokio::test]
async fn c6_attributes_of_odd_types_refuse_the_token() {
    let site = Judged::new().await;
    site.vp
        .set(
            "jwtAttributeMap",
            json!([{ "jwtAttribute": "group", "senseAttribute": "group", "isMandatory": false }]),
        )
        .await;
    let values = [
        (json!("sales"), SERVED),
        (json!(["sales", "finance"]), SERVED),
        (json!([]), SERVED),
        (json!(7), SERVED),
        (json!(true), SERVED),
        (json!(["sales", 7, false]), SERVED),
        (json!(null), "claim_invalid"),
        (json!({}), "claim_invalid"),
        (json!([null]), "claim_invalid"),
        (json!([["sales"]]), "claim_invalid"),
        (json!(["sales", {}]), "claim_invalid"),
        (json!("a\r\nX-Qlik-User: x"), "claim_invalid"),
        (json!(["sales", "a\nb"]), "claim_invalid"),
    ];
    let rows = values.map(|(value, expected)| {
        let payload = json!({ "userId": "boz", "userDirectory": "example", "group": value });
        let token = Keys::first().sign(
            Algorithm::RS256,
            HEADER.as_bytes(),
            payload.to_string().as_bytes(),
        );
        (format!("group {value}"), token, expected)
    });
    site.tokens(&rows).await;
}
