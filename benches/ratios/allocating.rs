//! Allocations through the mount: one at a time against one fdatasync and the same file operations, and of 64 clients
//! at once against one commit for each on one connection.

use crate::catalog::{self, POOL};
use crate::measure::{Goal, Row, Side, interleaved, median, pair, timed};
use crate::mounted::{self, Daemon, Floor};
use anyhow::{Context as _, Result, bail};
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Allocations in a round.
const ROUND: usize = 4;

/// Rounds.
const ROUNDS: usize = 80;

/// Clients at once, and what each allocates.
const CLIENTS: u32 = 64;
const EACH: u32 = 8;

/// Blocks that the floor writes round and round, as many as a write-ahead log has.
const BLOCKS: u64 = 1_000;

/// Opens a transaction file, writes a request, reads the result, closes.
fn transaction(path: &Path) -> Result<String> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    file.write_all(b"timeout=0\n")?;
    let mut answer = [0; 256];
    let length = file.read(&mut answer)?;
    let text = answer.get(..length).unwrap_or_default();
    Ok(String::from_utf8_lossy(text).trim_end().to_owned())
}

/// Allocates; a refusal is an error.
fn allocate(path: &Path) -> Result<String> {
    let answer = transaction(path)?;
    if answer.starts_with("0x") {
        bail!("{}: {answer}", path.display());
    }
    Ok(answer)
}

/// Gives media back, so that a kept catalog serves again.
fn give_back(root: &Path, lmids: &[String]) -> Result<()> {
    for lmid in lmids {
        fs::remove_dir(root.join("logical").join(lmid))?;
    }
    Ok(())
}

/// A file on the file system of the catalogs that is written and synced block by block.
struct Disk {
    file: File,
    next: u64,
}

impl Disk {
    fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("blocks");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        for block in 0..BLOCKS {
            file.write_all_at(&[1; 4096], block * 4096)?;
        }
        file.sync_all()?;
        Ok(Self { file, next: 0 })
    }

    fn sync(&mut self) -> Result<()> {
        self.file.write_all_at(&[2; 4096], self.next * 4096)?;
        self.next = (self.next + 1) % BLOCKS;
        Ok(self.file.sync_data()?)
    }
}

/// One round of allocations through a mount.
fn round(root: &Path) -> Result<Vec<Duration>> {
    let path = allocate_file(root);
    let mut lmids = Vec::new();
    let mut times = Vec::new();
    for _ in 0..ROUND {
        let (time, lmid) = timed(|| allocate(&path))?;
        times.push(time);
        lmids.push(lmid);
    }
    give_back(root, &lmids)?;
    Ok(times)
}

/// Returns the transaction file of the pool of all media.
pub(crate) fn allocate_file(root: &Path) -> PathBuf {
    root.join("pools").join(POOL).join("allocate")
}

/// One allocation at a time, through each of the mounts.
pub(crate) fn one(daemons: &[(&str, &Daemon)], floor: &Floor, work: &Path) -> Result<Vec<Row>> {
    let mut disk = Disk::open(work)?;
    let bare = floor.dir.join("transaction");
    let mut floor_side = || -> Result<Vec<Duration>> {
        (0..ROUND)
            .map(|_| {
                timed(|| {
                    transaction(&bare)?;
                    disk.sync()
                })
                .map(|(time, ())| time)
            })
            .collect()
    };
    let mut mounts: Vec<_> = daemons
        .iter()
        .map(|(_, daemon)| move || round(&daemon.dir))
        .collect();
    let mut sides: Vec<Side<'_>> = vec![&mut floor_side];
    sides.extend(mounts.iter_mut().map(|side| -> Side<'_> { side }));
    let medians = interleaved(ROUNDS, &mut sides)?;
    let floor = medians.first().context("the floor")?;
    let mut rows = Vec::new();
    for ((size, _), time) in daemons.iter().zip(medians.iter().skip(1)) {
        let figure = format!("one allocation, {size} media / fdatasync + bare file");
        rows.push(Row::times(&figure, (time, floor), Goal::AtMost(1.3))?);
    }
    if let [_, few, many] = medians.as_slice() {
        let figure = "one allocation, most media / fewest media";
        rows.push(Row::times(figure, (many, few), Goal::AtMost(1.2))?);
    }
    Ok(rows)
}

/// Lets all clients allocate at once; returns the time of all.
fn crowd(root: &Path) -> Result<(Duration, Vec<String>)> {
    let path = allocate_file(root);
    let all = |path: &Path| {
        (0..EACH)
            .map(|_| allocate(path))
            .collect::<Result<Vec<_>>>()
    };
    timed(|| {
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| all(&path))).collect();
            let mut lmids = Vec::new();
            for client in clients {
                let found = client.join().ok().context("a client panicked")?;
                lmids.extend(found?);
            }
            Ok(lmids)
        })
    })
}

/// The time that one of the comparison's allocations takes.
fn alone(mut command: std::process::Command, catalog: &Path, count: u32) -> Result<Duration> {
    let output = command.arg(catalog).arg(count.to_string()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let nanos: u64 = text.trim().parse().context(text)?;
    Ok(Duration::from_nanos(nanos) / count)
}

fn row(figure: &str, clients: Duration, alone: Duration, least: f64) -> Row {
    let rate = |time: Duration| format!("{:.0} /s", 1.0 / time.as_secs_f64().max(1e-9));
    Row {
        figure: figure.to_owned(),
        measured: rate(clients),
        floor: rate(alone),
        ratio: alone.as_secs_f64() / clients.as_secs_f64().max(1e-9),
        goal: Goal::AtLeast(least),
    }
}

/// 64 clients at once.
pub(crate) fn many(size: &str, daemon: &Daemon, few: &Path) -> Result<Row> {
    let count = CLIENTS * EACH;
    let mut clients = || {
        let (time, lmids) = crowd(&daemon.dir)?;
        give_back(&daemon.dir, &lmids)?;
        Ok(vec![time / count])
    };
    let mut one = || {
        let copy = catalog::copy(few, "alone")?;
        Ok(vec![alone(mounted::role("alone")?, &copy, count)?])
    };
    let [clients, one] = pair(9, &mut clients, &mut one)?;
    let figure = format!("64 clients, {size} media / a commit each, no mount");
    Ok(row(&figure, median(&clients)?, median(&one)?, 4.0))
}

/// 64 clients at once, with commits that take 4 ms longer on both sides.
pub(crate) fn many_slow(few: &Path, mounts: &Path) -> Result<Row> {
    let count = CLIENTS * EACH;
    let (mut clients, mut ones) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let copy = catalog::copy(few, "slow")?;
        let daemon = Daemon::slow(&copy, &mounts.join("slow"))?;
        clients.push(crowd(&daemon.dir)?.0 / count);
        drop(daemon);
        let copy = catalog::copy(few, "alone")?;
        ones.push(alone(mounted::role("alone-slow")?, &copy, count)?);
    }
    let (clients, one) = (median(&clients)?, median(&ones)?);
    Ok(row(
        "64 clients, commits + 4 ms / a commit each, no mount",
        clients,
        one,
        20.0,
    ))
}
