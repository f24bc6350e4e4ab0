//! The golden log of a released format: a log that holds every kind of event is replayed for ever.
//!
//! The script below makes such a log; it is run by a test, so that it cannot rot. `NTMSFS_GOLDEN=<file>` writes its log
//! there, for the next format. The file of a released format never changes.

#![expect(clippy::panic, reason = "the steps of the script are parts of a test")]

use crate::harness::world::{World, advance, lines, root, user};
use ntmsfs::domain::acl::{Acl, List};
use ntmsfs::domain::ask::{
    Ask, Found, Named, Reply, SetAccess, SetElement, SetLibrary, SetLogical, SetMedium, SetPool,
    SetType,
};
use ntmsfs::domain::attribute::{Holder, Way};
use ntmsfs::domain::change::Thing;
use ntmsfs::domain::driver::Label;
use ntmsfs::domain::event::Event;
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::label::MediaLabel;
use ntmsfs::domain::library_request::LibraryRequest;
use ntmsfs::domain::operator_request::OperatorRequest;
use ntmsfs::domain::setting::{Ages, Setting};
use ntmsfs::domain::state::{InventoryMethod, OperatorState, Selection, SideState};
use ntmsfs::domain::time::{Limit, Span};
use ntmsfs::manager::{log, queue, read};
use ntmsfs::store::{check, fact, failure};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

const MO: &str = "MO-5.25";

/// The log of format 1, and the SHA-256 of the file.
const GOLDEN_1: &str = include_str!("../data/golden-1.jsonl");
const SHA_1: &str = "1fbde55bbfb56420e9312d9a1002d1a19d0e1579d123e258c94ea81d79b1842c";

/// Names all variants; one that is missing here does not compile.
macro_rules! variants {
    ($($name:ident),+ $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];

        fn name(event: &Event) -> &'static str {
            match event {
                $(Event::$name { .. } => stringify!($name),)+
            }
        }
    };
}

variants!(
    Founded,
    NumbersReserved,
    TypeAdded,
    TypeChanged,
    TypeRemoved,
    PoolCreated,
    PoolChanged,
    PoolRemoved,
    LibraryCreated,
    LibraryChanged,
    LibraryBuilt,
    ElementChanged,
    LibraryRemoved,
    MediumCreated,
    MediumMoved,
    MediumChanged,
    MediumRemoved,
    SideChanged,
    RequestWaiting,
    MediaWanted,
    OperatorRequested,
    SideRested,
    OperatorSubmitted,
    OperatorTimedOut,
    SettingChanged,
    Allocated,
    RequestFailed,
    RequestForgotten,
    Deallocated,
    LogicalChanged,
    Swapped,
    Delivered,
    DeliveryUnknown,
    OperatorChanged,
    WorkQueued,
    WorkFinished,
    AttributeChanged,
    WorkRequested,
    WorkChanged,
    WorkOrdered,
    DriveChanged,
    Archived,
    Checkpointed,
);

/// Names of the things that can change within an object, as the log writes them.
const CHANGES: [&str; 76] = [
    "\"of\":{\"work\":",
    "\"by_rule\":true",
    "\"name_by_rule\":\"week 9\"",
    "\"kept\":true",
    "\"twin\":\"A1\"",
    "\"sides\":2",
    "\"read_write\":",
    "{\"media_type\":\"WORM-12\"}",
    "\"text\":",
    "\"hex\":\"ff0a\"",
    "\"operator_purge_time\":",
    "\"operator_auto_purge\":",
    "\"operator_keep_failed\":",
    "\"attended\":",
    "\"hook_timeout\":",
    "\"hook_ages\":",
    "\"retention\":",
    "\"cleaner\"",
    "\"device-service\"",
    "\"move-media\"",
    "\"message\"",
    "\"element\":",
    "\"place\":",
    "\"description\":",
    "\"media_type\":",
    "\"allocate_from_free\":",
    "\"deallocate_to_free\":",
    "\"max_allocates\":",
    "\"selection\":",
    "\"default_timeout\":",
    "\"purge_time\":",
    "\"access\":",
    "\"reuse_delay\":",
    "\"rests_until\":",
    "\"want_available\":",
    "\"labelled\":",
    "\"acl\":{",
    "\"control_acl\":{",
    "\"name\":",
    "\"driver\":",
    "\"enabled\":",
    "\"state\":",
    "\"location\":",
    "\"completed\":",
    "\"drawn_from\":",
    "\"reserved\":",
    "\"in_set\":true",
    "\"undone\":true",
    "\"to_free\":",
    "\"freed\":[",
    "\"never\"",
    "\"ms\":",
    "\"groups\":",
    "\"error\":\"",
    "\"import\"",
    "\"foreign\"",
    "\"decommissioned\"",
    "\"complete\"",
    "\"started\":",
    "\"waiting\"",
    "\"asked\":",
    "\"ended\":",
    "\"forgotten\"",
    "\"moved\":",
    "\"loaded\":",
    "\"released\"",
    "\"unloading\"",
    "\"emptied\"",
    "\"ranks\":",
    "\"ready\":",
    "\"part_of\":",
    "\"defer_delay\":",
    "\"inventory_method\":",
    "\"auto_recovery\":",
    "\"recovering\":true",
    "\"recovering\":false",
];

fn list(mode: u32) -> List {
    let acl = Some(Acl {
        group: 5,
        users: vec![(1_000_000, 7)],
        groups: vec![(20, 4), (21, 0)],
    });
    List { mode, acl }
}

fn libraries(world: &mut World) -> ObjectNo {
    let library = world.library("box", MO, 8);
    for set in [
        SetLibrary::Name("jukebox".to_owned()),
        SetLibrary::Description("in the cellar".to_owned()),
        SetLibrary::Access(SetAccess::Mode(0o750)),
        SetLibrary::Access(SetAccess::List(list(0o750))),
        SetLibrary::Access(SetAccess::Owner {
            uid: Some(0),
            gid: Some(20),
        }),
    ] {
        world.done(Ask::SetLibrary { no: library, set });
    }
    let old = world.library("old", "LTO-8", 2);
    let pool = world.leaf("Free", "LTO-8");
    world.import(
        pool,
        "tape slot=old/1 barcode=T00001L8 description=\"first tape\"",
    );
    world.done(Ask::SetLibrary {
        no: old,
        set: SetLibrary::Enabled(false),
    });
    world.done(Ask::RemoveLibrary { no: old });
    let no = world.medium("tape").no;
    world.done(Ask::RemoveMedium { no });
    let seen = |slot, code: Option<&str>, label| Found {
        slot,
        barcode: code.map(str::to_owned),
        media_type: MO.to_owned(),
        label,
    };
    let found = vec![
        seen(1, Some("A1"), Label::Free),
        seen(2, Some("A2"), Label::Free),
        seen(3, None, Label::Blank),
        seen(8, Some("A1"), Label::Blank),
    ];
    world.inventory(library, Ok(found));
    let found = Err(ntmsfs::domain::error::ErrorKind::LibraryOffline.because("no power"));
    world.inventory(library, found);
    library
}

/// A tape without a bar code, which has its name from its label.
fn named_by_its_label(world: &mut World) {
    let library = world.library("tapes", "LTO-7", 2);
    let found = Ok(vec![Found {
        slot: 1,
        barcode: None,
        media_type: "LTO-7".to_owned(),
        label: Label::Free,
    }]);
    world.inventory(library, found);
    let pool = world.pool(CATALOG, "Tapes", "LTO-7");
    world.set(pool, SetPool::AllocateFromFree(true));
    let (_, logical) = world.take(pool, "");
    let label = MediaLabel::parse("type=MTF id=4712 info=\"week 9\"").expect("a label");
    let (no, set) = (logical.no, SetLogical::Label(label));
    world.done(Ask::SetLogical { no, set });
}

/// The leaf of a system pool that somebody makes before anything needs it.
fn leaf_of_stone(world: &mut World) {
    let free = read::pool_named(world.db(), CATALOG, "Free").expect("a pool");
    let parent = free.expect("a system pool").no;
    let (name, mode) = ("Stone".to_owned(), 0o755);
    let leaf = world.ask(&root(), Ask::CreatePool { parent, name, mode });
    assert!(matches!(leaf, Ok(Reply::Created(_))), "{leaf:?}");
}

fn pools(world: &mut World) -> ObjectNo {
    let Ok(Reply::Created(stone)) = world.ask(
        &root(),
        Ask::AddType {
            name: "Stone".to_owned(),
        },
    ) else {
        panic!()
    };
    for set in [
        SetType::Sides(2),
        SetType::ReadWrite("read-only".to_owned()),
        SetType::Description("slabs".to_owned()),
    ] {
        world.done(Ask::SetType { no: stone, set });
    }
    leaf_of_stone(world);
    world.done(Ask::RemoveType { no: stone });
    let pool = world.pool(CATALOG, "Backup", MO);
    for set in [
        SetPool::Description("nightly \u{e4}".to_owned()),
        SetPool::AllocateFromFree(true),
        SetPool::DeallocateToFree(true),
        SetPool::MaxAllocates(3),
        SetPool::Selection(Selection::Fill),
        SetPool::DefaultTimeout(Limit::Ms(90_000)),
        SetPool::DefaultTimeout(Limit::Never),
        SetPool::PurgeTime(Limit::Never),
        SetAccess::List(list(0o770)).into(),
        SetAccess::ControlList(list(0o660)).into(),
        SetAccess::Owner {
            uid: Some(7),
            gid: Some(7),
        }
        .into(),
    ] {
        world.set(pool, set);
    }
    let group = world.pool(CATALOG, "Group", "");
    let gone = world.pool(group, "Gone", "");
    world.done(Ask::RemovePool { no: gone });
    world.done(Ask::PlacePool {
        no: pool,
        parent: group,
        name: "Nightly".to_owned(),
    });
    pool
}

fn media(world: &mut World, pool: ObjectNo) {
    let import = world.leaf("Import", MO);
    world.done(lines(
        import,
        &[
            "i1 slot=jukebox/4",
            "i2 barcode=I2 description=\"a \\\"quoted\\\" one\"",
        ],
    ));
    world.import(pool, "own slot=jukebox/5");
    let no = world.medium("i2").no;
    world.done(Ask::SetMedium {
        no,
        set: SetMedium::Description("changed".to_owned()),
    });
    world.done(Ask::SetMedium {
        no,
        set: SetMedium::Enabled(false),
    });
    world.done(Ask::MoveMedium {
        no,
        pool,
        name: "renamed".to_owned(),
    });
    attributes(world);
    let no = world.side("own", "B").no;
    world.done(Ask::SetSide {
        no,
        state: SideState::Decommissioned,
    });
}

fn attributes(world: &mut World) {
    let medium = world.medium("renamed");
    let of = Holder::Medium(Thing {
        no: medium.no,
        id: medium.id,
    });
    for value in [Some(&b"on the shelf"[..]), Some(b"\xff\n"), None] {
        world.done(Ask::SetAttribute {
            of,
            name: "user.place".to_owned(),
            value: value.map(<[u8]>::to_vec),
            way: Way::Any,
        });
    }
}

fn requests(world: &mut World, pool: ObjectNo) {
    let mut caller = user(7);
    (caller.groups, caller.pid, caller.command) = (vec![20, 21], 4711, "backup".to_owned());
    let submit = |world: &mut World, body: &str, name: Option<&str>| {
        world.submit(&caller, pool, body, name).expect("a reply")
    };
    let Reply::Allocated { logical: set, .. } = submit(
        world,
        "new name=weekly description=\"the set\"",
        Some("weekly"),
    ) else {
        panic!()
    };
    let Reply::Allocated { logical: next, .. } =
        submit(world, "next side=A1/A allocate-information", None)
    else {
        panic!()
    };
    world.done(Ask::Delivered { logical: next });
    for change in [
        SetLogical::Name("renamed".to_owned()),
        SetLogical::Description(String::new()),
        SetLogical::State("complete".to_owned()),
    ] {
        world.done(Ask::SetLogical {
            no: set,
            set: change,
        });
    }
    let root_caller = root();
    let import = world
        .submit(&root_caller, pool, "side=i1/A", None)
        .expect("a reply");
    let Reply::Allocated {
        logical: import, ..
    } = import
    else {
        panic!()
    };
    world.done(Ask::Deallocate { logical: import });
    world.done(Ask::Deallocate { logical: next });
    let Reply::Allocated {
        logical: undone, ..
    } = submit(world, "new side=A2/B", None)
    else {
        panic!()
    };
    world.done(Ask::Undo { logical: undone });
}

fn more_requests(world: &mut World, pool: ObjectNo) {
    let caller = user(7);
    let submit = |world: &mut World, body: &str, name: Option<&str>| {
        world.submit(&caller, pool, body, name).expect("a reply")
    };
    submit(
        world,
        "{\"options\":[\"new\"],\"side\":\"renamed/A\"}",
        Some("fails"),
    );
    let body = "ne".to_owned();
    let name = world.named("unfinished");
    world
        .ask(
            &caller,
            Ask::Unfinished {
                pool,
                name: Named { body, ..name },
            },
        )
        .expect("a reply");
    submit(world, "side=A2/A", None);
    submit(world, "side=A2/B", None);
    submit(world, "side=own/A", None);
    for (name, timeout) in [
        (None, "new timeout=1h"),
        (Some("late"), "new timeout=2h"),
        (Some("asked"), "new"),
        (Some("forgotten"), "new"),
    ] {
        assert!(
            matches!(submit(world, timeout, name), Reply::Waiting { .. }),
            "{timeout}"
        );
    }
}

fn ends(world: &mut World, pool: ObjectNo) {
    let request = |world: &World, name: &str| {
        read::request_named(world.db(), pool, name)
            .expect("a request")
            .expect("a request")
    };
    let operator =
        |world: &World, name: &str| request(world, name).operator.expect("an operator request");
    for state in [OperatorState::Active, OperatorState::Complete] {
        let no = operator(world, "asked");
        world.done(Ask::AnswerOperator { no, state });
    }
    let no = operator(world, "asked");
    world.done(Ask::AnswerOperator {
        no,
        state: OperatorState::Refused,
    });
    world.done(Ask::RemoveOperator { no });
    let no = request(world, "forgotten").no;
    world.done(Ask::RemoveRequest { no });
    advance(2 * 3_600_000);
    // Two requests for media, one to a person, and the mount that was cancelled before its time.
    assert_eq!(world.due(), 4);
    world.wait(pool, "new", None);
    world.restart();
    world.wait(pool, "new", Some("still waits"));
    world.restart();
    advance(100 * 3_600_000);
    world.done(Ask::Sweep);
}

/// What a release after the first has added.
fn later(world: &mut World) {
    let shelf = world.pool(CATALOG, "Shelf", MO);
    world.set(shelf, SetPool::ReuseDelay(Span(3_600_000)));
    world.set(shelf, SetPool::WantAvailable(2));
    let name = "record".to_owned();
    let created = world.ask(&root(), Ask::CreateMedium { pool: shelf, name });
    assert!(matches!(created, Ok(Reply::Created(_))));
    let no = world.medium("record").no;
    world.done(Ask::RemoveMedium { no });
    let import = world.leaf("Import", MO);
    world.import(import, "mistaken");
    let no = world.medium("mistaken").no;
    let set = SetMedium::MediaType("WORM-12".to_owned());
    world.done(Ask::SetMedium { no, set });
    world.import(shelf, "fresh slot=jukebox/7");
    let (_, logical) = world.take(shelf, "side=fresh/A");
    let (_, other) = world.take(shelf, "side=fresh/B");
    let label =
        MediaLabel::parse("type=MTF id=4711 info=\"week 7\" capacity=1000").expect("a label");
    let set = SetLogical::Label(label);
    world.done(Ask::SetLogical {
        no: logical.no,
        set,
    });
    world.done(Ask::Swap {
        no: logical.no,
        other: other.id,
    });
    world.done(Ask::Deallocate {
        logical: logical.no,
    });
    advance(3_600_000);
    assert_eq!(world.due(), 1);
}

/// Everything that is asked of people, and what holds for the whole system.
fn people(world: &mut World) {
    for line in [
        "new-media pool=Group/Nightly library=jukebox",
        "cleaner library=jukebox slot=2",
        "device-service library=jukebox drive=1 it smokes",
        "move-media medium=own library=jukebox",
        "message \"Please bring \u{e4} coffee\"",
        "device-service library=jukebox timeout=1h it rattles",
    ] {
        let request = Box::new(OperatorRequest::parse(line).expect(line));
        let caller = if line.starts_with("message") {
            user(9)
        } else {
            root()
        };
        world
            .ask(&caller, Ask::AskOperator { request })
            .expect(line);
    }
    for setting in [
        Setting::OperatorPurgeTime(Limit::Ms(3_600_000)),
        Setting::OperatorAutoPurge(false),
        Setting::OperatorKeepFailed(true),
        Setting::HookTimeout(Limit::Ms(5000)),
        Setting::HookAges(Ages::parse("1m 2m").expect("ages")),
        Setting::Retention(Span(3_600_000)),
        Setting::Attended(false),
        Setting::Attended(true),
        Setting::OperatorAutoPurge(true),
        Setting::OperatorKeepFailed(false),
    ] {
        world.done(Ask::Set { setting });
    }
}

/// Runs the script and returns the lines of its log.
fn script() -> (World, Vec<String>) {
    let mut world = World::new();
    named_by_its_label(&mut world);
    libraries(&mut world);
    let pool = pools(&mut world);
    media(&mut world, pool);
    requests(&mut world, pool);
    more_requests(&mut world, pool);
    people(&mut world);
    several(&mut world);
    drives(&mut world, pool);
    ends(&mut world, pool);
    later(&mut world);
    let mut lines = log::lines(world.db(), 0, 10_000).expect("the log");
    world.archive(100);
    assert_eq!(world.fold(), 1);
    let last = lines.last().expect("a record").0;
    lines.extend(log::lines(world.db(), last, 10_000).expect("the log"));
    (world, lines.into_iter().map(|(_, line)| line).collect())
}

/// A library request.
fn request(world: &mut World, library: ObjectNo, name: &str, body: &str) -> ObjectNo {
    let request = LibraryRequest::parse(body).expect(body);
    let (request, body) = (Box::new(request), body.to_owned());
    let named = world.named(name);
    let work = named.no;
    let name = Named { body, ..named };
    let ask = Ask::Library {
        library,
        request,
        name,
    };
    world.ask(&root(), ask).expect("a reply");
    work
}

/// Two media with one request: mounted, given back, and mounted again, when one of them fails.
fn several(world: &mut World) {
    let (name, mode) = ("twin".to_owned(), 0o755);
    let reply = world.ask(&root(), Ask::CreateLibrary { name, mode });
    let Ok(Reply::Created(library)) = reply else {
        panic!("{reply:?}")
    };
    let set = SetLibrary::Driver(format!("virtual type={MO} slots=4 drives=2"));
    world.done(Ask::SetLibrary { no: library, set });
    world.enable_library(library, true);
    let pool = world.leaf("Import", MO);
    for line in ["t1 slot=twin/1", "t2 slot=twin/2"] {
        world.import(pool, line);
    }
    let works = |world: &mut World, whole: ObjectNo, fails: usize| {
        let parts = queue::parts(world.db(), whole).expect("parts");
        for (at, part) in (1..).zip(parts) {
            let work = part.no;
            world.done(Ask::Moved { work });
            let outcome = if at == fails {
                Err(ntmsfs::domain::error::ErrorKind::UnexpectedOmid.because("another label"))
            } else {
                Ok(format!("/catalog.media/twin-{at}"))
            };
            let inside = outcome.is_ok();
            world.done(Ask::Worked {
                work,
                outcome,
                inside,
            });
        }
    };
    let both = request(world, library, "both", "mount side=t1/A side=t2/A read");
    works(world, both, 0);
    let back = request(world, library, "back", "dismount side=t1/A side=t2/A");
    works(world, back, 0);
    let both = request(world, library, "again", "mount side=t1/A side=t2/A");
    works(world, both, 2);
    // The one that was ready goes home, and the library looks into its slots.
    let home = fact::open_work(world.db()).expect("work");
    world.done(Ask::Worked {
        work: *home.last().expect("work"),
        outcome: Ok(String::new()),
        inside: false,
    });
    let work = fact::open_work(world.db()).expect("work")[0];
    let found = Ok(Vec::new());
    world.done(Ask::Inventoried { work, found });
    assert_eq!(fact::open_work(world.db()), Ok(Vec::new()));
}

/// Mounts, dismounts, one that a person is asked for, one that fails.
fn drives(world: &mut World, pool: ObjectNo) {
    let library = read::library_named(world.db(), "jukebox").expect("a library");
    let library = library.expect("a library").no;
    world.enable_library(library, false);
    world.enable_library(library, true);
    for set in [
        SetLibrary::InventoryMethod(InventoryMethod::Omid),
        SetLibrary::AutoRecovery(false),
    ] {
        world.done(Ask::SetLibrary { no: library, set });
    }
    let no = queue::drives(world.db(), library).expect("drives")[0].no;
    for limit in [Limit::Ms(600_000), Limit::Never] {
        let set = SetElement::DeferDelay(limit);
        world.done(Ask::SetElement { no, set });
    }
    for line in ["m1 slot=jukebox/6", "m2"] {
        world.import(pool, line);
    }
    let ask = |world: &mut World, name: &str, body: &str| request(world, library, name, body);
    let device = "/catalog.media/drive-1".to_owned();
    let work = ask(world, "mount", "mount side=m1/A write priority=3");
    world.done(Ask::Moved { work });
    world.done(Ask::Worked {
        work,
        outcome: Ok(device),
        inside: true,
    });
    let first = ask(world, "first", "mount side=m1/B timeout=1h");
    note(world, first);
    ask(world, "second", "mount side=m1/B");
    world.done(Ask::OrderWork {
        no: first,
        place: 2,
    });
    world.done(Ask::RemoveWork { no: first });
    ask(world, "release", "dismount side=m1/A deferred");
    // The device is taken back, and then the medium goes home, because the drive is needed for its other side.
    for _ in 0..2 {
        let open = fact::open_work(world.db()).expect("work");
        world.done(Ask::Worked {
            work: *open.last().expect("work"),
            outcome: Ok(String::new()),
            inside: false,
        });
    }
    let work = fact::open_work(world.db()).expect("work")[0];
    let outcome = Err(ntmsfs::domain::error::ErrorKind::UnableToLoad.because("jammed"));
    world.done(Ask::Worked {
        work,
        outcome,
        inside: true,
    });
    // A drive that keeps its medium needs a person; an inventory says that all is well again.
    let work = ask(world, "look", "inventory");
    world.done(Ask::Inventoried {
        work,
        found: Ok(Vec::new()),
    });
    ask(world, "offline", "mount side=m2/A");
}

fn note(world: &mut World, work: ObjectNo) {
    world.done(Ask::SetAttribute {
        of: Holder::Work(work),
        name: "user.ticket".to_owned(),
        value: Some(b"4711".to_vec()),
        way: Way::Any,
    });
}

fn names_in<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeSet<&'static str> {
    lines
        .map(|line| name(&log::parse(line).expect(line).detail))
        .collect()
}

#[test]
fn the_script_makes_every_kind_of_event() {
    let (world, lines) = script();
    world.sound();
    let found = names_in(lines.iter().map(String::as_str));
    assert_eq!(found, NAMES.iter().copied().collect());
    let all = lines.concat();
    for change in CHANGES {
        assert!(all.contains(change), "{change} does not occur");
    }
    if let Ok(path) = std::env::var("NTMSFS_GOLDEN") {
        std::fs::write(path, lines.join("\n") + "\n").expect("the golden log");
    }
}

/// The list of failures is that of the code, also where the migration made it of a log that was there before.
#[test]
fn what_failed_is_known() {
    let (world, _) = script();
    let noted = |db: &rusqlite::Connection| -> Vec<i64> {
        let mut rows = db
            .prepare("SELECT seq FROM failed ORDER BY seq DESC")
            .expect("the list");
        let rows = rows.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("numbers")
    };
    let kept = noted(world.db());
    let last = failure::last(world.db(), 100).expect("records");
    assert_eq!(
        kept,
        last.iter().map(|record| record.seq).collect::<Vec<_>>()
    );
    let kinds: Vec<&str> = last.iter().map(|record| name(&record.detail)).collect();
    for kind in [
        "RequestFailed",
        "WorkFinished",
        "WorkChanged",
        "OperatorChanged",
    ] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let said = format!("{last:?}");
    assert!(said.contains("jammed") && said.contains("no power") && !said.contains("by its owner"));
    world.sql("DROP TABLE failed; DROP INDEX library_troubled");
    world.sql(include_str!("../../src/store/schema-failed.sql"));
    assert_eq!(noted(world.db()), kept);
}

#[test]
fn the_log_of_format_1_is_replayed() {
    let sum = format!("{:x}", Sha256::digest(GOLDEN_1));
    assert_eq!(sum, SHA_1, "the file of a released format never changes");
    assert_eq!(names_in(GOLDEN_1.lines()), NAMES.iter().copied().collect());
    assert!(
        GOLDEN_1
            .lines()
            .all(|line| log::parse(line).expect(line).v == 1)
    );
    let db = check::replay(GOLDEN_1.lines().map(str::to_owned)).expect("tables");
    assert_eq!(check::invariants(&db), Ok(Vec::new()));
    let count = |sql: &str| {
        db.query_row(sql, [], |row| row.get::<_, i64>(0))
            .expect(sql)
    };
    for (sql, expected) in [
        ("SELECT count(*) FROM logical", 7),
        ("SELECT count(*) FROM side WHERE state = 6", 1),
        ("SELECT count(*) FROM request WHERE state = 0", 1),
        ("SELECT count(*) FROM request", 6),
        ("SELECT count(*) FROM operator", 10),
        ("SELECT hook_timeout FROM settings", 5000),
        ("SELECT count(*) FROM mounted WHERE state = 7", 1),
        ("SELECT max_allocates FROM pool WHERE name = 'Nightly'", 3),
    ] {
        assert_eq!(count(sql), expected, "{sql}");
    }
}

/// What this program writes for the events of the golden log is what is in it: the format has not moved.
#[test]
fn the_format_of_the_events_has_not_moved() {
    for line in GOLDEN_1.lines() {
        let event = serde_json::to_string(&log::parse(line).expect(line).detail).expect("JSON");
        assert!(
            line.contains(&format!("\"detail\":{event},")),
            "{line}\n{event}"
        );
    }
}
