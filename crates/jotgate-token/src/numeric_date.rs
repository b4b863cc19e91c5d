//! `NumericDate` (RFC 7519 section 2): seconds since the epoch, integer or decimal, read exactly.
//!
//! The text of the number is never turned into a float: `1e300` must not become "far in the
//! future", nor 2^63 wrap to the past. Digits beyond the nanosecond are dropped.

use jotgate_model::UnixTime;

use crate::json::Value;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// A point in time with nanoseconds, from 0 to the largest whole second of 63 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NumericDate {
    seconds: i64,
    nanos: u32,
}

/// Why a value is no date. Worded to follow the claim's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DateError {
    #[error("is {0}, not a number of seconds")]
    WrongType(&'static str),
    #[error("is negative")]
    Negative,
    #[error("is too large to be a date")]
    TooLarge,
}

impl NumericDate {
    /// Reads a claim's value.
    pub(crate) fn read(value: &Value<'_>) -> Result<Self, DateError> {
        match value {
            Value::Number(text) => Self::parse(text),
            other => Err(DateError::WrongType(other.kind())),
        }
    }

    /// Reads the text of a JSON number.
    fn parse(text: &str) -> Result<Self, DateError> {
        match text.parse::<i64>() {
            Ok(seconds @ 0..) => Ok(Self { seconds, nanos: 0 }),
            Ok(_) => Err(DateError::Negative),
            Err(_) => Self::parse_unusual(text),
        }
    }

    /// Reads the text of any JSON number.
    fn parse_unusual(text: &str) -> Result<Self, DateError> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = || whole.bytes().chain(fraction.bytes());
        if digits().all(|d| d == b'0') {
            return Ok(Self::from(UnixTime(0)));
        }
        if negative {
            return Err(DateError::Negative);
        }
        // How many digits stand before the point once the exponent is applied, nine of them for the
        // nanoseconds. An exponent that needs more than 32 bits only says "huge" or "tiny".
        let exponent = exponent
            .parse::<i32>()
            .unwrap_or(if exponent.starts_with('-') {
                i32::MIN
            } else {
                i32::MAX
            });
        let places = i64::try_from(whole.len())
            .unwrap_or(i64::MAX)
            .saturating_add(i64::from(exponent))
            + 9;
        let mut nanos: i128 = 0;
        let mut source = digits();
        for _ in 0..places.max(0) {
            // Zeros after the last digit count only while there is something to multiply.
            let digit = i128::from(source.next().unwrap_or(b'0') - b'0');
            nanos = nanos * 10 + digit;
            if nanos > i128::from(i64::MAX) * NANOS_PER_SECOND {
                return Err(DateError::TooLarge);
            }
        }
        Ok(Self {
            seconds: i64::try_from(nanos / NANOS_PER_SECOND).map_err(|_| DateError::TooLarge)?,
            nanos: u32::try_from(nanos % NANOS_PER_SECOND).map_err(|_| DateError::TooLarge)?,
        })
    }

    /// The first whole second that is not before this time. A whole `now` lies before this time
    /// exactly if it lies before that second.
    pub(crate) const fn rounded_up(self) -> UnixTime {
        UnixTime(self.seconds).plus((self.nanos > 0) as i64)
    }

    /// Whether more than `seconds` lie between `start` and this time.
    pub(crate) const fn is_later_than(self, start: Self, seconds: u32) -> bool {
        self.as_nanos() - start.as_nanos() > seconds as i128 * NANOS_PER_SECOND
    }

    const fn as_nanos(self) -> i128 {
        self.seconds as i128 * NANOS_PER_SECOND + self.nanos as i128
    }
}

impl From<UnixTime> for NumericDate {
    fn from(time: UnixTime) -> Self {
        Self {
            seconds: time.0,
            nanos: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanos(text: &str) -> Result<i128, DateError> {
        NumericDate::parse(text).map(NumericDate::as_nanos)
    }

    #[test]
    fn integers_decimals_and_exponents_are_exact() {
        assert_eq!(nanos("1700000000"), Ok(1_700_000_000 * NANOS_PER_SECOND));
        assert_eq!(nanos("1.7e9"), nanos("1700000000"));
        assert_eq!(nanos("17000000000000E-4"), nanos("1700000000"));
        assert_eq!(nanos("0.1"), Ok(100_000_000));
        assert_eq!(nanos("1700000000.000000001"), Ok(1_700_000_000_000_000_001));
        assert_eq!(nanos("1e-400"), Ok(0));
        assert_eq!(nanos("0"), Ok(0));
        assert_eq!(nanos("-0.0e9"), Ok(0));
        assert_eq!(
            nanos("9223372036854775807"),
            Ok(i128::from(i64::MAX) * NANOS_PER_SECOND)
        );
    }

    #[test]
    fn what_is_no_date_is_refused_and_never_clamped() {
        assert_eq!(nanos("-1"), Err(DateError::Negative));
        assert_eq!(nanos("-1e-400"), Err(DateError::Negative));
        for huge in [
            "9223372036854775808",
            "1e300",
            "1e99999999999999999999",
            "18446744073709551616",
        ] {
            assert_eq!(nanos(huge), Err(DateError::TooLarge), "{huge}");
        }
        assert_eq!(nanos("1e-99999999999999999999"), Ok(0));
        assert_eq!(nanos("0e99999999999999999999"), Ok(0));
    }

    #[test]
    fn seconds_are_rounded_up() {
        let up = |text| NumericDate::parse(text).unwrap().rounded_up().0;
        assert_eq!(up("100"), 100);
        assert_eq!(up("100.000000001"), 101);
        assert_eq!(up("9223372036854775807"), i64::MAX);
    }

    proptest! {
        #[test]
        fn agrees_with_integers(seconds in 0..i64::MAX) {
            prop_assert_eq!(nanos(&seconds.to_string()), Ok(i128::from(seconds) * NANOS_PER_SECOND));
        }

        #[test]
        fn both_ways_of_reading_agree(seconds in any::<i64>(), fraction in "(\\.0{1,3})?") {
            let text = format!("{seconds}{fraction}");
            prop_assert_eq!(NumericDate::parse(&text), NumericDate::parse_unusual(&text));
        }

        #[test]
        fn any_json_number_is_read_or_refused(text in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,12})?") {
            let read = NumericDate::parse(&text);
            let float: f64 = text.parse().unwrap();
            if let Ok(date) = read {
                prop_assert!(float >= 0.0);
                let seconds = date.as_nanos() as f64 / 1e9;
                prop_assert!((seconds - float).abs() <= 1e-9 + float * 1e-9, "{} {}", seconds, float);
            } else {
                prop_assert!(!(0.0..=9.2e18).contains(&float) || text.starts_with('-'));
            }
        }
    }
}
