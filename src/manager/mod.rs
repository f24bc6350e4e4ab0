//! The imperative shell: one thread owns the catalog, drains an inbox into one transaction, and answers after the commit.
//!
//! Invariants: nobody else writes; [`Manager::submit`] never waits; readers see committed snapshots through
//! [`Readers`] and never pass through here; no lock is held while a device, a person or the disk is waited for.

mod allocating;
pub mod archiving;
mod asking;
pub mod clock;
pub mod core;
mod filing;
pub mod founding;
pub mod groups;
pub mod limits;
mod media_type;
mod mounting;
mod numbers;
mod outcome;
pub mod restoring;
mod serving;
mod several;
mod supply;
mod turn;
mod want;
mod worker;
mod working;

pub use crate::store::copy::{Snapshot, size};
pub use crate::store::fault::Faults;
pub use crate::store::lock::Lock;
pub use crate::store::write::Durability;
pub use crate::store::{
    Readers, View, attribute, failure, list, log, medium_history, queue, read, search, slots, views,
};

use self::clock::Clock;
use self::core::{Batch, Core};
use self::groups::Groups;
use self::limits::Limits;
use self::numbers::Numbers;
use crate::domain::access::Caller;
use crate::domain::ask::{Ask, Reply};
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::work::WorkChange;
use crate::store::archive;
use crate::store::check::{self, Told};
use crate::store::write::Writer;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Asks that may wait for the committer; more are refused with [`ErrorKind::NotReady`].
const INBOX: usize = 16_384;

/// A batch ends after so many asks,
const BATCH_ASKS: usize = 256;

/// or after so long, whichever is first.
const BATCH_TIME: Duration = Duration::from_millis(5);

/// How long a start waits for the groups of those whose requests wait: those that were recorded may be old.
const SETTLING: Duration = Duration::from_secs(1);

/// How often what is past its time is forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// Called once with the outcome, by the committer after the commit. It must not block.
pub type Answer = Box<dyn FnOnce(Result<Reply>) + Send>;

/// Told of every commit, in order, by the committer after the answers. It must not block.
pub type OnCommit = Box<dyn FnMut(&[Arc<Event>]) + Send>;

/// Told once if the committer had to stop because nobody knows what is on disk.
pub type OnFatal = Box<dyn FnOnce(Refusal) + Send>;

enum Message {
    Ask(Caller, Box<Ask>, Answer),
    /// There is something in the list of asks that are never refused.
    Look,
    Stop,
}

/// Asks that give something back or end something: they are few, nobody waits for an answer, and they must not be lost.
type Sure = Mutex<Vec<(Caller, Ask)>>;

/// How a manager runs; the default is the product's.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How hard a commit is.
    pub durability: Durability,
    /// Where tests make steps fail.
    pub faults: Faults,
    /// What it asks the time of.
    pub clock: Clock,
    /// What one user may have.
    pub limits: Arc<Limits>,
}

/// The manager of one catalog.
pub struct Manager {
    inbox: SyncSender<Message>,
    sure: Arc<Sure>,
    readers: Arc<Readers>,
    numbers: Arc<Numbers>,
    version: Arc<AtomicU64>,
    groups: Arc<Groups>,
    faults: Faults,
    limits: Arc<Limits>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Manager {
    /// Opens a catalog and starts its threads. The caller holds the lock of the catalog.
    pub fn start(
        path: &Path,
        options: &Options,
        on_commit: OnCommit,
        on_fatal: OnFatal,
    ) -> Result<Self> {
        crate::store::copy::sweep(path);
        let writer = Writer::open(path, options.durability, options.faults.clone())?;
        let core = Core::new(writer, options.clock, options.faults.clone())?
            .bounded(Arc::clone(&options.limits));
        let readers = Arc::new(Readers::new(path));
        let (numbers, groups) = (core.numbers(), core.groups());
        let version = Arc::new(AtomicU64::new(1));
        let (inbox, outbox) = sync_channel(INBOX);
        let (jobs, work) = std::sync::mpsc::channel();
        for no in readers.look(|view| crate::store::fact::open_work(view))? {
            jobs.send(no).map_err(|_| not_ready())?;
        }
        let sure: Arc<Sure> = Arc::default();
        let (folds, pages) = std::sync::mpsc::channel();
        folds.send(()).map_err(|_| not_ready())?;
        let committer = Committer {
            core,
            inbox: outbox,
            sure: Arc::clone(&sure),
            jobs,
            folds,
            on_commit,
            on_fatal: Some(on_fatal),
            version: Arc::clone(&version),
            groups: Arc::clone(&groups),
            next_sweep: Duration::ZERO,
        };
        let refused = |error: std::io::Error| ErrorKind::NotEnoughMemory.because(error.to_string());
        groups.watch(&readers).map_err(refused)?;
        groups.settle(SETTLING);
        let thread = |name: &str, body: Box<dyn FnOnce() + Send>| {
            let builder = std::thread::Builder::new().name(name.to_owned());
            builder.spawn(body).map_err(refused)
        };
        let worker = worker::Worker::new(path, Arc::clone(&readers), inbox.clone());
        let folder = archiving::Folder::new(Arc::clone(&readers), inbox.clone());
        let threads = vec![
            thread("committer", Box::new(move || committer.run()))?,
            thread("worker", Box::new(move || worker.run(&work)))?,
            thread("checkpoint", Box::new(move || folder.run(&pages)))?,
        ];
        let faults = options.faults.clone();
        Ok(Self {
            inbox,
            sure,
            readers,
            numbers,
            version,
            groups,
            faults,
            limits: Arc::clone(&options.limits),
            threads: Mutex::new(threads),
        })
    }

    /// Hands an ask over. `answer` is called exactly once: by the committer after its commit, or at once with
    /// [`ErrorKind::NotReady`] if too many wait or the manager has stopped.
    pub fn submit(&self, caller: Caller, ask: Ask, answer: Answer) {
        let message = Message::Ask(caller, Box::new(ask), answer);
        if let Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) =
            self.inbox.try_send(message)
            && let Message::Ask(_, _, answer) = message
        {
            answer(Err(not_ready()));
        }
    }

    /// Hands over an ask that gives something back or ends something, for which nobody waits. It is never refused for
    /// want of room.
    pub fn submit_sure(&self, caller: Caller, ask: Ask) {
        lock(&self.sure).push((caller, ask));
        // A full inbox is being looked at, and so will the list be; a stopped one has nothing to give back to.
        if let Err(error) = self.inbox.try_send(Message::Look) {
            tracing::debug!(%error, "the committer looks by itself");
        }
    }

    /// Returns the read connections.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Holds what is committed now, for a copy.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.readers.snapshot()
    }

    /// Returns a number that grows with every commit: what was rendered at an older one is stale.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Reserves an object number, for a name that is taken before it is written.
    pub fn reserve_number(&self) -> Result<ObjectNo> {
        self.numbers.reserve().ok_or_else(|| {
            self.submit(Caller::daemon(), Ask::Sweep, Box::new(drop));
            not_ready()
        })
    }

    /// Returns the fault points, for the layers above.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns what one user may have.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Checks what a write of an allocation request refuses at once: the right and the kind of pool.
    pub fn admit(&self, pool: ObjectNo, caller: &Caller) -> Result<()> {
        self.readers
            .look(|view| crate::store::fact::admit(view, pool, caller))
    }

    /// Performs what was handed over, records what was read, and ends the threads.
    pub fn stop(&self) {
        self.groups.stop();
        if self.inbox.send(Message::Stop).is_err() {
            tracing::debug!("the committer has stopped already");
        }
        for thread in lock(&self.threads).drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the manager panicked");
            }
        }
        self.readers.close();
    }
}

/// Renders a refusal as the result of a request that was written as text or as JSON.
pub fn failure(refusal: &Refusal, json: bool) -> String {
    outcome::failure(refusal, json, None)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_ready() -> Refusal {
    ErrorKind::NotReady.because("the service is stopping or overloaded; try again")
}

/// The thread that owns the catalog.
struct Committer {
    core: Core,
    inbox: Receiver<Message>,
    sure: Arc<Sure>,
    jobs: std::sync::mpsc::Sender<ObjectNo>,
    folds: std::sync::mpsc::Sender<()>,
    on_commit: OnCommit,
    on_fatal: Option<OnFatal>,
    version: Arc<AtomicU64>,
    groups: Arc<Groups>,
    /// When to forget what is past its time, on the boot-time clock.
    next_sweep: Duration,
}

impl Committer {
    /// Runs until it is stopped. A panic here would leave callers waiting for ever, so it ends the program.
    fn run(mut self) {
        if catch_unwind(AssertUnwindSafe(|| self.run_until_stopped())).is_err()
            && let Some(on_fatal) = self.on_fatal.take()
        {
            on_fatal(ErrorKind::DatabaseFailure.because("the committer panicked"));
        }
    }

    fn run_until_stopped(&mut self) {
        loop {
            let message = match self.inbox.recv_timeout(self.core.patience()) {
                Ok(Message::Look) if self.remember_delivered() => continue,
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if !self.serve(message) {
                return;
            }
        }
    }

    /// Notes which LMIDs were read, if there is nothing else to look at: that is worth no transaction of its own.
    fn remember_delivered(&mut self) -> bool {
        let mut sure = lock(&self.sure);
        let only = sure
            .iter()
            .all(|(_, ask)| matches!(ask, Ask::Delivered { .. }));
        if only {
            for (caller, ask) in sure.drain(..) {
                self.core.perform(&Ok(()), &caller, &ask).ok();
            }
        }
        only
    }

    /// Serves one batch that begins with `first`, or with the clock. Returns whether to go on.
    fn serve(&mut self, first: Option<Message>) -> bool {
        let mut waiting: Vec<Answer> = Vec::new();
        let mut answers = Vec::new();
        let begun = self.core.begin();
        let started = clock::boot();
        let mut stop = false;
        let daemon = Caller::daemon();
        let sweep = first.is_none() || started >= self.next_sweep;
        if begun.is_ok() {
            self.core.expire(&daemon);
        }
        let mut given_back = self.perform_sure(&begun);
        let mut next = first;
        while let Some(message) = next.take() {
            match message {
                Message::Stop => stop = true,
                // It came after the look above, and nothing else will wake this thread for it.
                Message::Look => given_back.extend(self.perform_sure(&begun)),
                Message::Ask(caller, ask, answer) => {
                    answers.push(self.perform(&begun, &caller, &ask));
                    waiting.push(answer);
                }
            }
            let full =
                answers.len() >= BATCH_ASKS || clock::boot().saturating_sub(started) >= BATCH_TIME;
            if !stop && !full {
                next = self.inbox.try_recv().ok();
            }
        }
        if sweep || stop {
            self.next_sweep = started + SWEEP;
            if let Err(refusal) = self.perform(&begun, &daemon, &Ask::Sweep) {
                tracing::error!(%refusal, "what is past its time could not be forgotten");
            }
        }
        let batch = self.core.finish(answers);
        if batch.refused.is_some() {
            lock(&self.sure).extend(given_back);
        }
        self.publish(batch, waiting) && !stop
    }

    /// Performs what must not be lost, and returns it. What fails for want of room or of a transaction stays in the list.
    fn perform_sure(&mut self, begun: &Result<()>) -> Vec<(Caller, Ask)> {
        let mut done = std::mem::take(&mut *lock(&self.sure));
        done.retain(|(caller, ask)| {
            let Err(refusal) = self.perform(begun, caller, ask) else {
                return true;
            };
            tracing::warn!(%refusal, ?ask, "something could not be given back");
            if matches!(
                refusal.kind,
                ErrorKind::DatabaseFailure | ErrorKind::DatabaseFull
            ) {
                lock(&self.sure).push((caller.clone(), ask.clone()));
            }
            false
        });
        done
    }

    fn perform(&mut self, begun: &Result<()>, caller: &Caller, ask: &Ask) -> Result<Reply> {
        self.core.perform(begun, caller, ask)
    }

    /// Answers, then tells of the events. Returns whether to go on.
    fn publish(&mut self, batch: Batch, waiting: Vec<Answer>) -> bool {
        if !batch.events.is_empty() {
            self.version.fetch_add(1, Ordering::AcqRel);
        }
        for (answer, outcome) in waiting.into_iter().zip(batch.answers) {
            if catch_unwind(AssertUnwindSafe(|| answer(outcome))).is_err() {
                tracing::error!("an answer panicked; its caller got EIO");
            }
        }
        for event in &batch.events {
            if let Event::RequestWaiting { .. } = **event {
                self.groups.wake();
            }
            if let Event::WorkQueued { no, .. }
            | Event::WorkChanged {
                no,
                change: WorkChange::Started { .. },
                ..
            } = **event
                && self.jobs.send(no).is_err()
            {
                tracing::error!("the worker has stopped");
            }
            if matches!(**event, Event::Archived { .. }) && self.folds.send(()).is_err() {
                tracing::error!("the checkpoint goes on at the next start");
            }
        }
        if !batch.events.is_empty() {
            (self.on_commit)(&batch.events);
        }
        let Some(refusal) = batch.fatal else {
            return true;
        };
        tracing::error!(%refusal, "nobody knows what is on disk; stopping");
        if let Some(on_fatal) = self.on_fatal.take() {
            on_fatal(refusal);
        }
        false
    }
}

/// What a check of a catalog found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is wrong, a sentence each; none if the catalog is sound.
    pub problems: Vec<String>,
    /// Allocations of which nobody knows whether their LMID was read: no fault, but worth a look.
    pub unknown: Vec<String>,
}

/// Checks a catalog that nobody serves: the chain of the log, every invariant, and the tables against the log; and archives,
/// each by itself, and that they lead to the oldest record of the catalog.
pub fn check(catalog: &Path, archives: &[PathBuf]) -> Result<Findings> {
    check_told(catalog, archives, &|_, _, _| {})
}

/// The same, telling how far it is.
pub fn check_told(catalog: &Path, archives: &[PathBuf], told: &Told<'_>) -> Result<Findings> {
    let readers = Readers::new(catalog);
    // A file that is no catalog gets no lock beside it.
    readers.look(|view| crate::store::demand_catalog(view))?;
    let _lock = Lock::take(catalog)?;
    readers.look(|view| {
        let mut found = examine(view, told)?;
        if found.problems.is_empty() {
            told("archives", 0, 0);
            found.problems = archive::prove(view, archives)?;
        }
        Ok(found)
    })
}

/// Checks what a connection sees: the file, the chain of the log, every invariant, and the tables against the log.
fn examine(view: &View, told: &Told<'_>) -> Result<Findings> {
    told("pages", 0, 0);
    let mut problems = check::file(view)?;
    if problems.is_empty() {
        problems.extend(
            check::chain_told(view, told)
                .err()
                .map(|refusal| refusal.sentence),
        );
    }
    if !problems.is_empty() {
        return Ok(Findings {
            problems,
            unknown: Vec::new(),
        });
    }
    told("invariants", 0, 0);
    problems.extend(check::invariants(view)?);
    problems.extend(check::rebuilt_told(view, told)?);
    let mut unknown = Vec::new();
    for no in list::delivery_unknown(view, u32::MAX)? {
        unknown.extend(read::logical(view, no)?.map(|logical| logical.id.to_string()));
    }
    Ok(Findings { problems, unknown })
}
