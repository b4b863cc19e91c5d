//! Requests that come as a whole, from somebody who is known.

use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use jotgate_manage::Actor;
use tower::ServiceExt;

/// Lets `router` answer whole requests for an [`Actor`] whom somebody else has authenticated: the
/// gateway, for users with a role.
pub fn whole_requests(
    router: Router,
) -> impl Fn(Request<Bytes>, Actor) -> Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>
+ Send
+ Sync
+ 'static {
    move |request, actor| {
        let router = router.clone();
        Box::pin(async move {
            let mut request = request.map(Body::from);
            request.extensions_mut().insert(actor);
            let Ok(answer) = router.oneshot(request).await;
            let (head, body) = answer.into_parts();
            match body.collect().await {
                Ok(body) => Response::from_parts(head, body.to_bytes()),
                Err(error) => {
                    tracing::error!(%error, "an answer could not be made");
                    let mut failed = Response::new(Bytes::new());
                    *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                    failed
                }
            }
        })
    }
}
