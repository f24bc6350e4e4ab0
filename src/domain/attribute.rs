//! Attributes that users give objects, private to their programs (MS-RSMP, `SetNtmsObjectAttribute`): a name and bytes.
//!
//! Invariant: those of [`super::event`]; here, too, a released field or variant is only added to.

use super::change::Thing;
use super::error::{ErrorKind, Refusal};
use super::hex;
use super::id::ObjectNo;
use super::name::printable;
use serde::{Deserialize, Serialize};

/// Longest value in bytes (MS-RSMP: less than 65,536).
pub const VALUE_MAX: usize = 65_535;

/// The attribute of a request to a person that says why it was refused.
pub const REASON: &str = "user.reason";

/// Most bytes of all names and values of one object.
pub const OBJECT_MAX: usize = 256 * 1024;

/// Most bytes of all names of one object, each with a zero byte: what listxattr(2) can return (`XATTR_LIST_MAX`).
pub const LIST_MAX: usize = 65_536;

/// An object that can have attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// The catalog itself.
    Computer(Thing),
    /// A pool.
    Pool(Thing),
    /// A medium.
    Medium(Thing),
    /// A side.
    Side(Thing),
    /// A logical medium.
    Logical(Thing),
    /// A library.
    Library(Thing),
    /// A slot of a library.
    Slot(ObjectNo),
    /// A drive of a library.
    Drive(ObjectNo),
    /// A port of a library.
    Port(ObjectNo),
    /// A type of media.
    MediaType(ObjectNo),
    /// A request to a person.
    Operator(ObjectNo),
    /// A piece of work of a library.
    Work(ObjectNo),
}

impl Holder {
    /// Returns the object number.
    pub fn no(self) -> ObjectNo {
        match self {
            Self::Computer(thing)
            | Self::Pool(thing)
            | Self::Medium(thing)
            | Self::Side(thing)
            | Self::Logical(thing)
            | Self::Library(thing) => thing.no,
            Self::Slot(no)
            | Self::Drive(no)
            | Self::Port(no)
            | Self::MediaType(no)
            | Self::Operator(no)
            | Self::Work(no) => no,
        }
    }

    /// Returns the word for its kind, and its identifier, or its number if it has none.
    pub fn named(self) -> (&'static str, String) {
        match self {
            Self::Computer(thing) => ("computer", thing.id.to_string()),
            Self::Pool(thing) => ("pool", thing.id.to_string()),
            Self::Medium(thing) => ("medium", thing.id.to_string()),
            Self::Side(thing) => ("side", thing.id.to_string()),
            Self::Logical(thing) => ("logical", thing.id.to_string()),
            Self::Library(thing) => ("library", thing.id.to_string()),
            Self::Slot(no) => ("slot", no.to_string()),
            Self::Drive(no) => ("drive", no.to_string()),
            Self::Port(no) => ("port", no.to_string()),
            Self::MediaType(no) => ("media-type", no.to_string()),
            Self::Operator(no) => ("operator", no.to_string()),
            Self::Work(no) => ("work", no.to_string()),
        }
    }
}

/// Whether an attribute must be new (setxattr(2), `XATTR_CREATE` and `XATTR_REPLACE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// New or not.
    #[default]
    Any,
    /// It must not exist.
    Create,
    /// It must exist.
    Replace,
}

/// Bytes that a record of the log shows as text where they are text of one line, else as hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Octets(pub Vec<u8>);

/// How bytes stand in a record.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Text(String),
    Hex(String),
}

impl From<Octets> for Written {
    fn from(octets: Octets) -> Self {
        match String::from_utf8(octets.0) {
            Ok(text) if printable(&text) == text => Self::Text(text),
            Ok(text) => Self::Hex(hex::write(text.as_bytes())),
            Err(error) => Self::Hex(hex::write(error.as_bytes())),
        }
    }
}

impl TryFrom<Written> for Octets {
    type Error = Refusal;

    fn try_from(written: Written) -> Result<Self, Refusal> {
        match written {
            Written::Text(text) => Ok(Self(text.into_bytes())),
            Written::Hex(digits) => hex::read(&digits).map(Self).ok_or_else(|| {
                ErrorKind::DatabaseFailure.because("an attribute is not hexadecimal")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_of_one_line_stays_readable() {
        for (bytes, json) in [
            (
                &b"off-site, \"room\" 2"[..],
                r#"{"text":"off-site, \"room\" 2"}"#,
            ),
            (b"", r#"{"text":""}"#),
            (b"a\nb", r#"{"hex":"610a62"}"#),
            (b"\xff\x00", r#"{"hex":"ff00"}"#),
            ("a\u{202e}b".as_bytes(), r#"{"hex":"61e280ae62"}"#),
        ] {
            let octets = Octets(bytes.to_vec());
            assert_eq!(serde_json::to_string(&octets).unwrap(), json);
        }
        for bad in [
            r#"{"hex":"6"}"#,
            r#"{"hex":"6g"}"#,
            r#"{"hex":1}"#,
            r#"{"x":""}"#,
        ] {
            assert!(serde_json::from_str::<Octets>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn bytes_are_read_back(bytes in any::<Vec<u8>>(), text in any::<String>()) {
            for octets in [Octets(bytes), Octets(text.into_bytes())] {
                let json = serde_json::to_string(&octets).unwrap();
                prop_assert_eq!(serde_json::from_str::<Octets>(&json).unwrap(), octets);
            }
        }
    }
}
