//! Requests per second: a bucket that needs one number (the generic cell rate algorithm, ITU-T I.371).

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// Lets a request through, or not. `next` is when the bucket would be empty again, `now` any clock in
/// nanoseconds; a second's worth of requests may come at once.
///
/// Gives the new value of `next`.
///
/// # Errors
/// After how many nanoseconds the request would be let through.
pub const fn take(next: u64, now: u64, per_second: u32) -> Result<u64, u64> {
    let interval = SECOND
        / if per_second == 0 {
            1
        } else {
            per_second as u64
        };
    let begins = if next > now { next } else { now };
    let latest = now.saturating_add(SECOND - interval);
    if begins > latest {
        return Err(begins - latest);
    }
    Ok(begins.saturating_add(interval))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_second_s_worth_may_come_at_once_and_then_one_at_a_time() {
        let mut next = 0;
        let now = 5 * SECOND;
        for _ in 0..10 {
            next = take(next, now, 10).unwrap();
        }
        assert_eq!(take(next, now, 10), Err(SECOND / 10));
        assert!(take(next, now + SECOND / 10, 10).is_ok());
        assert_eq!(take(0, 0, 1), Ok(SECOND));
        assert_eq!(take(SECOND, 0, 1), Err(SECOND));
    }

    proptest! {
        #[test]
        fn no_more_than_the_rate_passes(rate in 1_u32..1000, gaps in proptest::collection::vec(0_u64..SECOND / 100, 1..400)) {
            let (mut next, mut now, mut passed) = (0, SECOND, 0_u64);
            for gap in gaps {
                now += gap;
                if let Ok(new) = take(next, now, rate) {
                    next = new;
                    passed += 1;
                }
            }
            let seconds = (now - SECOND) / SECOND + 1;
            prop_assert!(passed <= u64::from(rate) * (seconds + 1));
        }
    }
}
