//! Calls of the kernel in, asks out. The file system changes nothing by itself: mkdir, rmdir, rename, a write to an
//! attribute, unlink, chmod and chown each become one [`Ask`], or are denied here.
//!
//! Invariants: what the table does not allow is EPERM (or EISDIR, ENOTDIR), never reaches the manager and has a
//! sentence for last-error; values are checked for form only, whether they make sense is the rules' to say; a rename
//! never answers EINVAL, because mv would then copy.

use super::framing::FrameError;
use super::lookup::lookup;
use super::node::{Node, Row};
use super::tree::{Behaviour as B, Guard, spec};
use crate::codes;
use crate::domain::acl::List;
use crate::domain::allocate_request::AllocateRequest;
use crate::domain::ask::{Ask, Named, SetAccess, SetLibrary};
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::id::ObjectNo;
use crate::domain::library_request::LibraryRequest;
use crate::domain::name;
use crate::domain::words::LINE_MAX;
use crate::manager::View;
use std::fmt;

/// Why an operation is not even asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deny {
    /// The tree does not have the operation: the errno, and a sentence for last-error.
    Errno(i32, &'static str),
    /// A refusal of the error table.
    Refusal(Refusal),
}

/// An ask, or why there is none.
pub type Parsed<T> = std::result::Result<T, Deny>;

impl Deny {
    /// Returns what the kernel hands to the caller.
    pub fn errno(&self) -> i32 {
        match self {
            Self::Errno(errno, _) => *errno,
            Self::Refusal(refusal) => codes::code(refusal.kind).errno,
        }
    }

    /// Returns what a rename hands to the caller: EPERM for EINVAL, since mv would retry or copy. For refusals of the
    /// manager too.
    pub fn errno_of_rename(&self) -> i32 {
        match self.errno() {
            libc::EINVAL | libc::EXDEV => libc::EPERM,
            errno => errno,
        }
    }
}

/// The line that last-error shows, without a newline. What the tree does not have is `ERROR_NOT_SUPPORTED` (50).
impl fmt::Display for Deny {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errno(_, sentence) => write!(f, "0x80070032 ERROR_NOT_SUPPORTED {sentence}"),
            Self::Refusal(refusal) => f.write_str(&codes::line(refusal)),
        }
    }
}

impl From<Refusal> for Deny {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

const fn not_permitted<T>(sentence: &'static str) -> Parsed<T> {
    Err(Deny::Errno(libc::EPERM, sentence))
}

/// Every open for writing of a name that exists is refused, so a script that runs again reads the result it has.
pub fn exists_already() -> Deny {
    Deny::Refusal(
        ErrorKind::AlreadyExists.because("a request of that name exists; read its result"),
    )
}

/// unlink(2) of a request that is created and not written.
pub fn being_written() -> Deny {
    Deny::Refusal(
        ErrorKind::Busy.because("the request is being written; its name goes with the open file"),
    )
}

/// A transaction file that is opened for writing only.
pub fn nobody_reads() -> Deny {
    Deny::Refusal(
        ErrorKind::InvalidParameter
            .because("open allocate for reading and writing: nobody could read the result"),
    )
}

/// A second request, or anything else, while one is not answered and read.
pub fn one_at_a_time() -> Deny {
    Deny::Refusal(ErrorKind::Busy.because("one request at a time: read its result first"))
}

impl Deny {
    /// A write that is no line of a request.
    pub(super) fn framing(error: FrameError) -> Self {
        match error {
            FrameError::TooLong => Self::Errno(libc::EFBIG, "a request has at most 4,096 bytes"),
            FrameError::Second => one_at_a_time(),
            FrameError::NotText => {
                Self::Refusal(ErrorKind::InvalidParameter.because("the request is not UTF-8 text"))
            }
        }
    }
}

/// link(2), symlink(2) and mknod(2).
pub const NO_LINKS: Deny = Deny::Errno(
    libc::EPERM,
    "links and special files are not made here; an object has one home, and the tree links to it",
);

/// rename(2) with `RENAME_EXCHANGE` or `RENAME_WHITEOUT`.
pub const NO_EXCHANGE: Deny = Deny::Errno(
    libc::ENOTSUP,
    "two names cannot be exchanged in one step; rename one after the other",
);

/// A call on a descriptor that another user opened.
pub const ANOTHER_USER: Deny = Deny::Errno(
    libc::EPERM,
    "another user opened the file; open it yourself",
);

const NO_DIRECTORY: Deny = Deny::Errno(libc::ENOTDIR, "that is not a directory");

/// mkdir(2) of `name` in `parent`; `mode` is what the umask left.
pub fn make(parent: Node, name: &[u8], mode: u32) -> Parsed<Ask> {
    let B::Dir(dir) = spec(parent.row).behaviour else {
        return Err(NO_DIRECTORY);
    };
    match dir.make {
        Some(make) => Ok(make(parent.no, name::check(name)?, mode & 0o777)),
        None => not_permitted(
            "mkdir makes pools, media, libraries and media types, each in its directory",
        ),
    }
}

/// creat(2) of `name` in `parent`: the row of a new request, its pool or library, and its name.
pub fn create(parent: Node, name: &[u8]) -> Parsed<(Row, ObjectNo, String)> {
    match parent.row.named() {
        Some(row) if row.outcome().is_some() => Ok((row, parent.no, name::check(name)?.to_owned())),
        _ => not_permitted("files can only be created in the requests/ of a pool or library"),
    }
}

/// The text of a named request: what it asks of the pool or library.
pub fn request(row: Row, container: ObjectNo, name: Named) -> Result<Ask> {
    if row == Row::LibraryRequest {
        let request = Box::new(LibraryRequest::parse(&name.body)?);
        let library = container;
        return Ok(Ask::Library {
            library,
            request,
            name,
        });
    }
    Ok(Ask::Allocate {
        pool: container,
        request: Box::new(AllocateRequest::parse(&name.body)?),
        name: Some(name),
    })
}

/// A named request that never got its newline.
pub fn unfinished(row: Row, container: ObjectNo, name: Named) -> Ask {
    if row == Row::LibraryRequest {
        let library = container;
        return Ask::UnfinishedLibrary { library, name };
    }
    let pool = container;
    Ask::Unfinished { pool, name }
}

/// rmdir(2).
pub fn remove(node: Node) -> Parsed<Ask> {
    let B::Dir(dir) = spec(node.row).behaviour else {
        return Err(NO_DIRECTORY);
    };
    match dir.remove {
        Some(remove) => Ok(remove(node.no)),
        None => not_permitted("the directory is part of its object and goes with it"),
    }
}

/// unlink(2).
pub fn unlink(node: Node) -> Parsed<Ask> {
    match spec(node.row).behaviour {
        B::RequestFile(_) if node.row == Row::LibraryRequest => Ok(Ask::RemoveWork { no: node.no }),
        B::RequestFile(_) => Ok(Ask::RemoveRequest { no: node.no }),
        B::Dir(_) => Err(Deny::Errno(libc::EISDIR, "that is a directory; use rmdir")),
        B::Link(_) => not_permitted("the link follows its object and cannot be removed"),
        B::Shown(_) | B::Attr(..) | B::Transaction | B::Bulk | B::ResultFile(_) => {
            not_permitted("the file is part of its object and goes with it")
        }
        B::Ask | B::Stream | B::History | B::Export | B::LastError => {
            not_permitted("the file is part of the tree")
        }
    }
}

/// rename(2) of an entry: `from` and `to` are a directory and a name in it. Flags are the adapter's to refuse.
pub fn rename(view: &View, from: (Node, &[u8]), to: (Node, &[u8])) -> Parsed<Ask> {
    let Some(node) = lookup(view, from.0, from.1)? else {
        return Err(ErrorKind::ObjectNotFound
            .because("there is nothing of that name")
            .into());
    };
    let B::Dir(dir) = spec(to.0.row).behaviour else {
        return Err(NO_DIRECTORY);
    };
    let Some((row, adopt)) = dir.adopt else {
        return not_permitted("only pools, media and libraries can be moved or renamed");
    };
    if row != node.row {
        return not_permitted("that directory holds another kind of object");
    }
    let Ok(name) = name::check(to.1) else {
        return not_permitted("no object may have that name");
    };
    if lookup(view, to.0, to.1)?.is_some() {
        let sentence = format!("\"{name}\" exists already");
        return Err(ErrorKind::AlreadyExists.because(sentence).into());
    }
    Ok(adopt(node.no, to.0.no, name))
}

/// write(2) to an attribute: the whole value.
pub fn write(node: Node, data: &[u8]) -> Parsed<Ask> {
    match spec(node.row).behaviour {
        B::Attr(..) if data.len() > LINE_MAX => {
            Err(Deny::Errno(libc::EFBIG, "a value has at most 4,096 bytes"))
        }
        B::Attr(_, parse) => Ok(parse(node.no, utf8(data)?.trim())?),
        B::Dir(_) => Err(Deny::Errno(libc::EISDIR, "that is a directory")),
        B::Shown(_) | B::ResultFile(_) | B::Link(_) | B::History | B::Export | B::LastError => {
            not_permitted("the file only shows; it cannot be written")
        }
        B::Transaction | B::Ask | B::Bulk | B::RequestFile(_) | B::Stream => {
            not_permitted("the file takes requests, not a value")
        }
    }
}

/// Reads bytes as text, or refuses with [`ErrorKind::InvalidParameter`].
fn utf8(data: &[u8]) -> Result<&str> {
    std::str::from_utf8(data)
        .map_err(|_| ErrorKind::InvalidParameter.because("the text is not valid UTF-8"))
}

/// What of an object a mode and an owner are stored for.
#[derive(Clone, Copy)]
enum Stored {
    PoolMode,
    PoolControl,
    Library,
}

/// Returns what a chmod or chown of a node changes.
fn stored(node: Node) -> Parsed<Stored> {
    match (node.row, spec(node.row).guard) {
        (Row::Pool, _) => Ok(Stored::PoolMode),
        (Row::Library, _) => Ok(Stored::Library),
        (Row::Medium, _) => not_permitted("a medium follows its pool; change the mode of media/"),
        (_, Guard::Control | Guard::ControlDir | Guard::MediaDir) => Ok(Stored::PoolControl),
        _ => not_permitted(
            "only directories of pools and libraries, and what carries CONTROL, have a mode of their own",
        ),
    }
}

/// chmod(2) and setfacl(1) of what shows the rights of a free pool and carries its CONTROL: they would take one for the other.
pub const FREE_MEDIA: Deny = Deny::Errno(
    libc::EPERM,
    "media/ of a free pool is open to whoever has USE of the pool; change the mode of its allocate",
);

/// chmod(2). Of what carries CONTROL, x is stripped: directories get it from r and w.
pub fn chmod(node: Node, mode: u32) -> Parsed<Ask> {
    let stored = stored(node)?;
    let mode = mode & 0o7777;
    if mode > 0o777 {
        let sentence = format!("mode {mode:o} has bits beyond 777, which have no meaning here");
        return Err(ErrorKind::InvalidParameter.because(sentence).into());
    }
    let access = match stored {
        Stored::PoolControl => SetAccess::Control(mode & 0o666),
        Stored::PoolMode | Stored::Library => SetAccess::Mode(mode),
    };
    Ok(set_access(node.no, stored, access))
}

/// setxattr(2) of the access control list in the form of the kernel, and removexattr(2) with `None`: the mode stays, and the
/// group keeps what it had under the mask. `old` is the list of now.
pub fn set_list(node: Node, data: Option<&[u8]>, old: &List) -> Parsed<Ask> {
    let stored = stored(node)?;
    let list = match data {
        Some(data) => List::parse(data)?,
        None => old.stripped(),
    };
    let access = match stored {
        Stored::PoolControl => SetAccess::ControlList(list),
        Stored::PoolMode | Stored::Library => SetAccess::List(list),
    };
    Ok(set_access(node.no, stored, access))
}

/// A default access control list: what is made in a pool has the rights of the pool.
pub const NO_DEFAULT_LIST: Deny = Deny::Errno(
    libc::EOPNOTSUPP,
    "there are no default lists: a pool that is made in a pool takes over its list",
);

/// chown(2). A pool has one owner: that of its directory and of its CONTROL are the same.
pub fn chown(node: Node, uid: Option<u32>, gid: Option<u32>) -> Parsed<Ask> {
    let access = SetAccess::Owner { uid, gid };
    Ok(set_access(node.no, stored(node)?, access))
}

fn set_access(no: ObjectNo, stored: Stored, access: SetAccess) -> Ask {
    match stored {
        Stored::PoolMode | Stored::PoolControl => Ask::SetPool {
            no,
            set: access.into(),
        },
        Stored::Library => Ask::SetLibrary {
            no,
            set: SetLibrary::Access(access),
        },
    }
}

pub(super) fn create_pool(parent: ObjectNo, name: &str, mode: u32) -> Ask {
    let name = name.to_owned();
    Ask::CreatePool { parent, name, mode }
}

pub(super) fn place_pool(no: ObjectNo, parent: ObjectNo, name: &str) -> Ask {
    let name = name.to_owned();
    Ask::PlacePool { no, parent, name }
}

pub(super) fn create_medium(pool: ObjectNo, name: &str, _mode: u32) -> Ask {
    let name = name.to_owned();
    Ask::CreateMedium { pool, name }
}

pub(super) fn move_medium(no: ObjectNo, pool: ObjectNo, name: &str) -> Ask {
    let name = name.to_owned();
    Ask::MoveMedium { no, pool, name }
}

pub(super) fn create_library(_catalog: ObjectNo, name: &str, mode: u32) -> Ask {
    let name = name.to_owned();
    Ask::CreateLibrary { name, mode }
}

pub(super) fn name_library(no: ObjectNo, _catalog: ObjectNo, name: &str) -> Ask {
    let set = SetLibrary::Name(name.to_owned());
    Ask::SetLibrary { no, set }
}

pub(super) fn add_type(_catalog: ObjectNo, name: &str, _mode: u32) -> Ask {
    let name = name.to_owned();
    Ask::AddType { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ask::{SetLogical, SetMedium, SetPool};
    use crate::domain::state::{OperatorState, Selection, SideState};
    use crate::domain::time::Limit;
    use crate::fs::tests::Sample;

    fn refused<T: fmt::Debug>(parsed: Parsed<T>) -> i32 {
        let deny = parsed.unwrap_err();
        assert!(deny.to_string().starts_with("0x8007"), "{deny}");
        deny.errno()
    }

    #[test]
    fn attributes_are_parsed() {
        let sample = Sample::new();
        let put = |path: &str, text: &str| write(sample.node(path).unwrap(), text.as_bytes());
        let pool = |set| {
            Ok(Ask::SetPool {
                no: ObjectNo(20),
                set,
            })
        };
        let in_pool = |name: &str, text: &str| put(&format!("pools/Backup/{name}"), text);
        assert_eq!(
            in_pool("allocate_from_free", "1\n"),
            pool(SetPool::AllocateFromFree(true))
        );
        assert_eq!(
            in_pool("deallocate_to_free", " 0 "),
            pool(SetPool::DeallocateToFree(false))
        );
        assert_eq!(
            in_pool("max_allocates", "4294967295"),
            pool(SetPool::MaxAllocates(u32::MAX))
        );
        assert_eq!(
            in_pool("selection", "fill\n"),
            pool(SetPool::Selection(Selection::Fill))
        );
        assert_eq!(
            in_pool("default_timeout", "infinite\n"),
            pool(SetPool::DefaultTimeout(Limit::Never))
        );
        assert_eq!(
            in_pool("media_type", "\n"),
            pool(SetPool::MediaType(String::new()))
        );
        let long = "ü".repeat(127);
        assert_eq!(
            in_pool("description", &long),
            pool(SetPool::Description(long.clone()))
        );
        for (name, text) in [
            ("allocate_from_free", "yes"),
            ("max_allocates", "-1"),
            ("max_allocates", "4294967296"),
            ("selection", "random"),
            ("description", "a\nb"),
            ("description", &"ü".repeat(128)),
        ] {
            assert_eq!(refused(in_pool(name, text)), libc::EINVAL, "{name} {text}");
        }
        assert_eq!(
            refused(in_pool("description", &"x".repeat(4097))),
            libc::EFBIG
        );
        assert_eq!(refused(in_pool("id", "x")), libc::EPERM);
        assert_eq!(refused(in_pool("media", "x")), libc::EISDIR);
        let node = sample.node("pools/Backup/description").unwrap();
        assert_eq!(refused(write(node, b"\xff")), libc::EINVAL);
    }

    #[test]
    fn states_and_switches_are_parsed() {
        let sample = Sample::new();
        let put = |path: &str, text: &str| write(sample.node(path).unwrap(), text.as_bytes());
        let side = "pools/Backup/media/B/sides/A/state";
        let lmid = "logical/00000000-0000-7000-8000-0000000000f0";
        let (no, state) = (ObjectNo(51), SideState::Decommissioned);
        assert_eq!(
            put(side, "decommissioned\n"),
            Ok(Ask::SetSide { no, state })
        );
        assert_eq!(refused(put(side, "broken\n")), libc::EINVAL);
        let (no, set) = (ObjectNo(60), SetLogical::State("complete".to_owned()));
        assert_eq!(
            put(&format!("{lmid}/state"), "complete\n"),
            Ok(Ask::SetLogical { no, set })
        );
        assert_eq!(
            refused(put(&format!("{lmid}/name"), &"x".repeat(65))),
            libc::EINVAL
        );
        let (no, state) = (ObjectNo(80), OperatorState::InProgress);
        assert_eq!(
            put("operator/80/state", "in-progress"),
            Ok(Ask::AnswerOperator { no, state })
        );
        assert_eq!(refused(put("operator/80/state", "submitted")), libc::EINVAL);
        let (no, set) = (ObjectNo(41), SetMedium::Enabled(false));
        assert_eq!(
            put("pools/Backup/media/B/enabled", "0\n"),
            Ok(Ask::SetMedium { no, set })
        );
        let (no, set) = (
            ObjectNo(30),
            SetLibrary::Driver("virtual type=LTO-8".to_owned()),
        );
        assert_eq!(
            put("libraries/lib 0/driver", "virtual type=LTO-8\n"),
            Ok(Ask::SetLibrary { no, set })
        );
    }

    #[test]
    fn objects_are_made_where_they_belong() {
        let sample = Sample::new();
        let node = |path: &str| sample.node(path).unwrap();
        let (parent, name, mode) = (ObjectNo(21), "é".to_owned(), 0o750);
        assert_eq!(
            make(node("pools/Archive/pools"), "é".as_bytes(), 0o40750),
            Ok(Ask::CreatePool { parent, name, mode })
        );
        let name = "LTO-99".to_owned();
        assert_eq!(make(node("types"), b"LTO-99", 0), Ok(Ask::AddType { name }));
        assert_eq!(refused(make(node("pools"), b"a\nb", 0)), libc::EINVAL);
        for path in [
            "",
            "logical",
            "media",
            "operator",
            "pools/Backup",
            "pools/Backup/requests",
        ] {
            assert_eq!(refused(make(node(path), b"x", 0)), libc::EPERM, "{path}");
        }
        assert_eq!(refused(make(node("README"), b"x", 0)), libc::ENOTDIR);
        let requests = (Row::Request, ObjectNo(20), "job-3".to_owned());
        assert_eq!(
            create(node("pools/Backup/requests"), b"job-3"),
            Ok(requests)
        );
        assert_eq!(refused(create(node("pools/Backup"), b"x")), libc::EPERM);
    }

    #[test]
    fn objects_are_removed_and_their_parts_are_not() {
        let sample = Sample::new();
        let node = |path: &str| sample.node(path).unwrap();
        for (path, ask) in [
            ("pools/Backup", Ask::RemovePool { no: ObjectNo(20) }),
            (
                "pools/Backup/media/B",
                Ask::RemoveMedium { no: ObjectNo(41) },
            ),
            ("libraries/lib 0", Ask::RemoveLibrary { no: ObjectNo(30) }),
            ("types/LTO-8", Ask::RemoveType { no: ObjectNo(2) }),
            ("operator/81", Ask::RemoveOperator { no: ObjectNo(81) }),
        ] {
            assert_eq!(remove(node(path)), Ok(ask), "{path}");
            assert_eq!(refused(unlink(node(path))), libc::EISDIR, "{path}");
        }
        for path in ["pools", "pools/Backup/media", "libraries/lib 0/slots/1"] {
            assert_eq!(refused(remove(node(path))), libc::EPERM, "{path}");
        }
        assert_eq!(refused(remove(node("README"))), libc::ENOTDIR);
        let request = node("pools/Backup/requests/job-1");
        assert_eq!(unlink(request), Ok(Ask::RemoveRequest { no: ObjectNo(70) }));
        for path in [
            "README",
            "media/B",
            "pools/Backup/id",
            "pools/Backup/results/job-1",
        ] {
            assert_eq!(refused(unlink(node(path))), libc::EPERM, "{path}");
        }
    }

    #[test]
    fn renames_move_or_are_refused() {
        let sample = Sample::new();
        let rename = |from: (&str, &str), to: (&str, &str)| {
            let (a, b) = (sample.node(from.0).unwrap(), sample.node(to.0).unwrap());
            sample.look(|view| Ok(rename(view, (a, from.1.as_bytes()), (b, to.1.as_bytes()))))
        };
        let (no, pool, name) = (ObjectNo(41), ObjectNo(11), "B2".to_owned());
        assert_eq!(
            rename(
                ("pools/Backup/media", "B"),
                ("pools/Free/pools/LTO-8/media", "B2")
            ),
            Ok(Ask::MoveMedium { no, pool, name })
        );
        let (no, parent, name) = (ObjectNo(20), ObjectNo(21), "Backup".to_owned());
        assert_eq!(
            rename(("pools", "Backup"), ("pools/Archive/pools", "Backup")),
            Ok(Ask::PlacePool { no, parent, name })
        );
        let (no, set) = (ObjectNo(30), SetLibrary::Name("new".to_owned()));
        assert_eq!(
            rename(("libraries", "lib 0"), ("libraries", "new")),
            Ok(Ask::SetLibrary { no, set })
        );
        for (from, to, errno) in [
            (("pools", "Backup"), ("pools", "Archive"), libc::EEXIST),
            (("pools", "nothing"), ("pools", "Archive"), libc::ENOENT),
            (("pools", "Backup"), ("libraries", "Backup"), libc::EPERM),
            (
                ("pools", "Backup"),
                ("pools/Backup/media", "Backup"),
                libc::EPERM,
            ),
            (("pools", "Backup"), ("pools", "a\nb"), libc::EPERM),
            (("types", "LTO-8"), ("types", "x"), libc::EPERM),
            (("pools/Backup", "id"), ("pools/Backup", "x"), libc::EPERM),
            (
                ("pools/Backup/requests", "job-1"),
                ("pools/Backup/requests", "x"),
                libc::EPERM,
            ),
        ] {
            assert_eq!(refused(rename(from, to)), errno, "{from:?} {to:?}");
        }
        let einval = Deny::Refusal(ErrorKind::InvalidMediaPool.because("a system pool"));
        assert_eq!(
            (einval.errno(), einval.errno_of_rename()),
            (libc::EINVAL, libc::EPERM)
        );
    }

    #[test]
    fn modes_and_owners_are_parsed() {
        let sample = Sample::new();
        let node = |path: &str| sample.node(path).unwrap();
        let pool = |set| {
            Ok(Ask::SetPool {
                no: ObjectNo(20),
                set,
            })
        };
        assert_eq!(
            chmod(node("pools/Backup"), 0o40750),
            pool(SetPool::Access(SetAccess::Mode(0o750)))
        );
        for name in ["allocate", "import", "requests", "results", "media"] {
            let node = node(&format!("pools/Backup/{name}"));
            assert_eq!(
                chmod(node, 0o771),
                pool(SetPool::Access(SetAccess::Control(0o660))),
                "{name}"
            );
            let owner = SetPool::Access(SetAccess::Owner {
                uid: Some(7),
                gid: None,
            });
            assert_eq!(chown(node, Some(7), None), pool(owner));
        }
        assert_eq!(refused(chmod(node("pools/Backup"), 0o2750)), libc::EINVAL);
        for path in [
            "pools",
            "pools/Backup/pools",
            "pools/Backup/id",
            "pools/Backup/media/B",
            "media",
        ] {
            assert_eq!(refused(chmod(node(path), 0o700)), libc::EPERM, "{path}");
            assert_eq!(
                refused(chown(node(path), Some(0), None)),
                libc::EPERM,
                "{path}"
            );
        }
        let (no, set) = (ObjectNo(30), SetLibrary::Access(SetAccess::Mode(0o700)));
        assert_eq!(
            chmod(node("libraries/lib 0"), 0o700),
            Ok(Ask::SetLibrary { no, set })
        );
    }
}
