//! `exp`, `nbf`, `iat` (RFC 7519 sections 4.1.4 to 4.1.6) and the longest lifetime.
//!
//! With a tolerance of `skew` seconds a token is good from `nbf - skew` on and until just before
//! `exp + skew`; `iat` may lie up to `skew` ahead.

use jotgate_model::{JwtSettings, Reason, Refusal, UnixTime};

use super::Claims;
use crate::numeric_date::NumericDate;

/// The last second of the year 9999.
const YEAR_9999: i64 = 253_402_300_799;

/// The dates of a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) expires: Option<NumericDate>,
    pub(crate) not_before: Option<NumericDate>,
    pub(crate) issued: Option<NumericDate>,
}

/// Reads the dates and compares them with `now` and with the policy.
pub(crate) fn times(
    claims: &Claims<'_>,
    policy: &JwtSettings,
    now: UnixTime,
) -> Result<Times, Refusal> {
    let times = Times {
        expires: claims.date("exp")?,
        not_before: claims.date("nbf")?,
        issued: claims.date("iat")?,
    };
    let skew = i64::from(policy.clock_skew);
    match times.expires {
        Some(expires) if expires <= NumericDate::from(now.plus(-skew)) => {
            return Err(expired(expires, skew, now));
        }
        None => exp_may_be_missing(policy)?,
        Some(_) => {}
    }
    let is_ahead = |date: &NumericDate| *date > NumericDate::from(now.plus(skew));
    if let Some(date) = times.not_before.filter(is_ahead) {
        return Err(ahead(Reason::TokenNotYetValid, "nbf", date, skew, now));
    }
    if let Some(date) = times.issued.filter(is_ahead) {
        return Err(ahead(Reason::TokenIssuedInFuture, "iat", date, skew, now));
    }
    if let (Some(expires), Some(limit)) = (times.expires, policy.max_lifetime) {
        lifetime(expires, times.issued, limit, now)?;
    }
    Ok(times)
}

fn exp_may_be_missing(policy: &JwtSettings) -> Result<(), Refusal> {
    let detail = match policy.max_lifetime {
        _ if policy.require_expiration => "the token has no exp, and jwtRequireExpiration is on",
        Some(_) => "the token has no exp, so it lives longer than jwtMaxLifetimeSeconds",
        None => return Ok(()),
    };
    Err(Refusal::with(Reason::ExpirationMissing, detail))
}

/// Counted from `iat`, or from now where the token does not say when it was made.
fn lifetime(
    expires: NumericDate,
    issued: Option<NumericDate>,
    limit: u32,
    now: UnixTime,
) -> Result<(), Refusal> {
    let (start, name) = match issued {
        Some(issued) => (issued, "iat"),
        None => (now.into(), "now"),
    };
    if !expires.is_later_than(start, limit) {
        return Ok(());
    }
    let seconds = expires.rounded_up().0.saturating_sub(start.rounded_up().0);
    Err(Refusal::with(
        Reason::TokenLifetimeTooLong,
        format!("exp is {seconds} s after {name}; {limit} s are allowed"),
    ))
}

#[cold]
fn expired(expires: NumericDate, skew: i64, now: UnixTime) -> Refusal {
    let expires = expires.rounded_up();
    let ago = now.0.saturating_sub(expires.0);
    Refusal::with(
        Reason::TokenExpired,
        format!("exp is {expires}, {ago} s ago; the tolerance is {skew} s"),
    )
}

#[cold]
fn ahead(reason: Reason, name: &str, date: NumericDate, skew: i64, now: UnixTime) -> Refusal {
    let date = date.rounded_up();
    let ahead = date.0.saturating_sub(now.0);
    // Dates in milliseconds are a common mistake of issuers.
    let hint = if date.0 > YEAR_9999 {
        "; is it in milliseconds?"
    } else {
        ""
    };
    Refusal::with(
        reason,
        format!("{name} is {date}, {ahead} s ahead; the tolerance is {skew} s{hint}"),
    )
}
