//! Requests to a person (MS-RSMP 3.2.5.2.1; reference section 4.6).

use crate::domain::access::{Caller, Right};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::event::Event;
use crate::domain::noun::{Operator, Pool};
use crate::domain::state::OperatorState;

/// Records the answer of a person, or that somebody works on it. Whoever has CONTROL of the pool may answer.
pub fn answer(
    operator: &Operator,
    pool: Option<&Pool>,
    state: OperatorState,
    caller: &Caller,
) -> Result<Event> {
    demand(operator, pool, caller)?;
    if !operator.state.is_open() {
        return Err(ErrorKind::InvalidState.because(format!(
            "operator request {} is {} already",
            operator.no, operator.state
        )));
    }
    if state == OperatorState::Submitted {
        return Err(
            ErrorKind::InvalidState.because("write complete, refused, active or in-progress")
        );
    }
    Ok(Event::OperatorChanged {
        no: operator.no,
        state: Some(state),
    })
}

/// Forgets a request that has its answer.
pub fn remove(operator: &Operator, pool: Option<&Pool>, caller: &Caller) -> Result<Event> {
    demand(operator, pool, caller)?;
    if operator.state.is_open() {
        return Err(ErrorKind::InvalidState.because(format!(
            "operator request {} waits for an answer; write it to its state",
            operator.no
        )));
    }
    Ok(Event::OperatorChanged {
        no: operator.no,
        state: None,
    })
}

fn demand(operator: &Operator, pool: Option<&Pool>, caller: &Caller) -> Result<()> {
    match pool {
        Some(pool) => pool.access.demand(caller, Right::Control, &pool.name),
        None if caller.is_root() => Ok(()),
        None => {
            Err(ErrorKind::AccessDenied
                .because(format!("operator request {} is root's", operator.no)))
        }
    }
}
