//! Administrators with a password: the set-up link, the form, and the way back in.

mod support {
    pub(crate) mod administrator;
    pub(crate) mod forms;
    pub(crate) mod shell;
}

use jotgate_scenarios::{Cookie, Gateway};
use support::administrator::{link_of, make_administrator};
use support::forms::Form;
use support::shell;

const PASSWORD: &str = "correct horse battery";
const QRS: &str = "/qrs/virtualproxyconfig?xrfkey=0123456789abcdef";

async fn qrs(gateway: &Gateway, cookie: &Cookie) -> u16 {
    let request = gateway.client().get(QRS).cookie(cookie);
    let request = request.header("X-Qlik-Xrfkey", "0123456789abcdef");
    request.send().await.status
}

#[tokio::test]
async fn the_first_start_prints_a_link_that_makes_an_administrator_once() {
    let gateway = Gateway::serve().await;
    let link = link_of(&gateway).await;
    let form = Form::load(&gateway.client(), &link).await;
    let weak = form.clone().post(&[
        ("userId", "anna"),
        ("password", "short"),
        ("again", "short"),
    ]);
    let weak = weak.await;
    assert_eq!(weak.status, 400);
    assert!(weak.text().contains("at least 12"), "{}", weak.text());

    let form = Form::load(&gateway.client(), &link).await;
    let fields = [
        ("userId", "anna"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    let made = form.post(&fields).await;
    assert_eq!((made.status, made.header("location")), (303, "/qmc/"));
    let session = &made.cookies()[0];
    assert_eq!(session.name, "X-Qlik-Session");
    assert_eq!(qrs(&gateway, session).await, 200);

    let again = Form::load(&gateway.client(), &link)
        .await
        .post(&fields)
        .await;
    assert_eq!(again.status, 403);
    assert!(again.text().contains("works once"), "{}", again.text());
    let gateway = gateway.restart().await;
    assert!(
        !gateway.process().stdout().contains("/qmc/setup"),
        "there is one now"
    );
}

#[tokio::test]
async fn the_form_signs_in_and_logging_out_ends_it() {
    let gateway = Gateway::serve().await;
    let first = make_administrator(&gateway, "anna", PASSWORD).await;
    let form = "/internal_forms_authentication/";
    let wrong = Form::load(&gateway.client(), form).await;
    let wrong = wrong.post(&[("userId", "anna"), ("password", "x")]).await;
    assert_eq!(wrong.status, 401);
    let unknown = Form::load(&gateway.client(), form).await;
    let unknown = unknown
        .post(&[("userId", "nobody"), ("password", "x")])
        .await;
    assert_eq!(unknown.status, 401);
    let sentence = "The name or the password is wrong.";
    assert!(wrong.text().contains(sentence) && unknown.text().contains(sentence));

    let right = Form::load(&gateway.client(), form).await;
    let right = right
        .post(&[("userId", "Anna"), ("password", PASSWORD)])
        .await;
    assert_eq!((right.status, right.header("location")), (303, "/qmc/"));
    let session = right.cookies().remove(0);
    assert_ne!(session.value, first.value);
    assert_eq!(qrs(&gateway, &session).await, 200);
    let logout = gateway
        .client()
        .request("DELETE", "/qps/user")
        .cookie(&session);
    assert_eq!(logout.send().await.status, 204);
    assert_eq!(qrs(&gateway, &session).await, 401);
}

#[tokio::test]
async fn a_browser_without_a_session_finds_the_form_on_its_way_to_the_console() {
    let gateway = Gateway::serve().await;
    let page = gateway.client().get("/qmc/").accepts_html().send().await;
    assert_eq!(
        (page.status, page.header("location")),
        (302, "/internal_forms_authentication/")
    );
    let program = gateway.client().get("/qmc/").send().await;
    assert_eq!(program.status, 401);
}

#[tokio::test]
async fn whoever_signs_in_on_the_way_to_a_page_of_the_console_gets_there() {
    let gateway = Gateway::serve().await;
    make_administrator(&gateway, "anna", PASSWORD).await;
    let client = gateway.client();
    for page in [
        "/qmc/live?reason=key_not_found&page=2",
        "/qmc/%22%3e",
        "/QMC/x",
    ] {
        let asked = client.get(page).accepts_html().send().await;
        let form = asked.header("location").to_owned();
        assert_eq!(asked.status, 302, "{page}");
        let sign_in = Form::load(&client, &form).await;
        let done = sign_in
            .post(&[("userId", "anna"), ("password", PASSWORD)])
            .await;
        assert_eq!((done.status, done.header("location")), (303, page));
    }
    // The way back has 2,048 characters at most; from a longer address there is none.
    for (length, has_way_back) in [(2048, true), (2049, false)] {
        let page = format!("{:x<length$}", "/qmc/?q=");
        let asked = client.get(&page).accepts_html().send().await;
        assert_eq!(asked.header("location").contains("returnTo="), has_way_back);
    }
}

#[tokio::test]
async fn a_form_that_is_posted_after_the_session_s_end_is_answered_with_the_way_back() {
    let gateway = Gateway::serve().await;
    make_administrator(&gateway, "anna", PASSWORD).await;
    let client = gateway.client();
    let post = || client.request("POST", "/qmc/virtual-proxies/new");
    let program = post().send().await;
    assert_eq!(program.status, 401);
    assert!(!program.text().contains("<form"));
    let from = "https://localhost/qmc/virtual-proxies/new?a=1";
    let shown = post().accepts_html().header("referer", from).send().await;
    assert_eq!(shown.status, 401);
    let text = shown.text();
    assert!(text.contains("nothing was saved"), "{text}");
    assert!(
        text.contains("value=\"/qmc/virtual-proxies/new?a=1\""),
        "{text}"
    );
    let form = Form::of(&client, &shown);
    let back = form
        .post(&[("userId", "anna"), ("password", PASSWORD)])
        .await;
    let expected = (303, "/qmc/virtual-proxies/new?a=1");
    assert_eq!((back.status, back.header("location")), expected);
}

#[tokio::test]
async fn the_form_is_safe_to_show() {
    let gateway = Gateway::serve().await;
    let path = "/internal_forms_authentication/?returnTo=%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let page = gateway.client().get(path).accepts_html().send().await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("<script"), "{}", page.text());
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_form_that_another_page_posts_signs_nobody_in() {
    let gateway = Gateway::serve().await;
    make_administrator(&gateway, "anna", PASSWORD).await;
    let path = "/internal_forms_authentication/";
    let fields = [("userId", "anna"), ("password", PASSWORD)];
    let bare = gateway.client().post(path).form(&fields).send().await;
    assert_eq!((bare.status, bare.reason()), (403, "csrf_token_invalid"));
    // The state of one browser with the cookie of another.
    let (mine, other) = (
        Form::load(&gateway.client(), path).await,
        Form::load(&gateway.client(), path).await,
    );
    let mut mixed = mine.clone();
    mixed.cookies = other.cookies;
    let mixed = mixed.post(&fields).await;
    assert_eq!((mixed.status, mixed.reason()), (403, "csrf_token_invalid"));
    assert_eq!(mine.clone().post(&fields).await.status, 303);
    let twice = mine.post(&fields).await;
    assert_eq!((twice.status, twice.reason()), (403, "csrf_token_invalid"));
}

#[tokio::test]
async fn where_one_comes_back_to_is_here() {
    let gateway = Gateway::serve().await;
    make_administrator(&gateway, "anna", PASSWORD).await;
    for (wanted, location) in [
        (
            "/qmc/requests?reason=key_not_found",
            "/qmc/requests?reason=key_not_found",
        ),
        // An address of another virtual proxy may do something there.
        ("/hub/?a=b", "/qmc/"),
        ("/portal/qmc/", "/qmc/"),
        ("/qmc/../hub/", "/qmc/"),
        ("/qmc/%2e%2e/hub/", "/qmc/"),
        ("/qmc/\t//evil.example/", "/qmc/"),
        ("//evil.example/qmc/", "/qmc/"),
        ("//evil.example/", "/qmc/"),
        ("https://evil.example/", "/qmc/"),
        ("/\\evil.example", "/qmc/"),
        ("", "/qmc/"),
    ] {
        let form = Form::load(&gateway.client(), "/internal_forms_authentication/").await;
        let fields = [
            ("userId", "anna"),
            ("password", PASSWORD),
            ("returnTo", wanted),
        ];
        let answer = form.post(&fields).await;
        assert_eq!(answer.header("location"), location, "{wanted}");
    }
}

#[tokio::test]
async fn guessing_gets_slower() {
    let gateway = Gateway::serve().await;
    make_administrator(&gateway, "anna", PASSWORD).await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let form = Form::load(&gateway.client(), "/internal_forms_authentication/").await;
        let answer = form.post(&[("userId", "anna"), ("password", "x")]).await;
        statuses.push(answer.status);
    }
    assert_eq!(statuses[..5], [401; 5]);
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn passwords_are_taken_over_tls_only() {
    let gateway = Gateway::serve()
        .setting("--listen-http", "127.0.0.1:0")
        .await;
    for path in ["/internal_forms_authentication/", "/qmc/setup?token=x"] {
        let answer = gateway.plain_client().get(path).send().await;
        assert_ne!(answer.status, 200, "{path}");
    }
}

#[tokio::test]
async fn another_virtual_proxy_has_no_form() {
    let backend = jotgate_scenarios::Backend::echo().await;
    let gateway = Gateway::serve().await;
    let keys = jotgate_scenarios::Keys::first();
    gateway.qrs().jwt_virtual_proxy("jwt", keys, &backend).await;
    for path in ["/jwt/internal_forms_authentication/", "/jwt/qmc/setup"] {
        assert_eq!(
            gateway.client().get(path).send().await.status,
            401,
            "{path}"
        );
    }
}

#[tokio::test]
async fn whoever_has_the_machine_gets_back_in() {
    let gateway = Gateway::serve().await;
    let old = link_of(&gateway).await;
    make_administrator(&gateway, "anna", PASSWORD).await;
    let data = gateway.folder().data();
    let reset = async |directory: &str| {
        let arguments = ["admin", "reset", "--data-dir", directory];
        shell::run("jotgate", &arguments, gateway.folder().path(), &[]).await
    };
    let directory = data.to_str().expect("a path");
    let first = shell::succeeded(&reset(directory).await);
    let second = shell::succeeded(&reset(directory).await);
    let fields = [
        ("userId", "anna"),
        ("password", "another horse battery"),
        ("again", "another horse battery"),
    ];
    let path = |text: &str| {
        let line = text.lines().next().expect("a line");
        let (_, path) = line.split_once("/qmc/setup").expect("a link");
        format!("/qmc/setup{path}")
    };
    for replaced in [old, path(&first)] {
        let form = Form::load(&gateway.client(), &replaced).await;
        assert_eq!(form.post(&fields).await.status, 403);
    }
    let form = Form::load(&gateway.client(), &path(&second)).await;
    assert_eq!(
        form.post(&fields).await.status,
        303,
        "the running gateway knows it"
    );
    let form = Form::load(&gateway.client(), "/internal_forms_authentication/").await;
    assert_eq!(form.post(&fields[..2]).await.status, 303);

    let nowhere = tempfile::tempdir().expect("a folder");
    let nowhere = nowhere.path().to_str().expect("a path").to_owned();
    assert_eq!(reset(&nowhere).await.status.code(), Some(65));
}
