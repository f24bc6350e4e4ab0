//! What one user may have at once: the closed set of quotas, each with its key, its usual size and what it bounds.
//!
//! Invariants: root has no quota; a quota of 0 is none. What a quota bounds is refused with
//! [`ErrorKind::NotEnoughQuota`], and nothing else is touched.

use super::error::{ErrorKind, Result};

/// Something of which one user may have only so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quota {
    /// Files that are open.
    OpenFiles,
    /// Reads that wait.
    WaitingReads,
    /// Reads of all users together that wait; root may use as much again.
    AllWaitingReads,
    /// Requests to pools and libraries that have no result yet.
    OpenRequests,
    /// Requests to a person that were written to `ask` and have no answer.
    OperatorRequests,
    /// Named requests that are kept, with or without a result.
    Names,
    /// Bytes of the attributes that the user has set, names and values.
    AttributeBytes,
    /// Records that a reader of `events` has still to read.
    EventsBehind,
}

/// How many quotas there are.
pub const COUNT: usize = 8;

/// Every quota, in the order of the manual.
pub const ALL: [Quota; COUNT] = [
    Quota::OpenFiles,
    Quota::WaitingReads,
    Quota::AllWaitingReads,
    Quota::OpenRequests,
    Quota::OperatorRequests,
    Quota::Names,
    Quota::AttributeBytes,
    Quota::EventsBehind,
];

/// What the manual says of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its key in the configuration, and its label in `metrics`.
    pub key: &'static str,
    /// How much there is if nothing else is configured.
    pub usual: u64,
    /// What is counted, as it stands after a number.
    pub what: &'static str,
}

impl Quota {
    /// Returns the row of a quota.
    pub fn row(self) -> Row {
        let row = |key, usual, what| Row { key, usual, what };
        match self {
            Self::OpenFiles => row("open_files", 1024, "open files"),
            Self::WaitingReads => row("waiting_reads", 256, "reads that wait"),
            Self::AllWaitingReads => row(
                "all_waiting_reads",
                16_384,
                "reads of all users together that wait",
            ),
            Self::OpenRequests => row(
                "open_requests",
                1024,
                "requests to pools and libraries without a result",
            ),
            Self::OperatorRequests => row(
                "operator_requests",
                64,
                "requests to a person without an answer",
            ),
            Self::Names => row("names", 65_536, "named requests that are kept"),
            Self::AttributeBytes => row("attribute_bytes", 16_777_216, "bytes of attributes"),
            Self::EventsBehind => row("events_behind", 10_000_000, "records of events to read"),
        }
    }

    /// Returns the place of a quota among all.
    pub fn place(self) -> usize {
        ALL.iter().position(|quota| *quota == self).unwrap_or(0)
    }

    /// Refuses more than there may be. `used` is how much there would be.
    pub fn demand(self, used: u64, limit: u64) -> Result<()> {
        if limit == 0 || used <= limit {
            return Ok(());
        }
        let Row { key, what, .. } = self.row();
        Err(ErrorKind::NotEnoughQuota.because(format!(
            "that would be {used} {what}, and a user may have {limit} ({key} of ntmsfs.conf)"
        )))
    }
}

/// The size of every quota; 0: no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotas([u64; COUNT]);

impl Default for Quotas {
    fn default() -> Self {
        Self(ALL.map(|quota| quota.row().usual))
    }
}

impl Quotas {
    /// Returns the size of a quota.
    pub fn get(&self, quota: Quota) -> u64 {
        self.0.get(quota.place()).copied().unwrap_or(0)
    }

    /// Sets the size of a quota.
    pub fn set(&mut self, quota: Quota, size: u64) {
        if let Some(slot) = self.0.get_mut(quota.place()) {
            *slot = size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        for (place, quota) in ALL.into_iter().enumerate() {
            assert_eq!(quota.place(), place);
            let row = quota.row();
            assert!(row.usual > 0, "{row:?}");
            assert_eq!(
                ALL.iter()
                    .filter(|other| other.row().key == row.key)
                    .count(),
                1
            );
        }
    }

    #[test]
    fn more_than_the_limit_is_refused_and_0_is_no_limit() {
        let quota = Quota::OperatorRequests;
        assert_eq!(quota.demand(64, 64), Ok(()));
        assert_eq!(quota.demand(u64::MAX, 0), Ok(()));
        let refusal = quota.demand(65, 64).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::NotEnoughQuota);
        assert_eq!(
            refusal.sentence,
            "that would be 65 requests to a person without an answer, and a user may have 64 (operator_requests of ntmsfs.conf)"
        );
        let mut quotas = Quotas::default();
        quotas.set(quota, 3);
        assert_eq!((quotas.get(quota), quotas.get(Quota::Names)), (3, 65_536));
    }
}
