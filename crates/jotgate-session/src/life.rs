//! Whether a session is still good: a pure decision.

use jotgate_model::{SessionRules, UnixTime};

use crate::EndReason;

/// What time has made of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// It is good.
    Live,
    /// Its lifetime, or that of its token, is over.
    LifetimeOver,
    /// It was not used for too long.
    TimedOut,
}

impl SessionState {
    /// Whether it is good.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Live)
    }

    /// Why it is no longer good.
    #[must_use]
    pub const fn end_reason(self) -> Option<EndReason> {
        match self {
            Self::Live => None,
            Self::LifetimeOver => Some(EndReason::LifetimeOver),
            Self::TimedOut => Some(EndReason::TimedOut),
        }
    }
}

/// Whether a session is still good at `now`.
///
/// It is good up to, and not including, the second at which its time is up (RFC 7519 section 4.1.4
/// reads `exp` the same way). Its time is up at the earliest of `expires`, `created` plus the
/// longest lifetime, and `last_activity` plus the inactivity timeout; the state says which one that
/// was. The rules are the current ones: a shorter timeout holds at once, while `expires`, fixed when
/// the session was created, holds whatever becomes of the rules. A clock that jumps backwards ends
/// nothing, and no time is too far away to be added to.
#[must_use]
pub fn state(
    created: UnixTime,
    last_activity: UnixTime,
    expires: Option<UnixTime>,
    rules: &SessionRules,
    now: UnixTime,
) -> SessionState {
    let lifetime = rules
        .max_lifetime
        .map(|seconds| created.plus(i64::from(seconds)));
    let lifetime_end = match (expires, lifetime) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let idle_end = last_activity.plus(i64::from(rules.inactivity));
    match lifetime_end {
        Some(end) if now >= end && end <= idle_end => SessionState::LifetimeOver,
        _ if now >= idle_end => SessionState::TimedOut,
        _ => SessionState::Live,
    }
}

#[cfg(test)]
mod tests;
