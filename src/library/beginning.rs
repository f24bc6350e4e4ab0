//! The beginning of a device, and whether the label that is recorded of the side in it is there.
//!
//! Invariants: at most [`BLOCK_MAX`] bytes are read, and nobody waits longer than he says: what a device does not answer is
//! read by a thread of its own, which is left alone then. A tape is at its beginning before and after.

use crate::domain::error::{ErrorKind, Result};
use crate::domain::label::MediaLabel;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Longest block of a tape.
const BLOCK_MAX: usize = 1 << 20;

/// How much of what has no blocks is its beginning: the volume descriptor of an optical disk is within.
const BEGINNING: u64 = 64 * 1024;

/// Number of the driver of SCSI tapes, and the bit in the number of a device that does not wind back at its close
/// (Linux, `devices.txt`).
const TAPE: u64 = 9;
const STAYS: u64 = 128;

/// How long a drive may take to become ready and to read a block.
const PATIENCE: Duration = Duration::from_secs(300);

/// Refuses with [`ErrorKind::UnexpectedOmid`] what does not begin with the label, and with
/// [`ErrorKind::DeviceNotAvailable`] what cannot be read.
pub(super) fn verify(device: &Path, label: &MediaLabel) -> Result<()> {
    let path = device.to_owned();
    let read = within(PATIENCE, move || beginning(&path));
    let block = read.map_err(|error| {
        let device = device.display();
        ErrorKind::DeviceNotAvailable
            .because(format!("{device}: its label cannot be read: {error}"))
    })?;
    if label.is_in(&block) {
        return Ok(());
    }
    Err(ErrorKind::UnexpectedOmid.because(format!(
        "{} does not begin with the label {label}",
        device.display()
    )))
}

/// Reads in a thread of its own, and gives it up when the time is over.
fn within(
    patience: Duration,
    read: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static,
) -> io::Result<Vec<u8>> {
    let (tell, told) = channel();
    let reader = std::thread::Builder::new().name("label".to_owned());
    // Whoever asked may have gone.
    reader.spawn(move || tell.send(read()).is_ok())?;
    told.recv_timeout(patience)
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Reads the first block of a tape, or the beginning of what is no tape.
fn beginning(device: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(device)?;
    if !about.file_type().is_char_device() {
        let mut block = Vec::new();
        let file = open(device, libc::O_NONBLOCK)?;
        file.take(BEGINNING).read_to_end(&mut block)?;
        return Ok(block);
    }
    let (driver, number) = (
        nix::sys::stat::major(about.rdev()),
        nix::sys::stat::minor(about.rdev()),
    );
    if driver != TAPE {
        return block(open(device, libc::O_NONBLOCK)?);
    }
    // A tape drive has a second device, which winds the tape back whenever it is closed.
    let winds = winding(number & !STAYS)?;
    drop(open(&winds, 0)?);
    block(open(&winds, 0)?)
}

fn open(device: &Path, flags: i32) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(flags | libc::O_NOCTTY)
        .open(device)
}

/// Reads once: a tape gives one block.
fn block(mut file: File) -> io::Result<Vec<u8>> {
    let mut block = vec![0; BLOCK_MAX];
    loop {
        match file.read(&mut block) {
            Ok(length) => {
                block.truncate(length);
                return Ok(block);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Returns the device of a tape drive with that number, as the kernel names it.
fn winding(number: u64) -> io::Result<PathBuf> {
    let about = fs::read_to_string(format!("/sys/dev/char/{TAPE}:{number}/uevent"))?;
    let name = about.lines().find_map(|line| line.strip_prefix("DEVNAME="));
    let name = name.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    Ok(Path::new("/dev").join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(id: &str) -> MediaLabel {
        MediaLabel {
            kind: "test".to_owned(),
            id: id.to_owned(),
            ..MediaLabel::default()
        }
    }

    #[test]
    fn the_beginning_of_a_file_is_compared() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("medium");
        let kind = |id: &str| verify(&file, &label(id)).map_err(|refusal| refusal.kind);
        assert_eq!(kind("W7"), Err(ErrorKind::DeviceNotAvailable));
        fs::write(&file, "").unwrap();
        assert_eq!(kind("W7"), Err(ErrorKind::UnexpectedOmid));
        fs::write(&file, "VOL1W7").unwrap();
        assert_eq!(kind("W7"), Ok(()));
        assert_eq!(kind("W8"), Err(ErrorKind::UnexpectedOmid));
        let far = [vec![0; 64 * 1024], b"W7".to_vec()].concat();
        fs::write(&file, far).unwrap();
        assert_eq!(kind("W7"), Err(ErrorKind::UnexpectedOmid), "too far inside");
    }

    #[test]
    fn nothing_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for device in [&pipe, Path::new("/dev/zero")] {
            let refused = verify(device, &label("W7")).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::UnexpectedOmid, "{device:?}");
        }
        let (never, told) = channel();
        let silent = move || told.recv().map_err(|_| io::ErrorKind::BrokenPipe.into());
        let error = within(Duration::from_millis(1), silent).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(never);
    }
}
