//! What stands behind a library: the text of its `driver` file.
//!
//! Invariants: a specification is complete and within its limits, so whoever builds the library need not check
//! again; [`std::fmt::Display`] writes what `parse` reads back to the same value.

use super::error::{ErrorKind, Result};
use super::fault::StepFaults;
use super::hand::HandSpec;
use super::import::BARCODE_MAX;
use super::time::Limit;
use super::words::{self, Known, Words};
use std::fmt;

/// Most slots: the addresses of elements are 16 bits wide (SMC-3).
const SLOTS_MAX: u32 = 65_535;

/// Most drives of a virtual library.
const DRIVES_MAX: u32 = 256;

/// Most ports of a virtual library.
const PORTS_MAX: u32 = 64;

/// Drivers that the interface names and this version does not have.
const FOREIGN: [&str; 2] = ["scsi", "iscsi"];

/// Drivers that this version has.
const OURS: [&str; 3] = ["virtual", "manual", "standalone"];

/// The words of the virtual driver.
const WORDS: [Known; 10] = [
    ("type=", "type"),
    ("slots=", "slots"),
    ("drives=", "drives"),
    ("ports=", "ports"),
    ("cartridges=", "cartridges"),
    ("label=", "label"),
    ("barcodes=", "barcodes"),
    ("load_time=", "load_time"),
    ("move_time=", "move_time"),
    ("fault=", "fault"),
];

/// A driver and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driver {
    /// A library that exists in the catalog only.
    Virtual(VirtualSpec),
    /// A drive, a person, and a shelf if it has one.
    Hand(HandSpec),
}

/// How large a library is, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape<'a> {
    /// The name of the type of its media.
    pub media_type: &'a str,
    /// Slots, or places of a shelf.
    pub slots: u32,
    /// Drives.
    pub drives: u32,
    /// Ports.
    pub ports: u32,
}

/// A virtual library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualSpec {
    /// The name of the type of its media, a valid object name.
    pub media_type: String,
    /// How many slots it has, 1 to 65535.
    pub slots: u32,
    /// How many drives it has, 0 to 256.
    pub drives: u32,
    /// How many ports it has, 0 to 64.
    pub ports: u32,
    /// How many cartridges are in it at first, 0 to `slots`.
    pub cartridges: u32,
    /// What is written on them.
    pub label: Label,
    /// The bar codes of the cartridges; `None`: [`BarcodePattern::of_library`].
    pub barcodes: Option<BarcodePattern>,
    /// How long a drive takes to load a medium, in milliseconds.
    pub load_time_ms: u32,
    /// How long the changer takes for one move, in milliseconds.
    pub move_time_ms: u32,
    /// Steps that fail.
    pub faults: StepFaults,
}

impl VirtualSpec {
    /// Returns the bar code of a cartridge, from 1, in the library of that name.
    pub fn barcode(&self, library: &str, cartridge: u32) -> Result<String> {
        match &self.barcodes {
            Some(pattern) => Ok(pattern.render(cartridge)),
            None => Ok(BarcodePattern::of_library(library, self.cartridges)?.render(cartridge)),
        }
    }
}

/// What an inventory finds on the cartridges of a virtual library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Label {
    /// The label of a free medium.
    #[default]
    Free,
    /// Nothing.
    Blank,
    /// The label of another program.
    Foreign,
    /// A label that is understood, of a medium that another catalog has.
    Import,
}

/// The words of the labels.
const LABELS: [(&str, Label); 4] = [
    ("free", Label::Free),
    ("blank", Label::Blank),
    ("foreign", Label::Foreign),
    ("import", Label::Import),
];

/// The bar code of each cartridge: text around one number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BarcodePattern {
    /// The text before the number.
    before: String,
    /// How many digits the number has at least, 0 to 9; 0 is written `%d`.
    digits: usize,
    /// The text after the number.
    after: String,
}

impl Driver {
    /// Reads the text of a `driver` file: the driver's word, then its parameters in any order. Whatever is unknown,
    /// repeated, missing, out of range or not in this version is [`ErrorKind::InvalidParameter`] naming the word.
    pub fn parse(text: &str) -> Result<Self> {
        let mut given = words::split(text)?.into_iter();
        let driver = given.next().unwrap_or_default();
        match driver.as_str() {
            "virtual" => {
                let found = Words::collect(given, &WORDS)?;
                VirtualSpec::from_words(found).map(Self::Virtual)
            }
            "manual" => HandSpec::manual(given).map(Self::Hand),
            "standalone" => HandSpec::standalone(given).map(Self::Hand),
            "" => Err(words::bad("driver", "no driver is named; try virtual")),
            word if FOREIGN.contains(&word) => Err(words::bad(
                word,
                "this driver is not supported by this version",
            )),
            word => Err(words::unknown(word, FOREIGN.into_iter().chain(OURS))),
        }
    }

    /// Returns how large the library is, and for what.
    pub fn shape(&self) -> Shape<'_> {
        match self {
            Self::Virtual(spec) => Shape {
                media_type: &spec.media_type,
                slots: spec.slots,
                drives: spec.drives,
                ports: spec.ports,
            },
            Self::Hand(spec) => Shape {
                media_type: &spec.media_type,
                slots: spec.slots,
                drives: 1,
                ports: 0,
            },
        }
    }
}

impl VirtualSpec {
    /// Makes a specification of its words.
    fn from_words(mut found: Words) -> Result<Self> {
        let mut take = |key| found.take(key);
        let media_type = words::object_name("type", &required("type", take("type"))?)?;
        let slots = required("slots", take("slots"))?;
        let slots = words::number("slots", &slots, 1..=SLOTS_MAX)?;
        let mut number = |key, default, high| match take(key) {
            Some(value) => words::number(key, &value, 0..=high),
            None => Ok(default),
        };
        let drives = number("drives", 1, DRIVES_MAX)?;
        let ports = number("ports", 0, PORTS_MAX)?;
        let cartridges = number("cartridges", 0, slots)?;
        let label = take("label").map(|value| label(&value)).transpose()?;
        let barcodes = take("barcodes")
            .map(|value| BarcodePattern::parse(&value, cartridges))
            .transpose()?;
        Ok(Self {
            media_type,
            slots,
            drives,
            ports,
            cartridges,
            label: label.unwrap_or_default(),
            barcodes,
            load_time_ms: duration("load_time", take("load_time"))?,
            move_time_ms: duration("move_time", take("move_time"))?,
            faults: take("fault")
                .map_or(Ok(StepFaults::default()), |text| StepFaults::parse(&text))?,
        })
    }
}

/// Returns the value of a word that must be there.
fn required(key: &str, value: Option<String>) -> Result<String> {
    value.ok_or_else(|| words::bad(key, "this word is missing"))
}

/// Reads a label.
fn label(text: &str) -> Result<Label> {
    let row = LABELS.iter().find(|row| row.0 == text);
    row.map(|row| row.1).ok_or_else(|| {
        let wrong = format!(
            "{} is not free, blank, foreign or import",
            words::shown(text)
        );
        words::bad("label", &wrong)
    })
}

/// Reads a duration in milliseconds, 0 if it was left out; never is not a duration.
fn duration(key: &str, text: Option<String>) -> Result<u32> {
    let Some(text) = text else { return Ok(0) };
    let limit = Limit::of(key, &text)?.ms();
    limit.ok_or_else(|| words::bad(key, &format!("{} would never end", words::shown(&text))))
}

impl BarcodePattern {
    /// Reads a pattern: text with exactly one `%d` or `%0Nd` (N from 1 to 9), where `%%` is a percent sign. The
    /// codes of cartridge 1 and of the last one must have 1 to 64 printable characters; what lies between is never
    /// longer. Refused with [`ErrorKind::InvalidParameter`] naming `barcodes`.
    pub fn parse(text: &str, cartridges: u32) -> Result<Self> {
        let (before, rest) = literal(text);
        let (digits, rest) = number_mark(rest).ok_or_else(|| wrong_pattern(text))?;
        let (after, rest) = literal(rest);
        if !rest.is_empty() {
            return Err(wrong_pattern(text));
        }
        let pattern = Self {
            before,
            digits,
            after,
        };
        for n in [1, cartridges] {
            words::text("barcodes", &pattern.render(n), 1..=BARCODE_MAX)?;
        }
        Ok(pattern)
    }

    /// Returns the pattern of a library that was given none: its name, a hyphen and four digits. A library whose
    /// name is too long for a bar code is refused as [`BarcodePattern::parse`] refuses.
    pub fn of_library(name: &str, cartridges: u32) -> Result<Self> {
        Self::parse(&format!("{}-%04d", name.replace('%', "%%")), cartridges)
    }

    /// Returns the bar code of a cartridge, counted from 1.
    pub fn render(&self, n: u32) -> String {
        let (before, digits, after) = (&self.before, self.digits, &self.after);
        format!("{before}{n:0digits$}{after}")
    }
}

/// The refusal of a pattern.
fn wrong_pattern(text: &str) -> super::error::Refusal {
    let shown = words::shown(text);
    ErrorKind::InvalidParameter.because(format!(
        "barcodes: {shown} needs exactly one number such as %04d; a percent sign is %%"
    ))
}

/// Reads literal text up to the mark of a number or the end; returns it and the rest.
fn literal(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('%') {
        out.push_str(head);
        let Some(next) = tail.strip_prefix('%') else {
            return (out, rest.strip_prefix(head).unwrap_or(rest));
        };
        out.push('%');
        rest = next;
    }
    out.push_str(rest);
    (out, "")
}

/// Reads `%d` or `%0Nd`; returns N, or 0 if there is none, and the rest.
fn number_mark(text: &str) -> Option<(usize, &str)> {
    let mark = text.strip_prefix('%')?;
    if let Some(rest) = mark.strip_prefix('d') {
        return Some((0, rest));
    }
    let mark = mark.strip_prefix('0')?;
    (1..=9).find_map(|digits| {
        let rest = mark.strip_prefix(&format!("{digits}d"))?;
        Some((digits, rest))
    })
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Virtual(spec) => write!(f, "virtual {spec}"),
            Self::Hand(spec) => spec.fmt(f),
        }
    }
}

impl fmt::Display for VirtualSpec {
    /// Writes every word, so that a default that changes one day changes no library.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let media_type = words::quoted(&self.media_type);
        let (slots, drives, ports) = (self.slots, self.drives, self.ports);
        write!(
            f,
            "type={media_type} slots={slots} drives={drives} ports={ports}"
        )?;
        write!(f, " cartridges={} label={}", self.cartridges, self.label)?;
        if let Some(pattern) = &self.barcodes {
            write!(f, " barcodes={}", words::quoted(&pattern.to_string()))?;
        }
        let (load, step) = (Limit::Ms(self.load_time_ms), Limit::Ms(self.move_time_ms));
        write!(f, " load_time={load} move_time={step}")?;
        if self.faults.is_empty() {
            return Ok(());
        }
        write!(f, " fault={}", self.faults)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Free => "free",
            Self::Blank => "blank",
            Self::Foreign => "foreign",
            Self::Import => "import",
        })
    }
}

impl fmt::Display for BarcodePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.before.replace('%', "%%"))?;
        match self.digits {
            0 => f.write_str("%d")?,
            digits => write!(f, "%0{digits}d")?,
        }
        f.write_str(&self.after.replace('%', "%%"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::option::of;
    use proptest::prelude::*;

    fn spec(text: &str) -> VirtualSpec {
        let Driver::Virtual(spec) = Driver::parse(text).unwrap() else {
            panic!("{text}")
        };
        spec
    }

    #[test]
    fn a_library_in_words() {
        let least = spec("virtual slots=40 type=LTO-8");
        assert_eq!((least.drives, least.ports, least.cartridges), (1, 0, 0));
        assert_eq!((least.label, least.barcodes), (Label::Free, None));
        let text = "virtual type=LTO-8 slots=40 drives=2 ports=2 cartridges=30 label=blank \
                    barcodes=\"A%04dL8\" load_time=1500ms move_time=2s fault=load:2,label:3";
        assert_eq!(
            Driver::parse(text).unwrap().to_string().replace('"', ""),
            text.replace('"', "")
        );
        for text in [
            "manual type=LTO-8 slots=20 device=/dev/nst0",
            "standalone /dev/nst0 type=LTO-8",
        ] {
            assert_eq!(Driver::parse(text).unwrap().to_string(), text);
        }
        let pattern = spec(text).barcodes.unwrap();
        assert_eq!(pattern.render(7), "A0007L8");
    }

    #[test]
    fn refused_drivers_name_the_word() {
        for (text, named) in [
            ("", "driver: "),
            ("scsi /dev/sg3", "scsi: this driver is not supported"),
            ("iscsi x", "not supported by this version"),
            ("manual", "type: "),
            ("manual type=L device=nst0", "device: "),
            ("manual type=L device=/dev/nst0 slots=0", "slots: "),
            ("standalone", "device: "),
            ("standalone /dev/nst0", "type: "),
            ("standalone /dev/nst0 type=L slots=1", "there are "),
            ("virtual type=L slots=1 fault=load", "fault: "),
            ("virtuel", "the nearest one is virtual"),
            ("virtual slots=4", "type: this word is missing"),
            ("virtual type=LTO-8", "slots: this word is missing"),
            ("virtual type=a/b slots=1", "type: "),
            ("virtual type=L slots=0", "slots: "),
            ("virtual type=L slots=65536", "slots: "),
            ("virtual type=L slots=1 drives=257", "drives: "),
            ("virtual type=L slots=1 ports=65", "ports: "),
            ("virtual type=L slots=1 cartridges=2", "cartridges: "),
            ("virtual type=L slots=1 slots=1", "slots is given twice"),
            ("virtual type=L slotz=1", "the nearest one is slots="),
            ("virtual type=L slots=1 label=new", "label: "),
            ("virtual type=L slots=1 load_time=infinite", "load_time: "),
            ("virtual type=L slots=1 move_time=1.5s", "move_time: "),
            ("virtual type=L slots=1 barcodes=A", "barcodes: "),
            ("virtual type=L slots=1 # more", "#"),
        ] {
            let refusal = Driver::parse(text).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{text}");
            assert!(refusal.sentence.contains(named), "{text}: {refusal}");
        }
    }

    #[test]
    fn patterns_of_bar_codes() {
        for (text, one, thousand) in [
            ("%d", "1", "1000"),
            ("%01d", "1", "1000"),
            ("A%04dL8", "A0001L8", "A1000L8"),
            ("%%%03d%%d", "%001%d", "%1000%d"),
            ("\u{e9}%09d", "\u{e9}000000001", "\u{e9}000001000"),
        ] {
            let pattern = BarcodePattern::parse(text, 1000).unwrap();
            assert_eq!(pattern.render(1), one);
            assert_eq!(pattern.render(1000), thousand);
            assert_eq!(pattern.to_string(), text);
        }
        for bad in [
            "", "A", "%", "%%d", "%d%d", "%d%", "%4d", "%0d", "%00d", "%010d", "%s", "a\n%d",
        ] {
            assert!(BarcodePattern::parse(bad, 1).is_err(), "{bad}");
        }
        let long = format!("{}%d", "x".repeat(63));
        assert!(BarcodePattern::parse(&long, 9).is_ok());
        assert!(BarcodePattern::parse(&long, 10).is_err());
        let default = BarcodePattern::of_library("50%", 30).unwrap();
        assert_eq!(default.render(30), "50%-0030");
        assert!(BarcodePattern::of_library(&"x".repeat(60), 1).is_err());
    }

    prop_compose! {
        fn any_spec()(
            media_type in "[A-Za-z$' -]{1,40}", slots in 1..=SLOTS_MAX, drives in 0..=DRIVES_MAX,
            ports in 0..=PORTS_MAX, part in 0..=SLOTS_MAX, label in 0..LABELS.len(),
            pattern in of(("[a-z%' ]{0,20}", 0..=9_usize, "[a-z%\"]{0,20}")),
            times in (0..u32::MAX, 0..u32::MAX),
        ) -> VirtualSpec {
            let barcodes = pattern.map(|(before, digits, after)| {
                BarcodePattern { before, digits, after }
            });
            VirtualSpec {
                media_type, slots, drives, ports, cartridges: part.min(slots),
                label: LABELS[label].1, barcodes, load_time_ms: times.0, move_time_ms: times.1,
                faults: StepFaults::default(),
            }
        }
    }

    proptest! {
        #[test]
        fn a_specification_is_read_back(spec in any_spec()) {
            let driver = Driver::Virtual(spec);
            prop_assert_eq!(Driver::parse(&driver.to_string()), Ok(driver));
        }

        #[test]
        fn parsing_never_panics(
            text in any::<String>(),
            near in "virtual type=L slots=9 ((drives|label|barcodes|load_time)=[%0-9a-z]{0,9} ?){0,4}",
            pattern in "[%0-9d]{0,12}", cartridges in any::<u32>(),
        ) {
            for text in [text, near] {
                if let Ok(driver) = Driver::parse(&text) {
                    prop_assert_eq!(Driver::parse(&driver.to_string()), Ok(driver));
                }
            }
            if let Ok(pattern) = BarcodePattern::parse(&pattern, cartridges) {
                prop_assert!(pattern.render(cartridges).chars().count() <= BARCODE_MAX);
            }
        }
    }
}
