//! Good and spoiled tokens by the thousand: both forms of the verdict agree on each, what must be
//! accepted is, what must be refused is for the right reason, and every reason is reached.

use std::collections::BTreeMap;

use jotgate_model::{Algorithm, Reason};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::testing::{NOW, OTHER_RSA, RSA, mapping, rsa_jwk, settings, verifier, verifier_with};
use crate::{KeySet, Outcome, Verifier};

const CASES: usize = 3000;

/// What this crate can say about a token. The others are said by layers that know more.
const REASONS: [Reason; 19] = [
    Reason::TokenMalformed,
    Reason::TokenTruncated,
    Reason::TokenEncrypted,
    Reason::TokenTooLarge,
    Reason::TokenAmbiguous,
    Reason::TokenHeaderUnsupported,
    Reason::AlgorithmNotAllowed,
    Reason::KeyNotFound,
    Reason::SignatureInvalid,
    Reason::TokenExpired,
    Reason::TokenNotYetValid,
    Reason::TokenIssuedInFuture,
    Reason::TokenLifetimeTooLong,
    Reason::ExpirationMissing,
    Reason::IssuerMismatch,
    Reason::AudienceMismatch,
    Reason::ClaimMissing,
    Reason::ClaimInvalid,
    Reason::AttributeMissing,
];

#[derive(Clone, Debug)]
enum Expected {
    Accepted,
    Refused,
    RefusedFor(Reason),
}

#[derive(Clone, Debug)]
struct Case {
    token: Vec<u8>,
    expected: Expected,
    /// Whether only the strict policy is known to say so.
    strict_only: bool,
}

/// A policy that wants everything.
fn strict() -> Verifier {
    let set = format!("{{\"keys\":[{}]}}", rsa_jwk(&RSA, "\"kid\":\"a\""));
    let keys = KeySet::from_jwks(set.as_bytes()).unwrap();
    let policy = verifier_with(|policy| {
        policy.issuer = Some("me".into());
        policy.audience = Some("qlik".into());
        policy.require_expiration = true;
        policy.max_lifetime = Some(3600);
        policy.single_use = true;
        policy.mapping = mapping(&[("email", "mail", true), ("Group", "group", false)]);
    });
    Verifier::new(policy.settings().clone(), keys)
}

fn good_claims() -> Map<String, Value> {
    let claims = json!({
        "userId": "boz", "userDirectory": "example", "iss": "me", "aud": ["other", "qlik"], "jti": "1",
        "iat": NOW.0 - 10, "nbf": NOW.0 - 10, "exp": NOW.0 + 600, "email": "b@example.com", "Group": ["a", "b"],
    });
    claims.as_object().cloned().unwrap()
}

fn sign(header: &str, claims: &Map<String, Value>) -> Vec<u8> {
    let payload = Value::Object(claims.clone()).to_string();
    RSA.sign(Algorithm::RS256, header, &payload).into_bytes()
}

const HEADER: &str = r#"{"alg":"RS256","kid":"a"}"#;

/// Tokens that differ in what does not matter.
fn good() -> impl Strategy<Value = Case> {
    let changes = (
        prop_oneof![
            Just(Algorithm::RS256),
            Just(Algorithm::RS384),
            Just(Algorithm::RS512)
        ],
        -3000..0_i64,
        1..600_i64,
        proptest::collection::hash_map("x[a-zA-Zé\"\\\\]{0,8}", "\\PC{0,20}", 0..12),
        prop_oneof![Just(""), Just(" "), Just("\n\t")],
        any::<bool>(),
    );
    changes.prop_map(|(algorithm, issued, expires, more, blank, with_kid)| {
        let mut claims = good_claims();
        claims.insert("iat".into(), json!(NOW.0 + issued));
        claims.insert("exp".into(), json!(NOW.0 + expires));
        claims.extend(more.into_iter().map(|(name, value)| (name, value.into())));
        let payload = format!("{blank}{}{blank}", Value::Object(claims));
        let kid = if with_kid { ",\"kid\":\"a\"" } else { "" };
        let header = format!("{{\"alg\":\"{}\"{kid}}}", algorithm.name());
        Case {
            token: RSA.sign(algorithm, &header, &payload).into_bytes(),
            expected: Expected::Accepted,
            strict_only: false,
        }
    })
}

/// One claim that the strict policy refuses.
fn bad_claim() -> impl Strategy<Value = Case> {
    use Reason::*;
    let late = || (61..100_000_i64).prop_map(|s| json!(NOW.0 + s));
    let wrong_date = || {
        prop_oneof![
            Just(json!("1")),
            Just(json!(null)),
            Just(json!(-1)),
            Just(json!([])),
            Just(json!(1e300))
        ]
    };
    let no_text = || {
        prop_oneof![
            Just(json!(1)),
            Just(json!(null)),
            Just(json!({})),
            Just(json!(true))
        ]
    };
    let change =
        prop_oneof![
            (60..100_000_i64).prop_map(|s| ("exp", Some(json!(NOW.0 - s)), TokenExpired)),
            late().prop_map(|date| ("nbf", Some(date), TokenNotYetValid)),
            late().prop_map(|date| ("iat", Some(date), TokenIssuedInFuture)),
            (3600..i64::MAX - NOW.0).prop_map(|s| (
                "exp",
                Some(json!(NOW.0 + s)),
                TokenLifetimeTooLong
            )),
            Just(("exp", None, ExpirationMissing)),
            Just(("iss", None, IssuerMismatch)),
            "[a-z]{0,1}".prop_map(|other| ("iss", Some(json!(other)), IssuerMismatch)),
            Just(("aud", None, AudienceMismatch)),
            "[a-z]{0,3}".prop_map(|other| ("aud", Some(json!([other])), AudienceMismatch)),
            prop_oneof![Just("userId"), Just("userDirectory"), Just("jti")].prop_map(|name| (
                name,
                None,
                ClaimMissing
            )),
            prop_oneof![Just(None), Just(Some(json!([])))].prop_map(|value| (
                "email",
                value,
                AttributeMissing
            )),
            (
                prop_oneof![Just("exp"), Just("nbf"), Just("iat")],
                wrong_date()
            )
                .prop_map(|(name, value)| (name, Some(value), ClaimInvalid)),
            (
                prop_oneof![
                    Just("iss"),
                    Just("aud"),
                    Just("jti"),
                    Just("userId"),
                    Just("userDirectory")
                ],
                no_text()
            )
                .prop_map(|(name, value)| (name, Some(value), ClaimInvalid)),
            prop_oneof![Just(json!({})), Just(json!([null])), Just(json!("a\rb"))]
                .prop_map(|value| ("Group", Some(value), ClaimInvalid)),
        ];
    change.prop_map(|(name, value, reason)| {
        let mut claims = good_claims();
        claims.shift_remove(name);
        claims.extend(value.map(|value| (name.to_owned(), value)));
        Case {
            token: sign(HEADER, &claims),
            expected: Expected::RefusedFor(reason),
            strict_only: true,
        }
    })
}

fn bad_header() -> impl Strategy<Value = Case> {
    let headers = [
        (
            r#"{"alg":"RS256","crit":["exp"]}"#,
            Reason::TokenHeaderUnsupported,
        ),
        (
            r#"{"alg":"RS256","typ":"logout+jwt"}"#,
            Reason::TokenHeaderUnsupported,
        ),
        (r#"{"alg":"RS256","kid":7}"#, Reason::TokenHeaderUnsupported),
        (r#"{"alg":"RS256","enc":"A256GCM"}"#, Reason::TokenEncrypted),
        (r#"{"alg":"HS256"}"#, Reason::AlgorithmNotAllowed),
        (r#"{"alg":"none"}"#, Reason::AlgorithmNotAllowed),
        (r#"{"alg":"PS256"}"#, Reason::AlgorithmNotAllowed),
        (r#"{"alg":"RS512"}"#, Reason::SignatureInvalid),
        (r#"{"alg":"RS256","kid":"b"}"#, Reason::KeyNotFound),
        (r#"{"alg":"RS256","alg":"RS256"}"#, Reason::TokenMalformed),
    ];
    proptest::sample::select(headers.to_vec()).prop_map(|(header, reason)| Case {
        token: sign(header, &good_claims()),
        expected: Expected::RefusedFor(reason),
        strict_only: reason == Reason::KeyNotFound,
    })
}

/// What happens to tokens on their way.
fn mishap() -> impl Strategy<Value = Case> {
    let refused = |token: Vec<u8>, reason| Case {
        token,
        expected: Expected::RefusedFor(reason),
        strict_only: false,
    };
    let token = || sign(HEADER, &good_claims());
    prop_oneof![
        Just(()).prop_map(move |()| {
            let foreign = OTHER_RSA.sign(
                Algorithm::RS256,
                HEADER,
                &Value::Object(good_claims()).to_string(),
            );
            refused(foreign.into_bytes(), Reason::SignatureInvalid)
        }),
        (4..800_usize).prop_map(move |cut| {
            let mut token = token();
            token.truncate(token.len().saturating_sub(cut).max(4));
            refused(token, Reason::TokenTruncated)
        }),
        (0..100_usize)
            .prop_map(move |more| refused(vec![b'a'; 16_385 + more], Reason::TokenTooLarge)),
        Just(()).prop_map(move |()| refused(
            [token(), token()].join(&b","[..]),
            Reason::TokenAmbiguous
        )),
        Just(()).prop_map(move |()| refused(
            [&b"\""[..], &token(), b"\""].concat(),
            Reason::TokenMalformed
        )),
        Just(()).prop_map(move |()| refused(
            [&b"Bearer "[..], &token()].concat(),
            Reason::TokenMalformed
        )),
        Just(()).prop_map(move |()| refused(
            [token(), b".a.b".to_vec()].concat(),
            Reason::TokenEncrypted
        )),
    ]
}

/// A byte more, less or other: the signature covers all of them.
fn changed_byte() -> impl Strategy<Value = Case> {
    (any::<prop::sample::Index>(), any::<u8>(), 0..3).prop_map(|(at, byte, how)| {
        let original = sign(HEADER, &good_claims());
        let at = at.index(original.len());
        let mut token = original.clone();
        match how {
            0 => token[at] = byte,
            1 => token.insert(at, byte),
            _ => drop(token.remove(at)),
        }
        let expected = if token == original {
            Expected::Accepted
        } else {
            Expected::Refused
        };
        Case {
            token,
            expected,
            strict_only: false,
        }
    })
}

fn any_case() -> impl Strategy<Value = Case> {
    prop_oneof![
        5 => good(),
        3 => bad_claim(),
        1 => bad_header(),
        1 => mishap(),
        1 => changed_byte(),
    ]
}

#[test]
fn both_forms_agree_and_every_reason_is_reached() {
    let (lenient, strict) = (verifier(), strict());
    let keyless = Verifier::new(settings(), KeySet::empty());
    let mut runner = TestRunner::deterministic();
    let strategy = any_case();
    let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
    let mut accepted = 0;
    for _ in 0..CASES {
        let case = strategy.new_tree(&mut runner).unwrap().current();
        let shown = String::from_utf8_lossy(&case.token);
        for verifier in [&lenient, &strict, &keyless] {
            let result = verifier.verify(&case.token, NOW);
            let verdict = verifier.explain(&case.token, NOW);
            assert_eq!(verdict.result, result, "{shown}");
            let failed = verdict
                .steps
                .iter()
                .find(|step| step.outcome == Outcome::Failed);
            let reason = result.as_ref().err().map(|refusal| refusal.reason);
            assert_eq!(failed.and_then(|step| step.reason), reason, "{shown}");
        }
        let by_strict = strict
            .verify(&case.token, NOW)
            .map_err(|refusal| refusal.reason);
        check(&case, &by_strict, &shown);
        if !case.strict_only {
            let by_lenient = lenient
                .verify(&case.token, NOW)
                .map_err(|refusal| refusal.reason);
            check(&case, &by_lenient, &shown);
        }
        assert!(keyless.verify(&case.token, NOW).is_err(), "{shown}");
        match by_strict {
            Ok(_) => accepted += 1,
            Err(reason) => *reached.entry(reason.id()).or_default() += 1,
        }
    }
    assert!(
        accepted * 10 >= CASES * 3,
        "only {accepted} of {CASES} accepted"
    );
    for reason in REASONS {
        assert!(
            reached.contains_key(reason.id()),
            "{reason} never reached: {reached:?}"
        );
    }
    assert_eq!(reached.len(), REASONS.len(), "{reached:?}");
}

fn check<T>(case: &Case, result: &Result<T, Reason>, shown: &str) {
    match (&case.expected, result) {
        (Expected::Accepted, Ok(_)) | (Expected::Refused, Err(_)) => {}
        (Expected::RefusedFor(wanted), Err(found)) if wanted == found => {}
        (expected, found) => panic!("{expected:?}, found {:?}: {shown}", found.as_ref().err()),
    }
}
