//! Full load for long: descriptors, threads and memory of the daemon stay where they were, and every event is read once.
//!
//! `NTMSFS_LONG=1` runs for an hour; otherwise for so short a time that only gross leaks show.

use crate::harness::world::rounds;
use crate::harness::{Shell, Tree, is_guid};
use ntmsfs::manager::clock;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How often the daemon is looked at, from the beginning to the end.
const LOOKS: u32 = 60;

/// Memory may grow by so much from the second quarter of an hour to the last; before, caches fill.
const GROWTH_MAX: u64 = 4 << 20;

/// And never has more than this.
const MEMORY_MAX: u64 = 96 << 20;

/// Files and threads that come and go: an export, a copy of it.
const FLEETING: u64 = 4;

/// What a look at the daemon shows.
#[derive(Debug, Clone, Copy)]
struct Look {
    descriptors: u64,
    threads: u64,
    /// Bytes of memory that are no file's.
    memory: u64,
}

impl Look {
    fn at(pid: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the daemon lives");
        let number = |word: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(word));
            let number = line.and_then(|rest| rest.split_whitespace().next());
            number.and_then(|text| text.parse().ok()).expect(word)
        };
        let open = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors");
        Self {
            descriptors: u64::try_from(open.count()).expect("a count"),
            threads: number("Threads:"),
            memory: number("RssAnon:") * 1024,
        }
    }
}

/// Whoever loads the daemon: does one thing at the top of the tree, of the given number.
type Client = fn(&Path, u64);

/// Reads the answer to a request that is written to a transaction file.
fn transact(dir: &Path, pool: &str, words: &str) -> String {
    let file = dir.join("pools").join(pool).join("allocate");
    let file = OpenOptions::new().read(true).write(true).open(file);
    let mut file = file.expect("allocate");
    file.write_all(words.as_bytes()).expect("a request");
    let mut text = String::new();
    file.read_to_string(&mut text).expect("its answer");
    text.trim_end().to_owned()
}

fn give_back(dir: &Path, lmid: &str) {
    if is_guid(lmid) {
        fs::remove_dir(dir.join("logical").join(lmid)).expect("giving back");
    }
}

fn anonymous(dir: &Path, _: u64) {
    give_back(dir, &transact(dir, "Backup", "timeout=0\n"));
}

fn named(dir: &Path, no: u64) {
    let (request, result) = (
        dir.join(format!("pools/Backup/requests/job-{no}")),
        dir.join(format!("pools/Backup/results/job-{no}")),
    );
    fs::write(&request, "timeout=0\n").expect("a named request");
    let result = fs::read_to_string(result).expect("its result");
    give_back(dir, result.trim_end());
    fs::remove_file(request).expect("forgetting it");
}

/// Waits in vain, with a request to a person that goes again.
fn waits(dir: &Path, _: u64) {
    let text = transact(dir, "Dry", "timeout=30ms\n");
    assert!(text.contains("ERROR_TIMEOUT"), "{text}");
}

fn organises(dir: &Path, no: u64) {
    let (one, other) = (
        dir.join(format!("pools/new-{no}")),
        dir.join(format!("pools/other-{no}")),
    );
    fs::create_dir(&one).expect("a pool");
    fs::write(one.join("description"), format!("{no}\n")).expect("its description");
    fs::rename(&one, &other).expect("its name");
    fs::remove_dir(other).expect("its end");
}

fn looks(dir: &Path, _: u64) {
    for name in ["status", "metrics", "info.json", "pools/Backup/why"] {
        fs::read(dir.join(name)).expect(name);
    }
    for name in ["media", "logical", "operator", "pools/Backup/media"] {
        assert!(fs::read_dir(dir.join(name)).expect(name).count() < 1_000);
    }
}

/// What shells and the tools of the system do, a medium that is mounted among it, and a reader that is killed. `$N` is the
/// program and `$C` the catalog, which stays small: its history goes into archives, as it would in years.
const TOOLS: &str = "
    setfattr -n user.note -v $RANDOM pools/Backup; find pools -name counts -newer README >/dev/null
    tar -cf - pools/Backup 2>/dev/null | wc -c >/dev/null
    exec 3<>pools/Backup/allocate; echo timeout=0 >&3; read -r lmid <&3; exec 3>&-
    case $lmid in 0x*) exit;; esac
    echo \"mount media=$lmid timeout=20s\" > libraries/lto/requests/up; up=$(cat libraries/lto/results/up)
    case $up in
        /*) echo $lmid > $up; echo \"dismount media=$lmid\" > libraries/lto/requests/down
            cat libraries/lto/results/down >/dev/null; rm libraries/lto/requests/down ;;
    esac
    rm libraries/lto/requests/up; rmdir logical/$lmid
    (exec 3<>pools/Dry/allocate; echo >&3; read -r never <&3) &
    until grep -qs request_wait_answer /proc/$!/wchan; do sleep 0.01; done; kill -9 $!; wait 2>/dev/null
    cp export $T/export
    said=$($N archive --before 10s $C $T/archive 2>&1) || case $said in
        *'nothing to archive'*) ;;
        *) echo \"$said\" >&2; exit 1 ;;
    esac
    rm -f $T/archive";

/// Reads events as they come, and misses none.
fn follows(dir: &Path, stop: &AtomicBool, read: &AtomicU64) {
    let mut last = None;
    for line in BufReader::new(File::open(dir.join("events")).expect("events")).lines() {
        let line = line.expect("an event");
        let seq = line
            .strip_prefix("{\"seq\":")
            .and_then(|rest| rest.split(',').next());
        let seq: u64 = seq.and_then(|seq| seq.parse().ok()).expect("a number");
        assert!(last.is_none_or(|last| last + 1 == seq), "{last:?} {seq}");
        last = Some(seq);
        read.fetch_add(1, Ordering::Relaxed);
        if stop.load(Ordering::Relaxed) {
            return;
        }
    }
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}

/// What is counted in a look.
type Count = fn(&Look) -> u64;

fn judge(looks: &[Look], long: bool) {
    let quarter = looks.len() / 4;
    let (early, late) = (&looks[quarter..2 * quarter], &looks[3 * quarter..]);
    let middle = |looks: &[Look]| median(looks.iter().map(|look| look.memory).collect());
    let (before, after) = (middle(early), middle(late));
    eprintln!(
        "memory {before} bytes, then {after}; at the end {:?}",
        looks.last()
    );
    assert!(
        !long || after <= before + GROWTH_MAX,
        "memory grows: {looks:#?}"
    );
    let most = |looks: &[Look], of: Count| looks.iter().map(of).max().expect("looks");
    assert!(most(looks, |look| look.memory) <= MEMORY_MAX, "{looks:#?}");
    let counts: [(&str, Count); 2] = [
        ("descriptors", |look| look.descriptors),
        ("threads", |look| look.threads),
    ];
    for (what, of) in counts {
        let (before, after) = (most(&looks[..2 * quarter], of), most(late, of));
        assert!(after <= before + FLEETING, "{what} grow: {looks:#?}");
    }
}

#[test]
fn full_load_leaves_descriptors_threads_and_memory_flat() {
    let seconds = rounds(15, 3_600);
    let tree = Tree::stocked(40);
    fs::create_dir(tree.path("pools/Dry")).unwrap();
    tree.write("pools/Dry/media_type", "LTO-8");
    let (dir, stop) = (tree.path(""), AtomicBool::new(false));
    let (done, read) = (AtomicU64::new(0), AtomicU64::new(0));
    let pid = tree.holder();
    let looks = Mutex::new(Vec::new());
    let clients: [Client; 5] = [anonymous, named, waits, organises, self::looks];
    thread::scope(|scope| {
        scope.spawn(|| follows(&dir, &stop, &read));
        for client in clients {
            let (dir, stop, done) = (&dir, &stop, &done);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    client(dir, done.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
        scope.spawn(|| {
            let (program, catalog, _) = tree.places();
            let tools = format!("N={program}; C={catalog}; {TOOLS}");
            while !stop.load(Ordering::Relaxed) {
                let ran = tree.run(Shell::Bash, &tools);
                assert_eq!(ran.status, Some(0), "{}", ran.stderr);
            }
        });
        let begun = clock::boot();
        for look in 1..=LOOKS {
            let due = Duration::from_secs(seconds) * look / LOOKS;
            while let Some(left) = due
                .checked_sub(clock::boot().saturating_sub(begun))
                .filter(|left| !left.is_zero())
            {
                thread::park_timeout(left);
            }
            looks.lock().unwrap().push(Look::at(pid));
        }
        stop.store(true, Ordering::Relaxed);
        // Whoever follows the events sees one more.
        tree.write("pools/Dry/description", "the end");
    });
    eprintln!(
        "{seconds} s, {} rounds of clients, {} events",
        done.load(Ordering::Relaxed),
        read.load(Ordering::Relaxed)
    );
    judge(&looks.into_inner().unwrap(), seconds >= 3_600);
}
