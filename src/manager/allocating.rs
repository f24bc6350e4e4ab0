//! The life of an allocation request: accepted, retried, expired, cancelled.
//!
//! Invariants: a request ends exactly once; a waiting request has its own open operator request, which goes with it.

use super::outcome;
use super::turn::Turn;
use crate::codes;
use crate::domain::allocate_request::{AllocateRequest, Options};
use crate::domain::ask::{Named, Reply};
use crate::domain::change::RequestRecord;
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::json::is_json;
use crate::domain::object::{Pool, Request};
use crate::domain::rule::Mint as _;
use crate::domain::rule::allocate::{Facts, Pick, Verdict, admit, allocation, search};
use crate::domain::rule::operator::NOBODY;
use crate::domain::state::{OperatorCommand, RequestState};
use crate::domain::time::{Limit, Span};
use crate::domain::words;
use crate::store::{fact, read};

/// `AllocateNtmsMedia`: the pool is searched now; the request ends or waits.
pub(super) fn submit(
    turn: &mut Turn<'_>,
    pool: ObjectNo,
    request: &AllocateRequest,
    name: Option<&Named>,
) -> Result<Reply> {
    let pool = fact::pool(turn.writer.db(), pool)?;
    admit(&pool, turn.caller)?;
    demand_unused(turn, &pool, name)?;
    // An empty line is what it says; one of a transaction file is kept in its canonical form.
    let written = name
        .map(|named| named.body.clone())
        .filter(|body| !body.is_empty());
    let body = written.unwrap_or_else(|| request.to_line());
    let record = record(turn, &pool, body, name);
    let limit = request.timeout.unwrap_or(pool.default_timeout);
    let facts = fact::allocate(turn.writer.db(), pool, request)?;
    match search(&facts, request, turn.caller, limit != Limit::Ms(0)) {
        Ok(Verdict::Take(pick)) => take(turn, *pick, request, record),
        Ok(Verdict::Wait(why)) if attended(turn)? => wait(turn, record, request, &facts, &why),
        Ok(Verdict::Wait(why)) => {
            let refusal = unattended(&why.sentence);
            fail(turn, record, &refusal, Some(&facts))
        }
        Err(refusal) => fail(turn, record, &refusal, Some(&facts)),
    }
}

fn attended(turn: &Turn<'_>) -> Result<bool> {
    Ok(read::settings(turn.writer.db())?.attended)
}

/// Nothing was found, and there is nobody to ask for more.
fn unattended(why: &str) -> Refusal {
    ErrorKind::MediaUnavailable.because(format!("{why}; {NOBODY}, so no operator is asked"))
}

/// A named request that never got its newline is kept with that result: nothing was carried out.
pub(super) fn unfinished(turn: &mut Turn<'_>, pool: ObjectNo, name: &Named) -> Result<Reply> {
    let pool = fact::pool(turn.writer.db(), pool)?;
    admit(&pool, turn.caller)?;
    demand_unused(turn, &pool, Some(name))?;
    let record = record(turn, &pool, name.body.clone(), Some(name));
    // What its form was to be is not known.
    let refusal = words::no_newline();
    ended(
        turn,
        record,
        outcome::failure(&refusal, false, None),
        &refusal,
    )
}

fn demand_unused(turn: &Turn<'_>, pool: &Pool, name: Option<&Named>) -> Result<()> {
    let Some(named) = name else { return Ok(()) };
    if read::request_named(turn.writer.db(), pool.no, &named.name)?.is_some() {
        return Err(ErrorKind::AlreadyExists.because(format!(
            "request \"{}\" exists in pool \"{}\"; read its result",
            named.name, pool.name
        )));
    }
    Ok(())
}

fn record(turn: &Turn<'_>, pool: &Pool, body: String, name: Option<&Named>) -> RequestRecord {
    RequestRecord {
        no: name.map(|named| named.no),
        pool: pool.thing(),
        name: name.map(|named| named.name.clone()),
        caller: turn.caller.clone(),
        body,
        submitted: turn.now,
        purge: pool.purge_time.after(turn.now),
        operator: None,
    }
}

/// The record of a request that has a row.
fn record_of(turn: &Turn<'_>, row: &Request, pool: &Pool) -> RequestRecord {
    RequestRecord {
        no: Some(row.no),
        pool: pool.thing(),
        name: row.name.clone(),
        caller: row.caller.clone(),
        body: row.body.clone(),
        submitted: row.submitted,
        purge: pool.purge_time.after(turn.now),
        operator: row.operator,
    }
}

fn take(
    turn: &mut Turn<'_>,
    pick: Pick,
    request: &AllocateRequest,
    record: RequestRecord,
) -> Result<Reply> {
    let mut allocation = allocation(pick, request, record, turn.numbers);
    allocation.result = outcome::success(&allocation, request);
    let reply = Reply::Allocated {
        result: allocation.result.clone(),
        logical: allocation.logical.no,
        lmid: allocation.logical.id,
    };
    turn.record(Event::Allocated {
        allocation: Box::new(allocation),
    })?;
    Ok(reply)
}

fn wait(
    turn: &mut Turn<'_>,
    mut record: RequestRecord,
    request: &AllocateRequest,
    facts: &Facts,
    why: &Refusal,
) -> Result<Reply> {
    let whole = request.options.contains(Options::NEW);
    let limit = request.timeout.unwrap_or(facts.pool.pool.default_timeout);
    let request = record.no.unwrap_or_else(|| turn.numbers.number());
    record.no = Some(request);
    let operator = turn.numbers.number();
    let deadline = limit.after(turn.now);
    let message = plea(facts, why);
    turn.record(Event::RequestWaiting {
        whole,
        request: record,
        deadline,
        operator,
        message,
    })?;
    turn.deadlines
        .extend(deadline.map(|deadline| (request, deadline)));
    Ok(Reply::Waiting { request })
}

/// What the operator is asked.
fn plea(facts: &Facts, why: &Refusal) -> String {
    let media_type = facts.pool.pool.media_type.as_deref().unwrap_or("any");
    format!(
        "bring {media_type} media for pool {}: {}",
        facts.pool.path, why.sentence
    )
}

/// Ends a request with a failure; the result is JSON if the request was.
fn fail(
    turn: &mut Turn<'_>,
    record: RequestRecord,
    refusal: &Refusal,
    facts: Option<&Facts>,
) -> Result<Reply> {
    let result = outcome::failure(refusal, is_json(&record.body), facts);
    ended(turn, record, result, refusal)
}

fn ended(
    turn: &mut Turn<'_>,
    record: RequestRecord,
    result: String,
    refusal: &Refusal,
) -> Result<Reply> {
    let code = codes::code(refusal.kind).win32;
    let sentence = refusal.sentence.clone();
    turn.record(Event::RequestFailed {
        request: record,
        code,
        result: result.clone(),
        sentence,
    })?;
    Ok(Reply::Failed { result })
}

/// A waiting request as it was written, with its pool. One that cannot be read is none of any side.
fn waiting(
    turn: &Turn<'_>,
    no: ObjectNo,
) -> Result<Option<(Request, Pool, Result<AllocateRequest>)>> {
    let db = turn.writer.db();
    let Some(row) = read::request(db, no)?.filter(|row| row.state == RequestState::Waiting) else {
        return Ok(None);
    };
    let pool = fact::pool(db, row.pool)?;
    let request = AllocateRequest::parse(&row.body);
    Ok(Some((row, pool, request)))
}

/// Why a request still waits, what its operator is asked, and how long it may wait (0 = for ever).
pub(super) struct Still {
    why: String,
    plea: String,
    time: Span,
}

/// Tries a waiting request once more. Returns why it still waits, or `None` if it has ended.
pub(super) fn retry(turn: &mut Turn<'_>, no: ObjectNo) -> Result<Option<Still>> {
    let Some((row, pool, request)) = waiting(turn, no)? else {
        return Ok(None);
    };
    let record = record_of(turn, &row, &pool);
    // A right that was taken away meanwhile is gone, also one of a group that the user is no longer in.
    let caller = turn.groups.now(&row.caller);
    let admitted = request.and_then(|request| admit(&pool, &caller).map(|()| request));
    let request = match admitted {
        Ok(request) => request,
        Err(refusal) => {
            return fail(turn, record, &refusal, None).map(|_| None);
        }
    };
    let facts = fact::allocate(turn.writer.db(), pool, &request)?;
    match search(&facts, &request, &caller, true) {
        Ok(Verdict::Take(pick)) => take(turn, *pick, &request, record).map(|_| None),
        Ok(Verdict::Wait(why)) => Ok(Some(Still {
            plea: plea(&facts, &why),
            why: why.sentence,
            time: Span(row.deadline.map_or(0, |at| at.0 - row.submitted.0)),
        })),
        Err(refusal) => fail(turn, record, &refusal, Some(&facts)).map(|_| None),
    }
}

/// Ends a waiting request with a failure. One that has ended already is left alone.
pub(super) fn end(turn: &mut Turn<'_>, no: ObjectNo, refusal: &Refusal) -> Result<()> {
    let Some((row, pool, _)) = waiting(turn, no)? else {
        return Ok(());
    };
    let record = record_of(turn, &row, &pool);
    fail(turn, record, refusal, None).map(drop)
}

/// The time of a request is over: one last try, then the failure.
pub(super) fn expire(turn: &mut Turn<'_>, no: ObjectNo) -> Result<Reply> {
    if let Some(still) = retry(turn, no)? {
        let sentence = format!("its time of {} is over: {}", still.time, still.why);
        end(turn, no, &ErrorKind::Timeout.because(sentence))?;
    }
    Ok(Reply::Done)
}

/// An operator said complete: search again, and ask anew if there is still nothing.
pub(super) fn satisfied(turn: &mut Turn<'_>, request: ObjectNo) -> Result<()> {
    let Some(still) = retry(turn, request)? else {
        return Ok(());
    };
    if !attended(turn)? {
        return end(turn, request, &unattended(&still.why));
    }
    let message = still.plea;
    let no = turn.numbers.number();
    turn.record(Event::OperatorRequested {
        no,
        command: OperatorCommand::NewMedia,
        request,
        message,
    })
}

/// A waiting request is cancelled, a finished one forgotten. Only its owner and root may.
pub(super) fn remove(turn: &mut Turn<'_>, no: ObjectNo) -> Result<Reply> {
    let Some(row) = read::request(turn.writer.db(), no)? else {
        return Ok(Reply::Done);
    };
    let shown = row.name.clone().unwrap_or_else(|| no.to_string());
    if !turn.caller.is_root() && turn.caller.uid != row.caller.uid {
        return Err(ErrorKind::AccessDenied.because(format!(
            "request \"{shown}\" belongs to uid {}",
            row.caller.uid
        )));
    }
    if row.state == RequestState::Waiting {
        end(
            turn,
            no,
            &ErrorKind::Cancelled
                .because(format!("request \"{shown}\" was cancelled by its owner")),
        )?;
    }
    if row.name.is_some() {
        turn.record(Event::RequestForgotten {
            no,
            pool: row.pool,
            name: row.name,
        })?;
    }
    Ok(Reply::Done)
}
