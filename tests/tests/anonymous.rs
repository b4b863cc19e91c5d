//! Users who come without credentials.

use jotgate_scenarios::{Answer, Backend, Client, Cookie, Gateway, Keys, VirtualProxy};

const NOBODY: u8 = 0;
const ALLOWED: u8 = 1;
const ALWAYS: u8 = 2;

struct Site {
    gateway: Gateway,
    backend: Backend,
    vp: VirtualProxy,
}

impl Site {
    async fn new(mode: u8) -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        let vp = gateway.qrs().virtual_proxy("jwt").keys(Keys::first());
        let vp = vp.set("anonymousAccessMode", mode).backend(&backend).await;
        let vp = vp.create().await;
        Self {
            gateway,
            backend,
            vp,
        }
    }

    fn client(&self) -> Client {
        self.gateway.client()
    }

    async fn get(&self) -> Answer {
        self.client().get("/jwt/hub/").send().await
    }

    async fn page(&self) -> Answer {
        self.client().get("/jwt/hub/").accepts_html().send().await
    }

    async fn with(&self, cookie: &Cookie) -> Answer {
        self.client().get("/jwt/hub/").cookie(cookie).send().await
    }

    /// The user that the backend was told last.
    fn user(&self) -> String {
        let user = self.backend.last().header("x-qlik-user");
        user.expect("a user")
    }

    fn session(&self) -> String {
        let session = self.backend.last().header("x-qlik-proxysession");
        session.expect("a session")
    }
}

fn is_anonymous(user: &str) -> bool {
    user.strip_prefix("UserDirectory=NONE; UserId=anonymous")
        .is_some_and(|id| id.len() == 36)
}

#[tokio::test]
async fn by_default_nobody_comes_in_without_credentials() {
    let site = Site::new(NOBODY).await;
    assert_eq!(site.get().await.status, 401);
    assert!(site.backend.received().is_empty());
}

#[tokio::test]
async fn where_it_is_allowed_a_visitor_gets_a_session_and_may_sign_in_later() {
    let site = Site::new(ALLOWED).await;
    let first = site.get().await;
    assert_eq!((first.status, first.text().as_str()), (200, "hello"));
    let visitor = site.user();
    assert!(is_anonymous(&visitor), "{visitor}");
    let cookie = first.cookie();

    let second = site.with(&cookie).await;
    assert_eq!(second.status, 200);
    assert!(second.cookies().is_empty());
    assert_eq!(site.user(), visitor);

    site.get().await;
    assert_ne!(site.user(), visitor, "another visitor is another user");

    let token = Keys::first().token().sign();
    let request = site.client().get("/jwt/hub/").cookie(&cookie);
    let signed_in = request.bearer(&token).send().await;
    assert_eq!(site.user(), "UserDirectory=example; UserId=boz");
    assert_ne!(signed_in.cookie().value, cookie.value);
    site.with(&signed_in.cookie()).await;
    assert_eq!(site.user(), "UserDirectory=example; UserId=boz");

    let bad = site.client().get("/jwt/hub/").bearer("x").send().await;
    assert_eq!(bad.status, 401, "a bad token is no reason to be anonymous");
}

#[tokio::test]
async fn where_all_are_anonymous_credentials_are_not_looked_at() {
    let site = Site::new(ALWAYS).await;
    let token = Keys::first().token().sign();
    for token in [&*token, "x"] {
        let answer = site.client().get("/jwt/hub/").bearer(token).send().await;
        assert_eq!(answer.status, 200);
        assert!(is_anonymous(&site.user()), "{}", site.user());
        let authorization = site.backend.last().header("authorization");
        assert_eq!(authorization, None, "a token is for the gateway alone");
    }
}

#[tokio::test]
async fn what_is_no_page_passes_without_a_session_of_its_own() {
    let site = Site::new(ALWAYS).await;
    for _ in 0..50 {
        let answer = site.get().await;
        assert_eq!(answer.status, 200);
        assert!(answer.cookies().is_empty());
    }
    let opened = "jotgate_sessions_opened_total";
    assert_eq!(site.gateway.metric(opened).await as u32, 1);
    let shared = site.session();

    let page = site.page().await;
    let (cookie, own) = (page.cookie(), site.session());
    assert_ne!(own, shared);
    site.with(&cookie).await;
    assert_eq!(site.session(), own, "a browser keeps its session");

    let request = site.client().get("/jwt/app/1");
    let socket = request.open_socket().await.expect("a WebSocket");
    assert!(![own, shared].contains(&site.session()));
    drop(socket);
}

#[tokio::test]
async fn nobody_logs_all_the_others_out() {
    let site = Site::new(ALWAYS).await;
    site.get().await;
    let shared = site.session();
    let logout = site.client().request("DELETE", "/jwt/qps/user");
    assert_eq!(logout.send().await.status, 204);
    site.get().await;
    assert_eq!(site.session(), shared);
}

#[tokio::test]
async fn whoever_keeps_no_cookies_does_not_fill_the_store() {
    let site = Site::new(ALLOWED).await;
    let mut refused = 0;
    for _ in 0..60 {
        let answer = site.get().await;
        if answer.status == 429 {
            assert_eq!(answer.reason(), "rate_limited");
            refused += 1;
        }
    }
    assert!(refused > 0);
    let elsewhere = site.client().from("127.0.0.2");
    assert_eq!(elsewhere.get("/jwt/hub/").send().await.status, 200);
}

#[tokio::test]
async fn switching_it_off_shuts_visitors_out_and_nobody_else() {
    let site = Site::new(ALLOWED).await;
    let visitor = site.get().await.cookie();
    let token = Keys::first().token().sign();
    let request = site.client().get("/jwt/hub/").bearer(&token);
    let boz = request.send().await.cookie();

    site.vp.set("anonymousAccessMode", NOBODY).await;
    assert_eq!(site.with(&visitor).await.reason(), "session_unknown");
    assert_eq!(site.with(&boz).await.status, 200);

    site.vp.set("anonymousAccessMode", ALWAYS).await;
    site.with(&boz).await;
    assert!(is_anonymous(&site.user()));
}

#[tokio::test]
async fn a_token_cannot_make_a_visitor() {
    let site = Site::new(ALLOWED).await;
    for directory in ["NONE", "none"] {
        let token = Keys::first().token().user(directory, "anonymous1").sign();
        let answer = site.client().get("/jwt/hub/").bearer(&token).send().await;
        assert_eq!(
            (answer.status, answer.reason()),
            (403, "directory_not_allowed")
        );
    }
}
