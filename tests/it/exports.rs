//! A copy of a catalog while others write, the way back, and a new catalog that is there at once or not at all.

use crate::harness::world::folder;
use crate::harness::{Shell, Tree, same, until};
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::manager::{check, founding, restoring};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The names in a folder, but locks that nobody holds.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| Path::new(name).extension().is_none_or(|end| end != "lock"))
        .collect();
    names.sort();
    names
}

#[test]
fn an_export_under_load_is_a_sound_catalog() {
    let tree = Tree::stocked(50);
    let (stop, (program, catalog, _)) = (Arc::new(AtomicBool::new(false)), tree.places());
    let (working, pool) = (Arc::clone(&stop), tree.path("pools/Backup/description"));
    let load = std::thread::spawn(move || {
        let mut rounds = 0;
        while !working.load(Ordering::Relaxed) || rounds < 50 {
            fs::write(&pool, format!("round {rounds}\n")).expect("a description");
            rounds += 1;
        }
    });
    let script = r#"
set -e
for n in 1 2 3; do
    cp export "$T/export-$n"
done
exec 3<export; stat -L -c %s /dev/fd/3; cat <&3 | wc -c
ls | grep -c export || true
stat -c %a export
"#;
    let ran = tree.run(Shell::Bash, script);
    stop.store(true, Ordering::Relaxed);
    load.join().expect("the load");
    let lines: Vec<&str> = ran.output().lines().collect();
    same("the size is what is read", lines[0], lines[1]);
    same("not listed, for root alone", &lines[2..], &["0", "400"]);
    let scratch = tree.scratch("scratch");
    let beside = Path::new(catalog).parent().expect("a folder");
    until("nothing is left beside the catalog", || {
        let left = names(beside).iter().any(|name| name.contains("export"));
        (!left).then_some(())
    });
    for n in 1..=3 {
        let (export, restored) = (
            scratch.join(format!("export-{n}")),
            scratch.join(format!("catalog-{n}")),
        );
        restoring::restore(&export, &restored).expect("a sound export");
        assert_eq!(check(&restored, &[]).expect("a check").problems, [""; 0]);
        let again = restoring::restore(&export, &restored).expect_err("it exists");
        assert_eq!(again.kind, ErrorKind::AlreadyExists);
    }
    let script = format!(
        "mkdir \"$T/mnt\" && {program} mount \"$T/catalog-3\" \"$T/mnt\" && cat \"$T/mnt/pools/Backup/media_type\" && \
         ls \"$T/mnt/media\" | wc -l; umount \"$T/mnt\""
    );
    assert_eq!(tree.run(Shell::Bash, &script).output(), "LTO-8\n54\n");
}

#[test]
fn who_is_not_root_gets_no_export_and_a_poller_is_told() {
    let tree = Tree::stocked(1);
    let other = crate::harness::User {
        uid: 1000,
        gid: 1000,
        groups: "",
    };
    let ran = tree.run_as(other, Shell::Bash, "cat export 2>&1 | tail -c 18");
    assert_eq!(ran.output(), "Permission denied\n");
    let script = r#"
import os, select, errno
file = os.open("export", os.O_RDONLY | os.O_NONBLOCK)
poll = select.poll(); poll.register(file, select.POLLIN)
assert poll.poll(30000) == [(file, select.POLLIN)]
assert os.read(file, 16) == b"SQLite format 3\0"
others = [os.open("export", os.O_RDONLY) for n in range(3)]
try: os.open("export", os.O_RDONLY)
except OSError as error: print(errno.errorcode[error.errno])
print(len(os.pread(file, 1 << 20, os.fstat(file).st_size)), len(os.pread(others[2], 10, 5)))
"#;
    assert_eq!(tree.run(Shell::Python, script).output(), "EBUSY\n0 10\n");
}

#[test]
fn only_a_whole_and_sound_export_is_restored() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let refused = |name: &str| {
        let refusal = restoring::restore(&path(name), &path("new")).expect_err(name);
        (refusal.kind, refusal.sentence)
    };
    founding::found(&path("good")).expect("a catalog");
    fs::write(path("other"), "no catalog").expect("a file");
    let good = fs::read(path("good")).expect("a catalog");
    fs::write(path("half"), &good[..good.len() / 2]).expect("a file");
    let forged: Vec<u8> = (0..good.len())
        .map(|at| {
            let here = at >= 4 && good.get(at - 4..=at) == Some(b"LTO-3");
            if here { b'0' } else { good[at] }
        })
        .collect();
    assert_ne!(forged, good);
    fs::write(path("forged"), forged).expect("a file");
    fs::write(path("live"), &good).expect("a file");
    fs::write(path("live-wal"), "more").expect("a file");
    let before = names(folder.path());
    for name in ["missing", "other", "half", "forged"] {
        let (kind, sentence) = refused(name);
        assert_eq!(kind, ErrorKind::DatabaseFailure, "{name}: {sentence}");
    }
    assert_eq!(refused("live").0, ErrorKind::Busy);
    assert_eq!(names(folder.path()), before, "nothing is left");
    fs::write(path("new-wal"), "of another").expect("a file");
    assert_eq!(refused("good").0, ErrorKind::AlreadyExists);
    fs::remove_file(path("new-wal")).expect("a file");
    restoring::restore(&path("good"), &path("new")).expect("a catalog");
    assert_eq!(check(&path("new"), &[]).expect("a check").problems, [""; 0]);
}

#[test]
fn a_new_catalog_is_there_at_once_or_not_at_all() {
    let folder = folder();
    let path = folder.path().join("catalog");
    let racers: Vec<_> = (0..4)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || founding::found(&path).map_err(|refusal| refusal.kind))
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        match racer.join().expect("a racer") {
            Ok(()) => won += 1,
            Err(kind) => assert_eq!(kind, ErrorKind::AlreadyExists),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(names(folder.path()), ["catalog"]);
    assert_eq!(check(&path, &[]).expect("a check").problems, [""; 0]);
}
