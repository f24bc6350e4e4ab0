//! The quotas of this moment, and how often each was refused: shared by the committer and the callbacks.
//!
//! Invariant: quotas are replaced as a whole, so nobody sees half of a new configuration.

use super::turn::Turn;
use crate::domain::ask::{Ask, Reply};
use crate::domain::error::Result;
use crate::domain::quota::{self, Quota, Quotas};
use crate::store::fact;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// The quotas, and what they refused since the start.
#[derive(Debug, Default)]
pub struct Limits {
    quotas: RwLock<Quotas>,
    refused: [AtomicU64; quota::COUNT],
}

impl Limits {
    /// Begins with these quotas.
    pub fn new(quotas: Quotas) -> Self {
        Self {
            quotas: RwLock::new(quotas),
            refused: Default::default(),
        }
    }

    /// Replaces all quotas. What users have already stays theirs.
    pub fn replace(&self, quotas: Quotas) {
        *self.quotas.write().unwrap_or_else(PoisonError::into_inner) = quotas;
    }

    /// Returns the size of a quota; 0: no limit.
    pub fn get(&self, quota: Quota) -> u64 {
        let quotas = self.quotas.read().unwrap_or_else(PoisonError::into_inner);
        quotas.get(quota)
    }

    /// Returns how often a quota was refused since the start.
    pub fn refused(&self, quota: Quota) -> u64 {
        let slot = self.refused.get(quota.place());
        slot.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Refuses more than a user may have; root may have anything.
    pub fn demand(&self, uid: u32, quota: Quota, used: u64) -> Result<()> {
        if uid == 0 {
            return Ok(());
        }
        let demanded = quota.demand(used, self.get(quota));
        if demanded.is_err() {
            self.count(quota);
        }
        demanded
    }

    /// Counts a refusal.
    pub fn count(&self, quota: Quota) {
        if let Some(count) = self.refused.get(quota.place()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Refuses an ask that left its caller with more than a user may have. It is asked after everything was recorded, because
/// only then is it known; the savepoint takes it all back.
pub(super) fn demand(turn: &Turn<'_>, ask: &Ask, reply: &Reply, limits: &Limits) -> Result<()> {
    if turn.caller.is_root() {
        return Ok(());
    }
    let uid = turn.caller.uid;
    (taken(ask, reply).iter()).try_for_each(|quota| {
        limits.demand(uid, *quota, fact::held(turn.writer.db(), uid, *quota)?)
    })
}

/// The quotas of which an ask has taken something. One that gives something back is in nobody's way.
fn taken(ask: &Ask, reply: &Reply) -> &'static [Quota] {
    let waits = matches!(reply, Reply::Waiting { .. });
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "no other ask takes anything that is bounded"
    )]
    match ask {
        Ask::Allocate { name: None, .. } if waits => &[Quota::OpenRequests],
        Ask::Allocate { name: Some(_), .. } if waits => &[Quota::OpenRequests, Quota::Names],
        Ask::Library { .. } => &[Quota::OpenRequests, Quota::Names],
        Ask::Allocate { name: Some(_), .. }
        | Ask::Unfinished { .. }
        | Ask::UnfinishedLibrary { .. } => &[Quota::Names],
        Ask::AskOperator { .. } => &[Quota::OperatorRequests],
        Ask::SetAttribute { value: Some(_), .. } => &[Quota::AttributeBytes],
        _ => &[],
    }
}
