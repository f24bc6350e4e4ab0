//! What an event carries: the parts of objects, requests and moves that it needs to be applied.
//!
//! Invariants: those of [`super::event`]; here, too, a released field or variant is only added to.

use super::access::{Access, Caller};
use super::id::{Guid, ObjectNo};
use super::label::MediaLabel;
use super::state::{InventoryMethod, LibraryState, Selection, SideState};
use super::time::{Limit, Span, Time};
use serde::{Deserialize, Serialize};

/// An object by number and identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// Object number.
    pub no: ObjectNo,
    /// Identifier.
    pub id: Guid,
}

/// What changed of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the fields are words of the glossary; the variant says what they mean together"
)]
pub enum PoolChange {
    /// Renamed or moved below another parent.
    Place { parent: ObjectNo, name: String },
    /// Text for people.
    Description(String),
    /// Type of its media; `None` makes it a pool of pools.
    MediaType(Option<String>),
    /// Draw from free.
    AllocateFromFree(bool),
    /// Return to free.
    DeallocateToFree(bool),
    /// Limit of allocations of a side.
    MaxAllocates(u32),
    /// Order of the search.
    Selection(Selection),
    /// Time-out of requests without one.
    DefaultTimeout(Limit),
    /// How long finished requests are kept.
    PurgeTime(Limit),
    /// How long a side that was given back rests.
    ReuseDelay(Span),
    /// How many sides it wants available.
    WantAvailable(u32),
    /// Owner and permission bits.
    Access(Access),
}

/// What changed of a library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LibraryChange {
    /// Name.
    Name(String),
    /// Text for people.
    Description(String),
    /// What drives it.
    Driver(String),
    /// Administrative switch.
    Enabled(bool),
    /// Whether it works.
    State(LibraryState),
    /// How it looks what is in its slots.
    InventoryMethod(InventoryMethod),
    /// Whether an error starts an inventory.
    AutoRecovery(bool),
    /// An error has started one; false: something went well since.
    Recovering(bool),
    /// Owner and permission bits.
    Access(Access),
}

/// What changed of a part of a library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElementChange {
    /// How long a medium that nobody has stays in a drive.
    DeferDelay(Limit),
}

/// What changed of a medium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the fields are words of the glossary; the variant says what they mean together"
)]
pub enum MediumChange {
    /// Name that a person gave it.
    Name(String),
    /// Name that the rule of names gives it now.
    NameByRule(String),
    /// Text for people.
    Description(String),
    /// Administrative switch.
    Enabled(bool),
    /// Name of its media type; the move to a pool of that type follows.
    MediaType(String),
    /// Into a slot, or to the shelf.
    Location {
        library: Option<ObjectNo>,
        slot: Option<ObjectNo>,
    },
}

/// What changed of a media type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeChange {
    /// Sides of one medium.
    Sides(u32),
    /// `rewritable`, `write-once` or `read-only`.
    ReadWrite(String),
    /// Text for people.
    Description(String),
}

/// What changed of a logical medium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the fields are words of the glossary; the variant says what they mean together"
)]
pub enum LogicalChange {
    /// Name.
    Name(String),
    /// Text for people.
    Description(String),
    /// No more writing; names the side.
    Completed { side: ObjectNo },
    /// What is written on its side.
    Labelled { side: ObjectNo, label: MediaLabel },
}

/// A new medium with its sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMedium {
    /// Number and identifier.
    #[serde(flatten)]
    pub thing: Thing,
    /// Name, unique.
    pub name: String,
    /// Bar code, unique if there is one.
    pub barcode: Option<String>,
    /// Text for people.
    pub description: String,
    /// Media type.
    pub media_type: String,
    /// Pool.
    pub pool: ObjectNo,
    /// Library, if it is in one.
    pub library: Option<ObjectNo>,
    /// Slot, if it is in one.
    pub slot: Option<ObjectNo>,
    /// Its sides in order, A first.
    pub sides: Vec<Thing>,
    /// State in which all sides begin.
    pub state: SideState,
    /// The bar code that it was found with while another medium had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<String>,
    /// Whether its name follows the rule of names, until a person gives it one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_rule: bool,
}

/// A request, with all that its row needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Object number; `None` for one of a transaction file that ended at once and has no row.
    pub no: Option<ObjectNo>,
    /// The pool it was written to.
    pub pool: Thing,
    /// Its name.
    pub name: Option<String>,
    /// Who wrote it.
    pub caller: Caller,
    /// As it was written, in its canonical form.
    pub body: String,
    /// When it was written.
    pub submitted: Time,
    /// When it may be purged, once it has ended.
    pub purge: Option<Time>,
    /// The operator request that is open for it and goes with it.
    #[serde(default)]
    pub operator: Option<ObjectNo>,
}

/// A side was given to a caller: all of it in one event, because it is one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The request that asked for it.
    pub request: RequestRecord,
    /// What a read of the result returns.
    pub result: String,
    /// The new logical medium.
    pub logical: Thing,
    /// The side.
    pub side: Thing,
    /// Its medium.
    pub medium: Thing,
    /// Name of the medium.
    pub medium_name: String,
    /// The pool that the medium was drawn from, if it was moved.
    pub drawn_from: Option<ObjectNo>,
    /// Identifier of the pool in which the side was found.
    pub from_pool: Guid,
    /// Its path.
    pub from_path: String,
    /// State of the side before.
    pub was: SideState,
    /// Sides that are reserved from now on.
    pub reserved: Vec<ObjectNo>,
    /// Whether the side belongs to a set opened with `new`.
    pub in_set: bool,
    /// Name of the logical medium.
    pub name: String,
    /// Description of the logical medium.
    pub description: String,
}

/// A side was given back: all of it in one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deallocation {
    /// The logical medium that is gone.
    pub logical: Thing,
    /// The side.
    pub side: Thing,
    /// Its medium.
    pub medium: Thing,
    /// Name of the medium.
    pub medium_name: String,
    /// The pool.
    pub pool: Thing,
    /// State of the side from now on.
    pub state: SideState,
    /// Reserved sides that become available.
    pub freed: Vec<ObjectNo>,
    /// The free pool, if the medium goes back there.
    pub to_free: Option<ObjectNo>,
    /// Whether it was undone because nobody read the identifier.
    pub undone: bool,
    /// Until when the side rests before it is available; none if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_until: Option<Time>,
}

/// Two logical media exchanged their sides: each now stands for `side` of `medium`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// The one that was asked to.
    pub logical: Thing,
    /// Its side from now on.
    pub side: Thing,
    /// The other.
    pub other: Thing,
    /// The side of the other from now on.
    pub other_side: Thing,
}
