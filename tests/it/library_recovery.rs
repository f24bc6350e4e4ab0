//! What follows an error of a library: an inventory by itself, or a person who is asked; and how a library looks.

use crate::harness::played::Played;
use ntmsfs::domain::ask::SetLibrary;
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::domain::id::ObjectNo;
use ntmsfs::domain::object::Operator;
use ntmsfs::domain::state::{DriveState, InventoryMethod, OperatorCommand};

/// Asks for something at which the library fails; what it is then.
fn fails(played: &mut Played, line: &str, stuck: bool) -> &'static str {
    let no = played.ask(line);
    let work = played.going()[0];
    let jammed = Err(ErrorKind::UnableToLoad.because("jammed"));
    played.finish(work, jammed, Some(stuck));
    assert_eq!(played.word(no), "UnableToLoad", "{line}");
    played.state()
}

fn works(played: &mut Played, line: &str) {
    let no = played.ask(line);
    played.play();
    let word = played.word(no);
    assert!(word == "ok" || word.starts_with('/'), "{line}: {word}");
}

/// The open requests to a person to look after a device.
fn service(played: &Played) -> Vec<Operator> {
    let open = (1..20_000).filter_map(|no| played.world.operator(ObjectNo(no)));
    open.filter(|asked| asked.command == OperatorCommand::DeviceService)
        .collect()
}

#[test]
fn an_error_starts_an_inventory() {
    let mut played = Played::new(2, 1);
    assert_eq!(fails(&mut played, "mount side=m1/A", false), "initializing");
    let waits = played.ask("mount side=m2/A");
    assert_eq!(played.word(waits), "waiting");
    let looks = played.going()[0];
    assert_eq!(played.work(looks).name, None, "the library's own");
    played.play();
    assert_eq!(played.word(waits), "/drive-1");
    assert_eq!(played.state(), "ready");
    assert!(service(&played).is_empty());
    played.set(SetLibrary::AutoRecovery(false));
    assert_eq!(
        fails(&mut played, "dismount side=m2/A", true),
        "needs-service"
    );
}

/// It looks once: until something goes well, or somebody looks after it. So it comes to rest whatever fails.
#[test]
fn a_library_that_goes_on_failing_asks_a_person() {
    let mut played = Played::new(2, 1);
    assert_eq!(fails(&mut played, "mount side=m1/A", false), "initializing");
    played.play();
    assert_eq!(fails(&mut played, "mount side=m1/A", false), "ready");
    assert_eq!(fails(&mut played, "mount side=m1/A", true), "needs-service");
    let refused = played.ask("mount side=m2/A");
    assert_eq!(played.word(refused), "LibraryOffline");
    assert_eq!(service(&played).len(), 1);
    assert!(service(&played)[0].message.contains("keeps medium \"m1\""));
    works(&mut played, "inventory");
    assert_eq!(fails(&mut played, "dismount drive=1", true), "initializing");
    played.play();
    assert_eq!(
        fails(&mut played, "dismount drive=1", true),
        "needs-service"
    );
    assert_eq!(service(&played).len(), 1, "somebody was asked already");
    works(&mut played, "inventory");
    works(&mut played, "dismount drive=1");
    assert_eq!(fails(&mut played, "mount side=m1/A", false), "initializing");
    played.play();
    works(&mut played, "mount side=m1/A");
    assert_eq!(
        fails(&mut played, "dismount side=m1/A", true),
        "initializing"
    );
    played.world.sound();
}

/// A drive that keeps its medium, and requests that need it: the evictions and inventories come to an end.
#[test]
fn a_jammed_drive_does_not_keep_the_library_busy() {
    let mut played = Played::new(3, 1);
    works(&mut played, "mount side=m1/A");
    works(&mut played, "dismount side=m1/A deferred");
    played.ask("mount side=m2/A");
    let mut failed = 0;
    while let Some(&work) = played.going().first() {
        let jammed = Err(ErrorKind::UnableToLoad.because("jammed"));
        let outcome = if played.work(work).body.is_empty() {
            Ok(())
        } else {
            jammed
        };
        played.finish(work, outcome, Some(true));
        failed += 1;
        assert!(failed < 10, "it never rests");
    }
    assert_eq!(played.state(), "needs-service");
    assert_eq!(played.drive(1).0, DriveState::Dismountable);
}

#[test]
fn how_a_library_looks_can_be_set() {
    let mut played = Played::new(1, 1);
    let word = |played: &mut Played, line: &str| {
        let no = played.ask(line);
        played.play();
        played.lines(no).concat()
    };
    let taken = "ok inventory of box: 1 media";
    let none = "ok no inventory was taken";
    for (method, default) in [
        (InventoryMethod::None, none),
        (InventoryMethod::Omid, taken),
        (InventoryMethod::Fast, taken),
    ] {
        played.set(SetLibrary::InventoryMethod(method));
        assert_eq!(word(&mut played, "inventory"), default, "{method}");
        assert_eq!(word(&mut played, "inventory default"), default, "{method}");
        assert_eq!(word(&mut played, "inventory fast"), taken);
        assert_eq!(word(&mut played, "inventory none"), none);
        assert_eq!(
            word(&mut played, "inventory stop"),
            "ok stopped 0 inventories"
        );
    }
    played.set(SetLibrary::InventoryMethod(InventoryMethod::None));
    played.set(SetLibrary::Enabled(false));
    played.set(SetLibrary::Enabled(true));
    assert_eq!((played.state(), played.going().len()), ("ready", 0));
    let (first, second) = (played.ask("inventory fast"), played.ask("inventory omid"));
    let stop = played.ask("inventory stop");
    assert_eq!(
        played.lines(stop),
        ["ok stopped 1 inventories, one is under way"]
    );
    assert_eq!(played.word(second), "Cancelled");
    played.play();
    assert_eq!(played.word(first), "ok");
    played.world.sound();
}
