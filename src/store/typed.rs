//! Loads what the rules on types of media look at.

use super::{fact, read};
use crate::domain::driver::Driver;
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::noun::{Library, Medium};
use crate::domain::rule::allocate::MediumFacts;
use crate::domain::rule::media_type::{RetypeFacts, TypeFacts};
use crate::domain::state::PoolType;
use rusqlite::Connection;

/// Loads a media type and what uses it. Costs as much as there are pools of the type and libraries.
pub fn uses(db: &Connection, no: ObjectNo) -> Result<TypeFacts> {
    let media_type = fact::found(read::media_type(db, no)?, "media type")?;
    let mut pools = Vec::new();
    for pool in fact::pools_of_type(db, &media_type.name)? {
        let content = fact::found(fact::pool_content(db, pool.no)?, "pool")?;
        pools.push((pool, content.has_media));
    }
    let sql = "SELECT name, driver FROM library WHERE no > ?1 ORDER BY no";
    let libraries: Vec<(String, String)> =
        read::many(db, sql, [0], |row| Ok((row.get(0)?, row.get(1)?)))?;
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

/// Returns the media that were found with a bar code which another one had.
pub fn twins(db: &Connection, code: &str) -> Result<Vec<Medium>> {
    let sql = "SELECT no FROM medium WHERE twin = ?1 ORDER BY no";
    let numbers: Vec<ObjectNo> = read::many(db, sql, [code], |row| row.get(0))?;
    let media: Result<Vec<_>> = numbers.into_iter().map(|no| read::medium(db, no)).collect();
    Ok(media?.into_iter().flatten().collect())
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
        .map(|no| read::library(db, no))
        .transpose()?
        .flatten()
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
