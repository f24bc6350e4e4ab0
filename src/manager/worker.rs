//! The worker: takes queued work of libraries, lets the library do it, and reports back as another ask.

use super::{Message, Readers};
use crate::domain::access::Caller;
use crate::domain::ask::Ask;
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::library;
use crate::store::fact;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

/// Does one piece of work after the other.
pub(super) struct Worker {
    readers: Arc<Readers>,
    inbox: SyncSender<Message>,
}

impl Worker {
    pub(super) fn new(readers: Arc<Readers>, inbox: SyncSender<Message>) -> Self {
        Self { readers, inbox }
    }

    /// Works until no more work can come. Work that is still queued then is taken up at the next start.
    pub(super) fn run(&self, work: &Receiver<ObjectNo>) {
        while let Ok(no) = work.recv() {
            let found = self.inventory(no);
            match found {
                Ok(None) => {}
                Ok(Some(found)) => self.report(no, Ok(found)),
                Err(refusal) => self.report(no, Err(refusal)),
            }
        }
    }

    fn inventory(&self, work: ObjectNo) -> Result<Option<Vec<crate::domain::ask::Found>>> {
        let Some((library, believed)) = self.readers.look(|view| fact::inventory(view, work))?
        else {
            return Ok(None);
        };
        library::open(&library.name, &library.driver)?
            .inventory(&believed)
            .map(Some)
    }

    fn report(&self, work: ObjectNo, found: Result<Vec<crate::domain::ask::Found>>) {
        let ask = Box::new(Ask::Inventoried { work, found });
        let failed = matches!(*ask, Ask::Inventoried { found: Err(_), .. });
        let inbox = self.inbox.clone();
        let answer = Box::new(move |result: Result<_>| {
            let Err(refusal) = result else { return };
            tracing::error!(%refusal, "an inventory could not be filed");
            // The library must not stay as if it were still being looked into.
            let ask = Box::new(Ask::Inventoried {
                work,
                found: Err(refusal),
            });
            if !failed
                && inbox
                    .try_send(Message::Ask(Caller::daemon(), ask, Box::new(drop)))
                    .is_err()
            {
                tracing::error!("the inventory is taken up at the next start");
            }
        });
        if self
            .inbox
            .send(Message::Ask(Caller::daemon(), ask, answer))
            .is_err()
        {
            tracing::debug!("the committer has stopped; the work is taken up at the next start");
        }
    }
}
