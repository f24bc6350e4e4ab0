//! Libraries whose hands are a person's: the drivers `manual` and `standalone`.
//!
//! Invariants: those of [`super::driver`].

use super::error::Result;
use super::words::{self, Known, Words};
use std::fmt;

/// Most places of a shelf; as many as a robotic library can have slots.
const PLACES_MAX: u32 = 65_535;

const MANUAL: [Known; 3] = [
    ("type=", "type"),
    ("slots=", "slots"),
    ("device=", "device"),
];
const STANDALONE: [Known; 1] = [("type=", "type")];

/// One drive, and a person who puts media into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandSpec {
    /// The name of the type of its media, a valid object name.
    pub media_type: String,
    /// Places of the shelf, 0 to 65535; a stand-alone drive has none.
    pub slots: u32,
    /// The drive as programs open it, an absolute path.
    pub device: String,
    /// No shelf belongs to the drive: a medium is in it until another one is wanted.
    pub standalone: bool,
}

impl HandSpec {
    /// Reads the words of `manual type=… device=/… [slots=…]`.
    pub fn manual(given: impl Iterator<Item = String>) -> Result<Self> {
        let mut found = Words::collect(given, &MANUAL)?;
        let slots = found.take("slots");
        Ok(Self {
            media_type: media_type(&mut found)?,
            slots: slots.map_or(Ok(100), |text| {
                words::number("slots", &text, 1..=PLACES_MAX)
            })?,
            device: device(&found.take("device").unwrap_or_default())?,
            standalone: false,
        })
    }

    /// Reads the words of `standalone /… type=…`.
    pub fn standalone(mut given: impl Iterator<Item = String>) -> Result<Self> {
        let device = device(&given.next().unwrap_or_default())?;
        let mut found = Words::collect(given, &STANDALONE)?;
        Ok(Self {
            media_type: media_type(&mut found)?,
            slots: 0,
            device,
            standalone: true,
        })
    }
}

fn media_type(found: &mut Words) -> Result<String> {
    let given = found.take("type");
    let text = given.ok_or_else(|| words::bad("type", "this word is missing"))?;
    words::object_name("type", &text)
}

/// Checks the path of a device.
fn device(text: &str) -> Result<String> {
    if !text.starts_with('/') {
        let wrong = format!("{} is not an absolute path", words::shown(text));
        return Err(words::bad("device", &wrong));
    }
    words::text("device", text, 2..=1024)
}

impl fmt::Display for HandSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (device, media_type) = (words::quoted(&self.device), words::quoted(&self.media_type));
        if self.standalone {
            write!(f, "standalone {device} type={media_type}")
        } else {
            write!(
                f,
                "manual type={media_type} slots={} device={device}",
                self.slots
            )
        }
    }
}
