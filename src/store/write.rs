//! The one connection that writes: it takes the lock of the catalog, appends events and applies them.

use super::apply::apply;
use super::fault::Faults;
use super::log::{self, Head};
use super::migration::{migrate, version};
use super::statement::{one, run};
use super::{copy, failed, failure, keep_plans, medium_history};
use crate::domain::access::Caller;
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::event::Event;
use crate::domain::history::Page;
use crate::domain::time::Time;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How hard a commit is: the product always waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// `synchronous=FULL`: a commit returns when it survives a power cut.
    #[default]
    Full,
    /// For tests of rules and as the control of power-cut tests: `synchronous=OFF`.
    None,
}

/// What became of a commit.
#[derive(Debug)]
pub enum Commit {
    /// It is on disk.
    Durable,
    /// Nothing of it happened; the reason.
    Refused(Refusal),
    /// Nobody can know until the catalog is opened anew: stop.
    Unknown(Refusal),
}

/// The writer of a catalog.
#[derive(Debug)]
pub struct Writer {
    db: Connection,
    path: PathBuf,
    faults: Faults,
    durability: Durability,
    /// The end of the log on disk, and with what this transaction has added.
    durable: Head,
    head: Head,
    /// Events of this transaction.
    events: Vec<Arc<Event>>,
    /// Why the engine rolled this transaction back by itself.
    lost: Option<Refusal>,
}

impl Writer {
    /// Makes a new, empty catalog; a file that exists is refused with [`ErrorKind::AlreadyExists`].
    pub fn create(path: &Path) -> Result<()> {
        if path.exists() {
            return Err(ErrorKind::AlreadyExists.because(format!("{} exists", path.display())));
        }
        // What the catalog says is not for everybody; the engine gives its other files the same mode.
        drop(copy::create(path)?);
        migrate(&mut connect(path, Durability::Full)?)
    }

    /// Opens a catalog that exists, and brings its schema up to date. The caller holds the lock of the catalog.
    pub fn open(path: &Path, durability: Durability, faults: Faults) -> Result<Self> {
        faults.at("open")?;
        let mut db =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
        // Before anything is set: a file of somebody else stays as it is.
        if version(&db)? == 0 {
            return Err(
                ErrorKind::DatabaseFailure.because(format!("{} is no catalog", path.display()))
            );
        }
        pragmas(&db, durability)?;
        migrate(&mut db)?;
        // What a transaction sorts is little; a migration may sort a million rows.
        db.execute_batch("PRAGMA temp_store=MEMORY")
            .map_err(failed)?;
        let head = log::head(&db)?;
        Ok(Self {
            db,
            path: path.to_owned(),
            faults,
            durability,
            durable: head,
            head,
            events: Vec::new(),
            lost: None,
        })
    }

    /// Returns the connection, to load facts: it sees the transaction so far.
    pub fn db(&self) -> &Connection {
        &self.db
    }

    /// Returns the first object number that was never given out.
    pub fn ceiling(&self) -> Result<i64> {
        let ceiling = one(&self.db, "SELECT ceiling FROM catalog", [], |row| {
            row.get(0)
        })?;
        Ok(ceiling.unwrap_or(2))
    }

    /// Begins a transaction.
    pub fn begin(&mut self) -> Result<()> {
        self.faults.at("begin")?;
        self.sql("BEGIN IMMEDIATE")
    }

    /// Returns whether a transaction is open.
    pub fn has_begun(&self) -> bool {
        !self.db.is_autocommit()
    }

    /// Marks a point to go back to, if what follows is refused.
    pub fn mark(&mut self) -> Result<Mark> {
        self.demand_open()?;
        self.sql("SAVEPOINT ask")?;
        Ok(Mark {
            head: self.head,
            events: self.events.len(),
        })
    }

    /// Keeps what was recorded since the mark.
    pub fn keep(&mut self) -> Result<()> {
        self.demand_open()?;
        self.sql("RELEASE ask")
    }

    /// Drops what was recorded since the mark.
    pub fn drop_since(&mut self, mark: &Mark) -> Result<()> {
        self.demand_open()?;
        self.head = mark.head;
        self.events.truncate(mark.events);
        self.sql("ROLLBACK TO ask")?;
        self.sql("RELEASE ask")
    }

    /// Appends an event and applies it.
    pub fn record(&mut self, event: Event, by: &Caller, time: Time) -> Result<()> {
        self.demand_open()?;
        self.faults.at("record")?;
        let appended = log::append(&self.db, self.head, &event, by, time);
        let applied = appended.and_then(|head| {
            let bytes = usize::try_from(head.end - self.head.end - 1).unwrap_or(0);
            medium_history::touch(&self.db, head.seq, bytes, &event)?;
            failure::note(&self.db, head.seq, &event)?;
            apply(&self.db, &event, time).map(|()| head)
        });
        self.head = applied.inspect_err(|refusal| {
            if !self.has_begun() {
                self.lost = Some(refusal.clone());
            }
        })?;
        self.faults.at("applied")?;
        self.events.push(Arc::new(event));
        Ok(())
    }

    /// Puts the pages of the next checkpoint in their place, and removes the records up to `last` that it stands for. The
    /// caller records [`Event::Checkpointed`] with them.
    pub fn fold(&mut self, pages: &[Page], last: i64) -> Result<()> {
        self.demand_open()?;
        self.faults.at("fold")?;
        let sql = "INSERT INTO checkpoint (page, body, sum) VALUES (?1, ?2, ?3) \
                   ON CONFLICT DO UPDATE SET body = excluded.body, sum = excluded.sum";
        let folded = self.db.prepare_cached(sql).and_then(|mut put| {
            for page in pages {
                put.execute((page.number, &page.body, page.sum))?;
            }
            let mut remove = self.db.prepare_cached("DELETE FROM log WHERE seq <= ?1")?;
            remove.execute([last])
        });
        folded.map_err(failed).inspect_err(|refusal| {
            if !self.has_begun() {
                self.lost = Some(refusal.clone());
            }
        })?;
        self.faults.at("folded")
    }

    /// Refuses once the engine has rolled the transaction back by itself, as it does on a full disk: without this, what
    /// follows would be written outside of any transaction, and what went before would seem to be there.
    fn demand_open(&self) -> Result<()> {
        if self.has_begun() {
            return Ok(());
        }
        let unknown =
            || ErrorKind::DatabaseFailure.because("the engine rolled the transaction back");
        Err(self.lost.clone().unwrap_or_else(unknown))
    }

    /// Returns the events of this transaction so far.
    pub fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// Ends a transaction in which nothing was recorded, or one that is to leave nothing.
    pub fn rollback(&mut self) {
        self.head = self.durable;
        self.events.clear();
        self.lost = None;
        if self.has_begun()
            && let Err(refusal) = self.sql("ROLLBACK")
        {
            tracing::error!(%refusal, "rollback");
        }
    }

    /// Ends the transaction: everything recorded is on disk when this returns [`Commit::Durable`].
    pub fn commit(&mut self) -> (Commit, Vec<Arc<Event>>) {
        let result = match self.demand_open().and_then(|()| self.faults.at("commit")) {
            Ok(()) => self
                .db
                .prepare_cached("COMMIT")
                .and_then(|mut commit| commit.execute([]).map(drop)),
            Err(refusal) => {
                self.rollback();
                return (Commit::Refused(refusal), Vec::new());
            }
        };
        match result {
            Ok(()) => {
                self.durable = self.head;
                let events = std::mem::take(&mut self.events);
                match self.faults.at("committed") {
                    Ok(()) => (Commit::Durable, events),
                    Err(refusal) => (Commit::Unknown(refusal), Vec::new()),
                }
            }
            Err(error) => (self.after_failure(error), Vec::new()),
        }
    }

    /// A failed commit is an unknown commit. A full disk rolls back for certain; anything the disk did not confirm
    /// cannot be looked up in this process, because the page cache is not the disk.
    fn after_failure(&mut self, error: rusqlite::Error) -> Commit {
        let wanted = self.head;
        let full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        let extended = error
            .sqlite_error()
            .map(|e: &rusqlite::ffi::Error| e.extended_code);
        let synced = extended != Some(IOERR_FSYNC);
        let refusal = failed(error);
        self.rollback();
        if full && !self.has_begun() && log::head(&self.db).is_ok_and(|head| head == self.durable) {
            return Commit::Refused(refusal);
        }
        match connect(&self.path, self.durability).and_then(|db| Ok((log::head(&db)?, db))) {
            Ok((head, db)) if synced && head == self.durable => {
                self.db = db;
                Commit::Refused(refusal)
            }
            Ok((head, db)) if synced && head == wanted => {
                (self.db, self.durable, self.head) = (db, head, head);
                Commit::Durable
            }
            _ => Commit::Unknown(refusal),
        }
    }

    fn sql(&mut self, sql: &str) -> Result<()> {
        run(&self.db, sql, [])
    }
}

/// `SQLITE_IOERR_FSYNC`.
const IOERR_FSYNC: i32 = 1034;

/// A point of a transaction.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    head: Head,
    events: usize,
}

fn connect(path: &Path, durability: Durability) -> Result<Connection> {
    let db =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    pragmas(&db, durability)?;
    Ok(db)
}

fn pragmas(db: &Connection, durability: Durability) -> Result<()> {
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::None => "OFF",
    };
    db.execute_batch(&format!(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; \
         PRAGMA recursive_triggers=OFF; PRAGMA wal_autocheckpoint=1000; PRAGMA journal_size_limit=67108864; \
         PRAGMA cache_size=-16384"
    ))
    .map_err(failed)?;
    keep_plans(db)?;
    db.set_prepared_statement_cache_capacity(256);
    Ok(())
}
