//! How written bytes become requests. Programs write a line at once (a shell's heredoc, dash), line by line (bash,
//! which also cuts lines at 4096 bytes), or text and newline in two writes (Python without a buffer).
//!
//! Invariants: a write is taken whole or refused whole. [`Framer::prepare`] and [`Lines::prepare`] say what a write
//! would yield and change nothing; only `commit` takes it. So a caller whose transaction fails drops what was
//! prepared, and a program that sends the refused bytes again is refused again: the rest of a bad line never
//! becomes a request of its own. What is carried between two writes has at most [`REQUEST_MAX`] bytes.

use crate::domain::error::{ErrorKind, Refusal};

/// Longest request or line in bytes, without its newline.
pub(super) const REQUEST_MAX: usize = crate::domain::words::LINE_MAX;

/// Why the bytes of a write cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum FrameError {
    /// The request has more than [`REQUEST_MAX`] bytes (EFBIG).
    TooLong,
    /// There are bytes after the first complete request (EBUSY).
    Second,
    /// The bytes are not UTF-8, or NUL is among them (EINVAL).
    NotText,
}

/// What a write yields and the state after it; nothing is taken until it is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the write is not taken until this is committed"]
pub(super) struct Prepared<S, T> {
    /// What the write yields.
    pub(super) found: T,
    /// The state after it.
    next: S,
}

/// What one write yields on a file that takes one request at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framed {
    /// The request is not complete yet.
    Partial,
    /// Exactly one complete request: a line without its newline, or a JSON object up to its closing brace.
    Request(String),
    /// Nothing: no bytes, or only white space after a JSON request.
    Nothing,
}

/// The requests of one open file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Framer {
    /// The bytes of the request that is not complete yet.
    partial: Vec<u8>,
    /// How many bytes of white space were swallowed after a JSON request whose line has not ended yet.
    swallowing: Option<usize>,
}

impl Framer {
    /// Says what these bytes would yield and changes nothing.
    pub(super) fn prepare(&self, bytes: &[u8]) -> Result<Prepared<Self, Framed>, FrameError> {
        let mut next = Self {
            partial: Vec::new(),
            swallowing: self.swallowing,
        };
        let rest = next.swallow(bytes)?;
        if rest.is_empty() && self.partial.is_empty() {
            let found = Framed::Nothing;
            return Ok(Prepared { found, next });
        }
        // One byte more than a request and its newline is enough to see that there is too much.
        let room = (REQUEST_MAX + 2).saturating_sub(self.partial.len());
        let bytes: Vec<u8> = self
            .partial
            .iter()
            .chain(rest.iter().take(room))
            .copied()
            .collect();
        let Some(Complete { length, used, json }) = complete(&bytes) else {
            check(&bytes, false)?;
            next.partial = bytes;
            let found = Framed::Partial;
            return Ok(Prepared { found, next });
        };
        let found = Framed::Request(text(bytes.get(..length).unwrap_or_default())?);
        let mut after = rest
            .get(used.saturating_sub(self.partial.len())..)
            .unwrap_or_default();
        if json {
            next.swallowing = Some(0);
            after = next.swallow(after)?;
        }
        match after {
            [] => Ok(Prepared { found, next }),
            _ => Err(FrameError::Second),
        }
    }

    /// Returns whether a request was begun that is not complete yet.
    pub(super) fn has_part(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Takes a write that this state prepared.
    pub(super) fn commit(&mut self, prepared: Prepared<Self, Framed>) {
        *self = prepared.next;
    }

    /// Returns what was written and never completed, `None` if there is nothing. Half a character at its end shows
    /// as the replacement character.
    pub(super) fn finish(&self) -> Option<String> {
        let rest = String::from_utf8_lossy(&self.partial).into_owned();
        Some(rest).filter(|rest| !rest.is_empty())
    }

    /// Swallows white space after a JSON request, up to and with one newline; returns the other bytes. At most
    /// [`REQUEST_MAX`] bytes are swallowed in all writes together.
    fn swallow<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], FrameError> {
        let Some(before) = self.swallowing else {
            return Ok(bytes);
        };
        let blanks = bytes.iter().take_while(|b| is_blank(**b)).count();
        if before + blanks > REQUEST_MAX {
            return Err(FrameError::TooLong);
        }
        let rest = bytes.get(blanks..).unwrap_or_default();
        self.swallowing = rest.is_empty().then_some(before + blanks);
        Ok(rest.strip_prefix(b"\n").unwrap_or(rest))
    }
}

/// Where the first request of some bytes ends.
struct Complete {
    /// Its length in bytes.
    length: usize,
    /// How many bytes it takes up, with the newline of a line of words.
    used: usize,
    /// Whether it is JSON.
    json: bool,
}

/// Finds the end of the first request, if the bytes have it.
fn complete(bytes: &[u8]) -> Option<Complete> {
    let json = bytes.iter().find(|b| !is_blank(**b)) == Some(&b'{');
    let (length, used) = if json {
        let length = object_length(bytes)?;
        (length, length)
    } else {
        let length = bytes.iter().position(|b| *b == b'\n')?;
        (length, length + 1)
    };
    Some(Complete { length, used, json })
}

/// Returns how many bytes there are up to the closing brace of the first JSON object. Only braces, strings and
/// escapes count here; whether the rest is JSON is seen when it is read.
fn object_length(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth += 1,
            b'}' if !in_string => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns whether a byte is white space inside a line.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// Checks a length and that bytes are text; if more can follow, the last character may be incomplete.
fn check(bytes: &[u8], whole: bool) -> Result<(), FrameError> {
    if bytes.len() > REQUEST_MAX {
        return Err(FrameError::TooLong);
    }
    let sound = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => !whole && error.error_len().is_none(),
    };
    if sound && !bytes.contains(&0) {
        Ok(())
    } else {
        Err(FrameError::NotText)
    }
}

/// Makes text of the bytes of a whole request or line.
fn text(bytes: &[u8]) -> Result<String, FrameError> {
    check(bytes, true)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| FrameError::NotText)
}

/// Refuses a line of a bulk file by its number.
fn refused(line: u64, error: FrameError) -> Refusal {
    let wrong = match error {
        FrameError::TooLong => "longer than 4096 bytes",
        FrameError::NotText | FrameError::Second => "not UTF-8 text",
    };
    ErrorKind::InvalidParameter.because(format!("line {line}: {wrong}"))
}

/// Complete lines with their numbers, counted from open; the first is 1.
pub(super) type Numbered = Vec<(u64, String)>;

/// The lines of one open bulk file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Lines {
    /// The bytes after the last newline.
    rest: Vec<u8>,
    /// How many lines are complete.
    count: u64,
}

impl Lines {
    /// Returns the complete lines that these bytes would yield and changes nothing. One line that is too long or
    /// no text refuses the write with [`ErrorKind::InvalidParameter`], also if it is not complete yet.
    pub(super) fn prepare(&self, bytes: &[u8]) -> Result<Prepared<Self, Numbered>, Refusal> {
        let mut next = self.clone();
        let mut found = Vec::new();
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let (piece, whole) = match piece.strip_suffix(b"\n") {
                Some(line) => (line, true),
                None => (piece, false),
            };
            let line = next.count.saturating_add(1);
            let bad = |error| refused(line, error);
            if next.rest.len() + piece.len() > REQUEST_MAX {
                return Err(bad(FrameError::TooLong));
            }
            next.rest.extend_from_slice(piece);
            if whole {
                found.push((line, text(&next.rest).map_err(bad)?));
                next.rest.clear();
                next.count = line;
            } else {
                check(&next.rest, false).map_err(bad)?;
            }
        }
        Ok(Prepared { found, next })
    }

    /// Takes a write that this state prepared.
    pub(super) fn commit(&mut self, prepared: Prepared<Self, Numbered>) {
        *self = prepared.next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Framed::{Nothing, Partial};
    use proptest::prelude::*;

    /// Takes a write at once. On an error the state is as before.
    fn push(framer: &mut Framer, bytes: &[u8]) -> Result<Framed, FrameError> {
        let prepared = framer.prepare(bytes)?;
        let found = prepared.found.clone();
        framer.commit(prepared);
        Ok(found)
    }

    /// The same of lines.
    fn push_lines(lines: &mut Lines, bytes: &[u8]) -> Result<Numbered, Refusal> {
        let prepared = lines.prepare(bytes)?;
        let found = prepared.found.clone();
        lines.commit(prepared);
        Ok(found)
    }

    fn request(text: &str) -> Framed {
        Framed::Request(text.to_owned())
    }

    /// Pushes each write and compares what it yields.
    fn expect(writes: &[(&str, Result<Framed, FrameError>)]) {
        let mut framer = Framer::default();
        for (bytes, yields) in writes {
            let before = framer.clone();
            assert_eq!(
                push(&mut framer, bytes.as_bytes()),
                *yields,
                "{bytes:?} in {writes:?}"
            );
            if yields.is_err() {
                assert_eq!(framer, before);
            }
        }
    }

    #[test]
    fn lines_of_words() {
        expect(&[("new\n", Ok(request("new"))), ("\n", Ok(request("")))]);
        expect(&[
            ("new", Ok(Partial)),
            ("", Ok(Partial)),
            ("\n", Ok(request("new"))),
        ]);
        expect(&[
            ("", Ok(Nothing)),
            (" ", Ok(Partial)),
            (" a {}\n", Ok(request("  a {}"))),
        ]);
        expect(&[
            ("a\nb\n", Err(FrameError::Second)),
            ("a\n\n", Err(FrameError::Second)),
            ("\n{}", Err(FrameError::Second)),
            ("a\n", Ok(request("a"))),
        ]);
    }

    #[test]
    fn json_objects() {
        expect(&[("{}\n", Ok(request("{}"))), ("new\n", Ok(request("new")))]);
        expect(&[
            (" \t{} \r\n", Ok(request(" \t{}"))),
            ("\n", Ok(request(""))),
        ]);
        expect(&[
            ("{}", Ok(request("{}"))),
            (" ", Ok(Nothing)),
            ("", Ok(Nothing)),
            (" \n", Ok(Nothing)),
            ("\n", Ok(request(""))),
        ]);
        expect(&[("{}", Ok(request("{}"))), (" \nnew\n", Ok(request("new")))]);
        expect(&[("{}", Ok(request("{}"))), (" {}\n", Ok(request("{}")))]);
        expect(&[
            ("{\"name\":\n", Ok(Partial)),
            ("\"}\\", Ok(Partial)),
            ("\"\n{\", \"a\":{}", Ok(Partial)),
            ("}\n", Ok(request("{\"name\":\n\"}\\\"\n{\", \"a\":{}}"))),
        ]);
        expect(&[
            ("{}{}", Err(FrameError::Second)),
            ("{}\n\n", Err(FrameError::Second)),
            ("{} x", Err(FrameError::Second)),
            ("{}\nnew\n", Err(FrameError::Second)),
        ]);
    }

    #[test]
    fn too_long_and_no_text() {
        let longest = "x".repeat(REQUEST_MAX);
        let line = format!("{longest}\n");
        let too_long = format!("x{line}");
        expect(&[
            (&line, Ok(request(&longest))),
            (&too_long, Err(FrameError::TooLong)),
        ]);
        expect(&[
            (&longest, Ok(Partial)),
            ("x", Err(FrameError::TooLong)),
            ("x\n", Err(FrameError::TooLong)),
            ("\nx", Err(FrameError::Second)),
            ("\n", Ok(request(&longest))),
        ]);
        let object = format!("{{{}}}", " ".repeat(REQUEST_MAX - 2));
        expect(&[(&format!("{object}\n"), Ok(request(&object)))]);
        expect(&[(&format!(" {object}"), Err(FrameError::TooLong))]);
        expect(&[
            ("{}", Ok(request("{}"))),
            (&" ".repeat(4097), Err(FrameError::TooLong)),
        ]);
        expect(&[(&"x".repeat(1 << 20), Err(FrameError::TooLong))]);
        let mut framer = Framer::default();
        for bad in [&b"\0"[..], b"a\0\n", b"\xff", b"\xc3\n", b"\xed\xa0\x80"] {
            assert_eq!(push(&mut framer, bad), Err(FrameError::NotText), "{bad:?}");
        }
        assert_eq!(push(&mut framer, b"\xc3"), Ok(Partial));
        assert_eq!(push(&mut framer, b"\n"), Err(FrameError::NotText));
        assert_eq!(push(&mut framer, b"\xa9\n"), Ok(request("\u{e9}")));
    }

    #[test]
    fn a_refused_write_can_be_sent_again() {
        let mut framer = Framer::default();
        push(&mut framer, b"bad").unwrap();
        for _ in 0..2 {
            // The caller finds the request wrong and commits nothing.
            let prepared = framer.prepare(b"\n").unwrap();
            assert_eq!(prepared.found, request("bad"));
        }
        assert_eq!(framer.finish().as_deref(), Some("bad"));
    }

    #[test]
    fn what_never_got_its_newline() {
        let finish = |bytes: &[u8]| {
            let mut framer = Framer::default();
            push(&mut framer, bytes).unwrap();
            framer.finish()
        };
        assert_eq!(finish(b""), None);
        assert_eq!(finish(b"new\n"), None);
        assert_eq!(finish(b"{} "), None);
        assert_eq!(finish(b"new"), Some("new".to_owned()));
        assert_eq!(finish(b"{\n"), Some("{\n".to_owned()));
        assert_eq!(finish(b"a\xc3"), Some("a\u{fffd}".to_owned()));
    }

    #[test]
    fn lines_of_a_bulk_file() {
        let line = |n, text: &str| (n, text.to_owned());
        let mut lines = Lines::default();
        assert_eq!(push_lines(&mut lines, b""), Ok(vec![]));
        assert_eq!(
            push_lines(&mut lines, b"a\n\nb"),
            Ok(vec![line(1, "a"), line(2, "")])
        );
        let before = lines.clone();
        assert_eq!(
            push_lines(&mut lines, b"\nc\n\xff\n"),
            Err(refused(5, FrameError::NotText))
        );
        assert_eq!(
            push_lines(&mut lines, b"\0"),
            Err(refused(3, FrameError::NotText))
        );
        let sentence = refused(3, FrameError::NotText).sentence;
        assert_eq!(sentence, "line 3: not UTF-8 text");
        let long = format!("{}\n", "x".repeat(REQUEST_MAX));
        assert_eq!(
            push_lines(&mut lines, long.as_bytes()),
            Err(refused(3, FrameError::TooLong))
        );
        let prepared = lines.prepare(b"c\n").unwrap();
        assert_eq!(prepared.found, [line(3, "bc")]);
        assert_eq!(lines, before);
        lines.commit(prepared);
        assert_eq!(push_lines(&mut lines, long.as_bytes()).unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn a_request_may_come_in_any_pieces(
            body in "[a-z \u{e9}]{0,20}|\\{([a-z \n\u{e9}]|\"[a-z{}]*\"|\\{[a-z]*\\}){0,9}\\}",
            cuts in proptest::collection::vec(1..9_usize, 0..9),
        ) {
            let bytes = format!("{body}\n").into_bytes();
            let (mut framer, mut rest, mut found) = (Framer::default(), &bytes[..], Vec::new());
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (piece, more) = rest.split_at(cut.min(rest.len()));
                match push(&mut framer, piece).unwrap() {
                    Framed::Request(text) => found.push(text),
                    Partial | Nothing => {}
                }
                rest = more;
            }
            prop_assert_eq!(found, [body]);
            prop_assert_eq!(framer, Framer::default());
        }

        #[test]
        fn lines_may_come_in_any_pieces(
            given in proptest::collection::vec("[a-z\u{e9}]{0,9}", 0..9), cut in 1..9_usize,
        ) {
            let bytes: Vec<u8> = given.iter().flat_map(|l| format!("{l}\n").into_bytes()).collect();
            let mut lines = Lines::default();
            let found: Numbered = bytes.chunks(cut).flat_map(|b| push_lines(&mut lines, b).unwrap()).collect();
            prop_assert_eq!(found, (1..).zip(given).collect::<Numbered>());
        }

        #[test]
        fn any_bytes_never_panic(
            writes in proptest::collection::vec(
                prop_oneof!["[{}\" \n\\\\a]{0,9}".prop_map(String::into_bytes),
                    proptest::collection::vec(any::<u8>(), 0..9)],
                0..9,
            ),
        ) {
            let (mut framer, mut lines) = (Framer::default(), Lines::default());
            for bytes in writes {
                let before = (framer.clone(), lines.clone());
                if push(&mut framer, &bytes).is_err() {
                    prop_assert_eq!(&framer, &before.0);
                }
                if push_lines(&mut lines, &bytes).is_err() {
                    prop_assert_eq!(&lines, &before.1);
                }
                prop_assert!(framer.partial.len() <= REQUEST_MAX);
            }
        }
    }
}
