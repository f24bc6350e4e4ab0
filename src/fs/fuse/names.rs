//! Operations on names: lookup, listing, making, removing, moving; and on attributes.

use super::served::{Failed, Outcome, Served, attr, lock, times, type_of};
use crate::domain::ask::{Ask, Reply};
use crate::domain::id::ObjectNo;
use crate::fs::parse::{self, Deny};
use crate::fs::tree::{Name, children};
use crate::fs::{Node, access};
use fuser::{
    Errno, Generation, INodeNo, RenameFlags, ReplyAttr, ReplyData, ReplyDirectory,
    ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, Request,
};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

/// Entries asked of the catalog at a time; as many names fill one buffer of the C library.
const PAGE: u32 = 900;

/// Entries with attributes in one answer: more would only delay it.
const PAGE_PLUS: u32 = 200;

pub(super) fn answer_entry(served: &Served, node: Node, reply: ReplyEntry) {
    match served.stat(node) {
        Ok(found) => {
            let (attributes, entry) = times(node, &found);
            reply.entry_with_ttls(&attributes, &entry, &attr(&found), Generation(0));
        }
        Err(failed) => reply.error(failed.errno()),
    }
}

/// Looks up a name. The kernel asks for `.` and `..` when a server of NFS has a handle of what the kernel has forgotten.
pub(super) fn lookup(
    served: &Served,
    uid: u32,
    (parent, name): (INodeNo, &[u8]),
    reply: ReplyEntry,
) {
    let entry = served.node(parent).and_then(|dir| match name {
        b"." => Ok((dir, served.stat(dir)?)),
        b".." => {
            let above = served.look(|view| served.scope.parent(view, dir))?;
            let mut found = served.stat(above)?;
            if above == served.scope.top() {
                found.ino = INodeNo::ROOT.0;
            }
            Ok((above, found))
        }
        _ => served.entry(dir, name),
    });
    match entry {
        Ok((node, found)) => {
            let found = served.seen_by(uid, node, found);
            let (attributes, entry) = times(node, &found);
            reply.entry_with_ttls(&attributes, &entry, &attr(&found), Generation(0));
        }
        Err(failed) => reply.error(served.errno(uid, &failed)),
    }
}

pub(super) fn answer_attr(served: &Served, uid: u32, node: Node, reply: ReplyAttr) {
    let found = served.stat(node);
    match found.map(|found| served.seen_by(uid, node, found)) {
        Ok(found) => reply.attr(&times(node, &found).0, &attr(&found)),
        Err(failed) => reply.error(failed.errno()),
    }
}

pub(super) fn readlink(served: &Served, ino: INodeNo, reply: ReplyData) {
    let target = served
        .node(ino)
        .and_then(|node| served.look(|view| served.scope.target(view, node)));
    match target {
        Ok(Some(target)) => reply.data(target.as_bytes()),
        Ok(None) => reply.error(Errno::ENOENT),
        Err(failed) => reply.error(failed.errno()),
    }
}

/// One entry of a listing: cookie, node, name.
type Listed = (u64, Node, String);

fn page(served: &Served, ino: INodeNo, after: u64, limit: u32) -> Outcome<Vec<Listed>> {
    let dir = served.node(ino)?;
    served.look(|view| {
        let mut entries = Vec::new();
        if after < 1 {
            entries.push((1, dir, ".".to_owned()));
        }
        if after < 2 {
            entries.push((2, served.scope.parent(view, dir)?, "..".to_owned()));
        }
        let found = served.scope.list(view, dir, (after.max(2), limit))?;
        // In a damaged catalog the order may be wrong; whoever lists must come to an end all the same.
        let mut last = after.max(2);
        for entry in found {
            if entry.cookie > last {
                last = entry.cookie;
                entries.push((entry.cookie, entry.node, entry.name));
            }
        }
        Ok(entries)
    })
}

pub(super) fn readdir(served: &Served, ino: INodeNo, offset: u64, mut reply: ReplyDirectory) {
    match page(served, ino, offset, PAGE) {
        Ok(entries) => {
            for (cookie, node, name) in entries {
                if reply.add(INodeNo(node.ino()), cookie, type_of(node), name) {
                    break;
                }
            }
            reply.ok();
        }
        Err(failed) => reply.error(failed.errno()),
    }
}

pub(super) fn readdirplus(
    served: &Served,
    ino: INodeNo,
    offset: u64,
    mut reply: ReplyDirectoryPlus,
) {
    match page(served, ino, offset, PAGE_PLUS) {
        Ok(entries) => {
            for (cookie, node, name) in entries {
                // What went between the two looks is left out; one time serves name and attributes: the shorter.
                let Ok(found) = served.stat(node) else {
                    continue;
                };
                let (attributes, entry) = times(node, &found);
                let ttl = attributes.min(entry);
                if reply.add(
                    INodeNo(node.ino()),
                    cookie,
                    name,
                    &ttl,
                    &attr(&found),
                    Generation(0),
                ) {
                    break;
                }
            }
            reply.ok();
        }
        Err(failed) => reply.error(failed.errno()),
    }
}

/// The directory entry of an object that was made in a directory.
fn made(parent: Node, no: ObjectNo) -> Node {
    let each = children(parent.row).find(|spec| matches!(spec.name, Name::Each(_)));
    Node::new(each.map_or(parent.row, |spec| spec.row), no)
}

pub(super) fn mkdir(
    served: &Arc<Served>,
    req: &Request,
    (parent, name): (INodeNo, &[u8]),
    mode: u32,
    reply: ReplyEntry,
) {
    let caller = served.caller(req);
    let uid = caller.uid;
    let asked = served
        .node(parent)
        .and_then(|node| Ok((node, parse::make(node, name, mode)?)));
    let (parent, ask) = match asked {
        Ok(asked) => asked,
        Err(failed) => return reply.error(served.errno(uid, &failed)),
    };
    served.submit(
        caller,
        ask,
        (reply, ReplyEntry::error),
        move |served, outcome, reply| {
            let Some(reply) = reply else { return };
            match outcome {
                Ok(Reply::Created(no)) => answer_entry(served, made(parent, no), reply),
                Ok(_) => reply.error(Errno::EIO),
                Err(refusal) => reply.error(served.errno(uid, &Failed::from(refusal))),
            }
        },
    );
}

/// Hands an ask over whose answer is nothing but success or an errno.
pub(super) fn submit_empty(
    served: &Arc<Served>,
    req: &Request,
    ask: Outcome<Ask>,
    errno: impl Fn(&Deny) -> i32 + Send + 'static,
    reply: ReplyEmpty,
) {
    let caller = served.caller(req);
    let uid = caller.uid;
    let fail = move |served: &Served, failed: &Failed, reply: ReplyEmpty| match failed {
        Failed::Errno(errno) => reply.error(*errno),
        Failed::Denied(deny) => {
            served.remember(uid, deny.to_string());
            reply.error(Errno::from_i32(errno(deny)));
        }
    };
    let ask = match ask {
        Ok(ask) => ask,
        Err(failed) => return fail(served, &failed, reply),
    };
    served.submit(
        caller,
        ask,
        (reply, ReplyEmpty::error),
        move |served, outcome, reply| {
            let Some(reply) = reply else { return };
            match outcome {
                Ok(_) => reply.ok(),
                Err(refusal) => fail(served, &Failed::from(refusal), reply),
            }
        },
    );
}

pub(super) fn rmdir(
    served: &Arc<Served>,
    req: &Request,
    (parent, name): (INodeNo, &[u8]),
    reply: ReplyEmpty,
) {
    let ask = served
        .node(parent)
        .and_then(|dir| served.find(dir, name))
        .and_then(|node| Ok(parse::remove(node)?));
    submit_empty(served, req, ask, Deny::errno, reply);
}

pub(super) fn unlink(
    served: &Arc<Served>,
    req: &Request,
    (parent, name): (INodeNo, &[u8]),
    reply: ReplyEmpty,
) {
    let node = served.node(parent).and_then(|dir| served.find(dir, name));
    if let Ok(node) = &node
        && lock(&served.reserved).contains_key(&node.no)
    {
        // Created and not written: there is nothing to cancel, the name goes with the open file.
        return reply.error(served.errno(req.uid(), &Failed::from(parse::being_written())));
    }
    submit_empty(
        served,
        req,
        node.and_then(|node| Ok(parse::unlink(node)?)),
        Deny::errno,
        reply,
    );
}

pub(super) fn rename(
    served: &Arc<Served>,
    req: &Request,
    [(from, name), (to, new_name)]: [(INodeNo, &OsStr); 2],
    flags: RenameFlags,
    reply: ReplyEmpty,
) {
    if !(flags - RenameFlags::RENAME_NOREPLACE).is_empty() {
        let denied = Failed::from(parse::NO_EXCHANGE);
        return reply.error(served.errno(req.uid(), &denied));
    }
    let ask = served
        .node(from)
        .and_then(|from| Ok((from, served.node(to)?)))
        .and_then(|(from, to)| {
            let places = ((from, name.as_bytes()), (to, new_name.as_bytes()));
            let parsed = served.look(|view| Ok(parse::rename(view, places.0, places.1)))?;
            Ok(parsed?)
        });
    submit_empty(served, req, ask, Deny::errno_of_rename, reply);
}

/// What setattr(2) changes; sizes and times of files here are nobody's to set and are accepted without effect, but for
/// touch(1) of a request that exists: it takes a time that can be set for success, although the open was refused.
pub(super) struct Changes {
    pub(super) times: bool,
    pub(super) mode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
}

pub(super) fn setattr(
    served: &Arc<Served>,
    req: &Request,
    ino: INodeNo,
    changes: &Changes,
    reply: ReplyAttr,
) {
    let caller = served.caller(req);
    let uid = caller.uid;
    let ask = served.node(ino).and_then(|node| {
        if changes.times && node.row.outcome().is_some() && !served.is_being_written(node) {
            return Err(Failed::from(parse::exists_already()));
        }
        let ask = match (changes.mode, changes.uid, changes.gid) {
            (Some(_), None, None) if served.look(|view| access::is_free(view, node))? => {
                return Err(Failed::from(parse::FREE_MEDIA));
            }
            (Some(mode), None, None) => Some(parse::chmod(node, mode)?),
            (None, None, None) => None,
            (_, uid, gid) => {
                let (uid, gid) = served.recorded(uid, gid);
                Some(parse::chown(node, uid, gid)?)
            }
        };
        Ok((node, ask))
    });
    let (node, ask) = match ask {
        Ok((node, None)) => return answer_attr(served, uid, node, reply),
        Ok((node, Some(ask))) => (node, ask),
        Err(failed) => return reply.error(served.errno(uid, &failed)),
    };
    served.submit(
        caller,
        ask,
        (reply, ReplyAttr::error),
        move |served, outcome, reply| {
            let Some(reply) = reply else { return };
            match outcome {
                Ok(_) => answer_attr(served, uid, node, reply),
                Err(refusal) => reply.error(served.errno(uid, &Failed::from(refusal))),
            }
        },
    );
}
