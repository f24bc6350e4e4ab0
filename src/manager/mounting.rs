//! The life of a library request: accepted, given a drive, carried out, ended.
//!
//! Invariant: a request ends exactly once.

use super::several;
use super::turn::Turn;
use crate::codes;
use crate::domain::access::{Caller, Right};
use crate::domain::ask::{Named, Reply};
use crate::domain::driver::Driver;
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::library_request::{DismountRequest, Dismounted, LibraryRequest};
use crate::domain::object::{Library, Medium};
use crate::domain::rule::medium::located;
use crate::domain::rule::mount::QUEUE_MAX;
use crate::domain::state::{OperatorState, WorkKind, WorkState};
use crate::domain::words;
use crate::domain::work::{DriveChange, Work, WorkChange, WorkRecord};
use crate::store::{fact, queue, read};

/// Accepts a request. What its writer may not do is refused at once; everything else is the result.
pub(super) fn submit(
    turn: &mut Turn<'_>,
    library: ObjectNo,
    request: &LibraryRequest,
    name: &Named,
) -> Result<Reply> {
    let db = turn.writer.db();
    let library = fact::found(read::library(db, library)?, "library")?;
    demand_unused(turn, &library, name)?;
    demand_right(turn.caller, &library, request)?;
    let mut media = Vec::new();
    for target in request.targets() {
        if let Some((medium, _)) = queue::target(db, target)? {
            let pool = fact::pool(db, medium.pool)?;
            pool.demand(turn.caller, Right::Use)?;
            media.push(medium.no);
        }
    }
    if queue::open_requests(db, library.no)? >= QUEUE_MAX {
        return Err(ErrorKind::NotReady.because(format!(
            "library \"{}\" has {QUEUE_MAX} requests without a result; try again",
            library.name
        )));
    }
    let (priority, deadline) = match request {
        LibraryRequest::Mount(mount) => (mount.priority, mount.timeout.after(turn.now)),
        LibraryRequest::Dismount(_) | LibraryRequest::Inventory(_) => (0, None),
    };
    turn.deadlines.extend(deadline.map(|at| (name.no, at)));
    let work = WorkRecord {
        priority,
        deadline,
        // What names several is taken apart, and each part names its own.
        medium: media
            .first()
            .copied()
            .filter(|_| request.targets().len() == 1),
        ..record(turn.caller, &library, request.kind(), name)
    };
    turn.record(Event::WorkRequested {
        work: Box::new(work),
    })?;
    Ok(Reply::Waiting { request: name.no })
}

fn record(caller: &Caller, library: &Library, kind: WorkKind, name: &Named) -> WorkRecord {
    WorkRecord {
        no: name.no,
        library: library.thing(),
        kind,
        name: Some(name.name.clone()),
        caller: caller.clone(),
        body: name.body.clone(),
        priority: 0,
        deadline: None,
        medium: None,
        part_of: None,
    }
}

fn demand_unused(turn: &Turn<'_>, library: &Library, name: &Named) -> Result<()> {
    if queue::named(turn.writer.db(), library.no, &name.name)?.is_some() {
        return Err(ErrorKind::AlreadyExists.because(format!(
            "request \"{}\" exists in library \"{}\"; read its result",
            name.name, library.name
        )));
    }
    Ok(())
}

/// Product behaviour note 20: USE to mount and dismount, MODIFY to empty a drive, CONTROL for the rest.
fn demand_right(caller: &Caller, library: &Library, request: &LibraryRequest) -> Result<()> {
    let right = match request {
        LibraryRequest::Mount(_)
        | LibraryRequest::Dismount(DismountRequest {
            what: Dismounted::Targets(_),
            ..
        }) => Right::Use,
        LibraryRequest::Dismount(_) => Right::Modify,
        LibraryRequest::Inventory(_) => Right::Control,
    };
    library.demand(caller, right)
}

/// A named request that never got its newline is kept with that result: nothing was carried out.
pub(super) fn unfinished(turn: &mut Turn<'_>, library: ObjectNo, name: &Named) -> Result<Reply> {
    let library = fact::found(read::library(turn.writer.db(), library)?, "library")?;
    demand_unused(turn, &library, name)?;
    library.demand(turn.caller, Right::Use)?;
    let work = record(turn.caller, &library, WorkKind::Mount, name);
    turn.record(Event::WorkRequested {
        work: Box::new(work),
    })?;
    let work = fact::found(queue::work(turn.writer.db(), name.no)?, "request")?;
    fail(turn, &work, &words::no_newline())?;
    Ok(Reply::Done)
}

/// Cancels an open request, forgets a finished one. Its owner may, and whoever has CONTROL of the library.
pub(super) fn remove(turn: &mut Turn<'_>, no: ObjectNo) -> Result<Reply> {
    let db = turn.writer.db();
    let Some(work) = queue::work(db, no)? else {
        return Ok(Reply::Done);
    };
    let library = fact::found(read::library(db, work.library)?, "library")?;
    demand_owner(turn.caller, &work, &library)?;
    several::demand_whole(turn, &work)?;
    match work.state {
        WorkState::InProcess => {
            return Err(ErrorKind::AccessDenied.because(format!(
                "work {no} is being carried out and cannot be cancelled"
            )));
        }
        WorkState::Queued | WorkState::Waiting if work.name.is_none() => {
            return Err(ErrorKind::AccessDenied.because(format!("work {no} is the library's own")));
        }
        WorkState::Queued | WorkState::Waiting => {
            let refusal = ErrorKind::Cancelled.because(format!("work {no} was cancelled"));
            fail(turn, &work, &refusal)?;
        }
        WorkState::Passed | WorkState::Failed | WorkState::Cancelled => {}
    }
    forget(turn, &work)
}

fn demand_owner(caller: &Caller, work: &Work, library: &Library) -> Result<()> {
    if work.name.is_some() && work.caller.uid == caller.uid {
        return Ok(());
    }
    library.demand(caller, Right::Control)
}

/// Forgets a request that has its result, and its parts.
pub(super) fn forget(turn: &mut Turn<'_>, work: &Work) -> Result<Reply> {
    for part in queue::parts(turn.writer.db(), work.no)? {
        change(turn, &part, WorkChange::Forgotten)?;
    }
    change(turn, work, WorkChange::Forgotten)?;
    Ok(Reply::Done)
}

/// Records what became of a request.
pub(super) fn change(turn: &mut Turn<'_>, work: &Work, change: WorkChange) -> Result<()> {
    let library = fact::found(read::library(turn.writer.db(), work.library)?, "library")?;
    turn.record(Event::WorkChanged {
        no: work.no,
        library: library.thing(),
        name: work.name.clone(),
        change,
    })
}

/// Ends a request, and what is open of its parts, with the reason why it failed.
pub(super) fn fail(turn: &mut Turn<'_>, work: &Work, refusal: &Refusal) -> Result<()> {
    let state = if refusal.kind == ErrorKind::Cancelled {
        WorkState::Cancelled
    } else {
        WorkState::Failed
    };
    for part in queue::parts(turn.writer.db(), work.no)? {
        if part.state.is_open() {
            fail(turn, &part, refusal)?;
        }
    }
    let ended = WorkChange::Ended {
        state,
        code: codes::code(refusal.kind).win32,
        result: format!("{}\n", codes::line(refusal)),
        error: Some(codes::line(refusal)),
        operator: work.operator,
    };
    change(turn, work, ended)
}

/// Ends a request with its result.
pub(super) fn pass(turn: &mut Turn<'_>, work: &Work, result: String) -> Result<()> {
    let ended = WorkChange::Ended {
        state: WorkState::Passed,
        code: 0,
        result,
        error: None,
        operator: work.operator,
    };
    change(turn, work, ended)
}

/// Gives a waiting request another place among those of its priority.
pub(super) fn order(turn: &mut Turn<'_>, no: ObjectNo, place: u32) -> Result<Reply> {
    let db = turn.writer.db();
    let work = fact::found(queue::work(db, no)?, "work")?;
    let library = fact::found(read::library(db, work.library)?, "library")?;
    library.demand(turn.caller, Right::Control)?;
    let rivals = queue::rivals(db, &work)?;
    let Some(now) = rivals.iter().position(|rival| rival.no == no) else {
        return Err(ErrorKind::InvalidState
            .because(format!("work {no} is {}, it has no order", work.state)));
    };
    let mut ranks: Vec<i64> = rivals.iter().map(|rival| rival.rank).collect();
    ranks.sort_unstable();
    let mut wanted: Vec<&Work> = rivals.iter().collect();
    let moved = wanted.remove(now);
    let to = usize::try_from(place.max(1) - 1).unwrap_or(usize::MAX);
    wanted.insert(to.min(wanted.len()), moved);
    let changed = wanted
        .iter()
        .zip(ranks)
        .filter(|(work, rank)| work.rank != *rank);
    let ranks: Vec<(ObjectNo, i64)> = changed.map(|(work, rank)| (work.no, rank)).collect();
    if ranks.is_empty() {
        return Ok(Reply::Done);
    }
    turn.record_all([Event::WorkOrdered {
        library: library.thing(),
        ranks,
    }])
}

/// The time of a request is over. One that is being carried out is let come to its end.
pub(super) fn expire(turn: &mut Turn<'_>, work: &Work) -> Result<Reply> {
    if matches!(work.state, WorkState::Queued | WorkState::Waiting) {
        let refusal = ErrorKind::Timeout.because("the time is over before the medium was mounted");
        fail(turn, work, &refusal)?;
    }
    Ok(Reply::Done)
}

/// A person has answered what a request asked.
pub(super) fn answered(turn: &mut Turn<'_>, work: &Work, state: OperatorState) -> Result<()> {
    match state {
        OperatorState::Complete => satisfied(turn, work),
        OperatorState::Refused => {
            let refusal =
                ErrorKind::RequestRefused.because("an operator refused to bring the medium");
            let whole = several::whole(turn, work)?;
            fail(turn, &whole, &refusal)
        }
        OperatorState::Submitted | OperatorState::Active | OperatorState::InProgress => Ok(()),
    }
}

fn satisfied(turn: &mut Turn<'_>, work: &Work) -> Result<()> {
    if let Some(drive) = work.drive {
        return inserted(turn, work, drive);
    }
    let db = turn.writer.db();
    let medium = work.medium.map_or(Ok(None), |no| read::medium(db, no))?;
    let medium = fact::found(medium, "medium")?;
    if medium.library.is_some() {
        return change(turn, work, WorkChange::Waiting);
    }
    let Some(slot) = queue::empty_slot(db, work.library)? else {
        let refusal = ErrorKind::LibraryFull
            .because(format!("no slot is free for medium \"{}\"", medium.name));
        let whole = several::whole(turn, work)?;
        return fail(turn, &whole, &refusal);
    };
    change(turn, work, WorkChange::Waiting)?;
    turn.record(located(medium.thing(), Some(work.library), Some(slot)))
}

/// A person has put the medium of a request into the drive, after taking out what was in it. If it is known what is written
/// on the side, that is compared before anybody has it.
pub(super) fn inserted(turn: &mut Turn<'_>, work: &Work, drive: ObjectNo) -> Result<()> {
    let db = turn.writer.db();
    let library = fact::found(read::library(db, work.library)?, "library")?;
    let target = queue::first_target(db, work)?;
    let (medium, side) =
        target.ok_or_else(|| ErrorKind::InvalidMedia.because("the medium is gone"))?;
    let compared = queue::label(db, &side)?.is_some();
    if let Some(inside) = queue::inside(db, drive)?.filter(|inside| inside.medium != medium.no) {
        empty(turn, &library, drive, inside.medium)?;
    }
    if compared {
        let begun = WorkChange::Started {
            drive: Some(drive),
            operator: None,
        };
        return change(turn, work, begun);
    }
    let device = match Driver::parse(&library.driver)? {
        Driver::Hand(spec) => spec.device,
        Driver::Virtual(_) => String::new(),
    };
    let writes = queue::writes(work, &side);
    let has = (drive, side.no, writes);
    loaded(turn, work, (&library, &medium), has, &device)
}

/// Records what became of the medium in a drive.
pub(super) fn drive_changed(
    turn: &mut Turn<'_>,
    (library, medium): (&Library, &Medium),
    drive: ObjectNo,
    change: DriveChange,
) -> Result<()> {
    turn.record(Event::DriveChanged {
        library: library.thing(),
        drive,
        medium: medium.thing(),
        change,
    })
}

/// The user of a mount has the medium. One that was on a shelf is in the library from now on.
pub(super) fn loaded(
    turn: &mut Turn<'_>,
    work: &Work,
    (library, medium): (&Library, &Medium),
    (drive, side, writes): (ObjectNo, ObjectNo, bool),
    device: &str,
) -> Result<()> {
    if medium.library.is_none() {
        turn.record(located(medium.thing(), Some(library.no), None))?;
    }
    let loaded = DriveChange::Loaded {
        side,
        uid: work.caller.uid,
        writes,
        device: device.to_owned(),
    };
    drive_changed(turn, (library, medium), drive, loaded)?;
    pass(turn, work, format!("{device}\n"))
}

/// A drive is empty; a medium that has no slot is on a shelf from now on.
pub(super) fn empty(
    turn: &mut Turn<'_>,
    library: &Library,
    drive: ObjectNo,
    medium: ObjectNo,
) -> Result<()> {
    let medium = fact::found(read::medium(turn.writer.db(), medium)?, "medium")?;
    drive_changed(turn, (library, &medium), drive, DriveChange::Emptied)?;
    if medium.slot.is_some() || medium.library.is_none() {
        return Ok(());
    }
    turn.record(located(medium.thing(), None, None))
}
