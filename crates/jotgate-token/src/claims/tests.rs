use serde_json::json;

use super::*;
use crate::testing::{NOW, settings};

fn judge<T>(
    payload: &serde_json::Value,
    change: impl FnOnce(&mut JwtSettings),
    judge: impl FnOnce(&Claims<'_>, &JwtSettings) -> Result<T, Refusal>,
) -> Result<T, Reason> {
    let mut policy = settings();
    change(&mut policy);
    let text = payload.to_string();
    let claims = Claims::read(text.as_bytes()).unwrap();
    judge(&claims, &policy).map_err(|refusal| {
        assert!(
            refusal.detail().is_some(),
            "every refusal says what was found"
        );
        refusal.reason
    })
}

fn judge_times(
    payload: &serde_json::Value,
    change: impl FnOnce(&mut JwtSettings),
) -> Result<(), Reason> {
    judge(payload, change, |claims, policy| {
        times(claims, policy, NOW).map(drop)
    })
}

fn default_times(payload: &serde_json::Value) -> Result<(), Reason> {
    judge_times(payload, |_| {})
}

/// RFC 7519 section 4.1.4: now must be before exp; with a tolerance, before exp + 60.
#[test]
fn exp_has_its_boundary_at_the_tolerance() {
    let exp = |exp: serde_json::Value| default_times(&json!({ "exp": exp }));
    assert_eq!(exp(json!(NOW.0 - 59)), Ok(()));
    assert_eq!(exp(json!(NOW.0 - 60)), Err(Reason::TokenExpired));
    assert_eq!(exp(json!(0)), Err(Reason::TokenExpired));
    assert_eq!(exp(json!(NOW.0 as f64 - 59.5)), Ok(()));
    assert_eq!(exp(json!(NOW.0 as f64 - 60.5)), Err(Reason::TokenExpired));
    let exact = |exp: i64| judge_times(&json!({ "exp": exp }), |p| p.clock_skew = 0);
    assert_eq!(exact(NOW.0 + 1), Ok(()));
    assert_eq!(exact(NOW.0), Err(Reason::TokenExpired));
    assert_eq!(exact(i64::MAX), Ok(()));
}

/// RFC 7519 section 4.1.5: now must be nbf or later.
#[test]
fn nbf_and_iat_have_their_boundary_at_the_tolerance() {
    for (name, reason) in [
        ("nbf", Reason::TokenNotYetValid),
        ("iat", Reason::TokenIssuedInFuture),
    ] {
        let at = |date: serde_json::Value| default_times(&json!({ name: date }));
        assert_eq!(at(json!(NOW.0 + 60)), Ok(()));
        assert_eq!(at(json!(NOW.0 + 61)), Err(reason));
        assert_eq!(at(json!(NOW.0 as f64 + 60.5)), Err(reason));
        assert_eq!(at(json!(NOW.0 * 1000)), Err(reason), "milliseconds");
        let exact = |date: i64| judge_times(&json!({ name: date }), |p| p.clock_skew = 0);
        assert_eq!(exact(NOW.0), Ok(()));
        assert_eq!(exact(NOW.0 + 1), Err(reason));
    }
}

/// C2: never read as absent.
#[test]
fn dates_of_a_wrong_type_are_refused() {
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!("1900000000"),
            json!(null),
            json!([1]),
            json!({}),
            json!(true),
            json!(-1),
            json!(1e300),
        ] {
            assert_eq!(
                default_times(&json!({ name: value })),
                Err(Reason::ClaimInvalid),
                "{name} {value}"
            );
        }
        let text = format!("{{\"{name}\":9223372036854775808}}");
        let claims = Claims::read(text.as_bytes()).unwrap();
        assert_eq!(
            times(&claims, &settings(), NOW).unwrap_err().reason,
            Reason::ClaimInvalid
        );
    }
}

#[test]
fn exp_is_required_where_the_policy_says_so() {
    assert_eq!(default_times(&json!({})), Ok(()));
    assert_eq!(
        judge_times(&json!({}), |p| p.require_expiration = true),
        Err(Reason::ExpirationMissing)
    );
    assert_eq!(
        judge_times(&json!({}), |p| p.max_lifetime = Some(60)),
        Err(Reason::ExpirationMissing)
    );
    assert_eq!(
        judge_times(&json!({"exp": NOW.0 + 1}), |p| p.require_expiration = true),
        Ok(())
    );
}

#[test]
fn the_lifetime_counts_from_iat_or_from_now() {
    let lifetime =
        |payload: serde_json::Value| judge_times(&payload, |p| p.max_lifetime = Some(3600));
    assert_eq!(
        lifetime(json!({"iat": NOW.0 - 100, "exp": NOW.0 + 3500})),
        Ok(())
    );
    assert_eq!(
        lifetime(json!({"iat": NOW.0 - 100, "exp": NOW.0 + 3501})),
        Err(Reason::TokenLifetimeTooLong)
    );
    assert_eq!(lifetime(json!({"exp": NOW.0 + 3600})), Ok(()));
    assert_eq!(
        lifetime(json!({"exp": NOW.0 + 3601})),
        Err(Reason::TokenLifetimeTooLong)
    );
    // Issuers with a fine clock add whole seconds to a fraction.
    let fraction = NOW.0 as f64 + 0.25;
    assert_eq!(
        lifetime(json!({"iat": fraction, "exp": fraction + 3600.0})),
        Ok(())
    );
    assert_eq!(
        lifetime(json!({"exp": i64::MAX})),
        Err(Reason::TokenLifetimeTooLong)
    );
}

#[test]
fn details_tell_dates() {
    let text = json!({"nbf": NOW.0 * 1000}).to_string();
    let refusal = times(&Claims::read(text.as_bytes()).unwrap(), &settings(), NOW).unwrap_err();
    assert!(refusal.detail().unwrap().contains("milliseconds"));
    let text = json!({"exp": NOW.0 - 100}).to_string();
    let refusal = times(&Claims::read(text.as_bytes()).unwrap(), &settings(), NOW).unwrap_err();
    assert_eq!(
        refusal.detail(),
        Some("exp is 2027-01-15T07:58:20Z, 100 s ago; the tolerance is 60 s")
    );
}

#[test]
fn the_issuer_is_compared_when_one_is_expected() {
    let check = |payload: serde_json::Value, expected: Option<&str>| {
        judge(&payload, |p| p.issuer = expected.map(Box::from), issuer)
    };
    assert_eq!(check(json!({}), None), Ok(None));
    assert_eq!(check(json!({"iss": "a"}), None), Ok(Some("a".into())));
    assert_eq!(check(json!({"iss": "a"}), Some("a")), Ok(Some("a".into())));
    for other in [
        json!({}),
        json!({"iss": "A"}),
        json!({"iss": "a "}),
        json!({"iss": ""}),
    ] {
        assert_eq!(check(other, Some("a")), Err(Reason::IssuerMismatch));
    }
    for value in [json!(null), json!(["a"]), json!(true), json!(1), json!({})] {
        assert_eq!(
            check(json!({ "iss": value }), Some("a")),
            Err(Reason::ClaimInvalid)
        );
        assert_eq!(
            check(json!({ "iss": value }), None),
            Err(Reason::ClaimInvalid)
        );
    }
}

/// C3.
#[test]
fn the_audience_is_compared_when_one_is_expected() {
    let check = |payload: serde_json::Value, expected: Option<&str>| {
        judge(&payload, |p| p.audience = expected.map(Box::from), audience)
    };
    for good in [json!("q"), json!(["q"]), json!(["x", "q"])] {
        assert_eq!(check(json!({ "aud": good }), Some("q")), Ok(()));
        assert_eq!(check(json!({ "aud": good }), None), Ok(()));
    }
    assert_eq!(check(json!({}), None), Ok(()));
    assert_eq!(check(json!({"aud": []}), None), Ok(()));
    for other in [
        json!({}),
        json!({"aud": "Q"}),
        json!({"aud": []}),
        json!({"aud": ["qq"]}),
        json!({"aud": "x q"}),
    ] {
        assert_eq!(check(other, Some("q")), Err(Reason::AudienceMismatch));
    }
    for value in [
        json!(null),
        json!(1),
        json!({"q": 1}),
        json!(["q", 1]),
        json!([["q"]]),
        json!(true),
        json!(["q", null]),
    ] {
        assert_eq!(
            check(json!({ "aud": value }), Some("q")),
            Err(Reason::ClaimInvalid),
            "{value}"
        );
        assert_eq!(
            check(json!({ "aud": value }), None),
            Err(Reason::ClaimInvalid),
            "{value}"
        );
    }
}

#[test]
fn the_token_id_is_needed_for_single_use() {
    let check = |payload: serde_json::Value, single_use: bool| {
        judge(&payload, |p| p.single_use = single_use, token_id)
    };
    assert_eq!(check(json!({}), false), Ok(None));
    assert_eq!(check(json!({}), true), Err(Reason::ClaimMissing));
    assert_eq!(check(json!({"jti": "x"}), true), Ok(Some("x".into())));
    assert_eq!(check(json!({"jti": ""}), false), Ok(Some("".into())));
    assert_eq!(check(json!({"jti": ""}), true), Err(Reason::ClaimInvalid));
    assert_eq!(check(json!({"jti": 1}), false), Err(Reason::ClaimInvalid));
    assert_eq!(
        check(json!({"jti": "x".repeat(1024)}), true),
        Ok(Some("x".repeat(1024).into()))
    );
    assert_eq!(
        check(json!({"jti": "x".repeat(1025)}), true),
        Err(Reason::ClaimInvalid)
    );
}
