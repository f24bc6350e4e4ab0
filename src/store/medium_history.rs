//! The history of one medium: which records of the log concern it, its sides and its logical media.
//!
//! Invariants: kept with each record, so a catalog that is rebuilt from its log has the same; `end` is the offset of the
//! byte after the newline of a record in the history of its medium, so that history is a file that grows. Readings of
//! identifiers are left out: they are many, and say nothing of the medium. Of the records that are gone, each medium keeps
//! the last, which says where the others begin.

use super::log::{self, Head, sound};
use super::statement::{one, run};
use super::{check, failed};
use crate::domain::attribute::Holder;
use crate::domain::change::Swap;
use crate::domain::error::Result;
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use rusqlite::Connection;

/// Notes which media a record concerns, before it is applied. `bytes` is the length of its line without the newline.
pub(super) fn touch(db: &Connection, seq: i64, bytes: usize, event: &Event) -> Result<()> {
    if let Event::MediumRemoved { medium, .. } = event {
        return run(db, "DELETE FROM touched WHERE medium = ?1", [medium.no]);
    }
    let length = i64::try_from(bytes).unwrap_or(i64::MAX) + 1;
    let sql = "INSERT INTO touched (medium, end, seq) SELECT ?1, \
               coalesce((SELECT max(end) FROM touched WHERE medium = ?1), 0) + ?2, ?3";
    let mut media = concerned(db, event)?;
    media.sort_unstable();
    media.dedup();
    media
        .into_iter()
        .try_for_each(|medium| run(db, sql, (medium, length, seq)))
}

fn medium_of_side(db: &Connection, side: ObjectNo) -> Result<Vec<ObjectNo>> {
    let sql = "SELECT medium FROM side WHERE no = ?1";
    one(db, sql, [side], |row| row.get(0)).map(|medium| medium.into_iter().collect())
}

fn medium_of_logical(db: &Connection, logical: ObjectNo) -> Result<Vec<ObjectNo>> {
    let sql =
        "SELECT medium FROM logical JOIN side ON side.no = logical.side WHERE logical.no = ?1";
    one(db, sql, [logical], |row| row.get(0)).map(|medium| medium.into_iter().collect())
}

fn of_swap(db: &Connection, swap: &Swap) -> Result<Vec<ObjectNo>> {
    let sides = [swap.side.no, swap.other_side.no].map(|side| medium_of_side(db, side));
    let media: Result<Vec<_>> = sides.into_iter().collect();
    media.map(|media| media.concat())
}

/// The medium of an object that has an attribute.
fn of_holder(db: &Connection, of: Holder) -> Result<Vec<ObjectNo>> {
    match of {
        Holder::Medium(medium) => Ok(vec![medium.no]),
        Holder::Side(side) => medium_of_side(db, side.no),
        Holder::Logical(logical) => medium_of_logical(db, logical.no),
        Holder::Computer(_)
        | Holder::Pool(_)
        | Holder::Library(_)
        | Holder::Slot(_)
        | Holder::Drive(_)
        | Holder::Port(_)
        | Holder::MediaType(_)
        | Holder::Operator(_)
        | Holder::Work(_) => Ok(Vec::new()),
    }
}

/// The media that an event concerns.
fn concerned(db: &Connection, event: &Event) -> Result<Vec<ObjectNo>> {
    let of_side = |side| medium_of_side(db, side);
    let of_logical = |logical| medium_of_logical(db, logical);
    match event {
        Event::MediumCreated { medium } => Ok(vec![medium.thing.no]),
        Event::MediumMoved { medium, .. }
        | Event::MediumChanged { medium, .. }
        | Event::DriveChanged { medium, .. }
        | Event::MediumRemoved { medium, .. } => Ok(vec![medium.no]),
        Event::SideChanged { side, .. } | Event::SideRested { side } => of_side(side.no),
        Event::WorkRequested { work } => Ok(work.medium.into_iter().collect()),
        Event::OperatorSubmitted { operator } => Ok(operator.medium.into_iter().collect()),
        Event::Allocated { allocation } => Ok(vec![allocation.medium.no]),
        Event::Deallocated { deallocation } => Ok(vec![deallocation.medium.no]),
        Event::Swapped { swap } => of_swap(db, swap),
        Event::LogicalChanged { logical, .. } => of_logical(logical.no),
        Event::DeliveryUnknown { logical } => {
            let media: Result<Vec<_>> = logical.iter().map(|no| of_logical(*no)).collect();
            Ok(media?.concat())
        }
        Event::AttributeChanged { of, .. } => of_holder(db, *of),
        Event::Founded { .. }
        | Event::NumbersReserved { .. }
        | Event::TypeAdded { .. }
        | Event::TypeRemoved { .. }
        | Event::PoolCreated { .. }
        | Event::PoolChanged { .. }
        | Event::PoolRemoved { .. }
        | Event::LibraryCreated { .. }
        | Event::LibraryChanged { .. }
        | Event::LibraryBuilt { .. }
        | Event::ElementChanged { .. }
        | Event::LibraryRemoved { .. }
        | Event::RequestWaiting { .. }
        | Event::MediaWanted { .. }
        | Event::SettingChanged { .. }
        | Event::TypeChanged { .. }
        | Event::WorkChanged { .. }
        | Event::WorkOrdered { .. }
        | Event::OperatorRequested { .. }
        | Event::RequestFailed { .. }
        | Event::RequestForgotten { .. }
        | Event::Delivered { .. }
        | Event::OperatorChanged { .. }
        | Event::OperatorTimedOut { .. }
        | Event::WorkQueued { .. }
        | Event::WorkFinished { .. }
        | Event::Archived { .. }
        | Event::Checkpointed { .. } => Ok(Vec::new()),
    }
}

/// Forgets the records up to `last` that are gone, but for the last of each medium; those up to `from` are forgotten already.
pub(super) fn forget(db: &Connection, from: i64, last: i64) -> Result<()> {
    let sql = "DELETE FROM touched WHERE (medium, end) IN (SELECT old.medium, old.end FROM \
               (SELECT medium, max(end) AS end FROM touched WHERE seq > ?1 AND seq <= ?2 GROUP BY medium) AS kept \
               JOIN touched AS old ON old.medium = kept.medium AND old.end < kept.end)";
    run(db, sql, [from, last])
}

/// Fills the histories of a catalog that was made before there were any.
pub(super) fn refill(db: &Connection) -> Result<()> {
    if log::head(db)?.seq == 0 {
        return Ok(());
    }
    let replayed = check::empty()?;
    log::follow(db, Head::default(), |record, bytes, _| {
        check::again(&replayed, &record, bytes).map(|()| true)
    })?;
    let mut statement = replayed
        .prepare("SELECT medium, end, seq FROM touched WHERE medium > 0")
        .map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let sql = "INSERT INTO touched (medium, end, seq) VALUES (?1, ?2, ?3)";
    let mut add = db.prepare_cached(sql).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let [medium, end, seq]: [i64; 3] =
            [row.get(0), row.get(1), row.get(2)].map(|value| value.unwrap_or(0));
        add.execute([medium, end, seq]).map_err(failed)?;
    }
    Ok(())
}

/// Returns where the history of a medium ends: the offset after its last record, counted from its first one ever.
pub fn end(db: &Connection, medium: ObjectNo) -> Result<i64> {
    let sql = "SELECT end FROM touched WHERE medium = ?1 ORDER BY end DESC LIMIT 1";
    let end: Option<i64> = one(db, sql, [medium], |row| row.get(0))?;
    Ok(end.unwrap_or(0))
}

/// Returns the offset at which the history of a medium begins: where the last record ends that is in an archive.
pub fn begin(db: &Connection, medium: ObjectNo) -> Result<i64> {
    let begin = log::begin(db)?;
    let sql = "SELECT end FROM touched WHERE medium = ?1 AND seq > ?2 ORDER BY end LIMIT 1";
    let first: Option<i64> = one(db, sql, (medium, begin.seq), |row| row.get(0))?;
    let Some(first) = first else {
        return end(db, medium);
    };
    let sql = "SELECT end FROM touched WHERE medium = ?1 AND end < ?2 ORDER BY end DESC LIMIT 1";
    let before: Option<i64> = one(db, sql, (medium, first), |row| row.get(0))?;
    Ok(before.unwrap_or(0))
}

/// Returns up to `size` bytes of the history of a medium as a file, from `offset`, which counts from its first record ever.
/// What is in an archive is refused as not found, a damaged record as a failure of the database.
pub fn bytes(db: &Connection, medium: ObjectNo, offset: i64, size: usize) -> Result<Vec<u8>> {
    if offset < begin(db, medium)? {
        return Err(log::gone(&log::begin(db)?));
    }
    let (mut at, mut out) = (offset, Vec::new());
    while out.len() < size {
        let sql = "SELECT touched.end, log.seq, line, checksum FROM touched JOIN log ON log.seq = touched.seq \
                   WHERE medium = ?1 AND touched.end > ?2 ORDER BY touched.end LIMIT 1";
        let found = one(db, sql, (medium, at), |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        let Some((end, seq, line, sum)) = found else {
            break;
        };
        let line: String = sound(seq, line, sum)?;
        let begin = end - i64::try_from(line.len()).unwrap_or(i64::MAX) - 1;
        let skip = usize::try_from(at - begin).unwrap_or(0);
        out.extend(
            line.bytes()
                .chain([b'\n'])
                .skip(skip)
                .take(size - out.len()),
        );
        at = end;
    }
    Ok(out)
}
