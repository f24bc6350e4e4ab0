//! Loads what a rule looks at: exactly those rows, each by an index.

use super::search::candidates;
use super::statement::{any, many, one};
use super::{queue, read};
use crate::domain::access::Caller;
use crate::domain::allocate_request::{AllocateRequest, Options, SideName};
use crate::domain::change::Thing;
use crate::domain::counts::Counts;
use crate::domain::error::{ErrorKind, Result};
use crate::domain::id::{CATALOG, Guid, ObjectNo};
use crate::domain::object::{Library, Medium, Pool, Side};
use crate::domain::quota::Quota;
use crate::domain::rule::allocate::{Facts, Lookup, MediumFacts, Pick, PoolFacts};
use crate::domain::rule::{deallocate, library, medium, pool, want};
use crate::domain::state::{PoolType, Selection, SideState};
use crate::domain::time::Time;
use rusqlite::Connection;

/// Refuses with [`ErrorKind::ObjectNotFound`] if there is no such object.
pub fn found<T>(object: Option<T>, what: &str) -> Result<T> {
    object.ok_or_else(|| ErrorKind::ObjectNotFound.because(format!("there is no such {what}")))
}

/// Returns the pool of that number, or the refusal of a pool that is gone.
pub fn pool(db: &Connection, no: ObjectNo) -> Result<Pool> {
    found(read::pool(db, no)?, "pool")
}

fn pool_facts(db: &Connection, pool: Pool) -> Result<PoolFacts> {
    Ok(PoolFacts {
        path: read::pool_path(db, &pool)?,
        counts: Counts(read::tally(db, pool.no)?),
        pool,
    })
}

/// Loads a medium with its sides and its pool.
pub fn medium(db: &Connection, medium: Medium) -> Result<MediumFacts> {
    let pool = pool(db, medium.pool)?;
    let library = medium
        .library
        .map_or(Ok(None), |no| read::library(db, no))?;
    Ok(MediumFacts {
        path: read::pool_path(db, &pool)?,
        pool,
        sides: read::sides(db, medium.no)?,
        enabled: medium.enabled && library.is_none_or(|library| library.enabled),
        medium,
    })
}

/// Loads the medium of that number.
pub fn medium_of(db: &Connection, no: ObjectNo) -> Result<MediumFacts> {
    medium(db, found(read::medium(db, no)?, "medium")?)
}

fn pick(db: &Connection, side: Side) -> Result<Pick> {
    Ok(Pick {
        medium: medium_of(db, side.medium)?,
        side,
    })
}

fn lookup(db: &Connection, side: Option<Side>) -> Result<Lookup> {
    match side {
        None => Ok(Lookup::Unknown),
        Some(side) => Ok(Lookup::Side(Box::new(pick(db, side)?))),
    }
}

pub(super) fn named(db: &Connection, name: &SideName) -> Result<Option<Side>> {
    match name {
        SideName::Id(id) => read::side_by_id(db, *id),
        SideName::Path { medium, side } => match read::medium_named(db, medium)? {
            None => Ok(None),
            Some(medium) => read::side_lettered(db, medium.no, side),
        },
    }
}

pub(super) fn behind(db: &Connection, lmid: Guid) -> Result<Option<Side>> {
    match read::logical_by_id(db, lmid)? {
        None => Ok(None),
        Some(logical) => read::side(db, logical.side),
    }
}

fn best(
    db: &Connection,
    pool: ObjectNo,
    selection: Selection,
    whole: bool,
) -> Result<Option<Pick>> {
    let Some(first) = candidates(db, pool, selection, whole, 1)?.pop() else {
        return Ok(None);
    };
    let side = found(read::side(db, first.side)?, "side")?;
    pick(db, side).map(Some)
}

/// Loads what a search looks at. Nothing of the free pool is read while the pool has a side of its own.
pub fn allocate(db: &Connection, pool: Pool, request: &AllocateRequest) -> Result<Facts> {
    let whole = request.options.contains(Options::NEW);
    let side = request
        .side
        .as_ref()
        .map(|name| named(db, name).and_then(|side| lookup(db, side)))
        .transpose()?;
    let media = request
        .media
        .map(|lmid| behind(db, lmid).and_then(|side| lookup(db, side)))
        .transpose()?;
    let any = request.side.is_none() && !request.options.contains(Options::NEXT);
    let own = if any {
        best(db, pool.no, pool.selection, whole)?
    } else {
        None
    };
    let mut facts = Facts {
        pool: PoolFacts {
            path: String::new(),
            counts: Counts::default(),
            pool,
        },
        free: None,
        side: side.unwrap_or(Lookup::NotAsked),
        media: media.unwrap_or(Lookup::NotAsked),
        own,
        drawn: None,
    };
    if facts.own.is_none() {
        facts.pool = pool_facts(db, facts.pool.pool)?;
    }
    if any && facts.own.is_none() && facts.pool.pool.allocate_from_free {
        let selection = facts.pool.pool.selection;
        let media_type = facts.pool.pool.media_type.clone().unwrap_or_default();
        if let Some(free) = read::system_pool(db, PoolType::Free, &media_type)? {
            facts.drawn = best(db, free.no, selection, whole)?;
            facts.free = Some(pool_facts(db, free)?);
        }
    }
    Ok(facts)
}

/// Loads what keeping the wanted number of a pool looks at. The free pool is read only if there are too few.
pub fn want(db: &Connection, no: ObjectNo) -> Result<want::Facts> {
    let mut facts = want::Facts {
        pool: pool_facts(db, pool(db, no)?)?,
        free: None,
        drawn: None,
    };
    let PoolFacts { pool, counts, .. } = &facts.pool;
    let few = counts.usable(SideState::Available) < i64::from(pool.want_available);
    if few
        && pool.allocate_from_free
        && let Some(media_type) = &pool.media_type
        && let Some(free) = read::system_pool(db, PoolType::Free, media_type)?
    {
        let best = best(db, free.no, pool.selection, false)?;
        facts.drawn = best.map(|pick| pick.medium);
        facts.free = Some(free);
    }
    Ok(facts)
}

/// Loads what giving back a side looks at.
pub fn deallocate(db: &Connection, no: ObjectNo) -> Result<deallocate::Facts> {
    let logical = found(read::logical(db, no)?, "logical medium")?;
    let side = found(read::side(db, logical.side)?, "side")?;
    let medium = medium_of(db, side.medium)?;
    let free = read::system_pool(db, PoolType::Free, &medium.medium.media_type)?;
    let free = free.map(|pool| pool_facts(db, pool)).transpose()?;
    let origin = "SELECT no FROM pool WHERE id = ?1";
    let origin = one(db, origin, [logical.from_pool], |row| row.get(0))?;
    Ok(deallocate::Facts {
        logical,
        medium,
        free,
        origin,
    })
}

/// Loads what creating, changing or removing a pool looks at; `None` for the root of `pools/`.
pub fn pool_content(db: &Connection, no: ObjectNo) -> Result<Option<pool::Facts>> {
    if no == CATALOG {
        return Ok(None);
    }
    let pool = pool(db, no)?;
    let any = |sql| any(db, sql, [no]);
    let sql = "SELECT no, name FROM request WHERE pool = ?1 AND name IS NOT NULL AND state = 1 ORDER BY no";
    Ok(Some(pool::Facts {
        depth: ancestors(db, no)?.len(),
        has_media: any("SELECT 1 FROM medium WHERE pool = ?1 LIMIT 1")?,
        has_pools: any("SELECT 1 FROM pool WHERE parent = ?1 LIMIT 1")?,
        has_waiting: any(
            "SELECT 1 FROM request WHERE pool = ?1 AND whole = 0 AND state = 0 LIMIT 1",
        )? || any(
            "SELECT 1 FROM request WHERE pool = ?1 AND whole = 1 AND state = 0 LIMIT 1",
        )?,
        finished: many(db, sql, [no], |row| Ok((row.get(0)?, row.get(1)?)))?,
        pool,
    }))
}

/// Returns a pool and all pools above it.
pub fn ancestors(db: &Connection, no: ObjectNo) -> Result<Vec<ObjectNo>> {
    let mut above = Vec::new();
    let mut next = no;
    while let Some(pool) = read::pool(db, next)? {
        above.push(next);
        next = pool.parent;
    }
    Ok(above)
}

/// Loads what one line of an import looks at.
pub fn import(
    db: &Connection,
    pool: &Pool,
    line: &crate::domain::import::ImportLine,
) -> Result<medium::ImportFacts> {
    let media_type = pool
        .media_type
        .as_deref()
        .map_or(Ok(None), |name| read::media_type_named(db, name))?;
    let named = read::medium_named(db, &line.name)?
        .map(|m| medium(db, m))
        .transpose()?;
    let coded = line
        .barcode
        .as_deref()
        .map_or(Ok(None), |code| read::medium_coded(db, code))?;
    let slot = line
        .slot
        .as_ref()
        .map(|slot| slot_facts(db, slot))
        .transpose()?;
    Ok(medium::ImportFacts {
        pool: pool.clone(),
        media_type,
        named,
        coded,
        slot,
    })
}

fn slot_facts(
    db: &Connection,
    wanted: &crate::domain::import::SlotName,
) -> Result<medium::SlotFacts> {
    use crate::domain::driver::Driver;
    use crate::domain::state::ElementKind;
    let library = read::library_named(db, &wanted.library)?;
    let slot = match &library {
        Some(library) => read::element_at(db, library.no, ElementKind::Slot, wanted.number)?,
        None => None,
    };
    let driver = library
        .as_ref()
        .and_then(|library| Driver::parse(&library.driver).ok());
    Ok(medium::SlotFacts {
        library,
        media_type: driver.map(|driver| driver.shape().media_type.to_owned()),
        // Also of a medium that is in a drive: it comes back to its slot.
        medium: match &slot {
            Some(slot) => read::medium_in(db, slot.no)?.map(|medium| medium.no),
            None => None,
        },
        slot: slot.map(|slot| slot.no),
    })
}

/// Loads what moving a medium looks at.
pub fn place_medium(
    db: &Connection,
    no: ObjectNo,
    to: ObjectNo,
    name: &str,
) -> Result<medium::MoveFacts> {
    let medium = medium_of(db, no)?;
    let to = pool(db, to)?;
    let path = read::pool_path(db, &to)?;
    let name_taken = read::medium_named(db, name)?.is_some_and(|other| other.no != no);
    Ok(medium::MoveFacts {
        medium,
        to: (to, path),
        name_taken,
    })
}

/// Loads what changing a library looks at. `driver` is the one that is to be written, `name` the new name.
pub fn library(
    db: &Connection,
    no: ObjectNo,
    driver: Option<&str>,
    name: Option<&str>,
) -> Result<library::Facts> {
    use crate::domain::driver::Driver;
    let library = found(read::library(db, no)?, "library")?;
    let parsed = Driver::parse(driver.unwrap_or(&library.driver)).ok();
    let built = any(db, "SELECT 1 FROM element WHERE library = ?1 LIMIT 1", [no])?;
    let mut taken = None;
    if let (false, None, Some(Driver::Virtual(spec))) = (built, driver, &parsed) {
        for cartridge in 1..=spec.cartridges {
            let code = spec.barcode(&library.name, cartridge)?;
            if read::medium_coded(db, &code)?.is_some() {
                taken = Some(code);
                break;
            }
        }
    }
    let named = name.map_or(Ok(None), |name| read::library_named(db, name))?;
    Ok(library::Facts {
        built,
        media_type: parsed.map_or(Ok(None), |driver| {
            read::media_type_named(db, driver.shape().media_type)
        })?,
        taken,
        media: media_in(db, no)?,
        name_taken: named.is_some_and(|other| other.no != no),
        mounted: queue::busy_drives(db, no)?,
        open: queue::open_requests(db, no)?,
        library,
    })
}

/// Returns the media in a library.
pub fn media_in(db: &Connection, library: ObjectNo) -> Result<Vec<(Thing, String)>> {
    let sql = "SELECT no, id, name FROM medium WHERE library = ?1 ORDER BY no";
    many(db, sql, [library], |row| {
        Ok((
            Thing {
                no: row.get(0)?,
                id: row.get(1)?,
            },
            row.get(2)?,
        ))
    })
}

/// What an inventory needs to know of one slot: number, bar code, type.
pub type Cartridge = (u32, Option<String>, String);

/// Returns the library of a work item that is not finished, and what the catalog believes in its slots.
pub fn inventory(db: &Connection, work: ObjectNo) -> Result<Option<(Library, Vec<Cartridge>)>> {
    let sql = "SELECT library FROM work WHERE no = ?1 AND finished IS NULL AND kind = 8 AND (state = 1 OR name IS NULL)";
    let Some(no) = one(db, sql, [work], |row| row.get::<_, ObjectNo>(0))? else {
        return Ok(None);
    };
    let library = found(read::library(db, no)?, "library")?;
    let sql = "SELECT element.number, medium.barcode, medium.media_type FROM medium \
               JOIN element ON element.no = medium.slot WHERE medium.library = ?1";
    let known = many(db, sql, [no], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    Ok(Some((library, known)))
}

/// Returns the waiting requests that a new supply could satisfy: for each pool and kind of request the oldest.
pub fn oldest_waiting(
    db: &Connection,
    pool: ObjectNo,
    whole: bool,
    after: ObjectNo,
) -> Result<Option<ObjectNo>> {
    let sql = "SELECT no FROM request WHERE pool = ?1 AND whole = ?2 AND state = 0 AND no > ?3 ORDER BY no LIMIT 1";
    one(db, sql, (pool, whole, after), |row| row.get(0))
}

/// Returns all waiting requests with their deadlines, at start.
pub fn all_waiting(db: &Connection) -> Result<Vec<(ObjectNo, bool, Option<Time>)>> {
    let sql = "SELECT no, name IS NOT NULL, deadline FROM request WHERE state = 0 ORDER BY no";
    many(db, sql, [], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
}

/// Returns the users whose allocation requests wait.
pub fn waiting_users(db: &Connection) -> Result<Vec<u32>> {
    let sql = "SELECT caller ->> '$.uid' FROM request WHERE state = 0 ORDER BY no";
    let mut users: Vec<u32> = many(db, sql, [], |row| row.get(0))?;
    users.sort_unstable();
    users.dedup();
    Ok(users)
}

/// Returns the open operator requests that have a time-out, at start.
pub fn operator_deadlines(db: &Connection) -> Result<Vec<(ObjectNo, Time)>> {
    let sql =
        "SELECT no, deadline FROM operator WHERE state < 4 AND deadline IS NOT NULL ORDER BY no";
    many(db, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Returns sides whose rest is over, at most 256, those that have waited longest first.
pub fn rested(db: &Connection, now: Time) -> Result<Vec<Thing>> {
    let sql = "SELECT no, id FROM side WHERE rests_until <= ?1 ORDER BY rests_until LIMIT 256";
    many(db, sql, [now], |row| {
        Ok(Thing {
            no: row.get(0)?,
            id: row.get(1)?,
        })
    })
}

/// Returns when the next rest ends, if a side rests.
pub fn next_rest(db: &Connection) -> Result<Option<Time>> {
    let sql = "SELECT rests_until FROM side WHERE rests_until > ?1 ORDER BY rests_until LIMIT 1";
    one(db, sql, [i64::MIN], |row| row.get(0))
}

/// Returns work that is not finished, at start.
pub fn open_work(db: &Connection) -> Result<Vec<ObjectNo>> {
    many(
        db,
        "SELECT no FROM work WHERE finished IS NULL ORDER BY no",
        [],
        |row| row.get(0),
    )
}

/// Returns finished requests whose time is over, and answered operator requests that are not kept any longer.
pub fn to_purge(db: &Connection, now: Time) -> Result<Purge> {
    let sql = "SELECT no, pool, name FROM request WHERE state = 1 AND purge <= ?1 ORDER BY purge LIMIT 256";
    let requests = many(db, sql, [now], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let operators = operators_to_purge(db, now)?;
    Ok(Purge {
        requests,
        operators,
    })
}

/// Which answered operator requests are over, as the settings say; refused ones count as failed.
fn operators_to_purge(db: &Connection, now: Time) -> Result<Vec<ObjectNo>> {
    let settings = read::settings(db)?;
    let kept = settings.operator_purge_time.ms();
    let Some(kept) = kept.filter(|_| settings.operator_auto_purge) else {
        return Ok(Vec::new());
    };
    let before = Time(now.0.saturating_sub(i64::from(kept)));
    let sql = if settings.operator_keep_failed {
        "SELECT no FROM operator WHERE state = 5 AND modified <= ?1 ORDER BY modified LIMIT 256"
    } else {
        "SELECT no FROM operator WHERE state >= 4 AND modified <= ?1 ORDER BY modified LIMIT 256"
    };
    many(db, sql, [before], |row| row.get(0))
}

/// What a sweep forgets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// Finished requests: number, pool, name.
    pub requests: Vec<(ObjectNo, ObjectNo, Option<String>)>,
    /// Answered operator requests.
    pub operators: Vec<ObjectNo>,
}

/// Returns the logical media whose delivery has that number.
pub fn deliveries(db: &Connection, delivery: i64) -> Result<Vec<ObjectNo>> {
    let sql = "SELECT no FROM logical WHERE delivery = ?1 AND delivery <> 0 ORDER BY no";
    many(db, sql, [delivery], |row| row.get(0))
}

/// Returns whether a caller may allocate from a pool: what a write to its `allocate` file refuses.
pub fn admit(db: &Connection, pool: ObjectNo, caller: &Caller) -> Result<()> {
    crate::domain::rule::allocate::admit(&self::pool(db, pool)?, caller)
}

/// Returns the pools that media of a library are in.
pub fn pools_in(db: &Connection, library: ObjectNo) -> Result<Vec<ObjectNo>> {
    many(
        db,
        "SELECT DISTINCT pool FROM medium WHERE library = ?1",
        [library],
        |row| row.get(0),
    )
}

/// Returns the pools that hold media of a type, or would.
pub fn pools_of_type(db: &Connection, media_type: &str) -> Result<Vec<Pool>> {
    let sql = "SELECT no FROM pool WHERE media_type = ?1 ORDER BY no";
    let numbers: Vec<ObjectNo> = many(db, sql, [media_type], |row| row.get(0))?;
    numbers.into_iter().map(|no| pool(db, no)).collect()
}

/// Returns the media that were found with a bar code which another one had.
pub fn twins(db: &Connection, code: &str) -> Result<Vec<Medium>> {
    let sql = "SELECT no FROM medium WHERE twin = ?1 ORDER BY no";
    let numbers: Vec<ObjectNo> = many(db, sql, [code], |row| row.get(0))?;
    let media: Result<Vec<_>> = numbers.into_iter().map(|no| read::medium(db, no)).collect();
    Ok(media?.into_iter().flatten().collect())
}

/// Returns how much a user has of what is bounded. The counters are kept by the triggers of `schema-quota.sql`.
pub fn held(db: &Connection, uid: u32, quota: Quota) -> Result<u64> {
    let sql = "SELECT amount FROM held WHERE uid = ?1 AND quota = ?2";
    let found = one(db, sql, (uid, quota.row().key), |row| row.get::<_, i64>(0))?;
    Ok(u64::try_from(found.unwrap_or(0)).unwrap_or(0))
}
