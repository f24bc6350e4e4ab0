//! The daemon: lock, manager, mount, serve, and the way out.
//!
//! [`Job::perform`] runs the program again in the background and waits for one line from it, so no process is forked after
//! a thread or a database was opened. The way out: end all waits, take the mount away, put everything on disk.

use super::config::Source;
use super::failure::Failure;
use super::hooks::{self, Helper, Places};
use super::job::{Job, READY};
use super::{log, mountpoint};
use crate::fs::fuse;
use crate::manager::limits::Limits;
use crate::manager::{Lock, OnFatal, Options};
use anyhow::{Context as _, Result, anyhow, bail};
use nix::unistd::{getegid, geteuid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs::{self, File, OpenOptions};
use std::io::{PipeReader, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// How long the kernel may take to end a session whose mount is gone; open files keep it alive.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why the daemon ends.
enum Ending {
    /// A signal.
    Asked,
    /// The kernel ended the session: umount(8).
    Unmounted,
    /// Nobody knows what is on disk.
    Fatal(String),
}

/// Serves until a signal or umount(8). With `report`, says on standard output how it began and goes into the
/// background.
pub(super) fn serve(job: &Job, report: bool) -> Result<()> {
    log::begin(!report);
    if report {
        leave_descriptors();
    }
    let begun = job.begin(report);
    if let (Err(error), true) = (&begun, report) {
        writeln!(std::io::stdout(), "{}", Failure::line(error)).context("reporting")?;
    }
    begun?.run()
}

impl Job {
    fn begin(&self, report: bool) -> Result<Running> {
        let (catalog, dir) = (self.catalog()?, self.dir()?);
        let config = Source::open(self.words.config.as_deref())?;
        let mut lock = Lock::take(&catalog)?;
        lock.say(&format!(
            "serving pid {} at {}\noptions {}",
            std::process::id(),
            dir.display(),
            self.words
        ))?;
        let (endings, ended) = channel();
        let fatal = endings.clone();
        let on_fatal = Box::new(move |refusal: crate::domain::error::Refusal| {
            drop(fatal.send(Ending::Fatal(refusal.sentence)));
        });
        // Before there is a mount, which a signal would leave behind without its daemon.
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("catching signals")?;
        let limits = Arc::clone(&config.limits);
        let (ready, hooks) = self.prepare((&catalog, &dir), (limits, on_fatal), report)?;
        let (device, mounted) = match mountpoint::mount(&catalog, &dir, self.words.read_only) {
            Ok(mounted) => mounted,
            Err(error) => {
                ready.abandon();
                return Err(error).with_context(|| format!("mounting on {}", dir.display()));
            }
        };
        let serving = Arc::new(serve_or_unmount(ready, device, &mounted)?);
        let mut running = Running {
            serving,
            mounted,
            lock,
            ended,
            hooks,
        };
        if let Err(error) = running.settle((signals, config), endings, report) {
            drop(running.mounted.unmount());
            running.serving.stop();
            return Err(error);
        }
        running.lock.keep();
        tracing::info!(catalog = %catalog.display(), dir = %dir.display(), "serving");
        Ok(running)
    }

    /// Opens the catalog, and starts the hooks if there are any.
    fn prepare(
        &self,
        (catalog, dir): (&Path, &Path),
        (limits, on_fatal): (Arc<Limits>, OnFatal),
        report: bool,
    ) -> Result<(fuse::Ready, Option<Helper>)> {
        let (wakes, wake) = hooks::pipe()?;
        let options = Options {
            limits,
            ..Options::default()
        };
        let shown = fuse::Shown {
            gid: self.words.gid.unwrap_or(0),
            pool: self.words.pool.as_deref(),
            alone: alone(),
        };
        let ready = fuse::prepare_waking(catalog, &options, &shown, (on_fatal, wake))?;
        match self.start_hooks((catalog, dir), wakes, report) {
            Ok(hooks) => Ok((ready, hooks)),
            Err(error) => {
                ready.abandon();
                Err(error)
            }
        }
    }

    /// Starts the helper that runs the hooks, before the mount is there, so that it can hold nothing of it.
    fn start_hooks(
        &self,
        (catalog, dir): (&Path, &Path),
        wakes: PipeReader,
        report: bool,
    ) -> Result<Option<Helper>> {
        let Some(folder) = &self.words.hooks else {
            return Ok(None);
        };
        let folder =
            fs::canonicalize(folder).with_context(|| format!("hooks={}", folder.display()))?;
        let places = Places {
            catalog: catalog.to_owned(),
            dir: dir.to_owned(),
            folder,
            foreground: !report,
        };
        Helper::start(&places, wakes).map(Some)
    }
}

/// User and group of an ordinary user, whose mount the kernel opens to him alone.
fn alone() -> Option<(u32, u32)> {
    let (uid, gid) = (geteuid(), getegid());
    (!uid.is_root()).then(|| (uid.as_raw(), gid.as_raw()))
}

fn serve_or_unmount(
    ready: fuse::Ready,
    device: OwnedFd,
    mounted: &mountpoint::Mounted,
) -> Result<fuse::Serving> {
    ready.serve(device).map_err(|error| {
        drop(mounted.unmount());
        anyhow!("answering the kernel: {error}")
    })
}

/// Waits for the end of the session and for signals, each on a thread of its own.
fn watch(
    serving: &Arc<fuse::Serving>,
    (mut signals, config): (Signals, Source),
    endings: Sender<Ending>,
) -> Result<()> {
    let (waiting, unmounted) = (Arc::clone(serving), endings.clone());
    thread::Builder::new()
        .name("session".to_owned())
        .spawn(move || {
            if let Err(error) = waiting.wait() {
                tracing::debug!(%error, "the session ended");
            }
            drop(unmounted.send(Ending::Unmounted));
        })?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                if signal == SIGHUP {
                    config.reload();
                    continue;
                }
                tracing::info!(signal, "stopping");
                drop(endings.send(Ending::Asked));
            }
        })?;
    Ok(())
}

/// Closes what whoever started the daemon left open, so that nothing of theirs is held for as long as it runs.
pub(super) fn leave_descriptors() {
    let open = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten();
    let numbers: Vec<i32> = open
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for number in numbers.into_iter().filter(|number| *number > 2) {
        // The directory that was read is closed by now, and its number with it.
        if let Err(error) = nix::unistd::close(number) {
            tracing::trace!(%error, number, "closed already");
        }
    }
}

/// Leaves the terminal and the standard streams to whoever started the daemon.
fn go_into_background() -> Result<()> {
    nix::unistd::setsid().context("leaving the terminal")?;
    let null: File = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")
        .context("/dev/null")?;
    nix::unistd::dup2_stdout(&null).context("standard output")?;
    Ok(())
}

/// A daemon that serves.
struct Running {
    serving: Arc<fuse::Serving>,
    mounted: mountpoint::Mounted,
    lock: Lock,
    ended: Receiver<Ending>,
    hooks: Option<Helper>,
}

impl Running {
    /// What is left to do once the kernel is answered. If it fails, whoever started the daemon has been told nothing.
    fn settle(
        &self,
        signals: (Signals, Source),
        endings: Sender<Ending>,
        report: bool,
    ) -> Result<()> {
        std::env::set_current_dir("/").context("leaving the directory")?;
        watch(&self.serving, signals, endings)?;
        if report {
            writeln!(std::io::stdout(), "{READY}").context("reporting")?;
            go_into_background()?;
        }
        Ok(())
    }

    fn run(mut self) -> Result<()> {
        let ending = self.ended.recv().unwrap_or(Ending::Unmounted);
        let stopping = format!("stopping pid {}", std::process::id());
        if let Err(refusal) = self.lock.say(&stopping) {
            // A full disk, for example: the next daemon is then refused instead of waiting.
            tracing::warn!(%refusal, "the end could not be announced");
        }
        self.serving.end_waits();
        if !matches!(ending, Ending::Unmounted)
            && let Err(error) = self.mounted.unmount()
        {
            tracing::error!(%error, "the mount could not be taken away");
        }
        self.serving.stop();
        if let Some(hooks) = &self.hooks {
            hooks.stop(FAREWELL);
        }
        if !matches!(ending, Ending::Unmounted) {
            // A second signal meanwhile changes nothing.
            while matches!(
                self.ended.recv_timeout(FAREWELL),
                Ok(Ending::Asked | Ending::Fatal(_))
            ) {}
        }
        match ending {
            Ending::Fatal(why) => {
                bail!("the catalog could not be written, and nobody knows what is on disk: {why}")
            }
            Ending::Asked | Ending::Unmounted => Ok(()),
        }
    }
}
