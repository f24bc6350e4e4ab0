//! Copies of a catalog: a consistent one while others write, and how a file takes its name at once.
//!
//! Invariants: what is copied is one committed snapshot; memory does not grow with the catalog; a name that is taken is
//! never overwritten, and a file has its name only when all of it is on disk.

use super::check::Told;
use super::failed;
use crate::domain::error::{ErrorKind, Refusal, Result};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Pages copied between two looks at the clock of the engine.
const PAGES: i32 = 256;

/// Bytes copied between two words of how far it is.
const TOLD: u64 = 4 << 20;

/// What the engine keeps beside a catalog.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What the name of the lock of a catalog ends with.
pub(super) const LOCK: &str = ".lock";

pub(super) fn broken(path: &Path, error: &io::Error) -> Refusal {
    let kind = if error.kind() == io::ErrorKind::AlreadyExists {
        ErrorKind::AlreadyExists
    } else if error.kind() == io::ErrorKind::StorageFull {
        ErrorKind::DatabaseFull
    } else {
        ErrorKind::DatabaseFailure
    };
    kind.because(format!("{}: {error}", path.display()))
}

/// Returns the path with something added to its name.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

/// Returns a path for a file that is being made beside a catalog.
pub fn unfinished(catalog: &Path, what: &str) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    beside(catalog, &format!(".{what}-{}-{number}", std::process::id()))
}

/// Returns the size of a catalog as one file, in this snapshot.
pub fn size(db: &Connection) -> Result<u64> {
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count").map_err(failed)?;
    let bytes = pragma("page_size").map_err(failed)?;
    Ok((pages * bytes).unsigned_abs())
}

/// One instant of a catalog, held for a copy.
#[derive(Debug)]
pub struct Snapshot {
    db: Connection,
    path: PathBuf,
    size: u64,
}

impl Snapshot {
    /// Holds what is committed now. Others go on; what they write is kept beside the catalog until this is copied.
    pub fn take(catalog: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(catalog, flags).map_err(failed)?;
        db.execute_batch("PRAGMA query_only=ON; PRAGMA cache_size=-4096; BEGIN")
            .map_err(failed)?;
        db.query_row("SELECT no FROM catalog", [], |row| row.get::<_, i64>(0))
            .map_err(failed)?;
        let size = size(&db)?;
        let path = catalog.to_owned();
        Ok(Self { db, path, size })
    }

    /// Returns the size of the copy in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Makes the copy: a file without a name, which is gone when it is closed.
    pub fn copy(self) -> Result<File> {
        let path = unfinished(&self.path, EXPORT);
        let copied = self.copy_to(&path);
        discard(&path);
        copied
    }

    fn copy_to(&self, path: &Path) -> Result<File> {
        create(path)?;
        let mut to =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
        to.execute_batch(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-4096",
        )
        .map_err(failed)?;
        let backup = Backup::new(&self.db, &mut to).map_err(failed)?;
        // Nobody else has the copy, and the snapshot is held: there is nothing to wait for.
        loop {
            let step = backup.step(PAGES).map_err(failed)?;
            if step == StepResult::Done {
                break;
            } else if step != StepResult::More {
                return Err(
                    ErrorKind::DatabaseFailure.because(format!("the copy stopped: {step:?}"))
                );
            }
        }
        drop(backup);
        to.close().map_err(|(_, error)| failed(error))?;
        let copy = File::open(path).map_err(|error| broken(path, &error))?;
        let length = copy.metadata().map_err(|error| broken(path, &error))?.len();
        if length == self.size {
            return Ok(copy);
        }
        Err(ErrorKind::DatabaseFailure.because(format!(
            "the copy has {length} bytes instead of {}",
            self.size
        )))
    }
}

/// What the name of an export that is being made has in it.
const EXPORT: &str = "export";

/// What the name of the checkpoint as a file has in it.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// Removes what exports and checkpoints of a program that was killed have left.
pub fn sweep(catalog: &Path) {
    let (Some(folder), Some(name)) = (catalog.parent(), catalog.file_name()) else {
        return;
    };
    let begins = [EXPORT, CHECKPOINT].map(|what| {
        let end = format!(".{what}-").into_bytes();
        [name.as_encoded_bytes(), &end].concat()
    });
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if begins
            .iter()
            .any(|begin| name.as_encoded_bytes().starts_with(begin))
        {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// Makes an empty file that only its owner can read.
pub(super) fn create(path: &Path) -> Result<File> {
    let options = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    options.map_err(|error| broken(path, &error))
}

/// Copies a file to a new one.
pub fn duplicate(from: &Path, to: &Path, told: &Told<'_>) -> Result<()> {
    let source = File::open(from).map_err(|error| broken(from, &error))?;
    let length = source.metadata().map_err(|error| broken(from, &error))?;
    let mut target = create(to)?;
    let mut done = 0;
    loop {
        told("copy", done, length.len());
        let copied = io::copy(&mut (&source).take(TOLD), &mut target);
        match copied.map_err(|error| broken(to, &error))? {
            0 => return Ok(()),
            count => done += count,
        }
    }
}

/// Refuses a place that is taken by a catalog, or by what would be taken for the end of one.
pub fn demand_free(path: &Path) -> Result<()> {
    for end in [""].iter().chain(&BESIDE) {
        let taken = beside(path, end);
        if taken.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.because(format!("{} exists", taken.display())));
        }
    }
    Ok(())
}

/// Refuses a file that something more belongs to: alone it is no whole catalog.
pub fn demand_whole(path: &Path) -> Result<()> {
    for end in BESIDE {
        let more = beside(path, end);
        if more.metadata().is_ok_and(|more| more.len() > 0) {
            let sentence = format!(
                "{} belongs to it; read the export of its tree",
                more.display()
            );
            return Err(ErrorKind::Busy.because(format!("{}: {sentence}", path.display())));
        }
    }
    Ok(())
}

/// Gives a finished file its name: at once, durably, and only if the name is free.
pub fn publish(unfinished: &Path, path: &Path) -> Result<()> {
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    sync(unfinished).map_err(|error| broken(unfinished, &error))?;
    demand_free(path)?;
    fs::hard_link(unfinished, path).map_err(|error| broken(path, &error))?;
    discard(unfinished);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    sync(folder).map_err(|error| broken(folder, &error))
}

/// Removes a file that is not wanted, and what the engine keeps beside it.
pub fn discard(path: &Path) {
    for end in [""].iter().chain(&BESIDE).chain(&[LOCK]) {
        drop(fs::remove_file(beside(path, end)));
    }
}
