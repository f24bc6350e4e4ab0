//! The log: every event as one line of JSON, in a chain that shows tampering.
//!
//! Invariants: sequence numbers have no gap; `end` is the offset of the byte after the line's newline, so the log is
//! a file that grows; the chain of a record is SHA-256 of the chain before it and its line, the checksum is CRC-32 of
//! the line alone.

use super::failed;
use super::statement::{many, one};
use crate::domain::access::Caller;
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::event::{Event, VERSION};
use crate::domain::history::Digest;
pub use crate::domain::history::Head;
use crate::domain::name::printable;
use crate::domain::time::Time;
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// One record, as read back from its line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Record {
    /// Sequence number, from 1.
    pub seq: i64,
    /// When it happened.
    #[serde(deserialize_with = "instant")]
    pub time: Time,
    /// Who did it.
    pub by: Caller,
    /// Version of the format.
    pub v: u32,
    /// What happened.
    pub detail: Event,
}

/// The fields of a line, in their order.
#[derive(Serialize)]
struct Line<'a> {
    seq: i64,
    time: String,
    object: &'a str,
    id: &'a str,
    operation: &'a str,
    by: &'a Caller,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a str>,
    detail: &'a Event,
    v: u32,
}

fn instant<'de, D: serde::Deserializer<'de>>(text: D) -> std::result::Result<Time, D::Error> {
    let text = String::deserialize(text)?;
    Time::parse(&text).map_err(|refusal| serde::de::Error::custom(refusal.sentence))
}

fn place(row: &Row<'_>) -> rusqlite::Result<Head> {
    Ok(Head {
        seq: row.get(0)?,
        end: row.get(1)?,
        chain: row.get(2)?,
    })
}

/// Returns the end of the log.
pub fn head(db: &Connection) -> Result<Head> {
    let sql = "SELECT seq, end, chain FROM log ORDER BY seq DESC LIMIT 1";
    Ok(one(db, sql, [], place)?.unwrap_or_default())
}

/// Returns where the history begins: after the last record that is in an archive.
pub fn begin(db: &Connection) -> Result<Head> {
    let sql = "SELECT seq, end, chain FROM archive WHERE no = 1";
    Ok(one(db, sql, [], place)?.unwrap_or_default())
}

/// Returns where the log begins: after the record as of which the checkpoint is.
pub fn folded(db: &Connection) -> Result<Head> {
    let sql = "SELECT folded, folded_end, folded_chain FROM archive WHERE no = 1";
    Ok(one(db, sql, [], place)?.unwrap_or_default())
}

/// Returns where a record ends, if the log has it.
pub fn at(db: &Connection, seq: i64) -> Result<Option<Head>> {
    one(
        db,
        "SELECT seq, end, chain FROM log WHERE seq = ?1",
        [seq],
        place,
    )
}

/// Appends an event and returns the new end.
pub(super) fn append(
    db: &Connection,
    head: Head,
    event: &Event,
    by: &Caller,
    time: Time,
) -> Result<Head> {
    let headline = event.headline();
    let seq = head.seq + 1;
    let line = Line {
        seq,
        time: time.to_string(),
        object: headline.object,
        id: &headline.id,
        operation: headline.operation,
        by,
        request: headline.request.as_deref(),
        result: headline.result.as_deref(),
        detail: event,
        v: VERSION,
    };
    let line = serde_json::to_string(&line)
        .map_err(|e| ErrorKind::DatabaseFailure.because(e.to_string()))?;
    let line = one_line(&line);
    let next = next(&head, &line);
    let sql = "INSERT INTO log (seq, end, line, checksum, chain) SELECT ?1, ?2, ?3, ?4, ?5 \
               WHERE coalesce((SELECT max(seq) FROM log), 0) = ?1 - 1";
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let added = statement
        .execute((seq, next.end, &line, checksum(&line), next.chain))
        .map_err(failed)?;
    if added == 1 {
        Ok(next)
    } else {
        Err(ErrorKind::DatabaseFailure.because(format!("record {seq} does not follow the log")))
    }
}

/// Escapes what JSON leaves as it is and a terminal would obey: control characters beyond ASCII, ends of lines, and what
/// turns the direction of writing. They occur in texts only, so the line means the same.
fn one_line(line: &str) -> String {
    if printable(line) == line {
        return line.to_owned();
    }
    let mut out = String::with_capacity(line.len() + 16);
    let mut text = [0; 4];
    for c in line.chars() {
        let shown = c.encode_utf8(&mut text);
        if printable(shown) == *shown {
            out.push(c);
        } else {
            out.extend(format!("\\u{:04x}", u32::from(c)).chars());
        }
    }
    out
}

/// The chain of a record: SHA-256 of the chain before and the line.
fn link(before: &Digest, line: &str) -> Digest {
    let both = Sha256::new().chain_update(before.0).chain_update(line);
    Digest(both.finalize().into())
}

/// Returns where a line ends that is written after a record.
pub(super) fn next(head: &Head, line: &str) -> Head {
    Head {
        seq: head.seq + 1,
        end: head.end + i64::try_from(line.len()).unwrap_or(i64::MAX) + 1,
        chain: link(&head.chain, line),
    }
}

fn checksum(line: &str) -> i64 {
    i64::from(crc32fast::hash(line.as_bytes()))
}

/// Returns the sequence number of the oldest record that is kept; of the next one if there is none.
pub fn first(db: &Connection) -> Result<i64> {
    Ok(begin(db)?.seq + 1)
}

/// The refusal of what is in an archive.
pub(super) fn gone(begin: &Head) -> Refusal {
    ErrorKind::ObjectNotFound.because(format!(
        "what comes next is in an archive; the oldest record kept is {}",
        begin.seq + 1
    ))
}

/// Returns the lines after a sequence number with their newlines, and the last sequence number of them: none if there
/// are none, and no more than it takes to have `bytes` bytes. If the next is in an archive, that is refused with
/// [`ErrorKind::ObjectNotFound`].
pub fn after(db: &Connection, seq: i64, bytes: usize) -> Result<(i64, Vec<u8>)> {
    let begin = begin(db)?;
    if seq < begin.seq {
        return Err(gone(&begin));
    }
    let sql = "SELECT seq, line, checksum FROM log WHERE seq > ?1 ORDER BY seq";
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query([seq]).map_err(failed)?;
    let (mut last, mut out) = (seq, Vec::new());
    while out.len() < bytes {
        let Some(row) = rows.next().map_err(failed)? else {
            break;
        };
        let get = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (seq, line, sum) = get(row).map_err(failed)?;
        out.extend(sound(seq, line, sum)?.into_bytes());
        out.push(b'\n');
        last = seq;
    }
    Ok((last, out))
}

/// Returns the lines after a sequence number, at most `limit`, with their sequence numbers. A line whose checksum does
/// not fit is refused with [`ErrorKind::DatabaseFailure`], never served.
pub fn lines(db: &Connection, after: i64, limit: u32) -> Result<Vec<(i64, String)>> {
    let sql = "SELECT seq, line, checksum FROM log WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let rows = many(db, sql, (after, limit), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    rows.into_iter()
        .map(|(seq, line, sum)| sound(seq, line, sum).map(|line| (seq, line)))
        .collect()
}

pub(super) fn sound(seq: i64, line: String, sum: i64) -> Result<String> {
    if checksum(&line) == sum {
        return Ok(line);
    }
    Err(ErrorKind::DatabaseFailure.because(format!(
        "record {seq} of the log is damaged; run ntmsfs check"
    )))
}

/// Returns up to `size` bytes of the log as a file, from `offset`, which counts from the first record ever. What is in an
/// archive is refused with [`ErrorKind::ObjectNotFound`].
pub fn bytes(db: &Connection, offset: i64, size: usize) -> Result<Vec<u8>> {
    let (begin, head) = (begin(db)?, head(db)?);
    let mut out = Vec::new();
    if offset < begin.end {
        return Err(gone(&begin));
    }
    if offset >= head.end {
        return Ok(out);
    }
    let mut seq = record_at(db, offset, (begin.seq + 1, head.seq))?;
    let before = at(db, seq - 1)?.unwrap_or(begin);
    let mut skip = offset - before.end;
    while out.len() < size {
        let Some((_, line)) = lines(db, seq - 1, 1)?.pop() else {
            break;
        };
        let from = usize::try_from(skip).unwrap_or(0);
        out.extend(
            line.bytes()
                .chain([b'\n'])
                .skip(from)
                .take(size - out.len()),
        );
        (seq, skip) = (seq + 1, 0);
    }
    Ok(out)
}

/// Finds the record that holds the byte at `offset`: offsets grow with sequence numbers.
fn record_at(db: &Connection, offset: i64, (mut low, mut high): (i64, i64)) -> Result<i64> {
    while low < high {
        let middle = low + (high - low) / 2;
        if at(db, middle)?.is_some_and(|record| record.end > offset) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

/// Reads a line back. A later format is refused.
pub fn parse(line: &str) -> Result<Record> {
    let record: Record = serde_json::from_str(line).map_err(|e| {
        ErrorKind::DatabaseFailure.because(format!("a record of the log cannot be read: {e}"))
    })?;
    if record.v > VERSION {
        return Err(
            ErrorKind::DatabaseFailure.because(format!("record {} has a later format", record.seq))
        );
    }
    Ok(record)
}

/// Walks the whole log in order and hands every record on, with the bytes of its line; the first record that breaks the sequence, the offsets, the
/// checksum or the chain is refused.
pub fn walk(db: &Connection, mut each: impl FnMut(Record, usize) -> Result<()>) -> Result<Head> {
    let from = folded(db)?;
    let oldest: Option<i64> = one(db, "SELECT min(seq) FROM log", [], |row| row.get(0))?;
    if let Some(seq) = oldest.filter(|seq| *seq <= from.seq) {
        return Err(broken(seq));
    }
    follow(db, from, |record, bytes, _| {
        each(record, bytes).map(|()| true)
    })
}

/// Walks the log from a place on, as long as `each` says to go on; it is given every record with the bytes of its line and
/// where it ends. Returns where it stopped.
pub(super) fn follow(
    db: &Connection,
    from: Head,
    mut each: impl FnMut(Record, usize, Head) -> Result<bool>,
) -> Result<Head> {
    let mut head = from;
    let mut statement = db
        .prepare_cached(
            "SELECT seq, end, chain, line, checksum FROM log WHERE seq > ?1 ORDER BY seq",
        )
        .map_err(failed)?;
    let mut rows = statement.query([from.seq]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let stored = place(row).map_err(failed)?;
        let get = |row: &Row<'_>| Ok((row.get(3)?, row.get(4)?));
        let (line, sum) = get(row).map_err(failed)?;
        let line = sound(stored.seq, line, sum)?;
        if stored != next(&head, &line) {
            return Err(broken(stored.seq));
        }
        head = stored;
        if !each(parse(&line)?, line.len(), head)? {
            break;
        }
    }
    Ok(head)
}

fn broken(seq: i64) -> Refusal {
    ErrorKind::DatabaseFailure.because(format!("the chain of the log breaks at record {seq}"))
}

#[cfg(test)]
mod tests {
    use super::super::migration::migrate;
    use super::*;
    use crate::domain::id::ObjectNo;
    use proptest::prelude::*;

    /// A log of records whose lines have these lengths and more.
    fn log(lengths: &[usize]) -> (Connection, String) {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db).unwrap();
        let mut head = Head::default();
        for (n, length) in lengths.iter().enumerate() {
            let no = ObjectNo(i64::try_from(n).unwrap());
            let name = "\u{e4}b\"\n".chars().cycle().take(*length).collect();
            let event = Event::TypeRemoved { no, name };
            head = append(
                &db,
                head,
                &event,
                &Caller::daemon(),
                Time(1_900_000_000_000),
            )
            .unwrap();
        }
        assert_eq!(super::head(&db), Ok(head));
        let whole = lines(&db, 0, 1000).unwrap();
        let whole: String = whole.into_iter().map(|(_, line)| line + "\n").collect();
        assert_eq!(head.end, i64::try_from(whole.len()).unwrap());
        (db, whole)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_part_of_the_log_is_that_part_of_its_lines(
            lengths in prop::collection::vec(0..400_usize, 0..30),
            parts in prop::collection::vec((-3..15_000_i64, 0..9000_usize), 40),
        ) {
            let (db, whole) = log(&lengths);
            let end = i64::try_from(whole.len()).unwrap();
            let edges = lines(&db, 0, 1000).unwrap();
            let edges = edges.iter().scan(0, |at, (_, line)| {
                *at += i64::try_from(line.len()).unwrap() + 1;
                Some(*at)
            });
            let near = edges.flat_map(|edge| [(edge - 1, 1), (edge, 2), (edge - 2, 5000)]);
            let whole_parts = [(0, 1 << 20), (end, 1), (end - 1, 9), (0, 0), (i64::MAX, 1), (i64::MIN, 1)];
            for (offset, size) in parts.into_iter().chain(near).chain(whole_parts) {
                let expected: &[u8] = match usize::try_from(offset) {
                    Ok(from) if from < whole.len() => {
                        &whole.as_bytes()[from..whole.len().min(from + size)]
                    }
                    _ => &[],
                };
                if offset < 0 {
                    prop_assert!(bytes(&db, offset, size).is_err());
                    continue;
                }
                prop_assert_eq!(bytes(&db, offset, size).unwrap(), expected, "{} {}", offset, size);
            }
        }

        /// A bit of a line, a checksum, an end or a chain: nothing that changed is believed.
        #[test]
        fn a_flipped_bit_is_refused(at in 0..4_i64, byte in 0..4000_usize, bit in 0..7_u32) {
            let (db, _) = log(&[10, 300, 5, 80]);
            let seq = at + 1;
            let sql = "SELECT line FROM log WHERE seq = ?1";
            let line: String = db.query_row(sql, [seq], |row| row.get(0)).unwrap();
            let mut flipped = line.into_bytes();
            let byte = byte % flipped.len();
            flipped[byte] ^= 1 << bit;
            let sql = "UPDATE log SET line = CAST(?2 AS TEXT) WHERE seq = ?1";
            db.execute(sql, (seq, flipped)).unwrap();
            prop_assert!(lines(&db, 0, 10).is_err());
            prop_assert_eq!(lines(&db, 0, 10 - 10).unwrap().len(), 0);
            prop_assert!(bytes(&db, 0, 1 << 20).is_err());
            prop_assert!(walk(&db, |_, _| Ok(())).is_err());
        }
    }

    fn refused(sql: &str) -> Refusal {
        let (db, _) = log(&[10, 20, 30, 40]);
        db.execute_batch(sql).unwrap();
        walk(&db, |_, _| Ok(())).unwrap_err()
    }

    proptest! {
        #[test]
        fn a_text_cannot_forge_a_line(text in any::<String>(), name in "[a\n\r\u{85}\u{9b}\u{2028}\u{202e}\"\\\\]{0,20}") {
            for text in [text, name] {
                let mut db = Connection::open_in_memory().unwrap();
                migrate(&mut db).unwrap();
                let event = Event::TypeRemoved { no: ObjectNo(7), name: text };
                append(&db, Head::default(), &event, &Caller::daemon(), Time(0)).unwrap();
                let (_, line) = lines(&db, 0, 1).unwrap().remove(0);
                prop_assert_eq!(printable(&line), line.clone());
                prop_assert_eq!(parse(&line).unwrap().detail, event);
            }
        }
    }

    #[test]
    fn what_is_fetched_has_a_bound() {
        let (db, whole) = log(&[10, 300, 5, 80]);
        let lines: Vec<&str> = whole.split_inclusive('\n').collect();
        let part = |from: usize, to: usize| lines[from..to].concat().into_bytes();
        let first_line = lines[0].len();
        assert_eq!(after(&db, 0, 1), Ok((1, part(0, 1))));
        assert_eq!(after(&db, 0, first_line + 1), Ok((2, part(0, 2))));
        assert_eq!(after(&db, 2, 1 << 20), Ok((4, part(2, 4))));
        assert_eq!(after(&db, 4, 1 << 20), Ok((4, Vec::new())));
        assert_eq!(first(&db), Ok(1));
    }

    #[test]
    fn a_break_of_the_chain_names_its_record() {
        for (sql, record) in [
            ("UPDATE log SET chain = zeroblob(32) WHERE seq = 2", 2),
            ("UPDATE log SET end = end - 1 WHERE seq = 3", 3),
            ("DELETE FROM log WHERE seq = 2", 3),
            ("UPDATE log SET seq = 9 WHERE seq = 4", 9),
            ("UPDATE log SET checksum = checksum + 1 WHERE seq = 1", 1),
        ] {
            let refusal = refused(sql);
            assert_eq!(refusal.kind, ErrorKind::DatabaseFailure, "{sql}");
            let words = format!("record {record}");
            assert!(refusal.sentence.contains(&words), "{sql}: {refusal}");
        }
    }

    /// Whoever changes a line and its checksum still breaks the chain.
    #[test]
    fn a_line_that_was_replaced_with_care_is_found() {
        let (db, _) = log(&[10, 20, 30]);
        let line: String = db
            .query_row("SELECT line FROM log WHERE seq = 2", [], |row| row.get(0))
            .unwrap();
        let forged = line.replace("\"no\":1", "\"no\":7");
        assert_ne!(forged, line);
        let sql = "UPDATE log SET line = ?1, checksum = ?2 WHERE seq = 2";
        db.execute(sql, (&forged, checksum(&forged))).unwrap();
        assert_eq!(
            lines(&db, 0, 10).unwrap().len(),
            3,
            "each line for itself is sound"
        );
        let refusal = walk(&db, |_, _| Ok(())).unwrap_err();
        assert!(refusal.sentence.contains("record 2"), "{refusal}");
    }

    #[test]
    fn a_record_is_read_back_and_a_later_format_refused() {
        let (db, _) = log(&[3]);
        let (seq, line) = lines(&db, 0, 1).unwrap().remove(0);
        let record = parse(&line).unwrap();
        assert_eq!(
            (record.seq, record.v, record.by),
            (seq, VERSION, Caller::daemon())
        );
        let later = line.replace("\"v\":1", "\"v\":2");
        assert!(parse(&later).unwrap_err().sentence.contains("later format"));
    }
}
