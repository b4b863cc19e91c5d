//! Refusals: what a client reads, and what an administrator finds with the reference.

use jotgate_scenarios::{Backend, Cookie, Gateway, Keys};
use serde_json::json;

const MISSING: &str = "Could not authenticate the request: Expected an authentication header.";

async fn gateway() -> (Gateway, Backend) {
    let backend = Backend::echo().await;
    let gateway = Gateway::serve().await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    (gateway, backend)
}

#[tokio::test]
async fn a_request_without_credentials_reads_the_known_sentence_as_text() {
    let (gateway, backend) = gateway().await;
    let answer = gateway.client().get("/jwt/hub/").send().await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(answer.header("content-type"), "text/plain;charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    let reference = answer.reference();
    assert_eq!(
        answer.text(),
        format!("{MISSING}\nreason: credentials_missing\nreference: {reference}\n")
    );
    assert!(answer.cookies().is_empty());
    assert!(backend.received().is_empty());
}

#[tokio::test]
async fn a_program_that_reads_json_gets_problem_details() {
    let (gateway, _backend) = gateway().await;
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .accepts_json()
        .send()
        .await;
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (401, "Bearer")
    );
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(
        answer.json(),
        json!({
            "type": "urn:jotgate:reason:credentials_missing",
            "title": "Unauthorized",
            "status": 401,
            "detail": MISSING,
            "reason": "credentials_missing",
            "reference": answer.reference(),
        })
    );
}

#[tokio::test]
async fn a_browser_gets_a_page_that_runs_nothing_of_others() {
    let (gateway, _backend) = gateway().await;
    let request = gateway
        .client()
        .get("/jwt/hub/?'x'")
        .header("User-Agent", "<script>")
        .header("Referer", "<script>");
    let answer = request.accepts_html().send().await;
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (401, "Bearer")
    );
    assert_eq!(answer.header("content-type"), "text/html;charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(
        answer
            .header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    let text = answer.text();
    assert!(
        text.contains(MISSING) && text.contains("credentials_missing"),
        "{text}"
    );
    assert!(
        text.contains(&answer.reference()) && answer.reference().len() == 12,
        "{text}"
    );
    assert!(
        !text.contains("<script>") && !text.contains("'x'"),
        "{text}"
    );
}

#[tokio::test]
async fn the_reference_leads_to_the_line_of_the_access_log_with_phase_reason_and_detail() {
    let (gateway, _backend) = gateway().await;
    let expired = Keys::first().token().expires_in(-3600).sign();
    let requests = [
        (
            gateway.client().get("/jwt/hub/?secret=query"),
            "credentials_missing",
            "identify",
        ),
        (
            gateway.client().get("/jwt/hub/").bearer(&expired),
            "token_expired",
            "identify",
        ),
        (
            gateway.client().get("/nobody/hub/"),
            "prefix_unknown",
            "route",
        ),
        (
            gateway.client().get("/jwt/%2e%2e/"),
            "path_ambiguous",
            "sanitize",
        ),
        (
            gateway
                .client()
                .get("/jwt/hub/")
                .origin("https://evil.example"),
            "origin_not_allowed",
            "admit",
        ),
    ];
    for (request, reason, phase) in requests {
        let answer = request.accepts_json().send().await;
        assert_eq!(answer.reason(), reason);
        let line = gateway.access_line(&answer.reference()).await;
        assert_eq!(line["reason"], reason, "{line}");
        assert_eq!(line["phase"], phase, "{line}");
        assert_eq!(line["status"], answer.status, "{line}");
        assert_eq!(line["method"], "GET", "{line}");
        assert_eq!(line["client"], "127.0.0.1", "{line}");
        assert!(
            line["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{line}"
        );
        assert!(!line.to_string().contains("query"), "{line}");
    }
}

#[tokio::test]
async fn a_served_request_is_in_the_access_log_with_user_session_and_node() {
    let (gateway, backend) = gateway().await;
    let token = Keys::first().token().sign();
    assert_eq!(
        gateway
            .client()
            .get("/jwt/hub/?x=1")
            .bearer(&token)
            .send()
            .await
            .status,
        200
    );
    let find = async || {
        gateway
            .access_log()
            .into_iter()
            .find(|line| line["status"] == 200)
    };
    let line = jotgate_scenarios::eventually("the line of a served request", find).await;
    assert_eq!(line["phase"], "respond");
    assert_eq!(line["path"], "/jwt/hub/");
    assert_eq!(line["virtual_proxy"], "jwt");
    assert_eq!(line["user_directory"], "example");
    assert_eq!(line["user_id"], "boz");
    assert_eq!(
        line["session"].as_str(),
        backend.only().header("x-qlik-proxysession").as_deref()
    );
    assert!(
        line["node"]
            .as_str()
            .is_some_and(|node| node.starts_with("node "))
    );
}

#[tokio::test]
async fn every_unusable_token_is_a_401_that_says_invalid_token() {
    let (gateway, backend) = gateway().await;
    let keys = Keys::first();
    let good = keys.token().sign();
    let (head, signature) = good.rsplit_once('.').expect("a token");
    let unsigned = format!(
        "eyJhbGciOiJub25lIn0.{}.",
        head.split_once('.').expect("two parts").1
    );
    let tokens = [
        (keys.token().expires_in(-61).sign(), "token_expired"),
        (
            keys.token()
                .claim("nbf", jotgate_scenarios::now() + 600)
                .sign(),
            "token_not_yet_valid",
        ),
        (
            keys.token()
                .claim("iat", jotgate_scenarios::now() + 600)
                .sign(),
            "token_issued_in_future",
        ),
        (Keys::second().token().sign(), "signature_invalid"),
        (format!("{head}.{}", &signature[..100]), "token_truncated"),
        (head.to_owned(), "token_truncated"),
        (format!("{good}.x.y"), "token_encrypted"),
        ("garbage".to_owned(), "token_malformed"),
        (unsigned, "algorithm_not_allowed"),
        (
            keys.token()
                .algorithm(jotgate_scenarios::Algorithm::PS256)
                .sign(),
            "algorithm_not_allowed",
        ),
        (
            keys.token().header("crit", json!(["exp"])).sign(),
            "token_header_unsupported",
        ),
        (
            keys.token().claim("exp", "tomorrow").sign(),
            "claim_invalid",
        ),
        (keys.token().without("userId").sign(), "claim_missing"),
        (
            keys.token().claim("userId", json!({})).sign(),
            "claim_invalid",
        ),
        (
            keys.token().claim("userDirectory", "").sign(),
            "claim_invalid",
        ),
    ];
    for (token, reason) in tokens {
        let answer = gateway
            .client()
            .get("/jwt/hub/")
            .bearer(&token)
            .send()
            .await;
        assert_eq!(answer.status, 401, "{reason}");
        assert_eq!(
            answer.header("www-authenticate"),
            "Bearer error=\"invalid_token\"",
            "{reason}"
        );
        assert!(answer.cookies().is_empty(), "{reason}");
        let line = gateway.access_line(&answer.reference()).await;
        assert_eq!(answer.reason(), reason, "{line}");
        assert!(!answer.text().contains(&token) && !line.to_string().contains(&token));
    }
    assert!(backend.received().is_empty());
}

#[tokio::test]
async fn two_authorization_headers_are_refused_also_when_they_are_equal() {
    let (gateway, backend) = gateway().await;
    let token = Keys::first().token().sign();
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .bearer(&token)
        .send()
        .await;
    assert_eq!((answer.status, answer.reason()), (401, "token_ambiguous"));
    let two = format!("{token} {token}");
    let answer = gateway.client().get("/jwt/hub/").bearer(&two).send().await;
    assert_eq!(answer.status, 401);
    let lower = gateway
        .client()
        .get("/jwt/hub/")
        .header("authorization", format!("bearer {token}"))
        .send()
        .await;
    assert_eq!(
        lower.status, 200,
        "the scheme is compared in any case (RFC 9110 section 11.1)"
    );
    assert_eq!(backend.received().len(), 1);
}

#[tokio::test]
async fn unknown_and_unlinked_prefixes_get_the_same_answer() {
    let (gateway, backend) = gateway().await;
    gateway
        .qrs()
        .virtual_proxy("unlinked")
        .backend(&backend)
        .await
        .unlinked()
        .create()
        .await;
    let token = Keys::first().token().sign();
    let mut texts = Vec::new();
    for prefix in ["unlinked", "nobody"] {
        let answer = gateway
            .client()
            .get(&format!("/{prefix}/hub/"))
            .bearer(&token)
            .send()
            .await;
        assert_eq!((answer.status, answer.reason()), (400, "prefix_unknown"));
        assert_eq!(answer.header("www-authenticate"), "");
        let text = answer.text();
        assert!(
            text.starts_with("The http request header is incorrect\n"),
            "{text}"
        );
        texts.push(text.replace(&answer.reference(), ""));
        let line = gateway.access_line(&answer.reference()).await;
        let says_unlinked = line["detail"]
            .as_str()
            .expect("a detail")
            .contains("not linked");
        assert_eq!(says_unlinked, prefix == "unlinked", "{line}");
    }
    assert_eq!(texts[0], texts[1]);
    assert!(backend.received().is_empty());
}

#[tokio::test]
async fn prefixes_are_compared_exactly_and_by_whole_segments() {
    let (gateway, backend) = gateway().await;
    let token = Keys::first().token().sign();
    let send = async |path: &str| gateway.client().get(path).bearer(&token).send().await;
    for path in [
        "/jwt/hub/",
        "/jwt/HUB/x",
        "/jwt/anything?x",
        "/jwt/",
        "/jwt",
    ] {
        assert_eq!(send(path).await.status, 200, "{path}");
    }
    let served = backend.received().len();
    for path in [
        "/JWT/hub/",
        "/jwtadmin/hub/",
        "/jwt./hub/",
        "/jwt;x/hub/",
        "/xjwt/hub/",
        "/jw/hub/",
    ] {
        let answer = send(path).await;
        assert!(
            matches!(answer.reason(), "prefix_unknown" | "path_ambiguous"),
            "{path}: {answer:?}"
        );
    }
    // Without a reserved word they belong to the default virtual proxy, which takes no tokens.
    for path in ["/JWT/", "/jwtadmin", "/jwt.x/y", "/"] {
        assert_eq!(send(path).await.reason(), "credentials_missing", "{path}");
    }
    assert_eq!(backend.received().len(), served);
}

#[tokio::test]
async fn what_no_prefix_claims_belongs_to_the_default_virtual_proxy() {
    let backend = Backend::echo().await;
    let gateway = Gateway::serve()
        .setting("--backend", backend.uri())
        .first_start()
        .await;
    for path in ["/", "/hub/", "/qmc/x", "/some/where"] {
        let answer = gateway.client().get(path).send().await;
        assert_eq!(
            (answer.status, answer.reason()),
            (401, "credentials_missing"),
            "{path}"
        );
        let line = gateway.access_line(&answer.reference()).await;
        assert_eq!(line["virtual_proxy"], "", "{line}");
    }
    // A reserved word behind something that is no prefix was meant for a virtual proxy.
    let answer = gateway.client().get("/some/hub/").send().await;
    assert_eq!(answer.reason(), "prefix_unknown");
    // A made-up cookie does not help.
    let forged = Cookie::new("X-Qlik-Session", &"a".repeat(43));
    assert_eq!(
        gateway
            .client()
            .get("/")
            .cookie(&forged)
            .send()
            .await
            .reason(),
        "session_unknown"
    );
}
