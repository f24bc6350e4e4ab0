//! A real daemon on a real mount, and processes that wait on it; whatever happens in a test, all of it is gone at the end.

use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ntmsfs::cli::mountpoint::is_mounted;
use ntmsfs::manager::{clock, founding};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) use super::PROGRAM;

/// Waits until something is so; says what if it never is.
#[track_caller]
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    super::until(what, || done().then_some(()));
}

/// Waits until a process has ended.
#[track_caller]
pub(crate) fn ended(child: &mut Child, what: &str) -> ExitStatus {
    let mut status = None;
    until(what, || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

/// Takes away everything that is mounted at a directory, without asking anybody; whoever waits there gets an error.
pub(crate) fn unmount_all(dir: &Path) {
    for _ in 0..8 {
        if umount2(dir, MntFlags::MNT_DETACH | MntFlags::MNT_FORCE).is_err() {
            return;
        }
    }
}

/// A catalog with its mount point, and the daemon that serves it, if one does.
pub(crate) struct Daemon {
    pub(crate) place: TempDir,
    pub(crate) catalog: PathBuf,
    pub(crate) dir: PathBuf,
    child: Option<Child>,
}

impl Daemon {
    /// A new catalog, not served.
    pub(crate) fn stopped() -> Self {
        let place = tempfile::tempdir().unwrap();
        let catalog = place.path().join("catalog");
        let dir = place.path().join("mnt");
        founding::found(&catalog).unwrap();
        fs::create_dir(&dir).unwrap();
        Self {
            place,
            catalog,
            dir,
            child: None,
        }
    }

    /// A new catalog, served, with a virtual library of empty slots and a pool `P` that draws from free and gives back.
    pub(crate) fn new() -> Self {
        let mut daemon = Self::stopped();
        daemon.start();
        daemon.library("lto", "virtual type=LTO-8 slots=400 drives=1 cartridges=0");
        daemon.pool("P", "LTO-8");
        daemon
    }

    pub(crate) fn start(&mut self) {
        let mut command = Command::new(PROGRAM);
        command.args([
            OsStr::new("mount"),
            self.catalog.as_ref(),
            self.dir.as_ref(),
        ]);
        self.start_as(command.arg("-f"));
    }

    /// Starts a command that serves in the foreground; returns when the tree answers.
    pub(crate) fn start_as(&mut self, command: &mut Command) {
        self.start_from(command, Stdio::null());
    }

    /// The same with something as its standard input.
    pub(crate) fn start_from(&mut self, command: &mut Command, stdin: Stdio) {
        assert!(self.child.is_none(), "it is served already");
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.place.path().join("log"));
        let child = command
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(log.unwrap());
        let child = self.child.insert(child.spawn().unwrap());
        let (dir, log) = (self.dir.clone(), self.place.path().join("log"));
        until("the tree answers", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("{status}: {}", fs::read_to_string(&log).unwrap());
            }
            is_mounted(&dir) && fs::read(dir.join("README")).is_ok()
        });
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("log")).unwrap_or_default()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        let status = ended(self.child.as_mut().unwrap(), "the daemon ends");
        self.child = None;
        status
    }

    /// Asks it to end, and waits.
    #[track_caller]
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        signal(self.pid(), Signal::SIGTERM);
        self.end()
    }

    /// Kills it and clears its mount away.
    pub(crate) fn crash(&mut self) {
        signal(self.pid(), Signal::SIGKILL);
        let dir = self.dir.clone();
        let ended = catch_unwind(AssertUnwindSafe(|| self.end()));
        // Without force: that its descriptors are closed has to be enough for everybody.
        let unmounted = umount2(&dir, MntFlags::MNT_DETACH);
        if ended.is_err() {
            unmount_all(&dir);
        }
        assert!(
            ended.is_ok() && unmounted.is_ok(),
            "kill -9 does not end it"
        );
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.join(name)
    }

    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    #[track_caller]
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    #[track_caller]
    pub(crate) fn library(&self, name: &str, driver: &str) {
        fs::create_dir(self.path(format!("libraries/{name}"))).unwrap();
        self.write(&format!("libraries/{name}/driver"), driver);
        self.write(&format!("libraries/{name}/enabled"), "1");
        let state = format!("libraries/{name}/state");
        until("the library is ready", || self.read(&state) == "ready\n");
    }

    #[track_caller]
    pub(crate) fn pool(&self, name: &str, media_type: &str) {
        fs::create_dir(self.path(format!("pools/{name}"))).unwrap();
        self.write(&format!("pools/{name}/media_type"), media_type);
        self.write(&format!("pools/{name}/allocate_from_free"), "1");
        self.write(&format!("pools/{name}/deallocate_to_free"), "1");
    }

    /// Puts new media into free slots of the library `lto`.
    #[track_caller]
    pub(crate) fn supply(&self, slots: impl IntoIterator<Item = u32>) {
        let lines: Vec<String> = slots
            .into_iter()
            .map(|slot| format!("X{slot} slot=lto/{slot}\n"))
            .collect();
        self.write("pools/Free/pools/LTO-8/import", &lines.concat());
    }

    /// A named request in the pool `P` that waits until something comes.
    #[track_caller]
    pub(crate) fn ask(&self, name: &str) {
        self.write(&format!("pools/P/requests/{name}"), "\n");
    }

    pub(crate) fn names(&self, dir: &str) -> BTreeSet<String> {
        fs::read_dir(self.path(dir))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// How many requests to a person are open.
    pub(crate) fn asked(&self) -> usize {
        self.names("operator").len()
    }

    /// A line of `counts` of a pool.
    #[track_caller]
    pub(crate) fn count(&self, pool: &str, what: &str) -> u64 {
        let counts = self.read(&format!("pools/{pool}/counts"));
        let line = counts.lines().find_map(|line| line.strip_prefix(what));
        line.unwrap().trim().parse().unwrap()
    }

    /// Opens a file so that no read of it waits.
    #[track_caller]
    pub(crate) fn nonblocking(&self, name: &str, write: bool) -> File {
        OpenOptions::new()
            .read(true)
            .write(write)
            .custom_flags(libc::O_NONBLOCK)
            .open(self.path(name))
            .unwrap()
    }

    /// Whether a read of a result would wait.
    #[track_caller]
    pub(crate) fn waits(&self, result: &str) -> bool {
        let mut text = String::new();
        match self.nonblocking(result, false).read_to_string(&mut text) {
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => true,
            Err(error) => panic!("{result}: {error}"),
            Ok(_) => false,
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        unmount_all(&self.dir);
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
        unmount_all(&self.dir);
    }
}

/// A process that waits for something; killed at the end if it still does.
pub(crate) struct Reader {
    child: Child,
}

impl Reader {
    /// Runs a command with all signals as they are at first, in a process group of its own.
    pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new("env");
        command.arg("--default-signal").args(arguments);
        command.process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        Self { child }
    }

    pub(crate) fn cat(file: &Path) -> Self {
        Self::run([OsStr::new("cat"), file.as_ref()])
    }

    /// Writes a request into a transaction file and waits for its result.
    pub(crate) fn transact(file: &Path, request: &str) -> Self {
        let script = r#"exec 3<>"$0"; echo "$1" >&3; exec cat <&3"#;
        let words = ["bash", "-c", script].map(OsStr::new);
        Self::run(
            words
                .into_iter()
                .chain([file.as_ref(), OsStr::new(request)]),
        )
    }

    /// Runs a Python program.
    pub(crate) fn python(program: &str, files: &[PathBuf]) -> Self {
        let words = ["python3", "-u", "-c", program].map(OsStr::new);
        Self::run(words.into_iter().chain(files.iter().map(AsRef::as_ref)))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, it: Signal) {
        signal(self.pid(), it);
    }

    fn proc(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.pid())).unwrap_or_default()
    }

    /// The letter that the kernel shows for its state.
    pub(crate) fn state(&self) -> Option<char> {
        let status = self.proc("status");
        let state = status.lines().find_map(|line| line.strip_prefix("State:"));
        state?.trim().chars().next()
    }

    /// Waits until it is a `cat` that waits in a read.
    #[track_caller]
    pub(crate) fn until_waiting(&self) {
        let read = format!("{} ", libc::SYS_read);
        until("the reader waits", || {
            self.proc("comm") == "cat\n"
                && self.proc("syscall").starts_with(&read)
                && self.proc("wchan").contains("request_wait_answer")
        });
    }

    /// Waits for one more line of its output.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let out = self.child.stdout.as_mut().unwrap();
        let mut line = Vec::new();
        let mut byte = [0];
        while out.read(&mut byte).unwrap() == 1 {
            if byte == *b"\n" {
                return String::from_utf8(line).unwrap();
            }
            line.push(byte[0]);
        }
        let mut text = String::from_utf8(line).unwrap();
        let errors = self.child.stderr.as_mut().unwrap();
        errors.read_to_string(&mut text).unwrap();
        panic!("it has ended: {text}");
    }

    /// Waits for its end; what it wrote, errors after output.
    #[track_caller]
    pub(crate) fn end(&mut self) -> (ExitStatus, String) {
        let status = ended(&mut self.child, "the reader ends");
        let mut text = String::new();
        let out = self.child.stdout.as_mut().unwrap();
        out.read_to_string(&mut text).unwrap();
        let errors = self.child.stderr.as_mut().unwrap();
        errors.read_to_string(&mut text).unwrap();
        (status, text)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.child.kill());
        // One that cannot be killed goes with its daemon.
        let begun = clock::boot();
        while matches!(self.child.try_wait(), Ok(None))
            && clock::boot() < begun + Duration::from_secs(10)
        {
            thread::park_timeout(Duration::from_millis(1));
        }
    }
}

/// Says that a test cannot run here, and why: past the capture of a test's output, so that `tests/run` repeats it at its end.
#[expect(clippy::explicit_write, reason = "the macro would be captured")]
pub(crate) fn not_run(what: &str, why: &str) {
    writeln!(io::stderr(), "NOT RUN: {what}: {why}").unwrap();
}

/// Returns whether mounts can be made private here, and says loudly if not: a root that is no mount point, as of a plain
/// chroot, does not allow it.
pub(crate) fn can_hide_mounts(what: &str) -> bool {
    let tried = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "true"])
        .output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        not_run(
            what,
            "mounts cannot be made private here (is / a mount point?)",
        );
    }
    can
}
