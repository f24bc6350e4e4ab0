//! `ntmsfs watch`: the changes as they happen.

use super::exit::{Exit, Failed};
use super::looks::Looks;
use super::objects::text;
use super::place::{Place, Tree};
use crate::domain::name::{json_line, printable};
use anyhow::Result;
use clap::Args;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _, stdout};
use std::os::fd::AsFd as _;

#[derive(Debug, Args)]
pub(in crate::cli) struct Watch {
    /// Begin with this record of the history; without it, with the next one.
    #[arg(long, value_name = "RECORD")]
    from: Option<u64>,
    /// The lines of the history as they are.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Watch {
    /// Shows records until it is stopped; ends with an error when the tree is gone.
    pub(super) fn run(&self) -> Result<()> {
        let tree = self.place.find()?;
        let path = tree.path("events");
        let mut file = OpenOptions::new()
            .read(true)
            .write(self.from.is_some())
            .open(&path)
            .map_err(|error| tree.failed(&path, &error))?;
        if let Some(from) = self.from {
            file.write_all(format!("from={from}\n").as_bytes())
                .map_err(|error| tree.failed(&path, &error))?;
        }
        self.follow(&tree, BufReader::new(file))
    }

    fn follow(&self, tree: &Tree, mut events: BufReader<File>) -> Result<()> {
        let looks = Looks::of_stdout();
        let mut line = String::new();
        while events.buffer().contains(&b'\n') || is_read(events.get_ref())? {
            line.clear();
            match events.read_line(&mut line) {
                Ok(0) => return Err(unmounted()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if super::place::is_gone(&error) => return Err(unmounted()),
                Err(error) => return Err(tree.failed(&tree.path("events"), &error)),
            }
            let mut out = stdout().lock();
            if self.json {
                writeln!(out, "{}", json_line(line.trim_end()))?;
            } else {
                let record = serde_json::from_str(&line)?;
                writeln!(out, "{}", shown(&record, looks))?;
            }
            out.flush()?;
        }
        Ok(())
    }
}

fn unmounted() -> anyhow::Error {
    Failed::new(Exit::NoTree, "the tree was unmounted").into()
}

/// Waits until there is something to read of the events. False: nobody reads standard output any more, which a program that
/// has nothing to write would otherwise never notice.
fn is_read(events: &File) -> Result<bool> {
    let out = stdout();
    loop {
        let mut files = [
            PollFd::new(events.as_fd(), PollFlags::POLLIN),
            PollFd::new(out.as_fd(), PollFlags::empty()),
        ];
        match poll(&mut files, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(io::Error::from(error).into()),
        }
        let [events, out] = files.map(|file| file.any().unwrap_or(true));
        if out || events {
            return Ok(!out);
        }
    }
}

/// A record in one line for people.
fn shown(record: &Value, looks: Looks) -> String {
    let of = |key: &str| printable(&text(record, key));
    let null = Value::Null;
    let detail = record.get("detail").unwrap_or(&null);
    let event = printable(&text(detail, "event")).replace('_', " ");
    let by = record.get("by").unwrap_or(&null);
    let mut out = format!(
        "{}  {}  {} {}",
        of("time"),
        looks.bold(&event),
        of("object"),
        of("id")
    );
    for (what, value) in [
        ("", name_in(detail).map(|name| format!("{name:?}"))),
        (
            "request ",
            Some(of("request")).filter(|name| !name.is_empty()),
        ),
        (
            "\u{2192} ",
            Some(of("result")).filter(|result| !result.is_empty() && *result != of("id")),
        ),
    ] {
        if let Some(value) = value {
            out.extend(["  ", what, &value]);
        }
    }
    let (uid, command) = (printable(&text(by, "uid")), printable(&text(by, "command")));
    out.extend(["  by uid ", &uid]);
    if !command.is_empty() {
        out.extend([" (", &command, ")"]);
    }
    out
}

/// The name of what a record is about, if it says one.
fn name_in(detail: &Value) -> Option<String> {
    let objects = ["pool", "medium", "library", "allocation", "logical"];
    let own = detail.get("name");
    let inner = || objects.iter().find_map(|key| detail.get(key)?.get("name"));
    let name = own.or_else(inner)?.as_str()?;
    Some(printable(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_one_printable_line() {
        let record = json!({
            "seq": 7, "time": "T", "object": "pool", "id": "8", "operation": "insert",
            "by": {"uid": 5, "gid": 5, "pid": 1, "command": "mk\u{1b}[2Jdir"},
            "detail": {"event": "pool_created", "name": "a\u{9b}\nb"}
        });
        let looks = Looks::plain(None);
        let line = shown(&record, looks);
        assert!(
            line.contains("pool created") && line.ends_with("by uid 5 (mk\\x1b[2Jdir)"),
            "{line}"
        );
        assert!(!line.contains(['\n', '\u{9b}']), "{line}");
    }
}
