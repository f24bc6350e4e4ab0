//! Many clients at once, and what the stream of events tells of them.
#![expect(clippy::panic, reason = "a test that cannot go on says why")]

use crate::harness::{Asked, Shell, Tree, User, is_guid, until};
use ntmsfs::domain::access::Caller;
use ntmsfs::domain::allocate_request::AllocateRequest;
use ntmsfs::domain::ask::{Ask, Reply};
use ntmsfs::domain::id::CATALOG;
use ntmsfs::manager::{Faults, Manager, Options, read};
use serde_json::Value;
use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{JoinHandle, scope, spawn};

const CLIENTS: usize = 64;

/// The sides of all logical media; fails if one has two.
fn sides(tree: &Tree) -> HashSet<PathBuf> {
    let mut sides = HashSet::new();
    for lmid in tree.names("logical") {
        let link = tree.path(&format!("logical/{lmid}/side"));
        let side = fs::canonicalize(&link).expect("a side");
        assert_eq!(
            fs::read_to_string(side.join("state")).expect("its state"),
            "allocated\n"
        );
        assert!(sides.insert(side), "{lmid} has a side that another has");
    }
    sides
}

#[test]
fn each_of_64_clients_gets_another_side() {
    let tree = Tree::stocked(70);
    let together = Barrier::new(CLIENTS);
    let answers: Vec<Asked> = scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    together.wait();
                    tree.ask("pools/Backup/allocate", b"timeout=60s\n")
                })
            })
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("no panic"))
            .collect()
    });
    let lmids: HashSet<&str> = answers.iter().map(|asked| asked.text.trim_end()).collect();
    assert!(lmids.iter().all(|lmid| is_guid(lmid)), "{answers:?}");
    assert_eq!((lmids.len(), sides(&tree).len()), (CLIENTS, CLIENTS));
    assert!(
        tree.names("logical")
            .iter()
            .all(|lmid| lmids.contains(lmid.as_str()))
    );
}

#[test]
fn shells_at_once_share_what_there_is() {
    let tree = Tree::stocked(20);
    let script = "for i in 1 2 3 4 5 6 7 8; do ( exec 3<>pools/Backup/allocate; echo timeout=0 >&3; cat <&3 ) &
        ( echo timeout=0 > pools/Backup/requests/$N-$i; cat pools/Backup/results/$N-$i ) & done; wait";
    let running = [(Shell::Bash, "b"), (Shell::Dash, "d")]
        .map(|(shell, name)| tree.spawn(shell, &format!("N={name}; {script}")));
    let output: String = running
        .map(|script| script.end().output().to_owned())
        .concat();
    let (lmids, failures): (Vec<&str>, Vec<&str>) = output.lines().partition(|line| is_guid(line));
    assert_eq!((lmids.len(), failures.len()), (20, 12), "{output}");
    assert!(
        failures
            .iter()
            .all(|line| line.starts_with("0x800710D4 ERROR_MEDIA_UNAVAILABLE ")),
        "{failures:?}"
    );
    assert_eq!(sides(&tree).len(), 20);
    assert_eq!(lmids.iter().collect::<HashSet<_>>().len(), 20);
}

#[test]
fn many_clients_share_a_commit() {
    let tree = Tree::stocked(70);
    tree.unmount();
    let (_, catalog, _) = tree.places();
    let commits = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&commits);
    let on_commit = Box::new(move |_: &[_]| {
        counting.fetch_add(1, Ordering::SeqCst);
    });
    let on_fatal = Box::new(|refusal| panic!("{refusal}"));
    // The first commit waits until all have asked.
    let gate: Arc<Mutex<Option<Receiver<()>>>> = Arc::default();
    let closed = Arc::clone(&gate);
    let options = Options {
        faults: Faults::new(move |point| {
            let gate = (point == "commit").then(|| closed.lock().expect("a gate").take());
            let _opened = gate.flatten().map(|gate| gate.recv());
            None
        }),
        ..Options::default()
    };
    let manager =
        Manager::start(Path::new(catalog), &options, on_commit, on_fatal).expect("a manager");
    let (open, wait) = channel::<()>();
    *gate.lock().expect("a gate") = Some(wait);
    let pool = manager
        .readers()
        .look(|view| read::pool_named(view, CATALOG, "Backup"));
    let pool = pool.expect("a catalog").expect("a pool").no;
    let (together, (answer, answers)) = (Barrier::new(CLIENTS), channel());
    scope(|scope| {
        for _ in 0..CLIENTS {
            let answer = answer.clone();
            scope.spawn(|| {
                let request = Box::new(AllocateRequest::default());
                together.wait();
                let ask = Ask::Allocate {
                    pool,
                    request,
                    name: None,
                };
                manager.submit(
                    Caller::daemon(),
                    ask,
                    Box::new(move |outcome| answer.send(outcome).expect("counted")),
                );
            });
        }
    });
    drop(open);
    let lmids: HashSet<_> = (0..CLIENTS)
        .map(|_| match answers.recv() {
            Ok(Ok(Reply::Allocated { lmid, .. })) => lmid,
            other => panic!("{other:?}"),
        })
        .collect();
    manager.stop();
    assert_eq!(lmids.len(), CLIENTS);
    let commits = commits.load(Ordering::SeqCst);
    assert!((1..CLIENTS).contains(&commits), "{commits} commits");
    tree.mount();
    assert_eq!(sides(&tree).len(), CLIENTS);
}

/// Reads events from a record on until a pool `name` is made: each record as it came, after `check` has seen it.
fn follow(
    tree: &Tree,
    from: i64,
    name: &'static str,
    check: fn(&Path, &Value),
) -> JoinHandle<Vec<Value>> {
    let top = tree.path("");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(top.join("events"))
        .expect("events");
    writeln!(file, "from={from}").expect("a place");
    spawn(move || {
        let mut out = Vec::new();
        for line in BufReader::new(file).lines() {
            let record: Value = serde_json::from_str(&line.expect("a line")).expect("an object");
            check(&top, &record);
            let end =
                record["detail"]["event"] == "pool_created" && record["detail"]["name"] == name;
            out.push(record);
            if end {
                return out;
            }
        }
        panic!("the stream ended: {:?}", out.last());
    })
}

/// Sequence number of the record that comes next.
fn next_seq(tree: &Tree) -> i64 {
    let last: Value = serde_json::from_str(tree.read("history").lines().last().expect("a record"))
        .expect("an object");
    last["seq"].as_i64().expect("a number") + 1
}

/// When it tells of an allocation, that is in the tree.
fn is_durable(top: &Path, record: &Value) {
    if record["operation"] == "complete" && record["object"] == "logical" {
        let lmid = record["result"].as_str().expect("an LMID");
        assert!(
            is_guid(lmid) && top.join("logical").join(lmid).join("side").is_dir(),
            "{record}"
        );
    }
}

/// The results that events tell of, sorted.
fn results(records: &[Value]) -> Vec<String> {
    let ended = records
        .iter()
        .filter(|record| record["operation"] == "complete" && record["object"] != "work");
    let mut results: Vec<String> = ended
        .map(|record| record["result"].as_str().expect("a result").to_owned())
        .collect();
    results.sort();
    results
}

#[test]
fn events_tell_of_each_finished_request_once() {
    let tree = Tree::stocked(12);
    tree.pool("Empty", "LTO-3");
    tree.write("pools/Empty/allocate_from_free", "0");
    let followers = [0, 1].map(|_| follow(&tree, next_seq(&tree), "end", is_durable));
    let mut expected: Vec<String> = scope(|scope| {
        let clients: Vec<_> = (0..12)
            .map(|_| scope.spawn(|| tree.ask("pools/Backup/allocate", b"timeout=60s\n").text))
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("no panic").trim_end().to_owned())
            .collect()
    });
    tree.write("pools/Empty/requests/late", "timeout=50");
    expected.push(tree.read("pools/Empty/results/late").trim_end().to_owned());
    tree.write("pools/Empty/requests/cancelled", "timeout=10m");
    fs::remove_file(tree.path("pools/Empty/requests/cancelled")).expect("cancelled");
    fs::create_dir(tree.path("pools/end")).expect("a pool");
    expected.sort();
    for follower in followers {
        let records = follower.join().expect("what it tells of is there");
        let mut told = results(&records);
        let cancelled = told
            .iter()
            .position(|line| line.starts_with("0x800704C7 ERROR_CANCELLED "));
        told.remove(cancelled.expect("the cancelled one"));
        assert_eq!(told, expected);
        assert!(
            told.iter()
                .any(|line| line.starts_with("0x800705B4 ERROR_TIMEOUT "))
        );
        for (expected, record) in (records[0]["seq"].as_i64().expect("a number")..).zip(&records) {
            assert_eq!(record["seq"], expected, "no gap");
        }
    }
}

#[test]
fn events_go_on_where_a_killed_reader_was() {
    let tree = Tree::stocked(40);
    let file = tree.scratch("scratch").join("told");
    let begun = next_seq(&tree);
    let script = format!("exec 3<>events; echo from={begun} >&3; exec cat <&3 > $T/told");
    let reader = tree.spawn(Shell::Dash, &script);
    let told = || fs::read_to_string(&file).unwrap_or_default();
    scope(|scope| {
        let allocating = scope.spawn(|| {
            (0..40)
                .map(|_| tree.allocate("Backup", "timeout=60s"))
                .collect::<Vec<_>>()
        });
        until("some of it was told", || {
            (told().matches('\n').count() > 5).then_some(())
        });
        drop(reader);
        allocating.join().expect("all allocated");
    });
    // A line that was cut off is read again.
    let told = told();
    let whole: Vec<Value> = told
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    let last = whole.last().expect("some")["seq"]
        .as_i64()
        .expect("a number");
    let rest = follow(&tree, last + 1, "end", |_, _| {});
    fs::create_dir(tree.path("pools/end")).expect("a pool");
    let all = [whole, rest.join().expect("no panic")].concat();
    let history: Vec<Value> = tree
        .read("history")
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .filter(|record: &Value| record["seq"].as_i64() >= Some(begun))
        .take(all.len())
        .collect();
    assert_eq!(all, history, "no gap and no duplicate");
    assert_eq!(results(&all), tree.names("logical"));
}

#[test]
fn events_begin_now_or_where_they_are_told() {
    let tree = Tree::stocked(1);
    let script = "exec 3<>events; echo from=1 >&3; head -n 3 <&3; python3 -c 'import os; os.lseek(3, 0, 0)' 2>&1 | tail -n 1";
    let ran = tree.run(Shell::Bash, script);
    let history = tree.read("history");
    let first: Vec<&str> = history.lines().take(3).collect();
    let lines = ran.lines();
    assert_eq!(&lines[..3], first);
    assert!(lines[3].contains("Illegal seek"), "{ran:?}");
    let fresh = follow_from_now(&tree);
    fs::create_dir(tree.path("pools/fresh")).expect("a pool");
    let line = fresh.join().expect("no panic");
    assert!(line.contains("\"name\":\"fresh\""), "{line}");
}

/// The first event after now.
fn follow_from_now(tree: &Tree) -> JoinHandle<String> {
    let file = OpenOptions::new()
        .read(true)
        .open(tree.path("events"))
        .expect("events");
    spawn(move || {
        let mut line = String::new();
        BufReader::new(file).read_line(&mut line).expect("a line");
        line
    })
}

#[test]
fn two_users_at_once() {
    let tree = Tree::stocked(20);
    tree.run(Shell::Bash, "chmod 666 pools/Backup/allocate")
        .output();
    let users = [4001, 4002].map(|uid| User {
        uid,
        gid: uid,
        groups: "",
    });
    let script = "for i in 1 2 3 4 5; do exec 3<>pools/Backup/allocate; echo timeout=10s >&3; read -r l <&3; cat logical/$l/owner
        echo timeout=0 > pools/Backup/requests/$(id -u)-$i; echo complete > logical/$l/state; done; rmdir logical/$l; cat last-error";
    let running = users.map(|user| tree.spawn_as(user, Shell::Bash, script));
    for (user, running) in users.into_iter().zip(running) {
        assert_eq!(running.end().output(), format!("{}\n", user.uid).repeat(5));
    }
    assert_eq!(tree.names("logical").len(), 18);
    assert_eq!(tree.names("pools/Backup/results").len(), 10);
    let owners = tree.run(
        Shell::Bash,
        "cat logical/*/owner | sort | uniq -c | awk '{ print $1, $2 }'",
    );
    assert_eq!(owners.output(), "9 4001\n9 4002\n");
}

#[test]
fn twenty_mkdir_at_once() {
    let tree = Tree::empty();
    let script = "for i in 1 2 3 4 5 6 7 8 9 10; do mkdir pools/$N-$i & mkdir pools/same-$i 2>/dev/null && echo $i & done; wait";
    let running = ["a", "b"].map(|name| tree.spawn(Shell::Dash, &format!("N={name}; {script}")));
    let won: String = running
        .map(|script| script.end().output().to_owned())
        .concat();
    let mut won: Vec<&str> = won.lines().collect();
    won.sort_by_key(|number| number.parse::<u32>().ok());
    assert_eq!(
        won,
        ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"],
        "each name was made once"
    );
    assert_eq!(tree.names("pools").len(), 30 + 3);
    tree.run(Shell::Dash, "rmdir pools/a-* pools/b-* pools/same-*")
        .output();
    assert_eq!(tree.names("pools"), ["Free", "Import", "Unrecognized"]);
}

#[test]
fn a_crawl_while_clients_allocate() {
    let tree = Tree::stocked(40);
    let script = "until [ -e $T/stop ]; do find . -ls >> $T/noise; grep -rs nothing-has-this .
        tar cf - . 2>&1 >> $T/noise | grep -v 'No such file\\|removed before\\|changed as we read\\|Exiting with\\|shrank'; done; echo crawled";
    let crawl = tree.spawn(Shell::Bash, script);
    scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let lmid = tree.allocate("Backup", "timeout=60s");
                    let at = tree.path(&format!("logical/{lmid}"));
                    assert_eq!(
                        fs::read_to_string(at.join("id"))
                            .expect("its id")
                            .trim_end(),
                        lmid
                    );
                    fs::remove_dir(at).expect("given back");
                }
            });
        }
    });
    fs::write(tree.scratch("scratch").join("stop"), "").expect("told");
    let ran = crawl.end();
    assert_eq!(ran.stdout, "crawled\n", "{ran:?}");
    assert!(
        ran.stderr.lines().all(|line| line.contains("No such file")),
        "{ran:?}"
    );
    assert!(tree.names("logical").is_empty());
}
