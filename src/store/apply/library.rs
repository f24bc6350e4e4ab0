//! Libraries, their parts and their work.

use super::medium::restand_library;
use crate::domain::access::Access;
use crate::domain::change::{ElementChange, LibraryChange, Thing};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::state::{ElementKind, LibraryState};
use crate::domain::time::Time;
use crate::store::statement::run;
use rusqlite::Connection;

/// Adds a library, which is not there yet.
pub(super) fn create(
    db: &Connection,
    library: Thing,
    name: &str,
    access: &Access,
    time: Time,
) -> Result<()> {
    let sql = "INSERT INTO library (no, id, name, state, uid, gid, mode, acl, created, modified) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)";
    let Access {
        uid,
        gid,
        mode,
        acl,
        ..
    } = access;
    run(
        db,
        sql,
        (
            library.no,
            library.id,
            name,
            LibraryState::NotPresent,
            uid,
            gid,
            mode,
            acl,
            time,
        ),
    )
}

/// Removes a library, its parts and its work.
pub(super) fn remove(db: &Connection, no: ObjectNo) -> Result<()> {
    let sql = "UPDATE operator SET library = NULL, element = NULL WHERE library = ?1";
    run(db, sql, [no])?;
    run(db, "DELETE FROM work WHERE library = ?1", [no])?;
    run(db, "DELETE FROM mounted WHERE library = ?1", [no])?;
    run(db, "DELETE FROM element WHERE library = ?1", [no])?;
    run(db, "DELETE FROM library WHERE no = ?1", [no])
}

/// Adds the parts of a library: slots, drives, ports; their numbers run from `first`.
pub(super) fn build(
    db: &Connection,
    library: ObjectNo,
    first: ObjectNo,
    counts: [u32; 3],
    time: Time,
) -> Result<()> {
    let sql =
        "INSERT INTO element (no, library, kind, number, modified) VALUES (?1, ?2, ?3, ?4, ?5)";
    let kinds = [ElementKind::Slot, ElementKind::Drive, ElementKind::Port];
    let parts = kinds
        .iter()
        .zip(counts)
        .flat_map(|(kind, count)| (1..=count).map(move |number| (kind, number)));
    (first.0..)
        .zip(parts)
        .try_for_each(|(no, (kind, number))| run(db, sql, (no, library, kind, number, time)))
}

/// Changes a part of a library.
pub(super) fn change_element(
    db: &Connection,
    no: ObjectNo,
    change: &ElementChange,
    time: Time,
) -> Result<()> {
    match change {
        ElementChange::DeferDelay(delay) => run(
            db,
            "UPDATE element SET defer_delay = ?2, modified = ?3 WHERE no = ?1",
            (no, delay, time),
        ),
    }
}

/// Changes a library.
pub(super) fn change(
    db: &Connection,
    no: ObjectNo,
    change: &LibraryChange,
    time: Time,
) -> Result<()> {
    macro_rules! set {
        ($column:literal, $value:expr) => {
            run(
                db,
                concat!(
                    "UPDATE library SET ",
                    $column,
                    " = ?2, modified = ?3 WHERE no = ?1"
                ),
                (no, $value, time),
            )
        };
    }
    match change {
        LibraryChange::Name(name) => set!("name", name),
        LibraryChange::Description(text) => set!("description", text),
        LibraryChange::Driver(text) => set!("driver", text),
        LibraryChange::Enabled(on) => {
            set!("enabled", on)?;
            set!("recovering", false)?;
            restand_library(db, no)
        }
        LibraryChange::State(state) => set!("state", state),
        LibraryChange::InventoryMethod(method) => set!("inventory_method", method),
        LibraryChange::AutoRecovery(on) => set!("auto_recovery", on),
        LibraryChange::Recovering(on) => set!("recovering", on),
        LibraryChange::Access(access) => run(
            db,
            "UPDATE library SET uid = ?2, gid = ?3, mode = ?4, acl = ?5, modified = ?6 WHERE no = ?1",
            (no, access.uid, access.gid, access.mode, &access.acl, time),
        ),
    }
}
