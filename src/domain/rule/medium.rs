//! Media: new records, moves between pools, changes, removal (MS-RSMP 3.2.5.2.4.8, .13; reference section 5.4).

use super::Mint;
use super::allocate::MediumFacts;
use crate::domain::access::{Caller, Right};
use crate::domain::ask::SetMedium;
use crate::domain::change::{MediumChange, NewMedium, Thing};
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::import::ImportLine;
use crate::domain::name;
use crate::domain::object::{Library, MediaType, Medium, Pool};
use crate::domain::state::{LibraryState, PoolType, SideState};

/// Returns the state in which sides of a new medium begin in a pool.
pub fn first_state(kind: PoolType) -> SideState {
    match kind {
        PoolType::Free | PoolType::Application => SideState::Available,
        PoolType::Unrecognized => SideState::Foreign,
        PoolType::Import => SideState::Import,
    }
}

/// The rule of names (reference 2.9): the bar code; of a medium with one side the text of its label; else the sequence number.
pub fn display_name(barcode: Option<&str>, text: &str, sides: usize, no: ObjectNo) -> String {
    let text = Some(text).filter(|text| sides == 1 && !text.trim().is_empty());
    barcode
        .or(text)
        .map_or_else(|| no.to_string(), name::from_foreign)
}

/// The names that a medium may have by the rule, the first first: of several media with one text each has its own.
pub fn names_by_rule(medium: &Medium, text: &str, sides: usize) -> Vec<String> {
    let name = display_name(medium.barcode.as_deref(), text, sides, medium.no);
    let numbered = (2..=NAMES_MAX).map(|number| format!("{name}~{number}"));
    let last = format!("{name}~{}", medium.sequence_number);
    let names = [name.clone()].into_iter().chain(numbered);
    names.chain([last]).collect()
}

/// After so many media with one text the number of the next is its sequence number, so that finding a name stays cheap.
const NAMES_MAX: u32 = 9;

/// What one line of an import looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportFacts {
    /// The pool.
    pub pool: Pool,
    /// The type of its media.
    pub media_type: Option<MediaType>,
    /// The medium that has the name already.
    pub named: Option<MediumFacts>,
    /// The medium that has the bar code already.
    pub coded: Option<Medium>,
    /// The slot of the line: its library, its number, and the medium in it.
    pub slot: Option<SlotFacts>,
}

/// A slot that a line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotFacts {
    /// The library, if it exists.
    pub library: Option<Library>,
    /// Its media type.
    pub media_type: Option<String>,
    /// The slot, if it exists.
    pub slot: Option<ObjectNo>,
    /// The medium in it.
    pub medium: Option<ObjectNo>,
}

/// `CreateNtmsMedia`: the record of an offline medium. Only an import or application pool takes one; what is free or
/// unrecognized, an inventory says, or whoever writes its `import` file says it on purpose.
pub fn create(
    facts: &ImportFacts,
    name: &str,
    caller: &Caller,
    mint: &impl Mint,
) -> Result<NewMedium> {
    let pool = &facts.pool;
    pool.demand(caller, Right::Control)?;
    let Some(media_type) = &facts.media_type else {
        return Err(
            ErrorKind::InvalidMediaPool.because(format!("pool \"{}\" holds no media", pool.name))
        );
    };
    if matches!(pool.kind, PoolType::Free | PoolType::Unrecognized) {
        return Err(ErrorKind::InvalidMediaPool.because(format!(
            "\"{name}\" in {} pool \"{}\": a new record is for an import or application pool; \
             here an import line makes one",
            pool.kind, pool.name
        )));
    }
    if facts.named.is_some() {
        return Err(ErrorKind::AlreadyExists.because(format!("medium \"{name}\" exists")));
    }
    Ok(NewMedium {
        thing: mint.thing(),
        name: name.to_owned(),
        barcode: None,
        description: String::new(),
        media_type: media_type.name.clone(),
        pool: pool.no,
        library: None,
        slot: None,
        sides: (0..media_type.sides).map(|_| mint.thing()).collect(),
        state: first_state(pool.kind),
        twin: None,
        by_rule: false,
    })
}

/// One line of an import: a new medium, or nothing if it is there already just so. One that is the same but for the slot was on
/// a shelf, and is in the slot now.
pub fn import(
    facts: &ImportFacts,
    line: &ImportLine,
    caller: &Caller,
    mint: &impl Mint,
) -> Result<Option<Event>> {
    let Some(media_type) = &facts.media_type else {
        return Err(ErrorKind::InvalidMediaPool
            .because(format!("pool \"{}\" holds no media", facts.pool.name)));
    };
    if line.sides.is_some_and(|sides| sides != media_type.sides) {
        return Err(ErrorKind::MediaIncompatible.because(format!(
            "{} media have {} sides",
            media_type.name, media_type.sides
        )));
    }
    let place = place_of(facts, media_type, caller)?;
    if let Some(named) = &facts.named {
        let medium = &named.medium;
        if !is_same(medium, facts, line) {
            return Err(ErrorKind::AlreadyExists
                .because(format!("medium \"{}\" exists and is different", line.name)));
        } else if place.is_none() || place == medium.library.zip(medium.slot) {
            return Ok(None);
        } else if medium.library.is_some() {
            return Err(ErrorKind::AlreadyExists
                .because(format!("medium \"{}\" exists and is elsewhere", line.name)));
        }
    } else if let Some(other) = &facts.coded {
        return Err(ErrorKind::AlreadyExists
            .because(format!("medium \"{}\" has that bar code", other.name)));
    }
    if (facts.slot.as_ref()).is_some_and(|slot| slot.medium.is_some()) {
        return Err(ErrorKind::AlreadyExists.because("the slot is occupied"));
    }
    let (library, slot) = place.unzip();
    if let Some(named) = &facts.named {
        return Ok(Some(located(named.medium.thing(), library, slot)));
    }
    let medium = NewMedium {
        thing: mint.thing(),
        name: line.name.clone(),
        barcode: line.barcode.clone(),
        description: line.description.clone().unwrap_or_default(),
        media_type: media_type.name.clone(),
        pool: facts.pool.no,
        library,
        slot,
        sides: (0..media_type.sides).map(|_| mint.thing()).collect(),
        state: first_state(facts.pool.kind),
        twin: None,
        by_rule: false,
    };
    Ok(Some(Event::MediumCreated {
        medium: Box::new(medium),
    }))
}

/// The library and slot of a line; a slot that does not exist or takes another type is refused.
fn place_of(
    facts: &ImportFacts,
    media_type: &MediaType,
    caller: &Caller,
) -> Result<Option<(ObjectNo, ObjectNo)>> {
    let Some(wanted) = &facts.slot else {
        return Ok(None);
    };
    let Some(library) = &wanted.library else {
        return Err(ErrorKind::ObjectNotFound.because("there is no library of that name"));
    };
    library.demand(caller, Right::Control)?;
    if library.state == LibraryState::Initializing {
        return Err(ErrorKind::NotReady.because(format!(
            "the inventory of library \"{}\" is under way; try again",
            library.name
        )));
    }
    let Some(slot) = wanted.slot else {
        return Err(ErrorKind::ResourceNotPresent
            .because(format!("library \"{}\" has no such slot", library.name)));
    };
    if wanted
        .media_type
        .as_ref()
        .is_some_and(|name| *name != media_type.name)
    {
        return Err(ErrorKind::MediaIncompatible.because(format!(
            "library \"{}\" does not take {}",
            library.name, media_type.name
        )));
    }
    Ok(Some((library.no, slot)))
}

fn is_same(medium: &Medium, facts: &ImportFacts, line: &ImportLine) -> bool {
    medium.pool == facts.pool.no
        && medium.barcode == line.barcode
        && medium.description == line.description.clone().unwrap_or_default()
}

/// A medium is in a slot, in a drive of a library that has no slots, or with neither on a shelf.
pub fn located(medium: Thing, library: Option<ObjectNo>, slot: Option<ObjectNo>) -> Event {
    Event::MediumChanged {
        medium,
        change: MediumChange::Location { library, slot },
    }
}

/// What moving or renaming a medium looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveFacts {
    /// The medium where it is.
    pub medium: MediumFacts,
    /// The pool it is to go to, and its path.
    pub to: (Pool, String),
    /// Whether another medium has the new name.
    pub name_taken: bool,
}

/// Moves a medium to another pool, renames it, or both.
pub fn place(facts: &MoveFacts, name: &str, caller: &Caller) -> Result<Vec<Event>> {
    let MoveFacts {
        medium,
        to: (to, to_path),
        name_taken,
    } = facts;
    let thing = medium.medium.thing();
    demand_rights(medium, to, to_path, caller)?;
    let mut events = Vec::new();
    if medium.pool.no != to.no {
        events.push(Event::MediumMoved {
            medium: thing,
            name: medium.medium.name.clone(),
            from: medium.pool.no,
            to: to.no,
            sides: states_in(medium, to, to_path)?,
        });
    }
    if name != medium.medium.name {
        if *name_taken {
            return Err(ErrorKind::AlreadyExists.because(format!("medium \"{name}\" exists")));
        }
        events.push(Event::MediumChanged {
            medium: thing,
            change: MediumChange::Name(name.to_owned()),
        });
    }
    Ok(events)
}

/// Returns the right that a move needs on a pool that a medium leaves or comes to.
pub fn move_right(pool: &Pool) -> Right {
    match pool.kind {
        PoolType::Free => Right::Use,
        PoolType::Import | PoolType::Unrecognized | PoolType::Application => Right::Control,
    }
}

/// Product behaviour note 32: USE on the free pool, CONTROL on every other.
fn demand_rights(medium: &MediumFacts, to: &Pool, to_path: &str, caller: &Caller) -> Result<()> {
    let moves = medium.pool.no != to.no;
    let right = |pool: &Pool| {
        if moves {
            move_right(pool)
        } else {
            Right::Control
        }
    };
    medium.demand(caller, right(&medium.pool))?;
    to.access.demand(caller, right(to), to_path)
}

/// The matrix of moves: the states of the sides in the new pool, or why the medium cannot go there.
fn states_in(medium: &MediumFacts, to: &Pool, to_path: &str) -> Result<Vec<(ObjectNo, SideState)>> {
    let name = &medium.medium.name;
    if to.media_type.is_none() {
        return Err(ErrorKind::InvalidMediaPool.because(format!("pool {to_path} holds no media")));
    }
    if to.media_type.as_ref() != Some(&medium.medium.media_type) {
        return Err(ErrorKind::MediaIncompatible.because(format!(
            "medium \"{name}\" is of type {}, pool {to_path} is not",
            medium.medium.media_type
        )));
    }
    medium.demand_unheld()?;
    let all_import = medium
        .sides
        .iter()
        .all(|side| side.state == SideState::Import);
    let wrong = |why: &str| -> Refusal {
        ErrorKind::InvalidMediaPool.because(format!("medium \"{name}\": {why}"))
    };
    match (to.kind, medium.pool.kind) {
        (PoolType::Unrecognized, _) => {
            return Err(wrong("only an inventory files media as unrecognized"));
        }
        (PoolType::Import, _) if !all_import => {
            return Err(wrong("only media of which all sides are import"));
        }
        (PoolType::Application, PoolType::Unrecognized) => {
            return Err(wrong("unrecognized media go to the free pool first"));
        }
        _ => {}
    }
    let prepared = |state: SideState| {
        let freed = to.kind == PoolType::Free && state != SideState::Decommissioned;
        if freed { SideState::Available } else { state }
    };
    Ok(medium
        .sides
        .iter()
        .map(|side| (side.no, prepared(side.state)))
        .collect())
}

/// Changes a medium. What is so already changes nothing.
pub fn set(facts: &MediumFacts, wanted: &SetMedium, caller: &Caller) -> Result<Option<Event>> {
    facts.demand(caller, Right::Modify)?;
    let medium = facts.medium.thing();
    let change = match wanted {
        // The type of a medium has a rule of its own.
        SetMedium::MediaType(_) => return Ok(None),
        SetMedium::Description(text) => MediumChange::Description(text.clone()),
        SetMedium::Enabled(on) if *on == facts.medium.enabled => return Ok(None),
        SetMedium::Enabled(on) => MediumChange::Enabled(*on),
    };
    Ok(Some(Event::MediumChanged { medium, change }))
}

/// Forgets an offline medium of which nothing is anybody's.
pub fn remove(facts: &MediumFacts, caller: &Caller) -> Result<Event> {
    facts.demand(caller, Right::Control)?;
    let name = &facts.medium.name;
    if facts.sides.iter().any(|side| side.state.is_held()) {
        return Err(ErrorKind::NotEmpty.because(format!("medium \"{name}\" has allocated sides")));
    }
    if facts.medium.is_online() {
        return Err(ErrorKind::InvalidState.because(format!("medium \"{name}\" is in a library")));
    }
    Ok(Event::MediumRemoved {
        medium: facts.medium.thing(),
        name: name.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: the bar code, the text of the label, the number of sides, and the name.
    #[test]
    fn the_table_of_names() {
        for (barcode, text, sides, named) in [
            (Some("A1"), "week 7", 1, "A1"),
            (Some("A1"), "", 2, "A1"),
            (Some("a/b"), "", 1, "a\\x2fb"),
            (None, "week 7", 1, "week 7"),
            (None, "..", 1, "_.."),
            (None, "week 7", 2, "173"),
            (None, "", 1, "173"),
            (None, " ", 1, "173"),
        ] {
            let name = display_name(barcode, text, sides, ObjectNo(173));
            assert_eq!(name, named, "{barcode:?} {text} {sides}");
        }
    }
}
