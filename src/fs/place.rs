//! Where a node is: the object it is of, the directory it is in, and its path.
//!
//! Invariant: every node has one place; paths are computed from the catalog each time and never kept, so a rename
//! needs no bookkeeping.

use super::node::{Node, Row};
use super::tree::{Name, spec};
use crate::domain::access::Caller;
use crate::domain::error::Result;
use crate::domain::id::{CATALOG, ObjectNo};
use crate::domain::noun::{
    Element, Library, Logical, MediaType, Medium, Operator, Pool, Request, Side,
};
use crate::domain::time::Time;
use crate::domain::work::Work;
use crate::manager::list::Kind;
use crate::manager::{View, queue, read, views};

/// The object that a node is of, as it stands in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The catalog itself.
    Catalog,
    /// A pool.
    Pool(Pool),
    /// A medium.
    Medium(Medium),
    /// A side.
    Side(Side),
    /// A logical medium.
    Logical(Logical),
    /// A library.
    Library(Library),
    /// A slot, drive or port.
    Element(Element),
    /// A media type.
    MediaType(MediaType),
    /// An operator request.
    Operator(Operator),
    /// A named request.
    Request(Request),
    /// A piece of work of a library.
    Work(Work),
}

/// Returns the kind of the object that nodes of a row are of; `None` for the catalog.
fn kind(node: Node) -> Option<Kind> {
    let mut row = node.row;
    if row == Row::Pools && node.no != CATALOG {
        return Some(Kind::Pool);
    }
    loop {
        let spec = spec(row);
        match spec.name {
            Name::Each(kind) => return Some(kind),
            Name::Is(_) => row = *spec.parents.first()?,
        }
    }
}

/// Returns the object that a node is of; `None` if it is gone.
pub(crate) fn subject(view: &View, node: Node) -> Result<Option<Subject>> {
    let no = node.no;
    let Some(kind) = kind(node) else {
        return Ok((no == CATALOG).then_some(Subject::Catalog));
    };
    Ok(match kind {
        Kind::Pool | Kind::PoolId => read::pool(view, no)?.map(Subject::Pool),
        Kind::Medium | Kind::AnyMedium | Kind::Barcode | Kind::MediumId => {
            read::medium(view, no)?.map(Subject::Medium)
        }
        Kind::Request | Kind::Outcome => read::request(view, no)?
            .filter(|request| request.name.is_some())
            .map(Subject::Request),
        Kind::Side | Kind::SideId | Kind::InState => read::side(view, no)?.map(Subject::Side),
        Kind::Logical | Kind::Owned => read::logical(view, no)?.map(Subject::Logical),
        Kind::Work => queue::work(view, no)?.map(Subject::Work),
        Kind::LibraryRequest | Kind::LibraryOutcome => queue::work(view, no)?
            .filter(|work| work.name.is_some())
            .map(Subject::Work),
        Kind::Library | Kind::LibraryId => read::library(view, no)?.map(Subject::Library),
        Kind::Element(kind) => read::element(view, no)?
            .filter(|element| element.kind == kind)
            .map(Subject::Element),
        Kind::MediaType => read::media_type(view, no)?.map(Subject::MediaType),
        Kind::Operator => read::operator(view, no)?.map(Subject::Operator),
        Kind::State | Kind::Owner => views::place(view, kind, no)?.map(|_| Subject::Catalog),
        Kind::Located => read::medium(view, no)?
            .filter(Medium::is_online)
            .map(Subject::Medium),
        Kind::Offline => read::medium(view, no)?
            .filter(|medium| !medium.is_online())
            .map(Subject::Medium),
    })
}

impl Subject {
    /// Returns the pool whose rights hold for the object, if one's do.
    pub(crate) fn pool(&self, view: &View) -> Result<Option<Pool>> {
        let no = match self {
            Self::Pool(pool) => return Ok(Some(pool.clone())),
            Self::Medium(medium) => medium.pool,
            Self::Side(side) => match read::medium(view, side.medium)? {
                Some(medium) => medium.pool,
                None => return Ok(None),
            },
            Self::Logical(logical) => logical.pool,
            Self::Request(request) => request.pool,
            Self::Catalog
            | Self::Library(_)
            | Self::Element(_)
            | Self::MediaType(_)
            | Self::Work(_)
            | Self::Operator(_) => return Ok(None),
        };
        read::pool(view, no)
    }

    /// Returns the library whose rights hold for the object, if one's do.
    pub(crate) fn library(&self, view: &View) -> Result<Option<Library>> {
        match self {
            Self::Library(library) => Ok(Some(library.clone())),
            Self::Element(element) => read::library(view, element.library),
            Self::Catalog
            | Self::Pool(_)
            | Self::Medium(_)
            | Self::Side(_)
            | Self::Logical(_)
            | Self::Request(_)
            | Self::Work(_)
            | Self::MediaType(_)
            | Self::Operator(_) => Ok(None),
        }
    }

    /// Returns who wrote it, if it is a request.
    pub(crate) fn requester(&self) -> Option<&Caller> {
        match self {
            Self::Request(request) => Some(&request.caller),
            Self::Work(work) => Some(&work.caller),
            Self::Catalog
            | Self::Pool(_)
            | Self::Medium(_)
            | Self::Side(_)
            | Self::Logical(_)
            | Self::Library(_)
            | Self::Element(_)
            | Self::MediaType(_)
            | Self::Operator(_) => None,
        }
    }

    /// Returns the time of the last event that touched the object; `None` for what has no record of its own.
    pub(crate) fn modified(&self) -> Option<Time> {
        match self {
            Self::Pool(pool) => Some(pool.modified),
            Self::Medium(medium) => Some(medium.modified),
            Self::Side(side) => Some(side.modified),
            Self::Logical(logical) => Some(logical.modified),
            Self::Library(library) => Some(library.modified),
            Self::MediaType(media_type) => Some(media_type.modified),
            Self::Operator(operator) => Some(operator.modified),
            Self::Request(request) => Some(request.modified),
            Self::Work(work) => Some(work.modified),
            Self::Catalog | Self::Element(_) => None,
        }
    }

    /// Returns the container whose directory the object is in, and its name there, for a directory of the kind.
    fn place(&self, kind: Kind) -> (ObjectNo, String) {
        match self {
            Self::Catalog => (CATALOG, String::new()),
            Self::Pool(pool) if kind == Kind::PoolId => (CATALOG, pool.id.to_string()),
            Self::Pool(pool) => (pool.parent, pool.name.clone()),
            Self::Medium(medium) if kind == Kind::Medium => (medium.pool, medium.name.clone()),
            Self::Medium(medium) if kind == Kind::MediumId => (CATALOG, medium.id.to_string()),
            Self::Medium(medium) if kind == Kind::Barcode => {
                (CATALOG, medium.barcode.clone().unwrap_or_default())
            }
            Self::Medium(medium) => (CATALOG, medium.name.clone()),
            Self::Side(side) if kind == Kind::SideId => (CATALOG, side.id.to_string()),
            Self::Side(side) => (side.medium, side.letter.clone()),
            Self::Logical(logical) => (CATALOG, logical.id.to_string()),
            Self::Library(library) if kind == Kind::LibraryId => (CATALOG, library.id.to_string()),
            Self::Library(library) => (CATALOG, library.name.clone()),
            Self::Element(element) => (element.library, element.number.to_string()),
            Self::MediaType(media_type) => (CATALOG, media_type.name.clone()),
            Self::Operator(operator) => (CATALOG, operator.no.to_string()),
            Self::Work(work) if kind == Kind::Work => (CATALOG, work.no.to_string()),
            Self::Work(work) => (work.library, work.name.clone().unwrap_or_default()),
            Self::Request(request) => (request.pool, request.name.clone().unwrap_or_default()),
        }
    }
}

/// Returns the directory that a node is in and its name there; `None` if its object is gone. The root is in itself.
pub(crate) fn place(view: &View, node: Node) -> Result<Option<(Node, String)>> {
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
pub fn parent(view: &View, node: Node) -> Result<Option<Node>> {
    Ok(place(view, node)?.map(|(parent, _)| parent))
}

/// Returns the names from the root to a node; `None` if its object is gone.
pub fn home_path(view: &View, node: Node) -> Result<Option<Vec<String>>> {
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

/// Returns the way from a directory to a path, both from the root.
pub(crate) fn relative(from: &[String], to: &[String]) -> String {
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
