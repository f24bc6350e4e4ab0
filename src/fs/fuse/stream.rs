//! `events`: the log as a stream that waits for more, from now on or from a record that was asked for.
//!
//! Invariant: a reader gets every record after its position exactly once, in order, after it is on disk. If the next went into an
//! archive meanwhile, its reads are refused until it goes to one that is kept.

use super::open::{Open, Wanted};
use super::parked::Key;
use super::served::{Failed, Outcome, Served, lock};
use crate::domain::error::ErrorKind;
use crate::domain::id::CATALOG;
use crate::domain::quota::Quota;
use crate::fs::framing::{Framed, Framer};
use crate::fs::parse::Deny;
use crate::fs::{Node, Row};
use crate::manager::log;
use fuser::{Errno, PollEvents, ReplyData, ReplyWrite, Request};
use std::sync::Mutex;

/// Bytes fetched at a time, and what the last record has more.
const FETCHED: usize = 64 * 1024;

/// Where a reader of events is.
#[derive(Debug)]
pub(super) struct Tail {
    /// The last record that is in the buffer or was read.
    seq: i64,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were read.
    read: usize,
    /// What was written of a line that is not complete yet.
    framer: Framer,
}

impl Tail {
    /// A reader of what comes from now on.
    pub(super) fn at_end(served: &Served) -> Outcome<Self> {
        let head = served.look(|view| log::head(view))?;
        Ok(Self {
            seq: head.seq,
            buffer: Vec::new(),
            read: 0,
            framer: Framer::default(),
        })
    }

    /// Takes at most `size` bytes; none if there is nothing new.
    fn take(&mut self, served: &Served, uid: u32, size: u32) -> Outcome<Vec<u8>> {
        if self.read >= self.buffer.len() {
            self.demand_near(served, uid)?;
            (self.seq, self.buffer) = served.look(|view| log::after(view, self.seq, FETCHED))?;
            self.read = 0;
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let part: Vec<u8> = self
            .buffer
            .iter()
            .skip(self.read)
            .take(size)
            .copied()
            .collect();
        self.read += part.len();
        Ok(part)
    }

    /// Refuses a reader who is too far behind: it goes on where it says next.
    fn demand_near(&self, served: &Served, uid: u32) -> Outcome<()> {
        let head = served.look(|view| log::head(view))?;
        let behind = u64::try_from(head.seq.saturating_sub(self.seq)).unwrap_or(0);
        let limits = served.manager.limits();
        limits
            .demand(uid, Quota::EventsBehind, behind)
            .map_err(Failed::from)
    }

    /// Takes what is written, and goes to where a complete line says. What is refused changes nothing.
    fn place(&mut self, served: &Served, data: &[u8]) -> Outcome<()> {
        let prepared = self.framer.prepare(data).map_err(Deny::framing)?;
        if let Framed::Request(line) = &prepared.found {
            self.seq = from(served, line)? - 1;
            self.buffer.clear();
            self.read = 0;
        }
        self.framer.commit(prepared);
        Ok(())
    }

    /// Gives the next read the line of a refusal, between two records.
    fn refuse(&mut self, line: &str) {
        let begun = self.read > 0 && self.buffer.get(self.read - 1) != Some(&b'\n');
        let mut rest = self.buffer.split_off(self.read.min(self.buffer.len()));
        let whole = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .filter(|_| begun);
        let at = whole.map_or(0, |newline| newline + 1);
        rest.splice(at..at, format!("{line}\n").into_bytes());
        self.buffer = rest;
        self.read = 0;
    }
}

pub(super) fn read(served: &Served, tail: &Mutex<Tail>, wanted: &Wanted, reply: ReplyData) {
    match lock(tail).take(served, wanted.uid, wanted.size) {
        Ok(bytes) if !bytes.is_empty() => return reply.data(&bytes),
        Ok(_) if wanted.nonblocking => return reply.error(Errno::EAGAIN),
        Ok(_) => {}
        Err(failed) => return reply.error(served.errno(wanted.uid, &failed)),
    }
    if !served.park(Key::Events, wanted, reply) {
        return;
    }
    // A commit between the look and the parking has told nobody: look again.
    if fresh(served, tail) {
        wake(served);
    }
}

/// Returns whether there is a record that was not fetched yet.
fn fresh(served: &Served, tail: &Mutex<Tail>) -> bool {
    served
        .look(|view| log::head(view))
        .is_ok_and(|head| head.seq > lock(tail).seq)
}

/// Gives every waiting reader what is new, and tells those who poll.
pub(super) fn wake(served: &Served) {
    while wake_once(served) {}
    served.notify(Node::new(Row::Events, CATALOG));
}

/// Returns whether something new came while a reader for whom there was nothing was out of the set.
fn wake_once(served: &Served) -> bool {
    let mut again = false;
    for parked in served.waiting.take(&Key::Events) {
        let file = served.handles.get(parked.handle);
        let found = file.as_deref().map(|file| (&file.open, file.uid));
        let Some((Open::Events(tail), uid)) = found else {
            parked.reply.error(Errno::EBADF);
            continue;
        };
        // Who has waited is not far behind.
        let taken = lock(tail).take(served, 0, parked.size);
        match taken {
            Ok(bytes) if bytes.is_empty() => {
                let tid = parked.tid;
                served.waiting.park(Key::Events, tid, parked);
                again |= fresh(served, tail);
            }
            Ok(bytes) => parked.reply.data(&bytes),
            Err(failed) => parked.reply.error(served.errno(uid, &failed)),
        }
    }
    again
}

/// `from=<seq>`: go on with that record.
pub(super) fn write(
    served: &Served,
    req: &Request,
    tail: &Mutex<Tail>,
    data: &[u8],
    reply: ReplyWrite,
) {
    let placed = lock(tail).place(served, data);
    match placed {
        Ok(()) => {
            reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX));
            // Another thread may wait on the same descriptor.
            wake(served);
        }
        Err(failed) => {
            if let Failed::Denied(deny) = &failed {
                lock(tail).refuse(&deny.to_string());
            }
            reply.error(served.errno(req.uid(), &failed));
        }
    }
}

/// Reads `from=<seq>`: a record that is kept, or the next that comes.
fn from(served: &Served, text: &str) -> Outcome<i64> {
    let (oldest, next) =
        served.look(|view| Ok((log::first(view)?, log::head(view)?.seq.saturating_add(1))))?;
    let number = text.trim().strip_prefix("from=");
    let refused = match number.and_then(|number| number.parse::<i64>().ok()) {
        None => format!("write from=<sequence number>; the oldest kept is {oldest}"),
        Some(seq) if seq < 1 => {
            format!("records count from 1, not from {seq}; the oldest kept is {oldest}")
        }
        Some(seq) if seq < oldest => {
            format!("record {seq} is in an archive; the oldest kept is {oldest}")
        }
        Some(seq) if seq > next => format!("there is no record {seq}; the next is {next}"),
        Some(seq) => return Ok(seq),
    };
    Err(Failed::from(ErrorKind::InvalidParameter.because(refused)))
}

pub(super) fn poll(served: &Served, tail: &Mutex<Tail>) -> PollEvents {
    let buffered = {
        let tail = lock(tail);
        tail.read < tail.buffer.len()
    };
    let ready = if buffered || fresh(served, tail) {
        PollEvents::POLLIN
    } else {
        PollEvents::empty()
    };
    ready | PollEvents::POLLOUT
}
