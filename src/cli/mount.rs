//! One mount as somebody asks for it: what goes where, how it is started in the background, and when that has succeeded.
//!
//! Invariants: success means that the tree has answered through the kernel; after a failure nothing is mounted and no
//! daemon is left; a signal while it is waited for ends what was begun.

use super::failure::{Failure, Status};
use super::{mountoptions, mountpoint};
use crate::store::lock;
use anyhow::{Context as _, Result, anyhow};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// One line: the daemon serves.
pub(super) const READY: &str = "ready";

/// How long the tree may take to answer through the kernel, once the daemon has said that it serves.
const ANSWER: Duration = Duration::from_secs(30);

/// How long a daemon that is to end may take.
const FAREWELL: Duration = Duration::from_secs(10);

/// A catalog and where it goes.
#[derive(Debug)]
pub(super) struct Mount {
    pub(super) catalog: PathBuf,
    pub(super) dir: PathBuf,
    pub(super) options: mountoptions::Options,
}

/// What happens while a mount is waited for.
enum News {
    /// The one line of the daemon.
    Said(String),
    Ended,
    Signal,
    Answered(std::io::Result<()>),
}

/// Returns a catalog that is there by its one true path.
pub(super) fn catalog_at(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).with_context(|| {
        format!(
            "{}: no such catalog (ntmsfs init makes one)",
            path.display()
        )
    })
}

impl Mount {
    /// Reads the words of a command line.
    pub(super) fn parse((catalog, dir): (PathBuf, PathBuf), options: &[String]) -> Result<Self> {
        let options = mountoptions::parse(options.iter().map(String::as_str), false)?;
        Ok(Self {
            catalog,
            dir,
            options,
        })
    }

    /// Does what the words ask for: mounts in the background, or changes what is mounted.
    pub(super) fn perform(&self) -> Result<()> {
        if self.options.remount {
            self.remount()
        } else {
            self.start()
        }
    }

    /// Does everything but mount.
    pub(super) fn check(&self) -> Result<()> {
        self.catalog()?;
        let dir = fs::metadata(&self.dir).with_context(|| self.dir.display().to_string())?;
        if !dir.is_dir() {
            return Err(anyhow!("{}: not a directory", self.dir.display()));
        }
        Ok(())
    }

    /// Returns the catalog by its one true path.
    pub(super) fn catalog(&self) -> Result<PathBuf> {
        catalog_at(&self.catalog)
    }

    /// Returns the directory by its one true path.
    pub(super) fn dir(&self) -> Result<PathBuf> {
        let dir = fs::canonicalize(&self.dir).or_else(|error| {
            // A dead mount of ours does not answer; the mount itself clears it.
            if error.raw_os_error() == Some(libc::ENOTCONN) {
                Ok(self.dir.clone())
            } else {
                Err(error)
            }
        });
        dir.with_context(|| self.dir.display().to_string())
    }

    /// Makes the mount that is there read-only or not; refuses to change anything else.
    fn remount(&self) -> Result<()> {
        if !geteuid().is_root() {
            return Err(Failure::new(Status::Usage, "only root can remount").into());
        }
        let catalog = self.catalog()?;
        let said = lock::said(&catalog).unwrap_or_default();
        let options = said.lines().find_map(|line| line.strip_prefix("options "));
        if let Some(options) = options {
            let now = mountoptions::parse([options], true)?;
            mountoptions::demand_same(&now, &self.options)?;
        }
        mountpoint::remount(&catalog, &self.dir, self.options.read_only)?;
        Ok(())
    }

    /// Starts the daemon in the background; returns when the tree answers, or why it does not.
    fn start(&self) -> Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("catching signals")?;
        let child = self.spawn()?;
        let pid = Pid::from_raw(i32::try_from(child.id()).context("a process id")?);
        let (tell, told) = channel();
        let (heard, caught) = (tell.clone(), tell.clone());
        watch("daemon", move || listen(child, &heard))?;
        watch("signals", move || {
            for _ in signals.forever() {
                drop(caught.send(News::Signal));
            }
        })?;
        let failed = match told.recv().context("waiting for the daemon")? {
            News::Said(line) if line == READY => match self.await_answer(ANSWER, &told, tell) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            },
            // It has left nothing behind.
            News::Said(line) if !line.is_empty() => return Err(Failure::read(&line).into()),
            News::Said(_) | News::Ended | News::Answered(_) => Failure::read("").into(),
            News::Signal => interrupted().into(),
        };
        self.end(pid, &told);
        Err(failed)
    }

    fn spawn(&self) -> Result<Child> {
        let program = std::env::current_exe().context("finding this program")?;
        let mut command = Command::new(program);
        command
            .arg("mount")
            .arg("--report")
            .args(["-o", &self.options.to_string()])
            .arg("--")
            .args([&self.catalog, &self.dir])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command.spawn().context("starting the daemon")
    }

    /// Waits until the tree answers through the kernel.
    fn await_answer(
        &self,
        patience: Duration,
        told: &Receiver<News>,
        tell: Sender<News>,
    ) -> Result<()> {
        let first = self
            .options
            .pool
            .as_ref()
            .map_or("README", |_| "last-error");
        let first = self.dir.join(first);
        watch("answer", move || {
            drop(tell.send(News::Answered(fs::read(first).map(drop))));
        })?;
        match told.recv_timeout(patience) {
            Ok(News::Answered(answered)) => {
                answered.with_context(|| format!("reading {}", self.dir.display()))
            }
            Ok(News::Signal) => Err(interrupted().into()),
            Ok(News::Ended | News::Said(_)) => Err(Failure::read("").into()),
            Err(_) => Err(anyhow!(
                "{} does not answer within {patience:?}",
                self.dir.display()
            )),
        }
    }

    /// Ends a daemon that has not come about. It takes its mount away by itself, unless it cannot any more.
    fn end(&self, daemon: Pid, told: &Receiver<News>) {
        for (signal, patience) in [(Signal::SIGTERM, FAREWELL), (Signal::SIGKILL, FAREWELL)] {
            // It may have ended already.
            kill(daemon, signal).ok();
            if has_ended(told, patience) {
                break;
            }
        }
        if let Err(error) = mountpoint::clear(&self.catalog, &self.dir) {
            tracing::debug!(%error, "nothing of ours is left");
        }
    }
}

fn interrupted() -> Failure {
    Failure::new(Status::Interrupted, "interrupted; nothing is mounted")
}

fn watch(name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(body).map(drop).context("starting a thread")
}

/// Passes on what the daemon says, and its end.
fn listen(mut child: Child, tell: &Sender<News>) {
    if let Some(stdout) = child.stdout.take() {
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout).take(65_536);
        // What cannot be read was not said.
        stdout.read_line(&mut line).ok();
        drop(tell.send(News::Said(line.trim_end().to_owned())));
    }
    drop(child.wait());
    drop(tell.send(News::Ended));
}

/// Waits for the end of the daemon; whatever else happens meanwhile changes nothing.
fn has_ended(told: &Receiver<News>, patience: Duration) -> bool {
    loop {
        match told.recv_timeout(patience) {
            Ok(News::Ended) => return true,
            Ok(News::Said(_) | News::Signal | News::Answered(_)) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel has the mount, and nobody serves it.
    #[test]
    fn a_tree_that_does_not_answer_is_no_success() {
        let dir = tempfile::tempdir().unwrap();
        let mount = Mount {
            catalog: PathBuf::from("/none"),
            dir: dir.path().to_owned(),
            options: mountoptions::Options::default(),
        };
        let (tell, told) = channel();
        let await_answer = |ms| {
            let patience = Duration::from_millis(ms);
            mount.await_answer(patience, &told, tell.clone())
        };
        fs::write(dir.path().join("README"), "").unwrap();
        await_answer(60_000).unwrap();
        let Ok((device, mounted)) = mountpoint::mount(&mount.catalog, &mount.dir, false) else {
            eprintln!("not tested: mounting needs root and /dev/fuse");
            return;
        };
        let error = await_answer(50).unwrap_err().to_string();
        // Whoever waits gets an error, and nothing holds the directory.
        drop(device);
        mounted.unmount().unwrap();
        assert!(error.ends_with("does not answer within 50ms"), "{error}");
        assert!(matches!(told.recv().unwrap(), News::Answered(Err(_))));
    }
}
