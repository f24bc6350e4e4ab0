//! The queue of each library: what the rule decides is recorded.
//!
//! Invariant: whatever could let a request go on is followed by a look at the queue of its library in the same
//! transaction, so after a crash nothing is left that only a forgotten thread knew.

use super::mounting::{change, drive_changed, empty, fail, inserted, pass};
use super::several;
use super::turn::Turn;
use crate::domain::access::Caller;
use crate::domain::change::LibraryChange;
use crate::domain::error::{ErrorKind, Result};
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::object::Library;
use crate::domain::rule::Mint as _;
use crate::domain::rule::mount::{Step, schedule};
use crate::domain::rule::operator::NOBODY;
use crate::domain::state::WorkKind;
use crate::domain::work::{DriveChange, Work, WorkChange, WorkRecord};
use crate::store::{fact, queue, read};
use std::collections::BTreeSet;

/// A queue that still has something to do after so many looks is left for the next change.
const LOOKS_MAX: usize = 64;

/// Looks at the queues of the libraries that the events since `from` concern.
pub(super) fn look(turn: &mut Turn<'_>, from: usize) -> Result<()> {
    let mut libraries = BTreeSet::new();
    for event in &turn.since(from) {
        libraries.extend(concerned(turn, event)?);
        note_stay(turn, event)?;
    }
    for library in libraries {
        serve(turn, library)?;
    }
    Ok(())
}

/// Notes until when a medium stays in a drive, if it does from now on or its time was changed.
fn note_stay(turn: &mut Turn<'_>, event: &Event) -> Result<()> {
    if let Event::DriveChanged {
        drive,
        change: DriveChange::Released,
        ..
    }
    | Event::ElementChanged { element: drive, .. } = event
    {
        let until = queue::stay(turn.writer.db(), *drive)?;
        turn.deadlines.extend(until.map(|until| (*drive, until)));
    }
    Ok(())
}

/// The libraries whose queue may go on after an event.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "few events let a library request go on, and a new one has to be thought of here"
)]
fn concerned(turn: &Turn<'_>, event: &Event) -> Result<Vec<ObjectNo>> {
    match event {
        Event::WorkRequested { work } => Ok(vec![work.library.no]),
        Event::WorkChanged { library, .. }
        | Event::DriveChanged { library, .. }
        | Event::ElementChanged { library, .. }
        | Event::LibraryChanged {
            library,
            change: LibraryChange::Enabled(true) | LibraryChange::State(_),
        } => Ok(vec![library.no]),
        Event::MediumChanged { medium, .. } => queue::wanting(turn.writer.db(), medium.no),
        Event::Deallocated { deallocation } => {
            queue::wanting(turn.writer.db(), deallocation.medium.no)
        }
        _ => Ok(Vec::new()),
    }
}

/// Gives the requests of a library what there is for them, until nothing more can be given.
pub(super) fn serve(turn: &mut Turn<'_>, library: ObjectNo) -> Result<()> {
    for _ in 0..LOOKS_MAX {
        let db = turn.writer.db();
        let Some(facts) = queue::facts(db, library, turn.now)? else {
            return Ok(());
        };
        let steps = schedule(&facts);
        if steps.is_empty() {
            return Ok(());
        }
        for step in steps {
            perform(turn, &facts.library, step)?;
        }
    }
    tracing::error!(%library, "the queue does not come to rest");
    Ok(())
}

fn perform(turn: &mut Turn<'_>, library: &Library, step: Step) -> Result<()> {
    let work = |turn: &Turn<'_>, no| fact::found(queue::work(turn.writer.db(), no)?, "work");
    match step {
        Step::Start { work: no, drive } => start(turn, library, &work(turn, no)?, drive),
        Step::Serve { work: no, drive } => inserted(turn, &work(turn, no)?, drive),
        Step::Insert {
            work: no,
            drive,
            message,
        } => ask(turn, &work(turn, no)?, Some(drive), message),
        // Another part that nobody can be asked for may have ended it.
        Step::Bring { work: no, message } => match work(turn, no)? {
            work if work.state.is_open() => ask(turn, &work, None, message),
            _ => Ok(()),
        },
        Step::Evict { drive } => evict(turn, library, drive),
        Step::Leave { work: no, drive } => leave(turn, library, &work(turn, no)?, (drive, true)),
        Step::Clear { work: no, drive } => leave(turn, library, &work(turn, no)?, (drive, false)),
        Step::Split { work: no } => several::split(turn, library, &work(turn, no)?),
        Step::Hand { work: no } => several::hand(turn, &work(turn, no)?),
        Step::Withdraw { work: no } => several::withdraw(turn, library, &work(turn, no)?),
        Step::Follow { work: no, part } => {
            several::follow(turn, &work(turn, no)?, &work(turn, part)?)
        }
        Step::Gather { work: no } => several::gather(turn, &work(turn, no)?),
        Step::Pass { work: no, result } => pass(turn, &work(turn, no)?, result),
        // As above.
        Step::Wait { work: no } => match work(turn, no)? {
            work if work.state.is_open() => change(turn, &work, WorkChange::Waiting),
            _ => Ok(()),
        },
        Step::End { work: no, refusal } => fail(turn, &work(turn, no)?, &refusal),
    }
}

pub(super) fn start(
    turn: &mut Turn<'_>,
    library: &Library,
    work: &Work,
    drive: Option<ObjectNo>,
) -> Result<()> {
    if let (WorkKind::Dismount, Some(drive)) = (work.kind, drive)
        && let Some(inside) = queue::inside(turn.writer.db(), drive)?
    {
        let medium = fact::found(read::medium(turn.writer.db(), inside.medium)?, "medium")?;
        drive_changed(turn, (library, &medium), drive, DriveChange::Unloading)?;
    }
    let operator = work.operator;
    change(turn, work, WorkChange::Started { drive, operator })
}

fn ask(turn: &mut Turn<'_>, work: &Work, drive: Option<ObjectNo>, message: String) -> Result<()> {
    let db = turn.writer.db();
    if !read::settings(db)?.attended {
        let refusal = ErrorKind::RequestRefused.because(format!("{message}: {NOBODY}"));
        let whole = several::whole(turn, work)?;
        return fail(turn, &whole, &refusal);
    }
    let (medium, _) = fact::found(queue::first_target(db, work)?, "medium")?;
    let asked = WorkChange::Asked {
        operator: turn.numbers.number(),
        medium: medium.no,
        pool: medium.pool,
        uid: work.caller.uid,
        drive,
        message,
    };
    change(turn, work, asked)
}

/// The daemon's own dismount of a medium that nobody has, because the drive is needed.
pub(super) fn evict(turn: &mut Turn<'_>, library: &Library, drive: ObjectNo) -> Result<()> {
    let db = turn.writer.db();
    let element = fact::found(read::element(db, drive)?, "drive")?;
    let no = turn.numbers.number();
    let work = WorkRecord {
        no,
        library: library.thing(),
        kind: WorkKind::Dismount,
        name: None,
        caller: Caller::daemon(),
        body: format!("dismount drive={} immediate", element.number),
        priority: 0,
        deadline: None,
        medium: element.medium,
        part_of: None,
    };
    turn.record(Event::WorkRequested {
        work: Box::new(work),
    })?;
    let work = fact::found(queue::work(turn.writer.db(), no)?, "work")?;
    start(turn, library, &work, Some(drive))
}

/// A dismount is done: its medium stays in the drive, ready for the next, or is out.
pub(super) fn leave(
    turn: &mut Turn<'_>,
    library: &Library,
    work: &Work,
    (drive, stays): (ObjectNo, bool),
) -> Result<()> {
    let db = turn.writer.db();
    let inside = fact::found(queue::inside(db, drive)?, "medium in the drive")?;
    let medium = fact::found(read::medium(db, inside.medium)?, "medium")?;
    let element = fact::found(read::element(db, drive)?, "drive")?;
    let done = if stays { "released" } else { "dismounted" };
    if stays {
        drive_changed(turn, (library, &medium), drive, DriveChange::Released)?;
    } else {
        empty(turn, library, drive, medium.no)?;
    }
    pass(
        turn,
        work,
        format!("ok {done} {} from drive {}\n", medium.name, element.number),
    )
}
