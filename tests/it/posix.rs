//! What pjdfstest asks of a file system, as far as it applies to this tree: a written table of errnos, on a real mount.

use crate::harness::{Shell, Tree};

/// The cases: call, case, expected errno, Python, and why the answer is not that of an ordinary file system.
const TABLE: &str = include_str!("../data/posix.txt");
const SCRIPT: &str = include_str!("../data/posix.py");

/// The calls of pjdfstest; those that are not in the table are excluded in it, with the reason.
const CALLS: [&str; 15] = [
    "chflags",
    "chmod",
    "chown",
    "ftruncate",
    "granular",
    "link",
    "mkdir",
    "mkfifo",
    "mknod",
    "open",
    "posix_fallocate",
    "rename",
    "rmdir",
    "symlink",
    "unlink",
];

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split('\t').collect())
}

#[test]
fn every_case_ends_as_the_table_says() {
    let tree = Tree::empty();
    let scratch = tree.scratch("scratch");
    std::fs::write(scratch.join("posix.py"), SCRIPT).unwrap();
    std::fs::write(scratch.join("posix.txt"), TABLE).unwrap();
    let ran = tree.run(Shell::Bash, "python3 $T/posix.py $T/posix.txt");
    let found: Vec<&str> = ran.output().lines().collect();
    let expected: Vec<String> = rows()
        .filter(|row| row[0] != "excluded")
        .map(|row| row[..3].join("\t"))
        .collect();
    let wrong: Vec<String> = (found.iter().zip(&expected))
        .filter(|(found, expected)| found != expected)
        .map(|(found, expected)| format!("{found}, expected {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(found.len(), expected.len());
}

#[test]
fn every_exclusion_has_its_reason_and_no_call_is_forgotten() {
    for row in rows() {
        match row[..] {
            ["excluded", _, "-", "-", why] => assert!(why.len() > 10, "{row:?}"),
            [_, _, errno, _] | [_, _, errno, _, _] => {
                assert!(errno == "ok" || errno.starts_with('E'), "{row:?}");
            }
            _ => panic!("{row:?}"),
        }
    }
    for call in CALLS {
        let mut rows = rows();
        let named = rows.any(|row| row[0] == call || row[0] == "excluded" && row[1].contains(call));
        assert!(named, "{call} is neither in the table nor excluded");
    }
}
