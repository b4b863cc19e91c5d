//! The HTTP calls that a hub makes when it opens, with bodies like those of the real one.
//!
//! The list of calls is the one that Qlik's load test tool makes in its "open hub" action; lists
//! are empty, because the demo's apps are reached through the engine. `/qps/...` is missing on
//! purpose: the gateway answers it.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::Router;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::identity::{Caller, User};

/// Calls whose answer is a list, and whose list is empty here.
const EMPTY_LISTS: [&str; 11] = [
    "/api/hub/v1/reports",
    "/api/hub/v1/qvdocuments",
    "/api/hub/v1/properties",
    "/api/hub/v1/externalproductsignons",
    "/api/hub/v1/streams",
    "/api/hub/v1/apps/favorites",
    "/api/hub/v1/apps/user",
    "/api/hub/v1/apps/stream/myspace",
    "/api/hub/v1/privileges",
    "/api/hub/v1/insight-advisor-chat/license",
    "/api/hub/v1/custombannermessages",
];

pub(crate) fn routes() -> Router {
    let calls = Router::new()
        .route("/api/hub/about", get(|| async { Json(about()) }))
        .route("/api/hub/v1/user/info", get(user_info))
        .route(
            "/api/hub/v1/desktoplink",
            get(|| async { Json(desktop_link()) }),
        )
        .route("/api/about/v1/language", get(|| async { Json(json!([])) }))
        .route("/api/capability/v1/list", get(|| async { Json(json!([])) }))
        .route(
            "/qrs/datacollection/settings",
            get(|| async { Json(json!({})) }),
        );
    EMPTY_LISTS.iter().fold(calls, |calls, path| {
        calls.route(path, get(|| async { Json(json!({ "data": [] })) }))
    })
}

fn about() -> Value {
    json!({
        "links": { "self": "/about/" },
        "data": [{ "version": { "full": env!("CARGO_PKG_VERSION") }, "mode": "enterprise" }],
    })
}

/// The virtual proxy's client authentication link, which the demo does not set.
fn desktop_link() -> Value {
    json!({
        "links": { "self": "/desktoplink/" },
        "data": [{
            "id": null,
            "type": "desktoplink",
            "attributes": { "magicLinkHostUri": "", "magicLinkFriendlyName": "" },
        }],
    })
}

async fn user_info(caller: Caller) -> Response {
    let Some(user) = caller.user else {
        let body =
            json!({ "error": "no_user", "message": "The request came without X-Qlik-User." });
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    };
    Json(json!({
        "data": [{
            "type": "User",
            "id": record_id(&user),
            "attributes": {
                "name": user.id,
                "userId": user.id,
                "userDirectory": user.directory,
                "privileges": ["create", "read", "update", "delete", "changerole"],
            },
        }],
        "links": { "self": "/user/info/" },
    }))
    .into_response()
}

/// An id that looks like a record's, the same for the same user.
fn record_id(user: &User) -> Uuid {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, user).hash(&mut hasher);
        hasher.finish()
    };
    let bits = (u128::from(half(0)) << 64) | u128::from(half(1));
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_ids_are_stable_and_different() {
        let user = |id: &str| User {
            id: id.into(),
            directory: "QT".into(),
        };
        assert_eq!(record_id(&user("ann")), record_id(&user("ann")));
        assert_ne!(record_id(&user("ann")), record_id(&user("bob")));
        assert_eq!(record_id(&user("ann")).get_version_num(), 4);
    }
}
