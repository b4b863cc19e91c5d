//! Pages of other sites: who may ask, and who may read the answer.

use jotgate_scenarios::{Answer, Backend, Cookie, Gateway, Keys, VirtualProxy};
use serde_json::json;

struct Site {
    gateway: Gateway,
    backend: Backend,
    vp: VirtualProxy,
    cookie: Cookie,
}

impl Site {
    async fn new(properties: &[(&str, serde_json::Value)]) -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        let mut vp = gateway.qrs().virtual_proxy("jwt").backend(&backend).await;
        for (name, value) in properties {
            vp = vp.set(name, value.clone());
        }
        let vp = vp.create().await;
        let token = Keys::first().token().sign();
        let cookie = gateway.client().get("/jwt/hub/").bearer(&token).send().await.cookie();
        Self { gateway, backend, vp, cookie }
    }

    /// The status of a WebSocket handshake from that origin.
    async fn socket(&self, origin: &str) -> u16 {
        let request = self.gateway.client().get("/jwt/app/x").cookie(&self.cookie).origin(origin);
        match request.open_socket().await {
            Ok(_) => 101,
            Err(answer) => {
                assert!(answer.cookies().is_empty());
                answer.status
            }
        }
    }

    async fn page(&self, origin: &str) -> Answer {
        self.gateway.client().get("/jwt/hub/").cookie(&self.cookie).origin(origin).send().await
    }
}

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
    let program = site.gateway.client().get("/jwt/app/x").cookie(&site.cookie).open_socket().await;
    assert!(program.is_ok(), "a program sends no Origin");
}

#[tokio::test]
async fn what_the_host_header_claims_makes_no_origin_our_own() {
    let site = Site::new(&[]).await;
    let request = site.gateway.client().get("/jwt/app/x").cookie(&site.cookie);
    let request = request.header("Host", "evil.com").origin("https://evil.com");
    let refused = request.open_socket().await.err().expect("a refusal");
    assert_eq!((refused.status, refused.reason()), (403, "origin_not_allowed"));
    let gateway = Gateway::serve().setting("--public-host", "portal.example.com").await;
    gateway.qrs().jwt_virtual_proxy("jwt", Keys::first(), &site.backend).await;
    let token = Keys::first().token().sign();
    let request = gateway.client().get("/jwt/app/x").bearer(&token).origin("https://portal.example.com");
    assert!(request.open_socket().await.is_ok(), "a public host is");
}

/// Some clients send the header twice.
#[tokio::test]
async fn equal_origins_count_as_one_and_different_ones_are_refused() {
    let site = Site::new(&[("websocketCrossOriginWhiteList", json!(["good.com", "other.com"]))]).await;
    let request = || site.gateway.client().get("/jwt/app/x").cookie(&site.cookie).origin("https://good.com");
    assert!(request().origin("https://good.com").open_socket().await.is_ok());
    let refused = request().origin("https://other.com").open_socket().await.err().expect("a refusal");
    assert_eq!((refused.status, refused.reason()), (403, "origin_not_allowed"));
}

#[tokio::test]
async fn requests_of_foreign_pages_are_refused_before_anybody_is_identified() {
    let site = Site::new(&[]).await;
    let served = site.backend.received().len();
    let token = Keys::first().token().user("example", "anna").sign();
    let request = site.gateway.client().get("/jwt/hub/").bearer(&token).origin("https://evil.com");
    let answer = request.send().await;
    assert_eq!((answer.status, answer.reason()), (403, "origin_not_allowed"));
    assert!(answer.cookies().is_empty());
    assert_eq!(site.page("null").await.status, 403);
    assert_eq!(site.page("https://localhost:8443").await.status, 200);
    assert_eq!(site.backend.received().len(), served + 1);
    assert_eq!(site.gateway.metric("jotgate_sessions").await, 1.0);
}

#[tokio::test]
async fn with_csrf_protection_a_socket_with_a_cookie_needs_the_sessions_token() {
    let site = Site::new(&[("csrfProtection", json!(1))]).await;
    let client = site.gateway.client();
    let token = client.get("/jwt/qps/csrftoken").cookie(&site.cookie).send().await.header("qlik-csrf-token").to_owned();
    let other = Keys::first().token().user("example", "anna").sign();
    let foreign = client.get("/jwt/qps/csrftoken").bearer(&other).send().await.header("qlik-csrf-token").to_owned();
    let open = async |target: &str| {
        let request = client.get(target).cookie(&site.cookie);
        request.open_socket().await.err().map(|answer| answer.reason().to_owned())
    };
    assert_eq!(open(&format!("/jwt/app/x?qlik-csrf-token={token}")).await, None);
    assert_eq!(open(&format!("/jwt/app/x?a=b&qlik-csrf-token={token}&c=d")).await, None);
    assert_eq!(open(&format!("/jwt/app/engineData&qlik-csrf-token={token}")).await, None);
    for target in ["/jwt/app/x".to_owned(), format!("/jwt/app/x?qlik-csrf-token={foreign}"), "/jwt/app/x?qlik-csrf-token=".to_owned(), format!("/jwt/app/x?Xqlik-csrf-token={token}")] {
        assert_eq!(open(&target).await.as_deref(), Some("csrf_token_invalid"), "{target}");
    }
    let header_only = client.get("/jwt/app/x").cookie(&site.cookie).header("qlik-csrf-token", &token);
    let refused = header_only.open_socket().await.err().expect("a refusal");
    assert_eq!(refused.status, 403, "a page of another site can send no header on a handshake, but no harm if it could");
    let bearer = Keys::first().token().sign();
    let with_token = client.get("/jwt/app/x").bearer(&bearer).open_socket().await;
    assert!(with_token.is_ok(), "who shows a token does not rely on the cookie");
    assert_eq!(client.get("/jwt/hub/").cookie(&site.cookie).send().await.status, 200, "requests are not concerned");
}

#[tokio::test]
async fn preflights_are_answered_without_credentials_and_without_the_backend() {
    let origins = json!(["https://portal.com", "https://second.com:8443"]);
    let site = Site::new(&[("corsAllowedOrigins", origins)]).await;
    let served = site.backend.received().len();
    let preflight = |origin: &str| {
        let request = site.gateway.client().request("OPTIONS", "/jwt/hub/").origin(origin);
        request.header("Access-Control-Request-Method", "GET").header("Access-Control-Request-Headers", "authorization")
    };
    for origin in ["https://portal.com", "https://second.com:8443"] {
        let answer = preflight(origin).send().await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert!(answer.header("vary").contains("Origin"));
        let headers = answer.header("access-control-allow-headers").to_ascii_lowercase();
        for name in ["authorization", "content-type", "qlik-csrf-token", "x-qlik-xrfkey"] {
            assert!(headers.contains(name), "{headers}");
        }
        let methods = answer.header("access-control-allow-methods");
        for method in ["GET", "POST", "PUT", "DELETE"] {
            assert!(methods.contains(method), "{methods}");
        }
        assert!(answer.cookies().is_empty());
    }
    for origin in ["https://evil.com", "http://portal.com", "https://portal.com:444", "https://second.com", "null"] {
        let answer = preflight(origin).send().await;
        assert_eq!(answer.status, 403, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
    assert_eq!(site.backend.received().len(), served);
    let ordinary = site.gateway.client().request("OPTIONS", "/jwt/hub/").send().await;
    assert_eq!(ordinary.status, 401, "an OPTIONS that is no preflight needs credentials");
}

#[tokio::test]
async fn answers_and_refusals_can_be_read_by_the_page_that_may() {
    let site = Site::new(&[("corsAllowedOrigins", json!(["https://portal.com"]))]).await;
    let good = site.page("https://portal.com").await;
    assert_eq!(good.status, 200);
    assert_eq!(good.header("access-control-allow-origin"), "https://portal.com");
    assert_eq!(good.header("access-control-allow-credentials"), "true");
    assert_eq!(good.header("access-control-expose-headers"), "qlik-csrf-token");
    assert!(good.header("vary").contains("Origin"));

    let refused = site.gateway.client().get("/jwt/hub/").origin("https://portal.com").send().await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("access-control-allow-origin"), "https://portal.com");

    let foreign = site.page("https://evil.com").await;
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (403, ""));
    let none = site.gateway.client().get("/jwt/hub/").cookie(&site.cookie).send().await;
    assert_eq!(none.header("access-control-allow-origin"), "");
    assert!(none.header("vary").contains("Origin"), "a cache must not mix them");
    assert_eq!(site.socket("https://portal.com").await, 403, "sockets have a list of their own");
}

#[tokio::test]
async fn explicit_response_headers_are_on_every_answer_and_win() {
    let lines = "Access-Control-Allow-Origin: https://portal.com\nAccess-Control-Allow-Credentials: true\n\
        Access-Control-Expose-Headers: x-own\nX-Frame-Options: DENY";
    let site = Site::new(&[("additionalResponseHeaders", json!(lines))]).await;
    for answer in [
        site.page("https://portal.com").await,
        site.gateway.client().get("/jwt/hub/").send().await,
        site.gateway.client().get("/jwt/qps/user").cookie(&site.cookie).send().await,
        site.gateway
            .client()
            .request("OPTIONS", "/jwt/hub/")
            .origin("https://portal.com")
            .header("Access-Control-Request-Method", "GET")
            .send()
            .await,
    ] {
        assert_eq!(answer.header("access-control-allow-origin"), "https://portal.com", "{answer:?}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("access-control-expose-headers"), "x-own");
    }
    site.vp.set("corsAllowedOrigins", json!(["https://second.com"])).await;
    let second = site.page("https://second.com").await;
    assert_eq!(second.header("access-control-allow-origin"), "https://portal.com", "the explicit line wins");
}

#[tokio::test]
async fn a_backends_own_cors_headers_do_not_open_what_the_gateway_closes() {
    let site = Site::new(&[("corsAllowedOrigins", json!(["https://portal.com"]))]).await;
    let liberal = Backend::answering(|_| {
        let fields = [("Access-Control-Allow-Origin", "https://portal.com"), ("Vary", "Accept")];
        jotgate_scenarios::Reply::new(200, &fields, "x")
    })
    .await;
    let qrs = site.gateway.qrs();
    let vp = qrs.virtual_proxy("liberal").backend(&liberal).await;
    vp.set("corsAllowedOrigins", json!(["https://portal.com"])).create().await;
    let token = Keys::first().token().sign();
    let request = site.gateway.client().get("/liberal/x").bearer(&token).origin("https://portal.com");
    let answer = request.send().await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://portal.com", "once, not twice");
    let varied: Vec<_> = answer.headers.get_all("vary").iter().collect();
    assert!(varied.iter().any(|value| *value == "Accept"), "{varied:?}");
}
