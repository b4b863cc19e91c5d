//! Paths that can be read in two ways (lines P1 to P4 of the hostile inputs).

use jotgate_scenarios::{Backend, Cookie, Gateway, Keys};

struct Site {
    gateway: Gateway,
    backend: Backend,
    cookie: Cookie,
}

impl Site {
    async fn new() -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        gateway
            .qrs()
            .jwt_virtual_proxy("jwt", Keys::first(), &backend)
            .await;
        gateway
            .qrs()
            .jwt_virtual_proxy("other", Keys::second(), &backend)
            .await;
        let token = Keys::first().token().sign();
        let cookie = gateway
            .plain_client()
            .get("/jwt/first")
            .bearer(&token)
            .send()
            .await
            .cookie();
        Self {
            gateway,
            backend,
            cookie,
        }
    }

    /// The status for a target as it is written, its reason, and the target that the backend got.
    async fn ask(&self, method: &str, target: &str) -> (u16, String, Option<String>) {
        let before = self.backend.received().len();
        let mut raw = self.gateway.plain_client().raw().await;
        let fields = format!(
            "Host: gateway\r\nCookie: {}\r\nConnection: close\r\n",
            self.cookie.pair()
        );
        raw.send(format!("{method} {target} HTTP/1.1\r\n{fields}\r\n"))
            .await;
        let answer = raw.read_answer().await;
        let reason = answer
            .headers
            .get("jotgate-reason")
            .map(|value| value.to_str().expect("an id").to_owned());
        let received = self.backend.received().split_off(before);
        assert!(received.len() <= 1);
        (
            answer.status,
            reason.unwrap_or_default(),
            received.first().map(|request| request.target()),
        )
    }
}

#[tokio::test]
async fn ambiguous_paths_are_refused() {
    let site = Site::new().await;
    for target in [
        "/jwt/../other/",
        "/jwt/./x",
        "/jwt/..",
        "/jwt/.",
        "/jwt/%2e%2e/",
        "/jwt/%2E%2e/x",
        "/jwt/.%2e/x",
        "/jwt/x%2f..%2fy",
        "/jwt/x%5c..%5cy",
        "/jwt%2f..%2fother/",
        "/jwt%2fx",
        "/%6awt/x",
        "//jwt/x",
        "//jwt",
        "/jwt\\x",
        "/jwt%5cx",
        "/jwt/x\\..\\y",
        "/jwt/..;/x",
        "/jwt/..;a=b/x",
        "/jwt/.;/x",
        "/jwt/%00",
        "/jwt/x%00y",
        "/jwt/%",
        "/jwt/%2",
        "/jwt/%zz",
        "/jwt/%+1",
        "/jwt;x=1/../other/",
    ] {
        let (status, reason, received) = site.ask("GET", target).await;
        assert_eq!((status, received), (400, None), "{target}");
        // What hyper itself refuses has no reason of ours.
        assert!(
            matches!(reason.as_str(), "path_ambiguous" | ""),
            "{target}: {reason}"
        );
    }
}

#[tokio::test]
async fn paths_with_one_reading_reach_the_backend_byte_for_byte() {
    let site = Site::new().await;
    for (target, expected) in [
        ("/jwt/hub/", "/hub/"),
        (
            "/jwt/app/engineData&qlik-csrf-token=x",
            "/app/engineData&qlik-csrf-token=x",
        ),
        ("/jwt/app/%3Ftransient%3D", "/app/%3Ftransient%3D"),
        ("/jwt/a%20b%2Cc", "/a%20b%2Cc"),
        ("/jwt/%C3%A9", "/%C3%A9"),
        ("/jwt/x;v=1/y", "/x;v=1/y"),
        ("/jwt/x//y", "/x//y"),
        ("/jwt/...", "/..."),
        ("/jwt/x..y/.z", "/x..y/.z"),
        ("/jwt/?/../../x", "/?/../../x"),
        ("/jwt/x?a=%2e%2e/&b=/other/", "/x?a=%2e%2e/&b=/other/"),
        ("/jwt?x", "/?x"),
        ("/jwt/%25%32%66", "/%25%32%66"),
    ] {
        let (status, reason, received) = site.ask("GET", target).await;
        assert_eq!((status, reason.as_str()), (200, ""), "{target}");
        assert_eq!(received.as_deref(), Some(expected), "{target}");
    }
}

/// Line P2 of the hostile inputs.
#[tokio::test]
async fn no_path_leads_from_one_virtual_proxy_to_another() {
    let site = Site::new().await;
    for target in [
        "/other/",
        "/other/jwt/",
        "/other/x?/jwt/",
        "/other;jwt/",
        "/jwt../x",
        "/jwt.",
        "/jwt%2e",
        "/JWT/x",
        "/ｊｗｔ/x",
        "/jwt%C0%AF/x",
    ] {
        let (status, _, received) = site.ask("GET", target).await;
        assert!(matches!(status, 400 | 401), "{target}: {status}");
        assert_eq!(received, None, "{target}");
    }
}

/// Line P4 of the hostile inputs.
#[tokio::test]
async fn other_forms_of_the_target_are_refused_or_mean_the_same() {
    let site = Site::new().await;
    for (method, target) in [
        ("CONNECT", "gateway:443"),
        ("CONNECT", "/jwt/x"),
        ("OPTIONS", "*"),
        ("GET", "*"),
        ("GET", "gateway:443"),
        ("TRACE", "/jwt/x"),
        ("GET", "jwt/x"),
        ("GET", "?x"),
        ("GET", "#x"),
    ] {
        let (status, _, received) = site.ask(method, target).await;
        assert_eq!((status, received), (400, None), "{method} {target}");
    }
    let (status, _, received) = site.ask("GET", "http://gateway/jwt/x?y").await;
    assert_eq!((status, received.as_deref()), (200, Some("/x?y")));
    assert_eq!(
        site.backend.last().header("host").as_deref(),
        Some("gateway")
    );
    let (status, _, received) = site.ask("GET", "http://gateway/other/x").await;
    assert_eq!((status, received), (401, None));
}

#[tokio::test]
async fn an_absolute_target_names_the_host_of_the_request_or_is_refused() {
    let site = Site::new().await;
    // RFC 9112 section 3.2.2 lets the target win over the Host field; a backend may read it differently.
    for target in [
        "http://other.example/jwt/x",
        "http://gateway:81/jwt/x",
        "http://u:p@gateway/jwt/x",
        "http:///jwt/x",
        "http://a b/jwt/x",
    ] {
        let (status, _, received) = site.ask("GET", target).await;
        assert_eq!((status, received), (400, None), "{target}");
    }
}

#[tokio::test]
async fn a_long_path_is_served_or_refused_but_never_cut() {
    let site = Site::new().await;
    let long = format!("/jwt/{}", "x".repeat(20_000));
    let (status, _, received) = site.ask("GET", &long).await;
    assert_eq!(
        (status, received.map(|target| target.len())),
        (200, Some(20_001))
    );
    let (status, _, received) = site
        .ask("GET", &format!("/jwt/{}", "x".repeat(70_000)))
        .await;
    assert!(matches!(status, 414 | 431), "{status}");
    assert_eq!(received, None);
}

#[tokio::test]
async fn a_base_path_of_the_node_stands_before_the_path() {
    let backend = Backend::echo().await;
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    let services = serde_json::json!({ "services": [
        { "path": "/", "uri": backend.uri() },
        { "path": "/grafana", "uri": format!("{}/base/", backend.uri()) },
    ]});
    let node = qrs.node_with(services).await;
    qrs.virtual_proxy("jwt").node(node).create().await;
    let token = Keys::first().token().sign();
    for (path, target) in [
        ("/jwt/grafana/x?y", "/base/grafana/x?y"),
        ("/jwt/grafanax", "/grafanax"),
    ] {
        assert_eq!(
            gateway
                .client()
                .get(path)
                .bearer(&token)
                .send()
                .await
                .status,
            200
        );
        assert_eq!(backend.last().target(), target);
    }
}

#[tokio::test]
async fn the_bare_prefix_leads_to_the_hub_when_a_node_serves_one() {
    let backend = Backend::echo().await;
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    let node = qrs
        .node_with(serde_json::json!({ "services": [{ "path": "/hub", "uri": backend.uri() }] }))
        .await;
    qrs.virtual_proxy("jwt").node(node).create().await;
    let token = Keys::first().token().sign();
    for path in ["/jwt", "/jwt/"] {
        let answer = gateway.client().get(path).bearer(&token).send().await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (302, "/jwt/hub/")
        );
        assert!(!answer.cookies().is_empty());
    }
    let answer = gateway
        .client()
        .get("/jwt/nowhere")
        .bearer(&token)
        .send()
        .await;
    assert_eq!((answer.status, answer.reason()), (503, "node_unavailable"));
}
