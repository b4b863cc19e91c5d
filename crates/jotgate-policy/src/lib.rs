//! Every decision of the request path, as pure functions.
//!
//! What comes in is parsed HTTP, the snapshot and the time; what goes out is a value or a
//! [`Refusal`](jotgate_model::Refusal). Nothing here does I/O or reads a clock, so every rule can be
//! tested in isolation and the same code can judge a request that is only being tried.
//!
//! The modules follow the phases: sanitize, route, admit, identify, select, rewrite, tunnel.

pub mod admit;
pub mod anonymous;
pub mod authorize;
pub mod cookies;
pub mod csrf;
pub mod directory;
pub mod forwarded;
pub mod header_user;
pub mod health;
pub mod identity_headers;
pub mod proxy_protocol;
pub mod rate;
pub mod route;
pub mod sanitize;
pub mod select;
pub mod sign_in;
pub mod trace_context;
pub mod trailers;
pub mod user_agent;
pub mod websocket;
