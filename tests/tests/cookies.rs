//! The session cookie's attributes, exactly, and what becomes of cookies on their way.

use jotgate_scenarios::{Backend, Client, Cookie, Gateway, Keys, Reply};

#[derive(Clone, Copy)]
struct Case {
    https: (bool, u8),
    http: (bool, u8),
    domain: &'static str,
    partitioned: bool,
    expected_https: &'static str,
    expected_http: &'static str,
}

const CASES: [Case; 6] = [
    Case {
        https: (true, 2),
        http: (false, 0),
        domain: "",
        partitioned: false,
        expected_https: "; Path=/; HttpOnly; Secure; SameSite=Lax",
        expected_http: "; Path=/; HttpOnly",
    },
    Case {
        https: (true, 1),
        http: (false, 2),
        domain: "",
        partitioned: true,
        expected_https: "; Path=/; HttpOnly; Secure; SameSite=None; Partitioned",
        // A browser ignores a Partitioned cookie that is not Secure.
        expected_http: "; Path=/; HttpOnly; SameSite=Lax",
    },
    Case {
        https: (true, 3),
        http: (false, 3),
        domain: "example.com",
        partitioned: false,
        expected_https: "; Path=/; HttpOnly; Domain=example.com; Secure; SameSite=Strict",
        expected_http: "; Path=/; HttpOnly; Domain=example.com; SameSite=Strict",
    },
    Case {
        https: (true, 0),
        http: (false, 0),
        domain: "",
        partitioned: false,
        expected_https: "; Path=/; HttpOnly; Secure",
        expected_http: "; Path=/; HttpOnly",
    },
    Case {
        https: (false, 2),
        http: (true, 1),
        domain: "",
        partitioned: false,
        expected_https: "; Path=/; HttpOnly; SameSite=Lax",
        expected_http: "; Path=/; HttpOnly; Secure; SameSite=None",
    },
    Case {
        https: (false, 0),
        http: (false, 2),
        domain: "portal.example.com",
        partitioned: false,
        expected_https: "; Path=/; HttpOnly; Domain=portal.example.com",
        expected_http: "; Path=/; HttpOnly; Domain=portal.example.com; SameSite=Lax",
    },
];

async fn cookie(client: &Client, prefix: &str) -> Cookie {
    let token = Keys::first().token().sign();
    let answer = client
        .get(&format!("/{prefix}/hub/"))
        .bearer(&token)
        .send()
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.cookie()
}

#[tokio::test]
async fn attributes_are_as_configured_over_tls_and_over_plain_http() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    for (number, case) in CASES.into_iter().enumerate() {
        let prefix = format!("case{number}");
        let vp = gateway.qrs().virtual_proxy(&prefix).backend(&backend).await;
        vp.set("hasSecureAttributeHttps", case.https.0)
            .set("sameSiteAttributeHttps", case.https.1)
            .set("hasSecureAttributeHttp", case.http.0)
            .set("sameSiteAttributeHttp", case.http.1)
            .set("sessionCookieDomain", case.domain)
            .set("cookiePartitioned", case.partitioned)
            .create()
            .await;
        let https = cookie(&gateway.client(), &prefix).await;
        assert_eq!(https.name, format!("X-Qlik-Session-{prefix}"));
        assert_eq!(https.attributes, case.expected_https, "case {number}");
        let http = cookie(&gateway.plain_client(), &prefix).await;
        assert_eq!(http.name, format!("X-Qlik-Session-{prefix}-HTTP"));
        assert_eq!(http.attributes, case.expected_http, "case {number}");
    }
}

#[tokio::test]
async fn a_cookie_of_plain_http_is_not_taken_over_tls_and_the_other_way_round() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let (tls, plain) = (gateway.client(), gateway.plain_client());
    let over_tls = cookie(&tls, "jwt").await;
    let over_http = cookie(&plain, "jwt").await;
    let status = async |client: &Client, cookie: &Cookie| {
        client.get("/jwt/hub/").cookie(cookie).send().await.status
    };
    assert_eq!(status(&tls, &over_tls).await, 200);
    assert_eq!(status(&plain, &over_http).await, 200);
    assert_eq!(status(&tls, &over_http).await, 401);
    assert_eq!(status(&plain, &over_tls).await, 401);
}

#[tokio::test]
async fn the_backend_learns_whether_the_client_came_over_tls() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    for (client, secure, proto) in [
        (gateway.client(), "true", "https"),
        (gateway.plain_client(), "false", "http"),
    ] {
        cookie(&client, "jwt").await;
        let received = backend.last();
        let security = received.header("x-qlik-security").expect("a header");
        assert!(
            security.starts_with(&format!("SecureRequest={secure}; ")),
            "{security}"
        );
        assert_eq!(received.header("x-forwarded-proto").as_deref(), Some(proto));
    }
}

#[tokio::test]
async fn backends_get_foreign_cookies_and_none_of_ours() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    qrs.jwt_virtual_proxy("other", Keys::first(), &backend)
        .await;
    let own = cookie(&gateway.client(), "jwt").await;
    let jar = format!(
        "first=1; {}; X-Qlik-Session-other=abc; X-Qlik-Session-jwt-HTTP=def; X-Qlik-Session=ghi; \
         X-Qlik-Session-unknown=mine; last=\"q=2\"",
        own.pair()
    );
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .header("Cookie", jar)
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        backend.last().header("cookie").as_deref(),
        Some("first=1; X-Qlik-Session-unknown=mine; last=\"q=2\"")
    );
    // Split over two fields, as HTTP/2 gateways in front may send it.
    let request = gateway
        .client()
        .get("/jwt/hub/")
        .header("Cookie", "a=1")
        .cookie(&own)
        .header("Cookie", "b=2");
    assert_eq!(request.send().await.status, 200);
    assert_eq!(backend.last().headers("cookie").join("; "), "a=1; b=2");
    // Nothing is left: no field at all.
    gateway.client().get("/jwt/hub/").cookie(&own).send().await;
    assert_eq!(backend.last().header("cookie"), None);
}

#[tokio::test]
async fn a_backend_can_set_its_own_cookies_and_none_of_ours() {
    let backend = Backend::answering(|_| {
        let fields = [
            ("Set-Cookie", "mine=1; Path=/"),
            ("Set-Cookie", "X-Qlik-Session-jwt=planted; Path=/"),
            ("Set-Cookie", " X-Qlik-Session-other=planted"),
            ("Set-Cookie", "X-Qlik-Session-jwt-HTTP=planted"),
            ("Set-Cookie", "second=2"),
        ];
        Reply::new(200, &fields, "hello")
    })
    .await;
    let gateway = Gateway::serve().await;
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    qrs.jwt_virtual_proxy("other", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    let names: Vec<String> = answer
        .cookies()
        .into_iter()
        .map(|cookie| cookie.name)
        .collect();
    assert_eq!(names, ["mine", "second", "X-Qlik-Session-jwt"]);
    assert!(
        answer
            .cookies()
            .iter()
            .all(|cookie| cookie.value != "planted")
    );
}
