//! `ntmsfs top` on a real terminal.

use crate::harness::terminal::Terminal;
use crate::harness::{Shell, Tree, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;

/// Top in a terminal; afterwards a shell says how it ended and stays.
fn top(tree: &Tree, size: (u32, u32), words: &str) -> Terminal {
    let (program, _, at) = tree.places();
    let command = format!(
        "stty -a > {0}/before; {program} top --tree {at} {words}; echo status $?; stty -a > {0}/after; echo ended; exec cat",
        tree.scratch("top").display()
    );
    Terminal::new(size, &command)
}

/// A tree with something in every section.
fn busy() -> Tree {
    let tree = Tree::stocked(12);
    tree.pool("Nightly", "LTO-8");
    tree.write("pools/Nightly/allocate_from_free", "0");
    tree.allocate("Backup", "");
    tree.write("pools/Backup/requests/failed", "side=nobody/A");
    tree.write("pools/Nightly/requests/waits", "timeout=9h");
    tree
}

fn assert_restored(tree: &Tree, terminal: &Terminal) {
    let saved = |name: &str| {
        let text = fs::read_to_string(tree.scratch("top").join(name)).unwrap();
        // The first line has the size, which somebody may have changed.
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(saved("before"), saved("after"));
    assert_eq!(terminal.knows("#{alternate_on} #{cursor_flag}"), "0 1");
}

#[test]
fn the_page_shows_what_waits_and_what_failed_on_a_small_terminal() {
    let tree = busy();
    let terminal = top(&tree, (80, 24), "");
    let screen = terminal.until("the page", |screen| screen.contains("q quit"));
    for part in [
        "Asked of people",
        "new-media (submitted)",
        "Last failures",
        "request failed",
        "Waiting requests",
        "waits",
    ] {
        assert!(screen.contains(part), "{part}\n{screen}");
    }
    assert!(
        screen.lines().count() <= 24 && screen.lines().all(|line| line.chars().count() <= 80),
        "{screen}"
    );
    terminal.keys(&["G"]);
    let screen = terminal.until("the end of the page", |screen| screen.contains("drive 1"));
    assert!(
        screen.contains("slots: ") && !screen.contains("Asked of people"),
        "{screen}"
    );
    terminal.keys(&["k", "Up", "g"]);
    terminal.until("the beginning of the page", |screen| {
        screen.contains("Asked of people")
    });
    terminal.keys(&["j", "Down"]);
    terminal.until("two lines down", |screen| screen.contains("lines 3-"));
    terminal.keys(&["q"]);
    terminal.until("the end", |screen| screen.contains("status 0\nended"));
    assert_restored(&tree, &terminal);
}

#[test]
fn the_page_fills_a_large_terminal_and_follows_its_size() {
    let tree = busy();
    let terminal = top(&tree, (200, 60), "--delay 1");
    let all = |screen: &str| {
        ["Asked of people", "Pools", "Backup", "Libraries", "drive 2"]
            .iter()
            .all(|part| screen.contains(part))
    };
    let screen = terminal.until("the whole page", all);
    assert!(
        screen.contains("\u{2593}") && screen.contains("1 allocated"),
        "{screen}"
    );
    assert!(
        terminal.coloured().contains("\u{1b}[34m\u{2593}"),
        "bars have colours"
    );
    tree.allocate("Backup", "");
    terminal.until("a change is seen", |screen| screen.contains("2 allocated"));
    terminal.resize(80, 24);
    terminal.until("it fits again", |screen| {
        screen
            .lines()
            .nth(23)
            .is_some_and(|line| line.contains("q quit"))
    });
    terminal.keys(&["C-c"]);
    terminal.until("the end", |screen| screen.contains("status 0\nended"));
    assert_restored(&tree, &terminal);
}

#[test]
fn a_tree_that_is_unmounted_and_comes_back() {
    let tree = busy();
    let terminal = top(&tree, (80, 24), "--delay 1");
    terminal.until("the page", |screen| screen.contains("q quit"));
    tree.unmount();
    let screen = terminal.until("it is gone", |screen| {
        screen.contains("shown is what was seen last")
    });
    assert!(screen.contains("Asked of people"), "{screen}");
    tree.mount();
    terminal.until("it is back", |screen| {
        screen.contains("q quit") && !screen.contains("seen last")
    });
    terminal.keys(&["q"]);
    terminal.until("the end", |screen| screen.contains("status 0\nended"));
}

#[test]
fn the_terminal_is_restored_after_a_signal() {
    let tree = busy();
    for (signal, status) in [
        (Signal::SIGTERM, 143),
        (Signal::SIGHUP, 129),
        (Signal::SIGINT, 130),
    ] {
        let terminal = top(&tree, (80, 24), "");
        terminal.until("the page", |screen| screen.contains("q quit"));
        let shell = terminal.knows("#{pane_pid}");
        let child = until("top runs", || {
            let children =
                fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
            children.trim().parse().ok()
        });
        kill(Pid::from_raw(child), signal).unwrap();
        terminal.until("the end", |screen| {
            screen.contains(&format!("status {status}\nended"))
        });
        assert_restored(&tree, &terminal);
    }
}

#[test]
fn without_a_terminal_it_is_refused() {
    let tree = Tree::empty();
    let ran = tree.run(Shell::Bash, &format!("{} top", tree.places().0));
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("needs a terminal"), "{}", ran.stderr);
}

#[test]
fn who_may_not_read_everything_sees_the_rest() {
    let tree = busy();
    let (program, _, at) = tree.places();
    let command = format!(
        "setpriv --reuid 4300 --regid 4300 --clear-groups {program} top --tree {at}; exec cat"
    );
    let terminal = Terminal::new((100, 50), &command);
    let screen = terminal.until("the page", |screen| screen.contains("q quit"));
    assert!(
        screen.contains("not for you") && screen.contains("new-media (submitted)"),
        "{screen}"
    );
}
