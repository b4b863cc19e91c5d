//! A key set fetched once, for whoever only asks what is in it.

use jotgate_token::KeySet;

use crate::fetch::{Fetcher, Location, MAX_KEY_SET, WrittenHosts};
use crate::timings::Timings;

/// Fetches the key set at `address`, by the same rules as the gateway does for its virtual proxies.
///
/// # Errors
/// What went wrong, as half a sentence that follows the address.
pub async fn fetch_key_set(address: &str) -> Result<KeySet, String> {
    let location = Location::parse(address).map_err(|_| {
        "is no https address; keys are fetched over https only, except from this machine".to_owned()
    })?;
    let written = WrittenHosts::of(&location);
    let fetched = Fetcher::new(Timings::default())
        .get(&location, &written, MAX_KEY_SET)
        .await
        .map_err(|error| error.to_string())?;
    KeySet::from_jwks(&fetched.body).map_err(|error| error.to_string())
}
