//! The beginning of the history goes into an archive, and the checkpoint follows.
//!
//! Letting go of records has two halves. That they are in an archive is one event: from then on the history begins after them.
//! The checkpoint then takes them up, piece by piece, each in a transaction that also removes them; a crash in between leaves
//! records that nobody is shown, and the next start goes on. Invariants: no record is removed that no event says is archived,
//! and that event is recorded only for whoever has all of its lines, in a file with its name.

use super::turn::Turn;
use super::{Lock, Message, Options, Readers};
use crate::domain::access::Caller;
use crate::domain::ask::{Ask, Reply};
use crate::domain::error::Result;
use crate::domain::history::{Before, Mark, Piece, Share};
use crate::domain::rule::{archive as rule, operator};
use crate::domain::time::Time;
use crate::store::archive::{self, Archive};
use crate::store::checkpoint::{self, Checkpoint};
use crate::store::write::{Commit, Writer};
use crate::store::{log, read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel};

/// Lines that are fetched at a time.
const LINES: u32 = 256;

/// Somebody has an archive.
pub(super) fn submit(turn: &mut Turn<'_>, last: Mark) -> Result<Reply> {
    operator::demand_root(turn.caller)?;
    let facts = archive::facts(turn.writer.db(), last.seq)?;
    let event = rule::archive(&facts, last, turn.now)?;
    turn.record_all(event)
}

/// The checkpoint takes up records that are in an archive.
pub(super) fn fold(writer: &mut Writer, piece: &Piece, caller: &Caller, now: Time) -> Result<()> {
    let event = rule::fold(&archive::facts(writer.db(), piece.last.seq)?, piece)?;
    writer.fold(&piece.pages, piece.last.seq)?;
    writer.record(event, caller, now)
}

/// Has the checkpoint follow, in a thread of its own.
pub(super) struct Folder {
    readers: Arc<Readers>,
    inbox: SyncSender<Message>,
}

impl Folder {
    pub(super) fn new(readers: Arc<Readers>, inbox: SyncSender<Message>) -> Self {
        Self { readers, inbox }
    }

    /// Works whenever it is told to, until nobody can tell it any more. What could not be done is tried again at the next
    /// archive or start.
    pub(super) fn run(&self, wake: &Receiver<()>) {
        while wake.recv().is_ok() {
            if let Err(refusal) = self.follow() {
                tracing::warn!(%refusal, "the checkpoint does not follow; the records stay in the catalog for now");
            }
        }
    }

    fn follow(&self) -> Result<()> {
        if !self.readers.look(|view| checkpoint::is_due(view))? {
            return Ok(());
        }
        let mut checkpoint = self.readers.look(|view| Checkpoint::load(view))?;
        while let Some(piece) = self.readers.look(|view| checkpoint.advance(view))? {
            let (answer, answered) = channel();
            let piece = Box::new(piece);
            let answer = Box::new(move |outcome| {
                // Nobody waits any more if the service stops.
                answer.send(outcome).ok();
            });
            let message = Message::Ask(Caller::daemon(), Box::new(Ask::Fold { piece }), answer);
            match self.inbox.send(message).map(|()| answered.recv()) {
                Ok(Ok(outcome)) => outcome.map(drop)?,
                // The committer has stopped; the next start goes on.
                Ok(Err(_)) | Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

/// What `ntmsfs archive` wants of a catalog that nobody serves.
#[derive(Debug)]
pub struct Job<'a> {
    /// The catalog.
    pub catalog: &'a Path,
    /// The file to make.
    pub archive: &'a Path,
    /// Where it is to end.
    pub before: Option<Before>,
    /// Who wants it.
    pub caller: &'a Caller,
    /// How to do it; tests have their own clock, and make steps fail.
    pub options: Options,
}

impl Job<'_> {
    /// Writes the archive and removes its records from the catalog. Returns the first and the last. A catalog that is served,
    /// a file that exists, and a share without records are refused, and nothing is changed.
    pub fn run(&self) -> Result<(i64, Mark)> {
        Readers::new(self.catalog).look(|view| crate::store::demand_catalog(view))?;
        let _lock = Lock::take(self.catalog)?;
        let Options {
            durability, faults, ..
        } = &self.options;
        let mut writer = Writer::open(self.catalog, *durability, faults.clone())?;
        let archived = self.write(&writer)?;
        faults.at("archived")?;
        let (_, last) = archived;
        let facts = archive::facts(writer.db(), last.seq)?;
        let event = rule::archive(&facts, last, self.now())?;
        transact(&mut writer, |writer| match event {
            Some(event) => writer.record(event, self.caller, self.now()),
            None => Ok(()),
        })?;
        let mut checkpoint = Checkpoint::load(writer.db())?;
        while let Some(piece) = checkpoint.advance(writer.db())? {
            transact(&mut writer, |writer| {
                fold(writer, &piece, &Caller::daemon(), self.now())
            })?;
        }
        Ok(archived)
    }

    fn now(&self) -> Time {
        (self.options.clock.utc)()
    }

    fn write(&self, writer: &Writer) -> Result<(i64, Mark)> {
        let db = writer.db();
        let share = Share::new(self.before, read::settings(db)?.retention, self.now());
        let (begin, (id, _)) = (log::begin(db)?, read::catalog(db)?);
        let mut archive = Archive::begin(self.archive, id, begin.mark())?;
        let mut seq = begin.seq;
        loop {
            let lines = log::lines(db, seq, LINES)?;
            let Some((last, _)) = lines.last() else { break };
            seq = *last;
            archive.fill(lines.into_iter().map(|(_, line)| Ok(line)), &share)?;
            if archive.last() < seq {
                break;
            }
        }
        self.options.faults.at("archive")?;
        archive.publish()
    }
}

/// Records something in a transaction of its own.
pub(super) fn transact(
    writer: &mut Writer,
    record: impl FnOnce(&mut Writer) -> Result<()>,
) -> Result<()> {
    writer.begin()?;
    if let Err(refusal) = record(writer) {
        writer.rollback();
        return Err(refusal);
    }
    match writer.commit() {
        (Commit::Durable, _) => Ok(()),
        (Commit::Refused(refusal) | Commit::Unknown(refusal), _) => Err(refusal),
    }
}
