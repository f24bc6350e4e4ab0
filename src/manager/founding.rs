//! A new catalog: its types, its system pools, the lock.

use super::archiving;
use super::clock::Clock;
use super::core::Core;
use super::filing::SYSTEM_POOLS;
use super::numbers::Numbers;
use crate::domain::access::{Access, Caller};
use crate::domain::error::Result;
use crate::domain::event::Event;
use crate::domain::id::CATALOG;
use crate::domain::rule::Mint as _;
use crate::store::copy;
use crate::store::fault::Faults;
use crate::store::write::{Durability, Writer};
use std::path::Path;

/// Media types that every catalog knows: name, sides, whether it can be rewritten, and what it is.
#[rustfmt::skip]
pub const MEDIA_TYPES: &[(&str, u32, &str, &str)] = &[
    ("LTO-1", 1, "rewritable", "LTO Ultrium 1, 100 GB"),
    ("LTO-2", 1, "rewritable", "LTO Ultrium 2, 200 GB"),
    ("LTO-3", 1, "rewritable", "LTO Ultrium 3, 400 GB"),
    ("LTO-4", 1, "rewritable", "LTO Ultrium 4, 800 GB"),
    ("LTO-5", 1, "rewritable", "LTO Ultrium 5, 1.5 TB"),
    ("LTO-6", 1, "rewritable", "LTO Ultrium 6, 2.5 TB"),
    ("LTO-7", 1, "rewritable", "LTO Ultrium 7, 6 TB"),
    ("LTO-8", 1, "rewritable", "LTO Ultrium 8, 12 TB"),
    ("LTO-9", 1, "rewritable", "LTO Ultrium 9, 18 TB"),
    ("LTO-10", 1, "rewritable", "LTO Ultrium 10, 30 TB"),
    ("3592", 1, "rewritable", "IBM 3592 tape"),
    ("T10000", 1, "rewritable", "StorageTek T10000 tape"),
    ("DLT", 1, "rewritable", "Digital Linear Tape"),
    ("DDS", 1, "rewritable", "Digital Data Storage, 4 mm"),
    ("AIT", 1, "rewritable", "Advanced Intelligent Tape, 8 mm"),
    ("VXA", 1, "rewritable", "VXA, 8 mm"),
    ("QIC", 1, "rewritable", "Quarter-inch cartridge"),
    ("RDX", 1, "rewritable", "RDX removable disk"),
    ("DVD-RAM", 1, "rewritable", "DVD-RAM disk"),
    ("DVD-R", 1, "write-once", "DVD-R disk"),
    ("BD-R", 1, "write-once", "Blu-ray recordable disk"),
    ("BD-RE", 1, "rewritable", "Blu-ray rewritable disk"),
    ("MO-5.25", 2, "rewritable", "Magneto-optical disk, 5.25 inch, two sides"),
    ("MO-3.5", 1, "rewritable", "Magneto-optical disk, 3.5 inch"),
    ("WORM-12", 2, "write-once", "Optical disk, 12 inch, two sides"),
];

/// Makes a new catalog. A file that exists is refused; one that is not complete never has the name.
pub fn found(path: &Path) -> Result<()> {
    copy::demand_free(path)?;
    let unfinished = copy::unfinished(path, "init");
    let founded = found_at(&unfinished).and_then(|()| copy::publish(&unfinished, path));
    copy::discard(&unfinished);
    founded
}

fn found_at(path: &Path) -> Result<()> {
    Writer::create(path)?;
    let mut writer = Writer::open(path, Durability::Full, Faults::default())?;
    let clock = Clock::default();
    let numbers = Numbers::new(CATALOG.0 + 1);
    let (now, daemon) = ((clock.utc)(), Caller::daemon());
    let id = numbers.thing().id;
    let mut events = vec![Event::Founded { id }];
    for (name, kind) in SYSTEM_POOLS {
        events.push(Event::PoolCreated {
            pool: numbers.thing(),
            parent: CATALOG,
            name: name.to_owned(),
            kind,
            media_type: None,
            access: Access::of_root(0o755, 0o660),
            kept: false,
        });
    }
    for (name, sides, read_write, description) in MEDIA_TYPES {
        events.push(Event::TypeAdded {
            no: numbers.number(),
            name: (*name).to_owned(),
            sides: *sides,
            read_write: (*read_write).to_owned(),
            description: (*description).to_owned(),
        });
    }
    let ceiling = numbers.number().0;
    events.push(Event::NumbersReserved { ceiling });
    archiving::transact(&mut writer, |writer| {
        let mut events = events.into_iter();
        events.try_for_each(|event| writer.record(event, &daemon, now))
    })?;
    Core::new(writer, clock, Faults::default()).map(drop)
}
