//! How often somebody may try.

use std::collections::HashMap;
use std::net::IpAddr;

use jotgate_model::{Timestamp, UserKey};
use parking_lot::Mutex;

use super::LocalError;

/// Failures of an account that cost nothing; each one more doubles the wait, up to the longest.
/// Short enough that nobody can keep an administrator out for long.
const ACCOUNT: Patience = Patience {
    free: 5,
    longest: 60,
};
/// The same for an address.
const ADDRESS: Patience = Patience {
    free: 10,
    longest: 900,
};
/// How many accounts and how many addresses are remembered.
const MAX: usize = 10_000;
/// After so many milliseconds without an attempt, failures are forgotten.
const FORGET: i64 = 3_600_000;

#[derive(Clone, Copy)]
struct Patience {
    free: u32,
    longest: i64,
}

impl Patience {
    /// Seconds to wait after so many failures.
    fn wait(self, failures: u32) -> i64 {
        match failures.checked_sub(self.free) {
            None | Some(0) => 0,
            Some(more) => (1_i64 << (more - 1).min(20)).min(self.longest),
        }
    }
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: i64,
}

/// The attempts that failed lately. In memory: a restart forgives.
#[derive(Default)]
pub(super) struct Lockout(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    accounts: HashMap<UserKey, Failures>,
    addresses: HashMap<IpAddr, Failures>,
}

impl Lockout {
    /// Counts an attempt as failed before it is judged, so that a thousand at once do not all count
    /// as the first.
    pub(super) fn begin(
        &self,
        account: &UserKey,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), LocalError> {
        let now = now.as_millis();
        let mut counts = self.0.lock();
        let Counts {
            accounts,
            addresses,
        } = &mut *counts;
        check(accounts, account, ACCOUNT, now)?;
        check(addresses, &address, ADDRESS, now)?;
        count(accounts, account.clone(), now);
        count(addresses, address, now);
        Ok(())
    }

    /// Takes back what was counted.
    pub(super) fn succeeded(&self, account: &UserKey, address: IpAddr) {
        let mut counts = self.0.lock();
        counts.accounts.remove(account);
        if let Some(failures) = counts.addresses.get_mut(&address) {
            failures.count = failures.count.saturating_sub(1);
        }
    }
}

/// The addresses from which something was shown lately that opens nothing. In memory, and without
/// accounts.
#[derive(Default)]
pub(crate) struct AddressFailures(Mutex<HashMap<IpAddr, Failures>>);

impl AddressFailures {
    /// Counts a failure, unless there were too many already.
    ///
    /// # Errors
    /// How many seconds to wait.
    pub(crate) fn failed(&self, address: IpAddr, now: Timestamp) -> Result<(), u32> {
        let now = now.as_millis();
        let mut failures = self.0.lock();
        check(&mut failures, &address, ADDRESS, now).map_err(|error| match error {
            LocalError::Wait(seconds) => seconds,
            _ => 1,
        })?;
        count(&mut failures, address, now);
        Ok(())
    }
}

fn check<K: Eq + std::hash::Hash>(
    counts: &mut HashMap<K, Failures>,
    key: &K,
    patience: Patience,
    now: i64,
) -> Result<(), LocalError> {
    let Some(failures) = counts.get(key) else {
        if counts.len() >= MAX {
            counts.retain(|_, failures| now - failures.last < FORGET);
        }
        // Somebody tries many names from many places: nobody else is let try for a moment.
        return if counts.len() >= MAX {
            Err(LocalError::Busy)
        } else {
            Ok(())
        };
    };
    let until = failures.last + patience.wait(failures.count) * 1000;
    if now >= until {
        return Ok(());
    }
    let seconds = (until - now + 999) / 1000;
    Err(LocalError::Wait(u32::try_from(seconds).unwrap_or(u32::MAX)))
}

fn count<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, Failures>, key: K, now: i64) {
    let failures = counts.entry(key).or_insert(Failures {
        count: 0,
        last: now,
    });
    if now - failures.last >= FORGET {
        failures.count = 0;
    }
    failures.count = failures.count.saturating_add(1);
    failures.last = now;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn the_wait_grows_and_ends() {
        let waits: Vec<_> = (4..14).map(|failures| ACCOUNT.wait(failures)).collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(ADDRESS.wait(u32::MAX), 900);
    }

    #[test]
    fn an_account_is_locked_wherever_the_attempts_come_from() {
        let lockout = Lockout::default();
        let key = UserKey::of("INTERNAL", "admin");
        for last in 1..=6 {
            assert_eq!(lockout.begin(&key, address(last), at(0)), Ok(()));
        }
        assert_eq!(
            lockout.begin(&key, address(7), at(0)),
            Err(LocalError::Wait(1))
        );
        let other = UserKey::of("INTERNAL", "other");
        assert_eq!(lockout.begin(&other, address(7), at(0)), Ok(()));
        assert_eq!(lockout.begin(&key, address(7), at(1)), Ok(()));
        assert_eq!(
            lockout.begin(&key, address(7), at(1)),
            Err(LocalError::Wait(2))
        );
        // The right password at last.
        assert_eq!(lockout.begin(&key, address(7), at(3)), Ok(()));
        lockout.succeeded(&key, address(7));
        assert_eq!(lockout.begin(&key, address(7), at(3)), Ok(()));
    }

    #[test]
    fn an_address_that_tries_many_names_is_locked() {
        let lockout = Lockout::default();
        let begin = |name: u32, seconds| {
            let key = UserKey::of("INTERNAL", &format!("u{name}"));
            lockout.begin(&key, address(1), at(seconds))
        };
        for name in 0..11 {
            assert_eq!(begin(name, 0), Ok(()));
        }
        assert_eq!(begin(11, 0), Err(LocalError::Wait(1)));
        assert_eq!(begin(11, 3600), Ok(()));
        assert_eq!(begin(12, 3600), Ok(()), "an hour later it is forgotten");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let lockout = Lockout::default();
        let begin = |number: u32, seconds| {
            let key = UserKey::of("INTERNAL", &number.to_string());
            lockout.begin(&key, IpAddr::from(number.to_be_bytes()), at(seconds))
        };
        for number in 0..10_000 {
            assert_eq!(begin(number, 0), Ok(()));
        }
        assert_eq!(begin(10_000, 0), Err(LocalError::Busy));
        assert_eq!(begin(10_000, 3600), Ok(()));
    }
}
