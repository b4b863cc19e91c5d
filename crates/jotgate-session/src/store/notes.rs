//! What nodes that share sessions leave for each other besides: a text under a name, for a time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jotgate_model::UnixTime;

use super::Sessions;
use crate::secret::sha256;
use crate::{SessionError, SessionKey};

/// What was found under a name.
#[derive(Debug, PartialEq, Eq)]
pub enum Note {
    /// A text that some node left, and how long ago that was by the clock of the store, in whole seconds and
    /// rounded up.
    Text(Vec<u8>, Duration),
    /// Nothing, and this node is the one to leave it, until its claim runs out.
    ToWrite,
    /// Nothing, and another node is the one.
    Awaited,
}

impl Sessions {
    /// What another node left under `name`; or else a claim to leave it, which lasts for `claim`, in whole seconds.
    /// Only who has the cluster key can have written it, and under this name. Where nobody shares, there is nothing.
    ///
    /// # Errors
    /// The shared store does not answer.
    pub async fn note_or_claim(&self, name: &str, claim: Duration) -> Result<Note, SessionError> {
        let Some(shared) = &self.0.shared else {
            return Ok(Note::ToWrite);
        };
        let key = key_of(name);
        let found = shared.asker.read_note(key).await?;
        let read = found.as_deref().and_then(|text| text.split_first_chunk());
        if let Some((written, text)) = read {
            let now = shared.pulse.to_store(now());
            let age = now.saturating_sub(i64::from_be_bytes(*written)).max(0);
            let age = Duration::from_secs(age.unsigned_abs().saturating_add(1));
            return Ok(Note::Text(text.to_vec(), age));
        }
        let claimed = shared.asker.claim_note(key, seconds(claim)).await?;
        Ok(if claimed {
            Note::ToWrite
        } else {
            Note::Awaited
        })
    }

    /// Leaves a text for the nodes that share, for so long, in whole seconds.
    ///
    /// # Errors
    /// The shared store does not answer.
    pub async fn leave_note(
        &self,
        name: &str,
        text: &[u8],
        keep: Duration,
    ) -> Result<(), SessionError> {
        let Some(shared) = &self.0.shared else {
            return Ok(());
        };
        let written = shared.pulse.to_store(now()).to_be_bytes();
        let text = [&written[..], text].concat();
        shared
            .asker
            .keep_note(key_of(name), text, seconds(keep))
            .await
    }
}

fn key_of(name: &str) -> SessionKey {
    SessionKey::from_bytes(sha256(name.as_bytes()))
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn now() -> UnixTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
