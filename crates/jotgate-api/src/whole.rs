//! Requests that come as a whole, from somebody who is known.

use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// In the extensions of a request whose answer is held in memory before it is sent.
#[derive(Clone, Copy)]
pub(crate) struct Whole;

/// Lets `router` answer whole requests for a caller whom somebody else has authenticated: the gateway,
/// for users with a role (an [`Actor`](jotgate_manage::Actor)) and programs with an API key (a
/// [`KeyCaller`](jotgate_manage::KeyCaller)).
pub fn whole_requests<C: Clone + Send + Sync + 'static>(
    router: Router,
) -> impl Fn(Request<Bytes>, C) -> Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>
+ Send
+ Sync
+ 'static {
    move |request, caller| {
        let router = router.clone();
        Box::pin(async move {
            let mut request = request.map(Body::from);
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(Whole);
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
