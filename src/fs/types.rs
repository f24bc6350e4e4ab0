//! What is written to `types/`, and to the type of a medium.

use super::parse::{description, invalid, text};
use crate::domain::ask::{Ask, SetMedium, SetType};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::words::LINE_MAX;

fn set(no: ObjectNo, set: SetType) -> Ask {
    Ask::SetType { no, set }
}

/// How many sides are possible is a rule; here only that it is a number.
pub(super) fn sides(no: ObjectNo, value: &str) -> Result<Ask> {
    match value.parse() {
        Ok(sides) => Ok(set(no, SetType::Sides(sides))),
        Err(_) => invalid(format!("\"{value}\" is not a number of sides")),
    }
}

/// Which words are possible is a rule.
pub(super) fn read_write(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set(no, SetType::ReadWrite(text(value, "word", LINE_MAX)?)))
}

pub(super) fn type_description(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set(no, SetType::Description(description(value)?)))
}

/// Whether there is such a type is a rule.
pub(super) fn medium_media_type(no: ObjectNo, value: &str) -> Result<Ask> {
    let set = SetMedium::MediaType(text(value, "media type", LINE_MAX)?);
    Ok(Ask::SetMedium { no, set })
}
