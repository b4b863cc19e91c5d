//! The same tokens judged by jsonwebtoken, with its policy set as close to ours as it goes.
//!
//! Where it accepts what we refuse, the refusal must be one of the kinds that it is known not to make.

use jotgate_model::{Algorithm, Reason};
use jsonwebtoken::{DecodingKey, Validation};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::Verifier;
use crate::testing::{NOW, OTHER_RSA, RSA, verifier_with};

fn ours() -> Verifier {
    verifier_with(|policy| {
        policy.issuer = Some("me".into());
        policy.audience = Some("qlik".into());
        policy.require_expiration = true;
        policy.clock_skew = 60;
        policy.user_id = jotgate_model::ClaimSource::Constant("u".into());
        policy.user_directory = jotgate_model::ClaimSource::Constant("d".into());
    })
}

/// jsonwebtoken reads the clock itself, so the dates are compared by us and switched off there.
fn theirs(token: &str) -> Result<Map<String, Value>, jsonwebtoken::errors::Error> {
    let mut validation = Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.algorithms.push(jsonwebtoken::Algorithm::RS384);
    validation.algorithms.push(jsonwebtoken::Algorithm::RS512);
    validation.set_audience(&["qlik"]);
    validation.set_issuer(&["me"]);
    validation.set_required_spec_claims(&["aud", "iss"]);
    validation.validate_exp = false;
    let key = DecodingKey::from_rsa_pem(RSA.public_pem.as_bytes()).unwrap();
    jsonwebtoken::decode(token, &key, &validation).map(|data| data.claims)
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => Just(json!("qlik")),
        4 => Just(json!("me")),
        2 => Just(json!(["x", "qlik"])),
        1 => Just(json!(["me"])),
        1 => Just(json!([])),
        1 => Just(json!(null)),
        1 => Just(json!(7)),
        1 => Just(json!({})),
        1 => "[a-z]{0,4}".prop_map(Value::from),
    ]
}

fn header() -> impl Strategy<Value = (Algorithm, String)> {
    let algorithm = prop_oneof![
        Just(Algorithm::RS256),
        Just(Algorithm::RS384),
        Just(Algorithm::RS512)
    ];
    let more = prop_oneof![
        6 => Just(""),
        1 => Just(",\"typ\":\"JWT\""),
        1 => Just(",\"kid\":\"k\""),
        1 => Just(",\"crit\":[\"exp\"]"),
        1 => Just(",\"typ\":\"dpop+jwt\""),
    ];
    (algorithm, more).prop_map(|(a, more)| (a, format!("{{\"alg\":\"{}\"{more}}}", a.name())))
}

/// What jsonwebtoken does not look at: extensions, purposes, dates (switched off) and repeated members.
const OURS_ALONE: [Reason; 5] = [
    Reason::TokenHeaderUnsupported,
    Reason::TokenMalformed,
    Reason::ExpirationMissing,
    Reason::TokenExpired,
    Reason::ClaimInvalid,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn we_accept_nothing_that_jsonwebtoken_refuses_and_differ_only_where_known(
        (algorithm, header) in header(),
        aud in proptest::option::weighted(0.9, value()),
        iss in proptest::option::weighted(0.9, value()),
        exp in proptest::option::weighted(0.95, -1000..1000_i64),
        repeated in proptest::bool::weighted(0.05),
        ours_signs in proptest::bool::weighted(0.9),
        damage in proptest::option::weighted(0.2, (any::<prop::sample::Index>(), "[A-Za-z0-9_.=-]")),
    ) {
        let mut claims = Map::new();
        claims.extend(aud.map(|v| ("aud".to_owned(), v)));
        claims.extend(iss.map(|v| ("iss".to_owned(), v)));
        claims.extend(exp.map(|v| ("exp".to_owned(), json!(NOW.0 + v))));
        let mut payload = Value::Object(claims.clone()).to_string();
        if repeated {
            payload.insert_str(1, if claims.is_empty() { "\"r\":1,\"r\":2" } else { "\"r\":1,\"r\":2," });
        }
        let issuer = if ours_signs { &RSA } else { &OTHER_RSA };
        let mut token = issuer.sign(algorithm, &header, &payload);
        if let Some((at, byte)) = damage {
            let at = at.index(token.len());
            token.replace_range(at..=at, &byte);
        }
        let ours = ours().verify(token.as_bytes(), NOW);
        match (ours, theirs(&token)) {
            (Ok(_), Ok(read)) => prop_assert_eq!(read, claims),
            (Ok(_), Err(error)) => prop_assert!(false, "only we accept {}: {}", token, error),
            (Err(_), Err(_)) => {}
            (Err(refusal), Ok(_)) => {
                prop_assert!(OURS_ALONE.contains(&refusal.reason), "only they accept {}: {}", token, refusal);
            }
        }
    }
}
