//! What administration does to sessions.

use jotgate_session::{EndReason, Sessions};
use uuid::Uuid;

/// Ends every session of a virtual proxy that is gone.
///
/// An end that could not be written holds all the same, and nothing leads to these sessions any
/// more: the deletion stands, and the log tells.
pub(crate) async fn end_sessions_of(sessions: &Sessions, virtual_proxy: Uuid) {
    let of_it = |session: &jotgate_session::Session| session.virtual_proxy() == virtual_proxy;
    let ended = sessions.end_where(EndReason::VirtualProxyDeleted, of_it);
    if let Err(error) = ended.await {
        tracing::warn!(
            virtual_proxy.id = %virtual_proxy,
            %error,
            "the ends of the sessions of a deleted virtual proxy were not all written"
        );
    }
}

#[cfg(test)]
mod tests;
