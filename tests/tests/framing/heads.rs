//! Request lines, line ends and hosts.

use jotgate_scenarios::Backend;

use super::Site;

#[tokio::test]
async fn request_lines_that_are_none_are_refused() {
    let site = Site::new(Backend::echo().await).await;
    let lines = [
        "GET /jwt/x",
        "GET  /jwt/x HTTP/1.1",
        "GET /jwt/x  HTTP/1.1",
        "GET /jwt/x y HTTP/1.1",
        "GET\t/jwt/x HTTP/1.1",
        "GET /jwt/x HTTP/1.2",
        "GET /jwt/x HTTP/2.0",
        "GET /jwt/x HTTP/1.1x",
        "G@T /jwt/x HTTP/1.1",
        "GET /jwt/\0 HTTP/1.1",
        "GET /jwt/x\r HTTP/1.1",
        "/jwt/x",
    ];
    for line in lines {
        let (statuses, closed, received) = site.send(&format!("{line}\r\n%FIELDS%\r\n")).await;
        assert!(
            matches!(statuses.as_slice(), [400 | 505]),
            "{line:?}: {statuses:?}"
        );
        assert!(closed && received.is_empty(), "{line:?}: {received:?}");
    }
}

#[tokio::test]
async fn bare_line_feeds_do_not_hide_a_field_from_one_of_two_readers() {
    let site = Site::new(Backend::echo().await).await;
    let requests = [
        "GET /jwt/x HTTP/1.1\n%FIELDS%\r\n",
        "GET /jwt/x HTTP/1.1\r\n%FIELDS%X-Own: a\nX-Qlik-User: forged\r\n\r\n",
        "GET /jwt/x HTTP/1.1\r\n%FIELDS%X-Own: a\n\r\n",
        "GET /jwt/x HTTP/1.1\r\n%FIELDS%\n",
    ];
    for request in requests {
        let (statuses, closed, received) = site.send(request).await;
        match statuses.as_slice() {
            [400] => assert!(closed && received.is_empty(), "{request:?}"),
            // RFC 9112 section 2.2 lets a recipient take a line feed for a line end. The backend must
            // then read what the gateway read: a field of its own, which is judged and removed.
            [200] => assert!(
                !received[0].text().contains("forged"),
                "{request:?}: {received:?}"
            ),
            other => panic!("{request:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn hosts_are_one_and_valid() {
    let site = Site::new(Backend::echo().await).await;
    let cookie = site.cookie.pair();
    for hosts in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nHost: b\r\n",
        "Host: a b\r\n",
        "Host: a/b\r\n",
        "Host: u@a\r\n",
        "Host: a:b\r\n",
        "Host: a,b\r\n",
        "Host:\r\n",
        "Host: a:99999\r\n",
    ] {
        let request = format!("GET /jwt/x HTTP/1.1\r\n{hosts}Cookie: {cookie}\r\n\r\n");
        let (statuses, _, received) = site.send(&request).await;
        assert_eq!(statuses, [400], "{hosts:?}");
        assert!(received.is_empty(), "{hosts:?}: {received:?}");
    }
    for host in ["a", "a.example:8443", "127.0.0.1", "[::1]:443", "A.Example"] {
        let request = format!("GET /jwt/x HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n");
        let (statuses, _, received) = site.send(&request).await;
        assert_eq!(statuses, [200], "{host}");
        assert_eq!(received[0].header("host").as_deref(), Some(host));
    }
}
