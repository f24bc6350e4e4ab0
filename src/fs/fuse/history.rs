//! `history`: the log, or what of it concerns a medium, as a file that grows at its end and can lose its beginning.
//!
//! Invariant: an open file keeps its offsets when records go into an archive. Whoever reads on gets every record once; a read
//! of what is gone is refused; a read at offset 0 begins anew, with the oldest record that is kept then.

use super::open::Wanted;
use super::served::{Outcome, Served, lock};
use crate::domain::error::Result;
use crate::domain::id::CATALOG;
use crate::fs::Node;
use crate::manager::{View, log, medium_history};
use fuser::ReplyData;
use std::sync::Mutex;

/// An open `history`.
pub(super) struct History {
    /// The offset, counted from the first record ever, at which the file begins for whoever has it open.
    begin: Mutex<i64>,
}

fn begin(view: &View, node: Node) -> Result<i64> {
    match node.no {
        CATALOG => Ok(log::begin(view)?.end),
        medium => medium_history::begin(view, medium),
    }
}

impl History {
    pub(super) fn open(served: &Served, node: Node) -> Outcome<Self> {
        let begin = served.look(|view| begin(view, node))?;
        Ok(Self {
            begin: Mutex::new(begin),
        })
    }

    fn bytes(&self, view: &View, node: Node, wanted: &Wanted) -> Result<Vec<u8>> {
        let size = usize::try_from(wanted.size).unwrap_or(usize::MAX);
        let mut kept = lock(&self.begin);
        if wanted.offset == 0 {
            *kept = begin(view, node)?;
        }
        let offset = i64::try_from(wanted.offset).unwrap_or(i64::MAX);
        let offset = kept.saturating_add(offset);
        drop(kept);
        match node.no {
            CATALOG => log::bytes(view, offset, size),
            medium => medium_history::bytes(view, medium, offset, size),
        }
    }
}

pub(super) fn read(
    served: &Served,
    (node, uid): (Node, u32),
    history: &History,
    wanted: &Wanted,
    reply: ReplyData,
) {
    match served.look(|view| history.bytes(view, node, wanted)) {
        Ok(bytes) => reply.data(&bytes),
        Err(failed) => reply.error(served.errno(uid, &failed)),
    }
}
