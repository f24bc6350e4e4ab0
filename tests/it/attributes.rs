//! Extended attributes of objects and the histories of media, through the real mount.

use crate::harness::{ROOT, Shell, Tree, User, same};
use std::process::Command;

/// Sets, gets, lists and removes, on one home directory after the other.
const EVERYWHERE: &str = r#"
import os, errno
def refused(call, *words):
    try: call(*words)
    except OSError as error: return errno.errorcode[error.errno]
    return "done"
lmid = os.listdir("logical")[0]
medium = os.path.realpath("media/lto-0001")
homes = [".", "pools/Backup", medium, medium + "/sides/A", "logical/" + lmid, "libraries/lto", "libraries/lto/slots/1",
         "libraries/lto/drives/1", "libraries/lto/ports/1", "types/LTO-8", "operator/" + os.listdir("operator")[0],
         "work/" + os.listdir("work")[0]]
for home in homes:
    assert os.listxattr(home) == [], home
    for name, value in (("user.place", b"shelf"), ("user.empty", b""), ("user.\u00e4 \n", bytes(range(256))), ("user.long", b"x" * 65535)):
        os.setxattr(home, name, value)
        assert os.getxattr(home, name) == value, (home, name)
    os.setxattr(home, "user.place", b"room 7", os.XATTR_REPLACE)
    assert os.getxattr(home, "user.place") == b"room 7"
    assert sorted(os.listxattr(home)) == ["user.empty", "user.long", "user.place", "user.\u00e4 \n"], home
    found = [refused(os.setxattr, home, "user.place", b"", os.XATTR_CREATE), refused(os.setxattr, home, "user.new", b"", os.XATTR_REPLACE),
             refused(os.getxattr, home, "user.new"), refused(os.removexattr, home, "user.new"),
             refused(os.setxattr, home, "user.long", b"x" * 65536), refused(os.setxattr, home, "trusted.a", b"")]
    assert found == ["EEXIST", "ENODATA", "ENODATA", "ENODATA", "E2BIG", "ENOTSUP"], (home, found)
    os.removexattr(home, "user.place")
    assert "user.place" not in os.listxattr(home)
for other in ("pools", "pools/Backup/description", "media/lto-0001/name", "README", medium + "/sides",
              "by-state/available", "by-owner/0", "by-location/libraries/lto", "logical", "work"):
    assert os.listxattr(other) == [], other
    found = [refused(os.setxattr, other, "user.a", b""), refused(os.getxattr, other, "user.a"), refused(os.removexattr, other, "user.a")]
    assert found == ["ENOTSUP"] * 3, (other, found)
print("every home")
"#;

#[test]
fn every_object_has_attributes_and_nothing_else_has() {
    let tree = Tree::stocked(3);
    tree.allocate("Backup", "");
    // One more than there are sides: a person is asked.
    let ask =
        "for n in 1 2 3 4 5 6 7 8 9; do echo timeout=infinite > pools/Archive/requests/n$n; done";
    tree.run(Shell::Bash, ask).output();
    let ran = tree.run(Shell::Python, EVERYWHERE);
    assert_eq!(ran.output(), "every home\n");
    tree.remount();
    let script = "import os\nprint(sum(len(os.getxattr('pools/Backup', name)) for name in os.listxattr('pools/Backup')))";
    assert_eq!(tree.run(Shell::Python, script).output(), "65791\n");
}

/// Those of work go with it: when it is forgotten, and with its library.
#[test]
fn attributes_of_work_go_with_it() {
    let tree = Tree::empty();
    tree.library("lto", "type=LTO-8 slots=2 drives=1");
    let ran = tree.run(
        Shell::Bash,
        "for n in a b; do echo inventory > libraries/lto/requests/$n; cat libraries/lto/results/$n; done
         for n in work/*; do setfattr -n user.ticket -v 4711 $n; done; getfattr -d work/* | grep -c ticket
         rm libraries/lto/requests/a; getfattr -d work/* | grep -c ticket
         echo 0 > libraries/lto/enabled; rmdir libraries/lto; ls work",
    );
    let expected = "ok inventory of lto: 0 media\nok inventory of lto: 0 media\n3\n2\n";
    assert_eq!(ran.output(), expected);
    tree.unmount();
    let (program, catalog, _) = tree.places();
    let checked = Command::new(program).args(["check", catalog]).status();
    assert!(checked.expect("a check").success());
    tree.mount();
}

#[test]
fn attributes_are_copied_and_listed_by_the_usual_tools() {
    let tree = Tree::stocked(1);
    let script = "setfattr -n user.owner -v 'team a' pools/Backup && \
                  cp -a --no-preserve=ownership pools/Backup/. \"$T/copy\" 2>/dev/null; \
                  getfattr -d --absolute-names pools/Backup; getfattr --absolute-names --only-values -n user.owner \"$T/copy\"";
    let ran = tree.run(Shell::Bash, script);
    assert_eq!(
        ran.output(),
        "# file: pools/Backup\nuser.owner=\"team a\"\n\nteam a"
    );
}

#[test]
fn the_room_of_one_object_is_bounded_and_goes_with_it() {
    let tree = Tree::stocked(1);
    let script = r#"
import os, errno
os.mkdir("pools/Full")
done = []
for n in range(9):
    try: os.setxattr("pools/Full", "user.%d" % n, b"x" * 65000)
    except OSError as error: done.append(errno.errorcode[error.errno])
print(done, open("last-error").read().strip())
os.rmdir("pools/Full"); os.mkdir("pools/Full")
print(os.listxattr("pools/Full"))
"#;
    let ran = tree.run(Shell::Python, script);
    let sentence = "0x800710DA ERROR_DATABASE_FULL the attributes of \"Full\" would have 325030 bytes, at most 262144 are allowed";
    let refused = ["'ENOSPC'"; 5].join(", ");
    assert_eq!(ran.output(), format!("[{refused}] {sentence}\n[]\n"));
}

#[test]
fn attributes_are_set_by_whoever_may_change_the_object() {
    let tree = Tree::stocked(2);
    let (owner, other) = (user(1000), user(1001));
    tree.run(
        Shell::Bash,
        "chown 1000:1000 pools/Backup && chmod 750 pools/Backup && chmod 770 pools/Backup/media",
    )
    .output();
    tree.run(
        Shell::Bash,
        "mv pools/Free/pools/LTO-8/media/lto-0001 pools/Backup/media/",
    )
    .output();
    let set = |at: &str| format!("setfattr -n user.a -v 1 {at} 2>&1 | sed 's/.*: //'");
    for (who, at, expected) in [
        (owner, "pools/Backup", ""),
        (owner, "pools/Backup/media/lto-0001", ""),
        (owner, "pools/Backup/media/lto-0001/sides/A", ""),
        (other, "pools/Backup", "Permission denied\n"),
        (other, "pools/Backup/media/lto-0001", "Permission denied\n"),
        (owner, "types/LTO-8", "Permission denied\n"),
        (owner, "$(ls -d work/* | head -n 1)", "Permission denied\n"),
        (owner, ".", "Permission denied\n"),
        (owner, "pools/Free", "Permission denied\n"),
        (owner, "libraries/lto/slots/1", "Permission denied\n"),
        (ROOT, "libraries/lto/slots/1", ""),
    ] {
        let ran = tree.run_as(who, Shell::Bash, &set(at));
        same((who, at), ran.output(), expected);
    }
}

fn user(uid: u32) -> User {
    User {
        uid,
        gid: uid,
        groups: "",
    }
}

/// A line of 64 KiB is as good as any other for those who read the trail, in any pieces.
#[test]
fn long_lines_are_read_in_pieces() {
    let tree = Tree::stocked(1);
    let script = r#"
import os, json
medium = os.path.realpath("media/lto-0001")
events = os.open("events", os.O_RDONLY)
size = os.stat("history").st_size
for n in range(20):
    os.setxattr(medium, "user.%d" % (n % 3), bytes([n]) * 65535)
def whole(path, piece, offset=0):
    with open(path, "rb", buffering=0) as file:
        file.seek(offset)
        parts = []
        while part := file.read(piece): parts.append(part)
        return b"".join(parts)
lines = whole("history", 1 << 20, size)
assert lines == whole("history", 4093, size)
assert os.stat("history").st_size == size + len(lines)
seen = b""
while len(seen) < len(lines): seen += os.read(events, 5000)
assert seen == lines
records = [json.loads(line) for line in lines.splitlines()]
values = [record["detail"]["value"] for record in records]
assert [bytes.fromhex(value.get("hex", "")) or value["text"].encode() for value in values] == [bytes([n]) * 65535 for n in range(20)]
own = medium + "/history"
assert whole(own, 1000).endswith(lines) and os.stat(own).st_size == len(whole(own, 1 << 20))
assert whole(own, 7777, len(whole(own, 99999)) - len(lines)) == lines
print(len(records))
"#;
    assert_eq!(tree.run(Shell::Python, script).output(), "20\n");
}

#[test]
fn the_history_of_a_medium_is_what_concerns_it() {
    let tree = Tree::stocked(3);
    let lmid = tree.allocate("Backup", "");
    tree.allocate("Backup", "");
    tree.write(&format!("logical/{lmid}/name"), "mine");
    tree.run(Shell::Bash, &format!("rmdir logical/{lmid}"))
        .output();
    let script = format!(
        r#"
import os, json
for name in os.listdir("media"):
    own = open("media/%s/history" % name).read()
    assert os.stat("media/%s/history" % name).st_size == len(own.encode())
    events = [json.loads(line)["detail"]["event"] for line in own.splitlines()]
    whole = open("history").read().splitlines()
    assert all(line in whole for line in own.splitlines())
    print(name, *events, *(["the one"] if "{lmid}" in own else []))
"#
    );
    let ran = tree.run(Shell::Python, &script);
    let mut lines = ran.lines();
    lines.sort_unstable();
    let expected = [
        "lto-0001 medium_created allocated logical_changed deallocated the one",
        "lto-0002 medium_created allocated",
        "lto-0003 medium_created",
    ];
    let of_tapes: Vec<&str> = lines
        .into_iter()
        .filter(|line| line.starts_with("lto"))
        .collect();
    assert_eq!(of_tapes, expected);
    let other = tree.run_as(user(1000), Shell::Bash, "cat media/lto-0001/history 2>&1");
    assert!(other.stdout.contains("Permission denied"), "{other:?}");
}
