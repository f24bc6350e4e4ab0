//! Access control lists, as the kernel asks for them: extended attributes of a certain name.
//!
//! Invariants: the kernel evaluates what is given here, so what follows a pool has the list of the pool; where there is no
//! list the answer is "no such attribute", since with any other the kernel refuses access.

use super::names;
use super::served::{Outcome, Served};
use super::xattr::answer;
use crate::domain::acl::List;
use crate::fs::{Node, access, parse};
use fuser::{Errno, INodeNo, ReplyEmpty, ReplyXattr, Request};
use std::ffi::OsStr;
use std::sync::Arc;

const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

/// Returns whether an attribute is an access control list, which is to be handled here.
pub(super) fn is_list(name: &OsStr) -> bool {
    name == ACCESS || name == DEFAULT
}

/// Returns the list of a node in the form of the kernel; empty if the mode says everything.
fn attribute(served: &Served, node: Node) -> Outcome<Arc<[u8]>> {
    let version = served.manager.version();
    served.lists.get(version, node.ino(), || {
        let list = list(served, node)?;
        Ok(Arc::from(list.attribute().unwrap_or_default()))
    })
}

fn list(served: &Served, node: Node) -> Outcome<List> {
    let found = served.look(|view| access::list(view, node))?;
    // A request that is created and not yet written is not in the catalog, and has none.
    Ok(found.unwrap_or(List { mode: 0, acl: None }))
}

/// getxattr(2) of a list.
pub(super) fn get(served: &Served, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
    if name == DEFAULT {
        return reply.error(Errno::NO_XATTR);
    }
    match served.node(ino).and_then(|node| attribute(served, node)) {
        Ok(data) if data.is_empty() => reply.error(Errno::NO_XATTR),
        Ok(data) => answer(&data, size, reply),
        Err(failed) => reply.error(failed.errno()),
    }
}

/// Returns what listxattr(2) shows of the list of a node: its name with the final NUL, or nothing.
pub(super) fn listed(served: &Served, ino: INodeNo) -> Outcome<Vec<u8>> {
    let node = served.node(ino)?;
    if attribute(served, node)?.is_empty() {
        return Ok(Vec::new());
    }
    Ok([ACCESS.as_bytes(), b"\0"].concat())
}

/// setxattr(2) of a list, and removexattr(2) if there is no data.
pub(super) fn set(
    served: &Arc<Served>,
    req: &Request,
    (ino, name): (INodeNo, &OsStr),
    data: Option<&[u8]>,
    reply: ReplyEmpty,
) {
    if name == DEFAULT {
        return match data {
            Some(_) => reply.error(served.errno(req.uid(), &parse::NO_DEFAULT_LIST.into())),
            None => reply.ok(),
        };
    }
    let ask = served.node(ino).and_then(|node| {
        if served.look(|view| access::is_free(view, node))? {
            return Err(parse::FREE_MEDIA.into());
        }
        let old = list(served, node)?;
        Ok(parse::set_list(node, data, &old)?)
    });
    names::submit_empty(served, req, ask, parse::Deny::errno, reply);
}
