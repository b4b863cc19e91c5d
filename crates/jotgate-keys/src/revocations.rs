//! What was revoked: single tokens, token ids, everything that a user got before some time.

use std::collections::{HashMap, HashSet};

use jotgate_model::{Reason, Refusal, UnixTime, User, Uuid};
use jotgate_token::Verified;

use crate::TokenHash;

/// Tokens that are refused although everything about them is right. Immutable: a change makes a new
/// one and hands it to [`crate::KeyRing::set_revocations`].
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    tokens: HashSet<TokenHash>,
    /// By virtual proxy: issuers of two virtual proxies may use the same `jti`.
    ids: HashMap<Uuid, HashSet<Box<str>>>,
    users: HashMap<User, Vec<RevokedUser>>,
}

/// Which tokens of a user are revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedUser {
    /// Those whose `iat` is before this time. A token without `iat` could have been issued at any
    /// time and is refused too.
    pub issued_before: UnixTime,
    /// When the revocation ends; nothing: never.
    pub until: Option<UnixTime>,
}

impl Revocations {
    /// Revokes one token, everywhere.
    pub fn add_token(&mut self, token: TokenHash) {
        self.tokens.insert(token);
    }

    /// Revokes the tokens with that `jti` at a virtual proxy.
    pub fn add_id(&mut self, virtual_proxy: Uuid, jti: &str) {
        self.ids
            .entry(virtual_proxy)
            .or_default()
            .insert(jti.into());
    }

    /// Revokes what a user got before some time, everywhere.
    pub fn add_user(&mut self, user: User, revoked: RevokedUser) {
        self.users.entry(user).or_default().push(revoked);
    }

    /// Whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.ids.is_empty() && self.users.is_empty()
    }

    /// Refuses a verified token that was revoked.
    ///
    /// # Errors
    /// [`Reason::TokenRevoked`], with what was revoked.
    pub fn check(
        &self,
        virtual_proxy: Uuid,
        hash: &TokenHash,
        verified: &Verified,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        if self.is_empty() {
            return Ok(());
        }
        let refuse = |detail: &'static str| Err(Refusal::with(Reason::TokenRevoked, detail));
        if self.tokens.contains(hash) {
            return refuse("this token was revoked");
        }
        if let Some(jti) = verified.jti.as_deref()
            && self
                .ids
                .get(&virtual_proxy)
                .is_some_and(|ids| ids.contains(jti))
        {
            return refuse("the token's jti was revoked");
        }
        let of_user = self.users.get(&verified.identity.user);
        let mut of_user = of_user.into_iter().flatten();
        if of_user.any(|revoked| revoked.covers(verified.issued, now)) {
            return refuse("the user's tokens were revoked up to a time; this one is older");
        }
        Ok(())
    }
}

impl RevokedUser {
    /// Whether a token with that `iat` is revoked at `now`.
    #[must_use]
    pub fn covers(&self, issued: Option<UnixTime>, now: UnixTime) -> bool {
        self.until.is_none_or(|until| now < until)
            && issued.is_none_or(|issued| issued < self.issued_before)
    }
}

#[cfg(test)]
mod tests;
