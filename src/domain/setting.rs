//! What holds for the whole system (MS-RSMP, computer object; reference section 2.3).
//!
//! Invariant: a value that `parse` made is in its range, so a rule only asks who sets it.

use super::error::{ErrorKind, Result};
use super::time::{Limit, Span, Time};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most ages at which an open operator request is told of again.
pub const AGES_MAX: usize = 16;

/// Longest that a hook may run, in milliseconds: an hour.
pub const HOOK_TIMEOUT_MAX: u32 = 3_600_000;

/// The settings as they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long answered operator requests are kept (`dwOpRequestPurgeTime`).
    pub operator_purge_time: Limit,
    /// Whether they are forgotten at all (not `NTMS_OPREQFLAGS_NOAUTOPURGE`).
    pub operator_auto_purge: bool,
    /// Whether refused ones are kept for ever (`NTMS_OPREQFLAGS_NOFAILEDPURGE`).
    pub operator_keep_failed: bool,
    /// Whether there are people who answer.
    pub attended: bool,
    /// How long a hook may run.
    pub hook_timeout: Limit,
    /// At which ages of an open request the hooks are run again.
    pub hook_ages: Ages,
    /// How long records stay in the history at least.
    pub retention: Span,
    /// The last change; the epoch before the first.
    pub modified: Time,
}

/// A change of one setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// How long answered operator requests are kept.
    OperatorPurgeTime(Limit),
    /// Whether they are forgotten at all.
    OperatorAutoPurge(bool),
    /// Whether refused ones are kept for ever.
    OperatorKeepFailed(bool),
    /// Whether there are people who answer.
    Attended(bool),
    /// How long a hook may run.
    HookTimeout(Limit),
    /// At which ages of an open request the hooks are run again.
    HookAges(Ages),
    /// How long records stay in the history at least.
    Retention(Span),
}

/// Ages in milliseconds, ascending, none twice, at most [`AGES_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ages(Vec<u32>);

impl Ages {
    /// Reads ages separated by white space, such as `1h 4h 24h`; the empty text is none. Unordered, repeated, zero and
    /// infinite ones and more than [`AGES_MAX`] are [`ErrorKind::InvalidParameter`].
    pub fn parse(text: &str) -> Result<Self> {
        let mut ages: Vec<u32> = Vec::new();
        for word in text.split_whitespace() {
            let age = Limit::parse(word)?.ms().filter(|age| *age > 0);
            match age.filter(|age| ages.last().is_none_or(|last| last < age)) {
                Some(age) => ages.push(age),
                None => {
                    return Err(ErrorKind::InvalidParameter.because(format!(
                        "\"{word}\": ages are above 0, finite and each greater than the one before"
                    )));
                }
            }
        }
        if ages.len() > AGES_MAX {
            return Err(ErrorKind::InvalidParameter
                .because(format!("{} ages; at most {AGES_MAX}", ages.len())));
        }
        Ok(Self(ages))
    }

    /// Returns the greatest age that something that is `old` milliseconds old has reached, and that is above `told`.
    pub fn reached(&self, told: i64, old: i64) -> Option<u32> {
        let mut ages = self.0.iter().rev().copied();
        ages.find(|age| i64::from(*age) <= old)
            .filter(|age| i64::from(*age) > told)
    }

    /// Returns the next age above `told`.
    pub fn after(&self, told: i64) -> Option<u32> {
        self.0.iter().copied().find(|age| i64::from(*age) > told)
    }
}

impl fmt::Display for Ages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self
            .0
            .iter()
            .map(|age| Limit::Ms(*age).to_string())
            .collect();
        f.write_str(&words.join(" "))
    }
}

/// Reads how long a hook may run: 1 ms to an hour.
pub fn hook_timeout(text: &str) -> Result<Limit> {
    let limit = Limit::parse(text)?;
    match limit.ms() {
        Some(1..=HOOK_TIMEOUT_MAX) => Ok(limit),
        _ => Err(ErrorKind::InvalidParameter.because(format!(
            "\"{text}\" is not a time from 1ms to {}",
            Limit::Ms(HOOK_TIMEOUT_MAX)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_ascending() {
        for (text, shown) in [
            ("", ""),
            ("1h 4h 24h", "1h 4h 24h"),
            (" 60s\t2d ", "1m 48h"),
        ] {
            let ages = Ages::parse(text).unwrap();
            assert_eq!(ages.to_string(), shown);
            assert_eq!(Ages::parse(shown), Ok(ages));
        }
        let many: Vec<String> = (1..=17).map(|age| age.to_string()).collect();
        for text in [
            "0",
            "infinite",
            "1h 1h",
            "4h 1h",
            "soon",
            "-1",
            &many.join(" "),
        ] {
            let refusal = Ages::parse(text).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{text}");
        }
        assert!(Ages::parse(&many[..16].join(" ")).is_ok());
    }

    #[test]
    fn an_age_is_reached_at_its_millisecond() {
        let ages = Ages::parse("1s 2s").unwrap();
        for (told, old, reached, next) in [
            (0, -5, None, Some(1000)),
            (0, 999, None, Some(1000)),
            (0, 1000, Some(1000), Some(1000)),
            (0, 9999, Some(2000), Some(1000)),
            (1000, 1999, None, Some(2000)),
            (1000, 2000, Some(2000), Some(2000)),
            (1500, 1999, None, Some(2000)),
            (2000, 9999, None, None),
        ] {
            assert_eq!(ages.reached(told, old), reached, "{told} {old}");
            assert_eq!(ages.after(told), next, "{told}");
        }
    }

    #[test]
    fn a_hook_has_a_limit() {
        assert_eq!(hook_timeout("60s"), Ok(Limit::Ms(60_000)));
        for text in ["0", "infinite", "2h", "3600001"] {
            assert!(hook_timeout(text).is_err(), "{text}");
        }
    }
}
