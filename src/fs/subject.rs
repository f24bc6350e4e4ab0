//! The object that a node is of, and what holds for every kind of object: whose rights, who asked, when it changed, what it is
//! called.

use super::node::{Node, Row};
use super::tree::{Name, spec};
use crate::domain::access::Caller;
use crate::domain::attribute::Holder;
use crate::domain::change::Thing;
use crate::domain::error::Result;
use crate::domain::id::{CATALOG, Guid, ObjectNo};
use crate::domain::object::{
    Element, Library, Logical, MediaType, Medium, Operator, Pool, Request, Side,
};
use crate::domain::state::ElementKind;
use crate::domain::time::Time;
use crate::domain::work::Work;
use crate::manager::list::Kind;
use crate::manager::{View, queue, read, views};

/// The object that a node is of, as it stands in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
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
pub(super) fn subject(view: &View, node: Node) -> Result<Option<Subject>> {
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
    pub(super) fn pool(&self, view: &View) -> Result<Option<Pool>> {
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
    pub(super) fn library(&self, view: &View) -> Result<Option<Library>> {
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
    pub(super) fn requester(&self) -> Option<&Caller> {
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
    pub(super) fn modified(&self) -> Option<Time> {
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
    pub(super) fn place(&self, kind: Kind) -> (ObjectNo, String) {
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

/// Returns the object of a node as a holder of attributes of users; `None` if it is gone or can have none.
pub(super) fn holder(view: &View, node: Node) -> Result<Option<Holder>> {
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
