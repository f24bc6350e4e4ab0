//! Whether a catalog is sound: what must always hold, the chain of the log, and the tables against the log.
//!
//! Invariants: nothing is changed; each check names what it found, at most [`FINDINGS_MAX`] a rule, so a damaged
//! catalog of any size is checked in bounded memory.

use super::apply::apply;
use super::checkpoint::{self, Checkpoint};
use super::statement::many;
use super::{failed, failure, log, medium_history, migration};
use crate::domain::error::{ErrorKind, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

/// How many findings of one rule are named.
pub const FINDINGS_MAX: usize = 20;

/// KiB of tables made of a log that are in memory; the others are in a temporary file.
const REPLAYED: u32 = 32_768;

/// How many rules at the end of [`RULES`] look at every object, whatever was changed.
const THOROUGH: usize = 2;

/// Is told how far long work is: at what, how much of it is done, and of how much, 0 if nobody knows.
pub type Told<'a> = dyn Fn(&str, u64, u64) + 'a;

/// What must always hold, and the query that gives what breaks it. Numbers of states: 4 available, 5 allocated,
/// 6 complete, 9 reserved; an operator request is open below 4; a request waits at 0.
const RULES: &[(&str, &str)] = &[
    (
        "the catalog is one object",
        "SELECT 'catalog has ' || count(*) || ' rows' FROM catalog HAVING count(*) <> 1",
    ),
    (
        "a side has a logical medium exactly while it is allocated or complete",
        "SELECT 'side ' || no FROM side WHERE (state IN (5, 6)) <> EXISTS (SELECT 1 FROM logical WHERE side = side.no)",
    ),
    (
        "an LMID has exactly one side",
        "SELECT 'logical ' || no FROM logical WHERE side NOT IN (SELECT no FROM side)",
    ),
    (
        "a reserved side has an owned sibling",
        "SELECT 'side ' || no FROM side WHERE state = 9 AND NOT EXISTS (SELECT 1 FROM side AS other \
         WHERE other.medium = side.medium AND other.state IN (5, 6))",
    ),
    (
        "only an owned side belongs to a set",
        "SELECT 'side ' || no FROM side WHERE in_set <> 0 AND state NOT IN (5, 6)",
    ),
    (
        "all sides of a medium are in its pool",
        "SELECT 'side ' || side.no FROM side JOIN medium ON medium.no = side.medium WHERE side.pool <> medium.pool",
    ),
    (
        "a medium has sides in an unbroken row",
        "SELECT 'medium ' || no FROM medium WHERE (SELECT count(*) FROM side WHERE medium = medium.no) \
         <> (SELECT coalesce(max(ordinal), 0) + 1 FROM side WHERE medium = medium.no)",
    ),
    (
        "counts equal what counting gives",
        "SELECT 'pool ' || pool || ' state ' || state || ' standing ' || standing FROM \
         (SELECT pool, state, standing, count(*) AS counted FROM side GROUP BY 1, 2, 3) \
         FULL JOIN tally USING (pool, state, standing) WHERE coalesce(counted, 0) <> coalesce(sides, 0)",
    ),
    (
        "what a user has of a quota equals what counting gives",
        "SELECT 'user ' || uid || ' ' || quota FROM (SELECT uid, quota, sum(amount) AS counted FROM (\
         SELECT json_extract(caller, '$.uid') AS uid, 'open_requests' AS quota, 1 AS amount FROM request WHERE state = 0 \
         UNION ALL SELECT json_extract(caller, '$.uid'), 'names', 1 FROM request WHERE name IS NOT NULL \
         UNION ALL SELECT json_extract(caller, '$.uid'), 'open_requests', 1 FROM work \
         WHERE name IS NOT NULL AND finished IS NULL \
         UNION ALL SELECT json_extract(caller, '$.uid'), 'names', 1 FROM work WHERE name IS NOT NULL \
         UNION ALL SELECT uid, 'operator_requests', 1 FROM operator WHERE request IS NULL AND state < 4 \
         UNION ALL SELECT uid, 'attribute_bytes', octet_length(name) + octet_length(value) FROM attribute) \
         GROUP BY uid, quota) FULL JOIN held USING (uid, quota) WHERE coalesce(counted, 0) <> coalesce(amount, 0)",
    ),
    (
        "a side carries the name of its medium",
        "SELECT 'side ' || side.no FROM side JOIN medium ON medium.no = side.medium WHERE medium_name <> name",
    ),
    (
        "a side knows whether its medium can be used",
        "SELECT 'side ' || side.no FROM side JOIN medium ON medium.no = side.medium \
         LEFT JOIN library ON library.no = medium.library WHERE standing <> CASE \
         WHEN medium.enabled = 0 OR coalesce(library.enabled, 1) = 0 THEN 2 WHEN medium.library IS NULL THEN 1 \
         WHEN rests_until IS NOT NULL THEN 3 ELSE 0 END",
    ),
    (
        "only an available side rests",
        "SELECT 'side ' || no FROM side WHERE rests_until IS NOT NULL AND state <> 4",
    ),
    (
        "a side knows what the other sides are",
        "SELECT 'side ' || no FROM side WHERE share <> CASE WHEN EXISTS (SELECT 1 FROM side AS other \
         WHERE other.medium = side.medium AND other.no <> side.no AND other.state IN (5, 6)) THEN 1 \
         WHEN EXISTS (SELECT 1 FROM side AS other WHERE other.medium = side.medium \
         AND (other.state <> 4 OR other.rests_until IS NOT NULL)) THEN 2 ELSE 0 END",
    ),
    (
        "a medium in a slot is in the library of that slot",
        "SELECT 'medium ' || medium.no FROM medium LEFT JOIN element ON element.no = medium.slot \
         WHERE slot IS NOT NULL AND (medium.library IS NOT element.library OR element.kind <> 16)",
    ),
    (
        "a medium is of the type of its pool",
        "SELECT 'medium ' || medium.no FROM medium LEFT JOIN pool ON pool.no = medium.pool \
         WHERE pool.media_type IS NOT medium.media_type",
    ),
    (
        "a pool holds media or pools",
        "SELECT 'pool ' || no FROM pool WHERE media_type IS NOT NULL \
         AND EXISTS (SELECT 1 FROM pool AS below WHERE below.parent = pool.no)",
    ),
    (
        "every pool is below pools/",
        "WITH RECURSIVE tree (no) AS (SELECT no FROM pool WHERE parent = 1 \
         UNION SELECT pool.no FROM pool JOIN tree ON pool.parent = tree.no) \
         SELECT 'pool ' || no FROM pool WHERE no NOT IN (SELECT no FROM tree)",
    ),
    (
        "a pool is of the kind of the pool above it",
        "SELECT 'pool ' || pool.no FROM pool JOIN pool AS above ON above.no = pool.parent WHERE above.kind <> pool.kind",
    ),
    (
        "a media type has one leaf in each system pool",
        "SELECT 'type ' || media_type || ' kind ' || kind FROM pool WHERE kind <> 1000 AND media_type IS NOT NULL \
         GROUP BY kind, media_type HAVING count(*) > 1",
    ),
    (
        "a waiting request has its own open operator request",
        "SELECT 'request ' || no FROM request WHERE state = 0 AND NOT EXISTS (SELECT 1 FROM operator \
         WHERE operator.no = request.operator AND operator.request = request.no AND operator.state < 4)",
    ),
    (
        "an open operator request belongs to a waiting request",
        "SELECT 'operator ' || no FROM operator WHERE state < 4 AND request IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM request WHERE request.no = operator.request AND request.operator = operator.no \
         AND request.state = 0)",
    ),
    (
        "a pool that lacks media asks a person on its own behalf",
        "SELECT 'pool ' || no FROM pool WHERE want_operator IS NOT NULL AND NOT EXISTS (SELECT 1 FROM operator \
         WHERE operator.no = pool.want_operator AND operator.pool = pool.no AND request IS NULL)",
    ),
    (
        "a waiting request has no result",
        "SELECT 'request ' || no FROM request WHERE state = 0 AND result <> ''",
    ),
    (
        "a finished request has a name and a result",
        "SELECT 'request ' || no FROM request WHERE state <> 0 AND (name IS NULL OR result = '' OR deadline IS NOT NULL)",
    ),
    (
        "an attribute is that of an object that exists",
        "SELECT 'object ' || object || ' attribute ' || name FROM attribute WHERE object NOT IN \
         (SELECT no FROM catalog UNION ALL SELECT no FROM media_type UNION ALL SELECT no FROM pool \
         UNION ALL SELECT no FROM library UNION ALL SELECT no FROM element UNION ALL SELECT no FROM medium \
         UNION ALL SELECT no FROM side UNION ALL SELECT no FROM logical UNION ALL SELECT no FROM operator \
         UNION ALL SELECT no FROM work)",
    ),
    (
        "what is in a drive is a side of a medium, in a drive of the library",
        "SELECT 'drive ' || drive FROM mounted LEFT JOIN element ON element.no = drive LEFT JOIN side ON side.no = mounted.side \
         WHERE element.kind IS NOT 5 OR element.library IS NOT mounted.library OR side.medium IS NOT mounted.medium",
    ),
    (
        "a drive serves one library request at a time",
        "SELECT 'drive ' || drive FROM work WHERE finished IS NULL AND drive IS NOT NULL GROUP BY drive HAVING count(*) > 1",
    ),
    (
        "a library request has its result when it has ended, and not before",
        "SELECT 'work ' || no FROM work WHERE (finished IS NULL) <> (state IN (0, 1, 5)) \
         OR name IS NOT NULL AND (finished IS NULL) <> (result = '')",
    ),
    (
        "a part of a library request is one of the same library, and has ended when the request has",
        "SELECT 'work ' || part.no FROM work AS part LEFT JOIN work AS whole ON whole.no = part.part_of \
         WHERE part.part_of IS NOT NULL AND (whole.library IS NOT part.library OR whole.part_of IS NOT NULL \
         OR part.finished IS NULL AND whole.finished IS NOT NULL)",
    ),
    (
        "object numbers are given out once, below the ceiling",
        "WITH numbers (no) AS (SELECT no FROM media_type UNION ALL SELECT no FROM pool UNION ALL SELECT no FROM library \
         UNION ALL SELECT no FROM element UNION ALL SELECT no FROM medium UNION ALL SELECT no FROM side \
         UNION ALL SELECT no FROM logical UNION ALL SELECT no FROM operator UNION ALL SELECT no FROM request \
         UNION ALL SELECT no FROM work) SELECT 'object ' || no FROM numbers GROUP BY no \
         HAVING count(*) > 1 OR no <= 1 OR no >= (SELECT max(ceiling) FROM catalog)",
    ),
    (
        "every reference is to an object that exists",
        "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' to ' || parent FROM pragma_foreign_key_check",
    ),
];

/// Returns what breaks the invariants of the catalog; empty if it is sound.
pub fn invariants(db: &Connection) -> Result<Vec<String>> {
    broken(db, RULES)
}

/// The same without the rules that the engine and the numbers keep by themselves: cheap enough for every step of a test.
pub fn cheap(db: &Connection) -> Result<Vec<String>> {
    broken(db, RULES.get(..RULES.len() - THOROUGH).unwrap_or(RULES))
}

fn broken(db: &Connection, rules: &[(&str, &str)]) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for (rule, sql) in rules {
        let limited = format!("SELECT * FROM ({sql}) LIMIT {FINDINGS_MAX}");
        let found = many(db, &limited, [], |row| row.get::<_, String>(0))?;
        out.extend(found.into_iter().map(|what| format!("{rule}: {what}")));
    }
    Ok(out)
}

/// Verifies the file: its pages, every index against its table, and that it has the schema of this program to the letter.
pub fn file(db: &Connection) -> Result<Vec<String>> {
    let sql = format!("PRAGMA integrity_check({FINDINGS_MAX})");
    let mut out = many(db, &sql, [], |row| row.get::<_, String>(0))?;
    out.retain(|line| line != "ok");
    let fresh = empty()?;
    let (found, newest) = (migration::version(db)?, migration::version(&fresh)?);
    if found < newest {
        out.push(format!(
            "the catalog has schema {found}, this program has {newest}; mount it once, which brings it up to date"
        ));
        return Ok(out);
    }
    let sql = "SELECT type || ' ' || name || ' of ' || tbl_name || ': ' || coalesce(sql, '-') \
               FROM sqlite_schema ORDER BY type, name";
    let schema = |db| many(db, sql, [], |row| row.get::<_, String>(0));
    if schema(db)? != schema(&fresh)? {
        out.push("the schema is not that of this program".to_owned());
    }
    Ok(out)
}

/// [`chain_told`] with nobody to tell.
pub fn chain(db: &Connection) -> Result<()> {
    chain_told(db, &|_, _, _| {})
}

/// Walks the log: sequence, offsets, checksums, chain, and whether every record can be read; before that the pages of the
/// checkpoint. The first that is wrong is refused with [`ErrorKind::DatabaseFailure`].
pub fn chain_told(db: &Connection, told: &Told<'_>) -> Result<()> {
    checkpoint::verify(db)?;
    walk(db, ("records", told), |_, _| Ok(()))
}

/// Walks the log and tells where it is.
fn walk(
    db: &Connection,
    (what, told): (&str, &Told<'_>),
    mut each: impl FnMut(log::Record, usize) -> Result<()>,
) -> Result<()> {
    let (from, last) = (log::folded(db)?.seq, log::head(db)?.seq);
    let count = |to: i64| u64::try_from(to - from).unwrap_or(0);
    log::walk(db, |record, bytes| {
        told(what, count(record.seq), count(last));
        each(record, bytes)
    })
    .map(drop)
}

/// [`rebuilt_told`] with nobody to tell.
pub fn rebuilt(db: &Connection) -> Result<Vec<String>> {
    rebuilt_told(db, &|_, _, _| {})
}

/// Replays the log into new tables and returns where the catalog's differ; empty if it is sound.
pub fn rebuilt_told(db: &Connection, told: &Told<'_>) -> Result<Vec<String>> {
    differences(db, &tables(db, told)?)
}

/// Replays the log of a catalog into new tables: those of the checkpoint, or empty ones.
fn tables(db: &Connection, told: &Told<'_>) -> Result<Connection> {
    let replayed = begun(db)?;
    walk(db, ("tables", told), |record, bytes| {
        again(&replayed, &record, bytes)
    })?;
    replayed.execute_batch("COMMIT").map_err(failed)?;
    Ok(replayed)
}

/// Makes tables of records, given as the lines of a log: to look at the past, or at a log from elsewhere.
pub fn replay(lines: impl IntoIterator<Item = String>) -> Result<Connection> {
    let replayed = empty()?;
    for line in lines {
        let record = log::parse(&line)?;
        again(&replayed, &record, line.len())?;
    }
    replayed.execute_batch("COMMIT").map_err(failed)?;
    Ok(replayed)
}

/// The tables with which the log of a catalog begins, in a transaction.
pub(super) fn begun(db: &Connection) -> Result<Connection> {
    if log::folded(db)?.seq == 0 {
        return empty();
    }
    let tables = Checkpoint::load(db)?.into_tables();
    tables.execute_batch("BEGIN").map_err(failed)?;
    Ok(tables)
}

/// Applies a record as when it was made.
pub(super) fn again(db: &Connection, record: &log::Record, bytes: usize) -> Result<()> {
    medium_history::touch(db, record.seq, bytes, &record.detail)?;
    failure::note(db, record.seq, &record.detail)?;
    apply(db, &record.detail, record.time)
}

/// An empty catalog that goes with its connection, in a transaction. What is more than [`REPLAYED`] is in a file without a name,
/// where the engine keeps temporary ones (`SQLITE_TMPDIR`, `TMPDIR`, /var/tmp, /tmp), so memory does not grow with the catalog.
pub(super) fn empty() -> Result<Connection> {
    let mut db = Connection::open("").map_err(failed)?;
    db.execute_batch(&format!(
        "PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=OFF; PRAGMA cache_size=-{REPLAYED}"
    ))
    .map_err(failed)?;
    db.set_prepared_statement_cache_capacity(256);
    migration::migrate(&mut db)?;
    db.execute_batch("BEGIN").map_err(failed)?;
    Ok(db)
}

/// Compares all tables but the log and the checkpoint, row by row.
pub fn differences(db: &Connection, replayed: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('log', 'checkpoint') \
               AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let names = |db| many(db, sql, [], |row| row.get::<_, String>(0));
    let tables = names(replayed)?;
    let mut out = Vec::new();
    for missing in names(db)?.iter().filter(|name| !tables.contains(name)) {
        out.push(format!("table {missing} is not of this schema"));
    }
    for table in tables {
        let keys = many(
            replayed,
            "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk",
            [&table],
            |row| row.get::<_, String>(0),
        )?;
        one_way(&table, &keys, (db, "catalog"), (replayed, "log"), &mut out)?;
        one_way(&table, &keys, (replayed, "log"), (db, "catalog"), &mut out)?;
    }
    Ok(out)
}

/// Reports the rows of one database that the other does not have just so.
fn one_way(
    table: &str,
    keys: &[String],
    (here, here_name): (&Connection, &str),
    (there, there_name): (&Connection, &str),
    out: &mut Vec<String>,
) -> Result<()> {
    let twin = format!(
        "SELECT * FROM {table} WHERE ({}) = ({})",
        keys.join(", "),
        vec!["?"; keys.len()].join(", ")
    );
    let mut twin = there.prepare_cached(&twin).map_err(failed)?;
    let all = format!(
        "SELECT {}, * FROM {table} ORDER BY {}",
        keys.join(", "),
        keys.join(", ")
    );
    let mut all = here.prepare_cached(&all).map_err(failed)?;
    let mut rows = all.query([]).map_err(failed)?;
    let room = out.len() + FINDINGS_MAX;
    while let Some(row) = rows.next().map_err(failed)? {
        let found = values(row)?;
        let (key, found) = found.split_at(keys.len());
        let mut others = twin.query(params_from_iter(key)).map_err(failed)?;
        let other = others.next().map_err(failed)?.map(values).transpose()?;
        if other.as_deref() != Some(found) && out.len() < room {
            let other = other.map_or_else(|| "nothing".to_owned(), |row| shown(&row));
            out.push(format!(
                "{table}: {here_name} has {}, {there_name} has {other}",
                shown(found)
            ));
        }
    }
    Ok(())
}

fn values(row: &Row<'_>) -> Result<Vec<Value>> {
    let count = row.as_ref().column_count();
    (0..count)
        .map(|at| row.get(at).map_err(failed))
        .collect::<Result<_>>()
}

fn shown(row: &[Value]) -> String {
    let values: Vec<String> = row
        .iter()
        .map(|value| match value {
            Value::Null => "-".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => number.to_string(),
            Value::Text(text) => format!("{text:?}"),
            Value::Blob(bytes) => format!("{bytes:02x?}"),
        })
        .collect();
    format!("({})", values.join(", "))
}

/// Refuses with [`ErrorKind::DatabaseFailure`] and the first finding, if there is one.
pub fn demand(findings: &[String]) -> Result<()> {
    match findings.first() {
        None => Ok(()),
        Some(first) => Err(ErrorKind::DatabaseFailure.because(first)),
    }
}
