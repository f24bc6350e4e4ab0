//! Object numbers and identifiers, given out once.
//!
//! Invariant: a number is given out only below the ceiling that is on disk, or together with the record that raises
//! it; so no number is ever given out twice, also after a crash.

use super::clock;
use crate::domain::change::Thing;
use crate::domain::id::{Guid, ObjectNo};
use crate::domain::rule::Mint;
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::{NoContext, Timestamp, Uuid};

/// How many numbers are reserved at a time: one record for thousands of objects.
pub(super) const BLOCK: i64 = 8192;

/// The counter, shared by the committer and by those who reserve a name.
#[derive(Debug)]
pub(super) struct Numbers {
    next: AtomicI64,
    ceiling: AtomicI64,
}

impl Numbers {
    /// Begins at the ceiling on disk: what was given out below it before a crash is not known.
    pub(super) fn new(ceiling: i64) -> Self {
        Self {
            next: AtomicI64::new(ceiling),
            ceiling: AtomicI64::new(ceiling),
        }
    }

    /// Returns a number, if one is left below the ceiling.
    pub(super) fn reserve(&self) -> Option<ObjectNo> {
        let take = |next| (next < self.ceiling.load(Ordering::Acquire)).then_some(next + 1);
        self.next
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take)
            .ok()
            .map(ObjectNo)
    }

    /// Returns the ceiling that is to be recorded now, if fewer than half a block is left.
    pub(super) fn wanted_ceiling(&self) -> Option<i64> {
        let next = self.next.load(Ordering::Acquire);
        (next + BLOCK / 2 > self.ceiling.load(Ordering::Acquire)).then_some(next + BLOCK)
    }

    /// The ceiling is on disk.
    pub(super) fn raise(&self, ceiling: i64) {
        self.ceiling.fetch_max(ceiling, Ordering::AcqRel);
    }
}

/// The committer takes numbers without a bound and records the ceiling with them.
impl Mint for Numbers {
    fn number(&self) -> ObjectNo {
        ObjectNo(self.next.fetch_add(1, Ordering::AcqRel))
    }

    fn thing(&self) -> Thing {
        let now = u64::try_from(clock::utc().0).unwrap_or(0);
        let nanos = u32::try_from(now % 1000).unwrap_or(0) * 1_000_000;
        let id = Uuid::new_v7(Timestamp::from_unix(NoContext, now / 1000, nanos));
        Thing {
            no: self.number(),
            id: Guid(id),
        }
    }
}
