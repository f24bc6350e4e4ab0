//! Requests to a person, from `ask` to the answer, and the settings of the whole system.

use super::turn::Turn;
use super::{allocating, mounting};
use crate::domain::access::Right;
use crate::domain::ask::Reply;
use crate::domain::attribute::REASON;
use crate::domain::error::{ErrorKind, Result};
use crate::domain::id::{CATALOG, Guid, ObjectNo};
use crate::domain::name::printable;
use crate::domain::object::{Library, Medium, Operator, Pool};
use crate::domain::operator_request::OperatorRequest;
use crate::domain::rule::Mint as _;
use crate::domain::rule::operator::{self, Concern};
use crate::domain::setting::Setting;
use crate::domain::state::OperatorState;
use crate::domain::words::DESCRIPTION_MAX;
use crate::store::{attribute, fact, list, queue, read};

/// `SubmitNtmsOperatorRequest`.
pub(super) fn submit(turn: &mut Turn<'_>, request: &OperatorRequest) -> Result<Reply> {
    let concern = named(turn, request)?;
    let attended = read::settings(turn.writer.db())?.attended;
    let no = turn.numbers.number();
    let event = operator::submit(request, &concern, attended, turn.caller, (no, turn.now))?;
    turn.record(event)?;
    let deadline = request.timeout.after(turn.now);
    turn.deadlines.extend(deadline.map(|at| (no, at)));
    Ok(Reply::Created(no))
}

/// The time of a request is over.
pub(super) fn expire(turn: &mut Turn<'_>, asked: &Operator) -> Result<Reply> {
    turn.record_all(operator::expire(asked, turn.now))
}

/// Finds what a request names.
fn named(turn: &Turn<'_>, request: &OperatorRequest) -> Result<Concern> {
    let db = turn.writer.db();
    let mut concern = Concern::default();
    if let Some(path) = &request.pool {
        let pool = pool_at(turn, path)?;
        concern.pool = Some((pool.clone(), read::pool_path(db, &pool)?));
    }
    if let Some(name) = &request.library {
        concern.library = Some(library_named(turn, name)?);
    }
    if let (Some((kind, number)), Some(library)) = (request.part, &concern.library) {
        concern.element = read::element_at(db, library.no, kind, number)?;
    }
    if let Some(name) = &request.medium {
        let medium = medium_named(turn, name)?;
        of_medium(turn, &mut concern, medium)?;
    }
    Ok(concern)
}

/// Adds a medium with its pool and the library it is in.
fn of_medium(turn: &Turn<'_>, concern: &mut Concern, medium: Medium) -> Result<()> {
    let db = turn.writer.db();
    let pool = fact::pool(db, medium.pool)?;
    let path = read::pool_path(db, &pool)?;
    concern.pool = Some((pool, path));
    concern.home = medium
        .library
        .map_or(Ok(None), |no| read::library(db, no))?;
    concern.medium = Some(medium);
    Ok(())
}

fn missing<T>(found: Option<T>, what: &str, shown: &str) -> Result<T> {
    let shown = printable(shown);
    found
        .ok_or_else(|| ErrorKind::ObjectNotFound.because(format!("there is no {what} \"{shown}\"")))
}

/// Finds an object by its identifier, if the text is one.
fn by_id(turn: &Turn<'_>, kind: list::Kind, text: &str) -> Result<Option<ObjectNo>> {
    match Guid::parse(text) {
        Ok(id) => list::find(turn.writer.db(), kind, CATALOG, &id.to_string()),
        Err(_) => Ok(None),
    }
}

/// Walks to a pool. What is below a pool is only told to whoever has USE of it, as in the tree.
fn pool_at(turn: &Turn<'_>, path: &str) -> Result<Pool> {
    let db = turn.writer.db();
    if let Some(no) = by_id(turn, list::Kind::PoolId, path)? {
        return fact::pool(db, no);
    }
    let (mut at, mut found) = (CATALOG, None);
    for name in path.split('/') {
        let pool = missing(read::pool_named(db, at, name)?, "pool", path)?;
        if let Some(above) = found.replace(pool.clone()) {
            let above: Pool = above;
            above.demand(turn.caller, Right::Use)?;
        }
        at = pool.no;
    }
    missing(found, "pool", path)
}

fn library_named(turn: &Turn<'_>, text: &str) -> Result<Library> {
    let db = turn.writer.db();
    let mut found = read::library_named(db, text)?;
    if found.is_none() {
        let no = by_id(turn, list::Kind::LibraryId, text)?;
        found = no.map_or(Ok(None), |no| read::library(db, no))?;
    }
    missing(found, "library", text)
}

fn medium_named(turn: &Turn<'_>, text: &str) -> Result<Medium> {
    let db = turn.writer.db();
    let mut found = read::medium_named(db, text)?;
    if found.is_none() {
        let no = by_id(turn, list::Kind::MediumId, text)?;
        found = no.map_or(Ok(None), |no| read::medium(db, no))?;
    }
    missing(found, "medium", text)
}

/// What a request concerns now. What is gone meanwhile governs nothing.
fn concerned(turn: &Turn<'_>, asked: &Operator) -> Result<Concern> {
    let db = turn.writer.db();
    let mut concern = Concern::default();
    if let Some(pool) = asked.pool.map_or(Ok(None), |no| read::pool(db, no))? {
        let path = read::pool_path(db, &pool)?;
        concern.pool = Some((pool, path));
    }
    if let Some(medium) = asked.medium.map_or(Ok(None), |no| read::medium(db, no))? {
        of_medium(turn, &mut concern, medium)?;
    }
    concern.library = asked.library.map_or(Ok(None), |no| read::library(db, no))?;
    Ok(concern)
}

/// `SatisfyNtmsOperatorRequest`, `CancelNtmsOperatorRequest`, or somebody works on it.
pub(super) fn answer(turn: &mut Turn<'_>, no: ObjectNo, state: OperatorState) -> Result<Reply> {
    let asked = fact::found(read::operator(turn.writer.db(), no)?, "operator request")?;
    let concern = concerned(turn, &asked)?;
    let events = operator::answer(&asked, &concern, state, turn.caller)?;
    turn.record_all(events)?;
    if let Some(work) = queue::asked(turn.writer.db(), no)? {
        mounting::answered(turn, &work, state)?;
    }
    match (state, asked.request) {
        (OperatorState::Complete, Some(request)) => allocating::satisfied(turn, request)?,
        (OperatorState::Refused, Some(request)) => {
            let sentence = format!("operator request {no} was refused{}", reason(turn, no)?);
            allocating::end(turn, request, &ErrorKind::Cancelled.because(sentence))?;
        }
        (OperatorState::Submitted | OperatorState::Active | OperatorState::InProgress, _)
        | (_, None) => {}
    }
    Ok(Reply::Done)
}

/// What a person gave as the reason of a refusal, on one line and at most as long as a description.
fn reason(turn: &Turn<'_>, no: ObjectNo) -> Result<String> {
    let given = attribute::value(turn.writer.db(), no, REASON)?.unwrap_or_default();
    let given = String::from_utf8_lossy(&given);
    let short: String = given.trim().chars().take(DESCRIPTION_MAX).collect();
    Ok(match short.as_str() {
        "" => short,
        text => format!(": {}", printable(text)),
    })
}

/// `DeleteNtmsRequests`.
pub(super) fn remove(turn: &mut Turn<'_>, no: ObjectNo) -> Result<Reply> {
    let asked = fact::found(read::operator(turn.writer.db(), no)?, "operator request")?;
    let concern = concerned(turn, &asked)?;
    let event = operator::remove(&asked, &concern, turn.caller)?;
    turn.record_all([event])
}

/// `SetNtmsObjectInformation` of the computer object.
pub(super) fn set(turn: &mut Turn<'_>, setting: &Setting) -> Result<Reply> {
    let event = operator::set(setting, turn.caller)?;
    turn.record_all([event])
}
