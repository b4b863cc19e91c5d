//! The compact form (RFC 7515 section 7.1): three base64url segments with dots between them.
//!
//! Decoding is strict: no padding, no other alphabet, no blanks, no bits left over. Whatever is not
//! that is looked at once more, only to tell the administrator what happened to the token.

mod diagnosis;

use std::fmt;

use base64_simd::URL_SAFE_NO_PAD;
use jotgate_model::{Reason, Refusal};

use diagnosis::diagnose;

/// The longest token, in bytes. Longer ones do not fit into the headers of common backends either.
pub(crate) const MAX_TOKEN: usize = 16 * 1024;

/// A token taken apart. The contents of header and payload have not been judged yet.
pub(crate) struct Parts<'t> {
    /// What is signed: header and payload as they came, with the dot between them.
    pub(crate) signing_input: &'t [u8],
    decoded: Vec<u8>,
    header_end: usize,
    payload_end: usize,
}

impl<'t> Parts<'t> {
    /// Takes a token apart.
    pub(crate) fn split(token: &'t [u8]) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::with(
                Reason::TokenTooLarge,
                format!(
                    "the token has {} bytes; at most {MAX_TOKEN} are accepted",
                    token.len()
                ),
            ));
        }
        Self::decode(token).ok_or_else(|| diagnose(token))
    }

    fn decode(token: &'t [u8]) -> Option<Self> {
        let first = token.iter().position(|b| *b == b'.')?;
        let last = token.iter().rposition(|b| *b == b'.')?;
        let header = token.get(..first)?;
        let payload = token.get(first + 1..last)?;
        let signature = token.get(last + 1..)?;
        // An empty payload can be signed (RFC 7515 section 5.1); it is no JSON object, though.
        if header.is_empty() || signature.is_empty() {
            return None;
        }
        // A dot inside of the payload is outside of the alphabet, so a fourth segment fails here.
        let mut decoded = Vec::with_capacity(token.len());
        URL_SAFE_NO_PAD.decode_append(header, &mut decoded).ok()?;
        let header_end = decoded.len();
        URL_SAFE_NO_PAD.decode_append(payload, &mut decoded).ok()?;
        let payload_end = decoded.len();
        URL_SAFE_NO_PAD
            .decode_append(signature, &mut decoded)
            .ok()?;
        Some(Self {
            signing_input: token.get(..last)?,
            decoded,
            header_end,
            payload_end,
        })
    }

    /// The decoded header.
    pub(crate) fn header(&self) -> &[u8] {
        self.decoded.get(..self.header_end).unwrap_or_default()
    }

    /// The decoded payload.
    pub(crate) fn payload(&self) -> &[u8] {
        self.decoded
            .get(self.header_end..self.payload_end)
            .unwrap_or_default()
    }

    /// The decoded signature. Never shown.
    pub(crate) fn signature(&self) -> &[u8] {
        self.decoded.get(self.payload_end..).unwrap_or_default()
    }
}

impl fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
