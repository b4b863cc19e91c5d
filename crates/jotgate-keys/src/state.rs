//! What people and metrics are told about the sources of keys.

use std::sync::Arc;

use jotgate_model::{UnixTime, Uuid};
use jotgate_token::Key;

/// Where keys come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyOrigin {
    /// PEM text in the configuration of a virtual proxy.
    Pem,
    /// A JWK set at this address.
    Jwks(Arc<str>),
    /// The JWK set that the discovery document of this issuer names.
    Discovery(Arc<str>),
}

/// One source, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// Where the keys come from.
    pub origin: KeyOrigin,
    /// The virtual proxies that use it, in the order of their ids.
    pub virtual_proxies: Vec<Uuid>,
    /// When it was last asked. PEM text is never asked for.
    pub last_fetch: Option<UnixTime>,
    /// When it last gave a key set.
    pub last_success: Option<UnixTime>,
    /// What went wrong the last time, as a sentence; nothing when that went well.
    pub last_error: Option<Box<str>>,
    /// When it will be asked again, if no token asks for it earlier.
    pub next_fetch: Option<UnixTime>,
    /// The keys that are in use.
    pub keys: Vec<KeyState>,
    /// The keys that it lists and that are not used, each with the reason, as a sentence.
    pub skipped: Vec<String>,
}

/// Why a published key set could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFailure {
    /// The kind: one of about ten words, as in metrics.
    pub outcome: &'static str,
    /// What went wrong, as half a sentence that follows the name of the key set.
    pub detail: String,
    /// What to do about it, as a sentence.
    pub remedy: &'static str,
}

/// A key in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// Its id; keys from PEM text have none.
    pub kid: Option<Box<str>>,
    /// SHA-256 of its `SubjectPublicKeyInfo`, in hexadecimal digits.
    pub fingerprint: Box<str>,
    /// Until when its certificate is valid, if it came in one. It goes on verifying tokens after
    /// that, as in the real system; whoever shows it warns.
    pub certificate_expires: Option<UnixTime>,
}

impl KeyState {
    pub(crate) fn of(key: &Key) -> Self {
        Self {
            kid: key.kid().map(Box::from),
            fingerprint: key.fingerprint().into(),
            certificate_expires: key.certificate().map(|info| info.not_after),
        }
    }
}

/// Something happened to a source: for metrics. The sources are those that administrators
/// configured, so their names are fit for labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEvent<'a> {
    /// It was asked.
    Fetched {
        /// Its address, or the issuer.
        source: &'a str,
        /// `changed`, `unchanged`, or the kind of the failure; one of about ten words.
        outcome: &'static str,
        /// When it last gave a key set.
        last_success: Option<UnixTime>,
        /// How many keys of it are in use.
        keys: usize,
    },
    /// No virtual proxy uses it any more.
    Removed {
        /// Its address, or the issuer.
        source: &'a str,
    },
}
