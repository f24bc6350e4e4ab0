//! Attributes that users give objects.

use crate::domain::attribute::Holder;
use crate::domain::error::Result;
use crate::domain::time::Time;
use crate::store::statement::run;
use rusqlite::Connection;

/// Sets an attribute, or removes it if there is no value; the object has changed by it. It counts for `uid`.
pub(super) fn change(
    db: &Connection,
    of: Holder,
    name: &str,
    (value, uid): (Option<&[u8]>, u32),
    time: Time,
) -> Result<()> {
    let no = of.no();
    match value {
        Some(value) => {
            let sql = "INSERT INTO attribute (object, name, value, uid) VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT (object, name) DO UPDATE SET value = ?3, uid = ?4";
            run(db, sql, (no, name, value, uid))?;
        }
        None => run(
            db,
            "DELETE FROM attribute WHERE object = ?1 AND name = ?2",
            (no, name),
        )?,
    }
    let sql = match of {
        Holder::Computer(_) => return Ok(()),
        Holder::Pool(_) => "UPDATE pool SET modified = ?2, kept = 1 WHERE no = ?1",
        Holder::Medium(_) => "UPDATE medium SET modified = ?2 WHERE no = ?1",
        Holder::Side(_) => "UPDATE side SET modified = ?2 WHERE no = ?1",
        Holder::Logical(_) => "UPDATE logical SET modified = ?2 WHERE no = ?1",
        Holder::Library(_) => "UPDATE library SET modified = ?2 WHERE no = ?1",
        Holder::Slot(_) | Holder::Drive(_) | Holder::Port(_) => {
            "UPDATE element SET modified = ?2 WHERE no = ?1"
        }
        Holder::MediaType(_) => "UPDATE media_type SET modified = ?2 WHERE no = ?1",
        Holder::Operator(_) => "UPDATE operator SET modified = ?2 WHERE no = ?1",
        Holder::Work(_) => "UPDATE work SET modified = ?2 WHERE no = ?1",
    };
    run(db, sql, (no, time))
}
