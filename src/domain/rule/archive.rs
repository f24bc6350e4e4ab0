//! Letting go of the beginning of the history, and what is kept in its place.
//!
//! Source: none in the protocol, which has no log; design: pruning is explicit, and nothing goes that nobody has.

use crate::domain::error::{ErrorKind, Result};
use crate::domain::event::Event;
use crate::domain::history::{Head, Mark, Piece, demand_old};
use crate::domain::time::{Span, Time};

/// What the rules need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The last record that is in an archive.
    pub begin: Head,
    /// As of which record the checkpoint is.
    pub folded: i64,
    /// The record that is to be the last in an archive, and when it was written; `None`: it is not kept.
    pub record: Option<(Head, Time)>,
    /// How long records stay at least.
    pub retention: Span,
}

/// The history begins after a record from now on. The chain of the record proves that whoever says so has all lines up to it.
/// Nothing changes if it begins there already.
pub fn archive(facts: &Facts, mark: Mark, now: Time) -> Result<Option<Event>> {
    let (begin, seq) = (facts.begin, mark.seq);
    if mark == begin.mark() {
        return Ok(None);
    }
    if seq <= begin.seq {
        return Err(ErrorKind::InvalidParameter.because(format!(
            "the records up to {} are in an archive; {seq} is not after them",
            begin.seq
        )));
    }
    let Some((last, time)) = facts.record else {
        return Err(ErrorKind::InvalidParameter.because(format!("there is no record {seq}")));
    };
    if last.mark() != mark {
        return Err(ErrorKind::InvalidParameter.because(format!(
            "that is not the chain of record {seq}; an archive has every line up to its last"
        )));
    }
    demand_old(seq, time, facts.retention, now)?;
    Ok(Some(Event::Archived { last }))
}

/// The checkpoint takes the next step, which ends with the record of the facts.
pub fn fold(facts: &Facts, piece: &Piece) -> Result<Event> {
    let last = piece.last;
    if facts.record.is_none_or(|(record, _)| record != last) {
        return Err(ErrorKind::InvalidState.because(format!(
            "the log has another record {} than the checkpoint",
            last.seq
        )));
    }
    if piece.from != facts.folded || last.seq <= piece.from || last.seq > facts.begin.seq {
        return Err(ErrorKind::InvalidState.because(format!(
            "the checkpoint goes from record {} to at most {}, not from {} to {}",
            facts.folded, facts.begin.seq, piece.from, last.seq
        )));
    }
    let digest = piece.digest;
    Ok(Event::Checkpointed { last, digest })
}
