//! The rules of an allocation as tables: every return code, and the order of the checks.

use crate::harness::world::{World, kind_in, root, user, word};
use ntmsfs::domain::ask::{Ask, Named, Reply, SetAccess, SetPool};
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::state::OperatorState;
use ntmsfs::manager::{Manager, Options};
use std::sync::mpsc::channel;

pub(crate) const MO: &str = "MO-5.25";
const NOTHING: &str = "00000000-0000-7000-8000-000000000001";

/// A catalog with a medium in every situation, and the pool that is asked.
pub(crate) fn stock() -> (World, ObjectNo) {
    let mut world = World::new();
    world.library("box", MO, 10);
    let pool = world.pool(CATALOG, "Backup", MO);
    let other = world.pool(CATALOG, "Other", MO);
    let tape = world.pool(CATALOG, "Tape", "LTO-8");
    let leaf = |world: &World, name| world.leaf(name, MO);
    let (free, import, foreign) = (
        leaf(&world, "Free"),
        leaf(&world, "Import"),
        leaf(&world, "Unrecognized"),
    );
    for (pool, line) in [
        (pool, "good slot=box/1"),
        (pool, "off"),
        (pool, "disabled slot=box/2"),
        (tape, "tape"),
        (other, "other slot=box/3"),
        (free, "free slot=box/4"),
        (import, "import slot=box/5"),
        (foreign, "foreign slot=box/6"),
        (pool, "set slot=box/7"),
        (pool, "half slot=box/8"),
        (pool, "both slot=box/9"),
        (other, "away slot=box/10"),
    ] {
        world.import(pool, line);
    }
    world.enable("disabled", false);
    world.take(pool, "new side=set/A");
    world.take(pool, "side=half/A");
    world.take(pool, "side=both/A");
    world.take(pool, "side=both/B");
    world.take(other, "new side=away/A");
    (world, pool)
}

fn lmid(world: &World, medium: &str) -> String {
    world.lmid(medium, "A").expect("an LMID").to_string()
}

/// What a request of root's gives, on a copy of the stock each.
fn gives(prepare: impl Fn(&mut World, ObjectNo), body: &str) -> String {
    let (mut world, pool) = stock();
    prepare(&mut world, pool);
    let mut body = body.to_owned();
    for medium in ["set", "half", "both", "away"] {
        body = body.replace(&format!("<{medium}>"), &lmid(&world, medium));
    }
    let reply = world.submit(&root(), pool, &body, None);
    world.sound();
    word(&world, &reply)
}

pub(crate) fn from_free(world: &mut World, pool: ObjectNo) {
    world.set(pool, SetPool::AllocateFromFree(true));
}

fn nothing(_: &mut World, _: ObjectNo) {}

#[test]
fn a_named_side_or_the_reason_why_not() {
    for (body, expected) in [
        ("side=good/B", "good/B"),
        ("new side=good/B", "good/B"),
        (&format!("side={NOTHING}"), "InvalidMedia"),
        ("side=nothing/A", "InvalidMedia"),
        ("side=good/C", "InvalidMedia"),
        ("side=tape/A", "MediaIncompatible"),
        ("side=disabled/A", "ResourceDisabled"),
        ("side=off/A", "MediaOffline"),
        ("side=other/A", "MediaUnavailable"),
        ("side=foreign/A", "MediaUnavailable"),
        ("side=free/A", "MediaUnavailable"),
        ("side=set/A", "MediaUnavailable"),
        ("side=set/B", "MediaUnavailable"),
        ("side=half/A timeout=infinite", "MediaUnavailable"),
        ("side=half/B", "half/B"),
        ("new side=half/B", "MediaUnavailable"),
        ("side=import/B", "import/B"),
        ("new side=import/A", "InvalidParameter"),
    ] {
        assert_eq!(gives(nothing, body), expected, "{body}");
    }
    assert_eq!(gives(from_free, "side=free/B"), "free/B");
}

#[test]
fn next_takes_the_first_reserved_side_of_a_set() {
    for (body, expected) in [
        ("next media=<set>", "set/B"),
        ("next side=set/A", "set/B"),
        ("next side=set/B", "set/B"),
        ("next media=<set> side=set/B", "set/B"),
        ("next", "InvalidMedia"),
        (
            "next media=00000000-0000-0000-0000-000000000000",
            "InvalidMedia",
        ),
        (&format!("next media={NOTHING}"), "InvalidMedia"),
        (&format!("next side={NOTHING}"), "InvalidMedia"),
        ("next media=x", "InvalidMedia"),
        ("next side=x", "InvalidMedia"),
        ("next media=<set> side=half/A", "InvalidMedia"),
        (&format!("next media=<set> side={NOTHING}"), "InvalidMedia"),
        ("next media=<away>", "InvalidMedia"),
        ("next side=away/A", "InvalidMedia"),
        ("next media=<half>", "InvalidMedia"),
        ("next side=half/B", "InvalidMedia"),
        ("next media=<both>", "InvalidMedia"),
        ("next side=good/A", "InvalidMedia"),
    ] {
        assert_eq!(gives(nothing, body), expected, "{body}");
    }
    let taken = |world: &mut World, pool| {
        world.take(pool, "next side=set/A");
    };
    for body in ["next media=<set>", "next side=set/B timeout=infinite"] {
        assert_eq!(gives(taken, body), "MediaUnavailable", "{body}");
    }
    let disabled = |world: &mut World, pool| {
        taken(world, pool);
        world.enable("set", false);
    };
    assert_eq!(gives(disabled, "next media=<set>"), "ResourceDisabled");
}

#[test]
fn a_request_that_cannot_be_understood_is_refused_at_once() {
    let (mut world, pool) = stock();
    for body in [
        "partition=null",
        "side=null",
        "media=null",
        "new next",
        "options=8",
        "options=3",
        "bogus",
        "side=x",
        "media=x",
        "timeout=4294967296",
        "timeout=-2",
        "new new",
        "{\"side\":null}",
        "{\"what\":1}",
    ] {
        let refusal = world.submit(&root(), pool, body, Some("job")).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{body}");
    }
    let name = world.named("job");
    let body = "ne".to_owned();
    let reply = world.ask(
        &root(),
        Ask::Unfinished {
            pool,
            name: Named { body, ..name },
        },
    );
    assert_eq!(word(&world, &reply), "InvalidParameter");
    let refused = world.submit(&root(), pool, "", Some("job")).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::AlreadyExists);
}

#[test]
fn only_an_application_pool_that_holds_media_gives_any() {
    let (mut world, _) = stock();
    let group = world.pool(CATALOG, "Group", "");
    let root_of_free = ntmsfs::manager::read::pool_named(world.db(), CATALOG, "Free");
    let root_of_free = root_of_free.unwrap().unwrap().no;
    for pool in [
        group,
        root_of_free,
        world.leaf("Free", MO),
        world.leaf("Import", MO),
    ] {
        let refusal = world.submit(&root(), pool, "", None).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::InvalidMediaPool);
        let denied = world.set_as(&root(), pool, SetAccess::Control(0o600));
        assert_eq!(denied, Ok(Reply::Done));
        let refusal = world.submit(&user(7), pool, "", None).unwrap_err();
        assert_eq!(
            refusal.kind,
            ErrorKind::AccessDenied,
            "the right comes first"
        );
    }
    let refusal = world
        .submit(&root(), ObjectNo(99_999), "", None)
        .unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::ObjectNotFound);
}

/// Note 30: CONTROL of the pool, and USE of free or CONTROL of any other source.
#[test]
fn rights_on_both_pools() {
    let denied = "AccessDenied";
    for (pool_bits, free_mode, import_bits, body, expected) in [
        (0o660, 0o755, 0o660, "side=good/A", denied),
        (0o666, 0o700, 0o660, "side=good/A", "good/A"),
        (0o666, 0o700, 0o660, "side=free/A", denied),
        (0o666, 0o755, 0o660, "side=free/A", "free/A"),
        (0o666, 0o711, 0o660, "side=free/A", denied),
        (0o666, 0o755, 0o660, "side=import/A", denied),
        (0o666, 0o700, 0o666, "side=import/A", "import/A"),
    ] {
        let (mut world, pool) = stock();
        from_free(&mut world, pool);
        world.set(pool, SetAccess::Control(pool_bits));
        let (free, import) = (world.leaf("Free", MO), world.leaf("Import", MO));
        world.set(free, SetAccess::Mode(free_mode));
        world.set(import, SetAccess::Control(import_bits));
        let reply = world.submit(&user(7), pool, body, None);
        assert_eq!(
            word(&world, &reply),
            expected,
            "{pool_bits:o} {free_mode:o} {body}"
        );
        assert_eq!(
            reply.is_err(),
            pool_bits == 0o660,
            "what only the daemon sees is a result"
        );
        world.sound();
    }
}

/// What the search itself gives: nothing but `good` is available in the pool, and `free` in the free pool.
#[test]
fn the_search_and_what_it_gives_up_with() {
    let emptied = |world: &mut World, pool: ObjectNo| {
        world.take(pool, "side=good/A");
        world.take(pool, "side=good/B");
        world.take(pool, "side=half/B");
    };
    let drawing = |world: &mut World, pool: ObjectNo| {
        emptied(world, pool);
        from_free(world, pool);
    };
    let dry = |world: &mut World, pool: ObjectNo| {
        drawing(world, pool);
        world.take(pool, "new side=free/A");
    };
    let denied_free = |world: &mut World, pool: ObjectNo| {
        dry(world, pool);
        let free = world.leaf("Free", MO);
        world.set(free, SetAccess::Mode(0o700));
    };
    assert_eq!(gives(nothing, ""), "good/A");
    assert_eq!(
        gives(from_free, "new"),
        "good/A",
        "the pool comes before free"
    );
    for body in [
        "timeout=0",
        "error-if-unavailable",
        "error-if-unavailable timeout=90s",
        "new timeout=0",
    ] {
        assert_eq!(gives(emptied, body), "MediaUnavailable", "{body}");
        assert_eq!(gives(dry, body), "MediaUnavailable", "{body}");
    }
    for body in ["", "timeout=1", "new", "timeout=infinite"] {
        assert_eq!(gives(emptied, body), "waits", "{body}");
        assert_eq!(gives(dry, body), "waits", "{body}");
        assert_eq!(gives(drawing, body), "free/A", "{body}");
    }
    let (mut world, pool) = stock();
    denied_free(&mut world, pool);
    let reply = world.submit(&user(7), pool, "timeout=90s", None);
    assert_eq!(
        word(&world, &reply),
        "AccessDenied",
        "it does not wait for what it may not have"
    );
}

#[test]
fn without_a_free_pool_a_resource_between_is_missing() {
    let mut world = World::new();
    let pool = world.pool(CATALOG, "Disks", "RDX");
    let refused = world.submit(&root(), pool, "timeout=0", None);
    assert_eq!(word(&world, &refused), "MediaUnavailable");
    from_free(&mut world, pool);
    for body in ["", "timeout=0", "error-if-unavailable"] {
        let reply = world.submit(&root(), pool, body, None);
        assert_eq!(word(&world, &reply), "DeviceNotAvailable", "{body}");
    }
    world.import(pool, "disk");
    let reply = world.submit(&root(), pool, "timeout=0", None);
    assert_eq!(
        word(&world, &reply),
        "MediaUnavailable",
        "the type is in use now"
    );
}

/// What keeps a side from being taken is counted once, as `why` counts it, and what would help is named.
#[test]
fn a_shortage_is_counted_and_advised() {
    let mut world = World::new();
    world.library("vault", "LTO-8", 4);
    let pool = world.pool(CATALOG, "Tapes", "LTO-8");
    let says =
        |world: &mut World, expected: &str| match world.submit(&root(), pool, "timeout=0", None) {
            Ok(Reply::Failed { result }) => assert!(result.contains(expected), "{result}"),
            other => panic!("{other:?}"),
        };
    world.import(pool, "one slot=vault/1");
    world.take(pool, "side=one/A");
    world.enable("one", false);
    says(
        &mut world,
        "(0 available, 1 allocated of its sides); bring new media, deallocate, or",
    );
    world.import(pool, "two slot=vault/2");
    world.enable("two", false);
    says(
        &mut world,
        "(0 available, 1 disabled, 1 allocated of its sides); enable media or the library",
    );
    world.import(pool, "three");
    says(
        &mut world,
        "(0 available, 1 offline, 1 disabled, 1 allocated of its sides); put offline media into a library",
    );
}

type Prepare = fn(&mut World, ObjectNo);

/// What comes first, how it is prepared, the request, and the answer; each row breaks a later check too.
const ORDER: [(&str, Prepare, &str, &str); 8] = [
    (
        "type before disabled",
        |w, _| w.enable("tape", false),
        "side=tape/A",
        "MediaIncompatible",
    ),
    (
        "disabled before offline",
        |w, _| w.enable("off", false),
        "side=off/A",
        "ResourceDisabled",
    ),
    (
        "disabled before the pool",
        |w, _| w.enable("other", false),
        "side=other/A",
        "ResourceDisabled",
    ),
    (
        "disabled before the state",
        |w, _| w.enable("both", false),
        "side=both/A",
        "ResourceDisabled",
    ),
    (
        "the state before new",
        nothing,
        "new side=set/B",
        "MediaUnavailable",
    ),
    (
        "set before taken",
        nothing,
        "next media=<both>",
        "InvalidMedia",
    ),
    (
        "the pool before set",
        nothing,
        "next side=other/A",
        "InvalidMedia",
    ),
    (
        "unknown before the pool",
        nothing,
        "next media=x",
        "InvalidMedia",
    ),
];

/// The first check that applies is the answer.
#[test]
fn the_order_of_the_checks() {
    for (what, prepare, body, expected) in ORDER {
        assert_eq!(gives(prepare, body), expected, "{what}");
    }
    let (mut world, pool) = stock();
    let free = world.leaf("Free", MO);
    world.set(free, SetAccess::Mode(0o700));
    let reply = world.submit(&user(7), pool, "side=free/A", None);
    assert_eq!(
        word(&world, &reply),
        "MediaUnavailable",
        "the pool before the right on its source"
    );
}

#[test]
fn a_library_that_is_disabled_takes_its_media_along() {
    let (mut world, pool) = stock();
    let library = world.medium("good").library.unwrap();
    world.enable_library(library, false);
    let reply = world.submit(&root(), pool, "side=good/A", None);
    assert_eq!(word(&world, &reply), "ResourceDisabled");
    let reply = world.submit(&root(), pool, "timeout=0", None);
    assert_eq!(word(&world, &reply), "MediaUnavailable");
    world.enable_library(library, true);
    assert_eq!(world.take(pool, "").0, "good/A");
    world.sound();
}

#[test]
fn the_sentence_of_a_shortage_has_the_numbers() {
    let (mut world, pool) = stock();
    from_free(&mut world, pool);
    world.take(pool, "new side=free/A");
    world.take(pool, "new side=good/A");
    let Ok(Reply::Failed { result }) = world.submit(&root(), pool, "new timeout=0", None) else {
        panic!()
    };
    assert_eq!(kind_in(&result), ErrorKind::MediaUnavailable);
    for words in [
        "Backup",
        "1 available",
        "2 offline",
        "2 disabled",
        "Free/MO-5.25",
        "with all sides available",
    ] {
        assert!(result.contains(words), "{words}: {result}");
    }
    let body = "{\"options\":[\"new\"],\"timeout\":0}";
    let Ok(Reply::Failed { result }) = world.submit(&root(), pool, body, None) else {
        panic!()
    };
    let json: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert_eq!(json["error"]["name"], "ERROR_MEDIA_UNAVAILABLE");
    assert_eq!(json["error"]["counts"]["Backup"]["available-offline"], 2);
}

#[test]
fn a_manager_that_has_stopped_is_not_ready() {
    let (world, pool) = stock();
    let folder = crate::harness::world::folder();
    let copy = folder.path().join("catalog");
    std::fs::write(&copy, world.into_bytes()).unwrap();
    let manager =
        Manager::start(&copy, &Options::default(), Box::new(|_| ()), Box::new(drop)).unwrap();
    assert!(
        manager.reserve_number().is_ok(),
        "names can be taken from the start"
    );
    let ask = |manager: &Manager| {
        let (answers, answer) = channel();
        let request = Box::default();
        let ask = Ask::Allocate {
            pool,
            request,
            name: None,
        };
        let answered = move |reply| answers.send(reply).expect("somebody listens");
        manager.submit(root(), ask, Box::new(answered));
        answer.recv().expect("an answer")
    };
    assert!(matches!(ask(&manager), Ok(Reply::Allocated { .. })));
    let log = folder.path().join("catalog-wal");
    assert!(manager.admit(pool, &root()).is_ok() && log.exists());
    manager.stop();
    assert_eq!(ask(&manager).unwrap_err().kind, ErrorKind::NotReady);
    assert!(!log.exists(), "also while somebody still holds the manager");
    assert!(manager.admit(pool, &root()).is_ok(), "who is late can look");
}

#[test]
fn only_who_controls_the_pool_answers_for_the_operator() {
    let (mut world, _) = stock();
    let pool = world.pool(CATALOG, "Empty", MO);
    let request = world.wait(pool, "", Some("job"));
    let operator = world.request(request).unwrap().operator.unwrap();
    world.set(pool, SetAccess::Control(0o660));
    for state in [
        OperatorState::Complete,
        OperatorState::Refused,
        OperatorState::Active,
    ] {
        let refused = world.answer(&user(7), operator, state).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::AccessDenied);
    }
    let refused = world
        .ask(&user(7), Ask::RemoveRequest { no: request })
        .unwrap_err();
    assert_eq!(refused.kind, ErrorKind::AccessDenied, "of another uid");
}
