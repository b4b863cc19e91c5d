//! The news that the server is shutting down, for tasks that outlive their HTTP request.

use std::future::pending;

use tokio::sync::watch;

/// Tells a socket's task when to say goodbye. Whoever holds one keeps [`crate::serve`] waiting, for
/// a bounded time, so that the goodbye is sent.
#[derive(Clone)]
pub(crate) struct Closing(Option<watch::Receiver<bool>>);

impl Closing {
    /// The sender that announces the shutdown, and the receiver for the tasks.
    pub(crate) fn channel() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(Some(receiver)))
    }

    /// A shutdown that never comes.
    pub(crate) fn never() -> Self {
        Self(None)
    }

    /// Completes when the shutdown was announced, or when the server is simply gone.
    pub(crate) async fn wait(&mut self) {
        match &mut self.0 {
            // An error means that the sender was dropped: nobody is left to wait for.
            Some(receiver) => drop(receiver.wait_for(|closing| *closing).await),
            None => pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_announced_or_abandoned_shutdown_is_heard() {
        let (sender, mut announced) = Closing::channel();
        sender.send_replace(true);
        announced.wait().await;

        let (sender, mut abandoned) = Closing::channel();
        drop(sender);
        abandoned.wait().await;
    }
}
