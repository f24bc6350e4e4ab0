//! What happened. Events are the truth: the tables are what applying all of them, in order, gives.
//!
//! Invariants: an event carries every number, identifier and instant that applying it needs, so applying is
//! deterministic; a released variant or field is never changed or removed, only added to (with a serde default);
//! anything that a user can set is an event.

use super::access::Access;
use super::attribute::{Holder, Octets};
use super::change::{
    Allocation, Deallocation, ElementChange, LibraryChange, LogicalChange, MediumChange, NewMedium,
    PoolChange, RequestRecord, Swap, Thing, TypeChange,
};
use super::history::{Digest, Head};
use super::id::{Guid, ObjectNo};
use super::operator_request::OperatorRecord;
use super::setting::Setting;
use super::state::{ElementKind, OperatorCommand, OperatorState, PoolType, SideState, WorkKind};
use super::time::Time;
use super::work::{DriveChange, WorkChange, WorkRecord};
use serde::{Deserialize, Serialize};

/// Version of the event format. A record of a later version is refused at opening.
pub const VERSION: u32 = 1;

/// One change of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the fields are words of the glossary; the variant says what they mean together"
)]
pub enum Event {
    /// The catalog was made.
    Founded { id: Guid },
    /// Object numbers below the ceiling may be given out without a further record.
    NumbersReserved { ceiling: i64 },
    /// A media type is known from now on.
    TypeAdded {
        no: ObjectNo,
        name: String,
        sides: u32,
        read_write: String,
        description: String,
    },
    /// A media type that nothing uses was changed.
    TypeChanged {
        no: ObjectNo,
        name: String,
        change: TypeChange,
    },
    /// A media type is gone.
    TypeRemoved { no: ObjectNo, name: String },
    /// A pool was made.
    PoolCreated {
        pool: Thing,
        parent: ObjectNo,
        name: String,
        kind: PoolType,
        media_type: Option<String>,
        access: Access,
        /// Whether it is the leaf of a system pool that a person made; one that came by itself also goes by itself.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        kept: bool,
    },
    /// A pool was changed.
    PoolChanged { pool: Thing, change: PoolChange },
    /// A pool is gone.
    PoolRemoved { pool: Thing, name: String },
    /// A library was made.
    LibraryCreated {
        library: Thing,
        name: String,
        access: Access,
    },
    /// A library was changed.
    LibraryChanged {
        library: Thing,
        change: LibraryChange,
    },
    /// The parts of a library are known: object numbers run from `first`, slots first, then drives, then ports.
    LibraryBuilt {
        library: Thing,
        first: ObjectNo,
        slots: u32,
        drives: u32,
        ports: u32,
    },
    /// A part of a library was changed.
    ElementChanged {
        library: Thing,
        element: ObjectNo,
        kind: ElementKind,
        change: ElementChange,
    },
    /// A library is gone, and its parts with it.
    LibraryRemoved { library: Thing, name: String },
    /// A medium is known from now on.
    MediumCreated { medium: Box<NewMedium> },
    /// A medium changed its pool; `sides` are the states its sides have there.
    MediumMoved {
        medium: Thing,
        name: String,
        from: ObjectNo,
        to: ObjectNo,
        sides: Vec<(ObjectNo, SideState)>,
    },
    /// A medium was changed.
    MediumChanged { medium: Thing, change: MediumChange },
    /// The record of a medium is gone.
    MediumRemoved { medium: Thing, name: String },
    /// A side entered a state.
    SideChanged { side: Thing, state: SideState },
    /// A side that was given back has rested and is available.
    SideRested { side: Thing },
    /// A request waits for a medium, with `whole` for one of which all sides are available; an operator is asked for one.
    RequestWaiting {
        #[serde(default)]
        whole: bool,
        request: RequestRecord,
        deadline: Option<Time>,
        operator: ObjectNo,
        message: String,
    },
    /// A pool has fewer sides available than it wants and free has none: an operator is asked on behalf of the pool.
    MediaWanted {
        no: ObjectNo,
        pool: Thing,
        message: String,
    },
    /// Somebody asked a person for something.
    OperatorSubmitted { operator: Box<OperatorRecord> },
    /// A person did not answer in time: nothing was done, so it is refused.
    OperatorTimedOut { no: ObjectNo },
    /// What holds for the whole system was changed.
    SettingChanged { setting: Setting },
    /// An operator said complete, the search still found nothing: a new operator request.
    OperatorRequested {
        no: ObjectNo,
        command: OperatorCommand,
        request: ObjectNo,
        message: String,
    },
    /// A request got a side.
    Allocated { allocation: Box<Allocation> },
    /// A request failed.
    RequestFailed {
        request: RequestRecord,
        code: u16,
        result: String,
        sentence: String,
    },
    /// A finished request is forgotten.
    RequestForgotten {
        no: ObjectNo,
        pool: ObjectNo,
        name: Option<String>,
    },
    /// A side was given back.
    Deallocated { deallocation: Box<Deallocation> },
    /// A logical medium was changed.
    LogicalChanged {
        logical: Thing,
        change: LogicalChange,
    },
    /// Two logical media exchanged their sides.
    Swapped { swap: Box<Swap> },
    /// The owners have read the identifiers of these anonymous allocations.
    Delivered { logical: Vec<ObjectNo> },
    /// After a crash nobody knows whether the identifiers of these were read.
    DeliveryUnknown { logical: Vec<ObjectNo> },
    /// An operator answered, or the request behind it ended otherwise (`state` is `None`: it is gone).
    OperatorChanged {
        no: ObjectNo,
        state: Option<OperatorState>,
    },
    /// A library has work to do.
    WorkQueued {
        no: ObjectNo,
        library: ObjectNo,
        kind: WorkKind,
    },
    /// The work was done, or failed for the reason.
    WorkFinished {
        no: ObjectNo,
        library: Thing,
        error: Option<String>,
    },
    /// An attribute of an object was set, or removed if there is no value.
    AttributeChanged {
        of: Holder,
        name: String,
        value: Option<Octets>,
        /// Whose quota the attribute counts for: who set it.
        #[serde(default)]
        uid: u32,
    },
    /// A library is asked for something.
    WorkRequested { work: Box<WorkRecord> },
    /// What became of that.
    WorkChanged {
        no: ObjectNo,
        library: Thing,
        #[serde(default)]
        name: Option<String>,
        change: WorkChange,
    },
    /// These requests have these places among those of their priority.
    WorkOrdered {
        library: Thing,
        ranks: Vec<(ObjectNo, i64)>,
    },
    /// What became of the medium in a drive.
    DriveChanged {
        library: Thing,
        drive: ObjectNo,
        medium: Thing,
        change: DriveChange,
    },
    /// The records up to `last` are in an archive: the history begins after them.
    Archived { last: Head },
    /// The tables as of `last` are in the checkpoint, which has this digest, and the records up to there are gone.
    Checkpointed { last: Head, digest: Digest },
}

/// What the line of an event says before its details: the protocol's notification, and the result if it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// Kind of the object.
    pub object: &'static str,
    /// Its identifier, or its number if it has no GUID.
    pub id: String,
    /// `insert`, `update`, `delete`, `signal` or `complete` (`NtmsNotificationOperations`).
    pub operation: &'static str,
    /// Name of the request, if it has one.
    pub request: Option<String>,
    /// What the request gave, without its newline.
    pub result: Option<String>,
}

impl Event {
    /// Returns what the line of this event says first.
    pub fn headline(&self) -> Headline {
        let computer = |what: &str| line("computer", &what, "update");
        match self {
            Self::Founded { id } => line("computer", id, "insert"),
            Self::NumbersReserved { ceiling } => computer(&ceiling.to_string()),
            Self::TypeAdded { no, .. } => line("media-type", no, "insert"),
            Self::TypeChanged { no, .. } => line("media-type", no, "update"),
            Self::TypeRemoved { no, .. } => line("media-type", no, "delete"),
            Self::PoolCreated { pool, .. } => line("pool", &pool.id, "insert"),
            Self::PoolChanged { pool, .. } => line("pool", &pool.id, "update"),
            Self::PoolRemoved { pool, .. } => line("pool", &pool.id, "delete"),
            Self::LibraryCreated { library, .. } => line("library", &library.id, "insert"),
            Self::LibraryChanged { library, .. }
            | Self::LibraryBuilt { library, .. }
            | Self::WorkOrdered { library, .. } => line("library", &library.id, "update"),
            Self::LibraryRemoved { library, .. } => line("library", &library.id, "delete"),
            Self::MediumCreated { medium } => line("medium", &medium.thing.id, "insert"),
            Self::MediumMoved { medium, .. } | Self::MediumChanged { medium, .. } => {
                line("medium", &medium.id, "update")
            }
            Self::MediumRemoved { medium, .. } => line("medium", &medium.id, "delete"),
            Self::SideChanged { side, .. } | Self::SideRested { side } => changed_side(side),
            Self::LogicalChanged { logical, .. } => line("logical", &logical.id, "update"),
            Self::Swapped { swap } => line("logical", &swap.logical.id, "update"),
            Self::Deallocated { deallocation } => {
                line("logical", &deallocation.logical.id, "delete")
            }
            Self::Delivered { .. } | Self::DeliveryUnknown { .. } => computer("delivery"),
            Self::OperatorRequested { no, .. } | Self::MediaWanted { no, .. } => {
                line("operator", no, "insert")
            }
            Self::OperatorSubmitted { operator } => line("operator", &operator.no, "insert"),
            Self::SettingChanged { .. } => computer("settings"),
            Self::OperatorChanged { no, state: Some(_) } | Self::OperatorTimedOut { no } => {
                line("operator", no, "update")
            }
            Self::OperatorChanged { no, state: None } => line("operator", no, "delete"),
            Self::WorkQueued { no, .. } => line("work", no, "insert"),
            Self::WorkFinished { no, .. } => line("work", no, "complete"),
            Self::AttributeChanged { of, .. } => changed(*of),
            Self::WorkRequested { work } => work.headline(),
            Self::WorkChanged {
                no, name, change, ..
            } => change.headline(*no, name.as_ref()),
            Self::DriveChanged { drive, .. } => line("drive", drive, "update"),
            Self::ElementChanged { element, kind, .. } => line(kind.word(), element, "update"),
            Self::Archived { .. } => computer("history"),
            Self::Checkpointed { .. } => computer("checkpoint"),
            Self::RequestForgotten { no, name, .. } => Headline {
                request: name.clone(),
                ..line("request", no, "delete")
            },
            Self::RequestWaiting { request, .. } => request.headline("signal", None),
            Self::RequestFailed {
                request, result, ..
            } => request.headline("complete", Some(result)),
            Self::Allocated { allocation } => allocation.headline(),
        }
    }
}

fn changed_side(side: &Thing) -> Headline {
    line("side", &side.id, "update")
}

/// An object has changed by an attribute.
fn changed(of: Holder) -> Headline {
    let (object, id) = of.named();
    line(object, &id, "update")
}

impl Allocation {
    fn headline(&self) -> Headline {
        Headline {
            object: "logical",
            id: self.logical.id.to_string(),
            ..self.request.headline("complete", Some(&self.result))
        }
    }
}

/// What the line of an event says first that is no request.
fn line(object: &'static str, id: &dyn ToString, operation: &'static str) -> Headline {
    Headline {
        object,
        id: id.to_string(),
        operation,
        request: None,
        result: None,
    }
}

impl RequestRecord {
    fn headline(&self, operation: &'static str, result: Option<&String>) -> Headline {
        Headline {
            object: "request",
            id: self.no.map_or_else(|| "-".to_owned(), |no| no.to_string()),
            operation,
            request: self.name.clone(),
            result: result.map(|text| text.trim_end().to_owned()),
        }
    }
}
