//! A bar on a terminal for work that takes long.
//!
//! Invariant: it is on standard error, only if that is a terminal, and nothing of it stays there.

use crate::manager::clock;
use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::Duration;

/// Nothing is drawn more often than this.
const PAUSE: Duration = Duration::from_millis(100);

/// Places of the bar.
const PLACES: u64 = 30;

/// The bar.
pub(super) struct Bar {
    shown: Cell<bool>,
    /// When it may be drawn again; `None`: never.
    next: Cell<Option<Duration>>,
}

impl Bar {
    pub(super) fn new() -> Self {
        let is_wanted = stderr().is_terminal();
        Self {
            shown: Cell::new(false),
            next: Cell::new(is_wanted.then(clock::boot)),
        }
    }

    /// Says how far it is: `total` 0 if nobody knows how much there is.
    pub(super) fn at(&self, what: &str, done: u64, total: u64) {
        let now = clock::boot();
        if self.next.get().is_none_or(|next| now < next) {
            return;
        }
        self.next.set(Some(now + PAUSE));
        self.shown.set(true);
        // Only a convenience.
        drop(write!(stderr(), "\r\x1b[K{}", line(what, done, total)));
        drop(stderr().flush());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.shown.get() {
            drop(write!(stderr(), "\r\x1b[K"));
        }
    }
}

/// What is drawn: 70 columns at most.
fn line(what: &str, done: u64, total: u64) -> String {
    if total == 0 {
        return format!("{what} \u{2026}");
    }
    let done = done.min(total);
    let part = |whole: u64| {
        u64::try_from(u128::from(done) * u128::from(whole) / u128::from(total)).unwrap_or(whole)
    };
    let filled = part(PLACES);
    let bar = |places, with: &str| with.repeat(usize::try_from(places).unwrap_or(0));
    let (full, empty) = (bar(filled, "\u{2588}"), bar(PLACES - filled, "\u{2591}"));
    format!("{what:<16} {full}{empty} {:>3} %", part(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_grows_from_empty_to_full() {
        assert!(line("x", 0, 9).ends_with("\u{2591}   0 %"));
        assert!(line("x", u64::MAX / 2, u64::MAX - 1).contains(" 50 %"));
        assert!(line("x", 10, 9).ends_with("\u{2588} 100 %"));
        assert_eq!(line("x", 1, 0), "x \u{2026}");
    }
}
