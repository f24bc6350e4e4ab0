//! Kind, mode, owner, size and time of every node.
//!
//! Source: design, "Who may do what". Invariants: the kernel checks what is said here (`default_permissions`); a mode
//! is derived from the stored one at every call, so a right that was taken away is gone; the size of a file that does
//! not wait is the length of what a read returns.

use super::lookup;
use super::node::{Node, Row};
use super::place::{Subject, subject};
use super::tree::{Behaviour, Guard, spec};
use crate::domain::access::Access;
use crate::domain::error::Result;
use crate::domain::time::Time;
use crate::manager::{View, list, read};

/// What kind of file a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
}

/// What stat(2) shows. There is one link to everything, and all times are `modified`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// Inode number.
    pub ino: u64,
    /// Kind of file.
    pub kind: FileKind,
    /// Permission bits, 0 to 0o777.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes that a read returns; 0 for directories, control files, streams and results that still wait.
    pub size: u64,
    /// The last event that touched the object.
    pub modified: Time,
}

/// Permission bits and owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owned {
    mode: u32,
    uid: u32,
    gid: u32,
}

/// Returns the attributes of a node, `None` if it is gone. `gid` is the group that may read the audit trail.
pub fn attributes(view: &View, node: Node, gid: u32) -> Result<Option<Attributes>> {
    let Some(subject) = subject(view, node)? else {
        return Ok(None);
    };
    let Some((kind, size)) = shape(view, node)? else {
        return Ok(None);
    };
    let Owned { mode, uid, gid } = owned(view, spec(node.row).guard, &subject, gid)?;
    let modified = modified(view, node, &subject)?;
    let ino = node.ino();
    Ok(Some(Attributes {
        ino,
        kind,
        mode,
        uid,
        gid,
        size,
        modified,
    }))
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
            let end = list::head(view)?.map_or(0, |head| head.end);
            (FileKind::File, end.unsigned_abs())
        }
        Behaviour::Transaction | Behaviour::Bulk | Behaviour::Stream | Behaviour::LastError => {
            (FileKind::File, 0)
        }
    }))
}

/// Derives mode and owner.
fn owned(view: &View, guard: Guard, subject: &Subject, gid: u32) -> Result<Owned> {
    let root = |mode| Owned {
        mode,
        uid: 0,
        gid: 0,
    };
    Ok(match guard {
        Guard::Fixed(mode) => root(mode),
        Guard::Private(mode) => Owned { gid, ..root(mode) },
        Guard::Link => root(0o777),
        Guard::Mode(mask) => by_access(view, subject, |access| access.mode & mask)?,
        Guard::Control => by_access(view, subject, |access| access.control & 0o666)?,
        Guard::ControlDir => by_access(view, subject, |access| searchable(access.control))?,
        Guard::State => by_access(view, subject, |access| {
            access.control & 0o666 | access.mode & 0o444
        })?,
        Guard::UseDir => by_access(view, subject, |access| usable(access.mode))?,
        Guard::Requester(mode) => {
            let Some(caller) = subject.requester() else {
                return Ok(root(mode));
            };
            let (uid, gid) = (caller.uid, caller.gid);
            Owned { mode, uid, gid }
        }
    })
}

/// Mode from the stored access of the pool or library that the object follows.
fn by_access(view: &View, subject: &Subject, mode: impl Fn(&Access) -> u32) -> Result<Owned> {
    let access = match subject.pool(view)? {
        Some(pool) => pool.access,
        None => match subject.library(view)? {
            Some(library) => library.access,
            None => TOP,
        },
    };
    let Access { uid, gid, .. } = access;
    Ok(Owned {
        mode: mode(&access),
        uid,
        gid,
    })
}

/// The access of the catalog's own `pools/`.
const TOP: Access = Access {
    uid: 0,
    gid: 0,
    mode: 0o775,
    control: 0,
};

/// Adds x for each class that has r or w.
fn searchable(control: u32) -> u32 {
    let control = control & 0o666;
    control | (control >> 1 | control >> 2) & 0o111
}

/// Everything for each class that has r and x.
fn usable(mode: u32) -> u32 {
    let both = mode & (mode & 0o111) << 2 & 0o444;
    both | both >> 1 | both >> 2
}

/// Returns the time of a node. What the catalog itself has changes with it: its time is that of the last event.
fn modified(view: &View, node: Node, subject: &Subject) -> Result<Time> {
    let summary = matches!(
        node.row,
        Row::PoolCounts
            | Row::PoolWhy
            | Row::PoolMedia
            | Row::Requests
            | Row::Results
            | Row::LibraryRequests
            | Row::LibraryResults
    );
    if let Some(time) = subject.modified().filter(|_| !summary) {
        return Ok(time);
    }
    if let Some(library) = subject.library(view)? {
        return Ok(library.modified);
    }
    let (_, created) = read::catalog(view)?;
    if matches!(node.row, Row::Root | Row::Readme | Row::LastError) {
        return Ok(created);
    }
    Ok(list::head(view)?.map_or(created, |head| head.time.max(created)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_control_can_be_searched_by_whoever_reads_or_writes() {
        for (control, mode) in [
            (0o660, 0o770),
            (0o640, 0o750),
            (0o020, 0o030),
            (0o604, 0o705),
            (0, 0),
        ] {
            assert_eq!(searchable(control), mode);
        }
        for (mode, made) in [
            (0o755, 0o777),
            (0o750, 0o770),
            (0o711, 0o700),
            (0o444, 0),
            (0, 0),
        ] {
            assert_eq!(usable(mode), made, "{mode:o}");
        }
    }
}
