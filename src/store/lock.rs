//! One daemon a catalog: a lock file beside it, which names its holder.
//!
//! The kernel drops the lock with the process, however it ends; the text only tells people who holds it.

use crate::domain::error::{ErrorKind, Refusal, Result};
use nix::unistd::geteuid;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
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

/// The lock of a catalog, held until dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

fn failed(path: &Path, error: &std::io::Error) -> Refusal {
    ErrorKind::DatabaseFailure.because(format!("{}: {error}", path.display()))
}

impl Lock {
    /// Takes the lock of a catalog. A holder that serves is refused with [`ErrorKind::Busy`] within a second, naming it; one that
    /// is shutting down is waited for, 10 s at most.
    pub fn take(catalog: &Path) -> Result<Self> {
        // By another name the same file would get a lock, and a write-ahead log, of its own.
        if let Ok(found) = std::fs::metadata(catalog)
            && found.is_file()
            && found.nlink() > 1
        {
            return Err(ErrorKind::Busy.because(format!(
                "{} has {} names (hard links); two of them could be served at once: remove the others",
                catalog.display(),
                found.nlink()
            )));
        }
        let path = beside(catalog);
        let file = open(catalog, &path).map_err(|error| failed(&path, &error))?;
        let mut lock = Self { file, path };
        let mut waited = Duration::ZERO;
        loop {
            match lock.file.try_lock() {
                Ok(()) => {
                    // It holds also if it cannot be written, on a full disk for example.
                    drop(lock.say(&format!("starting pid {}", std::process::id())));
                    return Ok(lock);
                }
                Err(TryLockError::Error(error)) => return Err(failed(&lock.path, &error)),
                Err(TryLockError::WouldBlock) => {
                    let holder = lock.holder();
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

    fn holder(&mut self) -> Option<String> {
        self.file.seek(SeekFrom::Start(0)).ok()?;
        let text = text_of(&self.file)?;
        text.lines().next().map(str::to_owned)
    }
}

/// Opens the file of the lock, or makes it. It belongs to whom the catalog belongs, whoever makes it, so that both can serve.
fn open(catalog: &Path, path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        // Who can write the directory must not choose what root writes into.
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    if let Ok(found) = std::fs::metadata(catalog)
        && geteuid().is_root()
        && found.uid() != file.metadata()?.uid()
    {
        fchown(&file, Some(found.uid()), Some(found.gid()))?;
    }
    Ok(file)
}

/// Returns what the holder of a catalog has said, or the last one.
pub fn said(catalog: &Path) -> Option<String> {
    text_of(&File::open(beside(catalog)).ok()?)
}

fn text_of(file: &File) -> Option<String> {
    let mut text = String::new();
    file.take(SAID_MAX).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Returns the path of the lock of a catalog.
fn beside(catalog: &Path) -> PathBuf {
    let mut name = catalog.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

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
