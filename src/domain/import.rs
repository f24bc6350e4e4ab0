//! One line of a bulk import: a medium that is to exist.
//!
//! Invariants: a line is understood with every word or refused; an accepted name is a valid object name. Whether
//! the medium, the library or the slot exists is not decided here.

use super::error::{Refusal, Result};
use super::words::{self, Known, Words};
use super::{error::ErrorKind, name};
use std::fmt;

/// Longest bar code in characters (MS-RSMP, `szBarCode`).
pub const BARCODE_MAX: usize = 64;

/// Most sides that a medium may have; known media have one or two.
pub const SIDES_MAX: u32 = 8;

/// The words after the name.
const WORDS: [Known; 4] = [
    ("barcode=", "barcode"),
    ("slot=", "slot"),
    ("sides=", "sides"),
    ("description=", "description"),
];

/// A medium that is to exist.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportLine {
    /// The name of the medium, a valid object name.
    pub name: String,
    /// Its bar code, 1 to 64 printable characters; `None`: it has none.
    pub barcode: Option<String>,
    /// Where it is; `None`: offline.
    pub slot: Option<SlotName>,
    /// How many sides it has, 1 to 8; `None`: as many as its media type.
    pub sides: Option<u32>,
    /// Its description, 0 to 127 characters.
    pub description: Option<String>,
}

/// A slot as people name it: `<library>/<n>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SlotName {
    /// The name of the library, a valid object name.
    pub library: String,
    /// The number of the slot, counted from 1.
    pub number: u32,
}

impl ImportLine {
    /// Reads one line without its newline, at most 4096 bytes; `None` for a blank line or a comment.
    ///
    /// A name that no object may have is [`ErrorKind::InvalidName`], everything else that is wrong is
    /// [`ErrorKind::InvalidParameter`]; the sentence names the word. A line that starts with one of the words, such
    /// as `slot=`, or with one that is nearly so, is one whose name was forgotten.
    pub fn parse(line: &str) -> Result<Option<Self>> {
        let mut given = words::split_with_comment(line)?.into_iter();
        let Some(first) = given.next() else {
            return Ok(None);
        };
        let is_word = first.contains('=');
        if let Some(word) = words::nearest(&first, WORDS.map(|row| row.0)).filter(|_| is_word) {
            return Err(words::bad(word, "the name of the medium comes first"));
        }
        name::check(first.as_bytes()).map_err(|refusal| {
            let shown = words::shown(&first);
            refusal
                .kind
                .because(format!("{shown}: {}", refusal.sentence))
        })?;
        let mut found = Words::collect(given, &WORDS)?;
        let mut text = |key: &str, low, high| {
            let value = found.take(key);
            value
                .map(|value| words::text(key, &value, low..=high))
                .transpose()
        };
        let barcode = text("barcode", 1, BARCODE_MAX)?;
        let description = text("description", 0, words::DESCRIPTION_MAX)?;
        let sides = found.take("sides");
        Ok(Some(Self {
            name: first,
            barcode,
            slot: found
                .take("slot")
                .map(|value| SlotName::parse(&value))
                .transpose()?,
            sides: sides
                .map(|value| words::number("sides", &value, 1..=SIDES_MAX))
                .transpose()?,
            description,
        }))
    }
}

impl SlotName {
    /// Reads `<library>/<n>` with n from 1; anything else is [`ErrorKind::InvalidParameter`] naming `slot`.
    pub fn parse(text: &str) -> Result<Self> {
        let (library, number) = text.rsplit_once('/').ok_or_else(|| not_a_slot(text))?;
        Ok(Self {
            library: words::object_name("slot", library)?,
            number: words::number("slot", number, 1..=u32::MAX)?,
        })
    }
}

/// The refusal of a slot without a number.
fn not_a_slot(text: &str) -> Refusal {
    let wrong = format!("slot: {} is not <library>/<number>", words::shown(text));
    ErrorKind::InvalidParameter.because(wrong)
}

impl fmt::Display for SlotName {
    /// Writes `<library>/<n>`, unquoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.library, self.number)
    }
}

impl fmt::Display for ImportLine {
    /// Writes the canonical line, which [`ImportLine::parse`] reads back; at most 4096 bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&words::quoted(&self.name))?;
        if let Some(barcode) = &self.barcode {
            write!(f, " barcode={}", words::quoted(barcode))?;
        }
        if let Some(slot) = &self.slot {
            write!(f, " slot={}", words::quoted(&slot.to_string()))?;
        }
        if let Some(sides) = self.sides {
            write!(f, " sides={sides}")?;
        }
        if let Some(description) = &self.description {
            write!(f, " description={}", words::quoted(description))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::option::of;
    use proptest::prelude::*;

    #[test]
    fn lines_of_an_import() {
        for line in ["", "  \t", "# A00001L8", "  # don't"] {
            assert_eq!(ImportLine::parse(line), Ok(None), "{line}");
        }
        let line = "A00001L8 slot=lib0/7 description='week 5' sides=2 barcode=A00001L8 # new";
        let medium = ImportLine::parse(line).unwrap().unwrap();
        assert_eq!(
            medium.to_string(),
            "A00001L8 barcode=A00001L8 slot=lib0/7 sides=2 description=\"week 5\""
        );
        for (line, name) in [
            ("a#b", "a#b"),
            ("'#1'", "#1"),
            ("'a b' # c", "a b"),
            ("a=b", "a=b"),
        ] {
            let medium = ImportLine::parse(line).unwrap().unwrap();
            let named = ImportLine {
                name: name.to_owned(),
                ..ImportLine::default()
            };
            assert_eq!(medium, named);
        }
    }

    #[test]
    fn refused_lines_name_the_word() {
        for (line, named) in [
            ("slot=lib0/1", "slot="),
            ("barcod=1", "barcode="),
            ("a b", "\"b\""),
            ("a barcod=1", "barcode="),
            ("a barcode=1 barcode=1", "barcode is given twice"),
            ("a barcode=", "barcode: "),
            ("a barcode='\t'", "barcode: "),
            ("a slot=7", "slot: "),
            ("a slot=lib0/0", "slot: "),
            ("a slot=lib0/4294967296", "slot: "),
            ("a slot=/1", "slot: "),
            ("a slot=a/b/1", "slot: "),
            ("a sides=0", "sides: "),
            ("a sides=9", "sides: "),
            ("a 'b", "quotation"),
        ] {
            let refusal = ImportLine::parse(line).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{line}");
            assert!(refusal.sentence.contains(named), "{line}: {refusal}");
        }
        for line in ["''", "..", "a/b", "a\r", "'a\u{202e}b'"] {
            let refusal = ImportLine::parse(line).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidName, "{line}");
        }
        for (word, longest) in [("barcode", 64), ("description", 127)] {
            let line = |length| format!("a {word}={}", "x".repeat(length));
            assert!(ImportLine::parse(&line(longest)).is_ok());
            assert!(ImportLine::parse(&line(longest + 1)).is_err());
        }
    }

    prop_compose! {
        fn any_line()(
            name in "[^/\\p{C}\u{2028}\u{2029}]{1,60}", barcode in of("[^\\p{C}\u{2028}\u{2029}]{1,64}"),
            slot in of(("[a-z' \"$]{1,60}", 1..u32::MAX)), sides in of(1..=SIDES_MAX),
            description in of("[^\\p{C}\u{2028}\u{2029}]{0,127}"),
        ) -> ImportLine {
            let slot = slot.map(|(library, number)| SlotName { library, number });
            ImportLine { name, barcode, slot, sides, description }
        }
    }

    proptest! {
        #[test]
        fn a_line_is_read_back(medium in any_line()) {
            prop_assume!(!matches!(medium.name.as_str(), "." | ".."));
            let line = medium.to_string();
            prop_assert!(line.len() <= words::LINE_MAX);
            prop_assert_eq!(ImportLine::parse(&line), Ok(Some(medium)));
        }

        #[test]
        fn parsing_never_panics(
            text in any::<String>(),
            near in "a? ((barcode|slot|sides|description|#)=?[a-z0-9/'\"]{0,9} ?){0,5}",
        ) {
            for text in [text, near] {
                if let Ok(Some(medium)) = ImportLine::parse(&text) {
                    prop_assert_eq!(ImportLine::parse(&medium.to_string()), Ok(Some(medium)));
                }
            }
        }
    }
}
