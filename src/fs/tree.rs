//! THE TABLE: every file, directory and link of the tree, one row each. Lookup, listing, rights, parsing and the
//! manual's list of files come from it.
//!
//! Invariants (tested below): a directory has either fixed names or one entry for each object of a kind; names are
//! unique in their directory; every row has one sentence. What a row does not allow is refused, not coded: adding a
//! file is one number, one row and one small function.

use super::node::{Node, Row};
use super::show::{
    info, library, link, logical, map, medium, metrics, operator, page, pool, settings, status,
    types, why, work,
};
use super::{parse, values};
use crate::domain::ask::Ask;
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::state::ElementKind as E;
use crate::manager::View;
use crate::manager::list::Kind;
use Behaviour as B;
use Guard as G;
use Name::{Each, Is};

/// Renders a file, newline-terminated.
pub type Show = fn(&View, ObjectNo) -> Result<String>;
/// Renders a result; `None` while it waits.
pub type ShowResult = fn(&View, ObjectNo) -> Result<Option<String>>;
/// Finds the target of a link; `None` if there is none now.
pub type Target = fn(&View, ObjectNo) -> Result<Option<Node>>;
/// Reads the value of an attribute, without white space around it.
pub type Parse = fn(ObjectNo, &str) -> Result<Ask>;
/// Creates an object by name and mode in the directory of a container.
pub type Make = fn(ObjectNo, &str, u32) -> Ask;
/// Removes an object.
pub type Remove = fn(ObjectNo) -> Ask;
/// Moves an object into the directory of a container under a name.
pub type Adopt = fn(ObjectNo, ObjectNo, &str) -> Ask;

/// How entries of a directory are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// One entry of this name.
    Is(&'static str),
    /// One entry for each object of the kind.
    Each(Kind),
}

/// Whether readdir shows an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Whenever it exists.
    Always,
    /// Never: a read would wait, or answers each caller differently. It is opened by its name.
    Never,
    /// From the moment on when reading it no longer waits.
    Finished,
}

/// From what mode and owner of a node are derived; [`super::access`] does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// This mode, root:root.
    Fixed(u32),
    /// This mode, root and the group of the mount option `gid=`.
    Private(u32),
    /// The stored mode of the pool or library that the node is of, masked. 0775 for the catalog's own `pools/`.
    Mode(u32),
    /// CONTROL of the pool: a file.
    Control,
    /// CONTROL of the pool with x for every class that has r or w: a directory.
    ControlDir,
    /// CONTROL of the pool or readable by whoever has USE: a state that may be written.
    State,
    /// CONTROL as above; in a free pool whoever has USE goes in and out, and the rules say with what.
    MediaDir,
    /// The stored mode, masked, with w for every class that has r: the owner of the logical medium may be in any, and the
    /// daemon looks.
    Owner(u32),
    /// This mode, of the user who wrote the request.
    Requester(u32),
    /// Whoever has USE of the library may make entries.
    UseDir,
    /// A link: everybody.
    Link,
}

/// What mkdir, rmdir and rename do with a directory and its entries.
#[derive(Debug, Clone, Copy)]
pub struct Dir {
    /// mkdir of an entry.
    pub make: Option<Make>,
    /// rmdir of the directory itself.
    pub remove: Option<Remove>,
    /// rename of a directory of that row into this one, or within it.
    pub adopt: Option<(Row, Adopt)>,
}

/// What a node is and does: closed, so the adapter is complete.
#[derive(Debug, Clone, Copy)]
pub enum Behaviour {
    /// A directory.
    Dir(Dir),
    /// A file that shows.
    Shown(Show),
    /// A file that shows one value and takes it in the same form.
    Attr(Show, Parse),
    /// One write is one allocation request, the read after it gives the result on the same descriptor.
    Transaction,
    /// One write is one request to a person, the read after it gives its number on the same descriptor.
    Ask,
    /// Lines that are taken together.
    Bulk,
    /// A named request: created, written once, removed; shows what was written.
    RequestFile(Show),
    /// A result: a read waits until there is one.
    ResultFile(ShowResult),
    /// The log from now on, without end.
    Stream,
    /// The log from the beginning to its end.
    History,
    /// A copy of the whole catalog.
    Export,
    /// The calling user's last refusal.
    LastError,
    /// A symbolic link.
    Link(Target),
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Number.
    pub row: Row,
    /// The directories it is in; of several, the object says which.
    pub parents: &'static [Row],
    /// Name.
    pub name: Name,
    /// Whether readdir shows it.
    pub listed: Listed,
    /// Mode and owner.
    pub guard: Guard,
    /// What it is and does.
    pub behaviour: Behaviour,
    /// One sentence for the manual.
    pub doc: &'static str,
}

impl Spec {
    /// The same row, shown by readdir as said.
    const fn listed(mut self, listed: Listed) -> Self {
        self.listed = listed;
        self
    }
}

const fn on(
    row: Row,
    parents: &'static [Row],
    name: Name,
    (guard, behaviour): (Guard, Behaviour),
    doc: &'static str,
) -> Spec {
    let listed = Listed::Always;
    Spec {
        row,
        parents,
        name,
        listed,
        guard,
        behaviour,
        doc,
    }
}

/// A directory in which nothing is made, moved or removed.
const PLAIN: Dir = Dir {
    make: None,
    remove: None,
    adopt: None,
};

const fn dir(guard: Guard) -> (Guard, Behaviour) {
    (guard, Behaviour::Dir(PLAIN))
}

/// A directory of objects: mkdir makes one, rename brings one of the row.
const fn home(guard: Guard, make: Option<Make>, adopt: Option<(Row, Adopt)>) -> (Guard, Behaviour) {
    let dir = Dir {
        make,
        adopt,
        ..PLAIN
    };
    (guard, Behaviour::Dir(dir))
}

/// The directory of one object that rmdir removes.
const fn object(guard: Guard, remove: Remove) -> (Guard, Behaviour) {
    let dir = Dir {
        remove: Some(remove),
        ..PLAIN
    };
    (guard, Behaviour::Dir(dir))
}

const fn link(target: Target) -> (Guard, Behaviour) {
    (Guard::Link, Behaviour::Link(target))
}

/// A file of a pool, what is in it, or a library: readable by whoever may read the directory.
const fn shown(show: Show) -> (Guard, Behaviour) {
    (Guard::Mode(0o444), Behaviour::Shown(show))
}

/// The same, and writable by whoever may write to it.
const fn attr(show: Show, parse: Parse) -> (Guard, Behaviour) {
    (Guard::Mode(0o666), Behaviour::Attr(show, parse))
}

/// A file of a logical medium: the same, and writable by the owner of that, too.
const fn owned(show: Show, parse: Parse) -> (Guard, Behaviour) {
    (Guard::Owner(0o666), Behaviour::Attr(show, parse))
}

/// A file that everybody may read.
const fn public(show: Show) -> (Guard, Behaviour) {
    (Guard::Fixed(0o444), Behaviour::Shown(show))
}

/// A file of the whole system: everybody reads it, root writes it.
const fn setting(show: Show, parse: Parse) -> (Guard, Behaviour) {
    (Guard::Fixed(0o644), Behaviour::Attr(show, parse))
}

/// Twenty lines that let a newcomer use the tree without leaving it.
const README: &str = include_str!("readme.txt");

/// The tree, in the order in which it is listed and described.
#[rustfmt::skip]
pub static TREE: &[Spec] = &[
    on(Row::Root, &[], Is(""), dir(G::Fixed(0o755)), "The whole catalog."),

    on(Row::Readme,    &[Row::Root], Is("README"),     public(|_, _| Ok(README.to_owned())), "How to use the tree, in twenty lines."),
    on(Row::Pools,     &[Row::Root, Row::Pool], Is("pools"), home(G::Mode(0o777), Some(parse::create_pool), Some((Row::Pool, parse::place_pool))), "Media pools, or the pools of a pool; mkdir makes one, mv renames or moves one."),
    on(Row::AllMedia,  &[Row::Root], Is("media"),      dir(G::Fixed(0o755)), "Every medium by its name, as links to their homes."),
    on(Row::AllLogical, &[Row::Root], Is("logical"),   dir(G::Fixed(0o777)), "Logical media, named by LMID."),
    on(Row::Libraries, &[Row::Root], Is("libraries"),  home(G::Fixed(0o755), Some(parse::create_library), Some((Row::Library, parse::name_library))), "Libraries; mkdir makes one, mv renames one."),
    on(Row::Operators, &[Row::Root], Is("operator"),   dir(G::Fixed(0o777)), "Requests to a person."),
    on(Row::Ask,       &[Row::Root], Is("ask"),        (G::Fixed(0o666), B::Ask), "Write a request to a person, read its number on the same descriptor."),
    on(Row::Settings,  &[Row::Root], Is("settings"),   dir(G::Fixed(0o755)), "What holds for the whole system."),
    on(Row::Works,     &[Row::Root], Is("work"),       dir(G::Fixed(0o777)), "The queue of the libraries: requests and what the libraries do by themselves."),
    on(Row::Types,     &[Row::Root], Is("types"),      home(G::Fixed(0o755), Some(parse::add_type), None), "Types of media; mkdir adds one."),
    on(Row::ById,      &[Row::Root], Is("by-id"),      dir(G::Fixed(0o755)), "Links by identifier."),
    on(Row::ByBarcode, &[Row::Root], Is("by-barcode"), dir(G::Fixed(0o755)), "Links by bar code."),
    on(Row::ByState,   &[Row::Root], Is("by-state"),   dir(G::Fixed(0o755)), "Sides by their state, as links."),
    on(Row::ByOwner,   &[Row::Root], Is("by-owner"),   dir(G::Fixed(0o755)), "Logical media by the number of the user that owns them, as links."),
    on(Row::ByLocation, &[Row::Root], Is("by-location"), dir(G::Fixed(0o755)), "Media by where they are, as links."),
    on(Row::Status,    &[Row::Root], Is("status"),     (G::Private(0o640), B::Shown(status::status)), "A summary of the whole system for people."),
    on(Row::StatusPage, &[Row::Root], Is("status.html"), (G::Private(0o640), B::Shown(page::page)), "The same as a page for a browser, which reads it anew by itself."),
    on(Row::RootInfo,  &[Row::Root], Is(info::NAME),   (G::Private(0o640), B::Shown(|view, no| info::info(view, Row::Root, no))), "The whole system as one JSON object."),
    on(Row::Metrics,   &[Row::Root], Is("metrics"),    public(metrics::metrics), "Numbers of the whole system as OpenMetrics text."),
    on(Row::History,   &[Row::Root], Is("history"),    (G::Private(0o640), B::History), "The audit trail: every change that is not in an archive, who made it and when, one JSON object a line."),
    on(Row::Events,    &[Row::Root], Is("events"),     (G::Private(0o640), B::Stream), "The same as a stream that waits for more; not listed.").listed(Listed::Never),
    on(Row::Export,    &[Row::Root], Is("export"),     (G::Fixed(0o400), B::Export), "A consistent copy of the catalog as one SQLite file; not listed.").listed(Listed::Never),
    on(Row::LastError, &[Row::Root], Is("last-error"), (G::Fixed(0o444), B::LastError), "The last refusal of the calling user; not listed.").listed(Listed::Never),

    on(Row::Pool,                 &[Row::Pools], Each(Kind::Pool), object(G::Mode(0o777), |no| Ask::RemovePool { no }), "A pool; rmdir removes it when nothing depends on it."),
    on(Row::PoolId,               &[Row::Pool], Is("id"),                 shown(pool::id), "Identifier of the pool."),
    on(Row::PoolName,             &[Row::Pool], Is("name"),               shown(pool::name), "Name of the pool; mv changes it."),
    on(Row::PoolDescription,      &[Row::Pool], Is("description"),        attr(pool::description, values::pool_description), "Text for people, at most 127 characters."),
    on(Row::PoolType,             &[Row::Pool], Is("type"),               shown(pool::kind), "What it is for: free, import, unrecognized or application."),
    on(Row::PoolMediaType,        &[Row::Pool], Is("media_type"),         attr(pool::media_type, values::pool_media_type), "Type of its media, empty for a pool of pools; writable while the pool is empty."),
    on(Row::PoolAllocateFromFree, &[Row::Pool], Is("allocate_from_free"), attr(pool::allocate_from_free, values::pool_allocate_from_free), "1 if an allocation may draw a medium from the free pool, else 0."),
    on(Row::PoolDeallocateToFree, &[Row::Pool], Is("deallocate_to_free"), attr(pool::deallocate_to_free, values::pool_deallocate_to_free), "1 if a medium returns to the free pool when no side of it is owned any more, else 0."),
    on(Row::PoolMaxAllocates,     &[Row::Pool], Is("max_allocates"),      attr(pool::max_allocates, values::pool_max_allocates), "Allocations after which a side is decommissioned; 0 is no limit."),
    on(Row::PoolSelection,        &[Row::Pool], Is("selection"),          attr(pool::selection, values::pool_selection), "Which of several available sides is taken: least-used, oldest, name or fill."),
    on(Row::PoolDefaultTimeout,   &[Row::Pool], Is("default_timeout"),    attr(pool::default_timeout, values::pool_default_timeout), "Time-out of requests that name none, such as infinite or 90s."),
    on(Row::PoolPurgeTime,        &[Row::Pool], Is("purge_time"),         attr(pool::purge_time, values::pool_purge_time), "How long finished requests are kept, such as 72h."),
    on(Row::PoolReuseDelay,       &[Row::Pool], Is("reuse_delay"),        attr(pool::reuse_delay, values::pool_reuse_delay), "How long a side that was given back rests before it is available, such as 30d; 0 is not at all."),
    on(Row::PoolWantAvailable,    &[Row::Pool], Is("want_available"),     attr(pool::want_available, values::pool_want_available), "How many sides it keeps available, at most 1000: it draws from free, or asks a person; 0 is no matter."),
    on(Row::PoolCounts,           &[Row::Pool], Is("counts"),             shown(pool::counts), "Sides of the pool in each state, and how many are offline, disabled or resting; of a pool of pools, the sums of its direct children."),
    on(Row::PoolAllocate,         &[Row::Pool], Is("allocate"),           (G::Control, B::Transaction), "Write an allocation request, read the result on the same descriptor."),
    on(Row::Requests,             &[Row::Pool], Is("requests"),           dir(G::ControlDir), "Named requests."),
    on(Row::Results,              &[Row::Pool], Is("results"),            dir(G::ControlDir), "Results of named requests."),
    on(Row::PoolMedia,            &[Row::Pool], Is("media"),              home(G::MediaDir, Some(parse::create_medium), Some((Row::Medium, parse::move_medium))), "Media of the pool; mkdir makes the record of one on a shelf, mv between pools moves one."),
    on(Row::PoolImport,           &[Row::Pool], Is("import"),             (G::Control, B::Bulk), "Write records of media, one a line."),
    on(Row::PoolWhy,              &[Row::Pool], Is("why"),                shown(why::why), "What an allocation would take now, in order, and why the other sides would not be taken."),
    on(Row::Request, &[Row::Requests], Each(Kind::Request), (G::Requester(0o600), B::RequestFile(pool::request)), "A named request; create and write it to submit, rm cancels or forgets it."),
    on(Row::Outcome, &[Row::Results], Each(Kind::Outcome),  (G::Requester(0o400), B::ResultFile(pool::outcome)), "The result of a named request; a read waits until there is one, and it is listed from then on.").listed(Listed::Finished),

    on(Row::Medium,               &[Row::PoolMedia], Each(Kind::Medium), object(G::MediaDir, |no| Ask::RemoveMedium { no }), "A medium; rmdir removes its record."),
    on(Row::MediumId,             &[Row::Medium], Is("id"),              shown(medium::id), "Identifier of the medium (PMID)."),
    on(Row::MediumName,           &[Row::Medium], Is("name"),            shown(medium::name), "Name of the medium; mv changes it."),
    on(Row::MediumBarcode,        &[Row::Medium], Is("barcode"),         shown(medium::barcode), "Bar code, empty if there is none."),
    on(Row::MediumSequenceNumber, &[Row::Medium], Is("sequence_number"), shown(medium::sequence_number), "Number for the sticker, assigned by the catalog."),
    on(Row::MediumDescription,    &[Row::Medium], Is("description"),     attr(medium::description, values::medium_description), "Text for people, at most 127 characters."),
    on(Row::MediumMediaType,      &[Row::Medium], Is("media_type"),      attr(medium::media_type, values::medium_media_type), "Type of the medium. Writing another one moves it to the system pool of its kind for that type."),
    on(Row::MediumState,          &[Row::Medium], Is("state"),           shown(medium::state), "What is done with it now: idle, in-use, mounted, loaded, unloaded or operator-request."),
    on(Row::MediumEnabled,        &[Row::Medium], Is("enabled"),         attr(medium::enabled, values::medium_enabled), "1, or 0 if it must not be used."),
    on(Row::MediumLocation,       &[Row::Medium], Is("location"),        shown(medium::location), "Library and slot, as LIBRARY/NUMBER, LIBRARY drive NUMBER, or offline."),
    on(Row::MediumPool,           &[Row::Medium], Is("pool"),            link(link::pool_of_medium), "Link to its pool."),
    on(Row::MediumSlot,           &[Row::Medium], Is("slot"),            link(link::slot_of_medium), "Link to the slot it is in."),
    on(Row::MediumDrive,          &[Row::Medium], Is("drive"),           link(link::drive_of_medium), "Link to the drive it is in."),
    on(Row::MediumHomeSlot,       &[Row::Medium], Is("home_slot"),       link(link::home_slot_of_medium), "Link to the slot it goes back to."),
    on(Row::MediumLibrary,        &[Row::Medium], Is("library"),         link(link::library_of_medium), "Link to the library it is in."),
    on(Row::MediumHistory,        &[Row::Medium], Is("history"),         (G::Private(0o640), B::History), "The lines of the audit trail that concern the medium, its sides and its logical media."),
    on(Row::Sides,                &[Row::Medium], Is("sides"),           dir(G::Mode(0o555)), "Its sides."),
    on(Row::Side,            &[Row::Sides], Each(Kind::Side), dir(G::Mode(0o777)), "A side."),
    on(Row::SideId,          &[Row::Side], Is("id"),          shown(medium::side_id), "Identifier of the side."),
    on(Row::SideState,       &[Row::Side], Is("state"),       (G::State, B::Attr(medium::side_state, values::side_state)), "State of the side; writing decommissioned to an available side retires it."),
    on(Row::SideLabelType,   &[Row::Side], Is("label_type"),  shown(medium::label_type), "Format or program of its label, empty if none is known."),
    on(Row::SideLabelId,     &[Row::Side], Is("label_id"),    shown(medium::label_id), "Identifier in its label."),
    on(Row::SideLabelInfo,   &[Row::Side], Is("label_info"),  shown(medium::label_info), "Text of its label for people."),
    on(Row::SideCapacity,    &[Row::Side], Is("capacity"),    shown(medium::capacity), "Bytes that it holds, empty if nobody said."),
    on(Row::SideMounts,      &[Row::Side], Is("mounts"),      shown(medium::side_mounts), "How often it was mounted."),
    on(Row::SideAllocations, &[Row::Side], Is("allocations"), shown(medium::side_allocations), "How often it was allocated."),
    on(Row::SideRestsUntil,  &[Row::Side], Is("rests_until"), shown(medium::side_rests_until), "Until when it rests after it was given back, empty if it does not."),
    on(Row::SideLogical,     &[Row::Side], Is("logical"),     link(link::logical_of_side), "Link to its logical medium, if it is owned."),

    on(Row::AnyMedium, &[Row::AllMedia], Each(Kind::AnyMedium), link(link::medium), "Link to the home of a medium."),

    on(Row::Logical,              &[Row::AllLogical], Each(Kind::Logical), object(G::Owner(0o777), |logical| Ask::Deallocate { logical }), "A logical medium; rmdir gives its side back."),
    on(Row::LogicalId,            &[Row::Logical], Is("id"),             shown(logical::id), "The LMID."),
    on(Row::LogicalName,          &[Row::Logical], Is("name"),           owned(logical::name, values::logical_name), "Name that its owner gave it, at most 64 characters."),
    on(Row::LogicalDescription,   &[Row::Logical], Is("description"),    owned(logical::description, values::logical_description), "Text for people, at most 127 characters."),
    on(Row::LogicalState,         &[Row::Logical], Is("state"),          (G::State, B::Attr(logical::state, values::logical_state)), "State of its side; writing complete ends writing to it."),
    on(Row::LogicalOwner,         &[Row::Logical], Is("owner"),          shown(logical::owner), "Number of the user that owns it."),
    on(Row::LogicalAllocatedAt,   &[Row::Logical], Is("allocated_at"),   shown(logical::allocated_at), "When it was allocated."),
    on(Row::LogicalAllocatedFrom, &[Row::Logical], Is("allocated_from"), shown(logical::allocated_from), "Identifier and path of the pool that its medium came from."),
    on(Row::LogicalDevice,        &[Row::Logical], Is("device"),         shown(logical::device), "Device at which it is mounted, empty if it is not."),
    on(Row::LogicalLabel,         &[Row::Logical], Is("label"),          owned(logical::label, values::logical_label), "What is written on its side, compared at each mount: type=TEXT id=TEXT [info=TEXT] [capacity=BYTES]; empty if nothing is known."),
    on(Row::LogicalSwap,          &[Row::Logical], Is("swap"),           owned(logical::swap, values::logical_swap), "Writing another LMID of the pool exchanges the sides of the two; reads as empty."),
    on(Row::LogicalPool,          &[Row::Logical], Is("pool"),           link(link::pool_of_logical), "Link to its pool."),
    on(Row::LogicalSide,          &[Row::Logical], Is("side"),           link(link::side_of_logical), "Link to its side."),

    on(Row::Library,            &[Row::Libraries], Each(Kind::Library), object(G::Mode(0o777), |no| Ask::RemoveLibrary { no }), "A library; write its driver, then 1 to enabled."),
    on(Row::LibraryId,          &[Row::Library], Is("id"),          shown(library::id), "Identifier of the library."),
    on(Row::LibraryName,        &[Row::Library], Is("name"),        shown(library::name), "Name of the library; mv changes it."),
    on(Row::LibraryDescription, &[Row::Library], Is("description"), attr(library::description, values::library_description), "Text for people, at most 127 characters."),
    on(Row::LibraryDriver,      &[Row::Library], Is("driver"),      attr(library::driver, values::library_driver), "What drives it, such as virtual type=LTO-8 slots=40 drives=2."),
    on(Row::LibraryEnabled,     &[Row::Library], Is("enabled"),     attr(library::enabled, values::library_enabled), "1 if it is in use, else 0."),
    on(Row::LibraryState,       &[Row::Library], Is("state"),       shown(library::state), "Whether it works: ready, initializing, needs-service or not-present."),
    on(Row::LibraryStatus,      &[Row::Library], Is("status"),      shown(library::status), "A summary of the library for people: what its slots and drives have, and what it has to do."),
    on(Row::LibraryMap,         &[Row::Library], Is("map.svg"),     shown(map::map), "A drawing of its drives, ports and slots by the state of their media."),
    on(Row::LibraryInventoryMethod, &[Row::Library], Is("inventory_method"), attr(library::inventory_method, values::library_inventory_method), "How it looks what is in its slots, if nobody says how: none, fast or omid."),
    on(Row::LibraryAutoRecovery, &[Row::Library], Is("auto_recovery"), attr(library::auto_recovery, values::library_auto_recovery), "1 if an error of the library or an unexpected label starts an inventory, else 0."),
    on(Row::LibraryRequests,    &[Row::Library], Is("requests"),    dir(G::UseDir), "Named requests: mount, dismount, inventory."),
    on(Row::LibraryResults,     &[Row::Library], Is("results"),     dir(G::Mode(0o555)), "Results of named requests."),
    on(Row::LibraryRequest, &[Row::LibraryRequests], Each(Kind::LibraryRequest), (G::Requester(0o600), B::RequestFile(work::request)), "A named request to the library; create and write it to submit, rm cancels or forgets it."),
    on(Row::LibraryOutcome, &[Row::LibraryResults], Each(Kind::LibraryOutcome), (G::Requester(0o400), B::ResultFile(work::outcome)), "Its result: the device of a mount, a line with ok, or the error; a read waits until there is one, and it is listed from then on.").listed(Listed::Finished),
    on(Row::Slots,              &[Row::Library], Is("slots"),       dir(G::Mode(0o555)), "Its slots, by number."),
    on(Row::Drives,             &[Row::Library], Is("drives"),      dir(G::Mode(0o555)), "Its drives, by number."),
    on(Row::Ports,              &[Row::Library], Is("ports"),       dir(G::Mode(0o555)), "Its insert/eject ports, by number."),
    on(Row::Slot,        &[Row::Slots], Each(Kind::Element(E::Slot)),   dir(G::Mode(0o777)), "A slot."),
    on(Row::SlotNumber,  &[Row::Slot], Is("number"),  shown(library::element_number), "Number of the slot."),
    on(Row::SlotState,   &[Row::Slot], Is("state"),   shown(library::element_state), "full or empty."),
    on(Row::SlotMedium,  &[Row::Slot], Is("medium"),  link(link::medium_of_element), "Link to the medium in it."),
    on(Row::Drive,       &[Row::Drives], Each(Kind::Element(E::Drive)), dir(G::Mode(0o777)), "A drive."),
    on(Row::DriveNumber, &[Row::Drive], Is("number"), shown(library::element_number), "Number of the drive."),
    on(Row::DriveState,  &[Row::Drive], Is("state"),  shown(library::element_state), "dismounted, mounted, loaded, unloaded or dismountable."),
    on(Row::DriveDevice, &[Row::Drive], Is("device"), shown(library::drive_device), "Device of the medium that is loaded in it, empty if none is."),
    on(Row::DriveDeferDelay, &[Row::Drive], Is("defer_dismount_delay"), attr(library::drive_defer_delay, values::drive_defer_delay), "How long a medium stays in it after a deferred dismount if nobody mounts it again, such as 5m or infinite."),
    on(Row::DriveMedium, &[Row::Drive], Is("medium"), link(link::medium_of_element), "Link to the medium in it."),
    on(Row::Port,        &[Row::Ports], Each(Kind::Element(E::Port)),   dir(G::Mode(0o777)), "A port."),
    on(Row::PortNumber,  &[Row::Port], Is("number"),  shown(library::element_number), "Number of the port."),
    on(Row::PortState,   &[Row::Port], Is("state"),   shown(library::element_state), "full or empty."),
    on(Row::PortMedium,  &[Row::Port], Is("medium"),  link(link::medium_of_element), "Link to the medium in it."),

    on(Row::Operator,          &[Row::Operators], Each(Kind::Operator), object(G::Fixed(0o755), |no| Ask::RemoveOperator { no }), "A request to a person; rmdir forgets it once it has its answer."),
    on(Row::OperatorCommand,   &[Row::Operator], Is("command"),   public(operator::command), "What is asked, such as new-media."),
    on(Row::OperatorMessage,   &[Row::Operator], Is("message"),   public(operator::message), "The request as a sentence."),
    on(Row::OperatorState,     &[Row::Operator], Is("state"),     (G::Fixed(0o666), B::Attr(operator::state, values::operator_state)), "submitted, active, in-progress, complete or refused; writing complete or refused answers it."),
    on(Row::OperatorSubmitted, &[Row::Operator], Is("submitted"), public(operator::submitted), "When it was submitted."),
    on(Row::OperatorBy,        &[Row::Operator], Is("by"),        public(operator::by), "Number of the user whose request caused it."),
    on(Row::OperatorPool,      &[Row::Operator], Is("pool"),      link(link::pool_of_operator), "Link to the pool it concerns."),
    on(Row::OperatorLibrary,   &[Row::Operator], Is("library"),   link(link::library_of_operator), "Link to the library it concerns."),
    on(Row::OperatorMedium,    &[Row::Operator], Is("medium"),    link(link::medium_of_operator), "Link to the medium it concerns."),
    on(Row::OperatorDevice,    &[Row::Operator], Is("device"),    link(link::element_of_operator), "Link to the slot, drive or port it concerns."),
    on(Row::OperatorResult,    &[Row::Operator], Is("result"),    (G::Fixed(0o444), B::ResultFile(operator::result)), "satisfied, refused or timed out; a read waits until there is an answer, and it is listed from then on.").listed(Listed::Finished),

    on(Row::SettingOperatorPurgeTime,  &[Row::Settings], Is("operator_purge_time"),  setting(settings::operator_purge_time, values::setting_operator_purge_time), "How long answered operator requests are kept, such as 72h or infinite."),
    on(Row::SettingOperatorAutoPurge,  &[Row::Settings], Is("operator_auto_purge"),  setting(settings::operator_auto_purge, values::setting_operator_auto_purge), "1 if answered operator requests are forgotten after that time, 0 if never."),
    on(Row::SettingOperatorKeepFailed, &[Row::Settings], Is("operator_keep_failed"), setting(settings::operator_keep_failed, values::setting_operator_keep_failed), "1 if refused operator requests are kept until rmdir, else 0."),
    on(Row::SettingAttended,           &[Row::Settings], Is("attended"),             setting(settings::attended, values::setting_attended), "1 if people answer operator requests; with 0 whatever would wait for a person fails at once."),
    on(Row::SettingHookTimeout,        &[Row::Settings], Is("hook_timeout"),         setting(settings::hook_timeout, values::setting_hook_timeout), "How long a hook may run before it is killed, 1ms to 1h."),
    on(Row::SettingHookAges,           &[Row::Settings], Is("hook_ages"),            setting(settings::hook_ages, values::setting_hook_ages), "At which ages of an open operator request the hooks are run again, ascending, such as 1h 4h 24h."),
    on(Row::SettingRetention,          &[Row::Settings], Is("retention"),            setting(settings::retention, values::setting_retention), "How long records stay in the history at least, such as 90d; 0 is no rule. ntmsfs archive takes no younger one."),
    on(Row::SettingArchived,           &[Row::Settings], Is("archived"),             setting(settings::archived, values::setting_archived), "The last record that is in an archive, by number and chain; those of a later one take the records up to it out of the history. Written by ntmsfs archive."),
    on(Row::Work,          &[Row::Works], Each(Kind::Work), object(G::Fixed(0o755), |no| Ask::RemoveWork { no }), "A piece of work, by its number; rmdir cancels one that waits and forgets one that has ended."),
    on(Row::WorkOperation, &[Row::Work], Is("operation"), public(work::operation), "mount, dismount or inventory."),
    on(Row::WorkState,     &[Row::Work], Is("state"),     public(work::state), "queued, waiting, in-process, passed, failed or cancelled."),
    on(Row::WorkPriority,  &[Row::Work], Is("priority"),  public(work::priority), "-15 to 15; higher is served first."),
    on(Row::WorkOrder,     &[Row::Work], Is("order"),     (G::Fixed(0o666), B::Attr(work::order, values::work_order)), "Its place among the waiting work of its library, operation and priority, from 1; 0 if it does not wait. Writing a place moves it there."),
    on(Row::WorkQueued,    &[Row::Work], Is("queued"),    public(work::queued), "When it was asked for."),
    on(Row::WorkCompleted, &[Row::Work], Is("completed"), public(work::completed), "When it ended, empty until then."),
    on(Row::WorkError,     &[Row::Work], Is("error"),     public(work::error), "Why it failed, empty if it did not."),
    on(Row::WorkBy,        &[Row::Work], Is("by"),        public(work::by), "Number of the user who asked for it."),
    on(Row::WorkMedium,    &[Row::Work], Is("medium"),    link(link::medium_of_work), "Link to its medium."),
    on(Row::WorkDrive,     &[Row::Work], Is("drive"),     link(link::drive_of_work), "Link to its drive, while it has one."),
    on(Row::WorkPartOf,    &[Row::Work], Is("part_of"),   link(link::whole_of_work), "Link to the work for several media that this is a part of, if it is one."),
    on(Row::WorkLibrary,   &[Row::Work], Is("library"),   link(link::library_of_work), "Link to its library."),

    on(Row::Type,            &[Row::Types], Each(Kind::MediaType), object(G::Fixed(0o755), |no| Ask::RemoveType { no }), "A type of media; rmdir removes one that nothing uses."),
    on(Row::TypeSides,       &[Row::Type], Is("sides"),       setting(types::sides, values::type_sides), "Sides of one medium, 1 to 8; writable while nothing uses the type."),
    on(Row::TypeReadWrite,   &[Row::Type], Is("read_write"),  setting(types::read_write, values::type_read_write), "rewritable, write-once or read-only; writable while nothing uses the type."),
    on(Row::TypeDescription, &[Row::Type], Is("description"), setting(types::description, values::type_description), "Text for people, at most 127 characters; writable while nothing uses the type."),

    on(Row::PoolIds,         &[Row::ById], Is("pool"),    dir(G::Fixed(0o755)), "Pools by identifier."),
    on(Row::MediumIds,       &[Row::ById], Is("medium"),  dir(G::Fixed(0o755)), "Media by identifier."),
    on(Row::SideIds,         &[Row::ById], Is("side"),    dir(G::Fixed(0o755)), "Sides by identifier."),
    on(Row::LogicalIds,      &[Row::ById], Is("logical"), dir(G::Fixed(0o755)), "Logical media by LMID."),
    on(Row::LibraryIds,      &[Row::ById], Is("library"), dir(G::Fixed(0o755)), "Libraries by identifier."),
    on(Row::PoolById,        &[Row::PoolIds], Each(Kind::PoolId),       link(link::pool), "Link to a pool."),
    on(Row::MediumById,      &[Row::MediumIds], Each(Kind::MediumId),   link(link::medium), "Link to a medium."),
    on(Row::SideById,        &[Row::SideIds], Each(Kind::SideId),       link(link::side), "Link to a side."),
    on(Row::LogicalById,     &[Row::LogicalIds], Each(Kind::Logical), link(link::logical), "Link to a logical medium."),
    on(Row::LibraryById,     &[Row::LibraryIds], Each(Kind::LibraryId), link(link::library), "Link to a library."),
    on(Row::StateSides,        &[Row::ByState], Each(Kind::State), dir(G::Fixed(0o755)), "Sides in a state."),
    on(Row::SideInState,       &[Row::StateSides], Each(Kind::InState), link(link::side), "Link to a side: the medium and the letter, or the identifier of the side if that is too long for a name."),
    on(Row::OwnerLogical,      &[Row::ByOwner], Each(Kind::Owner), dir(G::Fixed(0o755)), "Logical media of a user, as long as he has some."),
    on(Row::LogicalOfOwner,    &[Row::OwnerLogical], Each(Kind::Owned), link(link::logical), "Link to a logical medium."),
    on(Row::LocationLibraries, &[Row::ByLocation], Is("libraries"), dir(G::Fixed(0o755)), "Media in libraries."),
    on(Row::LocationOffline,   &[Row::ByLocation], Is("offline"), dir(G::Fixed(0o755)), "Media in no library."),
    on(Row::LocationLibrary,   &[Row::LocationLibraries], Each(Kind::Library), dir(G::Fixed(0o755)), "Media in a library."),
    on(Row::MediumInLibrary,   &[Row::LocationLibrary], Each(Kind::Located), link(link::medium), "Link to the medium in the slot of that number; in a drive or port the entry is drive-NUMBER or port-NUMBER, and without a place medium-NUMBER."),
    on(Row::MediumOffline,     &[Row::LocationOffline], Each(Kind::Offline), link(link::medium), "Link to a medium in no library."),
    on(Row::MediumByBarcode, &[Row::ByBarcode], Each(Kind::Barcode),    link(link::medium), "Link to the medium with that bar code."),

    on(Row::PoolInfo, &[Row::Pool], Is(info::NAME), shown(|view, no| info::info(view, Row::Pool, no)), "Everything that the files here say, as one JSON object."),
    on(Row::MediumInfo, &[Row::Medium], Is(info::NAME), shown(|view, no| info::info(view, Row::Medium, no)), "Everything that the files here say, as one JSON object."),
    on(Row::SideInfo, &[Row::Side], Is(info::NAME), shown(|view, no| info::info(view, Row::Side, no)), "Everything that the files here say, as one JSON object."),
    on(Row::LogicalInfo, &[Row::Logical], Is(info::NAME), shown(|view, no| info::info(view, Row::Logical, no)), "Everything that the files here say, as one JSON object."),
    on(Row::LibraryInfo, &[Row::Library], Is(info::NAME), shown(|view, no| info::info(view, Row::Library, no)), "Everything that the files here say, as one JSON object."),
    on(Row::SlotInfo, &[Row::Slot], Is(info::NAME), shown(|view, no| info::info(view, Row::Slot, no)), "Everything that the files here say, as one JSON object."),
    on(Row::DriveInfo, &[Row::Drive], Is(info::NAME), shown(|view, no| info::info(view, Row::Drive, no)), "Everything that the files here say, as one JSON object."),
    on(Row::PortInfo, &[Row::Port], Is(info::NAME), shown(|view, no| info::info(view, Row::Port, no)), "Everything that the files here say, as one JSON object."),
    on(Row::OperatorInfo, &[Row::Operator], Is(info::NAME), public(|view, no| info::info(view, Row::Operator, no)), "Everything that the files here say, as one JSON object."),
    on(Row::WorkInfo, &[Row::Work], Is(info::NAME), public(|view, no| info::info(view, Row::Work, no)), "Everything that the files here say, as one JSON object."),
    on(Row::TypeInfo, &[Row::Type], Is(info::NAME), public(|view, no| info::info(view, Row::Type, no)), "Everything that the files here say, as one JSON object."),
];

/// The highest number of a row.
const LAST: usize = Row::ALL[Row::ALL.len() - 1].index();

/// The place in the table of each row, by its number; every operation asks for it.
static PLACES: [usize; LAST + 1] = {
    let mut places = [0; LAST + 1];
    let mut place = 0;
    while place < TREE.len() {
        places[TREE[place].row.index()] = place;
        place += 1;
    }
    places
};

/// Returns the row's declaration.
pub fn spec(row: Row) -> &'static Spec {
    &TREE[PLACES[row.index()]]
}

/// Returns what a directory can hold, in the order of the table.
pub fn children(row: Row) -> impl Iterator<Item = &'static Spec> {
    TREE.iter().filter(move |spec| spec.parents.contains(&row))
}

/// Returns what a node is and does.
pub fn behaviour(node: Node) -> &'static Behaviour {
    &spec(node.row).behaviour
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        assert_eq!(TREE.len(), Row::ALL.len(), "every row is declared");
        for &row in Row::ALL {
            let declared = TREE.iter().filter(|spec| spec.row == row).count();
            assert_eq!(declared, 1, "{row:?}");
            let names: Vec<Name> = children(row).map(|spec| spec.name).collect();
            let each = names.iter().filter(|name| matches!(name, Each(_))).count();
            assert!(each == 0 || names.len() == 1, "{row:?} mixes kinds");
            for (place, name) in names.iter().enumerate() {
                assert!(!names[..place].contains(name), "{row:?} has {name:?} twice");
            }
        }
        for spec in TREE {
            assert!(spec.doc.ends_with('.') && spec.doc.len() > 5, "{spec:?}");
            assert!(
                spec.parents.is_empty() == (spec.row == Row::Root),
                "{spec:?}"
            );
            let is_dir = matches!(spec.behaviour, Behaviour::Dir(_));
            assert_eq!(children(spec.row).count() > 0, is_dir, "{spec:?}");
            let waits = matches!(spec.behaviour, Behaviour::ResultFile(_));
            assert_eq!(spec.listed == Listed::Finished, waits, "{spec:?}");
        }
    }
}
