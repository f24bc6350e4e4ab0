//! A private view of the machine for tests that need more than it offers: mounts, processes, users, fstab and the helpers of
//! mount(8) are its own, and all of it is gone with it.
//!
//! The device is one that everybody may open, as udev makes it; the user database knows `alice` (4001) and `ntmsfs` (4003).

use crate::harness::daemon::{can_hide_mounts, signal, until};
use crate::harness::{LET_GO, PROGRAM, Ran};
use nix::sys::signal::Signal;
use ntmsfs::manager::founding;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Whoever runs a command there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Root,
    Alice,
}

pub(crate) const ALICE: (u32, u32) = (4001, 4002);

/// Makes the view, says so, and holds it. `$1` is the directory of the test, `$2` the program.
const SETUP: &str = r#"set -e
cd "$1"
mkdir dev real sbin
mount -t tmpfs dev dev
mknod -m 666 dev/fuse c 10 229
mknod -m 666 dev/none c 10 255
mount --bind dev/fuse /dev/fuse
{ cat /etc/passwd; echo 'alice:x:4001:4002::/:/bin/sh'; echo 'ntmsfs:x:4003:4004::/:/bin/sh'; } > passwd
{ cat /etc/group; echo 'alice:x:4002:'; echo 'ntmsfs:x:4004:'; } > group
mount --bind passwd /etc/passwd
mount --bind group /etc/group
touch fstab
mount --bind fstab /etc/fstab
sbin=$(readlink -f /sbin)
mount --bind "$sbin" real
for file in real/*; do ln -s "$1/$file" sbin/; done
for name in ntmsfs mount.ntmsfs; do ln -sf "$2" "sbin/$name"; done
mount --bind sbin "$sbin"
echo ready
exec sleep infinity"#;

/// A command among the processes and mounts of another one, with so many seconds before it is ended. `--root`: the root of that
/// process, which in a chroot is not that of its name space.
pub(crate) fn enter(pid: &str, seconds: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["-k", "5", seconds, "nsenter", "--root", "--wdns=/"]);
    command.args(["--mount", "--pid", "--target", pid, "--"]);
    command
}

/// The view, with a catalog and a mount point that belong to alice.
pub(crate) struct Private {
    holder: Child,
    inside: u32,
    pub(crate) place: TempDir,
    pub(crate) catalog: PathBuf,
    pub(crate) dir: PathBuf,
}

impl Private {
    /// Makes it; `None`, said loudly, where mounts cannot be made private.
    pub(crate) fn new(what: &str) -> Option<Self> {
        if !can_hide_mounts(what) {
            return None;
        }
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
        // Everybody must be able to run it, wherever it was built.
        let program = place.path().join("ntmsfs");
        fs::copy(PROGRAM, &program).unwrap();
        let out = place.path().join("said");
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["--propagation", "private", "sh", "-c"])
            .args([&[LET_GO, SETUP].join("\n"), "sh"])
            .args([place.path(), &program])
            .stdin(Stdio::null())
            .stdout(fs::File::create(&out).unwrap());
        let mut holder = command.spawn().unwrap();
        until("the private view is made", || {
            let ended = holder.try_wait().unwrap();
            assert_eq!(ended, None, "it cannot be made");
            // A mount of another test may have gone before it was let go of, which is said.
            fs::read_to_string(&out).unwrap().ends_with("ready\n")
        });
        let children = format!("/proc/{0}/task/{0}/children", holder.id());
        let inside = fs::read_to_string(children).unwrap().trim().parse();
        let home = place.path().join("home");
        let (catalog, dir) = (home.join("catalog"), home.join("mnt"));
        fs::create_dir_all(&dir).unwrap();
        founding::found(&catalog).unwrap();
        let private = Self {
            holder,
            inside: inside.unwrap(),
            place,
            catalog,
            dir,
        };
        private.give(ALICE);
        Some(private)
    }

    /// Makes the catalog, what is beside it, and the mount point somebody's.
    pub(crate) fn give(&self, (uid, gid): (u32, u32)) {
        let home = self.catalog.parent().unwrap();
        let inside = fs::read_dir(home).unwrap().map(|it| it.unwrap().path());
        for path in inside.chain([home.to_owned()]) {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
    }

    /// Writes the one line of fstab, for the catalog and the mount point.
    pub(crate) fn fstab(&self, options: &str) {
        let (catalog, dir) = self.words();
        let line = format!("{catalog} {dir} ntmsfs {options} 0 0\n");
        fs::write(self.place.path().join("fstab"), line).unwrap();
    }

    /// The catalog and the mount point as words of a shell.
    pub(crate) fn words(&self) -> (&str, &str) {
        (self.catalog.to_str().unwrap(), self.dir.to_str().unwrap())
    }

    /// Runs a script there: `$C` is the catalog, `$D` the mount point, `$T` the directory of the test.
    pub(crate) fn run(&self, who: Who, script: &str) -> Ran {
        Ran::from(self.command(who, script).output().unwrap())
    }

    /// The same, not started yet.
    pub(crate) fn command(&self, who: Who, script: &str) -> Command {
        let mut command = enter(&self.inside.to_string(), "120");
        if who == Who::Alice {
            command.args(["setpriv", "--reuid", "4001", "--regid", "4002"]);
            command.arg("--clear-groups");
        }
        command
            .args(["sh", "-c", script])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .envs([("C", &self.catalog), ("D", &self.dir)])
            .env("T", self.place.path())
            .stdin(Stdio::null())
            .current_dir("/");
        command
    }

    /// Runs a script that must succeed and complain of nothing; what it wrote.
    #[track_caller]
    pub(crate) fn ok(&self, who: Who, script: &str) -> String {
        let ran = self.run(who, script);
        assert!(
            ran.status == Some(0) && ran.stderr.is_empty(),
            "{script}: {ran:#?}"
        );
        ran.stdout
    }

    /// The words of the topmost mount at the mount point: source, type, options; empty if there is none.
    pub(crate) fn mounted(&self) -> Vec<String> {
        let table = fs::read_to_string(format!("/proc/{}/mounts", self.inside)).unwrap();
        let dir = self.dir.to_str().unwrap();
        let line = table
            .lines()
            .rfind(|line| line.split(' ').nth(1) == Some(dir));
        let words = line.unwrap_or_default().split([' ', ',']);
        words
            .filter(|word| !word.is_empty() && *word != dir)
            .map(str::to_owned)
            .collect()
    }

    /// Waits until no daemon holds the catalog.
    pub(crate) fn until_let_go(&self) {
        let lock = PathBuf::from(format!("{}.lock", self.catalog.display()));
        until("the daemon has let go", || {
            fs::File::open(&lock).map_or(true, |file| file.try_lock().is_ok())
        });
    }

    /// A path there, seen from here.
    pub(crate) fn seen(&self, path: &Path) -> PathBuf {
        let below = path.strip_prefix("/").unwrap();
        PathBuf::from(format!("/proc/{}/root", self.inside)).join(below)
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // Everything there ends with its first process.
        signal(self.inside, Signal::SIGKILL);
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}
