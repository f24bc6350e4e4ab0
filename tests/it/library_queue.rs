//! The queue of a library, without a library: which request is served when, what is refused, what a person is asked.

use crate::harness::played::{MO, Played};
use crate::harness::world::{advance, root, user};
use ntmsfs::domain::ask::{Ask, SetAccess, SetElement, SetLibrary, SetLogical};
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::state::{DriveState, MediumState, OperatorState};
use ntmsfs::domain::time::Limit;
use ntmsfs::manager::queue;
use proptest::prelude::*;

#[test]
fn a_medium_is_mounted_used_and_dismounted() {
    let mut played = Played::new(1, 1);
    let lmid = played.lmid("m1");
    let mount = played.ask(&format!("mount media={lmid}"));
    assert_eq!(played.word(mount), "in-process");
    assert_eq!(played.medium("m1"), MediumState::InUse);
    played.world.done(Ask::Moved { work: mount });
    assert_eq!(played.medium("m1"), MediumState::Mounted);
    played.play();
    assert_eq!(played.word(mount), "/drive-1");
    assert_eq!(played.drive(1), (DriveState::Loaded, "m1".to_owned()));
    assert_eq!(played.world.side("m1", "A").mounts, 1);
    let held = played
        .world
        .side("m1", "A")
        .logical
        .expect("a logical medium");
    let (no, other) = (
        played.world.medium("m1").no,
        played.world.pool(CATALOG, "Other", MO),
    );
    let move_away = Ask::MoveMedium {
        no,
        pool: other,
        name: "m1".to_owned(),
    };
    let off = Ask::SetLibrary {
        no: played.library,
        set: SetLibrary::Enabled(false),
    };
    for ask in [Ask::Deallocate { logical: held }, move_away, off] {
        let refused = played.world.ask(&root(), ask).expect_err("it is mounted");
        assert_eq!(refused.kind, ErrorKind::Busy, "{refused}");
    }
    let dismount = played.ask(&format!("dismount media={lmid}"));
    assert_eq!(played.drive(1).0, DriveState::Unloaded);
    played.play();
    assert_eq!(played.word(dismount), "ok");
    assert_eq!(
        (played.drive(1).0, played.medium("m1")),
        (DriveState::Dismounted, MediumState::Idle)
    );
    played.world.done(Ask::Deallocate { logical: held });
    played.world.sound();
}

#[test]
fn what_cannot_be_served_is_refused_with_its_code() {
    let mut played = Played::new(2, 1);
    played.world.import(played.pool, "shelf");
    let logical = played
        .world
        .side("m2", "A")
        .logical
        .expect("a logical medium");
    let set = SetLogical::State("complete".to_owned());
    played.world.done(Ask::SetLogical { no: logical, set });
    let nobody = "0198c2f0-1111-7abc-8def-0123456789ab";
    for (line, expected) in [
        (format!("mount media={nobody}"), "InvalidMedia"),
        ("mount side=m9/A".to_owned(), "InvalidMedia"),
        ("mount side=m1/A drive=2".to_owned(), "InvalidDrive"),
        ("mount side=m2/A write".to_owned(), "WriteProtect"),
        (
            "mount side=shelf/A error-if-offline".to_owned(),
            "MediaOffline",
        ),
        ("dismount side=m1/A".to_owned(), "InvalidState"),
        ("dismount drive=1".to_owned(), "InvalidState"),
        ("dismount drive=7".to_owned(), "InvalidDrive"),
        ("inventory none".to_owned(), "ok"),
    ] {
        let no = played.ask(&line);
        assert_eq!(played.word(no), expected, "{line}");
    }
    played.world.enable("m1", false);
    let no = played.ask("mount side=m1/A");
    assert_eq!(played.word(no), "ResourceDisabled");
    let held = played.ask("mount side=m2/A");
    played.play();
    assert_eq!(played.word(held), "/drive-1");
    played.world.enable("m1", true);
    for line in [
        "mount side=m1/A error-if-unavailable",
        "mount side=m2/A error-if-unavailable",
    ] {
        let no = played.ask(line);
        assert_eq!(played.word(no), "Busy", "{line}");
    }
    played.world.sound();
}

#[test]
fn rights_are_those_of_the_protocol() {
    let mut played = Played::new(1, 1);
    let (strange, owner) = (user(8), user(7));
    let mount = played
        .ask_as(&owner, "mount side=m1/A")
        .expect("USE is enough");
    played.play();
    assert_eq!(played.word(mount), "/drive-1");
    let not_his = played
        .ask_as(&strange, "dismount side=m1/A")
        .expect("accepted");
    assert_eq!(played.word(not_his), "AccessDenied");
    for line in ["dismount drive=1", "inventory"] {
        let refused = played.ask_as(&strange, line).expect_err(line);
        assert_eq!(refused.kind, ErrorKind::AccessDenied, "{line}");
    }
    let waiting = played.ask_as(&owner, "mount side=m1/B").expect("accepted");
    for ask in [
        Ask::RemoveWork { no: waiting },
        Ask::OrderWork {
            no: waiting,
            place: 1,
        },
    ] {
        let refused = played.world.ask(&strange, ask).expect_err("not his");
        assert_eq!(refused.kind, ErrorKind::AccessDenied);
    }
    played.world.set(played.pool, SetAccess::Mode(0o700));
    let refused = played
        .ask_as(&strange, "mount side=m1/A")
        .expect_err("no USE on the pool");
    assert_eq!(refused.kind, ErrorKind::AccessDenied);
    let (no, set) = (played.library, SetLibrary::Access(SetAccess::Mode(0o700)));
    played.world.done(Ask::SetLibrary { no, set });
    let refused = played
        .ask_as(&strange, "inventory none")
        .expect_err("no USE on the library");
    assert_eq!(refused.kind, ErrorKind::AccessDenied);
}

#[test]
fn a_deferred_dismount_frees_the_drive_and_keeps_the_medium_near() {
    let mut played = Played::new(2, 1);
    played.ask("mount side=m1/A");
    played.play();
    let waits = played.ask("mount side=m1/A");
    assert_eq!(played.word(waits), "waiting");
    let left = played.ask("dismount side=m1/A deferred");
    assert_eq!(played.word(left), "in-process");
    played.play();
    assert_eq!(played.word(left), "ok");
    assert_eq!(played.word(waits), "/drive-1");
    played.ask("dismount side=m1/A deferred");
    played.play();
    assert_eq!(played.drive(1), (DriveState::Dismountable, "m1".to_owned()));
    let other = played.ask("mount side=m2/A error-if-unavailable");
    assert_eq!(played.word(other), "waiting");
    assert_eq!(played.drive(1), (DriveState::Unloaded, "m1".to_owned()));
    played.play();
    assert_eq!(played.word(other), "/drive-1");
    assert_eq!(played.medium("m1"), MediumState::Idle);
    played.ask("dismount side=m2/A deferred");
    played.play();
    let flip = played.ask("mount side=m2/B");
    played.play();
    assert_eq!(played.word(flip), "/drive-1");
    assert_eq!(played.world.side("m2", "B").mounts, 1);
}

/// One virtual drive with m1 in it, which was given back deferred.
fn deferred() -> (Played, ObjectNo) {
    let mut played = Played::new(2, 1);
    let drive = queue::drives(played.world.db(), played.library).expect("drives")[0].no;
    defer(&mut played);
    (played, drive)
}

fn defer(played: &mut Played) {
    for line in ["mount side=m1/A", "dismount side=m1/A deferred"] {
        played.ask(line);
        played.play();
    }
    assert_eq!(played.drive(1).0, DriveState::Dismountable);
}

fn goes_home(played: &mut Played) -> bool {
    played.world.due();
    played.drive(1).0 == DriveState::Unloaded
}

/// What nobody has goes home when its time is over, also if that was while the catalog was not open.
#[test]
fn a_medium_that_nobody_takes_again_goes_home() {
    let (mut played, _) = deferred();
    advance(299_000);
    assert!(!goes_home(&mut played), "five minutes are not over");
    played.world.restart();
    advance(1_000);
    assert!(goes_home(&mut played));
    played.play();
    assert_eq!(played.medium("m1"), MediumState::Idle);
    defer(&mut played);
    played.world.restart_after(400_000);
    assert!(goes_home(&mut played), "also while nobody looked");
    played.world.sound();
}

#[test]
fn how_long_it_stays_can_be_set() {
    let (mut played, no) = deferred();
    let delay = |played: &mut Played, limit: Limit| {
        let set = SetElement::DeferDelay(limit);
        played.world.done(Ask::SetElement { no, set });
    };
    advance(100_000);
    delay(&mut played, Limit::Ms(600_000));
    advance(300_000);
    assert!(!goes_home(&mut played), "it has more time");
    delay(&mut played, Limit::Never);
    advance(100 * 3_600_000);
    assert!(!goes_home(&mut played), "all the time in the world");
    delay(&mut played, Limit::Ms(1));
    assert!(goes_home(&mut played), "at once");
    played.play();
    let set = SetElement::DeferDelay(Limit::Ms(5));
    let refused = played.world.ask(&user(7), Ask::SetElement { no, set });
    assert_eq!(
        refused.expect_err("no MODIFY").kind,
        ErrorKind::AccessDenied
    );
    played.world.sound();
    let mut alone = Played::with(&format!("standalone /dev/mo0 type={MO}"));
    let no = queue::drives(alone.world.db(), alone.library).expect("drives")[0].no;
    let set = SetElement::DeferDelay(Limit::Never);
    let refused = alone.world.ask(&root(), Ask::SetElement { no, set });
    assert_eq!(refused.expect_err("no robot").kind, ErrorKind::NotSupported);
}

#[test]
fn time_cancelling_and_a_restart() {
    let mut played = Played::new(2, 1);
    played.ask("mount side=m1/A");
    played.play();
    let late = played.ask("mount side=m2/A timeout=1h");
    let cancelled = played.ask("mount side=m2/A");
    let stays = played.ask("mount side=m2/A timeout=3h");
    played.world.done(Ask::RemoveWork { no: cancelled });
    assert_eq!(queue::work(played.world.db(), cancelled), Ok(None));
    advance(2 * 3_600_000);
    assert_eq!(played.world.due(), 1);
    assert_eq!(played.word(late), "Timeout");
    played.ask("dismount side=m1/A");
    let refused = played.world.ask(
        &root(),
        Ask::RemoveWork {
            no: played.going()[0],
        },
    );
    assert_eq!(
        refused.expect_err("under way").kind,
        ErrorKind::AccessDenied
    );
    played.world.restart();
    assert_eq!(
        (played.going().len(), played.word(stays)),
        (1, "waiting".to_owned())
    );
    played.play();
    assert_eq!(played.word(stays), "/drive-1");
    played.world.sound();
    advance(80 * 3_600_000);
    played.world.done(Ask::Sweep);
    assert_eq!(queue::work(played.world.db(), stays), Ok(None));
    assert_eq!(played.drive(1), (DriveState::Loaded, "m2".to_owned()));
    played.world.sound();
}

#[test]
fn what_fails_is_put_back_or_needs_a_person() {
    let mut played = Played::new(1, 1);
    played.set(SetLibrary::AutoRecovery(false));
    let kinds = [
        ErrorKind::UnexpectedOmid,
        ErrorKind::UnableToLoad,
        ErrorKind::MediumNotAccessible,
    ];
    for kind in kinds {
        let no = played.ask("mount side=m1/A");
        played.finish(no, Err(kind.because("scripted")), Some(false));
        assert_eq!(played.word(no), format!("{kind:?}"));
        assert_eq!(
            (played.drive(1).0, played.medium("m1")),
            (DriveState::Dismounted, MediumState::Idle)
        );
    }
    let no = played.ask("mount side=m1/A");
    played.finish(
        no,
        Err(ErrorKind::UnableToLoad.because("jammed")),
        Some(true),
    );
    assert_eq!(
        (played.state(), played.drive(1).0),
        ("needs-service", DriveState::Dismountable)
    );
    let refused = played.ask("mount side=m1/A");
    assert_eq!(played.word(refused), "LibraryOffline");
    let look = played.ask("inventory");
    played.world.done(Ask::Inventoried {
        work: look,
        found: Ok(Vec::new()),
    });
    assert_eq!(
        (played.state(), played.word(look)),
        ("ready", "ok".to_owned())
    );
    assert!(
        played.world.medium("m1").library.is_some(),
        "what is in a drive is not missing"
    );
    let again = played.ask("mount side=m1/A");
    played.play();
    assert_eq!(played.word(again), "/drive-1");
    assert_eq!(played.world.side("m1", "A").mounts, 1);
}

#[test]
fn an_offline_medium_is_asked_for() {
    let mut played = Played::new(0, 1);
    for name in ["m1", "m2", "m3"] {
        played.world.import(played.pool, name);
    }
    let (first, second, third) = (
        played.ask("mount side=m1/A"),
        played.ask("mount side=m2/A"),
        played.ask("mount side=m3/A timeout=1h"),
    );
    assert_eq!(played.medium("m1"), MediumState::OperatorRequest);
    let (yes, no, late) = (
        played.operator(first),
        played.operator(second),
        played.operator(third),
    );
    played
        .world
        .answer(&root(), yes, OperatorState::Complete)
        .expect("an answer");
    played
        .world
        .answer(&root(), no, OperatorState::Refused)
        .expect("an answer");
    played.play();
    assert_eq!(played.word(first), "/drive-1");
    assert!(played.world.medium("m1").slot.is_some());
    assert_eq!(played.word(second), "RequestRefused");
    advance(2 * 3_600_000);
    played.world.due();
    assert_eq!(played.word(third), "Timeout");
    assert_eq!(played.world.operator(late), None);
    played.world.sound();
}

#[test]
fn a_person_can_be_the_robot() {
    let mut played = Played::with(&format!("manual type={MO} slots=5 device=/dev/mo0"));
    for line in ["m1 slot=box/1", "m2 slot=box/2"] {
        played.world.import(played.pool, line);
    }
    let first = played.ask("mount side=m1/A");
    let second = played.ask("mount side=m2/A");
    let asked = played.operator(first);
    assert!(played.work(second).operator.is_none(), "there is one drive");
    let message = played.world.operator(asked).expect("a request").message;
    assert!(
        message.contains("\"m1\"") && message.contains("/dev/mo0"),
        "{message}"
    );
    played
        .world
        .answer(&root(), asked, OperatorState::Complete)
        .expect("an answer");
    assert_eq!(played.word(first), "/dev/mo0");
    let left = played.ask("dismount side=m1/A");
    assert_eq!(
        (played.word(left), played.medium("m1")),
        ("ok".to_owned(), MediumState::Idle)
    );
    let asked = played.operator(second);
    played.world.done(Ask::RemoveWork { no: second });
    assert_eq!(played.world.operator(asked), None);
    played.world.sound();
}

#[test]
fn a_drive_alone_keeps_what_is_in_it() {
    let mut played = Played::with(&format!("standalone /dev/mo0 type={MO}"));
    for name in ["m1", "m2"] {
        played.world.import(played.pool, name);
    }
    let first = played.ask("mount side=m1/A");
    let asked = played.operator(first);
    played
        .world
        .answer(&root(), asked, OperatorState::Complete)
        .expect("an answer");
    assert_eq!(played.word(first), "/dev/mo0");
    assert!(played.world.medium("m1").is_online());
    played.ask("dismount side=m1/A");
    assert_eq!(played.drive(1), (DriveState::Dismountable, "m1".to_owned()));
    let again = played.ask("mount side=m1/A");
    assert_eq!(played.word(again), "/dev/mo0");
    let offline = played.ask("mount side=m2/A error-if-offline");
    assert_eq!(played.word(offline), "MediaOffline");
    let other = played.ask("mount side=m2/A");
    played.ask("dismount side=m1/A");
    let asked = played.operator(other);
    let message = played.world.operator(asked).expect("a request").message;
    assert!(message.contains("take out medium \"m1\""), "{message}");
    played
        .world
        .answer(&root(), asked, OperatorState::Complete)
        .expect("an answer");
    assert_eq!(played.drive(1), (DriveState::Loaded, "m2".to_owned()));
    assert!(!played.world.medium("m1").is_online());
    played.world.sound();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// One drive, many requests with priorities, some of them put elsewhere: served in the order of a sorted list.
    #[test]
    fn the_queue_is_a_sorted_list(
        priorities in prop::collection::vec(-15..=15_i64, 2..9),
        moves in prop::collection::vec((0..8_usize, 1..9_usize), 0..6),
    ) {
        let mut played = Played::new(9, 1);
        played.ask("mount side=m9/A");
        played.play();
        // The model: for each priority a list, the highest first.
        let mut model: Vec<(i64, ObjectNo)> = Vec::new();
        for (n, priority) in (1..).zip(&priorities) {
            let no = played.ask(&format!("mount side=m{n}/A priority={priority}"));
            let at = model.iter().position(|(other, _)| other < priority).unwrap_or(model.len());
            model.insert(at, (*priority, no));
        }
        for (which, place) in moves {
            let (priority, no) = model[which % model.len()];
            let wanted = u32::try_from(place).expect("small");
            played.world.done(Ask::OrderWork { no, place: wanted });
            model.retain(|(_, other)| *other != no);
            let first = model.iter().take_while(|(other, _)| *other > priority).count();
            let rivals = model.iter().filter(|(other, _)| *other == priority).count();
            model.insert(first + rivals.min(place - 1), (priority, no));
            let shown = queue::place(played.world.db(), &played.work(no)).expect("a place");
            prop_assert_eq!(shown, rivals.min(place - 1) + 1);
        }
        for (_, no) in model {
            played.ask("dismount drive=1");
            played.play();
            prop_assert_eq!(played.word(no), "/drive-1");
        }
        played.world.sound();
    }
}
