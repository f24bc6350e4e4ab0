//! The history as a file that grows at its end and, when records go into an archive, loses its beginning.
//!
//! Invariants: a record keeps its number and its place for ever; whoever names a record with its chain has had every line up to
//! it, so nothing leaves the catalog that nobody has.

use super::error::{ErrorKind, Refusal, Result};
use super::hex;
use super::time::{Span, Time};
use super::words::shown;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Reads 64 hexadecimal digits in lower case. Anything else is [`ErrorKind::InvalidParameter`].
    pub fn parse(text: &str) -> Result<Self> {
        let bytes = hex::read(text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| {
            let shown = shown(text);
            ErrorKind::InvalidParameter.because(format!("{shown} is not 64 hexadecimal digits"))
        })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::write(&self.0))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        hex::write(&digest.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

/// Where a record ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Head {
    /// Its sequence number; 0 before the first.
    pub seq: i64,
    /// Bytes of all lines up to it, with their newlines, since the catalog was made.
    pub end: i64,
    /// Its chain; zeros before the first.
    pub chain: Digest,
}

impl Head {
    /// Returns the number of the record with its chain.
    pub fn mark(&self) -> Mark {
        let Self { seq, chain, .. } = *self;
        Mark { seq, chain }
    }
}

/// The number of a record with its chain: whoever knows it has had every line up to there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mark {
    /// Sequence number; 0 before the first record.
    pub seq: i64,
    /// Chain; zeros before the first.
    pub chain: Digest,
}

impl Mark {
    /// Reads the number, a space and the chain. Anything else is [`ErrorKind::InvalidParameter`].
    pub fn parse(text: &str) -> Result<Self> {
        let words = text.split_once(' ');
        let Some((seq, chain)) = words.and_then(|(seq, chain)| Some((seq.parse().ok()?, chain)))
        else {
            return Err(ErrorKind::InvalidParameter.because(format!(
                "{} is not the number of a record and its chain",
                shown(text)
            )));
        };
        let chain = Digest::parse(chain)?;
        Ok(Self { seq, chain })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seq, self.chain)
    }
}

/// A page of the checkpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// Its number, from 0.
    pub number: i64,
    /// What is in it.
    pub body: Vec<u8>,
    /// SHA-256 of that.
    pub sum: Digest,
}

/// Without what is in it, which is long and says nothing.
impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page {} {}", self.number, self.sum)
    }
}

/// A step of the checkpoint: from one record to a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The record as of which the checkpoint must be.
    pub from: i64,
    /// The record as of which it is then.
    pub last: Head,
    /// SHA-256 of the sums of all its pages.
    pub digest: Digest,
    /// The pages that differ.
    pub pages: Vec<Page>,
}

/// Where somebody wants an archive to end: before a record, or before the first that is not older than an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// The first record that stays.
    Seq(i64),
    /// Records from then on stay.
    Time(Time),
}

impl Before {
    /// Reads a sequence number, a length of time with its unit (what is older goes), or a time. Anything else is
    /// [`ErrorKind::InvalidParameter`].
    pub fn parse(text: &str, now: Time) -> Result<Self> {
        if let Ok(seq) = text.parse::<i64>() {
            return Ok(Self::Seq(seq));
        }
        let age = Span::parse(text).map(|age| Self::Time(Time(now.0 - age.0)));
        age.or_else(|_| Time::parse(text).map(Self::Time))
            .map_err(|_| {
                ErrorKind::InvalidParameter.because(format!(
                    "{} is no record number, no time such as 2031-02-03T04:05:06Z and no age such as 90d",
                    shown(text)
                ))
            })
    }
}

/// Which records go into an archive: all from the beginning to the first that stays.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// What is asked for; everything if nothing is.
    before: Option<Before>,
    /// How long records stay at least.
    retention: Span,
    /// The time now.
    now: Time,
}

impl Share {
    /// Makes a share of what is asked for and the setting.
    pub fn new(before: Option<Before>, retention: Span, now: Time) -> Self {
        Self {
            before,
            retention,
            now,
        }
    }

    /// Returns whether a record goes. One that is asked for and is too young is refused with [`ErrorKind::InvalidState`].
    pub fn takes(&self, seq: i64, time: Time) -> Result<bool> {
        let wanted = self.before.is_none_or(|before| match before {
            Before::Seq(first) => seq < first,
            Before::Time(since) => time < since,
        });
        match demand_old(seq, time, self.retention, self.now) {
            Ok(()) => Ok(wanted),
            Err(refusal) if wanted && self.before.is_some() => Err(refusal),
            Err(_) => Ok(false),
        }
    }
}

/// Refuses to let go of a record before its time.
pub fn demand_old(seq: i64, time: Time, retention: Span, now: Time) -> Result<()> {
    if retention.0 == 0 || time.0 <= now.0.saturating_sub(retention.0) {
        return Ok(());
    }
    Err(ErrorKind::InvalidState.because(format!(
        "record {seq} is of {time}, and settings/retention keeps records for {retention}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_as_text() {
        let text = "00ff0123456789abcdef00112233445566778899aabbccddeeff000102030405";
        let digest = Digest::parse(text).unwrap();
        assert_eq!(digest.to_string(), text);
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        for bad in [
            "",
            "00",
            &text.to_uppercase(),
            &format!("{text}00"),
            &text.replace('f', "g"),
            &text.replace("00", "\u{e4}"),
        ] {
            let refusal = Digest::parse(bad).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{bad}");
        }
    }

    #[test]
    fn marks_as_text() {
        let zeros = "0".repeat(64);
        let text = format!("17 {zeros}");
        let mark = Mark::parse(&text).unwrap();
        assert_eq!((mark.seq, mark.chain), (17, Digest::default()));
        assert_eq!(mark.to_string(), text);
        for bad in [
            "",
            "17",
            "17 ",
            &zeros,
            &format!("x {zeros}"),
            &format!("17  {zeros}"),
        ] {
            let refusal = Mark::parse(bad).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{bad}");
        }
    }

    #[test]
    fn forms_of_an_end() {
        let now = Time(1_900_000_000_000);
        for (text, before) in [
            ("17", Before::Seq(17)),
            ("-1", Before::Seq(-1)),
            ("2s", Before::Time(Time(now.0 - 2000))),
            ("1970-01-01T00:00:01Z", Before::Time(Time(1000))),
        ] {
            assert_eq!(Before::parse(text, now), Ok(before), "{text}");
        }
        for bad in ["", "soon", "1.5h", "infinite", "1970-01-01"] {
            let refusal = Before::parse(bad, now).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{bad}");
        }
    }

    #[test]
    fn what_goes_and_what_stays() {
        let now = Time(1_000_000);
        let takes = |before, retention, seq, time| {
            let taken = Share::new(before, Span(retention), now).takes(seq, Time(time));
            taken.map_err(|refusal| refusal.kind)
        };
        let seq = Some(Before::Seq(5));
        let time = Some(Before::Time(Time(500)));
        for (before, retention, record, expected) in [
            (None, 0, (9, 2_000_000), Ok(true)),
            (None, 1000, (9, 999_000), Ok(true)),
            (None, 1000, (9, 999_001), Ok(false)),
            (seq, 0, (4, 0), Ok(true)),
            (seq, 0, (5, 0), Ok(false)),
            (seq, 1000, (4, 999_000), Ok(true)),
            (seq, 1000, (4, 999_001), Err(ErrorKind::InvalidState)),
            (seq, 1000, (5, 999_001), Ok(false)),
            (time, 0, (4, 499), Ok(true)),
            (time, 0, (4, 500), Ok(false)),
            (time, 999_600, (4, 450), Err(ErrorKind::InvalidState)),
            (time, 999_600, (4, 400), Ok(true)),
        ] {
            let (at, of) = record;
            assert_eq!(
                takes(before, retention, at, of),
                expected,
                "{before:?} {retention} {record:?}"
            );
        }
    }
}
