//! The current keys of each virtual proxy, the tokens that were verified with them, and those that
//! were revoked.
//!
//! [`KeyRing::prepare`] compiles what a snapshot says about keys before that snapshot is served and
//! starts to fetch what is published elsewhere; [`KeyRing::verify`] gives the verdict on a token.
//!
//! Invariants:
//! - A failing source changes no verdict: its last good key set stays, for ever.
//! - A key set is fetched over TLS, or from this machine, and never from an address inside of the
//!   network unless the administrator wrote that host.
//! - How often a source is fetched does not depend on how many tokens arrive.
//! - A remembered verdict is unreachable as soon as a key or a rule behind it changes, and is not
//!   given for a token that has run out or was revoked.

mod cache;
mod clock;
mod fetch;
mod once;
mod revocations;
mod ring;
mod rules;
mod shelf;
mod source;
mod state;
#[cfg(test)]
mod testing;
mod timings;
mod token_hash;

pub use fetch::key_set_address;
pub use once::fetch_key_set;
pub use revocations::{Revocations, RevokedUser};
pub use ring::KeyRing;
pub use shelf::{Answered, Found, Shelf};
pub use state::{KeyOrigin, KeyState, SourceEvent, SourceFailure, SourceState};
pub use token_hash::TokenHash;
