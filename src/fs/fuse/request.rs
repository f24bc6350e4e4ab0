//! `requests/<name>` of a pool or library: create, write once; durable when the write returns.
//!
//! Invariants: a name that exists is never opened for writing; a name that was created and never written is free again
//! after the close; what was written without its newline is recorded as failed, never carried out.

use super::open::{File, Open, Reply};
use super::served::{Failed, Outcome, Reserved, Served, attr, lock};
use crate::domain::ask::{Ask, Named};
use crate::domain::error::Refusal;
use crate::domain::name::printable;
use crate::fs::framing::{Framed, Framer};
use crate::fs::parse::{self, Deny, Parsed};
use crate::fs::usage::Ticket;
use crate::fs::{Node, Row};
use fuser::{Errno, FopenFlags, Generation, INodeNo, ReplyCreate, ReplyWrite, Request};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request that is being written.
#[derive(Default)]
pub(super) struct NewRequest {
    framer: Framer,
    pub(super) reply: Reply,
    state: State,
    /// Why it was refused: Python, for one, sends refused bytes again at the close, and must not hear of another reason.
    refused: Option<Deny>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing complete was written.
    #[default]
    Open,
    /// With the committer.
    Running,
    /// It is in the catalog, or was refused and its name is free.
    Ended,
}

pub(super) fn create(
    served: &Arc<Served>,
    req: &Request,
    (parent, name): (INodeNo, &[u8]),
    reply: ReplyCreate,
) {
    let reserved = reserve(served, req, parent, name)
        .and_then(|(node, ticket)| Ok((node, served.stat(node)?, ticket)));
    match reserved {
        Ok((node, found, ticket)) => {
            let open = Open::NewRequest(Mutex::default());
            let handle = served.handles.insert(node, (req.uid(), ticket), open);
            let flags = FopenFlags::FOPEN_DIRECT_IO | FopenFlags::FOPEN_NOFLUSH;
            reply.created(&Duration::ZERO, &attr(&found), Generation(0), handle, flags);
        }
        Err(failed) => reply.error(served.errno(req.uid(), &failed)),
    }
}

/// Takes the name, so that nobody else can until the file is closed.
fn reserve(
    served: &Served,
    req: &Request,
    parent: INodeNo,
    name: &[u8],
) -> Outcome<(Node, Ticket)> {
    let ticket = served.ticket(req.uid())?;
    let dir = served.node(parent)?;
    let (row, container, name) = parse::create(dir, name)?;
    match served.find(dir, name.as_bytes()) {
        Ok(_) => return Err(Failed::from(parse::exists_already())),
        Err(Failed::Errno(errno)) if errno == Errno::ENOENT => {}
        Err(failed) => return Err(failed),
    }
    let no = served.manager.reserve_number()?;
    let mut reserved = lock(&served.reserved);
    if reserved
        .values()
        .any(|r| r.container == container && r.name == name)
    {
        return Err(Failed::from(parse::exists_already()));
    }
    reserved.insert(
        no,
        Reserved {
            container,
            name,
            uid: req.uid(),
            gid: req.gid(),
        },
    );
    Ok((Node::new(row, no), ticket))
}

pub(super) fn write(
    served: &Arc<Served>,
    req: &Request,
    file: &Arc<File>,
    (offset, data): (u64, &[u8]),
    reply: ReplyWrite,
) {
    let Open::NewRequest(request) = &file.open else {
        return reply.error(Errno::EBADF);
    };
    let mut this = lock(request);
    if let Some(deny) = this.refused.clone() {
        return served.refuse_write(file.uid, (&mut this.reply, offset), deny, reply);
    }
    let written = u32::try_from(data.len()).unwrap_or(u32::MAX);
    match take(served, file, &mut this, data) {
        Ok(None) => reply.written(written),
        Ok(Some(ask)) => {
            this.state = State::Running;
            drop(this);
            submit(served, req, file, (offset, ask), (written, reply));
        }
        Err(deny) => served.refuse_write(file.uid, (&mut this.reply, offset), deny, reply),
    }
}

/// Takes a write: the request if it is complete now. One that cannot be read frees its name.
fn take(served: &Served, file: &File, this: &mut NewRequest, data: &[u8]) -> Parsed<Option<Ask>> {
    let prepared = this
        .framer
        .prepare(data)
        .map_err(|error| match this.state {
            State::Open => Deny::framing(error),
            State::Running | State::Ended => parse::one_at_a_time(),
        })?;
    let text = match (&prepared.found, &this.state) {
        (Framed::Nothing, _) | (Framed::Partial, State::Open) => {
            this.framer.commit(prepared);
            return Ok(None);
        }
        (Framed::Request(text), State::Open) => text,
        _ => return Err(parse::one_at_a_time()),
    };
    let reserved = lock(&served.reserved).get(&file.node.no).cloned();
    let Some(Reserved {
        container, name, ..
    }) = reserved
    else {
        return Err(parse::one_at_a_time());
    };
    let (no, body) = (file.node.no, text.clone());
    match parse::request(file.node.row, container, Named { name, no, body }) {
        Ok(ask) => {
            this.framer.commit(prepared);
            Ok(Some(ask))
        }
        Err(refusal) => {
            end(served, file, this);
            never(served, file);
            this.refused = Some(Deny::Refusal(refusal.clone()));
            Err(Deny::Refusal(refusal))
        }
    }
}

/// Hands the request over; the write is answered when it is on disk.
fn submit(
    served: &Arc<Served>,
    req: &Request,
    file: &Arc<File>,
    (offset, ask): (u64, Ask),
    (written, reply): (u32, ReplyWrite),
) {
    let file = Arc::clone(file);
    served.submit(
        served.caller(req),
        ask,
        (reply, ReplyWrite::error),
        move |served, outcome, reply| {
            let Open::NewRequest(request) = &file.open else {
                return;
            };
            let mut this = lock(request);
            end(served, &file, &mut this);
            this.refused = outcome.err().map(Deny::Refusal);
            if this.refused.is_some() {
                never(served, &file);
            }
            let Some(reply) = reply else { return };
            match this.refused.clone() {
                None => reply.written(written),
                Some(deny) => {
                    served.refuse_write(file.uid, (&mut this.reply, offset), deny, reply);
                }
            }
        },
    );
}

/// The name is the catalog's from now on, or free.
fn end(served: &Served, file: &File, this: &mut NewRequest) {
    this.state = State::Ended;
    lock(&served.reserved).remove(&file.node.no);
}

/// A name that was never written is free again; what lacks its newline is recorded as failed.
pub(super) fn release(served: &Arc<Served>, file: &Arc<File>, request: &Mutex<NewRequest>) {
    let mut this = lock(request);
    if this.state != State::Open {
        return;
    }
    let rest = this.framer.finish();
    let reserved = lock(&served.reserved).get(&file.node.no).cloned();
    if let (Some(body), Some(reserved)) = (rest, reserved) {
        this.state = State::Running;
        let name = Named {
            name: reserved.name,
            no: file.node.no,
            body: printable(&body),
        };
        let ask = parse::unfinished(file.node.row, reserved.container, name);
        let (answering, answered) = (Arc::clone(served), Arc::clone(file));
        let answer = move |outcome: Result<_, Refusal>| {
            lock(&answering.reserved).remove(&answered.node.no);
            if outcome.is_err() {
                never(&answering, &answered);
            }
        };
        let caller = served.caller_of(reserved.uid, reserved.gid);
        served.manager.submit(caller, ask, Box::new(answer));
    } else {
        end(served, file, &mut this);
        never(served, file);
    }
}

/// There will be no such request: whoever waits for its result is told so.
fn never(served: &Served, file: &File) {
    let row = file.node.row.outcome().unwrap_or(Row::Outcome);
    served.deliver(Node::new(row, file.node.no), Err(Errno::ENOENT));
}
