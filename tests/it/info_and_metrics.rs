//! `info.json` and `metrics`, read by programs that are not ours: a validator of JSON schemas and a parser of `OpenMetrics`.

use crate::harness::{Shell, Tree, User, same, until};
use std::fs;
use std::path::{Path, PathBuf};

fn schema() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("man/ntmsfs.schema.json")
}

/// A tree with an object of every kind.
fn full() -> Tree {
    let tree = Tree::stocked(3);
    tree.allocate("Backup", "side=lto-0002/A");
    tree.allocate("Archive", "new name=\"Täglich \\\"1\\\"\"");
    tree.write(
        "pools/Backup/description",
        "quote \" and \\ backslash, Größe ☃",
    );
    tree.write(
        "pools/Backup/import",
        "shelved barcode=S1 description=\"off\"",
    );
    // Nothing can satisfy it: a request to a person.
    let lines = "mkdir pools/Empty && echo MO-5.25 > pools/Empty/media_type && echo timeout=1h > pools/Empty/requests/waits";
    tree.run(Shell::Bash, lines).output();
    tree
}

#[test]
fn the_published_schema_is_up_to_date() {
    let wanted = ntmsfs::fs::info_schema();
    if fs::read_to_string(schema()).is_ok_and(|text| text == wanted) {
        return;
    }
    assert!(
        std::env::var_os("NTMSFS_BLESS").is_some(),
        "man/ntmsfs.schema.json differs from the source; NTMSFS_BLESS=1 cargo test renews it"
    );
    fs::write(schema(), wanted).expect("the schema is written");
}

/// Validates every object of the tree, and that sizes, members and values are those of the files beside.
const VALIDATE: &str = r"
import json, os, collections, jsonschema
schema = json.load(open(SCHEMA))
jsonschema.Draft202012Validator.check_schema(schema)
seen = collections.Counter()
for where, dirs, names in os.walk('.'):
    if 'info.json' not in names:
        continue
    path = os.path.join(where, 'info.json')
    raw = open(path, 'rb').read()
    assert len(raw) == os.stat(path).st_size and raw.endswith(b'}\n'), path
    info = json.loads(raw)
    for error in jsonschema.Draft202012Validator(schema).iter_errors(info):
        raise SystemExit(f'{path}: {error}')
    kind = info['object']
    assert set(info) == set(schema['$defs'][kind]['properties']), path
    assert os.path.normpath(info['path'] or '.') == os.path.normpath(where), path
    seen[kind] += 1
    for name in names + dirs:
        file, value = os.path.join(where, name), info.get(name)
        if kind == 'catalog' or name not in info:
            continue
        if os.path.islink(file):
            assert os.path.samefile(value, file), file
        elif os.path.isdir(file):
            assert value == sorted(os.listdir(file)), file
        elif isinstance(value, dict):
            assert value == {k: int(v) for k, v in (l.split() for l in open(file))}, file
        else:
            text = open(file, newline='').read()[:-1]
            if isinstance(value, bool):
                assert text == str(int(value)), file
            elif isinstance(value, int) and text != str(value):
                unit = {'s': 1000, 'm': 60000, 'h': 3600000, 'ms': 1}[text.lstrip('0123456789')]
                assert int(text.rstrip('mhs')) * unit == value, file
            elif value is None:
                assert text in ('', 'infinite'), file
            else:
                assert text == str(value), file
print(*sorted(seen))
";

#[test]
fn every_object_of_a_tree_fits_the_schema() {
    let tree = full();
    let script = format!("SCHEMA = {:?}{VALIDATE}", schema().display().to_string());
    let ran = tree.run(Shell::Python, &script);
    let kinds = "catalog drive library logical medium operator pool port side slot type work\n";
    same(&ran, ran.output(), kinds);
    let script = "import json; i = json.load(open('info.json')); print(i['media'], i['sides'], i['counts']['available'], i['operator_requests'])";
    let ran = tree.run(Shell::Python, script);
    same(&ran, ran.output(), "8 12 9 1\n");
}

/// Reads the numbers, in the order of the names that are asked for.
const PARSE: &str = r"
import sys, os
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
def read():
    file = open('metrics')
    size = os.fstat(file.fileno()).st_size
    text = file.read()
    assert len(text.encode()) == size, (len(text), size)
    return {(s.name, *sorted(s.labels.items())): int(s.value) for f in parse(text) for s in f.samples}
";

#[test]
fn metrics_are_read_by_a_parser_of_openmetrics() {
    let tree = full();
    tree.run(
        Shell::Bash,
        "mkdir 'pools/a \"b\" \\c' && echo LTO-8 > 'pools/a \"b\" \\c/media_type'",
    )
    .output();
    tree.write("pools/a \"b\" \\c/import", "odd");
    let script = format!(
        "{PARSE}m = read()
print(m['ntmsfs_media',], m['ntmsfs_waiting_requests',], m['ntmsfs_operator_requests',], m['ntmsfs_panics_total',])
print(m['ntmsfs_sides', ('pool', 'Backup'), ('state', 'allocated')], m['ntmsfs_offline_sides', ('pool', 'Backup')])
print(m['ntmsfs_sides', ('pool', 'a \"b\" \\\\c'), ('state', 'available')], m['ntmsfs_library_ready', ('library', 'lto')])
lines = open('history').read().splitlines()
print(m['ntmsfs_records_total',] == len(lines), m['ntmsfs_history_bytes_total',] == os.stat('history').st_size)
print(sum(v for k, v in m.items() if k[0] == 'ntmsfs_sides') == os.statvfs('.').f_blocks)"
    );
    let ran = tree.run(Shell::Python, &script);
    same(&ran, ran.output(), "9 1 1 0\n1 1\n1 1\nTrue True\nTrue\n");
    let mode = tree.run(Shell::Dash, "stat -c '%a %u' metrics info.json");
    assert_eq!(mode.output(), "444 0\n640 0\n");
    let anybody = User {
        uid: 4300,
        gid: 4300,
        groups: "",
    };
    assert!(
        tree.run_as(anybody, Shell::Dash, "cat metrics")
            .output()
            .ends_with("# EOF\n")
    );
}

#[test]
fn a_number_that_changes_without_an_event_leaves_the_size() {
    let tree = full();
    let waits = tree.spawn(Shell::Dash, "cat pools/Empty/results/waits");
    let script =
        format!("{PARSE}print(int(read()['ntmsfs_waiting_reads',]), os.stat('metrics').st_size)");
    let mut sizes = Vec::new();
    let mut counts = |wanted: &str| {
        let ran = tree.run(Shell::Python, &script);
        let numbers = ran.output().trim_end().split_once(' ');
        let (count, size) = numbers.expect("two numbers");
        sizes.push(size.to_owned());
        (count == wanted).then_some(())
    };
    until("a read waits", || counts("1"));
    drop(waits);
    until("no read waits", || counts("0"));
    sizes.dedup();
    assert_eq!(sizes.len(), 1, "{sizes:?}");
}
