//! The adapter: the only place that names the FUSE library. Every callback is one call into a module of this folder.
//!
//! Invariants: no callback waits: a reply that must wait is parked or held and answered by whoever brings the answer; a
//! panic answers EIO and nothing else stops; nothing is decided here.

mod acl;
mod asking;
mod bulk;
mod export;
mod handles;
mod history;
mod names;
mod notice;
mod open;
mod parked;
mod request;
mod served;
mod stream;
mod transaction;
mod xattr;

use self::notice::Notice;
use self::open::Wanted;
use self::served::Served;
use crate::domain::error::Result;
use crate::fs::parse::NO_LINKS;
use crate::fs::scope::Scope;
use crate::manager::{Manager, OnFatal, Options};
use fuser::{
    AccessFlags, BsdFileFlags, Config, CopyFileRangeFlags, Errno, FileHandle, Filesystem, INodeNo,
    InitFlags, IoctlFlags, KernelConfig, LockOwner, OpenFlags, PollEvents, PollFlags, PollNotifier,
    RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty,
    ReplyEntry, ReplyIoctl, ReplyLseek, ReplyOpen, ReplyPoll, ReplyStatfs, ReplyWrite, ReplyXattr,
    Request, Session, SessionACL, TimeOrNow, WriteFlags,
};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

/// Threads that take calls of the kernel. None ever waits, so few do.
const THREADS: usize = 2;

/// Most bytes of one write.
const WRITE_MAX: u32 = 128 * 1024;

/// A catalog that is ready to be served.
pub struct Ready {
    served: Arc<Served>,
    notices: Receiver<Notice>,
}

/// A catalog that is being served.
pub struct Serving {
    served: Arc<Served>,
    session: Mutex<Option<fuser::BackgroundSession>>,
}

/// What of a catalog is shown, and to whom.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown<'a> {
    /// The group that may read the audit trail.
    pub gid: u32,
    /// The path of the pool that is mounted as the root, if not everything is.
    pub pool: Option<&'a str>,
    /// User and group of the one whom the kernel lets in, if it is not everybody: he is root to the catalog.
    pub alone: Option<(u32, u32)>,
}

/// Called after every commit. It must not block; it is dropped when the manager stops.
pub type Wake = Box<dyn FnMut() + Send>;

/// Opens a catalog and starts its manager.
pub fn prepare(
    catalog: &Path,
    options: &Options,
    shown: &Shown<'_>,
    (on_fatal, mut wake): (OnFatal, Wake),
) -> Result<Ready> {
    let (told, notices) = channel::<Notice>();
    let on_commit = Box::new(move |events: &[Arc<_>]| {
        if told.send(events.to_vec()).is_err() {
            tracing::debug!("nobody is told of commits any more");
        }
        wake();
    });
    let manager = Manager::start(catalog, options, on_commit, on_fatal)?;
    let scope = shown.pool.map_or(Ok(Scope::WHOLE), |path| {
        let found = manager.readers().look(|view| Scope::of_pool(view, path));
        found.inspect_err(|_| manager.stop())
    })?;
    let served = Served::new(manager, shown, scope).map_err(|error| {
        crate::domain::error::ErrorKind::NotEnoughMemory.because(error.to_string())
    })?;
    Ok(Ready {
        served: Arc::new(served),
        notices,
    })
}

impl Ready {
    /// Answers the kernel on a descriptor of `/dev/fuse` that is mounted already. Returns after the first exchange.
    pub fn serve(self, device: OwnedFd) -> io::Result<Serving> {
        let mut config = Config::default();
        config.acl = SessionACL::All;
        config.n_threads = Some(THREADS);
        // Each thread has a descriptor of its own, if the user who serves can open the device.
        let device_opens = File::options().read(true).write(true).open("/dev/fuse");
        config.clone_fd = device_opens.is_ok();
        let adapter = Adapter(Arc::clone(&self.served));
        let session = Session::from_fd(adapter, device, SessionACL::All, config)?.spawn()?;
        let (served, notices) = (Arc::clone(&self.served), self.notices);
        thread::Builder::new()
            .name("notice".to_owned())
            .spawn(move || notice::run(&served, &notices))?;
        Ok(Serving {
            served: self.served,
            session: Mutex::new(Some(session)),
        })
    }

    /// Stops the manager of a catalog that could not be served.
    pub fn abandon(&self) {
        self.served.manager.stop();
    }
}

impl Serving {
    /// Waits until the kernel has ended the session, for example after umount(8). A second call returns at once.
    pub fn wait(&self) -> io::Result<()> {
        let session = self
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        session.map_or(Ok(()), fuser::BackgroundSession::join)
    }

    /// Ends every wait with ESHUTDOWN, so that the session can end; later waits end at once.
    pub fn end_waits(&self) {
        self.served.waiting.shutdown();
    }

    /// Performs what was handed over and stops the manager: what was acknowledged is on disk.
    pub fn stop(&self) {
        self.served.manager.stop();
    }

    /// Returns how many reads wait.
    pub fn waiting(&self) -> usize {
        self.served.waiting.len()
    }
}

/// The callbacks.
struct Adapter(Arc<Served>);

impl Adapter {
    fn guard(&self, name: &'static str, callback: impl FnOnce(&Arc<Served>)) {
        self.0.guard(name, || callback(&self.0));
    }
}

impl Filesystem for Adapter {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let wanted = InitFlags::FUSE_PARALLEL_DIROPS
            | InitFlags::FUSE_DO_READDIRPLUS
            | InitFlags::FUSE_READDIRPLUS_AUTO
            | InitFlags::FUSE_ATOMIC_O_TRUNC
            | InitFlags::FUSE_POSIX_ACL
            | InitFlags::FUSE_EXPORT_SUPPORT;
        // A bulk of lines is one transaction, and everybody waits for it.
        config
            .set_max_write(WRITE_MAX)
            .map_err(|least| io::Error::other(format!("{least} bytes at least")))?;
        config
            .add_capabilities(wanted & config.capabilities())
            .map_err(|flags| io::Error::other(format!("the kernel refuses {flags:?}")))
    }

    fn lookup(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.guard("lookup", |served| {
            names::lookup(served, req.uid(), (parent, name.as_bytes()), reply);
        });
    }

    fn getattr(&self, req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        self.guard("getattr", |served| match served.node(ino) {
            Ok(node) => names::answer_attr(served, req.uid(), node, reply),
            Err(failed) => reply.error(failed.errno()),
        });
    }

    fn setattr(
        &self,
        req: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        _size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let times = atime.is_some() || mtime.is_some();
        let changes = names::Changes {
            times,
            mode,
            uid,
            gid,
        };
        self.guard("setattr", |served| {
            names::setattr(served, req, ino, &changes, reply);
        });
    }

    fn readlink(&self, _req: &Request, ino: INodeNo, reply: ReplyData) {
        self.guard("readlink", |served| names::readlink(served, ino, reply));
    }

    fn mknod(
        &self,
        req: &Request,
        _: INodeNo,
        _: &OsStr,
        _mode: u32,
        _umask: u32,
        _rdev: u32,
        reply: ReplyEntry,
    ) {
        self.guard("mknod", |served| {
            reply.error(served.errno(req.uid(), &NO_LINKS.into()));
        });
    }

    fn mkdir(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let place = (parent, name.as_bytes());
        self.guard("mkdir", |served| {
            names::mkdir(served, req, place, mode & !umask, reply);
        });
    }

    fn unlink(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.guard("unlink", |served| {
            names::unlink(served, req, (parent, name.as_bytes()), reply);
        });
    }

    fn rmdir(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.guard("rmdir", |served| {
            names::rmdir(served, req, (parent, name.as_bytes()), reply);
        });
    }

    fn symlink(&self, req: &Request, _: INodeNo, _: &OsStr, _: &Path, reply: ReplyEntry) {
        self.guard("symlink", |served| {
            reply.error(served.errno(req.uid(), &NO_LINKS.into()));
        });
    }

    fn rename(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        self.guard("rename", |served| {
            names::rename(
                served,
                req,
                [(parent, name), (newparent, newname)],
                flags,
                reply,
            );
        });
    }

    fn link(&self, req: &Request, _: INodeNo, _: INodeNo, _: &OsStr, reply: ReplyEntry) {
        self.guard("link", |served| {
            reply.error(served.errno(req.uid(), &NO_LINKS.into()));
        });
    }

    fn open(&self, req: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        self.guard("open", |served| open::open(served, req, ino, flags, reply));
    }

    fn read(
        &self,
        req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let nonblocking = open::nonblocking(flags);
        let wanted = Wanted {
            handle: fh.0,
            offset,
            size,
            uid: req.uid(),
            tid: req.pid(),
            nonblocking,
        };
        self.guard("read", |served| open::read(served, req, &wanted, reply));
    }

    fn write(
        &self,
        req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.guard("write", |served| {
            open::write(served, req, (fh, offset), data, reply);
        });
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        self.guard("flush", |_| reply.error(Errno::ENOSYS));
    }

    fn release(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        self.guard("release", |served| {
            open::release(served, fh);
            reply.ok();
        });
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        // What a write acknowledged is on disk already; editors insist on asking.
        self.guard("fsync", |_| reply.ok());
    }

    fn readdir(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        reply: ReplyDirectory,
    ) {
        self.guard("readdir", |served| {
            names::readdir(served, ino, offset, reply);
        });
    }

    fn readdirplus(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        reply: ReplyDirectoryPlus,
    ) {
        self.guard("readdirplus", |served| {
            names::readdirplus(served, ino, offset, reply);
        });
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        self.guard("fsyncdir", |_| reply.ok());
    }

    fn statfs(&self, _req: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        self.guard("statfs", |served| match served.totals() {
            Ok((sides, available)) => {
                reply.statfs(sides, available, available, sides, available, 512, 255, 512);
            }
            Err(failed) => reply.error(failed.errno()),
        });
    }

    fn setxattr(
        &self,
        req: &Request,
        ino: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        self.guard("setxattr", |served| {
            xattr::set(served, req, (ino, name), (value, flags), reply);
        });
    }

    fn getxattr(&self, _: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        self.guard("getxattr", |served| {
            xattr::get(served, ino, name, size, reply);
        });
    }

    fn listxattr(&self, _: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        self.guard("listxattr", |served| xattr::list(served, ino, size, reply));
    }

    fn removexattr(&self, req: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.guard("removexattr", |served| {
            xattr::remove(served, req, (ino, name), reply);
        });
    }

    fn access(&self, _: &Request, _: INodeNo, _: AccessFlags, reply: ReplyEmpty) {
        self.guard("access", |_| reply.error(Errno::ENOSYS));
    }

    fn create(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        self.guard("create", |served| {
            request::create(served, req, (parent, name.as_bytes()), reply);
        });
    }

    fn ioctl(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _flags: IoctlFlags,
        _cmd: u32,
        _in_data: &[u8],
        _out_size: u32,
        reply: ReplyIoctl,
    ) {
        self.guard("ioctl", |_| reply.error(Errno::ENOTTY));
    }

    fn poll(
        &self,
        req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        notifier: PollNotifier,
        events: PollEvents,
        _flags: PollFlags,
        reply: ReplyPoll,
    ) {
        self.guard("poll", |served| {
            open::poll(served, req, fh, (notifier, events), reply);
        });
    }

    fn fallocate(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _offset: u64,
        _length: u64,
        _mode: i32,
        reply: ReplyEmpty,
    ) {
        self.guard("fallocate", |_| reply.error(Errno::ENOSYS));
    }

    fn lseek(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _offset: i64,
        _whence: i32,
        reply: ReplyLseek,
    ) {
        self.guard("lseek", |_| reply.error(Errno::ENOSYS));
    }

    fn copy_file_range(
        &self,
        _req: &Request,
        _ino_in: INodeNo,
        _fh_in: FileHandle,
        _offset_in: u64,
        _ino_out: INodeNo,
        _fh_out: FileHandle,
        _offset_out: u64,
        _len: u64,
        _flags: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        self.guard("copy_file_range", |_| reply.error(Errno::ENOSYS));
    }
}
