//! `DeallocateNtmsMedia`, `SetNtmsMediaComplete`, `DecommissionNtmsMedia` (MS-RSMP 3.2.5.2.4.2, .4, .5).

use super::allocate::{MediumFacts, PoolFacts};
use crate::domain::access::{Caller, Right};
use crate::domain::ask::SetLogical;
use crate::domain::change::{Deallocation, LogicalChange, Swap, Thing};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::object::{Logical, Side};
use crate::domain::state::{PoolType, SideState};
use crate::domain::time::{Span, Time};

/// What giving back a side looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What is given back.
    pub logical: Logical,
    /// Its medium, with the pool.
    pub medium: MediumFacts,
    /// The free pool of the type, if there is one.
    pub free: Option<PoolFacts>,
    /// The pool that the medium came from, if it still is there.
    pub origin: Option<ObjectNo>,
}

impl Facts {
    /// Refuses whoever is neither the owner, while he has USE, nor has that right.
    fn demand(&self, caller: &Caller, right: Right) -> Result<()> {
        let owner = caller.uid == self.logical.owner;
        if owner && self.medium.pool.access.permits(caller, Right::Use) {
            return Ok(());
        }
        self.medium.demand(caller, right)
    }

    fn side(&self) -> Result<&Side> {
        let mut sides = self.medium.sides.iter();
        let side = sides.find(|side| side.no == self.logical.side);
        side.ok_or_else(|| {
            ErrorKind::DatabaseFailure.because(format!("LMID {} has no side", self.logical.id))
        })
    }
}

/// Gives a side back. The owner may while he has USE, and whoever has CONTROL of the pool.
pub fn deallocate(facts: &Facts, caller: &Caller, now: Time) -> Result<Deallocation> {
    facts.demand(caller, Right::Control)?;
    let deallocation = give_back(facts, Some(now))?;
    if let (Some(_), Some(free)) = (deallocation.to_free, &facts.free) {
        free.pool.access.demand(caller, Right::Use, &free.path)?;
    }
    Ok(deallocation)
}

/// Undoes an allocation whose identifier nobody has read, unless another side of the medium is owned by then.
pub fn undo(facts: &Facts) -> Result<Option<Deallocation>> {
    let others = facts
        .medium
        .sides
        .iter()
        .any(|s| s.no != facts.logical.side && s.state.is_owned());
    if others {
        Ok(None)
    } else {
        give_back(facts, None).map(Some)
    }
}

/// Without an instant it is undone. A side rests as long as its pool says, unless nobody can have used it, and wherever its
/// medium goes.
fn give_back(facts: &Facts, now: Option<Time>) -> Result<Deallocation> {
    let undone = now.is_none();
    let MediumFacts {
        medium,
        sides,
        pool,
        ..
    } = &facts.medium;
    let side = facts.side()?;
    let spent = pool.max_allocates > 0 && side.allocations >= i64::from(pool.max_allocates);
    let others = || sides.iter().filter(|s| s.no != side.no);
    let last = !others().any(|s| s.state.is_owned());
    let state = match (undone, spent) {
        // Whoever it was reserved for is gone by now.
        (true, _) if last && facts.logical.was == SideState::Reserved => SideState::Available,
        (true, _) => facts.logical.was,
        (false, true) => SideState::Decommissioned,
        (false, false) => SideState::Available,
    };
    let delay = pool.reuse_delay;
    let rests = state == SideState::Available && delay > Span::default();
    let rests_until = now.filter(|_| rests).map(|now| Time(now.0 + delay.0));
    let reserved = others().filter(|s| last && s.state == SideState::Reserved);
    Ok(Deallocation {
        logical: facts.logical.thing(),
        side: side.thing(),
        medium: medium.thing(),
        medium_name: medium.name.clone(),
        pool: pool.thing(),
        state,
        freed: reserved.map(|s| s.no).collect(),
        to_free: return_to(facts, others(), undone),
        undone,
        rests_until,
    })
}

/// The pool that the medium goes to: when undone the one it came from, else the free pool if the pool says so and nothing
/// on the medium is anybody's. A side that was never imported still carries somebody's data, so such a medium stays.
fn return_to<'a>(
    facts: &Facts,
    mut others: impl Iterator<Item = &'a Side>,
    undone: bool,
) -> Option<ObjectNo> {
    let pool = &facts.medium.pool;
    if undone {
        return facts.origin.filter(|origin| *origin != pool.no);
    }
    let kept =
        |s: &Side| s.state.is_owned() || matches!(s.state, SideState::Import | SideState::Foreign);
    let free = facts.free.as_ref()?;
    let wanted = pool.deallocate_to_free && pool.kind == PoolType::Application;
    (wanted && !others.any(kept)).then_some(free.pool.no)
}

/// Changes a logical medium: its owner may while he has USE, and whoever has MODIFY; the state needs CONTROL.
pub fn change(facts: &Facts, wanted: &SetLogical, caller: &Caller) -> Result<Event> {
    let change = match wanted {
        SetLogical::State(word) if word == "complete" => return complete(facts, caller),
        SetLogical::State(word) => {
            return Err(ErrorKind::InvalidState.because(format!(
                "\"{word}\": the only state that can be written is complete; rmdir gives the medium back"
            )));
        }
        SetLogical::Name(name) => LogicalChange::Name(name.clone()),
        SetLogical::Description(text) => LogicalChange::Description(text.clone()),
        SetLogical::Label(label) => LogicalChange::Labelled {
            side: facts.logical.side,
            label: label.clone(),
        },
    };
    facts.demand(caller, Right::Modify)?;
    Ok(Event::LogicalChanged {
        logical: facts.logical.thing(),
        change,
    })
}

/// Exchanges the sides of two logical media of one pool (reference 6.3). `other` is `None` if there is no such LMID.
pub fn swap(facts: &Facts, other: Option<&Facts>, caller: &Caller) -> Result<Event> {
    facts.demand(caller, Right::Modify)?;
    let invalid = |why: &str| ErrorKind::InvalidMedia.because(why);
    let other = other.ok_or_else(|| invalid("that is no LMID of this catalog"))?;
    if other.logical.no == facts.logical.no {
        return Err(invalid("a logical medium cannot be swapped with itself"));
    }
    other.demand(caller, Right::Modify)?;
    if other.medium.pool.no != facts.medium.pool.no {
        return Err(ErrorKind::InvalidMediaPool.because(format!(
            "LMID {} is in pool {}, LMID {} in {}; only media of one pool are swapped",
            facts.logical.id, facts.medium.path, other.logical.id, other.medium.path
        )));
    }
    Ok(Event::Swapped {
        swap: Box::new(Swap {
            logical: facts.logical.thing(),
            side: allocated(other)?,
            other: other.logical.thing(),
            other_side: allocated(facts)?,
        }),
    })
}

/// The side of a logical medium, which must not be complete.
fn allocated(facts: &Facts) -> Result<Thing> {
    let side = facts.side()?;
    if side.state == SideState::Allocated {
        return Ok(side.thing());
    }
    Err(ErrorKind::InvalidState.because(format!(
        "LMID {} is {}; only what is allocated is swapped",
        facts.logical.id, side.state
    )))
}

/// No more writing: an allocated side becomes complete.
fn complete(facts: &Facts, caller: &Caller) -> Result<Event> {
    facts.medium.demand(caller, Right::Control)?;
    let side = facts.side()?;
    if side.state != SideState::Allocated {
        return Err(ErrorKind::InvalidState
            .because(format!("LMID {} is complete already", facts.logical.id)));
    }
    Ok(Event::LogicalChanged {
        logical: facts.logical.thing(),
        change: LogicalChange::Completed { side: side.no },
    })
}

/// End of life: only an available side.
pub fn decommission(
    medium: &MediumFacts,
    side: &Side,
    state: SideState,
    caller: &Caller,
) -> Result<Event> {
    medium.demand(caller, Right::Control)?;
    let name = format!("side {} of medium \"{}\"", side.letter, medium.medium.name);
    if state != SideState::Decommissioned {
        return Err(ErrorKind::InvalidState.because(format!(
            "{name} is {}; the only state that can be written is decommissioned",
            side.state
        )));
    }
    if side.state != SideState::Available {
        return Err(ErrorKind::InvalidState.because(format!(
            "{name} is {}; only an available side is decommissioned",
            side.state
        )));
    }
    Ok(Event::SideChanged {
        side: side.thing(),
        state,
    })
}
