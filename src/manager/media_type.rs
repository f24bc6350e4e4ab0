//! Types of media: make, change, remove, and the type of a medium.

use super::filing::missing_leaves;
use super::turn::Turn;
use crate::domain::ask::{Reply, SetType};
use crate::domain::change::{LibraryChange, MediumChange, PoolChange};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::rule::{Mint as _, media_type};
use crate::domain::state::{OperatorState, PoolType};
use crate::store::{self, fact, read};

/// Adds a media type with one side; an existing one is refused.
pub(super) fn add(turn: &mut Turn<'_>, name: &str) -> Result<Reply> {
    media_type::demand_types(turn.caller)?;
    if read::media_type_named(turn.writer.db(), name)?.is_some() {
        return Err(ErrorKind::AlreadyExists.because(format!("media type \"{name}\" exists")));
    }
    let no = turn.numbers.number();
    let read_write = media_type::READ_WRITE[0].to_owned();
    turn.record(Event::TypeAdded {
        no,
        name: name.to_owned(),
        sides: 1,
        read_write,
        description: String::new(),
    })?;
    Ok(Reply::Created(no))
}

/// Changes a media type that nothing uses.
pub(super) fn set(turn: &mut Turn<'_>, no: ObjectNo, set: &SetType) -> Result<Reply> {
    let facts = store::media_type::uses(turn.writer.db(), no)?;
    let event = media_type::set(&facts, set, turn.caller)?;
    turn.record_all(event)
}

/// Removes a media type that nothing uses, with the empty leaves of the system pools.
pub(super) fn remove(turn: &mut Turn<'_>, no: ObjectNo) -> Result<Reply> {
    let facts = store::media_type::uses(turn.writer.db(), no)?;
    turn.record_all(media_type::remove(&facts, turn.caller)?)
}

/// After a change: the leaves of the system pools for a type that nothing uses any more vanish, in the transaction of what
/// used it last.
pub(super) fn vanish(turn: &mut Turn<'_>, from: usize) -> Result<()> {
    if !turn.since(from).iter().any(|event| may_free(event)) {
        return Ok(());
    }
    for no in store::media_type::idle(turn.writer.db())? {
        let facts = store::media_type::uses(turn.writer.db(), no)?;
        turn.record_all(media_type::vanish(&facts))?;
    }
    Ok(())
}

/// Whether an event may have taken away what used a type or one of its leaves.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "few events end a use of a type, and a new one has to be thought of here"
)]
fn may_free(event: &Event) -> bool {
    match event {
        Event::MediumRemoved { .. }
        | Event::OperatorTimedOut { .. }
        | Event::LibraryRemoved { .. }
        | Event::PoolRemoved { .. }
        | Event::MediumChanged {
            change: MediumChange::MediaType(_),
            ..
        }
        | Event::LibraryChanged {
            change: LibraryChange::Driver(_),
            ..
        }
        | Event::PoolChanged {
            change: PoolChange::MediaType(_),
            ..
        } => true,
        Event::OperatorChanged { state, .. } => !state.is_some_and(OperatorState::is_open),
        _ => false,
    }
}

/// Gives a medium another type; the pools that this needs are made.
pub(super) fn retype(turn: &mut Turn<'_>, no: ObjectNo, wanted: &str) -> Result<Reply> {
    let db = turn.writer.db();
    let medium = fact::medium_of(db, no)?;
    let known = read::media_type_named(db, wanted)?;
    let system = medium.pool.kind != PoolType::Application;
    if system && known.is_some() && medium.medium.media_type != wanted {
        let leaves = missing_leaves(turn, wanted)?;
        turn.record_all(leaves)?;
    }
    let facts = store::media_type::retype(turn.writer.db(), medium, wanted)?;
    let events = media_type::retype(&facts, wanted, turn.caller)?;
    if !events.is_empty() {
        turn.demand_idle(&facts.medium.medium)?;
    }
    turn.record_all(events)
}
