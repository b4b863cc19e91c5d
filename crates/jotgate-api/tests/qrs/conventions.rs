//! What holds for every address.

use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use http::{HeaderValue, Method, Request};
use jotgate_api::{Build, qrs_router};
use jotgate_manage::{Actor, ActorKind, Privilege};
use serde_json::json;
use tower::ServiceExt;

use crate::site::{KEY, Site, clock};

#[tokio::test]
async fn addresses_and_parameters_count_in_any_case() {
    let site = Site::new().await;
    let id = site.local_id("proxyService").await;
    for address in [
        "/qrs/about",
        "/QRS/About/",
        "/qrs//virtualproxyconfig/",
        "/qrs/VirtualProxyConfig/FULL",
        "/qrs/virtualProxyConfig/count?FILTER=prefix%20eq%20''",
        &format!("/qrs/proxyService/{}", id.to_uppercase()),
    ] {
        assert_eq!(site.get(address).await.status, 200, "{address}");
    }
}

#[tokio::test]
async fn every_request_needs_the_xrfkey() {
    let site = Site::new().await;
    let refused = (
        403,
        "XSRF prevention check failed. Possible XSRF discovered.".to_owned(),
    );
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
        let answer = site
            .send(method, "/qrs/virtualproxyconfig", "{", |request| {
                request.headers_mut().remove("x-qlik-xrfkey");
            })
            .await;
        assert_eq!(answer.refusal(), refused);
    }
    let other = site
        .send(Method::GET, "/qrs/about", "", |request| {
            let other = HeaderValue::from_static("abcdefghijklmnoP");
            request.headers_mut().insert("x-qlik-xrfkey", other);
        })
        .await;
    assert_eq!(other.refusal(), refused);
    for query in ["", "?xrfkey=short", "?xrfkey"] {
        let none = site
            .send(Method::GET, "/qrs/about", "", |request| {
                *request.uri_mut() = format!("/qrs/about{query}").parse().unwrap();
            })
            .await;
        assert_eq!(none.refusal(), refused, "{query}");
    }
}

#[tokio::test]
async fn the_xrfkey_may_come_first_and_in_any_case() {
    let site = Site::new().await;
    for address in [
        format!("/qrs/virtualproxyconfig?Xrfkey={KEY}&filter=prefix+eq+''"),
        format!("/qrs/virtualproxyconfig?filter=prefix+eq+''&XRFKEY={KEY}"),
    ] {
        let answer = site
            .send(Method::GET, "/", "", |request| {
                *request.uri_mut() = address.parse().unwrap();
            })
            .await;
        assert_eq!(answer.status, 200, "{address}");
    }
}

#[tokio::test]
async fn somebody_must_be_named() {
    let site = Site::new().await;
    let nobody = site
        .send(Method::GET, "/qrs/about", "", |request| {
            request.headers_mut().remove("x-qlik-user");
        })
        .await;
    insta::assert_debug_snapshot!(nobody.refusal());
    let malformed = site
        .send(Method::GET, "/qrs/about", "", |request| {
            let colons = HeaderValue::from_static("UserDirectory:a;UserId:b");
            request.headers_mut().insert("x-qlik-user", colons);
        })
        .await;
    assert_eq!(malformed.refusal(), nobody.refusal());
}

#[tokio::test]
async fn changes_are_made_in_the_name_of_the_user() {
    let site = Site::new().await;
    let body = json!({"prefix": "a", "sessionCookieHeaderName": "A"});
    let answer = site
        .send(
            Method::POST,
            "/qrs/virtualproxyconfig",
            body.to_string(),
            |request| {
                let name = HeaderValue::from_static("userid=j%C3%B6rg;USERDIRECTORY= Portal");
                request.headers_mut().insert("x-qlik-user", name);
                let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
                request.extensions_mut().insert(peer);
            },
        )
        .await;
    assert_eq!(answer.json()["modifiedByUserName"], r"Portal\jörg");
}

/// Behind a virtual proxy another layer says who asks; the client's own header counts for nothing.
#[tokio::test]
async fn the_router_alone_takes_the_actor_from_its_layer() {
    let site = Site::new().await;
    let build = Build {
        version: Build::INTERFACE_VERSION,
        date: clock(),
    };
    let router = qrs_router(site.management.clone(), clock, build, None);
    let request = || {
        Request::get(format!("/qrs/about?xrfkey={KEY}"))
            .header("x-qlik-xrfkey", KEY)
            .header("x-qlik-user", "UserDirectory=INTERNAL;UserId=sa_repository")
            .body(Body::empty())
            .unwrap()
    };
    let answer = router.clone().oneshot(request()).await.unwrap();
    assert_eq!(answer.status(), 403);
    let mut named = request();
    named.extensions_mut().insert(Actor {
        name: r"EXAMPLE\boz".to_owned(),
        kind: ActorKind::Certificate,
        source: "192.0.2.7".to_owned(),
        privilege: Privilege::RootAdmin,
    });
    assert_eq!(router.oneshot(named).await.unwrap().status(), 200);
}

#[tokio::test]
async fn answers_are_not_kept_and_not_guessed() {
    let site = Site::new().await;
    for address in ["/qrs/about", "/qrs/nothing"] {
        let answer = site.get(address).await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_404() {
    let site = Site::new().await;
    for address in [
        "/qrs/nothing",
        "/qrs",
        "/",
        "/qrs/virtualproxyconfig/full/x",
    ] {
        let (status, _) = site.get(address).await.refusal();
        assert_eq!(status, 404, "{address}");
    }
}

#[tokio::test]
async fn other_methods_are_405() {
    let site = Site::new().await;
    let id = site.local_id("proxyservice").await;
    for (method, address, allow) in [
        (Method::POST, "/qrs/about".to_owned(), "GET, HEAD"),
        (
            Method::PUT,
            "/qrs/virtualproxyconfig".to_owned(),
            "GET, HEAD, POST",
        ),
        (Method::POST, "/qrs/proxyservice".to_owned(), "GET, HEAD"),
        (
            Method::DELETE,
            format!("/qrs/proxyservice/{id}"),
            "GET, HEAD, POST, PUT",
        ),
        (
            Method::PATCH,
            format!("/qrs/virtualproxyconfig/{id}"),
            "DELETE, GET, HEAD, PUT",
        ),
    ] {
        let answer = site.send(method, &address, "{}", |_| {}).await;
        assert_eq!(answer.refusal().0, 405, "{address}");
        assert_eq!(answer.headers["allow"], allow, "{address}");
    }
}

#[tokio::test]
async fn bodies_are_json_objects_of_a_bearable_length() {
    let site = Site::new().await;
    let long = format!("{{\"description\": \"{}\"}}", "a".repeat(1024 * 1024));
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        ("null", 400),
        ("{\"prefix\": \"a\u{0}\"}", 400),
        (long.as_str(), 413),
    ] {
        let body = body.to_owned();
        let answer = site
            .send(
                Method::POST,
                "/qrs/virtualproxyconfig",
                body.clone(),
                |_| {},
            )
            .await;
        assert_eq!(answer.refusal().0, status, "{body:.40}");
    }
    assert_eq!(site.read("/qrs/virtualproxyconfig/count").await["value"], 1);
}

/// qrs-interact sends its bodies chunked, without a Content-Type.
#[tokio::test]
async fn bodies_may_come_in_pieces_and_without_a_type() {
    let site = Site::new().await;
    let text = json!({"prefix": "a", "sessionCookieHeaderName": "A"}).to_string();
    let pieces: Vec<_> = text.bytes().map(|byte| Bytes::from(vec![byte])).collect();
    let body = Body::new(Pieces(pieces.into()));
    let answer = site
        .send(Method::POST, "/qrs/virtualproxyconfig", body, |_| {})
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}

struct Pieces(std::collections::VecDeque<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        let next = self.0.pop_front();
        std::task::Poll::Ready(next.map(|piece| Ok(http_body::Frame::data(piece))))
    }
}
