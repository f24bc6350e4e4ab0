//! Libraries: what an inventory means, and what becomes of media whose library goes.

use crate::harness::world::{World, root, user, word};
use ntmsfs::domain::ask::{Ask, Found, Reply, SetLibrary};
use ntmsfs::domain::driver::Label;
use ntmsfs::domain::error::{ErrorKind, Result};
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::state::LibraryState;
use ntmsfs::manager::read;

const MO: &str = "MO-5.25";

fn kind(reply: Result<Reply>) -> ErrorKind {
    reply.expect_err("a refusal").kind
}

fn inventory(world: &mut World, library: ObjectNo, found: Result<Vec<Found>>) {
    world.inventory(library, found);
    world.sound();
}

fn seen(slot: u32, barcode: Option<&str>, label: Label) -> Found {
    let (barcode, media_type) = (barcode.map(str::to_owned), MO.to_owned());
    Found {
        slot,
        barcode,
        media_type,
        label,
    }
}

#[test]
fn an_inventory_believes_what_it_sees() {
    let mut world = World::new();
    let library = world.library("box", MO, 4);
    let pool = world.pool(CATALOG, "Backup", MO);
    for line in [
        "a slot=box/1 barcode=A",
        "b slot=box/2 barcode=B",
        "c slot=box/3",
        "d barcode=D",
    ] {
        world.import(pool, line);
    }
    let slot = |world: &World, name: &str| {
        let slot = world.medium(name).slot?;
        Some(read::element(world.db(), slot).unwrap().unwrap().number)
    };
    let (free, blank) = (Label::Free, Label::Blank);
    let swapped = vec![
        seen(1, Some("B"), free),
        seen(2, Some("A"), free),
        seen(3, None, free),
    ];
    inventory(&mut world, library, Ok(swapped));
    assert_eq!(
        ["a", "b", "c", "d"].map(|name| slot(&world, name)),
        [Some(2), Some(1), Some(3), None]
    );
    let round =
        [(1, "D"), (2, "B"), (3, "A"), (4, "X")].map(|(n, code)| seen(n, Some(code), blank));
    inventory(&mut world, library, Ok(round.to_vec()));
    assert_eq!(
        ["a", "b", "c", "d"].map(|name| slot(&world, name)),
        [Some(3), Some(2), None, Some(1)]
    );
    assert_eq!(world.medium("X").pool, world.leaf("Unrecognized", MO));
    inventory(
        &mut world,
        library,
        Ok(vec![seen(9, Some("Y"), free), seen(4, Some("Z"), free)]),
    );
    assert_eq!(
        ["a", "b", "X", "Z"].map(|name| slot(&world, name)),
        [None, None, None, Some(4)]
    );
    let refused = ErrorKind::LibraryOffline.because("no power");
    inventory(&mut world, library, Err(refused));
    let library = read::library(world.db(), library).unwrap().unwrap();
    assert_eq!(
        (library.state, slot(&world, "Z")),
        (LibraryState::NeedsService, Some(4))
    );
}

/// A bar code twice, in one library and in two: a second record without a code, one question to a person, and nothing
/// new when it is found again.
#[test]
fn a_bar_code_that_is_found_twice_makes_a_second_record_and_one_request() {
    let mut world = World::new();
    let library = world.library("box", MO, 4);
    let second = world.library("hut", MO, 4);
    let operators = |world: &World| -> Vec<String> {
        let mut statement = world
            .db()
            .prepare("SELECT message FROM operator ORDER BY no")
            .unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(|row| row.unwrap()).collect()
    };
    let twice = vec![
        seen(3, Some("A"), Label::Free),
        seen(1, Some("A"), Label::Free),
    ];
    for _ in 0..3 {
        inventory(&mut world, library, Ok(twice.clone()));
        assert_eq!(operators(&world).len(), 1);
    }
    let (one, two) = (world.medium("A"), world.medium("A~2"));
    assert_eq!((one.barcode.as_deref(), two.barcode), (Some("A"), None));
    assert_eq!(two.pool, world.leaf("Import", MO));
    let place = |no| read::element(world.db(), no).unwrap().unwrap().number;
    assert_eq!(
        [one.slot, two.slot].map(|slot| slot.map(place)),
        [Some(3), Some(1)]
    );
    let message = "bar code \"A\" is on two media: \"A\" in box/3, and \"A~2\" in box/1; give one of them another and \
                   take an inventory";
    assert_eq!(operators(&world), [message]);
    for _ in 0..2 {
        inventory(
            &mut world,
            second,
            Ok(vec![seen(2, Some("A"), Label::Blank)]),
        );
        assert_eq!(operators(&world).len(), 2);
    }
    assert!(operators(&world)[1].contains("\"A\" in box/3, and \"A~3\" in hut/2"));
    // Once the first library no longer has it, the code tells which medium it is.
    inventory(&mut world, library, Ok(Vec::new()));
    inventory(
        &mut world,
        second,
        Ok(vec![seen(2, Some("A"), Label::Blank)]),
    );
    assert_eq!(world.medium("A").library, Some(second));
    assert!(!world.medium("A~3").is_online());
    assert_eq!(operators(&world).len(), 2);
}

#[test]
fn a_library_is_removed_when_it_is_disabled_and_its_media_go_to_the_shelf() {
    let mut world = World::new();
    let no = world.library("box", MO, 4);
    let pool = world.pool(CATALOG, "Backup", MO);
    world.import(pool, "a slot=box/1");
    assert_eq!(
        kind(world.ask(&root(), Ask::RemoveLibrary { no })),
        ErrorKind::InvalidState
    );
    world.done(Ask::SetLibrary {
        no,
        set: SetLibrary::Enabled(false),
    });
    assert_eq!(
        kind(world.ask(&user(7), Ask::RemoveLibrary { no })),
        ErrorKind::AccessDenied
    );
    let set = SetLibrary::Driver("virtual type=LTO-8 slots=1 drives=1".to_owned());
    assert_eq!(
        kind(world.ask(&root(), Ask::SetLibrary { no, set })),
        ErrorKind::InvalidState
    );
    world.done(Ask::RemoveLibrary { no });
    assert!(!world.medium("a").is_online());
    let reply = world.submit(&root(), pool, "side=a/A", None);
    assert_eq!(word(&world, &reply), "MediaOffline");
    world.sound();
}
