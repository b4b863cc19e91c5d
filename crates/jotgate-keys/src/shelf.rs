//! Key sets that the nodes of a fleet fetch for each other, so that an issuer sees one of them.
//!
//! A node that is about to fetch a key set looks on the shelf first. What another one has fetched a moment ago is
//! as good; what somebody is fetching is worth a short wait. Whoever has fetched leaves it there for nine tenths of
//! the time that it is fresh: nodes come back in the last tenth, find nothing, and the first of them fetches.
//!
//! A token with an unknown key id never waits for the shelf: what is there may be older than its key.

use std::pin::Pin;
use std::time::Duration;

use jotgate_model::UnixTime;
use jotgate_token::KeySet;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::clock;
use crate::timings::Timings;

/// How often a node looks while it waits for another one's fetch.
const LOOKS: u32 = 12;

/// By how much clocks of nodes may differ. Whoever can write to the shelf, and only put back what was once there,
/// makes no key set last longer than it is fresh and this.
const CLOCK_TOLERANCE: i64 = 600;

/// What a method of [`Shelf`] comes to.
pub type Answered<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where nodes leave texts for each other. Only nodes can write what is found there, and each text is found under
/// the name that it was left under and no other.
pub trait Shelf: Send + Sync {
    /// The text of that name; or else the right to make it, which nobody else gets for `claim`.
    fn find_or_claim<'a>(&'a self, name: &'a str, claim: Duration) -> Answered<'a, Found>;

    /// Leaves a text for others. May fail: then they find nothing.
    fn leave<'a>(&'a self, name: &'a str, text: Vec<u8>, keep: Duration) -> Answered<'a, ()>;
}

/// What was on the shelf.
#[derive(Debug)]
pub enum Found {
    /// A text, and how long ago it was left there.
    Text(Vec<u8>, Duration),
    /// Nothing, and nobody else is about to leave it; or the shelf cannot be reached.
    Nothing,
    /// Nothing yet: somebody else is about to leave it.
    Claimed,
}

/// A key set as it lies on the shelf.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// When it was fetched, by the clock of that node.
    fetched: i64,
    /// Milliseconds for which it is fresh from then on.
    fresh_for: u64,
    /// The document, as the issuer gave it.
    document: String,
}

/// A key set that another node has fetched.
pub(crate) struct Shared {
    pub(crate) keys: KeySet,
    /// How long ago that was.
    pub(crate) age: Duration,
    /// From then on.
    pub(crate) fresh_for: Duration,
}

/// What another node has fetched, or is fetching; nothing when this node is to fetch.
pub(crate) async fn look(shelf: &dyn Shelf, name: &str, timings: &Timings) -> Option<Shared> {
    let until = Instant::now() + timings.others;
    loop {
        match shelf.find_or_claim(name, timings.document).await {
            Found::Text(text, age) => return read(&text, age, clock::now()),
            Found::Nothing => return None,
            Found::Claimed if Instant::now() >= until => return None,
            Found::Claimed => sleep(timings.others / LOOKS).await,
        }
    }
}

/// Leaves what this node has fetched just now.
pub(crate) async fn leave(shelf: &dyn Shelf, name: &str, document: &[u8], fresh_for: Duration) {
    // A key set that was read is UTF-8.
    let Ok(document) = String::from_utf8(document.to_vec()) else {
        return;
    };
    let kept = Kept {
        fetched: clock::now().0,
        fresh_for: u64::try_from(fresh_for.as_millis()).unwrap_or(u64::MAX),
        document,
    };
    if let Ok(text) = serde_json::to_vec(&kept) {
        shelf.leave(name, text, fresh_for.mul_f64(0.9)).await;
    }
}

/// Nothing when it is no key set, or too old whatever the shelf says.
fn read(text: &[u8], age: Duration, now: UnixTime) -> Option<Shared> {
    let kept: Kept = serde_json::from_slice(text).ok()?;
    let fresh_for = Duration::from_millis(kept.fresh_for);
    let oldest = i64::try_from(fresh_for.as_secs()).ok()?;
    let distance = now.0.saturating_sub(kept.fetched);
    let is_of_now = (-CLOCK_TOLERANCE..=oldest.saturating_add(CLOCK_TOLERANCE)).contains(&distance);
    if !is_of_now || age > fresh_for {
        return None;
    }
    Some(Shared {
        keys: KeySet::from_jwks(kept.document.as_bytes()).ok()?,
        age,
        fresh_for,
    })
}

#[cfg(test)]
mod tests;
