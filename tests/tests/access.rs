//! Who may come in although everything about the credentials is right: blocks, bound directories,
//! access rules, roles.

mod support {
    pub(crate) mod database;
}

use jotgate_scenarios::{
    Answer, Backend, Client, Cookie, Gateway, Keys, SOON, VirtualProxy, eventually,
};
use serde_json::{Value, json};
use support::database::Database;

struct Site {
    gateway: Gateway,
    backend: Backend,
    vp: VirtualProxy,
}

impl Site {
    async fn new() -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        let vp = gateway.qrs().virtual_proxy("jwt").map("Group", "Group");
        let vp = vp.backend(&backend).await.create().await;
        Self {
            gateway,
            backend,
            vp,
        }
    }

    fn client(&self) -> Client {
        self.gateway.client()
    }

    async fn sign_in(&self, user: &str, group: &str) -> Answer {
        let token = Keys::first().token().user("example", user);
        let token = token.claim("Group", json!([group, "all"])).sign();
        self.client().get("/jwt/hub/").bearer(&token).send().await
    }

    async fn with(&self, cookie: &Cookie) -> Answer {
        self.client().get("/jwt/hub/").cookie(cookie).send().await
    }
}

fn verdict(answer: &Answer) -> (u16, String) {
    (answer.status, answer.reason().to_owned())
}

fn refused(reason: &str) -> (u16, String) {
    (403, reason.to_owned())
}

#[tokio::test]
async fn a_rule_lets_in_whom_it_names_and_nobody_else() {
    let site = Site::new().await;
    let rule = r#"directory = "EXAMPLE" and (attribute.Group = "sales" or id in ("anna", "zoe"))"#;
    site.vp.set("accessRule", rule).await;
    assert_eq!(site.sign_in("boz", "sales").await.status, 200);
    assert_eq!(site.sign_in("anna", "hr").await.status, 200);
    let refusal = site.sign_in("boz", "hr").await;
    assert_eq!(verdict(&refusal), refused("access_denied"));
    assert!(refusal.cookies().is_empty());
    let line = site.gateway.access_line(&refusal.reference()).await;
    assert!(
        line["detail"]
            .as_str()
            .expect("a detail")
            .contains("accessRule"),
        "{line}"
    );
}

#[tokio::test]
async fn a_rule_that_changes_holds_for_sessions_and_sockets_that_are_there() {
    let site = Site::new().await;
    let boz = site.sign_in("boz", "sales").await.cookie();
    let anna = site.sign_in("anna", "hr").await.cookie();
    let open = async |cookie: &Cookie| {
        let request = site.client().get("/jwt/app/1").cookie(cookie);
        request.open_socket().await
    };
    let of_boz = open(&boz).await.expect("a WebSocket");
    let mut of_anna = open(&anna).await.expect("a WebSocket");

    site.vp
        .set("accessRule", r#"not attribute.Group = "sales""#)
        .await;
    assert_eq!(verdict(&site.with(&boz).await), refused("access_denied"));
    let (notice, _) = of_boz.expect_end(SOON).await;
    assert_eq!(notice["method"], "OnSessionClosed");
    assert_eq!(open(&boz).await.err().expect("a refusal").status, 403);
    assert_eq!(site.with(&anna).await.status, 200);
    of_anna.assert_echo("still here").await;

    site.vp.set("accessRule", "").await;
    assert_eq!(
        site.with(&boz).await.status,
        200,
        "the session was not ended"
    );
    open(&boz).await.expect("a WebSocket");
}

#[tokio::test]
async fn a_rule_that_is_none_is_not_saved() {
    let site = Site::new().await;
    let mut entity = site.vp.entity().await;
    entity["accessRule"] = r#"directory = "EXAMPLE" or Group = "sales""#.into();
    let (qrs, path) = (site.gateway.qrs(), site.vp.path());
    let answer = qrs.send("PUT", &path, Some(&entity)).await;
    assert_eq!(answer.status, 400);
    let text = answer.text();
    assert!(
        text.contains("accessRule") && text.contains("at character 26"),
        "{text}"
    );
    assert_eq!(site.sign_in("boz", "x").await.status, 200);
}

#[tokio::test]
async fn a_bound_directory_can_be_asserted_where_it_belongs_only() {
    let site = Site::new().await;
    let qrs = site.gateway.qrs();
    let other = qrs.virtual_proxy("other").keys(Keys::second());
    let other = other.backend(&site.backend).await.create().await;
    let sign_in = async |keys: &Keys, prefix: &str, directory: &str| {
        let token = keys.token().user(directory, "boz").sign();
        let request = site.client().get(&format!("/{prefix}/hub/"));
        request.bearer(&token).send().await
    };
    let before = sign_in(Keys::second(), "other", "corp").await.cookie();
    site.vp.set("boundUserDirectories", json!(["CORP"])).await;
    assert_eq!(sign_in(Keys::first(), "jwt", "corp").await.status, 200);
    let elsewhere = sign_in(Keys::second(), "other", "Corp").await;
    assert_eq!(verdict(&elsewhere), refused("directory_not_allowed"));
    let signed_in = site.client().get("/other/hub/").cookie(&before);
    assert_eq!(
        verdict(&signed_in.send().await),
        refused("directory_not_allowed"),
        "who is signed in already is no exception"
    );
    assert_eq!(sign_in(Keys::second(), "other", "free").await.status, 200);

    other.set("boundUserDirectories", json!(["corp"])).await;
    assert_eq!(sign_in(Keys::second(), "other", "CORP").await.status, 200);
}

#[tokio::test]
async fn nothing_from_outside_asserts_a_directory_of_the_gateway() {
    let site = Site::new().await;
    for directory in ["INTERNAL", "internal", "NONE"] {
        let token = Keys::first().token().user(directory, "admin").sign();
        let answer = site.client().get("/jwt/hub/").bearer(&token).send().await;
        assert_eq!(verdict(&answer), refused("directory_not_allowed"));
    }
    assert!(site.backend.received().is_empty());
}

#[tokio::test]
async fn whoever_signs_in_is_known_and_a_blocked_user_stays_outside() {
    let site = Site::new().await;
    let cookie = site.sign_in("boz", "sales").await.cookie();
    let database = Database::of(&site.gateway);
    let noted = async || {
        let users = database
            .texts("SELECT attributes FROM users WHERE key = 'example' || char(10) || 'boz'");
        users.await.pop()
    };
    let attributes = eventually("the user", noted).await;
    assert_eq!(attributes, r#"[["Group","sales"],["Group","all"]]"#);

    let Site {
        gateway,
        backend,
        vp,
    } = site;
    let again = gateway.again();
    gateway.stop().await;
    database.change("UPDATE users SET blocked = 1").await;
    let site = Site {
        gateway: again.start().await,
        backend,
        vp,
    };
    assert_eq!(verdict(&site.with(&cookie).await), refused("user_blocked"));
    assert_eq!(
        verdict(&site.sign_in("BOZ", "x").await),
        refused("user_blocked")
    );
    assert_eq!(site.sign_in("anna", "x").await.status, 200);
}

/// Roles are of users, and count where administration is allowed.
#[tokio::test]
async fn whoever_has_a_role_administers_through_a_virtual_proxy_that_allows_it() {
    let site = Site::new().await;
    for user in ["root", "security", "audit", "boz"] {
        assert_eq!(site.sign_in(user, "x").await.status, 200);
    }
    let database = Database::of(&site.gateway);
    let all = async || {
        let users = database.texts("SELECT user_id FROM users").await;
        (users.len() == 4).then_some(())
    };
    eventually("the users", all).await;
    let Site { gateway, vp, .. } = site;
    let again = gateway.again();
    gateway.stop().await;
    for (user, role) in [
        ("root", "RootAdmin"),
        ("security", "SecurityAdmin"),
        ("audit", "AuditAdmin"),
    ] {
        let change = format!("UPDATE users SET roles = '{role}' WHERE user_id = '{user}'");
        database.change(&change).await;
    }
    let gateway = again.start().await;
    let vp = gateway.qrs().find(&vp.prefix).await;
    let list = "/virtualproxyconfig/full";
    for user in ["root", "security", "audit", "boz"] {
        let answer = through(&gateway, user, "GET", list, None).await;
        assert_eq!(verdict(&answer), refused("access_denied"), "{user}");
    }

    vp.set("allowAdministration", true).await;
    for (user, status) in [
        ("root", 200),
        ("security", 200),
        ("audit", 200),
        ("boz", 403),
    ] {
        let answer = through(&gateway, user, "GET", list, None).await;
        assert_eq!(answer.status, status, "{user}: {}", answer.text());
    }
    let mut entity = vp.entity().await;
    entity["description"] = "changed".into();
    for (user, status) in [("audit", 403), ("boz", 403), ("security", 200)] {
        let answer = through(&gateway, user, "PUT", &vp.path(), Some(&entity)).await;
        assert_eq!(answer.status, status, "{user}: {}", answer.text());
    }
    let mut entity = vp.entity().await;
    assert_eq!(entity["modifiedByUserName"], r"example\security");
    entity["jwtPublicKeyCertificate"] = Keys::second().public_key().into();
    let answer = through(&gateway, "security", "PUT", &vp.path(), Some(&entity)).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    let answer = through(&gateway, "root", "PUT", &vp.path(), Some(&entity)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// A request to QRS below `/jwt`, with a token of that user.
async fn through(
    gateway: &Gateway,
    user: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let token = Keys::first().token().user("example", user).sign();
    let key = "0123456789abcdef";
    let target = format!("/jwt/qrs{path}?xrfkey={key}");
    let request = gateway.client().request(method, &target).bearer(&token);
    let request = request.header("X-Qlik-Xrfkey", key);
    match body {
        None => request.send().await,
        Some(body) => {
            let request = request.header("Content-Type", "application/json");
            request.body(body.to_string()).send().await
        }
    }
}

#[tokio::test]
async fn administration_through_a_virtual_proxy_needs_the_xrfkey_too() {
    let site = Site::new().await;
    site.sign_in("root", "x").await;
    let database = Database::of(&site.gateway);
    let there = async || database.texts("SELECT id FROM users").await.pop();
    eventually("the user", there).await;
    site.vp.set("allowAdministration", true).await;
    let again = site.gateway.again();
    site.gateway.stop().await;
    database
        .change("UPDATE users SET roles = 'RootAdmin'")
        .await;
    let gateway = again.start().await;
    let token = Keys::first().token().user("example", "root").sign();
    let request = gateway.client().get("/jwt/qrs/virtualproxyconfig");
    let answer = request.bearer(&token).send().await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("XSRF"), "{}", answer.text());
}

/// Blocking reaches sockets within a second and holds when QRS answers.
#[tokio::test]
async fn a_block_reaches_everything_of_the_user_at_once() {
    let site = Site::new().await;
    let boz = site.sign_in("boz", "x").await.cookie();
    let anna = site.sign_in("anna", "x").await.cookie();
    let open = async |cookie: &Cookie| {
        let request = site.client().get("/jwt/app/1").cookie(cookie);
        request.open_socket().await.expect("a WebSocket")
    };
    let (of_boz, mut of_anna) = (open(&boz).await, open(&anna).await);
    let qrs = site.gateway.qrs();
    let noted = async || {
        let found = qrs.get("/user/full?filter=userId%20eq%20%27boz%27").await;
        found.as_array().expect("a list").first().cloned()
    };
    let mut user = eventually("the user", noted).await;
    assert_eq!(user["attributes"][0]["attributeValue"], "x");
    let path = format!("/user/{}", user["id"].as_str().expect("an id"));
    user["blacklisted"] = true.into();
    let mut user = qrs.update(&path, &user).await;
    assert_eq!(site.with(&boz).await.status, 401, "the session has ended");
    assert_eq!(
        verdict(&site.sign_in("Boz", "x").await),
        refused("user_blocked")
    );
    let (notice, _) = of_boz.expect_end(SOON).await;
    assert_eq!(notice["method"], "OnSessionClosed");
    of_anna.assert_echo("still here").await;

    user["blacklisted"] = false.into();
    qrs.update(&path, &user).await;
    assert_eq!(site.sign_in("boz", "x").await.status, 200);
}
