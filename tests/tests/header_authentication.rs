//! Users whom a server in front of the gateway names in a header.

use jotgate_scenarios::{Answer, Backend, Client, Gateway, VirtualProxy};
use serde_json::json;

const LISTED: &str = "headerAuthenticationTrustedAddresses";

struct Site {
    gateway: Gateway,
    backend: Backend,
    vp: VirtualProxy,
}

impl Site {
    /// The dynamic method, believing 127.0.0.2 only.
    async fn new() -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        let vp = gateway.qrs().virtual_proxy("header");
        let vp = vp
            .set("authenticationMethod", 2)
            .set("headerAuthenticationHeaderName", "X-Portal-User")
            .set("headerAuthenticationDynamicUserDirectory", "$ud\\\\$id")
            .set(LISTED, json!(["127.0.0.2", "192.0.2.0/24"]));
        let vp = vp.backend(&backend).await.create().await;
        Self {
            gateway,
            backend,
            vp,
        }
    }

    fn portal(&self) -> Client {
        self.gateway.client().from("127.0.0.2")
    }
}

async fn named(client: &Client, header: &str, user: &str) -> Answer {
    client.get("/header/hub/").header(header, user).send().await
}

#[tokio::test]
async fn a_listed_server_names_users_and_each_gets_one_session() {
    let site = Site::new().await;
    let first = named(&site.portal(), "X-Portal-User", r"CORP\boz").await;
    assert_eq!(first.status, 200, "{}", first.text());
    let told = site.backend.last();
    let user = told.header("x-qlik-user");
    assert_eq!(user.as_deref(), Some("UserDirectory=CORP; UserId=boz"));
    assert_eq!(
        told.header("x-portal-user"),
        None,
        "it is for the gateway alone"
    );
    let session = told.header("x-qlik-proxysession");

    named(&site.portal(), "X-Portal-User", r"CORP\boz").await;
    assert_eq!(site.backend.last().header("x-qlik-proxysession"), session);
    let request = site.portal().get("/header/hub/").cookie(&first.cookie());
    let request = request.header("X-Portal-User", r"CORP\anna");
    let other = request.send().await;
    assert_ne!(other.cookie().value, first.cookie().value);
    assert_ne!(site.backend.last().header("x-qlik-proxysession"), session);
}

#[tokio::test]
async fn nobody_else_names_anybody() {
    let site = Site::new().await;
    for header in ["X-Portal-User", "x_portal_user", "X.Portal.User"] {
        let answer = named(&site.gateway.client(), header, r"CORP\boz").await;
        assert_eq!(
            (answer.status, answer.reason()),
            (401, "credentials_missing")
        );
    }
    // Another spelling is not the header, wherever it comes from.
    let answer = named(&site.portal(), "X_Portal_User", r"CORP\boz").await;
    assert_eq!(answer.status, 401);
    // What forwards for others is judged by its own address, not by what it says.
    let request = site.gateway.client().get("/header/hub/");
    let request = request.header("X-Forwarded-For", "127.0.0.2");
    let answer = request.header("X-Portal-User", r"CORP\boz").send().await;
    assert_eq!(answer.status, 401);
    site.vp.set(LISTED, json!([])).await;
    let answer = named(&site.portal(), "X-Portal-User", r"CORP\boz").await;
    assert_eq!(answer.status, 401);
    assert!(site.backend.received().is_empty());
}

#[tokio::test]
async fn the_header_never_reaches_the_backend_in_any_spelling() {
    let site = Site::new().await;
    let first = named(&site.portal(), "X-Portal-User", r"CORP\boz").await;
    let request = site
        .gateway
        .client()
        .get("/header/hub/")
        .cookie(&first.cookie());
    let answer = request
        .header("X-Portal-User", r"CORP\root")
        .header("x_portal_user", "forged")
        .header("X.Portal.User", "forged")
        .send()
        .await;
    assert_eq!(answer.status, 200, "the cookie is enough");
    let told = format!("{:?}", site.backend.last());
    assert!(!told.contains("forged") && !told.contains("root"), "{told}");
}

#[tokio::test]
async fn what_names_nobody_is_refused() {
    let site = Site::new().await;
    for (user, status) in [
        ("boz", 401),
        (r"\boz", 401),
        (r"CORP\", 401),
        (r"INTERNAL\anna", 403),
        (r"none\x", 403),
    ] {
        let answer = named(&site.portal(), "X-Portal-User", user).await;
        assert_eq!(answer.status, status, "{user}");
    }
    let request = site.portal().get("/header/hub/");
    let request = request.header("X-Portal-User", r"CORP\boz");
    let twice = request.header("X-Portal-User", r"CORP\anna").send().await;
    assert_eq!((twice.status, twice.reason()), (401, "token_ambiguous"));
    assert!(site.backend.received().is_empty());
}

#[tokio::test]
async fn with_a_fixed_directory_the_header_is_the_id() {
    let site = Site::new().await;
    let set = |entity: &mut serde_json::Value| {
        entity["authenticationMethod"] = 1.into();
        entity["headerAuthenticationStaticUserDirectory"] = "CORP".into();
    };
    site.vp.update(set).await;
    let answer = named(&site.portal(), "X-Portal-User", "boz").await;
    assert_eq!(answer.status, 200);
    let user = site.backend.last().header("x-qlik-user");
    assert_eq!(user.as_deref(), Some("UserDirectory=CORP; UserId=boz"));
}

#[tokio::test]
async fn what_is_no_address_is_not_saved() {
    let site = Site::new().await;
    let mut entity = site.vp.entity().await;
    entity[LISTED] = json!(["10.0.0.1/8"]);
    let (qrs, path) = (site.gateway.qrs(), site.vp.path());
    let answer = qrs.send("PUT", &path, Some(&entity)).await;
    assert_eq!(answer.status, 400);
    let text = answer.text();
    assert!(
        text.contains(LISTED) && text.contains("10.0.0.0/8"),
        "{text}"
    );
}
