//! After a change: which waiting requests it could satisfy, and trying them, oldest first.
//!
//! A pool has two kinds of waiting requests, with and without `new`. When the oldest of a kind finds nothing, no other
//! of that kind and pool can, so a change costs at most one vain search a pool and kind.

use super::allocating;
use super::turn::Turn;
use super::want;
use crate::domain::change::{LibraryChange, MediumChange, PoolChange};
use crate::domain::error::Result;
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::object::Pool;
use crate::domain::state::{PoolType, SideState};
use crate::store::{fact, read};
use std::collections::BTreeSet;

/// Does what the events since `from` call for, and what that calls for: waiting requests come before what pools want. It
/// ends, because each step uses up something that is available.
pub(super) fn settle(turn: &mut Turn<'_>, mut from: usize) -> Result<()> {
    loop {
        retry_waiting(turn, from)?;
        let end = turn.writer.events().len();
        want::keep(turn, from)?;
        if turn.writer.events().len() == end {
            return Ok(());
        }
        from = end;
    }
}

/// Tries the waiting requests that the events since `from` could satisfy.
fn retry_waiting(turn: &mut Turn<'_>, from: usize) -> Result<()> {
    let mut pools = BTreeSet::new();
    for event in &turn.since(from) {
        for pool in supplied(turn, event)? {
            pools.extend(drawing_on(turn, pool)?);
        }
    }
    let mut heads = Vec::new();
    for pool in pools {
        for whole in [false, true] {
            let oldest = fact::oldest_waiting(turn.writer.db(), pool, whole, ObjectNo(0))?;
            heads.extend(oldest.map(|no| (no, pool, whole)));
        }
    }
    while let Some(&(no, pool, whole)) = heads.iter().min() {
        heads.retain(|head| *head != (no, pool, whole));
        if allocating::retry(turn, no)?.is_none() {
            let next = fact::oldest_waiting(turn.writer.db(), pool, whole, no)?;
            heads.extend(next.map(|no| (no, pool, whole)));
        }
    }
    Ok(())
}

/// The pool that a medium is in; none if it is gone.
pub(super) fn pool_of(turn: &Turn<'_>, medium: ObjectNo) -> Result<Vec<ObjectNo>> {
    let medium = read::medium(turn.writer.db(), medium)?;
    Ok(medium.map(|medium| medium.pool).into_iter().collect())
}

/// The pool that the medium of a side is in; none if it is gone.
pub(super) fn pool_of_side(turn: &Turn<'_>, side: ObjectNo) -> Result<Vec<ObjectNo>> {
    match read::side(turn.writer.db(), side)? {
        Some(side) => pool_of(turn, side.medium),
        None => Ok(Vec::new()),
    }
}

/// The pools that may have more to give, or whose rules changed.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "few events bring media, and a new one has to be thought of here"
)]
fn supplied(turn: &Turn<'_>, event: &Event) -> Result<Vec<ObjectNo>> {
    let db = turn.writer.db();
    match event {
        Event::MediumCreated { medium } if medium.state == SideState::Available => {
            Ok(vec![medium.pool])
        }
        Event::MediumMoved { to, .. } => Ok(vec![*to]),
        Event::MediumChanged {
            medium,
            change: MediumChange::Location { .. } | MediumChange::Enabled(true),
        } => pool_of(turn, medium.no),
        Event::SideRested { side } => pool_of_side(turn, side.no),
        Event::Deallocated { deallocation } => {
            Ok(vec![deallocation.to_free.unwrap_or(deallocation.pool.no)])
        }
        Event::LibraryChanged {
            library,
            change: LibraryChange::Enabled(true),
        } => fact::pools_in(db, library.no),
        Event::PoolChanged {
            pool,
            change: PoolChange::AllocateFromFree(true) | PoolChange::MediaType(_),
        } => Ok(vec![pool.no]),
        _ => Ok(Vec::new()),
    }
}

/// The application pools that take from a pool: itself, or those that draw from a free pool.
fn drawing_on(turn: &Turn<'_>, no: ObjectNo) -> Result<Vec<ObjectNo>> {
    let db = turn.writer.db();
    match read::pool(db, no)? {
        Some(Pool {
            kind: PoolType::Free,
            media_type: Some(media_type),
            ..
        }) => Ok(read::pools_drawing(db, &media_type)?
            .into_iter()
            .map(|pool| pool.no)
            .collect()),
        Some(Pool {
            kind: PoolType::Application,
            ..
        }) => Ok(vec![no]),
        _ => Ok(Vec::new()),
    }
}
