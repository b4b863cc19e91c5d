//! A ring of compact records: the oldest make room for the newest.

use std::collections::VecDeque;

use super::request::{FeedFilter, RecentRequest};
use crate::AccessRecord;
use crate::kept::Kept;

/// The newest records.
#[derive(Debug)]
pub(super) struct Ring {
    kept: VecDeque<Kept>,
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
}

impl Ring {
    pub(super) const fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            bytes: 0,
            max_entries,
            max_bytes,
        }
    }

    /// Keeps a record, and forgets the oldest that have no place any more.
    pub(super) fn push(&mut self, sequence: u64, record: &AccessRecord<'_>) {
        let mut buffer = String::new();
        if self.kept.len() >= self.max_entries
            && let Some(oldest) = self.forget_oldest()
        {
            buffer = oldest.into_buffer();
        }
        let kept = Kept::new(sequence, record, buffer);
        self.bytes += kept.size();
        self.kept.push_back(kept);
        while self.bytes > self.max_bytes {
            if self.forget_oldest().is_none() {
                break;
            }
        }
    }

    fn forget_oldest(&mut self) -> Option<Kept> {
        let oldest = self.kept.pop_front()?;
        self.bytes -= oldest.size();
        Some(oldest)
    }

    /// Looks at the newest `count` records with numbers below `before`, and adds those that `filter`
    /// lets through to `found`. Returns the lowest number that it has seen; nothing when there is none.
    pub(super) fn read_back(
        &self,
        before: u64,
        count: usize,
        filter: &FeedFilter,
        found: &mut Vec<RecentRequest>,
    ) -> Option<u64> {
        let end = self.kept.partition_point(|kept| kept.sequence < before);
        let start = end.saturating_sub(count);
        let seen = self.kept.range(start..end);
        let lowest = seen.clone().next()?.sequence;
        let passing = seen.filter(|kept| kept.passes(filter));
        found.extend(passing.map(Kept::to_request));
        Some(lowest)
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        let bytes = self.kept.iter().map(Kept::size).sum();
        assert_eq!(self.bytes, bytes);
        (self.kept.len(), bytes)
    }
}
