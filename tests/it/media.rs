//! Media one by one, as tables: new records, their states, and what each operation refuses.

use crate::harness::world::{World, root, user};
use ntmsfs::domain::ask::{Ask, Reply, SetAccess, SetLogical};
use ntmsfs::domain::error::{ErrorKind, Result};
use ntmsfs::domain::id::{CATALOG, Guid, ObjectNo};
use ntmsfs::domain::label::MediaLabel;
use ntmsfs::domain::state::SideState;
use ntmsfs::manager::read;

const MO: &str = "MO-5.25";

fn create(world: &mut World, who: u32, pool: ObjectNo, name: &str) -> Result<Reply> {
    let name = name.to_owned();
    world.ask(&user(who), Ask::CreateMedium { pool, name })
}

/// Reference 6.4: only an import or application pool takes a record; a closed pool says nothing of what is in it.
#[test]
fn a_record_is_made_where_the_protocol_allows() {
    let mut world = World::new();
    let home = world.pool(CATALOG, "Home", MO);
    let group = world.pool(CATALOG, "Group", "");
    let closed = world.pool(CATALOG, "Closed", MO);
    world.set(closed, SetAccess::Control(0o600));
    world.import(home, "there");
    let leaf = |world: &World, name| world.leaf(name, MO);
    let (free, import, foreign) = (
        leaf(&world, "Free"),
        leaf(&world, "Import"),
        leaf(&world, "Unrecognized"),
    );
    let above = read::pool_named(world.db(), CATALOG, "Import");
    let above = above.unwrap().unwrap().no;
    for (who, pool, name, expected) in [
        (0, group, "a", ErrorKind::InvalidMediaPool),
        (0, above, "a", ErrorKind::InvalidMediaPool),
        (0, free, "a", ErrorKind::InvalidMediaPool),
        (0, foreign, "a", ErrorKind::InvalidMediaPool),
        (0, home, "there", ErrorKind::AlreadyExists),
        (0, import, "there", ErrorKind::AlreadyExists),
        (7, closed, "there", ErrorKind::AccessDenied),
        (7, import, "a", ErrorKind::AccessDenied),
        (0, ObjectNo(77_777), "a", ErrorKind::ObjectNotFound),
    ] {
        let refusal = create(&mut world, who, pool, name).unwrap_err();
        assert_eq!(refusal.kind, expected, "{who} {name}: {refusal}");
        assert!(world.events.is_empty());
    }
    for (who, pool, name, state) in [
        (0, import, "i", SideState::Import),
        (7, home, "h", SideState::Available),
    ] {
        let reply = create(&mut world, who, pool, name);
        assert_eq!(reply, Ok(Reply::Created(world.medium(name).no)));
        assert_eq!(world.states(name), [state, state], "one side set");
        let medium = world.medium(name);
        assert_eq!((medium.library, medium.barcode), (None, None));
    }
    world.sound();
}

/// The first record of a type brings the system pools of the type.
#[test]
fn a_record_brings_the_system_pools_of_its_type() {
    let mut world = World::new();
    let home = world.pool(CATALOG, "Home", "RDX");
    create(&mut world, 0, home, "disk").unwrap();
    for system in ["Free", "Import", "Unrecognized"] {
        world.leaf(system, "RDX");
    }
    world.sound();
}

/// A name that is taken is no answer for somebody who may not even look.
#[test]
fn a_closed_directory_does_not_say_which_names_are_taken() {
    let mut world = World::new();
    let group = world.pool(CATALOG, "Group", "");
    let below = world.pool(group, "Below", "");
    let elsewhere = world.pool(CATALOG, "Elsewhere", "");
    world.pool(elsewhere, "Below", "");
    world.set(elsewhere, SetAccess::Mode(0o700));
    world.library("box", MO, 1);
    let name = || "Below".to_owned();
    for (ask, allowed) in [
        (
            Ask::CreatePool {
                parent: elsewhere,
                name: name(),
                mode: 0o755,
            },
            ErrorKind::AlreadyExists,
        ),
        (
            Ask::PlacePool {
                no: below,
                parent: elsewhere,
                name: name(),
            },
            ErrorKind::AlreadyExists,
        ),
        (
            Ask::CreateLibrary {
                name: "box".to_owned(),
                mode: 0o755,
            },
            ErrorKind::AlreadyExists,
        ),
    ] {
        let kind = |reply: Result<Reply>| reply.unwrap_err().kind;
        assert_eq!(
            kind(world.ask(&user(7), ask.clone())),
            ErrorKind::AccessDenied
        );
        assert_eq!(kind(world.ask(&root(), ask)), allowed);
    }
}

/// Reference 5.7, 6.3: whose sides are exchanged, and with what.
#[test]
fn a_swap_is_of_two_allocated_media_of_one_pool() {
    let mut world = World::new();
    world.library("box", MO, 4);
    let home = world.pool(CATALOG, "Home", MO);
    let away = world.pool(CATALOG, "Away", MO);
    let closed = world.pool(CATALOG, "Closed", MO);
    for (pool, line) in [
        (home, "a slot=box/1"),
        (home, "b slot=box/2"),
        (away, "c slot=box/3"),
        (closed, "d slot=box/4"),
    ] {
        world.import(pool, line);
    }
    let (_, a) = world.take(home, "side=a/A name=first");
    let (_, b) = world.take(home, "side=b/B name=second");
    let (_, c) = world.take(away, "side=c/A");
    let (_, d) = world.take(closed, "side=d/A");
    let (_, done) = world.take(home, "side=a/B");
    let set = SetLogical::State("complete".to_owned());
    world.done(Ask::SetLogical { no: done.no, set });
    world.set(closed, SetAccess::Mode(0o700));
    let gone = Guid::parse("00000000-0000-7000-8000-000000000001").unwrap();
    for (who, no, other, expected) in [
        (0, a.no, gone, ErrorKind::InvalidMedia),
        (0, a.no, a.id, ErrorKind::InvalidMedia),
        (0, a.no, c.id, ErrorKind::InvalidMediaPool),
        (7, a.no, d.id, ErrorKind::AccessDenied),
        (7, d.no, a.id, ErrorKind::AccessDenied),
        (0, a.no, done.id, ErrorKind::InvalidState),
        (0, done.no, a.id, ErrorKind::InvalidState),
        (0, ObjectNo(77_777), a.id, ErrorKind::ObjectNotFound),
    ] {
        let refusal = world.ask(&user(who), Ask::Swap { no, other }).unwrap_err();
        assert_eq!(refusal.kind, expected, "{refusal}");
        assert!(world.events.is_empty());
    }
    let other = b.id;
    let swap = Ask::Swap { no: a.no, other };
    assert_eq!(world.ask(&user(7), swap.clone()), Ok(Reply::Done), "MODIFY");
    let places = |world: &World| (world.place(a.no), world.place(b.no));
    assert_eq!(places(&world), ("b/B".to_owned(), "a/A".to_owned()));
    let names = (world.logical(a.no).name, world.logical(b.no).id);
    assert_eq!(names, ("first".to_owned(), b.id), "names and ids stay");
    world.sound();
    world.done(swap);
    assert_eq!(places(&world), ("a/A".to_owned(), "b/B".to_owned()));
    world.done(Ask::Deallocate { logical: a.no });
    world.done(Ask::Deallocate { logical: b.no });
    world.sound();
}

#[test]
fn a_label_stays_with_its_side() {
    let mut world = World::new();
    world.library("box", MO, 2);
    let home = world.pool(CATALOG, "Home", MO);
    world.import(home, "a slot=box/1");
    world.import(home, "b slot=box/2");
    let (_, a) = world.take(home, "side=a/A");
    let (_, b) = world.take(home, "side=b/A");
    let label = |world: &World, medium| {
        let side = world.side(medium, "A").no;
        read::label(world.db(), side).unwrap().unwrap().to_string()
    };
    let write = |line: &str| SetLogical::Label(MediaLabel::parse(line).unwrap());
    let set = write("type=MTF id=1 capacity=1000");
    world.done(Ask::SetLogical { no: a.no, set });
    let set = write("type=MTF id=2 info=\"week 7\"");
    world.done(Ask::SetLogical {
        no: a.no,
        set: set.clone(),
    });
    let written = "type=MTF id=2 info=\"week 7\" capacity=1000";
    assert_eq!(label(&world, "a"), written, "it holds as much as before");
    world.done(Ask::Swap {
        no: a.no,
        other: b.id,
    });
    assert_eq!(
        (label(&world, "a"), label(&world, "b")),
        (written.to_owned(), String::new())
    );
    world.set(home, SetAccess::Mode(0o755));
    let denied = world.ask(&user(7), Ask::SetLogical { no: b.no, set });
    assert_eq!(denied.unwrap_err().kind, ErrorKind::AccessDenied);
    world.done(Ask::Deallocate { logical: b.no });
    assert_eq!(label(&world, "a"), written, "it is still on the medium");
    world.sound();
}
