//! Logical media.

use super::{found, line, text};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::name::printable;
use crate::domain::object::Logical;
use crate::domain::state::DriveState;
use crate::manager::{View, queue, read};

fn logical(view: &View, no: ObjectNo) -> Result<Logical> {
    found(read::logical(view, no)?)
}

/// The LMID.
pub(crate) fn id(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(logical(view, no)?.id))
}

/// Name.
pub(crate) fn name(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&logical(view, no)?.name))
}

/// Text for people.
pub(crate) fn description(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&logical(view, no)?.description))
}

/// State of its side.
pub(crate) fn state(view: &View, no: ObjectNo) -> Result<String> {
    let side = logical(view, no)?.side;
    Ok(line(found(read::side(view, side)?)?.state))
}

/// Number of the user that owns it.
pub(crate) fn owner(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(logical(view, no)?.owner))
}

/// When it was allocated.
pub(crate) fn allocated_at(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(logical(view, no)?.created))
}

/// The pool that its medium came from, as in the second line of a result.
pub(crate) fn allocated_from(view: &View, no: ObjectNo) -> Result<String> {
    let logical = logical(view, no)?;
    let path = printable(&logical.from_path);
    Ok(format!("{} {path}\n", logical.from_pool))
}

/// The device at which it is mounted.
pub(crate) fn device(view: &View, no: ObjectNo) -> Result<String> {
    let side = found(read::side(view, logical(view, no)?.side)?)?;
    let here = queue::mounted(view, side.medium)?
        .filter(|inside| inside.side == side.no && inside.state == DriveState::Loaded);
    Ok(text(&here.map(|inside| inside.device).unwrap_or_default()))
}

/// What is written on its side.
pub(crate) fn label(view: &View, no: ObjectNo) -> Result<String> {
    let side = logical(view, no)?.side;
    Ok(line(found(read::label(view, side)?)?))
}

/// Nothing: it is only written.
pub(crate) fn swap(view: &View, no: ObjectNo) -> Result<String> {
    logical(view, no).map(|_| line(""))
}
