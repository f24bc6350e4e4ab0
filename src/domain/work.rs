//! The queue of libraries: what its events carry, and its objects.
//!
//! Invariants: those of [`super::event`]: a released field or variant is only added to.

use super::access::Caller;
use super::change::Thing;
use super::event::Headline;
use super::id::ObjectNo;
use super::state::{DriveState, WorkKind, WorkState};
use super::time::Time;
use serde::{Deserialize, Serialize};

/// A library request, with all that its row needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkRecord {
    /// Object number.
    pub no: ObjectNo,
    /// The library.
    pub library: Thing,
    /// What it has to do.
    pub kind: WorkKind,
    /// Its name; `None` for what the daemon wants itself.
    pub name: Option<String>,
    /// Who wrote it.
    pub caller: Caller,
    /// As it was written.
    pub body: String,
    /// Higher is served first.
    pub priority: i64,
    /// The instant after which it has failed; `None` = never.
    pub deadline: Option<Time>,
    /// The medium it concerns, if that was known.
    pub medium: Option<ObjectNo>,
    /// The request for several media that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<ObjectNo>,
}

/// What became of a library request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the fields are words of the glossary; the variant says what they mean together"
)]
pub enum WorkChange {
    /// The library begins, with that drive if it needs one; the operator request is not needed any more.
    Started {
        drive: Option<ObjectNo>,
        operator: Option<ObjectNo>,
    },
    /// A medium or a drive is waited for, and no person.
    Waiting,
    /// A part of a mount: the medium is ready, and handed over with the others.
    Ready { device: String },
    /// A person is asked for a medium, with a drive if it is to be put into one.
    Asked {
        operator: ObjectNo,
        medium: ObjectNo,
        pool: ObjectNo,
        uid: u32,
        drive: Option<ObjectNo>,
        message: String,
    },
    /// It has its result; `operator` is the operator request that goes with it.
    Ended {
        state: WorkState,
        code: u16,
        result: String,
        error: Option<String>,
        operator: Option<ObjectNo>,
    },
    /// It is forgotten.
    Forgotten,
}

impl WorkRecord {
    /// Returns what the line of a new request says first.
    pub(super) fn headline(&self) -> Headline {
        Headline {
            object: "work",
            id: self.no.to_string(),
            operation: "insert",
            request: self.name.clone(),
            result: None,
        }
    }
}

impl WorkChange {
    /// Returns what the line of this event says first.
    pub(super) fn headline(&self, no: ObjectNo, name: Option<&String>) -> Headline {
        let (operation, result) = match self {
            Self::Ended { result, .. } => ("complete", Some(result.trim_end().to_owned())),
            Self::Forgotten => ("delete", None),
            Self::Waiting | Self::Asked { .. } => ("signal", None),
            Self::Started { .. } | Self::Ready { .. } => ("update", None),
        };
        Headline {
            object: "work",
            id: no.to_string(),
            operation,
            request: name.cloned(),
            result,
        }
    }
}

/// What became of the medium in a drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the fields are words of the glossary; the variant says what they mean together"
)]
pub enum DriveChange {
    /// It was put in, and is not ready.
    Moved {
        side: ObjectNo,
        uid: u32,
        writes: bool,
    },
    /// It is ready, its label was verified, and the user has it.
    Loaded {
        side: ObjectNo,
        uid: u32,
        writes: bool,
        device: String,
    },
    /// Nobody has it any more; it stays until the drive is needed.
    Released,
    /// It is being taken out.
    Unloading,
    /// It is out.
    Emptied,
}

/// A library request, or work that the daemon wants of a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// Object number; also its name in the tree.
    pub no: ObjectNo,
    /// The library.
    pub library: ObjectNo,
    /// What it has to do.
    pub kind: WorkKind,
    /// Its name in the requests of the library.
    pub name: Option<String>,
    /// Who wrote it.
    pub caller: Caller,
    /// As it was written.
    pub body: String,
    /// Where it stands.
    pub state: WorkState,
    /// Higher is served first.
    pub priority: i64,
    /// Within one priority, lower is served first.
    pub rank: i64,
    /// The medium it concerns.
    pub medium: Option<ObjectNo>,
    /// The drive it has.
    pub drive: Option<ObjectNo>,
    /// The instant after which it has failed; `None` = never.
    pub deadline: Option<Time>,
    /// The open operator request.
    pub operator: Option<ObjectNo>,
    /// The request for several media that it is a part of.
    pub part_of: Option<ObjectNo>,
    /// What a read of the result returns; empty until it ends. Of a part of a mount, the device as soon as it is ready.
    pub result: String,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was written.
    pub queued: Time,
    /// When it ended.
    pub finished: Option<Time>,
    /// The last event that touched it.
    pub modified: Time,
}

/// A medium in a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// The drive.
    pub drive: ObjectNo,
    /// The medium.
    pub medium: ObjectNo,
    /// The side that is up.
    pub side: ObjectNo,
    /// What the drive does with it.
    pub state: DriveState,
    /// User that has it.
    pub uid: u32,
    /// Whether it may be written.
    pub writes: bool,
    /// The device; empty until it is loaded.
    pub device: String,
    /// The last event that touched it.
    pub modified: Time,
}
