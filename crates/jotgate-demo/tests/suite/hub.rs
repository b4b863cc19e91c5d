//! The hub page, its files, and the page for what does not exist.

use http::StatusCode;

use crate::support::{SIGNED_IN, answer, get, json_body, text};

async fn hub(headers: &[(&str, &str)]) -> String {
    let response = answer(get("/hub/", headers)).await;
    assert_eq!(response.status(), StatusCode::OK);
    text(response).await
}

#[tokio::test]
async fn the_page_shows_who_you_are() {
    let page = hub(&SIGNED_IN).await;
    for shown in [
        "<dd>ann@example.com</dd>",
        "<dd>QT</dd>",
        r#"<span class="chip">sales</span>"#,
        r#"<span class="chip">finance</span>"#,
        "b29118dd-4539-4742-ad65-fe307eb10b54",
        "UserDirectory=QT; UserId=ann%40example.com",
        "No <code>Authorization</code> header",
    ] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
    assert_eq!(
        page.matches("<dt>Group</dt>").count(),
        1,
        "repeated attributes are grouped"
    );
}

#[tokio::test]
async fn every_address_of_the_hub_has_the_page() {
    for path in ["/hub", "/hub/", "/hub/my/work", "/hub/?qlikTicket=x"] {
        assert_eq!(
            answer(get(path, &SIGNED_IN)).await.status(),
            StatusCode::OK,
            "{path}"
        );
    }
    let root = answer(get("/", &SIGNED_IN)).await;
    assert_eq!(root.status(), StatusCode::SEE_OTHER);
    assert_eq!(root.headers()["location"], "/jwt/hub/");
}

#[tokio::test]
async fn links_carry_the_prefix() {
    let page = hub(&SIGNED_IN).await;
    assert!(page.contains(r#"data-base="/jwt""#));
    assert!(page.contains(r#"src="/jwt/resources/jotgate-demo/hub.js""#));
    assert!(page.contains(r#"href="/jwt/hub/""#));

    let page = hub(&[
        ("x-qlik-user", "UserId=a"),
        ("x-qlik-virtual-proxy-prefix", ""),
    ])
    .await;
    assert!(page.contains(r#"data-base="""#));
    assert!(page.contains(r#"src="/resources/jotgate-demo/hub.js""#));
}

#[tokio::test]
async fn hostile_values_are_text() {
    const SCRIPT: &str = "%3Cscript%3Ealert(1)%3C/script%3E";
    let user = format!("UserDirectory=\"><b>{SCRIPT}; UserId={SCRIPT}'\"");
    let security =
        format!("Context=AppAccess; {SCRIPT}={SCRIPT}; stray; =; ;;; Bad=%zz%; Empty=; <i>=<u>;");
    let page = hub(&[
        ("x-qlik-user", &user),
        ("x-qlik-security", &security),
        ("x-qlik-proxysession", "<script>alert(2)</script>"),
        (
            "x-qlik-virtual-proxy-prefix",
            "\"><script>alert(3)</script>",
        ),
        ("x-forwarded-host", "<script>alert(4)</script>"),
        ("x-qlik-other", "\"onmouseover=alert(5)"),
    ])
    .await;
    assert!(!page.contains("<script>"), "{page}");
    assert!(!page.contains("alert(1)</script"), "{page}");
    assert!(
        !page.contains("<b>") && !page.contains("<i>") && !page.contains("<u>"),
        "{page}"
    );
    assert!(!page.contains("\"onmouseover"), "{page}");
    assert_eq!(
        page.matches("<script").count(),
        1,
        "the page's own script only"
    );
    assert!(
        page.contains("%zz%"),
        "what cannot be decoded is shown as it came"
    );
}

#[tokio::test]
async fn the_policy_forbids_inline_code_and_the_page_has_none() {
    let response = answer(get("/hub/", &SIGNED_IN)).await;
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.starts_with("default-src 'self'; connect-src 'self' wss: ws:"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let page = text(response).await;
    for inline in [
        "<style",
        " style=",
        " onclick=",
        " onload=",
        "javascript:",
        "http://",
        "https://",
    ] {
        assert!(!page.contains(inline), "{inline} in {page}");
    }
}

#[tokio::test]
async fn without_a_user_the_page_says_so() {
    let page = hub(&[]).await;
    assert!(page.contains("Nobody is signed in"));
    assert!(!page.contains(r#"id="log-out""#) && !page.contains(r#"id="countdown""#));
}

#[tokio::test]
async fn a_token_that_got_through_is_pointed_out_and_not_shown() {
    let page = hub(&[
        ("x-qlik-user", "UserId=a"),
        ("authorization", "Bearer secret-token"),
    ])
    .await;
    assert!(page.contains("would have been removed"));
    assert!(!page.contains("secret-token"));
}

#[tokio::test]
async fn the_pages_files_are_served() {
    for (file, media_type, content) in [
        (
            "hub.css",
            "text/css; charset=utf-8",
            "prefers-color-scheme: dark",
        ),
        (
            "hub.js",
            "text/javascript; charset=utf-8",
            "qlik-csrf-token",
        ),
        ("icon.svg", "image/svg+xml", "<svg"),
    ] {
        let response = answer(get(&format!("/resources/jotgate-demo/{file}"), &[])).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], media_type);
        assert!(text(response).await.contains(content));
    }
}

#[tokio::test]
async fn the_script_never_writes_markup() {
    let script = text(answer(get("/resources/jotgate-demo/hub.js", &[])).await).await;
    for dangerous in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
    ] {
        assert!(!script.contains(dangerous), "{dangerous}");
    }
}

#[tokio::test]
async fn unknown_paths_are_not_found_for_people_and_for_programs() {
    let people = [
        ("accept", "text/html,*/*;q=0.8"),
        ("x-qlik-virtual-proxy-prefix", "jwt"),
    ];
    let response = answer(get("/no/such/page", &[])).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let body = json_body(response).await;
    assert_eq!(body["error"], "not_found");

    let response = answer(get("/no/such/page", &people)).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(response.headers().contains_key("content-security-policy"));
    let page = text(response).await;
    assert!(
        page.contains("/no/such/page") && page.contains(r#"href="/jwt/hub/""#),
        "{page}"
    );
}

#[tokio::test]
async fn health_is_ok() {
    let response = answer(get("/health", &[])).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, "ok");
}
