//! Signing out: the visitor's own session ends.

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;

use crate::Console;
use crate::form::Posted;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/sign-out", post(sign_out))
}

async fn sign_out(Posted { visit, .. }: Posted) -> Response {
    let ended = visit.management().sign_out(visit.session()).await;
    if let Err(error) = ended {
        return visit.problem(&error);
    }
    // Without a session this leads a local administrator to the form.
    Redirect::to(&visit.address("/")).into_response()
}
