//! Points in time: dates in documents, seconds in decisions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A date as QRS writes it: UTC, exactly three fraction digits, `Z`.
///
/// Clients match that form with regular expressions, and send it back to detect conflicts, so the
/// value itself is cut to milliseconds: what is compared is what was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The date that QRS writes for "never": the first of January 1753.
    pub const NEVER: Self = Self(-6_847_804_800_000);

    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self::NEVER
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t:.3}"),
            Err(_) => f.write_str("1753-01-01T00:00:00.000Z"),
        }
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Some clients send a date without an offset; QRS reads it as UTC.
        let parsed = text.parse::<jiff::Timestamp>().or_else(|error| {
            text.parse::<jiff::civil::DateTime>()
                .and_then(|civil| civil.to_zoned(jiff::tz::TimeZone::UTC))
                .map(|zoned| zoned.timestamp())
                .map_err(|_| error)
        })?;
        Ok(Self(parsed.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            de::Error::custom(format_args!(
                "expected a date like 2026-11-22T08:55:17.372Z, found {text:?}"
            ))
        })
    }
}

/// Seconds since the Unix epoch: the `now` that decisions take as an argument, and the unit of
/// `exp`, `nbf` and `iat` (RFC 7519 section 2, `NumericDate`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// This time and `seconds` more, without overflow.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl From<UnixTime> for Timestamp {
    fn from(time: UnixTime) -> Self {
        Self(time.0.saturating_mul(1000))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(t) => write!(f, "{t:.0}"),
            Err(_) => write!(f, "{} s after the epoch", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_three_fraction_digits_and_a_z() {
        let date: Timestamp = "2017-02-22T18:09:51.896Z".parse().unwrap();
        assert_eq!(date.to_string(), "2017-02-22T18:09:51.896Z");
        assert_eq!(
            Timestamp::from_millis(0).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(Timestamp::NEVER.to_string(), "1753-01-01T00:00:00.000Z");
    }

    #[test]
    fn dates_are_cut_to_milliseconds_and_may_lack_the_offset() {
        let fine: Timestamp = "2017-02-22T18:09:51.8967Z".parse().unwrap();
        let bare: Timestamp = "2017-02-22T18:09:51.896".parse().unwrap();
        assert_eq!(fine, bare);
        assert!("yesterday".parse::<Timestamp>().is_err());
    }
}
