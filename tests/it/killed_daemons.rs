//! kill -9 at random moments, with clients at work: what was acknowledged is there afterwards, and nothing is given twice.
//! And daemons that go while another comes.
//!
//! `NTMSFS_LONG=1` runs 1,000 rounds, `NTMSFS_SEED=<number>` repeats the delays of a run.

use crate::harness::daemon::{Daemon, PROGRAM, Reader, ended, signal, until};
use crate::harness::is_guid;
use crate::harness::random::Random;
use crate::harness::world::rounds;
use nix::sys::signal::Signal;
use ntmsfs::cli::mountpoint::is_mounted;
use ntmsfs::manager::{clock, founding};
use ntmsfs::store::{Readers, log};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// Media in the library.
const MEDIA: usize = 60;

/// What the clients were told, and what they do not know.
#[derive(Default)]
struct Acknowledged {
    /// LMIDs that were read, by the name of their request if it had one.
    given: BTreeMap<String, Option<String>>,
    /// LMIDs whose return was asked for and not acknowledged.
    returning: BTreeSet<String>,
    /// Requests that were written, with their result if it was read.
    requests: BTreeMap<String, Option<String>>,
    /// Requests of the pool without media, which nothing ends.
    waiting: BTreeSet<String>,
    /// Media that were imported.
    media: BTreeSet<String>,
    /// Archives that have their name, and so are whole.
    archives: Vec<PathBuf>,
    allocations: u64,
}

type Shared = Mutex<Acknowledged>;

/// Asks through the transaction file. `None`: the daemon is gone.
fn transact(dir: &Path) -> Option<String> {
    let file = dir.join("pools/P/allocate");
    let mut file = OpenOptions::new().read(true).write(true).open(file).ok()?;
    file.write_all(b"timeout=0\n").ok()?;
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    Some(text.trim_end().to_owned())
}

/// Allocates through the transaction file.
fn anonymous(dir: &Path, shared: &Shared, _: &str) -> Option<()> {
    let text = transact(dir)?;
    let mut shared = shared.lock().unwrap();
    if is_guid(&text) {
        assert!(!shared.given.contains_key(&text), "{text} was given twice");
        shared.given.insert(text, None);
        shared.allocations += 1;
    }
    Some(())
}

/// Allocates by a named request, and leaves another one waiting for ever.
fn named(dir: &Path, shared: &Shared, name: &str) -> Option<()> {
    fs::write(dir.join("pools/Dry/requests").join(name), "\n").ok()?;
    shared.lock().unwrap().waiting.insert(name.to_owned());
    fs::write(dir.join("pools/P/requests").join(name), "timeout=0\n").ok()?;
    let mut told = shared.lock().unwrap();
    told.requests.insert(name.to_owned(), None);
    drop(told);
    let text = fs::read_to_string(dir.join("pools/P/results").join(name)).ok()?;
    let text = text.trim_end().to_owned();
    let mut shared = shared.lock().unwrap();
    shared.requests.insert(name.to_owned(), Some(text.clone()));
    if is_guid(&text) {
        let before = shared.given.insert(text, Some(name.to_owned()));
        assert_eq!(before, None, "given twice");
        shared.allocations += 1;
    }
    Some(())
}

/// Gives something back.
fn give_back(dir: &Path, shared: &Shared, _: &str) -> Option<()> {
    let mut told = shared.lock().unwrap();
    let Some((lmid, _)) = told.given.pop_first() else {
        drop(told);
        thread::yield_now();
        return fs::read(dir.join("README")).ok().map(drop);
    };
    told.returning.insert(lmid.clone());
    drop(told);
    fs::remove_dir(dir.join("logical").join(&lmid)).ok()?;
    shared.lock().unwrap().returning.remove(&lmid);
    Some(())
}

/// Imports a medium on a shelf.
fn import(dir: &Path, shared: &Shared, name: &str) -> Option<()> {
    let file = dir.join("pools/Free/pools/LTO-8/import");
    fs::write(file, format!("shelf-{name}\n")).ok()?;
    shared.lock().unwrap().media.insert(format!("shelf-{name}"));
    Some(())
}

/// Moves all records into an archive; also on its own, if the daemon has just gone.
fn archive(dir: &Path, shared: &Shared, name: &str) -> Option<()> {
    let place = dir.parent()?;
    let file = place.join(format!("{name}.jsonl"));
    let mut command = Command::new(PROGRAM);
    command
        .arg("archive")
        .args([&place.join("catalog"), &file])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().ok()?;
    if file.exists() {
        shared.lock().unwrap().archives.push(file);
    }
    fs::read(dir.join("README")).ok().map(drop)
}

type Client = fn(&Path, &Shared, &str) -> Option<()>;

const CLIENTS: [(&str, Client); 6] = [
    ("a", anonymous),
    ("b", anonymous),
    ("n", named),
    ("g", give_back),
    ("i", import),
    ("h", archive),
];

fn texts(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Looks into the catalog as the crash left it.
fn examine(catalog: &Path, told: &mut Acknowledged, thorough: bool) {
    let db = Connection::open(catalog).unwrap();
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let logical: BTreeSet<String> = texts(&db, "SELECT lower(hex(id)) FROM logical")
        .into_iter()
        .collect();
    let hex = |lmid: &String| lmid.replace('-', "");
    for lmid in told.given.keys() {
        assert!(logical.contains(&hex(lmid)), "{lmid} is lost");
    }
    // A return that was not acknowledged has happened or not; whoever asks again will see.
    told.returning.retain(|lmid| logical.contains(&hex(lmid)));
    let returned = std::mem::take(&mut told.returning);
    told.given
        .extend(returned.into_iter().map(|lmid| (lmid, None)));
    let media: BTreeSet<String> = texts(&db, "SELECT name FROM medium").into_iter().collect();
    assert!(told.media.is_subset(&media));
    let wrong = [
        "SELECT count(*) FROM side WHERE state IN (5, 6) AND no NOT IN (SELECT side FROM logical)",
        "SELECT count(*) FROM logical WHERE side NOT IN (SELECT no FROM side WHERE state IN (5, 6))",
        "SELECT count(*) FROM (SELECT side FROM logical GROUP BY side HAVING count(*) > 1)",
        "SELECT count(*) FROM side JOIN medium ON side.medium = medium.no WHERE side.pool <> medium.pool",
        "SELECT count(*) FROM operator WHERE request NOT IN (SELECT no FROM request)",
        "SELECT count(*) FROM (SELECT pool, state, standing, count(*) n FROM side GROUP BY 1, 2, 3) s
           LEFT JOIN tally USING (pool, state, standing) WHERE tally.sides IS NOT n",
    ];
    for sql in wrong {
        assert_eq!(number(sql), 0, "{sql}");
    }
    requests(&db, told);
    if thorough {
        assert_eq!(texts(&db, "PRAGMA integrity_check"), ["ok"]);
        let walked = Readers::new(catalog).look(|view| log::walk(view, |_, _| Ok(())));
        assert_eq!(walked.unwrap().seq, number("SELECT max(seq) FROM log"));
        drop(db);
        let problems = ntmsfs::manager::check(catalog, &told.archives).unwrap();
        assert!(problems.problems.is_empty(), "{problems:?}");
        assert!(!told.archives.is_empty(), "no record was ever archived");
    }
}

/// Every request that was acknowledged is there, with the result that was read.
fn requests(db: &Connection, told: &Acknowledged) {
    let mut statement = db
        .prepare(
            "SELECT request.name, pool.name, request.state, trim(coalesce(result, ''), char(10))
             FROM request JOIN pool ON request.pool = pool.no WHERE request.name IS NOT NULL",
        )
        .unwrap();
    let rows = statement.query_map([], |row| {
        let (name, pool): (String, String) = (row.get(0)?, row.get(1)?);
        Ok((
            (pool, name),
            (row.get::<_, i64>(2)?, row.get::<_, String>(3)?),
        ))
    });
    let found: BTreeMap<_, _> = rows.unwrap().map(Result::unwrap).collect();
    for name in &told.waiting {
        let request = &found[&("Dry".to_owned(), name.clone())];
        assert_eq!(request.0, 0, "{name} no longer waits");
    }
    for (name, result) in &told.requests {
        let request = &found[&("P".to_owned(), name.clone())];
        assert_eq!(request.0, 1, "{name} has no result");
        assert!(
            result.as_ref().is_none_or(|it| *it == request.1),
            "{name}: {}",
            request.1
        );
    }
}

/// Gives back what nobody knows of, and what is more than the library can spare.
fn tidy_up(daemon: &Daemon, told: &mut Acknowledged) {
    let unknown = daemon.names("logical");
    for lmid in unknown
        .iter()
        .filter(|lmid| !told.given.contains_key(*lmid))
    {
        fs::remove_dir(daemon.path("logical").join(lmid)).unwrap();
    }
    while told.given.len() > MEDIA / 2 {
        let (lmid, _) = told.given.pop_first().unwrap();
        fs::remove_dir(daemon.path("logical").join(lmid)).unwrap();
    }
    assert_eq!(
        daemon.names("logical"),
        told.given.keys().cloned().collect()
    );
}

/// A new catalog in the place of the old one, whose checks would take longer and longer.
fn fresh(daemon: &mut Daemon) {
    daemon.catalog = daemon.place.path().join("catalog");
    for end in ["", "-wal", "-shm"] {
        drop(fs::remove_file(format!(
            "{}{end}",
            daemon.catalog.display()
        )));
    }
    founding::found(&daemon.catalog).unwrap();
    daemon.start();
    daemon.library(
        "lto",
        &format!("virtual type=LTO-8 slots=90 drives=1 cartridges={MEDIA}"),
    );
    daemon.pool("P", "LTO-8");
    fs::create_dir(daemon.path("pools/Dry")).unwrap();
    daemon.write("pools/Dry/media_type", "DDS");
    assert!(daemon.terminate().success());
}

/// One life of the daemon. If it is a long one, it ends after something was acknowledged, however slow the machine is.
fn round(
    daemon: &mut Daemon,
    told: Acknowledged,
    random: &mut Random,
    (name, long): (&str, bool),
) -> Acknowledged {
    daemon.start();
    let mut told = told;
    tidy_up(daemon, &mut told);
    let before = told.allocations;
    let delay = Duration::from_micros(random.next() % 30_000);
    let shared = Mutex::new(told);
    let dir = daemon.dir.clone();
    thread::scope(|scope| {
        for (letter, client) in CLIENTS {
            let (dir, shared) = (&dir, &shared);
            scope.spawn(move || {
                let mut count = 0;
                while client(dir, shared, &format!("{name}-{letter}{count}")).is_some() {
                    count += 1;
                }
            });
        }
        // Whatever happens, it is killed: the clients end with it alone.
        let served = catch_unwind(AssertUnwindSafe(|| {
            until("an allocation is acknowledged", || {
                !long || shared.lock().unwrap().allocations > before
            });
        }));
        // Nobody wakes this thread; if it comes back early, that is another moment.
        thread::park_timeout(delay);
        daemon.crash();
        assert!(served.is_ok());
    });
    shared.into_inner().unwrap()
}

#[test]
fn kill_nine_loses_nothing() {
    let rounds = rounds(50, 1000);
    let seed = std::env::var("NTMSFS_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| clock::utc().0.cast_unsigned());
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut daemon = Daemon::stopped();
    let (mut told, mut allocations) = (Acknowledged::default(), 0);
    let begun = clock::boot();
    for number in 1..=rounds {
        if number % 50 == 1 {
            fresh(&mut daemon);
            told = Acknowledged::default();
        }
        let before = told.allocations;
        let life = (format!("r{number}"), number % 2 == 0);
        told = round(&mut daemon, told, &mut random, (&life.0, life.1));
        allocations += told.allocations - before;
        examine(&daemon.catalog, &mut told, number % 10 == 0);
    }
    let took = clock::boot().saturating_sub(begun);
    println!("{rounds} rounds, seed {seed}: {allocations} allocations acknowledged, {took:?}");
    assert!(allocations >= rounds / 2);
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
}

/// Starts a daemon that is expected to be refused.
fn second(catalog: &Path, dir: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(PROGRAM);
    command.arg("mount").args([catalog, dir]).arg("-f");
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let status = ended(&mut child, "the second ends");
    let mut text = String::new();
    child.stderr.unwrap().read_to_string(&mut text).unwrap();
    (status.code(), text)
}

#[test]
fn a_second_daemon_is_refused_and_one_that_goes_is_waited_for() {
    let mut daemon = Daemon::new();
    let other = daemon.place.path().join("other");
    fs::create_dir(&other).unwrap();
    for dir in [&other, &daemon.dir] {
        let (code, text) = second(&daemon.catalog, dir);
        let holder = format!("serving pid {} at {}", daemon.pid(), daemon.dir.display());
        assert!(code == Some(1) && text.contains(&holder), "{text}");
    }
    assert!(!is_mounted(&other));
    // An open file keeps the first for as long as its session may take.
    let kept = File::open(daemon.path("README")).unwrap();
    signal(daemon.pid(), Signal::SIGTERM);
    let lock = format!("{}.lock", daemon.catalog.display());
    until("it says so", || {
        fs::read_to_string(&lock).unwrap().starts_with("stopping")
    });
    let status = Command::new(PROGRAM)
        .arg("mount")
        .args([&daemon.catalog, &daemon.dir])
        .status();
    assert!(status.unwrap().success());
    assert!(daemon.end().success());
    drop(kept);
    assert!(daemon.read("README").contains("pools"));
    assert!(
        Command::new("umount")
            .arg(&daemon.dir)
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn of_two_at_once_one_wins() {
    let daemon = Daemon::stopped();
    let dirs = ["a", "b"].map(|name| daemon.place.path().join(name));
    for dir in &dirs {
        fs::create_dir(dir).unwrap();
    }
    for round in 0..20 {
        let mut children = dirs.each_ref().map(|dir| {
            let mut command = Command::new(PROGRAM);
            command.arg("mount").args([&daemon.catalog, dir]);
            command.stderr(Stdio::piped()).spawn().unwrap()
        });
        let won = children
            .each_mut()
            .map(|child| ended(child, "both end").success());
        let texts = children.each_mut().map(|child| {
            let mut text = String::new();
            let errors = child.stderr.as_mut().unwrap();
            errors.read_to_string(&mut text).unwrap();
            text
        });
        assert!(won[0] ^ won[1], "round {round}: {texts:?}");
        let loser = usize::from(won[0]);
        let text = &texts[loser];
        assert!(text.contains("the catalog is in use: s"), "{text}");
        assert_eq!(dirs.each_ref().map(|dir| is_mounted(dir)), won);
        let winner = &dirs[1 - loser];
        assert!(
            Command::new("umount")
                .arg(winner)
                .status()
                .unwrap()
                .success()
        );
    }
}

#[test]
fn a_busy_daemon_ends_and_its_place_is_free_again() {
    let mut daemon = Daemon::new();
    for _ in 0..3 {
        let mut inside = Reader::run([
            "bash",
            "-c",
            r#"cd "$0" && echo in && exec cat events"#,
            daemon.dir.to_str().unwrap(),
        ]);
        assert_eq!(inside.line(), "in");
        let open = File::open(daemon.path("pools/P/counts")).unwrap();
        inside.until_waiting();
        assert_eq!(daemon.terminate().code(), Some(0), "{}", daemon.log());
        assert!(!is_mounted(&daemon.dir));
        inside.end();
        daemon.start();
        assert!(io::read_to_string(open).is_err());
        assert!(daemon.read("README").contains("pools"));
    }
}

#[test]
fn a_dead_mount_makes_room() {
    let mut daemon = Daemon::new();
    for _ in 0..3 {
        signal(daemon.pid(), Signal::SIGKILL);
        daemon.end();
        let error = fs::read(daemon.path("README")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTCONN));
        daemon.start();
        assert_eq!(daemon.names("pools").len(), 4);
    }
    let table = fs::read_to_string("/proc/mounts").unwrap();
    let dir = daemon.dir.to_str().unwrap();
    assert_eq!(table.lines().filter(|line| line.contains(dir)).count(), 1);
}

/// Whoever started it has gone before it could say that it is ready: no mount is left without its daemon.
#[test]
fn a_start_that_nobody_waits_for_leaves_nothing() {
    let daemon = Daemon::stopped();
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(PROGRAM);
    command
        .args(["mount", "--report"])
        .args([&daemon.catalog, &daemon.dir]);
    let mut child = command
        .stdout(writer)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(command);
    assert_eq!(ended(&mut child, "it ends").code(), Some(1));
    assert!(fs::read_dir(&daemon.dir).unwrap().next().is_none());
}
