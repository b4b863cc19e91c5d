//! QPS: sessions, users and tickets. Nothing of it is served yet; the port answers that.

use axum::Router;
use http::StatusCode;

/// QPS for callers that showed an administrator's client certificate (port 4243).
pub fn qps_router() -> Router {
    let answer = (
        StatusCode::NOT_FOUND,
        "QPS is not served by this version of Jotgate\n",
    );
    Router::new().fallback(move || async move { answer })
}
