//! Requests for several media: all are mounted together or none is, and two such requests never wait for each other.

use crate::harness::played::Played;
use crate::harness::world::{advance, root, user};
use ntmsfs::domain::ask::{Ask, SetAccess, SetLogical};
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::domain::id::ObjectNo;
use ntmsfs::domain::state::{DriveState, MediumState, OperatorState};
use ntmsfs::manager::queue;
use proptest::prelude::*;

fn states(played: &Played, drives: u32) -> Vec<DriveState> {
    (1..=drives).map(|n| played.drive(n).0).collect()
}

#[test]
fn several_are_mounted_together_and_answered_in_the_order_asked() {
    let mut played = Played::new(3, 3);
    let (one, two) = (played.lmid("m1"), played.lmid("m2"));
    let both = played.ask(&format!(
        "mount side=m3/A media={two} media={one} drive=1 drive=3 drive=2"
    ));
    assert_eq!(played.going().len(), 3, "one piece of work for each");
    assert_eq!(played.word(both), "in-process");
    let first = played.going()[1];
    played.finish(first, Ok(()), None);
    assert_eq!(played.word(both), "in-process");
    assert_eq!(played.drive(3).0, DriveState::Mounted, "nobody has it yet");
    let early = played.ask(&format!("dismount media={two}"));
    assert_eq!(played.word(early), "InvalidState");
    played.play();
    assert_eq!(played.lines(both), ["/drive-1", "/drive-3", "/drive-2"]);
    assert_eq!(states(&played, 3), [DriveState::Loaded; 3]);
    assert_eq!(played.world.side("m2", "A").mounts, 1);
    let back = played.ask(&format!("dismount media={one} side=m3/A deferred"));
    played.play();
    let released = ["ok released m1 from drive 2", "ok released m3 from drive 1"];
    assert_eq!(played.lines(back), released);
    // Two of them are still where they are, and the third is mounted.
    let again = played.ask("mount side=m3/A side=m1/A");
    played.play();
    assert_eq!(played.lines(again), ["/drive-1", "/drive-2"]);
    let kept = played.ask("mount side=m3/A side=m2/A");
    assert_eq!(played.word(kept), "waiting");
    played.world.sound();
}

#[test]
fn what_several_can_never_have_is_refused_whole() {
    let mut played = Played::new(3, 2);
    played.world.import(played.pool, "shelf");
    let logical = played
        .world
        .side("m3", "A")
        .logical
        .expect("a logical medium");
    let set = SetLogical::State("complete".to_owned());
    played.world.done(Ask::SetLogical { no: logical, set });
    let one = played.lmid("m1");
    for (line, expected) in [
        ("mount side=m1/A side=m9/A".to_owned(), "InvalidMedia"),
        (format!("mount media={one} side=m1/A"), "InvalidMedia"),
        ("mount side=m1/A side=m1/B".to_owned(), "InvalidMedia"),
        (
            "mount side=m1/A side=m2/A side=m3/A".to_owned(),
            "ResourceNotPresent",
        ),
        (
            "mount side=m1/A side=m2/A drive=1 drive=3".to_owned(),
            "InvalidDrive",
        ),
        ("mount side=m1/A side=m3/A write".to_owned(), "WriteProtect"),
        (
            "mount side=m1/A side=shelf/A error-if-offline".to_owned(),
            "MediaOffline",
        ),
        ("dismount side=m1/A side=m2/A".to_owned(), "InvalidState"),
    ] {
        let no = played.ask(&line);
        assert_eq!(played.word(no), expected, "{line}");
        assert!(played.parts(no).is_empty(), "{line}");
    }
    played.ask("mount side=m1/A");
    played.play();
    for (line, expected) in [
        ("mount side=m1/A side=m2/A error-if-unavailable", "Busy"),
        ("mount side=m2/A side=m3/A error-if-unavailable", "Busy"),
        ("dismount side=m1/A side=m2/A", "InvalidState"),
        ("dismount side=m1/A side=m1/B", "InvalidState"),
    ] {
        let no = played.ask(line);
        assert_eq!(played.word(no), expected, "{line}");
    }
    assert_eq!(
        states(&played, 2),
        [DriveState::Loaded, DriveState::Dismounted]
    );
    let by_hand = format!(
        "manual type={} slots=5 device=/dev/mo0",
        crate::harness::played::MO
    );
    let mut played = Played::with(&by_hand);
    for line in ["m1 slot=box/1", "m2 slot=box/2"] {
        played.world.import(played.pool, line);
    }
    let no = played.ask("mount side=m1/A side=m2/A");
    assert_eq!(played.word(no), "ResourceNotPresent");
    played.world.sound();
}

#[test]
fn a_medium_of_another_library_or_pool_refuses_all() {
    let mut played = Played::new(2, 2);
    played.world.library("other", crate::harness::played::MO, 4);
    played.world.import(played.pool, "far slot=other/1");
    let no = played.ask("mount side=m1/A side=far/A");
    assert_eq!(played.word(no), "DriveMediaMismatch");
    let closed = played.world.pool(
        ntmsfs::domain::id::CATALOG,
        "Closed",
        crate::harness::played::MO,
    );
    played.world.import(closed, "theirs slot=box/9");
    played.world.set(closed, SetAccess::Mode(0o700));
    let refused = played.ask_as(&user(8), "mount side=m1/A side=theirs/A");
    assert_eq!(refused.expect_err("no USE").kind, ErrorKind::AccessDenied);
}

#[test]
fn none_is_mounted_until_all_are_online() {
    let mut played = Played::new(1, 2);
    for name in ["s1", "s2"] {
        played.world.import(played.pool, name);
    }
    let all = played.ask("mount side=m1/A side=s1/A");
    assert!(played.going().is_empty());
    let single = played.ask("mount side=m1/A");
    played.play();
    assert_eq!(
        played.word(single),
        "/drive-1",
        "nobody waits for what is only asked for"
    );
    played.ask("dismount side=m1/A");
    played.play();
    let asked = played.operator(played.parts(all)[1]);
    played
        .world
        .answer(&root(), asked, OperatorState::Complete)
        .expect("an answer");
    played.play();
    assert_eq!(played.lines(all), ["/drive-1", "/drive-2"]);
    played.ask("dismount side=m1/A side=s1/A");
    played.play();
    for answer in [Some(OperatorState::Refused), None] {
        let late = played.ask("mount side=m1/A side=s2/A timeout=1h");
        let asked = played.operator(played.parts(late)[1]);
        match answer {
            Some(state) => drop(played.world.answer(&root(), asked, state)),
            None => advance(2 * 3_600_000),
        }
        played.world.due();
        let word = if answer.is_some() {
            "RequestRefused"
        } else {
            "Timeout"
        };
        assert_eq!(played.word(late), word);
        assert!(
            played
                .world
                .operator(asked)
                .is_none_or(|asked| !asked.state.is_open())
        );
        assert_eq!(played.medium("s2"), MediumState::Idle);
        played.world.sound();
    }
}

#[test]
fn nobody_attends_and_two_are_on_a_shelf() {
    let mut played = Played::new(1, 2);
    for name in ["s1", "s2"] {
        played.world.import(played.pool, name);
    }
    let setting = ntmsfs::domain::setting::Setting::Attended(false);
    played.world.done(Ask::Set { setting });
    let no = played.ask("mount side=s1/A side=s2/A");
    assert_eq!(played.word(no), "RequestRefused");
    assert!(
        played
            .parts(no)
            .iter()
            .all(|part| !played.work(*part).state.is_open())
    );
    played.world.sound();
}

/// Whichever fails, and whenever: the others are taken out again, and the result says which it was.
#[test]
fn one_that_fails_takes_the_others_out_again() {
    for (order, left) in [([0, 1], false), ([1, 0], false), ([0, 1], true)] {
        let mut played = Played::new(2, 2);
        let both = played.ask("mount side=m1/A side=m2/A");
        let parts = played.parts(both);
        let jammed = || Err(ErrorKind::UnableToLoad.because("scripted"));
        if order == [0, 1] {
            played.finish(parts[0], Ok(()), None);
            played.finish(parts[1], jammed(), Some(left));
        } else {
            played.finish(parts[1], jammed(), Some(left));
            assert_eq!(played.word(both), "in-process");
            played.finish(parts[0], Ok(()), None);
        }
        assert_eq!(played.drive(1).0, DriveState::Unloaded, "it goes home");
        assert_eq!(played.word(both), "in-process", "until all is as it was");
        played.world.restart();
        played.play();
        assert_eq!(played.word(both), "UnableToLoad");
        assert_eq!(played.drive(1).0, DriveState::Dismounted);
        assert_eq!(played.medium("m1"), MediumState::Idle);
        assert_eq!(played.world.side("m1", "A").mounts, 0, "nobody had it");
        let second = if left {
            DriveState::Dismountable
        } else {
            DriveState::Dismounted
        };
        assert_eq!(played.drive(2).0, second);
        played.world.sound();
    }
}

#[test]
fn a_part_is_not_ended_by_itself() {
    let mut played = Played::new(3, 2);
    let held = played.ask("mount side=m3/A");
    played.play();
    let both = played.ask("mount side=m1/A side=m2/A");
    let part = played.parts(both)[0];
    let refused = played.world.ask(&root(), Ask::RemoveWork { no: part });
    assert_eq!(refused.expect_err("a part").kind, ErrorKind::AccessDenied);
    assert_eq!(queue::place(played.world.db(), &played.work(part)), Ok(0));
    played.world.done(Ask::RemoveWork { no: both });
    assert_eq!(
        queue::work(played.world.db(), part),
        Ok(None),
        "it goes with its request"
    );
    played.ask("dismount side=m3/A");
    played.play();
    let both = played.ask("mount side=m1/A side=m2/A");
    let refused = played.world.ask(&root(), Ask::RemoveWork { no: both });
    assert_eq!(
        refused.expect_err("under way").kind,
        ErrorKind::AccessDenied
    );
    played.play();
    advance(80 * 3_600_000);
    played.world.done(Ask::Sweep);
    for no in played.parts(both).into_iter().chain([both, held]) {
        assert_eq!(queue::work(played.world.db(), no), Ok(None));
    }
    played.world.sound();
}

/// Who waits for two drives lets those of his own priority pass, but not those of a lower one.
#[test]
fn priority_decides_who_passes_whoever_waits_for_two_drives() {
    for (priority, passes) in [("", true), (" priority=1", false)] {
        let mut played = Played::new(4, 2);
        played.ask("mount side=m1/A");
        played.play();
        let both = played.ask(&format!("mount side=m2/A side=m3/A{priority}"));
        let single = played.ask("mount side=m4/A");
        played.play();
        let word = if passes { "/drive-2" } else { "waiting" };
        assert_eq!(
            (played.word(both), played.word(single)),
            ("waiting".to_owned(), word.to_owned())
        );
        played.ask("dismount side=m1/A");
        if passes {
            played.ask("dismount side=m4/A");
        }
        played.play();
        assert_eq!(played.lines(both).len(), 2);
        played.world.sound();
    }
}

/// A flip, a drive that is asked for, and a medium that nobody has in that drive: all are put right first.
#[test]
fn drives_are_made_ready_before_any_is_loaded() {
    let mut played = Played::new(4, 2);
    played.ask("mount side=m1/A drive=1");
    played.ask("mount side=m2/A drive=2");
    played.play();
    for line in ["dismount side=m1/A deferred", "dismount side=m2/A deferred"] {
        played.ask(line);
        played.play();
    }
    let crossed = played.ask("mount side=m1/A side=m2/B drive=2 drive=1");
    assert_eq!(states(&played, 2), [DriveState::Unloaded; 2]);
    let other = played.ask("mount side=m3/A");
    let home = played.going()[0];
    played.finish(home, Ok(()), None);
    assert_eq!(
        played.word(other),
        "waiting",
        "the drive is kept for whoever has it emptied"
    );
    played.play();
    assert_eq!(played.lines(crossed), ["/drive-2", "/drive-1"]);
    assert_eq!(played.drive(1), (DriveState::Loaded, "m2".to_owned()));
    played.world.sound();
}

fn any_request() -> impl Strategy<Value = (Vec<usize>, i64)> {
    (
        prop::sample::subsequence((1..=6).collect::<Vec<_>>(), 1..=3),
        -1..=1_i64,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Three drives, requests for one to three of six media, things that fail, restarts in between: a user has all of his
    /// media or none, and when everybody gives back what he has, everybody is served.
    #[test]
    fn everybody_is_served_all_or_nothing(
        requests in prop::collection::vec(any_request(), 1..8),
        choices in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 200),
    ) {
        let mut played = Played::new(6, 3);
        let mut open: Vec<ObjectNo> = Vec::new();
        for (media, priority) in &requests {
            let sides: Vec<String> = media.iter().map(|n| format!("side=m{n}/A")).collect();
            let line = format!("mount {} priority={priority}", sides.join(" "));
            open.push(played.ask(&line));
        }
        let mut choices = choices.into_iter();
        let mut mounted: Vec<ObjectNo> = Vec::new();
        while !open.is_empty() || !mounted.is_empty() {
            let Some((index, dice)) = choices.next() else { break };
            let going = played.going();
            if going.is_empty() {
                // Somebody gives back; if nobody has anything, everybody was served.
                prop_assert!(!mounted.is_empty(), "they wait for each other");
                let no = mounted.remove(index.index(mounted.len()));
                let body = played.work(no).body;
                let words = body.split(' ').filter(|word| word.starts_with("side="));
                let sides: Vec<&str> = words.collect();
                played.ask(&format!("dismount {}", sides.join(" ")));
            } else {
                let work = going[index.index(going.len())];
                let fails = dice == 0 && played.work(work).body.starts_with("mount");
                let outcome = if fails {
                    Err(ErrorKind::UnableToLoad.because("scripted"))
                } else {
                    Ok(())
                };
                played.finish(work, outcome, fails.then_some(false));
                if dice == 1 {
                    played.world.restart();
                }
            }
            open.retain(|no| {
                let work = played.work(*no);
                if work.state.is_open() {
                    return true;
                }
                if work.result.starts_with('/') {
                    mounted.push(*no);
                }
                false
            });
            let loaded = states(&played, 3).iter().filter(|s| **s == DriveState::Loaded).count();
            let owed: usize = mounted.iter().map(|no| played.lines(*no).len()).sum();
            prop_assert!(loaded == owed, "{loaded} media are in use, {owed} were promised");
        }
        prop_assert!(open.is_empty() && mounted.is_empty(), "{open:?} wait");
    }
}
