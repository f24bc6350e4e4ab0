//! `want_available`: how a pool keeps as many sides available as it wants. No method of the protocol; a thermostat around
//! `MoveToNtmsMediaPool` and `SubmitNtmsOperatorRequest`.
//!
//! Invariant: a pool has at most one request to a person for this, however often its number falls.

use super::allocate::{MediumFacts, PoolFacts};
use crate::domain::access::{Caller, Right};
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::object::Pool;
use crate::domain::state::SideState;

/// The most that a pool may want: so many media are drawn in one transaction.
pub const WANT_MAX: u32 = 1000;

/// What the thermostat looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The pool.
    pub pool: PoolFacts,
    /// The free pool of its type, if there is one and the pool draws from it.
    pub free: Option<Pool>,
    /// The medium that an allocation would draw from there.
    pub drawn: Option<MediumFacts>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: there are enough, or a person was asked already.
    Rest,
    /// The medium is drawn; look again.
    Draw(Box<Event>),
    /// There are enough: the request to a person goes.
    Close(ObjectNo),
    /// A person is to be asked, with this sentence.
    Ask(String),
}

/// Returns what a pool needs now. It draws with the rights of its owner and its group, as an allocation of theirs would.
pub fn decide(facts: &Facts) -> Verdict {
    let PoolFacts { pool, path, counts } = &facts.pool;
    let Some(media_type) = &pool.media_type else {
        return pool.want_operator.map_or(Verdict::Rest, Verdict::Close);
    };
    let have = counts.usable(SideState::Available);
    if have >= i64::from(pool.want_available) {
        return pool.want_operator.map_or(Verdict::Rest, Verdict::Close);
    }
    let owner = Caller {
        uid: pool.access.uid,
        gid: pool.access.gid,
        ..Caller::daemon()
    };
    let open = facts
        .free
        .as_ref()
        .is_some_and(|free| pool.allocate_from_free && free.access.permits(&owner, Right::Use));
    if let Some(drawn) = facts.drawn.as_ref().filter(|_| open) {
        return Verdict::Draw(Box::new(moved(drawn, pool)));
    }
    if pool.want_operator.is_some() {
        return Verdict::Rest;
    }
    Verdict::Ask(format!(
        "bring {media_type} media for pool {path}: it wants {} sides available and has {}",
        pool.want_available,
        counts.sentence()
    ))
}

fn moved(drawn: &MediumFacts, to: &Pool) -> Event {
    Event::MediumMoved {
        medium: drawn.medium.thing(),
        name: drawn.medium.name.clone(),
        from: drawn.pool.no,
        to: to.no,
        sides: drawn.sides.iter().map(|s| (s.no, s.state)).collect(),
    }
}
