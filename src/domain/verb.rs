//! The library request: a verb and words, checked as far as that goes without a catalog.
//!
//! Invariants: a request is understood with every word or refused, with a sentence that names the word; whether the
//! named things exist is not decided here.
//!
//! Source: MS-RSMP, `MountNtmsMedia`, `DismountNtmsMedia`, `DismountNtmsDrive`, `InventoryNtmsLibrary`.

use super::error::{ErrorKind, Result};
use super::id::Guid;
use super::request::{SideName, guid, side};
use super::state::WorkKind;
use super::time::Limit;
use super::words::{self, Known, Words};

/// Highest number of a drive: the addresses of elements are 16 bits wide (SMC-3).
const DRIVE_MAX: u32 = 65_535;

/// Highest and, negated, lowest priority (`NtmsMountPriority`).
const PRIORITY_MAX: i64 = 15;

const MOUNT: [Known; 10] = [
    ("media=", "media"),
    ("lmid=", "media"),
    ("side=", "side"),
    ("drive=", "drive"),
    ("read", "read"),
    ("write", "write"),
    ("priority=", "priority"),
    ("timeout=", "timeout"),
    ("error-if-unavailable", "error-if-unavailable"),
    ("error-if-offline", "error-if-offline"),
];

const DISMOUNT: [Known; 6] = [
    ("media=", "media"),
    ("lmid=", "media"),
    ("side=", "side"),
    ("drive=", "drive"),
    ("deferred", "deferred"),
    ("immediate", "immediate"),
];

/// What an inventory may be asked for (`NtmsInventoryMethod`).
const METHODS: [Known; 5] = [
    ("fast", "fast"),
    ("omid", "omid"),
    ("default", "default"),
    ("none", "none"),
    ("stop", "stop"),
];

/// The verbs that need a robot, with their words.
const ROBOT: [(&str, &[Known]); 7] = [
    ("identify", &[("slot=", "slot")]),
    (
        "eject",
        &[
            ("medium=", "medium"),
            ("barcode=", "barcode"),
            ("slot=", "slot"),
            ("port=", "port"),
            ("force", "force"),
            ("queue", "queue"),
            ("stop", "stop"),
        ],
    ),
    (
        "inject",
        &[
            ("many", "many"),
            ("stop", "stop"),
            ("retract", "retract"),
            ("timeout=", "timeout"),
        ],
    ),
    ("move", &[("medium=", "medium"), ("slot=", "slot")]),
    (
        "door",
        &[("fast", "fast"), ("omid", "omid"), ("none", "none")],
    ),
    ("clean", &[("drive=", "drive")]),
    (
        "cleaner",
        &[
            ("reserve", "reserve"),
            ("release", "release"),
            ("inject", "inject"),
            ("eject", "eject"),
            ("slot=", "slot"),
        ],
    ),
];

/// A request to a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LibraryRequest {
    /// Bring a side into a drive.
    Mount(MountRequest),
    /// Say that a medium is not needed any more.
    Dismount(DismountRequest),
    /// Look what is in the slots; false: there is nothing to look at (`none`, `stop`).
    Inventory(bool),
}

/// How a request names a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By the LMID of its logical medium.
    Media(Guid),
    /// By its identifier, or the name of its medium and its own.
    Side(SideName),
}

/// `MountNtmsMedia` for one medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountRequest {
    /// What to mount.
    pub target: Target,
    /// The drive, by number; `None`: any.
    pub drive: Option<u32>,
    /// Whether it is to be written; `None`: if it may be.
    pub write: Option<bool>,
    /// Higher is served first, -15 to 15.
    pub priority: i64,
    /// How long to wait.
    pub timeout: Limit,
    /// Fail at once if the medium or every drive is in use.
    pub error_if_unavailable: bool,
    /// Fail at once if the medium is on a shelf.
    pub error_if_offline: bool,
}

/// `DismountNtmsMedia`, or `DismountNtmsDrive`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DismountRequest {
    /// What to dismount.
    pub what: Dismounted,
    /// The medium stays in the drive until that is needed.
    pub deferred: bool,
}

/// What a dismount names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dismounted {
    /// A side that the caller has mounted.
    Target(Target),
    /// Whatever is in the drive of that number.
    Drive(u32),
}

impl LibraryRequest {
    /// Reads one complete request, a line without its newline.
    ///
    /// Refused with [`ErrorKind::InvalidParameter`] and a sentence that names the word, with
    /// [`ErrorKind::InvalidMedia`] if what names the medium is no identifier, and with
    /// [`ErrorKind::NotSupported`] if the verb needs a robot.
    pub fn parse(line: &str) -> Result<Self> {
        let mut given = words::split(line)?.into_iter();
        let verb = given.next().unwrap_or_default();
        match verb.as_str() {
            "mount" => mount(Words::collect(given, &MOUNT)?).map(Self::Mount),
            "dismount" => dismount(Words::collect(given, &DISMOUNT)?).map(Self::Dismount),
            "inventory" => inventory(Words::collect(given, &METHODS)?),
            "" => Err(words::bad("request", "no verb; try mount or dismount")),
            other => robot(other, given),
        }
    }

    /// Returns what the library has to do.
    pub fn kind(&self) -> WorkKind {
        match self {
            Self::Mount(_) => WorkKind::Mount,
            Self::Dismount(_) => WorkKind::Dismount,
            Self::Inventory(_) => WorkKind::Inventory,
        }
    }

    /// Returns what names the side, if something does.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Mount(request) => Some(&request.target),
            Self::Dismount(DismountRequest {
                what: Dismounted::Target(target),
                ..
            }) => Some(target),
            Self::Dismount(_) | Self::Inventory(_) => None,
        }
    }
}

fn mount(mut found: Words) -> Result<MountRequest> {
    let target =
        target(&mut found)?.ok_or_else(|| words::bad("mount", "media= or side= is missing"))?;
    let (read, write) = (found.take("read").is_some(), found.take("write").is_some());
    let timeout = match found.take("timeout") {
        Some(text) => Limit::parse(&text).map_err(|e| words::bad("timeout", &e.sentence))?,
        None => Limit::Never,
    };
    Ok(MountRequest {
        target,
        drive: drive(&mut found)?,
        write: (read || write).then_some(write),
        priority: found
            .take("priority")
            .map_or(Ok(0), |text| priority(&text))?,
        timeout,
        error_if_unavailable: found.take("error-if-unavailable").is_some(),
        error_if_offline: found.take("error-if-offline").is_some(),
    })
}

fn dismount(mut found: Words) -> Result<DismountRequest> {
    let what = match (target(&mut found)?, drive(&mut found)?) {
        (Some(target), None) => Dismounted::Target(target),
        (None, Some(number)) => Dismounted::Drive(number),
        (Some(_), Some(_)) => {
            return Err(words::bad("drive", "the medium is named already"));
        }
        (None, None) => {
            return Err(words::bad("dismount", "media=, side= or drive= is missing"));
        }
    };
    let deferred = found.take("deferred").is_some();
    if deferred && found.take("immediate").is_some() {
        return Err(words::bad("immediate", "deferred is given already"));
    }
    Ok(DismountRequest { what, deferred })
}

fn inventory(mut found: Words) -> Result<LibraryRequest> {
    let given: Vec<&str> = METHODS
        .iter()
        .map(|row| row.1)
        .filter(|word| found.take(word).is_some())
        .collect();
    match given.as_slice() {
        ["none" | "stop"] => Ok(LibraryRequest::Inventory(false)),
        [_, second, ..] => Err(words::bad(second, "one method is enough")),
        [] | [_] => Ok(LibraryRequest::Inventory(true)),
    }
}

/// The verbs that need a robot are read to their end, so that a wrong word is named, and then refused.
fn robot<T>(verb: &str, given: impl Iterator<Item = String>) -> Result<T> {
    let Some((verb, known)) = ROBOT.iter().find(|row| row.0 == verb) else {
        let verbs = ROBOT.iter().map(|row| row.0);
        return Err(words::unknown(
            verb,
            verbs.chain(["mount", "dismount", "inventory"]),
        ));
    };
    Words::collect(given, known)?;
    Err(ErrorKind::NotSupported.because(format!(
        "{verb} needs a robot, and this version drives none"
    )))
}

/// Reads what names a side; both names together are refused.
fn target(found: &mut Words) -> Result<Option<Target>> {
    let invalid =
        |refusal: super::error::Refusal| ErrorKind::InvalidMedia.because(refusal.sentence);
    let nil = || ErrorKind::InvalidMedia.because("the nil identifier names no medium");
    match (found.take("media"), found.take("side")) {
        (None, None) => Ok(None),
        (Some(text), None) => {
            let id = guid("media", &text).map_err(invalid)?.ok_or_else(nil)?;
            Ok(Some(Target::Media(id)))
        }
        (None, Some(text)) => {
            let name = side(&text).map_err(invalid)?.ok_or_else(nil)?;
            Ok(Some(Target::Side(name)))
        }
        (Some(_), Some(_)) => Err(words::bad("side", "the medium is named by media already")),
    }
}

fn drive(found: &mut Words) -> Result<Option<u32>> {
    found
        .take("drive")
        .map(|text| words::number("drive", &text, 0..=DRIVE_MAX))
        .transpose()
}

fn priority(text: &str) -> Result<i64> {
    let value = text.parse::<i64>().ok();
    value
        .filter(|value| (-PRIORITY_MAX..=PRIORITY_MAX).contains(value))
        .ok_or_else(|| {
            let wrong = format!("{} is not a number from -15 to 15", words::shown(text));
            words::bad("priority", &wrong)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198c2f0-1111-7abc-8def-0123456789ab";

    #[test]
    fn mounts_are_read() {
        let line =
            format!("mount media={ID} drive=2 read priority=-15 timeout=90s error-if-offline");
        let Ok(LibraryRequest::Mount(request)) = LibraryRequest::parse(&line) else {
            panic!("{line}")
        };
        assert_eq!(request.target, Target::Media(Guid::parse(ID).unwrap()));
        assert_eq!((request.drive, request.write), (Some(2), Some(false)));
        assert_eq!(
            (request.priority, request.timeout),
            (-15, Limit::Ms(90_000))
        );
        assert!(request.error_if_offline && !request.error_if_unavailable);
        for (words, write) in [
            ("", None),
            (" write", Some(true)),
            (" read write", Some(true)),
        ] {
            let Ok(LibraryRequest::Mount(request)) =
                LibraryRequest::parse(&format!("mount side=A1/B{words}"))
            else {
                panic!("{words}")
            };
            assert_eq!((request.write, request.priority), (write, 0), "{words}");
        }
    }

    #[test]
    fn dismounts_and_inventories_are_read() {
        let deferred = |line: &str| match LibraryRequest::parse(line) {
            Ok(LibraryRequest::Dismount(request)) => request.deferred,
            other => panic!("{line}: {other:?}"),
        };
        assert!(!deferred(&format!("dismount media={ID}")));
        assert!(!deferred("dismount drive=1 immediate"));
        assert!(deferred("dismount side=A1/A deferred"));
        for (line, looks) in [
            ("inventory", true),
            ("inventory fast", true),
            ("inventory omid", true),
            ("inventory none", false),
            ("inventory stop", false),
        ] {
            assert_eq!(
                LibraryRequest::parse(line),
                Ok(LibraryRequest::Inventory(looks))
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        use ErrorKind::{InvalidMedia, InvalidParameter, NotSupported};
        let twice = format!("mount media={ID} side=A1/A");
        for (line, kind, named) in [
            ("", InvalidParameter, "verb"),
            ("mout media=x", InvalidParameter, "mount"),
            ("mount", InvalidParameter, "media="),
            ("mount media=x", InvalidMedia, "GUID"),
            (
                "mount media=00000000-0000-0000-0000-000000000000",
                InvalidMedia,
                "nil",
            ),
            ("mount side=A1/A priority=16", InvalidParameter, "priority"),
            (
                "mount side=A1/A priority=high",
                InvalidParameter,
                "priority",
            ),
            ("mount side=A1/A timeout=soon", InvalidParameter, "timeout"),
            ("mount side=A1/A drive=x", InvalidParameter, "drive"),
            ("mount side=A1/A later", InvalidParameter, "later"),
            (&twice, InvalidParameter, "media"),
            ("dismount", InvalidParameter, "drive="),
            ("dismount drive=1 side=A1/A", InvalidParameter, "drive"),
            (
                "dismount drive=1 deferred immediate",
                InvalidParameter,
                "immediate",
            ),
            ("inventory fast omid", InvalidParameter, "omid"),
            ("eject medium=A1 port=1", NotSupported, "eject"),
            ("eject now", InvalidParameter, "now"),
            ("identify slot=4", NotSupported, "identify"),
            ("cleaner reserve slot=4", NotSupported, "cleaner"),
            ("door", NotSupported, "door"),
        ] {
            let refusal = LibraryRequest::parse(line).unwrap_err();
            assert_eq!(refusal.kind, kind, "{line}: {refusal}");
            assert!(refusal.sentence.contains(named), "{line}: {refusal}");
        }
    }
}
