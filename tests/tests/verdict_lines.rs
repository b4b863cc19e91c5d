//! The verdict over a real socket, against the built binary: what other products were fooled with.
//!
//! Each test stands for one class of attacks that had a CVE or a suite of vectors (Wycheproof) behind
//! it. Tables hold the attack, its neighbours and the reason id of the refusal, and beside them what
//! must be served, so that neither a gateway that lets everything pass nor one that refuses all
//! passes.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/judged.rs"]
mod judged;

#[path = "verdict_lines/algorithms.rs"]
mod algorithms;
#[path = "verdict_lines/caches.rs"]
mod caches;
#[path = "verdict_lines/channels.rs"]
mod channels;
#[path = "verdict_lines/claims.rs"]
mod claims;
#[path = "verdict_lines/extensions.rs"]
mod extensions;
#[path = "verdict_lines/fields.rs"]
mod fields;
#[path = "verdict_lines/forms.rs"]
mod forms;
#[path = "verdict_lines/identities.rs"]
mod identities;
#[path = "verdict_lines/places.rs"]
mod places;
#[path = "verdict_lines/sizes.rs"]
mod sizes;
