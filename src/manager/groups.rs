//! The groups of the users whose allocation requests wait, as the user database gives them now.
//!
//! The committer tries waiting requests again, and it may not wait for a user database that is on a network. So a thread of
//! its own asks, over and over while anything waits, and the committer takes what it was told last: a right that was
//! taken away is gone within a second, or within as long as the user database takes.
//!
//! Invariants: no lock is held while the user database is asked; what it could not tell stays as it was, because a request must
//! not fail while a server is away. Until it has told anything the groups are those that were recorded with the request.

use super::{Readers, clock, lock};
use crate::domain::access::Caller;
use crate::store::fact;
use nix::unistd::{Gid, Uid, User, getgrouplist};
use std::collections::HashMap;
use std::ffi::CString;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How old an answer may be if the user database is fast.
const FRESH: Duration = Duration::from_secs(1);

/// How long the thread sleeps if nothing waits and nobody wakes it.
const IDLE: Duration = Duration::from_secs(60);

/// What the user database has told.
#[derive(Debug, Default)]
pub struct Groups {
    known: Mutex<Known>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Known {
    groups: HashMap<u32, Vec<u32>>,
    /// Everybody was asked for once.
    asked: bool,
    /// Something may wait that did not before.
    woken: bool,
    stopped: bool,
}

impl Groups {
    /// Takes what the user database tells of a user.
    pub fn set(&self, uid: u32, groups: Vec<u32>) {
        lock(&self.known).groups.insert(uid, groups);
    }

    /// Returns who wrote a request, with the groups of now.
    pub(super) fn now(&self, caller: &Caller) -> Caller {
        let known = lock(&self.known).groups.get(&caller.uid).cloned();
        let mut caller = caller.clone();
        caller.groups = known.unwrap_or(caller.groups);
        caller
    }

    /// Starts to ask. The thread is waited for by nobody, because the user database may never answer; so it holds nothing of
    /// the catalog while it asks.
    pub(super) fn watch(self: &Arc<Self>, readers: &Arc<Readers>) -> std::io::Result<()> {
        let (groups, readers) = (Arc::clone(self), Arc::downgrade(readers));
        let thread = std::thread::Builder::new().name("groups".to_owned());
        thread.spawn(move || run(&groups, &readers)).map(drop)
    }

    /// Waits until everybody was asked for once, but no longer than that.
    pub(super) fn settle(&self, patience: Duration) {
        let known = lock(&self.known);
        let waited = self
            .changed
            .wait_timeout_while(known, patience, |known| !known.asked);
        drop(waited);
    }

    /// Something waits that did not before.
    pub(super) fn wake(&self) {
        lock(&self.known).woken = true;
        self.changed.notify_all();
    }

    /// Ends the thread, as soon as the user database lets it.
    pub(super) fn stop(&self) {
        lock(&self.known).stopped = true;
        self.changed.notify_all();
    }

    /// Asks for each user, and forgets those who are not among them.
    fn ask(&self, uids: &[u32], look_up: impl Fn(u32) -> Option<Vec<u32>>) {
        // Root may do everything.
        for &uid in uids.iter().filter(|uid| **uid != 0) {
            if lock(&self.known).stopped {
                return;
            }
            if let Some(groups) = look_up(uid) {
                self.set(uid, groups);
            }
        }
        let mut known = lock(&self.known);
        known.groups.retain(|uid, _| uids.contains(uid));
        known.asked = true;
        self.changed.notify_all();
    }

    /// Lets time go by; whoever idles can be woken. False: it ends.
    fn pause(&self, time: Duration, idles: bool) -> bool {
        let known = lock(&self.known);
        let sleeps = |known: &mut Known| !(known.stopped || idles && known.woken);
        let (mut known, _) = self
            .changed
            .wait_timeout_while(known, time, sleeps)
            .unwrap_or_else(PoisonError::into_inner);
        known.woken = false;
        !known.stopped
    }
}

/// Asks until it is stopped, or the manager is gone. It takes no more of the user database than half of its time.
fn run(groups: &Groups, readers: &Weak<Readers>) {
    loop {
        let Some(found) = readers
            .upgrade()
            .map(|readers| readers.look(|view| fact::waiting_users(view)))
        else {
            return;
        };
        let pause = match found {
            Ok(uids) => {
                let began = clock::boot();
                groups.ask(&uids, look_up);
                let spent = clock::boot().saturating_sub(began);
                if uids.is_empty() {
                    (IDLE, true)
                } else {
                    (spent.max(FRESH), false)
                }
            }
            Err(refusal) => {
                tracing::warn!(%refusal, "it is not known who waits");
                (FRESH, false)
            }
        };
        if !groups.pause(pause.0, pause.1) {
            return;
        }
    }
}

/// Asks the user database for the groups of a user; it may take as long as it likes. A user that it does not know has none.
/// `None`: it could not say.
pub fn look_up(uid: u32) -> Option<Vec<u32>> {
    let Some(user) = User::from_uid(Uid::from_raw(uid)).ok()? else {
        return Some(Vec::new());
    };
    let Ok(name) = CString::new(user.name) else {
        return Some(Vec::new());
    };
    let groups = getgrouplist(&name, user.gid).ok()?;
    Some(groups.into_iter().map(Gid::as_raw).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;

    fn user(uid: u32) -> Caller {
        Caller {
            uid,
            groups: vec![1],
            ..Caller::default()
        }
    }

    #[test]
    fn what_is_known_counts_and_what_could_not_be_told_stays() {
        let groups = Groups::default();
        assert_eq!(groups.now(&user(7)).groups, [1], "as recorded");
        groups.ask(&[7, 8], |uid| (uid == 7).then(|| vec![20]));
        assert_eq!(groups.now(&user(7)).groups, [20]);
        assert_eq!(groups.now(&user(8)).groups, [1]);
        groups.ask(&[7], |_| None);
        assert_eq!(groups.now(&user(7)).groups, [20]);
        groups.ask(&[7], |_| Some(Vec::new()));
        assert_eq!(groups.now(&user(7)).groups, [0; 0]);
        groups.ask(&[8], |_| None);
        assert_eq!(groups.now(&user(7)).groups, [1], "nothing of his waits");
    }

    /// While the user database is asked, whoever needs groups has those of before.
    #[test]
    fn nobody_waits_for_the_user_database() {
        let groups = Arc::new(Groups::default());
        groups.set(7, vec![20]);
        let (asked, is_asked) = channel();
        let (answer, answers) = channel();
        let asking = Arc::clone(&groups);
        let thread = thread::spawn(move || {
            asking.ask(&[7], |uid| {
                asked.send(uid).unwrap();
                answers.recv().ok()
            });
        });
        assert_eq!(is_asked.recv(), Ok(7));
        assert_eq!(groups.now(&user(7)).groups, [20]);
        groups.settle(Duration::from_millis(1));
        answer.send(vec![21]).unwrap();
        thread.join().unwrap();
        groups.settle(Duration::from_secs(60));
        assert_eq!(groups.now(&user(7)).groups, [21]);
    }

    #[test]
    fn whoever_idles_is_woken_and_whoever_is_stopped_ends() {
        let groups = Groups::default();
        groups.wake();
        assert!(groups.pause(Duration::from_secs(60), true));
        assert!(groups.pause(Duration::from_millis(1), true));
        groups.stop();
        assert!(!groups.pause(Duration::from_secs(60), false));
        groups.ask(&[7], |_| panic!("nobody is asked for any more"));
    }
}
