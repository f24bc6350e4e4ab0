//! Pools and media as tables: the matrix of moves, making and removing, bulk import.

use crate::harness::world::{World, lines, root, user};
use ntmsfs::domain::ask::{Ask, Reply, SetAccess, SetLibrary, SetLogical, SetMedium, SetPool};
use ntmsfs::domain::error::{ErrorKind, Result};
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::state::SideState;
use ntmsfs::manager::read;

const MO: &str = "MO-5.25";

/// A catalog with a medium in each situation that a move can begin from; the pools that it can end in.
pub(crate) fn moving() -> (World, Vec<(&'static str, ObjectNo)>) {
    let mut world = World::new();
    world.library("box", MO, 9);
    let home = world.pool(CATALOG, "Home", MO);
    let to = [
        ("free", world.leaf("Free", MO)),
        ("import", world.leaf("Import", MO)),
        ("unrecognized", world.leaf("Unrecognized", MO)),
        ("application", world.pool(CATALOG, "Other", MO)),
        ("other type", world.pool(CATALOG, "Tape", "LTO-8")),
        ("pools", world.pool(CATALOG, "Group", "")),
    ];
    for (pool, line) in [
        (to[0].1, "free slot=box/1"),
        (to[1].1, "import slot=box/2"),
        (to[2].1, "unrecognized slot=box/3"),
        (home, "available slot=box/4"),
        (home, "allocated slot=box/5"),
        (home, "complete slot=box/6"),
        (home, "reserved slot=box/7"),
        (to[1].1, "left slot=box/8"),
        (home, "retired slot=box/9"),
        (home, "offline"),
        (home, "scrap"),
        (to[1].1, "abroad"),
    ] {
        world.import(pool, line);
    }
    world.take(home, "side=allocated/A");
    let (_, whole) = world.take(home, "side=complete/A");
    let set = SetLogical::State("complete".to_owned());
    world.done(Ask::SetLogical { no: whole.no, set });
    world.take(home, "new side=reserved/A");
    let (_, left) = world.take(home, "side=left/A");
    world.done(Ask::Deallocate { logical: left.no });
    for medium in ["retired", "scrap"] {
        let (no, state) = (world.side(medium, "A").no, SideState::Decommissioned);
        world.done(Ask::SetSide { no, state });
    }
    (world, to.to_vec())
}

const P: &str = "InvalidMediaPool";
const C: &str = "MediaIncompatible";
const A: &str = "available available";
const I: &str = "import import";
const BUSY: [&str; 6] = ["Busy", "Busy", "Busy", "Busy", C, P];

/// The matrix, of which `state_machines.rs` tries every cell: to free, import, unrecognized, another application pool, one of another type, one of pools.
#[rustfmt::skip]
pub(crate) const MATRIX: [(&str, [&str; 6]); 11] = [
    ("free",         [A, P, P, A, C, P]),
    ("import",       [A, I, P, I, C, P]),
    ("unrecognized", [A, P, "foreign foreign", P, C, P]),
    ("available",    [A, P, P, A, C, P]),
    ("offline",      [A, P, P, A, C, P]),
    ("abroad",       [A, I, P, I, C, P]),
    ("allocated",    BUSY),
    ("complete",     BUSY),
    ("reserved",     BUSY),
    ("left",         [A, P, P, "available import", C, P]),
    ("retired",      ["decommissioned available", P, P, "decommissioned available", C, P]),
];

/// Note 32: USE of the free pool, CONTROL of every other.
#[test]
fn rights_of_a_move() {
    let (denied, done) = (Err(ErrorKind::AccessDenied), Ok(Reply::Done));
    for (medium, to, free, home, other, expected) in [
        ("free", 3, 0o755, 0o660, 0o666, &done),
        ("free", 3, 0o700, 0o660, 0o666, &denied),
        ("free", 3, 0o755, 0o666, 0o660, &denied),
        ("available", 0, 0o755, 0o666, 0o660, &done),
        ("available", 0, 0o755, 0o660, 0o666, &denied),
        ("available", 0, 0o700, 0o666, 0o666, &denied),
        ("available", 3, 0o700, 0o666, 0o666, &done),
        ("available", 3, 0o755, 0o660, 0o666, &denied),
        ("available", 3, 0o755, 0o666, 0o660, &denied),
        ("import", 3, 0o755, 0o666, 0o666, &denied),
    ] {
        let (mut world, to_pools) = moving();
        let pool_of_home = world.medium("available").pool;
        world.set(to_pools[0].1, SetAccess::Mode(free));
        world.set(pool_of_home, SetAccess::Control(home));
        world.set(to_pools[3].1, SetAccess::Control(other));
        let reply = world
            .move_to(&user(7), medium, to_pools[to].1)
            .map_err(|refusal| refusal.kind);
        assert_eq!(
            &reply, expected,
            "{medium} to {to}: {free:o} {home:o} {other:o}"
        );
    }
}

#[test]
fn a_move_can_rename_and_a_name_is_taken_once() {
    let (mut world, to) = moving();
    let no = world.medium("available").no;
    let taken = world.ask(
        &root(),
        Ask::MoveMedium {
            no,
            pool: to[3].1,
            name: "free".to_owned(),
        },
    );
    assert_eq!(taken.unwrap_err().kind, ErrorKind::AlreadyExists);
    world.done(Ask::MoveMedium {
        no,
        pool: to[3].1,
        name: "renamed".to_owned(),
    });
    assert_eq!(
        (world.medium("renamed").no, world.medium("renamed").pool),
        (no, to[3].1)
    );
    world.done(Ask::MoveMedium {
        no,
        pool: to[3].1,
        name: "renamed".to_owned(),
    });
    assert!(world.events.is_empty(), "nothing to change");
    assert_eq!(world.take(to[3].1, "").0, "renamed/A");
    world.sound();
}

#[test]
fn media_are_removed_only_off_line_and_when_nobody_has_them() {
    let (mut world, _) = moving();
    for (medium, expected) in [
        ("allocated", ErrorKind::NotEmpty),
        ("reserved", ErrorKind::NotEmpty),
        ("available", ErrorKind::InvalidState),
    ] {
        let no = world.medium(medium).no;
        assert_eq!(
            world
                .ask(&root(), Ask::RemoveMedium { no })
                .unwrap_err()
                .kind,
            expected
        );
    }
    let no = world.medium("offline").no;
    let home = world.medium("offline").pool;
    world.set(home, SetAccess::Control(0o660));
    let denied = world.ask(&user(7), Ask::RemoveMedium { no }).unwrap_err();
    assert_eq!(denied.kind, ErrorKind::AccessDenied);
    world.done(Ask::RemoveMedium { no });
    let gone = world.ask(&root(), Ask::RemoveMedium { no }).unwrap_err();
    assert_eq!(gone.kind, ErrorKind::ObjectNotFound);
    let set = SetMedium::Enabled(false);
    let gone = world.ask(&root(), Ask::SetMedium { no, set }).unwrap_err();
    assert_eq!(gone.kind, ErrorKind::ObjectNotFound);
    world.sound();
}

fn make(world: &mut World, who: u32, parent: ObjectNo, name: &str) -> Result<Reply> {
    let (name, mode) = (name.to_owned(), 0o755);
    world.ask(&user(who), Ask::CreatePool { parent, name, mode })
}

fn kind(reply: Result<Reply>) -> ErrorKind {
    reply.expect_err("a refusal").kind
}

#[test]
fn pools_are_made_where_there_is_room() {
    let mut world = World::new();
    let system = |world: &World, name| {
        read::pool_named(world.db(), CATALOG, name)
            .unwrap()
            .unwrap()
            .no
    };
    let media = world.pool(CATALOG, "Media", MO);
    let group = world.pool(CATALOG, "Group", "");
    let (free, unrecognized) = (system(&world, "Free"), system(&world, "Unrecognized"));
    for (who, parent, name, expected) in [
        (0, media, "Below", ErrorKind::InvalidMediaPool),
        (0, CATALOG, "Media", ErrorKind::AlreadyExists),
        (0, free, "Nothing", ErrorKind::InvalidMedia),
        (7, CATALOG, "Mine", ErrorKind::AccessDenied),
        (7, free, "LTO-9", ErrorKind::AccessDenied),
        (0, ObjectNo(77_777), "Lost", ErrorKind::ObjectNotFound),
    ] {
        assert_eq!(
            kind(make(&mut world, who, parent, name)),
            expected,
            "{name}"
        );
    }
    assert!(
        matches!(make(&mut world, 7, group, "Daily"), Ok(Reply::Created(_))),
        "its mode is 0777"
    );
    assert!(matches!(
        make(&mut world, 0, free, "LTO-9"),
        Ok(Reply::Created(_))
    ));
    assert_eq!(
        kind(make(&mut world, 0, free, "LTO-9")),
        ErrorKind::AlreadyExists
    );
    let Ok(Reply::Created(leaf)) = make(&mut world, 0, unrecognized, "LTO-9") else {
        panic!()
    };
    assert_eq!(
        read::pool(world.db(), leaf)
            .unwrap()
            .unwrap()
            .media_type
            .as_deref(),
        Some("LTO-9")
    );
    assert_eq!(
        kind(make(&mut world, 0, leaf, "Below")),
        ErrorKind::InvalidMediaPool
    );
    world.sound();
}

#[test]
fn pools_are_removed_when_nothing_depends_on_them() {
    let mut world = World::new();
    let (media, group) = (
        world.pool(CATALOG, "Media", MO),
        world.pool(CATALOG, "Group", ""),
    );
    let below = world.pool(group, "Below", "");
    world.import(media, "x");
    let remove = |world: &mut World, who, no| world.ask(&user(who), Ask::RemovePool { no });
    assert_eq!(kind(remove(&mut world, 0, media)), ErrorKind::NotEmpty);
    assert_eq!(kind(remove(&mut world, 0, group)), ErrorKind::NotEmpty);
    let leaf = world.leaf("Import", MO);
    assert_eq!(
        kind(remove(&mut world, 0, leaf)),
        ErrorKind::InvalidMediaPool
    );
    assert_eq!(kind(remove(&mut world, 7, group)), ErrorKind::AccessDenied);
    assert_eq!(remove(&mut world, 7, below), Ok(Reply::Done));
    assert_eq!(
        kind(remove(&mut world, 7, below)),
        ErrorKind::ObjectNotFound
    );
    world.done(Ask::RemovePool { no: group });
    let no = world.medium("x").no;
    world.done(Ask::RemoveMedium { no });
    world.done(Ask::RemovePool { no: media });
    world.sound();
}

#[test]
fn pools_are_placed_where_there_is_room() {
    let mut world = World::new();
    let (media, group) = (
        world.pool(CATALOG, "Media", MO),
        world.pool(CATALOG, "Group", ""),
    );
    let below = world.pool(group, "Below", "");
    let free = read::pool_named(world.db(), CATALOG, "Free")
        .unwrap()
        .unwrap()
        .no;
    let place = |no, parent, name: &str| Ask::PlacePool {
        no,
        parent,
        name: name.to_owned(),
    };
    for (no, parent, name, expected) in [
        (below, media, "Below", ErrorKind::InvalidMediaPool),
        (below, free, "Below", ErrorKind::InvalidMediaPool),
        (group, group, "Group", ErrorKind::InvalidMediaPool),
        (group, below, "Group", ErrorKind::InvalidMediaPool),
        (free, CATALOG, "Gratis", ErrorKind::InvalidMediaPool),
        (below, CATALOG, "Media", ErrorKind::AlreadyExists),
    ] {
        let reply = world.ask(&root(), place(no, parent, name));
        assert_eq!(kind(reply), expected, "{name}");
    }
    assert_eq!(
        kind(world.ask(&user(7), place(below, CATALOG, "Up"))),
        ErrorKind::AccessDenied
    );
    world.done(place(media, below, "Media"));
    world.done(place(media, below, "Renamed"));
    let pool = read::pool(world.db(), media).unwrap().unwrap();
    assert_eq!(
        read::pool_path(world.db(), &pool),
        Ok("Group/Below/Renamed".to_owned())
    );
    world.sound();
}

#[test]
fn attributes_are_for_pools_that_hold_media() {
    let mut world = World::new();
    let (media, group) = (
        world.pool(CATALOG, "Media", MO),
        world.pool(CATALOG, "Group", ""),
    );
    world.pool(group, "Below", "");
    let leaf = {
        world.import(media, "x");
        world.leaf("Free", MO)
    };
    for no in [group, leaf] {
        let refused = world.set_as(&root(), no, SetPool::MaxAllocates(1));
        assert_eq!(kind(refused), ErrorKind::InvalidMediaPool);
        world.set(no, SetPool::Description("text".to_owned()));
    }
    for (name, expected) in [("LTO-8", ErrorKind::NotEmpty), ("", ErrorKind::NotEmpty)] {
        let refused = world.set_as(&root(), media, SetPool::MediaType(name.to_owned()));
        assert_eq!(kind(refused), expected);
    }
    world.set(media, SetPool::MediaType(MO.to_owned()));
    let empty = world.pool(CATALOG, "Empty", "");
    let refused = world.set_as(&root(), empty, SetPool::MediaType("Stone".to_owned()));
    assert_eq!(kind(refused), ErrorKind::InvalidMedia);
    world.set(empty, SetPool::MediaType("LTO-8".to_owned()));
    world.set(empty, SetPool::MediaType(String::new()));
    world.set(empty, SetAccess::Mode(0o755));
    assert_eq!(
        kind(world.set_as(&user(7), empty, SetPool::MaxAllocates(1))),
        ErrorKind::AccessDenied
    );
    for set in [
        SetAccess::Mode(0o777),
        SetAccess::Owner {
            uid: Some(7),
            gid: None,
        },
    ] {
        assert_eq!(
            kind(world.set_as(&user(7), empty, set)),
            ErrorKind::AccessDenied
        );
    }
    world.set(
        empty,
        SetAccess::Owner {
            uid: Some(7),
            gid: Some(7),
        },
    );
    assert_eq!(
        world.set_as(&user(7), empty, SetAccess::Control(0o600)),
        Ok(Reply::Done)
    );
    world.sound();
}

/// Lines that are refused, each with its kind and words of the sentence.
const REFUSED_LINES: [(&str, ErrorKind, &str); 10] = [
    (
        "a slot=box/2 barcode=A1",
        ErrorKind::AlreadyExists,
        "exists and is elsewhere",
    ),
    (
        "b barcode=B1 slot=box/2 description=\"spare one\"",
        ErrorKind::AlreadyExists,
        "elsewhere",
    ),
    ("c slot=box/1", ErrorKind::AlreadyExists, "occupied"),
    ("d slot=box/1", ErrorKind::AlreadyExists, "occupied"),
    (
        "d barcode=B1",
        ErrorKind::AlreadyExists,
        "\"b\" has that bar code",
    ),
    ("b barcode=B2", ErrorKind::AlreadyExists, "different"),
    ("d slot=lost/1", ErrorKind::ObjectNotFound, "no library"),
    (
        "d slot=box/9",
        ErrorKind::ResourceNotPresent,
        "no such slot",
    ),
    (
        "d slot=tapes/1",
        ErrorKind::MediaIncompatible,
        "does not take",
    ),
    ("d sides=1", ErrorKind::MediaIncompatible, "have 2 sides"),
];

#[test]
fn an_import_is_all_or_nothing_and_can_be_sent_again() {
    let mut world = World::new();
    world.library("box", MO, 3);
    world.library("tapes", "LTO-8", 3);
    let pool = world.pool(CATALOG, "Backup", MO);
    let good = [
        "a slot=box/1 barcode=A1",
        "b barcode=B1 description=\"spare one\"",
        "c",
    ];
    world.done(lines(pool, &good));
    assert_eq!(world.events.len(), 3);
    world.done(lines(pool, &good));
    assert!(
        world.events.is_empty(),
        "the same file again changes nothing"
    );
    // From the shelf into a slot, and nowhere else afterwards.
    world.done(lines(
        pool,
        &["b barcode=B1 slot=box/3 description=\"spare one\""],
    ));
    assert_eq!(world.events.len(), 1);
    let placed = read::medium_named(world.db(), "b").unwrap().unwrap();
    assert!(placed.library.is_some() && placed.slot.is_some());
    world.done(lines(pool, &good));
    assert!(world.events.is_empty());
    for (line, expected, words) in REFUSED_LINES {
        let refusal = world
            .ask(&root(), lines(pool, &["new1", "new2 slot=box/2", line]))
            .unwrap_err();
        assert_eq!(refusal.kind, expected, "{line}");
        let sentence = &refusal.sentence;
        assert!(
            sentence.starts_with("line 3: ") && sentence.contains(words),
            "{sentence}"
        );
        assert_eq!(
            read::medium_named(world.db(), "new1"),
            Ok(None),
            "{line}: none of them"
        );
        world.sound();
    }
    let twice = world
        .ask(&root(), lines(pool, &["e slot=box/2", "f slot=box/2"]))
        .unwrap_err();
    assert!(twice.sentence.starts_with("line 2: "), "{}", twice.sentence);
    let group = world.pool(CATALOG, "Group", "");
    assert_eq!(
        kind(world.ask(&root(), lines(group, &["z"]))),
        ErrorKind::InvalidMediaPool
    );
    world.set(pool, SetAccess::Control(0o660));
    assert_eq!(
        kind(world.ask(&user(7), lines(pool, &["z"]))),
        ErrorKind::AccessDenied
    );
}

/// A line with a slot needs CONTROL of the library too, and the library its first inventory.
#[test]
fn a_line_with_a_slot_needs_its_library() {
    let mut world = World::new();
    let library = world.library("box", MO, 3);
    let pool = world.pool(CATALOG, "Backup", MO);
    let done = Ok(Reply::Done);
    let mut gives = |set: SetLibrary, line: &str, expected: &std::result::Result<_, _>| {
        world.done(Ask::SetLibrary { no: library, set });
        let reply = world.ask(&user(7), lines(pool, &["with", line]));
        let reply = reply.map_err(|refusal| refusal.kind);
        assert_eq!(&reply, expected, "{line}");
        let first = read::medium_named(world.db(), "with").unwrap();
        assert_eq!(first.is_some(), reply.is_ok(), "{line}: all or nothing");
        if let Some(no) = first.map(|medium| medium.no) {
            world.done(Ask::RemoveMedium { no });
        }
        world.sound();
    };
    let denied = Err(ErrorKind::AccessDenied);
    gives(
        SetLibrary::Access(SetAccess::Mode(0o755)),
        "a slot=box/1",
        &denied,
    );
    gives(SetLibrary::Access(SetAccess::Mode(0o755)), "b", &done);
    gives(
        SetLibrary::Access(SetAccess::Mode(0o777)),
        "a slot=box/1",
        &done,
    );
    gives(SetLibrary::Enabled(false), "c slot=box/2", &done);
    let looking = SetLibrary::Enabled(true);
    gives(looking.clone(), "d slot=box/3", &Err(ErrorKind::NotReady));
    gives(looking, "d", &done);
}

#[test]
fn new_sides_begin_as_the_pool_says() {
    use SideState::{Available, Foreign, Import};
    let (mut world, to) = moving();
    let states = [Available, Import, Foreign, Available];
    for ((name, pool), state) in to.iter().zip(states) {
        let medium = format!("new-{name}").replace(' ', "-");
        world.import(*pool, &medium);
        assert_eq!(world.states(&medium), vec![state, state], "{name}");
    }
    world.sound();
}
