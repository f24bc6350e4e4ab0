//! Access control lists: setfacl(1) and getfacl(1), what the kernel and the daemon make of them, what a nested pool has.

use crate::harness::world::{World, user};
use crate::harness::{Shell, Tree, User, is_guid, until};
use ntmsfs::domain::access::{Access, Caller};
use ntmsfs::domain::acl::{Acl, List};
use ntmsfs::domain::ask::{Ask, Reply, SetAccess};
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::manager::read;

/// Nobody but for what a list says.
const ANN: User = User {
    uid: 4011,
    gid: 4911,
    groups: "",
};
const BEN: User = User {
    uid: 4012,
    gid: 4912,
    groups: "",
};
const ALLOCATE: &str =
    "exec 3<>pools/Backup/allocate || exit; echo timeout=0 >&3; read -r l <&3; echo $l";

#[track_caller]
fn refused(tree: &Tree, user: User, script: &str, why: &str) {
    let ran = tree.run_as(user, Shell::Bash, script);
    assert!(
        ran.status != Some(0) && ran.stderr.contains(why),
        "{script}: {ran:?}"
    );
}

/// What is shown where after the lists of the first test are set.
const SHOWN: [(&str, &str); 11] = [
    (
        "pools/Backup",
        "user::rwx user:4011:rwx group::r-x group:4912:r-x mask::rwx other::r-x",
    ),
    (
        "pools/Backup/selection",
        "user::rw- user:4011:rw- group::r-- group:4912:r-- mask::rw- other::r--",
    ),
    (
        "pools/Backup/counts",
        "user::r-- user:4011:r-- group::r-- group:4912:r-- mask::r-- other::r--",
    ),
    (
        "pools/Backup/allocate",
        "user::rw- user:4011:rw- group::rw- mask::rw- other::---",
    ),
    (
        "pools/Backup/import",
        "user::rw- user:4011:rw- group::rw- mask::rw- other::---",
    ),
    (
        "pools/Backup/results",
        "user::rwx user:4011:rwx group::rwx mask::rwx other::---",
    ),
    (
        "pools/Backup/media",
        "user::rwx user:4011:rwx group::rwx mask::rwx other::---",
    ),
    (
        "libraries/lto",
        "user::rwx user:4012:r-x group::r-x mask::r-x other::r-x",
    ),
    (
        "libraries/lto/slots/1",
        "user::rwx user:4012:r-x group::r-x mask::r-x other::r-x",
    ),
    ("pools/Archive", "user::rwx group::r-x other::r-x"),
    ("pools", "user::rwx group::rwx other::r-x"),
];

/// A list on one line.
fn shown(tree: &Tree, path: &str) -> String {
    let ran = tree.run(Shell::Bash, &format!("getfacl -cnE {path}"));
    ran.output().replace('\n', " ").trim_end().to_owned()
}

#[test]
fn a_list_is_shown_kept_copied_and_taken_away() {
    let tree = Tree::stocked(2);
    let script =
        "setfacl -m u:4011:rwx,g:4912:rx pools/Backup; setfacl -m u:4011:rw pools/Backup/requests
        setfacl -m u:4012:rx libraries/lto";
    tree.run(Shell::Bash, script).output();
    tree.remount();
    let shown = |path: &str| shown(&tree, path);
    for (path, list) in SHOWN {
        assert_eq!(shown(path), list, "{path}");
    }
    let marks = tree.run(
        Shell::Bash,
        "ls -ld pools/Backup pools/Backup/allocate pools/Archive | cut -c1-11",
    );
    assert_eq!(marks.output(), "drwxr-xr-x \ndrwxrwxr-x+\n-rw-rw----+\n");
    let copied = "cp -a pools/Backup/import $T/copy; getfacl -cnp $T/copy | grep 4011; getfattr -d -m '' pools/Archive";
    assert_eq!(tree.run(Shell::Bash, copied).output(), "user:4011:rw-\n");
    // chmod changes the mask, and the mask alone.
    tree.run(Shell::Bash, "chmod g=rx pools/Backup").output();
    let list = "user::rwx user:4011:rwx group::r-x group:4912:r-x mask::r-x other::r-x";
    assert_eq!(shown("pools/Backup"), list);
    let gone = "setfacl -b pools/Backup; setfacl -x u:4011,m pools/Backup/media
        python3 -c 'import os; os.removexattr(\"libraries/lto\", \"system.posix_acl_access\")'";
    tree.run(Shell::Bash, gone).output();
    assert_eq!(shown("pools/Backup"), "user::rwx group::r-x other::r-x");
    assert_eq!(
        shown("pools/Backup/allocate"),
        "user::rw- group::rw- other::---"
    );
    assert_eq!(shown("libraries/lto"), "user::rwx group::r-x other::r-x");
    tree.unmount();
    let (program, catalog, _) = tree.places();
    let checked = std::process::Command::new(program)
        .args(["check", catalog])
        .status();
    tree.mount();
    assert!(checked.unwrap().success());
}

#[test]
fn a_list_can_be_set_only_where_a_mode_can_and_only_by_the_owner() {
    let tree = Tree::stocked(1);
    let lmid = tree.allocate("Backup", "timeout=0");
    for path in [
        ".",
        "README",
        "pools",
        "pools/Backup/name",
        "pools/Backup/description",
        "pools/Backup/pools",
        "pools/Backup/media/lto-0001",
        "pools/Backup/media/lto-0001/sides/A/state",
        "libraries",
        "libraries/lto/slots",
        "logical",
        &format!("logical/{lmid}"),
        "types/LTO-8",
        "status",
    ] {
        refused(
            &tree,
            crate::harness::ROOT,
            &format!("setfacl -m u:4011:rx {path}"),
            "Operation not permitted",
        );
    }
    refused(
        &tree,
        ANN,
        "setfacl -m u:4011:rwx pools/Backup",
        "Operation not permitted",
    );
    refused(
        &tree,
        crate::harness::ROOT,
        "setfacl -d -m u:4011:rwx pools/Backup",
        "Operation not supported",
    );
    let line = "0x80070032 ERROR_NOT_SUPPORTED there are no default lists";
    assert!(tree.read("last-error").starts_with(line));
    tree.run(
        Shell::Bash,
        "setfacl -k pools/Backup; chown 4011 pools/Backup",
    )
    .output();
    tree.run_as(ANN, Shell::Bash, "setfacl -m u:4012:rwx pools/Backup")
        .output();
    // 3 entries, the mask and 253 users are more than 256.
    let many = |users: u32| {
        format!("for i in $(seq 1 {users}); do echo u:$i:r; done | setfacl -M - pools/Backup")
    };
    tree.run(Shell::Bash, "setfacl -b pools/Backup").output();
    refused(&tree, crate::harness::ROOT, &many(253), "Invalid argument");
    assert!(tree.read("last-error").contains("257 entries, at most 256"));
    tree.run(Shell::Bash, &many(252)).output();
}

/// Programs that copy lists copy those of a directory to a pool and back. A default list they cannot copy: they say so, and what
/// a pool can have it has all the same.
#[test]
fn lists_are_copied_by_the_usual_tools() {
    let tree = Tree::empty();
    let ran = tree.run(
        Shell::Bash,
        "mkdir $T/plain $T/full $T/out; setfacl -m u:4011:rwx $T/plain; setfacl -m u:4011:rwx,d:u:4012:rx $T/full
         show() { getfacl -cpE \"$@\" | grep 4011; }; said() { grep -o 'Operation not supported' $T/said; }
         cp -a $T/plain pools/ && show pools/plain
         cp -a $T/full pools/ 2>$T/said; said; show pools/full; rmdir pools/*l*n pools/full
         rsync -dAX $T/plain pools/ && show pools/plain
         rsync -dAX $T/full pools/ 2>$T/said; said; show pools/full
         mkdir pools/full/pools/Below; show pools/full/pools/Below; getfacl -cpd pools/full | wc -w
         cp -a pools/plain $T/out/ && show $T/out/plain; rm -r $T/out/plain
         rsync -rlAX pools/plain $T/out && show $T/out/plain",
    );
    let (entry, not) = ("user:4011:rwx\n", "Operation not supported\n");
    let both = [entry, not, entry].concat();
    let expected = [&both, &both, entry, "0\n", entry, entry].concat();
    assert_eq!(ran.output(), expected);
}

#[test]
fn an_entry_is_a_right_for_the_kernel_and_for_the_daemon() {
    let tree = Tree::stocked(4);
    // Drawing from the free pool needs USE of it: the daemon's own check.
    tree.run(
        Shell::Bash,
        "chmod 750 pools/Free/pools/LTO-8; setfacl -m u:4011:rw pools/Backup/allocate",
    )
    .output();
    let ran = tree.run_as(ANN, Shell::Bash, ALLOCATE);
    assert!(
        ran.output().starts_with("0x80070005 ERROR_ACCESS_DENIED "),
        "{ran:?}"
    );
    tree.run(Shell::Bash, "setfacl -m g:4911:rx pools/Free/pools/LTO-8")
        .output();
    let lmid = tree
        .run_as(ANN, Shell::Bash, ALLOCATE)
        .output()
        .trim_end()
        .to_owned();
    assert!(is_guid(&lmid), "{lmid}");
    refused(&tree, BEN, ALLOCATE, "Permission denied");
    refused(
        &tree,
        BEN,
        &format!("rmdir logical/{lmid}"),
        "Permission denied",
    );
    // A state can be read with USE or CONTROL and written with CONTROL, whatever list gives them.
    refused(
        &tree,
        BEN,
        &format!("echo complete > logical/{lmid}/state"),
        "Permission denied",
    );
    tree.run_as(BEN, Shell::Bash, &format!("cat logical/{lmid}/state"))
        .output();
    tree.run_as(
        ANN,
        Shell::Bash,
        &format!("echo complete > logical/{lmid}/state"),
    )
    .output();
    tree.run(Shell::Bash, "setfacl -m u:4012:rwx pools/Backup")
        .output();
    until("he may", || {
        let ran = tree.run_as(BEN, Shell::Bash, "echo his > pools/Backup/description");
        (ran.status == Some(0)).then_some(())
    });
    refused(
        &tree,
        ANN,
        "echo hers > pools/Backup/description",
        "Permission denied",
    );
}

#[test]
fn taking_an_entry_away_takes_the_right_away() {
    let tree = Tree::stocked(2);
    let give = "setfacl -m u:4011:rw pools/Backup/allocate; setfacl -m u:4012:rwx pools/Backup";
    tree.run(Shell::Bash, give).output();
    let lmid = tree.run_as(ANN, Shell::Bash, ALLOCATE);
    let lmid = lmid.output().trim_end().to_owned();
    tree.run_as(BEN, Shell::Bash, "echo his > pools/Backup/description")
        .output();
    tree.run(
        Shell::Bash,
        "setfacl -x u:4011 pools/Backup/allocate; setfacl -x u:4012 pools/Backup",
    )
    .output();
    until("hers is gone", || {
        let ran = tree.run_as(ANN, Shell::Bash, ALLOCATE);
        ran.stderr.contains("Permission denied").then_some(())
    });
    until("his is gone", || {
        let ran = tree.run_as(BEN, Shell::Bash, "echo his > pools/Backup/description");
        ran.stderr.contains("Permission denied").then_some(())
    });
    tree.run(Shell::Bash, "setfacl -m u:4011:- pools/Backup")
        .output();
    // The owner of the LMID gives it back while he has USE.
    until("she has no USE", || {
        let ran = tree.run_as(ANN, Shell::Bash, &format!("rmdir logical/{lmid}"));
        ran.stderr.contains("Permission denied").then_some(())
    });
    tree.run(Shell::Bash, "setfacl -b pools/Backup").output();
    tree.run_as(ANN, Shell::Bash, &format!("rmdir logical/{lmid}"))
        .output();
}

fn acl(bits: u32) -> Acl {
    Acl {
        group: bits,
        users: vec![(7, bits)],
        groups: Vec::new(),
    }
}

/// Makes a pool as somebody: the access that it begins with.
fn make(world: &mut World, caller: &Caller, parent: ObjectNo, name: &str) -> Access {
    let (name, mode) = (name.to_owned(), 0o755);
    match world.ask(caller, Ask::CreatePool { parent, name, mode }) {
        Ok(Reply::Created(no)) => access(world, no),
        other => panic!("{other:?}"),
    }
}

fn access(world: &World, no: ObjectNo) -> Access {
    read::pool(world.db(), no).unwrap().unwrap().access
}

#[test]
fn a_pool_in_a_pool_has_its_group_lists_and_control() {
    let mut world = World::new();
    let above = world.pool(CATALOG, "Above", "");
    for set in [
        SetAccess::Owner {
            uid: Some(3),
            gid: Some(30),
        },
        SetAccess::List(List {
            mode: 0o771,
            acl: Some(acl(7)),
        }),
        SetAccess::ControlList(List {
            mode: 0o777,
            acl: Some(acl(7)),
        }),
    ] {
        world.set(above, set);
    }
    assert_eq!(
        access(&world, above).control_acl,
        Some(acl(6)),
        "x means nothing for CONTROL"
    );
    let below = make(&mut world, &user(7), above, "Below");
    assert_eq!((below.uid, below.gid), (7, 30));
    assert_eq!((below.mode, below.control), (0o751, 0o666));
    assert_eq!((below.acl, below.control_acl), (Some(acl(7)), Some(acl(6))));
    // Whoever has no MODIFY makes nothing there.
    let (name, mode) = ("No".to_owned(), 0o755);
    let refused = world.ask(
        &user(8),
        Ask::CreatePool {
            parent: above,
            name,
            mode,
        },
    );
    assert!(
        refused
            .unwrap_err()
            .sentence
            .contains("lacks MODIFY on \"Above\"")
    );
    let top = make(&mut world, &Caller { gid: 0, ..user(7) }, CATALOG, "Top");
    assert_eq!(
        (top.uid, top.gid, top.mode, top.control),
        (7, 0, 0o755, 0o660)
    );
    assert_eq!((top.acl, top.control_acl), (None, None));
    world.sound();
}
