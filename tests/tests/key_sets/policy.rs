//! The rules about time and use, at their boundaries as far as a clock lets a test stand on them.

use std::collections::BTreeSet;

use jotgate_scenarios::now;
use serde_json::{Value, json};

use crate::Site;
use crate::issuer::Issuer;

/// How far from a boundary a token is, so that a slow machine does not step over it.
const SLACK: i64 = 15;

async fn site(property: &str, value: impl Into<Value>) -> (Site, jotgate_scenarios::VirtualProxy) {
    let site = Site::new().await;
    let vp = site
        .vp("jwt")
        .set("jwtPublicKeyCertificate", Issuer::rsa(0).public_key());
    let vp = vp.set(property, value).create().await;
    (site, vp)
}

#[tokio::test]
async fn the_longest_lifetime_counts_from_iat_or_from_now() {
    let (site, vp) = site("jwtMaxLifetimeSeconds", 600).await;
    let at = now();
    let rows = [
        (
            "as long as may be",
            json!({ "iat": at, "exp": at + 600 }),
            "",
        ),
        (
            "a second more",
            json!({ "iat": at, "exp": at + 601 }),
            "token_lifetime_too_long",
        ),
        (
            "a little more",
            json!({ "iat": at, "exp": at as f64 + 600.5 }),
            "token_lifetime_too_long",
        ),
        (
            "longer, and old",
            json!({ "iat": at - 500, "exp": at + 200 }),
            "token_lifetime_too_long",
        ),
        (
            "as long, and old",
            json!({ "iat": at - 500, "exp": at + 100 }),
            "",
        ),
        (
            "from a little ahead",
            json!({ "iat": at + 30, "exp": at + 630 }),
            "",
        ),
        ("from now", json!({ "iat": null, "exp": at + 600 }), ""),
        (
            "from now, longer",
            json!({ "iat": null, "exp": at + 600 + SLACK }),
            "token_lifetime_too_long",
        ),
        (
            "for ever",
            json!({ "iat": null, "exp": null }),
            "expiration_missing",
        ),
        (
            "for ever, from iat",
            json!({ "iat": at, "exp": null }),
            "expiration_missing",
        ),
        (
            "the end of time",
            json!({ "iat": at, "exp": i64::MAX }),
            "token_lifetime_too_long",
        ),
        (
            "nbf does not count",
            json!({ "iat": null, "nbf": at - 500, "exp": at + 300 }),
            "",
        ),
        (
            "iat as text",
            json!({ "iat": at.to_string(), "exp": at + 60 }),
            "claim_invalid",
        ),
    ];
    for (what, more, expected) in rows {
        let token = Issuer::rsa(0).token_with(more);
        assert_eq!(site.reason("jwt", &token).await, expected, "{what}");
    }
    vp.set("jwtMaxLifetimeSeconds", 0).await;
    let token = Issuer::rsa(0).token_with(json!({ "iat": at, "exp": at + 1_000_000 }));
    site.assert_served("jwt", &token, "without a limit").await;
}

#[tokio::test]
async fn the_tolerance_for_clocks_holds_on_both_sides() {
    let (site, vp) = site("jwtClockSkewSeconds", 60).await;
    for skew in [60, 0, 3600] {
        vp.set("jwtClockSkewSeconds", skew).await;
        let inside = (skew - SLACK).max(0);
        let mut rows = vec![
            (
                "exp just before",
                json!({ "exp": now() - skew - 1 }),
                "token_expired",
            ),
            ("exp at it", json!({ "exp": now() - skew }), "token_expired"),
            (
                "nbf beyond",
                json!({ "nbf": now() + skew + SLACK }),
                "token_not_yet_valid",
            ),
            (
                "iat beyond",
                json!({ "iat": now() + skew + SLACK }),
                "token_issued_in_future",
            ),
            ("nbf inside", json!({ "nbf": now() + inside }), ""),
            ("iat inside", json!({ "iat": now() + inside }), ""),
            ("nbf at it", json!({ "nbf": now() + skew }), ""),
        ];
        if skew > SLACK {
            rows.push(("exp inside", json!({ "exp": now() - inside }), ""));
        }
        for (what, more, expected) in rows {
            let token = Issuer::rsa(0).token_with(more);
            assert_eq!(
                site.reason("jwt", &token).await,
                expected,
                "{what}, {skew} s"
            );
        }
    }
    let mut entity = vp.entity().await;
    entity["jwtClockSkewSeconds"] = json!(3601);
    let answer = site.qrs().send("PUT", &vp.path(), Some(&entity)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[tokio::test]
async fn an_end_can_be_asked_for_and_a_wrong_one_is_never_none() {
    let (site, vp) = site("jwtRequireExpiration", true).await;
    let without = Issuer::rsa(0).token_with(json!({ "exp": null }));
    assert_eq!(site.reason("jwt", &without).await, "expiration_missing");
    let other =
        Issuer::rsa(0).token_with(json!({ "exp": null, "Exp": now() + 60, "expires": now() + 60 }));
    assert_eq!(site.reason("jwt", &other).await, "expiration_missing");
    site.assert_served("jwt", &Issuer::rsa(0).token(), "with one")
        .await;
    vp.set("jwtRequireExpiration", false).await;
    site.assert_served("jwt", &without, "where none is asked for")
        .await;
}

/// Who comes while the session is being opened shares it; who comes later is too late.
#[tokio::test]
async fn first_requests_at_once_with_a_token_of_single_use_share_one_session() {
    let (site, _) = site("jwtSingleUse", true).await;
    for round in 0..5 {
        let token = Issuer::rsa(0).token_with(json!({ "jti": format!("page {round}") }));
        let asked = (0..10).map(|_| site.ask("jwt", &token));
        let answers = futures_util::future::join_all(asked).await;
        let (served, late): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.status == 200);
        let sessions: BTreeSet<_> = served.iter().map(|answer| answer.cookie().value).collect();
        assert_eq!(sessions.len(), 1, "one page, one session");
        for answer in late {
            assert_eq!(answer.reason(), "token_already_used");
        }
    }
    assert_eq!(site.gateway.metric("jotgate_sessions").await, 5.0);
}

#[tokio::test]
async fn a_used_jti_is_used_up_in_every_token_and_a_refused_token_uses_up_none() {
    let (site, vp) = site("jwtSingleUse", true).await;
    let token = |jti: &str, user: &str, exp: i64| {
        Issuer::rsa(0).token_with(json!({ "jti": jti, "userId": user, "exp": now() + exp }))
    };
    vp.set("jwtAudience", "other").await;
    let first = token("a", "boz", 600);
    assert_eq!(site.reason("jwt", &first).await, "audience_mismatch");
    vp.set("jwtAudience", "").await;
    let forged = Issuer::rsa(5).token_with(json!({ "jti": "a" }));
    assert_eq!(site.reason("jwt", &forged).await, "signature_invalid");
    site.assert_served("jwt", &first, "nobody has used it")
        .await;
    assert_eq!(site.reason("jwt", &first).await, "token_already_used");
    assert_eq!(
        site.reason("jwt", &token("a", "boz", 900)).await,
        "token_already_used"
    );
    assert_eq!(
        site.reason("jwt", &token("a", "anna", 600)).await,
        "token_already_used"
    );
    site.assert_served("jwt", &token("A", "boz", 600), "letters count")
        .await;
    for jti in [
        json!(null),
        json!(""),
        json!(7),
        json!([]),
        json!("x".repeat(1025)),
    ] {
        let token = Issuer::rsa(0).token_with(json!({ "jti": jti }));
        let reason = site.reason("jwt", &token).await;
        assert!(
            matches!(&*reason, "claim_missing" | "claim_invalid"),
            "{jti}: {reason}"
        );
    }
}

#[tokio::test]
async fn the_session_of_a_token_of_single_use_goes_on_with_the_cookie() {
    let (site, _) = site("jwtSingleUse", true).await;
    let token = Issuer::rsa(0).token_with(json!({ "jti": "once" }));
    let cookie = site.ask("jwt", &token).await.cookie();
    let client = site.gateway.plain_client();
    let with_cookie = client.get("/jwt/hub/").cookie(&cookie).send().await;
    assert_eq!(with_cookie.status, 200, "{}", with_cookie.text());
    let forged = Issuer::rsa(5).token_with(json!({ "jti": "once" }));
    let both = client
        .get("/jwt/hub/")
        .cookie(&cookie)
        .bearer(&forged)
        .send()
        .await;
    assert_eq!(both.reason(), "signature_invalid");
}
