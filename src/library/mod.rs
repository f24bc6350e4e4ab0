//! Libraries: what holds and moves media. One small trait; a driver is one implementation of it.
//!
//! Invariants: only a worker calls a library, never a file operation or the committer; a library knows nothing of
//! pools, requests or the catalog. A call may take as long as the device takes, and may be repeated after a crash: what
//! [`Library::inside`] says is what is true, whatever the catalog believes.
//!
//! The calls are the moves of a media changer (SMC-3): [`Library::fetch`] and [`Library::put_back`] are MOVE MEDIUM
//! between a slot and a drive, [`Library::load`] and [`Library::unload`] are the LOAD UNLOAD of the drive, with the label
//! read in between.

mod beginning;
mod hand;
mod simulated;

use crate::domain::ask::Found;
use crate::domain::driver::Driver;
use crate::domain::error::Result;
use crate::domain::id::Guid;
use crate::domain::label::MediaLabel;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use hand::Hand;
pub use simulated::Simulated;

/// What the catalog believes to be in a slot: its number from 1, bar code, name of the media type.
pub type Believed = (u32, Option<String>, String);

/// Lets time go by as a device does. False: the service stops, and the call has to end with a failure.
pub type Pause = Arc<dyn Fn(Duration) -> bool + Send + Sync>;

/// One side of a medium, as a library handles it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cartridge {
    /// Identifier of the side: what its label says.
    pub side: Guid,
    /// The slot that the medium is at home in, from 1.
    pub slot: Option<u32>,
    /// User who may open the device.
    pub uid: u32,
    /// Whether that user may write.
    pub writes: bool,
    /// What is written on the side, if that is known.
    pub label: Option<MediaLabel>,
}

/// A changer with its slots and drives. Drives count from 1. Errors are those of the device, with a sentence.
pub trait Library: Send + Sync {
    /// Looks into every slot and says what is there. `believed` is what the catalog has there now.
    fn inventory(&self, believed: &[Believed]) -> Result<Vec<Found>>;

    /// Returns the side that is up in a drive; `None`: the drive is empty.
    fn inside(&self, drive: u32) -> Result<Option<Guid>>;

    /// Brings a medium from its slot into an empty drive. On failure it is in its slot.
    fn fetch(&self, cartridge: &Cartridge, drive: u32) -> Result<()>;

    /// Makes the drive ready, reads the label and compares it, and gives the device to the user. Returns its path. Another
    /// label is [`crate::domain::error::ErrorKind::UnexpectedOmid`]. On failure the medium is in the drive.
    fn load(&self, cartridge: &Cartridge, drive: u32) -> Result<String>;

    /// Takes the device back from the user who had it; the medium stays in the drive, ready.
    fn release(&self, drive: u32) -> Result<()>;

    /// Takes the device back and lets the drive give the medium out. On failure the medium is in the drive.
    fn unload(&self, drive: u32) -> Result<()>;

    /// Brings the medium from a drive to a slot. On failure the medium is in the drive.
    fn put_back(&self, drive: u32, slot: Option<u32>) -> Result<()>;
}

/// What a driver is told of its library.
#[derive(Clone)]
pub struct Place {
    /// Identifier of the library.
    pub id: Guid,
    /// Its name.
    pub name: String,
    /// A directory for what a library without hardware has to keep.
    pub dir: PathBuf,
    /// How it waits.
    pub pause: Pause,
}

/// Makes the library that the text of a `driver` file describes. What [`Driver::parse`] refuses is refused.
pub fn open(place: Place, driver: &str) -> Result<Arc<dyn Library>> {
    Ok(match Driver::parse(driver)? {
        Driver::Virtual(spec) => Arc::new(Simulated::new(place, spec)),
        Driver::Hand(spec) => Arc::new(Hand::new(spec)),
    })
}
