//! The objects: what the catalog knows of each object, as plain data.
//!
//! A rule reads these and nothing else; the store fills them from its tables, the file system renders them.

use super::access::{Access, Caller, Right};
use super::change::Thing;
use super::error::Result;
use super::id::{Guid, ObjectNo};
use super::state::{
    Delivery, ElementKind, InventoryMethod, LibraryState, OperatorCommand, OperatorState, PoolType,
    RequestState, Selection, SideState,
};
use super::time::{Limit, Span, Time};

macro_rules! things {
    ($($object:ident),+) => {
        $(impl $object {
            /// Returns what events call it by.
            pub fn thing(&self) -> Thing {
                Thing {
                    no: self.no,
                    id: self.id,
                }
            }
        })+
    };
}

things!(Pool, Medium, Side, Logical, Library);

macro_rules! governed {
    ($($object:ident),+) => {
        $(impl $object {
            /// Refuses with [`ErrorKind::AccessDenied`](super::error::ErrorKind::AccessDenied) unless the caller has the right.
            pub fn demand(&self, caller: &Caller, right: Right) -> Result<()> {
                self.access.demand(caller, right, &self.name)
            }
        })+
    };
}

governed!(Pool, Library);

/// A media pool (MS-RSMP 2.2.4.40).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Object number.
    pub no: ObjectNo,
    /// Identifier.
    pub id: Guid,
    /// The pool above it, or the catalog.
    pub parent: ObjectNo,
    /// Name within its parent.
    pub name: String,
    /// Text for people, at most 127 characters.
    pub description: String,
    /// What it is for.
    pub kind: PoolType,
    /// Type of the media it holds; `None` for a pool of pools.
    pub media_type: Option<String>,
    /// Of a leaf of a system pool: a person made or changed it, so it stays when nothing uses its media type.
    pub kept: bool,
    /// Draw from the free pool when nothing of its own is available.
    pub allocate_from_free: bool,
    /// Give a medium back to the free pool when nobody owns a side of it any more.
    pub deallocate_to_free: bool,
    /// Allocations of a side after which it is decommissioned at deallocation; 0 = no limit.
    pub max_allocates: u32,
    /// Which of several available sides is taken.
    pub selection: Selection,
    /// Time-out of requests that name none.
    pub default_timeout: Limit,
    /// How long finished requests are kept.
    pub purge_time: Limit,
    /// How long a side that was given back rests before it is available.
    pub reuse_delay: Span,
    /// How many sides it wants available; 0 = it does not care.
    pub want_available: u32,
    /// The request to a person about that, open or refused.
    pub want_operator: Option<ObjectNo>,
    /// Owner and permission bits.
    pub access: Access,
    /// When it was made.
    pub created: Time,
    /// The last event that touched it.
    pub modified: Time,
}

impl Pool {
    /// Returns whether it is the leaf of a system pool for a media type.
    pub fn is_leaf(&self) -> bool {
        self.kind != PoolType::Application && self.media_type.is_some()
    }
}

/// A physical medium (PMID, MS-RSMP 2.2.4.43).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medium {
    /// Object number.
    pub no: ObjectNo,
    /// Identifier (PMID).
    pub id: Guid,
    /// Name, unique in the catalog.
    pub name: String,
    /// Whether the name follows the rule of names: an inventory found the medium without a bar code, and nobody has named it.
    pub by_rule: bool,
    /// Bar code, unique if there is one.
    pub barcode: Option<String>,
    /// Number for the sticker, assigned by the catalog.
    pub sequence_number: i64,
    /// Text for people.
    pub description: String,
    /// Name of its media type.
    pub media_type: String,
    /// Its one pool.
    pub pool: ObjectNo,
    /// Administrative switch.
    pub enabled: bool,
    /// The library it is in; `None` = offline.
    pub library: Option<ObjectNo>,
    /// The slot it is in.
    pub slot: Option<ObjectNo>,
    /// When its record was made.
    pub created: Time,
    /// The last event that touched it.
    pub modified: Time,
}

impl Medium {
    /// Returns whether the medium is in a library.
    pub fn is_online(&self) -> bool {
        self.library.is_some()
    }
}

/// One side of a medium (partition, MS-RSMP 2.2.4.42).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Object number.
    pub no: ObjectNo,
    /// Identifier.
    pub id: Guid,
    /// The medium it belongs to.
    pub medium: ObjectNo,
    /// Letter: A, B, … in the order of the sides.
    pub letter: String,
    /// State.
    pub state: SideState,
    /// How often it was allocated.
    pub allocations: i64,
    /// How often it was mounted.
    pub mounts: i64,
    /// Since when nobody used it; orders `least-used`.
    pub idle_since: Time,
    /// Its logical medium, if it is owned.
    pub logical: Option<ObjectNo>,
    /// Until when it rests after it was given back; `None` if it does not.
    pub rests_until: Option<Time>,
    /// Whether this side began a set with `new`, or is the next of one.
    pub in_set: bool,
    /// The last event that touched it.
    pub modified: Time,
}

/// A logical medium (LMID, MS-RSMP 2.2.4.38): what an application owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logical {
    /// Object number.
    pub no: ObjectNo,
    /// The LMID.
    pub id: Guid,
    /// Name given with the request.
    pub name: String,
    /// Text for people.
    pub description: String,
    /// The side it stands for.
    pub side: ObjectNo,
    /// The pool it was allocated in.
    pub pool: ObjectNo,
    /// User that owns it.
    pub owner: u32,
    /// Identifier of the pool that the medium came from.
    pub from_pool: Guid,
    /// Path of that pool at the time.
    pub from_path: String,
    /// State of its side before.
    pub was: SideState,
    /// Whether the owner is known to have read the LMID.
    pub delivery: Delivery,
    /// When it was allocated.
    pub created: Time,
    /// The last event that touched it.
    pub modified: Time,
}

/// A library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// Object number.
    pub no: ObjectNo,
    /// Identifier.
    pub id: Guid,
    /// Name, unique in the catalog.
    pub name: String,
    /// Text for people.
    pub description: String,
    /// What drives it, as written; empty until somebody wrote it.
    pub driver: String,
    /// Administrative switch.
    pub enabled: bool,
    /// Whether it works.
    pub state: LibraryState,
    /// How it looks what is in its slots, if nobody says how: none, fast or omid.
    pub inventory_method: InventoryMethod,
    /// Whether an error starts an inventory.
    pub auto_recovery: bool,
    /// Whether an error has started one, and nothing went well since.
    pub recovering: bool,
    /// Owner and permission bits.
    pub access: Access,
    /// When it was made.
    pub created: Time,
    /// The last event that touched it.
    pub modified: Time,
}

/// A slot, drive or port of a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Object number.
    pub no: ObjectNo,
    /// The library it is part of.
    pub library: ObjectNo,
    /// What it is.
    pub kind: ElementKind,
    /// Number within the library, from 1.
    pub number: u32,
    /// The medium in it.
    pub medium: Option<ObjectNo>,
    /// Of a drive: how long a medium that nobody has stays in it.
    pub defer_delay: Limit,
}

/// A type of media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// Object number.
    pub no: ObjectNo,
    /// Name, for example `LTO-8`.
    pub name: String,
    /// Sides of one medium.
    pub sides: u32,
    /// `rewritable`, `write-once` or `read-only`.
    pub read_write: String,
    /// Text for people.
    pub description: String,
    /// The last event that touched it.
    pub modified: Time,
}

/// A request to a person (MS-RSMP 2.2.4.41).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Object number; also its name in the tree.
    pub no: ObjectNo,
    /// What is asked.
    pub command: OperatorCommand,
    /// One sentence.
    pub message: String,
    /// Where it stands.
    pub state: OperatorState,
    /// The pool it concerns.
    pub pool: Option<ObjectNo>,
    /// The library it concerns.
    pub library: Option<ObjectNo>,
    /// The medium it concerns.
    pub medium: Option<ObjectNo>,
    /// The slot, drive or port it concerns.
    pub element: Option<ObjectNo>,
    /// The waiting request behind it.
    pub request: Option<ObjectNo>,
    /// User that caused it.
    pub uid: u32,
    /// The instant at which it times out; `None` = never.
    pub deadline: Option<Time>,
    /// Whether it was refused because nobody answered in time.
    pub timed_out: bool,
    /// When it was submitted.
    pub submitted: Time,
    /// The last event that touched it.
    pub modified: Time,
}

/// An allocation request that has a name, or waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Object number.
    pub no: ObjectNo,
    /// The pool it was written to.
    pub pool: ObjectNo,
    /// Its name; `None` for one of a transaction file.
    pub name: Option<String>,
    /// Who wrote it. The groups are those of the time of writing.
    pub caller: Caller,
    /// As it was written.
    pub body: String,
    /// Where it stands.
    pub state: RequestState,
    /// The instant after which it has failed; `None` = never.
    pub deadline: Option<Time>,
    /// The open operator request.
    pub operator: Option<ObjectNo>,
    /// What a read of the result returns, with its newline; empty while it waits.
    pub result: String,
    /// When it was written.
    pub submitted: Time,
    /// The last event that touched it.
    pub modified: Time,
}
