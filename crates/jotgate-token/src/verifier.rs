//! Judges tokens: the one place where the order of the checks stands.
//!
//! Nothing that a token says is believed before its signature is checked, but for the two things
//! needed to check it: the algorithm, compared with the configured list, and the key id, compared with
//! configured keys. [`Verifier::verify`] and [`Verifier::explain`] run the same function.

mod explain;
mod selection;

use std::sync::Arc;

use jotgate_model::{Algorithm, Identity, JwtSettings, PresentedToken, Refusal, UnixTime};

use crate::claims::{Claims, Times};
use crate::header::Header;
use crate::key_set::KeySet;
use crate::parts::Parts;
use crate::verdict::{Record, Recorder, Silent, StepName, Verdict};
use crate::{claims, mapping, presented};
use selection::Selection;

/// The token policy of one virtual proxy together with its keys.
#[derive(Clone, Debug)]
pub struct Verifier {
    settings: JwtSettings,
    keys: KeySet,
}

/// What an accepted token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The user, with the attributes of the mapping.
    pub identity: Identity,
    /// The first second at which `exp` has come, clock tolerance not counted.
    pub expires: Option<UnixTime>,
    /// `nbf`, rounded up to a second.
    pub not_before: Option<UnixTime>,
    /// `iat`, rounded up to a second.
    pub issued: Option<UnixTime>,
    /// `jti`.
    pub jti: Option<Box<str>>,
    /// `iss`.
    pub issuer: Option<Box<str>>,
    /// The fingerprint of the key that made the signature.
    pub key_fingerprint: Arc<str>,
    /// The id of that key in its key set; keys from PEM text have none.
    pub kid: Option<Arc<str>>,
    /// What the signature was made with.
    pub algorithm: Algorithm,
    /// What may be kept of the token.
    pub presented: Arc<PresentedToken>,
}

impl Verifier {
    /// Judges by `settings`, with `keys`. The key sources of the settings are not looked at.
    #[must_use]
    pub const fn new(settings: JwtSettings, keys: KeySet) -> Self {
        Self { settings, keys }
    }

    /// The policy.
    #[must_use]
    pub const fn settings(&self) -> &JwtSettings {
        &self.settings
    }

    /// The keys.
    #[must_use]
    pub const fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Judges a token: what follows `Bearer ` in the field, see [`crate::parse_authorization`].
    ///
    /// Whether a single-use token was used before, and whether it was revoked, is not known here.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn verify(&self, token: &[u8], now: UnixTime) -> Result<Verified, Refusal> {
        self.judge(token, now, &mut Silent)
    }

    /// The same verdict with every step. After the first failure the remaining steps are judged as
    /// far as that is possible, so that one look shows everything that is wrong.
    #[must_use]
    pub fn explain(&self, token: &[u8], now: UnixTime) -> Verdict {
        let mut record = Record::default();
        let result = self.judge(token, now, &mut record);
        if result.is_err() {
            self.look_further(token, now, &mut record);
        }
        Verdict {
            steps: record.into_steps(|name| self.expected(name)),
            result,
        }
    }

    /// The token's key id if the key set lacks it: then the source of the keys may have a newer one,
    /// whatever the token was refused for. Nothing is proven about the token that names it.
    #[must_use]
    pub fn unknown_kid(&self, token: &[u8]) -> Option<String> {
        let parts = Parts::split(token).ok()?;
        let header = Header::read(parts.header()).ok()?;
        self.allowed_algorithm(&header).ok()?;
        let kid = header.kid()?;
        let known = self.keys.keys().iter().any(|key| key.kid() == Some(kid));
        (!known).then(|| kid.to_owned())
    }

    fn judge<R: Recorder>(
        &self,
        token: &[u8],
        now: UnixTime,
        r: &mut R,
    ) -> Result<Verified, Refusal> {
        r.step(StepName::Presence, Ok(()), |()| "one token".into())?;
        let parts = r.step(StepName::Form, Parts::split(token), |_| {
            format!("{} bytes in three segments", token.len())
        })?;
        let header = Header::read(parts.header());
        let header = r.step(StepName::Header, header, explain::header)?;
        let algorithm = self.allowed_algorithm(&header);
        let algorithm = r.step(StepName::Algorithm, algorithm, |a| a.name().into())?;
        let selection = self.select(algorithm, header.kid());
        let selection = r.step(StepName::Key, selection, |s| self.describe(*s, &header))?;
        let key = self.check_signature(selection, algorithm, &header, &parts);
        let key = r.step(StepName::Signature, key, |key| explain::key(key))?;
        let claims = Claims::read(parts.payload());
        let claims = r.step(StepName::Payload, claims, explain::claim_names)?;
        let claimed = self.judge_claims(&claims, now, r)?;
        let private = &self.settings.private_claims;
        let presented = presented::verified(token, &parts, private, key.shared_fingerprint());
        Ok(Verified {
            identity: claimed.identity,
            expires: claimed.times.expires.map(|t| t.rounded_up()),
            not_before: claimed.times.not_before.map(|t| t.rounded_up()),
            issued: claimed.times.issued.map(|t| t.rounded_up()),
            jti: claimed.jti,
            issuer: claimed.issuer,
            key_fingerprint: key.shared_fingerprint(),
            kid: key.shared_kid(),
            algorithm,
            presented: Arc::new(presented),
        })
    }

    fn judge_claims<R: Recorder>(
        &self,
        claims: &Claims<'_>,
        now: UnixTime,
        r: &mut R,
    ) -> Result<Claimed, Refusal> {
        let policy = &self.settings;
        let times = claims::times(claims, policy, now);
        let times = r.step(StepName::Times, times, |t| explain::times(t, now))?;
        let issuer = claims::issuer(claims, policy);
        let issuer = r.step(StepName::Issuer, issuer, |i| explain::text(i.as_deref()))?;
        let audience = claims::audience(claims, policy);
        r.step(StepName::Audience, audience, |()| explain::audience(claims))?;
        let jti = claims::token_id(claims, policy);
        let jti = r.step(StepName::TokenId, jti, |id| explain::text(id.as_deref()))?;
        let user = mapping::user(claims, policy);
        let user = r.step(StepName::User, user, explain::user)?;
        let attributes = mapping::attributes(claims, &policy.mapping);
        let attributes = r.step(StepName::Mapping, attributes, |a| explain::attributes(a))?;
        Ok(Claimed {
            times,
            issuer,
            jti,
            identity: Identity { user, attributes },
        })
    }
}

/// What the claims say, all of them acceptable.
struct Claimed {
    times: Times,
    issuer: Option<Box<str>>,
    jti: Option<Box<str>>,
    identity: Identity,
}

#[cfg(test)]
mod tests;
