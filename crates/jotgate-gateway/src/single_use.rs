//! Tokens that count once (RFC 7519 section 4.1.7, `jti`).
//!
//! A token is used up when it opens a session. The session's cookie is what the client goes on with;
//! a request that brings the token along with that cookie uses nothing again. First requests that
//! come at the same time share one session, so they use the token once. When opening the session
//! fails after that, the token is used all the same: the other order would let it count twice.

use std::sync::Arc;

use jotgate_model::{Authentication, Reason, Refusal, UnixTime, VirtualProxy};
use jotgate_token::Verified;

use crate::Shared;
use crate::identify::session_refusal;

/// Whether tokens count once at this virtual proxy.
pub(crate) fn is_on(vp: &VirtualProxy) -> bool {
    matches!(&vp.authentication, Authentication::Jwt(settings) if settings.single_use)
}

/// The refusal of a token that has opened a session already.
pub(crate) fn used() -> Refusal {
    Refusal::with(
        Reason::TokenAlreadyUsed,
        "the token has opened a session before, and jwtSingleUse is on",
    )
}

/// Uses the token up, if tokens count once here. On disk when this returns.
pub(crate) async fn use_up(
    shared: &Arc<Shared>,
    vp: &VirtualProxy,
    verified: &Verified,
    now: UnixTime,
) -> Result<(), Refusal> {
    let Authentication::Jwt(settings) = &vp.authentication else {
        return Ok(());
    };
    if !settings.single_use {
        return Ok(());
    }
    check_memory(verified, shared.sessions.remembers_tokens_since())?;
    let id = memory_id(verified)?;
    // A token without `exp` is never forgotten.
    let skew = i64::from(settings.clock_skew);
    let until = verified.expires.unwrap_or(UnixTime(i64::MAX)).plus(skew);
    let (sessions, vp_id) = (shared.sessions.clone(), vp.id);
    let using = async move { sessions.use_token_id(vp_id, &id, until, now).await };
    match shared.background.spawn(using).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(used()),
        Ok(Err(error)) => Err(session_refusal(&error, vp)),
        Err(_) => Err(Reason::SessionStoreUnavailable.into()),
    }
}

/// Nobody knows whether a token was used that is older than the memory of used ones. A token without
/// `iat` may be that old, and is refused as well, unless nothing was ever forgotten.
fn check_memory(verified: &Verified, since: UnixTime) -> Result<(), Refusal> {
    if since == UnixTime(i64::MIN) || verified.issued.is_some_and(|issued| issued >= since) {
        return Ok(());
    }
    Err(match verified.issued {
        Some(_) => Refusal::with(
            Reason::TokenAlreadyUsed,
            format!(
                "the token was issued before {since}, and tokens used before that time are not known"
            ),
        ),
        None => Refusal::with(
            Reason::ClaimMissing,
            format!(
                "the token has no iat, and jwtSingleUse is on: it could have been used before {since}, when the memory of used tokens begins"
            ),
        ),
    })
}

/// What is remembered: an id is unique for its issuer only, and virtual proxies may have several.
fn memory_id(verified: &Verified) -> Result<String, Refusal> {
    let jti = verified.jti.as_deref().ok_or_else(|| {
        Refusal::with(
            Reason::ClaimMissing,
            "the token has no jti, and jwtSingleUse is on",
        )
    })?;
    let issuer = verified.issuer.as_deref().unwrap_or_default();
    // The length keeps issuer and id apart, whatever is in them.
    Ok(format!("jti {} {issuer} {jti}", issuer.len()))
}

#[cfg(test)]
mod tests {
    use jotgate_model::{Algorithm, Identity, User};

    use super::*;

    fn verified(issuer: Option<&str>, jti: &str, issued: Option<i64>) -> Verified {
        Verified {
            identity: Identity {
                user: User::new("example", "boz"),
                attributes: Vec::new(),
            },
            expires: None,
            not_before: None,
            issued: issued.map(UnixTime),
            jti: Some(jti.into()),
            issuer: issuer.map(Box::from),
            key_fingerprint: "".into(),
            kid: None,
            algorithm: Algorithm::RS256,
            presented: Arc::default(),
        }
    }

    #[test]
    fn ids_of_different_issuers_are_different() {
        let id = |issuer, jti| memory_id(&verified(issuer, jti, None)).unwrap();
        assert_ne!(id(Some("a"), "1"), id(Some("b"), "1"));
        assert_ne!(id(Some("a b"), "c"), id(Some("a"), "b c"));
        assert_ne!(id(None, "a b"), id(Some("a"), "b"));
        assert_eq!(id(None, "1"), id(None, "1"));
        // The states of sign-ins are remembered in the same place.
        assert!(!id(None, "state 1").starts_with("state"));
    }

    #[test]
    fn tokens_older_than_the_memory_are_refused() {
        let judge = |issued, since| {
            let verdict = check_memory(&verified(None, "1", issued), UnixTime(since));
            verdict.err().map(|refusal| refusal.reason)
        };
        assert_eq!(judge(Some(100), 100), None);
        assert_eq!(judge(Some(99), 100), Some(Reason::TokenAlreadyUsed));
        assert_eq!(judge(None, 100), Some(Reason::ClaimMissing));
        assert_eq!(judge(None, i64::MIN), None);
        assert_eq!(judge(Some(1), i64::MIN), None);
    }
}
