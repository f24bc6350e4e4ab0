//! What others do with the tree: handles of a server of NFS, sizes that clients trust, and the examples of rotation. The examples
//! of ntmsfs-interop(7) are run by [`crate::documents`].

use crate::harness::daemon::not_run;
use crate::harness::{Shell, Tree, same};
use std::process::Command;

/// Calls of Python that take a handle and open it, as a server of NFS does.
const HANDLES: &str = r"
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
class Handle(ctypes.Structure):
    _fields_ = [('bytes', ctypes.c_uint), ('type', ctypes.c_int), ('f', ctypes.c_ubyte * 128)]
def taken(path):
    handle, mount = Handle(bytes=128), ctypes.c_int()
    failed = libc.name_to_handle_at(-100, path.encode(), ctypes.byref(handle), ctypes.byref(mount), 0)
    assert not failed, os.strerror(ctypes.get_errno())
    return bytes(handle)
def opened(handle):
    root = os.open('.', os.O_RDONLY)
    fd = libc.open_by_handle_at(root, ctypes.byref(Handle.from_buffer_copy(handle)), os.O_RDONLY)
    return fd if fd >= 0 else os.strerror(ctypes.get_errno())
file = os.environ['T'] + '/handle'
";

#[test]
fn a_handle_is_good_for_the_life_of_the_catalog() {
    let tree = Tree::stocked(1);
    let paths = "['pools/Backup/media_type', 'media', '.', 'pools/Backup/pools']";
    let take = format!(
        "{HANDLES}\nos.mkdir('pools/Gone')\npaths = {paths} + ['pools/Gone/id']\n\
         for n, path in enumerate(paths): open(file + str(n), 'wb').write(taken(path))\nos.rmdir('pools/Gone')"
    );
    tree.run(Shell::Python, &take).output();
    // Whatever the kernel knew of it is forgotten.
    tree.remount();
    let open = format!(
        "{HANDLES}\nfor n, path in enumerate({paths}):\n    fd = opened(open(file + str(n), 'rb').read())\n    \
         print(os.fstat(fd).st_ino == os.stat(path).st_ino)\n    \
         if n == 0: print(os.read(fd, 99))\n\
         print(opened(open(file + '4', 'rb').read()))"
    );
    let found = tree.run(Shell::Python, &open);
    let expected = [
        "True",
        "b'LTO-8\\n'",
        "True",
        "True",
        "True",
        "Stale file handle",
    ];
    same(&found.stderr, found.lines(), expected.to_vec());
}

#[test]
fn last_error_is_as_long_as_the_callers_own_refusal() {
    let tree = Tree::stocked(1);
    let refused = "echo many > pools/Backup/want_available 2>/dev/null; stat -c %s last-error; wc -c < last-error";
    let ran = tree.run(Shell::Bash, refused);
    let [size, length] = ran.lines()[..] else {
        panic!("two numbers: {ran:?}");
    };
    same("root", size, length);
    assert_ne!(size, "0", "the refusal has a sentence");
    let other = "setpriv --reuid 4711 --regid 4711 --clear-groups stat -c %s last-error";
    same(
        "who was refused nothing",
        tree.run(Shell::Bash, other).output(),
        "0\n",
    );
}

/// The month of all examples; its first Sunday is the fourth.
const MONTH: &str = "2031-05";

/// Two pools that draw on six disks, something to store, and a function that runs an example for a day of May 2031.
fn rotation(tree: &Tree, example: &str) -> String {
    tree.library("disks", "type=RDX slots=9 drives=1 cartridges=6");
    tree.pool("Daily", "RDX");
    tree.pool("Weekly", "RDX");
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/mount/examples");
    format!(
        "export KEEP_DAILY=2 KEEP_WEEKLY=1 HOME=$T MOUNTED=$T/mounted RESTIC_PASSWORD_FILE=$T/word; echo word > $T/word; \
         mkdir $T/home; day() {{ echo $1 > $T/home/day; {examples}/rotate-{example} $PWD disks $T/home {MONTH}-$1; }}; "
    )
}

/// Which days are kept in the end, on which media, and what is left of the work with them.
const KEPT: &str = "cat by-owner/0/*/name; cat by-owner/0/*/state | sort -u; ls libraries/disks/requests | grep -v ^unload-; \
                    grep -h -E '^(available|allocated|complete)' pools/Daily/counts pools/Weekly/counts | tr -s ' '";

#[test]
fn a_tar_a_day_rotates_and_survives_being_killed() {
    let tree = Tree::empty();
    let days = rotation(&tree, "tar");
    // Killed at some point of its work, it goes on when it is run again.
    let script = format!(
        "{days} export -f day; for d in 01 02 03 04 05 06; do for s in 0.04 0.1 0.2 0.3; do \
         timeout -s KILL $s bash -c \"day $d\"; done >/dev/null 2>&1; day $d; done; {KEPT}"
    );
    let ran = tree.run(Shell::Bash, &script);
    let lines = ran.lines();
    assert!(lines.len() > 6, "{ran:#?}");
    let (days, rest) = lines.split_at(6);
    for (day, said) in (1..).zip(days) {
        let pool = if day == 4 { "Weekly" } else { "Daily" };
        let set = format!("tar-{pool}-{MONTH}-0{day} is ");
        assert!(said.starts_with(&set), "{said}: {ran:#?}");
    }
    // In the order of their identifiers, which a killed run may have taken early.
    let (sets, rest) = rest.split_at(3.min(rest.len()));
    let mut sets = sets.to_vec();
    sets.sort_unstable();
    let kept = ["Daily-{}-05", "Daily-{}-06", "Weekly-{}-04"];
    let kept = kept.map(|set| ["tar-", &set.replace("{}", MONTH)].concat());
    same(&ran.stderr, sets, kept.iter().map(String::as_str).collect());
    let expected = [
        "complete",
        "available 1",
        "allocated 0",
        "complete 2",
        "available 0",
        "allocated 0",
        "complete 1",
    ];
    same(&ran.stderr, rest.to_vec(), expected.to_vec());
}

#[test]
fn restic_rotates_over_disks() {
    // Without one the drive, a file, cannot be mounted as a disk.
    let looped = Command::new("losetup").arg("-f").output().expect("losetup");
    if !looped.status.success() {
        not_run("rotation with restic", "no loop device");
        return;
    }
    let tree = Tree::empty();
    let days = rotation(&tree, "restic");
    let script =
        format!("{days} KEEP_DAILY=1; for d in 01 02 05; do day $d; done; {KEPT}; ls $T/mounted");
    let ran = tree.run(Shell::Bash, &script);
    // The first disk comes back on the third day, with the repository that it has.
    let said = [("01", "1"), ("02", "2"), ("05", "1")]
        .map(|(day, disk)| format!("restic-Daily-{MONTH}-{day} is on disks-000{disk}"));
    let kept = format!("restic-Daily-{MONTH}-05");
    let mut expected: Vec<&str> = said.iter().map(String::as_str).collect();
    expected.extend([
        kept.as_str(),
        "complete",
        "available 1",
        "allocated 0",
        "complete 1",
        "available 0",
        "allocated 0",
        "complete 0",
    ]);
    same(&ran.stderr, ran.lines(), expected);
}
