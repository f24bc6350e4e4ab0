//! Media one by one, as tables: new records, their states, and what each operation refuses.

use crate::world::{World, root, user};
use ntmsfs::domain::ask::{Ask, Reply, SetPool};
use ntmsfs::domain::error::{ErrorKind, Result};
use ntmsfs::domain::id::{CATALOG, ObjectNo};
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
    world.set(closed, SetPool::Control(0o600));
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
    world.set(elsewhere, SetPool::Mode(0o700));
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
