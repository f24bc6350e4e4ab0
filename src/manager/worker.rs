//! The workers: take queued work of libraries, let the library do it, and report back as another ask.
//!
//! Invariants: work that was begun is begun again after a crash, and what the library says is in a drive decides what
//! is left to do; a library that is slow holds up nobody else. One piece of work has a thread of its own, and there are
//! at most as many as there are drives, and one an inventory.

use super::{Answer, Message, Readers, lock};
use crate::domain::access::Caller;
use crate::domain::ask::{Ask, Found};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::id::ObjectNo;
use crate::domain::object;
use crate::domain::state::WorkKind;
use crate::library::{self, Cartridge, Library, Pause, Place};
use crate::store::queue::Task;
use crate::store::{fact, queue};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Libraries that were used, by number, with the text of their driver.
type Opened = Mutex<HashMap<ObjectNo, (String, Arc<dyn Library>)>>;

/// What every piece of work needs.
struct Shared {
    readers: Arc<Readers>,
    inbox: SyncSender<Message>,
    dir: PathBuf,
    opened: Opened,
    /// Whether the service stops.
    stopping: Mutex<bool>,
    wake: Condvar,
}

/// Hands out pieces of work.
pub(super) struct Worker {
    shared: Arc<Shared>,
}

/// The directory of virtual media of a catalog: its path with `.media`.
fn media_dir(catalog: &Path) -> PathBuf {
    let whole = std::path::absolute(catalog).unwrap_or_else(|_| catalog.to_owned());
    let mut name = whole.into_os_string();
    name.push(".media");
    PathBuf::from(name)
}

impl Worker {
    pub(super) fn new(catalog: &Path, readers: Arc<Readers>, inbox: SyncSender<Message>) -> Self {
        let shared = Arc::new(Shared {
            readers,
            inbox,
            dir: media_dir(catalog),
            opened: Mutex::default(),
            stopping: Mutex::new(false),
            wake: Condvar::new(),
        });
        Self { shared }
    }

    /// Works until no more work can come. Work that is not done then is taken up at the next start.
    pub(super) fn run(&self, work: &Receiver<ObjectNo>) {
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        while let Ok(no) = work.recv() {
            threads.retain(|thread| !thread.is_finished());
            let shared = Arc::clone(&self.shared);
            let named = std::thread::Builder::new().name(format!("work {no}"));
            match named.spawn(move || shared.perform(no)) {
                Ok(thread) => threads.push(thread),
                Err(error) => tracing::error!(%error, %no, "work waits for the next start"),
            }
        }
        *lock(&self.shared.stopping) = true;
        self.shared.wake.notify_all();
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of a library panicked");
            }
        }
        // A library knows how to wait, and so knows this: the connections of the readers would outlive the service, and
        // the last to close is who folds the write-ahead log into the catalog.
        lock(&self.shared.opened).clear();
    }
}

impl Shared {
    fn perform(self: &Arc<Self>, no: ObjectNo) {
        match self.readers.look(|view| queue::task(view, no)) {
            Ok(Some(task)) => self.drive(&task),
            Ok(None) => self.inventory(no),
            Err(refusal) => self.worked(no, Err(refusal), false),
        }
    }

    /// Lets time go by. False: the service stops.
    fn pause(&self, time: Duration) -> bool {
        let stopping = lock(&self.stopping);
        let (stopping, _) = self
            .wake
            .wait_timeout_while(stopping, time, |stopping| !*stopping)
            .unwrap_or_else(PoisonError::into_inner);
        !*stopping
    }

    fn open(self: &Arc<Self>, library: &object::Library) -> Result<Arc<dyn Library>> {
        let mut opened = lock(&self.opened);
        if let Some((driver, known)) = opened.get(&library.no)
            && *driver == library.driver
        {
            return Ok(Arc::clone(known));
        }
        let waiting = Arc::clone(self);
        let pause: Pause = Arc::new(move |time| waiting.pause(time));
        let place = Place {
            id: library.id,
            name: library.name.clone(),
            dir: self.dir.clone(),
            pause,
        };
        let new = library::open(place, &library.driver)?;
        opened.insert(library.no, (library.driver.clone(), Arc::clone(&new)));
        Ok(new)
    }

    /// Mounts or dismounts.
    fn drive(self: &Arc<Self>, task: &Task) {
        let no = task.work.no;
        let library = match self.open(&task.library) {
            Ok(library) => library,
            Err(refusal) => return self.worked(no, Err(refusal), false),
        };
        let outcome = if task.work.kind == WorkKind::Mount {
            self.mount(&*library, task)
        } else if task.deferred {
            library.release(task.drive).map(|()| String::new())
        } else {
            dismount(&*library, task)
        };
        if *lock(&self.stopping) && outcome.is_err() {
            // It failed because the service stops; the next start goes on.
            return;
        }
        let inside = library
            .inside(task.drive)
            .is_ok_and(|side| side == Some(task.side.id));
        self.worked(no, outcome, inside);
    }

    fn mount(&self, library: &dyn Library, task: &Task) -> Result<String> {
        let cartridge = Cartridge {
            side: task.side.id,
            slot: task.slot,
            uid: task.work.caller.uid,
            writes: task.writes,
            label: task.label.clone(),
        };
        match library.inside(task.drive)? {
            Some(side) if side == cartridge.side => {}
            Some(other) => {
                return Err(ErrorKind::InvalidState
                    .because(format!("drive {} holds side {other}", task.drive)));
            }
            None => library.fetch(&cartridge, task.drive)?,
        }
        self.report(Ask::Moved { work: task.work.no });
        library.load(&cartridge, task.drive).inspect_err(|refusal| {
            if *lock(&self.stopping) {
                return;
            }
            tracing::warn!(%refusal, drive = task.drive, "a medium goes back");
            if let Err(refusal) = dismount(library, task) {
                tracing::error!(%refusal, drive = task.drive, "a medium stays in its drive");
            }
        })
    }

    fn worked(&self, work: ObjectNo, outcome: Result<String>, inside: bool) {
        self.report(Ask::Worked {
            work,
            outcome,
            inside,
        });
    }

    fn report(&self, ask: Ask) {
        let answer = Box::new(|result: Result<_>| {
            if let Err(refusal) = result {
                tracing::error!(%refusal, "work of a library could not be recorded; it is taken up at the next start");
            }
        });
        self.send(ask, answer);
    }

    fn send(&self, ask: Ask, answer: Answer) {
        let message = Message::Ask(Caller::daemon(), Box::new(ask), answer);
        if self.inbox.send(message).is_err() {
            tracing::debug!("the committer has stopped; the work is taken up at the next start");
        }
    }

    fn inventory(self: &Arc<Self>, no: ObjectNo) {
        match self.look_into(no) {
            Ok(None) => {}
            Ok(Some(found)) => self.found(no, Ok(found)),
            Err(refusal) => self.found(no, Err(refusal)),
        }
    }

    fn look_into(self: &Arc<Self>, work: ObjectNo) -> Result<Option<Vec<Found>>> {
        let Some((library, believed)) = self.readers.look(|view| fact::inventory(view, work))?
        else {
            return Ok(None);
        };
        self.open(&library)?.inventory(&believed).map(Some)
    }

    fn found(&self, work: ObjectNo, found: Result<Vec<Found>>) {
        let failed = found.is_err();
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
        self.send(Ask::Inventoried { work, found }, answer);
    }
}

/// Brings what is in the drive home; nothing to do if it is there already.
fn dismount(library: &dyn Library, task: &Task) -> Result<String> {
    if library.inside(task.drive)? == Some(task.side.id) {
        library.unload(task.drive)?;
        library.put_back(task.drive, task.slot)?;
    }
    Ok(String::new())
}
