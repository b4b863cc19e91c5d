//! The hub's HTTP calls.

use http::StatusCode;
use serde_json::json;

use crate::support::{SIGNED_IN, answer, get, json_body};

#[tokio::test]
async fn the_user_is_the_one_of_the_request() {
    let body = json_body(answer(get("/api/hub/v1/user/info?xrfkey=x", &SIGNED_IN)).await).await;
    let record = &body["data"][0];
    assert_eq!(record["type"], "User");
    assert_eq!(record["id"].as_str().unwrap().len(), 36);
    let attributes = json!({
        "name": "ann@example.com",
        "userId": "ann@example.com",
        "userDirectory": "QT",
        "privileges": ["create", "read", "update", "delete", "changerole"],
    });
    assert_eq!(record["attributes"], attributes);
    assert_eq!(body["links"]["self"], "/user/info/");
}

#[tokio::test]
async fn without_a_user_there_is_no_user_info() {
    let response = answer(get("/api/hub/v1/user/info", &[])).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(json_body(response).await["error"], "no_user");
}

#[tokio::test]
async fn lists_are_empty() {
    for list in [
        "reports",
        "qvdocuments",
        "properties",
        "externalproductsignons",
        "streams",
        "apps/favorites",
        "apps/user",
        "apps/stream/myspace",
        "privileges",
        "insight-advisor-chat/license",
        "custombannermessages",
    ] {
        let response = answer(get(&format!("/api/hub/v1/{list}"), &SIGNED_IN)).await;
        assert_eq!(json_body(response).await, json!({ "data": [] }), "{list}");
    }
}

#[tokio::test]
async fn the_other_calls_have_their_shapes() {
    let about = json_body(answer(get("/api/hub/about", &SIGNED_IN)).await).await;
    assert_eq!(about["links"]["self"], "/about/");
    assert_eq!(about["data"][0]["mode"], "enterprise");
    assert!(about["data"][0]["version"]["full"].is_string());

    let link = json_body(answer(get("/api/hub/v1/desktoplink", &SIGNED_IN)).await).await;
    assert_eq!(link["data"][0]["type"], "desktoplink");
    assert_eq!(link["data"][0]["attributes"]["magicLinkHostUri"], "");

    for path in ["/api/about/v1/language", "/api/capability/v1/list"] {
        assert_eq!(
            json_body(answer(get(path, &SIGNED_IN)).await).await,
            json!([]),
            "{path}"
        );
    }
    let settings = answer(get("/qrs/datacollection/settings?xrfkey=x", &SIGNED_IN)).await;
    assert_eq!(json_body(settings).await, json!({}));
}

#[tokio::test]
async fn unknown_calls_are_not_found() {
    let response = answer(get("/api/hub/v1/nonsense", &SIGNED_IN)).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}
