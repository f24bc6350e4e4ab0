//! Libraries: make, change, enable, and what an inventory means (reference sections 2.4, 4.7, 4.8).

use super::Mint;
use super::medium::{first_state, located};
use super::pool::access as new_access;
use crate::domain::access::{Access, Caller, Right};
use crate::domain::ask::{Found, SetElement, SetLibrary};
use crate::domain::change::{ElementChange, LibraryChange, NewMedium, Thing};
use crate::domain::driver::{Driver, Label};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::object::{Element, Library, MediaType, Medium, Pool};
use crate::domain::operator_request::OperatorRecord;
use crate::domain::state::{InventoryMethod, LibraryState, OperatorCommand, PoolType, WorkKind};

/// `libraries/` itself: root's.
const ROOT_LIBRARIES: Access = Access::of_root(0o755, 0o644);

/// Makes a library without a driver.
pub fn create(wanted: (&str, u32), caller: &Caller, library: Thing) -> Result<Event> {
    ROOT_LIBRARIES.demand(caller, Right::Modify, "libraries")?;
    let mode = wanted.1 & 0o777;
    let access = Access {
        uid: caller.uid,
        gid: caller.gid,
        ..Access::of_root(mode, mode & 0o666)
    };
    Ok(Event::LibraryCreated {
        library,
        name: wanted.0.to_owned(),
        access,
    })
}

/// What changing a library looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The library.
    pub library: Library,
    /// Whether its slots and drives are known.
    pub built: bool,
    /// The type that its driver names, if it exists.
    pub media_type: Option<MediaType>,
    /// A bar code of its pattern that another medium has.
    pub taken: Option<String>,
    /// The media in it.
    pub media: Vec<(Thing, String)>,
    /// Whether another library has the new name.
    pub name_taken: bool,
    /// How many media are in its drives or on the way.
    pub mounted: usize,
    /// How many requests have no result yet.
    pub open: usize,
}

/// Changes a library.
pub fn set(
    facts: &Facts,
    wanted: &SetLibrary,
    caller: &Caller,
    mint: &impl Mint,
) -> Result<Vec<Event>> {
    let library = &facts.library;
    let thing = library.thing();
    let one = |change| {
        Ok(vec![Event::LibraryChanged {
            library: thing,
            change,
        }])
    };
    if !matches!(wanted, SetLibrary::Access(_)) {
        library.demand(caller, Right::Modify)?;
    }
    match wanted {
        SetLibrary::Access(wanted) => {
            let access = new_access(&library.access, wanted, caller, &library.name)?;
            one(LibraryChange::Access(access))
        }
        SetLibrary::Name(name) if facts.name_taken => {
            Err(ErrorKind::AlreadyExists.because(format!("library \"{name}\" exists")))
        }
        SetLibrary::Name(name) => one(LibraryChange::Name(name.clone())),
        SetLibrary::Description(text) => one(LibraryChange::Description(text.clone())),
        SetLibrary::Driver(driver) => one(LibraryChange::Driver(driver_of(facts, driver)?)),
        SetLibrary::Enabled(on) if *on == library.enabled => Ok(Vec::new()),
        SetLibrary::Enabled(true) => enable(facts, mint),
        SetLibrary::Enabled(false) => disable(facts, thing),
        SetLibrary::InventoryMethod(method) => one(LibraryChange::InventoryMethod(*method)),
        SetLibrary::AutoRecovery(on) => one(LibraryChange::AutoRecovery(*on)),
    }
}

/// What follows when a library has failed at a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Nothing more.
    Nothing,
    /// It looks into its slots.
    Inventory,
    /// A person has to look after it.
    Person,
}

/// Decides that. `stuck`: a medium is in a drive that does not give it back. A library that has looked already, and at which
/// nothing went well since, does not look again: it would never come to rest.
pub fn after_failure(library: &Library, kind: ErrorKind, stuck: bool) -> After {
    let by_hand = matches!(Driver::parse(&library.driver), Ok(Driver::Hand(_)));
    // The library was not asked, or looks already.
    let other = kind == ErrorKind::NotReady || library.state == LibraryState::Initializing;
    if library.auto_recovery && library.enabled && !library.recovering && !by_hand && !other {
        After::Inventory
    } else if stuck {
        After::Person
    } else {
        After::Nothing
    }
}

/// An error starts an inventory.
pub fn recover(library: &Library, mint: &impl Mint) -> Vec<Event> {
    let thing = library.thing();
    let change = |change| Event::LibraryChanged {
        library: thing,
        change,
    };
    vec![
        change(LibraryChange::Recovering(true)),
        change(LibraryChange::State(LibraryState::Initializing)),
        Event::WorkQueued {
            no: mint.number(),
            library: library.no,
            kind: WorkKind::Inventory,
        },
    ]
}

/// Asks a person to look after a drive, which does not give a medium back (`stuck`) or had another one in it.
pub fn service(
    library: &Library,
    drive: &Element,
    medium: &Medium,
    (stuck, why): (bool, &str),
    no: ObjectNo,
) -> OperatorRecord {
    let (number, library_name, medium_name) = (drive.number, &library.name, &medium.name);
    let message = if stuck {
        format!(
            "drive {number} of library \"{library_name}\" keeps medium \"{medium_name}\" ({why}); take it out and take an \
             inventory"
        )
    } else {
        format!(
            "what was in drive {number} of library \"{library_name}\" is not medium \"{medium_name}\" ({why}); look which \
             it is"
        )
    };
    OperatorRecord {
        deadline: None,
        no,
        command: OperatorCommand::DeviceService,
        message,
        uid: 0,
        pool: Some(medium.pool),
        library: Some(library.no),
        medium: Some(medium.no),
        element: Some(drive.no),
    }
}

/// A driver is written before the library is enabled for the first time, and fixed from then on.
fn driver_of(facts: &Facts, driver: &str) -> Result<String> {
    let library = &facts.library;
    if library.enabled || facts.built {
        return Err(ErrorKind::InvalidState.because(format!(
            "library \"{}\" was enabled; its driver is fixed",
            library.name
        )));
    }
    let parsed = Driver::parse(driver)?;
    if facts.media_type.is_none() {
        return Err(ErrorKind::InvalidParameter.because(format!(
            "type={} is no media type; see types/",
            parsed.shape().media_type
        )));
    }
    Ok(driver.trim().to_owned())
}

fn enable(facts: &Facts, mint: &impl Mint) -> Result<Vec<Event>> {
    let library = &facts.library;
    if library.driver.is_empty() {
        return Err(ErrorKind::InvalidState.because(format!(
            "library \"{}\" has no driver; write it first",
            library.name
        )));
    }
    let parsed = Driver::parse(&library.driver)?;
    let shape = parsed.shape();
    if let Some(code) = &facts.taken {
        return Err(ErrorKind::AlreadyExists
            .because(format!("bar code \"{code}\" is in the catalog already")));
    }
    let thing = library.thing();
    let mut events = Vec::new();
    if !facts.built {
        let first = mint.number();
        for _ in 1..shape.slots + shape.drives + shape.ports {
            mint.number();
        }
        let (slots, drives, ports) = (shape.slots, shape.drives, shape.ports);
        events.push(Event::LibraryBuilt {
            library: thing,
            first,
            slots,
            drives,
            ports,
        });
    }
    events.push(Event::LibraryChanged {
        library: thing,
        change: LibraryChange::Enabled(true),
    });
    // Whoever wants no inventory believes what is in the catalog.
    let looks = library.inventory_method != InventoryMethod::None;
    let state = if looks {
        LibraryState::Initializing
    } else {
        LibraryState::Ready
    };
    events.push(Event::LibraryChanged {
        library: thing,
        change: LibraryChange::State(state),
    });
    events.extend(looks.then(|| Event::WorkQueued {
        no: mint.number(),
        library: library.no,
        kind: WorkKind::Inventory,
    }));
    Ok(events)
}

fn disable(facts: &Facts, library: Thing) -> Result<Vec<Event>> {
    if facts.mounted > 0 {
        return Err(ErrorKind::Busy.because(format!(
            "{} media are in drives of library \"{}\"; dismount them first",
            facts.mounted, facts.library.name
        )));
    }
    let change = |change| Event::LibraryChanged { library, change };
    Ok(vec![
        change(LibraryChange::Enabled(false)),
        change(LibraryChange::State(LibraryState::NotPresent)),
    ])
}

/// Changes a part of a library.
pub fn set_element(
    library: &Library,
    element: &Element,
    wanted: &SetElement,
    caller: &Caller,
) -> Result<Option<Event>> {
    library.demand(caller, Right::Modify)?;
    let SetElement::DeferDelay(delay) = wanted;
    if matches!(Driver::parse(&library.driver), Ok(Driver::Hand(_))) {
        return Err(ErrorKind::NotSupported.because(format!(
            "a person takes media out of library \"{}\", when the drive is needed",
            library.name
        )));
    }
    let changed = element.defer_delay != *delay;
    Ok(changed.then_some(Event::ElementChanged {
        library: library.thing(),
        element: element.no,
        kind: element.kind,
        change: ElementChange::DeferDelay(*delay),
    }))
}

/// Removes a library that is not enabled; its media go to the shelf.
pub fn remove(facts: &Facts, caller: &Caller) -> Result<Vec<Event>> {
    let library = &facts.library;
    ROOT_LIBRARIES.demand(caller, Right::Modify, "libraries")?;
    library.demand(caller, Right::Modify)?;
    if library.enabled {
        return Err(ErrorKind::InvalidState.because(format!(
            "library \"{}\" is enabled; write 0 to its enabled file first",
            library.name
        )));
    }
    if facts.open > 0 {
        return Err(ErrorKind::NotEmpty.because(format!(
            "library \"{}\" has {} requests without a result; rm them first",
            library.name, facts.open
        )));
    }
    let mut events: Vec<Event> = Vec::with_capacity(facts.media.len() + 1);
    events.extend(facts.media.iter().map(|(m, _)| located(*m, None, None)));
    events.push(Event::LibraryRemoved {
        library: library.thing(),
        name: library.name.clone(),
    });
    Ok(events)
}

/// What is known of one thing that an inventory found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What was found.
    pub found: Found,
    /// Its slot.
    pub slot: ObjectNo,
    /// The medium with that bar code, or the one believed in that slot if there is no bar code.
    pub known: Option<Medium>,
    /// Number and identifier for a new medium.
    pub thing: Thing,
    /// The name for a new medium; already unique.
    pub name: String,
    /// Its type.
    pub media_type: MediaType,
    /// The system pool for a new medium of that label.
    pub pool: Pool,
    /// Where the medium is that has this bar code already, if it is another one; then it is no bar code of this one.
    pub other: Option<String>,
}

/// Files what an inventory found in one slot.
pub fn file(library: ObjectNo, seen: &Seen, mint: &impl Mint) -> Option<Event> {
    let place = (Some(library), Some(seen.slot));
    if let Some(known) = &seen.known {
        let moved = (known.library, known.slot) != place;
        return moved.then(|| located(known.thing(), place.0, place.1));
    }
    let state = first_state(seen.pool.kind);
    let code = &seen.found.barcode;
    let medium = NewMedium {
        thing: seen.thing,
        name: seen.name.clone(),
        barcode: code.clone().filter(|_| seen.other.is_none()),
        description: String::new(),
        media_type: seen.media_type.name.clone(),
        pool: seen.pool.no,
        library: place.0,
        slot: place.1,
        sides: (0..seen.media_type.sides).map(|_| mint.thing()).collect(),
        state,
        twin: code.clone().filter(|_| seen.other.is_some()),
        by_rule: code.is_none(),
    };
    Some(Event::MediumCreated {
        medium: Box::new(medium),
    })
}

/// Asks a person to look after a new medium whose bar code another one has; `None` if it has a code of its own.
pub fn report(
    library: &Library,
    seen: &Seen,
    medium: &NewMedium,
    no: ObjectNo,
) -> Option<OperatorRecord> {
    let (other, code) = (seen.other.as_ref()?, medium.twin.as_ref()?);
    let message = format!(
        "bar code \"{code}\" is on two media: {other}, and \"{}\" in {}/{}; give one of them another and take an inventory",
        medium.name, library.name, seen.found.slot
    );
    Some(OperatorRecord {
        no,
        command: OperatorCommand::DeviceService,
        message,
        uid: 0,
        pool: Some(medium.pool),
        library: Some(library.no),
        medium: Some(medium.thing.no),
        element: Some(seen.slot),
        deadline: None,
    })
}

/// Returns the system pool for a label (reference 4.8, step 4).
pub fn pool_for(label: Label) -> PoolType {
    match label {
        Label::Free => PoolType::Free,
        Label::Import => PoolType::Import,
        Label::Blank | Label::Foreign => PoolType::Unrecognized,
    }
}
