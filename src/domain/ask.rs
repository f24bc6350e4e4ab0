//! Everything that a caller, a library or the clock can want of the catalog: one closed enum.
//!
//! The file system turns names and text into an [`Ask`]; the manager answers each with a [`Reply`] or a refusal.

use super::acl::List;
use super::allocate_request::AllocateRequest;
use super::attribute::{Holder, Way};
use super::error::Refusal;
use super::history::{Mark, Piece};
use super::id::{Guid, ObjectNo};
use super::import::ImportLine;
use super::label::MediaLabel;
use super::library_request::LibraryRequest;
use super::operator_request::OperatorRequest;
use super::setting::Setting;
use super::state::{InventoryMethod, OperatorState, Selection, SideState};
use super::time::{Limit, Span};

/// One wish.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are words of the glossary; the variant says what they mean together"
)]
pub enum Ask {
    /// `AllocateNtmsMedia`.
    Allocate {
        pool: ObjectNo,
        request: Box<AllocateRequest>,
        name: Option<Named>,
    },
    /// A named request that never got its newline: recorded as failed.
    Unfinished { pool: ObjectNo, name: Named },
    /// End a waiting request, or forget a finished one (`CancelNtmsLibraryRequest`, `DeleteNtmsRequests`).
    RemoveRequest { no: ObjectNo },
    /// The LMID of an anonymous allocation was read.
    Delivered { logical: ObjectNo },
    /// Nobody read the LMID of an anonymous allocation: give the side back.
    Undo { logical: ObjectNo },
    /// `DeallocateNtmsMedia`.
    Deallocate { logical: ObjectNo },
    /// `SetNtmsMediaComplete`, or a new name or description.
    SetLogical { no: ObjectNo, set: SetLogical },
    /// `SwapNtmsMedia`: two logical media exchange their sides.
    Swap { no: ObjectNo, other: Guid },
    /// `CreateNtmsMediaPool`.
    CreatePool {
        parent: ObjectNo,
        name: String,
        mode: u32,
    },
    /// `DeleteNtmsMediaPool`.
    RemovePool { no: ObjectNo },
    /// Rename a pool or move it below another parent.
    PlacePool {
        no: ObjectNo,
        parent: ObjectNo,
        name: String,
    },
    /// `SetNtmsObjectInformation`, `SetNtmsObjectSecurity` of a pool.
    SetPool { no: ObjectNo, set: SetPool },
    /// Create records of media (`CreateNtmsMedia`) in a pool, all or none.
    Import {
        pool: ObjectNo,
        lines: Vec<(u64, ImportLine)>,
    },
    /// `CreateNtmsMedia`: the record of one offline medium.
    CreateMedium { pool: ObjectNo, name: String },
    /// `MoveToNtmsMediaPool`, with a new name or the old one.
    MoveMedium {
        no: ObjectNo,
        pool: ObjectNo,
        name: String,
    },
    /// Change a medium.
    SetMedium { no: ObjectNo, set: SetMedium },
    /// `DeleteNtmsMedia`.
    RemoveMedium { no: ObjectNo },
    /// `DecommissionNtmsMedia` is the one state that a caller may set.
    SetSide { no: ObjectNo, state: SideState },
    /// Make a library.
    CreateLibrary { name: String, mode: u32 },
    /// `DeleteNtmsLibrary`.
    RemoveLibrary { no: ObjectNo },
    /// Change a library.
    SetLibrary { no: ObjectNo, set: SetLibrary },
    /// Change a part of a library.
    SetElement { no: ObjectNo, set: SetElement },
    /// A library has looked into its slots.
    Inventoried {
        work: ObjectNo,
        found: Result<Vec<Found>, Refusal>,
    },
    /// A request to a library.
    Library {
        library: ObjectNo,
        request: Box<LibraryRequest>,
        name: Named,
    },
    /// A named library request that never got its newline: recorded as failed.
    UnfinishedLibrary { library: ObjectNo, name: Named },
    /// End an open library request, or forget a finished one (`CancelNtmsLibraryRequest`, `DeleteNtmsRequests`).
    RemoveWork { no: ObjectNo },
    /// `SetNtmsRequestOrder`: the place among those of its priority, from 1.
    OrderWork { no: ObjectNo, place: u32 },
    /// A library has put the medium of a request into the drive.
    Moved { work: ObjectNo },
    /// A library has done a request, or failed; `inside`: what the drive holds now is the medium of the request.
    Worked {
        work: ObjectNo,
        outcome: Result<String, Refusal>,
        inside: bool,
    },
    /// `AddNtmsMediaType`.
    AddType { name: String },
    /// Change what a media type is.
    SetType { no: ObjectNo, set: SetType },
    /// `DeleteNtmsMediaType`.
    RemoveType { no: ObjectNo },
    /// `SubmitNtmsOperatorRequest`.
    AskOperator { request: Box<OperatorRequest> },
    /// `SetNtmsObjectInformation` of the computer object.
    Set { setting: Setting },
    /// The records up to this one are in an archive.
    Archive { last: Mark },
    /// The daemon: the next step of the checkpoint, for records that are in an archive.
    Fold { piece: Box<Piece> },
    /// Satisfy or refuse an operator request (`SatisfyNtmsOperatorRequest`, `CancelNtmsOperatorRequest`), or say that
    /// somebody works on it.
    AnswerOperator { no: ObjectNo, state: OperatorState },
    /// `DeleteNtmsRequests` for an operator request that has its answer.
    RemoveOperator { no: ObjectNo },
    /// `SetNtmsObjectAttribute`; without a value the attribute is removed.
    SetAttribute {
        of: Holder,
        name: String,
        value: Option<Vec<u8>>,
        way: Way,
    },
    /// The clock: this waiting request's time is over.
    Expire { no: ObjectNo },
    /// The clock: sides whose rest is over are available.
    EndRests,
    /// The clock: finished requests whose time is over are forgotten, read LMIDs are recorded.
    Sweep,
}

/// The name of a request and the object number that the name was reserved with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name, already checked.
    pub name: String,
    /// The number; its inode is known to the kernel.
    pub no: ObjectNo,
    /// The request as it was written, without its newline.
    pub body: String,
}

/// What to change of a logical medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetLogical {
    /// Name, at most 64 characters.
    Name(String),
    /// Description, at most 127 characters.
    Description(String),
    /// The state word as written; only `complete` is allowed.
    State(String),
    /// `UpdateNtmsOmidInfo`: what was written on its side.
    Label(MediaLabel),
}

/// What to change of the access of a pool or a library.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are words of the glossary; the variant says what they mean together"
)]
pub enum SetAccess {
    /// chmod of the directory.
    Mode(u32),
    /// chmod of what carries CONTROL; only pools have it.
    Control(u32),
    /// setfacl of the directory.
    List(List),
    /// setfacl of what carries CONTROL.
    ControlList(List),
    /// chown; the kernel has checked that the caller may.
    Owner { uid: Option<u32>, gid: Option<u32> },
}

/// What to change of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetPool {
    /// Description, at most 127 characters.
    Description(String),
    /// Media type; empty = a pool of pools.
    MediaType(String),
    /// Draw from free.
    AllocateFromFree(bool),
    /// Return to free.
    DeallocateToFree(bool),
    /// Limit of allocations; 0 = none.
    MaxAllocates(u32),
    /// Order of the search.
    Selection(Selection),
    /// Time-out of requests without one.
    DefaultTimeout(Limit),
    /// How long finished requests are kept.
    PurgeTime(Limit),
    /// How long a side that was given back rests.
    ReuseDelay(Span),
    /// How many sides it wants available, 0 to 1,000.
    WantAvailable(u32),
    /// Who may do what with it.
    Access(SetAccess),
}

impl From<SetAccess> for SetPool {
    fn from(access: SetAccess) -> Self {
        Self::Access(access)
    }
}

/// What to change of a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetMedium {
    /// Description, at most 127 characters.
    Description(String),
    /// `EnableNtmsObject`, `DisableNtmsObject`.
    Enabled(bool),
    /// `ChangeNtmsMediaType`: the name of the type.
    MediaType(String),
}

/// What to change of a media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetType {
    /// Sides of one medium, 1 to 8.
    Sides(u32),
    /// `rewritable`, `write-once` or `read-only`.
    ReadWrite(String),
    /// Description, at most 127 characters.
    Description(String),
}

/// What to change of a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetLibrary {
    /// Name.
    Name(String),
    /// Description, at most 127 characters.
    Description(String),
    /// The specification of its driver.
    Driver(String),
    /// `EnableNtmsObject`, `DisableNtmsObject`.
    Enabled(bool),
    /// How it looks what is in its slots: none, fast or omid.
    InventoryMethod(InventoryMethod),
    /// Whether an error starts an inventory.
    AutoRecovery(bool),
    /// Who may do what with it.
    Access(SetAccess),
}

/// What to change of a part of a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetElement {
    /// How long a medium that nobody has stays in a drive (`dwDeferDismountDelay`).
    DeferDelay(Limit),
}

/// What an inventory found in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Slot number, from 1.
    pub slot: u32,
    /// Bar code, if it can be read.
    pub barcode: Option<String>,
    /// Media type.
    pub media_type: String,
    /// What kind of label is on it.
    pub label: super::driver::Label,
}

/// What an ask gave.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are words of the glossary; the variant says what they mean together"
)]
pub enum Reply {
    /// It was done.
    Done,
    /// An object was made.
    Created(ObjectNo),
    /// The allocation: the text of the result and the logical medium.
    Allocated {
        result: String,
        logical: ObjectNo,
        lmid: Guid,
    },
    /// The request was accepted and failed; the text is the result.
    Failed { result: String },
    /// The request waits under that number.
    Waiting { request: ObjectNo },
}
