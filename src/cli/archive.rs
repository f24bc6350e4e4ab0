//! `ntmsfs archive`: the oldest records go into a file, and then out of the catalog.
//!
//! A catalog that nobody serves is opened; one that is mounted is not touched: its `history` is read, and its
//! `settings/archived` told. Either way the file is complete and has its name before anything goes.

use super::mountpoint;
use crate::domain::access::Caller;
use crate::domain::error::ErrorKind;
use crate::domain::history::{Before, Mark, Share};
use crate::domain::id::Guid;
use crate::domain::time::Span;
use crate::manager::archiving::Job;
use crate::manager::{Options, clock};
use crate::store::archive::Archive;
use anyhow::{Context as _, Result, bail};
use nix::unistd::{getgid, getuid};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

/// Bytes of the history that are read at a time.
const BUFFER: usize = 128 << 10;

pub(super) fn run(catalog: &Path, file: &Path, before: Option<&str>) -> Result<()> {
    let before = before.map(|text| Before::parse(text, clock::utc()));
    let before = before.transpose()?;
    let caller = Caller {
        uid: getuid().as_raw(),
        gid: getgid().as_raw(),
        pid: std::process::id(),
        ..Caller::daemon()
    };
    let job = Job {
        catalog,
        archive: file,
        before,
        caller: &caller,
        options: Options::default(),
    };
    let (first, last) = match (job.run(), mountpoint::of(catalog)) {
        (Err(refusal), Ok(Some(dir))) if refusal.kind == ErrorKind::Busy => {
            mounted(&dir, file, before)?
        }
        (archived, _) => archived?,
    };
    let (last, file) = (last.seq, file.display());
    writeln!(std::io::stdout(), "records {first} to {last} are in {file}")?;
    Ok(())
}

/// Does it through the tree.
fn mounted(dir: &Path, file: &Path, before: Option<Before>) -> Result<(i64, Mark)> {
    let path = |name: &str| dir.join(name);
    let text = |name: &str| {
        let text = fs::read_to_string(path(name));
        text.with_context(|| path(name).display().to_string())
    };
    // Before the file is made: whoever may not tell the daemon gets no archive either.
    let told = path("settings/archived");
    let mut archived = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&told)
        .with_context(|| format!("{}: it must be writable", told.display()))?;
    let mut begin = String::new();
    archived.read_to_string(&mut begin)?;
    let retention = Span::parse(text("settings/retention")?.trim_end())?;
    let info: serde_json::Value = serde_json::from_str(&text("info.json")?)?;
    let catalog = info.get("id").and_then(|id| id.as_str());
    let catalog = Guid::parse(catalog.unwrap_or_default())?;
    let history = path("history");
    let history = File::open(&history).with_context(|| history.display().to_string())?;
    let mut archive = Archive::begin(file, catalog, Mark::parse(begin.trim_end())?)?;
    for line in BufReader::with_capacity(BUFFER, history).lines() {
        let line = line.context("reading the history")?;
        let seq = archive.last();
        archive.fill([Ok(line)], &Share::new(before, retention, clock::utc()))?;
        if archive.last() == seq {
            break;
        }
    }
    let (first, last) = archive.publish()?;
    tell(&archived, last)
        .with_context(|| format!("{} is complete, and its records stay", file.display()))?;
    Ok((first, last))
}

/// Tells the daemon which records are in the archive. A refusal is read from the same file.
fn tell(mut archived: &File, last: Mark) -> Result<()> {
    let line = format!("{last}\n");
    let Err(error) = archived.write_all(line.as_bytes()) else {
        return Ok(());
    };
    let mut said = String::new();
    match archived.read_to_string(&mut said) {
        Ok(_) if !said.is_empty() => bail!("{}", said.trim_end()),
        _ => Err(error).context("settings/archived"),
    }
}
