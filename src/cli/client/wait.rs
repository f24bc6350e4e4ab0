//! Waiting for an answer of the tree.
//!
//! Invariant: a signal that ends programs takes effect while the answer is waited for, or after it was shown, never in
//! between: what was taken is known to whoever took it.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::time::TimeSpec;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _, stderr};
use std::os::fd::AsFd as _;
use std::time::Duration;

/// After this time a person is told that it waits.
const SOON: Duration = Duration::from_secs(1);

/// Signals are held back until this is dropped; those that came meanwhile take effect then.
pub(super) struct Held(SigSet);

impl Held {
    pub(super) fn new() -> io::Result<Self> {
        let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]
            .into_iter()
            .collect();
        Ok(Self(signals.thread_swap_mask(SigmaskHow::SIG_BLOCK)?))
    }

    /// Waits until there is an answer, and reads it. `notice` is said on a terminal if it takes long.
    pub(super) fn answer(&self, file: &mut File, notice: &str) -> io::Result<String> {
        if !self.ready(file, Some(SOON))? {
            if stderr().is_terminal() {
                // Only a convenience.
                drop(writeln!(stderr(), "ntmsfs: {notice}"));
            }
            while !self.ready(file, None)? {}
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(text)
    }

    fn ready(&self, file: &File, most: Option<Duration>) -> io::Result<bool> {
        let mut files = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
        match ppoll(&mut files, most.map(TimeSpec::from_duration), Some(self.0)) {
            Ok(count) => Ok(count > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // It cannot fail: the set is one that was in force.
        self.0.thread_set_mask().ok();
    }
}
