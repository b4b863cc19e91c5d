//! The time in which two processes serve: what one learns, the other must know.

use std::time::Duration;

use jotgate_manage::Management;
use jotgate_session::{Sessions, SharedSessions};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How often the other process' changes are read. They must hold within a second.
const INTERVAL: Duration = Duration::from_millis(100);

/// Keeps sessions and configuration the same in both.
pub(crate) struct Overlap {
    ended: CancellationToken,
    task: JoinHandle<()>,
}

impl Overlap {
    /// Begins. Whatever this process writes after this returns, the other one hears of.
    ///
    /// # Errors
    /// The journal of the sessions cannot be read.
    pub(crate) async fn begin(
        sessions: &Sessions,
        management: &Management,
    ) -> Result<Self, jotgate_session::OpenError> {
        let shared = sessions.share().await?;
        let ended = CancellationToken::new();
        let task = tokio::spawn(follow(shared, management.clone(), ended.clone()));
        Ok(Self { ended, task })
    }

    /// The other process is gone.
    pub(crate) async fn end(self) {
        self.ended.cancel();
        if self.task.await.is_err() {
            tracing::error!("following another process ended early; this is a defect of Jotgate");
        }
    }

    /// The other process stays: it removes what the two told each other.
    pub(crate) fn until_this_process_ends(self) {
        drop(self.task);
    }
}

async fn follow(mut shared: SharedSessions, management: Management, ended: CancellationToken) {
    let mut failed = false;
    while timeout(INTERVAL, ended.cancelled()).await.is_err() {
        let sessions = shared.catch_up().await.map_err(|error| error.to_string());
        let configuration = management.catch_up(jotgate_gateway::timestamp()).await;
        let caught_up = sessions.and(configuration.map_err(|error| error.to_string()));
        if let Err(error) = &caught_up
            && !failed
        {
            tracing::error!(%error, "the changes of the other process cannot be read at the moment");
        }
        failed = caught_up.is_err();
    }
    if let Err(error) = management.catch_up(jotgate_gateway::timestamp()).await {
        tracing::error!(%error, "the last changes of the other process cannot be read");
    }
    if let Err(error) = shared.end().await {
        tracing::error!(%error, "the last sessions of the other process cannot be read");
    }
}
