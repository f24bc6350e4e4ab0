//! What must not take the daemon down: panics, faults of the disk, a disk that is full, a committer that hangs.

use crate::harness::daemon::{Daemon, Reader, unmount_all, until};
use nix::fcntl::{FallocateFlags, fallocate};
use nix::mount::{MsFlags, mount};
use nix::unistd::{AccessFlags, Whence, access, lseek};
use ntmsfs::cli::mountpoint::{self, Mounted};
use ntmsfs::domain::error::ErrorKind as Kind;
use ntmsfs::fs::fuse::{self, Serving};
use ntmsfs::manager::{Faults, Options, founding};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use tempfile::TempDir;

/// A catalog that this process itself serves, with faults.
struct Inside {
    _place: TempDir,
    dir: PathBuf,
    serving: Serving,
    mounted: Mounted,
    fatal: Receiver<String>,
}

impl Inside {
    fn new(hook: impl Fn(&'static str) -> Option<Kind> + Send + Sync + 'static) -> Self {
        let place = tempfile::tempdir().unwrap();
        let (catalog, dir) = (place.path().join("catalog"), place.path().join("mnt"));
        fs::create_dir(&dir).unwrap();
        founding::found(&catalog).unwrap();
        let options = Options {
            faults: Faults::new(hook),
            ..Options::default()
        };
        let (told, fatal) = channel();
        let on_fatal = Box::new(move |refusal: ntmsfs::domain::error::Refusal| {
            drop(told.send(refusal.to_string()));
        });
        let shown = fuse::Shown::default();
        let ready = fuse::prepare(&catalog, &options, &shown, (on_fatal, Box::new(|| ()))).unwrap();
        let (device, mounted) = mountpoint::mount(&catalog, &dir, false).unwrap();
        let serving = ready.serve(device).unwrap();
        Self {
            _place: place,
            dir,
            serving,
            mounted,
            fatal,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        fs::write(self.path(name), text)
    }

    /// A pool with one medium to give.
    fn furnish(&self) {
        fs::create_dir(self.path("libraries/lto")).unwrap();
        let driver = "virtual type=LTO-8 slots=4 drives=1 cartridges=2";
        self.write("libraries/lto/driver", driver).unwrap();
        self.write("libraries/lto/enabled", "1").unwrap();
        until("the library is ready", || {
            fs::read(self.path("libraries/lto/state")).unwrap() == b"ready\n"
        });
        fs::create_dir(self.path("pools/P")).unwrap();
        self.write("pools/P/media_type", "LTO-8").unwrap();
        self.write("pools/P/allocate_from_free", "1").unwrap();
    }

    /// Asks for a medium and reads the answer.
    fn allocate(&self) -> String {
        let file = self.path("pools/P/allocate");
        let file = OpenOptions::new().read(true).write(true).open(file);
        let mut file = file.unwrap();
        file.write_all(b"timeout=0\n").unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.serving.end_waits();
        drop(self.mounted.unmount());
        self.serving.stop();
        drop(self.serving.wait());
    }
}

/// A fault point that is armed by name and fires once.
#[derive(Clone, Default)]
struct Trap(Arc<Mutex<Option<&'static str>>>);

impl Trap {
    fn arm(&self, point: &'static str) {
        *self.0.lock().unwrap() = Some(point);
    }

    fn fired(&self) -> bool {
        self.0.lock().unwrap().is_none()
    }

    fn springs(&self, point: &'static str) -> bool {
        let mut armed = self.0.lock().unwrap();
        let here = *armed == Some(point);
        if here {
            *armed = None;
        }
        here
    }

    fn panics(&self) -> impl Fn(&'static str) -> Option<Kind> + Send + Sync + 'static {
        let trap = self.clone();
        move |point| {
            assert!(!trap.springs(point), "a test of panics at {point}");
            None
        }
    }
}

fn errno(error: nix::errno::Errno) -> io::Error {
    error.into()
}

type Call = (&'static str, fn(&Path) -> io::Result<()>);

/// One call for each callback that the kernel makes: all but `flush` and `access`, which it never asks for here.
const CALLS: &[Call] = &[
    ("lookup", |dir| {
        fs::metadata(dir.join("pools/P/requests/none")).map(drop)
    }),
    ("getattr", |dir| fs::metadata(dir.join("README")).map(drop)),
    ("setattr", |dir| {
        fs::set_permissions(dir.join("pools/P"), Permissions::from_mode(0o755))
    }),
    ("readlink", |dir| {
        fs::read_link(dir.join("media/lto-0001")).map(drop)
    }),
    ("mknod", |dir| {
        let mode = nix::sys::stat::Mode::S_IRUSR;
        nix::unistd::mkfifo(&dir.join("pools/fifo"), mode).map_err(errno)
    }),
    ("mkdir", |dir| fs::create_dir(dir.join("pools/new"))),
    ("rmdir", |dir| fs::remove_dir(dir.join("pools/new"))),
    ("unlink", |dir| {
        fs::remove_file(dir.join("pools/P/requests/made"))
    }),
    ("symlink", |dir| symlink("x", dir.join("pools/link"))),
    ("rename", |dir| {
        fs::rename(dir.join("pools/Old"), dir.join("pools/Older"))
    }),
    ("link", |dir| {
        fs::hard_link(dir.join("README"), dir.join("pools/link"))
    }),
    ("open", |dir| File::open(dir.join("README")).map(drop)),
    ("read", |dir| fs::read(dir.join("README")).map(drop)),
    ("write", |dir| {
        fs::write(dir.join("pools/P/description"), "text")
    }),
    ("fsync", |dir| File::open(dir.join("README"))?.sync_all()),
    ("readdir", |dir| names(&dir.join("types"))),
    ("readdirplus", |dir| names(&dir.join("types"))),
    ("fsyncdir", |dir| File::open(dir.join("pools"))?.sync_all()),
    ("statfs", |dir| {
        nix::sys::statfs::statfs(dir).map(drop).map_err(errno)
    }),
    ("setxattr", |dir| {
        python(dir, "os.setxattr(p, 'user.a', b'b')")
    }),
    ("getxattr", |dir| python(dir, "os.getxattr(p, 'user.a')")),
    ("listxattr", |dir| python(dir, "os.listxattr(p)")),
    ("removexattr", |dir| {
        python(dir, "os.removexattr(p, 'user.a')")
    }),
    ("create", |dir| {
        File::create_new(dir.join("pools/P/requests/new")).map(drop)
    }),
    ("ioctl", |dir| {
        python(dir, "termios.tcgetattr(os.open(d, os.O_RDONLY))")
    }),
    ("poll", |dir| {
        let file = File::open(dir.join("README"))?;
        let mut fds = [nix::poll::PollFd::new(
            file.as_fd(),
            nix::poll::PollFlags::POLLIN,
        )];
        nix::poll::poll(&mut fds, nix::poll::PollTimeout::ZERO).map_err(errno)?;
        let seen = fds[0].revents().unwrap();
        if seen.contains(nix::poll::PollFlags::POLLERR) {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        Ok(())
    }),
    ("fallocate", |dir| {
        let file = OpenOptions::new()
            .write(true)
            .open(dir.join("pools/P/description"))?;
        fallocate(file, FallocateFlags::empty(), 0, 1).map_err(errno)
    }),
    ("lseek", |dir| {
        let file = File::open(dir.join("README"))?;
        lseek(file, 0, Whence::SeekData).map(drop).map_err(errno)
    }),
    ("copy_file_range", |dir| {
        let from = "os.open(p + '/../../README', os.O_RDONLY)";
        python(
            dir,
            &format!("os.copy_file_range({from}, os.open(d, os.O_WRONLY), 1)"),
        )
    }),
    ("release", |dir| {
        drop(File::open(dir.join("README"))?);
        Err(io::Error::from_raw_os_error(libc::EIO))
    }),
];

fn names(dir: &Path) -> io::Result<()> {
    fs::read_dir(dir)?.try_for_each(|entry| entry.map(drop))
}

/// A call that only Python makes just so; `p` is the pool and `d` its description.
fn python(dir: &Path, call: &str) -> io::Result<()> {
    let program = format!(
        "import os, sys, termios\np, d = sys.argv[1:]\ntry: {call}\nexcept OSError as e: sys.exit(e.errno)\n\
         except termios.error as e: sys.exit(e.args[0])"
    );
    let pool = dir.join("pools/P");
    let mut command = Command::new("python3");
    command
        .args(["-c", &program])
        .args([&pool, &pool.join("description")]);
    match command.status()?.code() {
        Some(0) => Ok(()),
        code => Err(io::Error::from_raw_os_error(code.unwrap_or(0))),
    }
}

#[test]
fn a_panic_in_a_callback_is_an_error_of_that_call_alone() {
    let trap = Trap::default();
    let inside = Inside::new(trap.panics());
    inside.furnish();
    fs::create_dir(inside.path("pools/Old")).unwrap();
    inside
        .write("pools/P/requests/made", "timeout=0\n")
        .unwrap();
    for (name, call) in CALLS {
        // What the kernel remembers for a second spares it the call.
        until(&format!("{name} is called"), || {
            trap.arm(name);
            let error = call(&inside.dir).err();
            if trap.fired() {
                let error = error.and_then(|error| error.raw_os_error());
                assert_eq!(error, Some(libc::EIO), "{name}");
            }
            // The release comes when it likes.
            trap.fired() || *name == "release"
        });
        until("it has fired", || trap.fired());
        let again = call(&inside.dir)
            .err()
            .and_then(|error| error.raw_os_error());
        assert!(*name == "release" || again != Some(libc::EIO), "{name}");
        assert!(fs::read(inside.path("README")).is_ok(), "{name}");
    }
    access(&inside.path("README"), AccessFlags::R_OK).unwrap();
    assert!(inside.allocate().len() == 37 && inside.mounted.is_mounted());
}

#[test]
fn a_panic_of_a_rule_refuses_that_request_alone() {
    let trap = Trap::default();
    let inside = Inside::new(trap.panics());
    inside.furnish();
    trap.arm("decided");
    let refused = inside.allocate();
    assert!(
        trap.fired() && refused.starts_with("0x800710D9 "),
        "{refused}"
    );
    assert_eq!(fs::read_dir(inside.path("logical")).unwrap().count(), 0);
    trap.arm("record");
    let error = fs::create_dir(inside.path("pools/Q")).unwrap_err();
    assert!(trap.fired() && error.raw_os_error() == Some(libc::EIO));
    fs::create_dir(inside.path("pools/Q")).unwrap();
    assert_eq!(inside.allocate().len(), 37);
    assert!(inside.fatal.try_recv().is_err());
}

/// Nobody would answer any more, so the daemon has to go and be started again.
#[test]
fn a_panic_of_the_committer_itself_is_told() {
    let trap = Trap::default();
    let inside = Inside::new(trap.panics());
    trap.arm("commit");
    let error = fs::create_dir(inside.path("pools/Q")).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EIO));
    assert!(inside.fatal.recv().unwrap().contains("panicked"));
    assert!(fs::read(inside.path("README")).is_ok());
}

#[test]
fn a_fault_of_the_disk_is_answered_and_changes_nothing() {
    let fault: Arc<Mutex<Option<Kind>>> = Arc::default();
    let hook = Arc::clone(&fault);
    let inside = Inside::new(move |point| match point {
        "commit" => *hook.lock().unwrap(),
        _ => None,
    });
    inside.furnish();
    for (kind, code, number) in [
        (
            Kind::DatabaseFailure,
            "0x800710D9 ERROR_DATABASE_FAILURE",
            libc::EIO,
        ),
        (
            Kind::NotEnoughMemory,
            "0x80070008 ERROR_NOT_ENOUGH_MEMORY",
            libc::ENOMEM,
        ),
        (
            Kind::DatabaseFull,
            "0x800710DA ERROR_DATABASE_FULL",
            libc::ENOSPC,
        ),
    ] {
        *fault.lock().unwrap() = Some(kind);
        let refused = inside.allocate();
        assert!(refused.starts_with(code), "{refused}");
        let errors = [
            fs::create_dir(inside.path("pools/Q")),
            inside.write("pools/P/description", "text"),
            inside.write("pools/P/requests/job", "timeout=0\n"),
            fs::rename(inside.path("pools/P"), inside.path("pools/R")),
        ];
        for error in errors {
            assert_eq!(error.unwrap_err().raw_os_error(), Some(number), "{kind:?}");
        }
        let last = fs::read_to_string(inside.path("last-error")).unwrap();
        assert!(last.starts_with(code), "{last}");
        assert_eq!(fs::read(inside.path("pools/P/description")).unwrap(), b"\n");
        assert_eq!(fs::read_dir(inside.path("logical")).unwrap().count(), 0);
        assert_eq!(
            fs::read_dir(inside.path("pools/P/requests"))
                .unwrap()
                .count(),
            0
        );
        *fault.lock().unwrap() = None;
    }
    assert_eq!(inside.allocate().len(), 37);
    inside.write("pools/P/requests/job", "timeout=0\n").unwrap();
}

/// The time of a request is over while nothing can be written: it fails later, not never.
#[test]
fn a_timeout_that_could_not_be_written_comes_later() {
    let full: Arc<Mutex<(bool, u32)>> = Arc::default();
    let hook = Arc::clone(&full);
    let inside = Inside::new(move |point| {
        let mut full = hook.lock().unwrap();
        if point == "commit" && full.0 {
            full.1 += 1;
            return Some(Kind::DatabaseFull);
        }
        None
    });
    fs::create_dir(inside.path("pools/P")).unwrap();
    inside.write("pools/P/media_type", "LTO-8").unwrap();
    inside
        .write("pools/P/requests/job", "timeout=50\n")
        .unwrap();
    full.lock().unwrap().0 = true;
    until("its end was refused", || full.lock().unwrap().1 >= 1);
    full.lock().unwrap().0 = false;
    let result = fs::read_to_string(inside.path("pools/P/results/job")).unwrap();
    assert!(result.starts_with("0x800705B4 ERROR_TIMEOUT"), "{result}");
}

/// Stops the committer at its next commit, until the other end is dropped.
fn stuck() -> (Inside, Arc<Mutex<Option<Receiver<()>>>>) {
    let gate: Arc<Mutex<Option<Receiver<()>>>> = Arc::default();
    let hook = Arc::clone(&gate);
    let inside = Inside::new(move |point| {
        if point == "commit" {
            let closed = hook.lock().unwrap().take();
            let _opened = closed.map(|gate| gate.recv());
        }
        None
    });
    (inside, gate)
}

#[test]
fn what_takes_too_long_is_an_error_and_happens_once() {
    let (inside, gate) = stuck();
    inside.furnish();
    fs::create_dir(inside.path("pools/Old")).unwrap();
    let (open, closed): (Sender<()>, _) = channel();
    *gate.lock().unwrap() = Some(closed);
    let dir = inside.dir.clone();
    let file = |name: &str| dir.join(name);
    let changes: [Box<dyn Fn() -> io::Result<()> + Sync + Send>; 6] = [
        Box::new(|| fs::create_dir(file("libraries/new"))),
        Box::new(|| fs::create_dir(file("types/new"))),
        Box::new(|| fs::rename(file("pools/Old"), file("pools/New"))),
        Box::new(|| fs::write(file("pools/P/description"), "late")),
        Box::new(|| fs::write(file("pools/P/requests/job"), "timeout=0\n")),
        Box::new(|| fs::write(file("pools/Import/description"), "late")),
    ];
    thread::scope(|scope| {
        let calls = changes.each_ref().map(|change| scope.spawn(change));
        // Others go on meanwhile.
        for name in [
            "README",
            "pools/P/counts",
            "history",
            "status",
            "libraries/lto/state",
        ] {
            assert!(
                fs::read(inside.path(name)).is_ok_and(|it| !it.is_empty()),
                "{name}"
            );
        }
        for (number, call) in calls.into_iter().enumerate() {
            let error = call.join().unwrap().unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EIO), "{number}");
        }
    });
    drop(open);
    until("all has happened", || {
        fs::metadata(inside.path("types/new")).is_ok()
            && fs::metadata(inside.path("pools/New")).is_ok()
            && fs::read(inside.path("pools/P/description")).unwrap() == b"late\n"
            && fs::metadata(inside.path("pools/P/requests/job")).is_ok()
    });
    let result = fs::read_to_string(inside.path("pools/P/results/job")).unwrap();
    assert_eq!(result.len(), 37, "{result}");
    let history = fs::read_to_string(inside.path("history")).unwrap();
    assert_eq!(history.matches(r#""event":"allocated""#).count(), 1);
    fs::create_dir(inside.path("pools/After")).unwrap();
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let mut daemon = Daemon::stopped();
    let disk = daemon.place.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let size = Some("size=4m");
    mount(Some("full"), &disk, Some("tmpfs"), MsFlags::empty(), size).unwrap();
    let disk = Disk(disk);
    daemon.catalog = disk.0.join("catalog");
    founding::found(&daemon.catalog).unwrap();
    daemon.start();
    daemon.library("lto", "virtual type=LTO-8 slots=9 drives=1 cartridges=3");
    daemon.pool("P", "LTO-8");
    let allocate = || {
        let mut reader = Reader::transact(&daemon.path("pools/P/allocate"), "timeout=0");
        reader.end().1
    };
    assert_eq!(allocate().len(), 37);
    let mut filler = File::create(disk.0.join("filler")).unwrap();
    while filler.write_all(&[0; 4096]).is_ok() {}
    let full = |text: &str| text.starts_with("0x800710DA ERROR_DATABASE_FULL ");
    // What the log file has room for may still succeed.
    let mut text = String::new();
    until("nothing can be written", || {
        text = fs::write(daemon.path("pools/P/description"), "0123456789".repeat(5)).map_or_else(
            |error| error.raw_os_error().unwrap().to_string(),
            |()| String::new(),
        );
        !text.is_empty()
    });
    assert_eq!(text, libc::ENOSPC.to_string());
    let before = (daemon.read("pools/P/counts"), daemon.read("history"));
    let refused = allocate();
    assert!(full(&refused), "{refused}");
    let error = fs::create_dir(daemon.path("pools/Q")).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENOSPC));
    assert!(full(&daemon.read("last-error")));
    assert_eq!(
        before,
        (daemon.read("pools/P/counts"), daemon.read("history"))
    );
    drop(filler);
    fs::remove_file(disk.0.join("filler")).unwrap();
    assert_eq!(allocate().len(), 37);
    fs::create_dir(daemon.path("pools/Q")).unwrap();
    assert_eq!(daemon.terminate().code(), Some(0));
}

/// A disk that goes at the end.
struct Disk(PathBuf);

impl Drop for Disk {
    fn drop(&mut self) {
        unmount_all(&self.0);
    }
}
