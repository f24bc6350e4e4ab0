//! What is written to attributes: one small function a file.
//!
//! Invariant: a value is checked for its form only; whether it makes sense is the rules' to say.

use crate::domain::allocate_request::NAME_CHARS_MAX;
use crate::domain::ask::{Ask, SetElement, SetLibrary, SetLogical, SetMedium, SetPool, SetType};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::history::Mark;
use crate::domain::id::{Guid, ObjectNo};
use crate::domain::label::MediaLabel;
use crate::domain::name;
use crate::domain::rule::want::WANT_MAX;
use crate::domain::setting::{self, Ages, Setting};
use crate::domain::state::{InventoryMethod, OperatorState, Selection, SideState};
use crate::domain::time::{Limit, Span};
use crate::domain::words::{DESCRIPTION_MAX, LINE_MAX};

fn invalid<T>(sentence: String) -> Result<T> {
    Err(ErrorKind::InvalidParameter.because(sentence))
}

/// Text of one line with a limit in characters.
fn text(value: &str, what: &str, max: usize) -> Result<String> {
    let length = value.chars().count();
    if length > max {
        return invalid(format!(
            "the {what} has {length} characters, at most {max} are allowed"
        ));
    }
    if name::printable(value) != value {
        return invalid(format!("the {what} contains a control character"));
    }
    Ok(value.to_owned())
}

fn description(value: &str) -> Result<String> {
    text(value, "description", DESCRIPTION_MAX)
}

fn switch(value: &str) -> Result<bool> {
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => invalid(format!("\"{value}\" is neither 0 nor 1")),
    }
}

/// A number; that it is no more than `most` is a rule.
fn number(value: &str, most: u32) -> Result<u32> {
    match value.parse() {
        Ok(number) => Ok(number),
        Err(_) => invalid(format!("\"{value}\" is not a number from 0 to {most}")),
    }
}

fn set_pool(no: ObjectNo, set: SetPool) -> Ask {
    Ask::SetPool { no, set }
}

fn set_library(no: ObjectNo, set: SetLibrary) -> Ask {
    Ask::SetLibrary { no, set }
}

fn set_medium(no: ObjectNo, set: SetMedium) -> Ask {
    Ask::SetMedium { no, set }
}

fn set_logical(no: ObjectNo, set: SetLogical) -> Ask {
    Ask::SetLogical { no, set }
}

fn set_type(no: ObjectNo, set: SetType) -> Ask {
    Ask::SetType { no, set }
}

fn set_system(setting: Setting) -> Ask {
    Ask::Set { setting }
}

pub(super) fn pool_description(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_pool(no, SetPool::Description(description(value)?)))
}

pub(super) fn pool_media_type(no: ObjectNo, value: &str) -> Result<Ask> {
    let value = text(value, "media type", name::NAME_MAX)?;
    Ok(set_pool(no, SetPool::MediaType(value)))
}

pub(super) fn pool_allocate_from_free(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_pool(no, SetPool::AllocateFromFree(switch(value)?)))
}

pub(super) fn pool_deallocate_to_free(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_pool(no, SetPool::DeallocateToFree(switch(value)?)))
}

pub(super) fn pool_max_allocates(no: ObjectNo, value: &str) -> Result<Ask> {
    let max = number(value, u32::MAX)?;
    Ok(set_pool(no, SetPool::MaxAllocates(max)))
}

pub(super) fn pool_selection(no: ObjectNo, value: &str) -> Result<Ask> {
    match Selection::from_word(value) {
        Some(selection) => Ok(set_pool(no, SetPool::Selection(selection))),
        None => invalid(format!(
            "\"{value}\" is not least-used, oldest, name or fill"
        )),
    }
}

pub(super) fn pool_default_timeout(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_pool(no, SetPool::DefaultTimeout(Limit::parse(value)?)))
}

pub(super) fn pool_purge_time(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_pool(no, SetPool::PurgeTime(Limit::parse(value)?)))
}

pub(super) fn pool_want_available(no: ObjectNo, value: &str) -> Result<Ask> {
    let sides = number(value, WANT_MAX)?;
    Ok(set_pool(no, SetPool::WantAvailable(sides)))
}

pub(super) fn pool_reuse_delay(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_pool(no, SetPool::ReuseDelay(Span::parse(value)?)))
}

pub(super) fn medium_description(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_medium(no, SetMedium::Description(description(value)?)))
}

/// Whether there is such a type is a rule.
pub(super) fn medium_media_type(no: ObjectNo, value: &str) -> Result<Ask> {
    let set = SetMedium::MediaType(text(value, "media type", LINE_MAX)?);
    Ok(Ask::SetMedium { no, set })
}

pub(super) fn medium_enabled(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_medium(no, SetMedium::Enabled(switch(value)?)))
}

/// Which states may be written is a rule; here only that the word is a state.
pub(super) fn side_state(no: ObjectNo, value: &str) -> Result<Ask> {
    match SideState::from_word(value) {
        Some(state) => Ok(Ask::SetSide { no, state }),
        None => invalid(format!(
            "\"{value}\" is not a state of a side; write decommissioned"
        )),
    }
}

pub(super) fn logical_name(no: ObjectNo, value: &str) -> Result<Ask> {
    let value = text(value, "name", NAME_CHARS_MAX)?;
    Ok(set_logical(no, SetLogical::Name(value)))
}

pub(super) fn logical_description(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_logical(
        no,
        SetLogical::Description(description(value)?),
    ))
}

/// Which states may be written is a rule; here only that the word is a state.
pub(super) fn logical_state(no: ObjectNo, value: &str) -> Result<Ask> {
    match SideState::from_word(value) {
        Some(state) => Ok(set_logical(no, SetLogical::State(state.word().to_owned()))),
        None => invalid(format!("\"{value}\" is not a state; write complete")),
    }
}

pub(super) fn logical_label(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_logical(
        no,
        SetLogical::Label(MediaLabel::parse(value)?),
    ))
}

/// What cannot be an LMID is none of this catalog.
pub(super) fn logical_swap(no: ObjectNo, value: &str) -> Result<Ask> {
    match Guid::parse(value) {
        Ok(other) => Ok(Ask::Swap { no, other }),
        Err(refusal) => Err(ErrorKind::InvalidMedia.because(refusal.sentence)),
    }
}

pub(super) fn library_description(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_library(
        no,
        SetLibrary::Description(description(value)?),
    ))
}

pub(super) fn library_driver(no: ObjectNo, value: &str) -> Result<Ask> {
    let value = text(value, "driver", LINE_MAX)?;
    Ok(set_library(no, SetLibrary::Driver(value)))
}

pub(super) fn drive_defer_delay(no: ObjectNo, value: &str) -> Result<Ask> {
    let set = SetElement::DeferDelay(Limit::parse(value)?);
    Ok(Ask::SetElement { no, set })
}

pub(super) fn library_enabled(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_library(no, SetLibrary::Enabled(switch(value)?)))
}

pub(super) fn library_inventory_method(no: ObjectNo, value: &str) -> Result<Ask> {
    match InventoryMethod::from_word(value) {
        Some(method @ (InventoryMethod::None | InventoryMethod::Fast | InventoryMethod::Omid)) => {
            Ok(set_library(no, SetLibrary::InventoryMethod(method)))
        }
        _ => invalid(format!("\"{value}\" is not none, fast or omid")),
    }
}

pub(super) fn library_auto_recovery(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_library(no, SetLibrary::AutoRecovery(switch(value)?)))
}

/// How many sides are possible is a rule; here only that it is a number.
pub(super) fn type_sides(no: ObjectNo, value: &str) -> Result<Ask> {
    match value.parse() {
        Ok(sides) => Ok(set_type(no, SetType::Sides(sides))),
        Err(_) => invalid(format!("\"{value}\" is not a number of sides")),
    }
}

/// Which words are possible is a rule.
pub(super) fn type_read_write(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_type(
        no,
        SetType::ReadWrite(text(value, "word", LINE_MAX)?),
    ))
}

pub(super) fn type_description(no: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_type(no, SetType::Description(description(value)?)))
}

pub(super) fn operator_state(no: ObjectNo, value: &str) -> Result<Ask> {
    match OperatorState::from_word(value) {
        Some(state) if state != OperatorState::Submitted => Ok(Ask::AnswerOperator { no, state }),
        _ => invalid(format!(
            "\"{value}\" is not complete, refused, active or in-progress"
        )),
    }
}

pub(super) fn work_order(no: ObjectNo, value: &str) -> Result<Ask> {
    match value.parse() {
        Ok(place) if place > 0 => Ok(Ask::OrderWork { no, place }),
        _ => invalid(format!(
            "\"{value}\" is not a number from 1 to {}",
            u32::MAX
        )),
    }
}

pub(super) fn setting_operator_purge_time(_: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_system(Setting::OperatorPurgeTime(Limit::parse(value)?)))
}

pub(super) fn setting_operator_auto_purge(_: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_system(Setting::OperatorAutoPurge(switch(value)?)))
}

pub(super) fn setting_operator_keep_failed(_: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_system(Setting::OperatorKeepFailed(switch(value)?)))
}

pub(super) fn setting_attended(_: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_system(Setting::Attended(switch(value)?)))
}

pub(super) fn setting_hook_timeout(_: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_system(Setting::HookTimeout(setting::hook_timeout(
        value,
    )?)))
}

pub(super) fn setting_hook_ages(_: ObjectNo, value: &str) -> Result<Ask> {
    if value.contains('\n') {
        return invalid("the ages stand on one line, such as 1h 4h 24h".to_owned());
    }
    Ok(set_system(Setting::HookAges(Ages::parse(value)?)))
}

pub(super) fn setting_retention(_: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set_system(Setting::Retention(Span::parse(value)?)))
}

pub(super) fn setting_archived(_: ObjectNo, value: &str) -> Result<Ask> {
    let last = Mark::parse(value)?;
    Ok(Ask::Archive { last })
}
