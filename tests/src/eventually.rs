//! Waiting for what must happen.

use std::time::{Duration, Instant};

use crate::PATIENCE;

/// Asks again and again until there is a value.
///
/// # Panics
/// After [`PATIENCE`], with `what` did not happen.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "did not happen: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits for `task` no longer than `limit`.
///
/// # Panics
/// When it takes longer, with `what` it was.
pub async fn within<T>(limit: Duration, what: &str, task: impl Future<Output = T>) -> T {
    match tokio::time::timeout(limit, task).await {
        Ok(value) => value,
        Err(_) => panic!("took more than {limit:?}: {what}"),
    }
}
