//! Algorithms and keys: whose word counts.

use jotgate_scenarios::{Algorithm, Backend, Keys};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, date_time_ymd};
use serde_json::{Value, json};

use crate::forge::{HEADER, claims, der, hmac_token, jwk, segment, with_header};
use crate::judged::{Judged, SERVED};

#[tokio::test]
async fn a1_tokens_that_are_not_signed() {
    let site = Judged::new().await;
    let values = [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!("none "),
        json!(" none"),
        json!("null"),
        json!(""),
        json!(null),
        json!(0),
        json!(true),
        json!(["RS256"]),
        json!({ "alg": "RS256" }),
        json!("rs256"),
        json!("RS256 "),
        json!("RS256,none"),
        json!("RSA"),
        json!("SHA256withRSA"),
    ];
    let mut rows = Vec::new();
    for value in values {
        let header = json!({ "alg": value, "typ": "JWT" }).to_string();
        let unsigned = format!("{}.{}", segment(&header), segment(claims()));
        let is_none = value
            .as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case("none"));
        // A token that ends with its second dot is read as unsigned where it says so, else as cut.
        let bare = match value {
            _ if is_none => "algorithm_not_allowed",
            Value::String(_) => "token_truncated",
            _ => "token_malformed",
        };
        rows.push((
            format!("{value}, no signature"),
            format!("{unsigned}."),
            bare,
        ));
        rows.push((
            format!("{value}, two segments"),
            unsigned.clone(),
            "token_truncated",
        ));
        rows.push((
            format!("{value}, a zero"),
            format!("{unsigned}.AA"),
            "algorithm_not_allowed",
        ));
        rows.push((
            format!("{value}, signed"),
            with_header(&header),
            "algorithm_not_allowed",
        ));
    }
    let missing = segment(r#"{"typ":"JWT"}"#);
    rows.push((
        "none at all".to_owned(),
        format!("{missing}.{}.", segment(claims())),
        "token_malformed",
    ));
    rows.push((
        "none at all, signed".to_owned(),
        with_header("{}"),
        "algorithm_not_allowed",
    ));
    rows.push((
        "in another case".to_owned(),
        with_header(r#"{"ALG":"RS256"}"#),
        "algorithm_not_allowed",
    ));
    rows.push(("as it should be".to_owned(), with_header(HEADER), SERVED));
    site.tokens(&rows).await;
}

#[tokio::test]
async fn a2_the_public_key_is_no_secret_to_sign_with() {
    let site = Judged::new().await;
    let (key, certificate) = (Keys::first().public_key(), Keys::first().certificate());
    // As pasted: what the gateway has is this very text.
    site.vp
        .set("jwtPublicKeyCertificate", format!("{certificate}{key}"))
        .await;
    let stored = site.vp.entity().await["jwtPublicKeyCertificate"].clone();
    let stored = stored.as_str().expect("text").to_owned();
    let secrets = [
        ("the stored text", stored.into_bytes()),
        ("the key's PEM", key.clone().into_bytes()),
        (
            "without its last line break",
            key.trim_end().as_bytes().to_vec(),
        ),
        (
            "with Windows line breaks",
            key.replace('\n', "\r\n").into_bytes(),
        ),
        ("the key's DER", der(&key)),
        ("the certificate's PEM", certificate.clone().into_bytes()),
        ("the certificate's DER", der(&certificate)),
        ("nothing", Vec::new()),
        ("a zero", vec![0]),
        ("secret", b"secret".to_vec()),
    ];
    let mut rows = vec![("as it should be".to_owned(), with_header(HEADER), SERVED)];
    for (what, secret) in secrets {
        for algorithm in ["HS256", "HS384", "HS512"] {
            let token = hmac_token(algorithm, &secret);
            rows.push((
                format!("{what}, {algorithm}"),
                token,
                "algorithm_not_allowed",
            ));
        }
        // The same tag under a name that is allowed.
        let token = hmac_token("RS256", &secret);
        rows.push((format!("{what}, as RS256"), token, "token_truncated"));
    }
    site.tokens(&rows).await;
    for name in [
        "HS256", "HS384", "HS512", "none", "None", "", "rs256", "RSA1_5", "ES512", "ES256K",
    ] {
        let mut entity = site.vp.entity().await;
        entity["jwtAlgorithms"] = json!(["RS256", name]);
        let answer = site
            .gateway
            .qrs()
            .send("PUT", &site.vp.path(), Some(&entity))
            .await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        assert!(
            answer.text().contains("jwtAlgorithms"),
            "{name}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a3_the_list_decides_and_the_name_must_be_the_truth() {
    let site = Judged::new().await;
    site.vp
        .set("jwtAlgorithms", json!(["RS256", "ES256"]))
        .await;
    let signed = |algorithm| Keys::first().token().algorithm(algorithm).sign();
    let named = |name: &str, algorithm| {
        let header = json!({ "alg": name }).to_string();
        Keys::first().sign(algorithm, header.as_bytes(), claims().as_bytes())
    };
    let rows = [
        ("RS256", signed(Algorithm::RS256), SERVED),
        ("RS384", signed(Algorithm::RS384), "algorithm_not_allowed"),
        ("RS512", signed(Algorithm::RS512), "algorithm_not_allowed"),
        ("PS256", signed(Algorithm::PS256), "algorithm_not_allowed"),
        (
            "RS512 named RS256",
            named("RS256", Algorithm::RS512),
            "signature_invalid",
        ),
        (
            "PS256 named RS256",
            named("RS256", Algorithm::PS256),
            "signature_invalid",
        ),
        (
            "RS256 named RS512",
            named("RS512", Algorithm::RS256),
            "algorithm_not_allowed",
        ),
        (
            "RS256 named ES256",
            named("ES256", Algorithm::RS256),
            "key_not_found",
        ),
        (
            "RS256 named EdDSA",
            named("EdDSA", Algorithm::RS256),
            "algorithm_not_allowed",
        ),
    ];
    site.tokens(&rows).await;
    site.vp.set("jwtAlgorithms", json!(["RS512"])).await;
    let rs512 = site.get().bearer(&signed(Algorithm::RS512)).send().await;
    assert_eq!(rs512.status, 200, "{}", rs512.text());
    let rs256 = site.get().bearer(&signed(Algorithm::RS256)).send().await;
    assert_eq!(
        rs256.reason(),
        "algorithm_not_allowed",
        "also one that was accepted before"
    );
}

#[tokio::test]
async fn a4_keys_that_the_token_brings_along_are_not_believed_and_not_fetched() {
    let site = Judged::new().await;
    let attacker = Keys::second();
    let lure = Backend::answering({
        let set = json!({ "keys": [jwk(attacker)] }).to_string();
        move |_| jotgate_scenarios::Reply::new(200, &[("Content-Type", "application/json")], &set)
    })
    .await;
    let chain = segment(der(&attacker.certificate()));
    let parameters = [
        ("jwk", jwk(attacker)),
        ("jku", json!(format!("{}/keys", lure.uri()))),
        ("x5u", json!(format!("{}/certificate", lure.uri()))),
        ("x5c", json!([chain])),
    ];
    let mut rows = Vec::new();
    for (name, value) in &parameters {
        let header = json!({ "alg": "RS256", (*name): value, "kid": "attacker" }).to_string();
        let sign =
            |keys: &Keys| keys.sign(Algorithm::RS256, header.as_bytes(), claims().as_bytes());
        rows.push((
            format!("{name}, the attacker's"),
            sign(attacker),
            "signature_invalid",
        ));
        rows.push((format!("{name}, ignored"), sign(Keys::first()), SERVED));
    }
    for odd in [
        json!(null),
        json!(7),
        json!([]),
        json!({ "kty": "oct", "k": "AA" }),
    ] {
        let header = json!({ "alg": "RS256", "jwk": odd, "jku": odd, "x5c": odd }).to_string();
        rows.push((format!("odd: {odd}"), with_header(header), SERVED));
    }
    let oct = json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": "" } }).to_string();
    rows.push((
        "a shared secret".to_owned(),
        with_header(oct),
        "algorithm_not_allowed",
    ));
    site.tokens(&rows).await;
    assert!(
        lure.received().is_empty(),
        "something was fetched: {:?}",
        lure.received()
    );
    assert_eq!(lure.connections(), 0);
}

#[tokio::test]
async fn a5_key_ids_choose_among_known_keys_and_do_nothing_else() {
    let site = Judged::new().await;
    let ids = [
        "../../../../dev/null",
        "..\\..\\windows\\win.ini",
        "/etc/passwd",
        "file:///proc/self/environ",
        "x' UNION SELECT 'secret' --",
        "'; DROP TABLE keys; --",
        "$(touch /tmp/jotgate-kid)",
        "| id",
        "http://127.0.0.1:1/",
        "%00",
        "{{7*7}}",
        "<script>alert(1)</script>",
        "a\r\nX-Injected: 1",
        "\u{202e}\u{1f600}",
        "",
    ];
    let mut rows = Vec::new();
    for id in ids {
        let header = json!({ "alg": "RS256", "kid": id }).to_string();
        let sign =
            |keys: &Keys| keys.sign(Algorithm::RS256, header.as_bytes(), claims().as_bytes());
        // Keys from PEM text have no id: every one of them is tried.
        rows.push((format!("{id:?}"), sign(Keys::first()), SERVED));
        rows.push((
            format!("{id:?}, another key"),
            sign(Keys::second()),
            "signature_invalid",
        ));
    }
    for id in [json!(7), json!(null), json!(["a"]), json!({}), json!(false)] {
        let header = json!({ "alg": "RS256", "kid": id }).to_string();
        rows.push((
            format!("{id}"),
            with_header(header),
            "token_header_unsupported",
        ));
    }
    let long = json!({ "alg": "RS256", "kid": "k".repeat(8000) }).to_string();
    rows.push(("8000 characters".to_owned(), with_header(long), SERVED));
    rows.push((
        "NUL".to_owned(),
        with_header(r#"{"alg":"RS256","kid":"a\u0000"}"#),
        "token_malformed",
    ));
    site.tokens(&rows).await;
    let log = std::fs::read_to_string(site.gateway.folder().access_log()).expect("the access log");
    let injected = log.lines().filter(|line| line.starts_with("X-Injected"));
    assert_eq!(injected.count(), 0, "a key id made a line of its own");
    assert!(!std::path::Path::new("/tmp/jotgate-kid").exists());
}

#[tokio::test]
async fn a6_weak_and_foreign_keys_are_refused_when_they_are_saved() {
    let site = Judged::new().await;
    let keys = [
        ("the mark of ROCA", include_str!("keys/roca.pem")),
        ("the exponent 1", include_str!("keys/exponent-1.pem")),
        ("P-521", include_str!("keys/p-521.pem")),
        ("secp256k1", include_str!("keys/secp256k1.pem")),
        ("X25519", include_str!("keys/x25519.pem")),
        ("Ed448", include_str!("keys/ed448.pem")),
    ];
    for (what, pem) in keys {
        for text in [
            pem.to_owned(),
            format!("{}{pem}", Keys::first().public_key()),
        ] {
            let mut entity = site.vp.entity().await;
            entity["jwtPublicKeyCertificate"] = json!(text);
            let answer = site
                .gateway
                .qrs()
                .send("PUT", &site.vp.path(), Some(&entity))
                .await;
            assert_eq!(answer.status, 400, "{what}: {}", answer.text());
            assert!(
                answer.text().contains("jwtPublicKeyCertificate"),
                "{what}: {}",
                answer.text()
            );
        }
    }
    site.tokens(&[("the old key goes on", with_header(HEADER), SERVED)])
        .await;
}

/// The real system does not look at a certificate's dates; here they are looked at and told, but they
/// refuse no token.
#[tokio::test]
async fn a7_a_certificate_that_has_run_out_verifies_tokens() {
    let site = Judged::new().await;
    let key = KeyPair::from_pem_and_sign_algo(&Keys::first().private_key(), &PKCS_RSA_SHA256)
        .expect("a key");
    for (from, to) in [(2001, 2002), (2101, 2102)] {
        let mut params = CertificateParams::new(["issuer.example".to_owned()]).expect("a name");
        (params.not_before, params.not_after) =
            (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        site.vp.set("jwtPublicKeyCertificate", certificate).await;
        site.tokens(&[(format!("{from} to {to}"), with_header(HEADER), SERVED)])
            .await;
        let other = Keys::second().token().sign();
        site.tokens(&[("another key", other, "signature_invalid")])
            .await;
    }
}
