//! Who asks, as far as a file system can know: the groups that the user database gives, and the command's name.
//!
//! Invariant: `/proc` is read for the record alone, never for a right; an answer of the user database is kept for a second,
//! so a right that was taken away is gone within a second.

use super::lock;
use crate::domain::access::Caller;
use crate::manager::groups::look_up;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::sync::Mutex;
use std::time::Duration;

/// How long groups are remembered.
const FRESH: Duration = Duration::from_secs(1);

/// Users remembered at a time.
const USERS_MAX: usize = 1024;

/// The user database, remembered for a moment.
#[derive(Debug)]
pub(super) struct Callers {
    clock: fn() -> Duration,
    /// User and group of whoever is served alone.
    alone: Option<(u32, u32)>,
    known: Mutex<HashMap<u32, (Duration, Vec<u32>)>>,
}

impl Callers {
    /// Makes an empty memory; `clock` tells the time since boot. A user who is served alone, because the catalog is his own
    /// and the kernel lets nobody else in, is root to the catalog, and root's is his.
    pub(super) fn new(clock: fn() -> Duration, alone: Option<(u32, u32)>) -> Self {
        Self {
            clock,
            alone,
            known: Mutex::default(),
        }
    }

    /// Returns whom the catalog knows a user and a group of the machine as.
    pub(super) fn recorded(&self, uid: u32, gid: u32) -> (u32, u32) {
        match self.alone {
            Some(own) => (
                if uid == own.0 { 0 } else { uid },
                if gid == own.1 { 0 } else { gid },
            ),
            None => (uid, gid),
        }
    }

    /// Returns the user and group of the machine to show for those of the catalog.
    pub(super) fn shown(&self, uid: u32, gid: u32) -> (u32, u32) {
        match self.alone {
            Some(own) => (
                if uid == 0 { own.0 } else { uid },
                if gid == 0 { own.1 } else { gid },
            ),
            None => (uid, gid),
        }
    }

    /// Describes the caller of a request. Root needs no groups.
    pub(super) fn caller(&self, uid: u32, gid: u32, pid: u32) -> Caller {
        let (uid, gid) = self.recorded(uid, gid);
        let groups = if uid == 0 {
            Vec::new()
        } else {
            self.groups(uid)
        };
        Caller {
            uid,
            gid,
            groups,
            pid,
            command: command(pid),
        }
    }

    fn groups(&self, uid: u32) -> Vec<u32> {
        let now = (self.clock)();
        if let Some((at, groups)) = lock(&self.known).get(&uid)
            && now.saturating_sub(*at) < FRESH
        {
            return groups.clone();
        }
        let groups = look_up(uid).unwrap_or_default();
        let mut known = lock(&self.known);
        if known.len() >= USERS_MAX {
            known.clear();
        }
        known.insert(uid, (now, groups.clone()));
        groups
    }
}

/// Returns the name of the command of a thread, at most 15 bytes; empty if it cannot be seen.
fn command(pid: u32) -> String {
    if pid == 0 {
        return String::new();
    }
    // The kernel gives it in one piece: nothing else is asked of the file.
    let mut text = [0; 64];
    let read = File::open(format!("/proc/{pid}/comm")).and_then(|mut file| file.read(&mut text));
    let text = text.get(..read.unwrap_or(0)).unwrap_or_default();
    crate::domain::name::printable(String::from_utf8_lossy(text).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_served_alone_is_root_to_the_catalog() {
        let everybody = Callers::new(|| Duration::ZERO, None);
        assert_eq!(everybody.recorded(4001, 4002), (4001, 4002));
        assert_eq!(everybody.shown(0, 0), (0, 0));
        let alone = Callers::new(|| Duration::ZERO, Some((4001, 4002)));
        assert_eq!(alone.recorded(4001, 4002), (0, 0));
        assert_eq!(alone.recorded(7, 8), (7, 8));
        assert_eq!(alone.shown(0, 0), (4001, 4002));
        assert_eq!(alone.shown(7, 8), (7, 8));
        assert!(alone.caller(4001, 4002, 0).is_root());
    }
}
