//! Where a node is: the directory it is in, and its path.
//!
//! Invariant: every node has one place; paths are computed from the catalog each time and never kept, so a rename
//! needs no bookkeeping.

use super::node::{Node, Row};
use super::subject::subject;
use super::tree::{Behaviour, Name, children, spec};
use crate::domain::error::Result;
use crate::domain::id::CATALOG;
use crate::manager::{View, views};

/// Returns the directory that a node is in and its name there; `None` if its object is gone. The root is in itself.
pub(super) fn place(view: &View, node: Node) -> Result<Option<(Node, String)>> {
    let spec = spec(node.row);
    let parent = match spec.parents {
        [] => return Ok(Some((Node::ROOT, String::new()))),
        // The one row with two places: below the root for the catalog, below a pool for a pool.
        [_, below] if node.no != CATALOG => *below,
        [parent, ..] => *parent,
    };
    match spec.name {
        Name::Is(name) => Ok(Some((Node::new(parent, node.no), name.to_owned()))),
        Name::Each(kind) => {
            let sorted = views::place(view, kind, node.no)?;
            let placed = match sorted {
                Some(placed) => Some(placed),
                None => subject(view, node)?.map(|subject| subject.place(kind)),
            };
            Ok(placed.map(|(container, name)| (Node::new(parent, container), name)))
        }
    }
}

/// Returns the directory that `..` is; `None` if the node's object is gone.
pub(super) fn parent(view: &View, node: Node) -> Result<Option<Node>> {
    Ok(place(view, node)?.map(|(parent, _)| parent))
}

/// Returns the names from the root to a node; `None` if its object is gone.
pub(super) fn home_path(view: &View, node: Node) -> Result<Option<Vec<String>>> {
    let (mut path, mut node) = (Vec::new(), node);
    while node != Node::ROOT {
        let Some((parent, name)) = place(view, node)? else {
            return Ok(None);
        };
        path.push(name);
        node = parent;
    }
    path.reverse();
    Ok(Some(path))
}

/// Returns whether a node is the home directory of an object: it holds the files of that, and can have attributes of
/// users. What sorts objects holds links.
pub fn is_home(node: Node) -> bool {
    let spec = spec(node.row);
    let fixed = children(node.row).any(|child| matches!(child.name, Name::Is(_)));
    let each = matches!(spec.name, Name::Each(_)) && fixed;
    node.row == Row::Root || each && matches!(spec.behaviour, Behaviour::Dir(_))
}

/// Returns the way from a directory to a path, both from the root.
pub(super) fn relative(from: &[String], to: &[String]) -> String {
    let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let up = from.iter().skip(common).map(|_| "..");
    let down = to.iter().skip(common).map(String::as_str);
    let way: Vec<&str> = up.chain(down).collect();
    if way.is_empty() {
        ".".to_owned()
    } else {
        way.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_ways() {
        let path = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
        for (from, to, way) in [
            ("media", "pools/B/media/A", "../pools/B/media/A"),
            ("pools/B/media/A", "pools/B", "../.."),
            ("pools/B", "pools/B", "."),
            ("pools", "pools/B", "B"),
            ("a/b", "c", "../../c"),
        ] {
            assert_eq!(relative(&path(from), &path(to)), way);
        }
    }
}
