//! Which keys a token's signature is checked with, and the check.

use jotgate_model::{Algorithm, Reason, Refusal};

use super::Verifier;
use crate::header::Header;
use crate::key::Key;
use crate::parts::Parts;
use crate::text::quoted;

/// How many keys are tried for one token. As many as PEM text may hold, so that every pasted key
/// counts; a bound all the same, because each trial costs the time of a request.
const MAX_TRIALS: usize = 32;

/// How many fingerprints a detail lists.
const MAX_LISTED: usize = 4;

/// Which of the fitting keys are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    /// Those with the token's key id.
    WithKid,
    /// Those without a key id: no key has the token's, and keys from PEM text have none.
    WithoutKid,
    /// All: the token names no key.
    All,
}

impl Verifier {
    /// The token's algorithm, if it stands on the list letter by letter.
    pub(super) fn allowed_algorithm(&self, header: &Header<'_>) -> Result<Algorithm, Refusal> {
        let name = header.algorithm();
        name.and_then(Algorithm::from_name)
            .filter(|algorithm| self.settings.algorithms.contains(algorithm))
            .ok_or_else(|| {
                let detail = match name {
                    None => "the header has no alg, or one that is no text".to_owned(),
                    Some(name) if name.eq_ignore_ascii_case("none") => {
                        "the token is not signed (alg is none)".to_owned()
                    }
                    Some(name) => format!(
                        "the token's alg is {}, the virtual proxy allows {}",
                        quoted(name),
                        self.algorithm_names()
                    ),
                };
                Refusal::with(Reason::AlgorithmNotAllowed, detail)
            })
    }

    /// Decides which keys may be tried; there is at least one.
    pub(super) fn select(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Result<Selection, Refusal> {
        let keys = self.keys.keys();
        let selection = match kid {
            None => Selection::All,
            Some(kid) if keys.iter().any(|key| key.kid() == Some(kid)) => Selection::WithKid,
            Some(_) => Selection::WithoutKid,
        };
        if self.candidates(selection, algorithm, kid).next().is_some() {
            return Ok(selection);
        }
        let detail = match (selection, kid) {
            _ if keys.is_empty() => "no key is configured or known yet".to_owned(),
            (Selection::WithKid, Some(kid)) => format!(
                "the key {} is not made for {}",
                quoted(kid),
                algorithm.name()
            ),
            (Selection::WithoutKid, Some(kid)) if keys.iter().any(|k| k.kid().is_some()) => {
                format!(
                    "no key has the key id {} of the token; known are {}",
                    quoted(kid),
                    self.known_kids()
                )
            }
            _ => format!("none of the keys is made for {}", algorithm.name()),
        };
        Err(Refusal::with(Reason::KeyNotFound, detail))
    }

    /// Tries the selected keys; gives the one that made the signature.
    pub(super) fn check_signature(
        &self,
        selection: Selection,
        algorithm: Algorithm,
        header: &Header<'_>,
        parts: &Parts<'_>,
    ) -> Result<&Key, Refusal> {
        let signature = parts.signature();
        self.candidates(selection, algorithm, header.kid())
            // A wrong length is told without arithmetic.
            .filter(|key| key.signature_length() == signature.len())
            .take(MAX_TRIALS)
            .find(|key| key.verifies(algorithm, parts.signing_input, signature))
            .ok_or_else(|| self.bad_signature(selection, algorithm, header, signature.len()))
    }

    fn candidates<'s>(
        &'s self,
        selection: Selection,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> impl Iterator<Item = &'s Key> + Clone {
        self.keys.keys().iter().filter(move |key| {
            let selected = match selection {
                Selection::All => true,
                Selection::WithKid => key.kid() == kid,
                Selection::WithoutKid => key.kid().is_none(),
            };
            selected && key.fits(algorithm)
        })
    }

    #[cold]
    fn bad_signature(
        &self,
        selection: Selection,
        algorithm: Algorithm,
        header: &Header<'_>,
        length: usize,
    ) -> Refusal {
        let candidates = || self.candidates(selection, algorithm, header.kid());
        let wanted = candidates().map(Key::signature_length).min().unwrap_or(0);
        if length < wanted {
            return Refusal::with(
                Reason::TokenTruncated,
                format!("the signature has {length} bytes, one of this key has {wanted}"),
            );
        }
        let mut detail = match candidates().count() {
            1 => "the signature is not one of the key ".to_owned(),
            count => format!("the signature is not one of the {count} keys that fit: "),
        };
        let shown: Vec<_> = candidates()
            .take(MAX_LISTED)
            .map(super::explain::key)
            .collect();
        detail.push_str(&shown.join(", "));
        let fitting = candidates().filter(|key| key.signature_length() == length);
        if fitting.clone().next().is_none() {
            detail.push_str("; it has the length of a larger key's");
        }
        if fitting.count() > MAX_TRIALS {
            detail.push_str(&format!(
                "; only {MAX_TRIALS} were tried, let the issuer name the key with kid"
            ));
        }
        Refusal::with(Reason::SignatureInvalid, detail)
    }

    fn known_kids(&self) -> String {
        let kids = self.keys.keys().iter().filter_map(Key::kid);
        let shown: Vec<_> = kids.take(MAX_LISTED).map(quoted).collect();
        shown.join(", ")
    }

    pub(super) fn algorithm_names(&self) -> String {
        let names: Vec<_> = self.settings.algorithms.iter().map(|a| a.name()).collect();
        names.join(", ")
    }
}
