//! How many requests of each virtual proxy are being served, for the whole process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashMap;
use jotgate_model::{Reason, Refusal, VirtualProxy};
use parking_lot::Mutex;
use uuid::Uuid;

/// The virtual proxies that have a limit.
#[derive(Debug, Default)]
pub(crate) struct Occupancy(Mutex<HashMap<Uuid, Arc<AtomicUsize>>>);

/// The place of one request; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Occupied(Arc<AtomicUsize>);

impl Occupancy {
    /// Takes a place for a request, where the virtual proxy has a limit.
    pub(crate) fn enter(&self, vp: &VirtualProxy) -> Result<Option<Occupied>, Refusal> {
        let Some(limit) = vp.max_in_flight else {
            return Ok(None);
        };
        let count = self.0.lock().entry(vp.id).or_default().clone();
        let before = count.fetch_add(1, Ordering::Relaxed);
        let occupied = Occupied(count);
        if before < limit as usize {
            return Ok(Some(occupied));
        }
        Err(Refusal::with(
            Reason::Overloaded,
            format!(
                "the virtual proxy serves {limit} requests at the moment (maxRequestsInFlight)"
            ),
        ))
    }

    /// Forgets the virtual proxies that serve nothing.
    pub(crate) fn sweep(&self) {
        self.0
            .lock()
            .retain(|_, count| Arc::strong_count(count) > 1);
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
