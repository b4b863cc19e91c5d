//! The keys that tokens are checked with, each once, with everything that uses it.

use std::collections::BTreeMap;

use jotgate_manage::{KeyOrigin, KeySet, Management, SourceState};
use jotgate_model::{Snapshot, UnixTime, Uuid};

use super::places;
use crate::dates::minute_of;

/// A certificate that runs out within so many seconds is pointed at.
const SOON: i64 = 30 * 86_400;

/// A key.
pub(super) struct Key {
    pub(super) fingerprint: String,
    /// What it is, from where, and for whom; filled in for the page that shows it.
    pub(super) what: String,
    pub(super) subject: String,
    pub(super) origin: String,
    pub(super) end: String,
    pub(super) class: &'static str,
    pub(super) badge: &'static str,
    /// Whether it is the key of a certificate of the gateway itself.
    pub(super) is_of_tls: bool,
    pub(super) places: Vec<(Uuid, String)>,
    expires: Option<UnixTime>,
}

/// Those that end first on top, and those that never end last.
pub(super) fn keys(states: &[SourceState], snapshot: &Snapshot) -> Vec<Key> {
    let mut found: BTreeMap<_, (Option<UnixTime>, Vec<Uuid>)> = BTreeMap::new();
    for state in states {
        let origin = match &state.origin {
            KeyOrigin::Pem => "",
            KeyOrigin::Jwks(address) => address,
            KeyOrigin::Discovery(issuer) => issuer,
        };
        for key in &state.keys {
            let entry = found.entry((&*key.fingerprint, origin));
            let (expires, ids) = entry.or_insert((key.certificate_expires, Vec::new()));
            *expires = expires.or(key.certificate_expires);
            ids.extend(&state.virtual_proxies);
        }
    }
    let keys = found
        .into_iter()
        .map(|((fingerprint, origin), (expires, ids))| Key {
            fingerprint: fingerprint.to_owned(),
            what: "Public key".to_owned(),
            subject: String::new(),
            origin: origin.to_owned(),
            end: expires.map_or_else(String::new, minute_of),
            class: "",
            badge: "",
            is_of_tls: false,
            places: places(&ids, snapshot),
            expires,
        });
    let mut keys: Vec<_> = keys.collect();
    keys.sort_by_key(|key| key.expires.map_or(i64::MAX, |time| time.0));
    keys
}

impl Key {
    /// Whether the filter's text, in lower case, is in what somebody would look for.
    pub(super) fn has(&self, wanted: &str) -> bool {
        let mut places = self.places.iter();
        self.fingerprint.starts_with(wanted)
            || self.origin.to_lowercase().contains(wanted)
            || places.any(|(_, description)| description.to_lowercase().contains(wanted))
    }

    /// With what only its text says, and with warnings.
    pub(super) fn described(
        mut self,
        snapshot: &Snapshot,
        management: &Management,
        now: UnixTime,
    ) -> Self {
        self.is_of_tls = management.is_key_of_tls(&self.fingerprint);
        let ids = self.places.iter();
        let texts = ids.filter_map(|(id, _)| snapshot.documents.virtual_proxies.get(id));
        let own = texts
            .flat_map(|vp| {
                let more = vp.jwt_issuers.iter().map(|one| &one.public_key_certificate);
                more.chain([&vp.jwt_public_key_certificate])
            })
            .filter_map(|pem| KeySet::from_pem(pem).ok())
            .find_map(|set| {
                let mut keys = set.keys().iter();
                keys.find(|key| *key.fingerprint() == *self.fingerprint)
                    .cloned()
            });
        if let Some(key) = own.filter(|_| self.origin.is_empty()) {
            let kind = format!("{}, {} bits", key.family(), key.bits());
            match key.certificate() {
                Some(info) => {
                    self.subject = info.subject.to_string();
                    self.what = format!("Certificate, {kind}");
                }
                None => self.what = format!("Public key, {kind}"),
            }
        }
        (self.class, self.badge) = self.expires.map_or(("", ""), |end| urgency(end, now));
        self
    }
}

/// What a badge says of a certificate that ends then.
pub(super) fn urgency(end: UnixTime, now: UnixTime) -> (&'static str, &'static str) {
    if end < now {
        ("bad", "expired")
    } else if end < now.plus(SOON) {
        ("warn", "ends soon")
    } else {
        ("", "")
    }
}
