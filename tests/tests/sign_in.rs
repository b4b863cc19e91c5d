//! Signing in again: a browser without a session goes to the portal's page and comes back.

use jotgate_scenarios::{Answer, Backend, Cookie, Gateway, Keys, Request};
use serde_json::json;

const PAGE: &str = "https://portal.example/login?app=1";

struct Site {
    gateway: Gateway,
    backend: Backend,
}

/// What a browser brings back from the sign-in page.
struct Attempt {
    state: String,
    cookie: Cookie,
    return_to: String,
}

impl Site {
    async fn new() -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        for prefix in ["jwt", "other"] {
            let vp = gateway.qrs().virtual_proxy(prefix).backend(&backend).await;
            vp.set("authenticationModuleRedirectUri", PAGE)
                .set("corsAllowedOrigins", json!(["https://portal.example"]))
                .set("websocketCrossOriginWhiteList", json!(["embedder.example"]))
                .create()
                .await;
        }
        Self { gateway, backend }
    }

    fn navigation(&self, target: &str) -> Request {
        let request = self.gateway.client().get(target).accepts_html();
        request.header("Sec-Fetch-Mode", "navigate").header("Sec-Fetch-Dest", "document")
    }

    /// A browser that has been sent to the sign-in page.
    async fn begin(&self) -> Attempt {
        Attempt::of(&self.navigation("/jwt/hub/?a=b&c=%20d").send().await)
    }

    async fn complete(&self, attempt: &Attempt, return_to: &str) -> Answer {
        self.complete_at("/jwt/jotgate/sign-in", attempt, &Keys::first().token().sign(), return_to).await
    }

    async fn complete_at(&self, path: &str, attempt: &Attempt, token: &str, return_to: &str) -> Answer {
        let fields = [("token", token), ("state", &attempt.state), ("returnTo", return_to)];
        let form = self.gateway.client().post(path).origin("https://portal.example").form(&fields);
        form.cookie(&attempt.cookie).send().await
    }
}

impl Attempt {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 302, "{}", answer.text());
        let location = answer.header("location");
        let (before, rest) = location.split_once("&returnTo=").expect("returnTo");
        assert_eq!(before, PAGE);
        let (return_to, state) = rest.split_once("&state=").expect("a state");
        Self {
            state: state.to_owned(),
            cookie: answer.cookie(),
            return_to: decode(return_to),
        }
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
        let digits = std::str::from_utf8(&digits).expect("ASCII");
        bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn assert_refused(answer: &Answer, what: &str) {
    assert_eq!((answer.status, answer.reason()), (403, "csrf_token_invalid"), "{what}");
    assert!(answer.cookies().is_empty(), "{what}: {answer:?}");
}

#[tokio::test]
async fn a_navigation_without_a_session_goes_to_the_sign_in_page_and_comes_back() {
    let site = Site::new().await;
    let attempt = site.begin().await;
    let own = site.gateway.client().origin();
    assert_eq!(attempt.return_to, format!("{own}/jwt/hub/?a=b&c=%20d"));
    assert_eq!(attempt.cookie.attributes, "; Path=/; HttpOnly; Max-Age=600; Secure; SameSite=None");
    assert!(attempt.cookie.value.len() >= 43 && !attempt.state.contains(&attempt.cookie.value));

    let answer = site.complete(&attempt, &attempt.return_to).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/jwt/hub/?a=b&c=%20d"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let cookies = answer.cookies();
    let session = cookies.iter().find(|cookie| cookie.name == "X-Qlik-Session-jwt").expect("a session");
    let forgotten = cookies.iter().find(|cookie| cookie.name == attempt.cookie.name).expect("the other cookie");
    assert!(forgotten.value.is_empty() && forgotten.attributes.contains("; Max-Age=0"), "{forgotten:?}");

    let page = site.navigation("/jwt/hub/").cookie(session).send().await;
    assert_eq!((page.status, page.text().as_str()), (200, "hello"));
    assert_eq!(site.backend.only().header("x-qlik-user").as_deref(), Some("UserDirectory=example; UserId=boz"));
}

#[tokio::test]
async fn programs_scripts_sockets_and_posts_get_the_401() {
    let site = Site::new().await;
    let client = site.gateway.client();
    let requests = [
        client.get("/jwt/hub/"),
        client.get("/jwt/hub/").accepts_json(),
        client.get("/jwt/hub/").accepts_html().header("Sec-Fetch-Mode", "cors").header("Sec-Fetch-Dest", "empty"),
        client.get("/jwt/hub/").accepts_html().header("X-Requested-With", "XMLHttpRequest"),
        client.get("/jwt/app/x").accepts_html().upgrade(),
        client.post("/jwt/hub/").accepts_html(),
    ];
    for request in requests {
        let answer = request.send().await;
        assert_eq!((answer.status, answer.reason()), (401, "credentials_missing"));
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
async fn a_state_counts_once() {
    let site = Site::new().await;
    let attempt = site.begin().await;
    assert_eq!(site.complete(&attempt, "/jwt/hub/").await.status, 303);
    assert_refused(&site.complete(&attempt, "/jwt/hub/").await, "the second time");
}

#[tokio::test]
async fn a_state_is_good_in_the_browser_that_began_only() {
    let site = Site::new().await;
    let (victim, attacker) = (site.begin().await, site.begin().await);
    let planted = Attempt { state: attacker.state.clone(), cookie: victim.cookie.clone(), return_to: String::new() };
    assert_refused(&site.complete(&planted, "/jwt/hub/").await, "another browser's state");
    let none = Attempt { cookie: Cookie::new("other", "x"), state: victim.state.clone(), return_to: String::new() };
    assert_refused(&site.complete(&none, "/jwt/hub/").await, "no cookie");
    let empty = Attempt { cookie: victim.cookie.clone(), state: String::new(), return_to: String::new() };
    assert_refused(&site.complete(&empty, "/jwt/hub/").await, "no state");
    let mut bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(&victim.state).expect("base64url");
    for at in [0, 7, 8, bytes.len() - 1] {
        bytes[at] ^= 1;
        let state = base64_simd::URL_SAFE_NO_PAD.encode_to_string(&bytes);
        let forged = Attempt { cookie: victim.cookie.clone(), state, return_to: String::new() };
        assert_refused(&site.complete(&forged, "/jwt/hub/").await, "a state that was changed");
        bytes[at] ^= 1;
    }
    assert_eq!(site.complete(&victim, "/jwt/hub/").await.status, 303, "the victim's own is still good");
}

#[tokio::test]
async fn a_state_of_one_virtual_proxy_is_none_of_another() {
    let site = Site::new().await;
    let attempt = site.begin().await;
    let token = Keys::first().token().sign();
    let renamed = Attempt {
        cookie: Cookie::new(&attempt.cookie.name.replace("jwt", "other"), &attempt.cookie.value),
        state: attempt.state.clone(),
        return_to: String::new(),
    };
    assert_refused(&site.complete_at("/other/jotgate/sign-in", &renamed, &token, "/other/").await, "elsewhere");
    assert_eq!(site.complete(&attempt, "/jwt/hub/").await.status, 303);
}

/// Line X4 of the hostile inputs.
#[tokio::test]
async fn nobody_is_sent_out_of_the_virtual_proxy() {
    let site = Site::new().await;
    for return_to in [
        "https://evil.example/jwt/hub/",
        "//evil.example/jwt/",
        "/\\evil.example",
        "\\\\evil.example",
        "/other/hub/",
        "/jwtx/",
        "/",
        "",
        "/jwt/../other/",
        "/jwt/%2e%2e/other/",
        "javascript:alert(1)",
        "https://localhost.evil.example/jwt/",
        "https://localhost@evil.example/jwt/",
        "/jwt/\r\nSet-Cookie: x=y",
        "/jwt/ x",
    ] {
        let attempt = site.begin().await;
        let answer = site.complete(&attempt, return_to).await;
        assert_refused(&answer, return_to);
        assert_eq!(answer.header("location"), "", "{return_to}");
    }
    assert_eq!(site.gateway.metric("jotgate_sessions").await, 0.0);
}

#[tokio::test]
async fn a_form_with_a_bad_token_opens_nothing() {
    let site = Site::new().await;
    let attempt = site.begin().await;
    for token in ["", "x", &Keys::second().token().sign(), &Keys::first().token().expires_in(-3600).sign()] {
        let answer = site.complete_at("/jwt/jotgate/sign-in", &attempt, token, "/jwt/hub/").await;
        assert_eq!(answer.status, 401, "{token:.20}");
        assert!(answer.cookies().iter().all(|cookie| cookie.name != "X-Qlik-Session-jwt"));
        assert!(!answer.text().contains("eyJ"));
    }
    assert_eq!(site.gateway.metric("jotgate_sessions").await, 0.0);
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused() {
    let site = Site::new().await;
    let attempt = site.begin().await;
    let answer = site.complete_at("/jwt/jotgate/sign-in", &attempt, &"x".repeat(100_000), "/jwt/hub/").await;
    assert_eq!((answer.status, answer.reason()), (413, "body_too_large"));
}

#[tokio::test]
async fn a_fetch_with_the_header_opens_a_session_without_a_state() {
    let site = Site::new().await;
    let token = Keys::first().token().sign();
    let request = site.gateway.client().get("/jwt/hub/").bearer(&token).origin("https://portal.example");
    let answer = request.header("Sec-Fetch-Mode", "cors").header("Sec-Fetch-Site", "cross-site").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), "https://portal.example");
    let page = site.navigation("/jwt/hub/").cookie(&answer.cookie()).send().await;
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn a_frame_gets_a_page_that_tells_listed_embedders_only() {
    let site = Site::new().await;
    let frame = async |referrer: &str| {
        let request = site.gateway.client().get("/jwt/hub/").accepts_html();
        let request = request.header("Sec-Fetch-Mode", "navigate").header("Sec-Fetch-Dest", "iframe");
        let answer = request.header("Referer", referrer).send().await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"));
        assert!(answer.cookies().is_empty());
        assert!(answer.text().contains("Expected an authentication header."), "{}", answer.text());
        let text = answer.text();
        let (_, after) = text.split_once("data-origins=\"").expect("origins");
        after.split('"').next().expect("a quote").to_owned()
    };
    assert_eq!(frame("https://portal.example/page").await, "https://portal.example");
    let embedder = frame("https://embedder.example/page").await;
    assert!(embedder.split(' ').any(|origin| origin == "https://embedder.example"), "{embedder}");
    for stranger in ["https://evil.example/", "https://portal.example.evil.example/", "null", "x\" onload=\"alert(1)"] {
        let told = frame(stranger).await;
        assert!(!told.contains("evil") && !told.contains("onload") && !told.contains('*'), "{told}");
    }
    let script = site.gateway.client().get("/jwt/jotgate/sign-in-required.js").send().await;
    assert_eq!(script.status, 200);
    assert!(script.header("content-type").starts_with("text/javascript"));
    assert!(script.text().contains("postMessage") && !script.text().contains("\"*\""));
    assert!(site.backend.received().is_empty());
}

#[tokio::test]
async fn an_open_sign_in_survives_a_restart_and_a_used_state_stays_used() {
    let mut site = Site::new().await;
    let (used, open) = (site.begin().await, site.begin().await);
    assert_eq!(site.complete(&used, "/jwt/hub/").await.status, 303);
    site.gateway = site.gateway.restart().await;
    assert_refused(&site.complete(&used, "/jwt/hub/").await, "used before the restart");
    assert_eq!(site.complete(&open, "/jwt/hub/").await.status, 303);
}
