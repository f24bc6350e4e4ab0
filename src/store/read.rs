//! One object by its key: every function is one indexed query.
//!
//! `None` means that there is no such object. Any failure of the engine is [`ErrorKind::DatabaseFailure`].

use super::statement::{many, one};
use crate::domain::access::Access;
use crate::domain::acl::Acl;
use crate::domain::error::{ErrorKind, Result};
use crate::domain::id::{Guid, ObjectNo};
use crate::domain::label::MediaLabel;
use crate::domain::object::{
    Element, Library, Logical, MediaType, Medium, Operator, Pool, Request, Side,
};
use crate::domain::setting::Settings;
use crate::domain::state::{ElementKind, PoolType, SideState};
use rusqlite::{Connection, Row};

type Sql<T> = rusqlite::Result<T>;

/// Columns of a pool, in the order that [`pool_row`] reads.
macro_rules! pool_columns {
    () => {
        "SELECT no, id, parent, name, description, kind, media_type, from_free, to_free, max_allocates, selection, \
         default_timeout, purge_time, uid, gid, mode, control, created, modified, acl, control_acl, reuse_delay, \
         want_available, want_operator, kept FROM pool "
    };
}

fn pool_row(row: &Row<'_>) -> Sql<Pool> {
    Ok(Pool {
        no: row.get(0)?,
        id: row.get(1)?,
        parent: row.get(2)?,
        name: row.get(3)?,
        description: row.get(4)?,
        kind: row.get(5)?,
        media_type: row.get(6)?,
        allocate_from_free: row.get(7)?,
        deallocate_to_free: row.get(8)?,
        max_allocates: row.get(9)?,
        selection: row.get(10)?,
        default_timeout: row.get(11)?,
        purge_time: row.get(12)?,
        reuse_delay: row.get(21)?,
        want_available: row.get(22)?,
        want_operator: row.get(23)?,
        kept: row.get(24)?,
        access: Access {
            uid: row.get(13)?,
            gid: row.get(14)?,
            mode: row.get(15)?,
            control: row.get(16)?,
            acl: row.get(19)?,
            control_acl: row.get(20)?,
        },
        created: row.get(17)?,
        modified: row.get(18)?,
    })
}

/// Returns a pool.
pub fn pool(db: &Connection, no: ObjectNo) -> Result<Option<Pool>> {
    one(
        db,
        concat!(pool_columns!(), "WHERE no = ?1"),
        [no],
        pool_row,
    )
}

/// Returns the pool of that name below a parent.
pub fn pool_named(db: &Connection, parent: ObjectNo, name: &str) -> Result<Option<Pool>> {
    one(
        db,
        concat!(pool_columns!(), "WHERE parent = ?1 AND name = ?2"),
        (parent, name),
        pool_row,
    )
}

/// Returns the leaf of a system pool for a media type.
pub fn system_pool(db: &Connection, kind: PoolType, media_type: &str) -> Result<Option<Pool>> {
    one(
        db,
        concat!(pool_columns!(), "WHERE kind = ?1 AND media_type = ?2"),
        (kind, media_type),
        pool_row,
    )
}

/// Returns the application pools of a media type that draw from free.
pub fn pools_drawing(db: &Connection, media_type: &str) -> Result<Vec<Pool>> {
    let sql = concat!(
        pool_columns!(),
        "WHERE kind = 1000 AND media_type = ?1 AND from_free = 1"
    );
    many(db, sql, [media_type], pool_row)
}

/// Returns the pools of a media type that want sides available.
pub fn pools_wanting(db: &Connection, media_type: &str) -> Result<Vec<ObjectNo>> {
    let sql = "SELECT no FROM pool WHERE media_type = ?1 AND want_available > 0 ORDER BY no";
    many(db, sql, [media_type], |row| row.get(0))
}

/// Returns the path of a pool below `pools/`, as `Backup/Daily`.
pub fn pool_path(db: &Connection, pool: &Pool) -> Result<String> {
    let (mut path, mut parent) = (pool.name.clone(), pool.parent);
    while let Some(above) = self::pool(db, parent)? {
        path = format!("{}/{path}", above.name);
        parent = above.parent;
    }
    Ok(path)
}

/// Columns of a medium, in the order that [`medium_row`] reads.
macro_rules! medium_columns {
    () => {
        "SELECT no, id, name, barcode, description, media_type, pool, enabled, library, slot, created, modified, \
         by_rule FROM medium "
    };
}

fn medium_row(row: &Row<'_>) -> Sql<Medium> {
    let no: ObjectNo = row.get(0)?;
    Ok(Medium {
        no,
        id: row.get(1)?,
        name: row.get(2)?,
        barcode: row.get(3)?,
        sequence_number: no.0,
        description: row.get(4)?,
        media_type: row.get(5)?,
        pool: row.get(6)?,
        enabled: row.get(7)?,
        library: row.get(8)?,
        slot: row.get(9)?,
        created: row.get(10)?,
        modified: row.get(11)?,
        by_rule: row.get(12)?,
    })
}

/// Returns a medium.
pub fn medium(db: &Connection, no: ObjectNo) -> Result<Option<Medium>> {
    one(
        db,
        concat!(medium_columns!(), "WHERE no = ?1"),
        [no],
        medium_row,
    )
}

/// Returns the medium of that name.
pub fn medium_named(db: &Connection, name: &str) -> Result<Option<Medium>> {
    one(
        db,
        concat!(medium_columns!(), "WHERE name = ?1"),
        [name],
        medium_row,
    )
}

/// Returns the medium with that bar code.
pub fn medium_coded(db: &Connection, barcode: &str) -> Result<Option<Medium>> {
    one(
        db,
        concat!(medium_columns!(), "WHERE barcode = ?1"),
        [barcode],
        medium_row,
    )
}

/// Returns the medium in a slot.
pub fn medium_in(db: &Connection, slot: ObjectNo) -> Result<Option<Medium>> {
    one(
        db,
        concat!(medium_columns!(), "WHERE slot = ?1"),
        [slot],
        medium_row,
    )
}

/// Columns of a side, in the order that [`side_row`] reads.
macro_rules! side_columns {
    () => {
        "SELECT side.no, side.id, medium, ordinal, state, allocations, mounts, idle_since, in_set, side.modified, \
         rests_until, (SELECT no FROM logical WHERE logical.side = side.no) FROM side "
    };
}

pub(super) fn side_row(row: &Row<'_>) -> Sql<Side> {
    Ok(Side {
        no: row.get(0)?,
        id: row.get(1)?,
        medium: row.get(2)?,
        letter: letter(row.get(3)?),
        state: row.get(4)?,
        allocations: row.get(5)?,
        mounts: row.get(6)?,
        idle_since: row.get(7)?,
        in_set: row.get(8)?,
        modified: row.get(9)?,
        rests_until: row.get(10)?,
        logical: row.get(11)?,
    })
}

/// Returns the letter of a side: 0 is A.
pub fn letter(ordinal: u32) -> String {
    char::from_u32(u32::from('A') + ordinal)
        .unwrap_or('?')
        .to_string()
}

/// Returns the position of a letter among the sides, for [`side_lettered`].
pub fn ordinal(letter: &str) -> Option<u32> {
    let mut letters = letter.chars();
    match (letters.next(), letters.next()) {
        (Some(letter @ 'A'..='Z'), None) => u32::from(letter).checked_sub(u32::from('A')),
        _ => None,
    }
}

/// Returns a side.
pub fn side(db: &Connection, no: ObjectNo) -> Result<Option<Side>> {
    one(
        db,
        concat!(side_columns!(), "WHERE side.no = ?1"),
        [no],
        side_row,
    )
}

/// Returns the label of a side; an empty one if it has none. `None`: there is no such side.
pub fn label(db: &Connection, side: ObjectNo) -> Result<Option<MediaLabel>> {
    let sql = "SELECT label_type, label_id, label_info, capacity FROM side WHERE no = ?1";
    one(db, sql, [side], |row| {
        Ok(MediaLabel {
            kind: row.get(0)?,
            id: row.get(1)?,
            info: row.get(2)?,
            capacity: row.get(3)?,
        })
    })
}

/// Returns the side with that identifier.
pub fn side_by_id(db: &Connection, id: Guid) -> Result<Option<Side>> {
    one(
        db,
        concat!(side_columns!(), "WHERE side.id = ?1"),
        [id],
        side_row,
    )
}

/// Returns the sides of a medium in their order.
pub fn sides(db: &Connection, medium: ObjectNo) -> Result<Vec<Side>> {
    many(
        db,
        concat!(side_columns!(), "WHERE medium = ?1 ORDER BY ordinal"),
        [medium],
        side_row,
    )
}

/// Returns the side of a medium with that letter.
pub fn side_lettered(db: &Connection, medium: ObjectNo, letter: &str) -> Result<Option<Side>> {
    let Some(ordinal) = ordinal(letter) else {
        return Ok(None);
    };
    one(
        db,
        concat!(side_columns!(), "WHERE medium = ?1 AND ordinal = ?2"),
        (medium, ordinal),
        side_row,
    )
}

/// Columns of a logical medium, in the order that [`logical_row`] reads.
macro_rules! logical_columns {
    () => {
        "SELECT logical.no, logical.id, name, description, side, side.pool, owner, from_pool, from_path, was, delivery, \
         created, logical.modified FROM logical JOIN side ON side.no = logical.side "
    };
}

fn logical_row(row: &Row<'_>) -> Sql<Logical> {
    Ok(Logical {
        no: row.get(0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        side: row.get(4)?,
        pool: row.get(5)?,
        owner: row.get(6)?,
        from_pool: row.get(7)?,
        from_path: row.get(8)?,
        was: row.get(9)?,
        delivery: row.get(10)?,
        created: row.get(11)?,
        modified: row.get(12)?,
    })
}

/// Returns a logical medium.
pub fn logical(db: &Connection, no: ObjectNo) -> Result<Option<Logical>> {
    one(
        db,
        concat!(logical_columns!(), "WHERE logical.no = ?1"),
        [no],
        logical_row,
    )
}

/// Returns the logical medium with that LMID.
pub fn logical_by_id(db: &Connection, id: Guid) -> Result<Option<Logical>> {
    one(
        db,
        concat!(logical_columns!(), "WHERE logical.id = ?1"),
        [id],
        logical_row,
    )
}

/// Columns of a library, in the order that [`library_row`] reads.
macro_rules! library_columns {
    () => {
        "SELECT no, id, name, description, driver, enabled, state, uid, gid, mode, created, modified, acl, \
         inventory_method, auto_recovery, recovering FROM library "
    };
}

fn library_row(row: &Row<'_>) -> Sql<Library> {
    let mode = row.get(9)?;
    let acl: Option<Acl> = row.get(12)?;
    Ok(Library {
        no: row.get(0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        driver: row.get(4)?,
        enabled: row.get(5)?,
        state: row.get(6)?,
        inventory_method: row.get(13)?,
        auto_recovery: row.get(14)?,
        recovering: row.get(15)?,
        access: Access {
            uid: row.get(7)?,
            gid: row.get(8)?,
            mode,
            control: mode & 0o666,
            control_acl: acl.as_ref().map(|acl| acl.map(|bits| bits & 6)),
            acl,
        },
        created: row.get(10)?,
        modified: row.get(11)?,
    })
}

/// Returns a library.
pub fn library(db: &Connection, no: ObjectNo) -> Result<Option<Library>> {
    one(
        db,
        concat!(library_columns!(), "WHERE no = ?1"),
        [no],
        library_row,
    )
}

/// Returns the library of that name.
pub fn library_named(db: &Connection, name: &str) -> Result<Option<Library>> {
    one(
        db,
        concat!(library_columns!(), "WHERE name = ?1"),
        [name],
        library_row,
    )
}

/// Columns of an element, in the order that [`element_row`] reads.
macro_rules! element_columns {
    () => {
        "SELECT no, library, kind, number, coalesce((SELECT medium FROM mounted WHERE drive = element.no), \
         (SELECT no FROM medium WHERE slot = element.no \
         AND NOT EXISTS (SELECT 1 FROM mounted WHERE mounted.medium = medium.no))), defer_delay FROM element "
    };
}

fn element_row(row: &Row<'_>) -> Sql<Element> {
    Ok(Element {
        no: row.get(0)?,
        library: row.get(1)?,
        kind: row.get(2)?,
        number: row.get(3)?,
        medium: row.get(4)?,
        defer_delay: row.get(5)?,
    })
}

/// Returns a slot, drive or port.
pub fn element(db: &Connection, no: ObjectNo) -> Result<Option<Element>> {
    one(
        db,
        concat!(element_columns!(), "WHERE no = ?1"),
        [no],
        element_row,
    )
}

/// Returns the slot, drive or port of a library with that number.
pub fn element_at(
    db: &Connection,
    library: ObjectNo,
    kind: ElementKind,
    number: u32,
) -> Result<Option<Element>> {
    let sql = concat!(
        element_columns!(),
        "WHERE library = ?1 AND kind = ?2 AND number = ?3"
    );
    one(db, sql, (library, kind, number), element_row)
}

/// Columns of a media type, in the order that [`media_type_row`] reads.
macro_rules! media_type_columns {
    () => {
        "SELECT no, name, sides, read_write, description, modified FROM media_type "
    };
}

fn media_type_row(row: &Row<'_>) -> Sql<MediaType> {
    Ok(MediaType {
        no: row.get(0)?,
        name: row.get(1)?,
        sides: row.get(2)?,
        read_write: row.get(3)?,
        description: row.get(4)?,
        modified: row.get(5)?,
    })
}

/// Returns a media type.
pub fn media_type(db: &Connection, no: ObjectNo) -> Result<Option<MediaType>> {
    one(
        db,
        concat!(media_type_columns!(), "WHERE no = ?1"),
        [no],
        media_type_row,
    )
}

/// Returns the media type of that name.
pub fn media_type_named(db: &Connection, name: &str) -> Result<Option<MediaType>> {
    one(
        db,
        concat!(media_type_columns!(), "WHERE name = ?1"),
        [name],
        media_type_row,
    )
}

/// Reads an operator request of the columns no, command, message, state, pool, library, medium, element, request, uid,
/// submitted, modified, deadline, `timed_out`.
pub(super) fn operator_row(row: &Row<'_>) -> Sql<Operator> {
    Ok(Operator {
        no: row.get(0)?,
        command: row.get(1)?,
        message: row.get(2)?,
        state: row.get(3)?,
        pool: row.get(4)?,
        library: row.get(5)?,
        medium: row.get(6)?,
        element: row.get(7)?,
        request: row.get(8)?,
        uid: row.get(9)?,
        submitted: row.get(10)?,
        modified: row.get(11)?,
        deadline: row.get(12)?,
        timed_out: row.get(13)?,
    })
}

/// Returns an operator request.
pub fn operator(db: &Connection, no: ObjectNo) -> Result<Option<Operator>> {
    let sql = "SELECT no, command, message, state, pool, library, medium, element, request, uid, submitted, modified, \
               deadline, timed_out FROM operator WHERE no = ?1";
    one(db, sql, [no], operator_row)
}

/// Returns what holds for the whole system.
pub fn settings(db: &Connection) -> Result<Settings> {
    let sql = "SELECT operator_purge_time, operator_auto_purge, operator_keep_failed, attended, hook_timeout, hook_ages, \
               modified, retention FROM settings WHERE no = 1";
    let row = |row: &Row<'_>| {
        Ok(Settings {
            operator_purge_time: row.get(0)?,
            operator_auto_purge: row.get(1)?,
            operator_keep_failed: row.get(2)?,
            attended: row.get(3)?,
            hook_timeout: row.get(4)?,
            hook_ages: row.get(5)?,
            modified: row.get(6)?,
            retention: row.get(7)?,
        })
    };
    one(db, sql, [], row)?
        .ok_or_else(|| ErrorKind::DatabaseFailure.because("the settings are gone"))
}

/// Columns of a request, in the order that [`request_row`] reads.
macro_rules! request_columns {
    () => {
        "SELECT no, pool, name, caller, body, state, deadline, operator, result, submitted, modified FROM request "
    };
}

fn request_row(row: &Row<'_>) -> Sql<Request> {
    Ok(Request {
        no: row.get(0)?,
        pool: row.get(1)?,
        name: row.get(2)?,
        caller: row.get(3)?,
        body: row.get(4)?,
        state: row.get(5)?,
        deadline: row.get(6)?,
        operator: row.get(7)?,
        result: row.get(8)?,
        submitted: row.get(9)?,
        modified: row.get(10)?,
    })
}

/// Returns a named or waiting request.
pub fn request(db: &Connection, no: ObjectNo) -> Result<Option<Request>> {
    one(
        db,
        concat!(request_columns!(), "WHERE no = ?1"),
        [no],
        request_row,
    )
}

/// Returns the request of that name in a pool.
pub fn request_named(db: &Connection, pool: ObjectNo, name: &str) -> Result<Option<Request>> {
    one(
        db,
        concat!(request_columns!(), "WHERE pool = ?1 AND name = ?2"),
        (pool, name),
        request_row,
    )
}

/// Returns how many sides of a pool have each state and standing (0 usable, 1 offline,
/// 2 disabled, 3 resting).
pub fn tally(db: &Connection, pool: ObjectNo) -> Result<Vec<(SideState, u32, i64)>> {
    let sql = "SELECT state, standing, sides FROM tally WHERE pool = ?1 AND sides <> 0";
    many(db, sql, [pool], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
}

/// Returns the identifier of the catalog and when it was made.
pub fn catalog(db: &Connection) -> Result<(Guid, crate::domain::time::Time)> {
    one(db, "SELECT id, created FROM catalog", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?
    .ok_or_else(|| ErrorKind::DatabaseFailure.because("the catalog was never founded"))
}
