//! The verbs for people: a thin client of a mounted tree.
//!
//! Invariants: it reads and writes files of the tree and nothing else, so whatever it does, the files can do; what others have
//! named reaches a terminal as printable text only; what is not a terminal gets no colour and no cut text.

mod allocate;
pub(super) mod complete;
pub(super) mod exit;
mod export;
mod import;
mod list;
mod looks;
mod objects;
mod operator;
mod place;
mod release;
mod table;
mod texts;
mod top;
mod wait;
mod watch;
mod words;

use anyhow::{Context as _, Result};
use clap::Subcommand;

/// What a person does with a mounted tree.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Show the whole system in one text.
    #[command(after_help = "Examples:\n  ntmsfs status\n  ntmsfs status --json --tree /srv/media")]
    Status(texts::Status),
    /// Show the whole system on the terminal, as it changes.
    #[command(
        after_help = "Keys: q quits, arrows or j and k scroll, r reads the tree anew.\n\nExamples:\n  ntmsfs top\n  ntmsfs top --delay 10"
    )]
    Top(top::Top),
    /// Say what an allocation from a pool would take now, and why the rest would not be taken.
    #[command(after_help = "Examples:\n  ntmsfs why Backup\n  ntmsfs why Backup/Daily")]
    Why(texts::Why),
    /// Allocate a medium of a pool; waits for one, and prints its LMID.
    #[command(
        after_help = "Examples:\n  ntmsfs allocate Backup timeout=60s\n  ntmsfs allocate Backup --name job-42 new name='Full of May'\n  \
                            ntmsfs allocate Backup error-if-unavailable --json"
    )]
    Allocate(allocate::Allocate),
    /// Give logical media back.
    #[command(after_help = "Examples:\n  ntmsfs release 01a21e70-9e8a-7db2-8840-5a95035ba726")]
    Release(release::Release),
    /// List the pools with their counts of sides.
    #[command(
        after_help = "Examples:\n  ntmsfs pools\n  ntmsfs pools --json | jq -r 'select(.counts.available == 0).path'"
    )]
    Pools(list::List),
    /// List the media, of one pool or of all.
    #[command(after_help = "Examples:\n  ntmsfs media\n  ntmsfs media Free/LTO-8")]
    Media(list::ListOfPool),
    /// List the logical media: what is allocated, to whom.
    #[command(after_help = "Examples:\n  ntmsfs logical\n  ntmsfs logical Backup --json")]
    Logical(list::ListOfPool),
    /// List the libraries.
    #[command(after_help = "Examples:\n  ntmsfs libraries")]
    Libraries(list::List),
    /// List what people are asked for, or answer it.
    #[command(args_conflicts_with_subcommands = true)]
    #[command(
        after_help = "Examples:\n  ntmsfs operator\n  ntmsfs operator done 42\n  ntmsfs operator refuse 42 no such tape on the shelf"
    )]
    Operator(operator::Operator),
    /// Make records of media: of one, or of many from a file or standard input.
    #[command(
        after_help = "Examples:\n  ntmsfs import Backup A00001L8 barcode=A00001L8\n  ntmsfs import Import/LTO-8 --file shelf.txt\n  \
                            ntmsfs import Import/LTO-8 --csv --file shelf.csv"
    )]
    Import(import::Import),
    /// Copy the catalog of a mounted tree into a file, from which ntmsfs restore makes a catalog.
    #[command(
        after_help = "Examples:\n  ntmsfs export /backup/catalog.export\n  ntmsfs export --replace /backup/catalog.export"
    )]
    Export(export::Export),
    /// Show what happens, as it happens.
    #[command(after_help = "Examples:\n  ntmsfs watch\n  ntmsfs watch --json --from 1000")]
    Watch(watch::Watch),
    /// Print what bash, zsh or fish needs to complete words of this program, names in the tree among them.
    #[command(after_help = "Examples:\n  ntmsfs completions bash > /etc/bash_completion.d/ntmsfs")]
    Completions(complete::Completions),
}

impl Verb {
    pub(super) fn perform(&self) -> Result<()> {
        match self {
            Self::Status(verb) => verb.run().context("status"),
            Self::Top(verb) => verb.run().context("top"),
            Self::Why(verb) => verb.run().context("why"),
            Self::Allocate(verb) => verb.run(),
            Self::Release(verb) => verb.run().context("release"),
            Self::Pools(list) => list::pools(list).context("pools"),
            Self::Media(list) => list::media(list).context("media"),
            Self::Logical(list) => list::logical(list).context("logical"),
            Self::Libraries(list) => list::libraries(list).context("libraries"),
            Self::Operator(verb) => verb.run().context("operator"),
            Self::Import(verb) => verb.run(),
            Self::Export(verb) => verb.run().context("export"),
            Self::Watch(verb) => verb.run().context("watch"),
            Self::Completions(verb) => verb.run().context("completions"),
        }
    }
}
