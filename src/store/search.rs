//! Which available side comes first: one indexed query a kind of sharing, merged in the order of the pool.

use super::read::letter;
use super::statement::many;
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::state::Selection;
use crate::domain::time::Time;
use rusqlite::{Connection, Row};

/// An available side of an online, enabled medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The side.
    pub side: ObjectNo,
    /// Its medium.
    pub medium: ObjectNo,
    /// Name of the medium.
    pub medium_name: String,
    /// Letter of the side.
    pub letter: String,
    /// How often the side was allocated.
    pub allocations: i64,
    /// Since when nobody used it.
    pub idle_since: Time,
    /// 0 all sides of the medium are available, 1 another side is owned, 2 anything else.
    share: i64,
    ordinal: u32,
}

impl Candidate {
    /// Returns whether another side of the medium is owned: what `fill` takes first.
    pub fn is_partly_owned(&self) -> bool {
        self.share == 1
    }
}

macro_rules! candidates {
    ($order:literal) => {
        concat!(
            "SELECT no, medium, medium_name, ordinal, allocations, idle_since, share FROM side \
             WHERE pool = ?1 AND share = ?2 AND state = 4 AND standing = 0 ORDER BY ",
            $order,
            " LIMIT ?3"
        )
    };
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    let ordinal = row.get(3)?;
    Ok(Candidate {
        side: row.get(0)?,
        medium: row.get(1)?,
        medium_name: row.get(2)?,
        letter: letter(ordinal),
        allocations: row.get(4)?,
        idle_since: row.get(5)?,
        share: row.get(6)?,
        ordinal,
    })
}

/// Returns the first `limit` sides that an allocation would take, in order. `whole`: only media of which all sides are
/// available, as for `new`.
pub fn candidates(
    db: &Connection,
    pool: ObjectNo,
    selection: Selection,
    whole: bool,
    limit: u32,
) -> Result<Vec<Candidate>> {
    let sql = match selection {
        Selection::LeastUsed | Selection::Fill => {
            candidates!("allocations, idle_since, medium_name, ordinal")
        }
        Selection::Name => candidates!("medium_name, ordinal"),
        Selection::Oldest => candidates!("no"),
    };
    let mut found = Vec::new();
    for share in 0..=if whole { 0 } else { 2 } {
        found.extend(many(db, sql, (pool, share, limit), candidate)?);
    }
    let name = |c: &Candidate| (c.medium_name.clone(), c.ordinal);
    match selection {
        Selection::LeastUsed => found.sort_by_key(|c| (c.allocations, c.idle_since, name(c))),
        Selection::Fill => {
            found.sort_by_key(|c| (c.share != 1, c.allocations, c.idle_since, name(c)));
        }
        Selection::Name => found.sort_by_key(name),
        Selection::Oldest => found.sort_by_key(|c| c.side),
    }
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}
