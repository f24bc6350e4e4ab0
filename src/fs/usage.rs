//! What users have open and waiting now: counters in memory, for what is in no catalog.
//!
//! Invariant: a ticket is counted from [`Usage::take`] until it is dropped, whatever happens to its file or read.

use super::lock;
use crate::domain::error::Result;
use crate::domain::quota::Quota;
use crate::manager::limits::Limits;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};

/// The part of all waiting reads that only root may use: one in so many.
const ROOTS: u64 = 10;

type Counts = Mutex<HashMap<(u32, Quota), u64>>;

/// What users have.
#[derive(Debug, Default)]
pub(super) struct Usage(Arc<Counts>);

/// One thing that somebody has.
#[derive(Debug)]
pub(super) struct Ticket {
    counts: Arc<Counts>,
    key: (u32, Quota),
}

/// Waiting reads are counted twice: for their user, and for all.
pub(super) type Tickets = [Ticket; 2];

impl Usage {
    /// Counts one more of something, unless the user has as much as a user may have.
    pub(super) fn take(&self, limits: &Limits, uid: u32, quota: Quota) -> Result<Ticket> {
        let mut counts = lock(&self.0);
        let count = counts.entry((uid, quota)).or_default();
        limits.demand(uid, quota, count.saturating_add(1))?;
        *count += 1;
        drop(counts);
        Ok(Ticket {
            counts: Arc::clone(&self.0),
            key: (uid, quota),
        })
    }

    /// Counts one more waiting read. What all have together is bounded for root too, who may use a tenth more than others.
    pub(super) fn wait(&self, limits: &Limits, uid: u32) -> Result<Tickets> {
        let own = self.take(limits, uid, Quota::WaitingReads)?;
        // Nobody's number: what all have.
        let all = self.take(limits, 0, Quota::AllWaitingReads)?;
        let most = limits.get(Quota::AllWaitingReads);
        let most = if uid == 0 {
            most.saturating_add(most / ROOTS)
        } else {
            most
        };
        let used = self.all(Quota::AllWaitingReads);
        let demanded = Quota::AllWaitingReads.demand(used, most);
        demanded.inspect_err(|_| limits.count(Quota::AllWaitingReads))?;
        Ok([own, all])
    }

    /// Returns how much of something all users have together.
    pub(super) fn all(&self, quota: Quota) -> u64 {
        let counts = lock(&self.0);
        let of_it = counts.iter().filter(|((_, of), _)| *of == quota);
        of_it.map(|(_, count)| count).sum()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = lock(&self.counts).entry(self.key) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::ErrorKind;
    use crate::domain::quota::Quotas;

    fn limits(open: u64, waiting: u64, all: u64) -> Limits {
        let mut quotas = Quotas::default();
        quotas.set(Quota::OpenFiles, open);
        quotas.set(Quota::WaitingReads, waiting);
        quotas.set(Quota::AllWaitingReads, all);
        Limits::new(quotas)
    }

    #[test]
    fn each_user_has_so_much_until_it_is_dropped() {
        let (usage, limits) = (Usage::default(), limits(2, 0, 0));
        let take = |uid| usage.take(&limits, uid, Quota::OpenFiles);
        let (one, _two) = (take(7).unwrap(), take(7).unwrap());
        assert_eq!(take(7).unwrap_err().kind, ErrorKind::NotEnoughQuota);
        assert_eq!(limits.refused(Quota::OpenFiles), 1);
        let (_other, _roots) = (take(8).unwrap(), [take(0), take(0), take(0)]);
        drop(one);
        let _again = take(7).unwrap();
        assert_eq!(usage.all(Quota::OpenFiles), 6);
    }

    #[test]
    fn all_have_so_much_together_and_root_a_tenth_more() {
        let (usage, limits) = (Usage::default(), limits(0, 8, 10));
        let mine: Vec<_> = (0..8).map(|_| usage.wait(&limits, 7).unwrap()).collect();
        let refused = usage.wait(&limits, 7).unwrap_err();
        assert!(refused.sentence.contains("waiting_reads"), "{refused}");
        let _more = [
            usage.wait(&limits, 8).unwrap(),
            usage.wait(&limits, 8).unwrap(),
        ];
        let refused = usage.wait(&limits, 9).unwrap_err();
        assert!(refused.sentence.contains("all_waiting_reads"), "{refused}");
        let _root = usage.wait(&limits, 0).unwrap();
        assert_eq!(
            usage.wait(&limits, 0).unwrap_err().kind,
            ErrorKind::NotEnoughQuota
        );
        drop(mine);
        assert_eq!(usage.all(Quota::AllWaitingReads), 3);
        assert_eq!(limits.refused(Quota::AllWaitingReads), 2);
    }
}
