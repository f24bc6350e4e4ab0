//! The types of media.

use super::{found, line, text};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::object::MediaType;
use crate::manager::{View, read};

fn media_type(view: &View, no: ObjectNo) -> Result<MediaType> {
    found(read::media_type(view, no)?)
}

/// Sides of one medium.
pub(crate) fn sides(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(media_type(view, no)?.sides))
}

/// Whether it can be rewritten.
pub(crate) fn read_write(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&media_type(view, no)?.read_write))
}

/// Text for people.
pub(crate) fn description(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&media_type(view, no)?.description))
}
