mod agreement;
mod differential;
mod known_vectors;

use jotgate_model::{Algorithm, Reason};
use serde_json::json;

use crate::testing::{
    ED25519, LARGE_RSA, NOW, OTHER_RSA, P256, RSA, claims, issuer_for, settings, verifier,
    verifier_with,
};
use crate::{KeySet, Outcome, Step, StepName, Verifier};

/// Judges in both forms, which must agree; gives the refusal's reason and detail.
fn refusal(verifier: &Verifier, token: &str) -> (Reason, String) {
    let result = verifier.verify(token.as_bytes(), NOW);
    assert_eq!(verifier.explain(token.as_bytes(), NOW).result, result);
    let refusal = result.expect_err("accepted");
    let signature = token.rsplit('.').next().unwrap_or_default();
    if signature.len() > 20 {
        assert!(!refusal.to_string().contains(signature));
    }
    (
        refusal.reason,
        refusal.detail().unwrap_or_default().to_owned(),
    )
}

fn accepts(verifier: &Verifier, token: &str) -> bool {
    verifier.verify(token.as_bytes(), NOW).is_ok()
}

/// Verifiers stand in a snapshot that all request threads share.
#[test]
fn verifiers_are_shared_between_threads() {
    const fn shared<T: Send + Sync + Clone>() {}
    shared::<Verifier>();
    shared::<KeySet>();
}

#[test]
fn a_good_token_gives_the_user() {
    let more = json!({"iss": "me", "jti": "7", "iat": NOW.0, "nbf": NOW.0 - 5});
    let token = RSA.token(&claims(&more));
    let verified = verifier().verify(token.as_bytes(), NOW).unwrap();
    assert_eq!(verified.identity.user.to_string(), r"example\boz");
    assert_eq!(verified.expires, Some(NOW.plus(600)));
    assert_eq!(verified.not_before, Some(NOW.plus(-5)));
    assert_eq!(verified.issued, Some(NOW));
    assert_eq!(verified.jti.as_deref(), Some("7"));
    assert_eq!(verified.issuer.as_deref(), Some("me"));
    assert_eq!(verified.algorithm, Algorithm::RS256);
    assert_eq!(
        &*verified.key_fingerprint,
        RSA.keys().keys()[0].fingerprint()
    );
    assert_eq!(verified.kid, None);
}

#[test]
fn every_algorithm_works_when_it_is_allowed_and_only_then() {
    let payload = claims(&json!({})).to_string();
    for algorithm in Algorithm::ALL {
        let issuer = issuer_for(algorithm);
        let header = format!("{{\"alg\":\"{}\"}}", algorithm.name());
        let token = issuer.sign(algorithm, &header, &payload);
        for allowed in Algorithm::ALL {
            let mut policy = settings();
            policy.algorithms = vec![allowed];
            let verifier = Verifier::new(policy, issuer.keys());
            if allowed == algorithm {
                let verified = verifier.verify(token.as_bytes(), NOW).unwrap();
                assert_eq!(verified.algorithm, algorithm);
            } else {
                assert_eq!(refusal(&verifier, &token).0, Reason::AlgorithmNotAllowed);
            }
        }
    }
}

/// The same key signs, but with another algorithm than the header says (A3).
#[test]
fn the_algorithm_of_the_header_is_the_one_that_is_checked() {
    let payload = claims(&json!({})).to_string();
    for made_with in [Algorithm::RS384, Algorithm::PS256] {
        let token = RSA.sign(made_with, r#"{"alg":"RS256"}"#, &payload);
        assert_eq!(refusal(&verifier(), &token).0, Reason::SignatureInvalid);
    }
}

/// A1 and A2: nothing but a name from the list, letter by letter.
#[test]
fn other_names_are_no_algorithms() {
    let payload = claims(&json!({})).to_string();
    for alg in [
        "\"none\"",
        "\"None\"",
        "\"nOnE\"",
        "\"\"",
        "\"HS256\"",
        "\"rs256\"",
        "\"RS256 \"",
        "null",
        "1",
        "[\"RS256\"]",
        "\"RS257\"",
    ] {
        let token = RSA.sign(Algorithm::RS256, &format!("{{\"alg\":{alg}}}"), &payload);
        assert_eq!(
            refusal(&verifier(), &token).0,
            Reason::AlgorithmNotAllowed,
            "{alg}"
        );
    }
    let token = RSA.sign(Algorithm::RS256, "{}", &payload);
    assert_eq!(refusal(&verifier(), &token).0, Reason::AlgorithmNotAllowed);
}

#[test]
fn another_key_is_told_apart_from_a_cut_signature() {
    let token = OTHER_RSA.token(&claims(&json!({})));
    let (reason, detail) = refusal(&verifier(), &token);
    assert_eq!(reason, Reason::SignatureInvalid);
    assert!(
        detail.contains(&RSA.keys().keys()[0].fingerprint()[..16]),
        "{detail}"
    );

    let good = RSA.token(&claims(&json!({})));
    for cut in [1, 2, 3, 4, 8, 100] {
        let cut = &good[..good.len() - cut];
        assert_eq!(refusal(&verifier(), cut).0, Reason::TokenTruncated);
    }
    let token = LARGE_RSA.token(&claims(&json!({})));
    let (reason, detail) = refusal(&verifier(), &token);
    assert_eq!(reason, Reason::SignatureInvalid);
    assert!(detail.contains("larger key"), "{detail}");
    // T3: a signature far beyond any key's.
    let (body, _) = good.rsplit_once('.').unwrap();
    let huge = format!("{body}.{}", "A".repeat(15_000));
    assert_eq!(refusal(&verifier(), &huge).0, Reason::SignatureInvalid);
}

#[test]
fn a_changed_token_is_refused() {
    let token = RSA.token(&claims(&json!({})));
    let other = RSA.token(&claims(&json!({"userId": "eve"})));
    let (body, _) = other.rsplit_once('.').unwrap();
    let (_, signature) = token.rsplit_once('.').unwrap();
    let mixed = format!("{body}.{signature}");
    assert_eq!(refusal(&verifier(), &mixed).0, Reason::SignatureInvalid);
}

#[test]
fn pem_keys_are_tried_whatever_the_token_calls_them() {
    let pem = format!(
        "{}{}{}",
        OTHER_RSA.public_pem, P256.public_pem, RSA.public_pem
    );
    let verifier = Verifier::new(settings(), KeySet::from_pem(&pem).unwrap());
    let payload = claims(&json!({})).to_string();
    for header in [r#"{"alg":"RS256"}"#, r#"{"alg":"RS256","kid":"any"}"#] {
        assert!(accepts(
            &verifier,
            &RSA.sign(Algorithm::RS256, header, &payload)
        ));
    }
    assert_eq!(verifier.keys().keys().len(), 3);
}

fn jwk(issuer: &crate::testing::Issuer, kid: &str) -> String {
    crate::testing::rsa_jwk(issuer, &format!("\"kid\":\"{kid}\""))
}

#[test]
fn the_key_id_chooses_among_named_keys() {
    let set = format!("{{\"keys\":[{},{}]}}", jwk(&RSA, "a"), jwk(&OTHER_RSA, "b"));
    let verifier = Verifier::new(settings(), KeySet::from_jwks(set.as_bytes()).unwrap());
    let payload = claims(&json!({})).to_string();
    let sign = |header: &str| RSA.sign(Algorithm::RS256, header, &payload);

    let token = sign(r#"{"alg":"RS256","kid":"a"}"#);
    let verified = verifier.verify(token.as_bytes(), NOW).unwrap();
    assert_eq!(verified.kid.as_deref(), Some("a"));
    assert_eq!(verifier.unknown_kid(token.as_bytes()), None);
    assert!(accepts(&verifier, &sign(r#"{"alg":"RS256"}"#)));

    let token = sign(r#"{"alg":"RS256","kid":"b"}"#);
    assert_eq!(refusal(&verifier, &token).0, Reason::SignatureInvalid);
    assert_eq!(verifier.unknown_kid(token.as_bytes()), None);

    let token = sign(r#"{"alg":"RS256","kid":"c"}"#);
    let (reason, detail) = refusal(&verifier, &token);
    assert_eq!(reason, Reason::KeyNotFound);
    assert!(
        detail.contains("\"c\"") && detail.contains("\"a\", \"b\""),
        "{detail}"
    );
    assert_eq!(verifier.unknown_kid(token.as_bytes()).as_deref(), Some("c"));

    // With a key from PEM beside them, the unknown id does not decide.
    let both = Verifier::new(settings(), verifier.keys().union(&RSA.keys()));
    assert!(accepts(&both, &token));
    let foreign = OTHER_RSA.sign(Algorithm::RS256, r#"{"alg":"RS256","kid":"c"}"#, &payload);
    assert_eq!(refusal(&both, &foreign).0, Reason::SignatureInvalid);
    assert_eq!(both.unknown_kid(foreign.as_bytes()).as_deref(), Some("c"));
}

#[test]
fn two_keys_of_one_id_are_both_tried() {
    let set = format!("{{\"keys\":[{},{}]}}", jwk(&OTHER_RSA, "a"), jwk(&RSA, "a"));
    let verifier = Verifier::new(settings(), KeySet::from_jwks(set.as_bytes()).unwrap());
    let payload = claims(&json!({})).to_string();
    for issuer in [&RSA, &OTHER_RSA] {
        let token = issuer.sign(Algorithm::RS256, r#"{"alg":"RS256","kid":"a"}"#, &payload);
        assert!(accepts(&verifier, &token));
    }
}

#[test]
fn without_a_fitting_key_the_detail_says_so() {
    let token = RSA.token(&claims(&json!({})));
    let none = Verifier::new(settings(), KeySet::empty());
    assert_eq!(
        refusal(&none, &token),
        (
            Reason::KeyNotFound,
            "no key is configured or known yet".into()
        )
    );
    let unfit = Verifier::new(settings(), ED25519.keys());
    assert_eq!(
        refusal(&unfit, &token),
        (
            Reason::KeyNotFound,
            "none of the keys is made for RS256".into()
        )
    );
    let named = RSA.sign(Algorithm::RS256, r#"{"alg":"RS256","kid":"x"}"#, "{}");
    assert_eq!(
        refusal(&unfit, &named),
        (
            Reason::KeyNotFound,
            "none of the keys is made for RS256".into()
        )
    );
    let set = format!(
        "{{\"keys\":[{}]}}",
        crate::testing::rsa_jwk(&RSA, "\"kid\":\"k\",\"alg\":\"RS512\"")
    );
    let restricted = Verifier::new(settings(), KeySet::from_jwks(set.as_bytes()).unwrap());
    let token = RSA.sign(Algorithm::RS256, r#"{"alg":"RS256","kid":"k"}"#, "{}");
    assert_eq!(
        refusal(&restricted, &token),
        (
            Reason::KeyNotFound,
            "the key \"k\" is not made for RS256".into()
        )
    );
}

/// A4: a key that the token brings along is not looked at.
#[test]
fn keys_inside_of_the_token_do_not_count() {
    let header = format!("{{\"alg\":\"RS256\",\"jwk\":{}}}", jwk(&OTHER_RSA, "x"));
    let payload = claims(&json!({})).to_string();
    let forged = OTHER_RSA.sign(Algorithm::RS256, &header, &payload);
    assert_eq!(refusal(&verifier(), &forged).0, Reason::SignatureInvalid);
    assert!(accepts(
        &verifier(),
        &RSA.sign(Algorithm::RS256, &header, &payload)
    ));
}

/// T5, T6: a signature makes no payload acceptable that is not one object.
#[test]
fn signed_nonsense_is_refused() {
    for payload in [
        "",
        "[]",
        "1",
        "null",
        "\"x\"",
        "{\"userId\":1,\"userId\":2}",
        "{\"a\":{\"b\":1,\"b\":1}}",
        "{",
        "{}x",
        "\u{feff}{}",
        "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
    ] {
        let token = RSA.sign(Algorithm::RS256, r#"{"alg":"RS256"}"#, payload);
        assert_eq!(
            refusal(&verifier(), &token).0,
            Reason::TokenMalformed,
            "{payload}"
        );
    }
    let encrypted = RSA.sign(Algorithm::RS256, r#"{"alg":"RS256","enc":"A128GCM"}"#, "{}");
    assert_eq!(refusal(&verifier(), &encrypted).0, Reason::TokenEncrypted);
    let compressed = RSA.sign(Algorithm::RS256, r#"{"alg":"RS256","zip":"DEF"}"#, "{}");
    assert_eq!(
        refusal(&verifier(), &compressed).0,
        Reason::TokenHeaderUnsupported
    );
}

fn shown(steps: &[Step]) -> String {
    let line = |step: &Step| {
        let reason = step
            .reason
            .map_or_else(String::new, |reason| format!(" {reason}"));
        format!(
            "{:10} {:11}{reason}\n  found: {}\n  expected: {}\n",
            step.name.id(),
            step.outcome.id(),
            step.found,
            step.expected
        )
    };
    steps.iter().map(line).collect()
}

/// Fingerprints differ from run to run.
fn without_fingerprints(text: &str) -> String {
    let mut text = text.to_owned();
    for issuer in [&*RSA, &*OTHER_RSA] {
        text = text.replace(&issuer.keys().keys()[0].fingerprint()[..16], "FINGERPRINT");
    }
    text
}

#[test]
fn an_explanation_shows_every_step() {
    let verifier = verifier_with(|policy| {
        policy.audience = Some("qlik".into());
        policy.max_lifetime = Some(3600);
        policy.mapping =
            crate::testing::mapping(&[("email", "mail", true), ("Group", "group", false)]);
    });
    let more = json!({"aud": ["qlik", "x"], "email": "b@example.com", "Group": ["a", "b"]});
    let token = RSA.token(&claims(&more));
    let verdict = verifier.explain(token.as_bytes(), NOW);
    assert!(verdict.is_accepted());
    assert!(
        verdict
            .steps
            .iter()
            .all(|step| step.outcome == Outcome::Passed)
    );
    let names: Vec<_> = verdict.steps.iter().map(|step| step.name).collect();
    assert_eq!(names, StepName::OF_TOKEN);
    let text = shown(&verdict.steps);
    assert!(
        !text.contains("b@example.com"),
        "values of claims are private"
    );
    insta::assert_snapshot!(without_fingerprints(&text));
}

#[test]
fn an_explanation_goes_on_after_the_first_failure() {
    let verifier = verifier_with(|policy| {
        policy.audience = Some("qlik".into());
        policy.mapping = crate::testing::mapping(&[("email", "mail", true)]);
    });
    let more = json!({"exp": NOW.0 - 3600, "aud": "other", "userid": "boz", "userId": null});
    let token = OTHER_RSA.token(&claims(&more));
    let verdict = verifier.explain(token.as_bytes(), NOW);
    let outcome = |name| verdict.step(name).unwrap().outcome;
    assert_eq!(outcome(StepName::Signature), Outcome::Failed);
    assert_eq!(outcome(StepName::Payload), Outcome::Unproven);
    assert_eq!(outcome(StepName::Times), Outcome::AlsoFailed);
    assert!(
        verdict
            .steps
            .iter()
            .all(|step| step.remedy.is_some() == step.reason.is_some())
    );
    insta::assert_snapshot!(without_fingerprints(&shown(&verdict.steps)));

    let cut = verifier.explain(b"eyJ", NOW);
    assert_eq!(cut.step(StepName::Form).unwrap().outcome, Outcome::Failed);
    assert_eq!(
        cut.step(StepName::Mapping).unwrap().outcome,
        Outcome::NotReached
    );
    assert_eq!(cut.steps.len(), StepName::OF_TOKEN.len());
}

/// Every key that may be pasted is tried; the bound shows only where key sets are joined.
#[test]
fn the_number_of_trials_is_bounded() {
    let more: Vec<_> = (0..33).map(|i| jwk(&OTHER_RSA, &format!("k{i}"))).collect();
    let set = format!("{{\"keys\":[{}]}}", more.join(","));
    let others = KeySet::from_jwks(set.as_bytes()).unwrap();
    let token = RSA.token(&claims(&json!({})));
    let (reason, detail) = refusal(
        &Verifier::new(settings(), others.union(&RSA.keys())),
        &token,
    );
    assert_eq!(reason, Reason::SignatureInvalid);
    assert!(detail.contains("only 32 were tried"), "{detail}");
    assert!(accepts(
        &Verifier::new(settings(), RSA.keys().union(&others)),
        &token
    ));
}
