//! Where links lead: to the home of an object. `None` means that there is no link now.

use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::state::ElementKind;
use crate::fs::node::{Node, Row};
use crate::manager::{View, queue, read};

type Target = Result<Option<Node>>;

fn to(row: Row, no: Option<ObjectNo>) -> Option<Node> {
    no.map(|no| Node::new(row, no))
}

/// The home of a pool.
pub(crate) fn pool(view: &View, no: ObjectNo) -> Target {
    Ok(to(Row::Pool, read::pool(view, no)?.map(|pool| pool.no)))
}

/// The home of a medium.
pub(crate) fn medium(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Medium,
        read::medium(view, no)?.map(|medium| medium.no),
    ))
}

/// The home of a side.
pub(crate) fn side(view: &View, no: ObjectNo) -> Target {
    Ok(to(Row::Side, read::side(view, no)?.map(|side| side.no)))
}

/// The home of a logical medium.
pub(crate) fn logical(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Logical,
        read::logical(view, no)?.map(|logical| logical.no),
    ))
}

/// The home of a library.
pub(crate) fn library(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Library,
        read::library(view, no)?.map(|library| library.no),
    ))
}

/// The pool of a medium.
pub(crate) fn pool_of_medium(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Pool,
        read::medium(view, no)?.map(|medium| medium.pool),
    ))
}

/// The drive that a medium is in.
pub(crate) fn drive_of_medium(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Drive,
        queue::mounted(view, no)?.map(|inside| inside.drive),
    ))
}

/// The slot that a medium is in.
pub(crate) fn slot_of_medium(view: &View, no: ObjectNo) -> Target {
    match queue::mounted(view, no)? {
        Some(_) => Ok(None),
        None => home_slot_of_medium(view, no),
    }
}

/// The slot that a medium goes back to.
pub(crate) fn home_slot_of_medium(view: &View, no: ObjectNo) -> Target {
    let Some(slot) = read::medium(view, no)?.and_then(|medium| medium.slot) else {
        return Ok(None);
    };
    element(view, slot)
}

/// The home of a slot, drive or port.
fn element(view: &View, no: ObjectNo) -> Target {
    Ok(read::element(view, no)?.map(|element| {
        let row = match element.kind {
            ElementKind::Slot => Row::Slot,
            ElementKind::Drive => Row::Drive,
            ElementKind::Port => Row::Port,
        };
        Node::new(row, element.no)
    }))
}

/// The library that a medium is in.
pub(crate) fn library_of_medium(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Library,
        read::medium(view, no)?.and_then(|medium| medium.library),
    ))
}

/// The logical medium of a side.
pub(crate) fn logical_of_side(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Logical,
        read::side(view, no)?.and_then(|side| side.logical),
    ))
}

/// The pool of a logical medium.
pub(crate) fn pool_of_logical(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Pool,
        read::logical(view, no)?.map(|logical| logical.pool),
    ))
}

/// The side of a logical medium.
pub(crate) fn side_of_logical(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Side,
        read::logical(view, no)?.map(|logical| logical.side),
    ))
}

/// The medium in a slot, drive or port.
pub(crate) fn medium_of_element(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Medium,
        read::element(view, no)?.and_then(|element| element.medium),
    ))
}

/// The library that an operator request concerns. It may be gone before the request is.
pub(crate) fn library_of_operator(view: &View, no: ObjectNo) -> Target {
    match read::operator(view, no)?.and_then(|operator| operator.library) {
        Some(no) => library(view, no),
        None => Ok(None),
    }
}

/// The medium that an operator request concerns. It may be gone before the request is.
pub(crate) fn medium_of_operator(view: &View, no: ObjectNo) -> Target {
    match read::operator(view, no)?.and_then(|operator| operator.medium) {
        Some(no) => medium(view, no),
        None => Ok(None),
    }
}

/// The medium that a piece of work concerns. It may be gone before the work is.
pub(crate) fn medium_of_work(view: &View, no: ObjectNo) -> Target {
    match queue::work(view, no)?.and_then(|work| work.medium) {
        Some(no) => medium(view, no),
        None => Ok(None),
    }
}

/// The slot, drive or port that an operator request concerns.
pub(crate) fn element_of_operator(view: &View, no: ObjectNo) -> Target {
    match read::operator(view, no)?.and_then(|operator| operator.element) {
        Some(no) => element(view, no),
        None => Ok(None),
    }
}

/// The drive that a piece of work has.
pub(crate) fn drive_of_work(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Drive,
        queue::work(view, no)?.and_then(|work| work.drive),
    ))
}

/// The request for several media that a piece of work is a part of.
pub(crate) fn whole_of_work(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Work,
        queue::work(view, no)?.and_then(|work| work.part_of),
    ))
}

/// The library of a piece of work.
pub(crate) fn library_of_work(view: &View, no: ObjectNo) -> Target {
    Ok(to(
        Row::Library,
        queue::work(view, no)?.map(|work| work.library),
    ))
}

/// The pool that an operator request concerns. It may be gone before the request is.
pub(crate) fn pool_of_operator(view: &View, no: ObjectNo) -> Target {
    match read::operator(view, no)?.and_then(|operator| operator.pool) {
        Some(no) => pool(view, no),
        None => Ok(None),
    }
}
