//! Extended attributes. The prefix of a name says whose they are: `user.` is served here, the lists of access rights in
//! [`super::acl`], and nothing else.
//!
//! Invariants: only the home directories of objects have attributes of users; what has none says "not supported", not "no such
//! attribute", so that ls(1) asks once and not for every file.

use super::acl;
use super::names::submit_empty;
use super::served::{Failed, Outcome, Served};
use crate::domain::ask::Ask;
use crate::domain::attribute::{Holder, VALUE_MAX, Way};
use crate::domain::error::ErrorKind;
use crate::fs::parse::Deny;
use crate::fs::{Node, is_home, subject};
use crate::manager::attribute;
use fuser::{Errno, INodeNo, ReplyEmpty, ReplyXattr, Request};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

/// What the names of users' attributes begin with.
const USER: &str = "user.";

/// Returns the name if it is one of a user's attribute.
fn user_name(name: &OsStr) -> Outcome<&str> {
    let bytes = name.as_bytes();
    if !bytes.starts_with(USER.as_bytes()) {
        return Err(Failed::Errno(Errno::ENOTSUP));
    }
    let name = std::str::from_utf8(bytes).map_err(|_| {
        ErrorKind::InvalidName.because("the name of an attribute is not valid UTF-8")
    })?;
    if name.len() == USER.len() {
        return Err(ErrorKind::InvalidName
            .because("the name of an attribute is empty")
            .into());
    }
    Ok(name)
}

/// Returns the object whose home directory a node is.
fn home(served: &Served, ino: INodeNo) -> Outcome<Holder> {
    let node = served.node(ino)?;
    if !is_home(node) {
        return Err(Failed::Errno(Errno::ENOTSUP));
    }
    served
        .look(|view| subject::holder(view, node))?
        .ok_or(Failed::Errno(Errno::ENOENT))
}

/// Answers with bytes of which the caller asked for the size (`size` is 0) or for at most so many.
pub(super) fn answer(bytes: &[u8], size: u32, reply: ReplyXattr) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    if size == 0 {
        reply.size(length);
    } else if length > size {
        reply.error(Errno::ERANGE);
    } else {
        reply.data(bytes);
    }
}

pub(super) fn get(served: &Served, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
    if acl::is_list(name) {
        return acl::get(served, ino, name, size, reply);
    }
    let found = user_name(name).and_then(|name| {
        let node = served.node(ino)?;
        if !is_home(node) {
            return Err(Failed::Errno(Errno::ENOTSUP));
        }
        served.look(|view| attribute::value(view, node.no, name))
    });
    match found {
        Ok(Some(value)) => answer(&value, size, reply),
        Ok(None) => reply.error(Errno::ENODATA),
        Err(failed) => reply.error(failed.errno()),
    }
}

pub(super) fn list(served: &Served, ino: INodeNo, size: u32, reply: ReplyXattr) {
    let names = served.node(ino).and_then(|node: Node| {
        if !is_home(node) {
            return Ok(Vec::new());
        }
        served.look(|view| attribute::names(view, node.no))
    });
    match names {
        Ok(names) => {
            let own = names.iter().flat_map(|name| name.bytes().chain([0]));
            match acl::listed(served, ino) {
                Ok(list) => answer(&[list, own.collect()].concat(), size, reply),
                Err(failed) => reply.error(failed.errno()),
            }
        }
        Err(failed) => reply.error(failed.errno()),
    }
}

/// `flags` are those of setxattr(2).
pub(super) fn set(
    served: &Arc<Served>,
    req: &Request,
    (ino, name): (INodeNo, &OsStr),
    (value, flags): (&[u8], i32),
    reply: ReplyEmpty,
) {
    if acl::is_list(name) {
        return acl::set(served, req, (ino, name), Some(value), reply);
    }
    let way = match flags {
        libc::XATTR_CREATE => Way::Create,
        libc::XATTR_REPLACE => Way::Replace,
        _ => Way::Any,
    };
    change(served, req, (ino, name), (Some(value), way), reply);
}

pub(super) fn remove(
    served: &Arc<Served>,
    req: &Request,
    place: (INodeNo, &OsStr),
    reply: ReplyEmpty,
) {
    if acl::is_list(place.1) {
        return acl::set(served, req, place, None, reply);
    }
    change(served, req, place, (None, Way::Any), reply);
}

fn change(
    served: &Arc<Served>,
    req: &Request,
    (ino, name): (INodeNo, &OsStr),
    (value, way): (Option<&[u8]>, Way),
    reply: ReplyEmpty,
) {
    let too_long = value.is_some_and(|value| value.len() > VALUE_MAX);
    let ask = user_name(name).and_then(|name| {
        Ok(Ask::SetAttribute {
            of: home(served, ino)?,
            name: name.to_owned(),
            value: value.map(<[u8]>::to_vec),
            way,
        })
    });
    // What the calls on attributes say has no code of the protocol.
    let errno = move |deny: &Deny| match deny {
        Deny::Refusal(refusal) if refusal.kind == ErrorKind::ResourceNotPresent => libc::ENODATA,
        Deny::Refusal(refusal) if refusal.kind == ErrorKind::InvalidParameter && too_long => {
            libc::E2BIG
        }
        Deny::Refusal(_) | Deny::Errno(..) => deny.errno(),
    };
    submit_empty(served, req, ask, errno, reply);
}
