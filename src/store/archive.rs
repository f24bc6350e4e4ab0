//! Archives: files of records that have left the catalog, or are about to.
//!
//! An archive is the lines of `history`, as they were served, between a line that says of which catalog and after which record,
//! and a line that says where it ends. Invariants: it has its name only when all of it is on disk; a change of any byte is found
//! by reading it alone; that records are missing between two, or before the catalog's oldest, is found by reading all.

use super::copy::{self, broken};
use super::statement::one;
use super::{check, failed, log, read};
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::history::{Digest, Head, Mark, Share};
use crate::domain::id::Guid;
use crate::domain::rule::archive::Facts;
use crate::domain::time::Time;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Version of the format of archives.
const FORMAT: u32 = 1;

/// No line of an archive has more bytes; a record has less than a quarter of it.
const LINE_MAX: u64 = 16 << 20;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    archive: u32,
    catalog: Guid,
    /// The record before the first.
    after: Mark,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
struct Trailer {
    archived: Mark,
}

/// What is read of a record here.
#[derive(Debug, Deserialize)]
struct Stamp {
    seq: i64,
    time: String,
}

/// Loads what letting go of records looks at.
pub fn facts(db: &Connection, seq: i64) -> Result<Facts> {
    let time = one(db, "SELECT line FROM log WHERE seq = ?1", [seq], |row| {
        row.get::<_, String>(0)
    })?;
    let time = time.map(|line| stamp(&line)).transpose()?;
    let record = log::at(db, seq)?.zip(time.map(|(_, time)| time));
    Ok(Facts {
        begin: log::begin(db)?,
        folded: log::folded(db)?.seq,
        record,
        retention: read::settings(db)?.retention,
    })
}

fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| ErrorKind::DatabaseFailure.because(e.to_string()))
}

fn stamp(line: &str) -> Result<(i64, Time)> {
    let stamp: Stamp = serde_json::from_str(line).map_err(|e| {
        ErrorKind::DatabaseFailure.because(format!("a record of the history cannot be read: {e}"))
    })?;
    Ok((stamp.seq, Time::parse(&stamp.time)?))
}

/// An archive that is being made.
#[derive(Debug)]
pub struct Archive {
    out: BufWriter<File>,
    path: PathBuf,
    unfinished: PathBuf,
    after: Mark,
    /// Where it ends so far.
    head: Head,
}

/// The place of a record, as far as the chain goes.
fn place(mark: Mark) -> Head {
    let Mark { seq, chain } = mark;
    Head { seq, chain, end: 0 }
}

impl Archive {
    /// Begins an archive of the records after one. A file that exists is refused with [`ErrorKind::AlreadyExists`].
    pub fn begin(path: &Path, catalog: Guid, after: Mark) -> Result<Self> {
        copy::demand_free(path)?;
        let unfinished = copy::unfinished(path, "archive");
        let out = BufWriter::new(copy::create(&unfinished)?);
        let mut archive = Self {
            out,
            path: path.to_owned(),
            unfinished,
            after,
            head: place(after),
        };
        archive.line(&json(&Header {
            archive: FORMAT,
            catalog,
            after,
        })?)?;
        Ok(archive)
    }

    /// Returns the number of the last record so far.
    pub fn last(&self) -> i64 {
        self.head.seq
    }

    fn line(&mut self, line: &str) -> Result<()> {
        let written = self.out.write_all(line.as_bytes());
        let written = written.and_then(|()| self.out.write_all(b"\n"));
        written.map_err(|error| broken(&self.unfinished, &error))
    }

    /// Adds the lines that go, in their order, up to the first that stays. A line that does not follow is refused.
    pub fn fill(
        &mut self,
        lines: impl IntoIterator<Item = Result<String>>,
        share: &Share,
    ) -> Result<()> {
        for line in lines {
            let line = line?;
            let (seq, time) = stamp(&line)?;
            if seq != self.head.seq + 1 {
                return Err(ErrorKind::InvalidState.because(format!(
                    "record {seq} comes after {}; the history has changed, try again",
                    self.head.seq
                )));
            }
            if !share.takes(seq, time)? {
                break;
            }
            self.head = log::next(&self.head, &line);
            self.line(&line)?;
        }
        Ok(())
    }

    /// Ends the archive and gives it its name, on disk. Returns its first and its last record; if there are none,
    /// [`ErrorKind::InvalidParameter`], and no file.
    pub fn publish(mut self) -> Result<(i64, Mark)> {
        let (first, archived) = (self.after.seq + 1, self.head.mark());
        if archived.seq < first {
            return Err(ErrorKind::InvalidParameter.because(format!(
                "there is nothing to archive: the oldest record, {first}, stays"
            )));
        }
        self.line(&json(&Trailer { archived })?)?;
        let flushed = self.out.flush();
        flushed.map_err(|error| broken(&self.unfinished, &error))?;
        copy::publish(&self.unfinished, &self.path)?;
        Ok((first, archived))
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        copy::discard(&self.unfinished);
    }
}

/// An archive that is read.
struct Source {
    path: PathBuf,
    lines: BufReader<File>,
    header: Header,
}

impl Source {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| broken(path, &error))?;
        let mut source = Self {
            path: path.to_owned(),
            lines: BufReader::new(file),
            header: Header {
                archive: FORMAT,
                catalog: Guid::NIL,
                after: Mark::default(),
            },
        };
        let line = source.line()?.unwrap_or_default();
        source.header = serde_json::from_str(&line)
            .map_err(|_| source.wrong("does not begin as an archive"))?;
        if source.header.archive > FORMAT {
            return Err(source.wrong("has a later format"));
        }
        if line != json(&source.header)? || source.header.archive != FORMAT {
            return Err(source.wrong("does not begin as it was written"));
        }
        Ok(source)
    }

    fn wrong(&self, what: &str) -> Refusal {
        ErrorKind::DatabaseFailure.because(format!("{} {what}", self.path.display()))
    }

    /// Returns the next line without its newline; `None` at the end.
    fn line(&mut self) -> Result<Option<String>> {
        let mut bytes = Vec::new();
        let read = (&mut self.lines)
            .take(LINE_MAX)
            .read_until(b'\n', &mut bytes);
        read.map_err(|error| broken(&self.path, &error))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.pop() != Some(b'\n') {
            return Err(self.wrong("ends in the middle of a line"));
        }
        let text = String::from_utf8(bytes);
        text.map(Some).map_err(|_| self.wrong("is no text"))
    }

    /// Hands on every record with the place where it ends, and returns the last. Whatever is not as it was written is refused.
    fn read(mut self, mut each: impl FnMut(&str, Mark) -> Result<()>) -> Result<Mark> {
        let mut head = place(self.header.after);
        loop {
            let line = self.line()?.ok_or_else(|| self.wrong("has no end"))?;
            if let Ok(trailer) = serde_json::from_str::<Trailer>(&line) {
                if trailer.archived != head.mark() || line != json(&trailer)? {
                    let what = format!("does not end with what it says after record {}", head.seq);
                    return Err(self.wrong(&what));
                }
                break;
            }
            let next = log::next(&head, &line);
            if !stamp(&line).is_ok_and(|(seq, _)| seq == next.seq) {
                return Err(self.wrong(&format!("has no record {} where it should be", next.seq)));
            }
            head = next;
            each(&line, head.mark())?;
        }
        match self.line()? {
            None => Ok(head.mark()),
            Some(_) => Err(self.wrong("goes on after its end")),
        }
    }
}

/// What is known of the chain: of some records, what it must be.
struct Proof<'a> {
    db: &'a Connection,
    marks: BTreeMap<i64, Digest>,
    /// All records up to this one were seen.
    covered: i64,
    /// The tables as the archives give them, as long as they begin with the first record.
    replayed: Option<Connection>,
    folded: i64,
}

impl Proof<'_> {
    /// Takes note of the chain of a record, and says whether it contradicts what is known.
    fn mark(&mut self, at: Mark) -> Result<()> {
        let known = *self.marks.entry(at.seq).or_insert(at.chain);
        let kept = log::at(self.db, at.seq)?.map(|record| record.chain);
        if known == at.chain && kept.is_none_or(|kept| kept == at.chain) {
            return Ok(());
        }
        Err(ErrorKind::DatabaseFailure.because(format!(
            "the chain of record {} is another one elsewhere",
            at.seq
        )))
    }

    /// Reads an archive, and whether it goes on where the others have ended.
    fn add(&mut self, source: Source) -> Result<()> {
        let (path, after) = (source.path.clone(), source.header.after);
        if after.seq > self.covered {
            return Err(ErrorKind::DatabaseFailure.because(missing(self.covered, after.seq)));
        }
        let last = source.read(|line, head| {
            if self.marks.contains_key(&head.seq) {
                let marked = self.mark(head);
                marked.map_err(|refusal| {
                    let sentence = format!("{}: {}", path.display(), refusal.sentence);
                    refusal.kind.because(sentence)
                })?;
            }
            if head.seq <= self.covered {
                return Ok(());
            }
            self.covered = head.seq;
            match &self.replayed {
                Some(tables) if head.seq <= self.folded => {
                    check::again(tables, &log::parse(line)?, line.len())
                }
                _ => Ok(()),
            }
        })?;
        self.mark(last)
    }
}

fn missing(covered: i64, after: i64) -> String {
    format!(
        "the records {} to {after} are in none of the archives",
        covered + 1
    )
}

/// Verifies archives, and that together they lead to the first record that a catalog keeps; if they begin with the first
/// record ever, also that they give the checkpoint. Returns what is wrong, at most one sentence for all that follows from it.
pub fn prove(db: &Connection, paths: &[PathBuf]) -> Result<Vec<String>> {
    let found = proven(db, paths);
    Ok(found
        .err()
        .map(|refusal| refusal.sentence)
        .into_iter()
        .collect())
}

fn proven(db: &Connection, paths: &[PathBuf]) -> Result<()> {
    let (id, _) = read::catalog(db)?;
    let mut sources = Vec::new();
    for path in paths {
        let source = Source::open(path)?;
        if source.header.catalog != id {
            return Err(source.wrong("is of another catalog"));
        }
        sources.push(source);
    }
    sources.sort_by_key(|source| source.header.after.seq);
    let (begin, folded) = (log::begin(db)?, log::folded(db)?);
    let first = sources.first().map(|source| source.header.after);
    let Some(first) = first else { return Ok(()) };
    let mut proof = Proof {
        db,
        marks: BTreeMap::from([(0, Digest::default())]),
        covered: first.seq,
        replayed: (first.seq == 0).then(check::empty).transpose()?,
        folded: folded.seq,
    };
    proof.mark(begin.mark())?;
    proof.mark(folded.mark())?;
    for source in &sources {
        proof.mark(source.header.after)?;
    }
    for source in sources {
        proof.add(source)?;
    }
    if proof.covered < begin.seq {
        return Err(ErrorKind::DatabaseFailure.because(missing(proof.covered, begin.seq)));
    }
    let head = log::head(db)?;
    if proof.covered > head.seq {
        return Err(ErrorKind::DatabaseFailure.because(format!(
            "the archives end with record {}, the catalog with {}",
            proof.covered, head.seq
        )));
    }
    match proof.replayed {
        Some(replayed) if folded.seq > 0 => {
            replayed.execute_batch("COMMIT").map_err(failed)?;
            check::demand(&check::differences(&check::begun(db)?, &replayed)?)
        }
        _ => Ok(()),
    }
}
