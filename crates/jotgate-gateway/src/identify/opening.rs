//! Opening the session of a proof, once: what must still be true when it is on disk.

use std::sync::Arc;

use jotgate_model::{Reason, Refusal, UnixTime, VirtualProxy};
use jotgate_session::NewSession;
use jotgate_token::Verified;

use super::Proof;
use crate::sign_ins::{SignIn, SignInKey};
use crate::{Shared, open, single_use};

/// What a session is opened from.
pub(super) struct Opening {
    pub(super) shared: Arc<Shared>,
    pub(super) vp: Arc<VirtualProxy>,
    pub(super) proof: Proof,
    pub(super) client_address: Arc<str>,
    pub(super) user_agent: Box<str>,
    pub(super) key: SignInKey,
    pub(super) now: UnixTime,
}

impl Opening {
    pub(super) async fn open(self) -> Result<SignIn, Refusal> {
        let Self {
            shared, vp, now, ..
        } = &self;
        let token = match &self.proof {
            Proof::Token(verified) => Some(verified),
            Proof::Header(_) => None,
        };
        if let Some(verified) = token {
            single_use::use_up(shared, vp, verified, *now).await?;
        }
        let still_good = || {
            token.map_or(Ok(()), |verified| {
                let revocations = shared.keys.revocations();
                revocations.check(vp.id, &self.key.token, verified, *now)?;
                still_has_key(shared, vp, verified)
            })
        };
        open::open(shared, vp, self.new_session(), still_good).await
    }

    fn new_session(&self) -> NewSession {
        let new = open::new_session(
            &self.vp,
            self.proof.identity().clone(),
            &self.client_address,
            &self.user_agent,
            self.now,
        );
        let Proof::Token(verified) = &self.proof else {
            return new;
        };
        let token_end = verified.expires.filter(|_| self.vp.session.ends_with_token);
        NewSession {
            expires: [new.expires, token_end].into_iter().flatten().min(),
            key_fingerprint: bytes_of(&verified.key_fingerprint),
            token_issued: verified.issued,
            ..new
        }
    }
}

/// Refuses a token whose key was removed while its session was being opened: whoever removed it may have
/// ended the sessions of that key already.
fn still_has_key(shared: &Shared, vp: &VirtualProxy, verified: &Verified) -> Result<(), Refusal> {
    if shared.keys.has_key(vp.id, &verified.key_fingerprint) {
        return Ok(());
    }
    let detail = "the key that the token was verified with has just been removed";
    Err(Refusal::with(Reason::KeyNotFound, detail))
}

/// The 32 bytes that a fingerprint's hexadecimal digits stand for.
fn bytes_of(fingerprint: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(fingerprint.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
