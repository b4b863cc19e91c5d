//! What a fail-over may lose: the newest writes of a server that died before its replica had them.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::storage::Operation;
use crate::SessionKey;

/// For how long ends and used tokens are remembered.
const REMEMBERED: Duration = Duration::from_secs(60);

/// At most so many of them.
const MAX_REMEMBERED: usize = 100_000;

/// The ends that this node knows of and the tokens that it used, of the last minute.
#[derive(Default)]
pub(super) struct Recent(Mutex<VecDeque<(Instant, Operation)>>);

impl Recent {
    /// Remembers what is worth it.
    pub(super) fn add<'a>(&self, operations: impl IntoIterator<Item = &'a Operation>) {
        let now = Instant::now();
        let worth = operations
            .into_iter()
            .filter(|what| matches!(what, Operation::End(_) | Operation::Token { .. }));
        let mut recent = self.0.lock();
        recent.extend(worth.map(|what| (now, what.clone())));
        while let Some((at, _)) = recent.front()
            && (now.duration_since(*at) > REMEMBERED || recent.len() > MAX_REMEMBERED)
        {
            recent.pop_front();
        }
    }

    /// Everything that is remembered, to be written once more.
    pub(super) fn all(&self) -> Vec<Operation> {
        let recent = self.0.lock();
        recent.iter().map(|(_, what)| what.clone()).collect()
    }

    /// The sessions that have ended, wherever the store has them again.
    pub(super) fn ended(&self) -> HashSet<(SessionKey, String)> {
        let recent = self.0.lock();
        let ends = recent.iter().filter_map(|(_, what)| match what {
            Operation::End(session) => Some((session.key(), session.public_id().to_owned())),
            _ => None,
        });
        ends.collect()
    }
}
