//! The ways out and the ways back.

use jotgate_scenarios::{Cookie, Keys};

use super::{Attempt, Site};

#[tokio::test]
async fn a_navigation_without_a_session_goes_to_the_sign_in_page_and_comes_back() {
    let site = Site::new().await;
    let attempt = site.begin().await;
    let own = site.gateway.client().origin();
    assert_eq!(attempt.return_to, format!("{own}/jwt/hub/?a=b&c=%20d"));
    assert_eq!(
        attempt.cookie.attributes,
        "; Path=/; HttpOnly; Max-Age=600; Secure; SameSite=None"
    );
    assert!(attempt.cookie.value.len() >= 43 && !attempt.state.contains(&attempt.cookie.value));

    let answer = site.complete(&attempt, &attempt.return_to).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "/jwt/hub/?a=b&c=%20d")
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let cookies = answer.cookies();
    let session = cookies
        .iter()
        .find(|cookie| cookie.name == "X-Qlik-Session-jwt")
        .expect("a session");
    let forgotten = cookies
        .iter()
        .find(|cookie| cookie.name == attempt.cookie.name)
        .expect("the other cookie");
    assert!(
        forgotten.value.is_empty() && forgotten.attributes.contains("; Max-Age=0"),
        "{forgotten:?}"
    );

    let page = site.navigation("/jwt/hub/").cookie(session).send().await;
    assert_eq!((page.status, page.text().as_str()), (200, "hello"));
    assert_eq!(
        site.backend.only().header("x-qlik-user").as_deref(),
        Some("UserDirectory=example; UserId=boz")
    );
}

#[tokio::test]
async fn programs_scripts_sockets_and_posts_get_the_401() {
    let site = Site::new().await;
    let client = site.gateway.client();
    let requests = [
        client.get("/jwt/hub/"),
        client.get("/jwt/hub/").accepts_json(),
        client
            .get("/jwt/hub/")
            .accepts_html()
            .header("Sec-Fetch-Mode", "cors")
            .header("Sec-Fetch-Dest", "empty"),
        client
            .get("/jwt/hub/")
            .accepts_html()
            .header("X-Requested-With", "XMLHttpRequest"),
        client.get("/jwt/app/x").accepts_html().upgrade(),
        client.post("/jwt/hub/").accepts_html(),
    ];
    for request in requests {
        let answer = request.send().await;
        assert_eq!(
            (answer.status, answer.reason()),
            (401, "credentials_missing")
        );
        assert!(answer.cookies().is_empty() && answer.header("location").is_empty());
    }
}

#[tokio::test]
async fn an_invalid_token_is_a_refusal_and_no_redirect() {
    let site = Site::new().await;
    let token = Keys::second().token().sign();
    let answer = site.navigation("/jwt/hub/").bearer(&token).send().await;
    assert_eq!((answer.status, answer.reason()), (401, "signature_invalid"));
}

#[tokio::test]
async fn a_dead_cookie_is_a_reason_to_sign_in_again() {
    let site = Site::new().await;
    let dead = Cookie::new("X-Qlik-Session-jwt", &"A".repeat(43));
    let attempt = Attempt::of(&site.navigation("/jwt/hub/").cookie(&dead).send().await);
    assert_eq!(site.complete(&attempt, "/jwt/hub/").await.status, 303);
}

#[tokio::test]
async fn a_fetch_with_the_header_opens_a_session_without_a_state() {
    let site = Site::new().await;
    let token = Keys::first().token().sign();
    let request = site
        .gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .origin("https://portal.example");
    let answer = request
        .header("Sec-Fetch-Mode", "cors")
        .header("Sec-Fetch-Site", "cross-site")
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://portal.example"
    );
    let page = site
        .navigation("/jwt/hub/")
        .cookie(&answer.cookie())
        .send()
        .await;
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn a_frame_gets_a_page_that_tells_listed_embedders_only() {
    let site = Site::new().await;
    let frame = async |referrer: &str| {
        let request = site.gateway.client().get("/jwt/hub/").accepts_html();
        let request = request
            .header("Sec-Fetch-Mode", "navigate")
            .header("Sec-Fetch-Dest", "iframe");
        let answer = request.header("Referer", referrer).send().await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, "Bearer")
        );
        assert!(answer.cookies().is_empty());
        assert!(
            answer.text().contains("Expected an authentication header."),
            "{}",
            answer.text()
        );
        let text = answer.text();
        let (_, after) = text.split_once("data-origins=\"").expect("origins");
        after.split('"').next().expect("a quote").to_owned()
    };
    assert_eq!(
        frame("https://portal.example/page").await,
        "https://portal.example"
    );
    let embedder = frame("https://embedder.example/page").await;
    assert!(
        embedder
            .split(' ')
            .any(|origin| origin == "https://embedder.example"),
        "{embedder}"
    );
    for stranger in [
        "https://evil.example/",
        "https://portal.example.evil.example/",
        "null",
        "x\" onload=\"alert(1)",
    ] {
        let told = frame(stranger).await;
        assert!(
            !told.contains("evil") && !told.contains("onload") && !told.contains('*'),
            "{told}"
        );
    }
    let script = site
        .gateway
        .client()
        .get("/jwt/jotgate/sign-in-required.js")
        .send()
        .await;
    assert_eq!(script.status, 200);
    assert!(script.header("content-type").starts_with("text/javascript"));
    assert!(script.text().contains("postMessage") && !script.text().contains("\"*\""));
    assert!(site.backend.received().is_empty());
}
