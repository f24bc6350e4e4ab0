//! Operator requests that were sent with `ask`, and the settings.

use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::operator_request::OperatorRecord;
use crate::domain::setting::Setting;
use crate::domain::state::OperatorState;
use crate::domain::time::Time;
use crate::store::statement::run;
use rusqlite::Connection;

/// Somebody asked a person for something.
pub(super) fn submitted(db: &Connection, operator: &OperatorRecord, time: Time) -> Result<()> {
    let sql = "INSERT INTO operator (no, command, message, state, pool, library, medium, element, uid, submitted, \
               modified, deadline) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)";
    let OperatorRecord {
        no,
        command,
        message,
        uid,
        pool,
        library,
        medium,
        element,
        deadline,
    } = operator;
    let state = OperatorState::Submitted;
    run(
        db,
        sql,
        (
            no, command, message, state, pool, library, medium, element, uid, time, deadline,
        ),
    )
}

/// An operator request that nobody has answered goes with what asked it.
pub(super) fn withdraw(db: &Connection, operator: Option<ObjectNo>) -> Result<()> {
    match operator {
        Some(no) => run(db, "DELETE FROM operator WHERE no = ?1 AND state < 4", [no]),
        None => Ok(()),
    }
}

/// Nobody answered in time.
pub(super) fn timed_out(db: &Connection, no: ObjectNo, time: Time) -> Result<()> {
    let sql = "UPDATE operator SET state = ?2, timed_out = 1, modified = ?3 WHERE no = ?1";
    run(db, sql, (no, OperatorState::Refused, time))
}

/// Changes a setting.
pub(super) fn set(db: &Connection, setting: &Setting, time: Time) -> Result<()> {
    macro_rules! set {
        ($column:literal, $value:expr) => {
            run(
                db,
                concat!(
                    "UPDATE settings SET ",
                    $column,
                    " = ?1, modified = ?2 WHERE no = 1"
                ),
                ($value, time),
            )
        };
    }
    match setting {
        Setting::OperatorPurgeTime(limit) => set!("operator_purge_time", limit),
        Setting::OperatorAutoPurge(on) => set!("operator_auto_purge", on),
        Setting::OperatorKeepFailed(on) => set!("operator_keep_failed", on),
        Setting::Attended(on) => set!("attended", on),
        Setting::HookTimeout(limit) => set!("hook_timeout", limit),
        Setting::HookAges(ages) => set!("hook_ages", ages),
        Setting::Retention(span) => set!("retention", span),
    }
}
