//! The label that an owner has said is on a side is compared at each mount, whatever the library: what is not there is
//! refused, a person is told, and nobody gets the medium.

use crate::harness::played::{MO, Played};
use crate::harness::world::root;
use crate::harness::{Shell, Tree, same, until};
use ntmsfs::domain::ask::{Ask, SetLogical};
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::domain::label::MediaLabel;
use ntmsfs::domain::state::{DriveState, OperatorState};
use ntmsfs::manager::queue;
use std::fs;

/// Says what is written on the side A of a medium; the empty text takes it back.
fn says(played: &mut Played, medium: &str, label: &str) {
    let logical = played.world.side(medium, "A").logical;
    let no = logical.expect("a logical medium");
    let set = SetLogical::Label(MediaLabel::parse(label).expect(label));
    played.world.done(Ask::SetLogical { no, set });
}

/// What is compared at a mount of the side A of a medium.
fn compared(played: &Played, medium: &str) -> String {
    let side = played.world.side(medium, "A");
    let label = queue::label(played.world.db(), &side).expect("a label");
    label.map_or("-".to_owned(), |label| label.id)
}

#[test]
fn only_what_the_owner_has_said_is_compared() {
    let mut played = Played::new(2, 1);
    assert_eq!(compared(&played, "m1"), "-");
    says(&mut played, "m1", "type=MTF id=4711");
    says(&mut played, "m2", "type=MTF id=4712");
    assert_eq!(compared(&played, "m1"), "4711");
    says(&mut played, "m1", "");
    assert_eq!(compared(&played, "m1"), "-", "nothing is known any more");
    says(&mut played, "m1", "type=MTF id=4711");
    let update = include_str!("../../src/store/schema-labels.sql")
        .split_once(';')
        .expect("two statements");
    let refill = format!("UPDATE logical SET labelled = 0; {}", update.1);
    played.world.sql(&refill);
    assert_eq!(
        compared(&played, "m1"),
        "4711",
        "an older catalog learns it"
    );
    played.world.sound();
    // The next owner may write what he likes over it.
    let no = played
        .world
        .side("m1", "A")
        .logical
        .expect("a logical medium");
    played.world.done(Ask::Deallocate { logical: no });
    played.world.take(played.pool, "side=m1/A");
    assert_eq!(compared(&played, "m1"), "-");
    says(&mut played, "m1", "type=MTF id=4713");
    let no = played
        .world
        .side("m1", "A")
        .logical
        .expect("a logical medium");
    let other = played.world.lmid("m2", "A").expect("an LMID");
    played.world.done(Ask::Swap { no, other });
    assert_eq!(
        (compared(&played, "m1"), compared(&played, "m2")),
        ("-".to_owned(), "-".to_owned())
    );
    played.world.sql(&refill);
    played.world.sound();
}

#[test]
fn what_a_person_has_put_in_is_compared_before_anybody_has_it() {
    let mut played = Played::with(&format!("standalone /dev/mo0 type={MO}"));
    for name in ["m1", "m2"] {
        played.world.import(played.pool, name);
    }
    let logical = |played: &mut Played, medium: &str| {
        // Nothing off line is allocated, so it is put in once before.
        let no = played.ask(&format!("mount side={medium}/A"));
        let asked = played.operator(no);
        played
            .world
            .answer(&root(), asked, OperatorState::Complete)
            .expect("an answer");
        assert_eq!(played.word(no), "/dev/mo0", "nothing to compare");
        played.world.take(played.pool, &format!("side={medium}/A"));
        played.ask(&format!("dismount side={medium}/A"));
    };
    logical(&mut played, "m1");
    says(&mut played, "m1", "type=ANSI id=W1");
    // The medium is still in the drive, or was exchanged by hand: nobody knows.
    let again = played.ask("mount side=m1/A");
    assert_eq!(played.word(again), "in-process");
    assert_eq!(played.drive(1).0, DriveState::Dismountable);
    played.play();
    assert_eq!(
        (played.word(again), played.drive(1).0),
        ("/drive-1".to_owned(), DriveState::Loaded)
    );
    played.ask("dismount side=m1/A");
    logical(&mut played, "m2");
    let back = played.ask("mount side=m1/A");
    let asked = played.operator(back);
    played
        .world
        .answer(&root(), asked, OperatorState::Complete)
        .expect("an answer");
    assert_eq!(
        played.drive(1).0,
        DriveState::Dismounted,
        "m2 was taken out"
    );
    assert!(!played.world.medium("m2").is_online());
    let work = played.going()[0];
    let refusal = ErrorKind::UnexpectedOmid.because("another label");
    played.finish(work, Err(refusal), Some(false));
    assert_eq!(played.word(back), "UnexpectedOmid");
    assert_eq!(played.drive(1).0, DriveState::Dismounted);
    assert!(
        !played.world.medium("m1").is_online(),
        "nobody knows where it is"
    );
    assert_eq!(played.state(), "ready", "no robot has to look");
    played.world.sound();
}

fn request(tree: &Tree, name: &str, line: &str) -> String {
    tree.write(&format!("libraries/alone/requests/{name}"), line);
    tree.read(&format!("libraries/alone/results/{name}"))
}

/// A stand-alone drive whose device is a file: written, labelled, read again, exchanged by hand.
#[test]
fn another_medium_in_a_stand_alone_drive_is_noticed() {
    let tree = Tree::empty();
    let device = tree.scratch("drive").join("device");
    fs::write(&device, "").expect("a blank medium");
    let (device, at) = (device.to_str().expect("a path"), "libraries/alone");
    let script = format!(
        "set -e; mkdir {at}; echo 'standalone {device} type=LTO-8' > {at}/driver; echo 1 > {at}/enabled
mkdir pools/Backup; echo LTO-8 > pools/Backup/media_type; echo 'm1 barcode=M1' > pools/Backup/import
echo 'mount side=m1/A' > {at}/requests/first"
    );
    assert_eq!(tree.run(Shell::Dash, &script).output(), "");
    let asked = until("a person is asked", || {
        let names = tree.names("operator");
        (!names.is_empty()).then(|| names.concat())
    });
    tree.write(&format!("operator/{asked}/state"), "complete");
    same(
        "first",
        tree.read(&format!("{at}/results/first")),
        format!("{device}\n"),
    );
    let lmid = tree.allocate("Backup", "side=m1/A");
    fs::write(device, "VOL1W00007").expect("a label is written");
    tree.write(&format!("logical/{lmid}/label"), "type=ANSI id=W00007");
    assert!(request(&tree, "back", &format!("dismount media={lmid}")).starts_with("ok released"));
    same(
        "again",
        request(&tree, "again", &format!("mount media={lmid} read")),
        format!("{device}\n"),
    );
    assert!(request(&tree, "out", &format!("dismount media={lmid}")).starts_with("ok released"));
    fs::write(device, "VOL1W00008").expect("another medium");
    let refused = request(&tree, "wrong", &format!("mount media={lmid}"));
    assert!(
        refused.starts_with("0x800710EE ERROR_UNEXPECTED_OMID "),
        "{refused}"
    );
    assert!(refused.contains("type=ANSI id=W00007"), "{refused}");
    same(
        "state",
        tree.read(&format!("{at}/drives/1/state")),
        "dismounted\n".to_owned(),
    );
    same(
        "device",
        tree.read(&format!("logical/{lmid}/device")),
        "\n".to_owned(),
    );
    let told = tree.names("operator").into_iter().find_map(|no| {
        let command = tree.read(&format!("operator/{no}/command"));
        (command == "device-service\n").then(|| tree.read(&format!("operator/{no}/message")))
    });
    assert!(
        told.expect("a person is told")
            .contains("is not medium \"m1\"")
    );
}

/// A virtual drive is a file as well: what its owner says is on it must be there.
#[test]
fn a_virtual_library_compares_it_too() {
    let tree = Tree::empty();
    tree.library("alone", "type=LTO-8 slots=4 cartridges=2 drives=1");
    tree.pool("Backup", "LTO-8");
    let lmid = tree.allocate("Backup", "");
    let label = format!("logical/{lmid}/label");
    let mount = format!("mount media={lmid}");
    tree.write(&label, "type=MTF id=4711");
    let refused = request(&tree, "blank", &mount);
    assert!(refused.contains("ERROR_UNEXPECTED_OMID"), "{refused}");
    fs::write(tree.path(&label), "\n").expect("nothing is known");
    same("label", tree.read(&label), "\n".to_owned());
    let device = request(&tree, "any", &mount);
    fs::write(device.trim_end(), "TAPE 4711").expect("a label is written");
    tree.write(&label, "type=MTF id=4711");
    request(&tree, "home", &format!("dismount media={lmid}"));
    same("again", request(&tree, "again", &mount), device);
}
