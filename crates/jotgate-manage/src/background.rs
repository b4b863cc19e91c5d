//! Work that may take long, away from the threads that answer.

use crate::ManageError;

/// Does `work` on a thread of its own: a draft may have 10,000 changes.
///
/// # Errors
/// [`ManageError::Unavailable`] when it ends early.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ManageError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "work in the background ended early");
        let reason = "of an error in Jotgate itself, which its log describes";
        ManageError::Unavailable(reason.to_owned())
    })
}
