//! Which backends failed a moment ago.

use std::time::{Duration, Instant};

use hashbrown::HashMap;
use jotgate_model::{Service, Uuid};
use parking_lot::RwLock;

/// How long a backend that could not be reached is passed over.
const PASSED_OVER: Duration = Duration::from_secs(2);

/// Backends that could not be reached. For the whole process.
#[derive(Debug, Default)]
pub(crate) struct Health(RwLock<HashMap<(Uuid, Box<str>), Instant>>);

impl Health {
    /// Whether nothing is known against this backend.
    pub(crate) fn is_well(&self, node: Uuid, service: &Service) -> bool {
        let failures = self.0.read();
        failures.is_empty()
            || failures
                .get(&(node, service.authority.as_str().into()))
                .is_none_or(|failed| failed.elapsed() >= PASSED_OVER)
    }

    /// Notes that it could not be reached.
    pub(crate) fn note_failure(&self, node: Uuid, service: &Service) {
        let mut failures = self.0.write();
        failures.retain(|_, failed| failed.elapsed() < PASSED_OVER);
        failures.insert((node, service.authority.as_str().into()), Instant::now());
    }
}
