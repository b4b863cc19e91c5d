mod auditor;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use jotgate_model::entity::VirtualProxyConfig;

use crate::testing::{form_request, now, site};

#[tokio::test]
async fn every_page_forbids_frames_inline_code_and_caches() {
    let site = site().await;
    for path in ["/qmc/virtual-proxies", "/qmc/design", "/qmc/nowhere"] {
        let shown = site.get(path).await;
        let policy = shown.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(shown.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(shown.header("cache-control"), "no-store", "{path}");
        for inline in [" style=", "<style", " onclick=", "<script>", "javascript:"] {
            assert!(!shown.text.contains(inline), "{path} has {inline}");
        }
    }
}

#[tokio::test]
async fn files_have_names_of_their_contents_and_may_be_kept() {
    let site = site().await;
    let page = site.get("/qmc/design").await.text;
    for (before, ending, kind) in [
        ("href=\"", ".css", "text/css;charset=utf-8"),
        ("src=\"", ".js", "text/javascript;charset=utf-8"),
        ("href=\"", ".svg", "image/svg+xml"),
    ] {
        let end = page.find(&format!("{ending}\"")).unwrap() + ending.len();
        let start = page[..end].rfind(before).unwrap() + before.len();
        let file = site.get(&page[start..end]).await;
        assert_eq!(
            (file.status, file.header("content-type")),
            (StatusCode::OK, kind)
        );
        assert!(file.header("cache-control").contains("immutable"));
        assert!(!file.text.is_empty());
    }
    let other = site.get("/qmc/assets/console-0000000000000000.css").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    assert_eq!(other.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_form_without_the_session_s_token_does_nothing() {
    let site = site().await;
    let form = |text: &str| form_request("/qmc/sign-out", text.to_owned());
    for text in [
        "",
        "csrf=",
        "csrf=nonsense",
        "csrf=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let shown = site.send(form(text)).await;
        assert_eq!(shown.status, StatusCode::FORBIDDEN, "{text}");
    }
    let token = site.token();
    let mut stolen = crate::testing::site().await;
    stolen.visitor.session = "another session".to_owned();
    let shown = stolen.send(form(&format!("csrf={token}"))).await;
    assert_eq!(
        shown.status,
        StatusCode::FORBIDDEN,
        "a token of another session"
    );
    let shown = site.send(form(&format!("csrf={token}"))).await;
    assert_eq!(
        (shown.status, shown.header("location")),
        (StatusCode::SEE_OTHER, "/qmc/")
    );
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing_even_with_the_token() {
    let site = site().await;
    for from in ["cross-site", "same-site"] {
        let mut request = form_request("/qmc/sign-out", format!("csrf={}", site.token()));
        let from = http::HeaderValue::from_static(from);
        request.headers_mut().insert("sec-fetch-site", from);
        assert_eq!(site.send(request).await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let site = site().await;
    let mut request = Request::post("/qmc/sign-out")
        .body(Body::from("{}"))
        .unwrap();
    let kind = http::HeaderValue::from_static("text/plain");
    request.headers_mut().insert("content-type", kind);
    assert_eq!(
        site.send(request).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::DELETE;
    *request.uri_mut() = "/qmc/design".parse().unwrap();
    assert_eq!(site.send(request).await.status, StatusCode::NOT_FOUND);
}

/// After a session's end, the form to sign in leads back to the address that was posted to.
#[tokio::test]
async fn whoever_comes_back_to_an_address_of_posts_finds_the_page_that_it_belongs_to() {
    let site = site().await;
    let id = "5a9a3f4e-1111-4222-8333-444455556666";
    for (posted, page) in [
        ("/sign-out".to_owned(), "/".to_owned()),
        ("/tokens/fill".into(), "/tokens".into()),
        ("/tokens/mint?a=b".into(), "/tokens".into()),
        (
            "/virtual-proxies/selected".into(),
            "/virtual-proxies".into(),
        ),
        ("/sessions/a%2Fb/end".into(), "/sessions/a%2Fb".into()),
        (format!("/users/{id}/unblock"), format!("/users/{id}")),
        (format!("/tags/{id}/delete"), format!("/tags/{id}")),
        (
            format!("/custom-properties/{id}/delete"),
            format!("/custom-properties/{id}"),
        ),
    ] {
        let shown = site.get(&format!("/qmc{posted}")).await;
        let found = (shown.status, shown.header("location").to_owned());
        assert_eq!(
            found,
            (StatusCode::SEE_OTHER, format!("/qmc{page}")),
            "{posted}"
        );
    }
}

#[tokio::test]
async fn a_form_that_is_too_long_is_said_to_be() {
    let site = site().await;
    let long = "x".repeat(crate::MAX_FORM);
    let shown = site.post("/qmc/changes", &[("file", &*long)]).await;
    assert_eq!(shown.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(shown.text.contains("longer than 4 MiB"), "{}", shown.text);
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";
    let mut site = site().await;
    let draft = VirtualProxyConfig {
        description: evil.to_owned(),
        prefix: "evil".to_owned(),
        session_cookie_header_name: "X-Evil".to_owned(),
        ..Default::default()
    };
    let root = site.visitor.actor.clone();
    let created = site.management.create_virtual_proxy(&root, draft, now());
    created.await.unwrap();
    site.visitor.actor.name = format!("EVIL\\{evil}");
    let query = percent_encoding::utf8_percent_encode(evil, percent_encoding::NON_ALPHANUMERIC);
    for path in [
        "/qmc/virtual-proxies".to_owned(),
        format!("/qmc/virtual-proxies?filter={query}"),
        format!("/qmc/virtual-proxies?sort={query}&order={query}&page={query}&done={query}"),
        format!("/qmc/{query}"),
    ] {
        let shown = site.get(&path).await;
        assert!(!shown.text.contains("<script>alert"), "{path}");
        assert!(!shown.text.contains("<img"), "{path}");
    }
    let listed = site.get("/qmc/virtual-proxies").await.text;
    assert!(listed.contains("alert(1)"), "it is shown");
}
