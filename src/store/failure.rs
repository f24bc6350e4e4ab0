//! What failed: which records of the log say so, the newest first.
//!
//! Invariant: kept with each record, so a catalog that is rebuilt from its log has the same. What its owner cancelled has not
//! failed.

use super::log::{self, Record, sound};
use super::statement::{many, run};
use crate::codes;
use crate::domain::error::{ErrorKind, Result};
use crate::domain::event::Event;
use crate::domain::state::{OperatorState, WorkState};
use crate::domain::work::WorkChange;
use rusqlite::Connection;

/// Notes a record if it says that something failed.
pub(super) fn note(db: &Connection, seq: i64, event: &Event) -> Result<()> {
    if !is_failure(event) {
        return Ok(());
    }
    run(db, "INSERT INTO failed (seq) VALUES (?1)", [seq])
}

fn is_failure(event: &Event) -> bool {
    let cancelled = codes::code(ErrorKind::Cancelled).win32;
    matches!(event, Event::RequestFailed { code, .. } if *code != cancelled)
        || matches!(event, Event::WorkFinished { error: Some(_), .. })
        || matches!(
            event,
            Event::WorkChanged {
                change: WorkChange::Ended {
                    state: WorkState::Failed,
                    ..
                },
                ..
            } | Event::OperatorChanged {
                state: Some(OperatorState::Refused),
                ..
            }
        )
}

/// Returns the last records that say so, the newest first. A damaged one is refused with [`ErrorKind::DatabaseFailure`].
pub fn last(db: &Connection, limit: u32) -> Result<Vec<Record>> {
    let sql = "SELECT failed.seq, line, checksum FROM failed JOIN log ON log.seq = failed.seq ORDER BY failed.seq DESC LIMIT ?1";
    let lines: Vec<(i64, String, i64)> = many(db, sql, [limit], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    lines
        .into_iter()
        .map(|(seq, line, checksum)| log::parse(&sound(seq, line, checksum)?))
        .collect()
}
