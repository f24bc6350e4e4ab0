//! What a library reports of its work, and what follows when it has failed.

use super::mounting::{change, drive_changed, empty, fail, loaded};
use super::serving::leave;
use super::turn::Turn;
use crate::domain::ask::Reply;
use crate::domain::change::LibraryChange;
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::rule::Mint as _;
use crate::domain::rule::library::{After, after_failure as decide, recover, service};
use crate::domain::state::{LibraryState, WorkKind};
use crate::domain::work::{DriveChange, WorkChange};
use crate::store::{fact, queue, read};

/// A library has put the medium of a mount into its drive.
pub(super) fn moved(turn: &mut Turn<'_>, no: ObjectNo) -> Result<Reply> {
    let db = turn.writer.db();
    let Some(task) = queue::task(db, no)?.filter(|task| task.work.kind == WorkKind::Mount) else {
        return Ok(Reply::Done);
    };
    match task.work.drive {
        Some(drive) if queue::inside(db, drive)?.is_none() => {
            drive_changed(turn, (&task.library, &task.medium), drive, put_in(&task))?;
        }
        Some(_) | None => {}
    }
    Ok(Reply::Done)
}

fn put_in(task: &queue::Task) -> DriveChange {
    DriveChange::Moved {
        side: task.side.no,
        uid: task.work.caller.uid,
        writes: task.writes,
    }
}

/// A library has done a mount or dismount, or failed.
pub(super) fn worked(
    turn: &mut Turn<'_>,
    no: ObjectNo,
    outcome: &std::result::Result<String, Refusal>,
    inside: bool,
) -> Result<Reply> {
    let Some(task) = queue::task(turn.writer.db(), no)? else {
        return Ok(Reply::Done);
    };
    let Some(drive) = task.work.drive else {
        return Ok(Reply::Done);
    };
    match (outcome, task.work.kind) {
        (Ok(device), WorkKind::Mount) if task.work.part_of.is_some() => {
            let device = device.clone();
            change(turn, &task.work, WorkChange::Ready { device })?;
        }
        (Ok(device), WorkKind::Mount) => {
            let has = (drive, task.side.no, task.writes);
            loaded(turn, &task.work, (&task.library, &task.medium), has, device)?;
        }
        (Ok(_), _) => leave(turn, &task.library, &task.work, (drive, task.deferred))?,
        (Err(refusal), _) => {
            left_behind(turn, &task, drive, inside)?;
            fail(turn, &task.work, refusal)?;
            after_failure(turn, &task, drive, (refusal, inside))?;
        }
    }
    if outcome.is_ok() && task.library.recovering {
        turn.record(Event::LibraryChanged {
            library: task.library.thing(),
            change: LibraryChange::Recovering(false),
        })?;
    }
    Ok(Reply::Done)
}

/// After a failure: the medium is where the library says.
fn left_behind(
    turn: &mut Turn<'_>,
    task: &queue::Task,
    drive: ObjectNo,
    inside: bool,
) -> Result<()> {
    let known = queue::inside(turn.writer.db(), drive)?.is_some();
    if !inside {
        return if known {
            empty(turn, &task.library, drive, task.medium.no)
        } else {
            Ok(())
        };
    }
    if !known {
        drive_changed(turn, (&task.library, &task.medium), drive, put_in(task))?;
    }
    drive_changed(
        turn,
        (&task.library, &task.medium),
        drive,
        DriveChange::Released,
    )
}

/// The library looks into its slots, or a person has to look after a drive that keeps its medium, or one that has another
/// medium in it than was thought.
fn after_failure(
    turn: &mut Turn<'_>,
    task: &queue::Task,
    drive: ObjectNo,
    (refusal, stuck): (&Refusal, bool),
) -> Result<()> {
    let db = turn.writer.db();
    let library = fact::found(read::library(db, task.library.no)?, "library")?;
    let drive = fact::found(read::element(db, drive)?, "drive")?;
    let asked = queue::service_asked(db, drive.no)?;
    let after = decide(&library, refusal.kind, stuck);
    if after == After::Inventory {
        let events = recover(&library, turn.numbers);
        turn.record_all(events)?;
    }
    if after == After::Person {
        turn.record(Event::LibraryChanged {
            library: library.thing(),
            change: LibraryChange::State(LibraryState::NeedsService),
        })?;
    }
    let told = after == After::Person || refusal.kind == ErrorKind::UnexpectedOmid;
    if asked || !told {
        return Ok(());
    }
    let no = turn.numbers.number();
    let operator = service(
        &library,
        &drive,
        &task.medium,
        (stuck, &refusal.sentence),
        no,
    );
    turn.record(Event::OperatorSubmitted {
        operator: Box::new(operator),
    })
}
