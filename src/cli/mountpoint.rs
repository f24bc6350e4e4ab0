//! The mount point: attaching a FUSE connection to a directory and taking it away again.
//!
//! The FUSE library could mount by itself, but then it names the type plain `fuse`, and when it ends it unmounts
//! its path once more, whatever is mounted there by then. So the mount is made here and the library gets the
//! descriptor. Root mounts for everybody, by mount(2); an ordinary user for himself alone, through fusermount3(1).
//!
//! Invariants:
//! - `default_permissions`, `nosuid`, `nodev` and `noexec` are always set, and `allow_other` if root mounts: the kernel
//!   checks every access against mode, owner and access control list, and nothing in the tree is a program or a device.
//! - What is mounted at a path is decided by the kernel's mount number of the opened path, never by the path alone.
//!   Only the mount of that number and device is taken away, through the opened path, so no later mount of others
//!   is touched. The kernel uses both numbers again, but the device only after the connection has ended. Of an
//!   ordinary user's mount only the path can be given to fusermount3(1), which takes away none of another user.
//! - No function here asks a daemon anything, except for one statfs(2) of a mount of a FUSE that is in the way: that
//!   may wait for a daemon that hangs, until a signal comes. A dead mount that is not of the same source is refused, since
//!   somebody may want to know what became of it.

use super::fusermount;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{self, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, readlink};
use nix::mount::{MntFlags, MsFlags};
use nix::sys::stat::Mode;
use nix::sys::statfs::fstatfs;
use nix::unistd::{getegid, geteuid};

/// Where the device of the kernel is.
const DEVICE: &str = "/dev/fuse";

/// The file system type in `/proc/mounts`.
pub const FS_TYPE: &str = "fuse.ntmsfs";

/// The kernel takes a source of up to 4,095 bytes.
const SOURCE_MAX: usize = 4095;

/// So many dead mounts of ours on top of each other are cleared away before mounting.
const STALE_MAX: usize = 64;

/// A mount that [`mount`] made: where, and which one of all that have ever been there.
#[derive(Debug)]
pub struct Mounted {
    dir: PathBuf,
    source: OsString,
    /// As `major:minor`.
    device: String,
    id: u64,
}

/// This machine offers no FUSE: the error of [`mount`] has it as its inner one.
#[derive(Debug)]
pub struct NoDevice(Errno);

impl std::fmt::Display for NoDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{DEVICE} cannot be opened: {}", self.0.desc())
    }
}

impl std::error::Error for NoDevice {}

/// Mounts a new FUSE connection at `dir`, shown as coming from `source`, and gives the descriptor to serve it with.
/// Requests wait until it is served; when the last copy of the descriptor is closed, they fail with ENOTCONN.
///
/// A dead mount of the same source at `dir` is taken away first. Errors: `NotADirectory`, `NotFound`;
/// `InvalidInput` if the source is empty, longer than 4,095 bytes or contains a zero byte; `ResourceBusy` if a
/// living mount of the same source is there, or a dead one of another; [`NoDevice`] inside; `PermissionDenied` if the caller may not mount;
/// else what the kernel or fusermount3(1) says. The text of the error names the path.
pub fn mount(source: &Path, dir: &Path, read_only: bool) -> io::Result<(OwnedFd, Mounted)> {
    clear(source, dir)?;
    let source = shown_source(source)?;
    let (place, path) = open_dir(dir)?;
    let device = if geteuid().is_root() {
        attach(&source, (&place, &path), read_only)?
    } else {
        fusermount::attach(&source, &path, read_only)?
    };
    drop(place);
    let Some(entry) = topmost(&path)?.filter(|it| it.is_ours(&source)) else {
        let text = format!("another mount covers {} at once", path.display());
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
    };
    let mounted = Mounted {
        dir: path,
        source,
        device: entry.device,
        id: entry.id,
    };
    Ok((device, mounted))
}

/// Mounts by the right of root, for everybody.
fn attach(
    source: &OsStr,
    (place, path): (&OwnedFd, &Path),
    read_only: bool,
) -> io::Result<OwnedFd> {
    let device = open(DEVICE, OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|error| io::Error::new(io::Error::from(error).kind(), NoDevice(error)))?;
    let data = format!(
        "fd={},rootmode=40000,user_id={},group_id={},default_permissions,allow_other",
        device.as_raw_fd(),
        geteuid(),
        getegid()
    );
    nix::mount::mount(
        Some(source),
        &by_descriptor(place),
        Some(FS_TYPE),
        flags(read_only),
        Some(data.as_str()),
    )
    .map_err(|error| explain(error, format_args!("cannot mount at {}", path.display())))?;
    Ok(device)
}

/// What is forced on every mount.
fn flags(read_only: bool) -> MsFlags {
    let mut flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    flags.set(MsFlags::MS_RDONLY, read_only);
    flags
}

/// Makes the mount of this source at `dir` read-only or not. Only root can. Errors: `NotFound` if it is not mounted there;
/// `ResourceBusy` if files are open for writing that could not be written any more; else what the kernel says.
pub fn remount(source: &Path, dir: &Path, read_only: bool) -> io::Result<()> {
    let source = shown_source(source)?;
    let (place, path, found) = open_top(dir)?;
    if !found.is_some_and(|entry| entry.is_ours(&source)) {
        let (source, dir) = (source.display(), path.display());
        let text = format!("{source} is not mounted at {dir}");
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    nix::mount::mount(
        None::<&str>,
        &by_descriptor(&place),
        None::<&str>,
        flags(read_only) | MsFlags::MS_REMOUNT,
        None::<&str>,
    )
    .map_err(|error| explain(error, format_args!("cannot remount {}", path.display())))
}

impl Mounted {
    /// The absolute path of the mount point, without symbolic links.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// True while this very mount is the topmost one at its path. Means nothing once the session has ended, as
    /// below.
    pub fn is_mounted(&self) -> bool {
        matches!(topmost(&self.dir), Ok(Some(entry)) if self.is(&entry))
    }

    /// Takes this mount out of the tree at once; open files go on until they are closed. True: done. False: it is
    /// not there any more, or another mount covers it, which is left alone.
    ///
    /// To be called while the session is served, or after it failed, but not after it ended by itself: then
    /// somebody else has unmounted, and the next mount of the same source may have got the same numbers.
    pub fn unmount(&self) -> io::Result<bool> {
        match open_top(&self.dir) {
            Ok((place, _, Some(entry))) if self.is(&entry) => {
                detach(&place, &self.dir).map(|()| true)
            }
            Ok(_) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn is(&self, entry: &Entry) -> bool {
        entry.id == self.id && entry.device == self.device && entry.is_ours(&self.source)
    }
}

/// Takes away every mount of this source at `dir` that nothing covers, whether it is served or dead.
pub(super) fn unmount(source: &Path, dir: &Path) -> io::Result<()> {
    let source = shown_source(source)?;
    for _ in 0..STALE_MAX {
        let (place, path, entry) = open_top(dir)?;
        if !entry.is_some_and(|it| it.is_ours(&source)) {
            break;
        }
        detach(&place, &path)?;
    }
    Ok(())
}

/// True if the topmost mount at `dir` is one of ours, of whatever source. False also if `dir` cannot be looked at.
pub fn is_mounted(dir: &Path) -> bool {
    matches!(topmost(dir), Ok(Some(entry)) if entry.fs_type == FS_TYPE.as_bytes())
}

/// Finds the directory at which a source is mounted, if it is; of several the latest.
pub fn of(source: &Path) -> io::Result<Option<PathBuf>> {
    let (source, text) = (shown_source(source)?, mountinfo()?);
    let latest = entries(&text).filter(|it| it.is_ours(&source)).last();
    Ok(latest.map(|entry| entry.point))
}

/// Finds the top of the tree that a directory is in; `None` if it is in none, or in one of which only a part is bound there.
pub(super) fn tree_of(dir: &Path) -> io::Result<Option<PathBuf>> {
    let (place, _) = open_dir(dir)?;
    let entry = mount_of(&place)?.filter(Entry::is_tree);
    Ok(entry.map(|entry| entry.point))
}

/// Finds where trees are mounted, each once.
pub(super) fn trees() -> io::Result<Vec<PathBuf>> {
    let text = mountinfo()?;
    let mut devices = Vec::new();
    let once = entries(&text).filter(Entry::is_tree).filter(|entry| {
        let is_new = !devices.contains(&entry.device);
        devices.push(entry.device.clone());
        is_new
    });
    Ok(once.map(|entry| entry.point).collect())
}

/// Makes the source absolute and checks that the kernel will take it.
fn shown_source(source: &Path) -> io::Result<OsString> {
    let refuse = |text: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    if source.as_os_str().is_empty() {
        return refuse("the source of the mount is empty");
    }
    if source.as_os_str().as_bytes().contains(&0) {
        return refuse("the source of the mount contains a zero byte");
    }
    // what does not exist yet cannot be resolved further than this
    let source = fs::canonicalize(source).or_else(|_| path::absolute(source))?;
    if source.as_os_str().len() > SOURCE_MAX {
        return refuse("the source of the mount is longer than 4095 bytes");
    }
    Ok(source.into_os_string())
}

/// Takes away mounts of this source at `dir` whose daemon is gone. Errors: `ResourceBusy` if a living one is there.
pub(super) fn clear(source: &Path, dir: &Path) -> io::Result<()> {
    let source = shown_source(source)?;
    for _ in 0..STALE_MAX {
        let (place, path, entry) = open_top(dir)?;
        let Some(entry) = entry.filter(Entry::is_fuse) else {
            return Ok(());
        };
        let (ours, dead) = (entry.is_ours(&source), is_dead(&place));
        let text = match (ours, dead) {
            (true, true) => {
                detach(&place, &path)?;
                continue;
            }
            (true, false) => {
                let source = source.display();
                format!("{source} is already mounted at {}", path.display())
            }
            (false, false) => return Ok(()),
            (false, true) => format!(
                "at {0} is a dead mount of {1} ({2}), which is not of this catalog; take it away first: umount -l {0}",
                path.display(),
                entry.source.display(),
                String::from_utf8_lossy(&entry.fs_type)
            ),
        };
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
    }
    Ok(())
}

/// Whether nobody serves the mount any more. Not by stat(2), which the kernel may answer from its cache.
fn is_dead(place: &OwnedFd) -> bool {
    matches!(fstatfs(place), Err(Errno::ENOTCONN | Errno::ECONNABORTED))
}

/// Opens a directory as a place only, which asks nothing of the file system that is mounted there, and tells its
/// absolute path without symbolic links.
fn open_dir(dir: &Path) -> io::Result<(OwnedFd, PathBuf)> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let place = open(dir, flags, Mode::empty()).map_err(|error| explain(error, dir.display()))?;
    let path = PathBuf::from(readlink(&by_descriptor(&place))?);
    if !path.is_absolute() {
        let text = format!("{} cannot be reached from /", dir.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    Ok((place, path))
}

/// The path that leads to exactly what the descriptor has open, past any change of names and mounts since.
fn by_descriptor(place: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", place.as_raw_fd()))
}

fn detach(place: &OwnedFd, path: &Path) -> io::Result<()> {
    if !geteuid().is_root() {
        return fusermount::detach(path);
    }
    // this link must be followed; there is no other on the way
    nix::mount::umount2(&by_descriptor(place), MntFlags::MNT_DETACH)
        .map_err(|error| explain(error, format_args!("cannot unmount {}", path.display())))
}

/// Opens a directory as [`open_dir`] does, with the mount that is seen there if the directory is its top: below its top a
/// directory belongs to a mount, but is no mount point.
fn open_top(dir: &Path) -> io::Result<(OwnedFd, PathBuf, Option<Entry>)> {
    let (place, path) = open_dir(dir)?;
    let entry = mount_of(&place)?.filter(|it| it.point == path);
    Ok((place, path, entry))
}

/// The mount that is seen at `dir`, if `dir` is its top.
fn topmost(dir: &Path) -> io::Result<Option<Entry>> {
    open_top(dir).map(|(_, _, entry)| entry)
}

/// The mount that an opened path belongs to.
fn mount_of(place: &OwnedFd) -> io::Result<Option<Entry>> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", place.as_raw_fd()))?;
    let id = mount_id(&text);
    Ok(entries(&mountinfo()?).find(|it| Some(it.id) == id))
}

/// Every mount that this process sees, as the kernel tells them.
fn mountinfo() -> io::Result<Vec<u8>> {
    fs::read("/proc/self/mountinfo")
}

/// Finds the mount number in the text of an fdinfo file.
fn mount_id(fdinfo: &str) -> Option<u64> {
    let value = fdinfo
        .lines()
        .find_map(|line| line.strip_prefix("mnt_id:"))?;
    value.trim().parse().ok()
}

/// One line of a mountinfo file; texts without the kernel's escapes.
#[derive(Debug)]
struct Entry {
    id: u64,
    device: String,
    /// What of the file system is seen there.
    root: Vec<u8>,
    /// Where that is, absolute.
    point: PathBuf,
    fs_type: Vec<u8>,
    source: OsString,
}

impl Entry {
    /// Whether a process serves it. Nothing else is ever asked whether it lives.
    fn is_fuse(&self) -> bool {
        self.fs_type == b"fuse" || self.fs_type.starts_with(b"fuse.")
    }

    /// Whether it is a whole tree.
    fn is_tree(&self) -> bool {
        self.fs_type == FS_TYPE.as_bytes() && self.root == b"/"
    }

    fn is_ours(&self, source: &OsStr) -> bool {
        self.fs_type == FS_TYPE.as_bytes() && self.source == source
    }
}

/// The entries of a mountinfo file, without lines that cannot be understood.
fn entries(mountinfo: &[u8]) -> impl Iterator<Item = Entry> {
    mountinfo.split(|byte| *byte == b'\n').filter_map(entry)
}

/// Reads `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`; of the words before `-`, there may be
/// none or several.
fn entry(line: &[u8]) -> Option<Entry> {
    let mut words = line.split(|byte| *byte == b' ');
    let id = str::from_utf8(words.next()?).ok()?.parse().ok()?;
    let device = str::from_utf8(words.nth(1)?).ok()?.to_owned();
    let root = unescape(words.next()?).into_owned();
    let point = OsString::from_vec(unescape(words.next()?).into_owned()).into();
    words.find(|word| *word == b"-")?;
    let fs_type = unescape(words.next()?).into_owned();
    let source = OsString::from_vec(unescape(words.next()?).into_owned());
    Some(Entry {
        id,
        device,
        root,
        point,
        fs_type,
        source,
    })
}

/// Undoes the escapes of `/proc`: a backslash and three octal digits are one byte. Other backslashes stay.
fn unescape(word: &[u8]) -> Cow<'_, [u8]> {
    if !word.contains(&b'\\') {
        return Cow::Borrowed(word);
    }
    let mut out = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((first, others)) = rest.split_first() {
        let octal = (*first == b'\\')
            .then(|| others.split_at_checked(3))
            .flatten()
            .and_then(|(digits, tail)| Some((octal(digits)?, tail)));
        let (byte, tail) = octal.unwrap_or((*first, others));
        out.push(byte);
        rest = tail;
    }
    Cow::Owned(out)
}

/// Reads three octal digits, `000` to `377`.
fn octal(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0_u8, |value, digit| {
        let digit = digit.checked_sub(b'0').filter(|it| *it < 8)?;
        value.checked_mul(8)?.checked_add(digit)
    })
}

/// An error of the kernel, of the same kind, in a sentence that says what failed.
fn explain(error: Errno, what: impl std::fmt::Display) -> io::Error {
    io::Error::new(
        io::Error::from(error).kind(),
        format!("{what}: {}", error.desc()),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const MOUNTINFO: &[u8] = br"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
36 22 0:32 / /mnt/one rw,nosuid,nodev,noexec - fuse.ntmsfs /var/lib/a\040b\134.db rw,user_id=0
37 22 0:33 /sub /mnt/two\040words\011\012 rw master:1 propagate_from:2 - fuse.ntmsfs /c\043 ro
38 22 0:34 / /mnt/- rw - tmpfs none rw
39 22 0:35 / /mnt/empty rw -  rw
x 22 0:36 / /mnt/x rw - tmpfs none rw
40 22 0:36 / /mnt/no rw tmpfs none rw
41 22

-1 22 0:37 / /mnt/x rw - tmpfs none rw
42 36 0:38 / /mnt/\303\244\377 rw - fuse.other /var/lib/a\040b\134.db";

    fn found(id: u64) -> Option<Entry> {
        entries(MOUNTINFO).find(|it| it.id == id)
    }

    #[test]
    fn mountinfo_is_read() {
        let ids: Vec<u64> = entries(MOUNTINFO).map(|it| it.id).collect();
        assert_eq!(ids, [22, 36, 37, 38, 39, 42]);
        let one = found(36).unwrap();
        assert_eq!(one.device, "0:32");
        assert_eq!(one.point, Path::new("/mnt/one"));
        assert!(one.is_ours(OsStr::new(r"/var/lib/a b\.db")));
        assert!(!one.is_ours(OsStr::new("/var/lib/a")));
        let two = found(37).unwrap();
        assert_eq!(two.point, Path::new("/mnt/two words\t\n"));
        assert!(one.is_tree() && !two.is_tree());
        assert!(two.is_ours(OsStr::new("/c#")));
        assert_eq!(found(38).unwrap().fs_type, b"tmpfs");
        let other = found(42).unwrap();
        assert_eq!(other.point.as_os_str().as_bytes(), b"/mnt/\xc3\xa4\xff");
        assert!(!other.is_ours(OsStr::new(r"/var/lib/a b\.db")));
    }

    #[test]
    fn escapes_are_undone() {
        let table: &[(&[u8], &[u8])] = &[
            (b"", b""),
            (b"/plain", b"/plain"),
            (b"\\040", b" "),
            (b"a\\011b\\012c\\134d\\043", b"a\tb\nc\\d#"),
            (b"\\134040", b"\\040"),
            (b"\\377\\000", b"\xff\0"),
            (b"\\400", b"\\400"),
            (b"\\04", b"\\04"),
            (b"\\048", b"\\048"),
            (b"\\", b"\\"),
            (b"\\\\040", b"\\ "),
        ];
        for (word, bytes) in table {
            assert_eq!(unescape(word).as_ref(), *bytes, "{}", word.escape_ascii());
        }
    }

    #[test]
    fn the_mount_number_is_found() {
        assert_eq!(
            mount_id("pos:\t0\nflags:\t010\nmnt_id:\t36\nino:\t1\n"),
            Some(36)
        );
        assert_eq!(mount_id("pos:\t0\n"), None);
        assert_eq!(mount_id("mnt_id:\t-1\n"), None);
        assert_eq!(mount_id(""), None);
    }

    #[test]
    fn unusable_sources_and_places_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let kind =
            |source: &OsStr, dir: &Path| mount(Path::new(source), dir, false).unwrap_err().kind();
        let long = "x".repeat(5_000);
        assert_eq!(
            kind(OsStr::new(""), dir.path()),
            io::ErrorKind::InvalidInput
        );
        assert_eq!(
            kind(OsStr::new("a\0b"), dir.path()),
            io::ErrorKind::InvalidInput
        );
        assert_eq!(
            kind(OsStr::new(&long), dir.path()),
            io::ErrorKind::InvalidInput
        );
        assert_eq!(kind(OsStr::new("a"), &file), io::ErrorKind::NotADirectory);
        assert_eq!(
            kind(OsStr::new("a"), &dir.path().join("no")),
            io::ErrorKind::NotFound
        );
        assert!(!is_mounted(dir.path()));
        assert!(!is_mounted(&file));
        let text = mount(Path::new("a"), &file, false).unwrap_err().to_string();
        assert_eq!(text, format!("{}: Not a directory", file.display()));
    }

    /// A directory for real mounts; whatever is left there goes with it. `None`: this machine lets nobody mount.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Option<Self> {
            let dir = tempfile::tempdir().unwrap();
            let device = open("/dev/fuse", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty());
            let can = device.is_ok() && geteuid().is_root();
            if !can {
                eprintln!("not tested: mounting needs root and /dev/fuse");
            }
            can.then_some(Self(dir))
        }

        fn path(&self) -> PathBuf {
            fs::canonicalize(self.0.path()).unwrap_or_else(|_| self.0.path().to_owned())
        }

        fn options(&self) -> String {
            let text = fs::read_to_string("/proc/self/mounts").unwrap();
            let path = self.path();
            let line = text
                .lines()
                .rfind(|line| line.contains(path.to_str().unwrap()));
            line.unwrap_or_default().to_owned()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let flags = MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW;
            while nix::mount::umount2(self.0.path(), flags).is_ok() {}
        }
    }

    #[test]
    fn a_mount_has_the_forced_options_and_goes() {
        let Some(place) = Place::new() else { return };
        for (read_only, word) in [(false, "rw"), (true, "ro")] {
            let source = Path::new("/no such#\tsource\\");
            let (device, mounted) = mount(source, place.0.path(), read_only).unwrap();
            assert!(is_mounted(place.0.path()) && mounted.is_mounted());
            assert_eq!(mounted.source, source);
            assert_eq!(mounted.dir(), place.path());
            let line = place.options();
            let words: Vec<&str> = line.split([' ', ',']).collect();
            assert_eq!(words[2], FS_TYPE, "{line}");
            for forced in [
                word,
                "nosuid",
                "nodev",
                "noexec",
                "default_permissions",
                "allow_other",
            ] {
                assert!(words.contains(&forced), "{forced}: {line}");
            }
            assert!(mounted.device.starts_with("0:"));
            assert!(mounted.unmount().unwrap());
            assert!(!is_mounted(place.0.path()) && !mounted.is_mounted());
            assert!(!mounted.unmount().unwrap());
            drop(device);
        }
    }

    #[test]
    fn a_dead_mount_makes_room_and_another_source_does_not() {
        let Some(place) = Place::new() else { return };
        let link = tempfile::tempdir().unwrap();
        let link = link.path().join("link");
        symlink(place.path(), &link).unwrap();
        let (device, dead) = mount(Path::new("/one"), &link, false).unwrap();
        assert_eq!(dead.dir(), place.path());
        drop(device);
        assert_eq!(
            fs::metadata(place.0.path()).unwrap_err().raw_os_error(),
            Some(libc::ENOTCONN)
        );

        let refused = mount(Path::new("/two"), place.0.path(), false).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
        let sentence = refused.to_string();
        assert!(
            sentence.contains("dead mount of /one (fuse.ntmsfs)"),
            "{sentence}"
        );
        assert!(dead.is_mounted());

        let (device, new) = mount(Path::new("/one"), &link, false).unwrap();
        assert!(new.is_mounted());
        drop(device);
        assert!(new.unmount().unwrap());
        assert!(!is_mounted(place.0.path()));
    }

    #[test]
    fn what_dies_while_it_is_asked_is_dead() {
        let Some(place) = Place::new() else { return };
        let (one, below) = mount(Path::new("/one"), place.0.path(), false).unwrap();
        let asking = std::thread::spawn({
            let path = place.path();
            move || mount(Path::new("/two"), &path, false).map(|it| it.1)
        });
        drop(one);
        let refused = asking.join().unwrap();
        assert!(refused.is_err() && below.is_mounted());
    }

    #[test]
    fn a_later_mount_of_others_is_left_alone() {
        let Some(place) = Place::new() else { return };
        let (_device, mounted) = mount(Path::new("/one"), place.0.path(), false).unwrap();
        let tmpfs = |path: &Path| {
            nix::mount::mount(
                None::<&str>,
                path,
                Some("tmpfs"),
                MsFlags::empty(),
                None::<&str>,
            )
        };
        tmpfs(place.0.path()).unwrap();
        assert!(!mounted.unmount().unwrap());
        fs::write(place.0.path().join("still"), "here").unwrap();
        nix::mount::umount2(place.0.path(), MntFlags::MNT_DETACH).unwrap();
        assert!(mounted.unmount().unwrap());
        tmpfs(place.0.path()).unwrap();
        assert!(!mounted.unmount().unwrap());
        assert!(place.options().contains("tmpfs"));
    }
}
