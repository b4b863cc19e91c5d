//! What is remembered about tokens must never be older than what it depends on.

use std::time::Duration;

use jotgate_scenarios::{Algorithm, Keys, now};
use serde_json::json;

use crate::forge::{HEADER, USER, segment, sign_text, with_payload};
use crate::judged::{Judged, SERVED};

#[tokio::test]
async fn k1_a_token_is_judged_anew_by_each_virtual_proxy() {
    let site = Judged::new().await;
    let qrs = site.gateway.qrs();
    let node = qrs.node(&site.backend).await;
    let vp = |prefix: &str| qrs.virtual_proxy(prefix).node(&node);
    vp("keys").keys(Keys::second()).create().await;
    vp("audience").set("jwtAudience", "other").create().await;
    vp("issuer").set("jwtIssuer", "other").create().await;
    vp("algorithm")
        .set("jwtAlgorithms", json!(["RS512"]))
        .create()
        .await;
    vp("names").set("jwtAttributeUserId", "mail").create().await;
    vp("needs").map_mandatory("group", "group").create().await;
    vp("expires")
        .set("jwtRequireExpiration", true)
        .create()
        .await;
    let token = with_payload(format!(r#"{{{USER},"mail":"boz@example.com"}}"#));
    let expected = [
        ("jwt", 200, "UserDirectory=example; UserId=boz"),
        (
            "names",
            200,
            "UserDirectory=example; UserId=boz%40example.com",
        ),
        ("keys", 401, "signature_invalid"),
        ("audience", 401, "audience_mismatch"),
        ("issuer", 401, "issuer_mismatch"),
        ("algorithm", 401, "algorithm_not_allowed"),
        ("needs", 401, "attribute_missing"),
        ("expires", 401, "expiration_missing"),
    ];
    // The second time around everything that may be remembered is.
    for round in 0..3 {
        for (prefix, status, found) in expected {
            let path = format!("/{prefix}/hub/");
            let answer = site.client().get(&path).bearer(&token).send().await;
            assert_eq!(
                answer.status,
                status,
                "{prefix}, round {round}: {}",
                answer.text()
            );
            if status == 200 {
                let user = site.backend.last().header("x-qlik-user");
                assert_eq!(user.as_deref(), Some(found), "{prefix}, round {round}");
            } else {
                assert_eq!(answer.reason(), found, "{prefix}, round {round}");
            }
        }
    }
}

#[tokio::test]
async fn k2_a_remembered_token_is_refused_from_the_second_of_its_end() {
    let site = Judged::new().await;
    site.vp.set("jwtClockSkewSeconds", 0).await;
    let end = now() + 3;
    let token = Keys::first().token().claim("exp", end).sign();
    let (mut served, mut refused) = (0, 0);
    while refused < 20 {
        let before = now();
        let answer = site.get().bearer(&token).send().await;
        let after = now();
        match (answer.status, answer.reason()) {
            (200, _) => {
                served += 1;
                assert!(before < end, "served {} s after its end", before - end);
            }
            (401, "token_expired") => {
                refused += 1;
                assert!(after >= end, "refused {} s before its end", end - after);
            }
            other => panic!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(served > 1, "it was remembered: {served}");
}

#[tokio::test]
async fn k2_every_change_of_a_key_or_a_rule_holds_for_the_next_request() {
    let site = Judged::new().await;
    let token = with_payload(format!(r#"{{{USER},"aud":"qlik","iss":"me"}}"#));
    let changes = [
        (
            "jwtPublicKeyCertificate",
            json!(Keys::second().public_key()),
            "signature_invalid",
        ),
        ("jwtAudience", json!("other"), "audience_mismatch"),
        ("jwtIssuer", json!("other"), "issuer_mismatch"),
        ("jwtAlgorithms", json!(["RS512"]), "algorithm_not_allowed"),
        ("jwtRequireExpiration", json!(true), "expiration_missing"),
        ("jwtMaxLifetimeSeconds", json!(60), "expiration_missing"),
        ("jwtAttributeUserId", json!("sub"), "claim_missing"),
        ("jwtAttributeUserDirectory", json!("iat"), "claim_missing"),
        ("jwtSingleUse", json!(true), "claim_missing"),
        (
            "jwtAttributeMap",
            json!([{ "jwtAttribute": "group", "senseAttribute": "group", "isMandatory": true }]),
            "attribute_missing",
        ),
    ];
    for (property, value, reason) in changes {
        for _ in 0..2 {
            let answer = site.get().bearer(&token).send().await;
            assert_eq!(answer.status, 200, "before {property}: {}", answer.text());
        }
        let before = site.vp.entity().await[property].clone();
        site.vp.set(property, value).await;
        for attempt in 0..2 {
            let answer = site.get().bearer(&token).send().await;
            let found = (answer.status, answer.reason());
            assert_eq!(found, (401, reason), "after {property}, request {attempt}");
        }
        site.vp.set(property, before).await;
    }
    let answer = site.get().bearer(&token).send().await;
    assert_eq!(
        answer.status,
        200,
        "no refusal is remembered: {}",
        answer.text()
    );
    site.vp.delete().await;
    let answer = site.get().bearer(&token).send().await;
    assert_ne!(answer.status, 200, "the virtual proxy is gone");
}

#[tokio::test]
async fn k2_one_of_two_keys_is_removed() {
    let site = Judged::new().await;
    let both = format!(
        "{}{}",
        Keys::first().public_key(),
        Keys::second().public_key()
    );
    site.vp.set("jwtPublicKeyCertificate", both).await;
    let (first, second) = (Keys::first().token().sign(), Keys::second().token().sign());
    for token in [&first, &second, &first, &second] {
        assert_eq!(site.get().bearer(token).send().await.status, 200);
    }
    site.vp
        .set("jwtPublicKeyCertificate", Keys::second().public_key())
        .await;
    let answer = site.get().bearer(&first).send().await;
    assert_eq!(answer.reason(), "signature_invalid");
    assert_eq!(site.get().bearer(&second).send().await.status, 200);
}

#[tokio::test]
async fn k3_nobody_gets_the_verdict_on_another_token() {
    let site = Judged::new().await;
    let text = format!("{}.{}", segment(HEADER), segment(format!("{{{USER}}}")));
    let good = sign_text(&text);
    let (_, signature) = good.rsplit_once('.').expect("a signature");
    let forged = Keys::second().sign(
        Algorithm::RS256,
        HEADER.as_bytes(),
        format!("{{{USER}}}").as_bytes(),
    );
    let admin = segment(r#"{"userId":"admin","userDirectory":"example"}"#);
    let changed = format!("{}.{admin}.{signature}", segment(HEADER));
    let cut = &good[..good.len() - 1];
    let mut rows = Vec::new();
    for round in 0..3 {
        rows.push((format!("good {round}"), good.as_str(), SERVED));
        rows.push((
            format!("another signature {round}"),
            forged.as_str(),
            "signature_invalid",
        ));
        rows.push((
            format!("another user {round}"),
            changed.as_str(),
            "signature_invalid",
        ));
        rows.push((format!("cut {round}"), cut, "token_truncated"));
    }
    site.tokens(&rows).await;
    // A refusal is not remembered either.
    site.vp
        .set("jwtPublicKeyCertificate", Keys::second().public_key())
        .await;
    let answer = site.get().bearer(&forged).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// 4000 distinct tokens of 16 KB are twice what is remembered at most.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k3_a_flood_of_distinct_tokens_takes_bounded_memory() {
    const TOKENS: usize = 4000;
    const MAX_GROWTH: usize = 52 << 20;
    let site = Judged::new().await;
    let pad = "x".repeat(11_700);
    let token = |keys: &Keys, number: usize| {
        let payload = format!(r#"{{{USER},"jti":"{number}","pad":"{pad}"}}"#);
        keys.sign(Algorithm::RS256, HEADER.as_bytes(), payload.as_bytes())
    };
    let first = site.get().bearer(&token(Keys::first(), 0)).send().await;
    let cookie = first.cookie();
    let mut connection = site.client().connection().await;
    for number in 0..200 {
        // Buffers and threads are there when it is measured.
        let bearer = token(Keys::first(), TOKENS + number);
        let request = connection.get("/jwt/hub/").cookie(&cookie).bearer(&bearer);
        assert_eq!(
            connection.send(request).await.expect("an answer").status,
            200
        );
    }
    let before = resident(site.gateway.process().id());
    for (keys, expected) in [(Keys::second(), 401), (Keys::first(), 200)] {
        for number in 0..TOKENS {
            let bearer = token(keys, number);
            let request = connection.get("/jwt/hub/").cookie(&cookie).bearer(&bearer);
            let answer = connection.send(request).await.expect("an answer");
            assert_eq!(answer.status, expected, "{number}: {}", answer.text());
        }
        let growth = resident(site.gateway.process().id()).saturating_sub(before);
        // What is refused is not remembered at all.
        let limit = if expected == 401 {
            MAX_GROWTH / 4
        } else {
            MAX_GROWTH
        };
        assert!(
            growth < limit,
            "{TOKENS} tokens of {expected}: {} MB",
            growth >> 20
        );
    }
    site.tokens(&[("the first one again", token(Keys::first(), 0), SERVED)])
        .await;
    assert_eq!(
        site.gateway.metric("jotgate_sessions").await,
        2.0,
        "one with a cookie, one without"
    );
}

/// The resident memory of a process, in bytes.
fn resident(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("its memory");
    let kib = line
        .split_whitespace()
        .nth(1)
        .and_then(|text| text.parse::<usize>().ok());
    kib.expect("a number") << 10
}
