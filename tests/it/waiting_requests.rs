//! Requests that wait: who is tried when, what ends a wait, and what a restart leaves.

use crate::harness::world::{World, advance, lines, root, user, word};
use ntmsfs::domain::ask::{Ask, Found, Reply, SetAccess, SetPool};
use ntmsfs::domain::driver::Label;
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::object::Library;
use ntmsfs::domain::state::{Delivery, OperatorState, RequestState};
use ntmsfs::domain::time::Limit;

const MO: &str = "MO-5.25";
const HOUR: i64 = 3_600_000;

/// A library, an empty pool that draws from the empty free pool, and a second one.
fn empty() -> (World, ObjectNo, ObjectNo) {
    let mut world = World::new();
    world.library("box", MO, 8);
    let pool = world.pool(CATALOG, "Backup", MO);
    world.set(pool, SetPool::AllocateFromFree(true));
    let other = world.pool(CATALOG, "Other", MO);
    (world, pool, other)
}

/// Inventories the library of a work that is queued: this is found.
fn find(world: &mut World, library: ObjectNo, found: &[(u32, &str)]) {
    let found = found.iter().map(|(slot, name)| Found {
        slot: *slot,
        barcode: Some((*name).to_owned()),
        media_type: MO.to_owned(),
        label: Label::Free,
    });
    world.inventory(library, Ok(found.collect()));
}

fn library(world: &World) -> Library {
    let library = ntmsfs::manager::read::library_named(world.db(), "box");
    library.expect("a library").expect("the library")
}

/// What happened to requests that wait, as `number: word`, oldest first.
fn outcome(world: &World, requests: &[ObjectNo]) -> Vec<String> {
    let ended = world.ended();
    let of = |no: &ObjectNo| ended.iter().find(|(ended, _)| ended.as_ref() == Some(no));
    requests
        .iter()
        .map(|no| of(no).map_or("waits".to_owned(), |(_, what)| what.clone()))
        .collect()
}

type Bring = fn(&mut World, ObjectNo, ObjectNo);

/// What brings a side, each in its own way; the pools are the one that is asked and another one.
const WAYS: [(&str, Bring); 10] = [
    ("import", |w, pool, _| {
        w.done(lines(pool, &["x slot=box/1"]));
    }),
    ("import into free", |w, _, _| {
        let free = w.leaf("Free", MO);
        w.done(lines(free, &["x slot=box/1"]));
    }),
    ("deallocate", |w, _, _| {
        let logical = w.side("kept", "A").logical.expect("an owned side");
        w.done(Ask::Deallocate { logical });
    }),
    ("undo", |w, _, _| {
        let logical = w.side("kept", "A").logical.expect("an owned side");
        w.done(Ask::Undo { logical });
    }),
    ("enable", |w, _, _| w.enable("disabled", true)),
    ("move", |w, pool, _| {
        w.move_to(&root(), "elsewhere", pool).expect("a move");
    }),
    ("move to free", |w, _, _| {
        let free = w.leaf("Free", MO);
        w.move_to(&root(), "elsewhere", free).expect("a move");
    }),
    ("inventory", |w, _, _| {
        let library = library(w).no;
        find(
            w,
            library,
            &[(1, "shelf"), (2, "kept"), (3, "elsewhere"), (4, "disabled")],
        );
    }),
    ("return to free", |w, _, other| {
        w.set(other, SetPool::DeallocateToFree(true));
        let logical = w.take(other, "side=elsewhere/A").1.no;
        w.done(Ask::Deallocate { logical });
    }),
    ("library", |w, _, _| {
        let library = library(w).no;
        w.enable("disabled", true);
        w.enable_library(library, true);
    }),
];

#[test]
fn whatever_brings_a_side_serves_the_oldest_first() {
    for (what, bring) in WAYS {
        let (mut world, pool, other) = empty();
        world.import(pool, "kept slot=box/2 barcode=kept");
        world.import(other, "elsewhere slot=box/3 barcode=elsewhere");
        world.import(pool, "disabled slot=box/4 barcode=disabled");
        world.enable("disabled", false);
        world.import(pool, "shelf barcode=shelf");
        world.take(pool, "new side=kept/A");
        if what == "library" {
            let library = library(&world).no;
            world.enable_library(library, false);
        }
        let waiting = [
            world.wait(pool, "new", None),
            world.wait(pool, "new timeout=1h", Some("second")),
            world.wait(pool, "", None),
        ];
        bring(&mut world, pool, other);
        let outcome = waiting.map(|no| world.request(no));
        assert_eq!(outcome[0], None, "{what}: the oldest is served");
        let still = |no: usize| {
            outcome[no]
                .as_ref()
                .is_some_and(|r| r.state == RequestState::Waiting)
        };
        assert!(
            still(1) && still(2),
            "{what}: one medium serves one request with new"
        );
        world.sound();
    }
}

#[test]
fn both_kinds_of_requests_are_served_in_the_order_of_their_age() {
    let (mut world, pool, _) = empty();
    let bodies = ["new", "", "", "new", ""];
    let waiting = bodies.map(|body| world.wait(pool, body, None));
    let free = world.leaf("Free", MO);
    world.done(lines(
        free,
        &["a slot=box/1", "b slot=box/2", "c slot=box/3"],
    ));
    assert_eq!(
        outcome(&world, &waiting),
        ["a/A", "b/A", "b/B", "c/A", "waits"]
    );
    assert_eq!(world.ended().len(), 4);
    world.done(lines(pool, &["d slot=box/4"]));
    assert_eq!(outcome(&world, &waiting[4..]), ["d/A"]);
    world.sound();
}

#[test]
fn pools_that_draw_from_free_share_it_by_age() {
    let (mut world, pool, other) = empty();
    world.set(other, SetPool::AllocateFromFree(true));
    let waiting = [(other, ""), (pool, "new"), (other, "new"), (pool, "")];
    let waiting = waiting.map(|(pool, body)| world.wait(pool, body, None));
    let free = world.leaf("Free", MO);
    world.done(lines(free, &["a slot=box/1", "b slot=box/2"]));
    assert_eq!(outcome(&world, &waiting), ["a/A", "b/A", "waits", "waits"]);
    world.done(lines(free, &["c slot=box/3"]));
    assert_eq!(outcome(&world, &waiting[2..]), ["c/A", "waits"]);
    world.sound();
}

#[test]
fn a_policy_that_changes_serves_too() {
    let (mut world, _, other) = empty();
    let free = world.leaf("Free", MO);
    world.import(free, "a slot=box/1");
    let waiting = [world.wait(other, "", Some("job"))];
    world.set(other, SetPool::AllocateFromFree(true));
    assert_eq!(outcome(&world, &waiting), ["a/A"]);
    let request = world.request(waiting[0]).unwrap();
    let lmid = world.lmid("a", "A").unwrap();
    assert_eq!(
        (request.state, request.result),
        (RequestState::Finished, format!("{lmid}\n"))
    );
}

/// The open operator request of a waiting one.
fn open(world: &World, no: ObjectNo) -> ObjectNo {
    let request = world.request(no).expect("a waiting request");
    request.operator.expect("its operator request")
}

#[test]
fn an_operator_completes_refuses_or_works_on_it() {
    let (mut world, pool, _) = empty();
    let waiting = [
        world.wait(pool, "", Some("job")),
        world.wait(pool, "", None),
    ];
    let first = open(&world, waiting[0]);
    assert!(
        world
            .operator(first)
            .unwrap()
            .message
            .contains("bring MO-5.25 media for pool Backup")
    );
    assert_eq!(
        world.answer(&root(), first, OperatorState::InProgress),
        Ok(Reply::Done)
    );
    let back = world
        .answer(&root(), first, OperatorState::Submitted)
        .unwrap_err();
    assert_eq!(back.kind, ErrorKind::InvalidState);
    let early = world
        .ask(&root(), Ask::RemoveOperator { no: first })
        .unwrap_err();
    assert_eq!(
        early.kind,
        ErrorKind::InvalidState,
        "it waits for an answer"
    );
    assert_eq!(
        world.answer(&root(), first, OperatorState::Complete),
        Ok(Reply::Done)
    );
    assert_eq!(outcome(&world, &waiting), ["waits", "waits"]);
    let second = open(&world, waiting[0]);
    assert!(second > first, "asked anew, for there is still nothing");
    assert_eq!(
        world.operator(first).unwrap().state,
        OperatorState::Complete
    );
    for state in [OperatorState::Complete, OperatorState::Refused] {
        let again = world.answer(&root(), first, state).unwrap_err();
        assert_eq!(again.kind, ErrorKind::InvalidState);
    }
    world.sound();
}

#[test]
fn a_refusal_cancels_and_a_request_takes_its_operator_request_along() {
    let (mut world, pool, _) = empty();
    let waiting = [
        world.wait(pool, "", Some("job")),
        world.wait(pool, "", None),
    ];
    let first = open(&world, waiting[0]);
    assert_eq!(
        world.answer(&root(), first, OperatorState::Refused),
        Ok(Reply::Done)
    );
    assert_eq!(outcome(&world, &waiting), ["Cancelled", "waits"]);
    let anonymous = open(&world, waiting[1]);
    world.done(Ask::RemoveRequest { no: waiting[1] });
    assert_eq!(outcome(&world, &waiting[1..]), ["Cancelled"]);
    assert_eq!(
        world.operator(anonymous),
        None,
        "its operator request goes with it"
    );
    world.done(Ask::RemoveOperator { no: first });
    assert_eq!(world.operator(first), None);
    world.sound();
}

#[test]
fn a_request_is_cancelled_by_its_owner_and_its_name_is_free_again() {
    let (mut world, pool, _) = empty();
    let Ok(Reply::Waiting { request }) = world.submit(&user(7), pool, "", Some("job")) else {
        panic!()
    };
    let again = world.submit(&user(7), pool, "", Some("job")).unwrap_err();
    assert_eq!(again.kind, ErrorKind::AlreadyExists);
    let other = world
        .ask(&user(8), Ask::RemoveRequest { no: request })
        .unwrap_err();
    assert_eq!(other.kind, ErrorKind::AccessDenied);
    assert_eq!(
        world.ask(&user(7), Ask::RemoveRequest { no: request }),
        Ok(Reply::Done)
    );
    assert_eq!(outcome(&world, &[request]), ["Cancelled"]);
    assert_eq!(world.request(request), None);
    assert_eq!(
        world.ask(&user(7), Ask::RemoveRequest { no: request }),
        Ok(Reply::Done)
    );
    world.wait(pool, "", Some("job"));
    world.sound();
}

#[test]
fn time_runs_out_after_a_last_try() {
    let (mut world, pool, other) = empty();
    let waiting = [
        world.wait(pool, "timeout=2h", Some("two")),
        world.wait(pool, "timeout=1h", None),
        world.wait(pool, "timeout=-1", Some("never")),
        world.wait(pool, "", Some("default")),
    ];
    world.set(other, SetPool::DefaultTimeout(Limit::Ms(0)));
    let reply = world.submit(&root(), other, "", None);
    assert_eq!(
        word(&world, &reply),
        "MediaUnavailable",
        "the default of the pool"
    );
    let operator = world.request(waiting[1]).unwrap().operator.unwrap();
    advance(HOUR - 1);
    assert_eq!(world.due(), 0);
    advance(1);
    assert_eq!(world.due(), 1);
    assert_eq!(
        outcome(&world, &waiting),
        ["waits", "Timeout", "waits", "waits"]
    );
    assert_eq!(world.operator(operator), None);
    advance(HOUR);
    assert_eq!(world.due(), 1);
    assert_eq!(outcome(&world, &waiting[..1]), ["Timeout"]);
    advance(10_000 * HOUR);
    assert_eq!(world.due(), 0, "the others never end by time");
    world.sound();
}

#[test]
fn after_a_restart_named_requests_wait_on_and_the_rest_is_ended() {
    let (mut world, pool, other) = empty();
    world.import(pool, "kept slot=box/1");
    let pending = world.take(pool, "side=kept/A").1.no;
    let read = world.take(pool, "side=kept/B").1.no;
    world.done(Ask::Delivered { logical: read });
    advance(1000);
    let waiting = [
        world.wait(pool, "", None),
        world.wait(pool, "timeout=1h", Some("soon")),
        world.wait(pool, "timeout=3h", Some("later")),
        world.wait(other, "", Some("never")),
    ];
    world.restart_after(2 * HOUR);
    assert_eq!(world.request(waiting[0]), None, "its reader is gone");
    assert_eq!(world.logical(pending).delivery, Delivery::Unknown);
    assert_eq!(world.logical(read).delivery, Delivery::Done);
    assert_eq!(world.due(), 1, "time while stopped counts");
    assert_eq!(
        outcome(&world, &waiting[1..]),
        ["Timeout", "waits", "waits"]
    );
    world.restart();
    world.import(other, "x slot=box/2");
    assert_eq!(outcome(&world, &waiting[2..]), ["waits", "x/A"]);
    advance(HOUR);
    assert_eq!(world.due(), 1);
    assert_eq!(outcome(&world, &waiting[2..3]), ["Timeout"]);
    world.sound();
}

#[test]
fn a_request_that_expired_while_stopped_gets_one_last_try() {
    let (mut world, pool, _) = empty();
    let no = world.wait(pool, "timeout=1h", Some("job"));
    world.restart_after(2 * HOUR);
    world.import(pool, "x slot=box/1");
    assert_eq!(outcome(&world, &[no]), ["x/A"], "what came first wins");
    assert_eq!(world.due(), 1);
    assert_eq!(world.ended(), []);
}

#[test]
fn names_can_be_taken_right_after_a_restart() {
    let (mut world, pool, _) = empty();
    world.restart();
    world.wait(pool, "", Some("job"));
    world.sound();
}

#[test]
fn finished_requests_and_answered_operators_are_purged() {
    let (mut world, pool, other) = empty();
    world.set(other, SetPool::PurgeTime(Limit::Never));
    let mut waits = |pool, name| {
        let no = world.wait(pool, "", Some(name));
        let operator = world.request(no).unwrap().operator.unwrap();
        world
            .answer(&root(), operator, OperatorState::Refused)
            .unwrap();
        (no, operator)
    };
    let (short, long) = (waits(pool, "a"), waits(other, "b"));
    advance(72 * HOUR - 1);
    world.done(Ask::Sweep);
    assert!(world.request(short.0).is_some() && world.operator(short.1).is_some());
    advance(1);
    world.done(Ask::Sweep);
    assert_eq!(
        (world.request(short.0), world.operator(short.1)),
        (None, None)
    );
    assert!(world.request(long.0).is_some(), "its pool never purges");
    assert_eq!(world.operator(long.1), None);
    world.done(Ask::RemoveRequest { no: long.0 });
    assert_eq!(world.request(long.0), None);
    world.sound();
}

#[test]
fn a_waiting_request_keeps_its_pool() {
    let (mut world, pool, _) = empty();
    let waiting = world.wait(pool, "", Some("job"));
    let removed = world
        .ask(&root(), Ask::RemovePool { no: pool })
        .unwrap_err();
    assert_eq!(removed.kind, ErrorKind::NotEmpty);
    let set = SetPool::MediaType("LTO-8".to_owned());
    let changed = world.set_as(&root(), pool, set).unwrap_err();
    assert_eq!(changed.kind, ErrorKind::NotEmpty);
    world.done(Ask::RemoveRequest { no: waiting });
    world
        .submit(&root(), pool, "timeout=0", Some("done"))
        .unwrap();
    world.done(Ask::RemovePool { no: pool });
    world.sound();
}

type Try = fn(&mut World, ObjectNo, ObjectNo);

/// What has a waiting request tried again, each in its own way: the pools are its own and the free pool.
const TRIES: [(&str, Try); 6] = [
    ("a side that is free", |w, _, free| {
        w.import(free, "x slot=box/1");
    }),
    ("a side of the pool", |w, pool, _| {
        w.import(pool, "x slot=box/1");
    }),
    ("a policy", |w, pool, _| {
        w.set(pool, SetPool::AllocateFromFree(false));
        w.set(pool, SetPool::AllocateFromFree(true));
    }),
    ("the operator", |w, pool, _| {
        let request = ntmsfs::manager::read::request_named(w.db(), pool, "job");
        let no = open(w, request.unwrap().unwrap().no);
        let state = OperatorState::Complete;
        w.done(Ask::AnswerOperator { no, state });
    }),
    ("the last try", |w, _, _| {
        advance(HOUR);
        assert_eq!(w.due(), 1);
    }),
    ("the last try at a start", |w, _, _| {
        w.restart_after(HOUR);
        assert_eq!(w.due(), 1);
    }),
];

/// Each try looks at the rights again: what was lost meanwhile is what the request fails with, and nothing is taken.
#[test]
fn a_right_that_was_lost_ends_the_wait_at_the_next_try() {
    for (what, next) in TRIES {
        for lost in ["CONTROL of the pool", "USE of free"] {
            let (mut world, pool, _) = empty();
            let free = world.leaf("Free", MO);
            let body = "timeout=1h";
            let Ok(Reply::Waiting { request }) = world.submit(&user(7), pool, body, Some("job"))
            else {
                panic!()
            };
            match lost {
                "USE of free" => world.set(free, SetAccess::Mode(0o700)),
                _ => world.set(pool, SetAccess::Control(0o660)),
            }
            let before = world.request(request).unwrap();
            assert_eq!(before.state, RequestState::Waiting, "{what}: {lost}");
            next(&mut world, pool, free);
            // What is in the pool already needs nothing of the free pool.
            let expected = match (what, lost) {
                ("a side of the pool", "USE of free") => "x/A",
                _ => "AccessDenied",
            };
            assert_eq!(outcome(&world, &[request]), [expected], "{what}: {lost}");
            world.sound();
        }
    }
}

/// One who lost his right does not stand in the way of those behind him.
#[test]
fn who_may_not_have_it_leaves_it_to_the_next() {
    let (mut world, pool, _) = empty();
    let mut waiting = Vec::new();
    for caller in [user(7), user(8), root()] {
        let Ok(Reply::Waiting { request }) = world.submit(&caller, pool, "", None) else {
            panic!()
        };
        waiting.push(request);
    }
    let free = world.leaf("Free", MO);
    world.set(free, SetAccess::Mode(0o700));
    world.import(free, "x slot=box/1");
    assert_eq!(
        outcome(&world, &waiting),
        ["AccessDenied", "AccessDenied", "x/A"]
    );
    world.sound();
}

/// The groups of a waiting request are those that its user has when it is tried; until they are known, those of its writing.
#[test]
fn the_groups_of_a_waiting_request_are_those_of_now() {
    for (now, expected) in [
        (None, "x/A"),
        (Some(vec![20, 30]), "x/A"),
        (Some(vec![30]), "AccessDenied"),
        (Some(Vec::new()), "AccessDenied"),
    ] {
        let (mut world, pool, _) = empty();
        let gid = Some(20);
        world.set(pool, SetAccess::Owner { uid: None, gid });
        world.set(pool, SetAccess::Control(0o660));
        let mut caller = user(7);
        caller.groups = vec![20];
        let Ok(Reply::Waiting { request }) = world.submit(&caller, pool, "", Some("job")) else {
            panic!()
        };
        if let Some(groups) = now.clone() {
            world.core().groups().set(7, groups);
        }
        world.import(world.leaf("Free", MO), "x slot=box/1");
        assert_eq!(outcome(&world, &[request]), [expected], "{now:?}");
        world.sound();
    }
}
