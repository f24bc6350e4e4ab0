//! The leaves of the system pools: they come with what uses a type of media, and go with the last of it.

use crate::harness::world::{World, lines, root};
use crate::harness::{Shell, Tree};
use ntmsfs::domain::ask::{Ask, Reply, SetAccess, SetLibrary, SetMedium, SetPool};
use ntmsfs::domain::attribute::{Holder, Way};
use ntmsfs::domain::change::Thing;
use ntmsfs::domain::event::Event;
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::operator_request::OperatorRequest;
use ntmsfs::domain::state::OperatorState;
use ntmsfs::manager::list::{Kind, page};
use ntmsfs::manager::read;
use ntmsfs::store::fact;

/// What is done to a catalog.
type Step = fn(&mut World);

/// What uses a type beside a library of it, the leaves that are left when that library is gone, what ends the use, and the
/// leaves that are left then. A leaf is given by its first letter.
#[rustfmt::skip]
const ROWS: [(&str, Step, &str, Step, &str); 13] = [
    ("nothing", nothing, "", nothing, ""),
    ("a medium", one_medium, "FIU", remove_medium, ""),
    ("a medium of two", two_media, "FIU", remove_medium, "FIU"),
    ("a medium that takes another type", one_medium, "FIU", retype_medium, ""),
    ("an application pool", make_pool, "FIU", remove_pool, ""),
    ("an application pool that takes another type", make_pool, "FIU", retype_pool, ""),
    ("another library", another_library, "FIU", remove_other, ""),
    ("a library that was never switched on", |world| write_driver(world, "LTO-8"), "FIU", |world| write_driver(world, "LTO-9"), ""),
    ("rights", set_rights, "F", nothing, "F"),
    ("a description", describe, "U", nothing, "U"),
    ("an attribute", set_attribute, "I", nothing, "I"),
    ("a request to a person", ask_a_person, "F", answer, ""),
    ("a leaf that mkdir made", make_leaf, "I", nothing, "I"),
];

fn nothing(_: &mut World) {}

fn one_medium(world: &mut World) {
    world.import(world.leaf("Import", "LTO-8"), "tape");
}

fn two_media(world: &mut World) {
    let pool = world.leaf("Import", "LTO-8");
    world.done(lines(pool, &["tape", "other"]));
}

fn remove_medium(world: &mut World) {
    let no = world.medium("tape").no;
    world.done(Ask::RemoveMedium { no });
}

fn retype_medium(world: &mut World) {
    let no = world.medium("tape").no;
    let set = SetMedium::MediaType("LTO-7".to_owned());
    world.done(Ask::SetMedium { no, set });
    assert_eq!(leaves(world, "LTO-7"), "FIU");
}

fn make_pool(world: &mut World) {
    world.pool(CATALOG, "Backup", "LTO-8");
}

fn backup(world: &World) -> ObjectNo {
    let pool = read::pool_named(world.db(), CATALOG, "Backup").expect("a pool");
    pool.expect("a pool").no
}

fn remove_pool(world: &mut World) {
    let no = backup(world);
    world.done(Ask::RemovePool { no });
}

fn retype_pool(world: &mut World) {
    let no = backup(world);
    world.set(no, SetPool::MediaType("LTO-7".to_owned()));
}

fn another_library(world: &mut World) {
    world.library("other", "LTO-8", 2);
}

fn remove_other(world: &mut World) {
    remove_library(world, "other");
}

fn remove_library(world: &mut World, name: &str) {
    let no = read::library_named(world.db(), name).expect("a library");
    let no = no.expect("a library").no;
    let set = SetLibrary::Enabled(false);
    world.done(Ask::SetLibrary { no, set });
    world.done(Ask::RemoveLibrary { no });
}

/// Writes the driver of a library that is not switched on.
fn write_driver(world: &mut World, media_type: &str) {
    let name = "new".to_owned();
    let found = read::library_named(world.db(), &name).expect("a library");
    let no = match found {
        Some(library) => library.no,
        None => created(world, Ask::CreateLibrary { name, mode: 0o755 }),
    };
    let driver = format!("virtual type={media_type} slots=2 drives=1");
    let set = SetLibrary::Driver(driver);
    world.done(Ask::SetLibrary { no, set });
}

fn created(world: &mut World, ask: Ask) -> ObjectNo {
    match world.ask(&root(), ask) {
        Ok(Reply::Created(no)) => no,
        other => panic!("{other:?}"),
    }
}

fn set_rights(world: &mut World) {
    world.set(world.leaf("Free", "LTO-8"), SetAccess::Mode(0o700));
}

fn describe(world: &mut World) {
    let set = SetPool::Description("from the old site".to_owned());
    world.set(world.leaf("Unrecognized", "LTO-8"), set);
}

fn set_attribute(world: &mut World) {
    let no = world.leaf("Import", "LTO-8");
    let id = fact::pool(world.db(), no).expect("a pool").id;
    world.done(Ask::SetAttribute {
        of: Holder::Pool(Thing { no, id }),
        name: "user.note".to_owned(),
        value: Some(b"ours".to_vec()),
        way: Way::Any,
    });
}

fn ask_a_person(world: &mut World) {
    let line = "new-media pool=Free/LTO-8";
    let request = Box::new(OperatorRequest::parse(line).expect(line));
    created(world, Ask::AskOperator { request });
}

fn answer(world: &mut World) {
    let open = page(world.db(), Kind::Operator, CATALOG, 0, 9).expect("requests");
    let (no, state) = (open[0].no, OperatorState::Refused);
    world.done(Ask::AnswerOperator { no, state });
}

fn make_leaf(world: &mut World) {
    remove_library(world, "box");
    let root = read::pool_named(world.db(), CATALOG, "Import").expect("a pool");
    let parent = root.expect("a pool").no;
    let (name, mode) = ("LTO-8".to_owned(), 0o755);
    created(world, Ask::CreatePool { parent, name, mode });
    assert_eq!(leaves(world, "LTO-8"), "I");
    world.library("box", "LTO-8", 2);
}

/// The system pools that have a leaf for the type, by their first letters.
fn leaves(world: &World, media_type: &str) -> String {
    let has = |system: &&str| {
        let root = read::pool_named(world.db(), CATALOG, system).expect("a pool");
        let leaf = read::pool_named(world.db(), root.expect("a pool").no, media_type);
        leaf.expect("a pool").is_some()
    };
    let systems = ["Free", "Import", "Unrecognized"].into_iter().filter(has);
    systems.filter_map(|system| system.chars().next()).collect()
}

#[test]
fn the_leaves_of_a_type_vanish_with_its_last_use() {
    for (what, prepare, left, end, at_last) in ROWS {
        let mut world = World::new();
        world.library("box", "LTO-8", 2);
        prepare(&mut world);
        assert_eq!(leaves(&world, "LTO-8"), "FIU", "{what}");
        remove_library(&mut world, "box");
        assert_eq!(leaves(&world, "LTO-8"), left, "{what}");
        end(&mut world);
        assert_eq!(leaves(&world, "LTO-8"), at_last, "{what}");
        world.sound();
        world.restart();
        assert_eq!(leaves(&world, "LTO-8"), at_last, "{what}");
    }
}

/// One transaction, of whoever took the last use away. A library that is switched off is still one.
#[test]
fn leaves_vanish_in_the_transaction_that_causes_it() {
    let mut world = World::new();
    let no = world.library("box", "LTO-8", 2);
    let set = SetLibrary::Enabled(false);
    world.done(Ask::SetLibrary { no, set });
    assert_eq!(leaves(&world, "LTO-8"), "FIU");
    world.done(Ask::RemoveLibrary { no });
    let removed = world.events.iter().filter(|event| {
        let event: &Event = event;
        matches!(event, Event::PoolRemoved { .. })
    });
    assert_eq!(removed.count(), 3);
}

/// A pool that draws from free keeps the free pool of its type: what waits in it goes on waiting.
#[test]
fn whoever_draws_from_free_keeps_it() {
    let mut world = World::new();
    world.library("box", "LTO-8", 2);
    make_pool(&mut world);
    let pool = backup(&world);
    world.set(pool, SetPool::AllocateFromFree(true));
    let request = world.wait(pool, "", Some("job"));
    remove_library(&mut world, "box");
    assert_eq!(leaves(&world, "LTO-8"), "FIU");
    let request = world.request(request).expect("the request");
    assert!(request.result.is_empty(), "{request:?}");
    world.sound();
}

/// For the kernel, too, what has vanished is gone at once, and what comes again is there at once.
#[test]
fn names_of_leaves_are_not_remembered() {
    let tree = Tree::empty();
    tree.library("lto", "type=LTO-8 slots=2 drives=1");
    let ran = tree.run(
        Shell::Dash,
        "leaf=pools/Free/pools/LTO-8; ls $leaf/id; stat -c %i $leaf >$T/old
         echo 0 > libraries/lto/enabled; rmdir libraries/lto
         ls $leaf 2>$T/noise || echo gone; ls pools/Free/pools
         mkdir $leaf; stat -c %i $leaf >$T/new; cmp -s $T/old $T/new || echo another
         mkdir libraries/lto; echo 'virtual type=LTO-8 slots=2' > libraries/lto/driver; echo 1 > libraries/lto/enabled
         ls -d pools/*/pools/LTO-8",
    );
    let expected = "pools/Free/pools/LTO-8/id\ngone\nanother\n\
        pools/Free/pools/LTO-8\npools/Import/pools/LTO-8\npools/Unrecognized/pools/LTO-8\n";
    assert_eq!(ran.output(), expected);
}
