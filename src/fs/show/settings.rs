//! What holds for the whole system.

use super::{line, switch};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::manager::{View, log, read};

/// How long answered operator requests are kept.
pub(crate) fn operator_purge_time(view: &View, _: ObjectNo) -> Result<String> {
    Ok(line(read::settings(view)?.operator_purge_time))
}

/// Whether they are forgotten at all.
pub(crate) fn operator_auto_purge(view: &View, _: ObjectNo) -> Result<String> {
    Ok(switch(read::settings(view)?.operator_auto_purge))
}

/// Whether refused ones are kept.
pub(crate) fn operator_keep_failed(view: &View, _: ObjectNo) -> Result<String> {
    Ok(switch(read::settings(view)?.operator_keep_failed))
}

/// Whether there are people who answer.
pub(crate) fn attended(view: &View, _: ObjectNo) -> Result<String> {
    Ok(switch(read::settings(view)?.attended))
}

/// How long a hook may run.
pub(crate) fn hook_timeout(view: &View, _: ObjectNo) -> Result<String> {
    Ok(line(read::settings(view)?.hook_timeout))
}

/// When hooks are run again.
pub(crate) fn hook_ages(view: &View, _: ObjectNo) -> Result<String> {
    Ok(line(read::settings(view)?.hook_ages))
}

/// How long records stay in the history at least.
pub(crate) fn retention(view: &View, _: ObjectNo) -> Result<String> {
    Ok(line(read::settings(view)?.retention))
}

/// The last record that is in an archive.
pub(crate) fn archived(view: &View, _: ObjectNo) -> Result<String> {
    Ok(line(log::begin(view)?.mark()))
}
