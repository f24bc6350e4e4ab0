//! `AllocateNtmsMedia`: who may ask, which side is taken, and why not (MS-RSMP 3.2.5.2.4.1).
//!
//! [`admit`] is what a write refuses at once; [`search`] is what an accepted request gives. The order of the checks
//! is part of the contract: the first that applies is the answer.

use super::Mint;
use crate::domain::access::{Caller, Right};
use crate::domain::allocate_request::{AllocateRequest, Options};
use crate::domain::change::{Allocation, RequestRecord};
use crate::domain::counts::Counts;
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::object::{Medium, Pool, Side};
use crate::domain::state::{PoolType, SideState};

/// A pool with its path and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolFacts {
    /// The pool.
    pub pool: Pool,
    /// Its path below `pools/`.
    pub path: String,
    /// Its sides by state.
    pub counts: Counts,
}

/// A medium with all its sides, and the pool it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediumFacts {
    /// The medium.
    pub medium: Medium,
    /// Its sides in order.
    pub sides: Vec<Side>,
    /// Its pool.
    pub pool: Pool,
    /// The path of that pool.
    pub path: String,
    /// Whether it is enabled, and so is the library it is in.
    pub enabled: bool,
}

impl MediumFacts {
    /// Refuses with [`ErrorKind::AccessDenied`] unless the caller has the right on the pool.
    pub fn demand(&self, caller: &Caller, right: Right) -> Result<()> {
        self.pool.access.demand(caller, right, &self.path)
    }

    /// Refuses with [`ErrorKind::Busy`] if a side is somebody's.
    pub fn demand_unheld(&self) -> Result<()> {
        match self.sides.iter().find(|side| side.state.is_held()) {
            None => Ok(()),
            Some(side) => Err(ErrorKind::Busy.because(format!(
                "side {} of medium \"{}\" is {}; deallocate it first",
                side.letter, self.medium.name, side.state
            ))),
        }
    }
}

/// One side of a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// The medium.
    pub medium: MediumFacts,
    /// The side.
    pub side: Side,
}

/// What a request names, after it was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The request names none.
    NotAsked,
    /// There is no such object.
    Unknown,
    /// It is this side.
    Side(Box<Pick>),
}

/// Everything that the search may look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The pool that was asked.
    pub pool: PoolFacts,
    /// The free pool of its media type, if there is one and the pool draws from it.
    pub free: Option<PoolFacts>,
    /// The side of `side=`.
    pub side: Lookup,
    /// The side behind the LMID of `media=`.
    pub media: Lookup,
    /// The best side of the pool, in the order of its `selection`.
    pub own: Option<Pick>,
    /// The best side of the free pool, if the pool has none.
    pub drawn: Option<Pick>,
}

/// What the search gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// This side, with the pool it is in now.
    Take(Box<Pick>),
    /// Nothing now; the request waits, and the sentence says why.
    Wait(Refusal),
}

/// Steps 3 and 4: the right first, then what kind of pool it is.
pub fn admit(pool: &Pool, caller: &Caller) -> Result<()> {
    pool.demand(caller, Right::Control)?;
    if pool.kind != PoolType::Application {
        return Err(ErrorKind::InvalidMediaPool.because(format!(
            "pool \"{}\" is a system pool; allocate from an application pool",
            pool.name
        )));
    }
    if pool.media_type.is_none() {
        return Err(ErrorKind::InvalidMediaPool.because(format!(
            "pool \"{}\" holds no media; write its media_type, or allocate from a pool in it",
            pool.name
        )));
    }
    Ok(())
}

/// Steps 5 to 8: the side to take, or why there is none. `may_wait` is false for a time-out of 0.
pub fn search(
    facts: &Facts,
    request: &AllocateRequest,
    caller: &Caller,
    may_wait: bool,
) -> Result<Verdict> {
    let taken = if request.options.contains(Options::NEXT) {
        next_side(facts)?
    } else if facts.side != Lookup::NotAsked {
        named_side(facts, request)?
    } else {
        match any_side(facts, caller)? {
            Some(pick) => pick,
            None => return nothing_found(facts, request, may_wait),
        }
    };
    demand_source(facts, &taken.medium, caller)?;
    Ok(Verdict::Take(Box::new(taken)))
}

/// Step 5: the first reserved side of a medium that was opened with `new`.
fn next_side(facts: &Facts) -> Result<Pick> {
    let invalid = |why: &str| ErrorKind::InvalidMedia.because(why);
    let found = match (&facts.media, &facts.side) {
        (Lookup::Unknown, _) => return Err(invalid("media= is no LMID of this catalog")),
        (_, Lookup::Unknown) => return Err(invalid("side= is no side of this catalog")),
        (Lookup::NotAsked, Lookup::NotAsked) => return Err(invalid("next needs media= or side=")),
        (Lookup::Side(media), Lookup::Side(side))
            if media.medium.medium.no != side.medium.medium.no =>
        {
            return Err(invalid("media= and side= are on different media"));
        }
        (Lookup::Side(found), _) | (Lookup::NotAsked, Lookup::Side(found)) => found,
    };
    let medium = &found.medium;
    let name = &medium.medium.name;
    if medium.pool.no != facts.pool.pool.no {
        return Err(invalid(&format!(
            "medium \"{name}\" is in pool {}, not in {}",
            medium.path, facts.pool.path
        )));
    }
    let opened = |side: &Side| side.in_set && side.state.is_owned();
    let named_opened = facts.media == Lookup::NotAsked || opened(&found.side);
    if !named_opened || !medium.sides.iter().any(opened) {
        return Err(invalid(&format!(
            "medium \"{name}\" was not opened with new"
        )));
    }
    demand_usable(medium)?;
    let reserved = |side: &&Side| side.state == SideState::Reserved;
    match medium.sides.iter().find(reserved) {
        Some(side) => Ok(Pick {
            medium: medium.clone(),
            side: side.clone(),
        }),
        None => Err(ErrorKind::MediaUnavailable
            .because(format!("all sides of medium \"{name}\" are taken"))),
    }
}

/// Step 6: exactly the side that was named, or the reason why it is unsuitable.
fn named_side(facts: &Facts, request: &AllocateRequest) -> Result<Pick> {
    let Lookup::Side(pick) = &facts.side else {
        return Err(ErrorKind::InvalidMedia.because("side= is no side of this catalog"));
    };
    let (medium, pool) = (&pick.medium, &facts.pool.pool);
    if pool.media_type.as_deref() != Some(medium.medium.media_type.as_str()) {
        return Err(ErrorKind::MediaIncompatible.because(format!(
            "medium \"{}\" is of type {}, pool {} holds {}",
            medium.medium.name,
            medium.medium.media_type,
            facts.pool.path,
            pool.media_type.as_deref().unwrap_or("pools")
        )));
    }
    demand_usable(medium)?;
    let state = pick.side.state;
    let own = medium.pool.no == pool.no;
    let suitable = match state {
        SideState::Available => {
            own || (pool.allocate_from_free && medium.pool.kind == PoolType::Free)
        }
        SideState::Import => own || medium.pool.kind == PoolType::Import,
        SideState::Unknown
        | SideState::Unprepared
        | SideState::Incompatible
        | SideState::Decommissioned
        | SideState::Allocated
        | SideState::Complete
        | SideState::Foreign
        | SideState::Reserved => false,
    };
    if let Some(until) = pick.side.rests_until {
        return Err(ErrorKind::MediaUnavailable.because(format!(
            "medium \"{}\" is in pool {}, and the side rests until {until}",
            medium.medium.name, medium.path
        )));
    }
    if !suitable {
        return Err(ErrorKind::MediaUnavailable.because(format!(
            "medium \"{}\" is in pool {}, and the side is {state}",
            medium.medium.name, medium.path
        )));
    }
    if request.options.contains(Options::NEW) {
        demand_whole(pick)?;
    }
    Ok(Pick::clone(pick))
}

/// `new` takes the whole medium: all other sides must be available.
fn demand_whole(pick: &Pick) -> Result<()> {
    let name = &pick.medium.medium.name;
    if pick.side.state == SideState::Import && pick.medium.sides.len() > 1 {
        return Err(ErrorKind::InvalidParameter.because(format!(
            "new with an import side: medium \"{name}\" has more sides, import each by itself"
        )));
    }
    let taken = |side: &&Side| side.state != SideState::Available || side.rests_until.is_some();
    let mut others = (pick.medium.sides.iter()).filter(|side| side.no != pick.side.no);
    let Some(other) = others.find(taken) else {
        return Ok(());
    };
    let is = match other.rests_until {
        Some(until) => format!("rests until {until}"),
        None => format!("is {}", other.state),
    };
    Err(ErrorKind::MediaUnavailable.because(format!(
        "new needs all sides: side {} of medium \"{name}\" {is}",
        other.letter
    )))
}

/// Step 7: a side of the pool, else one of the free pool.
fn any_side(facts: &Facts, caller: &Caller) -> Result<Option<Pick>> {
    if facts.own.is_some() || !facts.pool.pool.allocate_from_free {
        return Ok(facts.own.clone());
    }
    match &facts.free {
        None => Err(ErrorKind::DeviceNotAvailable.because(format!(
            "there is no free pool for {}: no library supports the type and no medium has it",
            facts.pool.pool.media_type.as_deref().unwrap_or("pools")
        ))),
        Some(free) => {
            free.pool.access.demand(caller, Right::Use, &free.path)?;
            Ok(facts.drawn.clone())
        }
    }
}

/// Step 8: fail at once, or wait.
fn nothing_found(facts: &Facts, request: &AllocateRequest, may_wait: bool) -> Result<Verdict> {
    let refusal = ErrorKind::MediaUnavailable.because(shortage(facts, request));
    if may_wait && !request.options.contains(Options::ERROR_IF_UNAVAILABLE) {
        return Ok(Verdict::Wait(refusal));
    }
    Err(refusal)
}

/// Says with numbers what was searched, and what would help.
fn shortage(facts: &Facts, request: &AllocateRequest) -> String {
    let pool = &facts.pool;
    let media_type = pool.pool.media_type.as_deref().unwrap_or("pools");
    let whole = if request.options.contains(Options::NEW) {
        " with all sides available"
    } else {
        ""
    };
    let free = facts.free.as_ref().map_or_else(String::new, |free| {
        let counts = free.counts.sentence();
        format!(", none in {} ({counts} of its sides)", free.path)
    });
    let any = |count: fn(&Counts) -> i64| {
        let free = facts.free.as_ref().map(|free| count(&free.counts));
        count(&pool.counts) + free.unwrap_or(0) > 0
    };
    let help = if any(Counts::offline) {
        "put offline media into a library (an inventory finds them, or import with slot=) or deallocate"
    } else if any(Counts::disabled) {
        "enable media or the library that are disabled, bring new media or deallocate"
    } else if any(Counts::resting) {
        "wait until sides have rested, bring new media or deallocate"
    } else if pool.pool.allocate_from_free {
        "bring new media or deallocate"
    } else {
        "bring new media, deallocate, or write 1 to allocate_from_free"
    };
    let counts = pool.counts.sentence();
    format!(
        "no {media_type} medium{whole} in pool {} ({counts} of its sides){free}; {help}",
        pool.path
    )
}

/// A medium that is disabled or on a shelf cannot be allocated.
fn demand_usable(medium: &MediumFacts) -> Result<()> {
    let name = &medium.medium.name;
    if !medium.enabled {
        return Err(ErrorKind::ResourceDisabled.because(format!("medium \"{name}\" is disabled")));
    }
    if !medium.medium.is_online() {
        return Err(ErrorKind::MediaOffline.because(format!("medium \"{name}\" is offline")));
    }
    Ok(())
}

/// Product behaviour note 30: what comes from the free pool needs USE there, what comes from any other needs CONTROL.
fn demand_source(facts: &Facts, medium: &MediumFacts, caller: &Caller) -> Result<()> {
    if medium.pool.no == facts.pool.pool.no {
        return Ok(());
    }
    let right = if medium.pool.kind == PoolType::Free {
        Right::Use
    } else {
        Right::Control
    };
    medium.demand(caller, right)
}

/// Step 9: the event of a success.
pub fn allocation(
    pick: Pick,
    request: &AllocateRequest,
    record: RequestRecord,
    mint: &impl Mint,
) -> Allocation {
    let new = request.options.contains(Options::NEW);
    let next = request.options.contains(Options::NEXT);
    let MediumFacts {
        medium,
        sides,
        pool,
        path,
        ..
    } = pick.medium;
    let side = pick.side;
    let others = sides.iter().filter(|s| s.no != side.no);
    Allocation {
        result: String::new(),
        logical: mint.thing(),
        side: side.thing(),
        medium: medium.thing(),
        medium_name: medium.name,
        drawn_from: (pool.no != record.pool.no).then_some(pool.no),
        from_pool: pool.id,
        from_path: path,
        reserved: if new {
            others.map(|s| s.no).collect()
        } else {
            Vec::new()
        },
        was: side.state,
        in_set: new || next,
        name: request.name.clone().unwrap_or_default(),
        description: request.description.clone().unwrap_or_default(),
        request: record,
    }
}
