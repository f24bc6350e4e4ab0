//! Instants and lengths of time, as numbers and as text.
//!
//! Invariants: an instant is UTC and has no zone of its own; what [`std::fmt::Display`] writes, `parse` reads back
//! to the same value. Nothing here knows what time it is.

use super::error::{ErrorKind, Refusal, Result};
use super::words;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Milliseconds of a day; UTC as POSIX counts it has no leap seconds.
const DAY_MS: i64 = 86_400_000;

/// Days of 400 Gregorian years, after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;

/// Days from 0000-03-01 to 1970-01-01. Years are counted from March so that the leap day is the last one.
const EPOCH_DAYS: i64 = 719_468;

/// An instant: milliseconds since 1970-01-01T00:00:00Z, negative before.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// The first instant that RFC 3339 can write: 0000-01-01T00:00:00.000Z.
    pub const FIRST: Self = Self(-62_167_219_200_000);

    /// The last instant in milliseconds that RFC 3339 can write: 9999-12-31T23:59:59.999Z.
    pub const LAST: Self = Self(253_402_300_799_999);

    /// Reads RFC 3339 with its zone, `Z` or `+hh:mm`; instead of `T` also a space, as `date --rfc-3339` writes.
    /// Digits after the milliseconds are dropped. A leap second has no number in POSIX time and is refused, like
    /// everything outside [`Time::FIRST`] to [`Time::LAST`], with [`ErrorKind::InvalidParameter`].
    pub fn parse(text: &str) -> Result<Self> {
        read_instant(text.as_bytes())
            .map(Self)
            .filter(|time| (Self::FIRST..=Self::LAST).contains(time))
            .ok_or_else(|| {
                let shown = words::shown(text);
                ErrorKind::InvalidParameter.because(format!(
                    "{shown} is not a time such as 2031-02-03T04:05:06.789Z"
                ))
            })
    }
}

impl fmt::Display for Time {
    /// Writes RFC 3339 with milliseconds and the zone `Z`. An instant outside [`Time::FIRST`] to [`Time::LAST`]
    /// shows as the nearer of the two.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ms) = (*self).clamp(Self::FIRST, Self::LAST);
        let (year, month, day) = date_of(ms.div_euclid(DAY_MS));
        let of_day = ms.rem_euclid(DAY_MS);
        let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
        let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
        )
    }
}

/// Returns year, month (1 to 12) and day (1 to 31) of a day counted from 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    let (era, day) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    // Take out the leap days that day has behind it: one in 4 years, none in 100, one in 400.
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    // From March on, five months always have 153 days.
    let march_month = (5 * of_year + 2) / 153;
    let month = (march_month + 2) % 12 + 1;
    let of_month = of_year - (153 * march_month + 2) / 5 + 1;
    (400 * era + year + i64::from(month <= 2), month, of_month)
}

/// Returns the day, counted from 1970-01-01, of a date of the Gregorian calendar; the inverse of [`date_of`].
fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let march_year = year - i64::from(month <= 2);
    let (era, of_era) = (march_year.div_euclid(400), march_year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAYS
}

/// Reads RFC 3339 to milliseconds since 1970, or `None` if the text is anything else.
fn read_instant(text: &[u8]) -> Option<i64> {
    let mut rest = Cursor(text);
    let year = rest.digits(4, 0..=9999)?;
    rest.one_of(b"-")?;
    let month = rest.digits(2, 1..=12)?;
    rest.one_of(b"-")?;
    let day = rest.digits(2, 1..=31)?;
    let days = day_of(year, month, day);
    if date_of(days) != (year, month, day) {
        return None;
    }
    rest.one_of(b"Tt ")?;
    let hour = rest.digits(2, 0..=23)?;
    rest.one_of(b":")?;
    let minute = rest.digits(2, 0..=59)?;
    rest.one_of(b":")?;
    let second = rest.digits(2, 0..=59)?;
    let milli = match rest.one_of(b".") {
        Some(_) => rest.fraction()?,
        None => 0,
    };
    let offset_minutes = rest.zone()?;
    let seconds = (hour * 60 + minute - offset_minutes) * 60 + second;
    rest.0
        .is_empty()
        .then_some(days * DAY_MS + seconds * 1000 + milli)
}

/// What is still to be read of a time.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// Takes one byte if it is one of those wanted.
    fn one_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first().filter(|(b, _)| wanted.contains(b))?;
        self.0 = rest;
        Some(first)
    }

    /// Takes a number of exactly so many digits within a range.
    fn digits(&mut self, count: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let mut value = 0;
        for _ in 0..count {
            value = value * 10 + i64::from(self.one_of(b"0123456789")? - b'0');
        }
        Some(value).filter(|value| range.contains(value))
    }

    /// Takes the digits after the point and returns milliseconds.
    fn fraction(&mut self) -> Option<i64> {
        let mut milli = self.digits(1, 0..=9)? * 100;
        let mut weight = 10;
        while let Some(digit) = self.digits(1, 0..=9) {
            milli += digit * weight;
            weight /= 10;
        }
        Some(milli)
    }

    /// Takes the zone and returns how many minutes it is ahead of UTC.
    fn zone(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hours = self.digits(2, 0..=23)?;
        self.one_of(b":")?;
        Some(sign * (hours * 60 + self.digits(2, 0..=59)?))
    }
}

/// How long something may take or last, as the protocol's `dwTimeout` has it. A longer one is greater.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// So many milliseconds, 0 to 4294967294; [`Limit::from_ms`] keeps the range.
    Ms(u32),
    /// It never ends by time; on the wire 4294967295 (`INFINITE`).
    Never,
}

/// The units that a number may have, and their milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

impl Limit {
    /// Makes a limit of the number on the wire, where 4294967295 is never.
    pub fn from_ms(ms: u32) -> Self {
        match ms {
            u32::MAX => Self::Never,
            ms => Self::Ms(ms),
        }
    }

    /// Returns the milliseconds, or `None` for never.
    pub fn ms(self) -> Option<u32> {
        match self {
            Self::Ms(ms) if ms < u32::MAX => Some(ms),
            Self::Ms(_) | Self::Never => None,
        }
    }

    /// Returns the instant at which it is over if it begins now; `None` for never.
    pub fn after(self, now: Time) -> Option<Time> {
        self.ms()
            .map(|ms| Time(now.0.saturating_add(i64::from(ms))))
    }

    /// Reads a limit: a whole number of milliseconds, or one with `ms`, `s`, `m`, `h` or `d`; `-1`, `infinite` and
    /// 4294967295 mean never. A fraction, a sign, an unknown unit or more than 4294967295 ms is
    /// [`ErrorKind::InvalidParameter`].
    pub fn parse(text: &str) -> Result<Self> {
        if matches!(text, "-1" | "infinite") {
            return Ok(Self::Never);
        }
        let Some((number, unit)) = number_and_unit(text) else {
            return Err(wrong_limit(
                text,
                "is not a time such as 1500, 90s or infinite",
            ));
        };
        number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit))
            .and_then(|ms| u32::try_from(ms).ok())
            .map(Self::from_ms)
            .ok_or_else(|| wrong_limit(text, "is more than 4294967295 milliseconds"))
    }

    /// Reads the limit behind a key; the refusal names the key.
    pub fn of(key: &str, text: &str) -> Result<Self> {
        Self::parse(text).map_err(|refusal| words::bad(key, &refusal.sentence))
    }
}

/// The refusal of a limit.
fn wrong_limit(text: &str, wrong: &str) -> Refusal {
    ErrorKind::InvalidParameter.because(format!("{} {wrong}", words::shown(text)))
}

impl fmt::Display for Limit {
    /// Writes `infinite`, `0`, or a number with the largest of `h`, `m`, `s` and `ms` that leaves no rest. Days are
    /// read but not written, so that the original's 72 hours stay `72h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ms() {
            None => f.write_str("infinite"),
            Some(0) => f.write_str("0"),
            Some(ms) => write_ms(f, u64::from(ms)),
        }
    }
}

/// Splits a number and its unit, milliseconds if there is none. `None` if the text is anything else.
fn number_and_unit(text: &str) -> Option<(&str, u64)> {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = text.strip_suffix(digits).unwrap_or_default();
    let unit = UNITS
        .iter()
        .find(|row| row.0 == digits)
        .map(|row| row.1)
        .or(digits.is_empty().then_some(1));
    unit.filter(|_| !number.is_empty())
        .map(|unit| (number, unit))
}

/// Writes milliseconds with the largest of `h`, `m`, `s` and `ms` that leaves no rest.
fn write_ms(f: &mut fmt::Formatter<'_>, ms: u64) -> fmt::Result {
    let mut units = UNITS.iter().rev().skip(1);
    let (unit, size) = units
        .find(|row| ms.is_multiple_of(row.1))
        .unwrap_or(&("ms", 1));
    write!(f, "{}{unit}", ms / size)
}

/// A length of time that ends: so many milliseconds, 0 to [`Span::MAX`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(pub i64);

impl Span {
    /// The longest: 36,500 days.
    pub const MAX: Self = Self(36_500 * DAY_MS);

    /// Reads a whole number of milliseconds, or one with `ms`, `s`, `m`, `h` or `d`. Anything else, and more than
    /// [`Span::MAX`], is [`ErrorKind::InvalidParameter`].
    pub fn parse(text: &str) -> Result<Self> {
        let Some((number, unit)) = number_and_unit(text) else {
            return Err(wrong_limit(
                text,
                "is not a length of time such as 90s, 12h or 30d",
            ));
        };
        let ms = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
        ms.and_then(|ms| i64::try_from(ms).ok())
            .map(Self)
            .filter(|span| *span <= Self::MAX)
            .ok_or_else(|| wrong_limit(text, "is more than 36500 days"))
    }
}

impl fmt::Display for Span {
    /// Writes `0`, or a number with the largest of `h`, `m`, `s` and `ms` that leaves no rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u64::try_from(self.0) {
            Ok(ms) if ms > 0 => write_ms(f, ms),
            _ => f.write_str("0"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn instants_as_text() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_927_857_906_789, "2031-02-03T04:05:06.789Z"),
            (-2_203_891_200_001, "1900-02-28T23:59:59.999Z"),
            (Time::FIRST.0, "0000-01-01T00:00:00.000Z"),
            (Time::LAST.0, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Time(ms).to_string(), text);
            assert_eq!(Time::parse(text), Ok(Time(ms)));
        }
        assert_eq!(Time(i64::MIN).to_string(), Time::FIRST.to_string());
        assert_eq!(Time(i64::MAX).to_string(), Time::LAST.to_string());
    }

    #[test]
    fn spans_as_text() {
        for (text, shown) in [
            ("0", "0"),
            ("1500", "1500ms"),
            ("60000", "1m"),
            ("90d", "2160h"),
            ("36500d", "876000h"),
        ] {
            let span = Span::parse(text).unwrap();
            assert_eq!(span.to_string(), shown);
            assert_eq!(Span::parse(shown), Ok(span));
        }
        for bad in [
            "",
            "-1",
            "infinite",
            "1w",
            "1.5h",
            "36501d",
            "99999999999999999999d",
            "h",
        ] {
            let refusal = Span::parse(bad).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{bad}");
        }
    }

    #[test]
    fn instants_agree_with_jiff() {
        for ms in (Time::FIRST.0..253_402_207_200_000).step_by(777_777_777_777) {
            let other = jiff::Timestamp::from_millisecond(ms).unwrap();
            assert_eq!(Time::parse(&other.to_string()), Ok(Time(ms)));
        }
    }

    #[test]
    fn forms_of_an_instant() {
        for (text, ms) in [
            ("1970-01-01t00:00:00z", 0),
            ("1970-01-01 01:00:00+01:00", 0),
            ("1969-12-31T18:30:00.5-05:30", 500),
            ("1970-01-01T00:00:00.0019999999999999999999999Z", 1),
        ] {
            assert_eq!(Time::parse(text), Ok(Time(ms)), "{text}");
        }
        for bad in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00ZZ",
            "1970-02-29T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+0100",
            "+1970-01-01T00:00:00Z",
            "0000-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ] {
            let refusal = Time::parse(bad).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter);
            assert!(refusal.sentence.contains(bad));
        }
    }

    #[test]
    fn forms_of_a_limit() {
        for (text, limit, shown) in [
            ("0", Limit::Ms(0), "0"),
            ("0d", Limit::Ms(0), "0"),
            ("90s", Limit::Ms(90_000), "90s"),
            ("90000", Limit::Ms(90_000), "90s"),
            ("1500ms", Limit::Ms(1500), "1500ms"),
            ("5m", Limit::Ms(300_000), "5m"),
            ("72h", Limit::Ms(259_200_000), "72h"),
            ("3d", Limit::Ms(259_200_000), "72h"),
            ("4294967294", Limit::Ms(4_294_967_294), "4294967294ms"),
            ("4294967295", Limit::Never, "infinite"),
            ("infinite", Limit::Never, "infinite"),
            ("-1", Limit::Never, "infinite"),
        ] {
            assert_eq!(Limit::parse(text), Ok(limit), "{text}");
            assert_eq!(limit.to_string(), shown);
            assert_eq!(Limit::parse(shown), Ok(limit));
        }
        for bad in [
            "",
            "s",
            "ms",
            "1.5s",
            "-2",
            "-1s",
            "+1",
            "1 s",
            "1S",
            "1w",
            "0x10",
            "Infinite",
            "50d",
            "4294967296",
            "99999999999999999999",
            "18446744073709551615d",
            "1e3",
            "\u{663}s",
        ] {
            let refusal = Limit::parse(bad).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter);
            assert!(refusal.sentence.contains(bad), "{bad}");
        }
        assert!(Limit::Ms(u32::MAX - 1) < Limit::Never);
    }

    proptest! {
        #[test]
        fn an_instant_is_read_back(ms in any::<i64>(), near in Time::FIRST.0..=Time::LAST.0) {
            let shown = Time(ms).clamp(Time::FIRST, Time::LAST);
            prop_assert_eq!(Time::parse(&Time(ms).to_string()), Ok(shown));
            prop_assert_eq!(Time::parse(&Time(near).to_string()), Ok(Time(near)));
        }

        #[test]
        fn a_limit_is_read_back(ms in any::<u32>()) {
            let limit = Limit::from_ms(ms);
            prop_assert_eq!(Limit::parse(&limit.to_string()), Ok(limit));
        }

        #[test]
        fn parsing_never_panics(text in any::<String>(), near in "[0-9TZ:.+ -]{0,40}") {
            for text in [text, near] {
                drop(Time::parse(&text));
                drop(Limit::parse(&text));
            }
        }
    }
}
