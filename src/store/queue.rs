//! The queue of libraries and what is in their drives: one by its key, and what the rules of the queue look at.

use super::fact::{self, found};
use super::read;
use super::statement::{any, many, one};
use crate::domain::driver::Driver;
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::label::MediaLabel;
use crate::domain::library_request::{LibraryRequest, Target};
use crate::domain::object::{Library, Medium, Side};
use crate::domain::rule::mount::{Drive, Facts, Job};
use crate::domain::state::{ElementKind, MediumState, OperatorCommand, WorkKind, WorkState};
use crate::domain::time::{Limit, Time};
use crate::domain::work::{Inside, Work};
use rusqlite::{Connection, Row};

type Sql<T> = rusqlite::Result<T>;

/// Columns of a library request, in the order that [`work_row`] reads.
macro_rules! work_columns {
    () => {
        "SELECT no, library, kind, name, caller, body, state, priority, rank, medium, drive, deadline, operator, \
         result, error, queued, finished, modified, part_of FROM work "
    };
}

fn work_row(row: &Row<'_>) -> Sql<Work> {
    Ok(Work {
        no: row.get(0)?,
        library: row.get(1)?,
        kind: row.get(2)?,
        name: row.get(3)?,
        caller: row.get(4)?,
        body: row.get(5)?,
        state: row.get(6)?,
        priority: row.get(7)?,
        rank: row.get(8)?,
        medium: row.get(9)?,
        drive: row.get(10)?,
        deadline: row.get(11)?,
        operator: row.get(12)?,
        result: row.get(13)?,
        error: row.get(14)?,
        queued: row.get(15)?,
        finished: row.get(16)?,
        modified: row.get(17)?,
        part_of: row.get(18)?,
    })
}

/// Returns a library request.
pub fn work(db: &Connection, no: ObjectNo) -> Result<Option<Work>> {
    one(
        db,
        concat!(work_columns!(), "WHERE no = ?1"),
        [no],
        work_row,
    )
}

/// Returns the request of that name in a library.
pub fn named(db: &Connection, library: ObjectNo, name: &str) -> Result<Option<Work>> {
    let sql = concat!(work_columns!(), "WHERE library = ?1 AND name = ?2");
    one(db, sql, (library, name), work_row)
}

/// Returns the request that an operator was asked for.
pub fn asked(db: &Connection, operator: ObjectNo) -> Result<Option<Work>> {
    one(
        db,
        concat!(work_columns!(), "WHERE operator = ?1"),
        [operator],
        work_row,
    )
}

/// Returns the requests of a library that have no result yet, in the order in which they are served.
pub fn open(db: &Connection, library: ObjectNo) -> Result<Vec<Work>> {
    let sql = concat!(
        work_columns!(),
        "WHERE library = ?1 AND finished IS NULL ORDER BY priority DESC, rank, no"
    );
    many(db, sql, [library], work_row)
}

/// Returns the first of them, at most `limit`.
pub fn next(db: &Connection, library: ObjectNo, limit: u32) -> Result<Vec<Work>> {
    let sql = concat!(
        work_columns!(),
        "WHERE library = ?1 AND finished IS NULL ORDER BY priority DESC, rank, no LIMIT ?2"
    );
    many(db, sql, (library, limit), work_row)
}

/// Returns the requests of all libraries that have no result yet, oldest first, at most `limit`.
pub fn oldest(db: &Connection, limit: u32) -> Result<Vec<Work>> {
    let sql = concat!(
        work_columns!(),
        "WHERE finished IS NULL ORDER BY no LIMIT ?1"
    );
    many(db, sql, [limit], work_row)
}

/// Returns the parts of a request for several media, in the order of the request.
pub fn parts(db: &Connection, whole: ObjectNo) -> Result<Vec<Work>> {
    let sql = concat!(work_columns!(), "WHERE part_of = ?1 ORDER BY no");
    many(db, sql, [whole], work_row)
}

/// Returns the place of an open request among those of its library, kind and priority, from 1; 0 if it is not waiting.
pub fn place(db: &Connection, work: &Work) -> Result<usize> {
    let rivals = rivals(db, work)?;
    Ok(rivals
        .iter()
        .position(|rival| rival.no == work.no)
        .map_or(0, |at| at + 1))
}

/// Returns the requests among which a request has its place, in order.
pub fn rivals(db: &Connection, work: &Work) -> Result<Vec<Work>> {
    let waits = |other: &Work| {
        other.kind == work.kind
            && other.part_of.is_none()
            && other.priority == work.priority
            && matches!(other.state, WorkState::Queued | WorkState::Waiting)
    };
    Ok(open(db, work.library)?.into_iter().filter(waits).collect())
}

/// Counts the requests of a library, and their parts, that have no result yet.
pub fn open_requests(db: &Connection, library: ObjectNo) -> Result<usize> {
    let sql = "SELECT count(*) FROM work WHERE library = ?1 AND finished IS NULL AND (name IS NOT NULL OR part_of IS NOT NULL)";
    let count = one(db, sql, [library], |row| row.get::<_, i64>(0))?;
    Ok(usize::try_from(count.unwrap_or(0)).unwrap_or(0))
}

/// Counts the media of a library that are in drives or on their way.
pub fn busy_drives(db: &Connection, library: ObjectNo) -> Result<usize> {
    let sql = "SELECT count(*) FROM mounted WHERE library = ?1";
    let inside = one(db, sql, [library], |row| row.get::<_, i64>(0))?;
    let going = |work: &Work| work.state == WorkState::InProcess && work.drive.is_some();
    let moving = open(db, library)?.iter().filter(|work| going(work)).count();
    Ok(usize::try_from(inside.unwrap_or(0)).unwrap_or(0) + moving)
}

/// Returns the libraries in which requests wait for a medium.
pub fn wanting(db: &Connection, medium: ObjectNo) -> Result<Vec<ObjectNo>> {
    let sql = "SELECT library FROM work WHERE medium = ?1 AND finished IS NULL";
    many(db, sql, [medium], |row| row.get(0))
}

/// Returns the requests that have a time-out and no result yet, for a start.
pub fn deadlines(db: &Connection) -> Result<Vec<(ObjectNo, Time)>> {
    let sql =
        "SELECT no, deadline FROM work WHERE finished IS NULL AND deadline IS NOT NULL ORDER BY no";
    many(db, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Returns the drives in which a medium stays that nobody has, and until when.
pub fn stays(db: &Connection) -> Result<Vec<(ObjectNo, Time)>> {
    let sql = "SELECT drive, mounted.modified + defer_delay FROM mounted JOIN element ON element.no = drive \
               WHERE state = 7 AND defer_delay IS NOT NULL ORDER BY drive";
    many(db, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Returns until when a medium that nobody has stays in a drive, if one does.
pub fn stay(db: &Connection, drive: ObjectNo) -> Result<Option<Time>> {
    let sql = "SELECT mounted.modified + defer_delay FROM mounted JOIN element ON element.no = drive \
               WHERE drive = ?1 AND state = 7 AND defer_delay IS NOT NULL";
    one(db, sql, [drive], |row| row.get(0))
}

/// Returns whether a person was asked to look after a part of a library and has not answered.
pub fn service_asked(db: &Connection, element: ObjectNo) -> Result<bool> {
    let sql = "SELECT 1 FROM operator WHERE state < 4 AND command = ?2 AND element = ?1";
    any(db, sql, (element, OperatorCommand::DeviceService))
}

/// Returns finished requests, and other finished work, that are older than `before`; parts go with their request.
pub fn to_purge(db: &Connection, before: Time) -> Result<Vec<Work>> {
    let sql = concat!(
        work_columns!(),
        "WHERE finished IS NOT NULL AND finished <= ?1 AND part_of IS NULL ORDER BY finished LIMIT 256"
    );
    many(db, sql, [before], work_row)
}

/// Columns of what is in a drive, in the order that [`inside_row`] reads.
macro_rules! inside_columns {
    () => {
        "SELECT drive, medium, side, state, uid, writes, device, modified FROM mounted "
    };
}

fn inside_row(row: &Row<'_>) -> Sql<Inside> {
    Ok(Inside {
        drive: row.get(0)?,
        medium: row.get(1)?,
        side: row.get(2)?,
        state: row.get(3)?,
        uid: row.get(4)?,
        writes: row.get(5)?,
        device: row.get(6)?,
        modified: row.get(7)?,
    })
}

/// Returns what is in a drive.
pub fn inside(db: &Connection, drive: ObjectNo) -> Result<Option<Inside>> {
    one(
        db,
        concat!(inside_columns!(), "WHERE drive = ?1"),
        [drive],
        inside_row,
    )
}

/// Returns where a medium is in a drive.
pub fn mounted(db: &Connection, medium: ObjectNo) -> Result<Option<Inside>> {
    one(
        db,
        concat!(inside_columns!(), "WHERE medium = ?1"),
        [medium],
        inside_row,
    )
}

/// Returns what is done with a medium now.
pub fn medium_state(db: &Connection, medium: ObjectNo) -> Result<MediumState> {
    use crate::domain::state::DriveState;
    if let Some(inside) = mounted(db, medium)? {
        return Ok(match inside.state {
            DriveState::Mounted | DriveState::Dismounted => MediumState::Mounted,
            DriveState::Loaded => MediumState::Loaded,
            DriveState::Unloaded | DriveState::Dismountable => MediumState::Unloaded,
        });
    }
    let sql = "SELECT state, operator IS NOT NULL FROM work WHERE medium = ?1 AND finished IS NULL";
    let works = many(db, sql, [medium], |row| {
        Ok((row.get::<_, WorkState>(0)?, row.get::<_, bool>(1)?))
    })?;
    Ok(
        if works
            .iter()
            .any(|(state, _)| *state == WorkState::InProcess)
        {
            MediumState::InUse
        } else if works.iter().any(|(_, asked)| *asked) {
            MediumState::OperatorRequest
        } else {
            MediumState::Idle
        },
    )
}

/// Finds what a request names: a side and its medium.
pub fn target(db: &Connection, target: &Target) -> Result<Option<(Medium, Side)>> {
    let side = match target {
        Target::Media(lmid) => fact::behind(db, *lmid)?,
        Target::Side(name) => fact::named(db, name)?,
    };
    let Some(side) = side else { return Ok(None) };
    Ok(read::medium(db, side.medium)?.map(|medium| (medium, side)))
}

/// Finds what a request for one medium names.
pub fn first_target(db: &Connection, work: &Work) -> Result<Option<(Medium, Side)>> {
    match LibraryRequest::parse(&work.body)?.targets().first() {
        Some(named) => target(db, named),
        None => Ok(None),
    }
}

/// Loads the drives of a library, by number.
pub fn drives(db: &Connection, library: ObjectNo) -> Result<Vec<Drive>> {
    let sql = "SELECT no, number, defer_delay FROM element WHERE library = ?1 AND kind = ?2 ORDER BY number";
    let drives = many(db, sql, (library, ElementKind::Drive), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let load = |(no, number, stays): (ObjectNo, u32, Limit)| {
        let inside = match inside(db, no)? {
            Some(inside) => {
                let medium = found(read::medium(db, inside.medium)?, "medium")?;
                let thing = medium.thing();
                Some((inside, thing, medium.name))
            }
            None => None,
        };
        Ok(Drive {
            no,
            number,
            inside,
            stays,
        })
    };
    drives.into_iter().map(load).collect()
}

/// Loads what the queue of a library looks at; `None` without a driver.
pub fn facts(db: &Connection, library: ObjectNo, now: Time) -> Result<Option<Facts>> {
    let Some(library) = read::library(db, library)? else {
        return Ok(None);
    };
    let Ok(driver) = Driver::parse(&library.driver) else {
        return Ok(None);
    };
    let job = |work: Work| {
        let request = LibraryRequest::parse(&work.body);
        let named = request.as_ref().map_or(&[][..], LibraryRequest::targets);
        let targets = named.iter().map(|named| target(db, named));
        let targets = targets.collect::<Result<_>>()?;
        Ok(Job {
            work,
            request,
            targets,
        })
    };
    let jobs = open(db, library.no)?
        .into_iter()
        .map(job)
        .collect::<Result<Vec<_>>>()?;
    let mut ended = Vec::new();
    for whole in jobs.iter().filter(|job| job.targets.len() > 1) {
        ended.extend(parts(db, whole.work.no)?);
    }
    ended.retain(|part| !part.state.is_open());
    Ok(Some(Facts {
        now,
        media_type: driver.shape().media_type.to_owned(),
        hands: match driver {
            Driver::Hand(spec) => Some(spec),
            Driver::Virtual(_) => None,
        },
        drives: drives(db, library.no)?,
        jobs,
        ended,
        library,
    }))
}

/// What a worker needs for work with a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The request.
    pub work: Work,
    /// The library.
    pub library: Library,
    /// Number of the drive.
    pub drive: u32,
    /// The medium.
    pub medium: Medium,
    /// The side.
    pub side: Side,
    /// Number of the slot that the medium is at home in.
    pub slot: Option<u32>,
    /// Whether the side may be written.
    pub writes: bool,
    /// A dismount after which the medium stays in the drive.
    pub deferred: bool,
    /// What the owner of the side has said is written on it.
    pub label: Option<MediaLabel>,
}

/// Returns what is to be done for a mount or dismount that is in process.
pub fn task(db: &Connection, no: ObjectNo) -> Result<Option<Task>> {
    let going =
        |work: &Work| work.state == WorkState::InProcess && work.kind != WorkKind::Inventory;
    let Some(work) = work(db, no)?.filter(going) else {
        return Ok(None);
    };
    let (Some(drive), Some(library)) = (work.drive, read::library(db, work.library)?) else {
        return Ok(None);
    };
    let held = inside(db, drive)?;
    let (medium, side) = match (work.kind, &held) {
        (WorkKind::Dismount, Some(held)) => (
            found(read::medium(db, held.medium)?, "medium")?,
            found(read::side(db, held.side)?, "side")?,
        ),
        (WorkKind::Dismount | WorkKind::Inventory, _) => return Ok(None),
        (WorkKind::Mount, _) => found(first_target(db, &work)?, "medium")?,
    };
    let slot = medium
        .slot
        .map_or(Ok(None), |slot| read::element(db, slot))?;
    Ok(Some(Task {
        drive: found(read::element(db, drive)?, "drive")?.number,
        slot: slot.map(|slot| slot.number),
        writes: writes(&work, &side),
        label: label(db, &side)?,
        deferred: matches!(
            LibraryRequest::parse(&work.body),
            Ok(LibraryRequest::Dismount(request)) if request.deferred
        ),
        work,
        library,
        medium,
        side,
    }))
}

/// Returns what the owner of a side has said is written on it, which is compared at each mount.
pub fn label(db: &Connection, side: &Side) -> Result<Option<MediaLabel>> {
    let sql = "SELECT labelled FROM logical WHERE side = ?1";
    let said = one(db, sql, [side.no], |row| row.get(0))?;
    match said {
        Some(true) => read::label(db, side.no),
        Some(false) | None => Ok(None),
    }
}

/// Returns whether a mount lets the side be written.
pub fn writes(work: &Work, side: &Side) -> bool {
    use crate::domain::state::SideState;
    let asked = match LibraryRequest::parse(&work.body) {
        Ok(LibraryRequest::Mount(request)) => request.write,
        Ok(_) | Err(_) => Some(false),
    };
    asked.unwrap_or(side.state != SideState::Complete)
}

/// Returns the first slot of a library that no medium has.
pub fn empty_slot(db: &Connection, library: ObjectNo) -> Result<Option<ObjectNo>> {
    let sql = "SELECT no FROM element WHERE library = ?1 AND kind = 16 \
               AND NOT EXISTS (SELECT 1 FROM medium WHERE slot = element.no) ORDER BY number LIMIT 1";
    one(db, sql, [library], |row| row.get(0))
}
