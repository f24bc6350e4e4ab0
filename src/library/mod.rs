//! Libraries: what holds and moves media. One small trait, which so far takes inventory; moves and drives are to come.
//! The virtual library is its only implementation.
//!
//! Invariants: only a worker calls a library, never a file operation or the committer; a library knows nothing of
//! pools, requests or the catalog.

mod simulated;

use crate::domain::ask::Found;
use crate::domain::driver::Driver;
use crate::domain::error::Result;

pub use simulated::Simulated;

/// What the catalog believes to be in a slot: its number from 1, bar code, name of the media type.
pub type Believed = (u32, Option<String>, String);

/// A changer with its slots and drives.
pub trait Library: Send {
    /// Looks into every slot and says what is there. `believed` is what the catalog has there now. May take as long as
    /// the device takes. Errors are those of the device.
    fn inventory(&self, believed: &[Believed]) -> Result<Vec<Found>>;
}

/// Makes the library of that name which the text of a `driver` file describes. What [`Driver::parse`] refuses is
/// refused.
pub fn open(name: &str, driver: &str) -> Result<Box<dyn Library>> {
    let Driver::Virtual(spec) = Driver::parse(driver)?;
    Ok(Box::new(Simulated::new(name, spec)))
}
