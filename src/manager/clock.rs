//! The only place that asks the time: UTC for records, the boot-time clock for everything that waits.

use crate::domain::time::Time;
use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the time of day.
#[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
pub fn utc() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Returns the time since the machine started, sleep included; a step of the time of day does not move it.
pub fn boot() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME)
        .map(Duration::from)
        .unwrap_or_default()
}

/// Where a core asks the time; tests put their own in.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// The time of day.
    pub utc: fn() -> Time,
    /// The time since boot.
    pub boot: fn() -> Duration,
}

impl Default for Clock {
    fn default() -> Self {
        Self { utc, boot }
    }
}
