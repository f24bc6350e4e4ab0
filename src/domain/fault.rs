//! The faults of a virtual library: steps that fail on purpose, so that what follows a failure can be tried.
//!
//! Invariants: those of [`super::driver`].

use super::error::Result;
use super::words;
use std::fmt;

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

impl Step {
    /// Returns the word of the step.
    pub fn word(self) -> &'static str {
        let row = STEPS.iter().find(|row| row.1 == self);
        row.map_or("", |row| row.0)
    }
}

/// Which steps fail: each by name and how many times it was done before and with it, from 1 on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepFaults(Vec<(Step, u32)>);

impl StepFaults {
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

impl fmt::Display for StepFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (step, time)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}:{time}", step.word())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_back() {
        let faults = StepFaults::parse("load:2,label:1,unload:7").unwrap();
        assert_eq!(faults.to_string(), "load:2,label:1,unload:7");
        assert!(faults.hit(Step::Load, 2) && faults.hit(Step::Unload, 7));
        assert!(!faults.hit(Step::Load, 1) && !faults.hit(Step::Move, 2));
        for bad in ["", "load", "load:0", "lode:1", "load:1,", "load:x"] {
            assert!(
                StepFaults::parse(bad)
                    .unwrap_err()
                    .sentence
                    .starts_with("fault: "),
                "{bad}"
            );
        }
    }
}
