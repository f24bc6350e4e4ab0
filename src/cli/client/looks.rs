//! What standard output can show.

use rustix::termios::tcgetwinsize;
use std::io::{IsTerminal as _, stdout};

/// The width of a terminal that does not say one.
const WIDTH: usize = 80;

/// How wide it is and whether it has colours. What is not a terminal gets everything, plain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looks {
    /// Columns; `None`: as many as it takes.
    pub(super) width: Option<usize>,
    colour: bool,
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
            width: Some(size().0.unwrap_or(WIDTH)),
            colour: !dumb && set("NO_COLOR").is_none(),
        }
    }

    pub(super) fn has_colours(self) -> bool {
        self.colour
    }

    /// Puts text between the codes of a colour.
    pub(super) fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
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
        match state_colour(word) {
            Some(code) => self.paint(code, shown),
            None => shown.to_owned(),
        }
    }
}

/// Columns and lines of the terminal, if it says them.
pub(super) fn size() -> (Option<usize>, Option<usize>) {
    let said = |number: u16| Some(usize::from(number)).filter(|number| *number > 0);
    tcgetwinsize(stdout()).map_or((None, None), |size| (said(size.ws_col), said(size.ws_row)))
}

/// The colour of the word of a state.
fn state_colour(word: &str) -> Option<&'static str> {
    match word {
        "ready" | "available" | "allocated" | "complete" | "mounted" | "loaded" => Some("32"),
        "submitted" | "active" | "in-progress" | "initializing" | "in-use" => Some("33"),
        "needs-service" | "not-present" | "refused" | "disabled" | "decommissioned" => Some("31"),
        _ => None,
    }
}
