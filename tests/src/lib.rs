//! A small language for scenarios: gateway, backend, client, tokens.
//!
//! A scenario starts the built binary, stands behind it as the backend and in front of it as the
//! client, and looks at the bytes on both sides:
//!
//! ```no_run
//! # use jotgate_scenarios::{Backend, Gateway, Keys};
//! # async fn scenario() {
//! let backend = Backend::echo().await;
//! let gateway = Gateway::serve().await;
//! let keys = Keys::first();
//! gateway.qrs().jwt_virtual_proxy("jwt", keys, &backend).await;
//! let token = keys.token().user("example", "boz").sign();
//! let answer = gateway.client().get("/jwt/hub/").bearer(&token).send().await;
//! assert_eq!(answer.status, 200);
//! # }
//! ```
//!
//! Everything here panics when something is not as expected: it is for tests alone. Nothing of
//! Jotgate's own crates is used, so that nothing judges itself.

mod backend;
mod client;
mod eventually;
mod fleet;
mod frame;
mod gateway;
mod qrs;
mod tls;
mod tokens;

pub use backend::socket::BackendSocket;
pub use backend::{Backend, Received, Reply};
pub use client::http2::Http2;
pub use client::raw::{Raw, RawAnswer};
pub use client::socket::Socket;
pub use client::{Answer, Client, Connection, Cookie, Request};
pub use eventually::{eventually, within};
pub use fleet::{Fleet, Stores};
pub use frame::{Frame, Opcode};
pub use gateway::process::{Ended, Process, binary};
pub use gateway::{Folder, Gateway, GatewayBuilder, Listeners};
pub use qrs::{Qrs, QrsAnswer, VirtualProxy, VirtualProxyBuilder};
pub use rustix::process::Signal;
pub use tokens::{Algorithm, Keys, Token, now};

/// How long a scenario waits for what must happen, on a machine that is busy.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// For what the product does within a second: nothing else that would do it, a lease or a timer, comes as
/// soon. That it is a second is measured, by `cargo xtask bench cluster`, and not tested.
pub const SOON: std::time::Duration = std::time::Duration::from_secs(10);
