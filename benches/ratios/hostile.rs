//! A user who has as much of everything as one user may have, and goes on asking: what that costs the others.

use crate::allocating::allocate_file;
use crate::measure::{Goal, Row, median, timed};
use crate::mounted::{self, Daemon, Player};
use crate::waiting::glance;
use anyhow::{Context as _, Result, bail};
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// The pool where the user may do everything.
const POOL: &str = "hostile";

/// The number of the user.
const UID: &str = "5001";

/// A pause between two rounds of requests that are refused: somebody who never rests has a processor for himself.
const PAUSE: Duration = Duration::from_millis(20);

/// What is asked until it is refused; each leaves something behind that lasts.
type Taking = fn(&Path, u32) -> std::io::Result<()>;

fn request(dir: &Path, no: u32) -> std::io::Result<()> {
    let path = dir.join("pools").join(POOL).join("requests");
    fs::write(path.join(format!("h{no}")), "timeout=infinite\n")
}

fn ask(dir: &Path, _: u32) -> std::io::Result<()> {
    fs::write(dir.join("ask"), "message text=again\n")
}

/// Waits for a result that never comes.
fn wait(dir: &Path, no: u32) -> std::io::Result<()> {
    let results = dir.join("pools").join(POOL).join("results");
    let mut file = File::open(results.join(format!("h{no}")))?;
    thread::Builder::new()
        .stack_size(65_536)
        .spawn(move || file.read(&mut [0; 64]).map(drop))
        .map(drop)
}

fn is_refused(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(libc::EDQUOT)
}

/// The user's side: takes everything, says so, and goes on asking until it is killed.
pub(crate) fn misbehave(dir: &Path) -> Result<()> {
    let takings: [Taking; 2] = [request, ask];
    for take in takings {
        let mut no = 0;
        loop {
            match take(dir, no) {
                Ok(()) => no += 1,
                Err(error) if is_refused(&error) => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    // A read that is refused ends at once; nobody is told how many wait.
    (0..256).try_for_each(|no| wait(dir, no))?;
    let mut files = Vec::new();
    loop {
        match File::open(dir.join("README")) {
            Ok(file) => files.push(file),
            Err(error) if is_refused(&error) => break,
            Err(error) => return Err(error.into()),
        }
    }
    // A few to go on with.
    files.truncate(files.len().saturating_sub(8));
    writeln!(std::io::stdout(), "ready")?;
    for no in 0.. {
        for refused in [request(dir, 1_000_000 + no), ask(dir, no)] {
            if refused.is_ok() {
                bail!("more than there may be was given");
            }
        }
        drop(
            File::open(dir.join("pools").join(POOL).join("results/h300"))
                .and_then(|mut file| file.read(&mut [0; 64])),
        );
        thread::park_timeout(PAUSE);
    }
    Ok(())
}

/// Starts the user; returns when he has everything.
fn user(dir: &Path) -> Result<Player> {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", UID, "--regid", UID, "--clear-groups"]);
    command.arg(std::env::current_exe()?);
    command.args(["role", "hostile"]).arg(dir).arg("0");
    Player::start(command)
}

/// An attribute, a change and an allocation of somebody else.
fn samples(daemon: &Daemon) -> Result<[Duration; 3]> {
    let allocate = allocate_file(&daemon.dir);
    let change = allocate.with_file_name("description");
    let (mut reads, mut changes, mut given) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..60 {
        reads.push(glance(daemon)?);
        changes.push(timed(|| Ok(fs::write(&change, "measured\n")?))?.0);
        let (time, lmid) = timed(|| {
            let mut file = OpenOptions::new().read(true).write(true).open(&allocate)?;
            file.write_all(b"timeout=0\n")?;
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok(text)
        })?;
        given.push(time);
        fs::remove_dir(daemon.dir.join("logical").join(lmid.trim_end())).context(lmid)?;
    }
    Ok([median(&reads)?, median(&changes)?, median(&given)?])
}

/// What others do, with the user and without, in turns.
pub(crate) fn cost(daemon: &Daemon) -> Result<Vec<Row>> {
    let pool = daemon.dir.join("pools").join(POOL);
    if fs::metadata(&pool).is_err() {
        fs::create_dir(&pool)?;
        fs::write(pool.join("media_type"), "LTO-8\n")?;
        fs::set_permissions(&pool, fs::Permissions::from_mode(0o777))?;
        fs::set_permissions(pool.join("allocate"), fs::Permissions::from_mode(0o666))?;
    }
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let user = user(&daemon.dir)?;
        with.push(samples(daemon)?);
        drop(user);
        forget(daemon, &pool)?;
        without.push(samples(daemon)?);
    }
    fs::remove_dir(&pool)?;
    let row = |what: &str, of: fn(&[Duration; 3]) -> Duration| {
        let side = |side: &[[Duration; 3]]| side.iter().map(of).collect::<Vec<_>>();
        let figure = format!("{what}, a user at every limit / no such user");
        Row::times(&figure, (&side(&with), &side(&without)), Goal::AtMost(1.5))
    };
    Ok(vec![
        row("an attribute", |[read, _, _]| *read)?,
        row("a change", |[_, change, _]| *change)?,
        row("an allocation", |[_, _, given]| *given)?,
    ])
}

/// Takes away what the user has left.
fn forget(daemon: &Daemon, pool: &Path) -> Result<()> {
    for entry in fs::read_dir(pool.join("requests"))? {
        fs::remove_file(entry?.path())?;
    }
    let uid: u32 = UID.parse()?;
    for entry in fs::read_dir(daemon.dir.join("operator"))? {
        let path = entry?.path();
        if fs::metadata(&path)?.uid() == uid {
            fs::write(path.join("state"), "refused\n")?;
            fs::remove_dir(path)?;
        }
    }
    drop(mounted::until("the files of the user", || {
        let metrics = fs::read_to_string(daemon.dir.join("metrics")).unwrap_or_default();
        metrics.contains("\nntmsfs_waiting_reads 0000000000\n")
    }));
    Ok(())
}
