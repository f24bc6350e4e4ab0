//! Media and their sides.

use super::{found, line, switch, text};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::label::MediaLabel;
use crate::domain::object::{Medium, Side};
use crate::manager::{View, queue, read};

fn medium(view: &View, no: ObjectNo) -> Result<Medium> {
    found(read::medium(view, no)?)
}

fn side(view: &View, no: ObjectNo) -> Result<Side> {
    found(read::side(view, no)?)
}

/// Identifier.
pub(crate) fn id(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(medium(view, no)?.id))
}

/// Name.
pub(crate) fn name(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&medium(view, no)?.name))
}

/// Bar code.
pub(crate) fn barcode(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&medium(view, no)?.barcode.unwrap_or_default()))
}

/// Number for the sticker.
pub(crate) fn sequence_number(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(medium(view, no)?.sequence_number))
}

/// Text for people.
pub(crate) fn description(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&medium(view, no)?.description))
}

/// Media type.
pub(crate) fn media_type(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&medium(view, no)?.media_type))
}

/// What is done with it.
pub(crate) fn state(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(queue::medium_state(view, medium(view, no)?.no)?))
}

/// Administrative switch.
pub(crate) fn enabled(view: &View, no: ObjectNo) -> Result<String> {
    Ok(switch(medium(view, no)?.enabled))
}

/// Library and slot, in the form that an import takes.
pub(crate) fn location(view: &View, no: ObjectNo) -> Result<String> {
    let medium = medium(view, no)?;
    let Some(library) = medium.library else {
        return Ok(line("offline"));
    };
    let library = found(read::library(view, library)?)?.name;
    if let Some(inside) = queue::mounted(view, no)? {
        let drive = found(read::element(view, inside.drive)?)?;
        return Ok(text(&format!("{library} drive {}", drive.number)));
    }
    let Some(slot) = medium.slot else {
        return Ok(text(&library));
    };
    let slot = found(read::element(view, slot)?)?;
    Ok(text(&format!("{library}/{}", slot.number)))
}

/// Identifier of a side.
pub(crate) fn side_id(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(side(view, no)?.id))
}

/// State of a side.
pub(crate) fn side_state(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(side(view, no)?.state))
}

/// How often a side was mounted.
pub(crate) fn side_mounts(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(side(view, no)?.mounts))
}

/// Until when a side rests.
pub(crate) fn side_rests_until(view: &View, no: ObjectNo) -> Result<String> {
    let until = side(view, no)?.rests_until;
    Ok(line(
        until.map(|until| until.to_string()).unwrap_or_default(),
    ))
}

/// How often a side was allocated.
pub(crate) fn side_allocations(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(side(view, no)?.allocations))
}

fn on_medium(view: &View, no: ObjectNo) -> Result<MediaLabel> {
    found(read::label(view, no)?)
}

/// Format or program of the label of a side.
pub(crate) fn label_type(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&on_medium(view, no)?.kind))
}

/// Identifier in the label of a side.
pub(crate) fn label_id(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&on_medium(view, no)?.id))
}

/// Text of the label of a side.
pub(crate) fn label_info(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&on_medium(view, no)?.info))
}

/// Bytes that a side holds.
pub(crate) fn capacity(view: &View, no: ObjectNo) -> Result<String> {
    let bytes = on_medium(view, no)?.capacity;
    Ok(line(bytes.map(|n| n.to_string()).unwrap_or_default()))
}
