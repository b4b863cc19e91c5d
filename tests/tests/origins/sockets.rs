//! Whose pages open WebSockets.

use jotgate_scenarios::{Gateway, Keys};
use serde_json::json;

use super::Site;

/// Line W1 of the hostile inputs.
#[tokio::test]
async fn sockets_are_opened_by_pages_of_the_allow_list_only() {
    let list = json!(["good.com", "*.sub.com", "ported.com:8443", "192.0.2.7"]);
    let site = Site::new(&[("websocketCrossOriginWhiteList", list)]).await;
    for good in [
        "https://good.com",
        "http://good.com",
        "https://GOOD.COM",
        "https://good.com:444",
        "https://a.sub.com",
        "https://a.b.sub.com",
        "https://ported.com:8443",
        "http://192.0.2.7",
        "https://localhost:1234",
        "https://127.0.0.1",
    ] {
        assert_eq!(site.socket(good).await, 101, "{good}");
    }
    let served = site.backend.received().len();
    for bad in [
        "null",
        "",
        "good.com",
        "https://good.com.evil.com",
        "https://evil-good.com",
        "https://evilgood.com",
        "https://www.good.com",
        "https://sub.com",
        "https://evilsub.com",
        "https://ported.com",
        "https://ported.com:8444",
        "https://192.0.2.70",
        "https://xn--god-1na.com",
        "https://good.com/",
        "https://good.com@evil.com",
        "https://evil.com#good.com",
        "file://",
        "https://localhost.evil.com",
    ] {
        assert_eq!(site.socket(bad).await, 403, "{bad}");
    }
    assert_eq!(site.backend.received().len(), served);
    let program = site
        .gateway
        .client()
        .get("/jwt/app/x")
        .cookie(&site.cookie)
        .open_socket()
        .await;
    assert!(program.is_ok(), "a program sends no Origin");
}

#[tokio::test]
async fn what_the_host_header_claims_makes_no_origin_our_own() {
    let site = Site::new(&[]).await;
    let request = site.gateway.client().get("/jwt/app/x").cookie(&site.cookie);
    let request = request
        .header("Host", "evil.com")
        .origin("https://evil.com");
    let refused = request.open_socket().await.err().expect("a refusal");
    assert_eq!(
        (refused.status, refused.reason()),
        (403, "origin_not_allowed")
    );
    let gateway = Gateway::serve()
        .setting("--public-host", "portal.example.com")
        .await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &site.backend)
        .await;
    let token = Keys::first().token().sign();
    let request = gateway
        .client()
        .get("/jwt/app/x")
        .bearer(&token)
        .origin("https://portal.example.com");
    assert!(request.open_socket().await.is_ok(), "a public host is");
}

/// Some clients send the header twice.
#[tokio::test]
async fn equal_origins_count_as_one_and_different_ones_are_refused() {
    let site = Site::new(&[(
        "websocketCrossOriginWhiteList",
        json!(["good.com", "other.com"]),
    )])
    .await;
    let request = || {
        site.gateway
            .client()
            .get("/jwt/app/x")
            .cookie(&site.cookie)
            .origin("https://good.com")
    };
    assert!(
        request()
            .origin("https://good.com")
            .open_socket()
            .await
            .is_ok()
    );
    let refused = request()
        .origin("https://other.com")
        .open_socket()
        .await
        .err()
        .expect("a refusal");
    assert_eq!(
        (refused.status, refused.reason()),
        (403, "origin_not_allowed")
    );
}

#[tokio::test]
async fn with_csrf_protection_a_socket_with_a_cookie_needs_the_sessions_token() {
    let site = Site::new(&[("csrfProtection", json!(1))]).await;
    let client = site.gateway.client();
    let token = client
        .get("/jwt/qps/csrftoken")
        .cookie(&site.cookie)
        .send()
        .await
        .header("qlik-csrf-token")
        .to_owned();
    let other = Keys::first().token().user("example", "anna").sign();
    let foreign = client
        .get("/jwt/qps/csrftoken")
        .bearer(&other)
        .send()
        .await
        .header("qlik-csrf-token")
        .to_owned();
    let open = async |target: &str| {
        let request = client.get(target).cookie(&site.cookie);
        request
            .open_socket()
            .await
            .err()
            .map(|answer| answer.reason().to_owned())
    };
    assert_eq!(
        open(&format!("/jwt/app/x?qlik-csrf-token={token}")).await,
        None
    );
    assert_eq!(
        open(&format!("/jwt/app/x?a=b&qlik-csrf-token={token}&c=d")).await,
        None
    );
    assert_eq!(
        open(&format!("/jwt/app/engineData&qlik-csrf-token={token}")).await,
        None
    );
    for target in [
        "/jwt/app/x".to_owned(),
        format!("/jwt/app/x?qlik-csrf-token={foreign}"),
        "/jwt/app/x?qlik-csrf-token=".to_owned(),
        format!("/jwt/app/x?Xqlik-csrf-token={token}"),
    ] {
        assert_eq!(
            open(&target).await.as_deref(),
            Some("csrf_token_invalid"),
            "{target}"
        );
    }
    let header_only = client
        .get("/jwt/app/x")
        .cookie(&site.cookie)
        .header("qlik-csrf-token", &token);
    let refused = header_only.open_socket().await.err().expect("a refusal");
    assert_eq!(
        refused.status, 403,
        "a page of another site can send no header on a handshake, but no harm if it could"
    );
    let bearer = Keys::first().token().sign();
    let with_token = client.get("/jwt/app/x").bearer(&bearer).open_socket().await;
    assert!(
        with_token.is_ok(),
        "who shows a token does not rely on the cookie"
    );
    assert_eq!(
        client
            .get("/jwt/hub/")
            .cookie(&site.cookie)
            .send()
            .await
            .status,
        200,
        "requests are not concerned"
    );
}

/// Lines W1 and W2 of the hostile inputs over HTTP/2 (RFC 8441).
#[tokio::test]
async fn pages_and_tokens_are_judged_over_http_2_as_over_http_1() {
    let site = Site::new(&[
        ("websocketCrossOriginWhiteList", json!(["good.com"])),
        ("csrfProtection", json!(1)),
    ])
    .await;
    let client = site.gateway.client();
    let asked = client.get("/jwt/qps/csrftoken").cookie(&site.cookie);
    let token = asked.send().await.header("qlik-csrf-token").to_owned();
    let with_token = format!("/jwt/app/x?qlik-csrf-token={token}");
    let served = site.backend.received().len();
    let http2 = client.http2().await;
    let open = async |target: &str, origin: &str| {
        let request = client.get(target).cookie(&site.cookie).origin(origin);
        let refusal = http2.open_socket(request).await.err();
        refusal.map(|answer| (answer.status, answer.reason().to_owned()))
    };
    for (target, origin, reason) in [
        (with_token.as_str(), "null", "origin_not_allowed"),
        (
            &with_token,
            "https://good.com.evil.com",
            "origin_not_allowed",
        ),
        (&with_token, "https://evil-good.com", "origin_not_allowed"),
        ("/jwt/app/x", "https://good.com", "csrf_token_invalid"),
        (
            "/jwt/app/x?qlik-csrf-token=",
            "https://good.com",
            "csrf_token_invalid",
        ),
    ] {
        let refusal = open(target, origin).await;
        assert_eq!(refusal, Some((403, reason.to_owned())), "{target} {origin}");
    }
    assert_eq!(site.backend.received().len(), served);
    assert_eq!(open(&with_token, "https://good.com").await, None);
}
