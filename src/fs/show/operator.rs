//! Requests to a person.

use super::{found, line, text};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::object::Operator;
use crate::domain::state::OperatorState;
use crate::manager::{View, read};

fn operator(view: &View, no: ObjectNo) -> Result<Operator> {
    found(read::operator(view, no)?)
}

/// What is asked.
pub(crate) fn command(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(operator(view, no)?.command))
}

/// The request as a sentence.
pub(crate) fn message(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&operator(view, no)?.message))
}

/// Where it stands.
pub(crate) fn state(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(operator(view, no)?.state))
}

/// When it was submitted.
pub(crate) fn submitted(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(operator(view, no)?.submitted))
}

/// Number of the user whose request caused it.
pub(crate) fn by(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(operator(view, no)?.uid))
}

/// How it ended; one whose request ended otherwise is gone, and so is its result.
pub(crate) fn result(view: &View, no: ObjectNo) -> Result<Option<String>> {
    let asked = operator(view, no)?;
    Ok(match asked.state {
        OperatorState::Complete => Some(line("satisfied")),
        OperatorState::Refused if asked.timed_out => Some(line("timed out")),
        OperatorState::Refused => Some(line("refused")),
        OperatorState::Submitted | OperatorState::Active | OperatorState::InProgress => None,
    })
}
