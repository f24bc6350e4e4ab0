//! Who may do what: the kernel checks modes, the daemon what the kernel cannot see.

use crate::harness::daemon::can_hide_mounts;
use crate::harness::{Ran, Shell, Tree, User, is_guid, same, until};
use std::fs;

/// The group of the pool and of its users.
const OPERATORS: u32 = 4100;
const ALICE: User = User {
    uid: 4001,
    gid: OPERATORS,
    groups: "",
};
const CAROL: User = User {
    uid: 4003,
    gid: OPERATORS,
    groups: "",
};
const STRANGER: User = User {
    uid: 4009,
    gid: 4009,
    groups: "",
};

const ALLOCATE: &str = "exec 3<>pools/Backup/allocate; echo timeout=0 >&3; read -r l <&3; echo $l";

/// A pool that root has made and the group may allocate from.
fn tree() -> Tree {
    let tree = Tree::stocked(6);
    tree.run(Shell::Bash, "chgrp 4100 pools/Backup").output();
    tree
}

#[track_caller]
fn denied(tree: &Tree, user: User, script: &str) {
    let ran = tree.run_as(user, Shell::Bash, script);
    assert!(
        ran.status != Some(0) && ran.stderr.contains("Permission denied"),
        "{script}: {ran:?}"
    );
}

#[track_caller]
fn forbidden(tree: &Tree, user: User, script: &str) {
    let ran = tree.run_as(user, Shell::Bash, script);
    assert!(
        ran.status != Some(0) && ran.stderr.contains("Operation not permitted"),
        "{script}: {ran:?}"
    );
}

#[test]
fn a_member_of_the_group_allocates_and_gives_back_his_own() {
    let tree = tree();
    let ran = tree.run_as(
        ALICE,
        Shell::Dash,
        &format!("{ALLOCATE}; cat logical/$l/owner; ls pools/Backup/media"),
    );
    let lines: Vec<&str> = ran.output().lines().collect();
    assert!(is_guid(lines[0]), "{ran:?}");
    same(&ran, &lines[1..], &["4001", "lto-0001"]);
    let named = "echo timeout=0 > pools/Backup/requests/a; cat pools/Backup/results/a pools/Backup/requests/a";
    let ran = tree.run_as(ALICE, Shell::Bash, named);
    assert!(ran.output().ends_with("\ntimeout=0\n"), "{ran:?}");
    let lmid = lines[0];
    tree.run_as(
        ALICE,
        Shell::Bash,
        &format!("echo complete > logical/{lmid}/state; rmdir logical/{lmid}"),
    )
    .output();
    assert!(!tree.names("logical").contains(&lmid.to_owned()));
    // The pool and its attributes are not theirs: no w on the directory.
    denied(&tree, ALICE, "echo x > pools/Backup/description");
    denied(&tree, ALICE, "rmdir pools/Backup");
    denied(&tree, ALICE, "mkdir pools/Mine");
    denied(&tree, ALICE, "mkdir libraries/mine");
}

#[test]
fn a_stranger_stays_outside() {
    let tree = tree();
    let lmid = tree
        .run_as(ALICE, Shell::Dash, ALLOCATE)
        .output()
        .trim_end()
        .to_owned();
    tree.run_as(
        ALICE,
        Shell::Dash,
        "echo timeout=0 > pools/Backup/requests/a",
    )
    .output();
    for script in [
        "exec 3<>pools/Backup/allocate",
        "cat pools/Backup/allocate",
        "echo x > pools/Backup/import",
        "echo timeout=0 > pools/Backup/requests/s",
        "ls pools/Backup/requests",
        "ls pools/Backup/results",
        "ls pools/Backup/media",
        "cat pools/Backup/requests/a",
        "cat media/lto-0001/name",
        "mv pools/Backup/media/lto-0001 pools/Backup/media/mine",
        &format!("rmdir logical/{lmid}"),
        &format!("echo complete > logical/{lmid}/state"),
        "cat history",
        "cat events",
        "cat status",
    ] {
        denied(&tree, STRANGER, script);
    }
    assert!(tree.names("logical").contains(&lmid));
    // USE is r-x of the pool, and this one has it: what follows the pool may be read.
    let reads = "cat pools/Backup/type pools/Backup/why > $T/noise; ls media logical > $T/noise; cat README > $T/noise";
    tree.run_as(STRANGER, Shell::Dash, reads).output();
    tree.run(Shell::Dash, "chmod 750 pools/Backup").output();
    until("the right is gone", || {
        let ran = tree.run_as(STRANGER, Shell::Dash, "cat pools/Backup/type");
        ran.stderr.contains("Permission denied").then_some(())
    });
    until("there too", || {
        let ran = tree.run_as(STRANGER, Shell::Dash, &format!("cat logical/{lmid}/state"));
        ran.stderr.contains("Permission denied").then_some(())
    });
    let public = tree.run_as(
        STRANGER,
        Shell::Dash,
        "ls media logical; readlink media/lto-0001",
    );
    assert!(public.output().contains("lto-0001\n") && public.output().contains(&lmid));
}

#[test]
fn without_use_of_the_free_pool() {
    let tree = tree();
    tree.run(Shell::Bash, "chmod 750 pools/Free/pools/LTO-8")
        .output();
    let ran = tree.run_as(ALICE, Shell::Dash, ALLOCATE);
    assert!(
        ran.output().starts_with("0x80070005 ERROR_ACCESS_DENIED "),
        "{ran:?}"
    );
    let named =
        "echo timeout=10m > pools/Backup/requests/a; cat pools/Backup/results/a; cat last-error";
    let ran = tree.run_as(ALICE, Shell::Bash, named);
    assert!(
        ran.output().starts_with("0x80070005 ERROR_ACCESS_DENIED "),
        "{ran:?}"
    );
    let ran = tree.run_as(
        ALICE,
        Shell::Dash,
        "exec 3<>pools/Backup/allocate; echo side=lto-0001/A >&3; read -r l <&3; echo $l",
    );
    assert!(
        ran.output().starts_with("0x80070005 ERROR_ACCESS_DENIED "),
        "{ran:?}"
    );
    assert!(tree.names("logical").is_empty());
    // What is in the pool already needs nothing of the free pool.
    tree.run(
        Shell::Bash,
        "mv pools/Free/pools/LTO-8/media/lto-0002 pools/Backup/media/",
    )
    .output();
    assert!(is_guid(
        tree.run_as(ALICE, Shell::Dash, ALLOCATE)
            .output()
            .trim_end()
    ));
}

#[test]
fn taking_w_from_allocate_revokes_control() {
    let tree = tree();
    tree.run_as(ALICE, Shell::Dash, ALLOCATE).output();
    // A descriptor that is open already is refused by the daemon, in the write.
    let script =
        "exec 3<>pools/Backup/allocate; : > $T/open; until [ -e $T/revoked ]; do sleep 0.02; done
        echo timeout=0 >&3 || cat <&3";
    let open = tree.spawn_as(ALICE, Shell::Bash, script);
    until("it is open", || {
        tree.scratch("scratch").join("open").exists().then_some(())
    });
    tree.run(Shell::Bash, "chmod g-w pools/Backup/allocate")
        .output();
    for (file, mode) in [
        ("allocate", "640"),
        ("requests", "750"),
        ("results", "750"),
        ("media", "750"),
        ("import", "640"),
    ] {
        until("one value for the whole pool", || {
            let ran = tree.run(Shell::Dash, &format!("stat -c %a pools/Backup/{file}"));
            (ran.stdout.trim_end() == mode).then_some(())
        });
    }
    until("the right is gone", || {
        let ran = tree.run_as(ALICE, Shell::Bash, "exec 3<>pools/Backup/allocate");
        ran.stderr.contains("Permission denied").then_some(())
    });
    until("there too", || {
        let ran = tree.run_as(
            ALICE,
            Shell::Bash,
            "echo timeout=0 > pools/Backup/requests/n",
        );
        ran.stderr.contains("Permission denied").then_some(())
    });
    fs::write(tree.scratch("scratch").join("revoked"), "").expect("told");
    let ran = open.end();
    assert!(
        ran.stdout.starts_with("0x80070005 ERROR_ACCESS_DENIED "),
        "{ran:?}"
    );
    assert_eq!(tree.names("logical").len(), 1);
    tree.run(Shell::Bash, "chmod g+w pools/Backup/media")
        .output();
    until("given again", || {
        let ran = tree.run_as(ALICE, Shell::Dash, ALLOCATE);
        is_guid(ran.stdout.trim_end()).then_some(())
    });
}

#[test]
fn a_request_is_its_users_alone() {
    let tree = tree();
    tree.run_as(
        ALICE,
        Shell::Dash,
        "echo timeout=0 > pools/Backup/requests/a",
    )
    .output();
    let result = tree.run_as(ALICE, Shell::Dash, "cat pools/Backup/results/a");
    assert!(is_guid(result.output().trim_end()), "{result:?}");
    denied(&tree, CAROL, "cat pools/Backup/requests/a");
    denied(&tree, CAROL, "cat pools/Backup/results/a");
    denied(&tree, CAROL, "rm pools/Backup/requests/a");
    let said = tree.run_as(CAROL, Shell::Dash, "cat last-error");
    assert!(
        said.output().starts_with("0x80070005 ERROR_ACCESS_DENIED "),
        "{said:?}"
    );
    let library = "echo inventory > libraries/lto/requests/a; cat libraries/lto/results/a";
    let looked = tree.run(Shell::Dash, library);
    assert!(looked.output().starts_with("ok "), "{looked:?}");
    // Whoever comes second hears so, whoever he is, and nothing is sent.
    let taken = "import os, errno
for path in 'pools/Backup/requests/a', 'libraries/lto/requests/a':
    for how in os.O_CREAT, os.O_CREAT | os.O_TRUNC, os.O_CREAT | os.O_EXCL, 0:
        try:
            os.open(path, os.O_WRONLY | how)
            print('open')
        except OSError as error:
            print(errno.errorcode[error.errno], end=' ')";
    let ran = tree.run_as(CAROL, Shell::Python, taken);
    assert_eq!(
        ran.output(),
        "EACCES EACCES EEXIST EACCES ".repeat(2),
        "the name is taken"
    );
    assert_eq!(tree.names("pools/Backup/requests"), ["a"]);
    assert_eq!(
        tree.read("pools/Backup/results/a"),
        result.stdout,
        "root may"
    );
    let modes = tree.run(
        Shell::Dash,
        "stat -c '%a %u' pools/Backup/requests/a pools/Backup/results/a",
    );
    assert_eq!(modes.output(), "600 4001\n400 4001\n");
    forbidden(&tree, ALICE, "chmod 666 pools/Backup/requests/a");
    tree.run_as(ALICE, Shell::Dash, "rm pools/Backup/requests/a")
        .output();
    assert!(tree.names("pools/Backup/requests").is_empty());
}

#[test]
fn an_inherited_descriptor_is_refused() {
    let tree = tree();
    let script = "exec 3<>pools/Backup/allocate; as() { setpriv --reuid 4001 --regid 4100 --clear-groups \"$@\"; }
        as sh -c 'echo timeout=0 >&3' 2>$T/noise && echo written; as cat last-error
        echo timeout=0 >&3; as cat <&3 2>$T/noise && echo read; read -r l <&3; echo $l";
    let ran = tree.run(Shell::Bash, script);
    let lines: Vec<&str> = ran.output().lines().collect();
    assert!(
        lines[0].starts_with("0x80070032 ERROR_NOT_SUPPORTED another user"),
        "{ran:?}"
    );
    assert!(lines.len() == 2 && is_guid(lines[1]), "{ran:?}");
    let script = "echo timeout=0 > pools/Backup/requests/r; exec 3<pools/Backup/results/r
        setpriv --reuid 4001 --regid 4100 --clear-groups cat <&3 2>$T/noise && echo read; cat <&3";
    let ran = tree.run(Shell::Bash, script);
    assert!(is_guid(ran.output().trim_end()), "{ran:?}");
}

/// The owner of a logical medium needs no MODIFY of the pool for what is his, and nobody else gets any by that.
#[test]
fn what_is_allocated_is_its_owners_to_change() {
    let tree = tree();
    let take = |user| {
        tree.run_as(user, Shell::Dash, ALLOCATE)
            .output()
            .trim_end()
            .to_owned()
    };
    let (mine, second, others) = (take(ALICE), take(ALICE), take(CAROL));
    let script = format!(
        "cd logical/{mine}; echo week 7 > name; echo spare > description; echo type=MTF id=7 > label; cat name description label
         setfattr -n user.job -v 7 .; echo {second} > swap; cat ../{second}/label"
    );
    let ran = tree.run_as(ALICE, Shell::Dash, &script);
    assert_eq!(
        ran.output(),
        "week 7\nspare\ntype=MTF id=7\ntype=MTF id=7\n"
    );
    for change in [
        "echo x > name",
        "echo x > description",
        "echo type=MTF id=8 > label",
        &format!("echo {mine} > swap"),
        "setfattr -n user.job -v 8 .",
    ] {
        denied(&tree, ALICE, &format!("cd logical/{others}; {change}"));
    }
    let said = tree.run_as(ALICE, Shell::Dash, "cat last-error");
    assert!(said.output().contains("lacks MODIFY"), "{said:?}");
    denied(
        &tree,
        ALICE,
        &format!("echo {others} > logical/{mine}/swap"),
    );
    denied(&tree, STRANGER, &format!("echo x > logical/{mine}/name"));
    tree.run(Shell::Dash, "chmod 700 pools/Backup").output();
    until("USE is gone", || {
        let ran = tree.run_as(ALICE, Shell::Dash, &format!("echo x > logical/{mine}/name"));
        ran.stderr.contains("Permission denied").then_some(())
    });
}

/// Note 32: USE of the free pool and CONTROL of the other, also with mv, and nothing else.
#[test]
fn what_is_free_is_moved_with_use_of_the_free_pool() {
    let tree = tree();
    let free = "pools/Free/pools/LTO-8";
    let ran = tree.run_as(
        ALICE,
        Shell::Dash,
        &format!("mv {free}/media/lto-0001 pools/Backup/media/; ls pools/Backup/media; mv pools/Backup/media/lto-0001 {free}/media/; ls pools/Backup/media"),
    );
    assert_eq!(ran.output(), "lto-0001\n");
    for change in [
        "mv lto-0001 mine",
        "rmdir lto-0001",
        "mkdir mine",
        "echo mine > lto-0001/description",
    ] {
        denied(&tree, ALICE, &format!("cd {free}/media; {change}"));
    }
    denied(
        &tree,
        STRANGER,
        &format!("mv {free}/media/lto-0001 pools/Backup/media/"),
    );
    // Its mode is not CONTROL, so it is no way to change that.
    for change in ["chmod g+w", "setfacl -m u:4001:rwx"] {
        forbidden(
            &tree,
            crate::harness::ROOT,
            &format!("{change} {free}/media"),
        );
    }
    let modes = tree.run(
        Shell::Dash,
        &format!("stat -c %a {free}/media {free}/media/lto-0001 {free}/allocate"),
    );
    assert_eq!(modes.output(), "777\n777\n660\n");
    tree.run(Shell::Dash, &format!("chmod 750 {free}")).output();
    until("USE is gone", || {
        let ran = tree.run_as(
            ALICE,
            Shell::Dash,
            &format!("mv {free}/media/lto-0001 pools/Backup/media/"),
        );
        ran.stderr.contains("Permission denied").then_some(())
    });
}

#[test]
fn operator_answers_need_control() {
    let tree = tree();
    tree.pool("Empty", "LTO-3");
    tree.write("pools/Empty/allocate_from_free", "0");
    tree.run(Shell::Bash, "chgrp 4100 pools/Empty").output();
    tree.run_as(
        ALICE,
        Shell::Dash,
        "echo timeout=10m > pools/Empty/requests/a",
    )
    .output();
    let number = until("an operator request", || tree.names("operator").pop());
    assert_eq!(tree.read(&format!("operator/{number}/by")), "4001\n");
    let answer = format!("echo refused > operator/{number}/state");
    denied(&tree, STRANGER, &answer);
    let said = tree.run_as(STRANGER, Shell::Dash, "cat last-error");
    assert!(
        said.output().starts_with("0x80070005 ERROR_ACCESS_DENIED "),
        "{said:?}"
    );
    denied(&tree, STRANGER, &format!("rmdir operator/{number}"));
    assert_eq!(
        tree.read(&format!("operator/{number}/state")),
        "submitted\n"
    );
    tree.run_as(CAROL, Shell::Dash, &answer).output();
    assert!(
        tree.read("pools/Empty/results/a")
            .starts_with("0x800704C7 ")
    );
}

#[test]
fn chmod_and_chown() {
    let tree = tree();
    for file in [
        "README",
        "pools",
        "pools/Backup/name",
        "pools/Backup/why",
        "pools/Backup/pools",
        "libraries",
        "libraries/lto/state",
        "history",
        "status",
        "last-error",
        "events",
        "types/LTO-8",
        "logical",
        "media/lto-0001/",
        "media/lto-0001/sides/A",
        "media/lto-0001/name",
        "operator",
    ] {
        for change in ["chmod 777", "chown 4001", "chgrp 4001"] {
            let ran = tree.run(Shell::Dash, &format!("{change} {file}"));
            assert!(
                ran.stderr.contains("Operation not permitted"),
                "{change} {file}: {ran:?}"
            );
        }
    }
    for change in [
        "chmod 775 pools/Backup",
        "chmod g+w pools/Backup/allocate",
        "chown 4001 pools/Backup",
    ] {
        forbidden(&tree, ALICE, change);
    }
}

#[test]
fn an_owner_changes_the_modes_of_his_pool() {
    let tree = tree();
    let ran = tree.run(
        Shell::Dash,
        "chown 4001:4100 pools/Backup/media; chmod 750 pools/Backup; chmod 606 pools/Backup/allocate; chmod 700 libraries/lto
         stat -c '%a %u %g' pools/Backup pools/Backup/allocate pools/Backup/requests pools/Backup/pools libraries/lto",
    );
    until("the kernel knows", || {
        let modes = tree.run(Shell::Dash, "stat -c '%a %u %g' pools/Backup pools/Backup/allocate pools/Backup/requests libraries/lto");
        (modes.stdout == "750 4001 4100\n606 4001 4100\n707 4001 4100\n700 0 0\n").then_some(())
    });
    ran.output();
    tree.run_as(
        ALICE,
        Shell::Dash,
        "chmod 755 pools/Backup; chmod 660 pools/Backup/results",
    )
    .output();
    forbidden(&tree, ALICE, "chown 4009 pools/Backup");
    forbidden(&tree, ALICE, "chgrp 4009 pools/Backup");
    tree.run_as(
        ALICE,
        Shell::Dash,
        "chgrp 4100 pools/Backup; echo mine > pools/Backup/description",
    )
    .output();
    let bits = tree.run(Shell::Dash, "chmod 1777 pools/Backup");
    assert_ne!(bits.status, Some(0), "{bits:?}");
}

#[test]
fn fixed_modes() {
    let tree = tree();
    let ran = tree.run(
        Shell::Dash,
        "stat -c '%a %u %g %n' . README pools media logical libraries operator types by-id by-barcode status history \
         events last-error pools/Free pools/Free/allocate pools/Free/requests",
    );
    let expected = "755 0 0 .\n444 0 0 README\n775 0 0 pools\n755 0 0 media\n777 0 0 logical\n755 0 0 libraries\n\
        777 0 0 operator\n755 0 0 types\n755 0 0 by-id\n755 0 0 by-barcode\n640 0 0 status\n640 0 0 history\n\
        640 0 0 events\n444 0 0 last-error\n755 0 0 pools/Free\n660 0 0 pools/Free/allocate\n770 0 0 pools/Free/requests\n";
    assert_eq!(ran.output(), expected);
    let ran = tree.run(
        Shell::Dash,
        "umask 027; mkdir pools/New; stat -c '%a %u %g' pools/New pools/New/allocate; umask 0; mkdir pools/Open; stat -c %a pools/Open",
    );
    assert_eq!(ran.output(), "750 0 0\n660 0 0\n777\n");
}

/// Runs a script at the top of a new catalog. The daemon takes a user's further groups from the user database, so it gets one of its
/// own, in which `ntmsbob` (4002) is in the group `ntmsops` (4100). `None`, said loudly, where that is not possible.
fn with_bob(what: &str, script: &str) -> Option<Ran> {
    if !can_hide_mounts(what) {
        return None;
    }
    let tree = Tree::empty();
    tree.unmount();
    let (program, catalog, at) = tree.places();
    let ran = tree.run_apart(&format!(
        "set -e; cp /etc/passwd $T/passwd; cp /etc/group $T/group
         echo 'ntmsbob:x:4002:4002::/:/bin/sh' >> $T/passwd; echo 'ntmsops:x:4100:ntmsbob' >> $T/group
         mount --bind $T/passwd /etc/passwd; mount --bind $T/group /etc/group
         {program} mount {catalog} {at}; trap 'cd /; umount {at} || umount -l {at}' EXIT; cd {at}
         {script}"
    ));
    tree.mount();
    Some(ran)
}

#[test]
fn a_supplementary_group_works() {
    let script = format!(
        "mkdir libraries/lto; echo virtual type=LTO-8 slots=9 cartridges=4 > libraries/lto/driver
         echo 1 > libraries/lto/enabled; mkdir pools/Backup; echo LTO-8 > pools/Backup/media_type
         echo 1 > pools/Backup/allocate_from_free; chgrp 4100 pools/Backup
         until [ -e media/lto-0004 ]; do sleep 0.02; done
         as() {{ setpriv --reuid 4002 --regid 4002 \"$@\"; }}
         as --init-groups dash -c '{ALLOCATE}; rmdir logical/$l'
         as --clear-groups dash -c '{ALLOCATE}' 2>&1 || echo refused"
    );
    let Some(ran) = with_bob("a supplementary group", &script) else {
        return;
    };
    let lines: Vec<&str> = ran.output().lines().collect();
    assert!(is_guid(lines[0]), "{ran:?}");
    assert!(
        lines[1].contains("Permission denied") || lines[1].contains("cannot"),
        "{ran:?}"
    );
    same(&ran, lines.last(), Some(&"refused"));
}

/// A request that waits counts with the groups that the user database gives its user when it is tried: here the administrator
/// takes the user out of the group. What is written has no media to give and is tried again until that is known.
#[test]
fn a_waiting_request_loses_the_right_of_a_group_that_its_user_left() {
    let script = "mkdir pools/Import/pools/LTO-8 pools/Free/pools/LTO-8 pools/Backup; echo LTO-8 > pools/Backup/media_type
         echo 1 > pools/Backup/allocate_from_free; chgrp 4100 pools/Backup
         setpriv --reuid 4002 --regid 4002 --init-groups dash -c 'echo > pools/Backup/requests/job'
         echo 1 > pools/Backup/allocate_from_free; ls pools/Backup/results; echo waits
         grep -v ntmsops /etc/group > $T/left; cat $T/left > /etc/group
         until [ -n \"$(ls pools/Backup/results)\" ]; do echo 1 > pools/Backup/allocate_from_free; sleep 0.02; done
         cat pools/Backup/results/job";
    let Some(ran) = with_bob("a group that is left", script) else {
        return;
    };
    let lines: Vec<&str> = ran.output().lines().collect();
    same(&ran, lines[0], "waits");
    assert!(
        lines[1].starts_with("0x80070005 ERROR_ACCESS_DENIED"),
        "{ran:?}"
    );
}
