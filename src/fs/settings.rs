//! What is written to `settings/`.

use super::parse::{invalid, switch};
use crate::domain::ask::Ask;
use crate::domain::error::Result;
use crate::domain::history::Mark;
use crate::domain::id::ObjectNo;
use crate::domain::setting::{self, Ages, Setting};
use crate::domain::time::{Limit, Span};

fn set(setting: Setting) -> Ask {
    Ask::Set { setting }
}

pub(super) fn operator_purge_time(_: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set(Setting::OperatorPurgeTime(Limit::parse(value)?)))
}

pub(super) fn operator_auto_purge(_: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set(Setting::OperatorAutoPurge(switch(value)?)))
}

pub(super) fn operator_keep_failed(_: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set(Setting::OperatorKeepFailed(switch(value)?)))
}

pub(super) fn attended(_: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set(Setting::Attended(switch(value)?)))
}

pub(super) fn hook_timeout(_: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set(Setting::HookTimeout(setting::hook_timeout(value)?)))
}

pub(super) fn hook_ages(_: ObjectNo, value: &str) -> Result<Ask> {
    if value.contains('\n') {
        return invalid("the ages stand on one line, such as 1h 4h 24h".to_owned());
    }
    Ok(set(Setting::HookAges(Ages::parse(value)?)))
}

pub(super) fn retention(_: ObjectNo, value: &str) -> Result<Ask> {
    Ok(set(Setting::Retention(Span::parse(value)?)))
}

pub(super) fn archived(_: ObjectNo, value: &str) -> Result<Ask> {
    let last = Mark::parse(value)?;
    Ok(Ask::Archive { last })
}
