//! What of the tree a mount shows: all of it, or one pool as the root (`-o pool=`).
//!
//! A mount of one pool shows what is below that pool, and two names beside the pool's own: `logical/` with the logical media
//! of these pools, since they are given back there, and `last-error`. Invariants: nothing outside can be reached, also
//! not by a link: one that leads outside is not there; inode numbers are those of the whole tree.

use super::access::{Attributes, attributes};
use super::listing::{self, Entry};
use super::lookup::{exists, lookup, target};
use super::node::{Node, Row};
use super::path::{home_path, parent, relative};
use super::subject::subject;
use super::tree::{Behaviour, behaviour};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::id::CATALOG;
use crate::manager::{View, read};

/// Names at the top of a mount of one pool beside those of the pool, and whether readdir shows them.
const BESIDE: [(&str, Row, bool); 2] = [
    ("logical", Row::AllLogical, true),
    ("last-error", Row::LastError, false),
];

/// Above all cookies of fixed names, which are places in a table.
const BESIDE_COOKIE: u64 = 1 << 20;

/// What a mount shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scope {
    top: Node,
}

impl Scope {
    /// The whole tree.
    pub(super) const WHOLE: Self = Self { top: Node::ROOT };

    /// Finds a pool by its path below `pools/`, such as `Backup/Daily`; refused with [`ErrorKind::ObjectNotFound`].
    pub(super) fn of_pool(view: &View, path: &str) -> Result<Self> {
        let missing = || ErrorKind::ObjectNotFound.because(format!("there is no pool \"{path}\""));
        let mut no = CATALOG;
        for name in path.split('/') {
            no = read::pool_named(view, no, name)?.ok_or_else(missing)?.no;
        }
        let top = Node::new(Row::Pool, no);
        Ok(Self { top })
    }

    /// Returns whether the mount shows everything.
    pub(super) fn is_whole(self) -> bool {
        self.top == Node::ROOT
    }

    /// Returns the root of the mount.
    pub(super) const fn top(self) -> Node {
        self.top
    }

    /// Returns the entry of a directory with that name, as [`lookup`] does.
    pub(super) fn lookup(self, view: &View, dir: Node, name: &[u8]) -> Result<Option<Node>> {
        if !self.is_whole() && dir == self.top {
            let beside = BESIDE.iter().find(|(known, ..)| known.as_bytes() == name);
            if let Some((_, row, _)) = beside {
                return Ok(Some(Node::new(*row, CATALOG)));
            }
        }
        let found = lookup(view, dir, name)?;
        Ok(match found {
            Some(node) if self.shows(view, node)? => Some(node),
            _ => None,
        })
    }

    /// Returns the attributes of a node, as [`attributes`] does.
    pub(super) fn attributes(
        self,
        view: &View,
        node: Node,
        gid: u32,
    ) -> Result<Option<Attributes>> {
        if !self.shows(view, node)? {
            return Ok(None);
        }
        let Some(mut found) = attributes(view, node, gid)? else {
            return Ok(None);
        };
        if !self.is_whole()
            && let Behaviour::Link(_) = behaviour(node)
        {
            let length = self.target(view, node)?.map_or(0, |target| target.len());
            found.size = u64::try_from(length).unwrap_or(u64::MAX);
        }
        Ok(Some(found))
    }

    /// Returns entries of a directory after a cookie, about `limit`; none is the end.
    pub(super) fn list(
        self,
        view: &View,
        dir: Node,
        (after, limit): (u64, u32),
    ) -> Result<Vec<Entry>> {
        if self.is_whole() {
            return listing::list(view, dir, after, limit);
        }
        let mut after = after;
        loop {
            let page = if after < BESIDE_COOKIE || dir != self.top {
                listing::list(view, dir, after, limit)?
            } else {
                Vec::new()
            };
            let full = page.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
            after = page.last().map_or(after, |entry| entry.cookie);
            let mut shown = Vec::new();
            for entry in page {
                if self.shows(view, entry.node)? {
                    shown.push(entry);
                }
            }
            if !full && dir == self.top {
                shown.extend(beside().filter(|entry| entry.cookie > after));
            }
            if !full || !shown.is_empty() {
                return Ok(shown);
            }
        }
    }

    /// Returns the directory that `..` is.
    pub(super) fn parent(self, view: &View, dir: Node) -> Result<Node> {
        let above = parent(view, dir)?.unwrap_or(Node::ROOT);
        let outside = dir == self.top || above == Node::ROOT;
        Ok(if outside { self.top } else { above })
    }

    /// Returns the target of a link, as [`target`] does; `None` also for one that leads outside.
    pub(super) fn target(self, view: &View, node: Node) -> Result<Option<String>> {
        if self.is_whole() {
            return target(view, node);
        }
        let Behaviour::Link(to) = behaviour(node) else {
            return target(view, node);
        };
        let (Some(to), Some(home)) = (to(view, node.no)?, parent(view, node)?) else {
            return Ok(None);
        };
        let ways = self.path(view, home)?.zip(self.path(view, to)?);
        Ok(ways.map(|(from, to)| relative(&from, &to)))
    }

    /// Returns whether the mount shows a node that the tree has.
    fn shows(self, view: &View, node: Node) -> Result<bool> {
        if self.is_whole() {
            return Ok(true);
        }
        if let Behaviour::Link(_) = behaviour(node) {
            return Ok(self.target(view, node)?.is_some());
        }
        if node.row == Row::Logical {
            return self.has_pool_of(view, node);
        }
        exists(view, node)
    }

    /// Returns whether the pool of an object is the top or below it.
    fn has_pool_of(self, view: &View, node: Node) -> Result<bool> {
        let Some(subject) = subject(view, node)? else {
            return Ok(false);
        };
        let mut pool = subject.pool(view)?;
        while let Some(found) = pool {
            if found.no == self.top.no {
                return Ok(true);
            }
            pool = read::pool(view, found.parent)?;
        }
        Ok(false)
    }

    /// Returns the names from the top to a node; `None` if it is outside or gone.
    fn path(self, view: &View, node: Node) -> Result<Option<Vec<String>>> {
        let (path, top) = (home_path(view, node)?, home_path(view, self.top)?);
        let Some((path, top)) = path.zip(top) else {
            return Ok(None);
        };
        if let Some(below) = path.strip_prefix(&top[..]) {
            return Ok(Some(below.to_vec()));
        }
        let logical = path.first().is_some_and(|name| name == "logical");
        let shown = logical && (node.row == Row::AllLogical || self.has_pool_of(view, node)?);
        Ok(shown.then_some(path))
    }
}

/// The entries beside those of the pool that readdir shows.
fn beside() -> impl Iterator<Item = Entry> {
    let shown = (BESIDE_COOKIE + 1..).zip(BESIDE.iter().filter(|(.., listed)| *listed));
    shown.map(|(cookie, (name, row, _))| Entry {
        cookie,
        node: Node::new(*row, CATALOG),
        name: (*name).to_owned(),
    })
}
