//! A token as it may be kept: what it says, never what proves it.

use std::sync::Arc;

/// Header and claims of a token that somebody presented, for people and for judging it anew. There is
/// no signature in it, so it opens nothing. Claims that the virtual proxy calls private are masked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresentedToken {
    /// The header as JSON text, if it could be read.
    pub header: Option<Box<str>>,
    /// The claims as JSON text, if they could be read.
    pub claims: Option<Box<str>>,
    /// Whether something was left out because it was too long.
    pub is_cut: bool,
    /// The fingerprint of the key that made the signature; nothing when that is not proven.
    pub key_fingerprint: Option<Arc<str>>,
}

impl PresentedToken {
    /// The longest text of header and of claims, in bytes each.
    pub const MAX_TEXT: usize = 4096;

    /// How many bytes its texts take.
    #[must_use]
    pub fn size(&self) -> usize {
        let texts = [&self.header, &self.claims].into_iter().flatten();
        texts.map(|text| text.len()).sum()
    }
}
