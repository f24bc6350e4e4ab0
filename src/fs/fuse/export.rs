//! `export`: the catalog of one instant as a file. The instant is that of the open, the copy is made by a thread of its own
//! when it is first wanted.
//!
//! Invariants: no call waits for the copy; an open file serves one snapshot, of exactly the size that stat(2) shows.

use super::open::{File, Open, Wanted};
use super::parked::{Key, Parked};
use super::served::{Failed, Outcome, Served, lock};
use crate::domain::error::{ErrorKind, Refusal};
use crate::fs::{Node, Row};
use crate::manager::Snapshot;
use fuser::{Errno, PollEvents, ReplyData};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex};

/// Copies at a time: each needs as much disk as the catalog.
const COPIES_MAX: usize = 4;

/// An open `export`.
pub(super) struct Export {
    size: u64,
    copy: Mutex<Copy>,
}

/// How far the copy is.
enum Copy {
    Wanted(Box<Snapshot>),
    Making,
    Made(Arc<std::fs::File>),
    Failed(Refusal),
}

impl Export {
    /// Takes the snapshot.
    pub(super) fn open(served: &Served, node: Node) -> Outcome<Self> {
        if served.handles.of_node(node).len() >= COPIES_MAX {
            return Err(ErrorKind::NotReady
                .because(format!("{COPIES_MAX} exports are open; close one"))
                .into());
        }
        let snapshot = served.manager.snapshot()?;
        Ok(Self {
            size: snapshot.size(),
            copy: Mutex::new(Copy::Wanted(Box::new(snapshot))),
        })
    }

    /// Returns whether a read gives an answer at once.
    fn is_ready(&self) -> bool {
        matches!(*lock(&self.copy), Copy::Made(_) | Copy::Failed(_))
    }
}

impl Served {
    /// The size of the export that was opened last, if one is open: what its reader is told and reads is the same.
    pub(super) fn export_size(&self, node: Node) -> Option<u64> {
        if node.row != Row::Export {
            return None;
        }
        let files = self.handles.of_node(node);
        files.iter().rev().find_map(|file| {
            if let Open::Export(export) = &file.open {
                Some(export.size)
            } else {
                None
            }
        })
    }
}

/// Has the copy made, if nobody has.
fn begin(served: &Arc<Served>, file: &Arc<File>, export: &Export, handle: u64) {
    let snapshot = {
        let mut copy = lock(&export.copy);
        let before = std::mem::replace(&mut *copy, Copy::Making);
        let Copy::Wanted(snapshot) = before else {
            *copy = before;
            return;
        };
        snapshot
    };
    let (making, made) = (Arc::clone(served), Arc::clone(file));
    let thread = std::thread::Builder::new().name("export".to_owned());
    let begun = thread.spawn(move || {
        let copied = snapshot.copy();
        if let Open::Export(export) = &made.open {
            *lock(&export.copy) = match copied {
                Ok(copy) => Copy::Made(Arc::new(copy)),
                Err(refusal) => Copy::Failed(refusal),
            };
            wake(&making, export, handle);
        }
        made.notify();
    });
    if let Err(error) = begun {
        let refusal = ErrorKind::NotEnoughMemory.because(error.to_string());
        *lock(&export.copy) = Copy::Failed(refusal);
    }
}

/// Answers the reads that wait for the copy.
fn wake(served: &Served, export: &Export, handle: u64) {
    for parked in served.waiting.take(&Key::File(handle)) {
        let Parked {
            reply,
            offset,
            size,
            ..
        } = parked;
        answer(served, export, (offset, size), reply);
    }
}

fn answer(served: &Served, export: &Export, (offset, size): (u64, u32), reply: ReplyData) {
    let copy = match &*lock(&export.copy) {
        Copy::Made(copy) => Arc::clone(copy),
        Copy::Failed(refusal) => {
            return reply.error(served.errno(0, &Failed::from(refusal.clone())));
        }
        Copy::Wanted(_) | Copy::Making => return reply.error(Errno::EAGAIN),
    };
    let left = export.size.saturating_sub(offset).min(u64::from(size));
    let mut bytes = vec![0; usize::try_from(left).unwrap_or(0)];
    match copy.read_exact_at(&mut bytes, offset) {
        Ok(()) => reply.data(&bytes),
        Err(error) => {
            tracing::error!(%error, "an export cannot be read");
            reply.error(Errno::EIO);
        }
    }
}

pub(super) fn read(
    served: &Arc<Served>,
    (file, export): (&Arc<File>, &Export),
    wanted: &Wanted,
    reply: ReplyData,
) {
    let ready = export.is_ready();
    if ready || wanted.nonblocking {
        begin(served, file, export, wanted.handle);
        return answer(served, export, (wanted.offset, wanted.size), reply);
    }
    let key = Key::File(wanted.handle);
    if !served.park(key, wanted, reply) {
        return;
    }
    begin(served, file, export, wanted.handle);
    // It may have been finished between the look and the parking.
    if export.is_ready() {
        wake(served, export, wanted.handle);
    }
}

pub(super) fn poll(
    served: &Arc<Served>,
    (file, export): (&Arc<File>, &Export),
    handle: u64,
) -> PollEvents {
    begin(served, file, export, handle);
    if export.is_ready() {
        PollEvents::POLLIN
    } else {
        PollEvents::empty()
    }
}
