//! Whoever is no administrator tries to become one, from every weaker position.

mod support {
    pub(crate) mod administrator;
    pub(crate) mod database;
    pub(crate) mod forms;
    pub(crate) mod native;
}

use jotgate_scenarios::{
    Answer, Backend, Client, Cookie, Gateway, Keys, Request, VirtualProxy, eventually,
};
use serde_json::{Value, json};
use support::administrator::{link_of, make_administrator};
use support::database::Database;
use support::forms::Form;
use support::native::{BASE, Native};

const PASSWORD: &str = "correct horse battery";
const KEY: &str = "0123456789abcdef";
/// Where everybody wants to get.
const SUMMIT: &str = "/qrs/virtualproxyconfig/full";

/// A site with a local administrator, `corp\root` with RootAdmin, `corp\security` with SecurityAdmin
/// and `corp\audit` with AuditAdmin, who come through `/admin`; `/jwt` is anybody's.
struct Site {
    gateway: Gateway,
    backend: Backend,
    admin: VirtualProxy,
    jwt: VirtualProxy,
}

impl Site {
    async fn new() -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        make_administrator(&gateway, "anna", PASSWORD).await;
        let qrs = gateway.qrs();
        let admin = qrs.virtual_proxy("admin").keys(Keys::first());
        let admin = admin.backend(&backend).await;
        admin.set("allowAdministration", true).create().await;
        qrs.jwt_virtual_proxy("jwt", Keys::second(), &backend).await;
        let users = ["root", "security", "audit"];
        for user in users {
            let token = Keys::first().token().user("corp", user).sign();
            let answer = gateway.client().get("/admin/hub/").bearer(&token).send();
            assert_eq!(answer.await.status, 200);
        }
        let database = Database::of(&gateway);
        let noted = async || {
            let noted = database
                .texts("SELECT id FROM users WHERE directory = 'corp'")
                .await;
            (noted.len() == users.len()).then_some(())
        };
        eventually("the users", noted).await;
        let again = gateway.again();
        gateway.stop().await;
        for (user, role) in users
            .iter()
            .zip(["RootAdmin", "SecurityAdmin", "AuditAdmin"])
        {
            let change = format!("UPDATE users SET roles = '{role}' WHERE user_id = '{user}'");
            database.change(&change).await;
        }
        let gateway = again.start().await;
        let qrs = gateway.qrs();
        Self {
            admin: qrs.find("admin").await,
            jwt: qrs.find("jwt").await,
            gateway,
            backend,
        }
    }

    fn client(&self) -> Client {
        self.gateway.client()
    }

    /// A request to QRS below a prefix.
    fn qrs(&self, method: &str, prefix: &str, path: &str) -> Request {
        let target = format!("{prefix}{path}?xrfkey={KEY}");
        self.client()
            .request(method, &target)
            .header("X-Qlik-Xrfkey", KEY)
    }

    /// The answer to `corp\user` through `/admin`.
    async fn through_admin(&self, user: &str, method: &str, path: &str, body: &Value) -> Answer {
        let token = Keys::first().token().user("corp", user).sign();
        let request = self.qrs(method, "/admin", path).bearer(&token);
        let request = request.header("Content-Type", "application/json");
        request.body(body.to_string()).send().await
    }
}

fn assert_below(answer: &Answer, how: &str) {
    assert!(
        matches!(answer.status, 400 | 401 | 403),
        "{how}: {} {}",
        answer.status,
        answer.text()
    );
    assert!(
        !answer.text().contains("\"prefix\""),
        "{how}: {}",
        answer.text()
    );
}

#[tokio::test]
async fn the_summit_can_be_reached() {
    let site = Site::new().await;
    let answer = site
        .through_admin("root", "GET", SUMMIT, &json!(null))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn not_with_the_key_of_a_virtual_proxy() {
    let site = Site::new().await;
    let names = [
        ("corp", "root"),
        ("CORP", "ROOT"),
        ("INTERNAL", "anna"),
        ("internal", "anna"),
        ("INTERNAL", "sa_repository"),
        ("NONE", "anonymous"),
        ("corp\\root", "x"),
        ("corp; UserDirectory=INTERNAL", "anna"),
    ];
    let climb = async |keys: &Keys, prefix: &str, (directory, id): (&str, &str)| {
        let token = keys.token().user(directory, id);
        let token = token
            .claim("roles", json!(["RootAdmin"]))
            .claim("role", "RootAdmin")
            .sign();
        let request = site.qrs("GET", prefix, SUMMIT).bearer(&token);
        let answer = request.send().await;
        assert_below(&answer, &format!("{prefix} as {directory}\\{id}"));
    };
    // Where administration is not allowed, whoever it is.
    for name in names {
        climb(Keys::second(), "/jwt", name).await;
    }
    // Where it is allowed, but the directory belongs to another virtual proxy.
    site.admin
        .set("boundUserDirectories", json!(["Corp"]))
        .await;
    site.jwt.set("allowAdministration", true).await;
    for name in names {
        climb(Keys::second(), "/jwt", name).await;
    }
    // As somebody without a role, and with a key that is not the virtual proxy's.
    climb(Keys::first(), "/admin", ("corp", "boz")).await;
    climb(Keys::first(), "/admin", ("INTERNAL", "anna")).await;
    climb(Keys::second(), "/admin", ("corp", "root")).await;
}

#[tokio::test]
async fn not_with_the_servers_certificate() {
    let site = Site::new().await;
    let listeners = site.gateway.listeners();
    for (address, path) in [
        (listeners.qrs, format!("{SUMMIT}?xrfkey={KEY}")),
        (listeners.qps, format!("/qps/session?xrfkey={KEY}")),
    ] {
        let client = Client::tls_with_certificate(address, &site.gateway.certificates(), "server");
        let request = client.get(&path).header("X-Qlik-Xrfkey", KEY);
        let request = request.header("X-Qlik-User", "UserDirectory=INTERNAL; UserId=anna");
        assert!(request.try_send().await.is_err(), "{path}");
    }
}

#[tokio::test]
async fn not_with_forged_headers() {
    let site = Site::new().await;
    let token = Keys::first().token().user("corp", "boz").sign();
    for header in [
        "X-Qlik-User",
        "x_qlik_user",
        "X-Forwarded-User",
        "Remote-User",
        "X-Jotgate-Role",
    ] {
        for value in ["UserDirectory=INTERNAL; UserId=anna", "anna", "RootAdmin"] {
            for prefix in ["", "/jwt", "/admin"] {
                let request = site.qrs("GET", prefix, SUMMIT).header(header, value);
                let answer = request.clone().send().await;
                assert_below(&answer, header);
                let answer = request.bearer(&token).send().await;
                assert_below(&answer, header);
            }
        }
    }
}

#[tokio::test]
async fn not_with_a_session_of_another_virtual_proxy() {
    let site = Site::new().await;
    let token = Keys::second().token().user("corp", "root").sign();
    let request = site.client().get("/jwt/hub/").bearer(&token);
    let secret = request.send().await.cookie().value;
    for (prefix, name) in [
        ("", "X-Qlik-Session"),
        ("/admin", "X-Qlik-Session-admin"),
        ("/jwt", "X-Qlik-Session-jwt"),
    ] {
        let cookie = Cookie::new(name, &secret);
        let answer = site.qrs("GET", prefix, SUMMIT).cookie(&cookie).send().await;
        assert_below(&answer, name);
    }
}

#[tokio::test]
async fn not_with_a_header_from_an_address_that_is_not_listed() {
    let site = Site::new().await;
    let qrs = site.gateway.qrs();
    let header = qrs
        .virtual_proxy("header")
        .set("authenticationMethod", 2)
        .set("headerAuthenticationHeaderName", "X-Portal-User")
        .set("headerAuthenticationDynamicUserDirectory", "$ud\\\\$id")
        .set("allowAdministration", true);
    let header = header.backend(&site.backend).await.create().await;
    let climb = async |user: &str| {
        let request = site.qrs("GET", "/header", SUMMIT);
        let answer = request.header("X-Portal-User", user).send().await;
        assert_below(&answer, user);
    };
    climb(r"corp\root").await;
    let listed = "headerAuthenticationTrustedAddresses";
    header.set(listed, json!(["192.0.2.1", "127.0.0.2"])).await;
    climb(r"corp\root").await;
    // From one that is listed, but the directory belongs to another virtual proxy, or to nobody.
    header.set(listed, json!(["127.0.0.1"])).await;
    site.admin
        .set("boundUserDirectories", json!(["corp"]))
        .await;
    climb(r"corp\root").await;
    climb(r"INTERNAL\anna").await;
    climb(r"other\boz").await;
}

#[tokio::test]
async fn not_with_a_link_that_is_guessed_or_used() {
    let site = Site::new().await;
    let gateway = Gateway::serve().await;
    let used = link_of(&gateway).await;
    make_administrator(&gateway, "anna", PASSWORD).await;
    let fields = [
        ("userId", "evil"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    for (client, link) in [
        (gateway.client(), used.as_str()),
        (site.client(), used.as_str()),
        (site.client(), "/qmc/setup?token="),
        (
            site.client(),
            "/qmc/setup?token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ),
        (site.client(), "/qmc/setup?token=%00"),
        (site.client(), "/QMC/Setup/"),
    ] {
        let answer = Form::load(&client, link).await.post(&fields).await;
        assert_eq!(answer.status, 403, "{link}");
        assert!(
            answer
                .cookies()
                .iter()
                .all(|cookie| cookie.name != "X-Qlik-Session")
        );
    }
}

#[tokio::test]
async fn not_by_guessing_not_even_rightly_at_last() {
    let site = Site::new().await;
    let form = "/internal_forms_authentication/";
    for _ in 0..7 {
        let form = Form::load(&site.client(), form).await;
        let answer = form
            .post(&[("userId", "anna"), ("password", "guess")])
            .await;
        assert!(matches!(answer.status, 401 | 429), "{}", answer.status);
    }
    let form = Form::load(&site.client(), form).await;
    let right = form
        .post(&[("userId", "ANNA"), ("password", PASSWORD)])
        .await;
    assert_eq!(right.status, 429, "{}", right.text());
}

#[tokio::test]
async fn not_with_a_lesser_role() {
    let site = Site::new().await;
    let mut admin = site.admin.entity().await;
    admin["jwtPublicKeyCertificate"] = Keys::second().public_key().into();
    let mut open = site.jwt.entity().await;
    open["allowAdministration"] = true.into();
    let mut bound = site.jwt.entity().await;
    bound["boundUserDirectories"] = json!(["corp"]);
    for user in ["security", "audit"] {
        for (path, body) in [
            (site.admin.path(), &admin),
            (site.jwt.path(), &open),
            (site.jwt.path(), &bound),
        ] {
            let answer = site
                .through_admin(user, "PUT", &format!("/qrs{path}"), body)
                .await;
            assert_eq!(answer.status, 403, "{user} {path}: {}", answer.text());
        }
        let path = format!("/qrs{}", site.admin.path());
        let answer = site
            .through_admin(user, "DELETE", &path, &json!(null))
            .await;
        assert_eq!(answer.status, 403, "{user}: {}", answer.text());
    }
    let mut harmless = site.jwt.entity().await;
    harmless["description"] = "changed".into();
    let path = format!("/qrs{}", site.jwt.path());
    let answer = site.through_admin("audit", "PUT", &path, &harmless).await;
    assert_eq!(answer.status, 403);
    let answer = site
        .through_admin("security", "PUT", &path, &harmless)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// A key with every action at one virtual proxy does nothing but these, whatever endpoint is asked.
/// Whoever gets a token of the gateway's own key is whoever that names, wherever the key is trusted.
#[tokio::test]
async fn not_with_a_token_of_the_gateways_own_key() {
    let site = Site::new().await;
    let certificate = site.gateway.certificates().join("server.pem");
    let certificate = std::fs::read_to_string(certificate).expect("server.pem");
    site.jwt.set("jwtPublicKeyCertificate", certificate).await;
    site.jwt.set("allowAdministration", true).await;
    let id = site.jwt.entity().await["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mint = async |user: &str| {
        let token = Keys::first().token().user("corp", user).sign();
        let page = site.client().get("/admin/qmc/tokens").bearer(&token);
        let page = page.accepts_html().send().await;
        let text = page.text();
        let offered = text.contains("gateway's own key");
        let (_, csrf) = text.split_once("name=\"csrf\" value=\"")?;
        let csrf = csrf.split('"').next().unwrap_or_default().to_owned();
        let fields = [
            ("csrf", &*csrf),
            ("virtual-proxy", &*id),
            ("user", "root"),
            ("directory", "corp"),
            ("lifetime", "60"),
        ];
        let mut post = site.client().post("/admin/qmc/tokens/mint").form(&fields);
        for cookie in page.cookies() {
            post = post.cookie(&cookie);
        }
        Some((offered, post.send().await))
    };
    for user in ["security", "audit"] {
        let (offered, refused) = mint(user).await.expect("a page of the console");
        assert!(!offered, "{user}");
        assert_eq!(refused.status, 403, "{user}: {}", refused.text());
        assert!(!refused.text().contains("eyJ"), "{user}");
    }
    assert!(
        mint("boz").await.is_none(),
        "nobody without a role has a page"
    );
    let (offered, made) = mint("root").await.expect("a page of the console");
    assert!(offered && made.status == 200, "{}", made.text());
    let text = made.text();
    let (_, token) = text.split_once("\neyJ").expect("a token");
    let token: String = format!("eyJ{token}")
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .collect();
    let summit = site.qrs("GET", "/jwt", SUMMIT).bearer(&token).send().await;
    assert_eq!(summit.status, 200, "this is what the others must not have");
    let signature = token.rsplit('.').next().expect("a signature");
    let process = site.gateway.process();
    let access = format!("{:?}", site.gateway.access_log());
    for log in [process.stdout(), process.stderr(), access] {
        assert!(!log.contains(signature), "never in a log");
    }
}

#[tokio::test]
async fn not_with_an_api_key() {
    let site = Site::new().await;
    let native = Native::of(&site.gateway);
    let actions = [
        "configuration.read",
        "keys.rotate",
        "sessions.read",
        "sessions.end",
    ];
    let key = native.api_key(&actions, &["jwt"]).await;
    let described = native.ask("GET", "/openapi.json", &json!(null)).await;
    let mut asked = 0;
    for (path, methods) in described["paths"].as_object().expect("addresses") {
        for method in methods.as_object().expect("methods").keys() {
            // The one of somebody else, where one is named.
            let path = path
                .replace("{virtualProxy}", "admin")
                .replace("{id}", "00000000-0000-4000-8000-000000000000")
                .replace("{session}", "00000000-0000-4000-8000-000000000000");
            let path = path
                .split('/')
                .map(|part| if part.starts_with('{') { "1" } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            let request = site
                .client()
                .request(&method.to_uppercase(), &format!("{BASE}{path}"));
            let request = request
                .header("Content-Type", "application/json")
                .bearer(&key);
            let answer = request.body("{}").send().await;
            let own = ["get /openapi.json", "get /sessions", "get /virtualproxies"];
            let expected: &[u16] = match format!("{method} {path}").as_str() {
                known if own.contains(&known) => &[200],
                // A session of somebody else is none; nothing is chosen.
                "delete /sessions/00000000-0000-4000-8000-000000000000" => &[404],
                "post /sessions/end" => &[400],
                _ => &[403],
            };
            let text = answer.text();
            assert!(
                expected.contains(&answer.status),
                "{method} {path}: {} {text}",
                answer.status
            );
            assert!(!text.contains("\"admin\""), "{method} {path}: {text}");
            asked += 1;
        }
    }
    assert!(asked > 15, "{asked}");
    // Where a key is worth nothing.
    for prefix in ["", "/jwt", "/admin"] {
        assert_below(
            &site.qrs("GET", prefix, SUMMIT).bearer(&key).send().await,
            prefix,
        );
    }
    for prefix in ["/jwt", "//jwt"] {
        let request = site
            .client()
            .get(&format!("{prefix}{BASE}/virtualproxies"))
            .bearer(&key);
        assert_below(&request.send().await, prefix);
    }
    let anonymous = Client::tls(site.gateway.listeners().qrs, &site.gateway.certificates());
    let request = anonymous
        .get(&format!("{BASE}/virtualproxies"))
        .bearer(&key);
    assert!(request.try_send().await.is_err(), "without a certificate");

    // Where roles count, no key decides who has them.
    let mighty = native.api_key(&actions, &["admin"]).await;
    let body = json!({"add": Keys::second().certificate()}).to_string();
    let path = format!("{BASE}/virtualproxies/admin/keys");
    let request = site.client().post(&path).bearer(&mighty);
    let request = request
        .header("Content-Type", "application/json")
        .body(body);
    let answer = request.send().await;
    assert_eq!(answer.status, 403, "{}", answer.text());
}

/// Neither a lesser role makes keys, nor a user without one uses the endpoints.
#[tokio::test]
async fn not_through_the_native_endpoints() {
    let site = Site::new().await;
    let ask = async |user: &str, method: &str, path: &str, body: Value| {
        let token = Keys::first().token().user("corp", user).sign();
        let request = site
            .client()
            .request(method, &format!("/admin{BASE}{path}"));
        let request = request.bearer(&token).header("X-Jotgate-Request", "1");
        let request = request.header("Content-Type", "application/json");
        request.body(body.to_string()).send().await.status
    };
    let key = || json!({"name": "x", "actions": ["keys.rotate"], "virtualProxies": ["jwt"]});
    let administrator =
        || json!({"userDirectory": "corp", "userId": "eve", "roles": ["RootAdmin"]});
    let add = || json!({"add": Keys::second().certificate()});
    for user in ["security", "audit", "boz"] {
        assert_eq!(ask(user, "POST", "/api-keys", key()).await, 403, "{user}");
        assert_eq!(
            ask(user, "POST", "/users", administrator()).await,
            403,
            "{user}"
        );
        let path = "/virtualproxies/admin/keys";
        assert_eq!(ask(user, "POST", path, add()).await, 403, "{user}");
    }
    assert_eq!(ask("boz", "GET", "/users", json!(null)).await, 403);
    assert_eq!(ask("audit", "GET", "/users", json!(null)).await, 200);
    assert_eq!(ask("root", "POST", "/api-keys", key()).await, 201);
}
