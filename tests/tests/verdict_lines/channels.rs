//! The same verdict over HTTP/2, at the handshake of a WebSocket, and for every method.

use http::{HeaderMap, HeaderValue};
use jotgate_scenarios::{Algorithm, Keys};

use crate::forge::{HEADER, claims, hmac_token, segment, with_header, with_payload};
use crate::judged::{Judged, SERVED};

/// One of each kind.
fn tokens() -> Vec<(&'static str, String, &'static str)> {
    let keys = Keys::first();
    let good = keys.token().sign();
    let none = segment(r#"{"alg":"none"}"#);
    vec![
        ("good", good.clone(), SERVED),
        (
            "none",
            format!("{none}.{}.", segment(claims())),
            "algorithm_not_allowed",
        ),
        (
            "HMAC",
            hmac_token("HS256", keys.public_key().as_bytes()),
            "algorithm_not_allowed",
        ),
        (
            "PS256",
            keys.token().algorithm(Algorithm::PS256).sign(),
            "algorithm_not_allowed",
        ),
        ("forged", Keys::second().token().sign(), "signature_invalid"),
        ("cut", good[..good.len() - 20].to_owned(), "token_truncated"),
        ("encrypted", format!("{good}.AA.AA"), "token_encrypted"),
        (
            "crit",
            with_header(r#"{"alg":"RS256","crit":["x"]}"#),
            "token_header_unsupported",
        ),
        ("array", with_payload("[]"), "token_malformed"),
        (
            "expired",
            keys.token().expires_in(-100).sign(),
            "token_expired",
        ),
        (
            "exp as text",
            keys.token().claim("exp", "9999999999").sign(),
            "claim_invalid",
        ),
        ("nobody", with_payload("{}"), "claim_missing"),
        ("Bearer twice", format!("Bearer {good}"), "token_malformed"),
        ("two", format!("{good},{good}"), "token_ambiguous"),
    ]
}

#[tokio::test]
async fn http_2_is_judged_as_http_1_is() {
    let site = Judged::new().await;
    let client = site.gateway.client();
    let connection = client.http2().await;
    for (what, token, expected) in tokens() {
        let request = client.get("/jwt/hub/").bearer(&token);
        let answer = connection.send(request, None).await.expect("an answer");
        let found = match answer.status {
            200 => SERVED,
            status => {
                assert_eq!(status, 401, "{what}: {}", answer.text());
                answer.reason()
            }
        };
        assert_eq!(found, expected, "{what}");
    }
    let good = Keys::first().token().sign();
    let twice = client.get("/jwt/hub/").bearer(&good).bearer(&good);
    let answer = connection.send(twice, None).await.expect("an answer");
    assert_eq!((answer.status, answer.reason()), (401, "token_ambiguous"));
    let mut trailers = HeaderMap::new();
    let field = HeaderValue::from_str(&format!("Bearer {good}")).expect("a value");
    trailers.insert("authorization", field);
    let post = client.post("/jwt/hub/").body("x");
    let answer = connection
        .send(post, Some(trailers))
        .await
        .expect("an answer");
    assert_eq!(
        (answer.status, answer.reason()),
        (401, "credentials_missing")
    );
    assert_eq!(
        site.backend.received().len(),
        1,
        "only the good one got through"
    );
}

#[tokio::test]
async fn a_websocket_is_judged_as_a_request_is() {
    let site = Judged::new().await;
    for (what, token, expected) in tokens() {
        let request = site.client().get("/jwt/app/engineData").bearer(&token);
        let found = match request.open_socket().await {
            Ok(_) => SERVED.to_owned(),
            Err(answer) => {
                assert_eq!(answer.status, 401, "{what}: {}", answer.text());
                answer.reason().to_owned()
            }
        };
        assert_eq!(found, expected, "{what}");
    }
    // A token in the address, or where some programs put it in the handshake, is none.
    let good = Keys::first().token().sign();
    let target = format!("/jwt/app/engineData?access_token={good}");
    let protocol = site.client().get("/jwt/app/engineData");
    let protocol = protocol.header("Sec-WebSocket-Protocol", format!("bearer, {good}"));
    for request in [site.client().get(&target), protocol] {
        let refused = request.open_socket().await.err().expect("no socket");
        assert_eq!(
            (refused.status, refused.reason()),
            (401, "credentials_missing")
        );
    }
    assert_eq!(
        site.backend.received().len(),
        1,
        "only the good one got through"
    );
}

#[tokio::test]
async fn no_method_is_let_through_without_a_good_token() {
    let site = Judged::new().await;
    let forged = Keys::second().token().sign();
    let good = Keys::first().token().sign();
    let mut rows = Vec::new();
    for method in [
        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get", "TRACK",
    ] {
        let request = || site.client().request(method, "/jwt/hub/");
        rows.push((format!("{method}, none"), request(), "credentials_missing"));
        rows.push((
            format!("{method}, forged"),
            request().bearer(&forged),
            "signature_invalid",
        ));
        rows.push((format!("{method}, good"), request().bearer(&good), SERVED));
        let overridden = request()
            .header("X-HTTP-Method-Override", "OPTIONS")
            .bearer(&forged);
        rows.push((
            format!("{method}, overridden"),
            overridden,
            "signature_invalid",
        ));
    }
    site.requests(rows).await;
    let unsigned = Keys::second().sign(Algorithm::RS256, HEADER.as_bytes(), claims().as_bytes());
    let head = site
        .client()
        .request("HEAD", "/jwt/hub/")
        .bearer(&unsigned)
        .send()
        .await;
    assert_eq!((head.status, head.reason()), (401, "signature_invalid"));
    assert!(head.body.is_empty());
}
