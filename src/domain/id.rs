//! Identifiers: GUIDs as the protocol has them, and the catalog's own object numbers.

use super::error::{ErrorKind, Result};
use super::words::shown;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// The number of an object. One number space serves all kinds; a number is never used twice in the life of a
/// catalog, so it is half of an inode number (the other half is the row of the tree).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectNo(pub i64);

/// Object 1 is the catalog itself, as the protocol's computer object.
pub const CATALOG: ObjectNo = ObjectNo(1);

/// A GUID of the protocol: of a pool, a medium, a side, a logical medium (then called LMID) or a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Guid(pub Uuid);

impl Guid {
    /// The nil GUID, which on the wire means "any" or "none".
    pub const NIL: Self = Self(Uuid::nil());

    /// Reads a GUID: `8-4-4-4-12` in either case, the same in braces, or 32 hex digits. Anything else is
    /// [`ErrorKind::InvalidParameter`].
    pub fn parse(text: &str) -> Result<Self> {
        let bare = text
            .strip_prefix('{')
            .and_then(|t| t.strip_suffix('}'))
            .unwrap_or(text);
        let plain = bare.len() == 32 && !bare.contains('-') && bare == text;
        if (plain || bare.len() == 36)
            && let Ok(uuid) = Uuid::try_parse(bare)
        {
            return Ok(Self(uuid));
        }
        Err(ErrorKind::InvalidParameter.because(format!("{} is not a GUID", shown(text))))
    }

    /// Returns whether this is the nil GUID.
    pub fn is_nil(self) -> bool {
        self.0.is_nil()
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Display for ObjectNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_guid() {
        let canonical = "0198c2f0-1111-7abc-8def-0123456789ab";
        let guid = Guid::parse(canonical).unwrap();
        assert_eq!(guid.to_string(), canonical);
        for form in [
            canonical.to_uppercase(),
            format!("{{{canonical}}}"),
            canonical.replace('-', ""),
        ] {
            assert_eq!(Guid::parse(&form), Ok(guid));
        }
        for bad in [
            "",
            "0198c2f0",
            "{0198c2f0-1111-7abc-8def-0123456789ab",
            "urn:uuid:0198c2f0-1111-7abc-8def-0123456789ab",
            "0198c2f0-1111-7abc-8def-0123456789ag",
        ] {
            assert!(Guid::parse(bad).is_err(), "{bad}");
        }
    }
}
