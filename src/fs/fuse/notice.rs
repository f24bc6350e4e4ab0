//! After a commit: whoever waits for what happened gets it.
//!
//! Invariant: the kernel is never told to forget a name. That waits for whoever has the directory locked, in a call that
//! this daemon may not have answered yet, and not even SIGKILL ends it: the connection, and with it every caller, would
//! hang for ever. Names that go behind the kernel's back are not remembered by it at all.

use super::served::{Served, lock};
use super::stream;
use super::transaction::{settle, undo};
use crate::codes;
use crate::domain::change::RequestRecord;
use crate::domain::error::ErrorKind;
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::state::OperatorState;
use crate::domain::work::WorkChange;
use crate::fs::{Node, Row};
use fuser::Errno;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Events of one commit.
pub(super) type Notice = Vec<Arc<Event>>;

/// Tells of commits until no more can come.
pub(super) fn run(served: &Arc<Served>, notices: &Receiver<Notice>) {
    while let Ok(events) = notices.recv() {
        for event in &events {
            served.guard("notice", || finished(served, event));
        }
        served.guard("notice", || stream::wake(served));
    }
}

/// Gives the end of a request or operator request to those who wait for it.
#[expect(clippy::wildcard_enum_match_arm, reason = "few events end a wait")]
fn finished(served: &Arc<Served>, event: &Event) {
    match event {
        Event::Allocated { allocation } => {
            let request = &allocation.request;
            ended(
                served,
                request,
                &allocation.result,
                Some(allocation.logical.no),
            );
            operator_ended(served, request.operator, "satisfied\n");
        }
        Event::RequestFailed {
            request,
            result,
            code,
            ..
        } => {
            ended(served, request, result, None);
            let timeout = codes::kind_of(*code) == Some(ErrorKind::Timeout);
            operator_ended(
                served,
                request.operator,
                if timeout {
                    "timed out\n"
                } else {
                    "cancelled\n"
                },
            );
        }
        Event::WorkChanged { no, change, .. } => worked(served, *no, change),
        Event::OperatorChanged {
            no,
            state: Some(OperatorState::Complete),
        } => {
            operator_ended(served, Some(*no), "satisfied\n");
        }
        Event::OperatorChanged {
            no,
            state: Some(OperatorState::Refused),
        } => {
            operator_ended(served, Some(*no), "refused\n");
        }
        Event::OperatorTimedOut { no } => operator_ended(served, Some(*no), "timed out\n"),
        Event::OperatorChanged { no, state: None } => {
            served.deliver(Node::new(Row::OperatorResult, *no), Err(Errno::ENOENT));
        }
        _ => {}
    }
}

/// The end of a library request, or of its wait for a person.
fn worked(served: &Served, no: ObjectNo, change: &WorkChange) {
    match change {
        WorkChange::Ended {
            result,
            code,
            operator,
            ..
        } => {
            let outcome = Node::new(Row::LibraryOutcome, no);
            served.deliver(outcome, Ok(&Arc::from(result.as_bytes())));
            let timeout = codes::kind_of(*code) == Some(ErrorKind::Timeout);
            let word = if timeout {
                "timed out\n"
            } else {
                "cancelled\n"
            };
            operator_ended(served, *operator, word);
        }
        WorkChange::Started { operator, .. } => operator_ended(served, *operator, "cancelled\n"),
        WorkChange::Forgotten => {
            served.deliver(Node::new(Row::LibraryOutcome, no), Err(Errno::ENOENT));
        }
        WorkChange::Waiting | WorkChange::Ready { .. } | WorkChange::Asked { .. } => {}
    }
}

fn operator_ended(served: &Served, no: Option<ObjectNo>, result: &str) {
    if let Some(no) = no {
        let result = Arc::from(result.as_bytes());
        served.deliver(Node::new(Row::OperatorResult, no), Ok(&result));
    }
}

fn ended(served: &Arc<Served>, request: &RequestRecord, result: &str, logical: Option<ObjectNo>) {
    let Some(no) = request.no else { return };
    let outcome = Node::new(Row::Outcome, no);
    served.deliver(outcome, Ok(&Arc::from(result.as_bytes())));
    let waiting = lock(&served.handles.waiting).remove(&no);
    match waiting.and_then(|handle| Some((handle, served.handles.get(handle)?))) {
        Some((handle, file)) => settle(served, &file, handle, result, logical),
        // The file was closed after the commit and before this: the cancelling came too late.
        None if request.name.is_none() => undo(served, logical),
        None => {}
    }
}
