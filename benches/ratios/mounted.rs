//! What is mounted while it is measured: the real daemon, and the floor, each in a process of its own.

use crate::bare::Bare;
use anyhow::{Context as _, Result, anyhow, bail};
use ntmsfs::cli::mountpoint;
use ntmsfs::fs::fuse;
use ntmsfs::manager::{Faults, Lock, Options, clock};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// The program that is measured.
const PROGRAM: &str = env!("CARGO_BIN_EXE_ntmsfs");

/// How long something may take to come up or to go away.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let begun = clock::boot();
    while !holds() {
        if clock::boot().saturating_sub(begun) > PATIENCE {
            bail!("{what}: not within {PATIENCE:?}");
        }
        thread::park_timeout(Duration::from_micros(200));
    }
    Ok(())
}

/// A daemon that serves a catalog. Dropping it takes the mount away and waits for its end.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) dir: PathBuf,
    pub(crate) pid: u32,
    /// How long `ntmsfs mount` took, from its start to its end.
    pub(crate) mount_time: Duration,
    slow: Option<Child>,
}

impl Daemon {
    /// Mounts as users do: the command returns when the tree answers.
    pub(crate) fn start(catalog: &Path, dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let begun = clock::boot();
        let status = Command::new(PROGRAM)
            .arg("mount")
            .args([catalog, dir])
            .status()?;
        let mount_time = clock::boot().saturating_sub(begun);
        if !status.success() {
            bail!("{} could not be mounted", catalog.display());
        }
        Ok(Self {
            dir: dir.to_owned(),
            pid: holder(catalog)?,
            mount_time,
            slow: None,
        })
    }

    /// Serves a catalog from another process of this program, whose commits take [`SLOW`] longer.
    pub(crate) fn slow(catalog: &Path, dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let mut command = role("slow")?;
        command.args([catalog, dir]);
        let child = command.stdin(Stdio::piped()).spawn()?;
        until("the slow mount", || dir.join("README").exists())?;
        Ok(Self {
            dir: dir.to_owned(),
            pid: child.id(),
            mount_time: Duration::ZERO,
            slow: Some(child),
        })
    }

    /// Returns the memory that is resident: now, and at most since the start, in KiB.
    pub(crate) fn memory(&self) -> Result<(u32, u32)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let of = |word: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(word));
            let number = line.and_then(|rest| rest.split_whitespace().next());
            number
                .and_then(|number| number.parse().ok())
                .context("memory of the daemon")
        };
        Ok((of("VmRSS:")?, of("VmHWM:")?))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let status = Command::new("umount").arg(&self.dir).status();
        if !status.is_ok_and(|status| status.success()) {
            tracing::error!(dir = %self.dir.display(), "still mounted");
        }
        let proc = format!("/proc/{}", self.pid);
        drop(until("the end of the daemon", || {
            !Path::new(&proc).exists()
        }));
        if let Some(mut child) = self.slow.take() {
            drop(child.wait());
        }
    }
}

/// Returns who holds a catalog: its lock file says it.
fn holder(catalog: &Path) -> Result<u32> {
    let mut lock = catalog.as_os_str().to_owned();
    lock.push(".lock");
    let text = fs::read_to_string(PathBuf::from(lock))?;
    let pid = text
        .split_whitespace()
        .skip_while(|word| *word != "pid")
        .nth(1);
    let pid = pid.and_then(|pid| pid.parse().ok());
    pid.ok_or_else(|| anyhow!("nobody serves {}: {text}", catalog.display()))
}

/// How much longer a commit takes on a slow disk.
const SLOW: Duration = Duration::from_millis(4);

/// Makes every commit take [`SLOW`] longer, as a disk does that takes so long to sync. A tracer that holds fsync(2) up
/// would do for one thread, but it slows every system call of a process that has many.
pub(crate) fn slow_disk() -> Faults {
    Faults::new(|point| {
        if point == "committed" {
            let begun = clock::boot();
            while let Some(left) = SLOW.checked_sub(clock::boot().saturating_sub(begun)) {
                thread::park_timeout(left);
            }
        }
        None
    })
}

/// The other side of [`Daemon::slow`].
pub(crate) fn serve_slow(catalog: &Path, dir: &Path) -> Result<()> {
    let options = Options {
        faults: slow_disk(),
        ..Options::default()
    };
    let _lock = Lock::take(catalog)?;
    let shown = fuse::Shown::default();
    let ready = fuse::prepare(catalog, &options, &shown, (Box::new(drop), Box::new(|| ())))?;
    let (device, mounted) = mountpoint::mount(catalog, dir, false)?;
    let serving = ready.serve(device)?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop((mounted, serving));
    Ok(())
}

/// Returns a command that runs this program in another role.
pub(crate) fn role(role: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["role", role]);
    Ok(command)
}

/// A process that plays a role beside the measured one. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Player(pub(crate) Child);

impl Player {
    /// Starts it; returns when it has said `ready`.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let child = command.stdout(Stdio::piped()).spawn();
        let mut player = Self(child.context("starting a role")?);
        let mut stdout = player.0.stdout.take().context("standard output")?;
        if stdout.read_exact(&mut [0; 6]).is_err() {
            bail!("a role has ended: {:?}", player.0.wait()?);
        }
        Ok(player)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The floor in a process of its own, as the daemon is. It ends when its standard input does.
#[derive(Debug)]
pub(crate) struct Floor {
    pub(crate) dir: PathBuf,
    child: Child,
}

impl Floor {
    /// Mounts the floor with so many names.
    pub(crate) fn start(dir: &Path, names: u32) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let mut command = role("bare")?;
        command.arg(dir).arg(names.to_string());
        let child = command.stdin(Stdio::piped()).spawn()?;
        let fixed = dir.join("static");
        until("the floor", || fixed.exists())?;
        Ok(Self {
            dir: dir.to_owned(),
            child,
        })
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// The floor's side of [`Floor`].
pub(crate) fn serve_floor(dir: &Path, names: u32) -> Result<()> {
    let names = (0..names).map(crate::catalog::name).collect();
    let bare = Bare::start(dir, names)?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(bare);
    Ok(())
}
