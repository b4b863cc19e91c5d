//! Backups: everything that a gateway keeps but sessions, as one file.
//!
//! A backup is a tar archive (POSIX.1-1988) that begins with `manifest.json`: what is in it, with
//! lengths and SHA-256. It has regular files only, in the order of the manifest, and nothing else;
//! whatever differs is refused before anything is written. Sessions stay out: one that ended after
//! the backup must not come back with it.

mod archive;
mod manifest;
mod pack;
mod stage;

pub(crate) use archive::Archive;
pub(crate) use manifest::Manifest;
pub(crate) use pack::{pack_served, pack_stopped};
pub(crate) use stage::stage;

/// The database.
const DATABASE: &str = "configuration.db";
/// The folder of certificates and their keys.
const CERTIFICATES: &str = "certificates";
/// Single files that may be there.
const KEYS: [&str; 2] = ["audit_key", "cluster_key"];
/// The longest of all files but the database.
const MAX_SMALL_FILE: u64 = 1 << 20;
/// The most files: certificates have a few.
const MAX_FILES: usize = 200;
