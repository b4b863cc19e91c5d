//! The virtual proxies as other pages name them.

use jotgate_model::{Snapshot, Uuid};

/// A virtual proxy.
pub(super) struct Place {
    pub(super) id: Uuid,
    pub(super) description: String,
    /// With its slash.
    pub(super) prefix: String,
}

/// Every virtual proxy, in the order of their descriptions.
pub(super) fn places(snapshot: &Snapshot) -> Vec<Place> {
    let all = snapshot.virtual_proxies();
    let mut all: Vec<_> = all
        .map(|vp| Place {
            id: vp.id,
            description: vp.description.to_string(),
            prefix: format!("/{}", vp.prefix.as_str()),
        })
        .collect();
    all.sort_by_cached_key(|place| place.description.to_lowercase());
    all
}
