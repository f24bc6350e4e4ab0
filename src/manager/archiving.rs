//! The beginning of the history goes into an archive, and the checkpoint follows.
//!
//! Letting go of records has two halves. That they are in an archive is one event: from then on the history begins after them.
//! The checkpoint then takes them up, piece by piece, each in a transaction that also removes them; a crash in between leaves
//! records that nobody is shown, and the next start goes on. Invariants: no record is removed that no event says is archived,
//! and that event is recorded only for whoever has all of its lines, in a file with its name.

use super::turn::Turn;
use super::{Message, Readers};
use crate::domain::access::Caller;
use crate::domain::ask::{Ask, Reply};
use crate::domain::error::Result;
use crate::domain::history::{Mark, Piece};
use crate::domain::rule::{archive as rule, operator};
use crate::domain::time::Time;
use crate::store::archive;
use crate::store::checkpoint::{self, Checkpoint};
use crate::store::write::Writer;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel};

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
