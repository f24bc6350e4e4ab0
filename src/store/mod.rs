//! The catalog: one `SQLite` file in WAL mode with `synchronous=FULL`. The only folder that names the engine.
//!
//! Invariants: one process writes, through one connection ([`write::Writer`]); everybody else reads committed
//! snapshots ([`Readers`]); the tables are what applying the log gives; an acknowledged transaction survives a power
//! cut; every statement uses an index.

mod apply;
pub mod archive;
pub mod attribute;
pub mod check;
pub mod checkpoint;
mod column;
pub mod copy;
pub mod fact;
pub mod failure;
pub mod fault;
pub mod list;
pub mod lock;
pub mod log;
pub mod media_type;
pub mod medium_history;
mod migration;
pub mod queue;
pub mod read;
pub mod search;
pub mod slots;
mod statement;
pub mod views;
pub mod write;

#[cfg(test)]
pub(crate) use migration::MIGRATIONS;

use crate::domain::error::{ErrorKind, Refusal, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Turns a failure of the engine into a refusal: disk full, memory, or anything else.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what map_err hands over"
)]
fn failed(error: rusqlite::Error) -> Refusal {
    let kind = if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
        ErrorKind::DatabaseFull
    } else if error.sqlite_error_code() == Some(ErrorCode::OutOfMemory) {
        ErrorKind::NotEnoughMemory
    } else {
        ErrorKind::DatabaseFailure
    };
    kind.because(error.to_string())
}

/// Makes plans independent of the values that are bound. Otherwise the engine compiles a statement anew at each use, if
/// its table has a partial index whose condition a value might imply.
fn keep_plans(db: &Connection) -> Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(drop)
        .map_err(failed)
}

/// Refuses a file that is no catalog, or one of a newer schema.
pub fn demand_catalog(db: &Connection) -> Result<()> {
    match migration::version(db)? {
        0 => Err(ErrorKind::DatabaseFailure.because("the file is no ntmsfs catalog")),
        _ => Ok(()),
    }
}

/// A connection that reads. The functions of [`read`] and [`list`] take it.
#[derive(Debug)]
pub struct View(Connection);

impl Deref for View {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

/// Read connections to one catalog, made on demand and kept until they are closed.
#[derive(Debug)]
pub struct Readers {
    path: PathBuf,
    /// Those that nobody uses now; `None`: none is kept any more.
    idle: Mutex<Option<Vec<View>>>,
}

impl Readers {
    /// Names the catalog; nothing is opened yet.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Mutex::new(Some(Vec::new())),
        }
    }

    /// Holds what is committed now, for a copy.
    pub fn snapshot(&self) -> Result<copy::Snapshot> {
        copy::Snapshot::take(&self.path)
    }

    /// Runs `look` on one committed snapshot: all that it reads belongs to one instant.
    pub fn look<T>(&self, look: impl FnOnce(&View) -> Result<T>) -> Result<T> {
        let idle = self.idle().as_mut().and_then(Vec::pop);
        let view = match idle {
            Some(view) => view,
            None => self.open()?,
        };
        let run = |sql| view.prepare_cached(sql)?.execute([]);
        run("BEGIN").map_err(failed)?;
        let result = look(&view);
        run("COMMIT").map_err(failed)?;
        if let Some(idle) = self.idle().as_mut() {
            idle.push(view);
        }
        result
    }

    /// Closes the connections that nobody uses and keeps none from now on. The last of a catalog to close folds the
    /// write-ahead log into it, and who ends does not wait for everybody who may still look.
    pub fn close(&self) {
        *self.idle() = None;
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<View>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<View> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&self.path, flags).map_err(failed)?;
        db.execute_batch(
            "PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-4096",
        )
        .map_err(failed)?;
        keep_plans(&db)?;
        db.set_prepared_statement_cache_capacity(128);
        Ok(View(db))
    }
}
