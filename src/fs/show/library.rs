//! Libraries and their parts.

use super::{found, line, switch, text};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::noun::{Element, Library};
use crate::domain::state::{DriveState, ElementKind};
use crate::manager::{View, queue, read};

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
