//! The directories that sort media by state, owner and place, and the numbers of the whole catalog.
//!
//! Invariants: an entry is of one object and is found again by the name that is listed; every statement is answered by an
//! index, and none of them but one is written by an allocation (`schema-views.sql`).

use super::list::{Item, Kind, number};
use super::read;
use super::statement::{many, one};
use crate::domain::error::Result;
use crate::domain::id::{CATALOG, Guid, ObjectNo};
use crate::domain::name::NAME_MAX;
use crate::domain::object::{Element, Side};
use crate::domain::state::{ElementKind, SideState};
use crate::domain::time::Time;
use rusqlite::{Connection, Row};

/// Sides in one of the states that few have: these have an order of their own.
pub(super) const IN_STATE: &str = "SELECT no, medium_name, ordinal, id FROM side \
    WHERE state = ?3 AND state <> 4 AND state <> 5 AND no > ?1 ORDER BY no LIMIT ?2";

/// Allocated sides: by way of the logical media, which have an order by side.
const ALLOCATED: &str = "SELECT side.no, medium_name, ordinal, side.id FROM logical JOIN side ON side.no = logical.side \
    WHERE logical.side > ?1 AND +side.state = ?3 ORDER BY logical.side LIMIT ?2";

/// Available sides: walks the sides by number. An order of their own would be written by every allocation, and they are most
/// of what there is; a whole listing visits each side once.
const AVAILABLE: &str = "SELECT no, medium_name, ordinal, id FROM side WHERE +state = ?3 AND no > ?1 ORDER BY no LIMIT ?2";

/// Users who own something, each found from the one before without visiting what they own.
pub(super) const OWNERS: &str = "WITH RECURSIVE next (uid) AS (SELECT min(owner) FROM logical WHERE owner >= ?1 \
    UNION ALL SELECT (SELECT min(owner) FROM logical WHERE owner > uid) FROM next WHERE uid IS NOT NULL) \
    SELECT uid + 1, uid FROM next WHERE uid IS NOT NULL LIMIT ?2";

/// Media in a library, with what they are in.
pub(super) const LOCATED: &str = "SELECT medium.no, element.kind, element.number FROM medium \
    LEFT JOIN mounted ON mounted.medium = medium.no \
    LEFT JOIN element ON element.no = COALESCE(mounted.drive, medium.slot) WHERE medium.library = ?3 AND medium.no > ?1 ORDER BY medium.no LIMIT ?2";

/// Returns the statement of a page of sides in a state.
pub(super) const fn in_state(state: SideState) -> &'static str {
    match state {
        SideState::Available => AVAILABLE,
        SideState::Allocated => ALLOCATED,
        SideState::Unknown
        | SideState::Unprepared
        | SideState::Incompatible
        | SideState::Decommissioned
        | SideState::Complete
        | SideState::Foreign
        | SideState::Import
        | SideState::Reserved => IN_STATE,
    }
}

/// Returns the number of the directory of a state.
pub fn no_of(state: SideState) -> ObjectNo {
    ObjectNo(state.number() + 1)
}

/// Returns the state whose directory has that number.
pub fn state_of(no: ObjectNo) -> Option<SideState> {
    SideState::from_number(no.0 - 1)
}

/// Returns a page of the states, in the order of their numbers.
pub(super) fn states(after: i64, limit: u32) -> Vec<Item> {
    let states = SideState::ALL.iter().map(|&state| Item {
        no: no_of(state),
        name: state.word().to_owned(),
    });
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    states
        .filter(|item| item.no.0 > after)
        .take(limit)
        .collect()
}

/// Returns the name of a side among those of other media: the medium's and the letter, or the identifier if that is too
/// long for a name.
fn name_of_side(medium: &str, ordinal: u32, id: Guid) -> String {
    let name = format!("{medium}.{}", read::letter(ordinal));
    if name.len() > NAME_MAX {
        id.to_string()
    } else {
        name
    }
}

/// Returns the name of a side, of the columns no, `medium_name`, ordinal, id.
pub(super) fn side_name(row: &Row<'_>) -> rusqlite::Result<String> {
    let medium: String = row.get(1)?;
    Ok(name_of_side(&medium, row.get(2)?, row.get(3)?))
}

/// Returns the name of what a medium is in, of the columns no of the medium, kind, number.
pub(super) fn place_name(row: &Row<'_>) -> rusqlite::Result<String> {
    let medium: i64 = row.get(0)?;
    let kind: Option<ElementKind> = row.get(1)?;
    let number: Option<i64> = row.get(2)?;
    Ok(match (kind, number) {
        (Some(ElementKind::Slot), Some(number)) => number.to_string(),
        (Some(kind), Some(number)) => format!("{kind}-{number}"),
        _ => format!("medium-{medium}"),
    })
}

/// Returns the directory that an object is in and its name there, for a kind of this module; `None` if it is in none now.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other kinds are not of this module"
)]
pub fn place(db: &Connection, kind: Kind, no: ObjectNo) -> Result<Option<(ObjectNo, String)>> {
    match kind {
        Kind::State => Ok(state_of(no).map(|state| (CATALOG, state.word().to_owned()))),
        Kind::InState => {
            let sql = "SELECT no, medium_name, ordinal, id, state FROM side WHERE no = ?1";
            one(db, sql, [no], |row| {
                Ok((no_of(row.get(4)?), side_name(row)?))
            })
        }
        Kind::Owner => {
            let sql = "SELECT owner FROM logical WHERE owner = ?1 - 1 LIMIT 1";
            one(db, sql, [no], |row| {
                Ok((CATALOG, row.get::<_, i64>(0)?.to_string()))
            })
        }
        Kind::Owned => {
            let sql = "SELECT owner + 1, id FROM logical WHERE no = ?1";
            one(db, sql, [no], |row| {
                Ok((row.get(0)?, row.get::<_, Guid>(1)?.to_string()))
            })
        }
        Kind::Located => {
            let sql = "SELECT medium.no, element.kind, element.number, medium.library FROM medium \
                LEFT JOIN mounted ON mounted.medium = medium.no \
                LEFT JOIN element ON element.no = COALESCE(mounted.drive, medium.slot) WHERE medium.no = ?1 AND medium.library IS NOT NULL";
            one(db, sql, [no], |row| Ok((row.get(3)?, place_name(row)?)))
        }
        Kind::Offline => {
            let sql = "SELECT name FROM medium WHERE no = ?1 AND library IS NULL";
            one(db, sql, [no], |row| Ok((CATALOG, row.get(0)?)))
        }
        _ => Ok(None),
    }
}

/// Returns the entry of that name, for a kind of this module.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other kinds are not of this module"
)]
pub(super) fn find(
    db: &Connection,
    kind: Kind,
    container: ObjectNo,
    name: &str,
) -> Result<Option<ObjectNo>> {
    let no = match kind {
        Kind::State => SideState::from_word(name).map(no_of),
        Kind::InState => side_named(db, name)?.map(|side| side.no),
        Kind::Owner => number(name).map(|uid| ObjectNo(uid.saturating_add(1))),
        Kind::Owned => match Guid::parse(name) {
            Ok(id) => read::logical_by_id(db, id)?.map(|logical| logical.no),
            Err(_) => None,
        },
        Kind::Located => medium_at(db, container, name)?,
        Kind::Offline => read::medium_named(db, name)?.map(|medium| medium.no),
        _ => None,
    };
    // Only what is in this directory, by the name that a listing shows.
    let Some(no) = no else { return Ok(None) };
    let at = place(db, kind, no)?;
    Ok(at
        .is_some_and(|(directory, shown)| directory == container && shown == name)
        .then_some(no))
}

fn side_named(db: &Connection, name: &str) -> Result<Option<Side>> {
    let Some((medium, letter)) = name.rsplit_once('.') else {
        return match Guid::parse(name) {
            Ok(id) => read::side_by_id(db, id),
            Err(_) => Ok(None),
        };
    };
    match read::medium_named(db, medium)? {
        Some(medium) => read::side_lettered(db, medium.no, letter),
        None => Ok(None),
    }
}

fn medium_at(db: &Connection, library: ObjectNo, name: &str) -> Result<Option<ObjectNo>> {
    let (kind, number) = match name.rsplit_once('-') {
        Some(("medium", number)) => return Ok(number.parse().ok().map(ObjectNo)),
        Some((kind, number)) => (ElementKind::from_word(kind), number),
        None => (Some(ElementKind::Slot), name),
    };
    let (Some(kind), Ok(number)) = (kind, number.parse()) else {
        return Ok(None);
    };
    let element: Option<Element> = read::element_at(db, library, kind, number)?;
    Ok(element.and_then(|element| element.medium))
}

/// Numbers of the whole catalog. Each is a counter, or the length of a list of what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Census {
    /// Pools of all levels.
    pub pools: i64,
    /// Media.
    pub media: i64,
    /// Libraries.
    pub libraries: i64,
    /// Types of media.
    pub media_types: i64,
    /// Allocation requests that wait.
    pub requests_waiting: i64,
    /// When the oldest of them was written.
    pub oldest_waiting: Option<Time>,
    /// Operator requests that nobody has answered.
    pub operators_open: i64,
    /// When the oldest of them was submitted.
    pub oldest_open: Option<Time>,
    /// Logical media of which nobody knows whether their owners read the LMID.
    pub delivery_unknown: i64,
}

/// Counts the whole catalog.
pub fn census(db: &Connection) -> Result<Census> {
    let counted = |kind: &str| -> Result<i64> {
        let sql = "SELECT objects FROM census WHERE kind = ?1";
        Ok(one(db, sql, [kind], |row| row.get(0))?.unwrap_or(0))
    };
    let waiting = "SELECT count(*) FROM request WHERE state = 0";
    let oldest = "SELECT submitted FROM request WHERE state = 0 ORDER BY no LIMIT 1";
    let open = "SELECT count(*) FROM operator WHERE state < 4";
    let oldest_open = "SELECT submitted FROM operator WHERE state < 4 ORDER BY no LIMIT 1";
    let unknown = "SELECT count(*) FROM logical WHERE delivery <> 0 AND delivery = 2";
    let count = |sql: &str| -> Result<i64> { Ok(one(db, sql, [], |row| row.get(0))?.unwrap_or(0)) };
    Ok(Census {
        pools: counted("pool")?,
        media: counted("medium")?,
        libraries: counted("library")?,
        media_types: counted("media_type")?,
        requests_waiting: count(waiting)?,
        oldest_waiting: one(db, oldest, [], |row| row.get(0))?,
        operators_open: count(open)?,
        oldest_open: one(db, oldest_open, [], |row| row.get(0))?,
        delivery_unknown: count(unknown)?,
    })
}

/// How many sides of one pool have a state and a [`Standing`](crate::domain::counts::Standing).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tallied {
    /// The pool.
    pub pool: ObjectNo,
    /// State of the sides.
    pub state: SideState,
    /// The number of their standing, 0 if they have none.
    pub standing: u32,
    /// How many; 0 if there were some once.
    pub sides: i64,
}

/// Returns the counters of all pools, in the order of the pools.
pub fn tallies(db: &Connection) -> Result<Vec<Tallied>> {
    let sql = "SELECT pool, state, standing, sides FROM tally ORDER BY pool, state, standing";
    many(db, sql, [], |row| {
        Ok(Tallied {
            pool: row.get(0)?,
            state: row.get(1)?,
            standing: row.get(2)?,
            sides: row.get(3)?,
        })
    })
}

/// Returns the last event of the sides of a medium; `None` if it has none.
pub fn sides_modified(db: &Connection, medium: ObjectNo) -> Result<Option<Time>> {
    let sql = "SELECT max(modified) FROM side WHERE medium = ?1";
    Ok(one(db, sql, [medium], |row| row.get(0))?.flatten())
}

/// Returns when a side of a medium was mounted last, or when the medium came into the catalog if none ever was; `None` if there is
/// no such medium.
pub fn last_mounted(db: &Connection, medium: ObjectNo) -> Result<Option<Time>> {
    let sql = "SELECT coalesce(mounted, created) FROM medium WHERE no = ?1";
    one(db, sql, [medium], |row| row.get(0))
}

/// Returns how many sides of other types than this are available in the free pools.
pub fn free_of_other_types(db: &Connection, media_type: &str) -> Result<i64> {
    let sql = "SELECT COALESCE(SUM(tally.sides), 0) FROM pool JOIN tally ON tally.pool = pool.no \
               WHERE pool.kind = 1 AND pool.media_type <> ?1 AND tally.state = 4 AND tally.standing = 0";
    Ok(one(db, sql, [media_type], |row| row.get(0))?.unwrap_or(0))
}
