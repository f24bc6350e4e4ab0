//! The tree of a small catalog: what is listed is found, has exact attributes, shows, and leads somewhere.

use super::*;
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::time::Time;
use crate::manager::{Readers, View};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A catalog in a directory that goes with it.
pub(super) struct Sample {
    dir: tempfile::TempDir,
    readers: Readers,
}

impl Sample {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = Self::path(&dir);
        let readers = Readers::new(&path);
        let sample = Self { dir, readers };
        sample.change("PRAGMA journal_mode=WAL");
        sample.change(include_str!("../store/schema.sql"));
        sample.change(include_str!("sample.sql"));
        sample.change(include_str!("../store/schema-mount.sql"));
        sample
    }

    fn path(dir: &tempfile::TempDir) -> PathBuf {
        dir.path().join("catalog")
    }

    fn change(&self, sql: &str) {
        let db = rusqlite::Connection::open(Self::path(&self.dir)).unwrap();
        db.execute_batch(sql).unwrap();
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&View) -> Result<T>) -> T {
        self.readers.look(look).unwrap()
    }

    pub(super) fn node(&self, path: &str) -> Option<Node> {
        self.look(|view| Ok(walk(view, Node::ROOT, path)))
    }

    fn shows(&self, path: &str) -> String {
        let node = self.node(path).unwrap_or_else(|| panic!("no {path}"));
        String::from_utf8(self.look(|view| show(view, node))).unwrap()
    }

    fn target(&self, path: &str) -> Option<String> {
        let node = self.node(path)?;
        self.look(|view| target(view, node))
    }

    fn stat(&self, path: &str) -> Attributes {
        let node = self.node(path).unwrap_or_else(|| panic!("no {path}"));
        self.look(|view| attributes(view, node, 4)).unwrap()
    }
}

/// Follows a path from a directory, `..` too, but no links.
fn walk(view: &View, from: Node, path: &str) -> Option<Node> {
    path.split('/')
        .filter(|name| !name.is_empty())
        .try_fold(from, |dir, name| match name {
            ".." => parent(view, dir).unwrap(),
            _ => lookup(view, dir, name.as_bytes()).unwrap(),
        })
}

/// Lists a directory in pages.
fn all(view: &View, dir: Node, page: u32) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::new();
    loop {
        let after = out.last().map_or(0, |entry| entry.cookie);
        let entries = list(view, dir, after, page).unwrap();
        assert!(entries.len() <= usize::try_from(page).unwrap());
        let last = entries.len() < usize::try_from(page).unwrap();
        out.extend(entries);
        if last {
            return out;
        }
    }
}

/// Checks a directory and all below it; notes every path and its node.
fn crawl(view: &View, dir: Node, path: &str, seen: &mut BTreeMap<String, Node>) {
    let entries = all(view, dir, 3);
    assert_eq!(
        entries,
        all(view, dir, 1000),
        "{path}: pages are as the whole"
    );
    let mut cookie = 2;
    for entry in entries {
        let path = format!("{path}/{}", entry.name);
        assert!(entry.cookie > cookie, "{path}: cookies increase");
        cookie = entry.cookie;
        let node = entry.node;
        assert_eq!(
            lookup(view, dir, entry.name.as_bytes()),
            Ok(Some(node)),
            "{path}"
        );
        assert_eq!(parent(view, node), Ok(Some(dir)), "{path}");
        let home = home_path(view, node).unwrap().unwrap();
        assert_eq!(format!("/{}", home.join("/")), path);
        assert_eq!(Node::from_ino(node.ino()), Some(node));
        check(view, dir, node, &path);
        if matches!(behaviour(node), Behaviour::Dir(_)) {
            crawl(view, node, &path, seen);
        }
        assert!(seen.insert(path, node).is_none());
    }
}

/// Checks one node: its size is what it shows, and its link leads to a node.
fn check(view: &View, dir: Node, node: Node, path: &str) {
    let attributes = attributes(view, node, 4).unwrap().unwrap();
    assert_eq!(attributes.ino, node.ino());
    assert!(
        attributes.mode <= 0o777 && attributes.modified > Time(0),
        "{path}"
    );
    let shown = show(view, node).unwrap();
    let size = usize::try_from(attributes.size).unwrap();
    match behaviour(node) {
        Behaviour::Dir(_) => assert_eq!((attributes.kind, size), (FileKind::Directory, 0)),
        Behaviour::Link(_) => {
            let target = target(view, node).unwrap().unwrap();
            assert_eq!(
                (attributes.kind, size),
                (FileKind::Link, target.len()),
                "{path}"
            );
            let end = walk(view, dir, &target);
            assert!(end.is_some(), "{path} -> {target}");
        }
        Behaviour::History => assert_eq!((attributes.kind, size), (FileKind::File, 60)),
        Behaviour::Stream | Behaviour::LastError => panic!("{path} is listed"),
        Behaviour::Shown(_)
        | Behaviour::Attr(..)
        | Behaviour::Transaction
        | Behaviour::Bulk
        | Behaviour::RequestFile(_)
        | Behaviour::ResultFile(_) => {
            assert_eq!(
                (attributes.kind, size),
                (FileKind::File, shown.len()),
                "{path}"
            );
            assert!(shown.is_empty() || shown.ends_with(b"\n"), "{path}");
        }
    }
}

#[test]
fn what_is_listed_is_found_shows_and_leads_somewhere() {
    let mut seen = BTreeMap::new();
    Sample::new().look(|view| {
        crawl(view, Node::ROOT, "", &mut seen);
        Ok(())
    });
    for path in [
        "/README",
        "/pools/Free/pools/LTO-8/media/C/sides/A/state",
        "/pools/Backup/results/job-1",
        "/pools/Backup/requests/job-2",
        "/pools/Archive/pools/Täglich \"日本\" a\\x0a/media/..ö /sides/B/id",
        "/media/..ö ",
        "/by-barcode/A00001L8",
        "/by-id/side/00000000-0000-7000-8000-0000000000e4",
        "/libraries/lib 0/slots/2/medium",
        "/operator/81/result",
        "/logical/00000000-0000-7000-8000-0000000000f0/side",
    ] {
        assert!(seen.contains_key(path), "{path}");
    }
    for path in [
        "/events",
        "/last-error",
        "/pools/Backup/results/job-2",
        "/operator/80/result",
        "/operator/81/pool",
        "/pools/Backup/media/B/slot",
        "/pools/Backup/media/B/sides/A/logical",
        "/libraries/lib 0/drives/1/medium",
        "/by-barcode/B/1",
    ] {
        assert!(!seen.contains_key(path), "{path}");
    }
    let mut inodes: Vec<u64> = seen.values().map(|node| node.ino()).collect();
    inodes.sort_unstable();
    inodes.dedup();
    assert_eq!(inodes.len(), seen.len(), "an inode number is one place");
}

#[test]
fn what_would_wait_is_found_but_not_listed() {
    let sample = Sample::new();
    for path in [
        "events",
        "last-error",
        "operator/80/result",
        "pools/Backup/results/job-2",
    ] {
        let node = sample.node(path).unwrap();
        assert_eq!(sample.look(|view| outcome(view, node)), None);
        assert_eq!(sample.stat(path).size, 0);
    }
    let done = sample.node("pools/Backup/results/job-1").unwrap();
    let lmid = b"00000000-0000-7000-8000-0000000000f0\n".to_vec();
    assert_eq!(sample.look(|view| outcome(view, done)), Some(lmid));
}

#[test]
fn names_that_are_not_there() {
    let sample = Sample::new();
    for path in [
        "nothing",
        "pools/backup",
        "pools/LTO-8",
        "pools/Free/media/C",
        "libraries/lib 0/slots/01",
        "libraries/lib 0/slots/3",
        "libraries/lib 0/slots/x",
        "operator/080",
        "logical/00000000-0000-7000-8000-0000000000F0",
        "logical/{00000000-0000-7000-8000-0000000000f0}",
        "by-id/pool/00000000-0000-7000-8000-0000000000f0",
        "pools/Backup/media/B/sides/B",
        "pools/Backup/media/B/sides/a",
        "pools/Backup/media/B/slot",
    ] {
        assert_eq!(sample.node(path), None, "{path}");
    }
    sample.look(|view| {
        for name in [&b"\xff"[..], b"", b"a\0b", &[b'x'; 256]] {
            assert_eq!(lookup(view, Node::ROOT, name)?, None);
        }
        let gone = Node::new(Row::Pool, ObjectNo(999));
        assert_eq!(lookup(view, gone, b"id")?, None);
        assert_eq!(attributes(view, gone, 0)?, None);
        assert_eq!(parent(view, gone)?, None);
        assert_eq!(list(view, gone, 0, 9)?, vec![]);
        Ok(())
    });
}

#[test]
fn a_listing_goes_on_while_others_come_and_go() {
    let sample = Sample::new();
    let dir = sample.node("media").unwrap();
    let names = |entries: &[Entry]| entries.iter().map(|e| e.name.clone()).collect::<Vec<_>>();
    let first = sample.look(|view| list(view, dir, 0, 2));
    assert_eq!(names(&first), ["A00001L8", "B"]);
    sample.change(
        "DELETE FROM side WHERE medium = 41; DELETE FROM medium WHERE no = 41;
         INSERT INTO medium SELECT 90, randomblob(16), 'A0', NULL, '', media_type, pool, 1, NULL, NULL, 1, 1
         FROM medium WHERE no = 40;",
    );
    let rest = sample.look(|view| list(view, dir, first[1].cookie, 9));
    assert_eq!(names(&rest), ["C", "..ö ", "A0"]);
    let slots = sample.node("libraries/lib 0/slots").unwrap();
    let last = sample.look(|view| list(view, slots, 31 + 16, 9));
    assert_eq!(names(&last), ["2"]);
}

#[test]
fn modes_and_owners() {
    let sample = Sample::new();
    for (path, mode, uid, gid) in [
        ("", 0o755, 0, 0),
        ("README", 0o444, 0, 0),
        ("history", 0o640, 0, 4),
        ("events", 0o640, 0, 4),
        ("status", 0o640, 0, 4),
        ("last-error", 0o444, 0, 0),
        ("pools", 0o775, 0, 0),
        ("logical", 0o777, 0, 0),
        ("operator", 0o777, 0, 0),
        ("libraries", 0o755, 0, 0),
        ("pools/Backup", 0o750, 1000, 1001),
        ("pools/Backup/pools", 0o750, 1000, 1001),
        ("pools/Backup/id", 0o440, 1000, 1001),
        ("pools/Backup/why", 0o440, 1000, 1001),
        ("pools/Backup/description", 0o640, 1000, 1001),
        ("pools/Backup/allocate", 0o640, 1000, 1001),
        ("pools/Backup/import", 0o640, 1000, 1001),
        ("pools/Archive/requests", 0o770, 1000, 1001),
        ("pools/Backup/results", 0o750, 1000, 1001),
        ("pools/Backup/media", 0o750, 1000, 1001),
        ("pools/Backup/requests/job-1", 0o600, 1000, 1001),
        ("pools/Backup/results/job-2", 0o400, 1002, 1002),
        ("pools/Backup/media/B", 0o750, 1000, 1001),
        ("pools/Backup/media/B/name", 0o440, 1000, 1001),
        ("pools/Backup/media/B/enabled", 0o640, 1000, 1001),
        ("pools/Backup/media/B/pool", 0o777, 0, 0),
        ("pools/Backup/media/B/sides", 0o550, 1000, 1001),
        ("pools/Backup/media/B/sides/A/state", 0o640, 1000, 1001),
        ("pools/Free/pools/LTO-8/media/C/sides/A/state", 0o664, 0, 0),
        (
            "logical/00000000-0000-7000-8000-0000000000f0",
            0o550,
            1000,
            1001,
        ),
        (
            "logical/00000000-0000-7000-8000-0000000000f0/state",
            0o640,
            1000,
            1001,
        ),
        ("libraries/lib 0", 0o770, 0, 1001),
        ("libraries/lib 0/driver", 0o660, 0, 1001),
        ("libraries/lib 0/slots/1", 0o550, 0, 1001),
        ("libraries/lib 0/slots/1/state", 0o440, 0, 1001),
        ("operator/80/state", 0o666, 0, 0),
        ("operator/80/message", 0o444, 0, 0),
        ("types/LTO-8/sides", 0o444, 0, 0),
        ("media/B", 0o777, 0, 0),
    ] {
        let Attributes {
            mode: m,
            uid: u,
            gid: g,
            ..
        } = sample.stat(path);
        assert_eq!((m, u, g), (mode, uid, gid), "{path}: {m:o}");
    }
}

#[test]
fn times_are_those_of_the_last_event() {
    let sample = Sample::new();
    for (path, time) in [
        ("README", 1_700_000_000_000),
        ("pools/Backup/counts", 1_704_164_645_678),
        ("pools/Backup/requests", 1_704_164_645_678),
        ("pools/Backup/name", 1_700_000_000_020),
        ("pools/Backup/media/B/name", 1_700_000_000_041),
        ("media/B", 1_700_000_000_041),
        ("pools/Backup/media/B/sides/A/state", 1_700_000_000_051),
        ("libraries/lib 0/slots/1/state", 1_700_000_000_030),
        ("history", 1_704_164_645_678),
        ("media", 1_704_164_645_678),
    ] {
        assert_eq!(sample.stat(path).modified, Time(time), "{path}");
    }
}

#[test]
fn texts() {
    let sample = Sample::new();
    let lmid = "logical/00000000-0000-7000-8000-0000000000f0";
    for (path, text) in [
        ("pools/Backup/type", "application\n"),
        ("pools/Backup/media_type", "LTO-8\n"),
        ("pools/Archive/media_type", "\n"),
        ("pools/Backup/allocate_from_free", "1\n"),
        ("pools/Backup/selection", "least-used\n"),
        ("pools/Backup/default_timeout", "90s\n"),
        ("pools/Free/default_timeout", "infinite\n"),
        ("pools/Backup/purge_time", "72h\n"),
        ("pools/Backup/requests/job-2", "timeout=5m\n"),
        ("pools/Backup/media/A00001L8/location", "lib 0/1\n"),
        ("pools/Backup/media/B/location", "offline\n"),
        ("pools/Backup/media/B/sequence_number", "41\n"),
        ("pools/Backup/media/B/state", "idle\n"),
        ("pools/Backup/media/A00001L8/sides/A/state", "allocated\n"),
        ("libraries/lib 0/slots/1/state", "full\n"),
        ("libraries/lib 0/drives/1/state", "dismounted\n"),
        ("libraries/lib 0/ports/1/state", "empty\n"),
        ("operator/81/result", "satisfied\n"),
        ("operator/80/by", "1002\n"),
        ("types/MO-5.25/sides", "2\n"),
    ] {
        assert_eq!(sample.shows(path), text, "{path}");
    }
    assert_eq!(sample.shows(&format!("{lmid}/device")), "\n");
    assert_eq!(
        sample.shows(&format!("{lmid}/allocated_from")),
        "00000000-0000-7000-8000-0000000000a1 Free/LTO-8\n"
    );
    let readme = sample.shows("README");
    assert!(readme.lines().all(|line| line.chars().count() <= 100) && readme.lines().count() <= 20);
}

#[test]
fn links_are_relative() {
    let sample = Sample::new();
    for (path, to) in [
        ("media/C", "../pools/Free/pools/LTO-8/media/C"),
        ("pools/Backup/media/B/pool", "../.."),
        (
            "pools/Backup/media/A00001L8/slot",
            "../../../../libraries/lib 0/slots/1",
        ),
        (
            "by-id/pool/00000000-0000-7000-8000-0000000000a1",
            "../../pools/Free/pools/LTO-8",
        ),
        (
            "libraries/lib 0/slots/2/medium",
            "../../../../pools/Free/pools/LTO-8/media/C",
        ),
    ] {
        assert_eq!(sample.target(path).as_deref(), Some(to), "{path}");
    }
}

#[test]
fn counts_are_those_of_the_counters() {
    let sample = Sample::new();
    let counts = sample.shows("pools/Backup/counts");
    let expected = "available       1\nallocated       1\ncomplete        0\nreserved        0\n\
        import          0\nforeign         0\nunprepared      0\nincompatible    0\n\
        decommissioned  0\nunknown         0\noffline         1\ndisabled        0\n";
    assert_eq!(counts, expected);
    let above = sample.shows("pools/Archive/counts");
    assert!(
        above.contains("import          2\n"),
        "children are summed: {above}"
    );
}

#[test]
fn why_names_candidates_and_refusals() {
    let sample = Sample::new();
    assert_eq!(
        sample.shows("pools/Backup/why"),
        "pools/Backup, least-used: no candidates\n\
         \n\
         free pool: candidates\n\
         \x20 1  C/A  allocations 3, unused since 2023-11-14T22:13:20.000Z\n\
         \n\
         refused        pool  free\n\
         offline           1     0\n\
         disabled          0     0\n\
         unknown           0     0\n\
         unprepared        0     0\n\
         incompatible      0     0\n\
         limit reached     0     0\n\
         allocated         1     0\n\
         complete          0     0\n\
         foreign           0     0\n\
         import            0     0\n\
         reserved          0     0\n\
         other type        -     0\n"
    );
    for pool in ["pools/Archive/why", "pools/Free/why"] {
        assert!(sample.shows(pool).contains("cannot be allocated from"));
    }
}

#[test]
fn status_is_a_summary() {
    let status = Sample::new().shows("status");
    for part in [
        "catalog 00000000-0000-7000-8000-000000000001, made 2023-11-14T22:13:20.000Z\n",
        "\nFree/LTO-8 ",
        "  job-2  uid 1002  since 2023-11-14T22:13:20.000Z  until 2023-11-14T22:18:20.000Z\n",
        "never ends by time\n",
        "80  new-media  submitted  Bring media of type LTO-8 for pool \"Backup\".\n",
        "delivery unknown:\n00000000-0000-7000-8000-0000000000f0  uid 1000",
    ] {
        assert!(status.contains(part), "{part}\n{status}");
    }
}
