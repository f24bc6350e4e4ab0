//! The command line: what a person, mount(8) or a service manager starts.
//!
//! Invariants: a message goes to standard error once, and says what to do; the exit statuses are those of one table
//! (`client/exit.rs`), as mount.ntmsfs those of mount(8), [`failure::Status`].

mod archive;
mod client;
pub mod config;
mod daemon;
pub mod failure;
mod fusermount;
mod handover;
mod hookrunner;
mod hooks;
mod keeper;
mod log;
mod mount;
mod mounthelper;
pub mod mountoptions;
pub mod mountpoint;
mod notify;
mod privilege;
mod progress;
mod sandbox;
mod service;
mod syscalls;

use crate::domain::error::Refusal;
use anyhow::{Context as _, Result, anyhow};
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::CompleteEnv;
use client::exit::Exit;
use progress::Bar;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Media pools, tapes and optical disks as a directory tree.
#[derive(Debug, Parser)]
#[command(
    name = "ntmsfs",
    version,
    about,
    after_help = "See ntmsfs(7) for the tree."
)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a new, empty catalog.
    #[command(after_help = "Examples:\n  ntmsfs init /var/lib/ntmsfs/catalog")]
    Init {
        /// The file to make; one that exists is refused.
        catalog: PathBuf,
    },
    /// Mount a catalog on a directory; returns when the tree answers.
    #[command(
        after_help = "Examples:\n  ntmsfs mount /var/lib/ntmsfs/catalog /srv/media\n  ntmsfs mount -o ro,gid=4 catalog media"
    )]
    Mount {
        /// The catalog.
        catalog: PathBuf,
        /// The directory.
        dir: PathBuf,
        /// Options, separated by commas: ro, rw, gid=NUMBER, pool=PATH, hooks=DIRECTORY, config=FILE, runas=USER, and what mount(8) passes on.
        #[arg(short = 'o', value_name = "OPTIONS")]
        options: Vec<String>,
        /// Stay in the foreground and log to standard error.
        #[arg(short = 'f')]
        foreground: bool,
        /// Used by the program itself: report on standard output, then go into the background.
        #[arg(long, hide = true)]
        report: bool,
    },
    /// Used by the program itself: run the programs of a directory, told by the daemon on standard input.
    #[command(hide = true)]
    Hooks(hooks::Places),
    /// For a service manager: mount, and have it keep the connection for the service; see ntmsfs(8).
    #[command(
        after_help = "Examples:\n  ntmsfs attach -o rw /var/lib/ntmsfs/media/catalog /srv/media"
    )]
    Attach {
        /// The catalog.
        catalog: PathBuf,
        /// The directory.
        dir: PathBuf,
        /// Options, separated by commas, as for mount.
        #[arg(short = 'o', value_name = "OPTIONS")]
        options: Vec<String>,
    },
    /// For a service manager: take the mount of a catalog away, served or dead.
    #[command(after_help = "Examples:\n  ntmsfs detach /var/lib/ntmsfs/media/catalog /srv/media")]
    Detach {
        /// The catalog.
        catalog: PathBuf,
        /// The directory.
        dir: PathBuf,
    },
    /// Used by the program itself: mount for a daemon that may not, told by it on standard input.
    #[command(hide = true)]
    Keep(keeper::Kept),
    /// Make a catalog of an export, once the export has passed every check.
    #[command(
        after_help = "Examples:\n  ntmsfs restore /backup/catalog.export /var/lib/ntmsfs/catalog"
    )]
    Restore {
        /// The export: what was read from the file of that name in a tree.
        export: PathBuf,
        /// The file to make; one that exists is refused.
        catalog: PathBuf,
    },
    /// Check a configuration: all of it is good, or the first line that is not is named.
    #[command(after_help = "Examples:\n  ntmsfs check-config\n  ntmsfs check-config new.conf")]
    CheckConfig {
        /// The file, see ntmsfs.conf(5).
        #[arg(default_value = config::PATH)]
        file: PathBuf,
    },
    /// Check a catalog that is not mounted: every invariant, the log, and the tables against the log.
    #[command(
        after_help = "Examples:\n  ntmsfs check catalog\n  ntmsfs check catalog --archive first.jsonl --archive second.jsonl"
    )]
    Check {
        /// The catalog.
        catalog: PathBuf,
        /// An archive of it; may be repeated. Each is verified, and that they lead to the catalog's oldest record.
        #[arg(long, value_name = "FILE")]
        archive: Vec<PathBuf>,
    },
    /// Move the oldest records of the history into a file; the catalog may be mounted.
    #[command(after_help = "Examples:\n  ntmsfs archive catalog records.jsonl --before 90d")]
    Archive {
        /// The catalog.
        catalog: PathBuf,
        /// The file to make; one that exists is refused.
        archive: PathBuf,
        /// What stays: records from this number or time on, or that are not older than this (such as 90d). Without it, what
        /// settings/retention keeps.
        #[arg(long, value_name = "RECORD|TIME|AGE")]
        before: Option<String>,
    },
    #[command(flatten)]
    Client(client::Verb),
}

/// Runs the program with these arguments, the name of the program first.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    if mounthelper::is_meant(&arguments) {
        return mounthelper::run(&arguments);
    }
    match complete(&arguments) {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => return complain("ntmsfs", &error, Exit::Refused.code()),
    }
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let usage = error.use_stderr();
            let code = if usage { Exit::Usage } else { Exit::Success }.code();
            return if error.print().is_ok() {
                ExitCode::from(code)
            } else {
                ExitCode::FAILURE
            };
        }
    };
    match arguments.perform() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain("ntmsfs", &error, Exit::of(&error).code()),
    }
}

/// Answers a shell that asks what could stand at the cursor. False: none does.
fn complete(arguments: &[OsString]) -> Result<bool> {
    if arguments.is_empty() {
        return Ok(false);
    }
    let dir = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(Arguments::command).var(client::complete::ASKED);
    Ok(asked.try_complete(arguments, dir.as_deref())?)
}

/// Who reads what a verb prints may have enough before its end.
fn heard(done: Result<()>) -> Result<()> {
    let broken = |cause: &(dyn std::error::Error + 'static)| {
        (cause.downcast_ref::<io::Error>())
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    };
    match done {
        Err(error) if error.chain().any(broken) => Ok(()),
        done => done,
    }
}

/// An error with all that led to it; a refusal as the line that files show.
fn message(error: &anyhow::Error) -> String {
    let part = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref::<Refusal>() {
        Some(refusal) => crate::codes::line(refusal),
        None => cause.to_string(),
    };
    error.chain().map(part).collect::<Vec<_>>().join(": ")
}

/// Says on standard error what went wrong.
fn complain(who: &str, error: &anyhow::Error, code: u8) -> ExitCode {
    // Nobody to tell if standard error is closed.
    drop(writeln!(io::stderr(), "{who}: {}", message(error)));
    ExitCode::from(code)
}

impl Arguments {
    fn perform(self) -> Result<()> {
        match self.verb {
            Verb::Client(verb) => heard(verb.perform()),
            Verb::Init { catalog } => {
                made(crate::manager::founding::found(&catalog), &catalog, "init")
            }
            Verb::Check { catalog, archive } => check(&catalog, &archive),
            Verb::CheckConfig { file } => config::load(Some(&file)).map(drop),
            Verb::Archive {
                catalog,
                archive,
                before,
            } => archive::run(&catalog, &archive, before.as_deref())
                .with_context(|| format!("archive {}", catalog.display())),
            Verb::Hooks(places) => hooks::run(&places),
            Verb::Attach {
                catalog,
                dir,
                options,
            } => service::attach(&mount::Mount::parse((catalog, dir), &options)?),
            Verb::Detach { catalog, dir } => {
                service::detach(&mount::Mount::parse((catalog, dir), &[])?)
            }
            Verb::Keep(kept) => keeper::run(&kept),
            Verb::Restore { export, catalog } => {
                let bar = Bar::new();
                let told = |what: &str, done, total| bar.at(what, done, total);
                let done = crate::manager::restoring::restore_told(&export, &catalog, &told);
                made(done, &catalog, "restore")
            }
            Verb::Mount {
                catalog,
                dir,
                options,
                foreground,
                report,
            } => {
                let mount = mount::Mount::parse((catalog, dir), &options)?;
                if foreground || report {
                    daemon::serve(&mount, report)
                } else {
                    mount.perform()
                }
            }
        }
    }
}

/// What is left to do for a new catalog.
fn made(done: crate::domain::error::Result<()>, catalog: &Path, verb: &str) -> Result<()> {
    done.map_err(anyhow::Error::from)
        .and_then(|()| privilege::give_to_owner(catalog))
        .with_context(|| format!("{verb} {}", catalog.display()))
}

fn check(catalog: &Path, archives: &[PathBuf]) -> Result<()> {
    let bar = Bar::new();
    let told = |what: &str, done, total| bar.at(what, done, total);
    mount::catalog_at(catalog)?;
    let found = crate::manager::check_told(catalog, archives, &told)
        .with_context(|| format!("check {}", catalog.display()))?;
    drop(bar);
    let unknown = found
        .unknown
        .iter()
        .map(|lmid| format!("delivery unknown: {lmid}"));
    for line in found.problems.iter().cloned().chain(unknown) {
        writeln!(io::stdout(), "{line}")?;
    }
    match found.problems.len() {
        0 => Ok(()),
        count => Err(anyhow!("{count} problems in {}", catalog.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_example_of_a_usage_can_be_parsed() {
        let mut seen = 0;
        for verb in Arguments::command()
            .get_subcommands()
            .filter(|verb| !verb.is_hide_set())
        {
            let text = verb
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let examples: Vec<&str> = text
                .lines()
                .filter_map(|line| line.strip_prefix("  "))
                .collect();
            assert!(!examples.is_empty(), "{} has no example", verb.get_name());
            for example in examples {
                // What a shell does with the rest is not ours.
                let own = example.split(['|', '>']).next().unwrap_or_default();
                let words = shlex::split(own).unwrap();
                assert_eq!(words[1], verb.get_name(), "{example}");
                Arguments::try_parse_from(&words).unwrap();
                seen += 1;
            }
        }
        assert!(seen > 20, "{seen} examples");
    }
}
