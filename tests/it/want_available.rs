//! `want_available`: the thermostat of a pool, against its free pool and a person.

use crate::harness::world::{World, advance, root, user};
use ntmsfs::domain::ask::{Ask, Reply, SetAccess, SetPool};
use ntmsfs::domain::counts::Counts;
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::object::Operator;
use ntmsfs::domain::state::{OperatorState, SideState};
use ntmsfs::domain::time::Span;
use ntmsfs::manager::read;

const TAPE: &str = "LTO-8";

/// A library with so many free tapes, and a pool that draws from free and wants two.
fn world(free: u32) -> (World, ObjectNo) {
    let mut world = World::new();
    world.library("box", TAPE, 9);
    let pool = world.pool(CATALOG, "Backup", TAPE);
    world.set(pool, SetPool::AllocateFromFree(true));
    let leaf = world.leaf("Free", TAPE);
    for n in 1..=free {
        world.import(leaf, &format!("t{n} slot=box/{n}"));
    }
    world.set(pool, SetPool::WantAvailable(2));
    (world, pool)
}

/// Sides available in the pool, and the request that is open for it.
fn now(world: &World, pool: ObjectNo) -> (i64, Option<Operator>) {
    let have = Counts(read::tally(world.db(), pool).unwrap()).usable(SideState::Available);
    let asked = read::pool(world.db(), pool).unwrap().unwrap().want_operator;
    (have, asked.map(|no| world.operator(no).unwrap()))
}

#[test]
fn a_pool_draws_what_it_wants_and_no_more() {
    let (mut world, pool) = world(4);
    assert_eq!(now(&world, pool), (2, None));
    let by_daemon = world.events.len();
    assert_eq!(by_daemon, 3, "the change and two media");
    for left in [2, 2, 1] {
        world.take(pool, "timeout=0");
        assert_eq!(now(&world, pool).0, left);
        world.sound();
    }
    let (_, asked) = now(&world, pool);
    let asked = asked.expect("free is dry");
    assert!(
        asked
            .message
            .contains("wants 2 sides available and has 1 available"),
        "{asked:?}"
    );
    assert_eq!((asked.pool, asked.request), (Some(pool), None));
    world.set(pool, SetPool::WantAvailable(0));
    assert_eq!(now(&world, pool).1, None);
    assert_eq!(world.operator(asked.no), None);
    world.sound();
}

/// However often the number falls, one person is asked once; the request goes when the number is reached.
#[test]
fn one_request_until_the_number_is_reached() {
    let (mut world, pool) = world(2);
    let (_, first) = world.take(pool, "");
    let asked = now(&world, pool).1.expect("a request").no;
    let (_, second) = world.take(pool, "");
    world.restart();
    assert_eq!(now(&world, pool).1.map(|asked| asked.no), Some(asked));
    world.done(Ask::Deallocate { logical: first.no });
    assert_eq!(now(&world, pool).1.map(|asked| asked.no), Some(asked));
    world.done(Ask::Deallocate { logical: second.no });
    assert_eq!(
        (now(&world, pool), world.operator(asked)),
        ((2, None), None)
    );
    world.take(pool, "");
    assert_ne!(now(&world, pool).1.expect("a new one").no, asked);
    world.sound();
}

/// Every way in which a number falls or free gets more.
#[test]
fn what_the_thermostat_notices() {
    type Step = fn(&mut World, ObjectNo);
    let falls: [(&str, Step); 5] = [
        ("disabled", |world, _| world.enable("t1", false)),
        ("retired", |world, _| {
            let no = world.side("t1", "A").no;
            let state = SideState::Decommissioned;
            world.done(Ask::SetSide { no, state });
        }),
        ("moved", |world, _| {
            let away = world.pool(CATALOG, "Away", TAPE);
            world.move_to(&root(), "t1", away).unwrap();
        }),
        ("resting", |world, pool| {
            world.set(pool, SetPool::ReuseDelay(Span(1000)));
            let (_, logical) = world.take(pool, "side=t1/A");
            world.done(Ask::Deallocate {
                logical: logical.no,
            });
        }),
        ("wanted", |world, pool| {
            world.set(pool, SetPool::WantAvailable(3));
        }),
    ];
    for (name, fall) in falls {
        let (mut world, pool) = world(2);
        fall(&mut world, pool);
        let (_, asked) = now(&world, pool);
        let asked = asked.unwrap_or_else(|| panic!("{name}")).no;
        let leaf = world.leaf("Free", TAPE);
        world.import(leaf, "fresh slot=box/8");
        assert_eq!(world.medium("fresh").pool, pool, "{name}");
        assert_eq!(world.operator(asked), None, "{name}");
        world.sound();
    }
    let (mut world, pool) = world(2);
    falls[3].1(&mut world, pool);
    assert!(now(&world, pool).1.is_some());
    advance(1000);
    assert_eq!(world.due(), 1);
    assert_eq!(now(&world, pool), (2, None), "it has rested");
}

/// Complete asks again if there is still too little; refused is quiet until the number was reached once.
#[test]
fn what_the_person_answers() {
    let (mut world, pool) = world(1);
    let asked = now(&world, pool).1.expect("a request").no;
    for state in [OperatorState::Active, OperatorState::InProgress] {
        world.done(Ask::AnswerOperator { no: asked, state });
        assert_eq!(now(&world, pool).1.unwrap().state, state);
    }
    let state = OperatorState::Complete;
    world.done(Ask::AnswerOperator { no: asked, state });
    let again = now(&world, pool).1.expect("still too little").no;
    assert_ne!(again, asked);
    let state = OperatorState::Refused;
    world.done(Ask::AnswerOperator { no: again, state });
    world.take(pool, "");
    assert_eq!(now(&world, pool).1.unwrap().no, again, "nobody is nagged");
    let leaf = world.leaf("Free", TAPE);
    world.import(leaf, "f1 slot=box/7");
    world.import(leaf, "f2 slot=box/8");
    assert_eq!(now(&world, pool), (2, None));
    world.sound();
}

/// Without `allocate_from_free`, or if the owner of the pool lacks USE of the free pool, a person is asked instead.
#[test]
fn it_draws_only_where_an_allocation_would() {
    let (mut world, pool) = world(4);
    let leaf = world.leaf("Free", TAPE);
    world.set(pool, SetPool::AllocateFromFree(false));
    world.take(pool, "");
    assert!(now(&world, pool).1.is_some());
    world.set(pool, SetPool::AllocateFromFree(true));
    assert_eq!(now(&world, pool), (2, None));
    world.set(
        pool,
        SetAccess::Owner {
            uid: Some(7),
            gid: Some(7),
        },
    );
    world.set(leaf, SetAccess::Mode(0o700));
    world.take(pool, "");
    let (have, asked) = now(&world, pool);
    assert_eq!((have, asked.map(|asked| asked.uid)), (1, Some(7)));
    world.set(leaf, SetAccess::Mode(0o755));
    assert_eq!(now(&world, pool), (2, None));
    world.sound();
}

/// A waiting request comes first: the thermostat takes what is left.
#[test]
fn who_waits_comes_first() {
    let (mut world, pool) = world(0);
    let waits = world.wait(pool, "", Some("waits"));
    let leaf = world.leaf("Free", TAPE);
    world.import(leaf, "t1 slot=box/1");
    assert_eq!(world.ended(), [(Some(waits), "t1/A".to_owned())]);
    assert_eq!(now(&world, pool).0, 0);
    world.sound();
}

#[test]
fn where_it_can_be_set() {
    let (mut world, pool) = world(0);
    let leaf = world.leaf("Free", TAPE);
    let group = world.pool(CATALOG, "Group", "");
    world.pool(group, "Below", TAPE);
    world.set(pool, SetAccess::Mode(0o755));
    for (who, no, want, expected) in [
        (0, leaf, 1, ErrorKind::InvalidMediaPool),
        (0, group, 1, ErrorKind::InvalidMediaPool),
        (0, pool, 1001, ErrorKind::InvalidParameter),
        (7, pool, 1, ErrorKind::AccessDenied),
    ] {
        let refusal = world.set_as(&user(who), no, SetPool::WantAvailable(want));
        assert_eq!(refusal.unwrap_err().kind, expected, "{want}");
    }
    let asked = now(&world, pool).1.expect("a request").no;
    assert_eq!(
        world.ask(&root(), Ask::RemovePool { no: pool }),
        Ok(Reply::Done)
    );
    assert_eq!(world.operator(asked), None, "it goes with its pool");
    world.sound();
}
