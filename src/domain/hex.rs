//! Bytes as hexadecimal digits, two for each, in lower case.

use std::fmt::Write as _;

/// Returns the digits of bytes.
pub(super) fn write(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a text does not fail.
        write!(out, "{byte:02x}").ok();
    }
    out
}

/// Reads what [`write()`] writes; `None` if it is anything else.
pub(super) fn read(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    let bytes = pairs.iter().map(byte).collect::<Option<_>>();
    bytes.filter(|_| odd.is_empty())
}
