//! The methods of the protocol and the file operations that stand for them: one table, `tests/data/methods.txt`, from which
//! a section of ntmsfs(7) is made, and whose every row names the test that proves it.

use crate::harness::{Shell, Tree, same};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The interfaces of MS-RSMP, their first and last numbers, and those that are local to the service and do nothing.
const INTERFACES: [(&str, u32, u32, &[u32]); 12] = [
    ("INtmsSession1", 3, 16, &[13]),
    ("INtmsLibraryControl1", 3, 22, &[9]),
    ("INtmsLibraryControl2", 23, 23, &[]),
    ("INtmsMediaServices1", 3, 20, &[5]),
    ("IRobustNtmsMediaServices1", 21, 22, &[]),
    ("INtmsObjectInfo1", 3, 8, &[]),
    ("INtmsObjectManagement1", 3, 11, &[]),
    ("INtmsObjectManagement2", 12, 16, &[]),
    ("INtmsObjectManagement3", 17, 18, &[]),
    ("INtmsNotifySink", 3, 5, &[]),
    ("IClientSink", 3, 3, &[]),
    ("IMessenger", 3, 4, &[]),
];

/// Functions of the client library that are not on the wire.
const CLIENT: &str = "Win32";

/// What stands in place of a test.
const NOT_YET: &str = "-";
const NEEDS_A_ROBOT: &str = "with SCSI libraries";

/// One row.
struct Method {
    interface: String,
    numbers: Vec<u32>,
    name: String,
    operation: String,
    test: String,
}

fn below(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn methods() -> Vec<Method> {
    let table = below("tests/data/methods.txt");
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    let method = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [interface, numbers, name, operation, test] = cells[..] else {
            panic!("five columns: {line}");
        };
        let numbers = numbers.split(' ').filter(|number| *number != NOT_YET);
        Method {
            interface: interface.to_owned(),
            numbers: numbers.map(|number| number.parse().expect(line)).collect(),
            name: name.to_owned(),
            operation: operation.to_owned(),
            test: test.to_owned(),
        }
    };
    rows.map(method).collect()
}

/// The section of the manual.
pub(crate) fn section(escaped: fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut interface = String::new();
    for method in methods() {
        if method.interface != interface {
            interface.clone_from(&method.interface);
            let title = if interface == CLIENT {
                "Client library"
            } else {
                &interface
            };
            out.extend([".SS ", title, "\n"]);
        }
        let numbers: Vec<String> = method.numbers.iter().map(u32::to_string).collect();
        let numbers = if numbers.is_empty() {
            String::new()
        } else {
            format!(" \" ({})\"", numbers.join(", "))
        };
        let proof = match method.test.as_str() {
            NOT_YET => String::new(),
            NEEDS_A_ROBOT => format!("Comes {NEEDS_A_ROBOT}.\n"),
            test => format!("Test:\n.IR {} .\n", escaped(test)),
        };
        let operation = escaped(&method.operation);
        let name = &method.name;
        out.extend([".TP\n.BR ", name, &numbers, "\n", &operation, ".\n", &proof]);
    }
    out
}

#[test]
fn every_method_of_the_protocol_has_its_row() {
    let methods = methods();
    for (interface, first, last, local) in INTERFACES {
        let rows = methods
            .iter()
            .filter(|method| method.interface == interface);
        let numbers: Vec<u32> = rows.flat_map(|method| method.numbers.clone()).collect();
        let wanted: Vec<u32> = (first..=last)
            .filter(|number| !local.contains(number))
            .collect();
        assert_eq!(numbers, wanted, "{interface}");
    }
    let known: BTreeSet<&str> = INTERFACES.iter().map(|row| row.0).chain([CLIENT]).collect();
    let mut seen = BTreeSet::new();
    for method in &methods {
        assert!(
            known.contains(method.interface.as_str()),
            "{}",
            method.interface
        );
        assert!(
            seen.insert((&method.interface, &method.name)),
            "{} is there twice",
            method.name
        );
        assert!(!method.operation.is_empty(), "{}", method.name);
    }
}

#[test]
fn every_test_that_a_row_names_exists() {
    for method in methods() {
        if matches!(method.test.as_str(), NOT_YET | NEEDS_A_ROBOT) {
            continue;
        }
        let (module, function) = method.test.split_once("::").expect("module::function");
        let source = below(&format!("tests/it/{module}.rs"));
        let head = format!("\nfn {function}() {{");
        let (before, _) = source
            .split_once(&head)
            .unwrap_or_else(|| panic!("{}: there is no test {}", method.name, method.test));
        let above = before.trim_end().rsplit('\n');
        let marked = above
            .take_while(|line| !line.is_empty())
            .any(|line| line == "#[test]");
        assert!(marked, "{} is no test", method.test);
    }
}

#[test]
fn the_path_of_a_pool_is_found_by_its_identifier() {
    let tree = Tree::stocked(0);
    let script = "mkdir pools/Top; mkdir pools/Top/pools/Below; readlink by-id/pool/$(cat pools/Top/pools/Below/id)
        mv pools/Top pools/Other; readlink by-id/pool/$(cat pools/Other/pools/Below/id)";
    let ran = tree.run(Shell::Dash, script);
    same(
        &ran,
        ran.output(),
        "../../pools/Top/pools/Below\n../../pools/Other/pools/Below\n",
    );
}

#[test]
fn types_come_and_go() {
    let tree = Tree::empty();
    let script =
        "mkdir types/ODD && cat types/ODD/sides && rmdir types/ODD && ls types | grep -c ODD";
    assert_eq!(tree.run(Shell::Dash, script).stdout, "1\n0\n");
    let script = "mkdir pools/P && echo LTO-8 > pools/P/media_type && rmdir types/LTO-8";
    let ran = tree.run(Shell::Dash, script);
    assert!(
        ran.status != Some(0) && ran.stderr.contains("not empty"),
        "{ran:?}"
    );
    tree.run(Shell::Dash, "rmdir pools/P && rmdir types/LTO-7")
        .output();
}
