//! Library requests and the queue.

use super::{found, line, text};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::work::Work;
use crate::manager::{View, queue};

fn work(view: &View, no: ObjectNo) -> Result<Work> {
    found(queue::work(view, no)?)
}

/// A request as it was written.
pub(crate) fn request(view: &View, no: ObjectNo) -> Result<String> {
    let body = work(view, no)?.body;
    Ok(line(body.trim_end_matches('\n')))
}

/// Its result; `None` until it ends.
pub(crate) fn outcome(view: &View, no: ObjectNo) -> Result<Option<String>> {
    let work = work(view, no)?;
    Ok((!work.state.is_open()).then_some(work.result))
}

/// What is to be done.
pub(crate) fn operation(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(work(view, no)?.kind))
}

/// Where it stands.
pub(crate) fn state(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(work(view, no)?.state))
}

/// Its priority.
pub(crate) fn priority(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(work(view, no)?.priority))
}

/// Its place.
pub(crate) fn order(view: &View, no: ObjectNo) -> Result<String> {
    let work = work(view, no)?;
    Ok(line(queue::place(view, &work)?))
}

/// When it was asked for.
pub(crate) fn queued(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(work(view, no)?.queued))
}

/// When it ended.
pub(crate) fn completed(view: &View, no: ObjectNo) -> Result<String> {
    let finished = work(view, no)?.finished;
    Ok(finished.map_or_else(|| line(""), line))
}

/// Why it failed.
pub(crate) fn error(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&work(view, no)?.error.unwrap_or_default()))
}

/// Number of the user who asked for it.
pub(crate) fn by(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(work(view, no)?.caller.uid))
}
