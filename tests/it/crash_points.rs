//! A crash at every step: the test runs itself as a child that ends in the middle of its work, and looks at what is left.
//!
//! The child performs a script, one ask a batch, with full durability, and writes each answer to a side file, on disk,
//! before the next ask. Its fault hook ends the process at the N-th passage of a point; N grows until the script ends by
//! itself. Nothing that was answered may be lost, no side given twice.

use crate::harness::world::{World, clock, lines, root, user};
use ntmsfs::domain::access::Caller;
use ntmsfs::domain::allocate_request::AllocateRequest;
use ntmsfs::domain::ask::{Ask, Named, Reply, SetPool};
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::state::{Delivery, RequestState};
use ntmsfs::manager::core::Core;
use ntmsfs::manager::{Durability, Faults, log, read};
use ntmsfs::store::check;
use ntmsfs::store::write::Writer;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

const POINTS: [&str; 7] = [
    "open",
    "begin",
    "record",
    "applied",
    "decided",
    "commit",
    "committed",
];
const CHILD: &str = "NTMSFS_CRASH_CHILD";
const MO: &str = "MO-5.25";

/// What the script begins with: a library, two pools, media here and there.
fn prepared() -> Vec<u8> {
    let mut world = World::new();
    world.library("box", MO, 8);
    let pool = world.pool(CATALOG, "Backup", MO);
    world.set(pool, SetPool::AllocateFromFree(true));
    world.pool(CATALOG, "Other", MO);
    let (free, import) = (world.leaf("Free", MO), world.leaf("Import", MO));
    world.import(free, "a slot=box/1");
    world.import(pool, "b slot=box/2");
    world.import(import, "c slot=box/3");
    world.into_bytes()
}

fn pool(core: &Core, name: &str) -> ObjectNo {
    let pool = read::pool_named(core.writer().db(), CATALOG, name);
    pool.expect("a pool").expect("the pool").no
}

fn allocate(pool: ObjectNo, body: &str, name: Option<Named>) -> Ask {
    let request = Box::new(AllocateRequest::parse(body).expect("a request"));
    Ask::Allocate {
        pool,
        request,
        name,
    }
}

/// The script, step by step; what it needs to know it reads from the catalog.
fn script(core: &mut Core, step: usize) -> Option<(Caller, Ask)> {
    let (backup, other) = (pool(core, "Backup"), pool(core, "Other"));
    let name = |name: &str| {
        let no = core.reserve().expect("a number");
        let name = name.to_owned();
        let body = String::new();
        Some(Named { name, no, body })
    };
    let ask = match step {
        0 | 11 => allocate(backup, "", None),
        1 => allocate(backup, "new timeout=infinite", name("set")),
        2 => allocate(backup, "side=c/A", name("import")),
        3 => allocate(other, "timeout=infinite", name("waits")),
        4 => allocate(other, "new timeout=1h", name("waits-too")),
        5 => allocate(other, "timeout=0", name("fails")),
        6 => allocate(other, "", None),
        7 => lines(other, &["d slot=box/4", "e slot=box/5", "f"]),
        8 => Ask::Deallocate {
            logical: owned(core, "b", 'A')?,
        },
        9 => Ask::Undo {
            logical: owned(core, "d", 'A')?,
        },
        10 => Ask::Delivered {
            logical: owned(core, "a", 'A').or_else(|| owned(core, "e", 'A'))?,
        },
        12 => allocate(backup, "next side=a/A", None),
        13 => {
            let no = read::medium_named(core.writer().db(), "f")
                .expect("a medium")?
                .no;
            Ask::MoveMedium {
                no,
                pool: backup,
                name: "moved".to_owned(),
            }
        }
        14 => Ask::Sweep,
        15 => allocate(other, "", Some(name("last")?)),
        _ => return None,
    };
    Some((
        if step.is_multiple_of(2) {
            root()
        } else {
            user(7)
        },
        ask,
    ))
}

/// The logical medium of a side, if it has one.
fn owned(core: &Core, medium: &str, letter: char) -> Option<ObjectNo> {
    let db = core.writer().db();
    let medium = read::medium_named(db, medium).expect("a medium")?;
    read::side_lettered(db, medium.no, &letter.to_string())
        .expect("a side")?
        .logical
}

/// The child: ends at the N-th passage of the point, or by itself after the script.
fn child(point: &str, passage: u64, path: &Path) {
    let (wanted, passed) = (point.to_owned(), AtomicU64::new(0));
    let faults = Faults::new(move |at| {
        if at == wanted && passed.fetch_add(1, Ordering::SeqCst) + 1 == passage {
            std::process::abort();
        }
        None
    });
    let mut answers = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path.with_extension("answers"))
        .expect("a file");
    let writer = Writer::open(path, Durability::Full, faults.clone()).expect("a catalog");
    let mut core = Core::new(writer, clock(), faults).expect("a core");
    for step in 0.. {
        if step > 15 {
            break;
        }
        let Some((caller, ask)) = script(&mut core, step) else {
            continue;
        };
        let answer = core.batch(&[(caller, ask)]).answers.remove(0);
        let text = match answer {
            Ok(Reply::Allocated { lmid, .. }) => format!("{step} allocated {lmid}\n"),
            Ok(Reply::Waiting { request }) => format!("{step} waiting {request}\n"),
            Ok(Reply::Failed { result }) => format!("{step} failed {result}"),
            Ok(Reply::Done | Reply::Created(_)) => format!("{step} done\n"),
            Err(refusal) => format!("{step} refused {refusal}\n"),
        };
        answers
            .write_all(text.as_bytes())
            .expect("a written answer");
        answers.sync_all().expect("an answer on disk");
    }
}

/// What the child was told, and what the log of the catalog that is left says.
fn look(path: &Path, what: &str) {
    let told = std::fs::read_to_string(path.with_extension("answers")).unwrap_or_default();
    let writer = Writer::open(path, Durability::None, Faults::default()).expect(what);
    let mut given = HashSet::new();
    let mut history = String::new();
    for (_, line) in log::lines(writer.db(), 0, 100_000).expect(what) {
        let record = log::parse(&line).expect(what);
        if let ntmsfs::domain::event::Event::Allocated { allocation } = &record.detail {
            assert!(given.insert(allocation.logical.id), "{what}: an LMID twice");
        }
        history.push_str(&line);
    }
    let before: Vec<_> = pending(&writer);
    let core = Core::new(writer, clock(), Faults::default()).expect(what);
    let db = core.writer().db();
    assert_eq!(check::invariants(db), Ok(Vec::new()), "{what}");
    assert_eq!(check::chain(db), Ok(()), "{what}");
    assert_eq!(check::rebuilt(db), Ok(Vec::new()), "{what}");
    for line in told.lines() {
        let mut words = line.split(' ');
        let step: usize = words.next().expect(what).parse().expect(what);
        match (words.next(), words.next()) {
            (Some("allocated"), Some(lmid)) => {
                assert!(history.contains(lmid), "{what}: lost {line}");
            }
            (Some("waiting"), Some(request)) => {
                still_known(db, step, request.parse().expect(what), &history, what);
            }
            (Some("failed"), Some(result)) => {
                assert!(history.contains(result), "{what}: lost {line}");
            }
            (Some("done"), None) => done(step, &history, what),
            (Some("refused"), _) => {}
            _ => assert_eq!(line, "", "{what}"),
        }
    }
    for no in before {
        let logical = read::logical(db, no).expect(what).expect(what);
        assert_eq!(logical.delivery, Delivery::Unknown, "{what}");
    }
}

/// The allocations of which nobody knows whether they were read.
fn pending(writer: &Writer) -> Vec<ObjectNo> {
    ntmsfs::store::fact::deliveries(writer.db(), 1).expect("deliveries")
}

/// A request that was told to wait waits on if it has a name, or has ended.
fn still_known(db: &rusqlite::Connection, step: usize, no: i64, history: &str, what: &str) {
    let request = read::request(db, ObjectNo(no)).expect(what);
    let named = [1, 2, 3, 4, 15].contains(&step);
    match request {
        Some(request) => {
            assert!(named, "{what}: the reader of {no} is gone");
            let open = request
                .operator
                .and_then(|no| read::operator(db, no).expect(what));
            assert_eq!(
                request.state == RequestState::Waiting,
                open.is_some(),
                "{what}: {no}"
            );
        }
        None => assert!(
            !named && history.contains("\"complete\""),
            "{what}: request {no} is lost"
        ),
    }
}

/// What was answered with done is in the log.
fn done(step: usize, history: &str, what: &str) {
    let words = match step {
        7 => "\"name\":\"f\"",
        8 | 9 => "\"event\":\"deallocated\"",
        13 => "\"medium_moved\"",
        _ => "",
    };
    assert!(history.contains(words), "{what}: step {step} is lost");
}

/// Not a test by itself: what the child of the test below runs.
#[test]
fn child_of_the_crash() {
    let Ok(words) = std::env::var(CHILD) else {
        return;
    };
    let mut words = words.splitn(3, ' ');
    let mut next = || words.next().expect("a word");
    let (point, passage) = (next(), next().parse().expect("a number"));
    child(point, passage, Path::new(next()));
}

#[test]
fn a_crash_at_every_step_loses_nothing() {
    let (bytes, folder) = (prepared(), crate::harness::world::folder());
    let exe = std::env::current_exe().expect("this program");
    let mut crashes = 0;
    for point in POINTS {
        for passage in 1.. {
            let what = format!("{point} {passage}");
            let path = folder.path().join(format!("{point}-{passage}"));
            std::fs::write(&path, &bytes).expect("a copy");
            let mut command = Command::new(&exe);
            command.args(["--exact", "crash_points::child_of_the_crash"]);
            command.env(CHILD, format!("{what} {}", path.display()));
            let output = command
                .stdout(File::create("/dev/null").expect("a sink"))
                .output()
                .expect("a child");
            look(&path, &what);
            if output.status.success() {
                let told =
                    std::fs::read_to_string(path.with_extension("answers")).expect("answers");
                assert_eq!(told.lines().count(), 16, "{what}: {told}");
                assert!(!told.contains("refused"), "{told}");
                assert!(passage > 1, "{point} is never passed");
                break;
            }
            assert!(
                output.status.code().is_none(),
                "{what}: not the abort: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            crashes += 1;
        }
    }
    println!("{crashes} crashes at {} points", POINTS.len());
}
