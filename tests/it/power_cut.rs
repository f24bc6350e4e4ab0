//! The power is cut: of what was written since the last sync, each sector may be on the disk or not. Nothing that was
//! acknowledged may be lost, and the catalog must be sound.
//!
//! A child serves a mixed load while a shim writes down, in order, all that it writes and syncs, and its acknowledgements. From
//! that record the disk is made as a cut at any instant would leave it. The same with `synchronous=OFF` loses, so the
//! test can fail. `NTMSFS_LONG=1`: 500 cuts.

use crate::harness::random::Random;
use crate::harness::world::{World, clock, folder, lines, root, rounds};
use ntmsfs::domain::allocate_request::AllocateRequest;
use ntmsfs::domain::ask::{Ask, Named, Reply, SetPool};
use ntmsfs::domain::attribute::{Holder, Way};
use ntmsfs::domain::change::Thing;
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::manager::core::Core;
use ntmsfs::manager::{Durability, Faults, check, log, read};
use ntmsfs::store::checkpoint::Checkpoint;
use ntmsfs::store::write::Writer;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const CHILD: &str = "NTMSFS_POWER_CHILD";
const SECTOR: usize = 512;

fn prepared() -> Vec<u8> {
    let mut world = World::new();
    world.library("box", "LTO-8", 30);
    let pool = world.pool(CATALOG, "Backup", "LTO-8");
    world.set(pool, SetPool::AllocateFromFree(true));
    let free = world.leaf("Free", "LTO-8");
    for n in 1..=30 {
        world.import(free, &format!("m{n} slot=box/{n}"));
    }
    world.into_bytes()
}

/// What the child asks for next.
fn ask(core: &Core, random: &mut Random, (round, pool): (usize, Thing), owned: &[ObjectNo]) -> Ask {
    let allocate = |body: &str, name| Ask::Allocate {
        pool: pool.no,
        request: Box::new(AllocateRequest::parse(body).expect("a request")),
        name,
    };
    match random.below(6) {
        0 | 1 if owned.len() < 20 => allocate("", None),
        0..=2 if !owned.is_empty() => Ask::Deallocate { logical: owned[0] },
        3 => Ask::SetAttribute {
            of: Holder::Pool(pool),
            name: format!("user.{}", round % 5),
            value: Some(vec![u8::try_from(round % 256).expect("a byte"); 20_000]),
            way: Way::Any,
        },
        4 => lines(pool.no, &[&format!("x{round}-{}", random.below(1 << 30))]),
        5 => {
            let name = format!("r{round}-{}", random.below(1 << 30));
            let no = core.reserve().expect("a number");
            let body = String::new();
            allocate(
                "timeout=0 media=00000000-0000-7000-8000-000000000000 next",
                Some(Named { name, no, body }),
            )
        }
        _ => Ask::SetPool {
            no: pool.no,
            set: SetPool::Description(format!("round {round}")),
        },
    }
}

/// The child: batches of asks; after each the end of the log is written down as acknowledged.
fn child(durability: Durability, path: &Path) {
    let mut answers = path.as_os_str().to_owned();
    answers.push(".answers");
    let answers = OpenOptions::new().append(true).create(true).open(answers);
    let mut answers = answers.expect("a file");
    let writer = Writer::open(path, durability, Faults::default()).expect("a catalog");
    let mut core = Core::new(writer, clock(), Faults::default()).expect("a core");
    let pool = read::pool_named(core.writer().db(), CATALOG, "Backup");
    let pool = pool.expect("a pool").expect("the pool");
    let pool = Thing {
        no: pool.no,
        id: pool.id,
    };
    let (mut random, mut owned) = (Random(7), Vec::new());
    for round in 0..400 {
        let mut asks = Vec::new();
        for _ in 0..=random.below(3) {
            asks.push((root(), ask(&core, &mut random, (round, pool), &owned)));
        }
        let batch = core.batch(&asks);
        for (answer, (_, ask)) in batch.answers.iter().zip(&asks) {
            match (answer, ask) {
                (Ok(Reply::Allocated { logical, .. }), _) => owned.push(*logical),
                (Ok(_), Ask::Deallocate { logical }) => owned.retain(|no| no != logical),
                _ => {}
            }
        }
        if round % 50 == 49 {
            let_go(&mut core);
        }
        let head = log::head(core.writer().db()).expect("the log");
        let line = format!("{} {:?}\n", head.seq, head.chain.0);
        answers.write_all(line.as_bytes()).expect("an answer");
    }
    // As a crash: nothing is tidied up.
    std::process::exit(0);
}

/// Puts all but the last records into an archive, and has the checkpoint follow.
fn let_go(core: &mut Core) {
    let db = core.writer().db();
    let seq = log::head(db).expect("the log").seq - 3;
    let last = log::at(db, seq).expect("a record").expect("a record");
    let archive = Ask::Archive { last: last.mark() };
    let mut checkpoint = Checkpoint::load(db).expect("the checkpoint");
    let mut next = Some(archive);
    while let Some(ask) = next {
        let batch = core.batch(&[(root(), ask)]);
        assert_eq!(batch.answers, [Ok(Reply::Done)]);
        let piece = checkpoint.advance(core.writer().db()).expect("a piece");
        next = piece.map(|piece| Ask::Fold {
            piece: Box::new(piece),
        });
    }
}

/// Not a test by itself: what the child of the tests below runs.
#[test]
fn child_of_the_power_cut() {
    let Ok(words) = std::env::var(CHILD) else {
        return;
    };
    let (durability, path) = words.split_once(' ').expect("two words");
    let durability = match durability {
        "full" => Durability::Full,
        _ => Durability::None,
    };
    child(durability, Path::new(path));
}

/// One step of what the child did: to the catalog (0) or its log of pages (1), or an acknowledgement (2).
enum Step {
    Write(usize, usize, Vec<u8>),
    Cut(usize, usize),
    Sync(usize),
    Acknowledged(String),
}

/// Runs the child under the shim and returns what it did.
fn recorded(durability: &str, bytes: &[u8]) -> Vec<Step> {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/journal.c");
    let built = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .args([&path("journal.so"), Path::new(source)])
        .arg("-ldl")
        .status();
    assert!(
        built.is_ok_and(|built| built.success()),
        "the C compiler builds the shim"
    );
    std::fs::write(path("catalog"), bytes).expect("a catalog");
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "power_cut::child_of_the_power_cut"])
        .env(CHILD, format!("{durability} {}", path("catalog").display()))
        .env("LD_PRELOAD", path("journal.so"))
        .env("JOURNAL_OF", path("catalog"))
        .env("JOURNAL", path("journal"))
        .stdout(Stdio::null())
        .status();
    assert!(
        child.is_ok_and(|child| child.success()),
        "the child ends well"
    );
    steps(&std::fs::read(path("journal")).expect("a journal"))
}

fn steps(journal: &[u8]) -> Vec<Step> {
    let (mut out, mut rest) = (Vec::new(), journal);
    while let Some((head, after)) = rest.split_at_checked(32) {
        let word = |at: usize| {
            let bytes = head[8 * at..8 * at + 8].try_into().expect("8 bytes");
            usize::try_from(u64::from_le_bytes(bytes)).expect("a number")
        };
        let (kind, file, offset, length) = (word(0), word(1), word(2), word(3));
        let (bytes, after) = after.split_at(length);
        rest = after;
        out.push(match (u8::try_from(kind), file) {
            (Ok(b'W'), 2) => Step::Acknowledged(String::from_utf8_lossy(bytes).trim().to_owned()),
            (Ok(b'W'), file) => Step::Write(file, offset, bytes.to_vec()),
            (Ok(b'T'), file) => Step::Cut(file, offset),
            (_, file) => Step::Sync(file),
        });
    }
    out
}

/// A file: what is on the disk for certain, and the steps since the last sync.
#[derive(Default)]
struct Disk<'a> {
    synced: Vec<u8>,
    pending: Vec<&'a Step>,
}

fn put(bytes: &mut Vec<u8>, offset: usize, part: &[u8]) {
    if bytes.len() < offset + part.len() {
        bytes.resize(offset + part.len(), 0);
    }
    bytes[offset..offset + part.len()].copy_from_slice(part);
}

impl Disk<'_> {
    /// What a cut leaves: of what is pending, each sector or not.
    fn left(&self, mut keeps: impl FnMut() -> bool) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        for step in &self.pending {
            match step {
                Step::Write(_, offset, written) => {
                    for (n, sector) in written.chunks(SECTOR).enumerate() {
                        if keeps() {
                            put(&mut bytes, offset + n * SECTOR, sector);
                        }
                    }
                }
                Step::Cut(_, length) if keeps() => bytes.resize(*length, 0),
                Step::Cut(..) | Step::Sync(_) | Step::Acknowledged(_) => {}
            }
        }
        bytes
    }

    fn sync(&mut self) {
        self.synced = self.left(|| true);
        self.pending.clear();
    }
}

/// Why a catalog that a cut left is not what was acknowledged, if it is not.
fn wrong(path: &Path, acknowledged: &str) -> Option<String> {
    let writer = match Writer::open(path, Durability::None, Faults::default()) {
        Ok(writer) => writer,
        Err(refusal) => return Some(format!("it does not open: {refusal}")),
    };
    if let Some((seq, chain)) = acknowledged.split_once(' ') {
        let sql = "SELECT chain FROM log WHERE seq = ?1";
        let found = writer
            .db()
            .query_row(sql, [seq], |row| row.get::<_, [u8; 32]>(0));
        // It may be in the checkpoint already, which the check below looks at.
        let folded = log::folded(writer.db()).map_or(0, |folded| folded.seq);
        let lost = found.map(|found| format!("{found:?}")).as_deref() != Ok(chain);
        if lost && seq.parse::<i64>().expect("a number") > folded {
            return Some(format!("record {seq} was acknowledged and is lost"));
        }
    }
    drop(writer);
    match check(path, &[]) {
        Ok(found) => found.problems.into_iter().next(),
        Err(refusal) => Some(refusal.sentence),
    }
}

/// Cuts the power at so many instants and returns what was wrong, an entry for each cut that was.
fn cut(durability: &str, cuts: u64) -> Vec<String> {
    let bytes = prepared();
    let steps = recorded(durability, &bytes);
    let mut random = Random(cuts);
    let mut instants: Vec<usize> = (0..cuts).map(|_| random.below(steps.len())).collect();
    instants.sort_unstable();
    let mut disks = [Disk::default(), Disk::default()];
    disks[0].synced = bytes;
    let (mut acknowledged, mut wrongs, folder) = ("", Vec::new(), folder());
    let mut instants = instants.into_iter().peekable();
    for (at, step) in steps.iter().enumerate() {
        while instants.next_if_eq(&at).is_some() {
            let path = folder
                .path()
                .join(format!("cut-{at}-{}", random.below(1 << 30)));
            let [catalog, pages] = disks
                .each_ref()
                .map(|disk| disk.left(|| random.below(2) == 1));
            std::fs::write(&path, catalog).expect("a catalog");
            let mut beside = path.as_os_str().to_owned();
            beside.push("-wal");
            std::fs::write(beside, pages).expect("its log of pages");
            wrongs.extend(wrong(&path, acknowledged).map(|why| format!("step {at}: {why}")));
            drop(std::fs::remove_file(&path));
        }
        match step {
            Step::Write(file, ..) | Step::Cut(file, _) => disks[*file].pending.push(step),
            Step::Sync(file) => disks[*file].sync(),
            Step::Acknowledged(line) => acknowledged = line,
        }
    }
    let synced = steps
        .iter()
        .filter(|step| matches!(step, Step::Sync(0)))
        .count();
    assert!(!acknowledged.is_empty() && (synced > 1 || durability != "full"));
    wrongs
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_is_cut() {
    assert_eq!(cut("full", rounds(25, 500)), [""; 0]);
}

/// The control: without syncs the same test finds losses.
#[test]
fn without_syncs_the_power_cut_is_noticed() {
    assert_ne!(cut("none", 10), [""; 0]);
}
