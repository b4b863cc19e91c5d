//! The verdict as data: every step that a token goes through, with what was found and expected.

use std::fmt;

use jotgate_model::{Reason, Refusal};

use crate::verifier::Verified;

/// The steps of a verdict, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepName {
    /// There is exactly one token. Judged by [`crate::parse_authorization`].
    Presence,
    /// Three base64url segments of an acceptable size.
    Form,
    /// The header is a JSON object that asks for nothing unusual.
    Header,
    /// The algorithm is on the list.
    Algorithm,
    /// There are keys to check the signature with.
    Key,
    /// One of them made the signature.
    Signature,
    /// The payload is a JSON object.
    Payload,
    /// `exp`, `nbf`, `iat` and the longest lifetime.
    Times,
    /// `iss`.
    Issuer,
    /// `aud`.
    Audience,
    /// `jti`, where a token counts once.
    TokenId,
    /// The claims that name the user.
    User,
    /// The claims that become attributes.
    Mapping,
    /// What the session layer makes of it. Judged by the gateway.
    Session,
}

impl StepName {
    /// Every step that [`crate::Verifier::explain`] reports.
    pub const OF_TOKEN: [Self; 13] = [
        Self::Presence,
        Self::Form,
        Self::Header,
        Self::Algorithm,
        Self::Key,
        Self::Signature,
        Self::Payload,
        Self::Times,
        Self::Issuer,
        Self::Audience,
        Self::TokenId,
        Self::User,
        Self::Mapping,
    ];

    /// The stable id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Form => "form",
            Self::Header => "header",
            Self::Algorithm => "algorithm",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Payload => "payload",
            Self::Times => "times",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::TokenId => "token_id",
            Self::User => "user",
            Self::Mapping => "mapping",
            Self::Session => "session",
        }
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// The token is refused for this.
    Failed,
    /// Refused already for an earlier step; this would have been a reason as well.
    AlsoFailed,
    /// Nothing to object to here, but the signature is not proven, so anybody can have written it.
    Unproven,
    /// An earlier failure leaves nothing to look at.
    NotReached,
}

impl Outcome {
    /// The stable id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::AlsoFailed => "also_failed",
            Self::Unproven => "unproven",
            Self::NotReached => "not_reached",
        }
    }
}

/// One step of a verdict. The texts are for administrators; they never hold the token, its
/// signature or the values of mapped claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which step.
    pub name: StepName,
    /// How it ended.
    pub outcome: Outcome,
    /// What the token has.
    pub found: String,
    /// What the virtual proxy wants.
    pub expected: String,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// What to do about it.
    pub remedy: Option<&'static str>,
}

/// Everything about one token at one time.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The steps in their order, each exactly once.
    pub steps: Vec<Step>,
    /// What [`crate::Verifier::verify`] says of the same token at the same time.
    pub result: Result<Verified, Refusal>,
}

impl Verdict {
    /// Whether the token is accepted.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        self.result.is_ok()
    }

    /// The step of that name.
    #[must_use]
    pub fn step(&self, name: StepName) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }
}

/// What watches a token being judged. The request path watches with [`Silent`], which compiles to nothing;
/// an explanation watches with [`Record`]. The judging code is the same.
pub(crate) trait Recorder {
    /// Passes `result` on; `found` says what is there if it is good.
    fn step<T>(
        &mut self,
        name: StepName,
        result: Result<T, Refusal>,
        found: impl FnOnce(&T) -> String,
    ) -> Result<T, Refusal>;
}

/// Watches nothing.
pub(crate) struct Silent;

impl Recorder for Silent {
    #[inline]
    fn step<T>(
        &mut self,
        _name: StepName,
        result: Result<T, Refusal>,
        _found: impl FnOnce(&T) -> String,
    ) -> Result<T, Refusal> {
        result
    }
}

/// Writes every step down.
#[derive(Default)]
pub(crate) struct Record {
    done: Vec<(StepName, Outcome, String, Option<Reason>)>,
}

impl Record {
    /// Whether a step was judged already.
    pub(crate) fn has(&self, name: StepName) -> bool {
        self.done.iter().any(|(done, ..)| *done == name)
    }

    /// The steps, with those that were never reached, and what was expected at each.
    pub(crate) fn into_steps(mut self, expected: impl Fn(StepName) -> String) -> Vec<Step> {
        let step = |name| {
            let position = self.done.iter().position(|(done, ..)| *done == name);
            let (_, outcome, found, reason) = match position {
                Some(position) => self.done.swap_remove(position),
                None => (name, Outcome::NotReached, String::new(), None),
            };
            Step {
                name,
                outcome,
                found,
                expected: expected(name),
                reason,
                remedy: reason.map(Reason::remedy),
            }
        };
        StepName::OF_TOKEN.into_iter().map(step).collect()
    }
}

impl Recorder for Record {
    fn step<T>(
        &mut self,
        name: StepName,
        result: Result<T, Refusal>,
        found: impl FnOnce(&T) -> String,
    ) -> Result<T, Refusal> {
        let refused = self.done.iter().any(|(.., reason)| reason.is_some());
        let proven = self
            .done
            .iter()
            .any(|(name, outcome, ..)| *name == StepName::Signature && *outcome == Outcome::Passed);
        let entry = match &result {
            Ok(value) if refused && !proven => (name, Outcome::Unproven, found(value), None),
            Ok(value) => (name, Outcome::Passed, found(value), None),
            Err(refusal) => {
                let outcome = if refused {
                    Outcome::AlsoFailed
                } else {
                    Outcome::Failed
                };
                let found = refusal.detail().unwrap_or_default().to_owned();
                (name, outcome, found, Some(refusal.reason))
            }
        };
        self.done.push(entry);
        result
    }
}
