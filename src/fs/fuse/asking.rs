//! `ask`: write a request to a person, read its number on the same descriptor.
//!
//! Invariants: the write that brings the newline carries the request out and is answered after the commit, so also a
//! shell's `>` is told of a refusal; on a descriptor that can be read, the next request waits until the number was read;
//! nobody waits for a person here.

use super::open::{File, Open, Reply, Wanted};
use super::served::{Failed, Served, lock};
use crate::domain::ask::{self, Ask};
use crate::domain::json::is_json;
use crate::domain::operator_request::OperatorRequest;
use crate::fs::framing::{Framed, Framer};
use crate::fs::parse::{self, Deny};
use crate::manager::failure;
use fuser::{PollEvents, ReplyData, ReplyWrite, Request};
use std::sync::{Arc, Mutex};

/// An open `ask`.
pub(super) struct Asking {
    framer: Framer,
    reply: Reply,
    /// Whether somebody can read the number.
    reads: bool,
    /// A request is with the committer.
    busy: bool,
    /// A number is there that nobody has read.
    unread: bool,
}

impl Asking {
    pub(super) fn new(reads: bool) -> Self {
        Self {
            framer: Framer::default(),
            reply: Reply::default(),
            reads,
            busy: false,
            unread: false,
        }
    }
}

pub(super) fn write(
    served: &Arc<Served>,
    req: &Request,
    file: &Arc<File>,
    (offset, data): (u64, &[u8]),
    reply: ReplyWrite,
) {
    let Open::Asking(asking) = &file.open else {
        return reply.error(fuser::Errno::EBADF);
    };
    let mut this = lock(asking);
    let written = u32::try_from(data.len()).unwrap_or(u32::MAX);
    match take(&mut this, offset, data) {
        Ok(None) => reply.written(written),
        Ok(Some(request)) => {
            this.busy = true;
            drop(this);
            let end = offset.saturating_add(u64::from(written));
            submit(served, req, file, (request, offset..end), (reply, written));
        }
        Err(failed) => reply.error(served.errno(req.uid(), &failed)),
    }
}

/// Takes the bytes of a write; a request if one is complete.
fn take(this: &mut Asking, offset: u64, data: &[u8]) -> Result<Option<OperatorRequest>, Failed> {
    let occupied = this.busy || this.unread;
    let prepared = match this.framer.prepare(data) {
        Ok(prepared) => prepared,
        Err(_) if occupied => return Err(Failed::from(parse::one_at_a_time())),
        Err(error) => return Err(this.reply.deny(offset, Deny::framing(error))),
    };
    let request = match &prepared.found {
        // The newline after a JSON request may come in a write of its own.
        Framed::Nothing => {
            this.reply.base = offset.saturating_add(u64::try_from(data.len()).unwrap_or(0));
            None
        }
        _ if occupied => return Err(Failed::from(parse::one_at_a_time())),
        Framed::Partial => {
            this.reply = Reply::default();
            None
        }
        Framed::Request(text) => match OperatorRequest::parse(text) {
            Ok(request) => Some(request),
            Err(refusal) => {
                let line = failure(&refusal, is_json(text));
                this.reply.refuse(offset, line.trim_end());
                return Err(Failed::from(refusal));
            }
        },
    };
    this.framer.commit(prepared);
    Ok(request)
}

fn submit(
    served: &Arc<Served>,
    req: &Request,
    file: &Arc<File>,
    (request, bytes): (OperatorRequest, std::ops::Range<u64>),
    (reply, written): (ReplyWrite, u32),
) {
    let json = request.json;
    let file = Arc::clone(file);
    let ask = Ask::AskOperator {
        request: Box::new(request),
    };
    served.submit(
        served.caller(req),
        ask,
        (reply, ReplyWrite::error),
        move |served, outcome, reply| {
            let Open::Asking(asking) = &file.open else {
                return;
            };
            let mut this = lock(asking);
            this.busy = false;
            match outcome {
                Ok(ask::Reply::Created(no)) => {
                    let text = if json {
                        format!("{{\"operator\":{no}}}\n")
                    } else {
                        format!("{no}\n")
                    };
                    this.reply = Reply {
                        base: bytes.end,
                        text: Some(Arc::from(text.into_bytes())),
                    };
                    this.unread = this.reads;
                    drop(this);
                    if let Some(reply) = reply {
                        reply.written(written);
                    }
                }
                Ok(_) => {}
                Err(refusal) => {
                    let line = failure(&refusal, json);
                    this.reply.refuse(bytes.start, line.trim_end());
                    drop(this);
                    if let Some(reply) = reply {
                        reply.error(served.errno(file.uid, &Failed::from(refusal)));
                    }
                }
            }
            file.notify();
        },
    );
}

pub(super) fn read(asking: &Mutex<Asking>, wanted: &Wanted, reply: ReplyData) {
    let mut this = lock(asking);
    this.unread = false;
    let part = this.reply.part(wanted.offset, wanted.size);
    reply.data(part.unwrap_or_default());
}

pub(super) fn poll(asking: &Mutex<Asking>) -> PollEvents {
    let this = lock(asking);
    if this.reply.text.is_some() {
        PollEvents::POLLIN
            | if this.unread {
                PollEvents::empty()
            } else {
                PollEvents::POLLOUT
            }
    } else if this.busy {
        PollEvents::empty()
    } else {
        PollEvents::POLLOUT
    }
}
