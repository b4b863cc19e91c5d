//! Health: what became of a backend's requests and checks, and what follows from it.
//!
//! Two things count against a backend. Its checks, when it has a path for them: it is down after
//! [`CHECKS`] that failed in a row, and up again after as many that went well. And its traffic: when
//! it cannot be reached, or fails [`FAILURES`] times in a row, it is passed over for a time that
//! doubles while it goes on like that. When the time is over it gets a growing share again.
//!
//! Times are milliseconds since a moment that the caller chose, and greater than 0.

/// Checks in a row that change the mind.
pub const CHECKS: u32 = 2;
/// Failures of requests in a row after which a backend is passed over.
pub const FAILURES: u32 = 5;
/// For how long it is passed over the first time, in milliseconds.
pub const FIRST_EJECTION: u64 = 2_000;
/// For how long at most.
pub const LONGEST_EJECTION: u64 = 60_000;
/// After so many milliseconds without another ejection the next one is a first one again.
const FORGIVEN_AFTER: u64 = 60_000;
/// How long it takes until a backend that comes back has its whole share, in milliseconds.
pub const SLOW_RETURN: u64 = 10_000;

/// The whole share.
pub const WHOLE: u32 = 1000;
/// The share of a backend that has just come back.
const FIRST_SHARE: u32 = 100;

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection: nobody else will get one either.
    Unreachable,
    /// No valid answer, none in time, or a status of the 500s: may have been this request's fault.
    Answer,
}

/// What is known of one backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    failures: u32,
    ejections: u32,
    ejected_until: u64,
    ejected_for: Option<Failure>,
    checks_failed: u32,
    checks_passed: u32,
    checked_down: bool,
    back_since: u64,
}

/// What requests need to know of a backend's health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Passed over before this moment; [`u64::MAX`]: until a check says otherwise.
    pub down_until: u64,
    /// When it came back, or will; 0: it was never away.
    pub back_since: u64,
}

impl Verdict {
    /// Whether it is passed over.
    #[must_use]
    pub const fn is_down(self, now: u64) -> bool {
        now < self.down_until
    }

    /// How much it gets of what it would get, of [`WHOLE`]. Never nothing.
    #[must_use]
    pub fn share(self, now: u64) -> u32 {
        let back = now.saturating_sub(self.back_since);
        if self.back_since == 0 || back >= SLOW_RETURN {
            return WHOLE;
        }
        let grown = u64::from(WHOLE - FIRST_SHARE) * back / SLOW_RETURN;
        FIRST_SHARE + u32::try_from(grown).unwrap_or(0)
    }
}

impl Health {
    /// Notes that a request failed. Whether the backend is passed over from now on.
    pub fn failed(&mut self, failure: Failure, now: u64) -> bool {
        if now < self.ejected_until {
            // Asked because nobody else was left, or before it was passed over: nothing new.
            return false;
        }
        self.failures += 1;
        if failure == Failure::Answer && self.failures < FAILURES {
            return false;
        }
        let again = self.ejections > 0 && now - self.ejected_until < FORGIVEN_AFTER;
        self.failures = 0;
        self.ejections = if again {
            self.ejections.saturating_add(1)
        } else {
            1
        };
        self.ejected_for = Some(failure);
        self.ejected_until = now + ejection(self.ejections);
        true
    }

    /// Notes that a request was answered well.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Notes a check. Whether it changed what the checks say.
    pub fn checked(&mut self, passed: bool, now: u64) -> bool {
        if passed {
            self.checks_passed = self.checks_passed.saturating_add(1);
            self.checks_failed = 0;
        } else {
            self.checks_failed = self.checks_failed.saturating_add(1);
            self.checks_passed = 0;
        }
        if self.checks_passed >= CHECKS
            && self.ejected_for == Some(Failure::Unreachable)
            && now < self.ejected_until
        {
            // It can be reached again. That it answers requests well, a check cannot know.
            self.ejected_until = now;
        }
        let down = match self.checked_down {
            false => self.checks_failed >= CHECKS,
            true => self.checks_passed < CHECKS,
        };
        let changed = down != self.checked_down;
        if changed && !down {
            self.back_since = now;
        }
        self.checked_down = down;
        changed
    }

    /// What follows.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        Verdict {
            down_until: if self.checked_down {
                u64::MAX
            } else {
                self.ejected_until
            },
            back_since: self.back_since.max(self.ejected_until),
        }
    }

    /// Whether a request that is answered well would change anything.
    #[must_use]
    pub const fn is_suspect(&self) -> bool {
        self.failures > 0
    }
}

/// How long the ejection of that number takes, counted from 1.
fn ejection(number: u32) -> u64 {
    let doublings = number.saturating_sub(1).min(16);
    (FIRST_EJECTION << doublings).min(LONGEST_EJECTION)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn down(health: &Health, now: u64) -> bool {
        health.verdict().is_down(now)
    }

    #[test]
    fn who_cannot_be_reached_is_passed_over_at_once_and_longer_each_time() {
        let mut health = Health::default();
        let mut now = 1;
        for expected in [2, 4, 8, 16, 32, 60, 60] {
            assert!(health.failed(Failure::Unreachable, now));
            assert!(!health.failed(Failure::Unreachable, now + 1), "known");
            let until = health.verdict().down_until;
            assert_eq!(until - now, expected * 1000);
            assert!(down(&health, until - 1) && !down(&health, until));
            now = until;
        }
        assert!(health.failed(Failure::Unreachable, now + FORGIVEN_AFTER));
        let until = health.verdict().down_until;
        assert_eq!(until - now - FORGIVEN_AFTER, FIRST_EJECTION);
    }

    #[test]
    fn bad_answers_count_in_a_row() {
        let mut health = Health::default();
        for _ in 0..100 {
            assert!(!health.failed(Failure::Answer, 1));
            assert!(!health.failed(Failure::Answer, 1));
            assert!(health.is_suspect());
            health.succeeded();
            assert!(!health.is_suspect());
        }
        let ejected = (0..FAILURES).map(|_| health.failed(Failure::Answer, 1));
        assert_eq!(
            ejected.collect::<Vec<_>>(),
            [false, false, false, false, true]
        );
    }

    #[test]
    fn checks_count_in_a_row() {
        let mut health = Health::default();
        assert!(!health.checked(false, 1));
        assert!(!health.checked(true, 2));
        assert!(!health.checked(false, 3));
        assert!(health.checked(false, 4));
        assert!(down(&health, u64::MAX - 1));
        assert!(!health.checked(true, 5));
        assert!(health.checked(true, 6));
        assert!(!down(&health, 6));
        assert!(health.verdict().share(6) < WHOLE);
        assert_eq!(health.verdict().share(6 + SLOW_RETURN), WHOLE);
    }

    #[test]
    fn a_check_ends_an_ejection_for_being_unreachable_only() {
        for (failure, ends) in [(Failure::Unreachable, true), (Failure::Answer, false)] {
            let mut health = Health::default();
            for _ in 0..FAILURES {
                health.failed(failure, 1);
            }
            health.checked(true, 10);
            health.checked(true, 11);
            assert_eq!(down(&health, 11), !ends, "{failure:?}");
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Failed(Failure),
        Succeeded,
        Checked(bool),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Failed(Failure::Unreachable)),
            Just(Event::Failed(Failure::Answer)),
            Just(Event::Succeeded),
            any::<bool>().prop_map(Event::Checked),
        ]
    }

    proptest! {
        /// Whatever happened: two checks that pass, or the longest ejection, and it is asked again,
        /// and after the slow return it has its whole share.
        #[test]
        fn everybody_comes_back(events in prop::collection::vec((event(), 0_u64..5_000), 0..200)) {
            let mut health = Health::default();
            let mut now = 1;
            for (event, pause) in events {
                now += pause;
                match event {
                    Event::Failed(failure) => {
                        let ejected = health.failed(failure, now);
                        prop_assert!(!ejected || down(&health, now));
                    }
                    Event::Succeeded => health.succeeded(),
                    Event::Checked(passed) => {
                        health.checked(passed, now);
                    }
                }
                let share = health.verdict().share(now);
                prop_assert!((1..=WHOLE).contains(&share));
            }
            health.checked(true, now);
            health.checked(true, now);
            now += LONGEST_EJECTION;
            prop_assert!(!down(&health, now));
            prop_assert_eq!(health.verdict().share(now + SLOW_RETURN), WHOLE);
        }

        #[test]
        fn the_share_only_grows(back_since: u32, at: u32, later: u32) {
            let verdict = Verdict { down_until: 0, back_since: u64::from(back_since) };
            let (at, later) = (u64::from(at), u64::from(at) + u64::from(later));
            prop_assume!(at >= verdict.back_since);
            prop_assert!(verdict.share(at) <= verdict.share(later));
        }
    }
}
