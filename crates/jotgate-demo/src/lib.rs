//! The stand-in backend that `jotgate demo` runs behind the gateway.
//!
//! It shows what a backend gets to see once the gateway has done its work: a hub page with the
//! user, the attributes and every injected header, the hub's HTTP calls, an engine that speaks
//! JSON-RPC over a WebSocket, and an echo of whatever it received, which tests of the gateway use.
//!
//! Three things hold everywhere in it:
//!
//! - It authenticates nobody. It believes the `X-Qlik-*` headers, because only the gateway reaches
//!   it (plain HTTP on a loopback port).
//! - It still treats what those headers *say* as hostile: the values come from token claims.
//! - The gateway forwards paths without the virtual proxy's prefix, so links are built with the
//!   prefix from `X-Qlik-Virtual-Proxy-Prefix`.

mod assets;
mod closing;
mod echo;
mod engine;
mod header_table;
mod hub;
mod hub_api;
mod identity;
mod not_found;

use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::closing::Closing;
use crate::identity::Caller;

/// How long open requests and sockets get to finish once [`serve`] was told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Serves the stand-in backend on `listener` until `shutdown` completes.
///
/// Open engine sockets are then closed with code 1001 (RFC 6455 section 7.4.1, "going away"), and
/// requests under way get two seconds to finish.
///
/// # Errors
///
/// When the listener's own task fails; a failing connection is never an error of the server.
pub async fn serve(
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (close, mut closing) = Closing::channel();
    let router = router_until(closing.clone());
    // Without this, small frames wait for the peer's delayed acknowledgement.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was not set");
        }
    });
    let stop = {
        let close = close.clone();
        async move {
            shutdown.await;
            close.send_replace(true);
        }
    };
    let server = axum::serve(listener, router).with_graceful_shutdown(stop);
    let deadline = async {
        closing.wait().await;
        drop(closing);
        sleep(GRACE).await;
    };
    tokio::select! {
        outcome = server => outcome?,
        () = deadline => return Ok(()),
    }
    // Upgraded sockets are no longer the server's; each holds a receiver until it has said goodbye.
    if timeout(GRACE, close.closed()).await.is_err() {
        tracing::debug!("some sockets did not finish in time");
    }
    Ok(())
}

/// The router alone, for tests. Its engine sockets never hear of a shutdown.
pub fn router() -> Router {
    router_until(Closing::never())
}

fn router_until(closing: Closing) -> Router {
    Router::new()
        .route("/", get(to_hub))
        .route("/health", get(|| async { "ok" }))
        .merge(hub::routes())
        .merge(hub_api::routes())
        .merge(assets::routes())
        .merge(echo::routes())
        .merge(engine::routes(closing))
        .fallback(not_found::not_found)
}

/// `/` has nothing of its own to show.
async fn to_hub(caller: Caller) -> Redirect {
    Redirect::to(&format!("{}/hub/", caller.base()))
}
