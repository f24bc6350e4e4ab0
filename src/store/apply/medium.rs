//! Media and sides, and the copies that sides carry for the search: pool, name, standing, share.

use crate::domain::change::{MediumChange, NewMedium};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::state::SideState;
use crate::domain::time::Time;
use crate::store::statement::{many, one, run};
use rusqlite::Connection;

/// Adds a medium and its sides.
pub(super) fn create(db: &Connection, medium: &NewMedium, time: Time) -> Result<()> {
    let sql = "INSERT INTO medium (no, id, name, barcode, description, media_type, pool, enabled, library, slot, \
               created, modified, twin, by_rule) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?9, ?10, ?10, ?11, ?12)";
    let NewMedium {
        thing,
        name,
        barcode,
        description,
        media_type,
        pool,
        library,
        slot,
        twin,
        by_rule,
        ..
    } = medium;
    let no = thing.no;
    run(
        db,
        sql,
        (
            no,
            thing.id,
            name,
            barcode,
            description,
            media_type,
            pool,
            library,
            slot,
            time,
            twin,
            by_rule,
        ),
    )?;
    let standing = standing(db, no)?;
    let share = i64::from(medium.state != SideState::Available) * 2;
    let sql = "INSERT INTO side (no, id, medium, ordinal, pool, medium_name, standing, share, state, idle_since, \
               modified) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)";
    for (ordinal, side) in (0_i64..).zip(&medium.sides) {
        run(
            db,
            sql,
            (
                side.no,
                side.id,
                no,
                ordinal,
                pool,
                name,
                standing,
                share,
                medium.state,
                time,
            ),
        )?;
    }
    Ok(())
}

/// Puts a medium into another pool.
pub(super) fn repool(db: &Connection, no: ObjectNo, pool: ObjectNo, time: Time) -> Result<()> {
    run(
        db,
        "UPDATE medium SET pool = ?2, modified = ?3 WHERE no = ?1",
        (no, pool, time),
    )?;
    run(
        db,
        "UPDATE side SET pool = ?2 WHERE medium = ?1",
        (no, pool),
    )
}

/// Puts a medium into another pool, where its sides have these states.
pub(super) fn move_to(
    db: &Connection,
    no: ObjectNo,
    pool: ObjectNo,
    sides: &[(ObjectNo, SideState)],
    time: Time,
) -> Result<()> {
    repool(db, no, pool, time)?;
    for (side, state) in sides {
        run(
            db,
            "UPDATE side SET state = ?2, modified = ?3 WHERE no = ?1",
            (side, state, time),
        )?;
    }
    reshare(db, no)
}

/// Changes a medium.
pub(super) fn change(
    db: &Connection,
    no: ObjectNo,
    change: &MediumChange,
    time: Time,
) -> Result<()> {
    match change {
        MediumChange::Name(name) => rename(db, no, (name, false), time),
        MediumChange::NameByRule(name) => rename(db, no, (name, true), time),
        MediumChange::Description(text) => run(
            db,
            "UPDATE medium SET description = ?2, modified = ?3 WHERE no = ?1",
            (no, text, time),
        ),
        MediumChange::MediaType(name) => run(
            db,
            "UPDATE medium SET media_type = ?2, modified = ?3 WHERE no = ?1",
            (no, name, time),
        ),
        MediumChange::Enabled(on) => {
            run(
                db,
                "UPDATE medium SET enabled = ?2, modified = ?3 WHERE no = ?1",
                (no, on, time),
            )?;
            restand(db, no)
        }
        MediumChange::Location { library, slot } => {
            let sql = "UPDATE medium SET library = ?2, slot = ?3, modified = ?4 WHERE no = ?1";
            run(db, sql, (no, library, slot, time))?;
            restand(db, no)
        }
    }
}

/// Gives a medium a name, of a person or by the rule of names.
fn rename(db: &Connection, no: ObjectNo, (name, by_rule): (&str, bool), time: Time) -> Result<()> {
    let sql = "UPDATE medium SET name = ?2, by_rule = ?3, modified = ?4 WHERE no = ?1";
    run(db, sql, (no, name, by_rule, time))?;
    let sql = "UPDATE side SET medium_name = ?2 WHERE medium = ?1";
    run(db, sql, (no, name))
}

/// Forgets a medium and its sides.
pub(super) fn remove(db: &Connection, no: ObjectNo) -> Result<()> {
    let sql = "UPDATE operator SET medium = NULL WHERE medium = ?1";
    run(db, sql, [no])?;
    run(db, "DELETE FROM side WHERE medium = ?1", [no])?;
    run(db, "DELETE FROM medium WHERE no = ?1", [no])
}

/// Sets the state of one side.
pub(super) fn set_state(
    db: &Connection,
    side: ObjectNo,
    state: SideState,
    time: Time,
) -> Result<()> {
    let sql = "UPDATE side SET state = ?2, modified = ?3, rests_until = CASE WHEN ?2 = 4 THEN rests_until END \
               WHERE no = ?1";
    run(db, sql, (side, state, time))?;
    rest(db, side)
}

/// A side has rested.
pub(super) fn rested(db: &Connection, side: ObjectNo, time: Time) -> Result<()> {
    let sql = "UPDATE side SET rests_until = NULL, modified = ?2 WHERE no = ?1";
    run(db, sql, (side, time))?;
    rest(db, side)
}

/// Whether a side rests, or its state, has changed: so has what it and its siblings say of themselves.
fn rest(db: &Connection, side: ObjectNo) -> Result<()> {
    let medium = one(db, "SELECT medium FROM side WHERE no = ?1", [side], |row| {
        row.get(0)
    })?;
    let Some(medium) = medium else { return Ok(()) };
    restand(db, medium)?;
    reshare(db, medium)
}

/// 2 if the medium or its library is disabled, 1 if it is on a shelf, else 0.
fn standing(db: &Connection, no: ObjectNo) -> Result<i64> {
    let sql = "SELECT CASE WHEN medium.enabled = 0 OR library.enabled = 0 THEN 2 \
               WHEN medium.library IS NULL THEN 1 ELSE 0 END \
               FROM medium LEFT JOIN library ON library.no = medium.library WHERE medium.no = ?1";
    Ok(one(db, sql, [no], |row| row.get(0))?.unwrap_or(1))
}

/// Recomputes the standing of the sides of a medium: that of the medium, or 3 if it could be used and the side rests.
pub(super) fn restand(db: &Connection, no: ObjectNo) -> Result<()> {
    let standing = standing(db, no)?;
    let sql = "UPDATE side SET standing = CASE WHEN ?2 = 0 AND rests_until IS NOT NULL THEN 3 ELSE ?2 END \
               WHERE medium = ?1";
    run(db, sql, (no, standing))
}

/// Recomputes the standing of all media of a library.
pub(super) fn restand_library(db: &Connection, library: ObjectNo) -> Result<()> {
    let media: Vec<ObjectNo> = many(
        db,
        "SELECT no FROM medium WHERE library = ?1",
        [library],
        |row| row.get(0),
    )?;
    media.into_iter().try_for_each(|no| restand(db, no))
}

/// Recomputes what each side of a medium says of the others.
pub(super) fn reshare(db: &Connection, medium: ObjectNo) -> Result<()> {
    let sql = "SELECT no, state, share, rests_until IS NOT NULL FROM side WHERE medium = ?1";
    let sides: Vec<(ObjectNo, SideState, i64, bool)> = many(db, sql, [medium], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    let whole = sides
        .iter()
        .all(|(_, state, _, rests)| *state == SideState::Available && !rests);
    for (no, _, share, _) in &sides {
        let mut others = sides.iter().filter(|(other, ..)| other != no);
        let wanted = if others.any(|(_, state, ..)| state.is_owned()) {
            1
        } else if whole {
            0
        } else {
            2
        };
        if wanted != *share {
            run(db, "UPDATE side SET share = ?2 WHERE no = ?1", (no, wanted))?;
        }
    }
    Ok(())
}
