//! Where a body ends.

use std::time::Duration;

use jotgate_scenarios::Backend;

use super::{HIDDEN, Site};

#[tokio::test]
async fn requests_without_one_clear_end_are_refused_and_the_connection_is_closed() {
    let site = Site::new(Backend::echo().await).await;
    let chunked = format!("0\r\n\r\n{HIDDEN}");
    let fields = [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5;\r\n",
        "Content-Length:\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length : 5\r\n",
        " Transfer-Encoding: chunked\r\n",
        "X: y\r\n Transfer-Encoding: chunked\r\n",
        "Transfer\0-Encoding: chunked\r\n",
        "X: y\0z\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding\r\n",
        ": chunked\r\n",
    ];
    for (number, fields) in fields.into_iter().enumerate() {
        let request = format!("POST /jwt/case/{number} HTTP/1.1\r\n%FIELDS%{fields}\r\n{chunked}");
        let (statuses, closed, received) = site.send(&request).await;
        assert_eq!(
            statuses.first(),
            Some(&400),
            "{fields:?}: {statuses:?} {received:?}"
        );
        assert_eq!(statuses.len(), 1, "{fields:?}: nothing after it is read");
        assert!(closed, "{fields:?}");
        assert!(received.is_empty(), "{fields:?}: {received:?}");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_does_not_reach_the_backend() {
    let site = Site::new(Backend::echo().await).await;
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ] {
        let body = format!("3\r\nabc\r\n0\r\n\r\n{HIDDEN}");
        let (statuses, closed, received) = site
            .send(&format!(
                "POST /jwt/x HTTP/1.1\r\n%FIELDS%{fields}\r\n{body}"
            ))
            .await;
        // RFC 9112 section 6.1: it may be refused, or read by its chunks alone; the connection is closed
        // either way, so that nobody can disagree about where the next request begins.
        assert!(closed, "{fields:?}: {statuses:?}");
        match statuses.as_slice() {
            [400] => assert!(received.is_empty(), "{received:?}"),
            [200] => {
                assert_eq!(received[0].headers("transfer-encoding"), ["chunked"]);
                assert_eq!(received[0].header("content-length"), None);
                assert_eq!(received[0].body, b"abc");
            }
            other => panic!("{fields:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn chunked_in_http_1_0_is_refused() {
    let site = Site::new(Backend::echo().await).await;
    let request = format!(
        "POST /jwt/old HTTP/1.0\r\n%FIELDS%Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"
    );
    let (statuses, closed, received) = site.send(&request).await;
    assert_eq!((statuses.as_slice(), closed), (&[400][..], true));
    assert!(received.is_empty(), "{received:?}");
}

#[tokio::test]
async fn broken_chunks_never_become_a_whole_body() {
    let site = Site::new(Backend::echo().await).await;
    let bodies = [
        "5\r\nabc\r\n0\r\n\r\n",
        "5\nabcde\r\n0\r\n\r\n",
        "g\r\nabc\r\n0\r\n\r\n",
        "-1\r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        " 3\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabcX\r0\r\n\r\n",
        "3;x=\"\n\"\r\nabc\r\n0\r\n\r\n",
        "3;x\nabc\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nabc",
        "3\r\rabc\r\n0\r\n\r\n",
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        let head = format!(
            "POST /jwt/chunks/{number} HTTP/1.1\r\n%FIELDS%Transfer-Encoding: chunked\r\n\r\n"
        );
        let (statuses, closed, _) = site.send(&format!("{head}{body}{HIDDEN}")).await;
        assert!(closed, "{body:?}: {statuses:?}");
        assert!(
            matches!(statuses.as_slice(), [] | [400]),
            "{body:?}: {statuses:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
        let whole =
            site.backend.received().into_iter().find(|request| {
                request.complete && request.target() == format!("/chunks/{number}")
            });
        assert!(whole.is_none(), "{body:?}: {whole:?}");
    }
}

#[tokio::test]
async fn extensions_of_chunks_end_at_the_gateway() {
    let site = Site::new(Backend::echo().await).await;
    let head = "POST /jwt/extensions HTTP/1.1\r\n%FIELDS%Transfer-Encoding: chunked\r\n\r\n";
    let (statuses, _, received) = site
        .send(&format!("{head}3;a=b;c=\"d\"\r\nabc\r\n0;e\r\n\r\n"))
        .await;
    if statuses == [200] {
        assert_eq!(received[0].body, b"abc");
        assert!(
            !String::from_utf8_lossy(&received[0].raw_body).contains(';'),
            "{received:?}"
        );
    } else {
        assert_eq!((statuses.as_slice(), received.len()), (&[400][..], 0));
    }
}

#[tokio::test]
async fn equal_content_lengths_reach_the_backend_as_one() {
    let site = Site::new(Backend::echo().await).await;
    for fields in [
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 3, 3\r\n",
        "Content-Length: 003\r\n",
    ] {
        let (statuses, closed, received) = site
            .send(&format!(
                "POST /jwt/x HTTP/1.1\r\n%FIELDS%{fields}\r\nabc{HIDDEN}"
            ))
            .await;
        match statuses.as_slice() {
            // RFC 9110 section 8.6 lets a recipient refuse it ...
            [400] => assert!(closed && received.is_empty(), "{fields:?}"),
            // ... or take it for one. The bytes that follow are a request of their own, without a session.
            [200, 401] => assert_eq!(received[0].headers("content-length"), ["3"], "{fields:?}"),
            other => panic!("{fields:?}: {other:?}"),
        }
    }
}
