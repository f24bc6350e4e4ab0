//! Libraries whose hands are a person's: the drivers `manual` and `standalone`. And the faults of a virtual one.
//!
//! Invariants: those of [`super::driver`].

use super::error::Result;
use super::words::{self, Known, Words};
use std::fmt;

/// Most places of a shelf; as many as a robotic library can have slots.
const PLACES_MAX: u32 = 65_535;

const MANUAL: [Known; 3] = [
    ("type=", "type"),
    ("slots=", "slots"),
    ("device=", "device"),
];
const STANDALONE: [Known; 1] = [("type=", "type")];

/// One drive, and a person who puts media into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandSpec {
    /// The name of the type of its media, a valid object name.
    pub media_type: String,
    /// Places of the shelf, 0 to 65535; a stand-alone drive has none.
    pub slots: u32,
    /// The drive as programs open it, an absolute path.
    pub device: String,
    /// No shelf belongs to the drive: a medium is in it until another one is wanted.
    pub standalone: bool,
}

impl HandSpec {
    /// Reads the words of `manual type=… device=/… [slots=…]`.
    pub fn manual(given: impl Iterator<Item = String>) -> Result<Self> {
        let mut found = Words::collect(given, &MANUAL)?;
        let slots = found.take("slots");
        Ok(Self {
            media_type: media_type(&mut found)?,
            slots: slots.map_or(Ok(100), |text| {
                words::number("slots", &text, 1..=PLACES_MAX)
            })?,
            device: device(&found.take("device").unwrap_or_default())?,
            standalone: false,
        })
    }

    /// Reads the words of `standalone /… type=…`.
    pub fn standalone(mut given: impl Iterator<Item = String>) -> Result<Self> {
        let device = device(&given.next().unwrap_or_default())?;
        let mut found = Words::collect(given, &STANDALONE)?;
        Ok(Self {
            media_type: media_type(&mut found)?,
            slots: 0,
            device,
            standalone: true,
        })
    }
}

fn media_type(found: &mut Words) -> Result<String> {
    let given = found.take("type");
    let text = given.ok_or_else(|| words::bad("type", "this word is missing"))?;
    words::object_name("type", &text)
}

/// Checks the path of a device.
fn device(text: &str) -> Result<String> {
    if !text.starts_with('/') {
        let wrong = format!("{} is not an absolute path", words::shown(text));
        return Err(words::bad("device", &wrong));
    }
    words::text("device", text, 2..=1024)
}

impl fmt::Display for HandSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (device, media_type) = (words::quoted(&self.device), words::quoted(&self.media_type));
        if self.standalone {
            write!(f, "standalone {device} type={media_type}")
        } else {
            write!(
                f,
                "manual type={media_type} slots={} device={device}",
                self.slots
            )
        }
    }
}

/// A step of a virtual library that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The changer brings a cartridge to a drive.
    Move,
    /// The drive loads it.
    Load,
    /// The label is read.
    Label,
    /// The drive gives it back.
    Unload,
}

const STEPS: [(&str, Step); 4] = [
    ("move", Step::Move),
    ("load", Step::Load),
    ("label", Step::Label),
    ("unload", Step::Unload),
];

/// Which steps fail: each by name and how many times it was done before and with it, from 1 on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults(Vec<(Step, u32)>);

impl Faults {
    /// Reads `load:2,label:5`.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            let shown = words::shown(text);
            words::bad(
                "fault",
                &format!("{shown} is not move, load, label or unload and a number, as load:2"),
            )
        };
        let one = |part: &str| {
            let (word, at) = part.split_once(':').ok_or_else(wrong)?;
            let row = STEPS.iter().find(|row| row.0 == word).ok_or_else(wrong)?;
            Ok((row.1, words::number("fault", at, 1..=u32::MAX)?))
        };
        text.split(',').map(one).collect::<Result<_>>().map(Self)
    }

    /// Returns whether a step fails when it is done for that time, from 1 on.
    pub fn hit(&self, step: Step, time: u32) -> bool {
        self.0.contains(&(step, time))
    }

    /// Returns whether nothing fails.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (step, time)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let word = STEPS
                .iter()
                .find(|row| row.1 == *step)
                .map_or("", |row| row.0);
            write!(f, "{comma}{word}:{time}")?;
        }
        Ok(())
    }
}

impl Step {
    /// Returns the word of the step.
    pub fn word(self) -> &'static str {
        STEPS
            .iter()
            .find(|row| row.1 == self)
            .map_or("", |row| row.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_back() {
        let faults = Faults::parse("load:2,label:1,unload:7").unwrap();
        assert_eq!(faults.to_string(), "load:2,label:1,unload:7");
        assert!(faults.hit(Step::Load, 2) && faults.hit(Step::Unload, 7));
        assert!(!faults.hit(Step::Load, 1) && !faults.hit(Step::Move, 2));
        for bad in ["", "load", "load:0", "lode:1", "load:1,", "load:x"] {
            assert!(
                Faults::parse(bad)
                    .unwrap_err()
                    .sentence
                    .starts_with("fault: "),
                "{bad}"
            );
        }
    }
}
