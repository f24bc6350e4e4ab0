//! After a change: the pools that have fewer sides available than they want draw from free, or ask a person.

use super::supply::{pool_of, pool_of_side};
use super::turn::Turn;
use crate::domain::access::Caller;
use crate::domain::change::MediumChange;
use crate::domain::error::Result;
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::object::Pool;
use crate::domain::rule::Mint as _;
use crate::domain::rule::want::{Verdict, decide};
use crate::domain::state::{OperatorState, PoolType};
use crate::store::{fact, read};
use std::collections::BTreeSet;

/// Looks at the pools that the events since `from` have touched.
pub(super) fn keep(turn: &mut Turn<'_>, from: usize) -> Result<()> {
    let mut touched = BTreeSet::new();
    for event in &turn.since(from) {
        touched.extend(pools_of(turn, event)?);
    }
    let mut wanting = BTreeSet::new();
    for no in touched {
        wanting.extend(wanting_on(turn, no)?);
    }
    wanting.into_iter().try_for_each(|no| settle(turn, no))
}

/// The pools of which an event may have changed the number of sides available, or what they want.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "few events change how many sides are available, and a new one has to be thought of here"
)]
fn pools_of(turn: &Turn<'_>, event: &Event) -> Result<Vec<ObjectNo>> {
    let db = turn.writer.db();
    match event {
        Event::Allocated { allocation } => Ok(vec![allocation.request.pool.no]),
        Event::Deallocated { deallocation } => {
            let to = deallocation.to_free;
            Ok(to.into_iter().chain([deallocation.pool.no]).collect())
        }
        Event::MediumCreated { medium } => Ok(vec![medium.pool]),
        Event::MediumMoved { from, to, .. } => Ok(vec![*from, *to]),
        Event::MediumChanged {
            medium,
            change: MediumChange::Enabled(_) | MediumChange::Location { .. },
        } => pool_of(turn, medium.no),
        Event::SideChanged { side, .. } | Event::SideRested { side } => pool_of_side(turn, side.no),
        Event::LibraryChanged { library, .. } => fact::pools_in(db, library.no),
        Event::PoolChanged { pool, .. } => Ok(vec![pool.no]),
        Event::OperatorChanged {
            no,
            state: Some(OperatorState::Complete),
        } => Ok(read::operator(db, *no)?
            .and_then(|asked| asked.pool)
            .into_iter()
            .collect()),
        _ => Ok(Vec::new()),
    }
}

/// The pools to look at: itself if it wants any, or those that a free pool can help.
fn wanting_on(turn: &Turn<'_>, no: ObjectNo) -> Result<Vec<ObjectNo>> {
    let db = turn.writer.db();
    match read::pool(db, no)? {
        Some(Pool {
            kind: PoolType::Free,
            media_type: Some(media_type),
            ..
        }) => read::pools_wanting(db, &media_type),
        Some(pool) if pool.want_available > 0 || pool.want_operator.is_some() => Ok(vec![no]),
        _ => Ok(Vec::new()),
    }
}

/// Does for one pool what it needs. It is the daemon's doing, whoever caused it.
fn settle(turn: &mut Turn<'_>, no: ObjectNo) -> Result<()> {
    let daemon = Caller::daemon();
    loop {
        let facts = fact::want(turn.writer.db(), no)?;
        let event = match decide(&facts) {
            Verdict::Rest => return Ok(()),
            Verdict::Draw(event) => {
                turn.writer.record(*event, &daemon, turn.now)?;
                continue;
            }
            Verdict::Close(no) => Event::OperatorChanged { no, state: None },
            // Nobody would answer.
            Verdict::Ask(_) if !read::settings(turn.writer.db())?.attended => return Ok(()),
            Verdict::Ask(message) => Event::MediaWanted {
                no: turn.numbers.number(),
                pool: facts.pool.pool.thing(),
                message,
            },
        };
        return turn.writer.record(event, &daemon, turn.now);
    }
}
