//! Event → tables: one exhaustive match, deterministic, in the transaction that appends the event.
//!
//! Invariants: the same events in the same order give the same tables; nothing is read but the tables and the event.

mod archive;
mod attribute;
mod library;
mod medium;
mod operator;
mod pool;
mod request;
mod work;

use super::statement::run;
use crate::domain::error::Result;
use crate::domain::event::Event;
use crate::domain::state::Delivery;
use crate::domain::time::Time;
use rusqlite::Connection;

/// Applies one event. `time` is the instant of its record.
#[rustfmt::skip]
pub(super) fn apply(db: &Connection, event: &Event, time: Time) -> Result<()> {
    match event {
        Event::Founded { id } => run(db, "INSERT INTO catalog (no, id, created, ceiling) VALUES (1, ?1, ?2, 2)", (id, time)),
        Event::NumbersReserved { ceiling } => run(db, "UPDATE catalog SET ceiling = ?1", [ceiling]),
        Event::TypeAdded { no, name, sides, read_write, description } =>
            pool::add_type(db, *no, (name, *sides), (read_write, description), time),
        Event::TypeChanged { no, change, .. } => pool::change_type(db, *no, change, time),
        Event::TypeRemoved { no, .. } => run(db, "DELETE FROM media_type WHERE no = ?1", [no]),
        Event::PoolCreated { pool, parent, name, kind, media_type, access, kept } =>
            pool::create(db, *pool, (*parent, name), (*kind, media_type.as_deref(), access, *kept), time),
        Event::PoolChanged { pool, change } => pool::change(db, pool.no, change, time),
        Event::PoolRemoved { pool, .. } => pool::remove(db, pool.no),
        Event::LibraryCreated { library, name, access } => library::create(db, *library, name, access, time),
        Event::LibraryChanged { library, change } => library::change(db, library.no, change, time),
        Event::LibraryBuilt { library, first, slots, drives, ports } =>
            library::build(db, library.no, *first, [*slots, *drives, *ports], time),
        Event::ElementChanged { element, change, .. } => library::change_element(db, *element, change, time),
        Event::LibraryRemoved { library, .. } => library::remove(db, library.no),
        Event::WorkQueued { no, library, kind } => work::queue(db, *no, *library, *kind, time),
        Event::WorkFinished { no, error, .. } => work::finish(db, *no, error.as_deref(), time),
        Event::WorkRequested { work } => work::request(db, work, time),
        Event::WorkChanged { no, library, change, .. } => work::change(db, *no, *library, change, time),
        Event::WorkOrdered { ranks, .. } => work::order(db, ranks, time),
        Event::DriveChanged { library, drive, medium, change } => work::drive(db, *library, (*drive, *medium), change, time),
        Event::MediumCreated { medium } => medium::create(db, medium, time),
        Event::MediumMoved { medium, to, sides, .. } => medium::move_to(db, medium.no, *to, sides, time),
        Event::MediumChanged { medium, change } => medium::change(db, medium.no, change, time),
        Event::MediumRemoved { medium, .. } => medium::remove(db, medium.no),
        Event::SideChanged { side, state } => medium::set_state(db, side.no, *state, time),
        Event::SideRested { side } => medium::rested(db, side.no, time),
        Event::Allocated { allocation } => request::allocated(db, allocation, time),
        Event::Deallocated { deallocation } => request::deallocated(db, deallocation, time),
        Event::LogicalChanged { logical, change } => request::logical(db, logical.no, change, time),
        Event::Swapped { swap } => request::swapped(db, swap, time),
        Event::Delivered { logical } => request::delivery(db, logical, Delivery::Done),
        Event::DeliveryUnknown { logical } => request::delivery(db, logical, Delivery::Unknown),
        Event::RequestWaiting { request, whole, deadline, operator, message } =>
            request::waiting(db, (request, *whole), (*deadline, *operator, message), time),
        Event::RequestFailed { request, result, .. } => request::finish(db, request, result, time),
        Event::RequestForgotten { no, .. } => run(db, "DELETE FROM request WHERE no = ?1", [no]),
        Event::OperatorSubmitted { operator } => operator::submitted(db, operator, time),
        Event::OperatorTimedOut { no } => operator::timed_out(db, *no, time),
        Event::SettingChanged { setting } => operator::set(db, setting, time),
        Event::OperatorRequested { no, command, request, message } =>
            request::ask_again(db, (*no, *command, message), *request, time),
        Event::MediaWanted { no, pool, message } => pool::wanted(db, *no, pool.no, message, time),
        Event::OperatorChanged { no, state } => {
            pool::answered(db, *no, *state)?;
            match state {
                Some(state) => run(db, "UPDATE operator SET state = ?2, modified = ?3 WHERE no = ?1", (no, state, time)),
                None => run(db, "DELETE FROM operator WHERE no = ?1", [no]),
            }
        }
        Event::Archived { last } => archive::archived(db, last, time),
        Event::Checkpointed { last, digest } => archive::checkpointed(db, last, *digest),
        Event::AttributeChanged { of, name, value, uid } =>
            attribute::change(db, *of, name, (value.as_ref().map(|value| value.0.as_slice()), *uid), time),
    }
}
