//! How long things take and how often they are done.

use std::time::Duration;

/// Every duration of this crate in one place, so that tests can shorten them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timings {
    /// How long a connection may take, TLS included.
    pub(crate) connect: Duration,
    /// How long one document may take in all, redirects included.
    pub(crate) document: Duration,
    /// When a key set is fetched again that says nothing about it.
    pub(crate) refresh: Duration,
    /// The least and the most that a key set may say.
    pub(crate) refresh_bounds: (Duration, Duration),
    /// The pause after the first failure; it doubles with each one that follows.
    pub(crate) first_retry: Duration,
    /// The longest pause after a failure.
    pub(crate) last_retry: Duration,
    /// The least time from the beginning of a fetch to that of one which a token asks for.
    pub(crate) first_spacing: Duration,
    /// What the spacing doubles up to while such fetches are in vain. Shorter than `patience`.
    pub(crate) last_spacing: Duration,
    /// For how long a key id that was looked up in vain is not looked up again.
    pub(crate) vain: Duration,
    /// How long a request waits for newer keys.
    pub(crate) patience: Duration,
    /// How long a fetch waits for that of another node. Shorter than `patience`.
    pub(crate) others: Duration,
}

impl Timings {
    /// How long a document counts as fresh whose server said so, or said nothing.
    pub(crate) fn fresh_for(&self, said: Option<Duration>) -> Duration {
        let (least, most) = self.refresh_bounds;
        said.map_or(self.refresh, |said| said.clamp(least, most))
    }
}

impl Default for Timings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(5),
            document: seconds(10),
            refresh: seconds(600),
            refresh_bounds: (seconds(60), seconds(86_400)),
            first_retry: seconds(1),
            last_retry: seconds(300),
            first_spacing: seconds(1),
            last_spacing: seconds(4),
            vain: seconds(10),
            patience: seconds(5),
            others: seconds(3),
        }
    }
}
