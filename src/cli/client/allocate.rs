//! `ntmsfs allocate`: one medium of a pool, through its transaction file, or exactly once by a named request.

use super::exit::{Exit, Failed};
use super::place::{Place, Tree};
use super::wait::Held;
use super::words;
use crate::domain::name::{self, json_line, printable};
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _, stdout};
use std::path::Path;

#[derive(Debug, Args)]
pub(in crate::cli) struct Allocate {
    /// The pool, such as Backup or Backup/Daily.
    #[arg(add = super::complete::pools())]
    pool: String,
    /// The words of the request, as in ntmsfs(7): new, next, error-if-unavailable, timeout=TIME, side=SIDE, media=LMID, name=TEXT,
    /// description=TEXT, allocate-information.
    #[arg(add = super::complete::words())]
    words: Vec<String>,
    /// Exactly once: with a name that was used before, the answer is that of the first time.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// One JSON object: the LMID, and after allocate-information the pool that its medium came from.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Allocate {
    pub(super) fn run(&self) -> Result<()> {
        let line = words::join(self.words.iter().map(String::as_str))?;
        let tree = self.place.find()?;
        let pool = tree.pool(&self.pool)?;
        let held = Held::new()?;
        let answer = match &self.name {
            None => once(&tree, &pool, &line, &held),
            Some(name) => exactly_once(&tree, &pool, (name, &line), &held),
        };
        let answer = answer.with_context(|| format!("allocate {}", printable(&self.pool)))?;
        self.show(&answer).with_context(|| {
            format!(
                "this was allocated, and cannot be shown: {}",
                answer.trim_end()
            )
        })
    }

    fn show(&self, answer: &str) -> io::Result<()> {
        let mut out = stdout().lock();
        if self.json {
            let mut lines = answer.lines();
            let mut object = json!({"lmid": lines.next()});
            let from = lines
                .next()
                .and_then(|line| line.strip_prefix("allocated-from "));
            if let Some((id, pool)) = from.and_then(|from| from.split_once(' ')) {
                object["allocated_from"] = json!({"id": id, "pool": pool});
            }
            writeln!(out, "{}", json_line(&object.to_string()))?;
        } else {
            for line in answer.lines() {
                writeln!(out, "{}", printable(line))?;
            }
        }
        out.flush()
    }
}

/// Asks on a descriptor: if the program ends before it has the answer, nothing was taken.
fn once(tree: &Tree, pool: &Path, line: &str, held: &Held) -> Result<String> {
    let path = pool.join("allocate");
    let notice = "nothing is available yet; waiting (Ctrl-C ends the request)";
    let file = OpenOptions::new().read(true).write(true).open(&path);
    let answer = file.and_then(|mut file| {
        file.write_all(format!("{line}\n").as_bytes())?;
        held.answer(&mut file, notice)
    });
    verdict(answer.map_err(|error| tree.failed(&path, &error))?)
}

/// Asks by a name; one that is there already was asked before and has its answer.
fn exactly_once(
    tree: &Tree,
    pool: &Path,
    (name, line): (&str, &str),
    held: &Held,
) -> Result<String> {
    name::check(name.as_bytes()).with_context(|| format!("name {}", printable(name)))?;
    let path = pool.join("requests").join(name);
    let sent = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    match sent {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            same_words(tree, &path, line)?;
        }
        Err(error) => return Err(tree.failed(&path, &error)),
    }
    let path = pool.join("results").join(name);
    let notice = "nothing is available yet; waiting (after Ctrl-C the request goes on; the same command waits again)";
    let answer = File::open(&path)
        .and_then(|mut file| held.answer(&mut file, notice))
        .map_err(|error| tree.failed(&path, &error))?;
    verdict(answer)
}

/// Refuses a name under which something else was asked.
fn same_words(tree: &Tree, path: &Path, line: &str) -> Result<()> {
    let before = tree.read(path)?;
    if shlex::split(&before) == shlex::split(line) {
        return Ok(());
    }
    let sentence = format!(
        "a request of that name was sent with other words: {}; take another name, or forget it with rm {}",
        before.trim_end(),
        path.display()
    );
    Err(Failed::new(Exit::Refused, sentence).into())
}

fn verdict(answer: String) -> Result<String> {
    if answer.starts_with("0x") {
        return Err(Failed::of_line(&answer).into());
    } else if answer.is_empty() {
        return Err(Failed::new(Exit::Refused, "the tree gave no answer").into());
    }
    Ok(answer)
}
