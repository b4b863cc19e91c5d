//! Administration is not reached through a virtual proxy that does not allow it.

use jotgate_scenarios::{Answer, Backend, Client, Gateway, Keys};
use serde_json::{Value, json};

const PATHS: [&str; 16] = [
    "/jwt/qmc/",
    "/jwt/qmc",
    "/jwt/QMC/",
    "/jwt/qmc/x",
    "/jwt/%71mc/",
    "/jwt/qmc;x=1/",
    "/jwt//qmc/",
    "/jwt/qrs/virtualproxyconfig",
    "/jwt/QRS/VirtualProxyConfig/full",
    "/jwt/qrs/proxyservice/local",
    "/jwt/qrs/servernodeconfiguration",
    "/jwt/qrs//virtualproxyconfig",
    "/jwt//qrs/proxyservice",
    "/jwt/qrs/%76irtualproxyconfig",
    "/jwt/qrs/proxyservice;x",
    "/jwt/%2fqrs/proxyservice",
];

#[tokio::test]
async fn without_allow_administration_every_spelling_of_its_paths_is_forbidden() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    for path in PATHS {
        for method in ["GET", "POST", "DELETE"] {
            let answer = gateway
                .client()
                .request(method, path)
                .bearer(&token)
                .send()
                .await;
            let refused = matches!(
                (answer.status, answer.reason()),
                (403, "access_denied") | (400, "path_ambiguous")
            );
            assert!(
                refused,
                "{method} {path}: {} {}",
                answer.status,
                answer.reason()
            );
        }
    }
    for path in [
        "/jwt/qmc/../qmc/",
        "/jwt/hub/..;/qmc/",
        "/jwt/./qmc/",
        "/jwt/hub/%2e%2e/qrs/proxyservice",
    ] {
        let answer = gateway.client().get(path).bearer(&token).send().await;
        assert_eq!(
            (answer.status, answer.reason()),
            (400, "path_ambiguous"),
            "{path}"
        );
    }
    assert!(backend.received().is_empty(), "{:#?}", backend.received());
}

#[tokio::test]
async fn doubly_encoded_paths_reach_the_backend_as_they_are_or_not_at_all() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    for (path, target) in [
        ("/jwt/%2571mc/", "/%2571mc/"),
        ("/jwt/hub/%252e%252e/", "/hub/%252e%252e/"),
    ] {
        let answer = gateway.client().get(path).bearer(&token).send().await;
        if answer.status == 200 {
            assert_eq!(
                backend.last().target(),
                target,
                "what was judged is what is sent"
            );
        } else {
            assert_eq!(answer.status, 400, "{path}");
        }
    }
}

#[tokio::test]
async fn other_entities_of_a_nodes_own_repository_are_forwarded() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let answer = gateway
        .client()
        .get("/jwt/qrs/app/count")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(backend.only().target(), "/qrs/app/count");
}

/// Types of entities that a repository of apps has as well. Where a node serves `/qrs` they are its own;
/// where none does, Jotgate answers whoever may administer.
const SHARED: [&str; 7] = [
    "about",
    "app/count",
    "custompropertydefinition/full",
    "servicecluster",
    "servicestatus/full",
    "tag",
    "TAG/count",
];

#[tokio::test]
async fn entities_that_a_node_s_repository_has_too_are_the_node_s() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let services = json!([{ "path": "/qrs", "uri": backend.uri() }]);
    let (client, token) = administered(&gateway, services).await;
    for path in SHARED {
        let answer = get(&client, &token, path).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, "hello"),
            "{path}"
        );
        assert!(
            backend
                .last()
                .target()
                .starts_with(&format!("/qrs/{path}?"))
        );
    }
    let forwarded = backend.received().len();
    for path in ["virtualproxyconfig", "user/count", "proxyservice/local"] {
        let answer = get(&client, &token, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(
            backend.received().len(),
            forwarded,
            "{path} is Jotgate's own"
        );
    }
}

#[tokio::test]
async fn entities_of_a_repository_are_ours_where_no_node_has_one() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let services = json!([{ "path": "/hub", "uri": backend.uri() }]);
    let (client, token) = administered(&gateway, services).await;
    for path in SHARED {
        let answer = get(&client, &token, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert!(
            answer.json().is_array() || answer.json().is_object(),
            "{path}"
        );
    }
    // A user without a role sees none of it.
    let boz = Keys::first().token().user("example", "boz").sign();
    for path in SHARED {
        let answer = get(&client, &boz, path).await;
        assert_eq!(
            (answer.status, answer.reason()),
            (403, "access_denied"),
            "{path}"
        );
    }
    assert!(backend.received().is_empty(), "{:#?}", backend.received());
}

/// A client of a gateway whose virtual proxy `jwt` allows administration and forwards to a node with
/// these services, and a token of its administrator.
async fn administered(gateway: &Gateway, services: Value) -> (Client, String) {
    let qrs = gateway.qrs();
    let node = qrs.node_with(json!({ "services": services })).await;
    let vp = qrs.virtual_proxy("jwt").set("allowAdministration", true);
    vp.node(node).create().await;
    let ana = json!({ "userDirectory": "example", "userId": "ana", "roles": ["RootAdmin"] });
    qrs.create("/user", &ana).await;
    let token = Keys::first().token().user("example", "ana").sign();
    (gateway.client(), token)
}

async fn get(client: &Client, token: &str, path: &str) -> Answer {
    let request = client.get(&format!("/jwt/qrs/{path}?xrfkey=0123456789abcdef"));
    let request = request.header("X-Qlik-Xrfkey", "0123456789abcdef");
    request.bearer(token).send().await
}

#[tokio::test]
async fn nobody_administers_without_credentials_either() {
    let gateway = Gateway::serve().await;
    for path in ["/qmc/", "/qrs/virtualproxyconfig/full", "/qrs/about"] {
        let answer = gateway.client().get(path).send().await;
        assert_eq!(answer.status, 401, "{path}");
    }
}

#[tokio::test]
async fn management_ports_are_open_to_administrators_certificates_only() {
    let gateway = Gateway::serve().await;
    let about = |client: Client| async move {
        client
            .get("/qrs/about?xrfkey=0123456789abcdef")
            .header("X-Qlik-Xrfkey", "0123456789abcdef")
            .header(
                "X-Qlik-User",
                "UserDirectory=INTERNAL; UserId=sa_repository",
            )
            .try_send()
            .await
    };
    let (address, certificates) = (gateway.listeners().qrs, gateway.certificates());
    let administrator = about(Client::tls_with_certificate(
        address,
        &certificates,
        "client",
    ))
    .await;
    assert_eq!(administrator.expect("an answer").status, 200);
    assert!(
        about(Client::tls(address, &certificates)).await.is_err(),
        "no certificate"
    );
    assert!(
        about(Client::tls_with_certificate(
            address,
            &certificates,
            "server"
        ))
        .await
        .is_err(),
        "server.pem"
    );
    let foreign = Gateway::serve().first_start().await;
    std::fs::copy(
        certificates.join("root.pem"),
        foreign.certificates().join("root.pem"),
    )
    .expect("a copy");
    let stranger = Client::tls_with_certificate(address, &foreign.certificates(), "client");
    assert!(about(stranger).await.is_err(), "another site's client.pem");

    let export = json!({
        "machineNames": ["app.example.com"], "includeSecretsKey": true, "exportFormat": 1,
    });
    let address_of_export = "/certificatedistribution/exportcertificates";
    gateway.qrs().create(address_of_export, &export).await;
    let exported = certificates.join("exported/app.example.com");
    let program = Client::tls_with_certificate(address, &exported, "client");
    let answer = about(program).await.expect("an answer");
    assert_eq!(answer.status, 200, "an exported client.pem");
    let machine = Client::tls_with_certificate(address, &exported, "server");
    assert!(about(machine).await.is_err(), "an exported server.pem");
}

/// What a virtual proxy tells browsers about its portal is not said of the pages of administrators.
#[tokio::test]
async fn response_headers_of_a_virtual_proxy_weaken_no_page_of_the_console() {
    let gateway = Gateway::serve().await;
    let lines = "Content-Security-Policy: frame-ancestors https://portal.example.com\n\
                 X-Frame-Options: ALLOWALL\nCache-Control: public, max-age=600\n\
                 Referrer-Policy: no-referrer\nAccess-Control-Allow-Origin: https://portal.example.com\n\
                 Access-Control-Allow-Credentials: true\nX-Own: 1";
    let qrs = gateway.qrs();
    let vp = qrs.virtual_proxy("jwt").set("allowAdministration", true);
    let vp = vp.set("additionalResponseHeaders", lines);
    let node = qrs.node_with(json!({ "services": [] })).await;
    vp.node(node).create().await;
    let ana = json!({ "userDirectory": "example", "userId": "ana", "roles": ["RootAdmin"] });
    qrs.create("/user", &ana).await;
    let token = Keys::first().token().user("example", "ana").sign();
    let page = gateway.client().get("/jwt/qmc/users").bearer(&token);
    let page = page.send().await;
    assert_eq!((page.status, page.header("x-own")), (200, "1"));
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("access-control-allow-origin", ""),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let other = gateway.client().get("/jwt/qps/user").bearer(&token);
    let other = other.send().await;
    assert_eq!(other.header("x-frame-options"), "ALLOWALL");

    // The form that takes a password is shown before it is known which page asks.
    let default = qrs.find("").await;
    default.set("additionalResponseHeaders", lines).await;
    let form = gateway.client().get("/internal_forms_authentication/");
    let form = form.header("Origin", "https://portal.example.com");
    let form = form.accepts_html().send().await;
    assert_eq!((form.status, form.header("x-frame-options")), (200, "DENY"));
    assert_eq!(form.header("access-control-allow-origin"), "");
}

/// The pages hold the tokens of their forms: an origin that may read the portal's answers reads none.
#[tokio::test]
async fn origins_that_may_read_answers_do_not_read_the_console() {
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    let vp = qrs.virtual_proxy("jwt").set("allowAdministration", true);
    // The other one is a page of another port of the gateway's own name.
    let origins = ["https://portal.example.com", "https://localhost:9"];
    let vp = vp.set("corsAllowedOrigins", json!(origins));
    let node = qrs.node_with(json!({ "services": [] })).await;
    vp.node(node).create().await;
    let ana = json!({ "userDirectory": "example", "userId": "ana", "roles": ["RootAdmin"] });
    qrs.create("/user", &ana).await;
    let token = Keys::first().token().user("example", "ana").sign();
    let client = gateway.client();

    let page = client.get("/jwt/qmc/virtual-proxies").bearer(&token);
    let page = page.send().await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("/jwt/qmc/assets/console-"));
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    let start = client.get("/jwt/qmc").bearer(&token).send().await;
    assert_eq!((start.status, start.header("location")), (308, "qmc/"));
    let start = client.get("/jwt/qmc/").bearer(&token).send().await;
    assert_eq!(start.status, 200);
    assert!(start.text().contains("<h1>Overview</h1>"));

    for method in ["GET", "POST"] {
        let foreign = client.request(method, "/jwt/qmc/virtual-proxies");
        let foreign = foreign.bearer(&token);
        let foreign = foreign.header("Origin", "https://portal.example.com");
        let foreign = foreign.send().await;
        let refused = (foreign.status, foreign.reason());
        assert_eq!(refused, (403, "origin_not_allowed"), "{method}");
    }
    // Nor does it administer over QRS, whatever key it has chosen, with what comes along by itself.
    let cookie = client.get("/jwt/qps/user").bearer(&token).send().await;
    let cookie = cookie.cookie();
    let climb = async |method: &str, path: &str, origin: Option<&str>| {
        let request = client.request(method, &format!("{path}?xrfkey=0123456789abcdef"));
        let request = request.header("X-Qlik-Xrfkey", "0123456789abcdef");
        let request = request.header("Content-Type", "application/json");
        let request = match origin {
            Some(origin) => request.header("Origin", origin),
            None => request,
        };
        let eve = json!({ "userDirectory": "example", "userId": "eve", "roles": ["RootAdmin"] });
        let body = if method == "POST" {
            eve.to_string()
        } else {
            String::new()
        };
        request.cookie(&cookie).body(body).send().await
    };
    for (method, path, origin) in [
        ("POST", "/jwt/qrs/user", origins[0]),
        ("POST", "/jwt/qrs/user", origins[1]),
        ("GET", "/jwt/qrs/virtualproxyconfig/full", origins[0]),
    ] {
        let foreign = climb(method, path, Some(origin)).await;
        let refused = (foreign.status, foreign.reason());
        assert_eq!(refused, (403, "origin_not_allowed"), "{method} {path}");
    }
    let own = climb("POST", "/jwt/qrs/user", Some("https://localhost:8443")).await;
    assert_eq!(own.status, 201, "{}", own.text());
}
