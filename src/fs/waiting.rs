//! The set of waiting readers: parked replies, what each waits for, and a watcher that ends a wait when its caller
//! has a signal to take.
//!
//! The FUSE library answers the kernel's interrupt message with "not implemented", and from then on the kernel lets
//! no signal, not even SIGKILL, end a read that the daemon holds. So the watcher looks into `/proc/TID/status` of
//! each waiting thread and ends the read itself. The caller then dies, or runs its handler, as with any slow
//! device.
//!
//! Invariants:
//! - A reply leaves the set once: with [`Waiting::take`], or through the `end` function. It is never dropped here.
//! - The lock is held for moves within the set only: not while `/proc` is read, not while `end` runs. So after a panic
//!   elsewhere the set is whole.
//! - With nobody waiting the watcher sleeps without a timeout and is woken by the first [`Waiting::park`].
//! - Up to 100 waiting: each is looked at every 50 ms. Above: one look per 0.45 ms, so 10,000 take 4.5 s. A look
//!   costs 18 to 25 us, so this is 4 to 5 % of a core. They come a hundred at a time, twenty times a second: a wake-up
//!   disturbs where the scheduler keeps a caller and the thread that serves it, and that costs others far more
//!   than a burst of 2 ms does.
//!
//! No wake-up is lost if the caller parks first, then looks whether the answer came meanwhile, and if so takes and
//! answers what waits for that key.

use super::lock;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs::File;
use std::hash::Hash;
use std::io::{self, Read as _};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How many threads are looked at between two pauses.
const SLICE: usize = 100;
/// With few waiting, each is looked at this often.
const ROUND: Duration = Duration::from_millis(50);
/// With many waiting, one is looked at this often.
const SPACING: Duration = Duration::from_micros(450);
/// Where looks are dear (a slow or busy machine), each is followed by so many times its duration of rest.
const REST: u32 = 11;
/// A delay of the watcher is made up for, up to this much.
const LAG: Duration = Duration::from_millis(250);
/// How long a caller that cannot be seen may wait.
const UNSEEN: Duration = Duration::from_secs(10);
/// A status text is about 1.4 kB, but its list of groups may be long (65,536 of them at most).
const STATUS_MAX: u64 = 1 << 20;

/// Why a wait ended without its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum End {
    /// The thread has a signal pending that it does not block: EINTR.
    Signal,
    /// The thread cannot be seen from here and has waited 10 s: EAGAIN.
    Unseen,
    /// The thread is gone; nobody reads the answer.
    Gone,
    /// The daemon stops: ESHUTDOWN.
    Shutdown,
}

/// What the status of a thread says about its signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Pending {
    /// Nothing that would wake it. Also if its status cannot be read or understood for the moment.
    No,
    /// A signal that it does not block is pending, for the thread or for its process.
    Signal,
    /// There is no such thread, or it has ended.
    Gone,
    /// It cannot be seen: number 0 (another pid namespace), or `/proc` hides it.
    Unseen,
}

/// What is called with a reply whose wait ended without an answer. It must not block.
type Ender<R> = Box<dyn Fn(R, End) + Send + Sync>;

/// Parked replies `R`, each waiting for a key `K`, under watch. Dropping it is [`Waiting::shutdown`].
pub(super) struct Waiting<K, R> {
    shared: Arc<Shared<K, R>>,
    watcher: Mutex<Option<JoinHandle<()>>>,
}

/// What the callers and the watcher share.
struct Shared<K, R> {
    set: Mutex<Set<K, R>>,
    wake: Condvar,
    clock: fn() -> Duration,
    end: Ender<R>,
}

/// The waits by number, which is their order of arrival, and the numbers by key.
struct Set<K, R> {
    waits: BTreeMap<u64, Wait<K, R>>,
    by_key: HashMap<K, BTreeSet<u64>>,
    next: u64,
    /// The watcher sleeps until somebody parks.
    idle: bool,
    closed: bool,
}

/// One parked reply.
struct Wait<K, R> {
    key: K,
    tid: u32,
    since: Duration,
    reply: R,
}

/// What the watcher copies of a wait.
#[derive(Debug, Clone, Copy)]
struct Watched {
    id: u64,
    tid: u32,
    since: Duration,
}

impl<K, R> Waiting<K, R>
where
    K: Eq + Hash + Clone + Send + 'static,
    R: Send + 'static,
{
    /// Makes an empty set and starts its watcher thread. `clock` tells the time since boot, sleep included; `end`
    /// is called, without a lock held, with every reply whose wait ends without its answer. It must not block; it
    /// may use the set. Fails if the thread cannot be started.
    pub(super) fn new(clock: fn() -> Duration, end: Ender<R>) -> io::Result<Arc<Self>> {
        let shared = Arc::new(Shared {
            set: Mutex::new(Set::new()),
            wake: Condvar::new(),
            clock,
            end,
        });
        let theirs = Arc::clone(&shared);
        let watcher = thread::Builder::new()
            .name("waiting".to_owned())
            .spawn(move || watch(&theirs))?;
        Ok(Arc::new(Self {
            shared,
            watcher: Mutex::new(Some(watcher)),
        }))
    }

    /// Parks the reply that thread `tid` (0: not visible) waits for until `key` is taken. After the shutdown the
    /// wait ends at once, and this returns false.
    pub(super) fn park(&self, key: K, tid: u32, reply: R) -> bool {
        let since = (self.shared.clock)();
        let mut set = self.shared.lock();
        if set.closed {
            drop(set);
            self.shared.finish(reply, End::Shutdown);
            return false;
        }
        set.insert(Wait {
            key,
            tid,
            since,
            reply,
        });
        if mem::take(&mut set.idle) {
            self.shared.wake.notify_one();
        }
        true
    }

    /// Takes out every reply that waits for `key`, oldest first.
    pub(super) fn take(&self, key: &K) -> Vec<R> {
        self.shared.lock().take(key)
    }
}

impl<K, R> Waiting<K, R> {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.shared.lock().waits.len()
    }

    /// Ends every wait, oldest first, and every later one, with [`End::Shutdown`], and joins the watcher thread. A
    /// second call does nothing.
    pub(super) fn shutdown(&self) {
        let waits = self.shared.lock().close();
        self.shared.wake.notify_one();
        for wait in waits.into_values() {
            self.shared.finish(wait.reply, End::Shutdown);
        }
        let watcher = lock(&self.watcher).take();
        // `end` may have called this from the watcher itself, which then leaves by itself
        if let Some(watcher) = watcher.filter(|it| it.thread().id() != thread::current().id())
            && watcher.join().is_err()
        {
            tracing::error!("the watcher of waiting readers had panicked");
        }
    }
}

impl<K, R> Drop for Waiting<K, R> {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl<K, R> Shared<K, R> {
    fn lock(&self) -> MutexGuard<'_, Set<K, R>> {
        lock(&self.set)
    }

    /// Hands a reply that is no longer in the set to `end`. A panic there must not stop the watcher.
    fn finish(&self, reply: R, end: End) {
        if catch_unwind(AssertUnwindSafe(|| (self.end)(reply, end))).is_err() {
            tracing::error!(?end, "ending a wait panicked");
        }
    }

    /// Sleeps until the next looks are due and copies whom to look at. False: stop.
    fn next_slice(&self, pace: &mut Pace, slice: &mut Slice) -> bool {
        let mut set = self.lock();
        if set.waits.is_empty() && !set.closed {
            while set.waits.is_empty() && !set.closed {
                set.idle = true;
                set = (self.wake.wait(set)).unwrap_or_else(PoisonError::into_inner);
            }
            set.idle = false;
            pace.due = (self.clock)();
        }
        let pause = pace.pause((self.clock)(), set.waits.len());
        let (set, _) = (self.wake)
            .wait_timeout_while(set, pause, |set| !set.closed)
            .unwrap_or_else(PoisonError::into_inner);
        set.copy(slice);
        !set.closed
    }
}

impl<K, R> Shared<K, R>
where
    K: Eq + Hash,
{
    /// Ends those of the waits that nobody has taken meanwhile.
    fn finish_all(&self, ended: &mut Vec<(u64, End)>) {
        if ended.is_empty() {
            return;
        }
        let mut set = self.lock();
        let replies: Vec<(R, End)> = (ended.drain(..))
            .filter_map(|(id, end)| set.remove(id).map(|wait| (wait.reply, end)))
            .collect();
        drop(set);
        for (reply, end) in replies {
            self.finish(reply, end);
        }
    }
}

impl<K, R> Set<K, R> {
    fn new() -> Self {
        Self {
            waits: BTreeMap::new(),
            by_key: HashMap::new(),
            next: 1,
            idle: false,
            closed: false,
        }
    }

    /// Closes the set and empties it.
    fn close(&mut self) -> BTreeMap<u64, Wait<K, R>> {
        self.closed = true;
        self.by_key.clear();
        mem::take(&mut self.waits)
    }

    /// Copies the next few waits after the last one copied, and begins again at the oldest.
    fn copy(&self, slice: &mut Slice) {
        slice.watched.clear();
        let later = self.waits.range(slice.last.saturating_add(1)..);
        let earlier = self.waits.range(..=slice.last);
        let copies = later.chain(earlier).take(SLICE);
        slice.watched.extend(copies.map(|(id, wait)| Watched {
            id: *id,
            tid: wait.tid,
            since: wait.since,
        }));
        if let Some(last) = slice.watched.last() {
            slice.last = last.id;
        }
    }
}

impl<K, R> Set<K, R>
where
    K: Eq + Hash,
{
    fn insert(&mut self, wait: Wait<K, R>)
    where
        K: Clone,
    {
        let id = self.next;
        self.next += 1;
        self.by_key.entry(wait.key.clone()).or_default().insert(id);
        self.waits.insert(id, wait);
    }

    fn remove(&mut self, id: u64) -> Option<Wait<K, R>> {
        let wait = self.waits.remove(&id)?;
        if let Some(ids) = self.by_key.get_mut(&wait.key) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_key.remove(&wait.key);
            }
        }
        Some(wait)
    }

    fn take(&mut self, key: &K) -> Vec<R> {
        (self.by_key.remove(key).into_iter().flatten())
            .filter_map(|id| self.waits.remove(&id).map(|wait| wait.reply))
            .collect()
    }
}

/// Whom the watcher looks at next, and where it is in its round.
#[derive(Debug, Default)]
struct Slice {
    watched: Vec<Watched>,
    last: u64,
}

/// When the next looks are due.
#[derive(Debug, Default)]
struct Pace {
    due: Duration,
    /// How long the last looks took.
    spent: Duration,
}

impl Pace {
    /// How long to pause now, before up to [`SLICE`] of `waiting` threads are looked at.
    fn pause(&mut self, now: Duration, waiting: usize) -> Duration {
        let all = u32::try_from(waiting).unwrap_or(u32::MAX).max(1);
        let few = u32::try_from(waiting.min(SLICE)).unwrap_or(1);
        let usual = (ROUND / all).max(SPACING) * few;
        self.due = (self.due + usual).clamp(now.saturating_sub(LAG), now + usual);
        // the looks may seem long because another program had the processor: that is not worth a long rest
        let rest = (self.spent * REST).min(usual * 3);
        self.due.saturating_sub(now).max(rest)
    }
}

/// The watcher thread: until the shutdown, looks at a few, ends what has to end, pauses.
fn watch<K, R>(shared: &Shared<K, R>)
where
    K: Eq + Hash,
{
    let mut status = Status::new();
    let mut pace = Pace::default();
    let mut slice = Slice::default();
    let mut ended = Vec::new();
    while shared.next_slice(&mut pace, &mut slice) {
        let begun = (shared.clock)();
        for it in &slice.watched {
            let end = match status.look(it.tid) {
                Pending::No => None,
                Pending::Signal => Some(End::Signal),
                Pending::Gone => Some(End::Gone),
                Pending::Unseen => {
                    (begun.saturating_sub(it.since) >= UNSEEN).then_some(End::Unseen)
                }
            };
            ended.extend(end.map(|end| (it.id, end)));
        }
        pace.spent = (shared.clock)().saturating_sub(begun);
        shared.finish_all(&mut ended);
    }
}

/// Looks at the pending signals of a thread of this pid namespace, or of its process, less those that it blocks.
pub(super) fn pending_signal(tid: u32) -> Pending {
    Status::new().look(tid)
}

/// Reads status texts, with buffers that are used again.
#[derive(Debug)]
struct Status {
    path: String,
    text: Vec<u8>,
}

impl Status {
    fn new() -> Self {
        Self {
            path: String::with_capacity(32),
            text: vec![0; 4096],
        }
    }

    fn look(&mut self, tid: u32) -> Pending {
        if tid == 0 {
            return Pending::Unseen;
        }
        match self.read(tid) {
            Ok(pending) => pending.unwrap_or(Pending::No),
            Err(error) => match error.raw_os_error() {
                // ESRCH: it ended between open and read
                Some(libc::ENOENT | libc::ESRCH) => Pending::Gone,
                Some(libc::EACCES | libc::EPERM) => Pending::Unseen,
                // no memory or no descriptor: that passes
                _ => Pending::No,
            },
        }
    }

    fn read(&mut self, tid: u32) -> io::Result<Option<Pending>> {
        self.path.clear();
        // writing to a String does not fail
        let _ = write!(self.path, "/proc/{tid}/status");
        let mut file = File::open(&self.path)?;
        let count = file.read(&mut self.text)?;
        let text = self.text.get(..count).unwrap_or_default();
        let pending = parse(text);
        if pending.is_some() || count == 0 {
            return Ok(pending);
        }
        let mut long = text.to_vec();
        file.take(STATUS_MAX).read_to_end(&mut long)?;
        Ok(parse(&long))
    }
}

/// Finds the three signal masks in a status text. `None`: they are not all there, or are no numbers. The kernel
/// escapes newlines in the name of a thread, so a line is what it seems.
fn parse(text: &[u8]) -> Option<Pending> {
    let (mut own, mut shared, mut blocked) = (None, None, None);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let Some((name, value)) = line.split_at_checked(8) else {
            continue;
        };
        match name {
            b"SigPnd:\t" => own = Some(mask(value)?),
            b"ShdPnd:\t" => shared = Some(mask(value)?),
            b"SigBlk:\t" => blocked = Some(mask(value)?),
            b"State:\tZ" | b"State:\tX" => return Some(Pending::Gone),
            _ => continue,
        }
        if let (Some(own), Some(shared), Some(blocked)) = (own, shared, blocked) {
            let awake = (own | shared) & !blocked != 0;
            return Some(if awake { Pending::Signal } else { Pending::No });
        }
    }
    None
}

/// Reads a signal mask: 1 to 16 hexadecimal digits and the end of the line.
fn mask(value: &[u8]) -> Option<u64> {
    let digits = value.strip_suffix(b"\n")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, channel};

    use nix::sys::signal::{Signal, kill};
    use nix::time::{ClockId, clock_gettime};
    use nix::unistd::Pid;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn clock() -> Duration {
        clock_gettime(ClockId::CLOCK_BOOTTIME).unwrap().into()
    }

    type Ends = Receiver<(u32, End)>;

    fn waiting(clock: fn() -> Duration) -> (Arc<Waiting<&'static str, u32>>, Ends) {
        let (sender, ends) = channel();
        let end = move |reply, end| sender.send((reply, end)).unwrap();
        (Waiting::new(clock, Box::new(end)).unwrap(), ends)
    }

    fn me() -> u32 {
        std::process::id()
    }

    fn pid(child: &Child) -> Pid {
        Pid::from_raw(i32::try_from(child.id()).unwrap())
    }

    /// Starts `sleep`, with arguments for env(1) before it, and waits until it runs.
    fn sleeper(options: &[&str]) -> Child {
        let mut command = Command::new("env");
        let child = (command.args(options).args(["sleep", "60"]).spawn()).unwrap();
        let name = format!("/proc/{}/comm", child.id());
        until(|| std::fs::read_to_string(&name).unwrap() == "sleep\n");
        child
    }

    fn until(mut done: impl FnMut() -> bool) {
        let begun = clock();
        while !done() {
            assert!(clock() < begun + PATIENCE, "not done in time");
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Stops it and sends SIGTERM, which a stopped process does not take: it stays pending.
    fn stop_and_terminate(child: &Child) {
        kill(pid(child), Signal::SIGSTOP).unwrap();
        let name = format!("/proc/{}/status", child.id());
        until(|| {
            std::fs::read_to_string(&name)
                .unwrap()
                .contains("State:\tT")
        });
        kill(pid(child), Signal::SIGTERM).unwrap();
    }

    fn end_child(mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn masks_decide() {
        let status = |own: &str, shared: &str, blocked: &str| {
            let text = format!(
                "Name:\tcat\nState:\tS (sleeping)\nGroups:\t0 \nSigQ:\t0/1\nSigPnd:\t{own}\nShdPnd:\t{shared}\n\
                 SigBlk:\t{blocked}\nSigIgn:\t0000000000000000\n"
            );
            parse(text.as_bytes())
        };
        let none = "0000000000000000";
        let kill = "0000000000000100";
        let last = "8000000000000000";
        assert_eq!(status(none, none, none), Some(Pending::No));
        assert_eq!(status(kill, none, none), Some(Pending::Signal));
        assert_eq!(status(none, kill, none), Some(Pending::Signal));
        assert_eq!(status(none, kill, kill), Some(Pending::No));
        assert_eq!(status(kill, last, kill), Some(Pending::Signal));
        assert_eq!(status(last, last, last), Some(Pending::No));
        assert_eq!(status(none, none, "ffffffffffffffff"), Some(Pending::No));
        assert_eq!(status("2", "0", "4"), Some(Pending::Signal));
        for wrong in ["", "+2", "-2", "0x2", "2 ", "10000000000000000", "é"] {
            assert_ne!(
                status(wrong, none, none),
                Some(Pending::Signal),
                "{wrong:?}"
            );
            assert_ne!(
                status(none, none, wrong),
                Some(Pending::Signal),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_cut_or_strange_status_decides_nothing() {
        let whole =
            b"Name:\tSigPnd:\\n\nState:\tD (disk sleep)\nSigPnd:\t02\nShdPnd:\t00\nSigBlk:\t00\n";
        assert_eq!(parse(whole), Some(Pending::Signal));
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]), None, "cut at {end}");
        }
        let odd: [&[u8]; 6] = [
            b"",
            b"\n\n\n",
            b"SigPnd:\t",
            b"SigPnd:\t\xff\xfe\nShdPnd:\t0\nSigBlk:\t0\n",
            b"SigPnd 2\nShdPnd 2\nSigBlk 0\n",
            &[0; 5000],
        ];
        for text in odd {
            assert_eq!(parse(text), None, "{text:?}");
        }
        for ended in ["Z (zombie)", "X (dead)"] {
            let text = format!("Name:\tcat\nState:\t{ended}\nSigPnd:\t02\n");
            assert_eq!(parse(text.as_bytes()), Some(Pending::Gone));
        }
    }

    #[test]
    fn real_threads_are_seen() {
        assert_eq!(pending_signal(me()), Pending::No);
        assert_eq!(pending_signal(0), Pending::Unseen);
        assert_eq!(pending_signal(u32::MAX), Pending::Gone);

        let deaf = sleeper(&["--block-signal=USR1"]);
        kill(pid(&deaf), Signal::SIGUSR1).unwrap();
        assert_eq!(pending_signal(deaf.id()), Pending::No);
        stop_and_terminate(&deaf);
        assert_eq!(pending_signal(deaf.id()), Pending::Signal);

        let mut killed = sleeper(&[]);
        killed.kill().unwrap();
        until(|| pending_signal(killed.id()) == Pending::Gone);
        killed.wait().unwrap();
        assert_eq!(pending_signal(killed.id()), Pending::Gone);
        end_child(deaf);
    }

    #[test]
    fn a_signal_ends_the_wait_of_its_thread_only() {
        let (set, ends) = waiting(clock);
        let (one, other) = (sleeper(&[]), sleeper(&["--block-signal=USR1"]));
        set.park("answer", one.id(), 1);
        set.park("answer", other.id(), 2);
        set.park("answer", me(), 3);
        kill(pid(&other), Signal::SIGUSR1).unwrap();
        stop_and_terminate(&one);
        assert_eq!(ends.recv_timeout(PATIENCE), Ok((1, End::Signal)));
        end_child(other);
        let (reply, end) = ends.recv_timeout(PATIENCE).unwrap();
        assert!(reply == 2 && matches!(end, End::Signal | End::Gone));
        assert_eq!(set.take(&"answer"), [3]);
        assert!(ends.try_recv().is_err());
        end_child(one);
    }

    #[test]
    fn replies_are_taken_by_key_in_order() {
        let (set, ends) = waiting(clock);
        for (key, reply) in [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5), ("a", 6)] {
            set.park(key, me(), reply);
        }
        assert_eq!(set.len(), 6);
        assert_eq!(set.take(&"a"), [1, 3, 6]);
        assert!(set.take(&"a").is_empty());
        assert!(set.take(&"no such").is_empty());
        assert_eq!(set.take(&"b"), [2, 5]);
        assert_eq!(set.take(&"c"), [4]);
        assert_eq!(set.len(), 0);
        assert!(set.shared.lock().by_key.is_empty());
        drop(set);
        assert!(ends.recv().is_err());
    }

    #[test]
    fn an_unseen_caller_waits_ten_seconds() {
        static NOW: AtomicU64 = AtomicU64::new(1_000);
        fn fake() -> Duration {
            Duration::from_millis(NOW.load(Ordering::SeqCst))
        }
        let (set, ends) = waiting(fake);
        set.park("answer", 0, 1);
        NOW.store(10_900, Ordering::SeqCst);
        set.park("answer", 0, 2);
        assert!(ends.recv_timeout(Duration::from_millis(200)).is_err());
        NOW.store(11_000, Ordering::SeqCst);
        assert_eq!(ends.recv_timeout(PATIENCE), Ok((1, End::Unseen)));
        assert!(ends.recv_timeout(Duration::from_millis(200)).is_err());
        NOW.store(3_600_000, Ordering::SeqCst);
        assert_eq!(ends.recv_timeout(PATIENCE), Ok((2, End::Unseen)));
    }

    #[test]
    fn shutdown_ends_all_and_later_ones() {
        let (set, ends) = waiting(clock);
        for reply in 0..20 {
            set.park("answer", me(), reply);
        }
        set.shutdown();
        let ended: Vec<_> = ends.try_iter().collect();
        assert_eq!(
            ended,
            (0..20).map(|it| (it, End::Shutdown)).collect::<Vec<_>>()
        );
        set.park("answer", me(), 20);
        assert_eq!(ends.try_recv(), Ok((20, End::Shutdown)));
        assert_eq!(set.len(), 0);
        set.shutdown();
    }

    #[test]
    fn shutdown_out_of_an_end_does_not_lock_up() {
        type Slot = Arc<Mutex<Option<Arc<Waiting<u8, u32>>>>>;
        let slot: Slot = Slot::default();
        let (sender, ends) = channel();
        let inner = Arc::clone(&slot);
        let end = move |reply, end| {
            let set = lock(&inner).take();
            if let Some(set) = set {
                set.shutdown();
            }
            sender.send((reply, end)).unwrap();
        };
        let set = Waiting::new(clock, Box::new(end)).unwrap();
        *lock(&slot) = Some(Arc::clone(&set));
        set.park(0, u32::MAX, 1);
        assert_eq!(ends.recv_timeout(PATIENCE), Ok((1, End::Gone)));
    }

    #[test]
    fn a_panic_in_an_end_does_not_stop_the_watcher() {
        let (sender, ends) = channel();
        let end = move |reply: u32, end| {
            assert_ne!(reply, 1, "a test of panics");
            sender.send((reply, end)).unwrap();
        };
        let set = Waiting::new(clock, Box::new(end)).unwrap();
        set.park((), u32::MAX, 1);
        set.park((), u32::MAX, 2);
        assert_eq!(ends.recv_timeout(PATIENCE), Ok((2, End::Gone)));
        set.park((), u32::MAX, 3);
        assert_eq!(ends.recv_timeout(PATIENCE), Ok((3, End::Gone)));
    }

    /// Four threads park what ends by itself at once, and what waits; others take at the same time; then the
    /// shutdown.
    #[test]
    fn each_reply_is_answered_once() {
        const EACH: usize = 5_000;
        let answers: Arc<Vec<AtomicUsize>> =
            Arc::new((0..4 * EACH).map(|_| AtomicUsize::new(0)).collect());
        let ended = Arc::clone(&answers);
        let end = move |reply: usize, _| {
            ended[reply].fetch_add(1, Ordering::SeqCst);
        };
        let set = Waiting::new(clock, Box::new(end)).unwrap();
        thread::scope(|scope| {
            for first in 0..4 {
                let (set, answers) = (&set, &answers);
                scope.spawn(move || {
                    for reply in first * EACH..(first + 1) * EACH {
                        let tid = if reply % 3 == 0 { u32::MAX } else { me() };
                        set.park(reply % 7, tid, reply);
                        if reply % 50 == 0 {
                            for taken in set.take(&(reply % 6)) {
                                answers[taken].fetch_add(1, Ordering::SeqCst);
                            }
                            thread::park_timeout(Duration::from_micros(100));
                        }
                    }
                });
            }
        });
        for taken in set.take(&0) {
            answers[taken].fetch_add(1, Ordering::SeqCst);
        }
        set.shutdown();
        assert!(answers.iter().all(|it| it.load(Ordering::SeqCst) == 1));
    }

    #[test]
    fn the_pace_keeps_its_promises() {
        for (waiting, round) in [(1, 50), (7, 50), (100, 50), (1_000, 450), (10_000, 4_500)] {
            let mut pace = Pace::default();
            let (mut now, mut looks, mut slices) = (PATIENCE, 0, 0);
            pace.due = now;
            while looks < waiting {
                now += pace.pause(now, waiting);
                pace.spent = Duration::from_micros(18) * u32::try_from(waiting.min(SLICE)).unwrap();
                now += pace.spent;
                looks += waiting.min(SLICE);
                slices += 1;
            }
            let took = now.saturating_sub(PATIENCE).as_millis();
            assert!(took <= round * 16 / 10, "{waiting}: {took} ms");
            assert!(took >= round * 9 / 10, "{waiting}: {took} ms");
            assert!(slices >= waiting / SLICE);
        }
    }

    #[test]
    fn a_delay_is_made_up_for_without_a_burst() {
        let mut pace = Pace {
            due: PATIENCE,
            spent: Duration::from_micros(90),
        };
        let later = PATIENCE + Duration::from_secs(3_600);
        assert_eq!(pace.pause(later, 10_000), Duration::from_micros(90) * REST);
        assert_eq!(pace.due + LAG, later);
        pace.spent = Duration::from_secs(1);
        assert_eq!(pace.pause(later, 10_000), SPACING * 300);
        // a clock that stands still or goes back gives no long pause
        assert!(pace.pause(Duration::ZERO, 1) <= ROUND * 3);
    }
}
