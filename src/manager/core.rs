//! The committer without its thread: asks in, one transaction, answers out.
//!
//! Invariants: asks are performed in the order of arrival, each sees all before it and fails alone; an answer exists only
//! after the commit; what the commit could not confirm is answered with a failure and stops the core.

use super::clock::Clock;
use super::groups::Groups;
use super::limits::{self, Limits};
use super::numbers::{BLOCK, Numbers};
use super::turn::Turn;
use super::{allocating, archiving, media_type, mounting, serving, supply};
use crate::domain::access::Caller;
use crate::domain::ask::{Ask, Reply};
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::event::Event;
use crate::domain::id::{CATALOG, ObjectNo};
use crate::domain::time::Time;
use crate::store::fault::Faults;
use crate::store::write::{Commit, Writer};
use crate::store::{fact, queue};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Finished library requests are kept 72 hours (product behaviour note 15).
const WORK_PURGE_MS: i64 = 72 * 3_600_000;

/// When a transaction failed, what was due in it is tried again after this.
const RETRY: Duration = Duration::from_secs(1);

/// How many read LMIDs are kept in memory before they are recorded even if nothing else is.
const DELIVERED_MAX: usize = 1024;

/// The one owner of the catalog's state.
pub struct Core {
    writer: Writer,
    numbers: Arc<Numbers>,
    groups: Arc<Groups>,
    clock: Clock,
    faults: Faults,
    limits: Arc<Limits>,
    /// Anonymous allocations whose LMID was read, not yet on disk,
    delivered: Vec<ObjectNo>,
    /// and how many of them this transaction has recorded.
    recorded: usize,
    /// Waiting requests, and drives in which a medium stays, by the boot-time instant at which their time is over.
    deadlines: BinaryHeap<Reverse<(Duration, ObjectNo)>>,
    /// The boot-time instant at which to look for sides that have rested: one, however many rest.
    rest: Option<Duration>,
    /// Requests whose time is over in this transaction; if it fails, they are tried again.
    expiring: Vec<ObjectNo>,
}

/// What a batch gave: the answers in order, the events on disk, and whether the core must stop.
pub struct Batch {
    /// One answer an ask.
    pub answers: Vec<Result<Reply>>,
    /// What happened, in order.
    pub events: Vec<Arc<Event>>,
    /// Nothing of the transaction happened; the reason.
    pub refused: Option<Refusal>,
    /// The commit could not be confirmed: nothing more is to be asked.
    pub fatal: Option<Refusal>,
}

impl Core {
    /// Takes over a catalog: what a crash left half done is ended here.
    pub fn new(writer: Writer, clock: Clock, faults: Faults) -> Result<Self> {
        let numbers = Arc::new(Numbers::new(writer.ceiling()?));
        let mut core = Self {
            writer,
            numbers,
            groups: Arc::default(),
            clock,
            faults,
            limits: Arc::default(),
            delivered: Vec::new(),
            recorded: 0,
            deadlines: BinaryHeap::new(),
            rest: None,
            expiring: Vec::new(),
        };
        core.recover()?;
        Ok(core)
    }

    /// Bounds what a user may have.
    #[must_use]
    pub fn bounded(mut self, limits: Arc<Limits>) -> Self {
        self.limits = limits;
        self
    }

    /// Reserves an object number, for a name that is taken before it is written.
    pub fn reserve(&self) -> Option<ObjectNo> {
        self.numbers.reserve()
    }

    pub(super) fn numbers(&self) -> Arc<Numbers> {
        Arc::clone(&self.numbers)
    }

    /// Returns where the groups of those whose requests wait are to be told.
    pub fn groups(&self) -> Arc<Groups> {
        Arc::clone(&self.groups)
    }

    /// Notes when a request's time is over; of the catalog itself, when a side has rested.
    fn wake(&mut self, at: Duration, no: ObjectNo) {
        if no == CATALOG {
            self.rest = Some(self.rest.map_or(at, |rest| rest.min(at)));
        } else {
            self.deadlines.push(Reverse((at, no)));
        }
    }

    /// Ends what cannot go on after a restart: anonymous requests have lost their readers, and nobody knows whether
    /// the LMIDs that were pending were read. Named requests go on waiting.
    fn recover(&mut self) -> Result<()> {
        let (now, boot) = ((self.clock.utc)(), (self.clock.boot)());
        let pending = fact::deliveries(self.writer.db(), 1)?;
        let waiting = fact::all_waiting(self.writer.db())?;
        self.writer.begin()?;
        let daemon = Caller::daemon();
        let mut turn = Turn::new(
            &mut self.writer,
            (&self.numbers, &self.groups),
            &daemon,
            now,
        );
        if !pending.is_empty() {
            turn.record(Event::DeliveryUnknown { logical: pending })?;
        }
        let lost = ErrorKind::Cancelled
            .because("the daemon was restarted, and the reader of the request is gone");
        for (no, _, _) in waiting.iter().filter(|(_, named, _)| !named) {
            allocating::end(&mut turn, *no, &lost)?;
        }
        if let Some(until) = fact::next_rest(self.writer.db())? {
            self.wake(boot + left(now, until), CATALOG);
        }
        for (no, _, deadline) in waiting.into_iter().filter(|(_, named, _)| *named) {
            self.deadlines
                .extend(deadline.map(|deadline| Reverse((boot + left(now, deadline), no))));
        }
        let mut lasts = queue::deadlines(self.writer.db())?;
        lasts.extend(queue::stays(self.writer.db())?);
        lasts.extend(fact::operator_deadlines(self.writer.db())?);
        for (no, deadline) in lasts {
            self.deadlines
                .push(Reverse((boot + left(now, deadline), no)));
        }
        self.reserve_numbers(&daemon, now)?;
        let events = self.commit().0?;
        self.raise_ceiling(&events);
        Ok(())
    }

    /// Numbers below a ceiling that is on disk may be given out.
    fn raise_ceiling(&self, events: &[Arc<Event>]) {
        for event in events {
            if let Event::NumbersReserved { ceiling } = **event {
                self.numbers.raise(ceiling);
            }
        }
    }

    /// Performs asks in one transaction. Equivalent to [`Core::begin`], [`Core::perform`] for each, [`Core::finish`].
    pub fn batch(&mut self, asks: &[(Caller, Ask)]) -> Batch {
        let begun = self.begin();
        let answers = asks
            .iter()
            .map(|(caller, ask)| self.perform(&begun, caller, ask))
            .collect();
        self.finish(answers)
    }

    /// Begins a transaction.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.writer.begin()
    }

    /// Performs one ask and tries the waiting requests that it could satisfy. A refusal leaves nothing of it. What was
    /// read is remembered even if the transaction could not begin.
    pub(super) fn perform(
        &mut self,
        begun: &Result<()>,
        caller: &Caller,
        ask: &Ask,
    ) -> Result<Reply> {
        if let Ask::Delivered { logical } = ask {
            self.delivered.push(*logical);
            return Ok(Reply::Done);
        }
        begun.clone()?;
        let mark = self.writer.mark()?;
        let recorded = self.recorded;
        let result = if *ask == Ask::Sweep {
            self.sweep().map(|()| (Reply::Done, Vec::new()))
        } else if let Ask::Fold { piece } = ask {
            let folded = archiving::fold(&mut self.writer, piece, caller, (self.clock.utc)());
            folded.map(|()| (Reply::Done, Vec::new()))
        } else {
            self.decide(caller, ask)
        };
        match result {
            Ok((reply, deadlines)) => {
                self.writer.keep()?;
                let (now, boot) = ((self.clock.utc)(), (self.clock.boot)());
                for (no, at) in deadlines {
                    self.wake(boot + left(now, at), no);
                }
                Ok(reply)
            }
            Err(refusal) => {
                self.recorded = recorded;
                self.writer.drop_since(&mark)?;
                Err(refusal)
            }
        }
    }

    /// Records what an ask gives, with the requests that wait from now on and the instants at which their time is over.
    fn decide(&mut self, caller: &Caller, ask: &Ask) -> Result<(Reply, Vec<(ObjectNo, Time)>)> {
        let now = (self.clock.utc)();
        let from = self.writer.events().len();
        let mut turn = Turn::new(&mut self.writer, (&self.numbers, &self.groups), caller, now);
        let performed = catch_unwind(AssertUnwindSafe(|| {
            let reply = turn.perform(ask)?;
            limits::demand(&turn, ask, &reply, &self.limits)?;
            supply::settle(&mut turn, from)?;
            serving::look(&mut turn, from)?;
            media_type::vanish(&mut turn, from)?;
            self.faults.at("decided").map(|()| reply)
        }));
        let reply = performed.unwrap_or_else(|_| {
            tracing::error!(?ask, "a rule panicked; the ask was refused");
            Err(ErrorKind::DatabaseFailure.because("an internal error; nothing was changed"))
        })?;
        Ok((reply, turn.deadlines))
    }

    /// Ends the transaction. On a failed commit every answer that was no refusal becomes that failure.
    pub(super) fn finish(&mut self, mut answers: Vec<Result<Reply>>) -> Batch {
        let now = (self.clock.utc)();
        let daemon = Caller::daemon();
        let changed = !self.writer.events().is_empty();
        let mut failed = None;
        let due = self.delivered.len() >= DELIVERED_MAX || self.numbers.wanted_ceiling().is_some();
        if changed || due && self.writer.has_begun() {
            failed = self
                .record_delivered(&daemon, now)
                .and_then(|()| self.reserve_numbers(&daemon, now))
                .err();
        }
        let (events, fatal) = match failed {
            Some(refusal) => {
                self.writer.rollback();
                (Err(refusal), None)
            }
            None => self.commit(),
        };
        let expiring = std::mem::take(&mut self.expiring);
        let recorded = std::mem::take(&mut self.recorded);
        if events.is_ok() {
            self.delivered.drain(..recorded);
        }
        let refused = events.as_ref().err().cloned();
        let events = events.unwrap_or_else(|refusal| {
            let again = (self.clock.boot)() + RETRY;
            for no in expiring {
                self.wake(again, no);
            }
            answers
                .iter_mut()
                .filter(|answer| answer.is_ok())
                .for_each(|answer| *answer = Err(refusal.clone()));
            Vec::new()
        });
        self.raise_ceiling(&events);
        Batch {
            answers,
            events,
            refused,
            fatal,
        }
    }

    fn commit(&mut self) -> (Result<Vec<Arc<Event>>>, Option<Refusal>) {
        if self.writer.events().is_empty() {
            self.writer.rollback();
            return (Ok(Vec::new()), None);
        }
        match self.writer.commit() {
            (Commit::Durable, events) => (Ok(events), None),
            (Commit::Refused(refusal), _) => (Err(refusal), None),
            (Commit::Unknown(refusal), _) => (Err(refusal.clone()), Some(refusal)),
        }
    }

    fn record_delivered(&mut self, daemon: &Caller, now: Time) -> Result<()> {
        let logical = self.delivered.split_off(self.recorded);
        self.delivered.extend(&logical);
        if logical.is_empty() {
            return Ok(());
        }
        self.recorded = self.delivered.len();
        self.writer
            .record(Event::Delivered { logical }, daemon, now)
    }

    fn reserve_numbers(&mut self, daemon: &Caller, now: Time) -> Result<()> {
        match self.numbers.wanted_ceiling() {
            None => Ok(()),
            Some(ceiling) => self
                .writer
                .record(Event::NumbersReserved { ceiling }, daemon, now),
        }
    }

    /// Forgets what is past its time, and records what was delivered.
    fn sweep(&mut self) -> Result<()> {
        let (now, daemon) = ((self.clock.utc)(), Caller::daemon());
        self.record_delivered(&daemon, now)?;
        let purge = fact::to_purge(self.writer.db(), now)?;
        let forgotten = purge
            .requests
            .into_iter()
            .map(|(no, pool, name)| Event::RequestForgotten { no, pool, name });
        let closed = purge
            .operators
            .into_iter()
            .map(|no| Event::OperatorChanged { no, state: None });
        forgotten
            .chain(closed)
            .try_for_each(|event| self.writer.record(event, &daemon, now))?;
        let old = queue::to_purge(self.writer.db(), Time(now.0 - WORK_PURGE_MS))?;
        let mut turn = Turn::new(
            &mut self.writer,
            (&self.numbers, &self.groups),
            &daemon,
            now,
        );
        for work in old {
            mounting::forget(&mut turn, &work)?;
        }
        Ok(())
    }

    /// Ends the requests whose time is over. One that cannot be ended now is tried again.
    pub(super) fn expire(&mut self, daemon: &Caller) {
        while let Some(ask) = self.due() {
            if let Err(refusal) = self.perform(&Ok(()), daemon, &ask) {
                tracing::error!(%refusal, ?ask, "a request could not be ended");
                let again = (self.clock.boot)() + RETRY;
                if let Some(no) = self.expiring.pop() {
                    self.wake(again, no);
                }
            }
        }
    }

    /// Returns the next ask of the clock that is due.
    pub fn due(&mut self) -> Option<Ask> {
        let boot = (self.clock.boot)();
        if self.rest.take_if(|at| *at <= boot).is_some() {
            self.expiring.push(CATALOG);
            return Some(Ask::EndRests);
        }
        let &Reverse((at, no)) = self.deadlines.peek()?;
        if at > boot {
            return None;
        }
        self.deadlines.pop();
        self.expiring.push(no);
        Some(Ask::Expire { no })
    }

    /// Returns how long the core may sleep before something is due, a minute at most.
    pub(super) fn patience(&self) -> Duration {
        let boot = (self.clock.boot)();
        let request = self.deadlines.peek().map(|Reverse((at, _))| *at);
        let deadline = request.into_iter().chain(self.rest).min();
        let deadline = deadline.map(|at| at.saturating_sub(boot));
        let delivered = (!self.delivered.is_empty()).then_some(Duration::from_secs(1));
        // A sleeping machine stops the timer but not the boot-time clock, so a deadline is looked at every second.
        let deadline =
            deadline.map(|wait| wait.clamp(Duration::from_millis(10), Duration::from_secs(1)));
        deadline
            .into_iter()
            .chain(delivered)
            .min()
            .unwrap_or(Duration::from_secs(60))
    }

    /// Returns the catalog's connection, for tests and checks.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }
}

/// The time left until an instant.
fn left(now: Time, at: Time) -> Duration {
    Duration::from_millis(u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0))
}

const _: () = assert!(
    BLOCK > 2 * 256,
    "a batch may take a number for each ask and more"
);
