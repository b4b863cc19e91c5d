//! Published key sets: when they were fetched, what went wrong, and when they are asked again.

use jotgate_manage::{KeyOrigin, SourceState};
use jotgate_model::{Snapshot, Uuid};

use super::places;
use crate::dates::minute_of;

/// A published key set.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) how: &'static str,
    pub(super) class: &'static str,
    pub(super) state: &'static str,
    pub(super) keys: usize,
    pub(super) last_success: String,
    pub(super) next: String,
    pub(super) error: String,
    pub(super) skipped: Vec<String>,
    pub(super) places: Vec<(Uuid, String)>,
}

/// Those that fail first.
pub(super) fn sources(states: &[SourceState], snapshot: &Snapshot) -> Vec<Source> {
    let shown = states.iter().filter_map(|state| {
        let (name, how) = match &state.origin {
            KeyOrigin::Pem => return None,
            KeyOrigin::Jwks(address) => (address, "JWKS address"),
            KeyOrigin::Discovery(issuer) => (issuer, "discovery of an issuer"),
        };
        let (class, words) = match (&state.last_error, state.keys.is_empty()) {
            (None, false) => ("good", "fetched"),
            (Some(_), false) => ("warn", "fails, the last good keys stay"),
            (Some(_), true) => ("bad", "fails"),
            (None, true) => ("", "not fetched yet"),
        };
        Some(Source {
            name: name.to_string(),
            how,
            class,
            state: words,
            keys: state.keys.len(),
            last_success: state.last_success.map_or_else(String::new, minute_of),
            next: state.next_fetch.map_or_else(String::new, minute_of),
            error: state.last_error.as_deref().unwrap_or_default().to_owned(),
            skipped: state.skipped.clone(),
            places: places(&state.virtual_proxies, snapshot),
        })
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by_cached_key(|source| (source.error.is_empty(), source.name.clone()));
    shown
}
