//! Streams of HTTP/2 whose client takes nothing.
//!
//! A client that grants no window (RFC 9113 section 5.2) holds an answer, and the backend's connection
//! behind it, while the connection as a whole looks alive. hyper does not ask for the next piece of a
//! body before there is room for it, so that the body cannot see how long it waits: the task of the
//! stream does. It is dropped, and with it the stream is reset.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, sleep_until};

tokio::task_local! {
    static TURN: Arc<Turn>;
}

/// Runs the tasks of a connection's streams, each until its client has taken nothing for `limit`.
#[derive(Clone)]
pub(crate) struct StreamExecutor {
    pub(crate) limit: Duration,
}

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(until_stalled(stream, self.limit));
    }
}

/// Whose turn it is in the answer of a stream: the backend's while the number is even, the client's
/// while it is odd. Every piece of the body makes it another one.
#[derive(Debug, Default)]
pub(crate) struct Turn(AtomicU64);

impl Turn {
    /// That of the stream whose task this is; nothing where there is none, as in HTTP/1.
    pub(crate) fn here() -> Option<Arc<Self>> {
        TURN.try_with(Arc::clone).ok()
    }

    /// The client has been offered another piece, or may take the first.
    pub(crate) fn is_the_clients(&self) {
        let number = self.0.load(Ordering::Relaxed);
        self.0.store((number + 1) | 1, Ordering::Relaxed);
    }

    /// The next piece has not come yet.
    pub(crate) fn is_the_backends(&self) {
        let number = self.0.load(Ordering::Relaxed);
        self.0.store((number + 1) & !1, Ordering::Relaxed);
    }

    /// The number while the client is waited for.
    fn of_the_client(&self) -> Option<u64> {
        let number = self.0.load(Ordering::Relaxed);
        (number % 2 == 1).then_some(number)
    }
}

async fn until_stalled(stream: impl Future<Output = ()>, limit: Duration) {
    let turn = Arc::<Turn>::default();
    let mut stream = pin!(TURN.scope(turn.clone(), stream));
    let mut alarm = pin!(None);
    let mut waiting = None;
    poll_fn(|cx| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let now_waiting = turn.of_the_client();
        if now_waiting != waiting {
            waiting = now_waiting;
            alarm.set(waiting.map(|_| sleep_until(Instant::now() + limit)));
        }
        let Some(alarm) = alarm.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        alarm
            .poll(cx)
            .map(|()| tracing::debug!("a client took nothing of an answer"))
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(40);

    #[tokio::test]
    async fn only_waiting_for_the_client_has_a_limit() {
        let began = Instant::now();
        let stream = async {
            // The backend thinks, the client takes its time, and the backend thinks again.
            tokio::time::sleep(5 * LIMIT).await;
            let turn = Turn::here().expect("a turn");
            for _ in 0..3 {
                turn.is_the_clients();
                tokio::time::sleep(LIMIT / 2).await;
            }
            turn.is_the_backends();
            tokio::time::sleep(5 * LIMIT).await;
            turn.is_the_clients();
            std::future::pending().await
        };
        until_stalled(stream, LIMIT).await;
        let expected = 5 * LIMIT + 3 * LIMIT / 2 + 5 * LIMIT + LIMIT;
        assert!(began.elapsed() >= expected, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn outside_of_streams_there_are_no_turns() {
        assert!(Turn::here().is_none());
        until_stalled(async {}, LIMIT).await;
    }
}
