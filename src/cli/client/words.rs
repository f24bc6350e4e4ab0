//! Words as one line that the tree reads.

use super::exit::{Exit, Failed};
use crate::domain::name::printable;

/// Joins words, in quotes where they need them. A line cannot have control characters.
pub(super) fn join<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<String, Failed> {
    let words = words.into_iter().map(|word| {
        if printable(word) != word {
            let sentence = format!("\"{word}\" cannot be part of a line");
            return Err(Failed::new(Exit::Usage, sentence));
        }
        let is_plain = |c: char| c.is_alphanumeric() || "-_=./:,@%+".contains(c);
        if !word.is_empty() && word.chars().all(is_plain) {
            return Ok(word.to_owned());
        }
        let quoted = shlex::try_quote(word).map(String::from);
        quoted.map_err(|error| Failed::new(Exit::Usage, error.to_string()))
    });
    Ok(words.collect::<Result<Vec<_>, _>>()?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_a_line_that_is_read_as_them() {
        assert_eq!(join([]).unwrap(), "");
        assert_eq!(join(["new", "timeout=60s"]).unwrap(), "new timeout=60s");
        let words = ["name=a 'b' \"c\" $d\\", "", "#x", "x#y", "~", "日本"];
        assert_eq!(shlex::split(&join(words).unwrap()).unwrap(), words);
        for word in ["name=a\nnew", "\u{9b}", "\u{202e}", "\0"] {
            let refused = join([word]).unwrap_err();
            assert!(refused.to_string().ends_with("cannot be part of a line"));
        }
    }
}
