//! Why a mount did not come about, as mount(8) wants to know it: by the exit status of its helper.

use super::{mountoptions, mountpoint};
use crate::domain::error::{ErrorKind, Refusal};
use std::fmt;
use std::io;

/// The exit statuses of mount(8) that a helper can have. Two cannot occur: 16, since there is no mtab to write, and 64, since
/// a helper mounts one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Wrong words, or not allowed.
    Usage,
    /// The machine lacks something: memory, processes, descriptors, the device.
    System,
    /// The daemon ended without a word.
    Internal,
    /// A signal.
    Interrupted,
    /// Anything else.
    Failed,
}

use Status::{Failed, Internal, Interrupted, System, Usage};

impl Status {
    /// Every status, in ascending order.
    pub const ALL: [Self; 5] = [Usage, System, Internal, Interrupted, Failed];

    /// Returns the number: a bit.
    pub fn code(self) -> u8 {
        match self {
            Usage => 1,
            System => 2,
            Internal => 4,
            Interrupted => 8,
            Failed => 32,
        }
    }

    /// Finds out which one an error means.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        let found = error.chain().find_map(|cause| {
            if let Some(failure) = cause.downcast_ref::<Failure>() {
                Some(failure.status)
            } else if cause.is::<mountoptions::Refused>() {
                Some(Usage)
            } else if let Some(refusal) = cause.downcast_ref::<Refusal>() {
                (refusal.kind == ErrorKind::NotEnoughMemory).then_some(System)
            } else {
                lacks(cause.downcast_ref::<io::Error>()?).then_some(System)
            }
        });
        found.unwrap_or(Failed)
    }
}

/// Whether the machine lacks what was asked for.
fn lacks(error: &io::Error) -> bool {
    let device = (error.get_ref())
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<mountpoint::NoDevice>);
    let number = error.raw_os_error();
    let wanting = [libc::EAGAIN, libc::ENOMEM, libc::EMFILE, libc::ENFILE];
    device || number.is_some_and(|number| wanting.contains(&number))
}

/// A sentence with its status.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: Status,
    pub(super) sentence: String,
}

impl Failure {
    pub(super) fn new(status: Status, sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        Self { status, sentence }
    }

    /// Puts an error into one line for whoever waits on a pipe.
    pub(super) fn line(error: &anyhow::Error) -> String {
        let sentence = super::message(error).replace('\n', " ");
        format!("{} {sentence}", Status::of(error).code())
    }

    /// Reads such a line; any other is of a program that has gone wrong.
    pub(super) fn read(line: &str) -> Self {
        let read = line.split_once(' ').and_then(|(code, sentence)| {
            let code: u8 = code.parse().ok()?;
            let status = Status::ALL.into_iter().find(|it| it.code() == code)?;
            Some(Self::new(status, sentence))
        });
        read.unwrap_or_else(|| {
            let died = "the daemon died; see the system log";
            Self::new(Internal, if line.is_empty() { died } else { line })
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn an_error_says_its_status_wherever_it_stands() {
        let with = |error: Result<(), io::Error>| error.context("more").context("still more");
        let number = |number| with(Err(io::Error::from_raw_os_error(number)));
        let refused = mountoptions::parse(["zzz"], false).unwrap_err();
        let memory = ErrorKind::NotEnoughMemory.because("none");
        for (error, status) in [
            (anyhow::Error::from(refused).context("more"), Usage),
            (number(libc::EMFILE).unwrap_err(), System),
            (number(libc::ENOENT).unwrap_err(), Failed),
            (anyhow::Error::from(memory), System),
            (anyhow::anyhow!("none"), Failed),
            (Failure::new(Interrupted, "x").into(), Interrupted),
        ] {
            assert_eq!(Status::of(&error), status, "{error:?}");
        }
    }

    #[test]
    fn a_line_is_read_back() {
        for status in Status::ALL {
            let error = anyhow::Error::from(Failure::new(status, "a b")).context("c\nd");
            let read = Failure::read(&Failure::line(&error));
            assert_eq!((read.status, &*read.sentence), (status, "c d: a b"));
        }
        for line in ["", "16 x", "x", "thread panicked"] {
            assert_eq!(Failure::read(line).status, Internal, "{line}");
        }
    }
}
