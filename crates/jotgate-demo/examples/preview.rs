//! The hub page without a gateway, for work on its looks: `cargo run -p jotgate-demo --example
//! preview`, then open <http://127.0.0.1:9099/jwt/hub/>.
//!
//! It plays the gateway's part as far as the page needs it: the prefix, the injected headers, and
//! the three endpoints that the page's script calls. It authenticates nobody.

use axum::Router;
use axum::extract::Request;
use axum::middleware::map_request;
use axum::response::{IntoResponse, Json};
use axum::routing::{delete, get};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

const INJECTED: [(&str, &str); 10] = [
    (
        "x-qlik-user",
        "UserDirectory=ACME; UserId=ann.lindqvist%40acme.example",
    ),
    (
        "x-qlik-security",
        "SecureRequest=true; Context=AppAccess; email=ann.lindqvist%40acme.example; Group=sales; \
         Group=finance; Group=Quarterly+Review; ",
    ),
    (
        "x-qlik-proxysession",
        "b29118dd-4539-4742-ad65-fe307eb10b54",
    ),
    (
        "x-qlik-proxyid",
        "ProxyId=38daa8e0-5330-4581-9f40-49d7418b858f; Prefix=jwt",
    ),
    ("x-qlik-trace", "cf2e0117-ee82-4d26-bba8-b781fc4ef19e:::"),
    ("x-qlik-virtual-proxy-prefix", "jwt"),
    ("x-qlik-app", "engineData"),
    ("x-forwarded-for", "192.0.2.44"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "127.0.0.1:9099"),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let gateway = Router::new()
        .route("/jotgate/session", get(session))
        .route(
            "/qps/csrftoken",
            get(|| async { (StatusCode::NO_CONTENT, [("qlik-csrf-token", "preview")]) }),
        )
        .route("/qps/user", delete(|| async { StatusCode::NO_CONTENT }));
    let backend = jotgate_demo::router().layer(map_request(inject));
    let both = Router::new().nest("/jwt", gateway.fallback_service(backend));
    axum::serve(TcpListener::bind("127.0.0.1:9099").await?, both).await
}

async fn inject(mut request: Request) -> Request {
    for (name, value) in INJECTED {
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    request
}

async fn session() -> impl IntoResponse {
    Json(json!({
        "sessionId": "b29118dd-4539-4742-ad65-fe307eb10b54",
        "userId": "ann.lindqvist@acme.example",
        "userDirectory": "ACME",
        "createdAt": "2026-11-22T08:55:17.372Z",
        "expiresAt": "2026-11-22T09:25:17.372Z",
        "idleTimeoutSeconds": 1800,
        "remainingSeconds": 1632,
    }))
}
