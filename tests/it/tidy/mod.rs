//! The rules of the architecture that the compiler does not know: who may name whom, how long things may be, and
//! what no file may contain. `src/lib.rs` explains them; this holds the tables.

mod scan;

use self::scan::{Token, functions, heads, heads_above, lines_of, tokens, without_tests};
use std::fs;
use std::path::Path;

/// Each layer, and the layers it may name beside itself.
const LAYERS: [(&str, &[&str]); 7] = [
    (
        "cli",
        &["fs", "manager", "library", "store", "codes", "domain"],
    ),
    ("fs", &["manager", "codes", "domain"]),
    ("manager", &["library", "store", "codes", "domain"]),
    ("library", &["domain"]),
    ("store", &["codes", "domain"]),
    ("codes", &["domain"]),
    ("domain", &[]),
];

/// What only some files of `src` may name: the tokens, and how the paths of those files begin.
const OWNED: [(&str, &[&str]); 10] = [
    ("fuser", &["fs/fuse"]),
    ("rusqlite", &["store/"]),
    ("anyhow", &["cli/", "main.rs"]),
    // The type is in the signatures of the kernel's protocol; asking it is not.
    ("SystemTime", &["manager/clock.rs", "fs/fuse"]),
    ("SystemTime :: now", &["manager/clock.rs"]),
    ("Instant :: now", &["manager/clock.rs"]),
    ("Timestamp :: now", &["manager/clock.rs"]),
    ("Zoned :: now", &["manager/clock.rs"]),
    ("clock_gettime", &["manager/clock.rs"]),
    ("ClockId", &["manager/clock.rs"]),
];

/// What the pure layer may not name: crates, and modules of std.
const IMPURE_CRATES: [&str; 6] = [
    "nix",
    "libc",
    "signal_hook",
    "tracing",
    "tracing_subscriber",
    "clap",
];
const IMPURE_STD: [&str; 7] = ["env", "fs", "io", "net", "os", "process", "thread"];

/// What no code may contain, tests included.
const NOWHERE: [&str; 6] = [
    "unsafe",
    "# [ ignore",
    ", ignore )",
    "todo !",
    "unimplemented !",
    "dbg !",
];

const FUNCTION_LINES: usize = 60;
const FUNCTION_LINES_USUAL: usize = 40;
const FILE_LINES: usize = 600;

/// The reference of the model test is verified by reading it, so it must stay short.
const REFERENCE: (&str, usize) = ("tests/it/model/reference.rs", 300);

/// A ratchet: lower it when the lock file has fewer.
const PACKAGES: usize = 151;

/// What the top level may hold beside dot files.
const TOP_LEVEL: [&str; 12] = [
    "Cargo.toml",
    "Cargo.lock",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "benches",
    "man",
    "mount",
    "src",
    "target",
    "tests",
];

/// Paths of somebody's machine and hosts that are not ours to name, in pieces so that this file passes.
const BANNED: [&str; 7] = [
    concat!("crates", ".io"),
    concat!("//docs", ".rs"),
    concat!("docs", ".rs/"),
    concat!("deb", ".debian.org"),
    concat!("pypi", ".org"),
    concat!("npmjs", ".com"),
    concat!("npmjs", ".org"),
];
const BANNED_FOLDERS: [&str; 3] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
];

/// A file of the repository: its path from the top, and its text.
struct File {
    path: String,
    text: String,
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads every text file below a folder of the repository, in the order of their paths.
fn files(folder: &str) -> Vec<File> {
    let mut out = Vec::new();
    read_into(&top().join(folder), &mut out);
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

fn read_into(folder: &Path, out: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let entry = entry.expect("an entry of a folder");
        let name = entry.file_name();
        if [".git", "target", "Cargo.lock"]
            .iter()
            .any(|skip| name == *skip)
        {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            read_into(&path, out);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let from_top = path.strip_prefix(top()).expect("a path below the top");
            out.push(File {
                path: from_top.to_str().expect("a name in UTF-8").to_owned(),
                text,
            });
        }
    }
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|end| end == "rs")
}

/// Calls a rule for each Rust file of `src`: with its path from there, its source, and its tokens without tests.
fn in_src(mut rule: impl FnMut(&str, &str, &[Token], usize) -> Vec<String>) -> Vec<String> {
    let mut out = Vec::new();
    for file in files("src") {
        let path = file.path.strip_prefix("src/").unwrap_or(&file.path);
        if !is_rust(path) || path.ends_with("/tests.rs") {
            continue;
        }
        let (code, test_lines) = without_tests(&tokens(&file.text));
        out.extend(rule(path, &file.text, &code, test_lines));
    }
    out
}

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// Says for each token sequence in the code where it stands and what it breaks.
fn found(path: &str, code: &[Token], pattern: &str, why: &str) -> Vec<String> {
    let said = pattern.replace(' ', "");
    lines_of(code, pattern)
        .into_iter()
        .map(|line| format!("{path}:{line}: {said} {why}"))
        .collect()
}

/// The rule of directions, for one file of `src`.
fn directions(path: &str, code: &[Token]) -> Vec<String> {
    let wrong = |found: Vec<(String, usize)>, allowed: &dyn Fn(&str) -> bool| {
        found
            .into_iter()
            .filter(|(name, _)| !allowed(name))
            .map(|(name, line)| format!("{path}:{line}: may not name {name}"))
            .collect::<Vec<_>>()
    };
    match path {
        "lib.rs" => return Vec::new(),
        "main.rs" => return wrong(heads(code, "ntmsfs"), &|name| name == "cli"),
        _ => {}
    }
    let own = path
        .split('/')
        .next()
        .unwrap_or(path)
        .trim_end_matches(".rs");
    let Some((_, below)) = LAYERS.iter().find(|(layer, _)| *layer == own) else {
        return vec![format!("{path}: {own} is no layer of the architecture")];
    };
    let may = |name: &str| name == own || below.contains(&name);
    let is_layer = |name: &str| LAYERS.iter().any(|(layer, _)| *layer == name);
    let depth = path.split('/').count() - usize::from(path.ends_with("/mod.rs"));
    let mut out = wrong(heads(code, "crate"), &may);
    out.extend(wrong(heads(code, "ntmsfs"), &may));
    out.extend(wrong(heads_above(code, depth), &|name| {
        may(name) || !is_layer(name)
    }));
    out
}

/// The rule of owned names, for one file of `src`.
fn owned(path: &str, code: &[Token]) -> Vec<String> {
    OWNED
        .iter()
        .filter(|(_, owners)| !owners.iter().any(|owner| path.starts_with(owner)))
        .flat_map(|(name, owners)| found(path, code, name, &format!("only in {owners:?}")))
        .collect()
}

/// The rule that the domain is pure, for one file of `src`.
fn purity(path: &str, code: &[Token]) -> Vec<String> {
    if !path.starts_with("domain") {
        return Vec::new();
    }
    let mut out: Vec<String> = IMPURE_CRATES
        .iter()
        .flat_map(|name| found(path, code, name, "is not pure"))
        .collect();
    let std = heads(code, "std").into_iter();
    out.extend(
        std.filter(|(name, _)| IMPURE_STD.contains(&name.as_str()))
            .map(|(name, line)| format!("{path}:{line}: std::{name} is not pure")),
    );
    out
}

/// The caps of one file, and the lengths of its functions for the sum.
fn caps(path: &str, text: &str, code: &[Token], test_lines: usize) -> (Vec<String>, Vec<usize>) {
    let mut out = Vec::new();
    let lines = text.lines().count() - test_lines;
    if lines > FILE_LINES {
        out.push(format!("{path}: {lines} lines, at most {FILE_LINES}"));
    }
    let functions = functions(code);
    for function in functions.iter().filter(|f| f.lines > FUNCTION_LINES) {
        let (line, name, lines) = (function.line, &function.name, function.lines);
        out.push(format!(
            "{path}:{line}: {name} has {lines} lines, at most {FUNCTION_LINES}"
        ));
    }
    (out, functions.iter().map(|f| f.lines).collect())
}

/// What no file may contain: dates of work, somebody's paths, hosts.
fn banned(file: &File) -> Vec<String> {
    let mut out = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let mut say = |what: &str| out.push(format!("{}:{}: {what}", file.path, number + 1));
        for host in BANNED.iter().filter(|host| line.contains(*host)) {
            say(&format!("names the host {host}"));
        }
        for folder in BANNED_FOLDERS
            .iter()
            .filter(|folder| names_folder(line, folder))
        {
            say(&format!("names a path below {folder}"));
        }
        if has_date(line) {
            say("has a date (a time of an example is written with its T)");
        }
    }
    out
}

/// Whether a line names something in a folder of the root: what follows begins as a name does, for the tree has
/// folders of such names itself, whose entries are numbers.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + folder.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(|c| c.is_alphanumeric() || "/_-.}>*".contains(c))
            && after.is_some_and(|c| c.is_alphabetic() || c == '.')
    })
}

/// Whether a line has a date of this century that is not the beginning of a time.
fn has_date(line: &str) -> bool {
    let chars: Vec<char> = line.chars().collect();
    let number = |from: usize, to: usize| {
        let digits: String = chars.get(from..to)?.iter().collect();
        digits.parse::<u32>().ok()
    };
    (0..chars.len()).any(|at| {
        let starts = at == 0 || !chars[at - 1].is_alphanumeric();
        let ends = !chars.get(at + 10).is_some_and(|c| c.is_alphanumeric());
        let dashes = chars.get(at + 4) == Some(&'-') && chars.get(at + 7) == Some(&'-');
        let in_range =
            |part: Option<u32>, low, high| part.is_some_and(|n| (low..=high).contains(&n));
        starts
            && ends
            && dashes
            && in_range(number(at, at + 4), 2000, 2099)
            && in_range(number(at + 5, at + 7), 1, 12)
            && in_range(number(at + 8, at + 10), 1, 31)
    })
}

#[test]
fn layers_name_only_what_is_below_them() {
    assert_none(&in_src(|path, _, code, _| directions(path, code)));
}

#[test]
fn names_stay_with_their_owners() {
    assert_none(&in_src(|path, _, code, _| owned(path, code)));
    assert_none(&in_src(|path, _, code, _| purity(path, code)));
}

#[test]
fn caps_of_size_hold() {
    let mut lengths = Vec::new();
    assert_none(&in_src(|path, text, code, test_lines| {
        let (out, more) = caps(path, text, code, test_lines);
        lengths.extend(more);
        out
    }));
    let long = lengths
        .iter()
        .filter(|&&l| l > FUNCTION_LINES_USUAL)
        .count();
    assert!(
        long * 20 <= lengths.len(),
        "{long} of {} functions have more than {FUNCTION_LINES_USUAL} lines, at most 5 % may",
        lengths.len()
    );
}

#[test]
fn the_reference_can_be_read_at_once() {
    let (path, most) = REFERENCE;
    let text = fs::read_to_string(top().join(path)).expect(path);
    let lines = text.lines().count();
    assert!(lines <= most, "{path}: {lines} lines, at most {most}");
    assert!(
        lines_of(&tokens(&text), "rustfmt :: skip").is_empty(),
        "{path}: the lines are those of rustfmt"
    );
}

#[test]
fn no_code_holds_what_is_forbidden() {
    let mut out = Vec::new();
    for file in ["src", "tests", "benches"].into_iter().flat_map(files) {
        if !is_rust(&file.path) {
            continue;
        }
        let code = tokens(&file.text);
        let wrong = |pattern: &&str| found(&file.path, &code, pattern, "is forbidden");
        out.extend(NOWHERE.iter().flat_map(wrong));
        if !file.text.starts_with("//!") {
            out.push(format!("{}: does not begin with //!", file.path));
        }
    }
    assert_none(&out);
}

#[test]
fn no_file_holds_what_is_banned() {
    let out: Vec<String> = files("").iter().flat_map(banned).collect();
    assert_none(&out);
}

#[test]
fn every_integration_test_is_declared() {
    let main = fs::read_to_string(top().join("tests/it/main.rs")).expect("tests/it/main.rs");
    let code = tokens(&main);
    let mut out = Vec::new();
    for entry in fs::read_dir(top().join("tests/it")).expect("tests/it") {
        let name = entry.expect("an entry of tests/it").file_name();
        let name = name
            .to_str()
            .expect("a name in UTF-8")
            .trim_end_matches(".rs");
        if name != "main" && lines_of(&code, &format!("mod {name} ;")).is_empty() {
            out.push(format!("tests/it/main.rs does not declare {name}"));
        }
    }
    assert_none(&out);
}

#[test]
fn the_top_level_holds_what_it_should() {
    let mut out = Vec::new();
    for entry in fs::read_dir(top()).expect("the top level") {
        let name = entry.expect("an entry of the top level").file_name();
        let name = name.to_str().expect("a name in UTF-8");
        if !name.starts_with('.') && !TOP_LEVEL.contains(&name) {
            out.push(format!("{name} has no place at the top level"));
        }
    }
    assert_none(&out);
}

#[test]
fn the_lock_file_stays_small() {
    let lock = fs::read_to_string(top().join("Cargo.lock")).expect("Cargo.lock");
    let packages = lock.lines().filter(|line| *line == "[[package]]").count();
    assert!(
        packages <= PACKAGES,
        "{packages} packages, at most {PACKAGES}"
    );
}

/// The rules themselves: each must find what it is there for.
mod rules {
    use super::*;

    #[test]
    fn directions_are_enforced() {
        let wrong = |path: &str, source: &str| directions(path, &tokens(source)).len();
        assert_eq!(wrong("store/fact.rs", "use crate::manager::Ask;"), 1);
        assert_eq!(
            wrong(
                "fs/show.rs",
                "use crate::{domain::Id, store::{query, fact}};"
            ),
            1
        );
        assert_eq!(wrong("fs/show.rs", "fn a() { crate::library::b() }"), 1);
        assert_eq!(
            wrong("fs/fuse/reply.rs", "use super::super::super::store::Tx;"),
            1
        );
        assert_eq!(wrong("fs/fuse/reply.rs", "use super::super::store::Tx;"), 0);
        assert_eq!(wrong("domain/mod.rs", "pub use super::codes;"), 1);
        assert_eq!(wrong("domain/error.rs", "use crate::*;"), 1);
        assert_eq!(wrong("codes.rs", "use super::store;"), 1);
        assert_eq!(wrong("helpers/mod.rs", ""), 1);
        assert_eq!(wrong("main.rs", "use ntmsfs::cli; use ntmsfs::store;"), 1);
        assert_eq!(
            wrong(
                "cli/mod.rs",
                "use crate::fs; // crate::nowhere\nuse super::store;"
            ),
            0
        );
        assert_eq!(
            wrong(
                "domain/rule/allocate.rs",
                "use super::Facts; use crate::domain::id;"
            ),
            0
        );
    }

    #[test]
    fn owners_are_enforced() {
        let wrong = |path: &str, source: &str| owned(path, &tokens(source)).len();
        assert_eq!(wrong("fs/handle.rs", "use fuser::Reply;"), 1);
        assert_eq!(wrong("fs/fuse.rs", "use fuser::Reply;"), 0);
        assert_eq!(wrong("fs/fuse/reply.rs", "use fuser::Reply;"), 0);
        assert_eq!(
            wrong("manager/mod.rs", "fn a(b: rusqlite::Connection) {}"),
            1
        );
        assert_eq!(
            wrong("fs/fuse.rs", "fn a(b: SystemTime) { SystemTime::now(); }"),
            1
        );
        assert_eq!(wrong("store/mod.rs", "std::time::Instant::now()"), 1);
        assert_eq!(
            wrong("manager/clock.rs", "SystemTime::now(); Instant::now()"),
            0
        );
        let impure = |source: &str| purity("domain/id.rs", &tokens(source)).len();
        assert_eq!(
            impure("use std::{fmt, fs}; fn a() -> libc::c_int { std::thread::spawn(b) }"),
            3
        );
        assert_eq!(purity("store/mod.rs", &tokens("use std::fs;")).len(), 0);
    }

    #[test]
    fn caps_are_enforced() {
        let function = |lines: usize| format!("fn a() {{{}}}", "\n".repeat(lines - 1));
        let wrong = |text: &str| {
            let (code, test_lines) = without_tests(&tokens(text));
            caps("a.rs", text, &code, test_lines)
        };
        assert_eq!(wrong(&function(60)), (Vec::new(), vec![60]));
        assert_eq!(wrong(&function(61)).0.len(), 1);
        assert_eq!(
            wrong(&format!("#[cfg(test)]\nmod b {{ {} }}", function(700)))
                .0
                .len(),
            0
        );
        assert_eq!(wrong(&"// a\n".repeat(600)).0.len(), 0);
        assert_eq!(wrong(&"// a\n".repeat(601)).0.len(), 1);
    }

    #[test]
    fn forbidden_code_is_found() {
        let source = "#[ignore = \"x\"] fn a() { unsafe { todo!() } }\n#[cfg_attr(b, ignore)] // unsafe\nfn c() { \"todo!\" }";
        let code = tokens(source);
        let hits = NOWHERE
            .iter()
            .flat_map(|pattern| found("a.rs", &code, pattern, ""));
        assert_eq!(hits.count(), 4);
    }

    #[test]
    fn banned_text_is_found() {
        let wrong = |text: &str| {
            let file = File {
                path: "a".to_owned(),
                text: text.to_owned(),
            };
            banned(&file).len()
        };
        let [user, root, workplace] = BANNED_FOLDERS;
        assert_eq!(
            wrong(&format!(
                "see {user}alice/x, \"{root}.cargo\" and {workplace}main"
            )),
            3
        );
        assert_eq!(
            wrong("cat /mnt/work/7/state work/12/order \"/work/3/state\" /work/<number>/"),
            0
        );
        for host in BANNED {
            assert_eq!(wrong(&format!("at {host}")), 1, "{host}");
        }
        assert_eq!(wrong(concat!("done on 2031-", "04-30.")), 1);
        assert_eq!(
            wrong("2031-04-30T12:00:00Z 01234567-2031-0430-8000-000000000000 2031-13-01"),
            0
        );
    }
}
