//! Mounting for real: drives that are files, tar on them, clients that wait, and a daemon that is killed.

use crate::harness::daemon::signal;
use crate::harness::{SHELLS, Shell, Tree, User, until};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// A library, and a pool that draws from free.
fn stocked(driver: &str) -> Tree {
    let tree = Tree::empty();
    tree.library("lto", &format!("type=LTO-8 slots=10 cartridges=4 {driver}"));
    tree.pool("Backup", "LTO-8");
    tree
}

/// What `results/<name>` says, without its newline.
fn result(tree: &Tree, name: &str) -> String {
    tree.read(&format!("libraries/lto/results/{name}"))
        .trim_end()
        .to_owned()
}

fn request(tree: &Tree, name: &str, line: &str) {
    tree.write(&format!("libraries/lto/requests/{name}"), line);
}

/// The tour: each shell stores a directory on a medium and reads it back after it was out of the drive.
#[test]
fn what_is_written_is_read_back_after_the_next_mount() {
    let tree = stocked("drives=2 load_time=20ms move_time=20ms");
    for shell in SHELLS {
        let ran = tree.run(
            shell,
            &format!(
                "set -e; n={shell:?}
exec 3<>pools/Backup/allocate; echo timeout=60s >&3; read -r lmid <&3; exec 3>&-
echo \"mount media=$lmid\" > libraries/lto/requests/$n-1
drive=$(cat libraries/lto/results/$n-1)
case $drive in /*) ;; *) exit 1;; esac
[ \"$(cat logical/$lmid/device)\" = \"$drive\" ]
tar -cf \"$drive\" README
echo \"dismount media=$lmid\" > libraries/lto/requests/$n-2
cat libraries/lto/results/$n-2 | cut -d' ' -f1,2
[ -z \"$(cat logical/$lmid/device)\" ]
if tar -tf \"$drive\" 2>/dev/null; then exit 2; fi
echo \"mount media=$lmid read\" > libraries/lto/requests/$n-3
drive=$(cat libraries/lto/results/$n-3)
tar -xOf \"$drive\" README | cmp - README
if rmdir logical/$lmid 2>/dev/null; then exit 3; fi
echo \"dismount media=$lmid\" > libraries/lto/requests/$n-4
cat libraries/lto/results/$n-4 > /dev/null
rmdir logical/$lmid; cat last-error | cut -d' ' -f2"
            ),
        );
        assert_eq!(ran.output(), "ok dismounted\nERROR_BUSY\n", "{shell:?}");
    }
    assert_eq!(tree.names("libraries/lto/results").len(), 8);
}

#[test]
fn the_tree_shows_where_a_medium_is() {
    let tree = stocked("drives=1");
    let lmid = tree.allocate("Backup", "side=lto-0002/A");
    let medium = "pools/Backup/media/lto-0002";
    assert_eq!(tree.read(&format!("{medium}/location")), "lto/2\n");
    request(&tree, "one", &format!("mount media={lmid}"));
    let device = result(&tree, "one");
    for (path, text) in [
        (format!("{medium}/state"), "loaded\n".to_owned()),
        (format!("{medium}/location"), "lto drive 1\n".to_owned()),
        (format!("{medium}/sides/A/mounts"), "1\n".to_owned()),
        (format!("{medium}/drive/state"), "loaded\n".to_owned()),
        (format!("{medium}/home_slot/number"), "2\n".to_owned()),
        (format!("{medium}/home_slot/state"), "empty\n".to_owned()),
        (
            "libraries/lto/drives/1/medium/name".to_owned(),
            "lto-0002\n".to_owned(),
        ),
        (
            "libraries/lto/drives/1/device".to_owned(),
            format!("{device}\n"),
        ),
        (format!("logical/{lmid}/device"), format!("{device}\n")),
        (
            "libraries/lto/requests/one".to_owned(),
            format!("mount media={lmid}\n"),
        ),
    ] {
        assert_eq!(tree.read(&path), text, "{path}");
    }
    assert!(fs::symlink_metadata(tree.path(&format!("{medium}/slot"))).is_err());
    let work = tree
        .names("work")
        .into_iter()
        .find(|no| tree.read(&format!("work/{no}/operation")) == "mount\n");
    let work = format!("work/{}", work.expect("the mount"));
    assert_eq!(tree.read(&format!("{work}/state")), "passed\n");
    assert_eq!(tree.read(&format!("{work}/medium/name")), "lto-0002\n");
    request(&tree, "two", &format!("mount media={lmid}"));
    assert!(
        !tree
            .names("libraries/lto/results")
            .contains(&"two".to_owned())
    );
    request(&tree, "three", &format!("dismount media={lmid} deferred"));
    assert_eq!(result(&tree, "two"), device);
    fs::remove_dir(tree.path(&work)).expect("finished work is forgotten");
    assert!(!tree.path("libraries/lto/requests/one").exists());
}

#[test]
fn refusals_have_their_codes() {
    let tree = stocked("drives=1 fault=load:2,label:3");
    let lmid = tree.allocate("Backup", "");
    for (name, line, word) in [
        ("bad", "mount media=1", "ERROR_INVALID_MEDIA"),
        ("verb", "mont media=1", "ERROR_INVALID_PARAMETER"),
        ("robot", "eject slot=1", "ERROR_NOT_SUPPORTED"),
    ] {
        let path = tree.path(&format!("libraries/lto/requests/{name}"));
        assert!(fs::write(&path, format!("{line}\n")).is_err(), "{line}");
        assert!(tree.read("last-error").contains(word), "{line}");
        assert!(!path.exists(), "nothing is left of {line}");
    }
    tree.write(&format!("logical/{lmid}/state"), "complete");
    request(&tree, "write", &format!("mount media={lmid} write"));
    assert!(result(&tree, "write").starts_with("0x80070013 ERROR_WRITE_PROTECT "));
    for (n, begins) in [
        (1, "/"),
        (2, "0x800710E4 ERROR_UNABLE_TO_LOAD_MEDIUM "),
        (3, "/"),
        (4, "0x800710EE ERROR_UNEXPECTED_OMID "),
        (5, "/"),
    ] {
        request(&tree, &format!("m{n}"), &format!("mount media={lmid}"));
        let found = result(&tree, &format!("m{n}"));
        assert!(found.starts_with(begins), "{n}: {found}");
        if begins == "/" {
            request(&tree, &format!("d{n}"), &format!("dismount media={lmid}"));
            assert!(result(&tree, &format!("d{n}")).starts_with("ok "));
        }
    }
    assert_eq!(tree.read("libraries/lto/state"), "ready\n");
}

/// A label that is not the expected one makes the library look into its slots by itself; what waits meanwhile is served then.
#[test]
fn an_error_is_followed_by_an_inventory() {
    let tree = stocked("drives=1 fault=label:1");
    let inventories = || {
        let names = tree.names("work").into_iter();
        let kind = |no: &String| tree.read(&format!("work/{no}/operation"));
        names.filter(|no| kind(no) == "inventory\n").count()
    };
    assert_eq!(tree.read("libraries/lto/auto_recovery"), "1\n");
    assert_eq!(tree.read("libraries/lto/inventory_method"), "fast\n");
    let before = inventories();
    let lmid = tree.allocate("Backup", "");
    request(&tree, "a", &format!("mount media={lmid}"));
    assert!(result(&tree, "a").starts_with("0x800710EE ERROR_UNEXPECTED_OMID "));
    request(&tree, "b", &format!("mount media={lmid}"));
    assert!(result(&tree, "b").starts_with('/'));
    assert_eq!(inventories(), before + 1);
}

/// Two clients for one drive: the second waits in a read, and gets the drive when the first has done.
#[test]
fn two_clients_share_a_drive() {
    let tree = stocked("drives=1 load_time=50ms");
    let (first, second) = (tree.allocate("Backup", ""), tree.allocate("Backup", ""));
    request(&tree, "a", &format!("mount media={first}"));
    assert!(result(&tree, "a").starts_with('/'));
    let waiting = tree.spawn(Shell::Bash, &format!(
        "echo 'mount media={second} timeout=60s' > libraries/lto/requests/b; cat libraries/lto/results/b"
    ));
    until("the second request waits", || {
        let path = tree.path("libraries/lto/requests/b");
        path.exists().then_some(())
    });
    request(
        &tree,
        "c",
        &format!("mount media={second} error-if-unavailable"),
    );
    assert!(result(&tree, "c").contains("ERROR_BUSY"));
    request(&tree, "short", &format!("mount media={second} timeout=1ms"));
    assert!(result(&tree, "short").contains("ERROR_TIMEOUT"));
    request(&tree, "gone", &format!("mount media={second}"));
    fs::remove_file(tree.path("libraries/lto/requests/gone")).expect("rm cancels");
    request(&tree, "d", &format!("dismount media={first}"));
    assert!(waiting.end().output().starts_with('/'));
    assert_eq!(tree.read("libraries/lto/drives/1/state"), "loaded\n");
}

/// Whoever gave a medium back cannot write on it any more, although it is still in the drive; where it is, is said.
#[test]
fn a_deferred_dismount_takes_the_device_back() {
    let tree = stocked("drives=1");
    let lmid = tree.allocate("Backup", "");
    request(&tree, "a", &format!("mount media={lmid} write"));
    let device = result(&tree, "a");
    tree.write(&format!("logical/{lmid}/description"), "mine");
    let complete = tree.path(&format!("logical/{lmid}/state"));
    fs::write(complete, "complete").expect_err("it is mounted");
    assert_eq!(
        tree.names("by-location/libraries/lto")
            .iter()
            .filter(|name| *name == "drive-1")
            .count(),
        1
    );
    let link = tree.path("by-location/libraries/lto/drive-1");
    assert!(fs::metadata(link).expect("the medium").is_dir());
    request(&tree, "b", &format!("dismount media={lmid} deferred"));
    assert!(result(&tree, "b").starts_with("ok released"));
    let owner = fs::metadata(&device).expect("the side");
    assert_eq!((owner.uid(), owner.mode() & 0o777), (0, 0o600));
    let drive = "libraries/lto/drives/1";
    let state = || tree.read(&format!("{drive}/state"));
    let delay = format!("{drive}/defer_dismount_delay");
    assert_eq!(
        (tree.read(&delay), state()),
        ("5m\n".to_owned(), "dismountable\n".to_owned())
    );
    tree.write(&delay, "10ms");
    until("it goes home", || (state() == "dismounted\n").then_some(()));
}

/// A mount that would wait for a person fails at once if nobody attends the system.
#[test]
fn nobody_is_asked_for_media_if_nobody_attends() {
    let tree = stocked("drives=1");
    fs::create_dir(tree.path("pools/Backup/media/shelved")).expect("a record");
    let side = tree.read("pools/Backup/media/shelved/sides/A/id");
    tree.write("settings/attended", "0");
    request(&tree, "a", &format!("mount side={}", side.trim()));
    assert!(result(&tree, "a").contains("ERROR_REQUEST_REFUSED"));
    assert_eq!(tree.names("operator").len(), 0);
}

/// Two requests wait for the one drive: their order is read, written, and kept to; rmdir of the work cancels.
#[test]
fn the_order_of_what_waits_is_read_and_written() {
    let tree = stocked("drives=1");
    let lmids = [(); 3].map(|()| tree.allocate("Backup", ""));
    request(&tree, "a", &format!("mount media={}", lmids[0]));
    assert!(result(&tree, "a").starts_with('/'));
    for (name, lmid) in ["b", "c", "d"]
        .into_iter()
        .zip([&lmids[1], &lmids[2], &lmids[1]])
    {
        request(&tree, name, &format!("mount media={lmid}"));
    }
    let orders = || -> Vec<(String, String)> {
        let names = tree.names("work").into_iter();
        let order = |no: &String| tree.read(&format!("work/{no}/order")).trim().to_owned();
        let all = names.map(|no| (order(&no), no));
        all.filter(|(order, _)| order != "0").collect()
    };
    let mut waiting = orders();
    waiting.sort();
    let [b, c, d] = waiting
        .iter()
        .map(|(_, no)| no.clone())
        .collect::<Vec<_>>()
        .try_into()
        .expect("three wait");
    tree.write(&format!("work/{c}/order"), "1");
    assert_eq!(tree.read(&format!("work/{b}/order")), "2\n");
    fs::remove_dir(tree.path(&format!("work/{d}"))).expect("rmdir cancels");
    assert!(!tree.path("libraries/lto/requests/d").exists());
    request(&tree, "e", &format!("dismount media={}", lmids[0]));
    assert!(result(&tree, "c").starts_with('/'));
    assert_eq!(tree.read(&format!("work/{b}/order")), "1\n");
}

/// Another user mounts with USE alone, and only he can open the device then.
#[test]
fn a_drive_is_emptied_by_its_number() {
    let tree = stocked("drives=1");
    let lmid = tree.allocate("Backup", "");
    let user = User {
        uid: 4001,
        gid: 4001,
        groups: "",
    };
    let script = format!(
        "echo mount media={lmid} > libraries/lto/requests/his; cat libraries/lto/results/his"
    );
    assert!(
        tree.run_as(user, Shell::Dash, &script)
            .output()
            .starts_with('/')
    );
    request(&tree, "mine", "dismount drive=1");
    assert!(result(&tree, "mine").starts_with("ok dismounted lto-000"));
    assert_eq!(tree.read("libraries/lto/drives/1/state"), "dismounted\n");
    assert_eq!(tree.read(&format!("logical/{lmid}/device")), "\n");
    request(&tree, "again", "dismount drive=1");
    assert!(result(&tree, "again").starts_with("0x8007139F ERROR_INVALID_STATE "));
}

#[test]
fn an_inventory_is_a_request_to_the_library() {
    let tree = stocked("drives=1");
    let found = |name| {
        request(&tree, name, "inventory");
        let answer = result(&tree, name);
        let count = answer
            .strip_prefix("ok inventory of lto: ")
            .and_then(|rest| rest.split(' ').next());
        count
            .and_then(|count| count.parse::<usize>().ok())
            .expect("a number of media")
    };
    let before = found("first");
    tree.write("pools/Backup/import", "ANOTHER slot=lto/9");
    assert_eq!(found("second"), before + 1);
    assert_eq!(tree.read("media/ANOTHER/location"), "lto/9\n");
    assert_eq!(tree.read("libraries/lto/state"), "ready\n");
}

#[test]
fn the_device_belongs_to_whoever_mounted_it() {
    let tree = stocked("drives=1");
    let lmid = tree.allocate("Backup", "");
    let user = User {
        uid: 4001,
        gid: 4001,
        groups: "",
    };
    let script = format!("set -e
echo 'mount media={lmid}' > libraries/lto/requests/mine
drive=$(cat libraries/lto/results/mine); echo data > \"$drive\"; cat \"$drive\"
echo 'dismount media={lmid}' > libraries/lto/requests/mine-2; cat libraries/lto/results/mine-2 > /dev/null
if cat \"$drive\" 2>/dev/null; then exit 1; fi
if echo inventory > libraries/lto/requests/no 2>/dev/null; then exit 2; fi; cut -d' ' -f2 last-error");
    let ran = tree.run_as(user, Shell::Dash, &script);
    assert_eq!(ran.output(), "data\nERROR_ACCESS_DENIED\n");
}

/// Tries to write what is open for reading alone: what it reads, and the errno of each try.
const TRIES: &str = "import os
device, side = os.environ['D'], os.environ['S']
def refused(what):
    try:
        what()
    except PermissionError as error:
        return error.errno
    return None
for path in device, side:
    print(open(path).read().strip(), end=' ')
    print(refused(lambda: open(path, 'a')), refused(lambda: os.truncate(path, 0)), end=' ')
    for mode in 0o600, 0o666, 0o777:
        print(refused(lambda: os.chmod(path, mode)), end=' ')
    print(refused(lambda: os.setxattr(path, 'system.posix_acl_access', b'')), refused(lambda: os.remove(path)))";

/// Who has mounted a side for reading can do nothing about that, and nobody else sees what is on it.
#[test]
fn a_side_that_is_mounted_for_reading_stays_as_it_is() {
    let tree = stocked("drives=1");
    tree.run(
        Shell::Dash,
        "chmod 755 pools/Backup libraries/lto; chmod 666 pools/Backup/allocate",
    )
    .output();
    let [alice, bob] = [4001, 4002].map(|uid| User {
        uid,
        gid: uid,
        groups: "",
    });
    let lmid = tree.allocate("Backup", "");
    let mount = |name: &str, how: &str| {
        let script = format!(
            "echo 'mount media={lmid} {how}' > libraries/lto/requests/{name}; cat libraries/lto/results/{name}"
        );
        let ran = tree.run_as(alice, Shell::Dash, &script);
        ran.output().trim_end().to_owned()
    };
    let dismount = |name: &str, how: &str| {
        let script = format!(
            "echo 'dismount media={lmid} {how}' > libraries/lto/requests/{name}; cat libraries/lto/results/{name}"
        );
        let ran = tree.run_as(alice, Shell::Dash, &script);
        assert!(ran.output().starts_with("ok "), "{ran:?}");
    };
    let device = mount("a", "write");
    let side = fs::canonicalize(&device).expect("the side");
    let script = format!(
        "echo data > '{device}'; cat '{device}'; chmod 666 '{device}' 2>&1 | grep -c permitted"
    );
    assert_eq!(
        tree.run_as(alice, Shell::Dash, &script).output(),
        "data\n1\n"
    );
    dismount("b", "");
    assert_eq!(mount("c", "read"), device);
    let places = format!(
        "import os; os.environ['D'], os.environ['S'] = {device:?}, {:?}\n",
        side.to_str().expect("a path in UTF-8")
    );
    let ran = tree.run_as(alice, Shell::Python, &format!("{places}{TRIES}"));
    let line = "data 13 13 1 1 1 1 13\n";
    assert_eq!(ran.output(), line.repeat(2), "{ran:?}");
    let read = format!("cat '{device}'");
    assert_eq!(tree.run_as(bob, Shell::Dash, &read).stdout, "");
    // What was given is taken back, also from who has the side in a drive of his no more.
    dismount("d", "deferred");
    for path in [&device, side.to_str().expect("a path in UTF-8")] {
        let ran = tree.run_as(alice, Shell::Dash, &format!("cat '{path}'"));
        assert!(ran.stdout.is_empty(), "{ran:?}");
    }
    let owner = fs::metadata(&side).expect("the side");
    assert_eq!((owner.uid(), owner.mode() & 0o777), (0, 0o600));
    assert_eq!(fs::read_to_string(&side).expect("for root"), "data\n");
}

/// One request for two media: copied from one to the other, given back together; if one fails, neither is mounted.
#[test]
fn two_media_are_mounted_with_one_request() {
    let tree = stocked("drives=2 load_time=20ms fault=load:6");
    let (from, to) = (tree.allocate("Backup", ""), tree.allocate("Backup", ""));
    for shell in [Shell::Bash, Shell::Dash] {
        let script = format!(
            "set -e; n={shell:?}
echo \"mount media={from} media={to}\" > libraries/lto/requests/$n
{{ read -r from; read -r to; }} < libraries/lto/results/$n
[ \"$(cat logical/{from}/device) $(cat logical/{to}/device)\" = \"$from $to\" ]
tar -cf \"$from\" README; cp \"$from\" \"$to\"; tar -tf \"$to\"
echo \"dismount media={to} media={from}\" > libraries/lto/requests/$n-back
cut -d' ' -f1,2 libraries/lto/results/$n-back
echo \"mount media={from} media={from}\" 2>/dev/null > libraries/lto/requests/$n-no || cut -d' ' -f2 last-error"
        );
        let said = "README\nok dismounted\nok dismounted\nERROR_INVALID_MEDIA\n";
        assert_eq!(tree.run(shell, &script).output(), said, "{shell:?}");
    }
    request(&tree, "fails", &format!("mount media={from} media={to}"));
    let failed = result(&tree, "fails");
    assert!(failed.starts_with("0x800710E4 ERROR_UNABLE_TO_LOAD_MEDIUM "));
    for drive in ["1", "2"] {
        let state = tree.read(&format!("libraries/lto/drives/{drive}/state"));
        assert_eq!(state, "dismounted\n", "{drive}");
    }
    request(&tree, "again", &format!("mount media={from} media={to}"));
    assert_eq!(result(&tree, "again").lines().count(), 2);
}

/// kill -9 while a medium is on its way: the next start goes on, and the waiting result comes.
#[test]
fn a_mount_survives_the_daemon() {
    let tree = stocked("drives=1 move_time=300ms load_time=300ms");
    let lmid = tree.allocate("Backup", "");
    request(&tree, "r", &format!("mount media={lmid}"));
    let work = until("the mount is under way", || {
        let mut all = tree.names("work").into_iter();
        all.find(|no| tree.read(&format!("work/{no}/state")) == "in-process\n")
    });
    crash(&tree);
    assert!(result(&tree, "r").starts_with('/'));
    assert_eq!(tree.read(&format!("work/{work}/state")), "passed\n");
    request(&tree, "d", &format!("dismount media={lmid}"));
    assert!(result(&tree, "d").starts_with("ok "));
}

/// kill -9 while one of two media is ready and the other on its way: both come, with the answer in the order asked.
#[test]
fn a_mount_of_two_survives_the_daemon() {
    let tree = stocked("drives=2 move_time=400ms");
    let (first, second) = (tree.allocate("Backup", ""), tree.allocate("Backup", ""));
    let line = format!("mount media={first} media={second} drive=2 drive=1");
    request(&tree, "r", &line);
    let drive = |n: u32| tree.read(&format!("libraries/lto/drives/{n}/state"));
    until("one of them is in its drive", || {
        let states = [drive(1), drive(2)];
        states.contains(&"mounted\n".to_owned()).then_some(())
    });
    crash(&tree);
    let devices = result(&tree, "r");
    let ends = devices.lines().map(|device| device.chars().last());
    assert_eq!(
        ends.collect::<Vec<_>>(),
        [Some('2'), Some('1')],
        "{devices}"
    );
    assert_eq!(tree.read("libraries/lto/drives/1/state"), "loaded\n");
    let parts = tree.names("work").into_iter().filter(|no| {
        let part = tree.path(&format!("work/{no}/part_of"));
        fs::metadata(part).is_ok_and(|whole| whole.is_dir())
    });
    assert_eq!(parts.count(), 2);
}

/// The daemon dies, and another one takes over.
fn crash(tree: &Tree) {
    let (_, _, at) = tree.places();
    signal(tree.holder(), Signal::SIGKILL);
    until("the dead mount is away", || {
        let ran = std::process::Command::new("umount")
            .args(["-l", at])
            .output();
        ran.is_ok_and(|ran| ran.status.success()).then_some(())
    });
    tree.mount();
}
