//! Records that go into archives: what is left is sound and proves what it is, nothing is ever missing, and whoever reads
//! meanwhile reads whole lines.

use crate::check::full;
use crate::world::{World, advance, lines, root, user};
use ntmsfs::domain::ask::{Ask, SetPool};
use ntmsfs::domain::attribute::{Holder, Way};
use ntmsfs::domain::change::Thing;
use ntmsfs::domain::error::{ErrorKind, Refusal, Result};
use ntmsfs::domain::event::Event;
use ntmsfs::domain::history::{Digest, Mark};
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::setting::Setting;
use ntmsfs::domain::time::Span;
use ntmsfs::manager::{log, read, touched};
use ntmsfs::store::check as tables;
use ntmsfs::store::checkpoint::Checkpoint;
use proptest::prelude::*;

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
        let from = touched::begin(world.db(), medium).expect("a beginning");
        let size = touched::end(world.db(), medium).expect("an end") - from;
        assert_eq!(usize::try_from(size), Ok(expected.len()));
        let found = touched::bytes(world.db(), medium, from, 1 << 30).expect("a history");
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
