//! How fast each virtual proxy and each user asks. For the whole process.

use std::hash::BuildHasher;
use std::time::Instant;

use hashbrown::{DefaultHashBuilder, HashMap};
use jotgate_model::{Reason, Refusal, VirtualProxy};
use jotgate_policy::rate;
use jotgate_session::Session;
use parking_lot::Mutex;
use uuid::Uuid;

/// Users whose rate is remembered. Beyond that, those who have been silent are forgotten first.
const MAX_USERS: usize = 1_000_000;

/// The state of every limit that is in use.
pub(crate) struct Rates {
    began: Instant,
    hasher: DefaultHashBuilder,
    /// By virtual proxy, and the hash of a user's name or nothing for all of them together.
    next: Mutex<HashMap<(Uuid, Option<u64>), u64>>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            hasher: DefaultHashBuilder::default(),
            next: Mutex::default(),
        }
    }
}

impl Rates {
    /// Counts a request against the limit of its virtual proxy, if there is one.
    pub(crate) fn count(&self, vp: &VirtualProxy) -> Result<(), Refusal> {
        let Some(limit) = vp.limits.in_all else {
            return Ok(());
        };
        self.take((vp.id, None), limit).map_err(|()| {
            Refusal::with(
                Reason::RateLimited,
                format!(
                    "the virtual proxy gets more than {limit} requests a second (requestsPerSecond)"
                ),
            )
        })
    }

    /// Counts a request against the limit of its user, if there is one.
    pub(crate) fn count_user(&self, vp: &VirtualProxy, session: &Session) -> Result<(), Refusal> {
        let Some(limit) = vp.limits.per_user else {
            return Ok(());
        };
        let user = self
            .hasher
            .hash_one((session.user_directory(), session.user_id()));
        self.take((vp.id, Some(user)), limit).map_err(|()| {
            Refusal::with(
                Reason::RateLimited,
                format!(
                    "the user sends more than {limit} requests a second (requestsPerSecondPerUser)"
                ),
            )
        })
    }

    fn take(&self, key: (Uuid, Option<u64>), limit: u32) -> Result<(), ()> {
        let now = self.now();
        let mut all = self.next.lock();
        if all.len() >= MAX_USERS && !all.contains_key(&key) {
            all.retain(|_, next| *next > now);
        }
        let next = all.entry(key).or_insert(0);
        *next = rate::take(*next, now, limit).map_err(drop)?;
        Ok(())
    }

    /// Forgets who has been silent.
    pub(crate) fn sweep(&self) {
        let now = self.now();
        self.next.lock().retain(|_, next| *next > now);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
