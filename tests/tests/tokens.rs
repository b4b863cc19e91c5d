//! What a token must be, and what is taken from it.

use jotgate_scenarios::{Algorithm, Answer, Backend, Gateway, Keys, Token};
use serde_json::json;

async fn send(gateway: &Gateway, token: Token<'_>) -> Answer {
    gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token.sign())
        .send()
        .await
}

#[tokio::test]
async fn a_token_without_exp_is_accepted_unless_the_virtual_proxy_asks_for_it() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = || Keys::first().token().without("exp").without("iat");
    assert_eq!(send(&gateway, token()).await.status, 200);
    vp.set("jwtRequireExpiration", true).await;
    assert_eq!(
        send(&gateway, token()).await.reason(),
        "expiration_missing",
        "also a token that was verified before"
    );
}

#[tokio::test]
async fn all_three_rsa_algorithms_work_and_a_shorter_list_holds() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let signed = |algorithm| Keys::first().token().algorithm(algorithm);
    for algorithm in [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512] {
        assert_eq!(
            send(&gateway, signed(algorithm)).await.status,
            200,
            "{algorithm:?}"
        );
    }
    vp.set("jwtAlgorithms", json!(["RS256", "PS256"])).await;
    assert_eq!(
        send(&gateway, signed(Algorithm::RS512)).await.reason(),
        "algorithm_not_allowed"
    );
    assert_eq!(send(&gateway, signed(Algorithm::PS256)).await.status, 200);
}

#[tokio::test]
async fn certificates_and_several_keys_verify_tokens() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let both = format!(
        "{}{}",
        Keys::first().certificate(),
        Keys::second().public_key()
    );
    let vp = gateway
        .qrs()
        .virtual_proxy("jwt")
        .set("jwtPublicKeyCertificate", both);
    vp.backend(&backend).await.create().await;
    for keys in [Keys::first(), Keys::second()] {
        let token = keys.token().header("kid", "a name that nobody knows");
        assert_eq!(send(&gateway, token).await.status, 200);
    }
}

#[tokio::test]
async fn the_gateways_own_certificate_verifies_tokens_of_its_own_key() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let server =
        std::fs::read_to_string(gateway.certificates().join("server.pem")).expect("server.pem");
    let vp = gateway
        .qrs()
        .virtual_proxy("jwt")
        .set("jwtPublicKeyCertificate", server);
    vp.backend(&backend).await.create().await;
    assert_eq!(
        send(&gateway, Keys::first().token()).await.reason(),
        "signature_invalid"
    );
    let own = Keys::read(&gateway.certificates().join("server_key.pem"));
    assert_eq!(send(&gateway, own.token()).await.status, 200);
}

#[tokio::test]
async fn the_audience_counts_when_one_is_named() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway
        .qrs()
        .virtual_proxy("jwt")
        .backend(&backend)
        .await
        .set("jwtAudience", "portal")
        .create()
        .await;
    let token = || Keys::first().token();
    for good in [json!("portal"), json!(["other", "portal"])] {
        assert_eq!(
            send(&gateway, token().claim("aud", good.clone()))
                .await
                .status,
            200,
            "{good}"
        );
    }
    for bad in [
        json!("Portal"),
        json!("other"),
        json!([]),
        json!(["other"]),
        json!("portal "),
    ] {
        let answer = send(&gateway, token().claim("aud", bad.clone())).await;
        assert_eq!(answer.reason(), "audience_mismatch", "{bad}");
    }
    for wrong in [json!(1), json!({}), json!(["portal", 1]), json!(null)] {
        let answer = send(&gateway, token().claim("aud", wrong.clone())).await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
    assert_eq!(send(&gateway, token()).await.reason(), "audience_mismatch");
    vp.set("jwtAudience", "").await;
    assert_eq!(
        send(&gateway, token().claim("aud", "anybody")).await.status,
        200
    );
}

#[tokio::test]
async fn the_issuer_counts_when_one_is_named() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway.qrs().virtual_proxy("jwt").backend(&backend).await;
    vp.set("jwtIssuer", "https://issuer.example").create().await;
    let token = || Keys::first().token();
    assert_eq!(
        send(&gateway, token().claim("iss", "https://issuer.example"))
            .await
            .status,
        200
    );
    assert_eq!(
        send(&gateway, token().claim("iss", "https://issuer.example/"))
            .await
            .reason(),
        "issuer_mismatch"
    );
    assert_eq!(send(&gateway, token()).await.reason(), "issuer_mismatch");
}

#[tokio::test]
async fn names_in_brackets_are_constants() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway.qrs().virtual_proxy("jwt").backend(&backend).await;
    vp.set("jwtAttributeUserDirectory", "[portal]")
        .map("[gold]", "tier")
        .create()
        .await;
    let token = Keys::first().token().user("ignored", "boz");
    assert_eq!(
        send(&gateway, token.without("userDirectory")).await.status,
        200
    );
    let received = backend.last();
    assert_eq!(
        received.header("x-qlik-user").as_deref(),
        Some("UserDirectory=portal; UserId=boz")
    );
    let security = received.header("x-qlik-security").expect("attributes");
    assert!(security.ends_with("; tier=gold; "), "{security}");
}

#[tokio::test]
async fn claims_become_attributes_and_arrays_repeat_them() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway.qrs().virtual_proxy("jwt").backend(&backend).await;
    vp.map("Group", "group")
        .map("email", "Mail Address")
        .map("missing", "nothing")
        .map("vip", "vip")
        .create()
        .await;
    let token = Keys::first()
        .token()
        .claim(
            "Group",
            json!(["sales", "r&d; Context=ManagementAccess", "zoë"]),
        )
        .claim("email", "boz@example.com")
        .claim("vip", "")
        .claim("other", "not mapped");
    assert_eq!(send(&gateway, token).await.status, 200);
    assert_eq!(
        backend.last().header("x-qlik-security").as_deref(),
        Some(
            "SecureRequest=true; Context=AppAccess; group=sales; group=r%26d%3B+Context%3DManagementAccess; \
             group=zo%C3%AB; Mail+Address=boz%40example.com; vip=; "
        )
    );
}

#[tokio::test]
async fn a_mandatory_attribute_that_is_missing_refuses_the_token() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway.qrs().virtual_proxy("jwt").backend(&backend).await;
    vp.map_mandatory("email", "email").create().await;
    let token = || Keys::first().token();
    let refused = send(&gateway, token()).await;
    assert_eq!(
        (refused.status, refused.reason()),
        (401, "attribute_missing")
    );
    let line = gateway.access_line(&refused.reference()).await;
    assert!(
        line["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("email")),
        "{line}"
    );
    assert_eq!(
        send(&gateway, token().claim("Email", "x")).await.reason(),
        "attribute_missing",
        "names are exact"
    );
    assert_eq!(
        send(&gateway, token().claim("email", json!(null)))
            .await
            .status,
        401
    );
    assert_eq!(
        send(&gateway, token().claim("email", "x")).await.status,
        200
    );
    assert_eq!(backend.received().len(), 1);
}

#[tokio::test]
async fn the_names_of_the_identity_claims_are_those_that_are_configured() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let vp = gateway.qrs().virtual_proxy("jwt").backend(&backend).await;
    vp.set("jwtAttributeUserId", "user")
        .set("jwtAttributeUserDirectory", "directory")
        .create()
        .await;
    assert_eq!(
        send(&gateway, Keys::first().token()).await.reason(),
        "claim_missing"
    );
    let token = Keys::first()
        .token()
        .claim("user", "a;b=c")
        .claim("directory", "Zoë & Co");
    assert_eq!(send(&gateway, token).await.status, 200);
    assert_eq!(
        backend.last().header("x-qlik-user").as_deref(),
        Some("UserDirectory=Zo%C3%AB%20%26%20Co; UserId=a%3Bb%3Dc")
    );
}

#[tokio::test]
async fn hostile_identities_are_refused_or_stay_inside_of_their_value() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let ids = [
        "x\r\nX-Qlik-User: UserDirectory=INTERNAL; UserId=sa_api",
        "x; UserDirectory=INTERNAL",
        "x\0",
        "a\u{202e}b",
        "\\..\\admin",
    ];
    for id in ids {
        let answer = send(&gateway, Keys::first().token().user("example", id)).await;
        if answer.status != 200 {
            assert!(
                matches!(answer.reason(), "claim_invalid" | "token_malformed"),
                "{id:?}: {}",
                answer.reason()
            );
            continue;
        }
        let received = backend.last();
        let user = received.header("x-qlik-user").expect("a user");
        let value = user
            .strip_prefix("UserDirectory=example; UserId=")
            .expect("the user's form");
        let safe = |c: char| c.is_ascii_alphanumeric() || "-._~%".contains(c);
        assert!(value.chars().all(safe), "{id:?}: {user}");
    }
    let long = send(
        &gateway,
        Keys::first().token().user("example", &"x".repeat(10_000)),
    )
    .await;
    assert_eq!(long.status, 401, "{long:?}");
}

#[tokio::test]
async fn a_token_of_one_virtual_proxy_is_judged_by_the_rules_of_the_other() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    qrs.jwt_virtual_proxy("other", Keys::second(), &backend)
        .await;
    let strict = qrs
        .virtual_proxy("strict")
        .backend(&backend)
        .await
        .set("jwtAudience", "strict");
    strict.create().await;
    let token = Keys::first().token().sign();
    let status = async |prefix: &str| {
        gateway
            .client()
            .get(&format!("/{prefix}/hub/"))
            .bearer(&token)
            .send()
            .await
            .status
    };
    // The first answer must not be remembered for the others.
    for _ in 0..3 {
        assert_eq!(status("jwt").await, 200);
        assert_eq!(status("other").await, 401);
        assert_eq!(status("strict").await, 401);
    }
}

#[tokio::test]
async fn a_flood_of_dots_and_huge_tokens_costs_an_answer_and_no_more() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    for token in [
        ".".repeat(20_000),
        "A".repeat(30_000),
        format!("{}.{}.{}", "e30", "e30", "A".repeat(21_830)),
    ] {
        let answer = gateway
            .client()
            .get("/jwt/hub/")
            .bearer(&token)
            .send()
            .await;
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    assert_eq!(send(&gateway, Keys::first().token()).await.status, 200);
}
