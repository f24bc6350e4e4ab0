//! Readers that wait: what 1,000 of them cost the others, and how soon each of 100 ends by a signal.

use crate::allocating::allocate_file;
use crate::catalog::{EMPTY, POOL};
use crate::measure::{Goal, Row, median, timed};
use crate::mounted::{self, Daemon, Player, until};
use anyhow::Result;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Starts a process whose threads wait; returns when all are about to read.
fn waiters(path: &Path, threads: u32) -> Result<Player> {
    let mut command = mounted::role("wait")?;
    command.arg(path).arg(threads.to_string());
    Player::start(command)
}

/// The other side of [`waiters`]: every thread asks and waits.
pub(crate) fn wait(path: &Path, threads: u32) -> Result<()> {
    let mut files = Vec::new();
    for _ in 0..threads {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        file.write_all(b"timeout=infinite\n")?;
        files.push(file);
    }
    let read = |mut file: File| file.read(&mut [0; 256]).map(drop);
    let threads: Vec<_> = files
        .into_iter()
        .map(|file| {
            thread::Builder::new()
                .stack_size(65_536)
                .spawn(move || read(file))
        })
        .collect::<std::io::Result<_>>()?;
    writeln!(std::io::stdout(), "ready")?;
    for thread in threads {
        drop(thread.join());
    }
    Ok(())
}

/// Reads an attribute twenty times: the time of one.
pub(crate) fn glance(daemon: &Daemon) -> Result<Duration> {
    let path = daemon.dir.join("pools").join(POOL).join("selection");
    let all = || {
        for _ in 0..20 {
            File::open(&path)?.read_exact(&mut [0; 4])?;
        }
        Ok(())
    };
    timed(all).map(|(time, ())| time / 20)
}

/// How many operator requests are open: one for each request that waits.
fn waiting(daemon: &Daemon) -> Result<usize> {
    Ok(fs::read_dir(daemon.dir.join("operator"))?.count())
}

/// The times of an attribute and of a change, each the median of a few: what holds others up now and then does not show, what
/// does so all the time does.
fn samples(daemon: &Daemon) -> Result<[Duration; 2]> {
    let path = allocate_file(&daemon.dir);
    let change = path.with_file_name("description");
    let (mut reads, mut commits) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        commits.push(timed(|| Ok(fs::write(&change, "measured\n")?))?.0);
        reads.push(glance(daemon)?);
    }
    Ok([median(&reads)?, median(&commits)?])
}

/// What 1,000 waiting readers cost. The rounds are short and each is compared with the one after it, in which nobody waits,
/// because a shared machine is faster and slower by turns.
pub(crate) fn cost(daemon: &Daemon) -> Result<Vec<Row>> {
    let path = daemon.dir.join("pools").join(EMPTY).join("allocate");
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let old = waiting(daemon)?;
    let come = |count: usize| {
        until("the waiting readers", || {
            waiting(daemon).is_ok_and(|now| now == old + count)
        })
    };
    for _ in 0..15 {
        let waiters = waiters(&path, 1_000)?;
        come(1_000)?;
        with.push(samples(daemon)?);
        drop(waiters);
        come(0)?;
        without.push(samples(daemon)?);
    }
    let row = |figure: &str, of: fn(&[Duration; 2]) -> Duration| {
        let sides = [&with, &without].map(|side| side.iter().map(of).collect::<Vec<_>>());
        Row::times(figure, (&sides[0], &sides[1]), Goal::AtMost(1.2))
    };
    Ok(vec![
        row(
            "an attribute, 1,000 readers wait / nobody waits",
            |[read, _]| *read,
        )?,
        row(
            "a change, 1,000 readers wait / nobody waits",
            |[_, change]| *change,
        )?,
    ])
}

/// How soon each of 100 waiting readers ends: the slowest, against 100 ms.
pub(crate) fn signals(daemon: &Daemon) -> Result<Vec<Row>> {
    let path = daemon.dir.join("pools").join(EMPTY).join("allocate");
    let limit = Duration::from_millis(100);
    let mut rows = Vec::new();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        let old = waiting(daemon)?;
        let mut waiters = (0..100)
            .map(|_| waiters(&path, 1))
            .collect::<Result<Vec<_>>>()?;
        until("the waiting readers", || {
            waiting(daemon).is_ok_and(|now| now >= old + 100)
        })?;
        let mut slowest = Duration::ZERO;
        for waiter in &mut waiters {
            let pid = Pid::from_raw(i32::try_from(waiter.0.id())?);
            let (time, _) = timed(|| {
                kill(pid, signal)?;
                Ok(waiter.0.wait()?)
            })?;
            slowest = slowest.max(time);
        }
        drop(waiters);
        until("the end of the requests", || {
            waiting(daemon).is_ok_and(|now| now == old)
        })?;
        let figure = format!("100 readers wait: the slowest end by {signal} / 100 ms");
        rows.push(Row::limit(&figure, slowest, limit));
    }
    Ok(rows)
}
