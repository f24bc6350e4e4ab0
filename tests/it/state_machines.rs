//! The state machines, cell by cell (reference sections 4.2, 4.6, 5.4): what is allowed happens, what is forbidden is refused
//! with its code and changes nothing.
//!
//! What needs a robot, a drive that writes or a label that is read has no cell here and is listed in [`NOT_YET`].

use crate::harness::world::{World, advance, kind_in, root};
use crate::pools::{MATRIX, moving};
use ntmsfs::domain::ask::{Ask, Found, Named, Reply, SetLibrary, SetLogical, SetPool};
use ntmsfs::domain::driver::Label;
use ntmsfs::domain::error::{ErrorKind, Result};
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::library_request::LibraryRequest;
use ntmsfs::domain::state::{OperatorState, SideState};
use ntmsfs::manager::read;
use ntmsfs::store::fact;
use rusqlite::types::Value;

/// Cells of reference 4.2 that this release cannot reach, and what they need.
const NOT_YET: [(SideState, &str); 3] = [
    (
        SideState::Unknown,
        "a cartridge that waits for its inventory",
    ),
    (SideState::Unprepared, "a drive that writes the free label"),
    (SideState::Incompatible, "a drive that refuses the type"),
];

/// All tables but the log and its list of failures, row by row. Object numbers that were given out and never used leave no trace in them.
fn tables(world: &World) -> String {
    let db = world.db();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('log', 'failed', 'catalog') \
                 AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut names = db.prepare(names).unwrap();
    let names = names.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut out = String::new();
    for name in names {
        let name = name.unwrap();
        let mut all = db.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = all.column_count();
        let mut rows: Vec<String> = all
            .query_map([], |row| {
                let values = (0..columns).map(|at| row.get::<_, Value>(at));
                Ok(format!("{name} {:?}", values.collect::<Vec<_>>()))
            })
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        rows.sort();
        out.push_str(&rows.join("\n"));
        out.push('\n');
    }
    out
}

fn shown(world: &World, medium: &str) -> String {
    if read::medium_named(world.db(), medium).unwrap().is_none() {
        return "gone".to_owned();
    }
    let states = world.states(medium);
    let words: Vec<&str> = states.iter().map(|state| state.word()).collect();
    words.join(" ")
}

/// The states of the sides after what was asked, or why it was refused; a refusal must have left the tables as they were.
fn cell(world: &World, before: &str, reply: Result<Reply>, medium: &str) -> String {
    let refused = match reply {
        Ok(Reply::Failed { result }) => kind_in(&result),
        Ok(_) => return shown(world, medium),
        Err(refusal) => refusal.kind,
    };
    let after = tables(world);
    assert!(before == after, "{medium}: refused, and changed something");
    format!("{refused:?}")
}

/// What is done to a side.
#[derive(Debug, Clone, Copy)]
enum Cause {
    Allocate(&'static str),
    Complete,
    Deallocate,
    AtTheLimit,
    Decommission,
    Swap,
    Delete,
}

use Cause::{Allocate, AtTheLimit, Complete, Deallocate, Decommission, Delete, Swap};

/// The columns of [`SIDES`].
const CAUSES: [Cause; 9] = [
    Allocate(""),
    Allocate("new "),
    Allocate("next "),
    Complete,
    Deallocate,
    AtTheLimit,
    Decommission,
    Swap,
    Delete,
];

fn act(world: &mut World, medium: &str, letter: &str, cause: Cause) -> Result<Reply> {
    let home = world.medium("available").pool;
    let side = world.side(medium, letter);
    // A side without a logical medium has none to name: the directory is not there.
    let logical = side.logical.unwrap_or(ObjectNo(77_777));
    let ask = match cause {
        Allocate(options) => {
            let body = format!("{options}side={medium}/{letter} timeout=0");
            return world.submit(&root(), home, &body, None);
        }
        Complete => Ask::SetLogical {
            no: logical,
            set: SetLogical::State("complete".to_owned()),
        },
        Deallocate | AtTheLimit => Ask::Deallocate { logical },
        Decommission => Ask::SetSide {
            no: side.no,
            state: SideState::Decommissioned,
        },
        Swap => {
            let other = if medium == "allocated" {
                "reserved"
            } else {
                "allocated"
            };
            let other = world.lmid(other, "A").unwrap();
            Ask::Swap { no: logical, other }
        }
        Delete => Ask::RemoveMedium {
            no: world.medium(medium).no,
        },
    };
    world.ask(&root(), ask)
}

const GONE: &str = "ObjectNotFound";
const TAKEN: &str = "MediaUnavailable";
const NO_SET: &str = "InvalidMedia";
const STATE: &str = "InvalidState";

/// Reference 4.2: the side, its state, then a cell for each of [`CAUSES`].
#[rustfmt::skip]
const SIDES: [(&str, &str, &str, [&str; 9]); 14] = [
    ("free", "A", "available",
        [TAKEN, TAKEN, NO_SET, GONE, GONE, GONE, "decommissioned available", GONE, STATE]),
    ("import", "A", "import",
        ["allocated import", "InvalidParameter", NO_SET, GONE, GONE, GONE, STATE, GONE, STATE]),
    ("unrecognized", "A", "foreign",
        [TAKEN, TAKEN, NO_SET, GONE, GONE, GONE, STATE, GONE, STATE]),
    ("available", "A", "available",
        ["allocated available", "allocated reserved", NO_SET, GONE, GONE, GONE, "decommissioned available", GONE, STATE]),
    ("allocated", "A", "allocated",
        [TAKEN, TAKEN, NO_SET, "complete available", "available available", "decommissioned available", STATE,
         "allocated available", "NotEmpty"]),
    ("allocated", "B", "available",
        ["allocated allocated", TAKEN, NO_SET, GONE, GONE, GONE, "allocated decommissioned", GONE, "NotEmpty"]),
    ("complete", "A", "complete",
        [TAKEN, TAKEN, NO_SET, STATE, "available available", "decommissioned available", STATE, STATE, "NotEmpty"]),
    ("reserved", "A", "allocated",
        [TAKEN, TAKEN, "allocated allocated", "complete reserved", "available available", "decommissioned available", STATE,
         "allocated reserved", "NotEmpty"]),
    ("reserved", "B", "reserved",
        [TAKEN, TAKEN, "allocated allocated", GONE, GONE, GONE, STATE, GONE, "NotEmpty"]),
    ("left", "B", "import",
        ["available allocated", "InvalidParameter", NO_SET, GONE, GONE, GONE, STATE, GONE, STATE]),
    ("retired", "A", "decommissioned",
        [TAKEN, TAKEN, NO_SET, GONE, GONE, GONE, STATE, GONE, STATE]),
    ("scrap", "A", "decommissioned",
        ["MediaOffline", "MediaOffline", NO_SET, GONE, GONE, GONE, STATE, GONE, "gone"]),
    ("offline", "A", "available",
        ["MediaOffline", "MediaOffline", NO_SET, GONE, GONE, GONE, "decommissioned available", GONE, "gone"]),
    ("abroad", "A", "import",
        ["MediaOffline", "MediaOffline", NO_SET, GONE, GONE, GONE, STATE, GONE, "gone"]),
];

#[test]
fn every_cause_in_every_state_of_a_side() {
    for (medium, letter, state, cells) in SIDES {
        for (cause, expected) in CAUSES.into_iter().zip(cells) {
            let (mut world, _) = moving();
            assert_eq!(world.side(medium, letter).state.word(), state, "{medium}");
            if matches!(cause, AtTheLimit) {
                let home = world.medium("available").pool;
                world.set(home, SetPool::MaxAllocates(1));
            }
            let (before, lmid) = (tables(&world), world.lmid(medium, letter));
            let reply = act(&mut world, medium, letter, cause);
            let found = cell(&world, &before, reply, medium);
            assert_eq!(found, expected, "{medium}/{letter}: {cause:?}");
            if matches!(cause, Swap) && lmid.is_some() && expected != STATE {
                let other = if medium == "allocated" {
                    "reserved"
                } else {
                    "allocated"
                };
                assert_eq!(world.lmid(other, "A"), lmid, "its data are elsewhere now");
            }
            world.sound();
        }
    }
}

/// Puts a side into the drive of its library.
fn load(world: &mut World, medium: &str, letter: &str) {
    let library = world.medium(medium).library.unwrap();
    let body = format!("mount side={medium}/{letter}");
    let request = Box::new(LibraryRequest::parse(&body).unwrap());
    let name = Named {
        name: "load".to_owned(),
        body,
        ..world.named("")
    };
    let (work, waits) = (
        name.no,
        Ask::Library {
            library,
            request,
            name,
        },
    );
    assert_eq!(
        world.ask(&root(), waits),
        Ok(Reply::Waiting { request: work })
    );
    world.done(Ask::Moved { work });
    world.done(Ask::Worked {
        work,
        outcome: Ok("/drive".to_owned()),
        inside: true,
    });
}

const USED: &str = "Busy";

/// The same causes for a side that is in a drive: what 4.2 and 5.4 say of media in use.
#[rustfmt::skip]
const LOADED: [(&str, &str, [&str; 9]); 4] = [
    ("available", "A",
        ["allocated available", "allocated reserved", NO_SET, GONE, GONE, GONE, "decommissioned available", GONE, USED]),
    ("allocated", "A",
        [TAKEN, TAKEN, NO_SET, STATE, USED, USED, STATE, NO_SET, USED]),
    ("complete", "A",
        [TAKEN, TAKEN, NO_SET, STATE, USED, USED, STATE, STATE, USED]),
    ("reserved", "A",
        [TAKEN, TAKEN, "allocated allocated", STATE, USED, USED, STATE, NO_SET, USED]),
];

#[test]
fn every_cause_on_a_side_in_a_drive() {
    for (medium, letter, cells) in LOADED {
        for (cause, expected) in CAUSES.into_iter().zip(cells) {
            let (mut world, _) = moving();
            if matches!(cause, AtTheLimit) {
                let home = world.medium("available").pool;
                world.set(home, SetPool::MaxAllocates(1));
            }
            load(&mut world, medium, letter);
            let before = tables(&world);
            let reply = act(&mut world, medium, letter, cause);
            let found = cell(&world, &before, reply, medium);
            assert_eq!(found, expected, "{medium}/{letter}: {cause:?}");
            world.sound();
        }
        for at in 0..moving().1.len() {
            let (mut world, to) = moving();
            load(&mut world, medium, letter);
            let before = tables(&world);
            let reply = world.move_to(&root(), medium, to[at].1);
            assert_eq!(
                cell(&world, &before, reply, medium),
                USED,
                "{medium} to {}",
                to[at].0
            );
        }
    }
}

/// The one state that can be written is decommissioned, and the states that need a device are entered by nobody.
#[test]
fn no_other_state_can_be_written() {
    let (mut world, _) = moving();
    let before = tables(&world);
    for (medium, letter, ..) in SIDES {
        let no = world.side(medium, letter).no;
        for &state in SideState::ALL {
            if state != SideState::Decommissioned {
                let refusal = world.ask(&root(), Ask::SetSide { no, state }).unwrap_err();
                assert_eq!(refusal.kind, ErrorKind::InvalidState, "{medium} {state}");
            }
        }
    }
    assert_eq!(tables(&world), before);
    for (state, needs) in NOT_YET {
        let held = world.db().query_row(
            "SELECT count(*) FROM side WHERE state = ?1",
            [state.number()],
            |row| row.get::<_, i64>(0),
        );
        assert_eq!(held, Ok(0), "{state} needs {needs}");
    }
}

/// Reference 5.4: what a move gives, in every cell of its matrix.
#[test]
fn the_matrix_of_moves() {
    for (medium, cells) in MATRIX {
        for (at, expected) in cells.into_iter().enumerate() {
            let (mut world, to) = moving();
            let (name, pool) = to[at];
            let before = tables(&world);
            let reply = world.move_to(&root(), medium, pool);
            let moved = reply.is_ok();
            let found = cell(&world, &before, reply, medium);
            assert_eq!(found, expected, "{medium} to {name}");
            assert!(!moved || world.medium(medium).pool == pool);
            world.sound();
        }
    }
}

/// Reference 4.2, first rows: what an inventory makes of what it finds.
#[test]
fn what_an_inventory_finds() {
    for (label, system, expected) in [
        (Label::Blank, "Unrecognized", "foreign foreign"),
        (Label::Foreign, "Unrecognized", "foreign foreign"),
        (Label::Import, "Import", "import import"),
        (Label::Free, "Free", "available available"),
    ] {
        let (mut world, _) = moving();
        let known: Vec<(String, String)> = SIDES
            .iter()
            .map(|(medium, ..)| ((*medium).to_owned(), shown(&world, medium)))
            .collect();
        let library = world.medium("available").library.unwrap();
        for on in [false, true] {
            let set = SetLibrary::Enabled(on);
            world.done(Ask::SetLibrary { no: library, set });
        }
        let work = fact::open_work(world.db()).unwrap()[0];
        let (_, believed) = fact::inventory(world.db(), work).unwrap().unwrap();
        // What was on a shelf comes with a bar code that nobody knows: it is filed anew. The rest is where it was.
        let mut found: Vec<Found> = believed
            .into_iter()
            .map(|(slot, barcode, media_type)| Found {
                slot,
                barcode,
                media_type,
                label: Label::Foreign,
            })
            .collect();
        found.retain(|found| found.slot != 9);
        found.push(Found {
            slot: 9,
            barcode: Some("NEW1".to_owned()),
            media_type: "MO-5.25".to_owned(),
            label,
        });
        let found = Ok(found);
        world.done(Ask::Inventoried { work, found });
        assert_eq!(shown(&world, "NEW1"), expected);
        let pool = world.leaf(system, "MO-5.25");
        assert_eq!(world.medium("NEW1").pool, pool, "{label:?}");
        for (medium, states) in known {
            assert_eq!(shown(&world, &medium), states, "{medium} is known");
        }
        assert!(!world.medium("retired").is_online(), "it was not found");
        world.sound();
    }
}

/// Reference 4.6: an open operator request goes with the request that it is for, whatever its state.
#[test]
fn an_open_operator_request_goes_with_its_request() {
    use OperatorState::{Active, InProgress, Submitted};
    for state in [Submitted, Active, InProgress] {
        for (ask, ends) in [("timeout", "Timeout"), ("rm", "")] {
            let mut world = World::new();
            let pool = world.pool(CATALOG, "Backup", "MO-5.25");
            let request = world.wait(pool, "timeout=1h", Some("waits"));
            let no = world.request(request).unwrap().operator.unwrap();
            if state != Submitted {
                world.done(Ask::AnswerOperator { no, state });
            }
            if ask == "rm" {
                world.done(Ask::RemoveRequest { no: request });
            } else {
                advance(3_600_000);
                assert_eq!(world.due(), 1);
            }
            assert_eq!(world.operator(no), None, "{state} {ask}");
            let result = world
                .request(request)
                .map(|row| format!("{:?}", kind_in(&row.result)));
            assert_eq!(result.unwrap_or_default(), ends, "{state} {ask}");
            for to in [OperatorState::Complete, OperatorState::Refused] {
                let refused = world.ask(&root(), Ask::AnswerOperator { no, state: to });
                assert_eq!(refused.unwrap_err().kind, ErrorKind::ObjectNotFound);
            }
            world.sound();
        }
    }
}

/// An operator request in a state, with the request behind it.
fn asked(state: OperatorState) -> (World, ObjectNo, ObjectNo) {
    let mut world = World::new();
    let pool = world.pool(CATALOG, "Backup", "MO-5.25");
    let request = world.wait(pool, "", Some("waits"));
    let no = world.request(request).unwrap().operator.unwrap();
    if state != OperatorState::Submitted {
        world.done(Ask::AnswerOperator { no, state });
    }
    (world, no, request)
}

/// Reference 4.6: from, to (none: rmdir), and what it gives; then what became of the request that waited.
#[test]
fn the_life_of_an_operator_request() {
    use OperatorState::{Active, Complete, InProgress, Refused, Submitted};
    const WAITS: &str = "waits";
    for (from, to, expected, request) in [
        (Submitted, Some(Active), "Active", WAITS),
        (Submitted, Some(InProgress), "InProgress", WAITS),
        (Submitted, Some(Complete), "Complete", WAITS),
        (Submitted, Some(Refused), "Refused", "Cancelled"),
        (Submitted, Some(Submitted), STATE, WAITS),
        (Submitted, None, STATE, WAITS),
        (Active, Some(InProgress), "InProgress", WAITS),
        (Active, Some(Complete), "Complete", WAITS),
        (Active, Some(Refused), "Refused", "Cancelled"),
        (Active, Some(Submitted), STATE, WAITS),
        (Active, None, STATE, WAITS),
        (InProgress, Some(Complete), "Complete", WAITS),
        (InProgress, Some(Refused), "Refused", "Cancelled"),
        (InProgress, Some(Submitted), STATE, WAITS),
        (InProgress, None, STATE, WAITS),
        (Complete, Some(Active), STATE, WAITS),
        (Complete, Some(InProgress), STATE, WAITS),
        (Complete, Some(Complete), STATE, WAITS),
        (Complete, Some(Refused), STATE, WAITS),
        (Complete, None, "gone", WAITS),
        (Refused, Some(Active), STATE, "Cancelled"),
        (Refused, Some(InProgress), STATE, "Cancelled"),
        (Refused, Some(Complete), STATE, "Cancelled"),
        (Refused, Some(Refused), STATE, "Cancelled"),
        (Refused, None, "gone", "Cancelled"),
    ] {
        let (mut world, no, waits) = asked(from);
        let before = tables(&world);
        let ask = match to {
            Some(state) => Ask::AnswerOperator { no, state },
            None => Ask::RemoveOperator { no },
        };
        let found = match world.ask(&root(), ask) {
            Ok(_) => world
                .operator(no)
                .map_or_else(|| "gone".to_owned(), |now| format!("{:?}", now.state)),
            Err(refusal) => {
                assert!(tables(&world) == before, "{from:?} to {to:?}");
                format!("{:?}", refusal.kind)
            }
        };
        assert_eq!(found, expected, "{from:?} to {to:?}");
        let row = world.request(waits).unwrap();
        let became = if row.result.is_empty() {
            WAITS.to_owned()
        } else {
            format!("{:?}", kind_in(&row.result))
        };
        assert_eq!(became, request, "{from:?} to {to:?}");
        world.sound();
    }
}
