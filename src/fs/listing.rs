//! Directories page by page.
//!
//! Invariants: a cookie means the same place for ever: of a fixed name its place in the table, of an object its
//! number; so a listing that continues after others came and went shows each entry that stayed exactly once. Cookies
//! are strictly increasing and above 2, which leaves 1 and 2 for `.` and `..`. Whatever a read of would wait is not
//! listed.

use super::lookup::{leads, outcome};
use super::node::Node;
use super::subject::subject;
use super::tree::{Listed, Name, Spec, children};
use crate::domain::error::Result;
use crate::domain::name;
use crate::manager::View;
use crate::manager::list::{self, Kind};

/// The cookie of the first fixed name.
const FIXED: u64 = 3;
/// What is added to an object number.
const OBJECTS: u64 = 16;

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where the listing continues after this entry.
    pub(super) cookie: u64,
    /// What it is.
    pub(super) node: Node,
    /// Its name.
    pub(super) name: String,
}

/// Returns at most `limit` entries of a directory after a cookie, 0 to begin. Fewer than `limit` are the end.
pub(super) fn list(view: &View, dir: Node, after: u64, limit: u32) -> Result<Vec<Entry>> {
    let objects = children(dir.row).find_map(|spec| match spec.name {
        Name::Each(kind) => Some((spec, kind)),
        Name::Is(_) => None,
    });
    match objects {
        Some((spec, kind)) => of_objects(view, (spec, kind), dir, after, limit),
        None => of_names(view, dir, after, limit),
    }
}

fn of_names(view: &View, dir: Node, after: u64, limit: u32) -> Result<Vec<Entry>> {
    let mut out = Vec::new();
    if subject(view, dir)?.is_none() {
        return Ok(out);
    }
    for (cookie, spec) in (FIXED..).zip(children(dir.row)) {
        let Name::Is(name) = spec.name else { continue };
        if out.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            break;
        }
        let node = Node::new(spec.row, dir.no);
        if cookie > after && is_listed(view, spec, node)? {
            let name = name.to_owned();
            out.push(Entry { cookie, node, name });
        }
    }
    Ok(out)
}

/// Returns whether a listing shows a fixed name now.
fn is_listed(view: &View, spec: &Spec, node: Node) -> Result<bool> {
    match spec.listed {
        Listed::Always => leads(view, node),
        Listed::Never => Ok(false),
        Listed::Finished => Ok(outcome(view, node)?.is_some()),
    }
}

fn of_objects(
    view: &View,
    (spec, kind): (&Spec, Kind),
    dir: Node,
    after: u64,
    limit: u32,
) -> Result<Vec<Entry>> {
    let mut out = Vec::new();
    let mut after = i64::try_from(after.saturating_sub(OBJECTS)).unwrap_or(i64::MAX);
    loop {
        let missing = limit.saturating_sub(u32::try_from(out.len()).unwrap_or(limit));
        let page = list::page(view, kind, dir.no, after, missing)?;
        let Some(last) = page.last() else {
            return Ok(out);
        };
        after = last.no.0;
        // A bar code that is no name would break the directory; its medium is found by name.
        let items = page
            .into_iter()
            .filter(|item| name::check(item.name.as_bytes()).is_ok());
        out.extend(items.map(|item| Entry {
            cookie: item.no.0.unsigned_abs() + OBJECTS,
            node: Node::new(spec.row, item.no),
            name: item.name,
        }));
    }
}
