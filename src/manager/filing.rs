//! New media: bulk import, what an inventory found, and the system pools that they need.

use super::mounting;
use super::turn::Turn;
use crate::domain::access::Right;
use crate::domain::ask::{Found, Reply};
use crate::domain::change::{LibraryChange, MediumChange, NewMedium, Thing};
use crate::domain::error::{Refusal, Result};
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::import::ImportLine;
use crate::domain::object::{Element, Library, MediaType, Medium};
use crate::domain::rule::allocate::MediumFacts;
use crate::domain::rule::library::{Seen, file, pool_for, report};
use crate::domain::rule::{Mint as _, medium, pool};
use crate::domain::state::{ElementKind, LibraryState, PoolType};
use crate::store::{fact, queue, read};
use std::collections::HashSet;

/// The system pools, by the names that they have at the root.
pub(super) const SYSTEM_POOLS: [(&str, PoolType); 3] = [
    ("Free", PoolType::Free),
    ("Import", PoolType::Import),
    ("Unrecognized", PoolType::Unrecognized),
];

/// Returns the events that make the leaves of the system pools which a media type in use lacks.
pub(super) fn missing_leaves(turn: &mut Turn<'_>, media_type: &str) -> Result<Vec<Event>> {
    let db = turn.writer.db();
    let mut events = Vec::new();
    for (name, kind) in SYSTEM_POOLS {
        if read::system_pool(db, kind, media_type)?.is_none()
            && let Some(root) = read::pool_named(db, crate::domain::id::CATALOG, name)?
        {
            events.push(pool::leaf(&root, media_type, turn.numbers));
        }
    }
    Ok(events)
}

/// Imports lines: all of them or, if one is refused, none, with its number in the sentence.
pub(super) fn import(
    turn: &mut Turn<'_>,
    no: ObjectNo,
    lines: &[(u64, ImportLine)],
) -> Result<Reply> {
    let pool = fact::pool(turn.writer.db(), no)?;
    pool.demand(turn.caller, Right::Control)?;
    if let Some(media_type) = &pool.media_type {
        let leaves = missing_leaves(turn, media_type)?;
        turn.record_all(leaves)?;
    }
    for (number, line) in lines {
        let numbered = |refusal: Refusal| {
            refusal
                .kind
                .because(format!("line {number}: {}", refusal.sentence))
        };
        let facts = fact::import(turn.writer.db(), &pool, line)?;
        let event = medium::import(&facts, line, turn.caller, turn.numbers).map_err(numbered)?;
        turn.record_all(event)?;
    }
    Ok(Reply::Done)
}

/// Makes the record of one medium that is on a shelf.
pub(super) fn create(turn: &mut Turn<'_>, no: ObjectNo, name: &str) -> Result<Reply> {
    let db = turn.writer.db();
    let pool = fact::pool(db, no)?;
    let line = ImportLine {
        name: name.to_owned(),
        ..ImportLine::default()
    };
    let facts = fact::import(db, &pool, &line)?;
    let medium = medium::create(&facts, name, turn.caller, turn.numbers)?;
    let created = medium.thing.no;
    let leaves = missing_leaves(turn, &medium.media_type)?;
    turn.record_all(leaves)?;
    turn.record(Event::MediumCreated {
        medium: Box::new(medium),
    })?;
    Ok(Reply::Created(created))
}

/// Files what an inventory found: known media are online where they are, new ones go to a system pool, and what the
/// library should hold and does not goes to the shelf.
pub(super) fn inventoried(
    turn: &mut Turn<'_>,
    work: ObjectNo,
    found: &std::result::Result<Vec<Found>, Refusal>,
) -> Result<Reply> {
    let Some((library, _)) = fact::inventory(turn.writer.db(), work)? else {
        return Ok(Reply::Done);
    };
    let thing = library.thing();
    let (state, error) = match found {
        Ok(found) => {
            file_all(turn, &library, found)?;
            (LibraryState::Ready, None)
        }
        Err(refusal) => (LibraryState::NeedsService, Some(refusal.sentence.clone())),
    };
    if library.enabled {
        turn.record(Event::LibraryChanged {
            library: thing,
            change: LibraryChange::State(state),
        })?;
    }
    let asked = fact::found(queue::work(turn.writer.db(), work)?, "work")?;
    if asked.name.is_some() {
        // Somebody looked after it, so an error may start an inventory again.
        turn.record_all(library.recovering.then_some(Event::LibraryChanged {
            library: thing,
            change: LibraryChange::Recovering(false),
        }))?;
        return match found {
            Ok(found) => {
                let result = format!("ok inventory of {}: {} media\n", library.name, found.len());
                mounting::pass(turn, &asked, result)
            }
            Err(refusal) => mounting::fail(turn, &asked, refusal),
        }
        .map(|()| Reply::Done);
    }
    turn.record_all([Event::WorkFinished {
        no: work,
        library: thing,
        error,
    }])
}

fn file_all(turn: &mut Turn<'_>, library: &Library, found: &[Found]) -> Result<()> {
    let mut pass = Pass {
        found,
        present: HashSet::new(),
    };
    for found in found {
        let leaves = missing_leaves(turn, &found.media_type)?;
        turn.record_all(leaves)?;
        if let Some(seen) = seen(turn, library, found, &pass)? {
            let known = seen.known.as_ref().map(|known| known.no);
            pass.present.extend(known);
            let believed = read::medium_in(turn.writer.db(), seen.slot)?;
            let wrong = believed.filter(|believed| Some(believed.no) != known);
            turn.record_all(wrong.map(|believed| medium::located(believed.thing(), None, None)))?;
            let event = file(library.no, &seen, turn.numbers);
            let created = event.as_ref().and_then(created);
            pass.present.extend(created.map(|medium| medium.thing.no));
            let operator = match created {
                Some(medium) if seen.other.is_some() => {
                    report(library, &seen, medium, turn.numbers.number())
                }
                _ => None,
            };
            let asked = operator.map(|operator| Event::OperatorSubmitted {
                operator: Box::new(operator),
            });
            turn.record_all(event.into_iter().chain(asked))?;
        }
    }
    let in_drives: HashSet<ObjectNo> = queue::drives(turn.writer.db(), library.no)?
        .into_iter()
        .filter_map(|drive| drive.inside.map(|(inside, ..)| inside.medium))
        .collect();
    let gone: Vec<Event> = fact::media_in(turn.writer.db(), library.no)?
        .into_iter()
        .filter(|(medium, _)| !pass.present.contains(&medium.no))
        .filter(|(medium, _)| !in_drives.contains(&medium.no))
        .map(|(gone, _)| medium::located(gone, None, None))
        .collect();
    turn.record_all(gone).map(drop)
}

/// An inventory under way.
struct Pass<'a> {
    /// All that was found.
    found: &'a [Found],
    /// The media that are filed already.
    present: HashSet<ObjectNo>,
}

fn created(event: &Event) -> Option<&NewMedium> {
    if let Event::MediumCreated { medium } = event {
        Some(medium)
    } else {
        None
    }
}

/// What the catalog knows of one found cartridge. A slot or type that does not exist is passed over.
fn seen(
    turn: &Turn<'_>,
    library: &Library,
    found: &Found,
    pass: &Pass<'_>,
) -> Result<Option<Seen>> {
    let db = turn.writer.db();
    let slot = read::element_at(db, library.no, ElementKind::Slot, found.slot)?;
    let media_type = read::media_type_named(db, &found.media_type)?;
    let coded = match &found.barcode {
        Some(code) => read::medium_coded(db, code)?,
        None => None,
    };
    let other = match (&coded, &slot) {
        (Some(coded), Some(slot)) => elsewhere(turn, library, (coded, slot), pass)?,
        _ => None,
    };
    let kind = other
        .as_ref()
        .map_or(pool_for(found.label), |_| PoolType::Import);
    let pool = read::system_pool(db, kind, &found.media_type)?;
    let (Some(slot), Some(media_type), Some(pool)) = (slot, media_type, pool) else {
        return Ok(None);
    };
    let known = match &found.barcode {
        Some(code) if other.is_some() => twin(turn, library, (code, slot.no), pass)?,
        Some(_) => coded,
        None => read::medium_in(db, slot.no)?,
    };
    let (thing, name) = match &known {
        Some(known) => (known.thing(), known.name.clone()),
        None => new_name(turn, found, (&media_type, other.is_some()))?,
    };
    Ok(Some(Seen {
        found: found.clone(),
        slot: slot.no,
        known,
        thing,
        name,
        media_type,
        pool,
        other,
    }))
}

/// Returns the number and the name for a new medium; `taken` is whether another one has its bar code.
fn new_name(
    turn: &Turn<'_>,
    found: &Found,
    (media_type, taken): (&MediaType, bool),
) -> Result<(Thing, String)> {
    let thing = turn.numbers.thing();
    let sides = usize::try_from(media_type.sides).unwrap_or(usize::MAX);
    // What an inventory finds says nothing of the text of a label.
    let wanted = medium::display_name(found.barcode.as_deref(), "", sides, thing.no);
    Ok((thing, free_name(turn, &wanted, taken)?))
}

/// The text of the label of a medium has changed: a name that follows the rule of names follows it.
pub(super) fn rename(turn: &mut Turn<'_>, medium: &MediumFacts, text: &str) -> Result<()> {
    let known = &medium.medium;
    if !known.by_rule {
        return Ok(());
    }
    for name in medium::names_by_rule(known, text, medium.sides.len()) {
        let other = read::medium_named(turn.writer.db(), &name)?;
        if other.is_some_and(|other| other.no != known.no) {
            continue;
        }
        let renamed = (name != known.name).then_some(Event::MediumChanged {
            medium: known.thing(),
            change: MediumChange::NameByRule(name),
        });
        return turn.record_all(renamed).map(drop);
    }
    Ok(())
}

/// Returns a name that no medium has: the wanted one, unless it is another's, or that with a number.
fn free_name(turn: &Turn<'_>, wanted: &str, taken: bool) -> Result<String> {
    let db = turn.writer.db();
    let mut name = if taken {
        format!("{wanted}~2")
    } else {
        wanted.to_owned()
    };
    for suffix in 2.. {
        if read::medium_named(db, &name)?.is_none() {
            break;
        }
        name = format!("{wanted}~{suffix}");
    }
    Ok(name)
}

/// Where the medium with the bar code is, if it is not the one in this slot: it was found in another slot, or is on line
/// in another library.
fn elsewhere(
    turn: &Turn<'_>,
    library: &Library,
    (coded, slot): (&Medium, &Element),
    pass: &Pass<'_>,
) -> Result<Option<String>> {
    let db = turn.writer.db();
    let home = coded.library.map_or(Ok(None), |no| read::library(db, no))?;
    let Some(home) = home else { return Ok(None) };
    let place = coded.slot.map_or(Ok(None), |no| read::element(db, no))?;
    let found_there = |place: &Element| {
        let mut found = pass.found.iter();
        found.any(|found| found.slot == place.number && found.barcode == coded.barcode)
    };
    let is_other = if home.no != library.no {
        home.enabled
    } else if coded.slot == Some(slot.no) {
        false
    } else {
        pass.present.contains(&coded.no) || place.as_ref().is_some_and(found_there)
    };
    let number = place.map(|place| format!("/{}", place.number));
    let at = format!("{}{}", home.name, number.unwrap_or_default());
    Ok(is_other.then(|| format!("\"{}\" in {at}", coded.name)))
}

/// The medium that was found before with a bar code of another one: the one in this slot, or one that is not filed yet.
fn twin(
    turn: &Turn<'_>,
    library: &Library,
    (code, slot): (&str, ObjectNo),
    pass: &Pass<'_>,
) -> Result<Option<Medium>> {
    let twins = fact::twins(turn.writer.db(), code)?;
    let here = twins.iter().find(|twin| twin.slot == Some(slot));
    let free = |twin: &&Medium| {
        !pass.present.contains(&twin.no) && twin.library.is_none_or(|no| no == library.no)
    };
    Ok(here.or_else(|| twins.iter().find(free)).cloned())
}
