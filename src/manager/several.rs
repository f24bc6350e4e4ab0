//! Library requests for several media: taken apart, and put together again when their parts have come to an end.
//!
//! Invariants: a part has ended when its request has; a part that is open cannot be cancelled or forgotten by itself.

use super::mounting::{change, drive_changed, fail, pass};
use super::serving::{evict, start};
use super::turn::Turn;
use crate::codes;
use crate::domain::error::{ErrorKind, Result};
use crate::domain::event::Event;
use crate::domain::library_request::LibraryRequest;
use crate::domain::object::Library;
use crate::domain::rule::Mint as _;
use crate::domain::state::WorkKind;
use crate::domain::work::{DriveChange, Work, WorkChange, WorkRecord};
use crate::store::{fact, queue};

/// Gives each medium of a request a request of its own. Those of a dismount are begun at once.
pub(super) fn split(turn: &mut Turn<'_>, library: &Library, work: &Work) -> Result<()> {
    for body in LibraryRequest::parse(&work.body)?.parts() {
        let request = LibraryRequest::parse(&body)?;
        let named = request.targets().first();
        let target = named.map_or(Ok(None), |named| queue::target(turn.writer.db(), named))?;
        let part = WorkRecord {
            no: turn.numbers.number(),
            library: library.thing(),
            kind: work.kind,
            name: None,
            caller: work.caller.clone(),
            body,
            priority: work.priority,
            deadline: None,
            medium: target.map(|(medium, _)| medium.no),
            part_of: Some(work.no),
        };
        turn.record(Event::WorkRequested {
            work: Box::new(part),
        })?;
    }
    match work.kind {
        WorkKind::Dismount => start(turn, library, work, None),
        WorkKind::Mount | WorkKind::Inventory => Ok(()),
    }
}

/// All media of a mount are ready: its user has them, and it has the devices, one a line, as its result.
pub(super) fn hand(turn: &mut Turn<'_>, work: &Work) -> Result<()> {
    let mut result = String::new();
    for part in queue::parts(turn.writer.db(), work.no)? {
        let task = fact::found(queue::task(turn.writer.db(), part.no)?, "part")?;
        let drive = fact::found(part.drive, "drive")?;
        let loaded = DriveChange::Loaded {
            side: task.side.no,
            uid: part.caller.uid,
            writes: task.writes,
            device: part.result.clone(),
        };
        drive_changed(turn, (&task.library, &task.medium), drive, loaded)?;
        let line = format!("{}\n", part.result);
        result += &line;
        pass(turn, &part, line)?;
    }
    pass(turn, work, result)
}

/// Another part has failed: the medium of this one, which is ready, goes home.
pub(super) fn withdraw(turn: &mut Turn<'_>, library: &Library, part: &Work) -> Result<()> {
    let refusal =
        ErrorKind::Cancelled.because("another medium of the request could not be mounted");
    fail(turn, part, &refusal)?;
    evict(turn, library, fact::found(part.drive, "drive")?)
}

/// The request ends as that part of it has.
pub(super) fn follow(turn: &mut Turn<'_>, work: &Work, part: &Work) -> Result<()> {
    let ended = WorkChange::Ended {
        state: part.state,
        code: codes::number_in(&part.result).unwrap_or_default(),
        result: part.result.clone(),
        error: part.error.clone(),
        operator: work.operator,
    };
    change(turn, work, ended)
}

/// All parts are done: the request has their results, one a line.
pub(super) fn gather(turn: &mut Turn<'_>, work: &Work) -> Result<()> {
    let parts = queue::parts(turn.writer.db(), work.no)?;
    pass(
        turn,
        work,
        parts.into_iter().map(|part| part.result).collect(),
    )
}

/// Returns the request that a piece of work is a part of, or the work itself.
pub(super) fn whole(turn: &Turn<'_>, work: &Work) -> Result<Work> {
    match work.part_of {
        Some(no) => fact::found(queue::work(turn.writer.db(), no)?, "work"),
        None => Ok(work.clone()),
    }
}

/// Refuses to end or forget a part of a request that has no result yet.
pub(super) fn demand_whole(turn: &Turn<'_>, work: &Work) -> Result<()> {
    let whole = whole(turn, work)?;
    if whole.no != work.no && whole.state.is_open() {
        let (part, whole) = (work.no, whole.no);
        return Err(
            ErrorKind::AccessDenied.because(format!("work {part} is a part of work {whole}"))
        );
    }
    Ok(())
}
