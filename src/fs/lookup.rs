//! What the adapter asks of one node: an entry by its name, what a file shows, where a link leads.
//!
//! Invariant: what a listing shows is found here by the same name.

use super::access::{Attributes, attributes};
use super::node::Node;
use super::path::{home_path, parent, relative};
use super::subject::subject;
use super::tree::{Behaviour, Name, children, spec};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::name;
use crate::manager::{View, list};

/// Returns the entry of a directory with that name; `None` if there is none, also for a name no object can have.
pub(super) fn lookup(view: &View, parent: Node, name: &[u8]) -> Result<Option<Node>> {
    match named(view, parent, name)? {
        Some(node) if exists(view, node)? => Ok(Some(node)),
        _ => Ok(None),
    }
}

/// Returns the entry of a directory with that name and its attributes, as [`attributes`] gives them.
pub(super) fn entry(
    view: &View,
    parent: Node,
    name: &[u8],
    gid: u32,
) -> Result<Option<(Node, Attributes)>> {
    let Some(node) = named(view, parent, name)? else {
        return Ok(None);
    };
    Ok(attributes(view, node, gid)?.map(|found| (node, found)))
}

/// Returns the node that would have that name; whether it [`exists`] is not asked.
fn named(view: &View, parent: Node, name: &[u8]) -> Result<Option<Node>> {
    let Ok(name) = name::check(name) else {
        return Ok(None);
    };
    for spec in children(parent.row) {
        let node = match spec.name {
            Name::Is(literal) if literal == name => Node::new(spec.row, parent.no),
            Name::Is(_) => continue,
            Name::Each(kind) => match list::find(view, kind, parent.no, name)? {
                Some(no) => Node::new(spec.row, no),
                None => continue,
            },
        };
        return Ok(Some(node));
    }
    Ok(None)
}

/// Returns whether a node is there: its object is, and if it is a link it leads somewhere.
pub(super) fn exists(view: &View, node: Node) -> Result<bool> {
    if subject(view, node)?.is_none() {
        return Ok(false);
    }
    leads(view, node)
}

/// Returns whether a node is no link, or one that leads somewhere now.
pub(super) fn leads(view: &View, node: Node) -> Result<bool> {
    let Behaviour::Link(target) = spec(node.row).behaviour else {
        return Ok(true);
    };
    Ok(target(view, node.no)?.is_some())
}

/// Returns what a file shows. Empty for a result that still waits ([`outcome`] tells), for control files, and for
/// what the adapter serves itself: history, events and last-error.
pub(super) fn show(view: &View, node: Node) -> Result<Vec<u8>> {
    match spec(node.row).behaviour {
        Behaviour::Shown(show) | Behaviour::Attr(show, _) | Behaviour::RequestFile(show) => {
            Ok(show(view, node.no)?.into_bytes())
        }
        Behaviour::ResultFile(_) => Ok(outcome(view, node)?.unwrap_or_default()),
        Behaviour::Dir(_)
        | Behaviour::Link(_)
        | Behaviour::Transaction
        | Behaviour::Ask
        | Behaviour::Bulk
        | Behaviour::Stream
        | Behaviour::History
        | Behaviour::Export
        | Behaviour::LastError => Ok(Vec::new()),
    }
}

/// Returns a result; `None` while it waits. What is no result has none.
pub(super) fn outcome(view: &View, node: Node) -> Result<Option<Vec<u8>>> {
    let Behaviour::ResultFile(show) = spec(node.row).behaviour else {
        return Ok(None);
    };
    Ok(show(view, node.no)?.map(String::into_bytes))
}

/// Returns the target of a link, relative to the link's own directory; `None` if it leads nowhere now.
pub(super) fn target(view: &View, node: Node) -> Result<Option<String>> {
    let Behaviour::Link(target) = spec(node.row).behaviour else {
        return Err(ErrorKind::InvalidParameter.because("not a link"));
    };
    let Some(target) = target(view, node.no)? else {
        return Ok(None);
    };
    let Some(home) = parent(view, node)? else {
        return Ok(None);
    };
    let (from, to) = (home_path(view, home)?, home_path(view, target)?);
    Ok(from.zip(to).map(|(from, to)| relative(&from, &to)))
}
