//! Types of media: what a type is, and which type a medium is of (MS-RSMP 3.2.5.2.4.16, .18; reference sections 5.4, 6.5).

use super::allocate::MediumFacts;
use super::medium::move_right;
use crate::domain::access::{Access, Caller, Right};
use crate::domain::ask::SetType;
use crate::domain::change::{MediumChange, TypeChange};
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::event::Event;
use crate::domain::import::SIDES_MAX;
use crate::domain::object::{MediaType, Pool};
use crate::domain::state::PoolType;

/// Whether media of a type can be written again.
pub const READ_WRITE: [&str; 3] = ["rewritable", "write-once", "read-only"];

/// `types/` is root's.
const TYPES: Access = Access::of_root(0o755, 0o644);

/// The refusal of a name that no media type has.
pub(super) fn unknown(name: &str) -> Refusal {
    ErrorKind::InvalidMedia.because(format!("\"{name}\" is no media type; see types/"))
}

/// Refuses whoever may not change `types/`.
pub fn demand_types(caller: &Caller) -> Result<()> {
    TYPES.demand(caller, Right::Modify, "types")
}

/// A media type and what uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeFacts {
    /// The type.
    pub media_type: MediaType,
    /// The pools of that type.
    pub pools: Vec<PoolOfType>,
    /// A library whose driver names it.
    pub library: Option<String>,
}

/// A pool for media of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolOfType {
    /// The pool.
    pub pool: Pool,
    /// Whether there are media in it.
    pub has_media: bool,
    /// Whether a request to a person that is open concerns it.
    pub asked: bool,
}

impl PoolOfType {
    /// The removal of the pool.
    fn removed(&self) -> Event {
        Event::PoolRemoved {
            pool: self.pool.thing(),
            name: self.pool.name.clone(),
        }
    }
}

/// Refuses with [`ErrorKind::NotEmpty`] if the type is used: by an application pool, by media, by the driver of a library.
pub fn demand_unused(facts: &TypeFacts) -> Result<()> {
    let name = &facts.media_type.name;
    let used = |of: &&PoolOfType| of.has_media || of.pool.kind == PoolType::Application;
    if let Some(of) = facts.pools.iter().find(used) {
        return Err(ErrorKind::NotEmpty.because(format!(
            "pool \"{}\" is for media of type {name}, or holds some",
            of.pool.name
        )));
    }
    match &facts.library {
        Some(library) => Err(ErrorKind::NotEmpty.because(format!(
            "the driver of library \"{library}\" names type {name}"
        ))),
        None => Ok(()),
    }
}

/// Removes a type that nothing uses, with the leaves of the system pools.
pub fn remove(facts: &TypeFacts, caller: &Caller) -> Result<Vec<Event>> {
    demand_types(caller)?;
    demand_unused(facts)?;
    let MediaType { no, name, .. } = &facts.media_type;
    let gone = Event::TypeRemoved {
        no: *no,
        name: name.clone(),
    };
    let leaves = facts.pools.iter().map(PoolOfType::removed);
    Ok(leaves.chain([gone]).collect())
}

/// The leaves of the system pools that vanish because nothing uses their type any more. One that a person made or changed
/// stays, since its rights are somebody's decision, and so does one that an open request to a person concerns.
pub fn vanish(facts: &TypeFacts) -> Vec<Event> {
    if demand_unused(facts).is_err() {
        return Vec::new();
    }
    let idle = facts.pools.iter().filter(|of| !of.pool.kept && !of.asked);
    idle.map(PoolOfType::removed).collect()
}

/// Changes what a type is, while nothing uses it. What is so already changes nothing.
pub fn set(facts: &TypeFacts, wanted: &SetType, caller: &Caller) -> Result<Option<Event>> {
    demand_types(caller)?;
    let old = &facts.media_type;
    let change = match wanted {
        SetType::Sides(sides) if *sides == old.sides => return Ok(None),
        SetType::ReadWrite(word) if *word == old.read_write => return Ok(None),
        SetType::Description(text) if *text == old.description => return Ok(None),
        SetType::Sides(sides) if !(1..=SIDES_MAX).contains(sides) => {
            return Err(ErrorKind::InvalidParameter
                .because(format!("a medium has 1 to {SIDES_MAX} sides, not {sides}")));
        }
        SetType::ReadWrite(word) if !READ_WRITE.contains(&word.as_str()) => {
            return Err(ErrorKind::InvalidParameter.because(format!(
                "\"{word}\" is not one of {}",
                READ_WRITE.join(", ")
            )));
        }
        SetType::Sides(sides) => TypeChange::Sides(*sides),
        SetType::ReadWrite(word) => TypeChange::ReadWrite(word.clone()),
        SetType::Description(text) => TypeChange::Description(text.clone()),
    };
    demand_unused(facts)?;
    Ok(Some(Event::TypeChanged {
        no: old.no,
        name: old.name.clone(),
        change,
    }))
}

/// What changing the type of a medium looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetypeFacts {
    /// The medium where it is.
    pub medium: MediumFacts,
    /// The type that it is to be of, if it exists.
    pub media_type: Option<MediaType>,
    /// The system pool of its kind for media of that type, with its path; none if it is in an application pool.
    pub to: Option<(Pool, String)>,
    /// The library that it is in, and the one type that this takes.
    pub library: Option<(String, String)>,
}

/// `ChangeNtmsMediaType`: a medium takes another type, and goes to the system pool of its kind for that type. An
/// application pool has media of one type: there it is refused. What is so already changes nothing.
pub fn retype(facts: &RetypeFacts, wanted: &str, caller: &Caller) -> Result<Vec<Event>> {
    let RetypeFacts { medium, .. } = facts;
    let (pool, name) = (&medium.pool, &medium.medium.name);
    medium.demand(caller, Right::Modify)?;
    if medium.medium.media_type == wanted {
        return Ok(Vec::new());
    }
    let media_type = fitting(facts, wanted)?;
    let Some((to, to_path)) = &facts.to else {
        return Err(ErrorKind::MediaIncompatible.because(format!(
            "medium \"{name}\" is in pool {}, which is for {}; move it to a system pool first",
            medium.path, medium.medium.media_type
        )));
    };
    for (pool, path) in [(pool, &medium.path), (to, to_path)] {
        pool.access.demand(caller, move_right(pool), path)?;
    }
    let thing = medium.medium.thing();
    let states = medium.sides.iter().map(|side| (side.no, side.state));
    Ok(vec![
        Event::MediumChanged {
            medium: thing,
            change: MediumChange::MediaType(media_type.name.clone()),
        },
        Event::MediumMoved {
            medium: thing,
            name: name.clone(),
            from: pool.no,
            to: to.no,
            sides: states.collect(),
        },
    ])
}

/// The wanted type, if the medium can be of it: as many sides, none of them anybody's, and its library takes it.
fn fitting<'a>(facts: &'a RetypeFacts, wanted: &str) -> Result<&'a MediaType> {
    let (medium, name) = (&facts.medium, &facts.medium.medium.name);
    let Some(media_type) = &facts.media_type else {
        return Err(unknown(wanted));
    };
    medium.demand_unheld()?;
    if u32::try_from(medium.sides.len()) != Ok(media_type.sides) {
        return Err(ErrorKind::MediaIncompatible.because(format!(
            "medium \"{name}\" has {} sides, {wanted} media have {}",
            medium.sides.len(),
            media_type.sides
        )));
    }
    match &facts.library {
        Some((library, takes)) if takes != wanted => {
            Err(ErrorKind::MediaIncompatible.because(format!(
                "medium \"{name}\" is in library \"{library}\", which takes {takes}, not {wanted}"
            )))
        }
        _ => Ok(media_type),
    }
}
