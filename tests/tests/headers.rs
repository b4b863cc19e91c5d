//! What the backend reads: every header that the gateway sets, and nothing that a client made up.

use jotgate_scenarios::{Backend, Cookie, Gateway, Keys, Received, Request, VirtualProxy};
use serde_json::json;

struct Site {
    gateway: Gateway,
    backend: Backend,
    vp: VirtualProxy,
    cookie: Cookie,
}

impl Site {
    async fn new() -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        let vp = gateway
            .qrs()
            .virtual_proxy("jwt")
            .backend(&backend)
            .await
            .map("Group", "Group")
            .create()
            .await;
        let token = Keys::first()
            .token()
            .claim("Group", json!(["sales", "finance"]))
            .sign();
        let answer = gateway
            .client()
            .get("/jwt/hub/")
            .bearer(&token)
            .send()
            .await;
        let cookie = answer.cookie();
        Self {
            gateway,
            backend,
            vp,
            cookie,
        }
    }

    /// Sends a request with these fields as they are written, and gives what the backend got.
    async fn sent(&self, path: &str, fields: &str) -> Received {
        let before = self.backend.received().len();
        let mut raw = self.gateway.client().raw().await;
        let cookie = self.cookie.pair();
        raw.send(format!(
            "GET {path} HTTP/1.1\r\nHost: gateway.example\r\nCookie: {cookie}\r\n{fields}\r\n"
        ))
        .await;
        let answer = raw.read_answer().await;
        assert_eq!(answer.status, 200, "{fields}: {}", answer.text());
        assert_eq!(self.backend.received().len(), before + 1);
        self.backend.last()
    }
}

const IDENTITY: [&str; 6] = [
    "x-qlik-user",
    "x-qlik-security",
    "x-qlik-proxysession",
    "x-qlik-proxyid",
    "x-qlik-trace",
    "x-qlik-virtual-proxy-prefix",
];

#[tokio::test]
async fn every_identity_header_is_there_once_and_exact() {
    let site = Site::new().await;
    let received = site
        .sent("/jwt/hub/x?q=%20a&b", "User-Agent: test\r\nX-Own: kept\r\n")
        .await;
    assert_eq!(received.line(), "GET /hub/x?q=%20a&b HTTP/1.1");
    let header = |name: &str| {
        received
            .header(name)
            .unwrap_or_else(|| panic!("no {name}: {received:?}"))
    };
    assert_eq!(header("x-qlik-user"), "UserDirectory=example; UserId=boz");
    assert_eq!(
        header("x-qlik-security"),
        "SecureRequest=true; Context=AppAccess; Group=sales; Group=finance; "
    );
    assert!(uuid::Uuid::parse_str(&header("x-qlik-proxysession")).is_ok());
    let proxy = site.gateway.qrs().proxy_service().await;
    let proxy_id = proxy["id"].as_str().expect("an id");
    assert_eq!(
        header("x-qlik-proxyid"),
        format!("ProxyId={proxy_id}; Prefix=jwt")
    );
    let trace = header("x-qlik-trace");
    assert!(
        uuid::Uuid::parse_str(trace.strip_suffix(":::").expect("three colons")).is_ok(),
        "{trace}"
    );
    assert_eq!(header("x-qlik-virtual-proxy-prefix"), "jwt");
    assert_eq!(header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(header("x-forwarded-proto"), "https");
    assert_eq!(header("x-forwarded-host"), "gateway.example");
    assert_eq!(header("host"), "gateway.example");
    assert_eq!(header("x-own"), "kept");
    let mut names = received.names();
    names.sort_unstable();
    names.dedup();
    assert_eq!(
        names.len(),
        received.names().len(),
        "nothing comes twice: {received:?}"
    );
    for absent in ["authorization", "cookie", "connection", "x-qlik-app"] {
        assert_eq!(received.header(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn apps_and_management_paths_are_told() {
    let site = Site::new().await;
    let received = site.sent("/jwt/app/5f9c/identity/x", "").await;
    assert_eq!(received.header("x-qlik-app").as_deref(), Some("5f9c"));
    let received = site.sent("/jwt/qrs/app/count", "").await;
    let security = received.header("x-qlik-security").expect("a header");
    assert!(
        security.contains("; Context=ManagementAccess; "),
        "{security}"
    );
}

/// Line S1 of the hostile inputs.
#[tokio::test]
async fn copies_of_identity_headers_are_removed_in_any_case_and_number() {
    let site = Site::new().await;
    let forged = "X-Qlik-User: UserDirectory=INTERNAL; UserId=sa_api\r\n\
        x-qlik-user: UserDirectory=INTERNAL; UserId=sa_api, UserDirectory=x; UserId=y\r\n\
        X-QLIK-SECURITY: Context=ManagementAccess\r\nx-Qlik-ProxySession: forged\r\nX-Qlik-ProxyId: forged\r\n\
        X-Qlik-Trace: forged\r\nX-Qlik-Virtual-Proxy-Prefix: forged\r\nX-Qlik-App: forged\r\n\
        X-Qlik-Capabilities: forged\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: gopher\r\n\
        X-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /evil\r\nX-Forwarded-Uri: /evil\r\n\
        X-Forwarded-Server: evil\r\nForwarded: for=6.6.6.6\r\nX-Original-URL: /evil\r\nX-Rewrite-URL: /evil\r\n\
        X-Envoy-Original-Path: /evil\r\n";
    let received = site.sent("/jwt/hub/", forged).await;
    let text = received.text();
    for word in ["INTERNAL", "forged", "6.6.6.6", "evil", "gopher", "sa_api"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    for name in IDENTITY {
        assert_eq!(received.headers(name).len(), 1, "{name}");
    }
    assert_eq!(received.header("x-qlik-app"), None);
}

/// Line S2 of the hostile inputs: every token character in place of the hyphen.
#[tokio::test]
async fn spellings_that_a_backend_could_mistake_are_removed() {
    let site = Site::new().await;
    for c in "_!#$%&'*+.^`|~".chars() {
        for name in
            IDENTITY
                .iter()
                .chain(&["x-forwarded-for", "x-forwarded-host", "x-original-url"])
        {
            let odd: String = name.replace('-', &c.to_string());
            let mixed = name.replacen('-', &c.to_string(), 1);
            let received = site
                .sent(
                    "/jwt/hub/",
                    &format!("{odd}: forged\r\n{mixed}: forged\r\n"),
                )
                .await;
            assert!(
                !received.text().contains("forged"),
                "{odd}: {}",
                received.text()
            );
        }
    }
}

/// Line S4 of the hostile inputs (CVE-2021-32813).
#[tokio::test]
async fn naming_a_header_in_connection_does_not_remove_what_the_gateway_sets() {
    let site = Site::new().await;
    let named = "Connection: keep-alive, X-Qlik-User, X-Qlik-Security, X-Qlik-ProxySession, X-Forwarded-For, Host\r\n\
        Connection: X-Qlik-ProxyId\r\nX-Custom: removed\r\nConnection: x-custom\r\nKeep-Alive: timeout=5\r\n\
        Proxy-Connection: keep-alive\r\nTE: gzip\r\nProxy-Authorization: Basic eDp5\r\n";
    let received = site.sent("/jwt/hub/", named).await;
    for name in IDENTITY.iter().chain(&["x-forwarded-for", "host"]) {
        assert_eq!(received.headers(name).len(), 1, "{name}: {received:?}");
    }
    for name in [
        "x-custom",
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "proxy-authorization",
    ] {
        assert_eq!(received.header(name), None, "{name}");
    }
}

/// Line S8 of the hostile inputs: no method, no probe and no WebSocket is another door.
#[tokio::test]
async fn forged_copies_are_removed_whatever_is_asked_and_by_whom() {
    let site = Site::new().await;
    let client = site.gateway.client();
    let forge = |mut request: Request| {
        for name in [
            "X-Qlik-User",
            "x_qlik_user",
            "X.Qlik.User",
            "X-Forwarded-For",
        ] {
            request = request.header(name, "forged");
        }
        request
    };
    let before = site.backend.received().len();
    let methods = ["OPTIONS", "HEAD", "GET", "PUT", "DELETE", "PROPFIND"];
    for method in methods {
        let request = client.request(method, "/jwt/hub/").cookie(&site.cookie);
        assert_eq!(forge(request).send().await.status, 200, "{method}");
    }
    let socket = forge(client.get("/jwt/app/x").cookie(&site.cookie));
    assert!(socket.open_socket().await.is_ok());
    let received = site.backend.received().split_off(before);
    assert_eq!(received.len(), methods.len() + 1);
    for request in received {
        assert!(!request.text().contains("forged"), "{request:?}");
        assert_eq!(
            request.headers("x-qlik-user"),
            ["UserDirectory=example; UserId=boz"]
        );
    }
    let agents = ["ELB-HealthChecker/2.0", "GoogleHC/1.0", "kube-probe/1.30"];
    for agent in agents {
        let request = forge(client.get("/jwt/hub/")).header("User-Agent", agent);
        assert_eq!(request.send().await.status, 401, "{agent}");
    }
}

/// Line S3 of the hostile inputs.
#[tokio::test]
async fn trailers_bring_no_headers() {
    let site = Site::new().await;
    let mut raw = site.gateway.client().raw().await;
    raw.send(format!(
        "POST /jwt/hub/ HTTP/1.1\r\nHost: g\r\nCookie: {}\r\nTransfer-Encoding: chunked\r\n\
         Trailer: X-Qlik-User\r\n\r\n4\r\nbody\r\n0\r\nX-Qlik-User: UserDirectory=INTERNAL; UserId=forged\r\n\
         Cookie: forged\r\n\r\n",
        site.cookie.pair()
    ))
    .await;
    assert_eq!(raw.read_answer().await.status, 200);
    let received = site.backend.last();
    assert_eq!(received.body, b"body");
    assert!(!received.text().contains("forged"), "{received:?}");
    assert!(
        !String::from_utf8_lossy(&received.raw_body).contains("forged"),
        "{received:?}"
    );
    assert_eq!(received.header("trailer"), None);
}

#[tokio::test]
async fn the_token_does_not_reach_the_backend() {
    let site = Site::new().await;
    let first = &site.backend.received()[0];
    assert_eq!(first.header("authorization"), None);
    assert!(!first.text().contains("eyJ"), "{first:?}");
    let token = Keys::first().token().sign();
    let received = site
        .sent("/jwt/hub/", &format!("AUTHORIZATION: Bearer {token}\r\n"))
        .await;
    assert!(!received.text().contains("eyJ"), "{received:?}");
    assert!(
        !received.text().contains(&site.cookie.value),
        "{received:?}"
    );
}

#[tokio::test]
async fn backend_headers_are_made_from_the_identity_and_cannot_be_forged() {
    let site = Site::new().await;
    site.vp
        .set(
            "backendHeaders",
            json!([
                { "name": "X-WEBAUTH-USER", "value": "{userDirectory}\\{userId}" },
                { "name": "X-Groups", "value": "{attribute.Group}" },
                { "name": "X-Static", "value": "yes" },
                { "name": "X-Nothing", "value": "{attribute.Missing}" },
            ]),
        )
        .await;
    let forged = "x-webauth-user: forged\r\nX_WEBAUTH_USER: forged\r\nX.Groups: forged\r\nx-nothing: forged\r\n";
    let received = site.sent("/jwt/hub/", forged).await;
    assert_eq!(
        received.header("x-webauth-user").as_deref(),
        Some("example\\boz")
    );
    assert_eq!(
        received.header("x-groups").as_deref(),
        Some("sales,finance")
    );
    assert_eq!(received.header("x-static").as_deref(), Some("yes"));
    assert_eq!(received.header("x-nothing").unwrap_or_default(), "");
    assert!(!received.text().contains("forged"), "{received:?}");
}

#[tokio::test]
async fn backend_headers_that_would_break_the_identity_or_the_framing_are_refused() {
    let site = Site::new().await;
    for name in [
        "X-Qlik-User",
        "x_qlik_user",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Host",
        "a b",
        "",
    ] {
        let mut entity = site.vp.entity().await;
        entity["backendHeaders"] = json!([{ "name": name, "value": "x" }]);
        let answer = site
            .gateway
            .qrs()
            .send("PUT", &site.vp.path(), Some(&entity))
            .await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        assert!(
            answer.text().contains("backendHeaders"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(site.vp.entity().await["backendHeaders"], json!([]));
}

#[tokio::test]
async fn the_extended_environment_tells_the_clients_system_in_the_known_order() {
    let site = Site::new().await;
    site.vp.set("extendedSecurityEnvironment", true).await;
    let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
        Chrome/120.0.0.0 Safari/537.36";
    let received = site
        .sent("/jwt/hub/", &format!("User-Agent: {agent}\r\n"))
        .await;
    assert_eq!(
        received.header("x-qlik-security").as_deref(),
        Some(
            "OS=Windows; Device=Default; Browser=Chrome 120.0.0.0; IP=127.0.0.1; ClientOsVersion=10.0; \
             SecureRequest=true; Context=AppAccess; Group=sales; Group=finance; "
        )
    );
    // Whatever a client calls itself, it adds nothing.
    let hostile = "User-Agent: Mozilla/5.0 (Windows NT 6.1; Context=ManagementAccess; Group=admins) Firefox/1; x=y\r\n";
    let security = site
        .sent("/jwt/hub/", hostile)
        .await
        .header("x-qlik-security")
        .expect("a header");
    assert_eq!(security.matches("Context=").count(), 1, "{security}");
    assert!(!security.contains("admins"), "{security}");
}

#[tokio::test]
async fn backends_are_told_of_the_request_before_the_gateway_in_both_forms() {
    let site = Site::new().await;
    let received = site
        .sent(
            "/jwt/hub/",
            "Forwarded: for=6.6.6.6\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /evil\r\n",
        )
        .await;
    assert_eq!(
        received.header("forwarded").as_deref(),
        Some("for=127.0.0.1;host=gateway.example;proto=https")
    );
    assert_eq!(
        received.header("x-forwarded-for").as_deref(),
        Some("127.0.0.1")
    );
    assert_eq!(
        received.header("x-forwarded-host").as_deref(),
        Some("gateway.example")
    );
    assert_eq!(
        received.header("x-forwarded-proto").as_deref(),
        Some("https")
    );
    assert_eq!(
        received.header("x-forwarded-prefix").as_deref(),
        Some("/jwt")
    );
    assert_eq!(received.header("x-forwarded-port"), None);
}

/// Lines S5 and S6 of the hostile inputs.
#[tokio::test]
async fn only_a_trusted_proxy_is_believed_about_the_client() {
    let backend = Backend::echo().await;
    let gateway = Gateway::serve()
        .setting("--trusted-proxy", "127.0.0.2/32")
        .await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let told = async |from: &str, address: &str| {
        let request = gateway
            .plain_client()
            .from(from)
            .get("/jwt/hub/")
            .bearer(&token);
        let request = request
            .header("X-Forwarded-For", address)
            .header("X-Forwarded-Proto", "https");
        assert_eq!(request.send().await.status, 200);
        let received = backend.last();
        (
            received.header("x-forwarded-for").expect("a header"),
            received.header("x-forwarded-proto").expect("a header"),
        )
    };
    let pair = |address: &str, proto: &str| (address.to_owned(), proto.to_owned());
    assert_eq!(
        told("127.0.0.1", "9.9.9.9").await,
        pair("127.0.0.1", "http")
    );
    assert_eq!(told("127.0.0.2", "9.9.9.9").await, pair("9.9.9.9", "https"));
    assert_eq!(
        told("127.0.0.2", "6.6.6.6, 9.9.9.9").await,
        pair("9.9.9.9", "https")
    );
    assert_eq!(told("127.0.0.2", "a").await, pair("127.0.0.2", "https"));
}
