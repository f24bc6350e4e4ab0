//! The checks of a catalog: a sound one passes, and every rule can fail.

use crate::harness::world::{World, root};
use ntmsfs::domain::ask::{Ask, SetPool};
use ntmsfs::domain::id::CATALOG;
use ntmsfs::manager::Durability;
use ntmsfs::manager::Faults;
use ntmsfs::store::check;
use ntmsfs::store::write::Writer;

/// A catalog in which there is something of everything.
pub(crate) fn full() -> World {
    let mut world = World::new();
    world.library("jukebox", "MO-5.25", 4);
    let pool = world.pool(CATALOG, "Backup", "MO-5.25");
    let group = world.pool(CATALOG, "Group", "");
    world.pool(group, "Daily", "LTO-8");
    world.set(pool, SetPool::AllocateFromFree(true));
    let free = world.leaf("Free", "MO-5.25");
    world.import(free, "m1 slot=jukebox/1");
    world.import(pool, "m2");
    world.take(pool, "new");
    world
        .submit(&root(), pool, "timeout=0", Some("failed"))
        .expect("a result");
    world.wait(pool, "new", Some("named"));
    world.wait(pool, "", None);
    world
}

/// How to break each rule: words of the finding, and the statement.
const BREAKS: &[(&str, &str)] = &[
    (
        "an attribute is that of an object that exists",
        "INSERT INTO attribute VALUES (77777, 'user.a', x'00', 0)",
    ),
    ("the catalog is one object", "DELETE FROM catalog"),
    ("a side has a logical medium exactly", "DELETE FROM logical"),
    (
        "a side has a logical medium exactly",
        "UPDATE side SET state = 4, in_set = 0 WHERE state = 5",
    ),
    (
        "an LMID has exactly one side",
        "UPDATE logical SET side = 99",
    ),
    (
        "a reserved side has an owned sibling",
        "UPDATE side SET state = 3, in_set = 0 WHERE state = 5",
    ),
    (
        "only an owned side belongs to a set",
        "UPDATE side SET in_set = 1 WHERE state = 9",
    ),
    (
        "all sides of a medium are in its pool",
        "UPDATE side SET pool = pool + 1 WHERE ordinal = 1",
    ),
    (
        "unbroken row",
        "DELETE FROM side WHERE ordinal = 0 AND state = 4",
    ),
    ("unbroken row", "DELETE FROM side WHERE state = 4"),
    (
        "counts equal what counting gives",
        "UPDATE tally SET sides = sides + 1 WHERE sides > 0",
    ),
    ("counts equal what counting gives", "DELETE FROM tally"),
    (
        "counts equal what counting gives",
        "INSERT INTO tally VALUES (77, 4, 0, 1)",
    ),
    (
        "what a user has of a quota equals what counting gives",
        "UPDATE held SET amount = amount + 1",
    ),
    (
        "what a user has of a quota equals what counting gives",
        "INSERT INTO held VALUES (77, 'names', 1)",
    ),
    (
        "carries the name of its medium",
        "UPDATE medium SET name = 'other' WHERE name = 'm1'",
    ),
    (
        "whether its medium can be used",
        "UPDATE medium SET enabled = 0",
    ),
    (
        "whether its medium can be used",
        "UPDATE library SET enabled = 0",
    ),
    (
        "what the other sides are",
        "UPDATE side SET share = 0 WHERE share = 1",
    ),
    (
        "what the other sides are",
        "UPDATE side SET share = 2 WHERE share = 0",
    ),
    (
        "in the library of that slot",
        "UPDATE medium SET library = NULL",
    ),
    (
        "in the library of that slot",
        "UPDATE medium SET slot = (SELECT no FROM element WHERE kind = 5) WHERE slot IS NOT NULL",
    ),
    (
        "of the type of its pool",
        "UPDATE medium SET media_type = 'LTO-8' WHERE name = 'm1'",
    ),
    (
        "of the type of its pool",
        "UPDATE medium SET pool = (SELECT no FROM pool WHERE name = 'Group') WHERE name = 'm1'",
    ),
    (
        "a pool holds media or pools",
        "UPDATE pool SET media_type = 'LTO-8' WHERE name = 'Group'",
    ),
    (
        "every pool is below pools/",
        "UPDATE pool SET parent = no WHERE name = 'Daily'",
    ),
    (
        "of the kind of the pool above it",
        "UPDATE pool SET kind = 1 WHERE name = 'Daily'",
    ),
    (
        "one leaf in each system pool",
        "UPDATE pool SET kind = 1 WHERE media_type = 'MO-5.25'",
    ),
    ("its own open operator request", "DELETE FROM operator"),
    (
        "its own open operator request",
        "UPDATE operator SET state = 5",
    ),
    (
        "its own open operator request",
        "UPDATE request SET operator = (SELECT max(operator) FROM request)",
    ),
    ("belongs to a waiting request", "DELETE FROM request"),
    (
        "a waiting request has no result",
        "UPDATE request SET result = 'x'",
    ),
    (
        "a finished request has a name and a result",
        "UPDATE request SET result = ''",
    ),
    (
        "a finished request has a name and a result",
        "UPDATE request SET name = NULL",
    ),
    (
        "given out once, below the ceiling",
        "UPDATE catalog SET ceiling = 40",
    ),
    (
        "given out once, below the ceiling",
        "UPDATE request SET no = (SELECT no FROM logical) WHERE name = 'named'",
    ),
    (
        "has its result when it has ended",
        "UPDATE work SET state = 0",
    ),
    (
        "in a drive of the library",
        "INSERT INTO mounted (drive, library, medium, side, state, uid, writes, modified) \
         SELECT slot, library, no, 0, 2, 0, 0, 0 FROM medium WHERE slot IS NOT NULL",
    ),
    (
        "a drive serves one library request at a time",
        "INSERT INTO work (no, library, kind, queued, drive) SELECT no + 900, library, 17, 0, 5 FROM work \
         UNION ALL SELECT no + 950, library, 17, 0, 5 FROM work",
    ),
    (
        "reference is to an object that exists",
        "UPDATE pool SET media_type = 'none' WHERE name = 'Daily'",
    ),
];

#[test]
fn a_sound_catalog_passes_and_every_rule_can_fail() {
    let world = full();
    world.sound();
    let db = world.db();
    db.execute_batch("PRAGMA foreign_keys=OFF").unwrap();
    for (words, sql) in BREAKS {
        db.execute_batch("BEGIN").unwrap();
        let changed = db.execute(sql, []).unwrap();
        assert!(changed > 0, "{sql} changes nothing");
        let found = check::invariants(db).unwrap();
        assert!(
            found.iter().any(|line| line.contains(words)),
            "{sql}: {found:?}"
        );
        assert!(
            !check::rebuilt(db).unwrap().is_empty(),
            "{sql}: the log does not know of it"
        );
        assert!(check::demand(&found).is_err());
        db.execute_batch("ROLLBACK").unwrap();
    }
    world.sound();
}

#[test]
fn a_table_is_compared_with_the_log_in_both_directions() {
    let world = full();
    let db = world.db();
    db.execute_batch("PRAGMA foreign_keys=OFF").unwrap();
    let breaks = [
        "DELETE FROM work",
        "INSERT INTO work (no, library, kind, queued) VALUES (5000, 1, 8, 0)",
        "UPDATE pool SET description = 'x' WHERE name = 'Daily'",
        "UPDATE side SET idle_since = idle_since + 1",
        "UPDATE library SET modified = 0",
        "UPDATE media_type SET sides = 2 WHERE name = 'LTO-1'",
        "UPDATE element SET number = 9 WHERE number = 4",
        "UPDATE operator SET message = ''",
        "UPDATE logical SET owner = 7",
        "CREATE TABLE more (no INTEGER PRIMARY KEY)",
    ];
    for sql in breaks {
        db.execute_batch("BEGIN").unwrap();
        db.execute_batch(sql).unwrap();
        assert!(!check::rebuilt(db).unwrap().is_empty(), "{sql}");
        assert_eq!(check::chain(db), Ok(()), "{sql}");
        db.execute_batch("ROLLBACK").unwrap();
    }
}

#[test]
fn a_changed_record_is_found() {
    let world = full();
    let db = world.db();
    let breaks = [
        "UPDATE log SET line = replace(line, 'm2', 'm3') WHERE line LIKE '%m2%'",
        "UPDATE log SET checksum = checksum + 1 WHERE seq = 3",
        "UPDATE log SET chain = zeroblob(32) WHERE seq = 3",
        "UPDATE log SET end = end + 1 WHERE seq = 3",
        "DELETE FROM log WHERE seq = 3",
        "DELETE FROM log WHERE seq = 1",
        "UPDATE log SET seq = 9999 WHERE seq = 4",
    ];
    for sql in breaks {
        db.execute_batch("BEGIN").unwrap();
        assert!(db.execute(sql, []).unwrap() > 0, "{sql}");
        assert!(check::chain(db).is_err(), "{sql}");
        assert!(check::rebuilt(db).is_err(), "{sql}");
        db.execute_batch("ROLLBACK").unwrap();
    }
}

#[test]
fn a_catalog_of_a_later_version_is_refused() {
    let world = full();
    let path = world.path();
    world
        .db()
        .pragma_update(None, "user_version", 1000)
        .unwrap();
    let opened = Writer::open(&path, Durability::None, Faults::default());
    assert!(opened.unwrap_err().sentence.contains("newer program"));
    let checked = ntmsfs::manager::check(&path, &[]);
    assert!(checked.unwrap_err().sentence.contains("newer program"));
}

#[test]
fn what_was_removed_is_gone_from_the_checks_too() {
    let mut world = full();
    let no = world.medium("m2").no;
    world.done(Ask::RemoveMedium { no });
    world.sound();
}
