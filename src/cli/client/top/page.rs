//! What the page shows, read from files of the tree.
//!
//! Invariant: what this user may not read is left out and named, so whoever sees anything of the tree sees that much.

use crate::cli::client::list::{age, since};
use crate::cli::client::objects::{pool_of, system, text};
use crate::cli::client::operator::is_answered;
use crate::cli::client::place::Tree;
use crate::domain::time::Time;
use anyhow::Result;
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::Path;

/// Most pools, libraries and requests that are shown. The tree has the rest.
const MOST: usize = 500;

/// Failures that are shown.
const FAILURES: usize = 20;

/// Bytes at the end of the history that are looked through for failures at the start.
const TAIL: u64 = 1 << 20;

/// The code of what its owner cancelled, which has not failed.
const CANCELLED: i64 = 1223;

/// A pool and its sides by state.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pool {
    pub(super) name: String,
    /// In the order of [`super::draw::STATES`]; the last is everything else.
    pub(super) sides: [u64; 5],
    pub(super) offline: u64,
}

/// A library: what its summary says of its slots, drives and work, without heads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Library {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) slots: String,
    pub(super) drives: Vec<String>,
    pub(super) work: usize,
}

/// What waits, or failed: how long ago, what, and more of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) age: String,
    pub(super) what: String,
    pub(super) more: String,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Numbers of the whole system; `None` if they may not be read.
    pub(super) system: Option<String>,
    pub(super) operators: Vec<Item>,
    pub(super) failures: Option<Vec<Item>>,
    pub(super) waiting: Option<Vec<Item>>,
    pub(super) pools: Vec<Pool>,
    pub(super) libraries: Vec<Library>,
}

/// What is remembered between two pages.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Requests to people that have their answer: they never open again.
    answered: BTreeSet<String>,
    /// Where the history goes on, and the failures before.
    offset: u64,
    failures: VecDeque<(Option<Time>, String, String)>,
}

impl Reader {
    /// Reads everything anew. An error is that of a tree which is gone.
    pub(super) fn read(&mut self, tree: &Tree) -> Result<Page> {
        // Always readable as long as there is a tree.
        tree.read("metrics").or_else(|_| tree.read("name"))?;
        let mut page = Page {
            system: system(tree).ok().map(|info| numbers(&info)),
            operators: self.operators(tree),
            failures: self.failures(tree).ok(),
            waiting: tree.read("status").ok().map(|status| waiting(&status)),
            ..Page::default()
        };
        pools(&mut page.pools, tree, &tree.path("pools"));
        for name in tree
            .names(&tree.path("libraries"))
            .unwrap_or_default()
            .iter()
            .take(MOST)
        {
            let status = tree.read(tree.path("libraries").join(name).join("status"));
            page.libraries.extend(status.ok().as_deref().map(library));
        }
        Ok(page)
    }

    fn operators(&mut self, tree: &Tree) -> Vec<Item> {
        let mut out = Vec::new();
        for name in tree.names(&tree.path("operator")).unwrap_or_default() {
            let name = name.to_string_lossy().into_owned();
            if out.len() >= MOST || self.answered.contains(&name) {
                continue;
            }
            let Some(info) = info(tree, &tree.path("operator").join(&name)) else {
                continue;
            };
            let state = text(&info, "state");
            if is_answered(&state) {
                self.answered.insert(name);
                continue;
            }
            out.push(Item {
                age: since(&text(&info, "submitted")),
                what: format!("{name} {} ({state})", text(&info, "command")),
                more: text(&info, "message"),
            });
        }
        out
    }

    fn failures(&mut self, tree: &Tree) -> io::Result<Vec<Item>> {
        let mut file = File::open(tree.path("history"))?;
        let size = file.metadata()?.len();
        // The first time, or its oldest records went into an archive.
        let anew = self.offset == 0 || size < self.offset;
        if anew {
            self.failures.clear();
            self.offset = size.saturating_sub(TAIL);
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut lines = BufReader::new(file);
        let mut line = Vec::new();
        let mut whole = !anew || self.offset == 0;
        while lines.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            self.offset += u64::try_from(line.len()).unwrap_or(0);
            let record = serde_json::from_slice(&line).ok().filter(|_| whole);
            self.failures.extend(record.as_ref().and_then(failure));
            whole = true;
            line.clear();
        }
        self.failures
            .drain(..self.failures.len().saturating_sub(FAILURES));
        let items = self.failures.iter().rev().map(|(time, what, more)| Item {
            age: time.map_or_else(String::new, age),
            what: what.clone(),
            more: more.clone(),
        });
        Ok(items.collect())
    }
}

fn info(tree: &Tree, dir: &Path) -> Option<Value> {
    serde_json::from_str(&tree.read(dir.join("info.json")).ok()?).ok()
}

fn numbers(info: &Value) -> String {
    let words = [
        "media",
        "sides",
        "allocatable",
        "requests_waiting",
        "operator_requests",
        "records",
    ];
    let shown = words.map(|word| format!("{} {}", text(info, word), word.replace('_', " ")));
    shown.join(", ")
}

fn pools(out: &mut Vec<Pool>, tree: &Tree, dir: &Path) {
    for name in tree.names(dir).unwrap_or_default() {
        if out.len() >= MOST {
            return;
        }
        let pool = dir.join(name);
        let below = pool.join("pools");
        let Some(info) = info(tree, &pool) else {
            continue;
        };
        // A pool of pools has the sums of what is below it, which is shown itself.
        if !text(&info, "media_type").is_empty() {
            out.push(counted(&info));
        }
        if fs::read_dir(&below).is_ok() {
            pools(out, tree, &below);
        }
    }
}

fn counted(info: &Value) -> Pool {
    let counts = info.get("counts").and_then(Value::as_object);
    let mut pool = Pool {
        name: pool_of(&text(info, "path")),
        ..Pool::default()
    };
    for (word, number) in counts.into_iter().flatten() {
        let number = number.as_u64().unwrap_or(0);
        match word.as_str() {
            "offline" => pool.offline = number,
            // Not states: what else is true of sides that have one.
            "disabled" | "resting" => {}
            word => {
                let place = super::draw::STATES
                    .iter()
                    .position(|state| state.word == word);
                let last = pool.sides.len() - 1;
                if let Some(sides) = pool.sides.get_mut(place.unwrap_or(last)) {
                    *sides += number;
                }
            }
        }
    }
    pool
}

/// Reads the summary of a library.
fn library(status: &str) -> Library {
    let head = status.lines().next().unwrap_or_default();
    let (name, rest) = head.rsplit_once(": ").unwrap_or((head, ""));
    let state = rest.split(", ").next().unwrap_or_default();
    let mut out = Library {
        name: name.to_owned(),
        state: state.to_owned(),
        ..Library::default()
    };
    for section in status.split("\n\n").skip(1) {
        let mut lines = section.lines();
        let title = lines.next().unwrap_or_default();
        match title {
            "slots:" => {
                let words = lines.filter_map(|line| line.rsplit_once(' '));
                let words: Vec<String> = words
                    .map(|(word, number)| format!("{number} {}", word.trim()))
                    .collect();
                out.slots = words.join(", ");
            }
            "drives:" => out.drives = lines.skip(1).map(drive).collect(),
            "work:" => out.work = lines.skip(1).count(),
            _ => {}
        }
    }
    out
}

/// Number, state and medium of a line of a drive.
fn drive(line: &str) -> String {
    let mut words = line.split_whitespace();
    let (number, state, _) = (words.next(), words.next(), words.next());
    let medium: Vec<&str> = words.filter(|medium| *medium != "-").collect();
    let words = [number.unwrap_or_default(), state.unwrap_or_default()];
    [&words[..], &medium].concat().join(" ")
}

/// The requests that wait, of the summary of the system.
fn waiting(status: &str) -> Vec<Item> {
    let section = status
        .split("\n\n")
        .find_map(|section| section.strip_prefix("waiting requests:\n"));
    let lines = section
        .unwrap_or_default()
        .lines()
        .filter(|line| line.contains("  since "));
    let items = lines.filter_map(|line| {
        let (what, rest) = line.rsplit_once("  since ")?;
        let (time, more) = rest.split_once("  ")?;
        Some(Item {
            age: since(time),
            what: what.to_owned(),
            more: more.to_owned(),
        })
    });
    items.take(MOST).collect()
}

/// What a record says of a failure: when, what, why.
fn failure(record: &Value) -> Option<(Option<Time>, String, String)> {
    let detail = record.get("detail")?;
    let event = detail.get("event")?.as_str()?;
    let name = || match text(record, "request") {
        name if name.is_empty() => text(record, "id"),
        name => name,
    };
    let (what, why) = match event {
        "request_failed" if detail.get("code").and_then(Value::as_i64) == Some(CANCELLED) => {
            return None;
        }
        "request_failed" => (format!("request {}", name()), text(detail, "sentence")),
        "operator_changed" if text(detail, "state") == "refused" => (
            format!("request to a person {}", text(record, "id")),
            "refused by a person".to_owned(),
        ),
        "work_finished" => (format!("work {}", name()), error_in(detail)?),
        "work_changed" => {
            let ended = detail.get("change")?.get("ended")?;
            let error = error_in(ended).filter(|_| text(ended, "state") == "failed");
            (format!("work {}", name()), error?)
        }
        _ => return None,
    };
    Some((Time::parse(&text(record, "time")).ok(), what, why))
}

/// The error in an object.
fn error_in(value: &Value) -> Option<String> {
    value.get("error")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_summary_of_a_library_is_read() {
        let status = "a: b: ready, virtual type=LTO-8, slots=4\n\nslots:\navailable     3\nnot looked at  97\n\ndrives:\n\
                      number       state  uid  medium\n1       dismounted    -       -\n2           loaded    0    a b\n\nwork: none\n\nports: 0\n";
        let found = library(status);
        assert_eq!(found.slots, "3 available, 97 not looked at");
        assert_eq!(found.drives, ["1 dismounted", "2 loaded a b"]);
        assert_eq!(found.work, 0);
    }

    #[test]
    fn requests_that_wait_are_read() {
        let status = "catalog\n\nwaiting requests:\n81  Bac  kup  a  uid 7  since 2023-11-14T22:13:20.020Z  never ends by time\n\n\
                      delivery unknown: none\n";
        let found = waiting(status);
        assert_eq!(
            (found.len(), &*found[0].what),
            (1, "81  Bac  kup  a  uid 7")
        );
        assert!(found[0].age.ends_with('d') && found[0].more == "never ends by time");
        assert!(waiting("waiting requests: none\n").is_empty());
    }

    #[test]
    fn failures_are_told_with_their_reasons() {
        let told = |detail: Value| {
            failure(&json!({"id": "5", "request": "job", "detail": detail}))
                .map(|found| (found.1, found.2))
        };
        let words = |what: &str, why: &str| Some((what.to_owned(), why.to_owned()));
        assert_eq!(
            told(json!({"event": "request_failed", "code": 4308, "sentence": "none"})),
            words("request job", "none")
        );
        assert_eq!(
            told(json!({"event": "request_failed", "code": 1223, "sentence": "none"})),
            None
        );
        assert_eq!(told(json!({"event": "work_finished", "error": null})), None);
        assert_eq!(
            told(
                json!({"event": "work_changed", "change": {"ended": {"state": "failed", "error": "jam"}}})
            ),
            words("work job", "jam")
        );
        assert_eq!(
            told(json!({"event": "operator_changed", "state": "refused"})),
            words("request to a person 5", "refused by a person")
        );
        assert_eq!(told(json!({"event": "pool_created"})), None);
    }
}
