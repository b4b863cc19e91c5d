//! The data plane: listeners, the request path, connections to backends, WebSockets.
//!
//! A request is served by one core from beginning to end: each worker has its own runtime, its own
//! listening socket and its own idle connections to the backends, so that nothing on the path waits
//! for another core. What all workers share ([`Shared`]) is read without locks; what must be durable
//! (a new session) is handed to the runtime of the management side and awaited.
//!
//! `request.rs` is the page to begin with: the ten phases in one function.

mod administration;
mod anonymous;
mod api_key;
mod asked_host;
mod authorize;
mod body;
mod clock;
mod connection;
mod cut;
mod drain;
mod exchange;
mod https;
mod identify;
mod listen;
mod local_sign_in;
mod management_side;
mod maybe_tls;
mod observe_listener;
mod occupancy;
mod open;
mod personal;
mod prefixed_administration;
mod probe;
mod rates;
mod refuse;
mod request;
mod respond;
mod sanitized;
mod shared;
mod sign_in;
mod sign_ins;
mod single_use;
mod stalled;
mod sweep;
mod tickets;
mod timed_io;
mod tls;
mod trace;
mod tunnel;
mod unread;
mod upstream;
mod whole_body;

pub use administration::{RefusedCertificate, serve_administration, serve_control};
pub use api_key::{AnswersFor, ApiKeyHandler, JudgedKey};
pub use authorize::close_refused_sockets;
pub use clock::{now, timestamp};
pub use drain::Leaving;
pub use listen::{BindError, GatewayListeners, Workers, bind};
pub use local_sign_in::{LocalSignIn, LocalUser, NotLetIn, Proved};
pub use management_side::{ManagementSide, RefusedUser};
pub use observe_listener::serve_observability;
pub use prefixed_administration::{AdministrationHandler, Answering, Caller, is_console};
pub use probe::{ProbeAnswer, ProbeRequest, probe};
pub use shared::{GatewaySettings, Shared, Stores};
pub use sweep::sweep_sessions;
pub use tls::{ServerCertificates, TlsError, administration_config};
pub use unread::ReturningBody;
pub use upstream::{BackendCondition, BackendHealth, check_backends, try_backend};
