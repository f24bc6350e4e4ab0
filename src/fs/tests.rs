//! The tree of a small catalog: what is listed is found, has exact attributes, shows, and leads somewhere.

use super::access::{Attributes, FileKind, attributes};
use super::listing::{Entry, list};
use super::lookup::{lookup, outcome, show, target};
use super::path::{home_path, parent};
use super::tree::{Behaviour, behaviour};
use super::*;
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::time::Time;
use crate::manager::{Readers, View};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The path of the one logical medium.
const LMID: &str = "logical/00000000-0000-7000-8000-0000000000f0";

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
        for schema in crate::store::MIGRATIONS {
            sample.change(schema);
        }
        sample.change(include_str!("sample.sql"));
        sample
    }

    fn path(dir: &tempfile::TempDir) -> PathBuf {
        dir.path().join("catalog")
    }

    pub(super) fn change(&self, sql: &str) {
        let db = rusqlite::Connection::open(Self::path(&self.dir)).unwrap();
        db.execute_batch(sql).unwrap();
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&View) -> Result<T>) -> T {
        self.readers.look(look).unwrap()
    }

    pub(super) fn node(&self, path: &str) -> Option<Node> {
        self.look(|view| Ok(walk(view, Node::ROOT, path)))
    }

    pub(super) fn shows(&self, path: &str) -> String {
        let node = self.node(path).unwrap_or_else(|| panic!("no {path}"));
        String::from_utf8(self.look(|view| show(view, node))).unwrap()
    }

    /// Every path, with its node.
    pub(super) fn paths(&self) -> BTreeMap<String, Node> {
        let mut seen = BTreeMap::new();
        self.look(|view| {
            crawl(view, Node::ROOT, "", &mut seen);
            Ok(())
        });
        seen
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
        Behaviour::History => {
            let expected = if path == "/history" { 60 } else { 0 };
            assert_eq!(
                (attributes.kind, size),
                (FileKind::File, expected),
                "{path}"
            );
        }
        Behaviour::Stream | Behaviour::Export | Behaviour::LastError => panic!("{path} is listed"),
        Behaviour::Shown(_)
        | Behaviour::Attr(..)
        | Behaviour::Transaction
        | Behaviour::Ask
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
        "/operator/82/library",
        "/operator/82/medium",
        "/operator/82/device",
        "/ask",
        "/settings/attended",
        "/logical/00000000-0000-7000-8000-0000000000f0/side",
        "/by-state/available/B.A",
        "/by-state/available/C.A",
        "/by-state/allocated/A00001L8.A",
        "/by-state/import/..ö .B",
        "/by-owner/1000/00000000-0000-7000-8000-0000000000f0",
        "/by-location/libraries/lib 0/2",
        "/by-location/offline/B",
    ] {
        assert!(seen.contains_key(path), "{path}");
    }
    for path in [
        "/events",
        "/last-error",
        "/pools/Backup/results/job-2",
        "/operator/80/result",
        "/operator/81/pool",
        "/operator/80/library",
        "/operator/83/library",
        "/operator/83/medium",
        "/operator/83/device",
        "/pools/Backup/media/B/slot",
        "/pools/Backup/media/B/sides/A/logical",
        "/libraries/lib 0/drives/1/medium",
        "/by-barcode/B/1",
        "/by-state/available/A00001L8.A",
        "/by-state/reserved/B.A",
        "/by-owner/0",
        "/by-location/libraries/lib 0/3",
        "/by-location/offline/C",
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
        "by-state/busy",
        "by-state/available/A00001L8.A",
        "by-state/available/B",
        "by-state/available/B.a",
        "by-owner/01000",
        "by-owner/0",
        "by-owner/9223372036854775807",
        "by-owner/1000/00000000-0000-7000-8000-0000000000F0",
        "by-location/libraries/lib 0/02",
        "by-location/libraries/lib 0/slot-2",
        "by-location/libraries/lib 0/medium-42",
        "by-location/libraries/lib 0/drive-1",
        "by-location/offline/C",
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
         INSERT INTO medium (no, id, name, description, media_type, pool, enabled, created, modified)
         SELECT 90, randomblob(16), 'A0', '', media_type, pool, 1, 1, 1
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
        ("ask", 0o666, 0, 0),
        ("settings", 0o755, 0, 0),
        ("settings/attended", 0o644, 0, 0),
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
        // What a mode alone does not say, it lets through: the daemon looks at what is moved, and at who owns a logical medium.
        ("pools/Free/pools/LTO-8/media", 0o777, 0, 0),
        ("pools/Free/pools/LTO-8/media/C", 0o777, 0, 0),
        ("pools/Free/pools/LTO-8/requests", 0o770, 0, 0),
        (LMID, 0o770, 1000, 1001),
        (&format!("{LMID}/label"), 0o660, 1000, 1001),
        (&format!("{LMID}/owner"), 0o440, 1000, 1001),
        (&format!("{LMID}/state"), 0o640, 1000, 1001),
        ("libraries/lib 0", 0o770, 0, 1001),
        ("libraries/lib 0/driver", 0o660, 0, 1001),
        ("libraries/lib 0/slots/1", 0o770, 0, 1001),
        ("libraries/lib 0/slots/1/state", 0o440, 0, 1001),
        ("operator/80/state", 0o666, 0, 0),
        ("operator/80/message", 0o444, 0, 0),
        ("types/LTO-8/sides", 0o644, 0, 0),
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
        ("ask", 1_700_000_000_000),
        ("settings/attended", 1_700_000_000_000),
        ("operator/82", 1_700_000_000_082),
        ("pools/Backup/counts", 1_704_164_645_678),
        ("pools/Backup/requests", 1_704_164_645_678),
        ("pools/Backup/name", 1_700_000_000_020),
        ("pools/Backup/media/B/name", 1_700_000_000_041),
        ("media/B", 1_700_000_000_051),
        ("pools/Backup/media/B", 1_700_000_000_051),
        ("by-location/offline/B", 1_700_000_000_051),
        ("pools/Backup/media/B/sides/A/state", 1_700_000_000_051),
        ("libraries/lib 0/slots/1/state", 1_700_000_000_030),
        ("history", 1_704_164_645_678),
        ("media", 1_704_164_645_678),
    ] {
        assert_eq!(sample.stat(path).modified, Time(time), "{path}");
    }
    // Nothing was ever mounted: since when the medium is in the catalog.
    for path in [
        "media/B",
        "pools/Backup/media/B/name",
        "pools/Backup/media/B/sides/A",
        "logical/00000000-0000-7000-8000-0000000000f0/state",
    ] {
        assert_eq!(
            sample.stat(path).accessed,
            Time(1_700_000_000_000),
            "{path}"
        );
    }
    let pool = sample.stat("pools/Backup");
    assert_eq!(pool.accessed, pool.modified);
    sample.change("UPDATE side SET mounts = mounts + 1, modified = 1700000000777 WHERE no = 54");
    let medium = "by-location/offline/..ö ";
    for path in [medium, "by-state/import/..ö .A", "by-state/import/..ö .B"] {
        assert_eq!(
            sample.stat(path).accessed,
            Time(1_700_000_000_777),
            "{path}"
        );
    }
}

#[test]
fn texts() {
    let sample = Sample::new();
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
        ("operator/82/command", "device-service\n"),
        ("settings/operator_purge_time", "72h\n"),
        ("settings/operator_auto_purge", "1\n"),
        ("settings/operator_keep_failed", "0\n"),
        ("settings/attended", "1\n"),
        ("settings/hook_timeout", "1m\n"),
        ("settings/hook_ages", "1h 4h 24h\n"),
        ("types/MO-5.25/sides", "2\n"),
    ] {
        assert_eq!(sample.shows(path), text, "{path}");
    }
    assert_eq!(sample.shows(&format!("{LMID}/device")), "\n");
    assert_eq!(
        sample.shows(&format!("{LMID}/allocated_from")),
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
        decommissioned  0\nunknown         0\noffline         1\ndisabled        0\n\
        resting         0\n";
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
         resting           0     0\n\
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
        "\n4 media, 5 sides, 1 of them to allocate now, 7 pools, 1 library\n1 record, the last of 2024-01-02T03:04:05.678Z\n",
        "\nlibraries:\nlib 0  ready  virtual\n",
        "\nFree/LTO-8 ",
        "  job-2  uid 1002  since 2023-11-14T22:13:20.000Z  until 2023-11-14T22:18:20.000Z\n",
        "never ends by time\n",
        "\n80           new-media  submitted  2023-11-14T22:13:20.000Z  1002  Bring media of type LTO-8 for pool \"Backup\".\n",
        "delivery unknown:\n00000000-0000-7000-8000-0000000000f0  uid 1000",
    ] {
        assert!(status.contains(part), "{part}\n{status}");
    }
}

#[test]
fn an_entry_of_a_sorted_directory_goes_where_its_object_goes() {
    let sample = Sample::new();
    let long = "x".repeat(255);
    sample.change(&format!(
        "UPDATE side SET state = 6 WHERE no = 50;
         UPDATE medium SET library = NULL, slot = NULL WHERE no = 42;
         UPDATE medium SET library = 30 WHERE no = 41;
         UPDATE medium SET library = 30, slot = 33 WHERE no = 43;
         UPDATE side SET medium_name = '{long}' WHERE no = 52;
         UPDATE medium SET name = '{long}' WHERE no = 42;
         UPDATE logical SET owner = 7;",
    ));
    let mut seen = BTreeMap::new();
    sample.look(|view| {
        crawl(view, Node::ROOT, "", &mut seen);
        Ok(())
    });
    let below = |top: &str| {
        let inside = seen.keys().filter_map(|path| path.strip_prefix(top));
        inside.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(below("/by-state/complete/"), ["A00001L8.A"]);
    assert!(below("/by-state/allocated/").is_empty());
    // The side of a medium whose name leaves no room for a letter.
    let id = "00000000-0000-7000-8000-0000000000e2";
    assert_eq!(below("/by-state/available/"), [id, "B.A"]);
    assert_eq!(
        below("/by-location/libraries/lib 0/"),
        ["1", "drive-1", "medium-41"]
    );
    assert_eq!(below("/by-location/offline/"), [long]);
    assert_eq!(below("/by-owner/").first().map(String::as_str), Some("7"));
}

#[test]
fn owners_are_listed_in_pages() {
    let sample = Sample::new();
    for no in 0..20_i64 {
        sample.change(&format!(
            "INSERT INTO side (no, id, medium, ordinal, pool, medium_name, standing, share, state, allocations, mounts, idle_since, in_set, modified) SELECT {side}, randomblob(16), 41, {no} + 1, pool, medium_name, standing, share, 5, 0, 0, 1, 0, 1
             FROM side WHERE no = 51;
             INSERT INTO logical (no, id, name, description, side, owner, from_pool, from_path, was, delivery, created, modified) SELECT {logical}, randomblob(16), '', '', {side}, {uid}, from_pool, from_path, was, 0, 1, 1
             FROM logical WHERE no = 60;",
            side = 200 + no,
            logical = 300 + no,
            uid = no % 5 * 1_000_000_000,
        ));
    }
    let dir = sample.node("by-owner").unwrap();
    let names = |page| {
        let entries = sample.look(|view| Ok(all(view, dir, page)));
        entries
            .into_iter()
            .map(|entry| entry.name)
            .collect::<Vec<_>>()
    };
    let wanted = [
        "0",
        "1000",
        "1000000000",
        "2000000000",
        "3000000000",
        "4000000000",
    ];
    assert_eq!(names(2), wanted);
    assert_eq!(names(100), wanted);
    let of_one = sample.node("by-owner/3000000000").unwrap();
    assert_eq!(sample.look(|view| Ok(all(view, of_one, 3))).len(), 4);
}
