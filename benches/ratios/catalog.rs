//! The catalogs that are measured: made through the real rules and the real log, and kept between runs.
//!
//! Media are online in libraries with slots, in one application pool. Invariant: a kept catalog belongs to the schema
//! and the number of media in its name; a half made one has another name.

use anyhow::{Context as _, Result, anyhow};
use ntmsfs::domain::access::Caller;
use ntmsfs::domain::allocate_request::AllocateRequest;
use ntmsfs::domain::ask::{Ask, Reply, SetLibrary, SetPool};
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::import::{ImportLine, SlotName};
use ntmsfs::manager::core::Core;
use ntmsfs::manager::{Durability, Faults, clock, founding};
use ntmsfs::store::{fact, write::Writer};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The pool of all media.
pub(crate) const POOL: &str = "Backup";

/// A pool without media, in which every request waits.
pub(crate) const EMPTY: &str = "Empty";

/// Slots of a library: as many as a changer can address.
const SLOTS: u32 = 65_535;

/// Media in one transaction.
const LINES: u32 = 1_000;

/// Returns the name of a medium, from 0.
pub(crate) fn name(index: u32) -> String {
    format!("M{index:07}")
}

/// Returns the file of a catalog with so many media, made now if need be, and how long that took.
pub(crate) fn ready(dir: &Path, media: u32) -> Result<(PathBuf, Option<Duration>)> {
    let key = crc32fast::hash(include_bytes!("../../src/store/schema.sql"));
    let path = dir.join(format!("catalog-{media}-{key:08x}"));
    if path.exists() {
        // One that was kept from before a migration is brought up to date here, not while the daemon is measured.
        drop(Writer::open(&path, Durability::Full, Faults::default())?);
        return Ok((path, None));
    }
    let begun = clock::boot();
    let half = dir.join(format!("half-{media}"));
    for end in ["", "-wal", "-shm"] {
        let file = dir.join(format!("half-{media}{end}"));
        if file.exists() {
            fs::remove_file(file)?;
        }
    }
    founding::found(&half)?;
    Maker::open(&half)?.make(media)?;
    File::open(&half)?.sync_all()?;
    fs::rename(&half, &path)?;
    Ok((path, Some(clock::boot().saturating_sub(begun))))
}

/// Fills a catalog.
struct Maker(Core);

impl Maker {
    fn open(path: &Path) -> Result<Self> {
        let writer = Writer::open(path, Durability::None, Faults::default())?;
        let core = Core::new(writer, clock::Clock::default(), Faults::default())?;
        Ok(Self(core))
    }

    fn ask(&mut self, ask: Ask) -> Result<Reply> {
        let mut batch = self.0.batch(&[(Caller::daemon(), ask)]);
        let answer = batch.answers.pop().context("an ask has an answer")?;
        Ok(answer?)
    }

    fn make(&mut self, media: u32) -> Result<()> {
        let pool = self.pool(POOL)?;
        self.pool(EMPTY)?;
        for library in 0..media.div_ceil(SLOTS) {
            self.library(library, SLOTS.min(media - library * SLOTS))?;
        }
        let all: Vec<u32> = (0..media).collect();
        for part in all.chunks(usize::try_from(LINES)?) {
            let lines = part.iter().map(|index| (u64::from(*index), line(*index)));
            let lines = lines.collect();
            self.ask(Ask::Import { pool, lines })?;
        }
        Ok(())
    }

    fn pool(&mut self, name: &str) -> Result<ObjectNo> {
        let created = self.ask(Ask::CreatePool {
            parent: CATALOG,
            name: name.to_owned(),
            mode: 0o755,
        })?;
        let Reply::Created(no) = created else {
            return Err(anyhow!("no pool was made"));
        };
        let set = SetPool::MediaType("LTO-8".to_owned());
        self.ask(Ask::SetPool { no, set })?;
        Ok(no)
    }

    fn library(&mut self, index: u32, slots: u32) -> Result<()> {
        let created = self.ask(Ask::CreateLibrary {
            name: format!("lto{index}"),
            mode: 0o755,
        })?;
        let Reply::Created(no) = created else {
            return Err(anyhow!("no library was made"));
        };
        let driver = format!("virtual type=LTO-8 slots={slots} drives=2 cartridges=0");
        for set in [SetLibrary::Driver(driver), SetLibrary::Enabled(true)] {
            self.ask(Ask::SetLibrary { no, set })?;
        }
        // the inventory of an empty library is done here, or the daemon would do it while it is measured
        for work in fact::open_work(self.0.writer().db())? {
            let found = Ok(Vec::new());
            self.ask(Ask::Inventoried { work, found })?;
        }
        Ok(())
    }
}

fn line(index: u32) -> ImportLine {
    ImportLine {
        name: name(index),
        barcode: Some(format!("{index:07}L8")),
        slot: Some(SlotName {
            library: format!("lto{}", index / SLOTS),
            number: index % SLOTS + 1,
        }),
        ..ImportLine::default()
    }
}

/// Copies a kept catalog, to be used up.
pub(crate) fn copy(catalog: &Path, name: &str) -> Result<PathBuf> {
    let copy = catalog.with_file_name(name);
    fs::copy(catalog, &copy)?;
    for end in ["-wal", "-shm"] {
        let file = catalog.with_file_name(format!("{name}{end}"));
        if file.exists() {
            fs::remove_file(file)?;
        }
    }
    Ok(copy)
}

/// One commit for each allocation on one connection, without a mount: returns the time of all of them.
pub(crate) fn alone(catalog: &Path, count: u32, faults: &Faults) -> Result<Duration> {
    let writer = Writer::open(catalog, Durability::Full, faults.clone())?;
    let mut core = Core::new(writer, clock::Clock::default(), faults.clone())?;
    let pool = ntmsfs::store::read::pool_named(core.writer().db(), CATALOG, POOL)?;
    let pool = pool.context("the pool is there")?.no;
    let begun = clock::boot();
    for _ in 0..count {
        let request = Box::new(AllocateRequest::parse("timeout=0")?);
        let ask = Ask::Allocate {
            pool,
            request,
            name: None,
        };
        let batch = core.batch(&[(Caller::daemon(), ask)]);
        if !matches!(batch.answers.first(), Some(Ok(Reply::Allocated { .. }))) {
            return Err(anyhow!("not allocated: {:?}", batch.answers));
        }
    }
    Ok(clock::boot().saturating_sub(begun))
}
