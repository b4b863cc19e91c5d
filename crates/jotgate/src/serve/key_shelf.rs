//! Key sets that this node's neighbours have fetched, in the store of the sessions.

use std::time::Duration;

use jotgate_keys::{Answered, Found, Shelf};
use jotgate_session::{Note, Sessions};

/// Notes between nodes as the keys want them.
pub(super) struct KeyShelf(pub(super) Sessions);

impl Shelf for KeyShelf {
    fn find_or_claim<'a>(&'a self, name: &'a str, claim: Duration) -> Answered<'a, Found> {
        Box::pin(async move {
            match self.0.note_or_claim(name, claim).await {
                Ok(Note::Text(text, age)) => Found::Text(text, age),
                Ok(Note::Awaited) => Found::Claimed,
                // Whoever cannot reach the store helps itself.
                Ok(Note::ToWrite) | Err(_) => Found::Nothing,
            }
        })
    }

    fn leave<'a>(&'a self, name: &'a str, text: Vec<u8>, keep: Duration) -> Answered<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.0.leave_note(name, &text, keep).await {
                tracing::debug!(%error, "a key set was not left for other nodes");
            }
        })
    }
}
