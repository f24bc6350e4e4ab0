//! The options of an allocation, in words and as the number of the protocol.
//!
//! Invariant: an option is either there or not; who gives it twice is refused.

use super::error::Result;
use super::words;

bitflags::bitflags! {
    /// The options of an allocation, with the numbers of the protocol (`dwOptions`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Options: u32 {
        /// Take a medium of which nobody owns a side, and reserve its other sides (`NTMS_ALLOCATE_NEW`).
        const NEW = 1;
        /// Take the next reserved side of a medium that was opened with `new` (`NTMS_ALLOCATE_NEXT`).
        const NEXT = 2;
        /// Do not wait for a medium (`NTMS_ALLOCATE_ERROR_IF_UNAVAILABLE`).
        const ERROR_IF_UNAVAILABLE = 4;
    }
}

/// The words of the options.
const NAMES: [(&str, Options); 3] = [
    ("new", Options::NEW),
    ("next", Options::NEXT),
    ("error-if-unavailable", Options::ERROR_IF_UNAVAILABLE),
];

impl Options {
    /// Returns the words of the options that are set, in the order of their bits.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let set = move |row: &&(&'static str, Self)| self.contains(row.1);
        NAMES.iter().filter(set).map(|row| row.0)
    }

    /// Adds options; [`InvalidParameter`](super::error::ErrorKind::InvalidParameter) if one of them is there already.
    pub fn add(&mut self, more: Self) -> Result<()> {
        if let Some(word) = (*self & more).words().next() {
            return Err(words::repeated(word, word));
        }
        *self |= more;
        Ok(())
    }

    /// Reads names; an unknown or repeated one is refused as in [`Options::add`].
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut options = Self::empty();
        for name in names {
            let Some(row) = NAMES.iter().find(|row| row.0 == name) else {
                let refusal = words::unknown(name, NAMES.iter().map(|row| row.0));
                return Err(words::bad("options", &refusal.sentence));
            };
            options.add(row.1)?;
        }
        Ok(options)
    }

    /// Reads the number on the wire, decimal or with `0x`; bits that do not exist are refused as in [`Options::add`].
    pub fn from_number(text: &str) -> Result<Self> {
        let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None => (text, 10),
        };
        // from_str_radix would take a sign.
        let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let bits = u32::from_str_radix(digits, radix).ok().filter(|_| plain);
        bits.and_then(Self::from_bits).ok_or_else(|| {
            let wrong = format!("{} is not a number from 0 to 7", words::shown(text));
            words::bad("options", &wrong)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_of_the_wire() {
        for (text, bits) in [("0", 0), ("5", 5), ("0x5", 5), ("0X06", 6), ("007", 7)] {
            assert_eq!(
                Options::from_number(text).map(|options| options.bits()),
                Ok(bits)
            );
        }
        for bad in [
            "",
            "0x",
            "8",
            "0x8",
            "0x+1",
            "+1",
            "-1",
            "1.0",
            "f",
            "0xffffffff5",
            "\u{661}",
        ] {
            let refusal = Options::from_number(bad).unwrap_err();
            assert!(refusal.sentence.starts_with("options: "), "{bad}");
        }
    }

    #[test]
    fn names_are_given_once() {
        let names = Options::from_names(["error-if-unavailable", "new"]);
        assert_eq!(names, Ok(Options::NEW | Options::ERROR_IF_UNAVAILABLE));
        for (names, named) in [
            (&["new", "new"][..], "new is given twice"),
            (&["NEW"], "options: \"NEW\""),
            (&["nex"], "the nearest one is ne"),
            (&[""], "options: "),
        ] {
            let refusal = Options::from_names(names.iter().copied()).unwrap_err();
            assert!(refusal.sentence.contains(named), "{refusal}");
        }
    }

    proptest! {
        #[test]
        fn options_are_read_back(bits in 0..8_u32) {
            let options = Options::from_bits_truncate(bits);
            prop_assert_eq!(Options::from_number(&bits.to_string()), Ok(options));
            prop_assert_eq!(Options::from_names(options.words()), Ok(options));
        }

        #[test]
        fn reading_never_panics(text in any::<String>(), near in "0?[xX]?[0-9a-f+-]{0,12}") {
            for text in [text, near] {
                drop(Options::from_number(&text));
                drop(Options::from_names(text.split(',')));
            }
        }
    }
}
