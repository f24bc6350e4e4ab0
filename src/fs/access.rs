//! Kind, mode, owner, size and time of every node.
//!
//! Source: design, "Who may do what". Invariants: the kernel checks what is said here (`default_permissions`); a mode
//! is derived from the stored one at every call, so a right that was taken away is gone; the size of a file that does
//! not wait is the length of what a read returns.

use super::lookup;
use super::node::{Node, Row};
use super::subject::{Subject, subject};
use super::tree::{Behaviour, Guard, Name, spec};
use crate::domain::access::{Access, Caller, Right};
use crate::domain::acl::List;
use crate::domain::error::Result;
use crate::domain::id::CATALOG;
use crate::domain::object::Pool;
use crate::domain::state::PoolType;
use crate::domain::time::Time;
use crate::manager::{self, View, list, log, medium_history, read, views};

/// What kind of file a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
}

/// What stat(2) shows. There is one link to everything; ctime and mtime are `modified`, atime is `accessed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes {
    /// Inode number.
    pub(super) ino: u64,
    /// Kind of file.
    pub(super) kind: FileKind,
    /// Permission bits, 0 to 0o777.
    pub(super) mode: u32,
    /// Owner.
    pub(super) uid: u32,
    /// Group.
    pub(super) gid: u32,
    /// Bytes that a read returns; 0 for directories, control files, streams and results that still wait.
    pub(super) size: u64,
    /// Bytes that it stands for, which du(1) adds up: of a side and its logical medium the capacity, if that is known; of
    /// everything else `size`.
    pub(super) occupied: u64,
    /// The last event that touched the object; of a medium also one that touched a side of it.
    pub(super) modified: Time,
    /// Of a medium, its sides and their logical media: the last mount, and until there is one when the medium came into
    /// the catalog. Of everything else: `modified`.
    pub(super) accessed: Time,
    /// Whether it may go without anybody having removed it: the leaf of a system pool vanishes with its media type.
    pub(super) passing: bool,
}

/// Permission bits with their list, and owner.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    list: List,
    uid: u32,
    gid: u32,
}

/// Returns the attributes of a node, `None` if it is gone. `gid` is the group that may read the audit trail.
pub(super) fn attributes(view: &View, node: Node, gid: u32) -> Result<Option<Attributes>> {
    let Some(subject) = subject(view, node)? else {
        return Ok(None);
    };
    let Some((kind, size)) = shape(view, node)? else {
        return Ok(None);
    };
    let Owned { list, uid, gid } = owned(view, spec(node.row).guard, &subject, gid)?;
    let mode = list.mode;
    let modified = modified(view, node, &subject)?;
    let accessed = accessed(view, &subject)?.unwrap_or(modified);
    let occupied = capacity(view, node, &subject)?.unwrap_or(size);
    let ino = node.ino();
    let passing =
        node.row == Row::Pool && matches!(&subject, Subject::Pool(pool) if pool.is_leaf());
    Ok(Some(Attributes {
        ino,
        kind,
        mode,
        uid,
        gid,
        size,
        occupied,
        modified,
        accessed,
        passing,
    }))
}

/// Returns the mode of a node with its access control list, `None` if it is gone.
pub(super) fn list(view: &View, node: Node) -> Result<Option<List>> {
    let Some(subject) = subject(view, node)? else {
        return Ok(None);
    };
    let owned = owned(view, spec(node.row).guard, &subject, 0)?;
    Ok(Some(owned.list))
}

/// Refuses an open for reading or writing as far as the kernel could not see it: one mode cannot say what two lists say
/// together, so where there are lists it lets everybody through to a state; nor can it say that the owner of a logical
/// medium may write, beside the owner of the pool.
pub(super) fn demand_open(
    view: &View,
    node: Node,
    caller: &Caller,
    (reads, writes): (bool, bool),
) -> Result<()> {
    let subject = subject(view, node)?;
    let pool = subject.as_ref().map(|subject| subject.pool(view));
    let Some(Pool { access, name, .. }) = pool.transpose()?.flatten() else {
        return Ok(());
    };
    if let Guard::Owner(_) = spec(node.row).guard {
        let owns =
            matches!(&subject, Some(Subject::Logical(logical)) if logical.owner == caller.uid);
        let may = !writes || owns && access.permits(caller, Right::Use);
        return if may {
            Ok(())
        } else {
            access.demand(caller, Right::Modify, &name)
        };
    }
    if reads && !access.in_mode(caller, 4) && !access.in_control(caller, 4) {
        access.demand(caller, Right::Use, &name)?;
    }
    if writes {
        access.demand(caller, Right::Control, &name)?;
    }
    Ok(())
}

/// Returns whether an open needs [`demand_open`].
pub(super) const fn is_looked_at(guard: Guard) -> bool {
    matches!(guard, Guard::State | Guard::Owner(_))
}

/// Returns whether a node is the `media/` of a free pool, or a medium there: what is free is drawn with USE of its pool.
pub(super) fn is_free(view: &View, node: Node) -> Result<bool> {
    if spec(node.row).guard != Guard::MediaDir {
        return Ok(false);
    }
    match subject(view, node)? {
        Some(subject) => in_free(view, &subject),
        None => Ok(false),
    }
}

fn in_free(view: &View, subject: &Subject) -> Result<bool> {
    let pool = subject.pool(view)?;
    Ok(pool.is_some_and(|pool| pool.kind == PoolType::Free))
}

/// Returns kind and size; `None` for a link that leads nowhere now.
fn shape(view: &View, node: Node) -> Result<Option<(FileKind, u64)>> {
    let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    Ok(Some(match spec(node.row).behaviour {
        Behaviour::Dir(_) => (FileKind::Directory, 0),
        Behaviour::Link(_) => match lookup::target(view, node)? {
            Some(target) => (FileKind::Link, length(target.len())),
            None => return Ok(None),
        },
        Behaviour::Shown(_)
        | Behaviour::Attr(..)
        | Behaviour::RequestFile(_)
        | Behaviour::ResultFile(_) => (FileKind::File, length(lookup::show(view, node)?.len())),
        Behaviour::History => {
            let (begin, end) = if node.no == CATALOG {
                (
                    log::begin(view)?.end,
                    list::head(view)?.map_or(0, |head| head.end),
                )
            } else {
                (
                    medium_history::begin(view, node.no)?,
                    medium_history::end(view, node.no)?,
                )
            };
            (FileKind::File, (end - begin).unsigned_abs())
        }
        Behaviour::Transaction
        | Behaviour::Ask
        | Behaviour::Bulk
        | Behaviour::Stream
        | Behaviour::LastError => (FileKind::File, 0),
        Behaviour::Export => (FileKind::File, manager::size(view)?),
    }))
}

/// Derives mode and owner.
fn owned(view: &View, guard: Guard, subject: &Subject, gid: u32) -> Result<Owned> {
    let of = |mode, uid, gid| {
        let list = List { mode, acl: None };
        Owned { list, uid, gid }
    };
    let root = |mode| of(mode, 0, 0);
    Ok(match guard {
        Guard::Fixed(mode) => root(mode),
        Guard::Private(mode) => Owned { gid, ..root(mode) },
        Guard::Link => root(0o777),
        Guard::Mode(mask) => by_access(view, subject, |access| access.list().masked(mask))?,
        Guard::Control => by_access(view, subject, Access::control_list)?,
        Guard::MediaDir if in_free(view, subject)? => {
            by_access(view, subject, |access| usable(access.list()))?
        }
        Guard::ControlDir | Guard::MediaDir => {
            by_access(view, subject, |access| searchable(access.control_list()))?
        }
        Guard::State => by_access(view, subject, state)?,
        Guard::Owner(mask) => {
            by_access(view, subject, |access| writable(access.list().masked(mask)))?
        }
        Guard::UseDir => by_access(view, subject, |access| usable(access.list()))?,
        Guard::Requester(mode) => {
            let Some(caller) = subject.requester() else {
                return Ok(root(mode));
            };
            of(mode, caller.uid, caller.gid)
        }
    })
}

/// Mode from the stored access of the pool or library that the object follows.
fn by_access(view: &View, subject: &Subject, list: impl Fn(&Access) -> List) -> Result<Owned> {
    let access = access_of(view, subject)?;
    let Access { uid, gid, .. } = access;
    Ok(Owned {
        list: list(&access),
        uid,
        gid,
    })
}

/// The stored access of the pool or library that the object follows.
fn access_of(view: &View, subject: &Subject) -> Result<Access> {
    Ok(match subject.pool(view)? {
        Some(pool) => pool.access,
        None => match subject.library(view)? {
            Some(library) => library.access,
            None => TOP,
        },
    })
}

/// The access of the catalog's own `pools/`.
const TOP: Access = Access::of_root(0o775, 0);

/// CONTROL, or readable by whoever has USE. With lists everybody, and [`demand_open`] decides.
fn state(access: &Access) -> List {
    let mode = if access.acl.is_none() && access.control_acl.is_none() {
        access.control & 0o666 | access.mode & 0o444
    } else {
        0o666
    };
    List { mode, acl: None }
}

/// Changes the bits of each class and entry.
fn each(list: List, change: impl Fn(u32) -> u32) -> List {
    List {
        mode: change(list.mode),
        acl: list.acl.map(|acl| acl.map(change)),
    }
}

/// Adds w for each class and entry that has r.
fn writable(list: List) -> List {
    each(list, |bits| bits | (bits & 0o444) >> 1)
}

/// Adds x for each class and entry that has r or w.
fn searchable(list: List) -> List {
    each(list, |bits| bits & 0o666 | (bits >> 1 | bits >> 2) & 0o111)
}

/// Everything for each class and entry that has r and x.
fn usable(list: List) -> List {
    each(list, |bits| {
        let both = bits & (bits & 0o111) << 2 & 0o444;
        both | both >> 1 | both >> 2
    })
}

/// Returns the time that [`attributes`] gives a node; that of the catalog if the node is gone.
pub(super) fn modified_of(view: &View, node: Node) -> Result<Time> {
    let subject = subject(view, node)?.unwrap_or(Subject::Catalog);
    modified(view, node, &subject)
}

/// Returns the time of a node. What the catalog itself has changes with it: its time is that of the last event.
fn modified(view: &View, node: Node, subject: &Subject) -> Result<Time> {
    let summary = matches!(
        node.row,
        Row::PoolCounts
            | Row::PoolInfo
            | Row::PoolWhy
            | Row::PoolMedia
            | Row::Requests
            | Row::Results
            | Row::LibraryRequests
            | Row::LibraryResults
            | Row::LibraryStatus
            | Row::LibraryMap
    );
    if let Some(time) = subject.modified().filter(|_| !summary) {
        if let Subject::Medium(medium) = subject
            && of_the_whole(node)
        {
            let sides = views::sides_modified(view, medium.no)?;
            return Ok(sides.map_or(time, |sides| time.max(sides)));
        }
        return Ok(time);
    }
    let of_media = matches!(node.row, Row::LibraryStatus | Row::LibraryMap);
    if let Some(library) = subject.library(view)?.filter(|_| !of_media) {
        return Ok(library.modified);
    }
    let (_, created) = read::catalog(view)?;
    if matches!(
        node.row,
        Row::Root | Row::Readme | Row::LastError | Row::Ask
    ) {
        return Ok(created);
    }
    if node.row == Row::Settings || spec(node.row).parents.contains(&Row::Settings) {
        return Ok(read::settings(view)?.modified.max(created));
    }
    Ok(list::head(view)?.map_or(created, |head| head.time.max(created)))
}

/// Whether a node stands for a medium with its sides: its directory, and every link to that.
fn of_the_whole(node: Node) -> bool {
    matches!(spec(node.row).name, Name::Each(_)) || node.row == Row::Sides
}

/// Returns when the medium of an object was last mounted, or came into the catalog; `None` for what is of no medium.
fn accessed(view: &View, subject: &Subject) -> Result<Option<Time>> {
    let medium = match subject {
        Subject::Medium(medium) => Some(medium.no),
        Subject::Side(side) => Some(side.medium),
        Subject::Logical(logical) => read::side(view, logical.side)?.map(|side| side.medium),
        Subject::Catalog
        | Subject::Pool(_)
        | Subject::Library(_)
        | Subject::Element(_)
        | Subject::MediaType(_)
        | Subject::Operator(_)
        | Subject::Work(_)
        | Subject::Request(_) => None,
    };
    match medium {
        Some(medium) => views::last_mounted(view, medium),
        None => Ok(None),
    }
}

/// Returns what fits on the side that a directory is of, if somebody has said it.
fn capacity(view: &View, node: Node, subject: &Subject) -> Result<Option<u64>> {
    let side = match (node.row, subject) {
        (Row::Side, _) => node.no,
        (Row::Logical, Subject::Logical(logical)) => logical.side,
        _ => return Ok(None),
    };
    let bytes = read::label(view, side)?.and_then(|label| label.capacity);
    Ok(bytes.map(i64::unsigned_abs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_made_of_modes() {
        type Made = fn(List) -> List;
        let rows: [(Made, u32, u32); 14] = [
            (searchable, 0o660, 0o770),
            (searchable, 0o640, 0o750),
            (searchable, 0o020, 0o030),
            (searchable, 0o604, 0o705),
            (searchable, 0, 0),
            (usable, 0o755, 0o777),
            (usable, 0o750, 0o770),
            (usable, 0o711, 0o700),
            (usable, 0o444, 0),
            (usable, 0, 0),
            (writable, 0o755, 0o777),
            (writable, 0o750, 0o770),
            (writable, 0o440, 0o660),
            (writable, 0o711, 0o711),
        ];
        for (made, mode, wanted) in rows {
            let list = |mode| List { mode, acl: None };
            assert_eq!(made(list(mode)), list(wanted), "{mode:o}");
        }
    }
}
