//! Text of HTML and SVG under construction. The one place where something becomes markup.
//!
//! Invariants: what is not escaped is a literal of the program ([`Markup::raw`] takes nothing else); everything else is escaped
//! for the content of elements and for attributes in double quotes alike, in HTML as in XML; foreign text cannot change the
//! direction of what is beside it.

use crate::domain::name::printable;
use crate::domain::time::Time;
use std::fmt::Write as _;

/// Characters of a name where there is no room for all of it.
const SHORT: usize = 60;

/// Markup that is complete so far.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    pub(super) fn new(literal: &'static str) -> Self {
        Self(literal.to_owned())
    }

    /// Adds markup of the program.
    pub(super) fn raw(&mut self, literal: &'static str) -> &mut Self {
        self.0.push_str(literal);
        self
    }

    /// Adds text, escaped.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for c in printable(text).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c if is_noncharacter(c) => self.0.extend(c.escape_unicode()),
                c => self.0.push(c),
            }
        }
        self
    }

    /// Adds the name of something to the content of an HTML element: it has the direction of its own letters.
    pub(super) fn name(&mut self, name: &str) -> &mut Self {
        self.raw("<bdi>").text(name).raw("</bdi>")
    }

    /// Adds a name, cut if it is long, where there can be no element: in an attribute, or in the title of a drawing.
    pub(super) fn short(&mut self, name: &str) -> &mut Self {
        self.raw("\u{2068}").text(&cut(name)).raw("\u{2069}")
    }

    /// Adds a number.
    pub(super) fn number(&mut self, number: impl Into<i64>) -> &mut Self {
        let number: i64 = number.into();
        // Writing to a string cannot fail.
        write!(self.0, "{number}").ok();
        self
    }

    /// Adds a number of things, whose plural ends in s.
    pub(super) fn counted(&mut self, number: u32, thing: &'static str) -> &mut Self {
        self.number(number).raw(" ").raw(thing);
        self.raw(if number == 1 { "" } else { "s" })
    }

    /// Adds an instant, as an element that the script of the page turns into an age.
    pub(super) fn since(&mut self, time: Time) -> &mut Self {
        self.raw("<time datetime=\"").instant(time)
    }

    /// The same of an instant to come, which becomes the time that is left.
    pub(super) fn until(&mut self, time: Time) -> &mut Self {
        self.raw("<time class=\"due\" datetime=\"").instant(time)
    }

    fn instant(&mut self, time: Time) -> &mut Self {
        let exact = time.to_string();
        let (date, clock) = exact.split_once('T').unwrap_or((&exact, ""));
        let clock = clock.split('.').next().unwrap_or_default();
        self.text(&exact).raw("\">").text(date);
        self.raw(" ").text(clock).raw(" UTC</time>")
    }

    /// Adds the beginning of a link to a file in a directory of the tree, or with an empty name to the directory.
    pub(super) fn link(&mut self, path: &[String], file: &'static str) -> &mut Self {
        self.raw("<a href=\"");
        for name in path {
            for byte in name.bytes() {
                match byte {
                    b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
                        self.0.push(char::from(byte));
                    }
                    // Writing to a string cannot fail.
                    _ => write!(self.0, "%{byte:02X}").unwrap_or_default(),
                }
            }
            self.0.push('/');
        }
        self.raw(file).raw("\">")
    }

    /// Adds other markup.
    pub(super) fn add(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// The text.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Cuts a name where there is no room for all of it.
fn cut(name: &str) -> String {
    match name.char_indices().nth(SHORT) {
        Some((end, _)) => {
            let head = name.get(..end).unwrap_or_default();
            format!("{head}\u{2026}")
        }
        None => name.to_owned(),
    }
}

/// Whether a character is none: XML has no way to write two of them, and no reader expects the others.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Takes the escapes away. Panics if something is not escaped that could be markup.
    fn plain(markup: &str) -> String {
        let mut out = String::new();
        let mut rest = markup;
        while let Some((before, after)) = rest.split_once('&') {
            out.push_str(before);
            let (name, after) = after.split_once(';').expect("an escape has an end");
            out.push_str(match name {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "quot" => "\"",
                "#39" => "'",
                other => panic!("&{other};"),
            });
            rest = after;
        }
        assert!(!markup.contains(['<', '>', '"', '\'']), "{markup}");
        out + rest
    }

    fn text(text: &str) -> String {
        let mut out = Markup::default();
        out.text(text);
        out.finish()
    }

    #[test]
    fn texts() {
        for (given, shown) in [
            (
                "a <b> & \"c\" 'd'",
                "a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;",
            ),
            ("&amp;", "&amp;amp;"),
            ("]]> -->", "]]&gt; --&gt;"),
            ("a\u{202e}b\0\u{85}", "a\\u{202e}b\\x00\\x85"),
            (
                "\u{ffff}\u{fdd0}\u{10fffe}é",
                "\\u{ffff}\\u{fdd0}\\u{10fffe}é",
            ),
        ] {
            assert_eq!(text(given), shown);
        }
    }

    #[test]
    fn names_and_links() {
        let mut out = Markup::default();
        let path = ["pools", "a \"b\"/é", "javascript:x"].map(str::to_owned);
        out.link(&path, "why").name("<").raw("</a>");
        assert_eq!(
            out.finish(),
            "<a href=\"pools/a%20%22b%22%2F%C3%A9/javascript%3Ax/why\"><bdi>&lt;</bdi></a>"
        );
        let mut out = Markup::default();
        out.short(&"<".repeat(SHORT + 1));
        let shown = format!("\u{2068}{}\u{2026}\u{2069}", "&lt;".repeat(SHORT));
        assert_eq!(out.finish(), shown);
    }

    #[test]
    fn instants() {
        let mut out = Markup::default();
        out.since(Time(1_704_164_645_678)).until(Time(0));
        let shown = |class: &str, exact: &str| {
            let text = exact.replace('T', " ");
            let text = text.split('.').next().unwrap_or_default();
            format!("<time {class}datetime=\"{exact}\">{text} UTC</time>")
        };
        assert_eq!(
            out.finish(),
            shown("", "2024-01-02T03:04:05.678Z")
                + &shown("class=\"due\" ", "1970-01-01T00:00:00.000Z")
        );
    }

    proptest! {
        #[test]
        fn no_text_is_markup(given in any::<String>()) {
            let shown = plain(&text(&given));
            prop_assert!(!shown.chars().any(is_noncharacter));
            if !given.chars().any(is_noncharacter) {
                prop_assert_eq!(shown, printable(&given));
            }
        }

        #[test]
        fn no_path_leaves_its_attribute(names in prop::collection::vec(any::<String>(), 0..4)) {
            let mut out = Markup::default();
            out.link(&names, "");
            let link = out.finish();
            let path = link.strip_prefix("<a href=\"").and_then(|link| link.strip_suffix("\">"));
            let safe = |c: char| c.is_ascii_alphanumeric() || "-._~%/".contains(c);
            prop_assert!(path.is_some_and(|path| path.chars().all(safe)), "{}", link);
        }
    }
}
