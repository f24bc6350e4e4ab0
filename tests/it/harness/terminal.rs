//! A real terminal for tests: a session of tmux with a program in it, whose screen is read as a person would.

use crate::harness::until;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The terminal. It ends with the test.
pub(crate) struct Terminal {
    dir: TempDir,
}

impl Terminal {
    /// Runs a command of a shell in a terminal of so many columns and lines. The terminal stays when it has ended.
    pub(crate) fn new((columns, lines): (u32, u32), command: &str) -> Self {
        let terminal = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let options = "set -g remain-on-exit on ; set -g status off ; set -s escape-time 0";
        let conf = terminal.dir.path().join("conf");
        std::fs::write(&conf, options.replace(" ; ", "\n")).unwrap();
        let conf = conf.to_str().unwrap();
        let new = [
            "-f",
            conf,
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &lines,
            command,
        ];
        let made = terminal.tmux(&new);
        assert!(made.status.success(), "tmux: {made:?}");
        terminal
    }

    fn tmux(&self, words: &[&str]) -> Output {
        let mut command = Command::new("timeout");
        command
            .args(["30", "tmux", "-S"])
            .arg(self.dir.path().join("socket"))
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", self.dir.path())
            .env("SHELL", "/bin/sh");
        command
            .output()
            .expect("tmux, which mount/prepare test installs")
    }

    /// Types keys, by the names that tmux has for them.
    pub(crate) fn keys(&self, keys: &[&str]) {
        let sent = self.tmux(&[&["send-keys"], keys].concat());
        assert!(sent.status.success(), "{sent:?}");
    }

    /// Makes it larger or smaller.
    pub(crate) fn resize(&self, columns: u32, lines: u32) {
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let resized = self.tmux(&["resize-window", "-x", &columns, "-y", &lines]);
        assert!(resized.status.success(), "{resized:?}");
    }

    /// What is on it.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8(self.tmux(&["capture-pane", "-p"]).stdout).unwrap()
    }

    /// The same with the codes of colours.
    pub(crate) fn coloured(&self) -> String {
        String::from_utf8(self.tmux(&["capture-pane", "-p", "-e"]).stdout).unwrap()
    }

    /// What tmux knows of the terminal, by its formats.
    pub(crate) fn knows(&self, format: &str) -> String {
        let known = self.tmux(&["display-message", "-p", format]).stdout;
        String::from_utf8(known).unwrap().trim_end().to_owned()
    }

    /// Waits until the screen is as it should be, and gives it.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(what, || {
                last = self.screen();
                is_there(&last).then(|| last.clone())
            })
        }));
        found.unwrap_or_else(|_| panic!("{what}, but the screen is:\n{last}"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.tmux(&["kill-server"]));
    }
}
