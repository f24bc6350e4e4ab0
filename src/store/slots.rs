//! What is in the slots of one library, for a map of it.
//!
//! Invariant: the work is by the slots that are asked for, and never by the media of the library or the catalog.

use super::statement::{many, one};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::state::{ElementKind, SideState};
use rusqlite::Connection;

/// A slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its number, from 1.
    pub number: u32,
    /// The medium that has the slot.
    pub medium: Option<Occupant>,
}

/// A medium that has a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupant {
    /// Its name.
    pub name: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// Whether it is in a drive now, and the slot is empty.
    pub away: bool,
    /// The states of its sides, A first.
    pub sides: Vec<SideState>,
}

/// Slots with the media that have them: one row a side.
const SLOTS: &str = "SELECT element.number, medium.name, medium.enabled, mounted.drive IS NOT NULL, side.state FROM element \
    LEFT JOIN medium ON medium.slot = element.no LEFT JOIN mounted ON mounted.medium = medium.no \
    LEFT JOIN side ON side.medium = medium.no WHERE element.library = ?1 AND element.kind = 16 AND element.number <= ?2 \
    ORDER BY element.number, side.ordinal";

/// Returns the slots of a library by their numbers, up to `last`.
pub fn up_to(db: &Connection, library: ObjectNo, last: u32) -> Result<Vec<Place>> {
    let rows = many(db, SLOTS, (library, last), |row| {
        let (number, name): (u32, Option<String>) = (row.get(0)?, row.get(1)?);
        let Some(name) = name else {
            return Ok((number, None, None));
        };
        let occupant = Occupant {
            name,
            enabled: row.get(2)?,
            away: row.get(3)?,
            sides: Vec::new(),
        };
        Ok((number, Some(occupant), row.get::<_, Option<SideState>>(4)?))
    })?;
    let mut out: Vec<Place> = Vec::new();
    for (number, medium, state) in rows {
        if out.last().is_none_or(|place| place.number != number) {
            out.push(Place { number, medium });
        }
        let medium = out.last_mut().and_then(|place| place.medium.as_mut());
        if let (Some(medium), Some(state)) = (medium, state) {
            medium.sides.push(state);
        }
    }
    Ok(out)
}

/// Returns how many slots, drives or ports a library has. They are numbered from 1.
pub fn size(db: &Connection, library: ObjectNo, kind: ElementKind) -> Result<u32> {
    let sql = "SELECT max(number) FROM element WHERE library = ?1 AND kind = ?2";
    let last: Option<u32> = one(db, sql, (library, kind), |row| row.get(0))?.flatten();
    Ok(last.unwrap_or(0))
}
