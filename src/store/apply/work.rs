//! Library requests, the queue, and what is in the drives.

use super::operator::withdraw;
use crate::domain::change::Thing;
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::state::{DriveState, OperatorCommand, OperatorState, WorkKind, WorkState};
use crate::domain::time::Time;
use crate::domain::work::{DriveChange, WorkChange, WorkRecord};
use crate::store::statement::run;
use rusqlite::Connection;

/// Adds work that no request asked for.
pub(super) fn queue(
    db: &Connection,
    no: ObjectNo,
    library: ObjectNo,
    kind: WorkKind,
    time: Time,
) -> Result<()> {
    let sql = "INSERT INTO work (no, library, kind, queued, rank, modified) VALUES (?1, ?2, ?3, ?4, ?1, ?4)";
    run(db, sql, (no, library, kind, time))
}

/// Ends work that no request asked for, with the reason if it failed.
pub(super) fn finish(db: &Connection, no: ObjectNo, error: Option<&str>, time: Time) -> Result<()> {
    let state = if error.is_none() {
        WorkState::Passed
    } else {
        WorkState::Failed
    };
    run(
        db,
        "UPDATE work SET finished = ?2, error = ?3, state = ?4, modified = ?2 WHERE no = ?1",
        (no, time, error, state),
    )
}

/// Adds a library request.
pub(super) fn request(db: &Connection, work: &WorkRecord, time: Time) -> Result<()> {
    let sql = "INSERT INTO work (no, library, kind, queued, rank, modified, name, caller, body, priority, medium, \
               deadline, part_of) VALUES (?1, ?2, ?3, ?4, ?1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let WorkRecord {
        no,
        library,
        kind,
        name,
        caller,
        body,
        priority,
        medium,
        deadline,
        part_of,
    } = work;
    run(
        db,
        sql,
        (
            no, library.no, kind, time, name, caller, body, priority, medium, deadline, part_of,
        ),
    )
}

/// Changes a library request.
pub(super) fn change(
    db: &Connection,
    no: ObjectNo,
    library: Thing,
    change: &WorkChange,
    time: Time,
) -> Result<()> {
    let state = |state: WorkState| {
        let sql = "UPDATE work SET state = ?2, modified = ?3 WHERE no = ?1";
        run(db, sql, (no, state, time))
    };
    match change {
        WorkChange::Started { drive, operator } => {
            withdraw(db, *operator)?;
            let sql = "UPDATE work SET drive = ?2, operator = NULL WHERE no = ?1";
            run(db, sql, (no, drive))?;
            state(WorkState::InProcess)
        }
        WorkChange::Ready { device } => run(
            db,
            "UPDATE work SET result = ?2, modified = ?3 WHERE no = ?1",
            (no, device, time),
        ),
        WorkChange::Waiting => {
            run(db, "UPDATE work SET operator = NULL WHERE no = ?1", [no])?;
            state(WorkState::Waiting)
        }
        WorkChange::Asked { .. } => {
            asked(db, no, library, change, time)?;
            state(WorkState::Waiting)
        }
        WorkChange::Ended {
            state: ended,
            result,
            error,
            operator,
            ..
        } => {
            withdraw(db, *operator)?;
            let sql = "UPDATE work SET finished = ?2, result = ?3, error = ?4, drive = NULL, operator = NULL, \
                       deadline = NULL WHERE no = ?1";
            run(db, sql, (no, time, result, error))?;
            state(*ended)
        }
        WorkChange::Forgotten => run(db, "DELETE FROM work WHERE no = ?1", [no]),
    }
}

/// A person is asked for the medium of a request.
fn asked(
    db: &Connection,
    no: ObjectNo,
    library: Thing,
    change: &WorkChange,
    time: Time,
) -> Result<()> {
    let WorkChange::Asked {
        operator,
        medium,
        pool,
        uid,
        drive,
        message,
    } = change
    else {
        return Ok(());
    };
    let sql = "INSERT INTO operator (no, command, message, state, pool, uid, submitted, modified, library, \
               medium) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9)";
    let (command, state) = (OperatorCommand::MoveMedia, OperatorState::Submitted);
    run(
        db,
        sql,
        (
            operator, command, message, state, pool, uid, time, library.no, medium,
        ),
    )?;
    let sql = "UPDATE work SET drive = ?2, operator = ?3, medium = ?4 WHERE no = ?1";
    run(db, sql, (no, drive, operator, medium))
}

/// Gives requests their places.
pub(super) fn order(db: &Connection, ranks: &[(ObjectNo, i64)], time: Time) -> Result<()> {
    let sql = "UPDATE work SET rank = ?2, modified = ?3 WHERE no = ?1";
    ranks
        .iter()
        .try_for_each(|(no, rank)| run(db, sql, (no, rank, time)))
}

/// Changes what is in a drive.
pub(super) fn drive(
    db: &Connection,
    library: Thing,
    (drive, medium): (ObjectNo, Thing),
    change: &DriveChange,
    time: Time,
) -> Result<()> {
    let state = |state: DriveState| {
        let sql = "UPDATE mounted SET state = ?2, modified = ?3 WHERE drive = ?1";
        run(db, sql, (drive, state, time))
    };
    let put = |(side, uid, writes): (&ObjectNo, &u32, &bool), state: DriveState, device: &str| {
        let sql = "INSERT INTO mounted (drive, library, medium, side, state, uid, writes, device, modified) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (drive) DO UPDATE SET \
                   side = ?4, state = ?5, uid = ?6, writes = ?7, device = ?8, modified = ?9";
        run(
            db,
            sql,
            (
                drive, library.no, medium.no, side, state, uid, writes, device, time,
            ),
        )
    };
    match change {
        DriveChange::Moved { side, uid, writes } => {
            put((side, uid, writes), DriveState::Mounted, "")?;
        }
        DriveChange::Loaded {
            side,
            uid,
            writes,
            device,
        } => {
            put((side, uid, writes), DriveState::Loaded, device)?;
            let sql = "UPDATE side SET mounts = mounts + 1, modified = ?2 WHERE no = ?1";
            run(db, sql, (side, time))?;
        }
        DriveChange::Released => state(DriveState::Dismountable)?,
        DriveChange::Unloading => state(DriveState::Unloaded)?,
        DriveChange::Emptied => run(db, "DELETE FROM mounted WHERE drive = ?1", [drive])?,
    }
    run(
        db,
        "UPDATE medium SET modified = ?2 WHERE no = ?1",
        (medium.no, time),
    )
}
