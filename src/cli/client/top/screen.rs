//! The terminal while a page is on it: its keys, its size, and that it is as before afterwards.
//!
//! Invariant: however the program ends, by a key, an error, a panic or a signal, the terminal is restored; SIGKILL alone
//! cannot be met.

use crate::cli::client::exit::{Exit, Failed};
use crate::cli::client::looks::Looks;
use crate::cli::client::table::cut;
use crate::domain::name::printable;
use anyhow::Result;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::low_level::{emulate_default_handler, pipe};
use std::io::{self, IsTerminal as _, Read as _, Write as _, stdin, stdout};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The signals that end the program.
const ENDING: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// To the other page of the terminal, without a cursor; and back.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l";
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// The time was over, the size has changed, or it was asked for.
    Refresh,
    /// So many lines down.
    Scroll(isize),
    /// So many pages down.
    Page(isize),
    /// To the first or the last line.
    Top,
    Bottom,
    Quit,
    /// A key without a meaning.
    Nothing,
}

pub(super) struct Screen {
    before: Termios,
    wake: UnixStream,
    ended: Arc<AtomicUsize>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn open() -> Result<Self> {
        if !stdin().is_terminal() || !stdout().is_terminal() {
            let sentence = "it needs a terminal; ntmsfs status shows the same once";
            return Err(Failed::new(Exit::Usage, sentence).into());
        }
        let (wake, send) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let ended = Arc::new(AtomicUsize::new(0));
        for signal in ENDING {
            let number = usize::try_from(signal)?;
            signal_hook::flag::register_usize(signal, Arc::clone(&ended), number)?;
            pipe::register(signal, send.try_clone()?)?;
        }
        pipe::register(SIGWINCH, send)?;
        let before = tcgetattr(stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        let screen = Self {
            before: before.clone(),
            wake,
            ended,
        };
        let say = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            restore(&before);
            say(what);
        }));
        tcsetattr(stdin(), OptionalActions::Now, &raw)?;
        stdout().write_all(ENTER)?;
        Ok(screen)
    }

    /// Puts lines on the terminal, all at once.
    pub(super) fn draw(lines: &[String]) -> io::Result<()> {
        let mut frame = "\x1b[?2026h\x1b[H".to_owned();
        frame.push_str(
            &lines
                .iter()
                .map(|line| format!("{line}\x1b[K"))
                .collect::<Vec<_>>()
                .join("\r\n"),
        );
        frame.push_str("\x1b[J\x1b[?2026l");
        let mut out = stdout().lock();
        out.write_all(frame.as_bytes())?;
        out.flush()
    }

    /// Waits for what happens next, at most so long.
    pub(super) fn wait(&mut self, most: Duration) -> Result<Vec<Input>> {
        let keys = stdin();
        let mut files = [
            PollFd::new(keys.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.wake.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut files, PollTimeout::try_from(most)?) {
            Ok(0) => return Ok(vec![Input::Refresh]),
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let typed = files
            .first()
            .is_some_and(|file| file.any().unwrap_or(false));
        let mut bytes = [0; 64];
        // Only that there was a signal counts.
        while self.wake.read(&mut bytes).is_ok_and(|count| count > 0) {}
        if self.ended.load(Ordering::Relaxed) > 0 {
            return Ok(vec![Input::Quit]);
        } else if !typed {
            return Ok(vec![Input::Refresh]);
        }
        // A terminal that is gone gives nothing any more.
        match rustix::io::read(stdin(), &mut bytes)? {
            0 => Ok(vec![Input::Quit]),
            count => Ok(meanings(bytes.get(..count).unwrap_or_default())),
        }
    }

    /// Gives the terminal back; if a signal ended it, the program ends by that signal.
    pub(super) fn close(self) -> Result<()> {
        let signal = self.ended.load(Ordering::Relaxed);
        drop(self);
        if signal > 0 {
            emulate_default_handler(i32::try_from(signal)?)?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore(&self.before);
    }
}

fn restore(before: &Termios) {
    // A terminal that is gone needs nothing.
    drop(stdout().write_all(LEAVE).and_then(|()| stdout().flush()));
    tcsetattr(stdin(), OptionalActions::Now, before).ok();
}

/// What keys mean, by the bytes that they send: those that were typed fast come together.
fn meanings(mut bytes: &[u8]) -> Vec<Input> {
    let mut out = Vec::new();
    while let Some(first) = bytes.first() {
        // The key of a cursor is a sequence, which ends with a letter or a tilde.
        let is_sequence = *first == b'\x1b' && matches!(bytes.get(1), Some(b'[' | b'O'));
        let rest = bytes.iter().skip(2);
        let length = if is_sequence {
            let ends = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'~';
            rest.take_while(|byte| !ends(byte)).count() + 3
        } else {
            1
        };
        let (key, after) = bytes.split_at(length.min(bytes.len()));
        out.push(meaning(key));
        bytes = after;
    }
    out
}

/// What one key means.
fn meaning(key: &[u8]) -> Input {
    match key {
        b"q" | b"Q" | b"\x03" | b"\x04" => Input::Quit,
        b"r" | b"\x0c" => Input::Refresh,
        b"j" | b"\x1b[B" | b"\x1bOB" => Input::Scroll(1),
        b"k" | b"\x1b[A" | b"\x1bOA" => Input::Scroll(-1),
        b" " | b"\x1b[6~" => Input::Page(1),
        b"b" | b"\x1b[5~" => Input::Page(-1),
        b"g" | b"\x1b[H" | b"\x1b[1~" => Input::Top,
        b"G" | b"\x1b[F" | b"\x1b[4~" => Input::Bottom,
        _ => Input::Nothing,
    }
}

/// A piece of a line: the codes of its colours, and its text.
pub(super) type Piece = (&'static str, String);

/// A line of a width.
pub(super) fn line(pieces: &[Piece], width: usize, looks: Looks) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let mut out = String::new();
    let mut left = width;
    for (code, text) in pieces {
        let text = cut(&printable(text), left);
        left -= text.width().min(left);
        out.push_str(&looks.paint(code, &text));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;
    use std::process::{Command, Stdio};

    /// In the environment: this process takes the terminal and panics.
    const PANICS: &str = "NTMSFS_TEST_PANICS";

    /// On a terminal of its own, the same test again.
    #[test]
    fn a_panic_restores_the_terminal_before_it_speaks() {
        if env::var_os(PANICS).is_some() {
            let _screen = Screen::open().unwrap();
            panic!("a page that cannot be drawn");
        }
        let test =
            "cli::client::top::screen::tests::a_panic_restores_the_terminal_before_it_speaks";
        let again = format!(
            "stty -g; {PANICS}=1 '{}' --exact {test} --nocapture; stty -g",
            env::current_exe().unwrap().display()
        );
        let mut script = Command::new("script");
        script
            .args(["-qec", &again, "/dev/null"])
            .stdin(Stdio::null());
        let shown = String::from_utf8(script.output().unwrap().stdout).unwrap();
        let settings = |line: Option<&str>| line.unwrap_or_default().trim().to_owned();
        assert_eq!(
            settings(shown.lines().next()),
            settings(shown.lines().last()),
            "{shown}"
        );
        let at = |what: &[u8]| shown.find(str::from_utf8(what).unwrap()).expect(&shown);
        assert!(
            at(ENTER) < at(LEAVE) && at(LEAVE) < at(b"a page that"),
            "{shown}"
        );
    }

    #[test]
    fn keys_have_their_meanings() {
        for (bytes, expected) in [
            (&b"q"[..], &[Input::Quit][..]),
            (b"\x03", &[Input::Quit]),
            (b"jjj", &[Input::Scroll(1); 3]),
            (
                b"k\x1b[A\x1bOBg",
                &[
                    Input::Scroll(-1),
                    Input::Scroll(-1),
                    Input::Scroll(1),
                    Input::Top,
                ],
            ),
            (b"\x1b[6~q", &[Input::Page(1), Input::Quit]),
            (b"\x1b[1;5C", &[Input::Nothing]),
            (b"\x1b[", &[Input::Nothing]),
            (b"\x1b", &[Input::Nothing]),
            (b"x", &[Input::Nothing]),
            (b"", &[]),
        ] {
            assert_eq!(meanings(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_line_is_printable_and_fits() {
        let (mut looks, pieces) = (
            Looks::plain(None),
            [("1", "日本\x1b[2J".to_owned()), ("", "rest".to_owned())],
        );
        assert_eq!(line(&pieces, 80, looks), "日本\\x1b[2Jrest");
        looks.colour = true;
        assert_eq!(line(&pieces, 6, looks), "\x1b[1m日本\\\u{2026}\x1b[0m");
    }
}
