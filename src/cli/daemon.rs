//! The daemon: lock, manager, mount, serve, and the way out.
//!
//! [`Mount::perform`] runs the program again in the background and waits for one line from it, so no process is forked after
//! a thread or a database was opened. The way out: end all waits, take the mount away, put everything on disk.
//!
//! Invariants: whoever starts it, it opens the catalog as the user whom it serves as, and without a right that it does not need
//! ([`super::privilege`]); what it cannot do itself any more is done by two processes that it starts before, the
//! keeper of the mount ([`super::keeper`]) and the one of the hooks.

use super::config::Source;
use super::failure::{Failure, Status};
use super::hooks::{Helper, Places, Started};
use super::keeper::{Keeper, Kept};
use super::mount::{Mount, READY};
use super::privilege::{self, Identity};
use super::{handover, log, notify, sandbox, syscalls};
use crate::fs::fuse::{self, Wake};
use crate::manager::{Lock, OnFatal, Options};
use anyhow::{Context as _, Result, anyhow, bail};
use nix::unistd::{getegid, geteuid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
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
pub(super) fn serve(mount: &Mount, report: bool) -> Result<()> {
    let passed = handover::passed();
    let kept = passed.as_ref().ok().and_then(Option::as_ref);
    leave_descriptors(kept.map(AsRawFd::as_raw_fd).as_slice());
    log::begin(!report);
    let begun = passed.and_then(|passed| Start::new(mount, report, passed));
    let begun = begun.and_then(Start::begin);
    if let (Err(error), true) = (&begun, report) {
        writeln!(std::io::stdout(), "{}", Failure::line(error)).context("reporting")?;
    }
    begun?.run()
}

/// A daemon that has given up its rights, and opened nothing yet.
struct Start<'a> {
    mount: &'a Mount,
    report: bool,
    catalog: PathBuf,
    dir: PathBuf,
    keeper: Keeper,
    /// The connection, if the service manager has mounted.
    passed: Option<OwnedFd>,
    /// Whom the kernel lets in, if it is only the one who mounts.
    alone: Option<(u32, u32)>,
    config: Source,
    hooks: Option<(Started, Wake)>,
}

impl<'a> Start<'a> {
    /// Starts what needs the rights of whoever calls, and gives them up.
    fn new(mount: &'a Mount, report: bool, passed: Option<OwnedFd>) -> Result<Self> {
        let (catalog, dir) = (mount.catalog()?, mount.dir()?);
        let kept = Kept {
            catalog: catalog.clone(),
            dir: dir.clone(),
            read_only: mount.options.read_only,
            watch: notify::watchdog().filter(|_| !report),
        };
        let keeper = Keeper::start(&kept)?;
        let alone = alone().filter(|_| passed.is_none());
        if geteuid().is_root() {
            Identity::of(&catalog, mount.options.runas.as_deref())?.assume()?;
            privilege::demand_writable(&catalog)?;
        } else if let Some(name) = &mount.options.runas {
            let sentence = format!("runas={name}: only root can serve as somebody else");
            return Err(Failure::new(Status::Usage, sentence).into());
        }
        let config = Source::open(mount.options.config.as_deref())?;
        // Before the mount is there, so that they can hold nothing of it.
        let hooks = mount.options.hooks.as_deref().map(|folder| {
            Started::new(&Places {
                catalog: catalog.clone(),
                dir: dir.clone(),
                folder: fs::canonicalize(folder)
                    .with_context(|| format!("hooks={}", folder.display()))?,
                foreground: !report,
            })
        });
        let hooks = hooks.transpose()?;
        privilege::gain_nothing()?;
        sandbox::enter(&catalog, config.named.as_deref())?;
        Ok(Self {
            mount,
            report,
            catalog,
            dir,
            keeper,
            passed,
            alone,
            config,
            hooks,
        })
    }

    fn begin(mut self) -> Result<Running> {
        let mut lock = Lock::take(&self.catalog)?;
        lock.say(&format!(
            "serving pid {} at {}\noptions {}",
            std::process::id(),
            self.dir.display(),
            self.mount.options
        ))?;
        let (endings, ended) = channel();
        let fatal = endings.clone();
        let on_fatal = Box::new(move |refusal: crate::domain::error::Refusal| {
            drop(fatal.send(Ending::Fatal(refusal.sentence)));
        });
        // Before there is a mount, which a signal would leave behind without its daemon.
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("catching signals")?;
        let (ready, hooks) = self.prepare(on_fatal)?;
        let device = match self.connect() {
            Ok(device) => device,
            Err(error) => {
                ready.abandon();
                return Err(error);
            }
        };
        let serving = ready.serve(device).map_err(|error| {
            drop(self.keeper.unmount());
            anyhow!("answering the kernel: {error}")
        })?;
        let mut running = Running {
            serving: Arc::new(serving),
            keeper: self.keeper,
            lock,
            ended,
            hooks,
        };
        if let Err(error) = running.settle((signals, self.config), endings, self.report) {
            drop(running.keeper.unmount());
            running.serving.stop();
            return Err(error);
        }
        running.lock.keep();
        let user = geteuid().as_raw();
        tracing::info!(catalog = %self.catalog.display(), dir = %self.dir.display(), user, "serving");
        Ok(running)
    }

    /// Opens the catalog, and lets the hooks look at it if there are any.
    fn prepare(&mut self, on_fatal: OnFatal) -> Result<(fuse::Ready, Option<Helper>)> {
        let words = &self.mount.options;
        let options = Options {
            limits: Arc::clone(&self.config.limits),
            ..Options::default()
        };
        let shown = fuse::Shown {
            gid: words.gid.unwrap_or(0),
            pool: words.pool.as_deref(),
            alone: self.alone,
        };
        let (hooks, wake): (_, Wake) = match self.hooks.take() {
            Some((hooks, wake)) => (Some(hooks), wake),
            None => (None, Box::new(|| ())),
        };
        let ready = fuse::prepare(&self.catalog, &options, &shown, (on_fatal, wake))?;
        match hooks.map(Started::begin).transpose() {
            Ok(hooks) => Ok((ready, hooks)),
            Err(error) => {
                ready.abandon();
                Err(error)
            }
        }
    }

    /// The connection to the kernel: the one that was passed, or that of a new mount.
    fn connect(&mut self) -> Result<OwnedFd> {
        match self.passed.take() {
            Some(device) => {
                // With another copy elsewhere, who waits for a daemon that died would wait for ever.
                notify::tell(&format!("FDSTOREREMOVE=1\nFDNAME={}", handover::NAME));
                self.keeper.watch()?;
                Ok(device)
            }
            None => self.keeper.mount(),
        }
    }
}

/// User and group of an ordinary user, whose mount the kernel opens to him alone.
fn alone() -> Option<(u32, u32)> {
    let (uid, gid) = (geteuid(), getegid());
    (!uid.is_root()).then(|| (uid.as_raw(), gid.as_raw()))
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

/// Closes what whoever started the daemon left open, but for some, so that nothing of theirs is held for as long as it runs. To be
/// called first: what this process itself has opened is closed too.
pub(super) fn leave_descriptors(but: &[RawFd]) {
    let open = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten();
    let numbers: Vec<RawFd> = open
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    let others = |number: &RawFd| *number > 2 && !but.contains(number);
    for number in numbers.into_iter().filter(others) {
        // The directory that was read is closed by now, and its number with it.
        if let Err(error) = nix::unistd::close(number) {
            tracing::trace!(%error, number, "closed already");
        }
    }
}

/// Leaves standard output, the last stream, to whoever started the daemon.
fn leave_output() -> Result<()> {
    let null = OpenOptions::new().read(true).write(true).open("/dev/null");
    let null = null.context("/dev/null")?;
    nix::unistd::dup2_stdout(&null).context("standard output")
}

/// A daemon that serves.
struct Running {
    serving: Arc<fuse::Serving>,
    keeper: Keeper,
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
            nix::unistd::setsid().context("leaving the terminal")?;
        }
        syscalls::confine()?;
        if report {
            writeln!(std::io::stdout(), "{READY}").context("reporting")?;
            return leave_output();
        }
        notify::tell("READY=1\nSTATUS=serving");
        Ok(())
    }

    fn run(mut self) -> Result<()> {
        let ending = self.ended.recv().unwrap_or(Ending::Unmounted);
        notify::tell("STOPPING=1");
        let stopping = format!("stopping pid {}", std::process::id());
        if let Err(refusal) = self.lock.say(&stopping) {
            // A full disk, for example: the next daemon is then refused instead of waiting.
            tracing::warn!(%refusal, "the end could not be announced");
        }
        self.serving.end_waits();
        if !matches!(ending, Ending::Unmounted)
            && let Err(error) = self.keeper.unmount()
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
