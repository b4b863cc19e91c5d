//! Signing in with a ticket that a program has asked for.

use jotgate_scenarios::{Answer, Backend, Client, Gateway, Keys};
use serde_json::{Value, json};

const KEY: &str = "abcdefghijklmnop";

struct Site {
    gateway: Gateway,
    backend: Backend,
}

impl Site {
    async fn new() -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        for prefix in ["portal", "other"] {
            let vp = gateway.qrs().virtual_proxy(prefix);
            let vp = vp.set("authenticationMethod", 0).backend(&backend).await;
            vp.create().await;
        }
        Self { gateway, backend }
    }

    fn client(&self) -> Client {
        self.gateway.client()
    }

    async fn ask(&self, path: &str, body: &Value) -> Answer {
        let request = self.gateway.qps().post(&format!("{path}?xrfkey={KEY}"));
        let request = request.header("X-Qlik-Xrfkey", KEY);
        request.body(body.to_string()).send().await
    }

    async fn ticket(&self) -> String {
        let answer = self.ask("/qps/portal/ticket", &boz()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let answer = answer.json();
        assert_eq!(answer["UserDirectory"], "EXAMPLE");
        assert_eq!(answer["Attributes"], json!([{"Group": "sales"}]));
        answer["Ticket"].as_str().expect("a ticket").to_owned()
    }

    async fn bring(&self, target: &str) -> Answer {
        self.client().get(target).send().await
    }
}

fn boz() -> Value {
    json!({"UserDirectory": "EXAMPLE", "UserId": "boz", "Attributes": [{"Group": "sales"}]})
}

#[tokio::test]
async fn a_ticket_opens_a_session_and_leaves_the_address() {
    let site = Site::new().await;
    let ticket = site.ticket().await;
    let target = format!("/portal/hub/?a=b&qlikTicket={ticket}&c=d");
    let answer = site.bring(&target).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, "/portal/hub/?a=b&c=d")
    );
    let cookie = answer.cookie();
    let page = site
        .client()
        .get("/portal/hub/")
        .cookie(&cookie)
        .send()
        .await;
    assert_eq!(page.status, 200);
    let told = site.backend.only();
    let user = told.header("x-qlik-user");
    assert_eq!(user.as_deref(), Some("UserDirectory=EXAMPLE; UserId=boz"));
    let security = told.header("x-qlik-security").unwrap_or_default();
    assert!(security.contains("Group=sales; "), "{security}");
    let log = format!("{:?}", site.gateway.access_log());
    assert!(!log.contains(&ticket), "no ticket in the log");

    let again = site.bring(&target).await;
    assert_eq!((again.status, again.reason()), (401, "ticket_invalid"));
}

#[tokio::test]
async fn a_socket_and_a_post_are_served_without_the_ticket() {
    let site = Site::new().await;
    let ticket = site.ticket().await;
    let target = format!("/portal/app/1?QlikTicket={ticket}&reloadURI=x");
    let mut socket = site
        .client()
        .get(&target)
        .open_socket()
        .await
        .expect("a WebSocket");
    socket.assert_echo("hello").await;
    assert_eq!(site.backend.last().target(), "/app/1?reloadURI=x");

    let ticket = site.ticket().await;
    let target = format!("/portal/api/x?qlik%54icket={ticket}");
    let answer = site.client().post(&target).body("text").send().await;
    assert_eq!(answer.status, 200);
    assert!(!answer.cookie().value.is_empty());
    assert_eq!(site.backend.last().target(), "/api/x");
}

#[tokio::test]
async fn a_ticket_is_for_one_virtual_proxy_and_never_for_a_backend() {
    let site = Site::new().await;
    let qrs = site.gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &site.backend)
        .await;
    let ticket = site.ticket().await;
    let elsewhere = site
        .bring(&format!("/other/hub/?qlikTicket={ticket}"))
        .await;
    assert_eq!(
        (elsewhere.status, elsewhere.reason()),
        (401, "ticket_invalid")
    );
    let back = site
        .bring(&format!("/portal/hub/?qlikTicket={ticket}"))
        .await;
    assert_eq!(back.status, 401, "it was shown to somebody else");

    let ticket = site.ticket().await;
    let token = Keys::first().token().sign();
    let request = site.client().get(&format!("/jwt/hub/?qlikTicket={ticket}"));
    assert_eq!(request.bearer(&token).send().await.status, 200);
    assert_eq!(site.backend.last().target(), "/hub/");
}

#[tokio::test]
async fn what_is_no_ticket_signs_nobody_in() {
    let site = Site::new().await;
    let good = site.ticket().await;
    for (query, reason) in [
        ("qlikTicket=", "ticket_invalid"),
        ("qlikTicket=x", "ticket_invalid"),
        (
            "qlikTicket=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "ticket_invalid",
        ),
        (
            &format!("qlikTicket={good}&qlikTicket=x"),
            "token_ambiguous",
        ),
    ] {
        let answer = site.bring(&format!("/portal/hub/?{query}")).await;
        assert_eq!((answer.status, answer.reason()), (401, reason), "{query}");
        assert!(answer.cookies().is_empty());
    }
    assert!(site.backend.received().is_empty());
}

#[tokio::test]
async fn the_way_on_stays_here() {
    let site = Site::new().await;
    let gateway = site.gateway.qrs();
    let default = gateway.find("").await;
    let node = gateway.node(&site.backend).await;
    default
        .set("loadBalancingServerNodes", json!([{"id": node}]))
        .await;
    let answer = site.ask("/qps/ticket", &boz()).await.json();
    let ticket = answer["Ticket"].as_str().expect("a ticket").to_owned();
    let answer = site
        .bring(&format!("//evil.example/?qlikTicket={ticket}"))
        .await;
    assert!(!answer.header("location").contains("evil"), "{answer:?}");
}

#[tokio::test]
async fn only_some_can_be_asked_for() {
    let site = Site::new().await;
    let qrs = site.gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &site.backend)
        .await;
    for (path, change, words) in [
        ("/qps/jwt/ticket", json!({}), "tickets"),
        (
            "/qps/portal/ticket",
            json!({"UserDirectory": "INTERNAL"}),
            "UserDirectory",
        ),
        (
            "/qps/portal/ticket",
            json!({"UserDirectory": "none"}),
            "UserDirectory",
        ),
        ("/qps/portal/ticket", json!({"UserId": " "}), "UserId"),
        ("/qps/portal/ticket", json!({"UserId": "a\\b"}), "UserId"),
        (
            "/qps/portal/ticket",
            json!({"UserId": null}),
            "Required property",
        ),
        ("/qps/portal/ticket", json!({"TargetId": "x"}), "TargetId"),
        ("/qps/portal/ticket", json!({"Roles": "RootAdmin"}), "Roles"),
    ] {
        let mut body = boz();
        for (name, value) in change.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let answer = site.ask(path, &body).await;
        assert_eq!(answer.status, 400, "{path} {body}: {}", answer.text());
        assert!(answer.text().contains(words), "{}", answer.text());
    }
}
