//! Records that go into archives: what is left is sound and proves what it is, nothing is ever missing, and whoever reads
//! meanwhile reads whole lines.

use crate::catalog_check::full;
use crate::harness::random::Random;
use crate::harness::world::{World, advance, clock, folder, lines, root, user};
use crate::harness::{Shell, Tree, same, until};
use ntmsfs::domain::access::Caller;
use ntmsfs::domain::ask::{Ask, SetPool};
use ntmsfs::domain::attribute::{Holder, Way};
use ntmsfs::domain::change::Thing;
use ntmsfs::domain::error::{ErrorKind, Refusal, Result};
use ntmsfs::domain::event::Event;
use ntmsfs::domain::history::{Before, Digest, Mark, Piece, Share};
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::setting::Setting;
use ntmsfs::domain::time::{Span, Time};
use ntmsfs::manager::archiving::Job;
use ntmsfs::manager::{
    Faults, Lock, Options, Readers, check, founding, log, medium_history, read, restoring,
};
use ntmsfs::store::archive::{Archive, prove};
use ntmsfs::store::check as tables;
use ntmsfs::store::checkpoint::Checkpoint;
use proptest::prelude::*;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

/// The lines that a catalog has.
fn kept(world: &World) -> Vec<(i64, String)> {
    let begin = log::begin(world.db()).expect("the beginning").seq;
    log::lines(world.db(), begin, u32::MAX).expect("the log")
}

fn head(world: &World) -> i64 {
    log::head(world.db()).expect("the end").seq
}

fn set(world: &mut World, setting: Setting) {
    world.done(Ask::Set { setting });
}

/// Gives a medium a large attribute, whose record is twice as large.
fn fill(world: &mut World, medium: &str, byte: u8) {
    let medium = world.medium(medium);
    let of = Holder::Medium(Thing {
        no: medium.no,
        id: medium.id,
    });
    world.done(Ask::SetAttribute {
        of,
        name: "user.filler".to_owned(),
        value: Some(vec![byte | 0x80; 60_000]),
        way: Way::Any,
    });
}

/// A catalog whose log is as long as several pieces of a checkpoint.
fn long() -> World {
    let mut world = full();
    for byte in 0..25 {
        fill(&mut world, "m1", byte);
    }
    world
}

#[test]
fn a_catalog_without_its_oldest_records_is_sound() {
    let mut world = full();
    let whole = kept(&world);
    world.archive(10);
    world.sound();
    assert_eq!(kept(&world)[..5], whole[10..15], "it begins there at once");
    assert_eq!(world.fold(), 1);
    world.sound();
    let (last, _) = kept(&world).pop().expect("a record");
    world.archive(last);
    world.restart();
    world.sound();
    assert_eq!(world.fold(), 1);
    world.sound();
    let oldest = log::first(world.db());
    assert_eq!(oldest, Ok(last + 1));
    let kinds: Vec<Event> = kept(&world)
        .iter()
        .map(|(_, line)| log::parse(line).expect("a record").detail)
        .collect();
    let [
        Event::Archived { last: archived },
        ..,
        Event::Checkpointed { last: folded, .. },
    ] = &kinds[..]
    else {
        panic!("{kinds:?}")
    };
    assert_eq!((archived.seq, archived), (last, folded));
    assert_eq!(world.fold(), 0);
    // It goes on as any other.
    let pool = world.pool(CATALOG, "Later", "MO-5.25");
    world.import(pool, "later slot=jukebox/3");
    world.take(pool, "");
    world.restart();
    world.sound();
}

#[test]
fn a_long_log_is_taken_up_in_pieces_and_goes_on_after_a_restart() {
    let mut world = long();
    let last = head(&world);
    world.archive(last);
    let mut checkpoint = Checkpoint::load(world.db()).expect("the checkpoint");
    let piece = checkpoint.advance(world.db()).expect("a piece");
    let piece = Box::new(piece.expect("a piece"));
    assert!(piece.last.end < 5 << 18, "{:?}", piece.last);
    world.done(Ask::Fold {
        piece: piece.clone(),
    });
    world.sound();
    assert_eq!(
        log::first(world.db()),
        Ok(last + 1),
        "what is archived stays hidden"
    );
    let refusal = world.ask(&root(), Ask::Fold { piece }).expect_err("twice");
    assert_eq!(refusal.kind, ErrorKind::InvalidState);
    world.restart();
    world.sound();
    assert!(world.fold() > 1);
    world.sound();
    let rows: i64 = world
        .db()
        .query_row("SELECT count(*) FROM log WHERE seq <= ?1", [last], |row| {
            row.get(0)
        })
        .expect("a count");
    assert_eq!(rows, 0, "they are gone");
    // Somebody else was faster.
    world.archive(head(&world));
    world.fold();
    let stale = checkpoint.advance(world.db()).expect_err("it has moved");
    assert_eq!(stale.kind, ErrorKind::InvalidState);
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut world = full();
    let at = |world: &World, seq| {
        log::at(world.db(), seq)
            .expect("a record")
            .expect("it")
            .mark()
    };
    let last = head(&world);
    let (tenth, later) = (at(&world, 10), at(&world, last - 1));
    world.archive(10);
    let before = head(&world);
    let wrong = Mark {
        seq: 20,
        chain: tenth.chain,
    };
    let none = Mark {
        seq: before + 1,
        chain: tenth.chain,
    };
    let kind = |found: Result<_>| found.map_err(|refusal: Refusal| refusal.kind);
    for (caller, mark, expected) in [
        (user(7), later, Err(ErrorKind::AccessDenied)),
        (root(), at(&world, 9), Err(ErrorKind::InvalidParameter)),
        (
            root(),
            Mark {
                seq: 10,
                chain: Digest([1; 32]),
            },
            Err(ErrorKind::InvalidParameter),
        ),
        (root(), Mark::default(), Err(ErrorKind::InvalidParameter)),
        (root(), wrong, Err(ErrorKind::InvalidParameter)),
        (root(), none, Err(ErrorKind::InvalidParameter)),
        (root(), tenth, Ok(())),
    ] {
        let found = world.ask(&caller, Ask::Archive { last: mark });
        assert_eq!(kind(found.map(drop)), expected, "{mark}");
    }
    assert_eq!(head(&world), before, "nothing was recorded");
    // What is young stays, and the setting is in the log.
    set(&mut world, Setting::Retention(Span(60_000)));
    let old = Ask::Archive { last: later };
    let refusal = world.ask(&root(), old.clone()).expect_err("too young");
    assert_eq!(refusal.kind, ErrorKind::InvalidState);
    assert!(refusal.sentence.contains("settings/retention"), "{refusal}");
    advance(60_000);
    world.done(old);
    let refusal = log::after(world.db(), 3, 10).expect_err("gone");
    assert_eq!(refusal.kind, ErrorKind::ObjectNotFound);
    let oldest = format!("oldest record kept is {last}");
    assert!(refusal.sentence.contains(&oldest), "{refusal}");
    world.sound();
}

/// One step of a random life.
fn live(world: &mut World, (pools, number): ([ObjectNo; 2], u64), made: &mut u64) {
    let pick = |count: usize| usize::try_from(number >> 8).map_or(0, |big| big % count.max(1));
    let pool = pools[pick(2)];
    let media = ntmsfs::manager::list::page(
        world.db(),
        ntmsfs::manager::list::Kind::AnyMedium,
        CATALOG,
        0,
        100,
    );
    let media = media.expect("media");
    let medium = media
        .get(pick(media.len()))
        .map(|item| (item.no, item.name.clone()));
    let ask = match (number % 12, medium) {
        (0 | 1, _) => {
            *made += 1;
            lines(pool, &[&format!("m{made}")])
        }
        (2 | 3, _) => {
            // It may find nothing.
            world.submit(&root(), pool, "new timeout=0", None).ok();
            return;
        }
        (4, Some((no, _))) => {
            let side = read::sides(world.db(), no).expect("sides");
            match side.first().and_then(|side| side.logical) {
                Some(logical) => Ask::Deallocate { logical },
                None => return,
            }
        }
        (5, Some((no, name))) => Ask::MoveMedium { no, pool, name },
        (6, Some((no, _))) => Ask::RemoveMedium { no },
        (7, Some((_, name))) => return fill(world, &name, 7),
        (8, _) => {
            let set = SetPool::Description(format!("{number}"));
            Ask::SetPool { no: pool, set }
        }
        (9, _) => return world.restart(),
        (10, _) => {
            let (first, last) = (log::first(world.db()).expect("it"), head(world));
            let count = usize::try_from(last - first + 1).expect("a count");
            let seq = first + i64::try_from(pick(count)).expect("a number");
            return world.archive(seq);
        }
        _ => {
            world.fold();
            return;
        }
    };
    // Whatever is refused changes nothing.
    world.ask(&root(), ask).ok();
}

/// What a catalog must say, from the lines of its whole life.
fn same_as_without(world: &World, all: &[(i64, String)]) {
    let replay = |wanted: &dyn Fn(&Event) -> bool| {
        let lines = all.iter().map(|(_, line)| line.clone());
        let lines = lines.filter(|line| wanted(&log::parse(line).expect("a record").detail));
        tables::replay(lines).expect("tables")
    };
    let with = tables::differences(world.db(), &replay(&|_| true));
    assert_eq!(with, Ok(Vec::new()));
    let without =
        replay(&|event| !matches!(event, Event::Archived { .. } | Event::Checkpointed { .. }));
    let mut differences = tables::differences(world.db(), &without).expect("a comparison");
    // What is archived, when that was set, and which records of media are kept.
    let own = ["archive: ", "settings: ", "touched: "];
    differences.retain(|line| !own.iter().any(|table| line.starts_with(table)));
    assert_eq!(differences, [""; 0]);
    let begin = log::begin(world.db()).expect("the beginning").seq;
    let mut histories = without
        .prepare("SELECT seq FROM touched WHERE medium = ?1 AND seq > ?2 ORDER BY seq")
        .expect("a query");
    let mut media = without.prepare("SELECT no FROM medium").expect("a query");
    let media = media.query_map([], |row| row.get(0)).expect("media");
    for medium in media.map(|no| ObjectNo(no.expect("a medium"))) {
        let seqs = histories.query_map((medium.0, begin), |row| row.get::<_, i64>(0));
        let seqs: rusqlite::Result<Vec<i64>> = seqs.expect("a history").collect();
        let expected: String = seqs
            .expect("a history")
            .into_iter()
            .map(|seq| {
                let at = all.binary_search_by_key(&seq, |(seq, _)| *seq);
                all[at.expect("a record")].1.clone() + "\n"
            })
            .collect();
        let from = medium_history::begin(world.db(), medium).expect("a beginning");
        let size = medium_history::end(world.db(), medium).expect("an end") - from;
        assert_eq!(usize::try_from(size), Ok(expected.len()));
        let found = medium_history::bytes(world.db(), medium, from, 1 << 30).expect("a history");
        assert!(found == expected.as_bytes(), "the history of {medium}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_catalog_that_was_pruned_is_as_one_that_was_not(numbers in prop::collection::vec(any::<u64>(), 60)) {
        let mut world = World::new();
        let pools = ["One", "Two"].map(|name| world.pool(CATALOG, name, "MO-5.25"));
        let (mut all, mut made) = (kept(&world), 0);
        for number in numbers {
            live(&mut world, (pools, number), &mut made);
            let seen = all.last().expect("a record").0;
            let new = log::lines(world.db(), seen, u32::MAX).expect("the log");
            all.extend(new);
        }
        world.sound();
        same_as_without(&world, &all);
        world.fold();
        world.sound();
        let tail = log::after(world.db(), log::begin(world.db()).expect("it").seq, usize::MAX);
        let lines: String = kept(&world).into_iter().map(|(_, line)| line + "\n").collect();
        prop_assert!(tail.expect("the log").1 == lines.as_bytes());
        let begin = log::begin(world.db()).expect("the beginning").end;
        for (from, size) in [(0, 1 << 30), (1, 100), (777, 3000)] {
            let bytes = log::bytes(world.db(), begin + i64::try_from(from).expect("it"), size);
            let wanted: Vec<u8> = lines.bytes().skip(from).take(size).collect();
            prop_assert!(bytes.expect("the log") == wanted);
        }
        prop_assert!(begin == 0 || log::bytes(world.db(), begin - 1, 1).is_err());
    }
}

/// A catalog on disk, and the lines of its history.
struct OnDisk {
    folder: tempfile::TempDir,
    catalog: PathBuf,
    whole: Vec<String>,
}

impl OnDisk {
    fn new(world: World) -> Self {
        let folder = folder();
        let catalog = folder.path().join("catalog");
        fs::write(&catalog, world.into_bytes()).expect("a catalog");
        let mut disk = Self {
            folder,
            catalog,
            whole: Vec::new(),
        };
        disk.whole = disk.kept();
        disk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn kept(&self) -> Vec<String> {
        kept_of(&self.catalog)
    }

    fn archive(&self, name: &str, before: Option<i64>) -> Result<(i64, Mark)> {
        archive(&self.catalog, &self.path(name), before, Faults::default())
    }

    fn problems(&self, names: &[&str]) -> Vec<String> {
        let archives: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        check(&self.catalog, &archives).expect("a check").problems
    }

    /// What is in the folder beside the catalog.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("the folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| !["catalog", "catalog.lock"].contains(&name.as_str()))
            .collect();
        names.sort();
        names
    }
}

fn kept_of(catalog: &Path) -> Vec<String> {
    let lines = Readers::new(catalog).look(|view| {
        let begin = log::begin(view)?.seq;
        log::lines(view, begin, u32::MAX)
    });
    let lines = lines.expect("the log").into_iter();
    lines.map(|(_, line)| line).collect()
}

fn archive(
    catalog: &Path,
    archive: &Path,
    before: Option<i64>,
    faults: Faults,
) -> Result<(i64, Mark)> {
    Job {
        catalog,
        archive,
        before: before.map(Before::Seq),
        caller: &Caller::daemon(),
        options: Options {
            faults,
            clock: clock(),
            ..Options::default()
        },
    }
    .run()
}

/// The records in an archive.
fn records(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("an archive");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let (first, last) = (lines.remove(0), lines.pop().expect("an end"));
    assert!(
        first.starts_with("{\"archive\":1,\"catalog\":\""),
        "{first}"
    );
    assert!(last.starts_with("{\"archived\":{\"seq\":"), "{last}");
    lines
}

#[test]
fn archives_and_what_is_kept_are_the_whole_history() {
    let disk = OnDisk::new(full());
    let (first, last) = disk.archive("one", Some(12)).expect("an archive");
    assert_eq!((first, last.seq), (1, 11));
    let (first, last) = disk.archive("two", Some(30)).expect("an archive");
    assert_eq!((first, last.seq), (12, 29));
    assert_eq!(disk.names(), ["one", "two"], "nothing else is left");
    let all = [records(&disk.path("one")), records(&disk.path("two"))].concat();
    assert_eq!(all, disk.whole[..29]);
    assert_eq!(disk.kept()[..disk.whole.len() - 29], disk.whole[29..]);
    for archives in [
        &[][..],
        &["two"],
        &["one", "two"],
        &["two", "one"],
        &["one", "one", "two"],
    ] {
        assert_eq!(disk.problems(archives), [""; 0], "{archives:?}");
    }
    same(
        "the newer is missing",
        disk.problems(&["one"]),
        vec!["the records 12 to 29 are in none of the archives".to_owned()],
    );
    // Everything goes if nothing is said.
    let (_, last) = disk.archive("three", None).expect("an archive");
    assert_eq!(
        disk.kept().len(),
        2,
        "that it was archived, and the checkpoint"
    );
    same(
        "the one in the middle is missing",
        disk.problems(&["one", "three"]),
        vec!["the records 12 to 29 are in none of the archives".to_owned()],
    );
    assert_eq!(disk.problems(&["one", "two", "three"]), [""; 0]);
    assert_eq!(last.seq, log_begin(&disk.catalog));
    let modes = fs::metadata(disk.path("one")).expect("an archive");
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&modes.permissions()) & 0o777,
        0o600
    );
}

fn log_begin(catalog: &Path) -> i64 {
    let begin = Readers::new(catalog).look(|view| log::begin(view));
    begin.expect("the beginning").seq
}

#[test]
fn an_archive_that_cannot_be_made_leaves_all_as_it_was() {
    let disk = OnDisk::new(full());
    let refused = |name: &str, before| {
        let refusal = disk.archive(name, before).expect_err("refused");
        assert_eq!(disk.kept(), disk.whole, "{refusal}");
        refusal
    };
    fs::write(disk.path("there"), "mine").expect("a file");
    assert_eq!(refused("there", None).kind, ErrorKind::AlreadyExists);
    assert_eq!(fs::read(disk.path("there")).expect("mine"), b"mine");
    let nothing = refused("new", Some(1));
    assert_eq!(nothing.kind, ErrorKind::InvalidParameter);
    assert!(nothing.sentence.contains("nothing to archive"), "{nothing}");
    assert_eq!(refused("no/folder", None).kind, ErrorKind::DatabaseFailure);
    let lock = Lock::take(&disk.catalog).expect("the lock");
    let busy = refused("new", None);
    assert_eq!(busy.kind, ErrorKind::Busy);
    assert!(busy.sentence.contains("pid "), "{busy}");
    drop(lock);
    assert_eq!(disk.names(), ["there"]);

    // Too young: refused if it is asked for, left where it is if not.
    let mut world = full();
    let old = head(&world);
    advance(100_000);
    set(&mut world, Setting::Retention(Span(50_000)));
    let disk = OnDisk::new(world);
    let young = disk.archive("new", Some(old + 2)).expect_err("too young");
    assert_eq!(young.kind, ErrorKind::InvalidState);
    assert_eq!(disk.names(), [""; 0]);
    let (_, last) = disk.archive("new", None).expect("an archive");
    assert_eq!(last.seq, old);
}

#[test]
fn a_change_of_any_byte_of_an_archive_is_found() {
    let disk = OnDisk::new(full());
    disk.archive("one", Some(12)).expect("an archive");
    disk.archive("two", None).expect("an archive");
    let whole = fs::read(disk.path("one")).expect("an archive");
    let mut random = Random(20_310_203);
    let tampered = |bytes: &[u8], what: &str| {
        fs::write(disk.path("one"), bytes).expect("an archive");
        let archives = [disk.path("one"), disk.path("two")];
        let found = check(&disk.catalog, &archives).map(|found| found.problems);
        assert_ne!(found, Ok(Vec::new()), "{what}");
    };
    for _ in 0..crate::harness::world::rounds(150, 3_000) {
        let mut bytes = whole.clone();
        let bit = random.turn_over(&mut bytes);
        tampered(&bytes, &format!("bit {bit}"));
    }
    let text = String::from_utf8(whole.clone()).expect("text");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for line in 0..lines.len() {
        let without = [&lines[..line], &lines[line + 1..]].concat().concat();
        tampered(without.as_bytes(), &format!("without line {line}"));
        let twice = [&lines[..=line], &lines[line..]].concat().concat();
        tampered(twice.as_bytes(), &format!("line {line} twice"));
    }
    tampered(&whole[..whole.len() - 1], "cut off");
    tampered(&[&whole[..], b"\n"].concat(), "longer");
    tampered(b"", "empty");
    let other = disk.path("other");
    founding::found(&other).expect("a catalog");
    archive(&other, &disk.path("foreign"), Some(12), Faults::default()).expect("an archive");
    let foreign = fs::read(disk.path("foreign")).expect("an archive");
    tampered(&foreign, "of another catalog");
    fs::write(disk.path("one"), &whole).expect("an archive");
    assert_eq!(disk.problems(&["one", "two"]), [""; 0]);
}

/// Whoever makes an archive that is sound in itself is found by the chain of the catalog.
#[test]
fn an_archive_that_was_forged_with_care_is_found() {
    let (disk, other) = (OnDisk::new(full()), OnDisk::new(full()));
    let last = i64::try_from(disk.whole.len()).expect("a number") - 3;
    for disk in [&disk, &other] {
        disk.archive("one", Some(last + 1)).expect("an archive");
    }
    // Both were founded as one, and have lived since.
    fs::copy(other.path("one"), disk.path("one")).expect("a forgery");
    same(
        "it begins and ends at the right records",
        disk.problems(&["one"]),
        vec![format!(
            "{}: the chain of record {last} is another one elsewhere",
            disk.path("one").display()
        )],
    );
}

/// A bit of the checkpoint, and what the catalog says of it.
#[test]
fn a_checkpoint_that_was_changed_is_found() {
    let mut world = full();
    world.archive(head(&world));
    world.fold();
    let db = world.db();
    for sql in [
        "UPDATE checkpoint SET body = zeroblob(4096) WHERE page = 3",
        "UPDATE checkpoint SET sum = zeroblob(32) WHERE page = 3",
        "DELETE FROM checkpoint WHERE page = 3",
        "DELETE FROM checkpoint WHERE page = (SELECT max(page) FROM checkpoint)",
        "DELETE FROM checkpoint",
        "UPDATE archive SET digest = zeroblob(32)",
        "UPDATE archive SET folded = folded - 1",
        "UPDATE archive SET folded_chain = zeroblob(32)",
        "UPDATE archive SET folded_end = 0",
    ] {
        db.execute_batch("BEGIN").expect("a transaction");
        db.execute_batch(sql).expect(sql);
        assert!(tables::chain(db).is_err(), "{sql}");
        assert!(tables::rebuilt(db).is_err(), "{sql}");
        db.execute_batch("ROLLBACK").expect("the end");
    }
    for sql in [
        "UPDATE archive SET seq = seq - 1",
        "UPDATE archive SET end = end - 1",
        "UPDATE archive SET chain = zeroblob(32)",
    ] {
        db.execute_batch("BEGIN").expect("a transaction");
        db.execute_batch(sql).expect(sql);
        assert_ne!(tables::rebuilt(db), Ok(Vec::new()), "{sql}");
        db.execute_batch("ROLLBACK").expect("the end");
    }
    world.sound();
}

/// Archives that begin with the first record give the checkpoint, whatever the catalog says of it.
#[test]
fn archives_prove_the_checkpoint() {
    let (folder, mut world, mut other) = (folder(), full(), full());
    let path = folder.path().join("archive");
    let (id, _) = read::catalog(world.db()).expect("the catalog");
    let mut archive = Archive::begin(&path, id, Mark::default()).expect("an archive");
    let seq = head(&world) - 3;
    let lines = kept(&world).into_iter().map(|(_, line)| Ok(line));
    let share = Share::new(Some(Before::Seq(seq + 1)), Span(0), Time(0));
    archive.fill(lines, &share).expect("lines");
    archive.publish().expect("an archive");
    let next = |world: &mut World| {
        world.archive(seq);
        let mut checkpoint = Checkpoint::load(world.db()).expect("the checkpoint");
        let piece = checkpoint.advance(world.db()).expect("a piece");
        Box::new(piece.expect("a piece"))
    };
    let (mine, foreign) = (next(&mut world), next(&mut other));
    let wrong = world.ask(
        &root(),
        Ask::Fold {
            piece: foreign.clone(),
        },
    );
    assert_eq!(
        wrong.expect_err("another log").kind,
        ErrorKind::InvalidState
    );
    let forged = Piece {
        from: mine.from,
        last: mine.last,
        ..*foreign
    };
    let bytes = world.into_bytes();
    for (piece, expected) in [(*mine, 0), (forged, 1)] {
        let mut world = World::with(&bytes, Faults::default());
        world.done(Ask::Fold {
            piece: Box::new(piece),
        });
        assert_eq!(tables::chain(world.db()), Ok(()), "it is sound in itself");
        let found = prove(world.db(), std::slice::from_ref(&path)).expect("a proof");
        assert_eq!(found.len(), expected, "{found:?}");
    }
}

const POINTS: [&str; 10] = [
    "open",
    "archive",
    "archived",
    "begin",
    "record",
    "applied",
    "fold",
    "folded",
    "commit",
    "committed",
];
const CHILD: &str = "NTMSFS_ARCHIVE_CHILD";

/// The first record that stays, of the long catalog: those before it are several pieces.
const FIRST: usize = 80;

fn seq(number: usize) -> Option<i64> {
    i64::try_from(number).ok()
}

/// Not a test by itself: what the child of the test below runs.
#[test]
fn child_of_the_archive() {
    let Ok(words) = std::env::var(CHILD) else {
        return;
    };
    let mut words = words.splitn(3, ' ');
    let mut next = || words.next().expect("a word").to_owned();
    let (point, passage) = (next(), next().parse::<u64>().expect("a number"));
    let catalog = PathBuf::from(next());
    let passed = AtomicU64::new(0);
    let faults = Faults::new(move |at| {
        if at == point && passed.fetch_add(1, Ordering::Relaxed) + 1 == passage {
            std::process::abort();
        }
        None
    });
    archive(&catalog, &catalog.with_extension("one"), seq(FIRST), faults).expect("an archive");
}

/// What a crash left: nothing is missing, and the next archive goes on.
fn look(catalog: &Path, whole: &[String], what: &str) {
    let problems = check(catalog, &[]).expect(what).problems;
    assert_eq!(problems, [""; 0], "{what}");
    let begin = usize::try_from(log_begin(catalog)).expect("a number");
    assert!(kept_of(catalog).starts_with(&whole[begin..]), "{what}");
    let one = catalog.with_extension("one");
    let mut archives = Vec::new();
    if one.exists() {
        assert_eq!(records(&one), whole[..FIRST - 1], "{what}");
        archives.push(one);
    }
    assert!(
        begin == 0 || begin == FIRST - 1 && archives.len() == 1,
        "{what}: {begin}"
    );
    let two = catalog.with_extension("two");
    archive(catalog, &two, seq(FIRST + 2), Faults::default()).expect(what);
    archives.push(two);
    assert!(kept_of(catalog).starts_with(&whole[FIRST + 1..]), "{what}");
    let found = check(catalog, &archives).expect(what).problems;
    assert_eq!(found, [""; 0], "{what}");
}

#[test]
fn a_crash_while_records_go_leaves_no_gap() {
    let disk = OnDisk::new(long());
    let exe = std::env::current_exe().expect("this program");
    let mut crashes = 0;
    for point in POINTS {
        for passage in 1.. {
            let what = format!("{point} {passage}");
            let catalog = disk.path(&format!("{point}-{passage}"));
            fs::copy(&disk.catalog, &catalog).expect("a copy");
            let mut command = Command::new(&exe);
            command.args(["--exact", "archiving::child_of_the_archive"]);
            command.env(CHILD, format!("{what} {}", catalog.display()));
            let output = command
                .stdout(File::create("/dev/null").expect("a sink"))
                .output()
                .expect("a child");
            look(&catalog, &disk.whole, &what);
            if output.status.success() {
                assert!(passage > 1, "{point} is never passed");
                break;
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                output.status.code().is_none(),
                "{what}: not the abort: {said}"
            );
            crashes += 1;
        }
    }
    println!("{crashes} crashes at {} points", POINTS.len());
    assert!(crashes > 20);
}

/// A fault that is no crash: the archive may be there, and then it is whole; all records are somewhere.
#[test]
fn a_step_that_fails_is_tried_again() {
    let disk = OnDisk::new(long());
    for point in POINTS {
        for passage in 1..5 {
            let catalog = disk.path(&format!("{point}-{passage}"));
            fs::copy(&disk.catalog, &catalog).expect("a copy");
            let passed = AtomicU64::new(0);
            let faults = Faults::new(move |at| {
                let now = at == point && passed.fetch_add(1, Ordering::Relaxed) + 1 == passage;
                now.then_some(ErrorKind::DatabaseFull)
            });
            // Some points are passed less often.
            archive(&catalog, &catalog.with_extension("one"), seq(FIRST), faults).ok();
            look(&catalog, &disk.whole, &format!("{point} {passage}"));
        }
    }
}

#[test]
fn an_export_of_a_catalog_without_its_oldest_records_is_restored() {
    let mut world = full();
    world.archive(20);
    world.fold();
    world.archive(25);
    let disk = OnDisk::new(world);
    let restored = disk.path("restored");
    restoring::restore(&disk.catalog, &restored).expect("a sound export");
    assert_eq!(kept_of(&restored), disk.whole);
    let (first, _) = archive(&restored, &disk.path("next"), None, Faults::default()).expect("it");
    assert_eq!(first, 26);
    assert_eq!(check(&restored, &[]).expect("a check").problems, [""; 0]);
}

/// Runs the program on a mounted catalog.
fn program(tree: &Tree, words: &str) -> crate::harness::Ran {
    let (program, catalog, _) = tree.places();
    tree.run(
        Shell::Dash,
        &format!("{program} {} ", words.replace("CATALOG", catalog)),
    )
}

#[test]
fn a_mounted_catalog_lets_go_of_its_oldest_records() {
    let tree = Tree::stocked(4);
    tree.allocate("Backup", "timeout=0");
    let whole = tree.read("history");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let scratch = tree.scratch("scratch");
    let ran = program(&tree, "archive CATALOG $T/one --before 20");
    let said = format!("records 1 to 19 are in {}/one\n", scratch.display());
    assert_eq!(ran.output(), said);
    let archived = records(&scratch.join("one")).join("\n") + "\n";
    assert_eq!(archived, lines[..19].concat());
    let left = tree.read("history");
    assert!(left.starts_with(&lines[19..].concat()));
    assert!(left.contains("\"event\":\"archived\",\"last\":{\"seq\":19,"));
    program(&tree, "archive CATALOG $T/two").output();
    tree.unmount();
    let check = "check CATALOG --archive $T/one --archive $T/two";
    program(&tree, check).output();
    let ran = program(&tree, "check CATALOG --archive $T/one");
    assert_eq!(ran.status, Some(1));
    assert!(
        ran.stdout.contains("are in none of the archives"),
        "{ran:?}"
    );
    // And one that is not mounted.
    program(&tree, "archive CATALOG $T/three").output();
    program(&tree, &format!("{check} --archive $T/three")).output();
    tree.mount();
    assert!(tree.read("history").contains("\"checkpointed\""));
}

#[test]
fn the_tree_says_where_its_history_begins() {
    let tree = Tree::stocked(4);
    let whole = tree.read("history");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let medium = tree.names("media").remove(0);
    let of_medium = format!("media/{medium}/history");
    let before = tree.read(&of_medium);
    program(&tree, "archive CATALOG $T/one --before 50").output();
    // That the checkpoint has followed is one record more.
    until("the checkpoint follows", || {
        let history = tree.read("history");
        history.contains("\"checkpointed\"").then_some(())
    });
    let size = |path: &str| fs::metadata(tree.path(path)).expect(path).len();
    for path in ["history", of_medium.as_str()] {
        let read = u64::try_from(tree.read(path).len());
        same(path, read, Ok(size(path)));
    }
    assert!(before.ends_with(&tree.read(&of_medium)));
    let info: serde_json::Value = serde_json::from_str(&tree.read("info.json")).expect("JSON");
    same("info.json", info["oldest_record"].as_u64(), Some(50));
    same(
        "info.json",
        info["history_bytes"].as_u64(),
        Some(size("history")),
    );
    for (path, text) in [
        ("metrics", "\nntmsfs_oldest_record 50\n"),
        ("status", ", those up to 49 in archives\n"),
        ("settings/archived", "49 "),
    ] {
        assert!(tree.read(path).contains(text), "{path}");
    }
    let script = "exec 3<>events; echo from=49 2>/dev/null >&3 || cat last-error; echo from=50 >&3; head -n 2 <&3 2>/dev/null";
    let ran = tree.run(Shell::Bash, script);
    let refused =
        "0x80070057 ERROR_INVALID_PARAMETER record 49 is in an archive; the oldest kept is 50\n";
    same(
        "events",
        ran.output(),
        [refused, lines[49], lines[50]].concat().as_str(),
    );
}

#[test]
fn the_program_says_why_it_makes_no_archive() {
    let tree = Tree::empty();
    program(&tree, "archive CATALOG $T/one --before 20").output();
    tree.write("settings/retention", "1d");
    for (words, said) in [
        ("CATALOG $T/one", "ERROR_ALREADY_EXISTS"),
        (
            "CATALOG $T/two --before 20",
            "there is nothing to archive: the oldest record, 20, stays",
        ),
        (
            "CATALOG $T/two --before 25",
            "settings/retention keeps records for 24h",
        ),
        ("CATALOG $T/two", "there is nothing to archive"),
        (
            "CATALOG $T/two --before soon",
            "is no record number, no time such as",
        ),
        ("$T/one $T/two", "file is not a database"),
    ] {
        let ran = program(&tree, &format!("archive {words}"));
        assert!(
            ran.status == Some(1) && ran.stderr.contains(said),
            "{words}: {ran:?}"
        );
    }
    let left: Vec<_> = fs::read_dir(tree.scratch("scratch"))
        .expect("a folder")
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    tree.write("settings/retention", "0");
    program(&tree, "archive CATALOG $T/two").output();
    // One pool is not the whole tree.
    let (program_path, catalog, at) = tree.places();
    fs::create_dir(tree.path("pools/Tenant")).expect("a pool");
    tree.unmount();
    let script = format!(
        "{program_path} mount {catalog} {at} -o pool=Tenant; {program_path} archive {catalog} $T/three"
    );
    let ran = tree.run(Shell::Dash, &script);
    assert_eq!(ran.status, Some(1));
    assert!(
        ran.stderr
            .contains("settings/archived: it must be writable"),
        "{ran:?}"
    );
}

/// Who has read the oldest records does not notice that they go.
const FOLLOWER: &str = r#"
import os, json, time
history, events = os.open("history", os.O_RDONLY), os.open("events", os.O_RDWR)
os.write(events, b"from=1\n")
rest = {history: b"", events: b""}
def record(fd):
    while b"\n" not in rest[fd]:
        more = os.read(fd, 1000)
        rest[fd] += more
        if not more: time.sleep(0.005)
    text, rest[fd] = rest[fd].split(b"\n", 1)
    return json.loads(text)
wanted, last = 1, False
while not last:
    for fd in history, events:
        found = record(fd)
        assert found["seq"] == wanted, (fd == history, found["seq"], wanted)
        last = found["detail"].get("name") == "last"
    with open(os.environ["T"] + "/seen", "w") as seen: seen.write("%d\n" % wanted)
    wanted += 1
print("every record once")
"#;

/// One that stopped after its first bytes, one that has not begun to read, and one that has not gone on with `events`.
const BEHIND: &str = r"
exec 3<history 4<history 5<>events
head -c 100 <&3 > $T/begun
echo from=1 >&5
touch $T/ready
until [ -e $T/gone ]; do sleep 0.01; done
cat <&3 2>&1 | sed 's/.*: //'
cat last-error
head -n 1 <&4 | cut -d, -f1
read -r -n 1 x <&5 2> $T/noise || cat last-error
echo from=$(cut -d' ' -f1 settings/archived) 2> $T/noise >&5 || echo refused
";

#[test]
fn readers_read_whole_records_or_are_refused() {
    let tree = Tree::empty();
    let scratch = tree.scratch("scratch");
    let seen = || {
        let seen = fs::read_to_string(scratch.join("seen")).unwrap_or_default();
        seen.trim().parse::<usize>().unwrap_or(0)
    };
    let follower = tree.spawn(Shell::Python, FOLLOWER);
    let behind = tree.spawn(Shell::Bash, BEHIND);
    until("it has begun", || {
        scratch.join("ready").exists().then_some(())
    });
    let last = || {
        let history = tree.read("history");
        let line = history.lines().last().expect("a record");
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        usize::try_from(record["seq"].as_u64().expect("a number")).expect("a number")
    };
    for number in 0..10 {
        fs::create_dir(tree.path(&format!("pools/p{number}"))).expect("a pool");
        let end = last();
        until("the follower is there", || (seen() >= end).then_some(()));
        program(
            &tree,
            &format!("archive CATALOG $T/{number} --before {end}"),
        )
        .output();
    }
    fs::create_dir(tree.path("pools/last")).expect("a pool");
    assert_eq!(follower.end().output(), "every record once\n");
    let oldest: serde_json::Value = serde_json::from_str(&tree.read("info.json")).expect("JSON");
    let oldest = &oldest["oldest_record"];
    fs::write(scratch.join("gone"), "").expect("a file");
    let gone = format!(
        "0x800710D8 ERROR_OBJECT_NOT_FOUND what comes next is in an archive; the oldest record kept is {oldest}"
    );
    let found = behind.end();
    let expected = [
        "No such file or directory",
        &gone,
        &format!("{{\"seq\":{oldest}"),
        &gone,
        "refused",
    ];
    assert_eq!(found.output().lines().collect::<Vec<_>>(), expected);
}

/// tail(1) sees that the file is shorter, says so, and shows all of it again: whole lines, and none is missing.
#[test]
fn tail_follows_a_history_that_loses_its_beginning() {
    let tree = Tree::empty();
    let scratch = tree.scratch("scratch");
    let tail = tree.spawn(
        Shell::Bash,
        "exec tail -c +1 -s 0.05 -f history > $T/followed 2> $T/said",
    );
    let followed = || fs::read_to_string(scratch.join("followed")).unwrap_or_default();
    let whole = tree.read("history");
    until("all that there is", || (followed() == whole).then_some(()));
    program(&tree, "archive CATALOG $T/archive").output();
    fs::create_dir(tree.path("pools/new")).expect("a pool");
    until("the checkpoint follows", || {
        tree.read("history")
            .contains("\"checkpointed\"")
            .then_some(())
    });
    until("what is left, from its beginning", || {
        followed().ends_with(&tree.read("history")).then_some(())
    });
    for line in followed().lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("one object a line");
    }
    drop(tail);
}

/// What the daemon is told is refused as any other setting.
#[test]
fn only_root_lets_go_of_records() {
    let tree = Tree::empty();
    let zeros = "0".repeat(64);
    for (text, refused) in [
        ("5", "\"5\" is not the number of a record and its chain"),
        ("5 xyz", "\"xyz\" is not 64 hexadecimal digits"),
        (
            &format!("5 {zeros}"),
            "that is not the chain of record 5; an archive has every line up to its last",
        ),
        (&format!("999 {zeros}"), "there is no record 999"),
    ] {
        let asked = tree.ask("settings/archived", format!("{text}\n").as_bytes());
        let line = format!("0x80070057 ERROR_INVALID_PARAMETER {refused}\n");
        same(text, asked.text, line);
    }
    let other = crate::harness::User {
        uid: 1000,
        gid: 1000,
        groups: "",
    };
    let ran = tree.run_as(other, Shell::Bash, "echo 1 > settings/archived");
    assert!(ran.stderr.contains("Permission denied"), "{ran:?}");
    assert_eq!(tree.read("settings/archived"), format!("0 {zeros}\n"));
    tree.write("settings/archived", &format!("0 {zeros}"));
}
