//! The checkpoint: the tables as of a record, in the place of all records up to it, which are gone.
//!
//! It is a catalog of its own whose log is empty, kept page by page in a table, so a later program brings it up to date as
//! any other catalog. To go on with it, it is put beside the catalog as a file without a name.
//!
//! Invariants: it is what replaying the records gives that are gone, never a copy of the tables; it goes forward in pieces that
//! are bounded by the lines they stand for; its digest is in the log, so the chain vouches for it.

use super::statement::one;
use super::{check, copy, failed, log, migration};
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::history::{Digest, Head, Page, Piece};
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Bytes of a page.
const PAGE: usize = 4096;

/// So many bytes of lines are replaced by one piece, and what the last record has more: a piece is one transaction, and others
/// wait for it.
const PIECE: i64 = 1 << 20;

/// The checkpoint, to read or to go on with.
#[derive(Debug)]
pub struct Checkpoint {
    tables: Connection,
    file: File,
    at: Head,
    /// The sum of each page.
    sums: Vec<Digest>,
}

fn sum(body: &[u8]) -> Digest {
    Digest(Sha256::digest(body).into())
}

/// The digest of all pages.
fn digest(sums: &[Digest]) -> Digest {
    let mut all = Sha256::new();
    for sum in sums {
        all.update(sum.0);
    }
    Digest(all.finalize().into())
}

fn damaged(page: usize) -> Refusal {
    ErrorKind::DatabaseFailure.because(format!("page {page} of the checkpoint is damaged"))
}

/// Hands on every page, in order, and returns their sums. A page that is damaged or missing is refused with
/// [`ErrorKind::DatabaseFailure`].
fn pages(db: &Connection, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<Vec<Digest>> {
    let mut sums = Vec::new();
    let sql = "SELECT page, body, sum FROM checkpoint ORDER BY page";
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let number: i64 = row.get(0).map_err(failed)?;
        let body: Vec<u8> = row.get(1).map_err(failed)?;
        let stored: Digest = row.get(2).map_err(failed)?;
        let follows = usize::try_from(number) == Ok(sums.len());
        if !follows || body.len() != PAGE || sum(&body) != stored {
            return Err(damaged(sums.len()));
        }
        each(&body)?;
        sums.push(stored);
    }
    let wanted = one(db, "SELECT digest FROM archive WHERE no = 1", [], |row| {
        row.get::<_, Digest>(0)
    })?;
    if sums.is_empty() && log::folded(db)?.seq == 0 || wanted == Some(digest(&sums)) {
        return Ok(sums);
    }
    Err(ErrorKind::DatabaseFailure.because("the checkpoint is not the one that the log names"))
}

/// Returns whether there are records that are in an archive and not yet in the checkpoint.
pub fn is_due(db: &Connection) -> Result<bool> {
    Ok(log::begin(db)?.seq > log::folded(db)?.seq)
}

/// Refuses a checkpoint with a page that is damaged, or that is not the one of the log.
pub fn verify(db: &Connection) -> Result<()> {
    pages(db, |_| Ok(())).map(drop)
}

impl Checkpoint {
    /// Puts the checkpoint of a catalog beside it, as a file without a name. Before the first record is gone it is empty.
    pub fn load(db: &Connection) -> Result<Self> {
        let catalog = db.path().filter(|path| !path.is_empty());
        let catalog = catalog
            .ok_or_else(|| ErrorKind::DatabaseFailure.because("the catalog has no place"))?;
        let path = copy::unfinished(Path::new(catalog), copy::CHECKPOINT);
        let loaded = Self::load_at(db, &path);
        copy::discard(&path);
        loaded
    }

    fn load_at(db: &Connection, path: &Path) -> Result<Self> {
        let failed_at = |error| copy::broken(path, &error);
        let mut out = BufWriter::new(copy::create(path)?);
        let sums = pages(db, |body| out.write_all(body).map_err(failed_at))?;
        out.into_inner()
            .map_err(|error| failed_at(error.into_error()))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut tables = Connection::open_with_flags(path, flags).map_err(failed)?;
        // Nobody else has the file, and if this ends it is gone: there is nothing to roll back to.
        tables
            .execute_batch(
                "PRAGMA page_size=4096; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; \
                 PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384; PRAGMA foreign_keys=ON; \
                 PRAGMA recursive_triggers=OFF",
            )
            .map_err(failed)?;
        tables.set_prepared_statement_cache_capacity(256);
        migration::migrate(&mut tables)?;
        Ok(Self {
            tables,
            file: File::open(path).map_err(failed_at)?,
            at: log::folded(db)?,
            sums,
        })
    }

    /// Returns the tables.
    pub(super) fn into_tables(self) -> Connection {
        self.tables
    }

    /// Goes on by the next records that are in an archive; `None` if there are none. What it gives must be recorded before
    /// the next step. After an error this is of no use any more.
    pub fn advance(&mut self, db: &Connection) -> Result<Option<Piece>> {
        let (begin, from) = (log::begin(db)?, self.at);
        if log::folded(db)? != from {
            return Err(ErrorKind::InvalidState.because("somebody else has moved the checkpoint"));
        }
        if begin.seq <= from.seq {
            return Ok(None);
        }
        let run = |sql| self.tables.execute_batch(sql).map_err(failed);
        run("BEGIN")?;
        let last = log::follow(db, from, |record, bytes, head| {
            check::again(&self.tables, &record, bytes)?;
            Ok(head.seq < begin.seq && head.end - from.end < PIECE)
        })?;
        run("COMMIT")?;
        self.at = last;
        let pages = self.changed()?;
        let (from, digest) = (from.seq, digest(&self.sums));
        Ok(Some(Piece {
            from,
            last,
            digest,
            pages,
        }))
    }

    /// Returns the pages that have changed, and takes note of their sums.
    fn changed(&mut self) -> Result<Vec<Page>> {
        let unread = |error: std::io::Error| ErrorKind::DatabaseFailure.because(error.to_string());
        let bytes = self.file.metadata().map_err(unread)?.len();
        let mut out = Vec::new();
        for (number, offset) in (0..bytes).step_by(PAGE).enumerate() {
            let mut body = vec![0; PAGE];
            self.file.read_exact_at(&mut body, offset).map_err(unread)?;
            let sum = sum(&body);
            match self.sums.get_mut(number) {
                Some(known) if *known == sum => continue,
                Some(known) => *known = sum,
                None => self.sums.push(sum),
            }
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            out.push(Page { number, body, sum });
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use migration::MIGRATIONS;

    /// A catalog that has a checkpoint in the schema that a program before this one had.
    fn of_schema(folder: &Path, schema: usize) -> Connection {
        let old = folder.join("old");
        let db = Connection::open(&old).unwrap();
        db.execute_batch("PRAGMA synchronous=OFF").unwrap();
        for sql in &MIGRATIONS[..schema] {
            db.execute_batch(sql).unwrap();
        }
        let insert =
            "INSERT INTO catalog (no, id, created, ceiling) VALUES (1, zeroblob(16), 5, 2)";
        db.execute_batch(insert).unwrap();
        db.pragma_update(None, "application_id", migration::APPLICATION_ID)
            .unwrap();
        db.pragma_update(None, "user_version", i64::try_from(schema).unwrap())
            .unwrap();
        drop(db);
        let mut db = Connection::open(folder.join("catalog")).unwrap();
        db.execute_batch("PRAGMA synchronous=OFF").unwrap();
        migration::migrate(&mut db).unwrap();
        let mut sums = Vec::new();
        for (number, body) in (0_i64..).zip(std::fs::read(old).unwrap().chunks(PAGE)) {
            sums.push(sum(body));
            let sql = "INSERT INTO checkpoint (page, body, sum) VALUES (?1, ?2, ?3)";
            db.execute(sql, (number, body, sum(body))).unwrap();
        }
        let sql = "UPDATE archive SET folded = 1, digest = ?1";
        db.execute(sql, [digest(&sums)]).unwrap();
        db
    }

    #[test]
    fn a_checkpoint_of_an_older_program_is_brought_up_to_date() {
        let newest = i64::try_from(MIGRATIONS.len()).unwrap();
        for schema in 1..=MIGRATIONS.len() {
            let folder = tempfile::tempdir().unwrap();
            let db = of_schema(folder.path(), schema);
            verify(&db).unwrap();
            let tables = Checkpoint::load(&db).unwrap().into_tables();
            assert_eq!(migration::version(&tables), Ok(newest), "{schema}");
            let created = "SELECT created FROM catalog";
            let created: i64 = tables.query_row(created, [], |row| row.get(0)).unwrap();
            assert_eq!(created, 5);
            let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
            names.retain(|name| {
                let name = name.as_ref().unwrap().file_name();
                name.to_string_lossy().contains(copy::CHECKPOINT)
            });
            assert!(names.is_empty(), "{names:?}");
        }
    }
}
