//! Replies that are held until a change is committed: each is answered once, by the change or, if that takes too long, with an
//! error.
//!
//! The kernel locks a directory or a file while a change of it is under way, so no such reply may stay out for long.

use super::lock;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread;
use std::time::Duration;

/// How long a change may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A reply that is taken by whoever comes first.
pub(super) struct Held<R> {
    reply: Arc<Mutex<Option<R>>>,
}

impl<R> Held<R> {
    /// Returns the reply, unless it was given up already.
    pub(super) fn take(&self) -> Option<R> {
        lock(&self.reply).take()
    }
}

/// Answers one reply with an error if it is still there.
type GiveUp = Box<dyn FnOnce() + Send>;

/// The replies that are out, oldest first.
pub(super) struct HeldReplies {
    out: Mutex<VecDeque<(Duration, GiveUp)>>,
    wake: Condvar,
    clock: fn() -> Duration,
}

impl HeldReplies {
    /// Starts the thread that gives up; it ends when this is dropped. Fails if no thread can be started.
    pub(super) fn new(clock: fn() -> Duration) -> std::io::Result<Arc<Self>> {
        let held = Arc::new(Self {
            out: Mutex::default(),
            wake: Condvar::new(),
            clock,
        });
        let weak = Arc::downgrade(&held);
        thread::Builder::new()
            .name("held".to_owned())
            .spawn(move || watch(&weak))?;
        Ok(held)
    }

    /// Holds a reply; `give_up` answers it if nobody took it within [`PATIENCE`].
    pub(super) fn hold<R: Send + 'static>(
        &self,
        reply: R,
        give_up: impl FnOnce(R) + Send + 'static,
    ) -> Held<R> {
        let reply = Arc::new(Mutex::new(Some(reply)));
        let weak: Weak<Mutex<Option<R>>> = Arc::downgrade(&reply);
        let give_up = Box::new(move || {
            let reply = weak.upgrade().and_then(|reply| lock(&reply).take());
            if let Some(reply) = reply {
                give_up(reply);
            }
        });
        let mut out = lock(&self.out);
        out.push_back(((self.clock)() + PATIENCE, give_up));
        if out.len() == 1 {
            self.wake.notify_one();
        }
        Held { reply }
    }

    /// Gives up what is over. Returns whether anything is still out.
    fn give_up(&self) -> bool {
        let now = (self.clock)();
        loop {
            let over = {
                let mut out = lock(&self.out);
                match out.front() {
                    Some((at, _)) if *at <= now => out.pop_front(),
                    Some(_) => return true,
                    None => return false,
                }
            };
            if let Some((_, give_up)) = over {
                give_up();
            }
        }
    }
}

fn watch(held: &Weak<HeldReplies>) {
    while let Some(held) = held.upgrade() {
        let busy = held.give_up();
        let out = lock(&held.out);
        let pause = if busy {
            Duration::from_millis(250)
        } else {
            Duration::from_secs(1)
        };
        drop(held.wake.wait_timeout(out, pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc::channel;

    static NOW: AtomicU64 = AtomicU64::new(0);

    #[test]
    fn a_reply_is_answered_once() {
        let held = HeldReplies::new(|| Duration::from_secs(NOW.load(Ordering::SeqCst))).unwrap();
        let (give_up, answered) = channel();
        let taken = held.hold(1, |_| panic!("it was taken"));
        assert_eq!((taken.take(), taken.take()), (Some(1), None));
        let forgotten = held.hold(2, move |reply| give_up.send(reply).unwrap());
        NOW.store(6, Ordering::SeqCst);
        assert_eq!(answered.recv(), Ok(2));
        assert_eq!(forgotten.take(), None);
    }
}
