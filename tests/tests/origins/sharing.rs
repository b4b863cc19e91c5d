//! Whose pages send requests and read answers (Fetch standard, "CORS protocol").

use jotgate_scenarios::{Backend, Keys};
use serde_json::json;

use super::Site;

#[tokio::test]
async fn requests_of_foreign_pages_are_refused_before_anybody_is_identified() {
    let site = Site::new(&[]).await;
    let served = site.backend.received().len();
    let token = Keys::first().token().user("example", "anna").sign();
    let request = site
        .gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .origin("https://evil.com");
    let answer = request.send().await;
    assert_eq!(
        (answer.status, answer.reason()),
        (403, "origin_not_allowed")
    );
    assert!(answer.cookies().is_empty());
    assert_eq!(site.page("null").await.status, 403);
    assert_eq!(site.page("https://localhost:8443").await.status, 200);
    assert_eq!(site.backend.received().len(), served + 1);
    assert_eq!(site.gateway.metric("jotgate_sessions").await, 1.0);
}

#[tokio::test]
async fn preflights_are_answered_without_credentials_and_without_the_backend() {
    let origins = json!(["https://portal.com", "https://second.com:8443"]);
    let site = Site::new(&[("corsAllowedOrigins", origins)]).await;
    let served = site.backend.received().len();
    let preflight = |origin: &str| {
        let request = site
            .gateway
            .client()
            .request("OPTIONS", "/jwt/hub/")
            .origin(origin);
        request
            .header("Access-Control-Request-Method", "GET")
            .header("Access-Control-Request-Headers", "authorization")
    };
    for origin in ["https://portal.com", "https://second.com:8443"] {
        let answer = preflight(origin).send().await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert!(answer.header("vary").contains("Origin"));
        let headers = answer
            .header("access-control-allow-headers")
            .to_ascii_lowercase();
        for name in [
            "authorization",
            "content-type",
            "qlik-csrf-token",
            "x-qlik-xrfkey",
        ] {
            assert!(headers.contains(name), "{headers}");
        }
        let methods = answer.header("access-control-allow-methods");
        for method in ["GET", "POST", "PUT", "DELETE"] {
            assert!(methods.contains(method), "{methods}");
        }
        assert!(answer.cookies().is_empty());
    }
    for origin in [
        "https://evil.com",
        "http://portal.com",
        "https://portal.com:444",
        "https://second.com",
        "null",
    ] {
        let answer = preflight(origin).send().await;
        assert_eq!(answer.status, 403, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
    assert_eq!(site.backend.received().len(), served);
    let ordinary = site
        .gateway
        .client()
        .request("OPTIONS", "/jwt/hub/")
        .send()
        .await;
    assert_eq!(
        ordinary.status, 401,
        "an OPTIONS that is no preflight needs credentials"
    );
}

#[tokio::test]
async fn answers_and_refusals_can_be_read_by_the_page_that_may() {
    let site = Site::new(&[("corsAllowedOrigins", json!(["https://portal.com"]))]).await;
    let good = site.page("https://portal.com").await;
    assert_eq!(good.status, 200);
    assert_eq!(
        good.header("access-control-allow-origin"),
        "https://portal.com"
    );
    assert_eq!(good.header("access-control-allow-credentials"), "true");
    assert_eq!(
        good.header("access-control-expose-headers"),
        "qlik-csrf-token"
    );
    assert!(good.header("vary").contains("Origin"));

    let refused = site
        .gateway
        .client()
        .get("/jwt/hub/")
        .origin("https://portal.com")
        .send()
        .await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.header("access-control-allow-origin"),
        "https://portal.com"
    );

    let foreign = site.page("https://evil.com").await;
    assert_eq!(
        (
            foreign.status,
            foreign.header("access-control-allow-origin")
        ),
        (403, "")
    );
    let none = site
        .gateway
        .client()
        .get("/jwt/hub/")
        .cookie(&site.cookie)
        .send()
        .await;
    assert_eq!(none.header("access-control-allow-origin"), "");
    assert!(
        none.header("vary").contains("Origin"),
        "a cache must not mix them"
    );
    assert_eq!(
        site.socket("https://portal.com").await,
        403,
        "sockets have a list of their own"
    );
}

#[tokio::test]
async fn explicit_response_headers_are_on_every_answer_and_win() {
    let lines = "Access-Control-Allow-Origin: https://portal.com\nAccess-Control-Allow-Credentials: true\n\
        Access-Control-Expose-Headers: x-own\nX-Frame-Options: DENY";
    let site = Site::new(&[("additionalResponseHeaders", json!(lines))]).await;
    for answer in [
        site.page("https://portal.com").await,
        site.gateway.client().get("/jwt/hub/").send().await,
        site.gateway
            .client()
            .get("/jwt/qps/user")
            .cookie(&site.cookie)
            .send()
            .await,
        site.gateway
            .client()
            .request("OPTIONS", "/jwt/hub/")
            .origin("https://portal.com")
            .header("Access-Control-Request-Method", "GET")
            .send()
            .await,
    ] {
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "https://portal.com",
            "{answer:?}"
        );
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("access-control-expose-headers"), "x-own");
    }
    site.vp
        .set("corsAllowedOrigins", json!(["https://second.com"]))
        .await;
    let second = site.page("https://second.com").await;
    assert_eq!(
        second.header("access-control-allow-origin"),
        "https://portal.com",
        "the explicit line wins"
    );
}

#[tokio::test]
async fn a_backends_own_cors_headers_do_not_open_what_the_gateway_closes() {
    let site = Site::new(&[("corsAllowedOrigins", json!(["https://portal.com"]))]).await;
    let liberal = Backend::answering(|_| {
        let fields = [
            ("Access-Control-Allow-Origin", "https://portal.com"),
            ("Vary", "Accept"),
        ];
        jotgate_scenarios::Reply::new(200, &fields, "x")
    })
    .await;
    let qrs = site.gateway.qrs();
    let vp = qrs.virtual_proxy("liberal").backend(&liberal).await;
    vp.set("corsAllowedOrigins", json!(["https://portal.com"]))
        .create()
        .await;
    let token = Keys::first().token().sign();
    let request = site
        .gateway
        .client()
        .get("/liberal/x")
        .bearer(&token)
        .origin("https://portal.com");
    let answer = request.send().await;
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://portal.com",
        "once, not twice"
    );
    let varied: Vec<_> = answer.headers.get_all("vary").iter().collect();
    assert!(varied.iter().any(|value| *value == "Accept"), "{varied:?}");
}
