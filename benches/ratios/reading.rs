//! What only reads: attributes, names, whole directories, what is computed, and the daemon itself.

use crate::catalog::{self, POOL};
use crate::measure::{Goal, Row, pair, timed};
use crate::mounted::{Daemon, Floor};
use anyhow::{Result, bail};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// Opens, reads, closes.
fn glance(path: &Path) -> Result<usize> {
    Ok(File::open(path)?.read(&mut [0; 4096])?)
}

/// Samples of one file.
fn glances(path: &Path) -> Result<Vec<Duration>> {
    (0..20)
        .map(|_| timed(|| glance(path)).map(|(time, _)| time))
        .collect()
}

/// An attribute is opened, read and closed.
pub(crate) fn attribute(size: &str, daemon: &Daemon, floor: &Floor) -> Result<Row> {
    let name = daemon.dir.join("pools").join(POOL).join("selection");
    let fixed = floor.dir.join("static");
    let [time, least] = pair(200, &mut || glances(&name), &mut || glances(&fixed))?;
    let figure = format!("open, read, close an attribute, {size} media / bare file");
    Row::times(&figure, (&time, &least), Goal::AtMost(1.2))
}

/// Names that were not looked up before.
pub(crate) fn lookup(size: &str, media: u32, daemon: &Daemon, floor: &Floor) -> Result<Row> {
    let part = media / 20;
    let look = |dir: &Path, first: u32| -> Result<Vec<Duration>> {
        (first..first + part.min(200))
            .map(|index| {
                let path = dir.join(catalog::name(index));
                timed(|| Ok(fs::symlink_metadata(&path)?)).map(|(time, _)| time)
            })
            .collect()
    };
    let media_dir = daemon.dir.join("pools").join(POOL).join("media");
    let names = floor.dir.join("names");
    let (mut mine, mut theirs) = (0, 0);
    let next = |dir: &Path, at: &mut u32| {
        let found = look(dir, *at);
        *at += part;
        found
    };
    let [time, least] = pair(18, &mut || next(&media_dir, &mut mine), &mut || {
        next(&names, &mut theirs)
    })?;
    let figure = format!("lookup of a medium, {size} media / bare name");
    Row::times(&figure, (&time, &least), Goal::Told)
}

/// Counts the entries of a directory.
fn list(path: &Path) -> Result<Vec<Duration>> {
    let (time, entries) = timed(|| {
        fs::read_dir(path)?.try_fold(0_u32, |count, entry| {
            entry?;
            Ok(count + 1)
        })
    })?;
    if entries == 0 {
        bail!("{} is empty", path.display());
    }
    Ok(vec![time])
}

/// All names of a directory.
pub(crate) fn listing(size: &str, daemon: &Daemon, floor: &Floor) -> Result<Row> {
    let (media, names) = (daemon.dir.join("media"), floor.dir.join("names"));
    let [time, least] = pair(5, &mut || list(&media), &mut || list(&names))?;
    let figure = format!("ls of all media, {size} media / bare names");
    Row::times(&figure, (&time, &least), Goal::Told)
}

/// What is computed, at many media against few; a change before each read makes it compute anew.
pub(crate) fn computed(few: &Daemon, many: &Daemon) -> Result<Vec<Row>> {
    let pool = format!("pools/{POOL}");
    let mut rows = Vec::new();
    for file in ["counts", "why", "selection"] {
        let look = |daemon: &Daemon| {
            let pool = daemon.dir.join(&pool);
            fs::write(pool.join("description"), "measured\n")?;
            timed(|| glance(&pool.join(file))).map(|(time, _)| vec![time])
        };
        let [many, few] = pair(60, &mut || look(many), &mut || look(few))?;
        let figure = format!("{file} after a change, most media / fewest media");
        rows.push(Row::times(&figure, (&many, &few), Goal::AtMost(1.5))?);
    }
    let statfs = |daemon: &Daemon| {
        let all = || Ok(nix::sys::statvfs::statvfs(&daemon.dir)?);
        (0..20)
            .map(|_| timed(all).map(|(time, _)| time))
            .collect::<Result<Vec<_>>>()
    };
    let [many, few] = pair(20, &mut || statfs(many), &mut || statfs(few))?;
    let figure = "statfs, most media / fewest media";
    rows.push(Row::times(figure, (&many, &few), Goal::AtMost(1.5))?);
    Ok(rows)
}

/// Time to mount and memory at the end, against what is allowed.
pub(crate) fn daemon(size: &str, daemon: &Daemon) -> Result<Vec<Row>> {
    let (now, most) = daemon.memory()?;
    let limit = Duration::from_millis(100);
    let memory = Row {
        figure: format!("memory after all of this, {size} media (most: {most} KiB)"),
        measured: format!("{now} KiB"),
        floor: "65536 KiB".to_owned(),
        ratio: f64::from(now) / 65_536.0,
        goal: Goal::AtMost(1.0),
    };
    let figure = format!("ntmsfs mount until it returns, {size} media / 100 ms");
    let mount = Row::limit(&figure, daemon.mount_time, limit);
    Ok(vec![mount, memory])
}
