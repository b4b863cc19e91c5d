//! How fast each virtual proxy and each user asks. For the whole process.

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::time::Instant;

use hashbrown::{DefaultHashBuilder, HashMap};
use jotgate_model::{Reason, Refusal, VirtualProxy};
use jotgate_policy::rate;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::identify::Identified;

/// Users whose rate is remembered. Beyond that, those who have been silent are forgotten first.
const MAX_USERS: usize = 1_000_000;

/// The state of every limit that is in use.
pub(crate) struct Rates {
    began: Instant,
    hasher: DefaultHashBuilder,
    /// By virtual proxy, and the hash of what is counted (a user's name, openings of an address), or
    /// nothing for all requests together.
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

    /// Counts a request against the limit of its user, if there is one. Users who share a session are
    /// told apart by their addresses.
    pub(crate) fn count_user(
        &self,
        vp: &VirtualProxy,
        who: &Identified,
        address: IpAddr,
    ) -> Result<(), Refusal> {
        let Some(limit) = vp.limits.per_user else {
            return Ok(());
        };
        let session = &who.session;
        let apart = who.shared.then_some(address);
        let user = (session.user_directory(), session.user_id(), apart);
        let user = self.hasher.hash_one(user);
        self.take((vp.id, Some(user)), limit).map_err(|()| {
            Refusal::with(
                Reason::RateLimited,
                format!(
                    "the user sends more than {limit} requests a second (requestsPerSecondPerUser)"
                ),
            )
        })
    }

    /// Counts the opening of a session for somebody unknown, of one address or of all.
    pub(crate) fn count_opening(
        &self,
        vp: &VirtualProxy,
        address: Option<IpAddr>,
        per_second: u32,
    ) -> Result<(), ()> {
        let opening = self.hasher.hash_one(("opening", address));
        self.take((vp.id, Some(opening)), per_second)
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
