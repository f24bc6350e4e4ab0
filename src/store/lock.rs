//! One daemon a catalog: a lock file beside it, which names its holder.
//!
//! The kernel drops the lock with the process, however it ends; the text only tells people who holds it.
//!
//! Invariants: only who holds the lock removes its file, and only if he has made it; a lock on a file that is not there any
//! more, or not in its place, is none.

use super::copy::{self, LOCK};
use crate::domain::error::{ErrorKind, Refusal, Result};
use nix::unistd::geteuid;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind as Io, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How long a holder that is shutting down is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a holder may take to say what it does.
const SAYING: Duration = Duration::from_millis(800);

/// How often the lock is tried meanwhile.
const PAUSE: Duration = Duration::from_millis(20);

/// Two paths and some words.
const SAID_MAX: u64 = 16_384;

/// The lock of a catalog, held until dropped. A file that was made for it goes with it, unless it is kept.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
    /// Whether the file was made for this lock.
    made: bool,
}

fn failed(path: &Path, error: &std::io::Error) -> Refusal {
    ErrorKind::DatabaseFailure.because(format!("{}: {error}", path.display()))
}

impl Lock {
    /// Takes the lock of a catalog. A holder that serves is refused with [`ErrorKind::Busy`] within a second, naming it; one that
    /// is shutting down is waited for, 10 s at most.
    pub fn take(catalog: &Path) -> Result<Self> {
        demand_one_name(catalog)?;
        let path = beside(catalog);
        let (mut waited, mut made) = (Duration::ZERO, false);
        loop {
            let (file, new) = open(catalog, &path).map_err(|error| failed(&path, &error))?;
            made |= new;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => {
                    let mut lock = Self { file, path, made };
                    // It holds also if it cannot be written, on a full disk for example.
                    drop(lock.say(&format!("starting pid {}", std::process::id())));
                    return Ok(lock);
                }
                // Whoever had it has removed it.
                Ok(()) => made = false,
                Err(TryLockError::Error(error)) => return Err(failed(&path, &error)),
                Err(TryLockError::WouldBlock) => {
                    let holder = text_of(&file);
                    let holder = holder.and_then(|text| text.lines().next().map(str::to_owned));
                    // It may be about to say who it is, or that it stops: umount(8) returns before it knows.
                    let patience = match &holder {
                        Some(text) if text.starts_with("stopping") => PATIENCE,
                        _ => SAYING,
                    };
                    if waited >= patience {
                        let holder = holder.unwrap_or_else(|| "its holder is not known".to_owned());
                        return Err(
                            ErrorKind::Busy.because(format!("the catalog is in use: {holder}"))
                        );
                    }
                    waited += PAUSE;
                    thread::park_timeout(PAUSE);
                }
            }
        }
    }

    /// Leaves the file where it is: the catalog is used, and the next one finds what this holder has said.
    pub fn keep(&mut self) {
        self.made = false;
    }

    /// Says what the holder does: `serving pid 12 at /mnt`, or `stopping …`; further lines say more.
    pub fn say(&mut self, what: &str) -> Result<()> {
        let text = format!("{what}\n");
        let write = |file: &mut File| {
            file.seek(SeekFrom::Start(0))?;
            file.set_len(0)?;
            file.write_all(text.as_bytes())
        };
        write(&mut self.file).map_err(|error| failed(&self.path, &error))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.made && is_at(&self.file, &self.path) {
            // What cannot be removed does no harm.
            fs::remove_file(&self.path).ok();
        }
    }
}

/// By another name the same file would get a lock, and a write-ahead log, of its own.
fn demand_one_name(catalog: &Path) -> Result<()> {
    match fs::metadata(catalog) {
        Ok(found) if found.is_file() && found.nlink() > 1 => Err(ErrorKind::Busy.because(format!(
            "{} has {} names (hard links); two of them could be served at once: remove the others",
            catalog.display(),
            found.nlink()
        ))),
        // What is no file, and what is not there, is refused by whoever opens it.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Opens the file of the lock, or makes it; says which. It belongs to whom the catalog belongs, whoever makes it, so that both
/// can serve.
fn open(catalog: &Path, path: &Path) -> std::io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    // Who can write the directory must not choose what root writes into.
    options
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW);
    let (file, new) = loop {
        match options.open(path) {
            Err(error) if error.kind() == Io::NotFound => {}
            other => break (other?, false),
        }
        match options.clone().create_new(true).open(path) {
            Err(error) if error.kind() == Io::AlreadyExists => {}
            other => break (other?, true),
        }
    };
    if let Ok(found) = fs::metadata(catalog)
        && geteuid().is_root()
        && found.uid() != file.metadata()?.uid()
    {
        fchown(&file, Some(found.uid()), Some(found.gid()))?;
    }
    Ok((file, new))
}

/// Returns whether an open file is the one that has the path now.
fn is_at(file: &File, path: &Path) -> bool {
    let (open, named) = (file.metadata(), fs::symlink_metadata(path));
    open.ok()
        .zip(named.ok())
        .is_some_and(|(open, named)| (open.dev(), open.ino()) == (named.dev(), named.ino()))
}

/// Returns what the holder of a catalog has said, or the last one.
pub fn said(catalog: &Path) -> Option<String> {
    text_of(&File::open(beside(catalog)).ok()?)
}

fn text_of(mut file: &File) -> Option<String> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(SAID_MAX).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Returns the path of the lock of a catalog.
fn beside(catalog: &Path) -> PathBuf {
    copy::beside(catalog, LOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_made_for_a_lock_goes_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = dir.path().join("catalog");
        drop(Lock::take(&catalog).unwrap());
        assert!(!beside(&catalog).exists());
        Lock::take(&catalog).unwrap().keep();
        drop(Lock::take(&catalog).unwrap());
        assert!(
            beside(&catalog).exists(),
            "it was there before, and is not his"
        );
    }

    /// Whoever waited for a lock whose file was then removed does not take that for the lock.
    #[test]
    fn a_lock_on_a_file_that_is_gone_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = dir.path().join("catalog");
        let first = Lock::take(&catalog).unwrap();
        let (waiter, made) = open(&catalog, &beside(&catalog)).unwrap();
        assert!(!made);
        drop(first);
        waiter.try_lock().unwrap();
        assert!(!is_at(&waiter, &beside(&catalog)));
        let second = Lock::take(&catalog).unwrap();
        assert_eq!(Lock::take(&catalog).unwrap_err().kind, ErrorKind::Busy);
        assert!(
            beside(&catalog).exists(),
            "a refused one leaves another's file"
        );
        drop(second);
        assert!(!beside(&catalog).exists());
    }

    #[test]
    fn the_second_is_refused_and_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = dir.path().join("catalog");
        let mut first = Lock::take(&catalog).unwrap();
        first.say("serving pid 7 at /mnt").unwrap();
        let refusal = Lock::take(&catalog).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::Busy);
        assert!(
            refusal.sentence.contains("serving pid 7 at /mnt"),
            "{refusal}"
        );
        first.say("stopping pid 7").unwrap();
        let second = thread::spawn(move || Lock::take(&catalog).map(drop));
        drop(first);
        assert_eq!(second.join().unwrap(), Ok(()));
    }
}
