//! What a change does to keys, as sentences.

use jotgate_manage::{DraftKey, KeyOrigin, KeyTrials, SourceTrial, TokensSeen, Validity};

use crate::dates::minute_of;

/// A sentence, and whether all is well with what it says.
pub(super) struct Finding {
    pub(super) is_good: bool,
    pub(super) place: String,
    pub(super) words: String,
}

/// What is new or not as it should be, that which is not good first: a page may show no more than the first of
/// them. Keys that are there already and good are not among it.
pub(super) fn findings(trials: &KeyTrials) -> Vec<Finding> {
    let of_note = |key: &&DraftKey| key.is_new || key.validity != Validity::Valid;
    let tokens = trials.tokens.iter().filter(|seen| seen.lost > 0);
    let mut found: Vec<_> = tokens.map(lost).collect();
    found.extend(trials.keys.iter().filter(of_note).map(key));
    found.extend(trials.sources.iter().map(source));
    found.sort_by_key(|finding| finding.is_good);
    found
}

fn lost(seen: &TokensSeen) -> Finding {
    Finding {
        is_good: false,
        place: format!("/{}", seen.prefix),
        words: format!(
            "Of the {} newest requests with a token, {} came with one whose key is not there any more.",
            seen.accepted, seen.lost
        ),
    }
}

fn key(key: &DraftKey) -> Finding {
    let what = match &key.certificate {
        Some(certificate) => format!(
            "certificate of {} ({} {}, until {})",
            certificate.subject,
            key.family,
            key.bits,
            minute_of(certificate.not_after)
        ),
        None => format!("public key ({} {})", key.family, key.bits),
    };
    let new = if key.is_new { "New: " } else { "" };
    let validity = match key.validity {
        Validity::Valid => "",
        Validity::Expired => "; it has expired, and its tokens are accepted all the same",
        Validity::NotYetValid => {
            "; its time has not begun, and its tokens are accepted all the same"
        }
        Validity::ExpiresSoon => "; it expires within 30 days",
    };
    let others = match key.used_by.as_slice() {
        [] => String::new(),
        prefixes => format!("; also at /{}", prefixes.join(", /")),
    };
    Finding {
        is_good: key.validity == Validity::Valid,
        place: format!("/{}", key.prefix),
        words: format!("{new}{what}{validity}{others}."),
    }
}

fn source(trial: &SourceTrial) -> Finding {
    let name = match &trial.origin {
        KeyOrigin::Pem => "",
        KeyOrigin::Jwks(address) | KeyOrigin::Discovery(address) => &**address,
    };
    let (is_good, words) = match &trial.found {
        Err(failure) => (
            false,
            format!("{name} {}. {}", failure.detail, failure.remedy),
        ),
        Ok(found) if found.missing_kids.is_empty() => {
            let words = format!("{name} has {} keys that can be used.", found.usable);
            (found.usable > 0, words)
        }
        Ok(found) => {
            let kids = found.missing_kids.join(", ");
            let words =
                format!("{name} lacks keys that tokens were signed with a moment ago: {kids}.");
            (false, words)
        }
    };
    Finding {
        is_good,
        place: format!("/{}", trial.virtual_proxies.join(", /")),
        words,
    }
}

#[cfg(test)]
mod tests {
    use jotgate_model::Uuid;

    use super::*;

    #[test]
    fn what_is_not_good_comes_first_however_many_good_keys_are_new() {
        let new = |number: u128| DraftKey {
            virtual_proxy: Uuid::from_u128(number),
            prefix: format!("p{number}"),
            family: "P-256",
            bits: 256,
            fingerprint: number.to_string(),
            certificate: None,
            validity: Validity::Valid,
            is_new: true,
            used_by: Vec::new(),
        };
        let expired = DraftKey {
            validity: Validity::Expired,
            ..new(60)
        };
        let trials = KeyTrials {
            keys: (0..60).map(new).chain([expired]).collect(),
            ..KeyTrials::default()
        };
        let found = findings(&trials);
        let bad: Vec<_> = found.iter().filter(|one| !one.is_good).collect();
        assert_eq!((found.len(), bad.len()), (61, 1));
        assert_eq!(found[0].place, "/p60");
        assert_eq!(found[1].place, "/p0", "the others stay in their order");
    }
}
