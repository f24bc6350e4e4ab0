//! What standard output can show.

use rustix::termios::tcgetwinsize;
use std::io::{IsTerminal as _, stdout};

/// Columns and lines of a terminal that does not say them.
const SIZE: (usize, usize) = (80, 24);

/// How wide it is and whether it has colours. What is not a terminal gets everything, plain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looks {
    /// Columns; `None`: as many as it takes.
    pub(super) width: Option<usize>,
    pub(super) colour: bool,
}

impl Looks {
    /// Without colours.
    pub(super) fn plain(width: Option<usize>) -> Self {
        let colour = false;
        Self { width, colour }
    }

    pub(super) fn of_stdout() -> Self {
        if !stdout().is_terminal() {
            return Self::plain(None);
        }
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_none_or(|term| term == "dumb");
        Self {
            width: Some(size().0),
            colour: !dumb && set("NO_COLOR").is_none(),
        }
    }

    /// Puts text between the codes of a colour; an empty code is none.
    pub(super) fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !code.is_empty() && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// A state in its colour: green works, yellow waits, red needs somebody.
    pub(super) fn state(self, word: &str, shown: &str) -> String {
        self.paint(state_colour(word), shown)
    }
}

/// Columns and lines of the terminal.
pub(super) fn size() -> (usize, usize) {
    let or = |said: u16, usual| if said > 0 { said.into() } else { usual };
    tcgetwinsize(stdout()).map_or(SIZE, |size| {
        (or(size.ws_col, SIZE.0), or(size.ws_row, SIZE.1))
    })
}

/// The colour of the word of a state.
fn state_colour(word: &str) -> &'static str {
    match word {
        "ready" | "available" | "allocated" | "complete" | "mounted" | "loaded" => "32",
        "submitted" | "active" | "in-progress" | "initializing" | "in-use" => "33",
        "needs-service" | "not-present" | "refused" | "disabled" | "decommissioned" => "31",
        _ => "",
    }
}
