//! The contents of directories: what belongs to a container, page by page, and one of them by its name.
//!
//! Invariants: every kind is ordered by object number, so a page continues where the last one ended although others
//! come and go; every statement is answered by an index; a name that is listed is found again by [`find`].

use super::read::operator_row;
use super::statement::{many, one};
use super::{queue, read, views};
use crate::domain::error::Result;
use crate::domain::id::{Guid, ObjectNo};
use crate::domain::object::Operator;
use crate::domain::state::{ElementKind, SideState};
use crate::domain::time::Time;
use rusqlite::{Connection, Row};

/// What a directory can list. A container is a pool, a medium or a library; kinds without one list the whole catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Pools below a pool, or below the catalog.
    Pool,
    /// Media of a pool.
    Medium,
    /// Named requests of a pool.
    Request,
    /// Named requests of a pool; only finished ones are listed, all are found.
    Outcome,
    /// Sides of a medium.
    Side,
    /// Logical media, by LMID.
    Logical,
    /// Libraries.
    Library,
    /// Slots, drives or ports of a library.
    Element(ElementKind),
    /// Media types.
    MediaType,
    /// Operator requests.
    Operator,
    /// Media of all pools, by name.
    AnyMedium,
    /// Media of all pools that have a bar code, by that.
    Barcode,
    /// Pools of all levels, by identifier.
    PoolId,
    /// Media, by identifier.
    MediumId,
    /// Sides, by identifier.
    SideId,
    /// Libraries, by identifier.
    LibraryId,
    /// The states that a side can have. The number of an entry is the state's and one.
    State,
    /// Sides in a state, by medium and letter.
    InState,
    /// Users who own logical media. The number of an entry is the user's and one.
    Owner,
    /// Logical media of a user, by LMID.
    Owned,
    /// Media in a library, by the number of their slot.
    Located,
    /// Media that are in no library, by name.
    Offline,
    /// Named requests of a library.
    LibraryRequest,
    /// Named requests of a library; only finished ones are listed, all are found.
    LibraryOutcome,
    /// Pieces of work of all libraries, by number.
    Work,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Object number.
    pub no: ObjectNo,
    /// Name in the directory.
    pub name: String,
}

/// The last record of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its sequence number.
    pub seq: i64,
    /// The offset after its newline: the size of the history.
    pub end: i64,
    /// When it was written.
    pub time: Time,
}

impl Kind {
    /// Returns the statement of a page: `?1` the number after which it begins, `?2` how many, `?3` the container.
    /// A unary `+` keeps the engine from walking all objects by number where an order of the container is shorter.
    #[rustfmt::skip]
    const fn page_sql(self) -> &'static str {
        match self {
            Self::Pool => "SELECT no, name FROM pool WHERE parent = ?3 AND no > ?1 ORDER BY no LIMIT ?2",
            Self::Medium => "SELECT no, name FROM medium WHERE pool = ?3 AND no > ?1 ORDER BY no LIMIT ?2",
            Self::Request => "SELECT no, name FROM request WHERE pool = ?3 AND name IS NOT NULL AND no > ?1 \
                              ORDER BY no LIMIT ?2",
            Self::Outcome => "SELECT no, name FROM request WHERE pool = ?3 AND name IS NOT NULL AND no > ?1 \
                              AND +state = 1 ORDER BY no LIMIT ?2",
            Self::Side => "SELECT no, ordinal FROM side WHERE medium = ?3 AND +no > ?1 ORDER BY ordinal LIMIT ?2",
            Self::Logical => "SELECT no, id FROM logical WHERE no > ?1 ORDER BY no LIMIT ?2",
            Self::Library => "SELECT no, name FROM library WHERE no > ?1 ORDER BY no LIMIT ?2",
            Self::Element(_) => "SELECT no, number FROM element WHERE library = ?3 AND kind = ?4 AND number > \
                                 coalesce((SELECT number FROM element WHERE no = ?1), 0) ORDER BY number LIMIT ?2",
            Self::MediaType => "SELECT no, name FROM media_type WHERE no > ?1 ORDER BY no LIMIT ?2",
            Self::Operator => "SELECT no, no FROM operator WHERE no > ?1 ORDER BY no LIMIT ?2",
            Self::AnyMedium => "SELECT no, name FROM medium WHERE no > ?1 ORDER BY no LIMIT ?2",
            Self::Barcode => "SELECT no, barcode FROM medium WHERE barcode IS NOT NULL AND no > ?1 ORDER BY no LIMIT ?2",
            Self::PoolId => "SELECT no, id FROM pool WHERE no > ?1 ORDER BY no LIMIT ?2",
            Self::MediumId => "SELECT no, id FROM medium WHERE no > ?1 ORDER BY no LIMIT ?2",
            Self::SideId => "SELECT no, id FROM side WHERE no > ?1 ORDER BY no LIMIT ?2",
            Self::LibraryId => "SELECT no, id FROM library WHERE no > ?1 ORDER BY no LIMIT ?2",
            Self::Offline => "SELECT no, name FROM medium WHERE library IS NULL AND no > ?1 ORDER BY no LIMIT ?2",
            Self::Owned => "SELECT no, id FROM logical WHERE owner = ?3 - 1 AND no > ?1 ORDER BY no LIMIT ?2",
            Self::State | Self::InState => views::IN_STATE,
            Self::Owner => views::OWNERS,
            Self::Located => views::LOCATED,
            Self::LibraryRequest => "SELECT no, name FROM work WHERE library = ?3 AND name IS NOT NULL AND no > ?1 \
                                     ORDER BY no LIMIT ?2",
            Self::LibraryOutcome => "SELECT no, name FROM work WHERE library = ?3 AND name IS NOT NULL AND no > ?1 \
                                     AND +finished IS NOT NULL ORDER BY no LIMIT ?2",
            Self::Work => "SELECT no, no FROM work WHERE no > ?1 ORDER BY no LIMIT ?2",
        }
    }

    /// Returns the name that the second column of a page stands for.
    fn name(self, row: &Row<'_>) -> rusqlite::Result<String> {
        match self {
            Self::Pool
            | Self::Medium
            | Self::Request
            | Self::Outcome
            | Self::Library
            | Self::LibraryRequest
            | Self::LibraryOutcome
            | Self::MediaType
            | Self::AnyMedium
            | Self::Barcode
            | Self::Offline => row.get(1),
            Self::Side => Ok(read::letter(row.get(1)?)),
            Self::Element(_) | Self::Operator | Self::Owner | Self::Work => {
                Ok(row.get::<_, i64>(1)?.to_string())
            }
            Self::Logical
            | Self::PoolId
            | Self::MediumId
            | Self::SideId
            | Self::LibraryId
            | Self::Owned => Ok(row.get::<_, Guid>(1)?.to_string()),
            Self::State | Self::InState => views::side_name(row),
            Self::Located => views::place_name(row),
        }
    }
}

/// Returns at most `limit` entries of a container whose numbers are above `after`, in the order of their numbers.
pub fn page(
    db: &Connection,
    kind: Kind,
    container: ObjectNo,
    after: i64,
    limit: u32,
) -> Result<Vec<Item>> {
    let sql = kind.page_sql();
    let item = |row: &Row<'_>| {
        Ok(Item {
            no: row.get(0)?,
            name: kind.name(row)?,
        })
    };
    match kind {
        Kind::Element(element) => many(db, sql, (after, limit, container, element), item),
        Kind::State => Ok(views::states(after, limit)),
        Kind::InState => match views::state_of(container) {
            Some(state) => many(db, views::in_state(state), (after, limit, state), item),
            None => Ok(Vec::new()),
        },
        Kind::Pool
        | Kind::Medium
        | Kind::Request
        | Kind::Outcome
        | Kind::Side
        | Kind::Owned
        | Kind::Located
        | Kind::LibraryRequest
        | Kind::LibraryOutcome => many(db, sql, (after, limit, container), item),
        Kind::Logical
        | Kind::Library
        | Kind::MediaType
        | Kind::Operator
        | Kind::AnyMedium
        | Kind::Barcode
        | Kind::PoolId
        | Kind::MediumId
        | Kind::SideId
        | Kind::LibraryId
        | Kind::Owner
        | Kind::Offline
        | Kind::Work => many(db, sql, (after, limit), item),
    }
}

/// Returns the entry of that name. Only the form that a listing shows is found: `1`, not `01`.
pub fn find(
    db: &Connection,
    kind: Kind,
    container: ObjectNo,
    name: &str,
) -> Result<Option<ObjectNo>> {
    match kind {
        Kind::Pool => Ok(read::pool_named(db, container, name)?.map(|pool| pool.no)),
        Kind::Medium => Ok(read::medium_named(db, name)?
            .filter(|medium| medium.pool == container)
            .map(|medium| medium.no)),
        Kind::Request | Kind::Outcome => {
            Ok(read::request_named(db, container, name)?.map(|request| request.no))
        }
        Kind::Side => Ok(read::side_lettered(db, container, name)?.map(|side| side.no)),
        Kind::Library => Ok(read::library_named(db, name)?.map(|library| library.no)),
        Kind::Element(element) => find_element(db, container, element, name),
        Kind::MediaType => Ok(read::media_type_named(db, name)?.map(|media_type| media_type.no)),
        Kind::Operator => match number(name) {
            Some(no) => Ok(read::operator(db, ObjectNo(no))?.map(|operator| operator.no)),
            None => Ok(None),
        },
        Kind::LibraryRequest | Kind::LibraryOutcome => {
            Ok(queue::named(db, container, name)?.map(|work| work.no))
        }
        Kind::Work => match number(name) {
            Some(no) => Ok(queue::work(db, ObjectNo(no))?.map(|work| work.no)),
            None => Ok(None),
        },
        Kind::AnyMedium => Ok(read::medium_named(db, name)?.map(|medium| medium.no)),
        Kind::Barcode => Ok(read::medium_coded(db, name)?.map(|medium| medium.no)),
        Kind::Logical => by_id(db, "SELECT no FROM logical WHERE id = ?1", name),
        Kind::PoolId => by_id(db, "SELECT no FROM pool WHERE id = ?1", name),
        Kind::MediumId => by_id(db, "SELECT no FROM medium WHERE id = ?1", name),
        Kind::SideId => by_id(db, "SELECT no FROM side WHERE id = ?1", name),
        Kind::LibraryId => by_id(db, "SELECT no FROM library WHERE id = ?1", name),
        Kind::State | Kind::InState | Kind::Owner | Kind::Owned | Kind::Located | Kind::Offline => {
            views::find(db, kind, container, name)
        }
    }
}

fn find_element(
    db: &Connection,
    library: ObjectNo,
    kind: ElementKind,
    name: &str,
) -> Result<Option<ObjectNo>> {
    match number(name).and_then(|number| u32::try_from(number).ok()) {
        Some(number) => Ok(read::element_at(db, library, kind, number)?.map(|element| element.no)),
        None => Ok(None),
    }
}

/// Reads a number in the form that a listing shows.
pub(super) fn number(name: &str) -> Option<i64> {
    name.parse()
        .ok()
        .filter(|number: &i64| number.to_string() == name)
}

/// Finds an object by an identifier in its canonical form.
fn by_id(db: &Connection, sql: &str, name: &str) -> Result<Option<ObjectNo>> {
    match Guid::parse(name) {
        Ok(id) if id.to_string() == name => one(db, sql, [id], |row| row.get(0)),
        Ok(_) | Err(_) => Ok(None),
    }
}

const OPERATORS_OPEN: &str = "SELECT no, command, message, state, pool, library, medium, element, request, uid, \
    submitted, modified, deadline, timed_out FROM operator WHERE state < 4 AND no > ?1 ORDER BY no LIMIT ?2";

/// Returns the open operator requests with numbers above `after`, oldest first.
pub fn operators_open(db: &Connection, after: ObjectNo, limit: u32) -> Result<Vec<Operator>> {
    many(db, OPERATORS_OPEN, (after, limit), operator_row)
}

/// Returns how many operator requests are open.
pub fn count_operators_open(db: &Connection) -> Result<i64> {
    let count = one(
        db,
        "SELECT count(*) FROM operator WHERE state < 4",
        [],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or(0))
}

const REQUESTS_WAITING: &str = "SELECT no FROM request WHERE state = 0 ORDER BY no LIMIT ?1";

/// Returns the waiting requests of all pools, oldest first.
pub fn requests_waiting(db: &Connection, limit: u32) -> Result<Vec<ObjectNo>> {
    many(db, REQUESTS_WAITING, [limit], |row| row.get(0))
}

const DELIVERY_UNKNOWN: &str =
    "SELECT no FROM logical WHERE delivery <> 0 AND delivery = 2 ORDER BY no LIMIT ?1";

/// Returns the logical media of which nobody knows whether their owners read the LMID.
pub fn delivery_unknown(db: &Connection, limit: u32) -> Result<Vec<ObjectNo>> {
    many(db, DELIVERY_UNKNOWN, [limit], |row| row.get(0))
}

const LIBRARIES_TROUBLED: &str =
    "SELECT no FROM library WHERE enabled = 1 AND state >= 20 ORDER BY no LIMIT ?1";

/// Returns the libraries that are in use and do not work.
pub fn libraries_troubled(db: &Connection, limit: u32) -> Result<Vec<ObjectNo>> {
    many(db, LIBRARIES_TROUBLED, [limit], |row| row.get(0))
}

const TALLY_BELOW: &str = "SELECT tally.state, standing, sum(sides) FROM pool \
    JOIN tally ON tally.pool = pool.no WHERE parent = ?1 AND sides <> 0 GROUP BY tally.state, standing";

/// Returns what [`read::tally`] would for all direct children of a pool together.
pub fn tally_below(db: &Connection, parent: ObjectNo) -> Result<Vec<(SideState, u32, i64)>> {
    many(db, TALLY_BELOW, [parent], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
}

const HEAD: &str = "SELECT seq, end, line FROM log WHERE seq = (SELECT max(seq) FROM log)";

/// Returns the last record of the log; `None` before the first.
pub fn head(db: &Connection) -> Result<Option<Head>> {
    one(db, HEAD, [], |row| {
        Ok(Head {
            seq: row.get(0)?,
            end: row.get(1)?,
            time: time_of(&row.get::<_, String>(2)?),
        })
    })
}

/// Returns the time in a record; a record without one counts as the oldest.
fn time_of(line: &str) -> Time {
    /// The part of a record that is read here.
    #[derive(serde::Deserialize)]
    struct Stamp {
        time: String,
    }
    let stamp = serde_json::from_str::<Stamp>(line)
        .ok()
        .and_then(|stamp| Time::parse(&stamp.time).ok());
    stamp.unwrap_or_default()
}

/// Returns the number of all sides, and of those that can be allocated now. Sums counters, one row a pool and state.
pub fn totals(db: &Connection) -> Result<(i64, i64)> {
    let sql = "SELECT COALESCE(SUM(sides), 0), \
               COALESCE(SUM(CASE WHEN state = 4 AND standing = 0 THEN sides END), 0) FROM tally";
    let found = one(db, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.unwrap_or_default())
}

/// Returns the same of a pool and all pools below it.
pub fn totals_below(db: &Connection, pool: ObjectNo) -> Result<(i64, i64)> {
    let sql = "WITH RECURSIVE below (no) AS (VALUES (?1) \
               UNION ALL SELECT pool.no FROM pool JOIN below ON pool.parent = below.no) \
               SELECT COALESCE(SUM(sides), 0), COALESCE(SUM(CASE WHEN state = 4 AND standing = 0 THEN sides END), 0) \
               FROM below JOIN tally ON tally.pool = below.no";
    let found = one(db, sql, [pool], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const ELEMENTS: [ElementKind; 3] = [ElementKind::Slot, ElementKind::Drive, ElementKind::Port];
    const KINDS: [Kind; 23] = [
        Kind::Pool,
        Kind::Medium,
        Kind::Request,
        Kind::Outcome,
        Kind::Side,
        Kind::Logical,
        Kind::Library,
        Kind::MediaType,
        Kind::Operator,
        Kind::AnyMedium,
        Kind::Barcode,
        Kind::PoolId,
        Kind::MediumId,
        Kind::SideId,
        Kind::LibraryId,
        Kind::InState,
        Kind::Owner,
        Kind::Owned,
        Kind::Located,
        Kind::Offline,
        Kind::LibraryRequest,
        Kind::LibraryOutcome,
        Kind::Work,
    ];

    fn empty() -> Connection {
        let mut db = Connection::open_in_memory().unwrap();
        super::super::migration::migrate(&mut db).unwrap();
        db
    }

    /// Asks the engine how it would run a statement.
    fn plan(db: &Connection, sql: &str) -> String {
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let unbound = vec![rusqlite::types::Null; statement.parameter_count()];
        let steps = statement
            .query_map(rusqlite::params_from_iter(unbound), |row| {
                row.get::<_, String>(3)
            })
            .unwrap();
        steps
            .collect::<rusqlite::Result<Vec<_>>>()
            .unwrap()
            .join("; ")
    }

    /// A statement may walk one row, or a partial index that holds nothing else than what is asked for.
    fn uses_an_index(plan: &str) -> bool {
        let walks = plan.split("; ").filter(|step| step.contains("SCAN"));
        walks
            .map(|step| step.trim_start_matches("SCAN "))
            // One row; one row a pool and state, for statfs; the owners or pools that were found; what failed, from the end of
            // its table; what waits, is open or stays alone.
            .all(|walk| {
                let few = [
                    "request_open",
                    "work_open",
                    "operator_open",
                    "logical_delivery",
                    "library_troubled",
                    "mounted_spare",
                ];
                matches!(walk, "catalog" | "tally" | "next" | "settings" | "failed" | "below" | "CONSTANT ROW")
                    || few.iter().any(|index| walk.ends_with(&format!("INDEX {index}")))
            })
    }

    /// The string literals of a source file outside of its tests, in order, each with what stands before it.
    fn literals(source: &str) -> Vec<(String, String)> {
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let code: Vec<&str> = source
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let code = code.join("\n");
        let mut parts = code.split('"');
        let mut out = Vec::new();
        while let (Some(before), Some(text)) = (parts.next(), parts.next()) {
            let text: Vec<&str> = text.split("\\\n").map(str::trim_start).collect();
            out.push((before.to_owned(), text.concat()));
        }
        out
    }

    /// The statements of read.rs: literals, and `concat!` of the columns of a macro and a literal.
    fn statements_of(source: &str) -> Vec<String> {
        let (mut macros, mut out) = (HashMap::new(), Vec::new());
        let mut defined = String::new();
        for (before, text) in literals(source) {
            if let Some((_, name)) = before.rsplit_once("macro_rules! ")
                && !name.contains("}\n}")
            {
                defined = name
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                macros.insert(defined.clone(), text);
            } else if let Some((_, used)) = before.rsplit_once("concat!(")
                && let Some((name, _)) = used.split_once("!()")
            {
                out.push(format!("{}{text}", macros[name.trim()]));
            } else if text.starts_with("SELECT") {
                out.push(text);
            }
        }
        assert!(!defined.is_empty(), "the columns are in macros");
        out
    }

    #[test]
    fn every_statement_uses_an_index() {
        let db = empty();
        let pages = KINDS.into_iter().chain(ELEMENTS.map(Kind::Element));
        let mut statements: Vec<String> = pages.map(|kind| kind.page_sql().to_owned()).collect();
        for source in [
            include_str!("list.rs"),
            include_str!("fact.rs"),
            include_str!("failure.rs"),
            include_str!("slots.rs"),
            include_str!("attribute.rs"),
            include_str!("medium_history.rs"),
            include_str!("media_type.rs"),
            include_str!("views.rs"),
        ] {
            let mine = literals(source).into_iter().map(|(_, text)| text);
            let asks = |text: &String| ["SELECT", "WITH"].iter().any(|word| text.starts_with(word));
            statements.extend(mine.filter(asks));
        }
        for order in [
            "allocations, idle_since, medium_name, ordinal",
            "medium_name, ordinal",
            "no",
        ] {
            let of_search = literals(include_str!("search.rs")).into_iter();
            let head = of_search
                .map(|(_, text)| text)
                .find(|text| text.starts_with("SELECT"));
            statements.push(format!("{}{order} LIMIT ?3", head.expect("the search")));
        }
        statements.extend(statements_of(include_str!("queue.rs")));
        let read = statements_of(include_str!("read.rs"));
        assert!(
            read.len() >= 20,
            "the statements of read.rs are found: {read:#?}"
        );
        statements.extend(read);
        for sql in statements {
            let plan = plan(&db, &sql);
            assert!(uses_an_index(&plan), "{sql}\n{plan}");
            let sorts = plan.contains("TEMP B-TREE") && sql.contains("standing = 0 ORDER");
            assert!(!sorts, "a search that sorts: {sql}\n{plan}");
        }
    }

    #[test]
    fn pages_do_not_sort() {
        let db = empty();
        for kind in KINDS.into_iter().chain(ELEMENTS.map(Kind::Element)) {
            let plan = plan(&db, kind.page_sql());
            assert!(!plan.contains("TEMP B-TREE"), "{kind:?}: {plan}");
        }
        let plan = plan(&db, Kind::Barcode.page_sql());
        assert!(
            plan.contains("medium_barcode"),
            "media without a bar code are not visited: {plan}"
        );
    }

    #[test]
    fn the_statements_of_a_source_are_found() {
        let source = "// \"no\"\nlet a = \"SELECT 1 \\\n   FROM x\";\n#[cfg(test)] \"no\"";
        let texts: Vec<String> = literals(source).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["SELECT 1 FROM x"]);
    }

    #[test]
    fn only_the_listed_form_of_a_number_is_found() {
        for (name, no) in [
            ("7", Some(7)),
            ("07", None),
            ("+7", None),
            ("-7", Some(-7)),
            ("x", None),
        ] {
            assert_eq!(number(name), no);
        }
    }

    #[test]
    fn the_time_of_a_record() {
        assert_eq!(
            time_of("{\"time\":\"1970-01-01T00:00:01.5Z\",\"x\":1}"),
            Time(1500)
        );
        assert_eq!(time_of("no record"), Time(0));
    }
}
