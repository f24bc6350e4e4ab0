//! The stream of events and the trail that it is the end of, through the real mount.

use crate::harness::random::Random;
use crate::harness::world::rounds;
use crate::harness::{Shell, Tree, same, until};
use std::fs;
use std::io::Write as _;

/// What resumes after the last record that it has written down.
const CLIENT: &str = r#"
import os
out = os.open(os.environ["T"] + "/seen", os.O_RDWR | os.O_CREAT)
size = os.fstat(out).st_size
whole = os.pread(out, size, max(0, size - 2000000))
end = whole.rfind(b"\n") + 1
os.ftruncate(out, size - len(whole) + end)
os.lseek(out, 0, os.SEEK_END)
last = whole[whole.rfind(b"\n", 0, end - 1) + 1:end] if end else b""
import json
seq = json.loads(last)["seq"] if last else 0
events = os.open("events", os.O_RDWR)
os.write(events, b"from=%d\n" % (seq + 1))
while True:
    os.write(out, os.read(events, 30000))
"#;

#[test]
fn a_reader_that_is_killed_and_resumes_has_no_gap_and_no_duplicate() {
    let tree = Tree::empty();
    let count = rounds(5_000, 100_000);
    fs::create_dir(tree.path("pools/Many")).expect("a pool");
    tree.write("pools/Many/media_type", "LTO-8");
    let import = tree.path("pools/Many/import");
    let producer = std::thread::spawn(move || {
        let mut import = fs::OpenOptions::new()
            .write(true)
            .open(import)
            .expect("the import");
        for chunk in 0..count.div_ceil(250) {
            let first = chunk * 250;
            let lines: Vec<String> = (first..count.min(first + 250))
                .map(|n| format!("m{n}\n"))
                .collect();
            import.write_all(lines.concat().as_bytes()).expect("media");
        }
    });
    let seen = tree.scratch("scratch").join("seen");
    let length = || fs::metadata(&seen).map_or(0, |seen| seen.len());
    let (mut random, mut kills) = (Random(count), 0);
    while !producer.is_finished() || kills < 10 {
        let client = tree.spawn(Shell::Python, CLIENT);
        let enough = length() + random.next() % 200_000;
        until("the client reads, or there is no more", || {
            let all = producer.is_finished() && length() >= history(&tree);
            (length() >= enough || all).then_some(())
        });
        drop(client);
        kills += 1;
    }
    producer.join().expect("all media");
    let client = tree.spawn(Shell::Python, CLIENT);
    until("the client has all", || {
        (length() >= history(&tree)).then_some(())
    });
    drop(client);
    let (seen, trail) = (
        fs::read_to_string(seen).expect("text"),
        tree.read("history"),
    );
    assert!(
        seen == trail,
        "what was seen in {kills} parts is not the trail"
    );
    assert!(u64::try_from(trail.lines().count()).expect("a count") > count);
}

fn history(tree: &Tree) -> u64 {
    fs::metadata(tree.path("history")).expect("the trail").len()
}

#[test]
fn a_stream_begins_where_it_is_told() {
    let tree = Tree::empty();
    let trail = tree.read("history");
    let count = trail.lines().count();
    let script = "exec 3<>events; echo from=2 >&3; head -n 1 <&3 2> /dev/null";
    let ran = tree.run(Shell::Bash, script);
    same(
        "the second",
        Some(ran.output().trim_end()),
        trail.lines().nth(1),
    );
    let all = format!(
        "exec 3<>events; echo from=1 >&3; head -c {} <&3",
        trail.len()
    );
    assert!(tree.run(Shell::Bash, &all).output() == trail);
    for (text, sentence) in [
        (
            "from=0",
            "records count from 1, not from 0; the oldest kept is 1".to_owned(),
        ),
        (
            "from=-1",
            "records count from 1, not from -1; the oldest kept is 1".to_owned(),
        ),
        (
            "from=x",
            "write from=<sequence number>; the oldest kept is 1".to_owned(),
        ),
        (
            "",
            "write from=<sequence number>; the oldest kept is 1".to_owned(),
        ),
        (
            "seq=3",
            "write from=<sequence number>; the oldest kept is 1".to_owned(),
        ),
        (
            "from=9223372036854775807",
            format!(
                "there is no record 9223372036854775807; the next is {}",
                count + 1
            ),
        ),
    ] {
        let script =
            format!("exec 3<>events; echo '{text}' 2>&1 >&3 | sed 's/.*: //'; cat last-error");
        let line = format!("Invalid argument\n0x80070057 ERROR_INVALID_PARAMETER {sentence}\n");
        same(text, tree.run(Shell::Bash, &script).output(), line.as_str());
    }
}

/// Everything that a user can put into a record, with what would end a line or obey a terminal in it.
#[test]
fn nothing_that_users_write_forges_a_line() {
    let tree = Tree::stocked(3);
    let script = r#"
import os, json
evil = '"}\n{"seq":1,"time":"x"}\r\u0085\u009b31m\u2028\u202e\\\x00'
quotes = 'a"}, {"seq":2} \\" \''
def tried(call, *words):
    try: return call(*words)
    except (OSError, ValueError): return None
def put(path, text):
    with open(path, "w") as file: file.write(text)
open("/proc/self/comm", "w").write('a"}\n{"se')
for name in (quotes, "\u00e9\u2603", "a\nb", "a\u0085b", "a\u202eb"):
    tried(os.mkdir, "pools/" + name)
    tried(os.mkdir, "libraries/" + name)
    tried(os.mkdir, "types/" + name)
    tried(put, "pools/Backup/requests/" + name, 'timeout=0 name="%s"\n' % quotes.replace('"', '\\"'))
for text in (quotes, "a\nb", evil):
    for body in ('description="%s"\n' % text, json.dumps({"name": text, "timeout": 0}) + "\n", text + "\n"):
        def ask():
            with open("pools/Backup/allocate", "r+b", buffering=0) as file:
                file.write(body.encode()); file.read()
        tried(ask)
    tried(put, "pools/Backup/description", text + "\n")
    tried(put, "libraries/lto/description", text + "\n")
    tried(put, "libraries/lto/driver", "virtual type=LTO-8 slots=1 barcodes='%s'\n" % text)
    tried(put, "pools/Backup/import", 'x%d description="%s" barcode="%s"\n' % (len(text), text, text))
    tried(os.setxattr, "pools/Backup", "user." + text.replace("\0", ""), text.encode())
    for lmid in os.listdir("logical"):
        tried(put, "logical/%s/name" % lmid, text + "\n")
        tried(put, "logical/%s/description" % lmid, text + "\n")
raw = open("history", "rb").read()
lines = raw.split(b"\n")
assert lines.pop() == b""
records = [json.loads(line) for line in lines]
assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
keys = ["seq", "time", "object", "id", "operation", "by", "request", "result", "detail", "v"]
for line, record in zip(lines, records):
    assert [key for key in keys if key in record] == list(record), record
    bad = [c for c in line.decode() if ord(c) < 32 or 0x7f <= ord(c) < 0xa0 or ord(c) in (0x2028, 0x2029) or 0x202a <= ord(c) <= 0x202e]
    assert not bad, line
assert any(record["by"]["command"].startswith('a"}') for record in records)
texts = json.dumps(records)
assert texts.count("seq\\\":2") > 5, texts.count("seq\\\":2")
print("sound")
"#;
    let ran = tree.run(Shell::Python, script);
    assert_eq!(ran.output(), "sound\n");
}

/// What is refused is said by the next read of the same descriptor, and then the stream goes on.
#[test]
fn a_refused_position_is_read_back() {
    let tree = Tree::empty();
    let ran = tree.run(
        Shell::Bash,
        "exec 3<>events; echo from=99999999 >&3; head -n 1 <&3 | cut -d' ' -f2; echo from=1 >&3; head -n 1 <&3 | cut -c1-8",
    );
    assert!(
        ran.stdout
            .ends_with("ERROR_INVALID_PARAMETER\n{\"seq\":1\n"),
        "{ran:?}"
    );
}
