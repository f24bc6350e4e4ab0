//! Which nodes are home directories of objects, and of which: those can have attributes of users.

use super::node::{Node, Row};
use super::place::{Subject, subject};
use super::tree::{Behaviour, Name, children, spec};
use crate::domain::attribute::Holder;
use crate::domain::change::Thing;
use crate::domain::error::Result;
use crate::domain::id::{CATALOG, Guid, ObjectNo};
use crate::domain::state::ElementKind;
use crate::manager::{View, read};

/// Returns whether a node is the home directory of an object: it holds the files of that. What sorts objects holds links.
pub fn is_home(node: Node) -> bool {
    let spec = spec(node.row);
    let fixed = children(node.row).any(|child| matches!(child.name, Name::Is(_)));
    let each = matches!(spec.name, Name::Each(_)) && fixed;
    node.row == Row::Root || each && matches!(spec.behaviour, Behaviour::Dir(_))
}

/// Returns the object of a node; `None` if it is gone or can have no attributes.
pub fn of(view: &View, node: Node) -> Result<Option<Holder>> {
    let thing = |no: ObjectNo, id: Guid| Thing { no, id };
    Ok(match subject(view, node)? {
        Some(Subject::Catalog) => {
            let (id, _) = read::catalog(view)?;
            Some(Holder::Computer(thing(CATALOG, id)))
        }
        Some(Subject::Pool(pool)) => Some(Holder::Pool(thing(pool.no, pool.id))),
        Some(Subject::Medium(medium)) => Some(Holder::Medium(thing(medium.no, medium.id))),
        Some(Subject::Side(side)) => Some(Holder::Side(thing(side.no, side.id))),
        Some(Subject::Logical(logical)) => Some(Holder::Logical(thing(logical.no, logical.id))),
        Some(Subject::Library(library)) => Some(Holder::Library(thing(library.no, library.id))),
        Some(Subject::Element(element)) => Some(match element.kind {
            ElementKind::Slot => Holder::Slot(element.no),
            ElementKind::Drive => Holder::Drive(element.no),
            ElementKind::Port => Holder::Port(element.no),
        }),
        Some(Subject::MediaType(media_type)) => Some(Holder::MediaType(media_type.no)),
        Some(Subject::Operator(operator)) => Some(Holder::Operator(operator.no)),
        Some(Subject::Work(work)) => Some(Holder::Work(work.no)),
        Some(Subject::Request(_)) | None => None,
    })
}
