//! `ntmsfs completions`: what the Tab key of a shell offers, names of the live tree among it.
//!
//! Invariant: a name that a shell would have to quote is not offered. Some shells put what is offered into the command as it is,
//! and whoever names a pool must not write commands of others.

use super::operator::is_answered;
use super::place::{Place, Tree};
use anyhow::Result;
use clap::{Args, ValueEnum};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};
use std::ffi::OsStr;
use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};

/// The variable by which a shell asks.
pub(in crate::cli) const ASKED: &str = "NTMSFS_COMPLETE";

/// Most names that are offered.
const NAMES: usize = 500;

/// The words of an allocation request that can be completed.
const WORDS: [&str; 9] = [
    "new",
    "next",
    "error-if-unavailable",
    "allocate-information",
    "timeout=",
    "side=",
    "media=",
    "name=",
    "description=",
];

#[derive(Debug, Args)]
pub(in crate::cli) struct Completions {
    /// The shell.
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    pub(super) fn run(&self) -> Result<()> {
        let shell: &dyn EnvCompleter = match self.shell {
            Shell::Bash => &Bash,
            Shell::Zsh => &Zsh,
            Shell::Fish => &Fish,
        };
        let mut out = stdout().lock();
        shell.write_registration(ASKED, "ntmsfs", "ntmsfs", "ntmsfs", &mut out)?;
        out.flush()?;
        Ok(())
    }
}

/// Pools by their paths.
pub(super) fn pools() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        offered(begun, |tree, begun| {
            let (above, _) = begun.rsplit_once('/').unwrap_or_default();
            let dir = match above {
                "" => PathBuf::from("pools"),
                above => tree.pool(above).ok()?.join("pools"),
            };
            let below = |name: &str| match above {
                "" => name.to_owned(),
                above => format!("{above}/{name}"),
            };
            Some(names(tree, dir)?.iter().map(|name| below(name)).collect())
        })
    })
}

/// Identifiers of logical media.
pub(super) fn logical() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| offered(begun, |tree, _| names(tree, "logical")))
}

/// Numbers of requests to people that have no answer yet.
pub(super) fn operators() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        offered(begun, |tree, begun| {
            let mut numbers = names(tree, "operator")?;
            numbers.retain(|number| {
                let state = format!("operator/{number}/state");
                number.starts_with(begun) && tree.read(state).is_ok_and(|it| !is_answered(&it))
            });
            Some(numbers)
        })
    })
}

/// Words of an allocation request, with the media that can stand in them.
pub(super) fn words() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let begun_text = begun.to_str().unwrap_or_default();
        let (word, folder) = match begun_text {
            text if text.starts_with("media=") => ("media=", "logical"),
            text if text.starts_with("side=") => ("side=", "media"),
            _ => {
                let words = WORDS.iter().filter(|word| word.starts_with(begun_text));
                return words.map(CompletionCandidate::new).collect();
            }
        };
        offered(begun, |tree, _| {
            let names = names(tree, folder)?;
            Some(names.iter().map(|name| format!("{word}{name}")).collect())
        })
    })
}

/// The names in a directory of the tree; others than UTF-8 cannot be completed.
fn names(tree: &Tree, dir: impl AsRef<Path>) -> Option<Vec<String>> {
    let names = tree.names(&tree.path(dir)).ok()?.into_iter();
    Some(names.filter_map(|name| name.into_string().ok()).collect())
}

/// What of the names in the tree goes on with what was begun. Without a tree nothing does.
fn offered(
    begun: &OsStr,
    names: impl Fn(&Tree, &str) -> Option<Vec<String>>,
) -> Vec<CompletionCandidate> {
    let find = || {
        let begun = begun.to_str()?;
        let tree = Place { tree: None }.find().ok()?;
        let names = names(&tree, begun)?.into_iter();
        let fit = names.filter(|name| name.starts_with(begun) && is_plain(name));
        Some(fit.take(NAMES).map(CompletionCandidate::new).collect())
    };
    find().unwrap_or_default()
}

/// Whether every shell takes a word as it is.
fn is_plain(word: &str) -> bool {
    !word.starts_with(['-', '+', '.'])
        && word
            .chars()
            .all(|c| c.is_alphanumeric() || "-_.+@%,/=".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_are_offered() {
        for word in [
            "Backup",
            "Täglich/日本",
            "A00001L8",
            "side=lto-0001",
            "a_b.c+d@e%f,g",
        ] {
            assert!(is_plain(word), "{word}");
        }
        for word in [
            "a b",
            "$(id)",
            "`id`",
            "a;b",
            "a|b",
            "a&b",
            "a>b",
            "-rf",
            "~a",
            "a*",
            "a?",
            "a\"",
            "a'",
            "a\\",
            "!a",
            "{a,b}",
            "[a]",
            "a#b",
            "a:b",
            "^a",
            "a\u{1b}",
            "a\u{202e}",
            "(a)",
        ] {
            assert!(!is_plain(word), "{word}");
        }
    }
}
