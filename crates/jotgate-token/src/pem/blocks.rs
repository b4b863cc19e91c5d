//! Finds the blocks in PEM text, however their line breaks were mistreated.

use zeroize::Zeroizing;

use super::PemError;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// What stands between a BEGIN and its END.
pub(super) struct Block<'a> {
    /// From the first dash of BEGIN to the last one of END.
    pub(super) text: &'a str,
    pub(super) label: &'a str,
    body: &'a str,
}

impl Block<'_> {
    /// The decoded contents, unless they are not base64. Wiped when dropped: it may be a private key.
    pub(super) fn contents(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut digits = Zeroizing::new(Vec::with_capacity(self.body.len()));
        let mut rest = self.body.as_bytes();
        loop {
            rest = match rest {
                [] => break,
                // Text that went through JSON or an environment variable may have its breaks escaped.
                [b'\\', b'n' | b'r', after @ ..] => after,
                [digit, after @ ..] => {
                    if !digit.is_ascii_whitespace() {
                        digits.push(*digit);
                    }
                    after
                }
            };
        }
        base64_simd::STANDARD
            .decode_to_vec(&*digits)
            .ok()
            .map(Zeroizing::new)
    }

    /// Whether the word stands in the body.
    pub(super) fn says(&self, word: &str) -> bool {
        self.body.contains(word)
    }
}

/// All blocks, in order. Text outside of blocks is passed over unless it holds half a block.
pub(super) fn blocks(text: &str) -> Result<Vec<Block<'_>>, PemError> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        outside(before)?;
        let from_begin = &rest[before.len()..];
        let (label, after) = after.split_once(DASHES).ok_or(PemError::Cut)?;
        let (body, after) = after.split_once(END).ok_or(PemError::Cut)?;
        rest = after
            .strip_prefix(label)
            .and_then(|after| after.strip_prefix(DASHES))
            .ok_or(PemError::Cut)?;
        if body.contains(DASHES) {
            return Err(PemError::Cut);
        }
        let text = &from_begin[..from_begin.len() - rest.len()];
        blocks.push(Block { text, label, body });
    }
    outside(rest)?;
    Ok(blocks)
}

/// Half a block would be passed over in silence otherwise.
fn outside(text: &str) -> Result<(), PemError> {
    if text.contains("-BEGIN") || text.contains("-END") || text.contains("BEGIN CERTIFICATE") {
        return Err(PemError::Cut);
    }
    Ok(())
}
