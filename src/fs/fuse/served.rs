//! What all callbacks share: the manager, the open files, the waiting readers, the last refusals.

use super::Shown;
use super::handles::Handles;
use super::open::Wanted;
use super::parked::{Key, Parked};
use crate::domain::access::Caller;
use crate::domain::ask::{Ask, Reply};
use crate::domain::error::{ErrorKind, Refusal};
use crate::domain::id::ObjectNo;
use crate::domain::quota::{self, Quota};
use crate::domain::time::Time;
use crate::fs::access::{Attributes, FileKind};
use crate::fs::callers::Callers;
use crate::fs::held::HeldReplies;
pub(super) use crate::fs::lock;
use crate::fs::parse::Deny;
use crate::fs::rendered::Rendered;
use crate::fs::scope::Scope;
use crate::fs::show::metrics::{Process, with_process};
use crate::fs::tree::{Behaviour, behaviour};
use crate::fs::usage::Usage;
use crate::fs::waiting::{End, Waiting};
use crate::fs::{Node, Row, lookup};
use crate::manager::{Manager, View, clock, list};
use fuser::{Errno, FileAttr, FileType, INodeNo, ReplyData, Request};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A year: what cannot change.
const LONG: Duration = Duration::from_secs(31_536_000);

/// Rights, and names of objects: what is changed behind the kernel's back is also taken back from it at once.
const SHORT: Duration = Duration::from_secs(1);

/// Users whose last refusal is remembered.
const REFUSALS_MAX: usize = 1024;

/// A name of a request that is created and not yet written.
#[derive(Debug, Clone)]
pub(super) struct Reserved {
    /// The pool or library.
    pub(super) container: ObjectNo,
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Everything that a callback needs.
pub(super) struct Served {
    pub(super) manager: Manager,
    pub(super) waiting: Arc<Waiting<Key, Parked>>,
    held: Arc<HeldReplies>,
    pub(super) handles: Handles,
    pub(super) usage: Usage,
    pub(super) reserved: Mutex<HashMap<ObjectNo, Reserved>>,
    callers: Callers,
    refusals: Mutex<HashMap<u32, String>>,
    contents: Rendered<Arc<[u8]>>,
    stats: Rendered<Option<Attributes>>,
    /// Access control lists in the form of the kernel; empty: none.
    pub(super) lists: Rendered<Arc<[u8]>>,
    panics: AtomicU64,
    /// The group of the mount option `gid=`.
    gid: u32,
    /// What of the tree is shown.
    pub(super) scope: Scope,
}

/// An errno, or what to store for `last-error` and then an errno.
pub(super) enum Failed {
    Errno(Errno),
    Denied(Deny),
}

pub(super) type Outcome<T> = Result<T, Failed>;

impl Failed {
    /// Returns the errno, where it is not known who asked: it is nobody's last refusal.
    pub(super) fn errno(&self) -> Errno {
        match self {
            Self::Errno(errno) => *errno,
            Self::Denied(deny) => {
                tracing::warn!(%deny, "refused");
                Errno::from_i32(deny.errno())
            }
        }
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Denied(Deny::Refusal(refusal))
    }
}

impl From<Deny> for Failed {
    fn from(deny: Deny) -> Self {
        Self::Denied(deny)
    }
}

impl Served {
    /// Starts the watcher of waiting readers and the one of held replies.
    pub(super) fn new(manager: Manager, shown: &Shown<'_>, scope: Scope) -> std::io::Result<Self> {
        let end = |parked: Parked, end: End| {
            let errno = match end {
                End::Signal | End::Gone => Errno::EINTR,
                End::Unseen => Errno::EAGAIN,
                End::Shutdown => Errno::ESHUTDOWN,
            };
            parked.reply.error(errno);
        };
        Ok(Self {
            manager,
            waiting: Waiting::new(clock::boot, Box::new(end))?,
            held: HeldReplies::new(clock::boot)?,
            handles: Handles::default(),
            usage: Usage::default(),
            reserved: Mutex::default(),
            callers: Callers::new(clock::boot, shown.alone),
            refusals: Mutex::default(),
            contents: Rendered::default(),
            stats: Rendered::default(),
            lists: Rendered::default(),
            panics: AtomicU64::new(0),
            gid: shown.gid,
            scope,
        })
    }

    /// Runs a callback: a panic in it answers EIO, because the reply is dropped, and is counted and logged.
    pub(super) fn guard(&self, name: &'static str, callback: impl FnOnce()) {
        let guarded = || match self.manager.faults().at(name) {
            Ok(()) => callback(),
            Err(refusal) => tracing::warn!(%refusal, "a callback was refused by a fault point"),
        };
        if catch_unwind(AssertUnwindSafe(guarded)).is_err() {
            let count = self.panics.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::error!(
                callback = name,
                count,
                "a callback panicked; its caller got EIO"
            );
        }
    }

    /// Parks a read until `key` is taken. Returns false, and has answered it, if the user has too many that wait or the
    /// daemon stops.
    pub(super) fn park(&self, key: Key, wanted: &Wanted, reply: ReplyData) -> bool {
        match self.usage.wait(self.manager.limits(), wanted.uid) {
            Ok(tickets) => {
                let parked = wanted.park(reply, Some(tickets));
                self.waiting.park(key, wanted.tid, parked)
            }
            Err(refusal) => {
                reply.error(self.errno(wanted.uid, &Failed::from(refusal)));
                false
            }
        }
    }

    /// Hands an ask over, and holds the reply until it is done; if that takes too long, `error` answers it with EIO. `answer` is
    /// told the outcome, and has the reply, unless it was answered meanwhile.
    pub(super) fn submit<R: Send + 'static>(
        self: &Arc<Self>,
        caller: Caller,
        ask: Ask,
        (reply, error): (R, fn(R, Errno)),
        answer: impl FnOnce(&Arc<Self>, Result<Reply, Refusal>, Option<R>) + Send + 'static,
    ) {
        let held = self.held.hold(reply, move |reply| error(reply, Errno::EIO));
        let served = Arc::clone(self);
        let answer = move |outcome| answer(&served, outcome, held.take());
        self.manager.submit(caller, ask, Box::new(answer));
    }

    /// Looks at one snapshot of the catalog.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&View) -> crate::domain::error::Result<T>,
    ) -> Outcome<T> {
        self.manager.readers().look(look).map_err(Failed::from)
    }

    /// Describes who asks.
    pub(super) fn caller(&self, req: &Request) -> Caller {
        self.callers.caller(req.uid(), req.gid(), req.pid())
    }

    /// Describes a caller who is gone.
    pub(super) fn caller_of(&self, uid: u32, gid: u32) -> Caller {
        self.callers.caller(uid, gid, 0)
    }

    /// Returns whom the catalog knows a user and a group of the machine as.
    pub(super) fn recorded(
        &self,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> (Option<u32>, Option<u32>) {
        let of = |id: u32| self.callers.recorded(id, id);
        (uid.map(|uid| of(uid).0), gid.map(|gid| of(gid).1))
    }

    /// Turns owner and group of the catalog into those to show.
    fn show(&self, mut found: Attributes) -> Attributes {
        (found.uid, found.gid) = self.callers.shown(found.uid, found.gid);
        found
    }

    /// Returns all sides of what is shown and those that can be allocated now.
    pub(super) fn totals(&self) -> Outcome<(u64, u64)> {
        let top = self.scope.top().no;
        let totals = self.look(|view| {
            if self.scope.is_whole() {
                list::totals(view)
            } else {
                list::totals_below(view, top)
            }
        })?;
        Ok((
            u64::try_from(totals.0).unwrap_or(0),
            u64::try_from(totals.1).unwrap_or(0),
        ))
    }

    /// Turns a failure into an errno and remembers it as the user's last refusal.
    pub(super) fn errno(&self, uid: u32, failed: &Failed) -> Errno {
        match failed {
            Failed::Errno(errno) => *errno,
            Failed::Denied(deny) => {
                self.remember(uid, deny.to_string());
                Errno::from_i32(deny.errno())
            }
        }
    }

    /// Remembers a user's last refusal.
    pub(super) fn remember(&self, uid: u32, line: String) {
        let (uid, _) = self.callers.recorded(uid, 0);
        let mut refusals = lock(&self.refusals);
        if refusals.len() >= REFUSALS_MAX && !refusals.contains_key(&uid) {
            refusals.clear();
        }
        refusals.insert(uid, line);
    }

    /// Returns a user's last refusal as `last-error` shows it; empty if there was none.
    pub(super) fn last_error(&self, uid: u32) -> Arc<[u8]> {
        let (uid, _) = self.callers.recorded(uid, 0);
        lock(&self.refusals).get(&uid).map_or_else(
            || Arc::from([]),
            |line| Arc::from(format!("{line}\n").into_bytes()),
        )
    }

    /// Returns the node of an inode number, which for the root of the mount is always 1; ESTALE for a number that the tree
    /// never gives.
    pub(super) fn node(&self, ino: INodeNo) -> Outcome<Node> {
        if ino == INodeNo::ROOT {
            return Ok(self.scope.top());
        }
        Node::from_ino(ino.0).ok_or(Failed::Errno(Errno::ESTALE))
    }

    /// Returns what a file shows, rendered once a commit.
    pub(super) fn content(&self, node: Node) -> Outcome<Arc<[u8]>> {
        let version = self.manager.version();
        self.contents.get(version, node.ino(), || {
            let render = |view: &View| -> crate::domain::error::Result<Vec<u8>> {
                if !lookup::exists(view, node)? {
                    return Err(ErrorKind::ObjectNotFound.because("the object is gone"));
                }
                lookup::show(view, node)
            };
            match self.manager.readers().look(render) {
                Ok(bytes) => Ok(Arc::from(bytes)),
                Err(refusal) if refusal.kind == ErrorKind::ObjectNotFound => {
                    Err(Failed::Errno(Errno::ENOENT))
                }
                Err(refusal) => Err(Failed::from(refusal)),
            }
        })
    }

    /// Returns `metrics` with the numbers of this instant; it is as long as its content at any other without a commit between.
    pub(super) fn metrics(&self, node: Node) -> Outcome<Arc<[u8]>> {
        let content = self.content(node)?;
        let process = Process {
            waiting_reads: u64::try_from(self.waiting.len()).unwrap_or(u64::MAX),
            open_files: self.usage.all(Quota::OpenFiles),
            panics: self.panics.load(Ordering::Relaxed),
            quotas: quota::ALL.map(|quota| {
                let limits = self.manager.limits();
                (limits.get(quota), limits.refused(quota))
            }),
        };
        let text = with_process(&String::from_utf8_lossy(&content), process);
        Ok(Arc::from(text.into_bytes()))
    }

    /// Returns the attributes of a node, rendered once a commit; ENOENT if it is gone.
    pub(super) fn stat(&self, node: Node) -> Outcome<Attributes> {
        if let Some(attributes) = self.stat_reserved(node) {
            return Ok(attributes);
        }
        let version = self.manager.version();
        let found = self.stats.get(version, node.ino(), || {
            self.look(|view| {
                let found = self.scope.attributes(view, node, self.gid)?;
                Ok(found.map(|found| self.show(found)))
            })
        })?;
        let mut found = found.ok_or(Failed::Errno(Errno::ENOENT))?;
        found.size = self.export_size(node).unwrap_or(found.size);
        Ok(found)
    }

    /// Returns the attributes as a user sees them: `last-error` is as long as the last refusal of that user.
    pub(super) fn seen_by(&self, uid: u32, node: Node, mut found: Attributes) -> Attributes {
        if node.row == Row::LastError {
            found.size = u64::try_from(self.last_error(uid).len()).unwrap_or(u64::MAX);
        }
        found
    }

    /// Finds an entry and its attributes on one snapshot, and keeps them for the stat that follows.
    pub(super) fn entry(&self, parent: Node, name: &[u8]) -> Outcome<(Node, Attributes)> {
        let version = self.manager.version();
        let found = if self.scope.is_whole() {
            self.look(|view| lookup::entry(view, parent, name, self.gid))?
        } else {
            None
        };
        let Some((node, attributes)) = found else {
            let node = self.find(parent, name)?;
            return Ok((node, self.stat(node)?));
        };
        let attributes = self.show(attributes);
        let kept: Outcome<_> = self.stats.get(version, node.ino(), || Ok(Some(attributes)));
        let found = self
            .stat_reserved(node)
            .map_or(kept, |found| Ok(Some(found)))?;
        Ok((node, found.ok_or(Failed::Errno(Errno::ENOENT))?))
    }

    /// The attributes of a request that is created and not yet written, and of its result.
    fn stat_reserved(&self, node: Node) -> Option<Attributes> {
        let mode = if node.row.outcome().is_some() {
            0o600
        } else if matches!(node.row, Row::Outcome | Row::LibraryOutcome) {
            0o400
        } else {
            return None;
        };
        let now = clock::utc();
        let reserved = lock(&self.reserved).get(&node.no).cloned()?;
        Some(self.show(Attributes {
            ino: node.ino(),
            kind: FileKind::File,
            mode,
            uid: reserved.uid,
            gid: reserved.gid,
            size: 0,
            occupied: 0,
            modified: now,
            accessed: now,
            passing: false,
        }))
    }

    /// Finds an entry: in the catalog, or a request that is created and not yet written.
    pub(super) fn find(&self, parent: Node, name: &[u8]) -> Outcome<Node> {
        // The reserved first: one that is not reserved any more is in the catalog by then.
        if let Some(node) = self.find_reserved(parent, name) {
            return Ok(node);
        }
        self.look(|view| self.scope.lookup(view, parent, name))?
            .ok_or(Failed::Errno(Errno::ENOENT))
    }

    fn find_reserved(&self, parent: Node, name: &[u8]) -> Option<Node> {
        let row = parent.row.named()?;
        lock(&self.reserved)
            .iter()
            .find(|(_, r)| r.container == parent.no && r.name.as_bytes() == name)
            .map(|(no, _)| Node::new(row, *no))
    }
}

/// Returns how long the kernel may keep the attributes and the name of a node. Names that go behind its back it may not keep:
/// it cannot be told (see [`super::notice`]).
pub(super) fn times(node: Node, found: &Attributes) -> (Duration, Duration) {
    let named = crate::fs::tree::spec(node.row).name;
    let behaviour = behaviour(node);
    let fleeting = matches!(
        behaviour,
        Behaviour::Link(_) | Behaviour::RequestFile(_) | Behaviour::ResultFile(_)
    ) || matches!(
        node.row,
        Row::Medium | Row::Logical | Row::Operator | Row::Work
    ) || found.passing;
    let entry = match named {
        _ if fleeting => Duration::ZERO,
        crate::fs::tree::Name::Is(_) => LONG,
        crate::fs::tree::Name::Each(_) => SHORT,
    };
    let attributes = if matches!(behaviour, Behaviour::Dir(_)) {
        SHORT
    } else {
        Duration::ZERO
    };
    (attributes, entry)
}

/// Returns attributes as the kernel wants them.
pub(super) fn attr(found: &Attributes) -> FileAttr {
    let instant = |time: Time| -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(time.0).unwrap_or(0))
    };
    let time = instant(found.modified);
    FileAttr {
        ino: INodeNo(found.ino),
        size: found.size,
        blocks: found.occupied.div_ceil(512),
        atime: instant(found.accessed),
        mtime: time,
        ctime: time,
        crtime: time,
        kind: file_type(found.kind),
        perm: u16::try_from(found.mode & 0o7777).unwrap_or(0),
        nlink: 1,
        uid: found.uid,
        gid: found.gid,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

fn file_type(kind: FileKind) -> FileType {
    match kind {
        FileKind::Directory => FileType::Directory,
        FileKind::File => FileType::RegularFile,
        FileKind::Link => FileType::Symlink,
    }
}

/// Returns the type of a node without asking the catalog.
pub(super) fn type_of(node: Node) -> FileType {
    let behaviour = behaviour(node);
    if matches!(behaviour, Behaviour::Dir(_)) {
        FileType::Directory
    } else if matches!(behaviour, Behaviour::Link(_)) {
        FileType::Symlink
    } else {
        FileType::RegularFile
    }
}
