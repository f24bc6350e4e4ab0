//! What mount(8), fstab and umount(8) do with a catalog, and which files are refused.

use crate::harness::daemon::{Daemon, PROGRAM, unmount_all, until};
use crate::harness::random::Random;
use ntmsfs::cli::mountpoint::is_mounted;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

const HELPER: &str = "/sbin/mount.ntmsfs";

/// One test at a time has the helper in its place.
static ONE: Mutex<()> = Mutex::new(());

/// The link that mount(8) looks for, and what was there before.
struct Helper {
    before: Option<PathBuf>,
    _one: MutexGuard<'static, ()>,
}

impl Helper {
    fn new() -> Self {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let before = fs::read_link(HELPER).ok();
        assert!(
            before.is_some() || fs::metadata(HELPER).is_err(),
            "{HELPER} is no link"
        );
        drop(fs::remove_file(HELPER));
        symlink(PROGRAM, HELPER).unwrap();
        Self { before, _one: one }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(fs::remove_file(HELPER));
        if let Some(before) = &self.before {
            drop(symlink(before, HELPER));
        }
    }
}

#[track_caller]
fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

#[track_caller]
fn succeed(program: &str, arguments: &[&str]) {
    let output = run(program, arguments);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
}

/// Runs what has to be refused; the exit status and the message.
#[track_caller]
fn refused(program: &str, arguments: &[&str]) -> (i32, String) {
    let output = run(program, arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{program} {arguments:?}");
    (output.status.code().unwrap(), text)
}

/// The words of a mount in /proc/mounts: source, place, type, options.
fn entry(dir: &Path) -> Vec<String> {
    let table = fs::read_to_string("/proc/mounts").unwrap();
    let dir = dir.to_str().unwrap();
    let line = table
        .lines()
        .find(|line| line.split(' ').nth(1) == Some(dir));
    line.unwrap_or_default()
        .split([' ', ','])
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn unmount(daemon: &Daemon) {
    succeed("umount", &[daemon.dir.to_str().unwrap()]);
    assert!(!is_mounted(&daemon.dir));
    let lock = format!("{}.lock", daemon.catalog.display());
    until("the daemon has let go", || {
        fs::File::open(&lock).unwrap().try_lock().is_ok()
    });
}

#[test]
fn mount_by_type_and_umount() {
    let _helper = Helper::new();
    let daemon = Daemon::stopped();
    let (catalog, dir) = (
        daemon.catalog.to_str().unwrap(),
        daemon.dir.to_str().unwrap(),
    );
    for (options, word, gid) in [("rw", "rw", 0), ("ro", "ro", 0), ("rw,gid=7", "rw", 7)] {
        succeed("mount", &["-t", "ntmsfs", catalog, dir, "-o", options]);
        let words = entry(&daemon.dir);
        assert_eq!(words[..3], [catalog, dir, "fuse.ntmsfs"].map(str::to_owned));
        let forced = [
            "default_permissions",
            "allow_other",
            "nosuid",
            "nodev",
            "noexec",
            word,
        ];
        for word in forced {
            assert!(words.iter().any(|it| it == word), "{word}: {words:?}");
        }
        let history = fs::metadata(daemon.path("history")).unwrap();
        assert_eq!((history.gid(), history.mode() & 0o7777), (gid, 0o640));
        let made = fs::create_dir(daemon.path("pools/Q"));
        if word == "ro" {
            assert_eq!(made.unwrap_err().raw_os_error(), Some(libc::EROFS));
            let written = fs::write(daemon.path("pools/Free/description"), "x");
            assert_eq!(written.unwrap_err().raw_os_error(), Some(libc::EROFS));
            assert!(fs::read(daemon.path("pools/Free/counts")).is_ok());
        } else {
            made.unwrap();
            fs::remove_dir(daemon.path("pools/Q")).unwrap();
        }
        let (code, text) = refused("mount", &["-t", "ntmsfs", catalog, dir]);
        assert!(code == 32 && text.contains("in use"), "{code} {text}");
        unmount(&daemon);
    }
    succeed("mount", &["-f", "-t", "ntmsfs", catalog, dir]);
    assert!(!is_mounted(&daemon.dir));
}

/// After umount(8) the catalog is one file: what was in the write-ahead log beside it is in it, with a library as without.
/// Two names of the same file are refused, because each would get a log of its own.
#[test]
fn an_unmounted_catalog_is_whole_and_has_one_name() {
    let daemon = Daemon::new();
    daemon.supply([1]);
    unmount(&daemon);
    let log = format!("{}-wal", daemon.catalog.display());
    until("the log is in the catalog", || !Path::new(&log).exists());
    let other = daemon.catalog.with_file_name("other");
    fs::hard_link(&daemon.catalog, &other).unwrap();
    let (mounted, said) = attempt(&other, &daemon.dir);
    assert!(!mounted && said.contains("has 2 names"), "{said}");
}

#[test]
fn mount_by_fstab() {
    let _helper = Helper::new();
    let daemon = Daemon::stopped();
    let fstab = daemon.place.path().join("fstab");
    let line = format!(
        "{} {} ntmsfs rw,gid=7,nofail,_netdev,x-systemd.automount 0 0\n",
        daemon.catalog.display(),
        daemon.dir.display()
    );
    fs::write(&fstab, line).unwrap();
    let (fstab, dir) = (fstab.to_str().unwrap(), daemon.dir.to_str().unwrap());
    for arguments in [&["-T", fstab, dir][..], &["-a", "-T", fstab]] {
        succeed("mount", arguments);
        assert!(is_mounted(&daemon.dir));
        assert_eq!(fs::metadata(daemon.path("history")).unwrap().gid(), 7);
        unmount(&daemon);
    }
}

#[test]
fn wrong_words_are_refused_and_nothing_is_mounted() {
    let _helper = Helper::new();
    let daemon = Daemon::stopped();
    let (catalog, dir) = (
        daemon.catalog.to_str().unwrap(),
        daemon.dir.to_str().unwrap(),
    );
    let (code, text) = refused("mount", &["-t", "ntmsfs", catalog, dir, "-o", "gdi=7"]);
    assert!(
        code == 1 && text.contains(r#"did you mean "gid="?"#),
        "{code} {text}"
    );
    let (code, text) = refused(PROGRAM, &["mount", catalog, dir, "-o", "noexce"]);
    assert!(
        code == 1 && text.contains(r#"did you mean "noexec"?"#),
        "{code} {text}"
    );
    let (code, _) = refused(PROGRAM, &["mount", catalog]);
    assert_eq!(code, 2);
    let missing = format!("{catalog}.none");
    let (code, text) = refused("mount", &["-t", "ntmsfs", &missing, dir]);
    assert!(code == 32 && text.contains("ntmsfs init"), "{code} {text}");
    assert!(fs::metadata(&missing).is_err());
    let (code, text) = refused(HELPER, &[catalog, &format!("{dir}/none")]);
    assert!(code == 32 && text.contains("none"), "{code} {text}");
    assert!(!is_mounted(&daemon.dir));
}

/// Tries to mount a file; what is served must be taken away by the caller.
fn attempt(catalog: &Path, dir: &Path) -> (bool, String) {
    let output = Command::new(PROGRAM)
        .arg("mount")
        .args([catalog, dir])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        !text.contains("died") && !text.contains("panicked"),
        "{text}"
    );
    (output.status.success(), text)
}

#[test]
fn what_is_no_catalog_of_ours_is_refused() {
    let daemon = Daemon::stopped();
    let newer = daemon.place.path().join("newer");
    fs::copy(&daemon.catalog, &newer).unwrap();
    let db = Connection::open(&newer).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let other = daemon.place.path().join("other");
    let db = Connection::open(&other).unwrap();
    db.execute_batch("CREATE TABLE t (x); PRAGMA user_version = 1")
        .unwrap();
    drop(db);
    let text = daemon.place.path().join("text");
    fs::write(&text, "no database at all\n".repeat(100)).unwrap();
    let empty = daemon.place.path().join("empty");
    fs::write(&empty, "").unwrap();
    for (file, says) in [
        (&newer, "schema 99"),
        (&other, "no ntmsfs catalog"),
        (&text, "not a database"),
        (&empty, "no catalog"),
        (&daemon.dir, "unable to open"),
    ] {
        let before = fs::read(file).ok();
        let (served, text) = attempt(file, &daemon.dir);
        assert!(!served && text.contains(says), "{}: {text}", file.display());
        assert!(!is_mounted(&daemon.dir));
        assert!(
            before == fs::read(file).ok(),
            "{} was changed",
            file.display()
        );
    }
}

/// The names in a directory, and what is in its files; a catalog that is in order may be opened before a mount is refused.
fn inside(dir: &Path) -> BTreeMap<OsString, Option<Vec<u8>>> {
    let each = fs::read_dir(dir).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let text = fs::read(entry.path()).ok();
        let name = entry.file_name();
        let text = text.filter(|_| name != "catalog");
        (name, text)
    });
    each.collect()
}

/// Whoever is refused leaves everything as it was: no lock, no log of the engine, nothing.
#[test]
fn a_refusal_leaves_nothing_behind() {
    let daemon = Daemon::stopped();
    let place = daemon.place.path();
    let catalog = daemon.catalog.to_str().unwrap();
    let path = |name: &str| place.join(name).to_str().unwrap().to_owned();
    let (newer, closed, text, none) = (path("newer"), path("closed"), path("text"), path("none"));
    for copy in [&newer, &closed] {
        fs::copy(&daemon.catalog, copy).unwrap();
    }
    let db = Connection::open(&newer).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    fs::write(&text, "no database at all\n".repeat(100)).unwrap();
    // He may make files here, but not read the catalog.
    fs::set_permissions(place, Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o600)).unwrap();
    let dir = daemon.dir.to_str().unwrap();
    let file = path("file");
    fs::write(&file, "").unwrap();
    let (hooks, archive) = (format!("hooks={none}"), path("archive"));
    let user: &[&str] = &["setpriv", "--reuid=4001", "--regid=4001", "--clear-groups"];
    let root: &[&str] = &["env"];
    // Everybody must be able to run it, wherever it was built.
    let elsewhere = tempfile::tempdir().unwrap();
    fs::set_permissions(elsewhere.path(), Permissions::from_mode(0o755)).unwrap();
    let program = elsewhere.path().join("ntmsfs");
    fs::copy(PROGRAM, &program).unwrap();
    for (who, words) in [
        (root, &["mount", &newer, dir][..]),
        (root, &["mount", &text, dir]),
        (root, &["mount", catalog, &file]),
        (root, &["mount", "-o", "pool=None", catalog, dir]),
        (root, &["mount", "-o", &hooks, catalog, dir]),
        (root, &["check", &text]),
        (root, &["check", &none]),
        (root, &["archive", &text, &archive]),
        (root, &["archive", &newer, &archive]),
        (root, &["archive", "--before=2", catalog, &text]),
        (root, &["restore", &text, &none]),
        (user, &["mount", &closed, dir]),
        (user, &["check", &closed]),
        (user, &["archive", &closed, &archive]),
    ] {
        let before = inside(place);
        let words = [who, &[program.to_str().unwrap()], words].concat();
        let (_, said) = refused(words[0], &words[1..]);
        assert!(!said.contains("failed to execute"), "{words:?}: {said}");
        let after = inside(place);
        assert!(
            before == after,
            "{words:?} ({said}): {:?} became {:?}",
            before.keys(),
            after.keys()
        );
    }
    // A catalog that is in order is looked at, and nothing stays either.
    let before = inside(place);
    succeed(PROGRAM, &["check", catalog]);
    assert!(before == inside(place));
}

/// Served or refused, but never a panic, also of what reads the tree.
#[test]
fn a_damaged_catalog_is_an_error_at_most() {
    let mut daemon = Daemon::new();
    daemon.supply(1..=50);
    assert!(daemon.terminate().success());
    let whole = fs::read(&daemon.catalog).unwrap();
    let mut random = Random(1);
    let mut served = 0;
    for round in 0..16 {
        let mut bytes = whole.clone();
        if round % 4 == 0 {
            bytes.truncate(whole.len() / 16 * (round + 1));
        }
        for _ in 0..(1 << (round / 2)) {
            let at = random.below(bytes.len());
            bytes[at] = random.next().to_le_bytes()[0];
        }
        let mut file = fs::File::create(&daemon.catalog).unwrap();
        file.write_all(&bytes).unwrap();
        for end in ["-wal", "-shm"] {
            drop(fs::remove_file(format!(
                "{}{end}",
                daemon.catalog.display()
            )));
        }
        let (up, _) = attempt(&daemon.catalog, &daemon.dir);
        if up {
            served += 1;
            let dir = daemon.dir.to_str().unwrap();
            let all = ["60", "find", dir, "-type", "f", "-exec", "cat", "{}", "+"];
            let output = run("timeout", &all);
            assert_ne!(
                output.status.code(),
                Some(124),
                "round {round}: it does not end"
            );
            drop(fs::create_dir(daemon.path("pools/Q")));
            assert!(fs::read(daemon.path("README")).is_ok(), "round {round}");
            drop(run("umount", &[dir]));
            unmount_all(&daemon.dir);
        }
        assert!(!is_mounted(&daemon.dir));
    }
    println!("{served} of 16 damaged catalogs were served");
}
