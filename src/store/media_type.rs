//! Loads what the rules on types of media look at.

use super::statement::{any, many};
use super::{fact, read};
use crate::domain::driver::Driver;
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::object::Library;
use crate::domain::rule::allocate::MediumFacts;
use crate::domain::rule::media_type::{PoolOfType, RetypeFacts, TypeFacts};
use crate::domain::state::PoolType;
use rusqlite::Connection;

/// Loads a media type and what uses it. Costs as much as there are pools of the type and libraries.
pub fn uses(db: &Connection, no: ObjectNo) -> Result<TypeFacts> {
    let media_type = fact::found(read::media_type(db, no)?, "media type")?;
    let mut pools = Vec::new();
    for pool in fact::pools_of_type(db, &media_type.name)? {
        let any = |sql| any(db, sql, [pool.no]);
        pools.push(PoolOfType {
            has_media: any("SELECT 1 FROM medium WHERE pool = ?1 LIMIT 1")?,
            asked: any("SELECT 1 FROM operator WHERE pool = ?1 AND state < 4 LIMIT 1")?,
            pool,
        });
    }
    let sql = "SELECT name, driver FROM library WHERE no > ?1 ORDER BY no";
    let libraries: Vec<(String, String)> =
        many(db, sql, [0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let names_it = |driver: &str| {
        Driver::parse(driver).is_ok_and(|driver| driver.shape().media_type == media_type.name)
    };
    let library = libraries
        .into_iter()
        .find(|(_, driver)| names_it(driver))
        .map(|(name, _)| name);
    Ok(TypeFacts {
        media_type,
        pools,
        library,
    })
}

/// Returns the types of which a leaf of a system pool could vanish: no medium is of the type, and no application pool is for
/// it. Whether a library names it is not asked.
pub fn idle(db: &Connection) -> Result<Vec<ObjectNo>> {
    let sql = "SELECT DISTINCT media_type.no FROM pool JOIN media_type ON media_type.name = pool.media_type \
               WHERE pool.kind IN (1, 2, 3) AND pool.kept = 0 \
               AND NOT EXISTS (SELECT 1 FROM pool AS other WHERE other.kind = 1000 AND other.media_type = pool.media_type) \
               AND NOT EXISTS (SELECT 1 FROM pool AS other JOIN medium ON medium.pool = other.no \
               WHERE other.media_type = pool.media_type)";
    many(db, sql, [], |row| row.get(0))
}

/// Loads what giving a medium another type looks at.
pub fn retype(db: &Connection, medium: MediumFacts, wanted: &str) -> Result<RetypeFacts> {
    let kind = medium.pool.kind;
    let to = if kind == PoolType::Application {
        None
    } else {
        read::system_pool(db, kind, wanted)?
    };
    let to = to
        .map(|to| read::pool_path(db, &to).map(|path| (to, path)))
        .transpose()?;
    let library = medium
        .medium
        .library
        .map_or(Ok(None), |no| read::library(db, no))?
        .and_then(takes);
    Ok(RetypeFacts {
        medium,
        media_type: read::media_type_named(db, wanted)?,
        to,
        library,
    })
}

/// The name of a library and the type of media that its driver takes.
fn takes(library: Library) -> Option<(String, String)> {
    let driver = Driver::parse(&library.driver).ok()?;
    Some((library.name, driver.shape().media_type.to_owned()))
}
