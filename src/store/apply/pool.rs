//! Pools and media types.

use crate::domain::access::Access;
use crate::domain::change::{PoolChange, Thing, TypeChange};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::state::{OperatorCommand, OperatorState, PoolType};
use crate::domain::time::Time;
use crate::store::statement::run;
use rusqlite::Connection;

/// Adds a media type: name and sides, then whether it can be rewritten and what it is.
pub(super) fn add_type(
    db: &Connection,
    no: ObjectNo,
    (name, sides): (&str, u32),
    (read_write, description): (&str, &str),
    time: Time,
) -> Result<()> {
    let sql = "INSERT INTO media_type (no, name, sides, read_write, description, modified) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    run(db, sql, (no, name, sides, read_write, description, time))
}

/// Changes a media type.
pub(super) fn change_type(
    db: &Connection,
    no: ObjectNo,
    change: &TypeChange,
    time: Time,
) -> Result<()> {
    match change {
        TypeChange::Sides(sides) => run(
            db,
            "UPDATE media_type SET sides = ?2, modified = ?3 WHERE no = ?1",
            (no, sides, time),
        ),
        TypeChange::ReadWrite(word) => run(
            db,
            "UPDATE media_type SET read_write = ?2, modified = ?3 WHERE no = ?1",
            (no, word, time),
        ),
        TypeChange::Description(text) => run(
            db,
            "UPDATE media_type SET description = ?2, modified = ?3 WHERE no = ?1",
            (no, text, time),
        ),
    }
}

/// Adds a pool below its parent. Finished requests are kept for 72 hours at first (product behaviour note 15).
pub(super) fn create(
    db: &Connection,
    pool: Thing,
    (parent, name): (ObjectNo, &str),
    (kind, media_type, access, kept): (PoolType, Option<&str>, &Access, bool),
    time: Time,
) -> Result<()> {
    let sql = "INSERT INTO pool (no, id, parent, name, kind, media_type, purge_time, uid, gid, mode, control, acl, \
               control_acl, created, modified, kept) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 259200000, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?14)";
    let Access {
        uid,
        gid,
        mode,
        control,
        acl,
        control_acl,
    } = access;
    run(
        db,
        sql,
        (
            pool.no,
            pool.id,
            parent,
            name,
            kind,
            media_type,
            uid,
            gid,
            mode,
            control,
            acl,
            control_acl,
            time,
            kept,
        ),
    )
}

/// Removes a pool and its counters.
pub(super) fn remove(db: &Connection, no: ObjectNo) -> Result<()> {
    run(db, "DELETE FROM tally WHERE pool = ?1", [no])?;
    run(db, "UPDATE operator SET pool = NULL WHERE pool = ?1", [no])?;
    run(db, "DELETE FROM pool WHERE no = ?1", [no])
}

/// Changes a pool. What a person has changed stays.
pub(super) fn change(db: &Connection, no: ObjectNo, change: &PoolChange, time: Time) -> Result<()> {
    macro_rules! set {
        ($column:literal, $value:expr) => {
            run(
                db,
                concat!(
                    "UPDATE pool SET ",
                    $column,
                    " = ?2, modified = ?3, kept = 1 WHERE no = ?1"
                ),
                (no, $value, time),
            )
        };
    }
    match change {
        PoolChange::Place { parent, name } => run(
            db,
            "UPDATE pool SET parent = ?2, name = ?3, modified = ?4, kept = 1 WHERE no = ?1",
            (no, parent, name, time),
        ),
        PoolChange::Description(text) => set!("description", text),
        PoolChange::MediaType(name) => set!("media_type", name),
        PoolChange::AllocateFromFree(on) => set!("from_free", on),
        PoolChange::DeallocateToFree(on) => set!("to_free", on),
        PoolChange::MaxAllocates(limit) => set!("max_allocates", limit),
        PoolChange::Selection(order) => set!("selection", order),
        PoolChange::DefaultTimeout(limit) => set!("default_timeout", limit),
        PoolChange::PurgeTime(limit) => set!("purge_time", limit),
        PoolChange::ReuseDelay(span) => set!("reuse_delay", span),
        PoolChange::WantAvailable(sides) => set!("want_available", sides),
        PoolChange::Access(access) => run(
            db,
            "UPDATE pool SET uid = ?2, gid = ?3, mode = ?4, control = ?5, acl = ?6, control_acl = ?7, modified = ?8, kept = 1 \
             WHERE no = ?1",
            (
                no,
                access.uid,
                access.gid,
                access.mode,
                access.control,
                &access.acl,
                &access.control_acl,
                time,
            ),
        ),
    }
}

/// A person is asked for media on behalf of a pool; the user is its owner.
pub(super) fn wanted(
    db: &Connection,
    no: ObjectNo,
    pool: ObjectNo,
    message: &str,
    time: Time,
) -> Result<()> {
    let sql = "INSERT INTO operator (no, command, message, state, pool, uid, submitted, modified) \
               SELECT ?1, ?2, ?3, ?4, no, uid, ?6, ?6 FROM pool WHERE no = ?5";
    let (command, state) = (OperatorCommand::NewMedia, OperatorState::Submitted);
    run(db, sql, (no, command, message, state, pool, time))?;
    let sql = "UPDATE pool SET want_operator = ?2 WHERE no = ?1";
    run(db, sql, (pool, no))
}

/// What was asked on behalf of a pool was done, or is gone. One that was refused is kept: the pool does not ask again.
pub(super) fn answered(db: &Connection, no: ObjectNo, state: Option<OperatorState>) -> Result<()> {
    if matches!(state, None | Some(OperatorState::Complete)) {
        let sql = "UPDATE pool SET want_operator = NULL WHERE want_operator = ?1";
        return run(db, sql, [no]);
    }
    Ok(())
}
