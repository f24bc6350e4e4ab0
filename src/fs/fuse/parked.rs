//! Reads that wait: what each waits for, and where it goes on when that comes.

use crate::fs::Node;
use crate::fs::usage::Tickets;
use fuser::ReplyData;

/// What a read waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// The answer to what this open file asked.
    File(u64),
    /// The result of a request or of an operator request.
    Result(Node),
    /// The next event.
    Events,
}

/// A read that waits.
#[derive(Debug)]
pub(super) struct Parked {
    /// Where the answer goes.
    pub(super) reply: ReplyData,
    /// The open file.
    pub(super) handle: u64,
    /// Offset in bytes.
    pub(super) offset: u64,
    /// Most bytes wanted.
    pub(super) size: u32,
    /// The thread that waits; 0 if it cannot be seen.
    pub(super) tid: u32,
    /// What it counts for; none if it does not wait.
    pub(super) _tickets: Option<Tickets>,
}

/// Returns the part of a text that a read wants.
pub(super) fn part(text: &[u8], offset: u64, size: u32) -> &[u8] {
    let from = usize::try_from(offset)
        .unwrap_or(usize::MAX)
        .min(text.len());
    let to = from
        .saturating_add(usize::try_from(size).unwrap_or(usize::MAX))
        .min(text.len());
    text.get(from..to).unwrap_or_default()
}
