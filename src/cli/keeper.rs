//! The keeper: the one process that may mount, beside a daemon that may do nothing.
//!
//! The daemon starts it before it gives up its own rights, with a socket as its standard input. A word over the socket asks for
//! one of three things, of a catalog and a directory that were settled at the start; the answer is one word. The keeper reads
//! nothing of the catalog and nothing that a user has written. For an ordinary user it is no more than he is, and mounts through
//! fusermount3(1), which the daemon could not start any more.
//!
//! It also looks after the mount for the service manager: statfs(2) through the mount, which the kernel always passes on to
//! the daemon. A thread of the daemon must not do that: a process with a thread that waits for the process itself does not end
//! by SIGKILL, since its descriptors stay open.
//!
//! Invariants: it ends with the daemon. The mount of a daemon that died stays, dead: who uses it is told so (ENOTCONN) and does
//! not write into the directory below, and the next mount takes its place.
//!
//! # Why no second server takes over the connection of a dead one
//!
//! The keeper could hold the descriptor, and callers would then sleep instead of failing. But a session of the FUSE library (fuser
//! 0.18, `Session::handshake`) begins with the kernel's INIT, which comes once a connection: a second session on the same
//! descriptor sleeps until somebody uses the mount, answers him EIO and ends. And what the dead daemon had read and not answered
//! would have to be asked for again (`FUSE_NOTIFY_RESEND`), which the library cannot; until then nobody who waits can be killed.
//! So the keeper lets go of the descriptor at once, and a crash is seen as one.

use super::failure::Failure;
use super::mountpoint::{self, Mounted};
use super::{daemon, handover, notify, privilege};
use anyhow::{Context as _, Result, anyhow, bail};
use nix::unistd::geteuid;
use rustix::thread::CapabilitySet;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// What the daemon asks for.
const MOUNT: &[u8] = b"mount";
const UNMOUNT: &[u8] = b"unmount";
const WATCH: &[u8] = b"watch";

/// It is done.
const DONE: &[u8] = b"done";

/// What one keeper keeps.
#[derive(Debug, clap::Args)]
pub(super) struct Kept {
    pub(super) catalog: PathBuf,
    pub(super) dir: PathBuf,
    #[arg(long, hide = true)]
    pub(super) read_only: bool,
    /// How often the service manager has to hear that the mount answers, in milliseconds.
    #[arg(long, hide = true)]
    pub(super) watch: Option<u64>,
}

/// The keeper, seen from the daemon.
pub(super) struct Keeper {
    socket: UnixStream,
}

impl Keeper {
    /// Starts it, by the right of whoever calls.
    pub(super) fn start(kept: &Kept) -> Result<Self> {
        let (ours, theirs) = UnixStream::pair().context("a socket to the keeper")?;
        let mut command = Command::new(std::env::current_exe().context("finding this program")?);
        command.arg("keep");
        if kept.read_only {
            command.arg("--read-only");
        }
        if let Some(watch) = kept.watch {
            command.arg("--watch").arg(watch.to_string());
        }
        command
            .arg("--")
            .args([&kept.catalog, &kept.dir])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null());
        // It ends when this process does, and is collected by whoever collects this one.
        drop(command.spawn().context("starting the keeper")?);
        Ok(Self { socket: ours })
    }

    /// Mounts, and returns the connection to serve.
    pub(super) fn mount(&self) -> Result<OwnedFd> {
        let device = self.ask(MOUNT)?;
        device.ok_or_else(|| anyhow!("the keeper gave no descriptor"))
    }

    /// Takes the mount away, if it is there and nothing covers it.
    ///
    /// To be called while the session is served, or after it failed, but not after it ended by itself; see
    /// [`Mounted::unmount`].
    pub(super) fn unmount(&self) -> Result<()> {
        self.ask(UNMOUNT).map(drop)
    }

    /// Lets it watch a mount that somebody else has made.
    pub(super) fn watch(&self) -> Result<()> {
        self.ask(WATCH).map(drop)
    }

    fn ask(&self, word: &[u8]) -> Result<Option<OwnedFd>> {
        handover::send(self.socket.as_fd(), word, None).context("asking the keeper")?;
        let (answer, sent) = handover::receive(self.socket.as_fd()).context("asking the keeper")?;
        match String::from_utf8_lossy(&answer).as_ref() {
            "" => bail!("the keeper of the mount has died"),
            word if word.as_bytes() == DONE => Ok(sent),
            line => Err(Failure::read(line).into()),
        }
    }
}

/// The keeper itself: runs until the daemon has ended.
pub(super) fn run(kept: &Kept) -> Result<()> {
    // Neither the terminal's signals nor those that a service manager sends to all of a service.
    nix::unistd::setsid().context("leaving the terminal")?;
    daemon::leave_descriptors(&[]);
    let _ignored = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("ignoring signals")?;
    let stdin = std::io::stdin();
    let socket = stdin.as_fd().try_clone_to_owned().context("the socket")?;
    if geteuid().is_root() {
        // To mount, and to reach a directory that its owner has closed.
        let needed = CapabilitySet::SYS_ADMIN | CapabilitySet::DAC_READ_SEARCH;
        privilege::bound(needed);
        privilege::keep(needed)?;
        privilege::gain_nothing()?;
    }
    serve(kept, &socket)
}

fn serve(kept: &Kept, socket: &OwnedFd) -> Result<()> {
    let mut mounted: Option<Mounted> = None;
    loop {
        let (word, _) = handover::receive(socket.as_fd()).context("listening to the daemon")?;
        let done = match word.as_slice() {
            [] => return Ok(()),
            MOUNT => mountpoint::mount(&kept.catalog, &kept.dir, kept.read_only)
                .with_context(|| format!("mounting on {}", kept.dir.display()))
                .and_then(|(device, made)| {
                    // Nothing of it is held: not the directory either.
                    std::env::set_current_dir("/").context("leaving the directory")?;
                    watch(kept.watch, made.dir())?;
                    mounted = Some(made);
                    Ok(Some(device))
                }),
            UNMOUNT => mounted.take().map_or(Ok(None), |mounted| {
                mounted.unmount().map(|_| None).context("unmounting")
            }),
            WATCH => watch(kept.watch, &kept.dir).map(|()| None),
            _ => bail!("an unknown word"),
        };
        let sent = match done {
            Ok(device) => {
                let device = device.as_ref().map(OwnedFd::as_fd);
                handover::send(socket.as_fd(), DONE, device)
            }
            Err(error) => handover::send(socket.as_fd(), Failure::line(&error).as_bytes(), None),
        };
        if sent.is_err() {
            return Ok(());
        }
    }
}

/// Begins to tell the service manager, twice in its time, that the mount answers.
fn watch(every: Option<u64>, dir: &Path) -> Result<()> {
    let Some(every) = every else { return Ok(()) };
    let (dir, pause) = (dir.to_owned(), Duration::from_millis(every) / 2);
    let thread = thread::Builder::new().name("watchdog".to_owned());
    let watching = thread.spawn(move || {
        loop {
            // Not stat(2), which the kernel may answer by itself. Until the daemon serves, it waits.
            if nix::sys::statfs::statfs(&dir).is_ok() {
                notify::tell("WATCHDOG=1");
            }
            thread::park_timeout(pause);
        }
    });
    watching.map(drop).context("starting the watchdog")
}
