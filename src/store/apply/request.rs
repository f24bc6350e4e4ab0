//! Requests, allocations and what ends them.

use super::medium::{repool, reshare, restand};
use super::operator::withdraw;
use crate::domain::change::{Allocation, Deallocation, LogicalChange, RequestRecord, Swap};
use crate::domain::error::Result;
use crate::domain::id::{Guid, ObjectNo};
use crate::domain::label::MediaLabel;
use crate::domain::state::{Delivery, OperatorCommand, OperatorState, SideState};
use crate::domain::time::Time;
use crate::store::failed;
use crate::store::statement::{one, run};
use rusqlite::Connection;

/// A request waits: its row and its operator request.
pub(super) fn waiting(
    db: &Connection,
    (request, whole): (&RequestRecord, bool),
    asked: (Option<Time>, ObjectNo, &str),
    time: Time,
) -> Result<()> {
    let (deadline, operator, message) = asked;
    let Some(no) = request.no else { return Ok(()) };
    let sql = "INSERT INTO request (no, pool, name, caller, body, whole, state, deadline, operator, submitted, \
               modified) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, ?10)";
    let RequestRecord {
        pool,
        name,
        caller,
        body,
        submitted,
        ..
    } = request;
    run(
        db,
        sql,
        (
            no, pool.no, name, caller, body, whole, deadline, operator, submitted, time,
        ),
    )?;
    ask_operator(db, (operator, OperatorCommand::NewMedia, message), no, time)
}

/// Adds an operator request for a waiting request; its pool and user are those of the request.
fn ask_operator(
    db: &Connection,
    (no, command, message): (ObjectNo, OperatorCommand, &str),
    request: ObjectNo,
    time: Time,
) -> Result<()> {
    let sql = "INSERT INTO operator (no, command, message, state, pool, request, uid, submitted, modified) \
               SELECT ?1, ?2, ?3, ?4, pool, no, json_extract(caller, '$.uid'), ?6, ?6 FROM request WHERE no = ?5";
    run(
        db,
        sql,
        (
            no,
            command,
            message,
            OperatorState::Submitted,
            request,
            time,
        ),
    )
}

/// The operator request of a waiting request was answered in vain: a new one takes its place.
pub(super) fn ask_again(
    db: &Connection,
    asked: (ObjectNo, OperatorCommand, &str),
    request: ObjectNo,
    time: Time,
) -> Result<()> {
    ask_operator(db, asked, request, time)?;
    run(
        db,
        "UPDATE request SET operator = ?2 WHERE no = ?1",
        (request, asked.0),
    )
}

/// A request has its result: a named one keeps it, the row of any other goes. Its open operator request goes too.
pub(super) fn finish(
    db: &Connection,
    request: &RequestRecord,
    result: &str,
    time: Time,
) -> Result<()> {
    withdraw(db, request.operator)?;
    let Some(no) = request.no else { return Ok(()) };
    let RequestRecord {
        pool,
        name,
        caller,
        body,
        submitted,
        purge,
        ..
    } = request;
    if name.is_none() {
        return run(db, "DELETE FROM request WHERE no = ?1", [no]);
    }
    let sql = "INSERT INTO request (no, pool, name, caller, body, whole, state, result, submitted, modified, purge) \
               VALUES (?1, ?2, ?3, ?4, ?5, 0, 1, ?6, ?7, ?8, ?9) \
               ON CONFLICT (no) DO UPDATE SET state = 1, result = ?6, modified = ?8, purge = ?9, deadline = NULL";
    run(
        db,
        sql,
        (
            no, pool.no, name, caller, body, result, submitted, time, purge,
        ),
    )
}

/// A request got a side.
pub(super) fn allocated(db: &Connection, allocation: &Allocation, time: Time) -> Result<()> {
    let Allocation {
        logical,
        side,
        medium,
        request,
        name,
        description,
        from_pool,
        from_path,
        was,
        ..
    } = allocation;
    if allocation.drawn_from.is_some() {
        repool(db, medium.no, request.pool.no, time)?;
    }
    let sql = "UPDATE side SET state = 5, allocations = allocations + 1, idle_since = ?2, in_set = ?3, modified = ?2 \
               WHERE no = ?1";
    run(db, sql, (side.no, time, allocation.in_set))?;
    for reserved in &allocation.reserved {
        run(
            db,
            "UPDATE side SET state = 9, modified = ?2 WHERE no = ?1",
            (reserved, time),
        )?;
    }
    let delivery = i64::from(request.name.is_none());
    let sql = "INSERT INTO logical (no, id, name, description, side, owner, from_pool, from_path, was, delivery, \
               created, modified) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)";
    let owner = request.caller.uid;
    run(
        db,
        sql,
        (
            logical.no,
            logical.id,
            name,
            description,
            side.no,
            owner,
            from_pool,
            from_path,
            was,
            delivery,
            time,
        ),
    )?;
    reshare(db, medium.no)?;
    finish(db, request, &allocation.result, time)
}

/// A side was given back.
pub(super) fn deallocated(db: &Connection, deallocation: &Deallocation, time: Time) -> Result<()> {
    let Deallocation {
        logical,
        side,
        medium,
        state,
        undone,
        rests_until,
        ..
    } = deallocation;
    run(db, "DELETE FROM logical WHERE no = ?1", [logical.no])?;
    let sql = "UPDATE side SET state = ?2, allocations = allocations - ?3, idle_since = ?4, in_set = 0, modified = ?4, \
               rests_until = ?5 WHERE no = ?1";
    let undone = i64::from(*undone);
    run(db, sql, (side.no, state, undone, time, rests_until))?;
    if rests_until.is_some() {
        restand(db, medium.no)?;
    }
    for freed in &deallocation.freed {
        run(
            db,
            "UPDATE side SET state = ?2, modified = ?3 WHERE no = ?1",
            (freed, SideState::Available, time),
        )?;
    }
    if let Some(free) = deallocation.to_free {
        repool(db, medium.no, free, time)?;
    }
    reshare(db, medium.no)
}

/// A logical medium was changed.
pub(super) fn logical(
    db: &Connection,
    no: ObjectNo,
    change: &LogicalChange,
    time: Time,
) -> Result<()> {
    match change {
        LogicalChange::Name(name) => run(
            db,
            "UPDATE logical SET name = ?2, modified = ?3 WHERE no = ?1",
            (no, name, time),
        ),
        LogicalChange::Description(text) => run(
            db,
            "UPDATE logical SET description = ?2, modified = ?3 WHERE no = ?1",
            (no, text, time),
        ),
        LogicalChange::Labelled { side, label } => {
            let sql = "UPDATE side SET label_type = ?2, label_id = ?3, label_info = ?4, \
                       capacity = coalesce(?5, capacity), modified = ?6 WHERE no = ?1";
            let MediaLabel {
                kind,
                id,
                info,
                capacity,
            } = label;
            run(db, sql, (side, kind, id, info, capacity, time))?;
            run(
                db,
                "UPDATE logical SET labelled = ?2, modified = ?3 WHERE no = ?1",
                (no, !label.is_empty(), time),
            )
        }
        LogicalChange::Completed { side } => {
            run(
                db,
                "UPDATE side SET state = 6, modified = ?2 WHERE no = ?1",
                (side, time),
            )?;
            run(
                db,
                "UPDATE logical SET modified = ?2 WHERE no = ?1",
                (no, time),
            )
        }
    }
}

/// Two logical media exchanged their sides. With a side goes what it was before and where its medium came from.
pub(super) fn swapped(db: &Connection, swap: &Swap, time: Time) -> Result<()> {
    let sql = "SELECT was, from_pool, from_path FROM logical WHERE no = ?1";
    let source = |no: ObjectNo| {
        one(db, sql, [no], |row| {
            Ok((
                row.get::<_, SideState>(0)?,
                row.get::<_, Guid>(1)?,
                row.get::<_, String>(2)?,
            ))
        })
    };
    let (own, others) = (source(swap.logical.no)?, source(swap.other.no)?);
    let (Some(own), Some(others)) = (own, others) else {
        return Ok(());
    };
    // No two may have one side, not even in between: the first has none for a moment.
    db.pragma_update(None, "defer_foreign_keys", true)
        .map_err(failed)?;
    let none = "UPDATE logical SET side = -no WHERE no = ?1";
    run(db, none, [swap.logical.no])?;
    // What an owner said of the side that he had says nothing of the one that he has.
    let sql = "UPDATE logical SET side = ?2, was = ?3, from_pool = ?4, from_path = ?5, modified = ?6, labelled = 0 \
               WHERE no = ?1";
    let (was, id, path) = own;
    let side = swap.other_side.no;
    run(db, sql, (swap.other.no, side, was, id, path, time))?;
    let (was, id, path) = others;
    let side = swap.side.no;
    run(db, sql, (swap.logical.no, side, was, id, path, time))?;
    db.pragma_update(None, "defer_foreign_keys", false)
        .map_err(failed)?;
    let sql = "UPDATE side SET modified = ?3 WHERE no IN (?1, ?2)";
    run(db, sql, (swap.side.no, swap.other_side.no, time))
}

/// What is known of the delivery of anonymous allocations.
pub(super) fn delivery(db: &Connection, logical: &[ObjectNo], delivery: Delivery) -> Result<()> {
    logical.iter().try_for_each(|no| {
        run(
            db,
            "UPDATE logical SET delivery = ?2 WHERE no = ?1",
            (no, delivery),
        )
    })
}
