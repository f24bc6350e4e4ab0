//! Sides that rest after they were given back: what sees them, what ends the rest, and that it lasts.

use crate::harness::world::{World, advance, kind_in, root, word};
use ntmsfs::domain::ask::{Ask, Reply, SetPool};
use ntmsfs::domain::counts::Counts;
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::state::SideState;
use ntmsfs::domain::time::Span;
use ntmsfs::manager::{Faults, read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const MO: &str = "MO-5.25";
const HOUR: i64 = 3_600_000;

/// A pool with one two-sided medium, whose side A was given back and rests for an hour.
fn resting() -> (World, ObjectNo) {
    let mut world = World::new();
    world.library("box", MO, 4);
    let pool = world.pool(CATALOG, "Backup", MO);
    world.import(pool, "disk slot=box/1");
    world.set(pool, SetPool::ReuseDelay(Span(HOUR)));
    give_back(&mut world, pool, "side=disk/A");
    (world, pool)
}

fn give_back(world: &mut World, pool: ObjectNo, body: &str) {
    let (_, logical) = world.take(pool, body);
    world.done(Ask::Deallocate {
        logical: logical.no,
    });
}

fn counts(world: &World, pool: ObjectNo) -> String {
    Counts(read::tally(world.db(), pool).unwrap()).sentence()
}

#[test]
fn a_side_that_rests_is_available_and_not_given_away() {
    for (body, expected) in [
        ("timeout=0", "disk/B"),
        ("side=disk/A", "MediaUnavailable"),
        ("side=disk/B", "disk/B"),
        ("new side=disk/B", "MediaUnavailable"),
        ("new timeout=0", "MediaUnavailable"),
        ("new", "waits"),
    ] {
        let (mut world, pool) = resting();
        assert_eq!(world.states("disk"), [SideState::Available; 2]);
        assert_eq!(counts(&world, pool), "1 available, 1 resting");
        let reply = world.submit(&root(), pool, body, None);
        assert_eq!(word(&world, &reply), expected, "{body}");
        world.sound();
        advance(HOUR);
        assert_eq!(world.due(), 1, "{body}");
        assert_eq!(world.side("disk", "A").rests_until, None);
        world.sound();
    }
}

#[test]
fn the_refusal_says_until_when() {
    let (mut world, pool) = resting();
    for body in ["side=disk/A", "new side=disk/B"] {
        let Ok(Reply::Failed { result }) = world.submit(&root(), pool, body, None) else {
            panic!("{body}")
        };
        assert_eq!(kind_in(&result), ErrorKind::MediaUnavailable);
        assert!(result.contains("rests until 2031-"), "{result}");
    }
    give_back(&mut world, pool, "side=disk/B");
    let Ok(Reply::Failed { result }) = world.submit(&root(), pool, "timeout=0", None) else {
        panic!()
    };
    assert!(result.contains("2 resting"), "{result}");
    assert!(result.contains("wait until sides have rested"), "{result}");
}

/// The request that waits gets the side in the very moment, oldest first, also after a restart and a long stop.
#[test]
fn who_waits_gets_the_side_when_its_rest_is_over() {
    for stopped in [None, Some(0), Some(3 * HOUR)] {
        let (mut world, pool) = resting();
        world.take(pool, "side=disk/B");
        let first = world.wait(pool, "", Some("first"));
        let second = world.wait(pool, "", Some("second"));
        if let Some(ms) = stopped {
            world.restart_after(ms);
        }
        if stopped != Some(3 * HOUR) {
            advance(HOUR - 1);
            assert_eq!(world.due(), 0);
            advance(1);
        }
        assert_eq!(world.due(), 1, "{stopped:?}");
        assert_eq!(world.ended(), [(Some(first), "disk/A".to_owned())]);
        assert!(world.request(second).unwrap().result.is_empty());
        world.sound();
    }
}

/// However many sides rest, one look a moment releases those that are due, and the next are looked for again.
#[test]
fn each_rest_ends_at_its_own_time() {
    let (mut world, pool) = resting();
    advance(HOUR / 2);
    give_back(&mut world, pool, "side=disk/B");
    advance(HOUR / 2);
    assert_eq!(world.due(), 1);
    assert_eq!(counts(&world, pool), "1 available, 1 resting");
    assert_eq!(world.due(), 0);
    advance(HOUR / 2);
    assert_eq!(world.due(), 1);
    assert_eq!(counts(&world, pool), "2 available");
    world.sound();
}

#[test]
fn what_ends_a_rest_and_what_does_not() {
    let (mut world, pool) = resting();
    world.enable("disk", false);
    world.sound();
    world.enable("disk", true);
    let other = world.pool(CATALOG, "Other", MO);
    world.move_to(&root(), "disk", other).unwrap();
    assert!(world.side("disk", "A").rests_until.is_some(), "it travels");
    world.set(pool, SetPool::ReuseDelay(Span(0)));
    world.sound();
    let no = world.side("disk", "A").no;
    world.done(Ask::SetSide {
        no,
        state: SideState::Decommissioned,
    });
    assert_eq!(world.side("disk", "A").rests_until, None);
    advance(HOUR);
    assert_eq!((world.due(), world.events.len()), (1, 0));
    world.sound();
}

/// Where a side rests: in the free pool too; not when it is retired, and not when nobody can have used it.
#[test]
fn where_a_side_rests() {
    let (mut world, pool) = resting();
    let free = world.leaf("Free", MO);
    world.set(pool, SetPool::DeallocateToFree(true));
    give_back(&mut world, pool, "side=disk/B");
    assert_eq!(world.medium("disk").pool, free);
    assert_eq!(counts(&world, free), "0 available, 2 resting");
    world.import(pool, "spent slot=box/2");
    world.set(pool, SetPool::MaxAllocates(1));
    give_back(&mut world, pool, "side=spent/A");
    let spent = world.side("spent", "A");
    assert_eq!(
        (spent.state, spent.rests_until),
        (SideState::Decommissioned, None)
    );
    world.import(pool, "undone slot=box/3");
    let (_, logical) = world.take(pool, "side=undone/A");
    world.done(Ask::Undo {
        logical: logical.no,
    });
    assert_eq!(world.side("undone", "A").rests_until, None);
    world.take(pool, "side=undone/A");
    world.sound();
}

/// A commit that fails is tried again: no rest is forgotten.
#[test]
fn a_rest_that_could_not_be_ended_is_tried_again() {
    let trap = Arc::new(AtomicBool::new(false));
    let fails = Arc::clone(&trap);
    let faults = Faults::new(move |at| {
        (at == "commit" && fails.swap(false, Ordering::Relaxed))
            .then_some(ErrorKind::DatabaseFailure)
    });
    let bytes = resting().0.into_bytes();
    let mut world = World::with(&bytes, faults);
    let pool = world.medium("disk").pool;
    world.take(pool, "side=disk/B");
    advance(HOUR);
    trap.store(true, Ordering::Relaxed);
    let ask = world.core().due().unwrap();
    world.ask(&root(), ask).unwrap_err();
    advance(1000);
    assert_eq!(world.due(), 1);
    assert_eq!(counts(&world, pool), "1 available, 1 allocated");
    world.sound();
}
