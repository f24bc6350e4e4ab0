//! How a verb ends when it did not do what it was asked: a sentence, and the status of the program.

use crate::codes;
use crate::domain::error::ErrorKind;
use crate::domain::name::printable;
use nix::errno::Errno;
use std::fmt;

/// The exit statuses of the program. Scripts count on them: a number never gets another meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Exit {
    Success,
    Refused,
    Usage,
    Unavailable,
    TimedOut,
    NoTree,
}

/// The table of them: the number, and what it means, as ntmsfs(8) has it.
const EXITS: [(Exit, u8, &str); 6] = [
    (Exit::Success, 0, "Success."),
    (Exit::Refused, 1, "Refused or failed."),
    (Exit::Usage, 2, "Wrong usage."),
    (Exit::Unavailable, 3, "No medium is available."),
    (Exit::TimedOut, 4, "The time of the request was over."),
    (Exit::NoTree, 5, "No mounted tree was found, or it is gone."),
];

impl Exit {
    /// The number that the shell sees.
    pub(in crate::cli) fn code(self) -> u8 {
        let row = EXITS.iter().find(|row| row.0 == self);
        row.map_or(1, |row| row.1)
    }

    /// The status that an error means.
    pub(in crate::cli) fn of(error: &anyhow::Error) -> Self {
        let failed = error
            .chain()
            .find_map(|cause| cause.downcast_ref::<Failed>());
        failed.map_or(Self::Refused, |failed| failed.exit)
    }

    fn of_kind(kind: Option<ErrorKind>) -> Self {
        match kind {
            Some(ErrorKind::MediaUnavailable) => Self::Unavailable,
            Some(ErrorKind::Timeout) => Self::TimedOut,
            _ => Self::Refused,
        }
    }
}

/// A sentence with its status. What others have named is printable in it.
#[derive(Debug)]
pub(super) struct Failed {
    exit: Exit,
    sentence: String,
}

impl Failed {
    pub(super) fn new(exit: Exit, sentence: impl AsRef<str>) -> Self {
        let sentence = printable(sentence.as_ref());
        Self { exit, sentence }
    }

    /// A line of the tree, `0x… ERROR_… sentence`, with the word of its errno.
    pub(super) fn of_line(line: &str) -> Self {
        let line = line.trim_end();
        let kind = codes::number_in(line).and_then(codes::kind_of);
        let exit = Exit::of_kind(kind);
        match kind {
            Some(kind) => Self::new(exit, format!("{line} ({})", word(codes::code(kind).errno))),
            None => Self::new(exit, line),
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Failed {}

/// The word of an errno, such as ENOENT.
pub(super) fn word(errno: i32) -> String {
    format!("{:?}", Errno::from_raw(errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statuses_are_those_of_the_manual() {
        let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/man/ntmsfs.8");
        let manual = std::fs::read_to_string(manual).unwrap();
        let (_, section) = manual.split_once("\n.SH EXIT STATUS\n").unwrap();
        let (section, _) = section.split_once("\n.SH ").unwrap();
        let rows: Vec<&str> = section.split(".TP\n.B ").skip(1).collect();
        assert_eq!(rows.len(), EXITS.len(), "{section}");
        for ((exit, code, meaning), row) in EXITS.iter().zip(rows) {
            assert!(row.starts_with(&format!("{code}\n{meaning}\n")), "{row}");
            assert_eq!(exit.code(), *code);
        }
    }

    #[test]
    fn a_line_of_the_tree_has_its_status() {
        for (line, exit, said) in [
            (
                "0x800710D4 ERROR_MEDIA_UNAVAILABLE none\n",
                Exit::Unavailable,
                "none (ENOSPC)",
            ),
            (
                "0x800705B4 ERROR_TIMEOUT over\n",
                Exit::TimedOut,
                "over (ETIMEDOUT)",
            ),
            (
                "0x800704C7 ERROR_CANCELLED no\x1b[2J\n",
                Exit::Refused,
                "no\\x1b[2J (ECANCELED)",
            ),
            ("something else", Exit::Refused, "something else"),
        ] {
            let failed = Failed::of_line(line);
            assert!(failed.to_string().ends_with(said), "{failed}");
            let error = anyhow::Error::from(failed).context("allocate");
            assert_eq!(Exit::of(&error), exit, "{line}");
        }
    }
}
