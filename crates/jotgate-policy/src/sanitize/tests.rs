use http::Request;
use proptest::prelude::*;

use super::*;

fn reason(result: Result<impl std::fmt::Debug, Refusal>) -> Option<Reason> {
    result.err().map(|refusal| refusal.reason)
}

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in list {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            value.parse().unwrap(),
        );
    }
    map
}

#[test]
fn exactly_one_host() {
    let of = |target: &str, hosts: &[(&'static str, &str)]| {
        host(&target.parse().unwrap(), &headers(hosts))
    };
    assert_eq!(of("/", &[("host", "a:8443")]).unwrap().as_str(), "a:8443");
    // Line P4: a target with an authority, as proxies get it.
    assert_eq!(of("http://a/x", &[("host", "A")]).unwrap().as_str(), "a");
    assert_eq!(of("http://a/x", &[]).unwrap().as_str(), "a");
    assert_eq!(
        reason(of("http://a/x", &[("host", "good")])),
        Some(Reason::HostInvalid)
    );
    for bad in [
        &[] as &[_],
        &[("host", "a"), ("host", "a")],
        &[("host", "")],
        &[("host", "a b")],
        &[("host", "u@a")],
        &[("host", "a:")],
        &[("host", "a:99999")],
        &[("host", "a,b")],
        &[("host", "[::1];:80")],
    ] {
        assert_eq!(reason(of("/", bad)), Some(Reason::HostInvalid), "{bad:?}");
    }
}

#[test]
fn framing_and_methods_that_cannot_be_forwarded() {
    let check = |method: &str, target: &str, list: &[(&'static str, &str)]| {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .body(())
            .unwrap();
        reason(message(
            request.method(),
            request.uri(),
            Version::HTTP_11,
            &headers(list),
        ))
    };
    assert_eq!(check("GET", "/", &[]), None);
    assert_eq!(
        check("POST", "/", &[("transfer-encoding", "Chunked")]),
        None
    );
    let malformed = Some(Reason::RequestMalformed);
    assert_eq!(check("CONNECT", "a:443", &[]), malformed);
    assert_eq!(check("TRACE", "/", &[]), malformed);
    assert_eq!(check("OPTIONS", "*", &[]), malformed);
    assert_eq!(
        check("POST", "/", &[("transfer-encoding", "identity, chunked")]),
        malformed
    );
    assert_eq!(
        check(
            "POST",
            "/",
            &[
                ("transfer-encoding", "chunked"),
                ("transfer-encoding", "chunked")
            ]
        ),
        malformed
    );
}

/// Line P1 of the hostile inputs and its neighbours.
#[test]
fn ambiguous_paths() {
    for good in [
        "/",
        "/jwt/hub/",
        "/jwt/app/%3Ftransient%3D",
        "/jwt/app/engineData&qlik-csrf-token=x",
        "/jwt/a//b",
        "/jwt/a%2Fb",
        "/jwt/a;x=1/b",
        "/jwt/...",
        "/jwt/%25%32%66",
        "/a.b/c",
        "/.well-known/x",
    ] {
        assert_eq!(reason(path(good)), None, "{good}");
    }
    for bad in [
        "/jwt/../other/",
        "/jwt/%2e%2e/",
        "/jwt/%2E./x",
        "/jwt/.",
        "/jwt%2f..%2f",
        "/jwt%2fhub",
        "/jwt%5chub",
        "/jwt/..%5c..",
        "//jwt",
        "/jwt;x=1/..",
        "/jwt/..;/",
        "/jwt/..;x=1/",
        "/jwt/%00",
        "/jwt/a%2f..%2fb",
        "/jwt/%",
        "/jwt/%2",
        "/jwt/%zz",
        "/%6awt/hub",
        "/jwt/a\\b",
        "/jwt/%2e%2e%2f",
        "/jwt/%c0%ae%c0%ae/x",
        "/jwt/%e0%80%af",
        "/jwt/%f0%80%80%af",
        "/jwt/%c1%b1mc",
    ] {
        assert_eq!(reason(path(bad)), Some(Reason::PathAmbiguous), "{bad}");
    }
}

/// Lines S1 to S4.
#[test]
fn client_copies_of_injected_headers_are_removed() {
    let own = [HeaderName::from_static("x-webauth-user")];
    let mut map = headers(&[
        ("X-Qlik-User", "a"),
        ("x-qlik-user", "b"),
        ("X_Qlik_User", "c"),
        ("x.forwarded~for", "d"),
        ("Forwarded", "e"),
        ("X_WEBAUTH_USER", "f"),
        ("Accept", "g"),
        ("X-Qlik-Xrfkey", "h"),
        ("Connection", "Accept-Language, x-custom"),
        ("X-Custom", "i"),
        ("TE", "trailers"),
        ("Keep-Alive", "1"),
        ("Content_Length", "500"),
        ("Transfer.Encoding", "chunked"),
        ("X-HTTP-Method", "DELETE"),
    ]);
    strip_request_headers(&mut map, own.iter());
    let mut left: Vec<_> = map.keys().map(HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, ["accept", "te", "x-qlik-xrfkey"]);
}

proptest! {
    #[test]
    fn no_accepted_path_navigates_after_decoding(text in "/[a-z%0-9./\\\\;]{0,24}") {
        if path(&text).is_ok() {
            let decoded = decode(&text).unwrap();
            let dots = decoded.split(|b| matches!(b, b'/' | b'\\')).any(|s| s == b"." || s == b"..");
            prop_assert!(!dots, "{text}");
        }
    }
}
