//! `ntmsfs export`: a copy of the catalog of one instant, complete under its name or not there.

use super::exit::{Exit, Failed};
use super::place::Place;
use crate::cli::progress::Bar;
use crate::domain::name::printable;
use anyhow::{Context as _, Result};
use clap::Args;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Bytes that are copied at a time.
const BUFFER: usize = 256 << 10;

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    /// The file to make.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Take the place of a file that exists, once the new one is on disk; without this it is refused.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    place: Place,
}

impl Export {
    pub(super) fn run(&self) -> Result<()> {
        let tree = self.place.find()?;
        let shown = printable(&self.file.to_string_lossy());
        if !self.replace && self.file.symlink_metadata().is_ok() {
            let sentence = format!("{shown} exists; --replace takes its place");
            return Err(Failed::new(Exit::Refused, sentence).into());
        }
        let path = tree.path("export");
        let mut export = File::open(&path).map_err(|error| tree.failed(&path, &error))?;
        let mut name = self.file.clone().into_os_string();
        name.push(format!(".export-{}", std::process::id()));
        let unfinished = Unfinished(PathBuf::from(name));
        let copied = copy(&mut export, &unfinished.0);
        copied
            .and_then(|()| self.publish(&unfinished.0))
            .with_context(|| shown)
    }

    /// Gives the copy its name.
    fn publish(&self, copy: &Path) -> Result<()> {
        if self.replace {
            fs::rename(copy, &self.file)?;
        } else {
            renameat_with(CWD, copy, CWD, &self.file, RenameFlags::NOREPLACE)?;
        }
        let folder = self
            .file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }
}

/// A file that goes away if it did not get its name.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

/// Copies everything to a new file that only its owner can read, and puts it on disk.
fn copy(export: &mut File, path: &Path) -> Result<()> {
    let size = export.metadata()?.len();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let bar = Bar::new();
    bar.at("exporting", 0, 0);
    let (mut buffer, mut done) = (vec![0; BUFFER], 0);
    loop {
        let count = export.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        file.write_all(bytes)?;
        done += u64::try_from(count)?;
        bar.at("exporting", done, size);
    }
    if done != size {
        let sentence = format!("the export has {size} bytes, but {done} could be read");
        return Err(Failed::new(Exit::Refused, sentence).into());
    }
    file.sync_all()?;
    Ok(())
}
