//! The documents hold true: every shell block of the README and every example of ntmsfs(7) is run, in order, on a
//! real mount. Root and `/dev/fuse` are required; without them the tests fail loudly.
//!
//! A line is one command and must end with exit status 0. A comment `# prints PATTERN` after it says that some line of
//! what it wrote, error output included, matches the pattern of the shell. A command that ends with `<<END` goes on until a
//! line that is `END`.

use crate::harness::private::{Private, Who};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs one command at a time in one shell, so that variables and descriptors last.
const RUNNER: &str = r#"
doc_fail() { printf 'at line %s: %s\n' "$doc_line" "$1" >&2; [ ! -s "$doc_out" ] || cat "$doc_out" >&2; exit 1; }
doc_run() { doc_line=$1; doc_text=$2; eval "$2" >"$doc_out" 2>&1 || doc_fail "exit status $? of: $2"; }
doc_prints() {
    while IFS= read -r doc_got; do case $doc_got in $1) return;; esac; done <"$doc_out"
    doc_fail "no line matches '$1' in the output of: $doc_text"
}
"#;

/// A command or a pattern of a document, with its line number from 1.
type Line = (usize, String);

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// Takes the lines between two markers, as often as they occur.
fn between(text: &str, begin: &str, end: &str) -> Vec<Line> {
    let mut inside = false;
    let mut out = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line == end && inside {
            inside = false;
        } else if inside {
            out.push((at + 1, line.to_owned()));
        } else {
            inside = line == begin;
        }
    }
    out
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn script(lines: &[Line]) -> String {
    let mut out = RUNNER.to_owned();
    let mut lines = lines.iter();
    while let Some((at, line)) = lines.next() {
        if line.ends_with("<<END") {
            // A file that is written goes on until its mark.
            let mark = lines.clone().position(|(_, line)| line == "END");
            let rest = lines.by_ref().take(mark.expect("the mark END") + 1);
            let rest = rest.map(|(_, line)| line.as_str());
            let whole: Vec<&str> = std::iter::once(line.as_str()).chain(rest).collect();
            let whole = quoted(&whole.join("\n"));
            out.push_str(&["doc_run ", &at.to_string(), " ", &whole, "\n"].concat());
        } else if let Some(pattern) = line.strip_prefix("# prints ") {
            out.push_str(&["doc_prints ", &quoted(pattern), "\n"].concat());
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            out.push_str(&["doc_run ", &at.to_string(), " ", &quoted(line), "\n"].concat());
        }
    }
    out
}

/// Runs a script with nothing in its environment but what a newcomer has, below a directory of its own that is
/// unmounted and removed whatever happens.
fn run(document: &str, lines: &[Line]) {
    let dir = tempfile::tempdir().expect("a directory");
    let program = Path::new(crate::harness::PROGRAM);
    let folder = program.parent().expect("the folder of the program");
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", folder.display());
    let text = dir.path().join("script");
    fs::write(&text, script(lines)).expect("the script");
    let output = Command::new("timeout")
        .args(["-k", "5", "300", "bash"])
        .arg(&text)
        .env_clear()
        .envs([("PATH", path.as_str()), ("LC_ALL", "C.UTF-8")])
        .envs([("HOME", dir.path()), ("TMPDIR", dir.path())])
        .env("doc_out", dir.path().join("out"))
        .env(
            "examples",
            concat!(env!("CARGO_MANIFEST_DIR"), "/mount/examples"),
        )
        .current_dir(dir.path())
        .output()
        .expect("bash");
    let left = unmount_below(dir.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{document}: {} {said}",
        output.status
    );
    assert_eq!(left, 0, "{document} leaves something mounted");
}

/// Takes away what a script left mounted, and counts it.
fn unmount_below(dir: &Path) -> usize {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("the mounts");
    let below = format!("{}/", dir.display());
    let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    let places: Vec<&str> = places.filter(|place| place.starts_with(&below)).collect();
    for place in &places {
        let done = Command::new("umount").args(["-l", place]).status();
        assert!(done.is_ok_and(|status| status.success()), "umount {place}");
    }
    places.len()
}

#[test]
fn the_tour_of_the_readme_works() {
    let lines = between(&read("README.md"), "```sh", "```");
    assert!(lines.len() > 60, "the blocks of the tour were not found");
    run("README.md", &lines);
}

/// In a tree of his own, which nobody else can look into.
#[test]
fn the_tour_works_for_an_ordinary_user() {
    let Some(private) = Private::new("the tour of an ordinary user") else {
        return;
    };
    let lines = between(&read("README.md"), "```sh", "```");
    fs::write(private.place.path().join("script"), script(&lines)).expect("the script");
    let run = "cd $(dirname $C); export TMPDIR=$PWD HOME=$PWD doc_out=$PWD/out; bash $T/script";
    private.ok(Who::Alice, run);
    let left = private.ok(Who::Alice, "grep -c \" $T/home/\" /proc/self/mounts; true");
    assert_eq!(left, "0\n", "the tour leaves something mounted");
}

/// Text of a page as it is typed.
fn plain(text: &str) -> String {
    (text.replace(r"\-", "-"))
        .replace(r"\(aq", "'")
        .replace(r"\(dq", "\"")
        .replace(r"\(ti", "~")
        .replace(r"\&", "")
        .replace(r"\e", r"\")
}

#[test]
fn the_examples_of_the_manual_work() {
    let page = read("man/ntmsfs.7");
    let examples = page.split_once("\n.SH EXAMPLES\n").map(|(_, rest)| rest);
    let examples = examples.and_then(|rest| rest.split_once("\n.SH "));
    let lines = between(examples.expect("a section EXAMPLES").0, ".EX", ".EE");
    let lines: Vec<Line> = (lines.iter().map(|(at, line)| (*at, plain(line)))).collect();
    assert!(lines.len() > 20, "the examples were not found");
    run("man/ntmsfs.7", &lines);
}

/// Pages of which every example is run. Comments that begin with `run:` do before and after what no reader needs to see.
const PAGES: [&str; 4] = [
    "man/ntmsfs-interop.7",
    "man/ntmsfs-operator.7",
    "man/ntmsfs-troubleshooting.7",
    "man/ntmsfs-upgrade.7",
];

/// The examples of a page, and what its comments say to run, with the numbers of their lines.
fn examples(text: &str) -> Vec<Line> {
    let (mut inside, mut lines) = (false, Vec::new());
    for (at, line) in (1..).zip(text.lines()) {
        match line {
            ".EX" | ".EE" => inside = line == ".EX",
            _ if inside => lines.push((at, plain(line))),
            _ => lines.extend(
                line.strip_prefix(".\\\" run: ")
                    .map(|run| (at, run.to_owned())),
            ),
        }
    }
    lines
}

#[test]
fn every_example_of_the_other_pages_works() {
    for page in PAGES {
        let lines = examples(&read(page));
        assert!(lines.len() > 5, "{page}: the examples were not found");
        run(page, &lines);
    }
}

#[test]
fn the_examples_of_the_verbs_work() {
    let page = read("man/ntmsfs.8");
    let (before, rest) = page
        .split_once("\n.SH VERBS FOR A TREE\n")
        .expect("the section");
    let section = rest.split("\n.SH ").next().unwrap_or_default();
    let above = before.lines().count() + 1;
    let lines: Vec<Line> = examples(section)
        .into_iter()
        .map(|(at, line)| (at + above, line))
        .collect();
    assert!(lines.len() > 25, "the examples were not found");
    run("man/ntmsfs.8", &lines);
}
