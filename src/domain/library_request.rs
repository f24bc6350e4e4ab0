//! The library request: a verb and words, checked as far as that goes without a catalog.
//!
//! Invariants: a request is understood with every word or refused, with a sentence that names the word; whether the
//! named things exist is not decided here.
//!
//! Source: MS-RSMP, `MountNtmsMedia`, `DismountNtmsMedia`, `DismountNtmsDrive`, `InventoryNtmsLibrary`.

use super::allocate_request::{SideName, guid, side};
use super::error::{ErrorKind, Result};
use super::id::Guid;
use super::state::{InventoryMethod, WorkKind};
use super::time::Limit;
use super::words::{self, Known, Words};
use std::fmt;

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

/// The words that name a side; a request may name several.
const NAMES: [&str; 2] = ["media", "side"];

/// The words of a mount that may come more than once.
const MANY: [&str; 3] = ["media", "side", "drive"];

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
    /// Bring sides into drives.
    Mount(MountRequest),
    /// Say that media are not needed any more.
    Dismount(DismountRequest),
    /// Look what is in the slots.
    Inventory(InventoryMethod),
}

/// How a request names a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By the LMID of its logical medium.
    Media(Guid),
    /// By its identifier, or the name of its medium and its own.
    Side(SideName),
}

/// `MountNtmsMedia`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountRequest {
    /// What to mount, in the order of the answer: at least one, and none twice.
    pub targets: Vec<Target>,
    /// The drives by number, one for each target and none twice; empty: any.
    pub drives: Vec<u32>,
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
    /// Sides that the caller has mounted: at least one, and none twice.
    Targets(Vec<Target>),
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
            "mount" => mount(Words::collect_many(given, &MOUNT, &MANY)?).map(Self::Mount),
            "dismount" => {
                let found = Words::collect_many(given, &DISMOUNT, &NAMES)?;
                dismount(found).map(Self::Dismount)
            }
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

    /// Returns what names the sides, in the order of the line.
    pub fn targets(&self) -> &[Target] {
        match self {
            Self::Mount(request) => &request.targets,
            Self::Dismount(DismountRequest {
                what: Dismounted::Targets(targets),
                ..
            }) => targets,
            Self::Dismount(_) | Self::Inventory(_) => &[],
        }
    }

    /// Returns the lines of the requests for one side each that a request for several is made of; none if it is for one.
    pub fn parts(&self) -> Vec<String> {
        if self.targets().len() < 2 {
            return Vec::new();
        }
        let targets = self.targets().iter().enumerate();
        targets.map(|(at, target)| self.part(at, target)).collect()
    }

    fn part(&self, at: usize, target: &Target) -> String {
        match self {
            Self::Mount(request) => {
                let drive = request.drives.get(at);
                let drive = drive.map_or(String::new(), |number| format!(" drive={number}"));
                let mode = match request.write {
                    Some(true) => " write",
                    Some(false) => " read",
                    None => "",
                };
                format!("mount {target}{drive}{mode}")
            }
            Self::Dismount(request) if request.deferred => format!("dismount {target} deferred"),
            Self::Dismount(_) | Self::Inventory(_) => format!("dismount {target}"),
        }
    }
}

impl fmt::Display for Target {
    /// Writes the word of a request.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Media(id) => write!(f, "media={id}"),
            Self::Side(name) => write!(f, "side={}", words::quoted(&name.to_string())),
        }
    }
}

fn mount(mut found: Words) -> Result<MountRequest> {
    let targets = targets(&mut found)?;
    if targets.is_empty() {
        return Err(words::bad("mount", "media= or side= is missing"));
    }
    let (read, write) = (found.take("read").is_some(), found.take("write").is_some());
    let timeout = match found.take("timeout") {
        Some(text) => Limit::of("timeout", &text)?,
        None => Limit::Never,
    };
    Ok(MountRequest {
        drives: drives(&mut found, targets.len())?,
        targets,
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
    let drive = found.take("drive").map(|text| drive(&text)).transpose()?;
    let what = match (targets(&mut found)?, drive) {
        (targets, None) if !targets.is_empty() => Dismounted::Targets(targets),
        (targets, Some(number)) if targets.is_empty() => Dismounted::Drive(number),
        (_, Some(_)) => {
            return Err(words::bad("drive", "the medium is named already"));
        }
        (_, None) => {
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
    let mut given = InventoryMethod::ALL
        .iter()
        .filter(|method| found.take(method.word()).is_some());
    let method = given.next().copied().unwrap_or(InventoryMethod::Default);
    match given.next() {
        Some(second) => Err(words::bad(second.word(), "one method is enough")),
        None => Ok(LibraryRequest::Inventory(method)),
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

/// Reads what names the sides, in the order of the line. An identifier that comes twice is refused.
fn targets(found: &mut Words) -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    for (key, text) in found.take_all(&NAMES) {
        let target = target(key, &text)?;
        if targets.contains(&target) {
            return Err(ErrorKind::InvalidMedia.because(format!("{target} is given twice")));
        }
        targets.push(target);
    }
    Ok(targets)
}

fn target(key: &str, text: &str) -> Result<Target> {
    let target = match key {
        "media" => guid(key, text).map(|id| id.map(Target::Media)),
        _ => side(text).map(|name| name.map(Target::Side)),
    };
    let target = target.map_err(|refusal| ErrorKind::InvalidMedia.because(refusal.sentence))?;
    target.ok_or_else(|| ErrorKind::InvalidMedia.because("the nil identifier names no medium"))
}

/// Reads the drives: none, or one for each side.
fn drives(found: &mut Words, sides: usize) -> Result<Vec<u32>> {
    let mut drives = Vec::new();
    for (_, text) in found.take_all(&["drive"]) {
        let number = drive(&text)?;
        if drives.contains(&number) {
            return Err(words::bad("drive", &format!("{number} is given twice")));
        }
        drives.push(number);
    }
    if drives.is_empty() || drives.len() == sides {
        return Ok(drives);
    }
    let wrong = format!("{} drives are given for {sides} media", drives.len());
    Err(words::bad("drive", &wrong))
}

fn drive(text: &str) -> Result<u32> {
    words::number("drive", text, 0..=DRIVE_MAX)
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
        assert_eq!(request.targets, [Target::Media(Guid::parse(ID).unwrap())]);
        assert_eq!((request.drives, request.write), (vec![2], Some(false)));
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
    fn several_are_asked_for_in_one_line() {
        let parts = |line: &str| LibraryRequest::parse(line).unwrap().parts();
        let line = format!("mount side=\"a b/A\" drive=2 lmid={{{ID}}} read drive=1 priority=3");
        let of_a = "mount side=\"a b/A\" drive=2 read".to_owned();
        let of_b = format!("mount media={ID} drive=1 read");
        assert_eq!(parts(&line), [of_a, of_b]);
        assert_eq!(
            parts("dismount side=a/A side=b/A deferred"),
            [
                "dismount side=a/A deferred".to_owned(),
                "dismount side=b/A deferred".to_owned()
            ]
        );
        assert!(parts("mount side=a/A").is_empty() && parts("dismount drive=1").is_empty());
        for line in [&line, "dismount side=a/A side=\"b b/B\""] {
            for part in parts(line) {
                let again = LibraryRequest::parse(&part).unwrap();
                assert_eq!(again.targets().len(), 1, "{part}");
            }
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
        for (line, method) in [
            ("inventory", InventoryMethod::Default),
            ("inventory default", InventoryMethod::Default),
            ("inventory fast", InventoryMethod::Fast),
            ("inventory omid", InventoryMethod::Omid),
            ("inventory none", InventoryMethod::None),
            ("inventory stop", InventoryMethod::Stop),
        ] {
            assert_eq!(
                LibraryRequest::parse(line),
                Ok(LibraryRequest::Inventory(method))
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        use ErrorKind::{InvalidMedia, InvalidParameter, NotSupported};
        let twice = format!("mount media={ID} lmid={{{ID}}}");
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
            (&twice, InvalidMedia, "twice"),
            ("mount side=a/A side=b/A drive=1", InvalidParameter, "drive"),
            (
                "mount side=a/A side=b/A drive=1 drive=1",
                InvalidParameter,
                "drive: 1 is given twice",
            ),
            ("mount side=a/A read read", InvalidParameter, "read"),
            ("dismount side=a/A side=a/A", InvalidMedia, "twice"),
            ("dismount drive=1 drive=2", InvalidParameter, "drive"),
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
