//! What fails while a catalog is written: each step by the fault hook, and a disk that is really full.

use crate::harness::daemon::not_run;
use crate::harness::world::{World, advance, lines, root};
use ntmsfs::domain::ask::{Ask, Reply, SetPool};
use ntmsfs::domain::error::{ErrorKind, Refusal, Result};
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::state::{Delivery, OperatorState};
use ntmsfs::manager::core::{Batch, Core};
use ntmsfs::manager::{Durability, Faults, log, read};
use ntmsfs::store::check;
use ntmsfs::store::write::Writer;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

const KINDS: [ErrorKind; 3] = [
    ErrorKind::DatabaseFailure,
    ErrorKind::DatabaseFull,
    ErrorKind::NotEnoughMemory,
];

/// Fails at the N-th passage of a point from now on, once.
#[derive(Clone, Default)]
struct Trap(Arc<Mutex<Option<Spring>>>);

/// A point, how many passages are left, and what it fails with.
type Spring = (&'static str, u32, ErrorKind);

impl Trap {
    fn set(&self, point: &'static str, passage: u32, kind: ErrorKind) {
        *self.0.lock().expect("a trap") = Some((point, passage, kind));
    }

    fn is_set(&self) -> bool {
        self.0.lock().expect("a trap").is_some()
    }

    fn faults(&self) -> Faults {
        let trap = self.clone();
        Faults::new(move |at| {
            let mut trap = trap.0.lock().expect("a trap");
            let (point, passage, kind) = (*trap)?;
            if at != point {
                return None;
            }
            *trap = (passage > 1).then_some((point, passage - 1, kind));
            (passage == 1).then_some(kind)
        })
    }
}

fn world() -> (World, Trap, ObjectNo) {
    let mut world = World::new();
    world.library("box", "LTO-8", 9);
    let pool = world.pool(CATALOG, "Backup", "LTO-8");
    world.set(pool, SetPool::AllocateFromFree(true));
    let free = world.leaf("Free", "LTO-8");
    for n in 1..=9 {
        world.import(free, &format!("m{n} slot=box/{n}"));
    }
    let trap = Trap::default();
    (World::with(&world.into_bytes(), trap.faults()), trap, pool)
}

fn any(pool: ObjectNo) -> Ask {
    let request = Box::default();
    Ask::Allocate {
        pool,
        request,
        name: None,
    }
}

fn kind(reply: &Result<Reply>) -> Option<ErrorKind> {
    reply.as_ref().err().map(|refusal| refusal.kind)
}

fn batch(world: &mut World, asks: Vec<Ask>) -> Batch {
    let asks: Vec<_> = asks.into_iter().map(|ask| (root(), ask)).collect();
    world.core().batch(&asks)
}

#[test]
fn a_step_that_fails_refuses_and_leaves_nothing() {
    for point in ["begin", "record", "applied", "decided", "commit"] {
        for fault in KINDS {
            let (mut world, trap, pool) = world();
            let before = log::head(world.db()).unwrap();
            trap.set(point, 1, fault);
            let reply = world.ask(&root(), any(pool));
            assert_eq!(kind(&reply), Some(fault), "{point}");
            assert!(world.events.is_empty() && !trap.is_set());
            assert_eq!(
                log::head(world.db()),
                Ok(before),
                "{point}: nothing of it is left"
            );
            world.sound();
            assert_eq!(
                world.take(pool, "").0,
                "m1/A",
                "{point}: and it works again"
            );
            world.sound();
        }
    }
}

#[test]
fn an_ask_fails_alone_and_a_transaction_as_a_whole() {
    for (point, passage, expected) in [
        ("begin", 1, [false, false, false]),
        ("record", 2, [true, false, true]),
        ("applied", 2, [true, false, true]),
        ("decided", 2, [true, false, true]),
        ("commit", 1, [false, false, false]),
    ] {
        let (mut world, trap, pool) = world();
        trap.set(point, passage, ErrorKind::DatabaseFailure);
        let batch = batch(&mut world, vec![any(pool), any(pool), any(pool)]);
        let found: Vec<bool> = batch.answers.iter().map(Result::is_ok).collect();
        assert_eq!(found, expected, "{point}");
        assert_eq!(
            batch.events.len(),
            expected.iter().filter(|ok| **ok).count(),
            "{point}"
        );
        assert!(batch.fatal.is_none());
        world.sound();
    }
}

/// Every passage of every point, in a batch that allocates, imports, waits, expires and sweeps.
#[test]
fn each_fault_of_a_long_batch_leaves_a_sound_catalog() {
    let mut faults = 0;
    for point in ["begin", "record", "applied", "decided", "commit"] {
        for passage in 1.. {
            let (mut world, trap, pool) = world();
            let import = lines(pool, &["x", "y", "z"]);
            let (_, logical) = world.take(pool, "");
            let body = "timeout=1s side=m9/A";
            let request =
                Box::new(ntmsfs::domain::allocate_request::AllocateRequest::parse(body).unwrap());
            let name = Some(world.named("job"));
            let named = Ask::Allocate {
                pool,
                request,
                name,
            };
            let back = Ask::Deallocate {
                logical: logical.no,
            };
            trap.set(point, passage, ErrorKind::DatabaseFull);
            let asks = vec![
                any(pool),
                import,
                back,
                Ask::Delivered {
                    logical: logical.no,
                },
                named,
                Ask::Sweep,
            ];
            let batch = batch(&mut world, asks);
            world.sound();
            if trap.is_set() {
                assert!(batch.answers.iter().all(Result::is_ok));
                break;
            }
            assert!(
                batch
                    .answers
                    .iter()
                    .any(|answer| kind(answer) == Some(ErrorKind::DatabaseFull)),
                "{point} {passage}"
            );
            faults += 1;
        }
    }
    println!("{faults} faults");
}

#[test]
fn nobody_is_told_what_a_commit_that_nobody_knows_gave() {
    let (mut world, trap, pool) = world();
    trap.set("committed", 1, ErrorKind::DatabaseFailure);
    let batch = batch(&mut world, vec![any(pool)]);
    assert_eq!(kind(&batch.answers[0]), Some(ErrorKind::DatabaseFailure));
    assert!(batch.fatal.is_some(), "the core must stop");
    world.restart();
    assert!(
        world.lmid("m1", "A").is_some(),
        "and the restart finds the truth"
    );
    world.sound();
}

#[test]
fn a_commit_that_is_refused_at_start_is_no_start() {
    let (world, trap, _) = world();
    let bytes = world.into_bytes();
    let folder = crate::harness::world::folder();
    let copy = folder.path().join("catalog");
    std::fs::write(&copy, bytes).unwrap();
    let writer = Writer::open(&copy, Durability::None, trap.faults()).unwrap();
    trap.set("commit", 1, ErrorKind::DatabaseFull);
    let core = Core::new(writer, crate::harness::world::clock(), trap.faults());
    assert_eq!(
        core.err().map(|refusal| refusal.kind),
        Some(ErrorKind::DatabaseFull)
    );
}

#[test]
fn a_sweep_that_fails_leaves_nothing_of_itself() {
    for point in ["record", "applied"] {
        let (mut world, trap, pool) = world();
        for name in ["a", "b"] {
            world
                .submit(&root(), pool, "side=m9/B", Some(name))
                .unwrap();
        }
        advance(100 * 3_600_000);
        trap.set(point, 3, ErrorKind::DatabaseFull);
        let batch = batch(&mut world, vec![any(pool), Ask::Sweep]);
        assert_eq!(
            batch.answers.iter().map(kind).collect::<Vec<_>>(),
            [None, Some(ErrorKind::DatabaseFull)]
        );
        assert_eq!(batch.events.len(), 1, "{point}");
        for name in ["a", "b"] {
            assert!(
                read::request_named(world.db(), pool, name)
                    .unwrap()
                    .is_some(),
                "{point}"
            );
        }
        world.sound();
        world.done(Ask::Sweep);
        assert_eq!(read::request_named(world.db(), pool, "a"), Ok(None));
        world.sound();
    }
}

#[test]
fn what_was_read_is_not_forgotten_when_its_record_fails() {
    for point in ["begin", "record", "commit"] {
        let (mut world, trap, pool) = world();
        let (_, logical) = world.take(pool, "");
        world.done(Ask::Delivered {
            logical: logical.no,
        });
        trap.set(point, 1, ErrorKind::DatabaseFull);
        assert!(world.ask(&root(), any(pool)).is_err());
        world.done(Ask::Sweep);
        assert_eq!(
            world.logical(logical.no).delivery,
            Delivery::Done,
            "{point}"
        );
        world.sound();
    }
}

#[test]
fn an_answer_whose_request_cannot_be_served_is_not_recorded() {
    let (mut world, trap, pool) = world();
    world.set(pool, SetPool::AllocateFromFree(false));
    let request = world.wait(pool, "", Some("job"));
    let operator = world.request(request).unwrap().operator.unwrap();
    world.import(pool, "x");
    trap.set("record", 2, ErrorKind::DatabaseFailure);
    let reply = world.answer(&root(), operator, OperatorState::Complete);
    assert_eq!(kind(&reply), Some(ErrorKind::DatabaseFailure));
    assert_eq!(
        world.operator(operator).unwrap().state,
        OperatorState::Submitted
    );
    world.sound();
}

/// A file system of a few megabytes; unmounted when dropped.
struct Small(tempfile::TempDir);

impl Small {
    /// `None` if this user may not mount.
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "ntmsfs-test"])
            .arg(folder.path());
        let output = mount.output().ok()?;
        output.status.success().then_some(Self(folder))
    }

    fn catalog(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("catalog");
        std::fs::write(&path, bytes).expect("a copy of the catalog");
        path
    }

    fn grow(&self) {
        grow(self.0.path());
    }

    /// Makes room as soon as an event could not be written.
    fn grows_after_failure(&self) -> Faults {
        let (folder, begun) = (self.0.path().to_owned(), AtomicBool::new(false));
        Faults::new(move |at| {
            if at == "record" && begun.swap(true, Ordering::SeqCst) {
                grow(&folder);
            } else if at == "applied" {
                begun.store(false, Ordering::SeqCst);
            }
            None
        })
    }
}

fn grow(folder: &Path) {
    let status = Command::new("mount")
        .args(["-o", "remount,size=400m"])
        .arg(folder)
        .status();
    assert!(status.expect("mount").success());
}

impl Drop for Small {
    fn drop(&mut self) {
        let status = Command::new("umount")
            .arg("--lazy")
            .arg(self.0.path())
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "umount {}",
            self.0.path().display()
        );
    }
}

fn open(path: &Path, faults: Faults) -> std::result::Result<Core, Refusal> {
    let writer = Writer::open(path, Durability::Full, faults.clone())?;
    Core::new(writer, crate::harness::world::clock(), faults)
}

fn import_many(pool: ObjectNo, name: &str, count: usize) -> Ask {
    let names: Vec<String> = (0..count).map(|n| format!("{name}-{n}")).collect();
    lines(pool, &names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn sound(core: &Core) {
    let db = core.writer().db();
    assert_eq!(check::invariants(db), Ok(Vec::new()));
    assert_eq!(check::chain(db), Ok(()));
    assert_eq!(check::rebuilt(db), Ok(Vec::new()));
}

/// Fills a disk of a size with imports of a size, each between two allocations, until it is full.
fn fill(size: &str, count: usize, helped: bool) -> String {
    let Some(disk) = Small::mount(size) else {
        let what = format!("a full disk of {size}");
        not_run(&what, "this user may not mount");
        return what;
    };
    let mut told = format!("{size} were never full");
    let (world, _, pool) = world();
    let path = disk.catalog(&world.into_bytes());
    let faults = if helped {
        disk.grows_after_failure()
    } else {
        Faults::default()
    };
    let mut core = open(&path, faults).expect("a core");
    let mut answered = 0_i64;
    for round in 0..1000 {
        let asks = [
            any(pool),
            import_many(pool, &format!("r{round}"), count),
            any(pool),
        ];
        let asks: Vec<_> = asks.into_iter().map(|ask| (root(), ask)).collect();
        let batch = core.batch(&asks);
        assert!(batch.fatal.is_none(), "{:?}", batch.fatal);
        let given = batch
            .answers
            .iter()
            .filter(|a| matches!(a, Ok(Reply::Allocated { .. })));
        answered += i64::try_from(given.count()).expect("a small number");
        if let Err(refusal) = &batch.answers[1] {
            let full: Vec<bool> = batch.answers.iter().map(Result::is_err).collect();
            told = format!("{size}: full in round {round}, {full:?} refused: {refusal}");
            assert_eq!(refusal.kind, ErrorKind::DatabaseFull, "{size}: {refusal}");
            break;
        }
    }
    let owned = |core: &Core| {
        let sql = "SELECT count(*) FROM logical";
        let count = core
            .writer()
            .db()
            .query_row(sql, [], |row| row.get::<_, i64>(0));
        count.expect("a count")
    };
    sound(&core);
    assert_eq!(
        owned(&core),
        answered,
        "{size}: what was answered is there, and nothing else"
    );
    disk.grow();
    let reply = core.batch(&[(root(), any(pool))]).answers.remove(0);
    assert!(
        reply.is_ok(),
        "{size}: it works again when there is room: {reply:?}"
    );
    sound(&core);
    drop(core);
    sound(&open(&path, Faults::default()).expect("a core"));
    told
}

#[test]
fn a_disk_that_is_full_at_the_commit() {
    println!("{}", fill("1m", 10, false));
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_transaction() {
    println!("{}", fill("20m", 30_000, false));
}

#[test]
fn a_disk_that_has_room_again_before_the_transaction_ends() {
    println!("{}", fill("20m", 30_000, true));
}

#[test]
fn a_mark_needs_a_transaction() {
    let (world, _, _) = world();
    let path = world.path();
    let mut writer = Writer::open(&path, Durability::None, Faults::default()).unwrap();
    assert_eq!(writer.mark().unwrap_err().kind, ErrorKind::DatabaseFailure);
    writer.begin().unwrap();
    let mark = writer.mark().unwrap();
    writer.drop_since(&mark).unwrap();
    writer.db().execute_batch("ROLLBACK").unwrap();
    assert_eq!(writer.mark().unwrap_err().kind, ErrorKind::DatabaseFailure);
}

#[test]
fn many_that_were_read_wait_for_a_transaction_that_begins() {
    let (mut world, trap, pool) = world();
    let (_, logical) = world.take(pool, "");
    let mut asks = vec![
        Ask::Delivered {
            logical: logical.no
        };
        2000
    ];
    asks.push(any(pool));
    trap.set("begin", 1, ErrorKind::DatabaseFailure);
    let failed = batch(&mut world, asks);
    assert!(failed.fatal.is_none() && failed.answers[2000].is_err());
    world.sound();
    world.done(Ask::Sweep);
    assert_eq!(world.logical(logical.no).delivery, Delivery::Done);
    world.sound();
}
