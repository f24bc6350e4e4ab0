//! What is written on a side to recognise it (OMID): the words of a `label` file.
//!
//! Source: MS-RSMP 2.2.4.42; reference sections 2.10 and 6.4. Label type and identifier together identify a side, so
//! both are needed. Invariant: what [`std::fmt::Display`] writes, [`MediaLabel::parse`] reads back.

use super::error::{ErrorKind, Result};
use super::id::Guid;
use super::words::{self, Known, Words};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest label type in characters.
pub const TYPE_MAX: usize = 64;

/// Longest label identifier in characters; one character may be more than one of the protocol's 255 bytes.
pub const ID_MAX: usize = 255;

/// Longest text in characters.
pub const INFO_MAX: usize = 256;

const WORDS: [Known; 4] = [
    ("type=", "type"),
    ("id=", "id"),
    ("info=", "info"),
    ("capacity=", "capacity"),
];

/// A label of a side.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MediaLabel {
    /// Format or program that wrote it, 1 to 64 characters.
    pub kind: String,
    /// Identifier, 1 to 255 characters.
    pub id: String,
    /// Text for people, 0 to 256 characters.
    pub info: String,
    /// Bytes that the side holds, 0 to 2⁶³ − 1; `None` if nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<i64>,
}

impl MediaLabel {
    /// Reads `type=… id=… [info=…] [capacity=…]`, quoted as in a shell, or an empty line: nothing is known. What is missing,
    /// unknown or out of its range is [`ErrorKind::InvalidParameter`], and the sentence names the word.
    pub fn parse(line: &str) -> Result<Self> {
        if line.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut found = Words::collect(words::split(line)?, &WORDS)?;
        let mut needed = |key: &str, max| match found.take(key) {
            Some(value) => words::text(key, &value, 1..=max),
            None => Err(words::bad(key, "a label has a type and an identifier")),
        };
        Ok(Self {
            kind: needed("type", TYPE_MAX)?,
            id: needed("id", ID_MAX)?,
            info: match found.take("info") {
                Some(value) => words::text("info", &value, 0..=INFO_MAX)?,
                None => String::new(),
            },
            capacity: found
                .take("capacity")
                .map(|value| bytes(&value))
                .transpose()?,
        })
    }

    /// Returns whether something is known.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// Returns whether this is the label in the first block of a side: it has the identifier, as text in UTF-8 or UTF-16,
    /// or a GUID as its 16 bytes. What else is in the block is the business of the program that wrote it.
    pub fn is_in(&self, block: &[u8]) -> bool {
        let mut forms: Vec<Vec<u8>> = Vec::new();
        let mut texts = vec![self.id.clone()];
        if let Ok(id) = Guid::parse(&self.id) {
            forms.push(id.0.to_bytes_le().to_vec());
            forms.push(id.0.as_bytes().to_vec());
            texts.extend([id.to_string(), id.to_string().to_uppercase()]);
        }
        for text in &texts {
            forms.push(text.as_bytes().to_vec());
            forms.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
            forms.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        }
        let has = |form: &[u8]| !form.is_empty() && block.windows(form.len()).any(|at| at == form);
        forms.iter().any(|form| has(form))
    }
}

fn bytes(value: &str) -> Result<i64> {
    let plain = value.bytes().all(|b| b.is_ascii_digit());
    let bytes = value.parse().ok().filter(|_| plain);
    bytes.ok_or_else(|| {
        let wrong = format!(
            "capacity: {} is not a number of bytes from 0 to {}",
            words::shown(value),
            i64::MAX
        );
        ErrorKind::InvalidParameter.because(wrong)
    })
}

/// The canonical line. A side without a label is an empty one.
impl fmt::Display for MediaLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind.is_empty() && self.id.is_empty() {
            return Ok(());
        }
        let Self { kind, id, info, .. } = self;
        write!(f, "type={} id={}", words::quoted(kind), words::quoted(id))?;
        if !info.is_empty() {
            write!(f, " info={}", words::quoted(info))?;
        }
        self.capacity
            .map_or(Ok(()), |bytes| write!(f, " capacity={bytes}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_back() {
        for line in [
            "type=MTF id=0198c2f0",
            "type=\"Microsoft Tape Format\" id=a info=\"week 7\" capacity=12000000000000",
            "type=LTFS id=\"a b\" capacity=0",
            "",
        ] {
            let label = MediaLabel::parse(line).unwrap();
            assert_eq!(MediaLabel::parse(&label.to_string()), Ok(label.clone()));
        }
        assert_eq!(MediaLabel::default().to_string(), "");
    }

    #[test]
    fn a_label_is_found_in_a_block() {
        let id = "0198c2f0-1111-7abc-8def-0123456789ab";
        let guid = Guid::parse(id).unwrap();
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let forms: [(&str, Vec<u8>); 9] = [
            ("W0007", b"VOL1W0007 ".to_vec()),
            ("W0007", wide("TAPE W0007.")),
            ("W0007", big("TAPE W0007.")),
            ("w\u{fc}rfel", "w\u{fc}rfel".into()),
            (id, id.to_uppercase().into()),
            (id, wide(&id.to_uppercase())),
            (id, guid.0.to_bytes_le().to_vec()),
            (id, guid.0.as_bytes().to_vec()),
            ("{0198C2F0-1111-7ABC-8DEF-0123456789AB}", id.into()),
        ];
        let label = |id: &str| MediaLabel {
            id: id.to_owned(),
            ..MediaLabel::default()
        };
        for (id, form) in forms {
            let block = [&[0; 7][..], &form, &[0; 9]].concat();
            assert!(label(id).is_in(&block), "{id}: {form:?}");
            assert!(!label(id).is_in(&block[..block.len() - 14]), "{id}");
        }
        for block in [&b""[..], b"VOL1W0008", b"w0007"] {
            assert!(!label("W0007").is_in(block) && !label("").is_in(block));
        }
        assert!(label("").is_empty() && MediaLabel::parse(" ").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_label() {
        let long = format!("type=a id=b info={}", "x".repeat(257));
        for (line, named) in [
            ("type=a", "id: "),
            ("id=a", "type: "),
            ("type= id=b", "type: "),
            ("type=a id=", "id: "),
            ("type=a id=b capacity=-1", "capacity: "),
            ("type=a id=b capacity=9223372036854775808", "capacity: "),
            ("type=a id=b kind=c", "kind"),
            ("type=a type=b id=c", "type is given twice"),
            (&long, "info: "),
        ] {
            let refusal = MediaLabel::parse(line).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{line}");
            assert!(refusal.sentence.contains(named), "{line}: {refusal}");
        }
    }
}
