//! The beginning of the history, and the checkpoint that stands for what is gone.

use crate::domain::error::Result;
use crate::domain::history::{Digest, Head};
use crate::domain::time::Time;
use crate::store::statement::run;
use crate::store::{log, medium_history};
use rusqlite::Connection;

/// The history begins after a record. It is shown among the settings.
pub(super) fn archived(db: &Connection, last: &Head, time: Time) -> Result<()> {
    let sql = "UPDATE archive SET seq = ?1, end = ?2, chain = ?3 WHERE no = 1";
    run(db, sql, (last.seq, last.end, last.chain))?;
    run(db, "UPDATE settings SET modified = ?1 WHERE no = 1", [time])
}

/// The checkpoint is as of a record.
pub(super) fn checkpointed(db: &Connection, last: &Head, digest: Digest) -> Result<()> {
    medium_history::forget(db, log::folded(db)?.seq, last.seq)?;
    let sql = "UPDATE archive SET folded = ?1, folded_end = ?2, folded_chain = ?3, digest = ?4 WHERE no = 1";
    run(db, sql, (last.seq, last.end, last.chain, digest))
}
