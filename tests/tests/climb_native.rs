//! Nobody climbs through the endpoints for administrators: links, passwords, users, the trail, backups.

mod support {
    pub(crate) mod administrator;
    pub(crate) mod forms;
    pub(crate) mod native;
}

use jotgate_scenarios::{Answer, Backend, Gateway, Keys};
use serde_json::{Value, json};
use support::administrator::make_administrator;
use support::forms::Form;
use support::native::{BASE, Native};

const PASSWORD: &str = "correct horse battery";

/// A site with a local administrator, and users of every role who come through `/admin`.
async fn site() -> (Gateway, Backend) {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    make_administrator(&gateway, "anna", PASSWORD).await;
    let qrs = gateway.qrs();
    let admin = qrs.virtual_proxy("admin").keys(Keys::first());
    let admin = admin.backend(&backend).await;
    admin.set("allowAdministration", true).create().await;
    let native = Native::of(&gateway);
    for (user, roles) in [
        ("root", json!(["RootAdmin"])),
        ("security", json!(["SecurityAdmin"])),
        ("audit", json!(["AuditAdmin"])),
        ("boz", json!([])),
    ] {
        let body = json!({"userDirectory": "corp", "userId": user, "roles": roles});
        native.ask("POST", "/users", &body).await;
    }
    (gateway, backend)
}

/// The answer to `corp\user` through `/admin`.
async fn ask(gateway: &Gateway, user: &str, method: &str, path: &str, body: Value) -> Answer {
    let token = Keys::first().token().user("corp", user).sign();
    let client = gateway.client();
    let request = client.request(method, &format!("/admin{BASE}{path}"));
    let request = request.bearer(&token).header("X-Jotgate-Request", "1");
    let request = request.header("Content-Type", "application/json");
    request.body(body.to_string()).send().await
}

#[tokio::test]
async fn a_lesser_role_gives_nobody_more() {
    let (gateway, _backend) = site().await;
    let listed = ask(&gateway, "root", "GET", "/users", json!(null))
        .await
        .json();
    let users = listed["users"].as_array().expect("a list");
    let path_of = |id: &str| {
        let user = users.iter().find(|user| user["userId"] == id);
        let id = user.expect("a user")["id"].as_str().expect("an id");
        format!("/users/{id}")
    };
    let roles = || json!({"roles": ["RootAdmin"]});
    let passwords = || json!({"password": PASSWORD, "newPassword": "another horse battery"});
    for user in ["security", "audit", "boz"] {
        for (method, path, body) in [
            ("POST", "/set-up-link".to_owned(), json!({})),
            ("POST", "/password".to_owned(), passwords()),
            // Themselves, and whoever stands above them.
            ("PATCH", path_of("security"), roles()),
            ("PATCH", path_of("audit"), roles()),
            ("PATCH", path_of("boz"), roles()),
            ("PATCH", path_of("root"), json!({"blocked": true})),
            ("PATCH", path_of("anna"), json!({"roles": []})),
            ("DELETE", path_of("anna"), json!(null)),
        ] {
            let answer = ask(&gateway, user, method, &path, body).await;
            let text = answer.text();
            assert_eq!(answer.status, 403, "{user}: {method} {path}: {text}");
        }
    }
    for path in ["/audit", "/users", "/api-keys", "/revisions"] {
        let answer = ask(&gateway, "boz", "GET", path, json!(null)).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
    }
    // The administrator is who she was.
    let form = Form::load(&gateway.client(), "/internal_forms_authentication/").await;
    let fields = [("userId", "anna"), ("password", PASSWORD)];
    let cookie = form.post(&fields).await.cookies().remove(0);
    let request = gateway.client().get(&format!("{BASE}/users"));
    let request = request.cookie(&cookie).header("X-Jotgate-Request", "1");
    let standing = |list: &Value| -> Vec<Value> {
        let users = list["users"].as_array().expect("a list");
        let standing = |user: &Value| json!([user["userId"], user["roles"], user["blocked"]]);
        users.iter().map(standing).collect()
    };
    let after = request.send().await.json();
    assert_eq!(standing(&after), standing(&listed));
    assert!(standing(&after).contains(&json!(["anna", ["RootAdmin"], false])));
}

/// Not even with the highest role: a browser's session gets no private keys.
#[tokio::test]
async fn nobody_takes_a_backup_through_a_virtual_proxy() {
    let (gateway, _backend) = site().await;
    for user in ["root", "security", "audit", "boz"] {
        let answer = ask(&gateway, user, "POST", "/backup", json!({})).await;
        let expected = if user == "boz" { 403 } else { 404 };
        assert_eq!(answer.status, expected, "{user}: {}", answer.text());
    }
    let native = Native::of(&gateway);
    let key = native.api_key(&["keys.rotate"], &["admin"]).await;
    for prefix in ["", "/admin"] {
        let request = gateway.client().post(&format!("{prefix}{BASE}/backup"));
        let request = request.bearer(&key);
        let request = request.header("Content-Type", "application/json");
        let answer = request.body("{}").send().await;
        assert!(
            matches!(answer.status, 401 | 403 | 404),
            "{}",
            answer.status
        );
    }
}
