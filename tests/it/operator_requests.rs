//! Requests to people: what may be asked by whom, every transition of their life-cycle, what answers do, how they are
//! forgotten, and `ask`, `settings/` and `status` as a user sees them.

use crate::harness::world::{World, advance, root, user, word};
use crate::harness::{SHELLS, Shell, Tree, User, reader, same, until};
use ntmsfs::domain::access::Caller;
use ntmsfs::domain::ask::{Ask, Named, Reply, SetAccess, SetLibrary};
use ntmsfs::domain::error::{ErrorKind as K, Result};
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::operator_request::OperatorRequest;
use ntmsfs::domain::setting::Setting;
use ntmsfs::domain::state::{OperatorCommand, OperatorState as O};
use ntmsfs::domain::time::Limit;
use ntmsfs::manager::{list, read};
use std::fs;

/// Owner of the pools, owner of the library, whoever sends a message, and somebody else.
const POOLS: u32 = 7;
const DEVICES: u32 = 8;
const SENDER: u32 = 9;
const OTHER: u32 = 10;

/// A library of uid 8 with a medium in slot 1 and one on the shelf, both in `Group/Daily` of uid 7.
fn world() -> World {
    let mut world = World::new();
    let library = world.library("lto", "LTO-8", 4);
    world.done(Ask::SetLibrary {
        no: library,
        set: SetLibrary::Access(SetAccess::Mode(0o750)),
    });
    world.done(Ask::SetLibrary {
        no: library,
        set: SetLibrary::Access(SetAccess::Owner {
            uid: Some(DEVICES),
            gid: None,
        }),
    });
    let group = world.pool(CATALOG, "Group", "");
    let pool = world.pool(group, "Daily", "LTO-8");
    world.import(pool, "inside slot=lto/1");
    world.import(pool, "shelf");
    for no in [group, pool] {
        world.set(no, SetAccess::Control(0o660));
        world.set(
            no,
            SetAccess::Owner {
                uid: Some(POOLS),
                gid: None,
            },
        );
    }
    world
}

fn pool(world: &World) -> ObjectNo {
    let group = read::pool_named(world.db(), CATALOG, "Group")
        .unwrap()
        .unwrap();
    read::pool_named(world.db(), group.no, "Daily")
        .unwrap()
        .unwrap()
        .no
}

fn ask(world: &mut World, caller: &Caller, line: &str) -> Result<ObjectNo> {
    let request = Box::new(OperatorRequest::parse(line).expect(line));
    match world.ask(caller, Ask::AskOperator { request })? {
        Reply::Created(no) => Ok(no),
        other @ (Reply::Done
        | Reply::Allocated { .. }
        | Reply::Failed { .. }
        | Reply::Waiting { .. }) => panic!("{other:?}"),
    }
}

fn state(world: &World, no: ObjectNo) -> Option<O> {
    world.operator(no).map(|operator| operator.state)
}

/// How many events there are: a refusal adds none.
fn head(world: &World) -> i64 {
    list::head(world.db()).unwrap().expect("a log").seq
}

/// Note 20: media need CONTROL of the pool, devices that of the library, a message nothing.
#[test]
fn each_kind_needs_its_right() {
    let mut world = world();
    for (line, may) in [
        ("message hello", &[0, POOLS, DEVICES, SENDER, OTHER][..]),
        ("new-media pool=Group/Daily", &[0, POOLS]),
        ("new-media pool=Group/Daily library=lto", &[0, POOLS]),
        ("move-media medium=inside", &[0, POOLS]),
        ("move-media medium=shelf library=lto", &[0, POOLS]),
        ("cleaner library=lto", &[0, DEVICES]),
        ("cleaner library=lto slot=2", &[0, DEVICES]),
        ("device-service library=lto", &[0, DEVICES]),
        ("device-service library=lto drive=1", &[0, DEVICES]),
        ("device-service medium=inside", &[0, DEVICES]),
        ("device-service medium=shelf", &[0, POOLS]),
    ] {
        for uid in [0, POOLS, DEVICES, SENDER, OTHER] {
            let before = head(&world);
            let found = ask(&mut world, &user(uid), line);
            if may.contains(&uid) {
                assert!(found.is_ok(), "{line} by {uid}: {found:?}");
            } else {
                same((line, uid), found.unwrap_err().kind, K::AccessDenied);
                same((line, uid), head(&world), before);
            }
        }
    }
    world.sound();
}

#[test]
fn what_is_asked_is_kept_with_what_it_concerns() {
    let mut world = world();
    let find = |world: &World, name| read::library_named(world.db(), name).unwrap().unwrap().no;
    let library = find(&world, "lto");
    let (daily, inside) = (pool(&world), world.medium("inside").no);
    let id = world.medium("inside").id;
    let path_id = read::pool(world.db(), daily).unwrap().unwrap().id;
    for (line, command, message, concerned) in [
        (
            "message Please bring coffee".to_owned(),
            OperatorCommand::Message,
            "Please bring coffee",
            [None; 3],
        ),
        (
            format!("new-media pool={path_id} library=lto"),
            OperatorCommand::NewMedia,
            "bring LTO-8 media for pool Group/Daily to library lto",
            [Some(daily), Some(library), None],
        ),
        (
            "cleaner library=lto slot=3".to_owned(),
            OperatorCommand::Cleaner,
            "bring a cleaner to slot 3 of library lto",
            [None, Some(library), None],
        ),
        (
            "device-service library=lto drive=1".to_owned(),
            OperatorCommand::DeviceService,
            "look after drive 1 of library lto",
            [None, Some(library), None],
        ),
        (
            format!("move-media medium={id} library=lto"),
            OperatorCommand::MoveMedia,
            "move medium inside to library lto",
            [None, Some(library), Some(inside)],
        ),
        (
            "move-media medium=inside to the vault".to_owned(),
            OperatorCommand::MoveMedia,
            "to the vault",
            [None, None, Some(inside)],
        ),
    ] {
        let no = ask(&mut world, &root(), &line).expect(&line);
        let found = world.operator(no).expect("a request");
        same(&line, found.command, command);
        same(&line, found.message.as_str(), message);
        same(&line, [found.pool, found.library, found.medium], concerned);
        same(&line, found.state, O::Submitted);
    }
}

#[test]
fn what_does_not_exist_is_named() {
    let mut world = world();
    world.set(pool(&world), SetAccess::Control(0));
    for (line, kind, said) in [
        (
            "new-media pool=Nothing",
            K::ObjectNotFound,
            "no pool \"Nothing\"",
        ),
        (
            "new-media pool=Group/Nothing",
            K::ObjectNotFound,
            "no pool \"Group/Nothing\"",
        ),
        (
            "new-media pool=Group",
            K::InvalidMediaPool,
            "pool \"Group\" holds no media",
        ),
        ("cleaner library=x", K::ObjectNotFound, "no library \"x\""),
        ("move-media medium=x", K::ObjectNotFound, "no medium \"x\""),
        (
            "device-service library=lto drive=9",
            K::ResourceNotPresent,
            "\"lto\" has no drive 9",
        ),
        (
            "cleaner library=lto slot=5",
            K::ResourceNotPresent,
            "has no slot 5",
        ),
    ] {
        let refusal = ask(&mut world, &root(), line).unwrap_err();
        same(line, refusal.kind, kind);
        assert!(refusal.sentence.contains(said), "{line}: {refusal}");
    }
    // Whoever may not look into a pool is not told what is below it.
    let group = read::pool_named(world.db(), CATALOG, "Group")
        .unwrap()
        .unwrap()
        .no;
    world.set(group, SetAccess::Mode(0o700));
    for line in ["new-media pool=Group/Daily", "new-media pool=Group/Nothing"] {
        let refusal = ask(&mut world, &user(OTHER), line).unwrap_err();
        assert!(matches!(refusal.kind, K::AccessDenied | K::ObjectNotFound));
        if line.ends_with("Daily") {
            same(line, refusal.kind, K::AccessDenied);
        }
    }
}

/// Brings a request into a state, the shortest way.
fn lead(world: &mut World, no: ObjectNo, to: O) {
    if to != O::Submitted {
        world.done(Ask::AnswerOperator { no, state: to });
    }
    same("led", state(world, no), Some(to));
}

/// Reference section 4.6, every cell: from each state to each other. What is allowed happens, what is not is refused
/// with its code and changes nothing.
#[test]
fn a_request_only_goes_forward() {
    let mut world = world();
    // To: submitted, active, in-progress, refused, complete.
    for (from, cells) in [
        (O::Submitted, [false, true, true, true, true]),
        (O::Active, [false, false, true, true, true]),
        (O::InProgress, [false, false, false, true, true]),
        (O::Refused, [false; 5]),
        (O::Complete, [false; 5]),
    ] {
        for (&to, allowed) in O::ALL.iter().zip(cells) {
            let no = ask(&mut world, &root(), "message x").unwrap();
            lead(&mut world, no, from);
            let before = head(&world);
            let reply = world.answer(&root(), no, to);
            if allowed {
                same((from, to), reply, Ok(Reply::Done));
                same((from, to), state(&world, no), Some(to));
            } else {
                same((from, to), reply.unwrap_err().kind, K::InvalidState);
                same((from, to), state(&world, no), Some(from));
                same((from, to), head(&world), before);
            }
        }
    }
    world.sound();
}

/// In the log every step is one of the published ones: who says in-progress at once was shown it first.
#[test]
fn the_log_has_only_published_steps() {
    let mut world = world();
    let no = ask(&mut world, &root(), "message x").unwrap();
    world.done(Ask::AnswerOperator {
        no,
        state: O::InProgress,
    });
    let steps: Vec<String> = world
        .events
        .iter()
        .map(|event| format!("{event:?}"))
        .collect();
    assert!(
        steps.len() == 2 && steps[0].contains("Active") && steps[1].contains("InProgress"),
        "{steps:?}"
    );
}

/// Section 4.6: an answered request can be forgotten, an open one cannot; then it is not there any more.
#[test]
fn only_an_answered_request_is_forgotten() {
    let mut world = world();
    for (from, forgotten) in [
        (O::Submitted, false),
        (O::Active, false),
        (O::InProgress, false),
        (O::Refused, true),
        (O::Complete, true),
    ] {
        let no = ask(&mut world, &root(), "message x").unwrap();
        lead(&mut world, no, from);
        let reply = world.ask(&root(), Ask::RemoveOperator { no });
        if forgotten {
            same(from, reply, Ok(Reply::Done));
            for reply in [
                world.answer(&root(), no, O::Complete),
                world.ask(&root(), Ask::RemoveOperator { no }),
            ] {
                same(from, reply.unwrap_err().kind, K::ObjectNotFound);
            }
        } else {
            same(from, reply.unwrap_err().kind, K::InvalidState);
            same(from, state(&world, no), Some(from));
        }
    }
    world.sound();
}

/// Who answers: CONTROL of what is concerned, root, and for a refusal whoever sent it.
#[test]
fn answers_need_control_and_the_sender_may_cancel() {
    for (line, sender, may) in [
        ("message x", SENDER, &[0][..]),
        ("new-media pool=Group/Daily", POOLS, &[0, POOLS]),
        (
            "new-media pool=Group/Daily library=lto",
            0,
            &[0, POOLS, DEVICES],
        ),
        ("move-media medium=shelf", 0, &[0, POOLS]),
        (
            "move-media medium=inside library=lto",
            0,
            &[0, POOLS, DEVICES],
        ),
        ("cleaner library=lto", DEVICES, &[0, DEVICES]),
        ("device-service library=lto drive=1", DEVICES, &[0, DEVICES]),
    ] {
        let mut world = world();
        for uid in [0, POOLS, DEVICES, SENDER, OTHER] {
            for to in [O::Active, O::InProgress, O::Complete, O::Refused] {
                let no = ask(&mut world, &user(sender), line).expect(line);
                let allowed = may.contains(&uid) || uid == sender && to == O::Refused;
                let reply = world.answer(&user(uid), no, to);
                let kind = reply.err().map(|refusal| refusal.kind);
                same((line, uid, to), kind, (!allowed).then_some(K::AccessDenied));
                if allowed && matches!(to, O::Complete | O::Refused) {
                    let stranger = world.ask(&user(OTHER), Ask::RemoveOperator { no });
                    same((line, uid), stranger.unwrap_err().kind, K::AccessDenied);
                    same(
                        line,
                        world.ask(&user(sender), Ask::RemoveOperator { no }),
                        Ok(Reply::Done),
                    );
                }
            }
        }
    }
}

/// Effects on who waits (section 4.6): refused ends an allocation with `ERROR_CANCELLED`, complete searches again.
#[test]
fn an_answer_ends_or_repeats_the_search() {
    for (to, media, gave) in [
        (O::Refused, false, "Cancelled"),
        (O::Active, false, "waits"),
        (O::InProgress, false, "waits"),
        (O::Complete, false, "asks again"),
        // A medium on a shelf does not satisfy: the answer alone brings nothing.
        (O::Complete, true, "asks again"),
    ] {
        let mut world = World::new();
        let pool = world.pool(CATALOG, "Empty", "LTO-8");
        let request = world.wait(pool, "", Some("a"));
        let asked = world.request(request).unwrap().operator.unwrap();
        if media {
            // Brought, and not known to be there before the answer.
            world.import(pool, "tape");
        }
        let row = |world: &World| world.request(request).unwrap();
        world.answer(&root(), asked, to).ok();
        let found = match (row(&world).result.as_str(), row(&world).operator) {
            ("", Some(no)) if no == asked => "waits",
            ("", Some(_)) => "asks again",
            (result, _) if result.contains("ERROR_CANCELLED") => "Cancelled",
            _ => "allocated",
        };
        same((to, media), found, gave);
        world.sound();
    }
}

/// What a request concerns may go before it does; then it is root's alone.
#[test]
fn what_is_concerned_may_go_first() {
    let mut world = world();
    let moved = ask(&mut world, &root(), "move-media medium=shelf").unwrap();
    let no = world.medium("shelf").no;
    world.done(Ask::RemoveMedium { no });
    same("medium", world.operator(moved).unwrap().medium, None);
    let other = world.library("old", "LTO-8", 1);
    world.enable_library(other, false);
    let cleaner = ask(&mut world, &root(), "cleaner library=old slot=1").unwrap();
    world.done(Ask::RemoveLibrary { no: other });
    let found = world.operator(cleaner).unwrap();
    same("library", (found.library, found.element), (None, None));
    for no in [moved, cleaner] {
        let denied = world.answer(&user(POOLS), no, O::Complete);
        same(no, denied.unwrap_err().kind, K::AccessDenied);
        world.done(Ask::AnswerOperator {
            no,
            state: O::Complete,
        });
    }
    world.sound();
}

/// Section 2.3: purge time and flags.
#[test]
fn answered_requests_are_kept_as_the_settings_say() {
    const HOUR: i64 = 3_600_000;
    let hour = |hours: u32| Setting::OperatorPurgeTime(Limit::Ms(hours * 3_600_000));
    for (settings, after, left) in [
        (vec![], 71 * HOUR, [true, true, true]),
        (vec![], 72 * HOUR, [true, false, false]),
        (vec![hour(1)], HOUR, [true, false, false]),
        (
            vec![hour(1), Setting::OperatorKeepFailed(true)],
            HOUR,
            [true, true, false],
        ),
        (
            vec![hour(1), Setting::OperatorAutoPurge(false)],
            1000 * HOUR,
            [true, true, true],
        ),
        (
            vec![Setting::OperatorPurgeTime(Limit::Never)],
            1000 * HOUR,
            [true, true, true],
        ),
    ] {
        let mut world = World::new();
        for setting in settings.clone() {
            world.done(Ask::Set { setting });
        }
        let asked = [O::Active, O::Refused, O::Complete].map(|to| {
            let no = ask(&mut world, &root(), "message x").unwrap();
            lead(&mut world, no, to);
            no
        });
        advance(after);
        world.done(Ask::Sweep);
        let found = asked.map(|no| world.operator(no).is_some());
        same((settings, after), found, left);
        world.sound();
    }
}

#[test]
fn settings_are_roots() {
    let mut world = world();
    let before = head(&world);
    let refusal = world
        .ask(
            &user(POOLS),
            Ask::Set {
                setting: Setting::Attended(false),
            },
        )
        .unwrap_err();
    same("kind", refusal.kind, K::AccessDenied);
    same("events", head(&world), before);
}

/// Unattended: nobody is waited for. What waited before goes on.
#[test]
fn unattended_refuses_at_once() {
    let mut world = world();
    let empty = world.pool(CATALOG, "Empty", "LTO-3");
    let before = world.wait(empty, "", Some("before"));
    world.done(Ask::Set {
        setting: Setting::Attended(false),
    });
    for line in [
        "message x",
        "new-media pool=Group/Daily",
        "cleaner library=lto",
    ] {
        let refusal = ask(&mut world, &root(), line).unwrap_err();
        same(line, refusal.kind, K::RequestRefused);
        assert!(refusal.sentence.contains("nobody attends"), "{refusal}");
    }
    // A right that is missing is told first.
    same(
        "right",
        ask(&mut world, &user(OTHER), "cleaner library=lto")
            .unwrap_err()
            .kind,
        K::AccessDenied,
    );
    for (body, name) in [
        ("", None),
        ("timeout=1h", Some("a")),
        ("new", Some("b")),
        ("timeout=0", None),
    ] {
        let name: Option<Named> = name.map(|name| world.named(name));
        let request =
            Box::new(ntmsfs::domain::allocate_request::AllocateRequest::parse(body).unwrap());
        let reply = world.ask(
            &root(),
            Ask::Allocate {
                pool: empty,
                request,
                name,
            },
        );
        same(body, word(&world, &reply), "MediaUnavailable".to_owned());
        if body != "timeout=0" {
            assert!(
                format!("{reply:?}").contains("nobody attends this system"),
                "{reply:?}"
            );
        }
    }
    answered_in_vain(&mut world, before);
    world.sound();
}

/// An answer that brings nothing, and then there is nobody to ask again.
fn answered_in_vain(world: &mut World, before: ObjectNo) {
    let operator = world.request(before).unwrap().operator.unwrap();
    same("open", state(world, operator), Some(O::Submitted));
    // Its answer is in vain, and there is nobody to ask again.
    world.done(Ask::AnswerOperator {
        no: operator,
        state: O::Complete,
    });
    let result = world.request(before).unwrap().result;
    assert!(
        result.contains("ERROR_MEDIA_UNAVAILABLE") && result.contains("nobody attends"),
        "{result}"
    );
    world.done(Ask::Set {
        setting: Setting::Attended(true),
    });
    assert!(ask(world, &root(), "message x").is_ok());
}

const ALICE: User = User {
    uid: 4001,
    gid: 4100,
    groups: "",
};

#[test]
fn a_message_is_sent_and_answered_in_both_shells() {
    let tree = Tree::empty();
    for shell in SHELLS {
        let script =
            "exec 3<>ask; echo 'message \"Please bring coffee\"' >&3; read -r n <&3; echo $n
            cat operator/$n/command operator/$n/message operator/$n/state operator/$n/by
            ls operator/$n";
        let ran = tree.run_as(ALICE, shell, script);
        let lines: Vec<String> = ran.output().lines().map(str::to_owned).collect();
        let number = &lines[0];
        same(
            &ran,
            lines[1..].join(" ").as_str(),
            "message Please bring coffee submitted 4001 by command info.json message state submitted",
        );
        let waits = reader(tree.path(&format!("operator/{number}/result")));
        tree.write(&format!("operator/{number}/state"), "active");
        tree.write(&format!("operator/{number}/state"), "in-progress");
        tree.write(&format!("operator/{number}/state"), "complete");
        same(
            shell,
            waits.join().unwrap().unwrap(),
            "satisfied\n".to_owned(),
        );
        let ran = tree.run_as(ALICE, shell, &format!("rmdir operator/{number}"));
        same(shell, ran.output(), "");
    }
    assert!(tree.names("operator").is_empty());
}

/// A shell's `>` sends as well: the write is answered after the commit, and a refusal is its errno.
#[test]
fn a_request_can_be_sent_without_reading() {
    let tree = Tree::empty();
    let ran = tree.run_as(
        ALICE,
        Shell::Bash,
        "echo message one >ask && echo message two >ask && ls operator | wc -l",
    );
    same(&ran, ran.output(), "2\n");
    let script = "import os
fd = os.open('ask', os.O_WRONLY)
try: os.write(fd, b'message a\\nmessage b\\n')
except OSError as error: print(error.errno, len(os.listdir('operator')))
os.write(fd, b'mess'); os.write(fd, b'age c\\n'); print(len(os.listdir('operator')))";
    let ran = tree.run_as(ALICE, Shell::Python, script);
    same(&ran, ran.output(), "16 2\n3\n");
    let ran = tree.run_as(
        ALICE,
        Shell::Bash,
        "echo new-media pool=Nowhere >ask; cat last-error",
    );
    assert!(ran.stderr.contains("No such file"), "{ran:?}");
    same(
        &ran,
        ran.stdout.as_str(),
        "0x800710D8 ERROR_OBJECT_NOT_FOUND there is no pool \"Nowhere\"\n",
    );
    // What never gets its newline is never sent.
    let ran = tree.run_as(
        ALICE,
        Shell::Bash,
        "printf 'message half' >ask; ls operator | wc -l",
    );
    same(&ran, ran.output(), "3\n");
}

#[test]
fn a_refusal_is_read_on_the_same_descriptor() {
    let tree = Tree::stocked(1);
    for (line, errno, said) in [
        (
            "mesage x\n",
            libc::EINVAL,
            "0x80070057 ERROR_INVALID_PARAMETER \"mesage\": no such word; the nearest one is message\n",
        ),
        (
            "cleaner library=x\n",
            libc::ENOENT,
            "0x800710D8 ERROR_OBJECT_NOT_FOUND there is no library \"x\"\n",
        ),
        (
            "device-service library=lto drive=9\n",
            libc::ENODEV,
            "0x800710DC ERROR_RESOURCE_NOT_PRESENT library \"lto\" has no drive 9\n",
        ),
    ] {
        let asked = tree.ask("ask", line.as_bytes());
        same(
            line,
            (asked.refused, asked.text.as_str()),
            (Some(errno), said),
        );
    }
    let asked = tree.ask("ask", b"{\"command\":\"message\"}\n");
    assert!(
        asked.refused == Some(libc::EINVAL)
            && asked
                .text
                .starts_with("{\"error\":{\"code\":\"0x80070057\""),
        "{asked:?}"
    );
    let asked = tree.ask("ask", b"{\"command\":\"message\",\"text\":\"hi\"}");
    assert!(
        asked.refused.is_none() && asked.text.starts_with("{\"operator\":"),
        "{asked:?}"
    );
    let long = format!("message {}\n", "x".repeat(257));
    assert!(tree.ask("ask", long.as_bytes()).text.contains("257 bytes"));
}

#[test]
fn rights_and_links_of_requests() {
    let tree = Tree::stocked(1);
    let ran = tree.run_as(ALICE, Shell::Bash, "echo cleaner library=lto >ask; cat last-error; echo new-media pool=Backup >ask; cat last-error");
    let lines = ran.lines();
    assert!(
        lines.len() == 2
            && lines.iter().all(|line| line
                .starts_with("0x80070005 ERROR_ACCESS_DENIED uid 4001 lacks CONTROL on ")),
        "{ran:?}"
    );
    let number = |line: &str| tree.ask("ask", line.as_bytes()).text.trim_end().to_owned();
    let leads = |number: &str, names: &str| {
        let script = format!("cd operator/{number}; for l in {names}; do readlink $l; done");
        tree.run(Shell::Bash, &script).output().to_owned()
    };
    let n = number("device-service library=lto drive=1 it smokes\n");
    same(
        &n,
        leads(&n, "library device"),
        "../../libraries/lto\n../../libraries/lto/drives/1\n".to_owned(),
    );
    let n = number("new-media pool=Backup\n");
    same(&n, leads(&n, "pool"), "../../pools/Backup\n".to_owned());
    let n = number("move-media medium=lto-0001 library=mo\n");
    same(
        &n,
        leads(&n, "medium library"),
        "../../pools/Free/pools/LTO-8/media/lto-0001\n../../libraries/mo\n".to_owned(),
    );
    // Who sent a message may cancel it, and nobody else but root.
    let n = tree
        .run_as(
            ALICE,
            Shell::Bash,
            "exec 3<>ask; echo message x >&3; cat <&3",
        )
        .output()
        .trim_end()
        .to_owned();
    let stranger = User {
        uid: 4009,
        gid: 4009,
        groups: "",
    };
    let ran = tree.run_as(
        stranger,
        Shell::Bash,
        &format!("echo refused > operator/{n}/state"),
    );
    assert!(ran.stderr.contains("Permission denied"), "{ran:?}");
    let ran = tree.run_as(ALICE, Shell::Bash, &format!("echo complete > operator/{n}/state; rmdir operator/{n}; echo refused > operator/{n}/state; cat operator/{n}/result; rmdir operator/{n}"));
    assert!(
        ran.stderr.contains("Permission denied")
            && ran.stderr.contains("busy")
            && ran.stdout == "refused\n",
        "{ran:?}"
    );
}

#[test]
fn the_settings_are_files_of_root() {
    let tree = Tree::empty();
    for (name, value, shown) in [
        ("operator_purge_time", "2d", "48h"),
        ("operator_auto_purge", "0", "0"),
        ("operator_keep_failed", "1", "1"),
        ("attended", "0", "0"),
        ("hook_timeout", "5s", "5s"),
        ("hook_ages", "60s 2h", "1m 2h"),
        ("hook_ages", "", ""),
    ] {
        let path = format!("settings/{name}");
        tree.write(&path, value);
        same(name, tree.read(&path), format!("{shown}\n"));
        let ran = tree.run_as(ALICE, Shell::Bash, &format!("cat {path}; echo 1 > {path}"));
        assert!(
            ran.stdout == format!("{shown}\n") && ran.stderr.contains("Permission denied"),
            "{ran:?}"
        );
    }
    for (name, value) in [
        ("attended", "maybe"),
        ("hook_ages", "2h 1h"),
        ("hook_timeout", "2h"),
        ("operator_purge_time", "soon"),
    ] {
        let written = fs::write(tree.path(&format!("settings/{name}")), value);
        same(
            name,
            written.unwrap_err().raw_os_error(),
            Some(libc::EINVAL),
        );
    }
    tree.remount();
    same(
        "kept",
        tree.read("settings/operator_purge_time"),
        "48h\n".to_owned(),
    );
    let asked = tree.ask("ask", b"message x\n");
    same("unattended", asked.refused, Some(libc::ECANCELED));
    assert!(
        asked
            .text
            .starts_with("0x800710E0 ERROR_REQUEST_REFUSED nobody attends this system"),
        "{asked:?}"
    );
    tree.pool("Empty", "LTO-8");
    tree.write("pools/Empty/allocate_from_free", "0");
    let asked = tree.ask("pools/Empty/allocate", b"\n");
    assert!(
        asked
            .text
            .starts_with("0x800710D4 ERROR_MEDIA_UNAVAILABLE ")
            && asked.text.contains("nobody attends"),
        "{asked:?}"
    );
    assert!(tree.names("operator").is_empty());
}

#[test]
fn status_shows_what_is_pending() {
    let tree = Tree::empty();
    assert!(
        tree.read("status")
            .contains("open operator requests: none\n")
    );
    for n in 1..=21 {
        tree.ask("ask", format!("message request {n}\n").as_bytes());
    }
    let pending = |tree: &Tree| {
        let status = tree.read("status");
        let from = status
            .find("open operator requests:\n")
            .expect("the section");
        let (_, rest) = status.split_at(from);
        let section = rest.split("\n\n").next().unwrap_or_default();
        section
            .lines()
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let lines = pending(&tree);
    same("lines", lines.len(), 22);
    let heads: Vec<&str> = lines[0].split_whitespace().collect();
    same(
        "heads",
        heads,
        vec!["number", "command", "state", "submitted", "by", "message"],
    );
    assert!(
        lines[1].contains("  message  submitted  ") && lines[1].ends_with("  0  request 1"),
        "{lines:?}"
    );
    same("more", lines[21].as_str(), "\u{2026} and 1 more");
    let first = tree
        .names("operator")
        .into_iter()
        .min_by_key(|name| name.parse::<u64>().unwrap());
    tree.write(&format!("operator/{}/state", first.unwrap()), "complete");
    let lines = until("one less", || {
        (pending(&tree).len() == 21).then(|| pending(&tree))
    });
    assert!(
        lines[1].ends_with("request 2") && lines[20].ends_with("request 21"),
        "{lines:?}"
    );
}

/// No file shows an age, which would change while nothing happens; the times of the directory do, for find(1).
#[test]
fn age_is_seen_by_the_times() {
    let tree = Tree::empty();
    let n = tree.ask("ask", b"message x\n").text.trim_end().to_owned();
    let stat = format!("stat -c %Y operator/{n}; date -d \"$(cat operator/{n}/submitted)\" +%s");
    let ran = tree.run(Shell::Bash, &stat);
    let times = ran.lines();
    same(&ran, times[0], times[1]);
    let find = format!("find operator -mindepth 1 -maxdepth 1 -not -mmin +1 | grep -c {n}");
    same("young", tree.run(Shell::Bash, &find).output(), "1\n");
}
