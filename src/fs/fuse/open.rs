//! Open files: what each keeps between the calls, and which calls it takes.
//!
//! Invariants: one snapshot an open; a file serves only the user who opened it (an inherited descriptor of another user
//! is refused); no lock is held while something is waited for.

use super::asking::Asking;
use super::export::Export;
pub(super) use super::handles::File;
use super::history::History;
use super::parked::{Key, Parked, part};
use super::request::NewRequest;
use super::served::{Failed, Outcome, Served, lock};
use super::stream::Tail;
use super::transaction::Transaction;
use super::{asking, bulk, export, history, request, stream, transaction};
use crate::fs::framing::Lines;
use crate::fs::parse::Deny;
use crate::fs::tree::{Behaviour, behaviour, spec};
use crate::fs::usage::Tickets;
use crate::fs::{Node, Row, access, lookup, parse};
use fuser::{
    Errno, FileHandle, FopenFlags, INodeNo, OpenFlags, PollEvents, PollNotifier, ReplyData,
    ReplyOpen, ReplyPoll, ReplyWrite, Request,
};
use std::sync::{Arc, Mutex};

/// What an open file is.
pub(super) enum Open {
    /// A file that shows: its contents at the time of the open.
    Text(Arc<[u8]>),
    /// A file that shows and takes a value.
    Attribute(Mutex<Attribute>),
    /// `allocate`.
    Transaction(Mutex<Transaction>),
    /// `ask`.
    Asking(Mutex<Asking>),
    /// `import`.
    Bulk(Mutex<Bulk>),
    /// A request that is being written.
    NewRequest(Mutex<NewRequest>),
    /// A result, once it is known.
    Result(Mutex<Option<Arc<[u8]>>>),
    /// `events`.
    Events(Mutex<Tail>),
    /// `history`.
    History(History),
    /// `export`.
    Export(Export),
}

/// What is read back after a write that was refused: the line, from the end of the last write on.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) base: u64,
    pub(super) text: Option<Arc<[u8]>>,
}

impl Reply {
    /// Returns what a read wants of the reply.
    pub(super) fn part(&mut self, offset: u64, size: u32) -> Option<&[u8]> {
        self.seek(offset);
        let text = self.text.as_ref()?;
        Some(part(text, offset - self.base, size))
    }

    /// A read before the base means that the caller sought back to the beginning.
    pub(super) fn seek(&mut self, offset: u64) {
        if self.text.is_some() && offset < self.base {
            self.base = 0;
        }
    }

    /// Keeps what a write is denied for as its reply.
    pub(super) fn deny(&mut self, offset: u64, deny: Deny) -> Failed {
        self.refuse(offset, &deny.to_string());
        Failed::from(deny)
    }

    /// Keeps a refusal as the reply of a write.
    pub(super) fn refuse(&mut self, offset: u64, line: &str) {
        // After an error the kernel does not move the offset, so a sequential reader goes on where the write began.
        self.base = offset;
        self.text = Some(Arc::from(format!("{line}\n").into_bytes()));
    }
}

impl Served {
    /// Refuses a write: the errno to the writer, the line to the next read of the same file and to `last-error`.
    pub(super) fn refuse_write(
        &self,
        uid: u32,
        (slot, offset): (&mut Reply, u64),
        deny: Deny,
        reply: ReplyWrite,
    ) {
        reply.error(self.errno(uid, &slot.deny(offset, deny)));
    }
}

/// An open attribute.
#[derive(Debug)]
pub(super) struct Attribute {
    contents: Option<Arc<[u8]>>,
    reply: Reply,
}

/// An open `import`.
#[derive(Default)]
pub(super) struct Bulk {
    pub(super) lines: Lines,
    pub(super) reply: Reply,
    /// A write is out: its lines are being applied.
    pub(super) busy: bool,
}

fn reads(flags: OpenFlags) -> bool {
    flags.0 & libc::O_ACCMODE != libc::O_WRONLY
}

fn writes(flags: OpenFlags) -> bool {
    flags.0 & libc::O_ACCMODE != libc::O_RDONLY
}

pub(super) fn nonblocking(flags: OpenFlags) -> bool {
    flags.0 & libc::O_NONBLOCK != 0
}

pub(super) fn open(
    served: &Arc<Served>,
    req: &Request,
    ino: INodeNo,
    flags: OpenFlags,
    reply: ReplyOpen,
) {
    let uid = req.uid();
    let found = served.node(ino).and_then(|node| {
        let wanted = (reads(flags), writes(flags));
        if access::is_looked_at(spec(node.row).guard) {
            let caller = served.caller(req);
            served.look(|view| access::demand_open(view, node, &caller, wanted))?;
        }
        let ticket = served.ticket(uid)?;
        Ok((node, ticket, opened(served, uid, node, flags)?))
    });
    match found {
        Ok((node, ticket, open)) => {
            let stream = matches!(open, Open::Events(_));
            let handle = served.handles.insert(node, (uid, ticket), open);
            let kind = if stream {
                FopenFlags::FOPEN_STREAM | FopenFlags::FOPEN_NONSEEKABLE
            } else {
                FopenFlags::empty()
            };
            reply.opened(
                handle,
                FopenFlags::FOPEN_DIRECT_IO | FopenFlags::FOPEN_NOFLUSH | kind,
            );
        }
        Err(failed) => reply.error(served.errno(uid, &failed)),
    }
}

fn opened(served: &Served, uid: u32, node: Node, flags: OpenFlags) -> Outcome<Open> {
    if node.row.outcome().is_some() && writes(flags) {
        return Err(Failed::from(parse::exists_already()));
    }
    Ok(match behaviour(node) {
        Behaviour::Shown(_) if node.row == Row::Metrics => Open::Text(served.metrics(node)?),
        Behaviour::Shown(_) | Behaviour::RequestFile(_) => Open::Text(served.content(node)?),
        Behaviour::Attr(..) => {
            let contents = if reads(flags) {
                Some(served.content(node)?)
            } else {
                None
            };
            Open::Attribute(Mutex::new(Attribute {
                contents,
                reply: Reply::default(),
            }))
        }
        Behaviour::Transaction if !reads(flags) => return Err(Failed::from(parse::nobody_reads())),
        Behaviour::Transaction => Open::Transaction(Mutex::default()),
        Behaviour::Ask => Open::Asking(Mutex::new(Asking::new(reads(flags)))),
        Behaviour::Bulk => Open::Bulk(Mutex::default()),
        Behaviour::ResultFile(_) => Open::Result(Mutex::new(known(served, node)?)),
        Behaviour::Stream => Open::Events(Mutex::new(Tail::at_end(served)?)),
        Behaviour::History => Open::History(History::open(served, node)?),
        Behaviour::Export => Open::Export(Export::open(served, node)?),
        Behaviour::LastError => Open::Text(served.last_error(uid)),
        Behaviour::Dir(_) => return Err(Failed::Errno(Errno::EISDIR)),
        Behaviour::Link(_) => return Err(Failed::Errno(Errno::ELOOP)),
    })
}

/// The result of a request or operator request, if there is one.
fn known(served: &Served, node: Node) -> Outcome<Option<Arc<[u8]>>> {
    if lock(&served.reserved).contains_key(&node.no) {
        return Ok(None);
    }
    let found =
        served.look(|view| Ok((lookup::exists(view, node)?, lookup::outcome(view, node)?)))?;
    match found {
        (false, _) => Err(Failed::Errno(Errno::ENOENT)),
        (true, outcome) => Ok(outcome.map(Arc::from)),
    }
}

/// The file of a handle, if the caller is the one who opened it.
fn file(served: &Served, uid: u32, fh: FileHandle) -> Outcome<Arc<File>> {
    let file = served
        .handles
        .get(fh.0)
        .ok_or(Failed::Errno(Errno::EBADF))?;
    // What only shows may be passed on; what asks for something does so for the user who opened it.
    let shows = matches!(
        file.open,
        Open::Text(_) | Open::History(_) | Open::Events(_)
    );
    if file.uid == uid || shows {
        Ok(file)
    } else {
        Err(Failed::from(parse::ANOTHER_USER))
    }
}

/// What a read is about.
pub(super) struct Wanted {
    pub(super) handle: u64,
    pub(super) offset: u64,
    pub(super) size: u32,
    pub(super) uid: u32,
    pub(super) tid: u32,
    pub(super) nonblocking: bool,
}

impl Wanted {
    /// The parked form of the read.
    pub(super) fn park(&self, reply: ReplyData, tickets: Option<Tickets>) -> Parked {
        Parked {
            reply,
            handle: self.handle,
            offset: self.offset,
            size: self.size,
            tid: self.tid,
            _tickets: tickets,
        }
    }
}

pub(super) fn read(served: &Arc<Served>, req: &Request, wanted: &Wanted, reply: ReplyData) {
    let file = match file(served, req.uid(), FileHandle(wanted.handle)) {
        Ok(file) => file,
        Err(failed) => return reply.error(served.errno(req.uid(), &failed)),
    };
    match &file.open {
        Open::Text(text) => reply.data(part(text, wanted.offset, wanted.size)),
        Open::Attribute(attribute) => read_attribute(served, &file, attribute, wanted, reply),
        Open::Transaction(transaction) => {
            transaction::read(served, (&file, transaction), wanted, reply);
        }
        Open::Asking(asking) => asking::read(asking, wanted, reply),
        Open::Bulk(bulk) => reply.data(
            lock(bulk)
                .reply
                .part(wanted.offset, wanted.size)
                .unwrap_or_default(),
        ),
        Open::NewRequest(request) => reply.data(
            lock(request)
                .reply
                .part(wanted.offset, wanted.size)
                .unwrap_or_default(),
        ),
        Open::Result(known) => read_result(served, &file, known, wanted, reply),
        Open::Events(tail) => stream::read(served, tail, wanted, reply),
        Open::Export(export) => export::read(served, (&file, export), wanted, reply),
        Open::History(history) => {
            let reader = (file.node, req.uid());
            history::read(served, reader, history, wanted, reply);
        }
    }
}

fn read_attribute(
    served: &Served,
    file: &File,
    attribute: &Mutex<Attribute>,
    wanted: &Wanted,
    reply: ReplyData,
) {
    let mut attribute = lock(attribute);
    if let Some(line) = attribute.reply.part(wanted.offset, wanted.size) {
        return reply.data(line);
    }
    if attribute.contents.is_none() {
        match served.content(file.node) {
            Ok(contents) => attribute.contents = Some(contents),
            Err(failed) => return reply.error(served.errno(file.uid, &failed)),
        }
    }
    reply.data(part(
        attribute.contents.as_deref().unwrap_or_default(),
        wanted.offset,
        wanted.size,
    ));
}

/// Parks first and looks then, so that a result that comes in between is not missed.
fn read_result(
    served: &Served,
    file: &File,
    known: &Mutex<Option<Arc<[u8]>>>,
    wanted: &Wanted,
    reply: ReplyData,
) {
    if let Some(text) = lock(known).as_deref() {
        return reply.data(part(text, wanted.offset, wanted.size));
    }
    if wanted.nonblocking {
        return match self::known(served, file.node) {
            Ok(None) => reply.error(Errno::EAGAIN),
            Ok(Some(text)) => {
                reply.data(part(&text, wanted.offset, wanted.size));
                *lock(known) = Some(text);
            }
            Err(failed) => reply.error(served.errno(file.uid, &failed)),
        };
    }
    if !served.park(Key::Result(file.node), wanted, reply) {
        return;
    }
    let given = lock(known).as_ref().map(Arc::clone);
    match given.map_or_else(|| self::known(served, file.node), |text| Ok(Some(text))) {
        Ok(None) => {}
        Ok(Some(text)) => served.deliver(file.node, Ok(&text)),
        Err(_) => served.deliver(file.node, Err(Errno::ENOENT)),
    }
}

impl Served {
    /// Returns whether whoever created a request still has it open.
    pub(super) fn is_being_written(&self, node: Node) -> bool {
        let files = self.handles.of_node(node);
        files
            .iter()
            .any(|file| matches!(file.open, Open::NewRequest(_)))
    }

    /// Tells whoever polls an open file of a node that it is ready now.
    pub(super) fn notify(&self, node: Node) {
        for file in self.handles.of_node(node) {
            file.notify();
        }
    }

    /// Gives every read that waits for a result, and every file that was opened for it, the result, or an error if there
    /// will be none.
    pub(super) fn deliver(&self, node: Node, result: Result<&Arc<[u8]>, Errno>) {
        let files = self.handles.of_node(node);
        if let Ok(text) = result {
            // The request may be gone already when the file is read again.
            for file in &files {
                if let Open::Result(known) = &file.open {
                    *lock(known) = Some(Arc::clone(text));
                }
            }
        }
        for parked in self.waiting.take(&Key::Result(node)) {
            match result {
                Ok(text) => parked.reply.data(part(text, parked.offset, parked.size)),
                Err(errno) => parked.reply.error(errno),
            }
        }
        for file in files {
            file.notify();
        }
    }
}

pub(super) fn write(
    served: &Arc<Served>,
    req: &Request,
    (fh, offset): (FileHandle, u64),
    data: &[u8],
    reply: ReplyWrite,
) {
    let file = match file(served, req.uid(), fh) {
        Ok(file) => file,
        Err(failed) => return reply.error(served.errno(req.uid(), &failed)),
    };
    match &file.open {
        Open::Attribute(_) => write_attribute(served, req, (&file, offset), data, reply),
        Open::Transaction(transaction) => {
            transaction::write(served, req, (&file, transaction), (offset, data), reply);
        }
        Open::Asking(_) => asking::write(served, req, &file, (offset, data), reply),
        Open::Bulk(_) => bulk::write(served, req, &file, (offset, data), reply),
        Open::NewRequest(_) => request::write(served, req, &file, (offset, data), reply),
        Open::Events(tail) => stream::write(served, req, tail, data, reply),
        Open::Text(_) | Open::Result(_) | Open::History(_) | Open::Export(_) => {
            let deny = parse::write(file.node, data).err();
            let failed = deny.map_or(Failed::Errno(Errno::EPERM), Failed::from);
            reply.error(served.errno(file.uid, &failed));
        }
    }
}

fn write_attribute(
    served: &Arc<Served>,
    req: &Request,
    (file, offset): (&Arc<File>, u64),
    data: &[u8],
    reply: ReplyWrite,
) {
    let Open::Attribute(attribute) = &file.open else {
        return reply.error(Errno::EBADF);
    };
    let ask = match parse::write(file.node, data) {
        Ok(ask) => ask,
        Err(deny) => {
            return served.refuse_write(
                file.uid,
                (&mut lock(attribute).reply, offset),
                deny,
                reply,
            );
        }
    };
    let written = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let file = Arc::clone(file);
    served.submit(
        served.caller(req),
        ask,
        (reply, ReplyWrite::error),
        move |served, outcome, reply| {
            let (Some(reply), Open::Attribute(attribute)) = (reply, &file.open) else {
                return;
            };
            let mut this = lock(attribute);
            match outcome {
                Ok(_) => {
                    *this = Attribute {
                        contents: None,
                        reply: Reply::default(),
                    };
                    reply.written(written);
                }
                Err(refusal) => {
                    served.refuse_write(
                        file.uid,
                        (&mut this.reply, offset),
                        Deny::Refusal(refusal),
                        reply,
                    );
                }
            }
        },
    );
}

pub(super) fn release(served: &Arc<Served>, fh: FileHandle) {
    let Some(file) = served.handles.remove(fh.0) else {
        return;
    };
    match &file.open {
        Open::Transaction(transaction) => transaction::release(served, transaction),
        Open::NewRequest(request) => request::release(served, &file, request),
        Open::Text(_)
        | Open::Attribute(_)
        | Open::Asking(_)
        | Open::Bulk(_)
        | Open::Result(_)
        | Open::Events(_)
        | Open::History(_)
        | Open::Export(_) => {}
    }
}

pub(super) fn poll(
    served: &Arc<Served>,
    req: &Request,
    fh: FileHandle,
    (notifier, events): (PollNotifier, PollEvents),
    reply: ReplyPoll,
) {
    let file = match file(served, req.uid(), fh) {
        Ok(file) => file,
        Err(failed) => return reply.error(served.errno(req.uid(), &failed)),
    };
    *lock(&file.poll) = Some(notifier);
    let both = PollEvents::POLLIN | PollEvents::POLLOUT;
    let ready = match &file.open {
        Open::Transaction(transaction) => transaction::poll(served, (&file, transaction), fh.0),
        Open::Result(known) if lock(known).is_some() => PollEvents::POLLIN,
        Open::Result(_) => match known(served, file.node) {
            Ok(None) => PollEvents::empty(),
            Ok(_) => PollEvents::POLLIN,
            Err(_) => PollEvents::POLLIN | PollEvents::POLLHUP,
        },
        Open::Events(tail) => stream::poll(served, tail),
        Open::Asking(asking) => asking::poll(asking),
        Open::Export(export) => export::poll(served, (&file, export), fh.0),
        Open::Text(_)
        | Open::Attribute(_)
        | Open::Bulk(_)
        | Open::NewRequest(_)
        | Open::History(_) => both,
    };
    reply.poll(ready & (events | PollEvents::POLLHUP | PollEvents::POLLERR));
}
