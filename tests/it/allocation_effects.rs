//! Which side is taken, what else that changes, and what giving it back undoes.

use crate::allocation_rules::{MO, from_free, stock};
use crate::harness::world::{World, advance, root, user, word};
use ntmsfs::domain::ask::{Ask, Reply, SetAccess, SetLogical, SetPool};
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::state::{Selection, SideState};

/// Three media that came in the order c, a, b; a has been used and given back, b has an owned side.
fn ordered(selection: Selection) -> (World, ObjectNo) {
    let mut world = World::new();
    world.library("box", MO, 4);
    let pool = world.pool(CATALOG, "Backup", MO);
    world.set(pool, SetPool::Selection(selection));
    for line in ["c slot=box/1", "a slot=box/2", "b slot=box/3"] {
        advance(1);
        world.import(pool, line);
    }
    advance(1);
    let (_, used) = world.take(pool, "side=a/A");
    world.done(Ask::Deallocate { logical: used.no });
    world.take(pool, "side=b/A");
    (world, pool)
}

#[test]
fn each_selection_has_one_order() {
    for (selection, expected, whole) in [
        (
            Selection::LeastUsed,
            ["c/A", "c/B", "a/B", "b/B", "a/A"],
            ["c/A", "a/B"],
        ),
        (
            Selection::Oldest,
            ["c/A", "c/B", "a/A", "a/B", "b/B"],
            ["c/A", "a/A"],
        ),
        (
            Selection::Name,
            ["a/A", "a/B", "b/B", "c/A", "c/B"],
            ["a/A", "c/A"],
        ),
        (
            Selection::Fill,
            ["b/B", "c/A", "c/B", "a/B", "a/A"],
            ["c/A", "a/B"],
        ),
    ] {
        for _ in 0..2 {
            let (mut world, pool) = ordered(selection);
            assert_eq!(
                expected.map(|_| world.take(pool, "").0),
                expected,
                "{selection}"
            );
            let (mut world, pool) = ordered(selection);
            assert_eq!(
                whole.map(|_| world.take(pool, "new").0),
                whole,
                "{selection}, new"
            );
            let reply = world.submit(&root(), pool, "new timeout=0", None);
            assert_eq!(word(&world, &reply), "MediaUnavailable", "b is shared");
            world.sound();
        }
    }
}

#[test]
fn a_set_is_reserved_taken_side_by_side_and_freed_with_its_last() {
    use SideState::{Allocated, Available, Complete, Reserved};
    let (mut world, pool) = stock();
    let (place, first) = world.take(pool, "new");
    assert_eq!(
        (place.as_str(), world.states("good")),
        ("good/A", vec![Allocated, Reserved])
    );
    let (place, second) = world.take(pool, &format!("next media={}", first.id));
    assert_eq!(
        (place.as_str(), world.states("good")),
        ("good/B", vec![Allocated, Allocated])
    );
    let again = world.submit(&root(), pool, &format!("next media={}", second.id), None);
    assert_eq!(word(&world, &again), "MediaUnavailable");
    world.done(Ask::Deallocate { logical: second.no });
    assert_eq!(world.states("good"), vec![Allocated, Available]);
    world.done(Ask::Deallocate { logical: first.no });
    assert_eq!(world.states("good"), vec![Available, Available]);
    let (_, third) = world.take(pool, "new side=good/B");
    let set = SetLogical::State("complete".to_owned());
    world.done(Ask::SetLogical {
        no: third.no,
        set: set.clone(),
    });
    assert_eq!(world.states("good"), vec![Reserved, Complete]);
    let twice = world.ask(&root(), Ask::SetLogical { no: third.no, set });
    assert_eq!(twice.unwrap_err().kind, ErrorKind::InvalidState);
    world.done(Ask::Deallocate { logical: third.no });
    assert_eq!(
        world.states("good"),
        vec![Available, Available],
        "reserved sides go with the last"
    );
    world.sound();
}

/// With three sides, somebody else can own one when the set has been given back: the rest stays reserved for nobody until he
/// gives his back too.
#[test]
fn a_reserved_side_stays_so_while_any_side_is_owned() {
    use SideState::{Allocated, Available, Reserved};
    let mut world = World::new();
    world.media_type("Cube", 3);
    world.library("box", "Cube", 1);
    let pool = world.pool(CATALOG, "Backup", "Cube");
    world.import(pool, "cube slot=box/1");
    let (_, first) = world.take(pool, "new");
    assert_eq!(world.states("cube"), [Allocated, Reserved, Reserved]);
    let (place, second) = world.take(pool, &format!("next media={}", first.id));
    assert_eq!(place, "cube/B", "the first reserved side");
    world.done(Ask::Deallocate { logical: first.no });
    let (place, third) = world.take(pool, "");
    assert_eq!(place, "cube/A", "what was given back is for anybody");
    world.done(Ask::Deallocate { logical: second.no });
    assert_eq!(world.states("cube"), [Allocated, Available, Reserved]);
    for body in [
        format!("next media={}", third.id),
        "next side=cube/C".to_owned(),
    ] {
        let reply = world.submit(&root(), pool, &body, None);
        assert_eq!(word(&world, &reply), "InvalidMedia", "{body}");
    }
    world.sound();
    world.done(Ask::Deallocate { logical: third.no });
    assert_eq!(world.states("cube"), [Available; 3]);
    world.sound();
}

#[test]
fn an_import_leaves_the_flip_side_to_be_imported() {
    use SideState::{Allocated, Available, Import};
    let (mut world, pool) = stock();
    world.set(pool, SetPool::DeallocateToFree(true));
    let reply = world
        .submit(&root(), pool, "side=import/A allocate-information", None)
        .unwrap();
    let Reply::Allocated {
        result, logical, ..
    } = reply
    else {
        panic!("{reply:?}")
    };
    assert!(
        result.lines().nth(1).unwrap().ends_with(" Import/MO-5.25"),
        "{result}"
    );
    assert_eq!(world.states("import"), vec![Allocated, Import]);
    assert_eq!(world.medium("import").pool, pool);
    world.done(Ask::Deallocate { logical });
    assert_eq!(world.states("import"), vec![Available, Import]);
    assert_eq!(
        world.medium("import").pool,
        pool,
        "the flip side is still somebody's"
    );
    let (place, logical) = world.take(pool, "side=import/B");
    assert_eq!(place, "import/B", "what was left in the pool");
    world.done(Ask::Deallocate {
        logical: logical.no,
    });
    assert_eq!(world.medium("import").pool, world.leaf("Free", MO));
    world.sound();
}

#[test]
fn a_medium_goes_back_to_free_when_nobody_owns_a_side() {
    let (mut world, pool) = stock();
    from_free(&mut world, pool);
    world.set(pool, SetPool::DeallocateToFree(true));
    let free = world.leaf("Free", MO);
    let (_, first) = world.take(pool, "side=free/A");
    assert_eq!(first.from_path, "Free/MO-5.25");
    let (_, second) = world.take(pool, "side=free/B");
    world.done(Ask::Deallocate { logical: first.no });
    assert_eq!(world.medium("free").pool, pool);
    world.done(Ask::Deallocate { logical: second.no });
    assert_eq!(world.medium("free").pool, free);
    let gone = world.ask(&root(), Ask::Deallocate { logical: second.no });
    assert_eq!(gone.unwrap_err().kind, ErrorKind::ObjectNotFound);
    let reply = world.submit(&user(7), pool, "side=free/A", None).unwrap();
    let Reply::Allocated { logical, .. } = reply else {
        panic!("{reply:?}")
    };
    world.set(free, SetAccess::Mode(0o700));
    let denied = world.ask(&user(7), Ask::Deallocate { logical });
    assert_eq!(
        denied.unwrap_err().kind,
        ErrorKind::AccessDenied,
        "note 31: USE of free"
    );
    world.set(pool, SetPool::DeallocateToFree(false));
    world.set(pool, SetAccess::Control(0o600));
    let denied = world.ask(&user(8), Ask::Deallocate { logical });
    assert_eq!(denied.unwrap_err().kind, ErrorKind::AccessDenied);
    assert_eq!(
        world.ask(&user(7), Ask::Deallocate { logical }),
        Ok(Reply::Done),
        "the owner"
    );
    world.sound();
}

#[test]
fn a_side_that_reached_the_limit_is_decommissioned() {
    use SideState::{Available, Decommissioned};
    let (mut world, pool) = stock();
    world.set(pool, SetPool::MaxAllocates(2));
    for left in [Available, Decommissioned] {
        let (_, logical) = world.take(pool, "side=good/A");
        world.done(Ask::Deallocate {
            logical: logical.no,
        });
        assert_eq!(world.states("good"), vec![left, Available]);
    }
    let reply = world.submit(&root(), pool, "side=good/A", None);
    assert_eq!(word(&world, &reply), "MediaUnavailable");
    let no = world.side("good", "B").no;
    for state in [Available, SideState::Complete] {
        let refused = world.ask(&root(), Ask::SetSide { no, state }).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::InvalidState);
    }
    let state = Decommissioned;
    world.done(Ask::SetSide { no, state });
    let again = world.ask(&root(), Ask::SetSide { no, state }).unwrap_err();
    assert_eq!(again.kind, ErrorKind::InvalidState);
    world.sound();
}

#[test]
fn an_allocation_that_nobody_read_is_undone() {
    use SideState::{Allocated, Available, Import};
    let (mut world, pool) = stock();
    from_free(&mut world, pool);
    let (_, set) = world.take(pool, "new side=free/A");
    world.done(Ask::Undo { logical: set.no });
    assert_eq!(world.medium("free").pool, world.leaf("Free", MO));
    assert_eq!(world.states("free"), vec![Available, Available]);
    assert_eq!(world.side("free", "A").allocations, 0);
    let (_, first) = world.take(pool, "new side=good/A");
    let (_, second) = world.take(pool, "next side=good/A");
    world.done(Ask::Undo { logical: second.no });
    assert_eq!(
        world.states("good"),
        vec![Allocated, Allocated],
        "another side is owned"
    );
    world.done(Ask::Deallocate { logical: first.no });
    world.done(Ask::Undo { logical: second.no });
    assert_eq!(
        world.states("good"),
        vec![Available, Available],
        "nobody is left to reserve it for"
    );
    world.done(Ask::Undo { logical: second.no });
    let (_, import) = world.take(pool, "side=import/A");
    world.done(Ask::Undo { logical: import.no });
    assert_eq!(world.states("import"), vec![Import, Import]);
    world.sound();
}
