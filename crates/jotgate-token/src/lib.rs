//! The token verdict: keys, signatures, claims, attribute mapping.
//!
//! A [`Verifier`] is the token policy of one virtual proxy together with its [`KeySet`]. It says of
//! a token, at a given time, who its user is or why it is refused, in two forms that cannot disagree:
//! [`Verifier::verify`] for the request path and [`Verifier::explain`] for people. Keys are parsed and
//! judged when they are configured, never per request, and never come from the token itself.
//!
//! Nothing in this crate does I/O or reads a clock, and nothing it says holds a token, a signature
//! or a private key.

mod authorization;
mod claims;
mod der;
mod display;
mod header;
mod json;
mod jwks;
mod key;
mod key_set;
mod mapping;
mod numeric_date;
mod parts;
mod pasted;
mod pem;
mod presented;
mod sign;
#[cfg(test)]
mod testing;
mod text;
mod verdict;
mod verifier;

pub use authorization::parse_authorization;
pub use display::{UnverifiedParts, unverified_parts};
pub use jwks::{JwksError, SkippedKey};
pub use key::{CertificateInfo, Key, KeyError, KeyFamily};
pub use key_set::KeySet;
pub use pasted::{Pasted, pasted};
pub use pem::{PemError, without_keys};
pub use presented::presented;
pub use sign::{SignError, SigningKey, sign};
pub use verdict::{Outcome, Step, StepName, Verdict};
pub use verifier::{Verified, Verifier};
