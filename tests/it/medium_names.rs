//! The rule of names: what a medium is called of which nobody has said it.

use crate::harness::world::{World, root};
use ntmsfs::domain::ask::{Ask, Found, SetLogical, SetPool};
use ntmsfs::domain::driver::Label;
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::label::MediaLabel;
use ntmsfs::domain::object::Medium;
use ntmsfs::manager::read;

/// A library of which an inventory has found free media with these bar codes, and a pool that draws from free.
fn found(media_type: &str, codes: &[Option<&str>]) -> (World, ObjectNo, ObjectNo) {
    let mut world = World::new();
    let library = world.library("box", media_type, 20);
    look(&mut world, library, media_type, codes);
    let pool = world.pool(CATALOG, "Backup", media_type);
    world.set(pool, SetPool::AllocateFromFree(true));
    (world, library, pool)
}

fn look(world: &mut World, library: ObjectNo, media_type: &str, codes: &[Option<&str>]) {
    let seen = |(slot, code): (u32, Option<&str>)| Found {
        slot,
        barcode: code.map(str::to_owned),
        media_type: media_type.to_owned(),
        label: Label::Free,
    };
    let found = (1..).zip(codes.iter().copied()).map(seen).collect();
    world.inventory(library, Ok(found));
}

/// What is in a slot of the library.
fn at(world: &World, library: ObjectNo, slot: u32) -> Medium {
    let kind = ntmsfs::domain::state::ElementKind::Slot;
    let slot = read::element_at(world.db(), library, kind, slot).expect("a slot");
    let medium = read::medium_in(world.db(), slot.expect("a slot").no).expect("a medium");
    medium.expect("a medium")
}

/// Takes a medium as root, and writes a label with the text.
fn label(world: &mut World, pool: ObjectNo, medium: &Medium, text: &str) -> ObjectNo {
    let (_, logical) = world.take(pool, &format!("side=\"{}/A\"", medium.name));
    relabel(world, logical.no, text);
    logical.no
}

fn relabel(world: &mut World, logical: ObjectNo, text: &str) {
    let line = format!("type=MTF id=1 info=\"{text}\"");
    let set = SetLogical::Label(MediaLabel::parse(&line).expect("a label"));
    world.done(Ask::SetLogical { no: logical, set });
}

#[test]
fn without_a_bar_code_a_medium_is_called_by_its_sequence_number() {
    let (mut world, library, _) = found("LTO-8", &[Some("A1"), None, None]);
    assert_eq!(at(&world, library, 1).name, "A1");
    let second = at(&world, library, 2);
    assert_eq!(second.name, second.sequence_number.to_string());
    assert_ne!(at(&world, library, 3).name, second.name);
    look(&mut world, library, "LTO-8", &[Some("A1"), None, None]);
    assert_eq!(at(&world, library, 2), second, "it is known by its slot");
    world.sound();
}

/// A label names a medium with one side that has no bar code, again with every label; without a text it is its number.
#[test]
fn a_label_names_a_medium_that_nobody_has_named() {
    let (mut world, library, pool) = found("LTO-8", &[Some("A1"), None]);
    let (coded, plain) = (at(&world, library, 1), at(&world, library, 2));
    label(&mut world, pool, &coded, "week 7");
    assert_eq!(at(&world, library, 1).name, "A1");
    let logical = label(&mut world, pool, &plain, "week 7");
    assert_eq!(at(&world, library, 2).name, "week 7");
    assert_eq!(world.states("week 7").len(), 1);
    relabel(&mut world, logical, "2031/02");
    assert_eq!(at(&world, library, 2).name, "2031\\x2f02");
    relabel(&mut world, logical, "2031/02");
    assert_eq!(world.events.len(), 1, "only the label is written");
    relabel(&mut world, logical, "");
    assert_eq!(at(&world, library, 2).name, plain.name);
    world.done(Ask::Deallocate { logical });
    world.sound();
}

#[test]
fn a_name_that_a_person_gave_stays() {
    let (mut world, library, pool) = found("LTO-8", &[None]);
    let medium = at(&world, library, 1);
    let name = "safe".to_owned();
    let no = medium.no;
    world.done(Ask::MoveMedium { no, pool, name });
    let medium = world.medium("safe");
    let logical = label(&mut world, pool, &medium, "week 7");
    assert_eq!(at(&world, library, 1).name, "safe");
    world.done(Ask::Deallocate { logical });
    let shelf = world.pool(CATALOG, "Shelf", "LTO-8");
    world.import(shelf, "mine slot=box/2");
    let mine = world.medium("mine");
    label(&mut world, shelf, &mine, "week 8");
    assert_eq!(world.medium("mine").no, mine.no);
    world.sound();
}

/// Moving it to another pool under its name gives it none.
#[test]
fn a_medium_that_is_moved_keeps_the_rule() {
    let (mut world, library, pool) = found("LTO-8", &[None]);
    let name = at(&world, library, 1).name;
    let moved = world.move_to(&root(), &name, pool);
    assert!(moved.is_ok(), "{moved:?}");
    let medium = at(&world, library, 1);
    label(&mut world, pool, &medium, "week 7");
    assert_eq!(at(&world, library, 1).name, "week 7");
}

#[test]
fn a_label_of_one_side_of_two_names_nothing() {
    let (mut world, library, pool) = found("MO-5.25", &[None]);
    let medium = at(&world, library, 1);
    label(&mut world, pool, &medium, "week 7");
    assert_eq!(at(&world, library, 1).name, medium.name);
    world.sound();
}

/// Names stay unique, and finding one costs a few looks, however many have the text.
#[test]
fn media_with_one_text_have_names_of_their_own() {
    let (mut world, library, pool) = found("LTO-8", &[None; 12]);
    for slot in 1..=12 {
        let medium = at(&world, library, slot);
        label(&mut world, pool, &medium, "weekly");
        let number = medium.sequence_number;
        let name = match slot {
            1 => "weekly".to_owned(),
            2..=9 => format!("weekly~{slot}"),
            _ => format!("weekly~{number}"),
        };
        assert_eq!(at(&world, library, slot).name, name);
    }
    world.sound();
}
