//! Names of objects, and how foreign text is shown.
//!
//! Invariant: a name that passed [`check`] is safe as a directory entry, in one line of text and in a log.

use super::error::{ErrorKind, Result};

/// Longest name in bytes, as of a directory entry (POSIX `NAME_MAX`).
pub const NAME_MAX: usize = 255;

/// Checks a name that a person gave: 1 to 255 bytes of valid UTF-8 without `/` and control characters, and not
/// `.` or `..`. Refused with [`ErrorKind::InvalidName`].
pub fn check(name: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(name)
        .map_err(|_| ErrorKind::InvalidName.because("the name is not valid UTF-8"))?;
    let wrong = match text {
        "" => Some("the name is empty"),
        "." | ".." => Some("the names . and .. are reserved"),
        _ if text.len() > NAME_MAX => Some("the name is longer than 255 bytes"),
        _ if text.contains('/') => Some("the name contains /"),
        _ if text.chars().any(is_unprintable) => Some("the name contains a control character"),
        _ => None,
    };
    match wrong {
        None => Ok(text),
        Some(sentence) => Err(ErrorKind::InvalidName.because(sentence)),
    }
}

/// Turns text from hardware, a label or a person into one line: control characters and the characters that change
/// the direction of writing become `\xNN` or `\u{N}`.
pub fn printable(text: &str) -> String {
    if !text.chars().any(is_unprintable) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match u32::from(c) {
            _ if !is_unprintable(c) => out.push(c),
            code @ 0..=0xff => out.extend(format!("\\x{code:02x}").chars()),
            code => out.extend(format!("\\u{{{code:x}}}").chars()),
        }
    }
    out
}

/// Turns a line of JSON into one with the same meaning whose text is printable as [`printable`] has it: what is not stands
/// as `\uNNNN`, which JSON allows in text, and nowhere else does it occur.
pub fn json_line(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unprintable(c) {
            out.extend(format!("\\u{:04x}", u32::from(c)).chars());
        } else {
            out.push(c);
        }
    }
    out
}

/// Makes a name of foreign text, for example a bar code that a reader reported: escaped, `/` replaced by `\x2f`,
/// cut at 240 bytes so that a suffix fits. Empty text and the reserved names become `_` followed by the text.
pub fn from_foreign(text: &str) -> String {
    let mut name = printable(text.trim()).replace('/', "\\x2f");
    if matches!(name.as_str(), "" | "." | "..") {
        name.insert(0, '_');
    }
    let mut end = name.len().min(240);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name
}

/// Returns whether a character must never reach a terminal, a log or a directory entry.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rules_of_names() {
        for good in ["A", "a b", "..a", "é", &"x".repeat(255)] {
            assert_eq!(check(good.as_bytes()), Ok(good));
        }
        for bad in [
            &b""[..],
            b".",
            b"..",
            b"a/b",
            b"a\nb",
            b"\xff",
            b"\x7f",
            &[b'x'; 256],
        ] {
            assert_eq!(check(bad).map_err(|e| e.kind), Err(ErrorKind::InvalidName));
        }
        assert!(check("a\u{202e}b".as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn foreign_text_makes_a_valid_name(text in ".{0,300}") {
            prop_assert!(check(from_foreign(&text).as_bytes()).is_ok());
        }

        #[test]
        fn printable_text_is_one_line(text in any::<String>()) {
            prop_assert!(!printable(&text).chars().any(is_unprintable));
        }
    }

    #[test]
    fn json_is_printable_and_means_the_same() {
        let value = serde_json::json!({"a\u{9b}": "x\u{202e}\u{7f}\u{1b}\n\u{2028}日本"});
        let line = json_line(&value.to_string());
        assert!(!line.chars().any(is_unprintable), "{line}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&line).unwrap(),
            value
        );
    }
}
