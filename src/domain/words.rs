//! Lines of words, as people and programs write requests: split, looked up in a table, shown in a refusal.
//!
//! Invariants: a line has at most [`LINE_MAX`] bytes and is taken with every word or refused; no word is dropped
//! in silence, none counts twice. Every refusal names the word. It is not a shell: nothing is expanded.

use super::error::{ErrorKind, Refusal, Result};
use super::name;
use std::ops::RangeInclusive;

/// Longest request in bytes, without its newline.
pub const LINE_MAX: usize = 4096;

/// Longest description of an object in characters (MS-RSMP, `szDescription`).
pub const DESCRIPTION_MAX: usize = 127;

/// How much of a word a sentence repeats, in characters: enough to find it, too little to flood a log.
const SHOWN_MAX: usize = 64;

/// One word that a line may have: as it is written (`=` at its end: it has a value), and the key it stands for.
/// Two rows with one key are aliases.
pub type Known = (&'static str, &'static str);

/// Splits a line into words as a shell does: white space separates, quotes and backslashes protect.
///
/// `#` where a word could start is refused unless quoted: a shell would drop the rest, and a request of which half
/// was dropped is not the one that was meant. Also refused with [`ErrorKind::InvalidParameter`]: open quotes, a
/// final backslash, NUL, a newline, more than [`LINE_MAX`] bytes.
pub fn split(line: &str) -> Result<Vec<String>> {
    check_line(line)?;
    // A quoted newline cannot occur in the line, so it is the last word exactly if nothing in the line swallowed it.
    if let Some(mut words) = shlex::split(&format!("{line} '\n'"))
        && words.pop().as_deref() == Some("\n")
    {
        return Ok(words);
    }
    split_with_comment(line)?;
    Err(ErrorKind::InvalidParameter.because("a word starts with #; quote it if it is meant"))
}

/// Splits a line as [`split`] does, except that `#` at the start of a word ends the line: a comment.
pub fn split_with_comment(line: &str) -> Result<Vec<String>> {
    check_line(line)?;
    shlex::split(line).ok_or_else(open_quote)
}

/// Refuses what no line of words may contain.
fn check_line(line: &str) -> Result<()> {
    if line.len() > LINE_MAX {
        return Err(ErrorKind::InvalidParameter.because("the line is longer than 4096 bytes"));
    }
    if line.contains(['\n', '\0']) {
        return Err(ErrorKind::InvalidParameter.because("the line contains a newline or NUL"));
    }
    Ok(())
}

/// The refusal of a line that [`shlex`] could not finish.
fn open_quote() -> Refusal {
    ErrorKind::InvalidParameter
        .because("a quotation is not closed, or the line ends in a backslash")
}

/// The words of one line, each looked up once in the table of those it may have.
#[derive(Debug)]
pub struct Words(Vec<(&'static str, String)>);

impl Words {
    /// Looks the words up. An unknown one is refused with the nearest known one, a second one of the same key with
    /// both keys named; both with [`ErrorKind::InvalidParameter`].
    pub fn collect(words: impl IntoIterator<Item = String>, known: &[Known]) -> Result<Self> {
        Self::collect_many(words, known, &[])
    }

    /// The same, but a word whose key is in `many` may come more than once.
    pub fn collect_many(
        words: impl IntoIterator<Item = String>,
        known: &[Known],
        many: &[&str],
    ) -> Result<Self> {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        for word in words {
            let (key, value) = match word.split_once('=') {
                Some((key, value)) => (format!("{key}="), value.to_owned()),
                None => (word, String::new()),
            };
            let Some(&(written, canonical)) = known.iter().find(|row| row.0 == key) else {
                return Err(unknown(&key, known.iter().map(|row| row.0)));
            };
            if !many.contains(&canonical) && found.iter().any(|&(other, _)| other == canonical) {
                return Err(repeated(written.trim_end_matches('='), canonical));
            }
            found.push((canonical, value));
        }
        Ok(Self(found))
    }

    /// Takes the value of a key; the empty text for a word without `=`, `None` if the line does not have it.
    pub fn take(&mut self, key: &str) -> Option<String> {
        let at = self.0.iter().position(|&(found, _)| found == key)?;
        Some(self.0.remove(at).1)
    }

    /// Takes all words of some keys with their values, in the order of the line.
    pub fn take_all(&mut self, keys: &[&str]) -> Vec<(&'static str, String)> {
        let (taken, kept) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(key, _)| keys.contains(key));
        self.0 = kept;
        taken
    }
}

/// The refusal of a word that repeats what was said.
pub fn repeated(word: &str, key: &str) -> Refusal {
    let sentence = if word == key {
        format!("{word} is given twice")
    } else {
        format!("{word} and {key} are the same word, given twice")
    };
    ErrorKind::InvalidParameter.because(sentence)
}

/// The refusal of a word that does not exist; names the nearest one that does, or all if none is near.
pub fn unknown(word: &str, known: impl IntoIterator<Item = &'static str>) -> Refusal {
    let known: Vec<&str> = known.into_iter().collect();
    let help = match nearest(word, known.iter().copied()) {
        Some(nearest) => format!("the nearest one is {nearest}"),
        None => format!("there are {}", known.join(", ")),
    };
    bad(&shown(word), &format!("no such word; {help}"))
}

/// Returns the known word that differs in at most two letters, the least different one, the first of equals. `=` at the
/// end of a word is no letter, nor is what follows it.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let key = word.split_once('=').map_or(word, |(key, _)| key);
    (known.into_iter())
        .map(|name| (distance(key, name.trim_end_matches('=')), name))
        .filter(|(distance, name)| *distance <= 2 && *distance < name.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The refusal of a request that has no end: [`ErrorKind::InvalidParameter`].
pub fn no_newline() -> Refusal {
    ErrorKind::InvalidParameter.because("no newline at the end; nothing was carried out")
}

/// The refusal of a word: [`ErrorKind::InvalidParameter`] with its key and what is wrong.
pub fn bad(key: &str, wrong: &str) -> Refusal {
    ErrorKind::InvalidParameter.because(format!("{key}: {wrong}"))
}

/// Quotes text for a sentence and cuts it at 64 characters.
pub fn shown(text: &str) -> String {
    let mut cut: String = text.chars().take(SHOWN_MAX).collect();
    if cut.len() < text.len() {
        cut += "...";
    }
    format!("\"{cut}\"")
}

/// Reads a decimal number without sign; outside the range it is [`ErrorKind::InvalidParameter`] naming the key.
pub fn number(key: &str, text: &str, range: RangeInclusive<u32>) -> Result<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let value = text.parse().ok().filter(|n| digits && range.contains(n));
    value.ok_or_else(|| {
        let (low, high) = range.into_inner();
        let wrong = format!("{} is not a number from {low} to {high}", shown(text));
        bad(key, &wrong)
    })
}

/// Checks text that is shown to people: a length in characters and nothing that disturbs a line.
pub fn text(key: &str, value: &str, length: RangeInclusive<usize>) -> Result<String> {
    let count = value.chars().count();
    if !length.contains(&count) {
        let (low, high) = length.into_inner();
        let wrong = format!("{count} characters; {low} to {high} are allowed");
        return Err(bad(key, &wrong));
    }
    if name::printable(value) != value {
        return Err(bad(key, "control characters are not allowed"));
    }
    Ok(value.to_owned())
}

/// Checks the name of an object inside a value, as [`name::check`] does, but names the key in the refusal.
pub fn object_name(key: &str, value: &str) -> Result<String> {
    match name::check(value.as_bytes()) {
        Ok(good) => Ok(good.to_owned()),
        Err(refusal) => Err(bad(key, &refusal.sentence)),
    }
}

/// Writes text as one word that [`split`] and a shell read back: as it is, or in double quotes. The result has at
/// most twice the bytes and two more, so a canonical line stays below [`LINE_MAX`].
pub fn quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:@%+,".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Counts the edits between two words (Levenshtein); of the first only 32 characters count, which bounds the work.
fn distance(word: &str, known: &str) -> usize {
    let known: Vec<char> = known.chars().collect();
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (line, c) in word.chars().take(32).enumerate() {
        let mut next = vec![line + 1];
        let mut left = line + 1;
        for (k, pair) in known.iter().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            left = (left.min(above) + 1).min(diagonal + usize::from(*k != c));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KNOWN: [Known; 4] = [
        ("slots=", "slots"),
        ("drives=", "drives"),
        ("bays=", "drives"),
        ("quick", "quick"),
    ];

    #[test]
    fn distances_are_those_of_levenshtein() {
        let table = [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("ro", "rw", 1),
            ("äb", "ab", 1),
        ];
        for (from, to, wanted) in table {
            assert_eq!(distance(from, to), wanted, "{from} {to}");
            assert_eq!(distance(to, from), wanted, "{to} {from}");
        }
    }

    #[test]
    fn lines_are_split_as_in_a_shell() {
        for (line, words) in [
            ("", &[][..]),
            (" \t ", &[]),
            ("a  b", &["a", "b"]),
            ("a=\"b c\" 'd e' f\\ g", &["a=b c", "d e", "f g"]),
            ("a#b '#c' \\#d", &["a#b", "#c", "#d"]),
            ("a ''", &["a", ""]),
            ("a\\\\", &["a\\"]),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        for line in [
            "a 'b",
            "a \"b",
            "a\\",
            "\\",
            "a\nb",
            "a\0b",
            "a # b",
            "#",
            "a 'b' \"c'",
        ] {
            assert!(split(line).is_err(), "{line}");
        }
        assert!(split(&"a ".repeat(2048)).is_ok());
        assert!(split(&"a".repeat(4097)).is_err());
        assert_eq!(split_with_comment("a # don't").unwrap(), ["a"]);
        assert!(split_with_comment("# don't").unwrap().is_empty());
    }

    #[test]
    fn what_swallows_the_end_is_named() {
        let sentence = |line| split(line).unwrap_err().sentence;
        for line in ["a # b", "#", "# 'b", "# b\\"] {
            assert!(sentence(line).contains('#'), "{line}");
        }
        for line in ["a 'b", "a\\", "'#", "a \"b\\\""] {
            assert!(sentence(line).contains("quotation"), "{line}");
        }
    }

    #[test]
    fn words_are_looked_up_once() {
        let line = |text| Words::collect(split(text).unwrap(), &KNOWN);
        let mut words = line("quick bays=a=b").unwrap();
        assert_eq!(words.take("drives").as_deref(), Some("a=b"));
        assert_eq!(words.take("drives"), None);
        assert_eq!(words.take("quick").as_deref(), Some(""));
        for (text, named) in [
            (
                "slotz=1",
                "\"slotz=\": no such word; the nearest one is slots=",
            ),
            (
                "slots",
                "\"slots\": no such word; the nearest one is slots=",
            ),
            (
                "quick=1",
                "\"quick=\": no such word; the nearest one is quick",
            ),
            ("slots=1 slots=1", "slots is given twice"),
            (
                "drives=1 bays=1",
                "bays and drives are the same word, given twice",
            ),
        ] {
            assert_eq!(line(text).unwrap_err().sentence, named);
        }
    }

    #[test]
    fn some_words_may_come_again() {
        let line = |text| Words::collect_many(split(text).unwrap(), &KNOWN, &["drives"]);
        let mut words = line("drives=2 slots=4 bays=1 quick").unwrap();
        let drives = [("drives", "2".to_owned()), ("drives", "1".to_owned())];
        assert_eq!(words.take_all(&["drives"]), drives);
        assert_eq!(words.take_all(&["drives"]), []);
        assert_eq!(words.take("slots").as_deref(), Some("4"));
        assert_eq!(
            line("slots=1 slots=1").unwrap_err().sentence,
            "slots is given twice"
        );
    }

    #[test]
    fn numbers_and_text_have_ranges() {
        assert_eq!(number("n", "007", 1..=9), Ok(7));
        for bad in [
            "",
            "0",
            "10",
            "+1",
            "-1",
            " 1",
            "1.0",
            "4294967297",
            "99999999999999999999",
        ] {
            let refusal = number("n", bad, 1..=9).unwrap_err();
            assert!(refusal.sentence.starts_with("n: "), "{bad}");
        }
        assert!(text("t", "\u{e9}\u{e9}", 1..=2).is_ok());
        assert!(text("t", "", 1..=2).is_err());
        assert!(text("t", "abc", 1..=2).is_err());
        assert!(text("t", "a\u{7f}", 1..=2).is_err());
        assert!(
            object_name("t", "a/b")
                .unwrap_err()
                .sentence
                .starts_with("t: ")
        );
    }

    #[test]
    fn a_long_word_is_cut_in_a_sentence() {
        assert_eq!(shown(&"x".repeat(65)), format!("\"{}...\"", "x".repeat(64)));
    }

    proptest! {
        #[test]
        fn a_quoted_word_is_read_back(word in "[^\n\0]{0,99}") {
            prop_assert!(quoted(&word).len() <= 2 * word.len() + 2);
            prop_assert_eq!(split(&quoted(&word)), Ok(vec![word]));
        }

        #[test]
        fn splitting_never_panics(line in any::<String>()) {
            if let Ok(words) = split(&line) {
                drop(Words::collect(words, &KNOWN));
            }
            drop(split_with_comment(&line));
        }
    }
}
