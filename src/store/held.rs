//! What users have of what is bounded: one indexed query. The counters are kept by the triggers of `schema-quota.sql`.

use super::statement::one;
use crate::domain::error::Result;
use crate::domain::quota::Quota;
use rusqlite::Connection;

/// Returns how much a user has of something.
pub fn amount(db: &Connection, uid: u32, quota: Quota) -> Result<u64> {
    let sql = "SELECT amount FROM held WHERE uid = ?1 AND quota = ?2";
    let found = one(db, sql, (uid, quota.row().key), |row| row.get::<_, i64>(0))?;
    Ok(u64::try_from(found.unwrap_or(0)).unwrap_or(0))
}
