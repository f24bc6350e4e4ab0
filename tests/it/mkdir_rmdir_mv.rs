//! Objects under mkdir, rmdir, mv, rm and import: what each does, what it refuses, and that nothing is lost.

use crate::harness::{SHELLS, Shell, Tree, same, until};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

#[test]
fn the_life_of_a_medium() {
    let tree = Tree::stocked(3);
    tree.write("pools/Backup/deallocate_to_free", "1");
    for shell in SHELLS {
        let ran = tree.run(
            shell,
            "exec 3<>pools/Backup/allocate; echo timeout=5s >&3; read -r l <&3
             cat logical/$l/state; echo complete > logical/$l/state; cat logical/$l/state
             ls pools/Backup/media; rmdir logical/$l; ls pools/Backup/media logical
             ls pools/Free/pools/LTO-8/media",
        );
        let lines = ran.output().lines().collect::<Vec<_>>();
        same(&ran, &lines[..2], &["allocated", "complete"]);
        assert!(lines[2].starts_with("lto-"), "{ran:?}");
        same(
            &ran,
            &lines[3..],
            &[
                "logical:",
                "",
                "pools/Backup/media:",
                "lto-0001",
                "lto-0002",
                "lto-0003",
            ],
        );
    }
    let ran = tree.run(
        Shell::Dash,
        "cd media; echo decommissioned > lto-0001/sides/A/state; cat lto-0001/sides/A/state
         for w in available allocated bogus; do echo $w > lto-0001/sides/A/state; done 2>$T/noise
         cat lto-0001/sides/A/state ../last-error",
    );
    assert!(
        ran.output()
            .starts_with("decommissioned\ndecommissioned\n0x80070057 "),
        "{ran:?}"
    );
}

#[test]
fn media_move_between_pools() {
    let tree = Tree::stocked(3);
    tree.pool("Other", "LTO-8");
    let ran = tree.run(
        Shell::Bash,
        "mv pools/Free/pools/LTO-8/media/lto-0001 pools/Backup/media/
         mv pools/Backup/media/lto-0001 pools/Other/media/renamed
         mv pools/Other/media/renamed pools/Other/media/again
         ls pools/*/media media; readlink media/again; cat media/again/name media/again/pool/name",
    );
    let text = ran.output();
    assert!(
        text.contains("media:\nagain\nlto-0002\nlto-0003\n"),
        "{text}"
    );
    assert!(
        text.ends_with("../pools/Other/media/again\nagain\nOther\n"),
        "{text}"
    );
    for (script, errno, line) in [
        ("mv media/again/../again pools/Archive/media/", "", ""),
        (
            "mv pools/Other/media/again pools/Archive/media/",
            "Wrong medium type",
            "0x800710DB ",
        ),
        (
            "mv pools/Other/media/again pools/Unrecognized/pools/LTO-8/media/",
            "Operation not permitted",
            "0x800710CE ",
        ),
        (
            "mv pools/Other/media/again pools/Import/pools/LTO-8/media/",
            "Operation not permitted",
            "0x800710CE ",
        ),
        (
            "mv -T pools/Other/media/again pools/Free/pools/LTO-8/media/lto-0002",
            "File exists",
            "0x800700B7 ",
        ),
        (
            "mv pools/Other/media/again pools/Other/",
            "Operation not permitted",
            "0x80070032 ",
        ),
        (
            "mv pools/Other/media/again types/",
            "Operation not permitted",
            "0x80070032 ",
        ),
        (
            "mv pools/Other/media pools/Other/m2",
            "Operation not permitted",
            "0x80070032 ",
        ),
        (
            "mv README README2",
            "Operation not permitted",
            "0x80070032 ",
        ),
        (
            "mv pools/Other/id $T/id",
            "Operation not permitted",
            "0x80070032 ",
        ),
    ] {
        let ran = tree.run(Shell::Dash, script);
        assert!(ran.status != Some(0), "{script}: {ran:?}");
        assert!(ran.stderr.contains(errno), "{script}: {ran:?}");
        let said = tree.read("last-error");
        assert!(
            line.is_empty() || said.starts_with(line),
            "{script}: {said}"
        );
    }
    assert_eq!(tree.names("pools/Other/media"), ["again"]);
}

#[test]
fn pools_come_go_and_move() {
    let tree = Tree::stocked(2);
    let ran = tree.run(
        Shell::Bash,
        "mkdir -p pools/A/pools/B/pools/C; mv pools/A/pools/B pools/D; mv pools/D pools/A/pools/E
         ls pools pools/A/pools pools/A/pools/E/pools; cat pools/A/pools/E/name
         rmdir pools/A/pools/E/pools/C; rmdir pools/A/pools/E; rmdir pools/A; ls pools",
    );
    let expected = "pools:\nA\nArchive\nBackup\nFree\nImport\nUnrecognized\n\npools/A/pools:\nE\n\n\
        pools/A/pools/E/pools:\nC\nE\nArchive\nBackup\nFree\nImport\nUnrecognized\n";
    assert_eq!(ran.output(), expected);
    tree.allocate("Backup", "timeout=0");
    fs::create_dir_all(tree.path("pools/A/pools/B")).expect("pools");
    for (script, errno) in [
        ("rmdir pools/Backup", "Directory not empty"),
        ("rmdir pools/A", "Directory not empty"),
        ("rmdir pools/Free", "Invalid argument"),
        ("rmdir pools/A/pools", "Operation not permitted"),
        ("rmdir pools/Backup/requests", "Operation not permitted"),
        ("rmdir pools", "Operation not permitted"),
        ("rmdir README", "Not a directory"),
        ("mkdir pools/A", "File exists"),
        ("mkdir pools/Backup/pools/X", "Invalid argument"),
        ("mkdir pools/Free/pools/LTO-8/pools/X", "Invalid argument"),
        (
            "mv pools/A pools/A/pools/B/pools/",
            "subdirectory of itself",
        ),
        ("mv -T pools/A pools/Archive", "File exists"),
        ("mv pools/Free pools/Libre", "Operation not permitted"),
        ("mv pools/A pools/Backup/pools/", "Operation not permitted"),
        ("mv pools/A pools/Free/pools/", "Operation not permitted"),
        ("echo LTO-3 > pools/Backup/media_type", "not empty"),
        (
            "echo LTO-99 > pools/A/pools/B/media_type",
            "Invalid argument",
        ),
    ] {
        let ran = tree.run(Shell::Bash, script);
        assert!(
            ran.status != Some(0) && ran.stderr.contains(errno),
            "{script}: {ran:?}"
        );
    }
}

#[test]
fn what_mkdir_and_friends_do_not_make() {
    let tree = Tree::stocked(1);
    tree.allocate("Backup", "timeout=0");
    for place in [
        "",
        "media",
        "logical",
        "operator",
        "by-id",
        "by-id/pool",
        "by-barcode",
        "pools/Backup",
        "pools/Backup/requests",
        "pools/Backup/results",
        "pools/Backup/media/lto-0001",
        "libraries/lto",
        "libraries/lto/slots",
        "types/LTO-8",
    ] {
        for make in [
            "mkdir ./$P/x",
            "ln -s y ./$P/x",
            "ln README ./$P/x",
            "mkfifo ./$P/x",
        ] {
            let ran = tree.run(Shell::Dash, &format!("P={place}; {make}"));
            assert!(
                ran.stderr.contains("Operation not permitted"),
                "{make} in {place}: {ran:?}"
            );
            let said = tree.read("last-error");
            assert!(
                said.starts_with("0x80070032 ERROR_NOT_SUPPORTED "),
                "{make} in {place}: {said}"
            );
        }
        if place != "pools/Backup/requests" {
            let ran = tree.run(Shell::Bash, &format!("echo x > ./{place}/x"));
            assert!(
                ran.stderr.contains("Operation not permitted"),
                "creat in {place}: {ran:?}"
            );
        }
    }
    let ran = tree.run(
        Shell::Python,
        "
import ctypes
c = ctypes.CDLL(None, use_errno=True)
for a, b in (b'pools/Backup', b'pools/Archive'), (b'libraries/lto', b'libraries/mo'), (b'README', b'status'):
    for flag in 2, 4: print(c.renameat2(-100, a, -100, b, flag), ctypes.get_errno())
print(c.renameat2(-100, b'pools/Backup', -100, b'pools/Archive', 1), ctypes.get_errno())
print(c.renameat2(-100, b'pools/Backup', -100, b'pools/Archive', 0), ctypes.get_errno())
",
    );
    assert_eq!(ran.output(), "-1 95\n".repeat(6) + "-1 17\n-1 17\n");
}

#[test]
fn rm_of_a_tree_destroys_no_object() {
    let tree = Tree::stocked(4);
    tree.allocate("Backup", "timeout=0");
    let before = contents(&tree);
    let ran = tree.run(Shell::Bash, "rm -rf pools/Backup pools/Free media logical libraries types operator by-id by-barcode 2>$T/noise");
    assert_ne!(ran.status, Some(0));
    assert_unchanged(&before, &contents(&tree));
}

#[test]
fn names() {
    let tree = Tree::stocked(1);
    let good = [
        "with space",
        "Привет-磁带",
        "it's \"quoted\" $HOME `x` \\n",
        "-dash",
        "*",
        "a~2",
        &"x".repeat(255),
        &"é".repeat(127),
    ];
    for name in good {
        let at = format!("pools/{name}");
        fs::create_dir(tree.path(&at)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(tree.read(&format!("{at}/name")), format!("{name}\n"));
        tree.write(&format!("{at}/media_type"), "LTO-8");
        let request = format!("{at}/requests/{name}");
        tree.write(&request, "timeout=0");
        assert!(
            tree.read(&format!("{at}/results/{name}"))
                .starts_with("0x800710D4 "),
            "{name}"
        );
        assert!(
            tree.names(&format!("{at}/requests"))
                .contains(&name.to_owned())
        );
        fs::remove_file(tree.path(&request)).expect("forgotten");
        assert!(tree.names("pools").contains(&name.to_owned()));
        fs::remove_dir(tree.path(&at)).expect("removed");
    }
    let ran = tree.run(
        Shell::Python,
        "
import os
for name in b'a\\nb', b'tab\\t', b'\\x7f', b'x' * 256, b'bad\\xff', b'\\x1b[0m':
    for make in (lambda p: os.mkdir(p), lambda p: os.close(os.open(p, os.O_CREAT | os.O_WRONLY)),
                 lambda p: os.rename(b'pools/Backup', p)):
        place = b'pools/Backup/requests/' if make.__code__.co_names[1] == 'close' else b'pools/'
        try: make(place + name); print('made', name)
        except OSError as e: print(e.errno, end=' ')
print()
",
    );
    assert_eq!(
        ran.output(),
        "22 22 1 22 22 1 22 22 1 22 22 1 22 22 1 22 22 1 \n"
    );
    tree.run(
        Shell::Bash,
        "mkdir 'pools/a b' && mv 'pools/a b' $'pools/c \\'d' && ls pools/c\\ * && rmdir pools/c*",
    )
    .output();
}

#[test]
fn import_takes_all_or_none() {
    let tree = Tree::stocked(0);
    let file = tree.scratch("scratch").join("media");
    let mut text = String::from("# shelf\n\n");
    for number in 0..500 {
        writeln!(
            text,
            "S{number:04} barcode=S{number:04}L8 description=\"on the shelf\""
        )
        .expect("a line");
    }
    text.push_str("ONLINE slot=lto/7 # in the library\n");
    fs::write(&file, &text).expect("a file");
    for _ in 0..2 {
        tree.run(Shell::Bash, "cp $T/media pools/Backup/import")
            .output();
        assert_eq!(tree.names("media").len(), 501 + 4);
    }
    let history = tree.read("history");
    tree.run(Shell::Dash, "cat $T/media > pools/Backup/import")
        .output();
    assert_eq!(tree.read("history"), history, "sent again, nothing changes");
    assert_eq!(tree.read("media/ONLINE/location"), "lto/7\n");
    assert_eq!(tree.read("media/S0007/location"), "offline\n");
    let bad = [
        ("A1\nA2 bogus=1\nA3\n", "line 2: "),
        ("A1\n# no\n\nS0001 barcode=OTHER\n", "line 4: "),
        ("A1 slot=lto/7\n", "line 1: "),
        ("A1 slot=lto/9999\n", "line 1: "),
        ("A1 slot=nowhere/1\n", "line 1: "),
        ("A1\nA2 barcode=S0001L8\n", "line 2: "),
        ("A1 sides=2\n", "line 1: "),
        ("A1\nA1 barcode=X\n", "line 2: "),
        ("A/1\n", "line 1: "),
    ];
    for (lines, number) in bad {
        let asked = tree.ask("pools/Backup/import", lines.as_bytes());
        assert!(
            asked.refused.is_some() && asked.text.contains(number),
            "{lines:?}: {asked:?}"
        );
        assert_eq!(asked.text, tree.read("last-error"), "{lines:?}");
    }
    assert_eq!(
        tree.names("media").len(),
        505,
        "none of the refused lines was taken"
    );
    tree.run(Shell::Bash, "printf 'B1\\nB2' > pools/Backup/import")
        .output();
    assert!(tree.path("media/B1").exists() && !tree.path("media/B2").exists());
}

#[test]
fn lines_of_an_import_are_counted_from_the_open() {
    let tree = Tree::stocked(0);
    let ran = tree.run(
        Shell::Bash,
        "exec 3<>pools/Backup/import; echo A1 >&3; printf 'A2\\nA' >&3; echo 3 >&3; echo A4 bogus >&3 2>$T/noise
         cat <&3; echo A4 >&3; ls media",
    );
    let text = ran.output();
    assert!(
        text.starts_with("0x80070057 ERROR_INVALID_PARAMETER line 4: "),
        "{text}"
    );
    assert!(
        text.ends_with("\nA1\nA2\nA3\nA4\nmo-0001\nmo-0002\nmo-0003\nmo-0004\n"),
        "{text}"
    );
}

/// Inode number and contents of everything that does not wait, by path.
type Contents = BTreeMap<String, (u64, Vec<u8>)>;

fn contents(tree: &Tree) -> Contents {
    let mut out = BTreeMap::new();
    walk(&tree.path(""), &tree.path(""), &mut out);
    out
}

fn walk(top: &Path, dir: &Path, out: &mut Contents) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        let Ok(found) = fs::symlink_metadata(&path) else {
            continue;
        };
        let bytes = if found.is_dir() {
            walk(top, &path, out);
            Vec::new()
        } else if found.is_symlink() {
            fs::read_link(&path)
                .expect("a link")
                .into_os_string()
                .into_encoded_bytes()
        } else {
            fs::read(&path).expect("a file")
        };
        let name = path
            .strip_prefix(top)
            .expect("below")
            .to_string_lossy()
            .into_owned();
        out.insert(name, (found.ino(), bytes));
    }
}

/// What says how long the history is.
const SUMMARIES: [&str; 5] = ["history", "info.json", "metrics", "status", "status.html"];

/// Everything is as before; the history may have gone on, but what it had stays.
#[track_caller]
fn assert_unchanged(before: &Contents, after: &Contents) {
    let paths = before.keys().chain(after.keys());
    let summary = |path: &&String| SUMMARIES.contains(&path.as_str());
    let different: Vec<&String> = paths
        .filter(|path| !summary(path) && before.get(*path) != after.get(*path))
        .collect();
    assert!(different.is_empty(), "{different:?}");
    for path in SUMMARIES {
        assert_eq!(before[path].0, after[path].0, "{path}");
    }
    assert!(after["history"].1.starts_with(&before["history"].1));
}

#[test]
fn a_remount_loses_nothing_and_keeps_inode_numbers() {
    let tree = Tree::stocked(5);
    let lmid = tree.allocate("Backup", "timeout=0 name=one");
    tree.allocate("Archive", "new timeout=0");
    fs::remove_dir(tree.path(&format!("logical/{lmid}"))).expect("given back");
    tree.allocate("Backup", "timeout=0");
    tree.write("pools/Backup/requests/done", "timeout=0");
    tree.write("pools/Backup/requests/waits", "timeout=10m side=lto-0005/A");
    tree.pool("Empty", "LTO-3");
    tree.write("pools/Empty/import", "S1 barcode=S1L3");
    tree.write("pools/Empty/requests/waits", "timeout=10m");
    until("it waits", || {
        (!tree.names("operator").is_empty()).then_some(())
    });
    fs::create_dir(tree.path("types/ODD")).expect("a type");
    tree.run(
        Shell::Bash,
        "chmod 750 pools/Empty; chown 4001:4001 pools/Empty",
    )
    .output();
    let before = contents(&tree);
    tree.remount();
    let after = contents(&tree);
    assert_unchanged(&before, &after);
    let numbers: std::collections::HashSet<u64> = before.values().map(|(ino, _)| *ino).collect();
    assert_eq!(numbers.len(), before.len(), "an inode number is one object");
    fs::remove_file(tree.path("pools/Empty/requests/waits")).expect("it still waits");
    assert!(tree.names("operator").is_empty());
}
