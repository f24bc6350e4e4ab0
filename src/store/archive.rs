//! What letting go of records looks at.

use super::read::one;
use super::{log, read};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::rule::archive::Facts;
use crate::domain::time::Time;
use rusqlite::Connection;
use serde::Deserialize;

/// What is read of a record here.
#[derive(Debug, Deserialize)]
struct Stamp {
    seq: i64,
    time: String,
}

/// Loads what letting go of records looks at.
pub fn facts(db: &Connection, seq: i64) -> Result<Facts> {
    let time = one(db, "SELECT line FROM log WHERE seq = ?1", [seq], |row| {
        row.get::<_, String>(0)
    })?;
    let time = time.map(|line| stamp(&line)).transpose()?;
    let record = log::at(db, seq)?.zip(time.map(|(_, time)| time));
    Ok(Facts {
        begin: log::begin(db)?,
        folded: log::folded(db)?.seq,
        record,
        retention: read::settings(db)?.retention,
    })
}

fn stamp(line: &str) -> Result<(i64, Time)> {
    let stamp: Stamp = serde_json::from_str(line).map_err(|e| {
        ErrorKind::DatabaseFailure.because(format!("a record of the history cannot be read: {e}"))
    })?;
    Ok((stamp.seq, Time::parse(&stamp.time)?))
}
