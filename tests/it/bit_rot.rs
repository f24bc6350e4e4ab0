//! Bits that turn over on the disk: what they change is found, refused, or changes no answer.

use crate::catalog_check::full;
use crate::harness::random::Random;
use crate::harness::world::{folder, rounds};
use ntmsfs::manager::check;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// All that a catalog says: every row of every table.
fn dump(path: &Path) -> rusqlite::Result<Vec<(String, Vec<Value>)>> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let names: Vec<String> = db
        .prepare(names)?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut out = Vec::new();
    for name in names {
        let mut all = db.prepare(&format!("SELECT * FROM \"{name}\" NOT INDEXED"))?;
        let columns = all.column_count();
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let values: rusqlite::Result<Vec<Value>> = (0..columns).map(|at| row.get(at)).collect();
            out.push((name.clone(), values?));
        }
    }
    Ok(out)
}

/// Whether the engine by itself finds nothing.
fn engine_is_content(path: &Path) -> bool {
    let look = || {
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
    };
    look().is_ok_and(|found| found == "ok")
}

#[test]
fn a_bit_that_turned_over_gives_no_wrong_answer() {
    println!("{}", turned_over(&full().into_bytes()));
}

/// The same of a catalog whose oldest records are in archives, some of them only in the checkpoint.
#[test]
fn a_bit_of_a_checkpoint_that_turned_over_gives_no_wrong_answer() {
    let mut world = full();
    world.archive(30);
    world.fold();
    world.archive(40);
    println!("{}", turned_over(&world.into_bytes()));
}

fn turned_over(bytes: &[u8]) -> String {
    let folder = folder();
    let path = folder.path().join("catalog");
    std::fs::write(&path, bytes).expect("a catalog");
    let whole = dump(&path).expect("a sound catalog");
    assert_eq!(check(&path, &[]).expect("a check").problems, [""; 0]);
    let mut random = Random(20_310_203);
    let (mut found, mut harmless, mut silent_without) = (0, 0, 0);
    for round in 0..rounds(100, 1_000) {
        let mut rotten = bytes.to_vec();
        let bit = random.turn_over(&mut rotten);
        std::fs::write(&path, &rotten).expect("a catalog");
        let same = dump(&path).as_ref() == Ok(&whole);
        let content = engine_is_content(&path);
        let clean = check(&path, &[]).is_ok_and(|found| found.problems.is_empty());
        assert!(
            !clean || same,
            "round {round}: bit {bit} changes an answer and is not found"
        );
        silent_without += u64::from(content && !same);
        *(if clean { &mut harmless } else { &mut found }) += 1;
    }
    assert!(
        found > 0 && silent_without > 0,
        "the bits are not in what is read"
    );
    format!(
        "{found} found, {harmless} without effect; the engine alone would have missed {silent_without}"
    )
}
