//! Requests to a person that nobody answers in time.

use crate::harness::world::{World, advance, root};
use crate::harness::{SHELLS, Tree};
use ntmsfs::domain::ask::{Ask, Reply};
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::domain::event::Event;
use ntmsfs::domain::id::ObjectNo;
use ntmsfs::domain::object::Operator;
use ntmsfs::domain::operator_request::OperatorRequest;
use ntmsfs::domain::setting::Setting;
use ntmsfs::domain::state::OperatorState as O;
use ntmsfs::domain::time::Limit;

const MINUTE: i64 = 60_000;

fn ask(world: &mut World, line: &str) -> ObjectNo {
    let request = Box::new(OperatorRequest::parse(line).expect(line));
    match world.ask(&root(), Ask::AskOperator { request }) {
        Ok(Reply::Created(no)) => no,
        other => panic!("{other:?}"),
    }
}

fn asked(world: &World, no: ObjectNo) -> Operator {
    world.operator(no).expect("the request")
}

#[test]
fn what_is_not_answered_in_time_is_refused() {
    let mut world = World::new();
    let timely = ask(&mut world, "message timeout=1h call me");
    let never = ask(&mut world, "message call me");
    advance(60 * MINUTE - 1);
    assert_eq!(world.due(), 0);
    assert_eq!(asked(&world, timely).state, O::Submitted);
    advance(1);
    assert_eq!(world.due(), 1);
    let expected = Event::OperatorTimedOut { no: timely };
    assert_eq!(
        world
            .events
            .iter()
            .map(|event| (**event).clone())
            .collect::<Vec<_>>(),
        [expected]
    );
    let over = asked(&world, timely);
    assert_eq!((over.state, over.timed_out), (O::Refused, true));
    assert_eq!(asked(&world, never).state, O::Submitted);
    for state in [O::Active, O::Complete, O::Refused] {
        let refusal = world.answer(&root(), timely, state).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::InvalidState);
        assert!(refusal.sentence.contains("has timed out"), "{refusal}");
    }
    world.sound();
    world.done(Ask::RemoveOperator { no: timely });
    assert_eq!(world.operator(timely), None);
    world.sound();
}

#[test]
fn an_answer_in_time_stays() {
    for state in [O::Complete, O::Refused] {
        let mut world = World::new();
        let no = ask(&mut world, "message timeout=1h call me");
        world
            .answer(&root(), no, O::InProgress)
            .expect("somebody works on it");
        world.answer(&root(), no, state).expect("an answer");
        advance(60 * MINUTE);
        assert_eq!(world.due(), 1);
        assert_eq!(world.events.len(), 0);
        let answered = asked(&world, no);
        assert_eq!((answered.state, answered.timed_out), (state, false));
        world.sound();
    }
}

/// Also one that somebody works on, and one that was forgotten meanwhile is nothing.
#[test]
fn whoever_works_on_it_is_late_as_well() {
    let mut world = World::new();
    let no = ask(&mut world, "message timeout=1h call me");
    let gone = ask(&mut world, "message timeout=1h call me, too");
    world
        .answer(&root(), no, O::InProgress)
        .expect("somebody works on it");
    world.answer(&root(), gone, O::Refused).expect("an answer");
    world.done(Ask::RemoveOperator { no: gone });
    advance(60 * MINUTE);
    assert_eq!(world.due(), 2);
    assert!(asked(&world, no).timed_out);
    world.sound();
}

/// The deadline is in the catalog, and time while it is closed counts.
#[test]
fn a_time_out_survives_restarts() {
    let mut world = World::new();
    let no = ask(&mut world, "message timeout=1h call me");
    world.restart_after(30 * MINUTE);
    assert_eq!(world.due(), 0);
    assert!(!asked(&world, no).timed_out);
    world.restart_after(30 * MINUTE);
    assert_eq!(world.due(), 1);
    assert!(asked(&world, no).timed_out);
    world.restart();
    assert_eq!(world.due(), 0, "it ends once");
    world.sound();
}

/// To the settings it is one that was refused.
#[test]
fn it_is_forgotten_as_a_refused_one() {
    for keeps in [false, true] {
        let mut world = World::new();
        let setting = Setting::OperatorPurgeTime(Limit::Ms(1000));
        world.done(Ask::Set { setting });
        let setting = Setting::OperatorKeepFailed(keeps);
        world.done(Ask::Set { setting });
        let no = ask(&mut world, "message timeout=1s call me");
        advance(1000);
        assert_eq!(world.due(), 1);
        advance(1000);
        world.done(Ask::Sweep);
        assert_eq!(world.operator(no).is_some(), keeps);
    }
}

#[test]
fn a_reader_is_told_that_it_has_timed_out() {
    let tree = Tree::empty();
    for shell in SHELLS {
        let ran = tree.run(
            shell,
            "exec 3<>ask; echo 'message timeout=300ms Please bring coffee' >&3; read -r n <&3
             cat operator/$n/result; cat operator/$n/state operator/$n/message; ls operator/$n | grep result
             echo complete > operator/$n/state 2>$T/noise || cut -d ' ' -f 2 last-error
             grep -o '\"result\": [^,}]*' operator/$n/info.json; rmdir operator/$n; ls operator",
        );
        let expected = "timed out\nrefused\nPlease bring coffee\nresult\nERROR_INVALID_STATE\n\"result\": \"timed out\"\n";
        assert_eq!(ran.output(), expected, "{shell:?}");
    }
}
