//! Sessions: who has signed in, until when, and which sockets must hear of the end.
//!
//! Memory is where requests look. A journal file beside it ([`Sessions::open`]) makes sessions,
//! their ends and the ids of used tokens survive a restart and a crash: each is on disk before the
//! call that made it returns. Last activity follows within [`ACTIVITY_INTERVAL`]. With a Redis in the
//! place of the file ([`Sessions::open_shared`]) several nodes have the same sessions in memory.
//!
//! Invariants:
//! - The secret of a session exists in the cookie only. Memory and journal hold its SHA-256.
//! - Only [`Sessions::create`] makes sessions; a cookie that somebody made up is never adopted.
//! - An end takes effect in memory before anything else, whatever the disk says.
//! - Time is an argument. The clock of this crate is only the pace at which it writes.

mod end;
mod error;
mod intern;
mod journal;
mod life;
mod redis;
mod secret;
mod session;
mod store;
mod tickets;

pub use end::EndReason;
pub use error::{OpenError, SessionError};
pub use journal::ACTIVITY_INTERVAL;
pub use life::{SessionState, state};
pub use redis::SharedStore;
pub use secret::{SessionKey, SessionSecret};
pub use session::Session;
pub use store::{
    MAX_SESSIONS, MAX_USED_TOKENS, NewSession, Note, SessionWatch, Sessions, SharedSessions,
};
pub use tickets::{TICKET_LIFETIME, Ticket};
