use proptest::prelude::*;

use super::SessionState::{LifetimeOver, Live, TimedOut};
use super::*;

const RULES: SessionRules = SessionRules {
    inactivity: 1800,
    max_lifetime: None,
    ends_with_token: false,
    max_per_user: None,
};

/// The state at `now` of a session that was created at 0.
fn at(last: i64, expires: Option<i64>, max_lifetime: Option<u32>, now: i64) -> SessionState {
    let rules = SessionRules {
        max_lifetime,
        ..RULES
    };
    let expires = expires.map(UnixTime);
    state(UnixTime(0), UnixTime(last), expires, &rules, UnixTime(now))
}

#[test]
fn inactivity_ends_at_its_second() {
    assert_eq!(at(100, None, None, 1899), Live);
    assert_eq!(at(100, None, None, 1900), TimedOut);
}

#[test]
fn a_fixed_end_and_a_longest_lifetime_end_at_their_second() {
    assert_eq!(at(5000, Some(5100), None, 5099), Live);
    assert_eq!(at(5000, Some(5100), None, 5100), LifetimeOver);
    assert_eq!(at(5000, None, Some(5100), 5099), Live);
    assert_eq!(at(5000, None, Some(5100), 5100), LifetimeOver);
    assert_eq!(at(5000, Some(9000), Some(5100), 5100), LifetimeOver);
    assert_eq!(at(5000, Some(5100), Some(9000), 5100), LifetimeOver);
}

#[test]
fn the_state_says_what_came_first() {
    assert_eq!(at(0, Some(1799), None, 100_000), LifetimeOver);
    assert_eq!(at(0, Some(1800), None, 100_000), LifetimeOver);
    assert_eq!(at(0, Some(1801), None, 100_000), TimedOut);
}

#[test]
fn a_clock_that_jumps_backwards_ends_nothing() {
    assert_eq!(at(1000, Some(5000), Some(5000), 0), Live);
    assert_eq!(at(1000, Some(5000), Some(5000), -1_000_000), Live);
    assert_eq!(at(1000, None, None, i64::MIN), Live);
}

/// Line N5 of the hostile inputs.
#[test]
fn time_goes_on_after_2038_and_2106() {
    for start in [i64::from(i32::MAX) - 10, i64::from(u32::MAX) - 10, 1 << 40] {
        let time = |seconds| UnixTime(start + seconds);
        let judge = |now| state(time(0), time(0), Some(time(900)), &RULES, time(now));
        assert_eq!(judge(899), Live);
        assert_eq!(judge(900), LifetimeOver);
    }
}

#[test]
fn the_ends_of_time_do_not_overflow() {
    let rules = SessionRules {
        inactivity: u32::MAX,
        max_lifetime: Some(u32::MAX),
        ..RULES
    };
    let (first, last) = (UnixTime(i64::MIN), UnixTime(i64::MAX));
    for (created, now) in [(first, last), (last, first), (last, last), (first, first)] {
        let judged = state(created, created, Some(last), &rules, now);
        assert_eq!(judged.is_live(), now == first, "{created} {now}");
    }
    assert!(state(last, last, None, &rules, UnixTime(i64::MAX - 1)).is_live());
}

proptest! {
    /// Once over, a session stays over: time alone never brings it back.
    #[test]
    fn time_only_ends(
        last in 0..10_000i64,
        expires in prop::option::of(0..10_000i64),
        lifetime in prop::option::of(1..10_000u32),
        now in 0..20_000i64,
        later in 0..10_000i64,
    ) {
        let before = at(last, expires, lifetime, now);
        let after = at(last, expires, lifetime, now + later);
        prop_assert!(before.is_live() || after == before);
        let end = [Some(last + 1800), expires, lifetime.map(i64::from)];
        let end = end.into_iter().flatten().min().unwrap();
        prop_assert_eq!(before.is_live(), now < end);
    }
}
