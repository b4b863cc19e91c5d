//! Leaving without losing anything.
//!
//! The order: `/readyz` answers 503 and every connection ends with its next answer, while new ones
//! are still accepted (a load balancer takes its time to notice); then nobody new is accepted; requests
//! finish; WebSockets get a close frame; what is left is cut off.
//!
//! A connection never ends between a request and its answer. HTTP/1.1: the answer says
//! `Connection: close`; a connection on which nothing happens is closed after a moment, because its
//! client may be sending. HTTP/2: GOAWAY, in the two steps of RFC 9113 section 6.8.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::timed_io::Activity;

/// How long nothing must have happened on a connection before it is closed.
const QUIET: Duration = Duration::from_secs(1);
/// How often that is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How long WebSockets have to take the close frame after the end of a drain.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How the process leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// For how long new connections are accepted all the same.
    pub delay: Duration,
    /// How long what is open may take after that.
    pub timeout: Duration,
    /// Whether WebSockets stay until the timeout, since another process serves in the meantime.
    pub keep_sockets: bool,
}

impl Leaving {
    /// Without waiting for anybody.
    pub const NOW: Self = Self {
        delay: Duration::ZERO,
        timeout: Duration::ZERO,
        keep_sockets: false,
    };

    /// The same when another process serves already: nobody new, and WebSockets stay.
    #[must_use]
    pub const fn beside_another(self) -> Self {
        Self {
            delay: Duration::ZERO,
            keep_sockets: true,
            ..self
        }
    }
}

/// How far the process has left, and what is still open.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    /// Beside the token: requests look at it, and must not share a lock.
    is_leaving: AtomicBool,
    leaving: CancellationToken,
    accepting_ended: CancellationToken,
    tunnels_ended: CancellationToken,
    cut: CancellationToken,
    pub(crate) connections: TaskTracker,
    pub(crate) tunnels: TaskTracker,
}

impl Drain {
    /// Whether connections end with their next answer.
    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }

    /// Completes when nobody new is accepted.
    pub(crate) async fn accepting_ended(&self) {
        self.accepting_ended.cancelled().await;
    }

    /// Completes when WebSockets must close.
    pub(crate) async fn tunnels_ended(&self) {
        self.tunnels_ended.cancelled().await;
    }

    /// Completes when whatever is still open must close.
    pub(crate) async fn cut(&self) {
        self.cut.cancelled().await;
    }

    /// Completes when the connection of `activity` is to be closed although no answer on it says so:
    /// nothing has happened on it for a moment or, with HTTP/2, it has served its first request.
    pub(crate) async fn may_close(&self, activity: &Activity, multiplexed: bool) {
        self.leaving.cancelled().await;
        let since = Instant::now();
        let quiet =
            || !activity.is_serving() && activity.idle_since().max(since).elapsed() >= QUIET;
        while !(quiet() || multiplexed && activity.has_served()) {
            sleep(LOOK_INTERVAL).await;
        }
    }

    pub(crate) async fn leave(&self, plan: Leaving) {
        self.is_leaving.store(true, Ordering::Relaxed);
        self.leaving.cancel();
        if !self.accepting_ended.is_cancelled() {
            sleep(plan.delay).await;
        }
        self.accepting_ended.cancel();
        self.connections.close();
        self.tunnels.close();
        let deadline = Instant::now() + plan.timeout;
        let in_time = timeout_at(deadline, async {
            self.connections.wait().await;
            if plan.keep_sockets {
                self.tunnels.wait().await;
            }
        });
        if in_time.await.is_err() {
            tracing::warn!(
                connections = self.connections.len(),
                websockets = self.tunnels.len(),
                "the drain timeout is over; what is left is cut off"
            );
        }
        self.tunnels_ended.cancel();
        let deadline = deadline.max(Instant::now() + LAST_WORDS.min(plan.timeout));
        // Whoever has not taken the close frame by then does not get it.
        timeout_at(deadline, self.tunnels.wait()).await.ok();
        self.cut.cancel();
    }
}

/// Completes when nothing is served on a connection any more but WebSockets.
pub(crate) async fn only_sockets(activity: &Activity) {
    while !activity.has_sockets_only() {
        sleep(LOOK_INTERVAL).await;
    }
}
