//! When a source is asked again. Arithmetic only.

use std::time::Duration;

use tokio::time::Instant;

use crate::timings::Timings;

/// What the next fetch depends on.
pub(super) struct Schedule {
    timings: Timings,
    retry: Duration,
    spacing: Duration,
    last_began: Option<Instant>,
}

impl Schedule {
    pub(super) const fn new(timings: Timings) -> Self {
        Self {
            retry: timings.first_retry,
            spacing: timings.first_spacing,
            last_began: None,
            timings,
        }
    }

    /// When the last fetch began.
    pub(super) const fn last_began(&self) -> Option<Instant> {
        self.last_began
    }

    /// The least time from the beginning of a fetch to that of one which a token asks for.
    pub(super) const fn spacing(&self) -> Duration {
        self.spacing
    }

    /// Takes a fetch into account and gives when the next one is due. `asked`: a token asked for it.
    /// `fresh_for` is an error when it failed. `random` is a number from 0 to 1.
    pub(super) fn after(
        &mut self,
        began: Instant,
        asked: bool,
        changed: bool,
        fresh_for: Result<Option<Duration>, ()>,
        random: f64,
    ) -> Instant {
        self.last_began = Some(began);
        if changed {
            self.spacing = self.timings.first_spacing;
        } else if asked {
            self.spacing = (self.spacing * 2).min(self.timings.last_spacing);
        }
        let pause = match fresh_for {
            Ok(said) => {
                self.retry = self.timings.first_retry;
                self.timings.fresh_for(said)
            }
            Err(()) => {
                let pause = self.retry;
                self.retry = (self.retry * 2).min(self.timings.last_retry);
                pause
            }
        };
        // A tenth earlier at most: never later than the server allows.
        began + pause.mul_f64(1.0 - random / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn freshness_is_kept_within_bounds_and_never_exceeded() {
        let began = Instant::now();
        let due = |said, random| {
            let mut schedule = Schedule::new(Timings::default());
            schedule.after(began, false, true, Ok(said), random) - began
        };
        assert_eq!(due(None, 0.0), seconds(600));
        assert_eq!(due(Some(seconds(0)), 0.0), seconds(60));
        assert_eq!(due(Some(seconds(59)), 0.0), seconds(60));
        assert_eq!(due(Some(seconds(61)), 0.0), seconds(61));
        assert_eq!(due(Some(seconds(86_400)), 0.0), seconds(86_400));
        assert_eq!(due(Some(seconds(u64::MAX)), 0.0), seconds(86_400));
        assert_eq!(due(Some(seconds(1000)), 1.0), seconds(900));
    }

    #[tokio::test]
    async fn failures_are_retried_ever_more_slowly() {
        let began = Instant::now();
        let mut schedule = Schedule::new(Timings::default());
        let mut fail =
            |result| (schedule.after(began, false, false, result, 0.0) - began).as_secs();
        let pauses: Vec<_> = (0..11).map(|_| fail(Err(()))).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        fail(Ok(None));
        assert_eq!(fail(Err(())), 1);
    }

    #[tokio::test]
    async fn only_fetches_in_vain_that_were_asked_for_widen_the_spacing() {
        let began = Instant::now();
        let mut schedule = Schedule::new(Timings::default());
        let mut fetch = |asked, changed, result| {
            schedule.after(began, asked, changed, result, 0.0);
            schedule.spacing().as_secs()
        };
        assert_eq!(fetch(false, false, Ok(None)), 1);
        assert_eq!(fetch(true, false, Ok(None)), 2);
        assert_eq!(fetch(true, false, Err(())), 4);
        assert_eq!(fetch(true, false, Ok(None)), 4);
        assert_eq!(fetch(false, false, Ok(None)), 4);
        assert_eq!(fetch(true, true, Ok(None)), 1);
    }

    /// What makes the promise hold that an honest token is never kept waiting by a flood.
    #[test]
    fn a_request_waits_longer_than_the_longest_spacing() {
        let timings = Timings::default();
        assert!(timings.patience >= timings.last_spacing + timings.first_spacing);
    }
}
