//! What tests share. Here: a catalog that is really mounted, and programs that use it. The program itself makes and mounts it, in a
//! temporary directory that every user can reach, and the mount is taken away at the end, also of a test that fails.
//!
//! Nothing here waits for luck: [`until`] polls for a condition and fails loudly when its time is over, and every
//! command that is run has a bound after which it is killed.
#![expect(
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that cannot go on says why; the one loop that polls needs a pause and a bound"
)]

pub(crate) mod daemon;
pub(crate) mod played;
pub(crate) mod private;
pub(crate) mod random;
pub(crate) mod terminal;
pub(crate) mod world;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_ntmsfs");

/// How long a condition may take to come true. Nothing is measured with it; a busy machine needs some.
const PATIENCE: Duration = Duration::from_secs(60);

/// After so many seconds a command hangs.
const HANGS: &str = "120";

/// The commands of the system, not those that a developer has put before them: other users must be able to run them.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// What runs a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    Bash,
    Dash,
    Python,
}

/// Both shells, which write differently: bash line by line, dash all at once.
pub(crate) const SHELLS: [Shell; 2] = [Shell::Bash, Shell::Dash];

/// Whoever runs a script. None of these users needs to be in the user database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Supplementary groups, separated by commas; empty: none.
    pub(crate) groups: &'static str,
}

pub(crate) const ROOT: User = User {
    uid: 0,
    gid: 0,
    groups: "",
};

/// The beginning of a script in a mount name space of its own: it lets go of the mounts of other tests, which would
/// outlive their umount there.
pub(crate) const LET_GO: &str = "awk '$3 == \"fuse.ntmsfs\" { print $2 }' /proc/self/mounts | xargs -r -n 1 umount -l 2>&1 || true";

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Standard output of a script that succeeded and complained of nothing.
    #[track_caller]
    pub(crate) fn output(&self) -> &str {
        assert!(
            self.status == Some(0) && self.stderr.is_empty(),
            "the script failed: {self:#?}"
        );
        &self.stdout
    }

    /// Standard output, whatever else happened.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// What a write to a control file gave: the errno if it was refused, and what a read on the same descriptor gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) refused: Option<i32>,
    pub(crate) text: String,
}

/// A mounted catalog.
pub(crate) struct Tree {
    dir: TempDir,
    catalog: PathBuf,
    at: PathBuf,
}

impl Tree {
    /// A new catalog with nothing in it.
    pub(crate) fn empty() -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "the tests of the real mount run as root"
        );
        let dir = tempfile::tempdir().expect("a temporary directory");
        open_to_all(dir.path());
        let (catalog, at) = (dir.path().join("catalog"), dir.path().join("mnt"));
        fs::create_dir(&at).expect("a mount point");
        open_to_all(&at);
        let tree = Self { dir, catalog, at };
        tree.program(&["init"], &[&tree.catalog]);
        tree.mount();
        tree
    }

    /// A catalog with a virtual library of LTO-8 with so many cartridges and a jukebox of four two-sided disks, and for
    /// each a pool that draws from the free pool: `Backup` and `Archive`.
    pub(crate) fn stocked(cartridges: u32) -> Self {
        let tree = Self::empty();
        tree.library(
            "lto",
            &format!("type=LTO-8 slots=100 drives=2 ports=2 cartridges={cartridges}"),
        );
        tree.library("mo", "type=MO-5.25 slots=10 drives=1 cartridges=4");
        tree.pool("Backup", "LTO-8");
        tree.pool("Archive", "MO-5.25");
        tree
    }

    /// Makes a virtual library and waits until its inventory is done.
    pub(crate) fn library(&self, name: &str, driver: &str) {
        let at = format!("libraries/{name}");
        fs::create_dir(self.path(&at)).expect("a library");
        self.write(&format!("{at}/driver"), &format!("virtual {driver}"));
        self.write(&format!("{at}/enabled"), "1");
        until("the library is ready", || {
            (self.read(&format!("{at}/state")) == "ready\n").then_some(())
        });
    }

    /// Makes a pool that draws from the free pool.
    pub(crate) fn pool(&self, path: &str, media_type: &str) {
        let at = format!("pools/{path}");
        fs::create_dir(self.path(&at)).expect("a pool");
        self.write(&format!("{at}/media_type"), media_type);
        self.write(&format!("{at}/allocate_from_free"), "1");
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.at.join(path)
    }

    /// A directory beside the mount for what scripts leave.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::create_dir_all(&path).expect("a directory for results");
        fs::set_permissions(&path, Permissions::from_mode(0o777)).expect("its mode");
        path
    }

    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> String {
        match fs::read_to_string(self.path(path)) {
            Ok(text) => text,
            Err(error) => panic!("reading {path}: {error}"),
        }
    }

    #[track_caller]
    pub(crate) fn write(&self, path: &str, text: &str) {
        if let Err(error) = fs::write(self.path(path), format!("{text}\n")) {
            panic!(
                "writing {text:?} to {path}: {error}: {}",
                self.read("last-error")
            );
        }
    }

    /// The names in a directory, sorted.
    #[track_caller]
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let entries = match fs::read_dir(self.path(path)) {
            Ok(entries) => entries,
            Err(error) => panic!("listing {path}: {error}"),
        };
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }

    /// Writes once to a control file and reads on the same descriptor.
    pub(crate) fn ask(&self, path: &str, body: &[u8]) -> Asked {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.path(path))
            .unwrap_or_else(|error| panic!("opening {path}: {error}"));
        let refused = file
            .write(body)
            .err()
            .and_then(|error| error.raw_os_error());
        let mut text = String::new();
        file.read_to_string(&mut text)
            .unwrap_or_else(|error| panic!("reading the answer of {path}: {error}"));
        Asked { refused, text }
    }

    /// Allocates from a pool that has something: the LMID.
    #[track_caller]
    pub(crate) fn allocate(&self, pool: &str, words: &str) -> String {
        let asked = self.ask(
            &format!("pools/{pool}/allocate"),
            format!("{words}\n").as_bytes(),
        );
        let lmid = asked.text.trim_end();
        assert!(is_guid(lmid), "no LMID: {asked:?}");
        lmid.to_owned()
    }

    /// Runs a script at the top of the tree.
    pub(crate) fn run(&self, shell: Shell, script: &str) -> Ran {
        self.run_as(ROOT, shell, script)
    }

    pub(crate) fn run_as(&self, user: User, shell: Shell, script: &str) -> Ran {
        Ran::from(self.command(user, shell, script).output().expect("a shell"))
    }

    /// Runs a script of bash in a mount name space of its own, whose mounts are gone with it.
    pub(crate) fn run_apart(&self, script: &str) -> Ran {
        let script = format!("{LET_GO}\n{script}");
        let script = shlex::try_quote(&script).expect("a script");
        let unshare = "exec unshare --mount --propagation private bash -c";
        self.run(Shell::Bash, &format!("{unshare} {script}"))
    }

    /// Starts a script of root and goes on; it ends with the returned guard.
    pub(crate) fn spawn(&self, shell: Shell, script: &str) -> Running {
        self.spawn_as(ROOT, shell, script)
    }

    pub(crate) fn spawn_as(&self, user: User, shell: Shell, script: &str) -> Running {
        let child = self
            .command(user, shell, script)
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        Running(Some(child))
    }

    /// The command of a script: `T` is a directory for what it leaves.
    fn command(&self, user: User, shell: Shell, script: &str) -> Command {
        let interpreter = match shell {
            Shell::Bash => "bash",
            Shell::Dash => "dash",
            Shell::Python => "python3",
        };
        let mut command = Command::new("timeout");
        command.args(["-k", "5", HANGS]);
        if user.uid != 0 {
            let (uid, gid) = (user.uid.to_string(), user.gid.to_string());
            command.args(["setpriv", "--reuid", &uid, "--regid", &gid]);
            if user.groups.is_empty() {
                command.arg("--clear-groups");
            } else {
                command.args(["--groups", user.groups]);
            }
        }
        command
            .args([interpreter, "-c", script])
            .current_dir(&self.at)
            .env_clear()
            .env("PATH", PATH)
            .env("LC_ALL", "C.UTF-8")
            .env("T", self.scratch("scratch"))
            .stdin(Stdio::null());
        command
    }

    /// The program, the catalog and the mount point, for a script that mounts by itself.
    pub(crate) fn places(&self) -> (&str, &str, &str) {
        let catalog = self.catalog.to_str().expect("a path in UTF-8");
        (PROGRAM, catalog, self.at.to_str().expect("a path in UTF-8"))
    }

    /// The process that holds the catalog, as its lock says.
    pub(crate) fn holder(&self) -> u32 {
        let lock =
            fs::read_to_string(format!("{}.lock", self.catalog.display())).expect("the lock");
        let mut words = lock.split_whitespace().skip_while(|word| *word != "pid");
        words
            .nth(1)
            .and_then(|pid| pid.parse().ok())
            .expect("its pid")
    }

    /// Takes the mount away as a person would, and waits until the daemon has let go of the catalog.
    pub(crate) fn unmount(&self) {
        let ran = until("umount", || {
            let ran = Ran::from(
                Command::new("umount")
                    .arg(&self.at)
                    .output()
                    .expect("umount"),
            );
            // A program that has just ended may still be letting go of its files.
            (ran.status == Some(0)).then_some(ran)
        });
        assert_eq!(ran.output(), "");
    }

    /// Mounts the catalog; a daemon that is stopping is waited for by the program itself.
    pub(crate) fn mount(&self) {
        self.program(&["mount"], &[&self.catalog, &self.at]);
    }

    /// Mounts with options, the words of `-o`.
    pub(crate) fn mount_with(&self, options: &str) {
        self.program(&["mount", "-o", options], &[&self.catalog, &self.at]);
    }

    pub(crate) fn remount(&self) {
        self.unmount();
        self.mount();
    }

    fn program(&self, words: &[&str], paths: &[&Path]) {
        let mut command = Command::new(PROGRAM);
        command.args(words).args(paths).current_dir(self.dir.path());
        let ran = Ran::from(command.output().expect("the program"));
        assert_eq!(ran.output(), "");
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        for lazy in [&[][..], &["-l"][..]] {
            let mut umount = Command::new("umount");
            umount.args(lazy).arg(&self.at).stderr(Stdio::null());
            if umount.status().is_ok_and(|status| status.success()) {
                return;
            }
        }
    }
}

/// A script that runs, with all that it has started. It is killed if nobody waits for its end.
pub(crate) struct Running(Option<Child>);

impl Running {
    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ran {
        let child = self.0.take().expect("ended once");
        Ran::from(child.wait_with_output().expect("a child"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let group = i32::try_from(child.id()).expect("a process id");
            // It may have ended already.
            killpg(Pid::from_raw(group), Signal::SIGKILL).ok();
            drop(child.wait());
        }
    }
}

/// Polls until there is something, and fails with what was waited for.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "it never came: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// A thread that reads a file which it has opened; it is in its read(2) when this returns, or has read already.
pub(crate) fn reader(path: PathBuf) -> JoinHandle<std::io::Result<String>> {
    let (tell, told) = channel();
    let reader = spawn(move || {
        let mut file = File::open(path)?;
        tell.send(nix::unistd::gettid()).expect("the test waits");
        let mut text = String::new();
        file.read_to_string(&mut text).map(|_| text)
    });
    let Ok(tid) = told.recv() else { return reader };
    until("the reader reads", || {
        let now = fs::read_to_string(format!("/proc/self/task/{tid}/syscall")).unwrap_or_default();
        let reads = now.split(' ').next() == Some(&libc::SYS_read.to_string());
        (reads || reader.is_finished()).then_some(())
    });
    reader
}

/// Checks a value that belongs to a case of a table.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the values are made for the comparison"
)]
#[track_caller]
pub(crate) fn same<T: PartialEq + Debug>(case: impl Debug, found: T, expected: T) {
    assert_eq!(found, expected, "{case:?}");
}

/// Whether a text is an identifier in its canonical form.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => matches!(c, '0'..='9' | 'a'..='f'),
        })
}

fn open_to_all(dir: &Path) {
    fs::set_permissions(dir, Permissions::from_mode(0o755)).expect("the mode of a directory");
}
