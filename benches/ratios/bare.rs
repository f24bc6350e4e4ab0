//! The floor of the benchmarks: the least file system that the FUSE library serves, with constants for answers.
//!
//! It has `static` (fixed text, direct I/O), `transaction` (write a line, read the same fixed line) and `names/`
//! with any number of empty files. Options, capabilities and caching are those of the real tree, so that what the
//! real one takes longer is its own.
//!
//! Invariant: it never blocks, and keeps nothing but where the last write of each open `transaction` ended.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, InitFlags, KernelConfig, LockOwner, OpenFlags, ReplyAttr, ReplyData,
    ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, ReplyXattr,
    Request, Session, SessionACL, TimeOrNow, WriteFlags,
};
use ntmsfs::cli::mountpoint::{self, Mounted};

/// What `static` contains.
pub(crate) const STATIC: &[u8] = b"name=LTO-0001\nstate=available\nsides=1\nbar-code=NTM001L8\n";

/// What a read of `transaction` gives after a write: 37 bytes, as long as a GUID and the end of the line.
pub(crate) const ANSWER: &[u8; 37] = b"01890a5d-ac96-774b-bcce-b302099a8057\n";

const ROOT: u64 = 1;
const STATIC_INO: u64 = 2;
const TRANSACTION: u64 = 3;
const NAMES: u64 = 4;
/// The inode number of the first of the names.
const FIRST: u64 = 16;

/// Names and directories do not change here: a year.
const LONG: Duration = Duration::from_secs(31_536_000);
/// More entries with attributes in one answer would only delay it.
const PLUS_MAX: usize = 200;
/// How long the end of the session is waited for, after the mount is gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// A mounted floor. Dropping it unmounts.
#[derive(Debug)]
pub(crate) struct Bare {
    mounted: Mounted,
    session: Option<BackgroundSession>,
}

impl Bare {
    /// Mounts at `dir` and serves with two threads. The names appear in `names/` in this order, the n-th (from 0)
    /// with inode number 16 + n. Errors: those of [`mountpoint::mount`], and of the first exchange with the kernel.
    pub(crate) fn start(dir: &Path, names: Vec<String>) -> io::Result<Self> {
        let (device, mounted) = mountpoint::mount(Path::new("bare"), dir, false)?;
        let mut config = Config::default();
        config.acl = SessionACL::All;
        config.n_threads = Some(2);
        config.clone_fd = true;
        let session = Session::from_fd(Constants::new(names), device, SessionACL::All, config)
            .and_then(Session::spawn);
        match session {
            Ok(session) => Ok(Self {
                mounted,
                session: Some(session),
            }),
            Err(error) => {
                mounted.unmount()?;
                Err(error)
            }
        }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        if let Err(error) = self.mounted.unmount() {
            tracing::error!(%error, "the floor is still mounted");
        }
        // an open file keeps a session alive; a benchmark then ends without it
        let Some(session) = self.session.take() else {
            return;
        };
        for _ in 0..PATIENCE.as_millis() {
            if session.guard.is_finished() {
                break;
            }
            thread::park_timeout(Duration::from_millis(1));
        }
        if session.guard.is_finished()
            && let Err(error) = session.join()
        {
            tracing::error!(%error, "the floor's session failed");
        }
    }
}

/// The file system.
#[derive(Debug)]
struct Constants {
    names: Vec<String>,
    numbers: HashMap<String, u64>,
    /// Where the last write ended, by open file.
    ends: Mutex<HashMap<u64, u64>>,
    next_handle: AtomicU64,
}

impl Constants {
    fn new(names: Vec<String>) -> Self {
        let numbers = (FIRST..)
            .zip(&names)
            .map(|(ino, name)| (name.clone(), ino))
            .collect();
        Self {
            names,
            numbers,
            ends: Mutex::default(),
            next_handle: AtomicU64::new(1),
        }
    }

    fn find(&self, parent: INodeNo, name: &OsStr) -> Option<u64> {
        match (parent.0, name.to_str()?) {
            (ROOT, "static") => Some(STATIC_INO),
            (ROOT, "transaction") => Some(TRANSACTION),
            (ROOT, "names") => Some(NAMES),
            (NAMES, name) => self.numbers.get(name).copied(),
            _ => None,
        }
    }

    fn exists(&self, ino: u64) -> bool {
        (ROOT..=NAMES).contains(&ino) || self.name(ino).is_some()
    }

    fn name(&self, ino: u64) -> Option<&str> {
        let index = usize::try_from(ino.checked_sub(FIRST)?).ok()?;
        self.names.get(index).map(String::as_str)
    }

    /// The entry with this cookie: 1 is `.`, 2 is `..`, the others follow.
    fn entry(&self, dir: INodeNo, cookie: u64) -> Option<(u64, &str)> {
        match (dir.0, cookie) {
            (ROOT | NAMES, 1) => Some((dir.0, ".")),
            (ROOT | NAMES, 2) => Some((ROOT, "..")),
            (ROOT, 3) => Some((STATIC_INO, "static")),
            (ROOT, 4) => Some((TRANSACTION, "transaction")),
            (ROOT, 5) => Some((NAMES, "names")),
            (NAMES, 3..) => {
                let ino = cookie - 3 + FIRST;
                self.name(ino).map(|name| (ino, name))
            }
            _ => None,
        }
    }

    fn entries(&self, dir: INodeNo, after: u64) -> impl Iterator<Item = (u64, u64, &str)> {
        (after + 1..).map_while(move |cookie| {
            let (ino, name) = self.entry(dir, cookie)?;
            Some((cookie, ino, name))
        })
    }

    fn ends(&self) -> std::sync::MutexGuard<'_, HashMap<u64, u64>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kind(ino: u64) -> FileType {
    match ino {
        ROOT | NAMES => FileType::Directory,
        _ => FileType::RegularFile,
    }
}

/// Attributes are asked for anew each time of `static` and `transaction`, as of a real file of state.
fn attr_ttl(ino: u64) -> Duration {
    match ino {
        STATIC_INO | TRANSACTION => Duration::ZERO,
        _ => LONG,
    }
}

fn attr(ino: u64) -> FileAttr {
    let (size, perm, nlink) = match ino {
        ROOT => (0, 0o755, 3),
        NAMES => (0, 0o755, 2),
        STATIC_INO => (u64::try_from(STATIC.len()).unwrap_or(0), 0o444, 1),
        TRANSACTION => (0, 0o666, 1),
        _ => (0, 0o444, 1),
    };
    FileAttr {
        ino: INodeNo(ino),
        size,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: kind(ino),
        perm,
        nlink,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

/// What is to be read at `offset` of a text.
fn part(text: &[u8], offset: u64, size: u32) -> &[u8] {
    let start = usize::try_from(offset)
        .unwrap_or(usize::MAX)
        .min(text.len());
    let end = start
        .saturating_add(usize::try_from(size).unwrap_or(usize::MAX))
        .min(text.len());
    text.get(start..end).unwrap_or_default()
}

impl Filesystem for Constants {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let wanted = InitFlags::FUSE_PARALLEL_DIROPS
            | InitFlags::FUSE_DO_READDIRPLUS
            | InitFlags::FUSE_READDIRPLUS_AUTO
            | InitFlags::FUSE_ATOMIC_O_TRUNC
            | InitFlags::FUSE_CACHE_SYMLINKS;
        config
            .add_capabilities(wanted & config.capabilities())
            .map_err(|flags| io::Error::other(format!("the kernel refuses {flags:?}")))
    }

    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.find(parent, name) {
            Some(ino) => {
                reply.entry_with_ttls(&attr_ttl(ino), &LONG, &attr(ino), Generation(0));
            }
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        if self.exists(ino.0) {
            reply.attr(&attr_ttl(ino.0), &attr(ino.0));
        } else {
            reply.error(Errno::ENOENT);
        }
    }

    fn setattr(
        &self,
        _req: &Request,
        ino: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        _size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<std::time::SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<std::time::SystemTime>,
        _chgtime: Option<std::time::SystemTime>,
        _bkuptime: Option<std::time::SystemTime>,
        _flags: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        reply.attr(&attr_ttl(ino.0), &attr(ino.0));
    }

    fn open(&self, _req: &Request, _ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        let handle = self.next_handle.fetch_add(1, Ordering::Relaxed);
        reply.opened(FileHandle(handle), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn read(
        &self,
        _req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match ino.0 {
            STATIC_INO => reply.data(part(STATIC, offset, size)),
            TRANSACTION => {
                let end = self.ends().get(&fh.0).copied();
                let answer = end.map_or(&[][..], |end| {
                    part(ANSWER, offset.checked_sub(end).unwrap_or(offset), size)
                });
                reply.data(answer);
            }
            _ => reply.data(&[]),
        }
    }

    fn write(
        &self,
        _req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let count = u32::try_from(data.len()).unwrap_or(u32::MAX);
        if ino.0 == TRANSACTION {
            self.ends()
                .insert(fh.0, offset.saturating_add(count.into()));
            reply.written(count);
        } else {
            reply.error(Errno::EPERM);
        }
    }

    fn flush(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _lock_owner: LockOwner,
        reply: ReplyEmpty,
    ) {
        reply.error(Errno::ENOSYS);
    }

    fn release(
        &self,
        _req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        if ino.0 == TRANSACTION {
            self.ends().remove(&fh.0);
        }
        reply.ok();
    }

    fn readdir(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        for (cookie, child, name) in self.entries(ino, offset) {
            if reply.add(INodeNo(child), cookie, kind(child), name) {
                break;
            }
        }
        reply.ok();
    }

    fn readdirplus(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        for (cookie, child, name) in self.entries(ino, offset).take(PLUS_MAX) {
            // one time for name and attributes: the shorter of both
            let ttl = attr_ttl(child);
            if reply.add(
                INodeNo(child),
                cookie,
                name,
                &ttl,
                &attr(child),
                Generation(0),
            ) {
                break;
            }
        }
        reply.ok();
    }

    fn getxattr(&self, _: &Request, _: INodeNo, _: &OsStr, _size: u32, reply: ReplyXattr) {
        reply.error(Errno::ENOSYS);
    }

    fn listxattr(&self, _: &Request, _: INodeNo, _size: u32, reply: ReplyXattr) {
        reply.error(Errno::ENOSYS);
    }
}
