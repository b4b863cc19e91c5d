//! What many sessions have in common is kept once.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use parking_lot::Mutex;

/// The smallest table that is searched for values that nobody uses any more.
const MIN_SWEEP: usize = 1024;

/// Gives equal values one allocation.
///
/// Bounded: it never holds more than twice the values in use plus [`MIN_SWEEP`].
pub(crate) struct Interner<T> {
    hasher: RandomState,
    table: Mutex<Table<T>>,
}

struct Table<T> {
    values: HashTable<Arc<T>>,
    sweep_at: usize,
}

impl<T: Eq + Hash> Interner<T> {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            table: Mutex::new(Table {
                values: HashTable::new(),
                sweep_at: MIN_SWEEP,
            }),
        }
    }

    /// The shared form of `value`.
    pub(crate) fn intern(&self, value: T) -> Arc<T> {
        let hash = self.hasher.hash_one(&value);
        let mut table = self.table.lock();
        if let Some(known) = table.values.find(hash, |known| **known == value) {
            return Arc::clone(known);
        }
        if table.values.len() >= table.sweep_at {
            table.values.retain(|known| Arc::strong_count(known) > 1);
            table.sweep_at = MIN_SWEEP.max(table.values.len() * 2);
        }
        let value = Arc::new(value);
        table
            .values
            .insert_unique(hash, Arc::clone(&value), |v| self.hasher.hash_one(&**v));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one() {
        let interner = Interner::new();
        let first = interner.intern(String::from("a"));
        assert!(Arc::ptr_eq(&first, &interner.intern(String::from("a"))));
        assert!(!Arc::ptr_eq(&first, &interner.intern(String::from("b"))));
    }

    #[test]
    fn values_nobody_uses_are_let_go() {
        let interner = Interner::new();
        let kept: Vec<_> = (0..10).map(|i| interner.intern(i)).collect();
        for i in 0..100_000 {
            interner.intern(i);
        }
        assert!(interner.table.lock().values.len() <= MIN_SWEEP + 2 * kept.len());
        assert!(Arc::ptr_eq(&kept[3], &interner.intern(3)));
    }
}
