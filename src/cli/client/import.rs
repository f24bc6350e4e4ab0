//! `ntmsfs import`: records of media, one or as many as a file has, through the `import` of a pool.
//!
//! Invariant: the number in a refusal is that of the line in the file, since each line of the file becomes one line.

use super::exit::{Exit, Failed};
use super::place::{Place, Tree};
use super::words;
use crate::cli::progress::Bar;
use crate::domain::name::printable;
use crate::domain::words::nearest;
use anyhow::{Context as _, Result};
use clap::Args;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read as _, Write as _, stdin};
use std::path::{Path, PathBuf};

/// Bytes of whole lines that are sent, and applied, at once.
const TOGETHER: usize = 64 << 10;

/// The columns of a CSV file: the name, and the words of a line.
const COLUMNS: [&str; 5] = ["name", "barcode", "slot", "sides", "description"];

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// The pool, such as Import/LTO-8 or Backup.
    #[arg(add = super::complete::pools())]
    pool: String,
    /// One medium: its name, then barcode=TEXT, slot=LIBRARY/NUMBER, sides=NUMBER, description=TEXT.
    #[arg(conflicts_with_all = ["file", "csv"])]
    medium: Vec<String>,
    /// One medium a line, as in ntmsfs(7); - is standard input, which is also read if no medium is named.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: Option<PathBuf>,
    /// The file is a table: commas between the columns, of which the first line has the names, such as name,barcode,slot.
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    place: Place,
}

impl Import {
    pub(super) fn run(&self) -> Result<()> {
        self.medium
            .first()
            .map_or(Ok(()), |name| demand_name(name))?;
        let given = self.medium.iter().map(String::as_str);
        let one = (!self.medium.is_empty())
            .then(|| words::join(given))
            .transpose()?;
        let tree = self.place.find()?;
        let pool = tree.pool(&self.pool)?;
        let mut sender = Sender::new(&tree, &pool.join("import"))?;
        let sent = match one {
            Some(line) => sender.add(&line).and_then(|()| sender.send()),
            None => self.many(&mut sender),
        };
        sent.with_context(|| format!("import {}", printable(&self.pool)))
    }

    /// Sends what a file or standard input has.
    fn many(&self, sender: &mut Sender<'_>) -> Result<()> {
        let path = self.file.as_deref().filter(|path| *path != Path::new("-"));
        let (input, size): (Box<dyn BufRead>, u64) = match path {
            Some(path) => {
                let file = File::open(path).with_context(|| printable(&path.to_string_lossy()))?;
                let size = file.metadata()?.len();
                (Box::new(BufReader::new(file)), size)
            }
            None if self.file.is_none() && stdin().is_terminal() => {
                let sentence = "no medium is named, and standard input is a terminal; --file - reads it all the same";
                return Err(Failed::new(Exit::Usage, sentence).into());
            }
            None => (Box::new(stdin().lock()), 0),
        };
        let mut reader = Lines {
            input,
            columns: None,
            number: 0,
            read: 0,
        };
        let bar = Bar::new();
        while let Some(line) = reader.next(self.csv)? {
            sender.add(&line)?;
            bar.at("importing", reader.read, size);
        }
        sender.send()
    }
}

/// Refuses a word of a line where the name of the medium should be. A name that looks like one can be in a file.
fn demand_name(name: &str) -> Result<(), Failed> {
    let Some((key, _)) = name.split_once('=') else {
        return Ok(());
    };
    let meant = nearest(key, COLUMNS);
    let meant = meant.map_or_else(String::new, |near| format!("; did you mean \"{near}=\"?"));
    let sentence = format!("\"{name}\": the name of the medium comes first{meant}");
    Err(Failed::new(Exit::Usage, sentence))
}

/// Sends lines together.
struct Sender<'a> {
    tree: &'a Tree,
    path: PathBuf,
    file: File,
    waiting: String,
    /// Lines that were applied, and that wait.
    lines: (u64, u64),
}

impl<'a> Sender<'a> {
    fn new(tree: &'a Tree, path: &Path) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(|error| tree.failed(path, &error))?;
        let (waiting, path) = (String::new(), path.to_owned());
        Ok(Self {
            tree,
            path,
            file,
            waiting,
            lines: (0, 0),
        })
    }

    /// Adds a line, which has no newline.
    fn add(&mut self, line: &str) -> Result<()> {
        if self.waiting.len() + line.len() >= TOGETHER {
            self.send()?;
        }
        self.waiting.push_str(line);
        self.waiting.push('\n');
        self.lines.1 += 1;
        Ok(())
    }

    /// Sends what waits in one write, which is applied as a whole or not at all.
    fn send(&mut self) -> Result<()> {
        let written = loop {
            match self.file.write(self.waiting.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => break written,
            }
        };
        match written {
            Ok(count) if count == self.waiting.len() => {
                self.waiting.clear();
                self.lines = (self.lines.0 + self.lines.1, 0);
                Ok(())
            }
            Ok(count) => {
                let sentence = format!("the tree took {count} of {} bytes", self.waiting.len());
                Err(Failed::new(Exit::Refused, sentence).into())
            }
            Err(error) => Err(self.refused(&error)),
        }
    }

    fn refused(&mut self, error: &io::Error) -> anyhow::Error {
        let mut line = String::new();
        let told = self.file.read_to_string(&mut line);
        let refused = match told {
            Ok(_) if line.starts_with("0x") => Failed::of_line(&line).into(),
            Ok(_) | Err(_) => self.tree.failed(&self.path, error),
        };
        match self.lines.0 {
            0 => refused.context("nothing was imported"),
            lines => refused.context(format!(
                "only lines 1 to {lines} were imported; when the file is corrected it can be sent again"
            )),
        }
    }
}

/// The lines of a file, as the tree reads them.
struct Lines {
    input: Box<dyn BufRead>,
    /// The columns of a table, once its first line was read.
    columns: Option<Vec<&'static str>>,
    number: u64,
    read: u64,
}

impl Lines {
    fn next(&mut self, csv: bool) -> Result<Option<String>> {
        let mut line = String::new();
        let count = self.input.read_line(&mut line);
        let count = count.with_context(|| format!("line {}", self.number + 1))?;
        if count == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.read += u64::try_from(count).unwrap_or(0);
        let line = line.trim_end_matches('\n');
        if !csv {
            return Ok(Some(line.to_owned()));
        }
        self.of_table(line.trim_end_matches('\r'))
            .map(Some)
            .map_err(|sentence| {
                Failed::new(Exit::Refused, format!("line {}: {sentence}", self.number)).into()
            })
    }

    /// A line of a table as one of words; the first is a comment.
    fn of_table(&mut self, line: &str) -> Result<String, String> {
        let cells = cells(line)?;
        let Some(columns) = &self.columns else {
            self.columns = Some(heads(&cells)?);
            return Ok("#".to_owned());
        };
        if line.is_empty() {
            return Ok(String::new());
        } else if cells.len() != columns.len() {
            return Err(format!(
                "{} cells, the first line has {}",
                cells.len(),
                columns.len()
            ));
        }
        let given = columns
            .iter()
            .zip(&cells)
            .filter(|(_, cell)| !cell.is_empty());
        let (names, rest): (Vec<_>, Vec<_>) = given.partition(|(column, _)| **column == COLUMNS[0]);
        let name = names.first().map(|(_, name)| (*name).clone());
        let name = name.ok_or_else(|| "it has no name".to_owned())?;
        let rest = rest
            .into_iter()
            .map(|(column, cell)| format!("{column}={cell}"));
        let words: Vec<String> = [name].into_iter().chain(rest).collect();
        words::join(words.iter().map(String::as_str)).map_err(|failed| failed.to_string())
    }
}

/// Finds the columns that the first line names.
fn heads(cells: &[String]) -> Result<Vec<&'static str>, String> {
    let mut out = Vec::new();
    for cell in cells {
        let cell = cell.trim().trim_start_matches('\u{feff}');
        let found = COLUMNS
            .into_iter()
            .find(|column| column.eq_ignore_ascii_case(cell));
        match found {
            Some(column) if !out.contains(&column) => out.push(column),
            Some(column) => return Err(format!("the column {column} is there twice")),
            None => {
                return Err(format!(
                    "there is no column \"{cell}\", but {}",
                    COLUMNS.join(", ")
                ));
            }
        }
    }
    if out.contains(&COLUMNS[0]) {
        Ok(out)
    } else {
        Err("there is no column name".to_owned())
    }
}

/// Splits a line of a table: between quotes a comma is text, and two quotes are one.
fn cells(line: &str) -> Result<Vec<String>, String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(cell) = out.last_mut() else { break };
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            ',' if !quoted => out.push(String::new()),
            c => cell.push(c),
        }
    }
    if quoted {
        Err("a quote is not closed".to_owned())
    } else {
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &'static str) -> Result<Vec<String>, String> {
        let mut lines = Lines {
            input: Box::new(text.as_bytes()),
            columns: None,
            number: 0,
            read: 0,
        };
        let mut out = Vec::new();
        while let Some(line) = lines.next(true).map_err(|error| error.to_string())? {
            out.push(line);
        }
        Ok(out)
    }

    #[test]
    fn a_table_becomes_lines_of_the_same_number() {
        let table = "Barcode,NAME,description\r\nB1,A,\"x, \"\"y\"\"\"\r\n\n,C d,\n";
        let expected = ["#", "A barcode=B1 'description=x, \"y\"'", "", "'C d'"];
        assert_eq!(lines(table).unwrap(), expected);
        for (table, refused) in [
            (
                "name,colour\n",
                "line 1: there is no column \"colour\", but name, barcode, slot, sides, description",
            ),
            ("name,name\n", "line 1: the column name is there twice"),
            ("barcode\n", "line 1: there is no column name"),
            ("name,barcode\nA\n", "line 2: 1 cells, the first line has 2"),
            ("name,barcode\n,B\n", "line 2: it has no name"),
            ("name\n\"A\n", "line 2: a quote is not closed"),
        ] {
            assert_eq!(lines(table).unwrap_err(), refused);
        }
    }
}
