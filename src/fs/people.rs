//! Who asks, as far as a file system can know: the groups that the user database gives, and the command's name.
//!
//! Invariant: `/proc` is read for the record alone, never for a right; an answer of the user database is kept for a second,
//! so a right that was taken away is gone within a second.

use crate::domain::access::Caller;
use crate::manager::groups::look_up;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long groups are remembered.
const FRESH: Duration = Duration::from_secs(1);

/// Users remembered at a time.
const USERS_MAX: usize = 1024;

/// The user database, remembered for a moment.
#[derive(Debug)]
pub struct People {
    clock: fn() -> Duration,
    known: Mutex<HashMap<u32, (Duration, Vec<u32>)>>,
}

impl People {
    /// Makes an empty memory; `clock` tells the time since boot.
    pub fn new(clock: fn() -> Duration) -> Self {
        Self {
            clock,
            known: Mutex::default(),
        }
    }

    /// Describes the caller of a request. Root needs no groups.
    pub fn caller(&self, uid: u32, gid: u32, pid: u32) -> Caller {
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
        if let Some((at, groups)) = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&uid)
            && now.saturating_sub(*at) < FRESH
        {
            return groups.clone();
        }
        let groups = look_up(uid).unwrap_or_default();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
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
