//! The schema: an append-only list of migrations, and `user_version` says how many are applied.
//!
//! Invariants: an entry that was released never changes; each is applied in a transaction of its own; a catalog that
//! a later version wrote is refused before anything is read from it.

use super::{failed, medium_history};
use crate::domain::error::{ErrorKind, Result};
use rusqlite::Connection;

/// "NTMS": tells a catalog from any other `SQLite` file.
pub(super) const APPLICATION_ID: i64 = 0x4e54_4d53;

/// The migrations, oldest first.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    HISTORIES,
    include_str!("schema-access.sql"),
    include_str!("schema-views.sql"),
    include_str!("schema-media.sql"),
    include_str!("schema-operator.sql"),
    include_str!("schema-mount.sql"),
    include_str!("schema-kinds.sql"),
    include_str!("schema-quota.sql"),
    include_str!("schema-leaves.sql"),
    include_str!("schema-names.sql"),
    include_str!("schema-timeouts.sql"),
    include_str!("schema-failed.sql"),
    include_str!("schema-several.sql"),
    include_str!("schema-stays.sql"),
    include_str!("schema-recovery.sql"),
    include_str!("schema-labels.sql"),
    include_str!("schema-notes.sql"),
    include_str!("schema-archive.sql"),
];

/// The one that brings the histories of media, which are filled from the log.
const HISTORIES: &str = include_str!("schema-data.sql");

/// Brings a catalog to the newest schema. A file that is no catalog or has a newer schema is refused with
/// [`ErrorKind::DatabaseFailure`].
pub(super) fn migrate(db: &mut Connection) -> Result<()> {
    let found = version(db)?;
    let begin = usize::try_from(found).unwrap_or(0);
    for (number, sql) in (found + 1..).zip(MIGRATIONS.iter().skip(begin)) {
        let tx = db.transaction().map_err(failed)?;
        tx.execute_batch(sql).map_err(failed)?;
        if *sql == HISTORIES {
            medium_history::refill(&tx)?;
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(failed)?;
        tx.pragma_update(None, "user_version", number)
            .map_err(failed)?;
        tx.commit().map_err(failed)?;
    }
    Ok(())
}

/// Returns the schema number of a catalog, 0 of an empty file; refuses a file that is something else, and a newer schema.
pub(super) fn version(db: &Connection) -> Result<i64> {
    let pragma = |name| {
        db.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(failed)
    };
    let version = pragma("user_version")?;
    if version > 0 && pragma("application_id")? != APPLICATION_ID {
        return Err(ErrorKind::DatabaseFailure.because("the file is no ntmsfs catalog"));
    }
    let newest = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if version > newest {
        return Err(ErrorKind::DatabaseFailure.because(format!(
            "the catalog has schema {version}, this program knows schemas up to {newest}; use the newer program"
        )));
    }
    Ok(version)
}
