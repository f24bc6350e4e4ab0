//! What is written to the files of a library and of its drives.

use super::parse::{description as text_for_people, invalid, switch, text};
use crate::domain::ask::{Ask, SetElement, SetLibrary};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::state::InventoryMethod;
use crate::domain::time::Limit;
use crate::domain::words::LINE_MAX;

fn set(no: ObjectNo, set: SetLibrary) -> Ask {
    Ask::SetLibrary { no, set }
}

pub(super) fn description(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set(no, SetLibrary::Description(text_for_people(value)?)))
}

pub(super) fn driver(no: ObjectNo, value: &str) -> Result<Ask> {
    let value = text(value, "driver", LINE_MAX)?;
    Ok(set(no, SetLibrary::Driver(value)))
}

pub(super) fn defer_delay(no: ObjectNo, value: &str) -> Result<Ask> {
    let set = SetElement::DeferDelay(Limit::parse(value)?);
    Ok(Ask::SetElement { no, set })
}

pub(super) fn enabled(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set(no, SetLibrary::Enabled(switch(value)?)))
}

pub(super) fn inventory_method(no: ObjectNo, value: &str) -> Result<Ask> {
    use InventoryMethod as M;
    match M::from_word(value) {
        Some(method @ (M::None | M::Fast | M::Omid)) => {
            Ok(set(no, SetLibrary::InventoryMethod(method)))
        }
        _ => invalid(format!("\"{value}\" is not none, fast or omid")),
    }
}

pub(super) fn auto_recovery(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set(no, SetLibrary::AutoRecovery(switch(value)?)))
}
