//! `allocate`: write a request, read its result on the same descriptor.
//!
//! Invariants: a write checks and takes nothing; the first read or poll carries the request out; a result counts as read
//! when its first line was handed to a read whose caller has no signal pending; what was allocated and not read is given
//! back at the close.

use super::open::{File, Open, Reply, Wanted};
use super::parked::{Key, Parked};
use super::served::{Failed, Outcome, Served, lock};
use crate::codes;
use crate::domain::access::Caller;
use crate::domain::allocate_request::AllocateRequest;
use crate::domain::ask::{self, Ask};
use crate::domain::error::Refusal;
use crate::domain::id::ObjectNo;
use crate::domain::words;
use crate::fs::framing::{Framed, Framer};
use crate::fs::parse::{self, Deny};
use crate::fs::waiting::{Pending, pending_signal};
use fuser::{Errno, PollEvents, ReplyData, ReplyWrite, Request};
use std::sync::{Arc, Mutex};

/// An open `allocate`.
#[derive(Default)]
pub(super) struct Transaction {
    framer: Framer,
    reply: Reply,
    state: State,
    caller: Caller,
    closed: bool,
}

/// Where its request stands.
#[derive(Debug, Default)]
enum State {
    /// Nothing was written, or the last result was read.
    #[default]
    Idle,
    /// Written and checked; the first read carries it out.
    Written(Box<AllocateRequest>),
    /// With the committer.
    Running,
    /// It waits under this number.
    Waiting(ObjectNo),
    /// Its result is in the reply; the logical medium that nobody has read yet.
    Unread(Option<ObjectNo>),
}

/// A transaction file that is open.
type This<'a> = (&'a Arc<File>, &'a Mutex<Transaction>);

pub(super) fn write(
    served: &Arc<Served>,
    req: &Request,
    this: This<'_>,
    (offset, data): (u64, &[u8]),
    reply: ReplyWrite,
) {
    match take(served, req, this, offset, data) {
        Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
        Err(failed) => reply.error(served.errno(req.uid(), &failed)),
    }
}

fn take(
    served: &Served,
    req: &Request,
    (file, transaction): This<'_>,
    offset: u64,
    data: &[u8],
) -> Outcome<()> {
    let mut this = lock(transaction);
    let prepared = match this.framer.prepare(data) {
        Ok(prepared) => prepared,
        Err(_) if !matches!(this.state, State::Idle) => return Err(busy()),
        Err(error) => return Err(this.reply.deny(offset, Deny::framing(error))),
    };
    let end = offset.saturating_add(u64::try_from(data.len()).unwrap_or(0));
    let text = match (&prepared.found, &this.state) {
        // The newline after a JSON request may come in a write of its own.
        (Framed::Nothing, _) => {
            this.framer.commit(prepared);
            this.reply.base = end;
            return Ok(());
        }
        (Framed::Partial, State::Idle) => {
            this.framer.commit(prepared);
            this.reply = Reply {
                base: end,
                text: None,
            };
            return Ok(());
        }
        (Framed::Request(text), State::Idle) => text,
        _ => return Err(busy()),
    };
    let caller = served.caller(req);
    let checked = AllocateRequest::parse(text).and_then(|request| {
        served.manager.admit(file.node.no, &caller)?;
        Ok(request)
    });
    match checked {
        Ok(request) => {
            this.framer.commit(prepared);
            this.caller = caller;
            this.reply = Reply {
                base: end,
                text: None,
            };
            this.state = State::Written(Box::new(request));
            Ok(())
        }
        Err(refusal) => Err(this.reply.deny(offset, Deny::Refusal(refusal))),
    }
}

fn busy() -> Failed {
    Failed::from(parse::one_at_a_time())
}

pub(super) fn read(served: &Arc<Served>, this: This<'_>, wanted: &Wanted, reply: ReplyData) {
    let mut transaction = lock(this.1);
    match &transaction.state {
        State::Idle => {
            if transaction.reply.text.is_none() && transaction.framer.has_part() {
                // Whoever reads takes the request for complete, and an empty answer for success.
                let line = codes::line(&words::no_newline());
                transaction.reply.refuse(wanted.offset, &line);
            }
            reply.data(
                transaction
                    .reply
                    .part(wanted.offset, wanted.size)
                    .unwrap_or_default(),
            );
        }
        State::Unread(_) => {
            hand_over(served, &mut transaction, wanted.park(reply, None));
        }
        State::Written(_) | State::Running | State::Waiting(_) => {
            let key = Key::File(wanted.handle);
            if wanted.nonblocking {
                reply.error(Errno::EAGAIN);
            } else if !served.park(key, wanted, reply) {
                // Nothing is begun that nobody would read.
                return;
            }
            start(served, transaction, this.0, wanted.handle);
        }
    }
}

/// Carries the request out, if that was not done yet.
fn start(
    served: &Arc<Served>,
    mut this: std::sync::MutexGuard<'_, Transaction>,
    file: &Arc<File>,
    handle: u64,
) {
    let before = std::mem::replace(&mut this.state, State::Running);
    let State::Written(request) = before else {
        this.state = before;
        return;
    };
    let caller = this.caller.clone();
    drop(this);
    let (answering, answered) = (Arc::clone(served), Arc::clone(file));
    let json = request.json;
    let answer = move |outcome| finish(&answering, &answered, handle, json, outcome);
    let ask = Ask::Allocate {
        pool: file.node.no,
        request,
        name: None,
    };
    served.manager.submit(caller, ask, Box::new(answer));
}

/// The committer has answered.
fn finish(
    served: &Arc<Served>,
    file: &Arc<File>,
    handle: u64,
    json: bool,
    outcome: Result<ask::Reply, Refusal>,
) {
    let Open::Transaction(transaction) = &file.open else {
        return;
    };
    match outcome {
        Ok(ask::Reply::Allocated {
            result, logical, ..
        }) => settle(served, file, handle, &result, Some(logical)),
        Ok(ask::Reply::Failed { result }) => settle(served, file, handle, &result, None),
        Ok(ask::Reply::Waiting { request }) => {
            let mut this = lock(transaction);
            if this.closed {
                cancel(served, &this.caller, request);
            } else {
                this.state = State::Waiting(request);
                lock(&served.handles.waiting).insert(request, handle);
            }
        }
        Ok(ask::Reply::Done | ask::Reply::Created(_)) => settle(served, file, handle, "\n", None),
        Err(refusal) => {
            served.remember(file.uid, codes::line(&refusal));
            settle(
                served,
                file,
                handle,
                &crate::manager::failure(&refusal, json),
                None,
            );
        }
    }
}

/// The result is there: whoever waits gets it.
pub(super) fn settle(
    served: &Arc<Served>,
    file: &Arc<File>,
    handle: u64,
    result: &str,
    logical: Option<ObjectNo>,
) {
    let Open::Transaction(transaction) = &file.open else {
        return;
    };
    let mut this = lock(transaction);
    if this.closed {
        undo(served, logical);
        return;
    }
    this.reply.text = Some(Arc::from(result.as_bytes()));
    this.state = State::Unread(logical);
    for parked in served.waiting.take(&Key::File(handle)) {
        hand_over(served, &mut this, parked);
    }
    drop(this);
    file.notify();
}

/// Hands the result to a read, unless its caller has a signal to take first: then it may never see it.
fn hand_over(served: &Served, this: &mut Transaction, parked: Parked) {
    if parked.tid != 0 && !matches!(pending_signal(parked.tid), Pending::No | Pending::Unseen) {
        return parked.reply.error(Errno::EINTR);
    }
    this.reply.seek(parked.offset);
    let line = this
        .reply
        .text
        .as_deref()
        .and_then(|text| text.iter().position(|byte| *byte == b'\n'));
    let end = this
        .reply
        .base
        .saturating_add(u64::try_from(line.unwrap_or(0)).unwrap_or(0));
    let read = parked.offset <= end && parked.offset.saturating_add(parked.size.into()) >= end;
    parked.reply.data(
        this.reply
            .part(parked.offset, parked.size)
            .unwrap_or_default(),
    );
    if let (State::Unread(logical), true) = (&this.state, read) {
        if let Some(logical) = *logical {
            served
                .manager
                .submit_sure(Caller::daemon(), Ask::Delivered { logical });
        }
        this.state = State::Idle;
    }
}

pub(super) fn poll(served: &Arc<Served>, (file, transaction): This<'_>, handle: u64) -> PollEvents {
    let this = lock(transaction);
    match &this.state {
        State::Idle if this.reply.text.is_none() => PollEvents::POLLOUT,
        State::Idle => PollEvents::POLLIN | PollEvents::POLLOUT,
        State::Unread(_) => PollEvents::POLLIN,
        State::Written(_) | State::Running | State::Waiting(_) => {
            start(served, this, file, handle);
            PollEvents::empty()
        }
    }
}

pub(super) fn release(served: &Arc<Served>, transaction: &Mutex<Transaction>) {
    let mut this = lock(transaction);
    this.closed = true;
    match std::mem::take(&mut this.state) {
        State::Idle | State::Written(_) | State::Running => {}
        State::Waiting(request) => {
            lock(&served.handles.waiting).remove(&request);
            cancel(served, &this.caller, request);
        }
        State::Unread(logical) => undo(served, logical),
    }
}

fn cancel(served: &Served, caller: &Caller, request: ObjectNo) {
    served
        .manager
        .submit_sure(caller.clone(), Ask::RemoveRequest { no: request });
}

/// Gives back what nobody has read.
pub(super) fn undo(served: &Served, logical: Option<ObjectNo>) {
    if let Some(logical) = logical {
        served
            .manager
            .submit_sure(Caller::daemon(), Ask::Undo { logical });
    }
}
