//! What a draft does to keys, as a preview answers it.

use jotgate_manage::{DraftKey, KeyOrigin, KeyTrials, MissingKey, SourceTrial, TokensSeen};
use schemars::JsonSchema;
use serde::Serialize;

use super::output::date;

/// The keys that the draft has, the key sets that it names anew, and the tokens that were accepted a moment
/// ago. `notListed` and `notTried` are how many more keys and key sets there are.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeysTriedAnswer {
    keys: Vec<DraftKeyAnswer>,
    not_listed: usize,
    sources: Vec<SourceTriedAnswer>,
    not_tried: usize,
    tokens: Vec<TokensSeenAnswer>,
}

/// A certificate or public key of a virtual proxy.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DraftKeyAnswer {
    virtual_proxy: String,
    prefix: String,
    /// certificate or public_key.
    kind: &'static str,
    /// RSA, P-256, P-384 or Ed25519.
    family: &'static str,
    bits: usize,
    fingerprint: String,
    subject: Option<String>,
    issuer: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    /// valid, expires_soon, expired or not_yet_valid.
    validity: &'static str,
    is_new: bool,
    /// The prefixes of other virtual proxies that have it too.
    used_by: Vec<String>,
}

/// A key set, fetched once.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SourceTriedAnswer {
    /// jwks or discovery.
    kind: &'static str,
    address: String,
    /// The prefixes of the virtual proxies that name it.
    virtual_proxies: Vec<String>,
    /// fetched, or what went wrong.
    outcome: &'static str,
    detail: Option<String>,
    milliseconds: u64,
    usable_keys: usize,
    skipped: Vec<String>,
    /// Key ids of tokens seen at these virtual proxies that none of their keys has.
    missing_kids: Vec<String>,
    remedy: Option<&'static str>,
}

/// Accepted requests with a token at a virtual proxy, among the newest. `lost` of them were verified by keys
/// that the draft does not have; of `unknown` ones nobody can say.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TokensSeenAnswer {
    virtual_proxy: String,
    prefix: String,
    accepted: usize,
    lost: usize,
    unknown: usize,
    missing: Vec<MissingKeyAnswer>,
}

#[derive(Serialize, JsonSchema)]
struct MissingKeyAnswer {
    fingerprint: String,
    kid: Option<String>,
    requests: usize,
}

impl From<KeyTrials> for KeysTriedAnswer {
    fn from(trials: KeyTrials) -> Self {
        Self {
            keys: trials.keys.into_iter().map(key).collect(),
            not_listed: trials.not_listed,
            sources: trials.sources.into_iter().map(source).collect(),
            not_tried: trials.not_tried,
            tokens: trials.tokens.into_iter().map(tokens).collect(),
        }
    }
}

fn key(key: DraftKey) -> DraftKeyAnswer {
    let certificate = key.certificate.as_ref();
    DraftKeyAnswer {
        virtual_proxy: key.virtual_proxy.to_string(),
        prefix: key.prefix,
        kind: certificate.map_or("public_key", |_| "certificate"),
        family: key.family,
        bits: key.bits,
        fingerprint: key.fingerprint,
        subject: certificate.map(|info| info.subject.to_string()),
        issuer: certificate.map(|info| info.issuer.to_string()),
        not_before: certificate.map(|info| date(info.not_before)),
        not_after: certificate.map(|info| date(info.not_after)),
        validity: key.validity.id(),
        is_new: key.is_new,
        used_by: key.used_by,
    }
}

fn source(trial: SourceTrial) -> SourceTriedAnswer {
    let (kind, address) = match trial.origin {
        KeyOrigin::Pem => ("pem", String::new()),
        KeyOrigin::Jwks(address) => ("jwks", address.to_string()),
        KeyOrigin::Discovery(issuer) => ("discovery", issuer.to_string()),
    };
    let (keys, failure) = match trial.found {
        Ok(keys) => (keys, None),
        Err(failure) => (Default::default(), Some(failure)),
    };
    let lacks = (!keys.missing_kids.is_empty()).then_some(LACKS);
    SourceTriedAnswer {
        kind,
        address,
        virtual_proxies: trial.virtual_proxies,
        outcome: failure
            .as_ref()
            .map_or("fetched", |failure| failure.outcome),
        remedy: failure.as_ref().map(|failure| failure.remedy).or(lacks),
        detail: failure.map(|failure| failure.detail),
        milliseconds: u64::try_from(trial.elapsed.as_millis()).unwrap_or(u64::MAX),
        usable_keys: keys.usable,
        skipped: keys.skipped,
        missing_kids: keys.missing_kids,
    }
}

const LACKS: &str = "Let the issuer publish the keys with these ids, or keep the old keys until tokens \
                     with them have run out.";

fn tokens(seen: TokensSeen) -> TokensSeenAnswer {
    let missing = |key: MissingKey| MissingKeyAnswer {
        fingerprint: key.fingerprint,
        kid: key.kid,
        requests: key.requests,
    };
    TokensSeenAnswer {
        virtual_proxy: seen.virtual_proxy.to_string(),
        prefix: seen.prefix,
        accepted: seen.accepted,
        lost: seen.lost,
        unknown: seen.unknown,
        missing: seen.missing.into_iter().map(missing).collect(),
    }
}
