//! Attributes that users gave objects: every function is one indexed query.

use super::statement::{many, one};
use super::{fact, queue, read};
use crate::domain::attribute::Holder;
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::rule::attribute::Facts;
use rusqlite::Connection;

/// Returns the value of an attribute.
pub fn value(db: &Connection, object: ObjectNo, name: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT value FROM attribute WHERE object = ?1 AND name = ?2";
    one(db, sql, (object, name), |row| row.get(0))
}

/// Returns the names of the attributes of an object, in order.
pub fn names(db: &Connection, object: ObjectNo) -> Result<Vec<String>> {
    let sql = "SELECT name FROM attribute WHERE object = ?1 ORDER BY name";
    many(db, sql, [object], |row| row.get(0))
}

/// Loads what setting an attribute looks at; refused if the object is gone.
pub fn facts(db: &Connection, of: Holder, name: &str) -> Result<Facts> {
    let sql = "SELECT coalesce(sum(octet_length(name) + octet_length(value)), 0), \
               coalesce(sum(octet_length(name) + 1), 0) FROM attribute WHERE object = ?1 AND name <> ?2";
    let room = one(db, sql, (of.no(), name), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    let (others, others_listed) = room.unwrap_or_default();
    let bytes = |count: i64| usize::try_from(count).unwrap_or(usize::MAX);
    let (kind, id) = of.named();
    let mut facts = Facts {
        of,
        shown: format!("{kind} {id}"),
        access: None,
        owner: None,
        value: value(db, of.no(), name)?,
        others: bytes(others),
        others_listed: bytes(others_listed),
    };
    rights(db, &mut facts)?;
    Ok(facts)
}

/// Finds whose rights hold for the object.
fn rights(db: &Connection, facts: &mut Facts) -> Result<()> {
    let no = facts.of.no();
    match facts.of {
        Holder::Computer(_) => {}
        Holder::Pool(_) => {
            let pool = fact::pool(db, no)?;
            (facts.access, facts.shown) = (Some(pool.access), pool.name);
        }
        Holder::Medium(_) => {
            let medium = fact::medium_of(db, no)?;
            (facts.access, facts.shown) = (Some(medium.pool.access), medium.medium.name);
        }
        Holder::Side(_) => {
            let side = fact::found(read::side(db, no)?, "side")?;
            let medium = fact::medium_of(db, side.medium)?;
            facts.access = Some(medium.pool.access);
            facts.shown = format!("{}/{}", medium.medium.name, side.letter);
        }
        Holder::Logical(_) => {
            let logical = fact::found(read::logical(db, no)?, "logical medium")?;
            facts.access = Some(fact::pool(db, logical.pool)?.access);
            facts.owner = Some(logical.owner);
        }
        Holder::Library(_) => {
            let library = fact::found(read::library(db, no)?, "library")?;
            (facts.access, facts.shown) = (Some(library.access), library.name);
        }
        Holder::Slot(_) | Holder::Drive(_) | Holder::Port(_) => {
            let element = fact::found(read::element(db, no)?, "part of a library")?;
            let library = fact::found(read::library(db, element.library)?, "library")?;
            facts.access = Some(library.access);
        }
        Holder::MediaType(_) => {
            facts.shown = fact::found(read::media_type(db, no)?, "media type")?.name;
        }
        Holder::Operator(_) => {
            fact::found(read::operator(db, no)?, "operator request")?;
        }
        Holder::Work(_) => {
            fact::found(queue::work(db, no)?, "work")?;
        }
    }
    Ok(())
}
