//! What issuers publish: each source of keys that is asked over the network, and how that goes.

use jotgate_manage::{KeyOrigin, SourceState};
use uuid::Uuid;

use super::super::explained::expiry;
use crate::dates::minute_of;
use crate::visit::Visit;

/// A source of keys.
pub(super) struct Published {
    pub(super) origin: String,
    /// How the newest try ended; empty when it went well.
    pub(super) trouble: String,
    /// When it was asked last, when that went well, and when it is asked next; empty for never.
    pub(super) asked: String,
    pub(super) well: String,
    pub(super) next: String,
    pub(super) keys: Vec<PublishedKey>,
    /// What it lists and what is not used, with the reason.
    pub(super) skipped: Vec<String>,
}

pub(super) struct PublishedKey {
    pub(super) kid: String,
    pub(super) fingerprint: String,
    pub(super) warning: String,
}

/// The sources of one virtual proxy.
pub(super) fn published(visit: &Visit, id: Uuid) -> Vec<Published> {
    let all = visit.management().key_sources();
    let own = all
        .iter()
        .filter(|source| source.virtual_proxies.contains(&id));
    own.filter_map(|source| shown(visit, source)).collect()
}

fn shown(visit: &Visit, source: &SourceState) -> Option<Published> {
    let origin = match &source.origin {
        // They are in the configuration.
        KeyOrigin::Pem => return None,
        KeyOrigin::Jwks(address) => address.to_string(),
        KeyOrigin::Discovery(issuer) => format!("Discovery of {issuer}"),
    };
    let keys = source.keys.iter().map(|key| PublishedKey {
        kid: key.kid.as_deref().unwrap_or("(no id)").to_owned(),
        fingerprint: key.fingerprint.to_string(),
        warning: key
            .certificate_expires
            .and_then(|end| expiry(end, visit.now()))
            .unwrap_or_default(),
    });
    let date = |time: Option<_>| time.map(minute_of).unwrap_or_default();
    Some(Published {
        origin,
        trouble: source.last_error.as_deref().unwrap_or_default().to_owned(),
        asked: date(source.last_fetch),
        well: date(source.last_success),
        next: date(source.next_fetch),
        keys: keys.collect(),
        skipped: source.skipped.clone(),
    })
}
