//! Libraries and their parts.

use super::looks::Looks;
use super::map::{condition, drive_state, look};
use super::squares::SQUARES;
use super::{found, line, section, switch, text};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::name::printable;
use crate::domain::object::{Element, Library};
use crate::domain::rule::mount::Drive;
use crate::domain::state::{DriveState, ElementKind};
use crate::domain::work::Work;
use crate::manager::{View, queue, read, slots};

/// Lines of work in a summary.
const WORK: u32 = 100;

fn library(view: &View, no: ObjectNo) -> Result<Library> {
    found(read::library(view, no)?)
}

fn element(view: &View, no: ObjectNo) -> Result<Element> {
    found(read::element(view, no)?)
}

/// Identifier.
pub(crate) fn id(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(library(view, no)?.id))
}

/// Name.
pub(crate) fn name(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&library(view, no)?.name))
}

/// Text for people.
pub(crate) fn description(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&library(view, no)?.description))
}

/// What drives it, as written.
pub(crate) fn driver(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&library(view, no)?.driver))
}

/// Administrative switch.
pub(crate) fn enabled(view: &View, no: ObjectNo) -> Result<String> {
    Ok(switch(library(view, no)?.enabled))
}

/// Whether it works.
pub(crate) fn state(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(library(view, no)?.state))
}

/// How it looks what is in its slots.
pub(crate) fn inventory_method(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(library(view, no)?.inventory_method))
}

/// Whether an error starts an inventory.
pub(crate) fn auto_recovery(view: &View, no: ObjectNo) -> Result<String> {
    Ok(switch(library(view, no)?.auto_recovery))
}

/// Number of a slot, drive or port.
pub(crate) fn element_number(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(element(view, no)?.number))
}

/// How long a medium that nobody has stays in a drive.
pub(crate) fn drive_defer_delay(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(element(view, no)?.defer_delay))
}

/// Device of the medium in a drive.
pub(crate) fn drive_device(view: &View, no: ObjectNo) -> Result<String> {
    let inside = queue::inside(view, no)?;
    Ok(text(
        &inside.map(|inside| inside.device).unwrap_or_default(),
    ))
}

/// Whether something is in it, or what a drive does.
pub(crate) fn element_state(view: &View, no: ObjectNo) -> Result<String> {
    let element = element(view, no)?;
    Ok(line(match (element.kind, element.medium) {
        (ElementKind::Drive, _) => {
            let inside = queue::inside(view, no)?;
            inside
                .map_or(DriveState::Dismounted, |inside| inside.state)
                .word()
        }
        (ElementKind::Slot | ElementKind::Port, Some(_)) => "full",
        (ElementKind::Slot | ElementKind::Port, None) => "empty",
    }))
}

/// What it has and what it has to do, for people. The media in its slots are counted by what `map.svg` shows of them.
pub(crate) fn status(view: &View, no: ObjectNo) -> Result<String> {
    let library = library(view, no)?;
    let mut out = format!(
        "{}: {}, {}\n",
        printable(&library.name),
        condition(&library),
        printable(&library.driver)
    );
    let mut looks = Looks::default();
    for place in slots::up_to(view, no, SQUARES)? {
        looks.count(look(&place));
    }
    let slots = looks
        .found()
        .map(|(word, number)| vec![word.to_owned(), number.to_string()]);
    let rest = slots::size(view, no, ElementKind::Slot)?.saturating_sub(SQUARES);
    let rest = (rest > 0).then(|| vec!["not looked at".to_owned(), rest.to_string()]);
    let drives = queue::drives(view, no)?;
    let work = queue::next(view, no, WORK)?;
    let work: Result<Vec<_>> = work.iter().map(|work| work_row(view, work)).collect();
    let ports = slots::size(view, no, ElementKind::Port)?;
    for (title, heads, rows) in [
        ("slots", &[][..], slots.chain(rest).collect()),
        (
            "drives",
            &["number", "state", "uid", "medium"],
            drives.iter().map(drive_row).collect(),
        ),
        (
            "work",
            &[
                "number",
                "operation",
                "state",
                "priority",
                "queued",
                "by",
                "medium",
            ],
            work?,
        ),
    ] {
        out.push('\n');
        out.push_str(&section(title, heads, rows));
    }
    out.extend(["\nports: ", &ports.to_string(), "\n"]);
    Ok(out)
}

fn drive_row(drive: &Drive) -> Vec<String> {
    let state = drive_state(drive).to_string();
    let (uid, medium) = match &drive.inside {
        Some((inside, _, name)) => (inside.uid.to_string(), printable(name)),
        None => ("-".to_owned(), "-".to_owned()),
    };
    vec![drive.number.to_string(), state, uid, medium]
}

fn work_row(view: &View, work: &Work) -> Result<Vec<String>> {
    let medium = work.medium.map(|no| read::medium(view, no)).transpose()?;
    let medium = medium.flatten();
    Ok(vec![
        work.no.to_string(),
        work.kind.to_string(),
        work.state.to_string(),
        work.priority.to_string(),
        work.queued.to_string(),
        work.caller.uid.to_string(),
        medium.map_or_else(|| "-".to_owned(), |medium| printable(&medium.name)),
    ])
}
