//! How a statement is run: prepared once a connection, its failure a refusal.

use super::failed;
use crate::domain::error::Result;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};

/// Runs a statement that changes something.
pub(super) fn run(db: &Connection, sql: &str, values: impl Params) -> Result<()> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.execute(values))
        .map(drop)
        .map_err(failed)
}

/// Runs a query that gives at most one row.
pub(super) fn one<T>(
    db: &Connection,
    sql: &str,
    key: impl Params,
    row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>> {
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    statement.query_row(key, row).optional().map_err(failed)
}

/// Returns whether a query gives a row.
pub(super) fn any(db: &Connection, sql: &str, key: impl Params) -> Result<bool> {
    one(db, sql, key, |_| Ok(())).map(|found| found.is_some())
}

/// Runs a query that gives rows.
pub(super) fn many<T>(
    db: &Connection,
    sql: &str,
    key: impl Params,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map(key, row).map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}
