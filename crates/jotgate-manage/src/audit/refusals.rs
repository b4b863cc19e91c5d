//! What strangers can cause without limit, bounded.
//!
//! Within a minute, the first refusal of an action from a source has a row, at most [`SOURCES`] of
//! them; the others are counted, and have one row together when the minute is over. So nobody who
//! tries passwords for a year fills the disk, and nothing of it goes unnoticed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jotgate_repository::AuditEntry;

/// How many rows are written at once within a minute.
pub(super) const SOURCES: usize = 16;
/// What stands for the sources that are not told apart.
const OTHERS: &str = "several addresses";

/// The refusals of the current minute.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// By source and action.
    told: HashMap<(String, &'static str), Counted>,
    /// By action.
    others: HashMap<&'static str, Counted>,
}

/// Refusals that have no row yet.
#[derive(Debug)]
struct Counted {
    count: u64,
    newest: AuditEntry,
}

impl Refusals {
    /// Takes a refusal, and gives it back when it is to be written now.
    pub(super) fn take(&mut self, entry: AuditEntry) -> Option<AuditEntry> {
        let room = self.told.len() < SOURCES;
        let key = (entry.actor.source.clone(), entry.action);
        match self.told.entry(key) {
            Entry::Occupied(mut counted) => {
                counted.get_mut().add(entry);
                None
            }
            Entry::Vacant(place) if room => {
                let newest = entry.clone();
                place.insert(Counted { count: 0, newest });
                Some(entry)
            }
            Entry::Vacant(_) => {
                match self.others.entry(entry.action) {
                    Entry::Occupied(mut counted) => counted.get_mut().add(entry),
                    Entry::Vacant(place) => {
                        let count = 1;
                        place.insert(Counted {
                            count,
                            newest: entry,
                        });
                    }
                }
                None
            }
        }
    }

    /// The minute is over: what was only counted.
    pub(super) fn drain(&mut self) -> Vec<AuditEntry> {
        let told = self.told.drain().map(|(_, counted)| counted.row());
        let others = self.others.drain().map(|(_, mut counted)| {
            OTHERS.clone_into(&mut counted.newest.actor.source);
            counted.row()
        });
        let mut rows: Vec<AuditEntry> = told.chain(others).flatten().collect();
        rows.sort_by_key(|row| row.at);
        rows
    }
}

impl Counted {
    fn add(&mut self, entry: AuditEntry) {
        self.count = self.count.saturating_add(1);
        self.newest = entry;
    }

    fn row(self) -> Option<AuditEntry> {
        let mut row = self.newest;
        match self.count {
            0 => return None,
            1 => {}
            count => {
                row.reason = format!(
                    "{count} times within a minute; the last time: {}",
                    row.reason
                )
            }
        }
        Some(row)
    }
}
