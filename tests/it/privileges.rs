//! Whom a daemon serves as, what it may still do, and what becomes of a mount without its daemon.

use crate::harness::daemon::until;
use crate::harness::private::{ALICE, Private, Who};
use crate::harness::same;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};

const NTMSFS: (u32, u32) = (4003, 4004);

/// Makes a library with a pool, as root.
const FURNISH: &str = "cd $D; mkdir libraries/v; echo 'virtual type=LTO-8 slots=4 drives=1 cartridges=2' > libraries/v/driver
echo 1 > libraries/v/enabled; until [ $(cat libraries/v/state) = ready ]; do sleep 0.01; done
mkdir pools/P; echo LTO-8 > pools/P/media_type; echo 1 > pools/P/allocate_from_free; chmod 777 pools/P; chmod 666 pools/P/allocate";

/// The process that holds the catalog.
const PID: &str = "$(sed -n 's/.*ing pid \\([0-9]*\\).*/\\1/p' $C.lock)";

/// A line of the status of the server.
fn status(private: &Private, key: &str) -> String {
    let script = format!("sed -n 's/^{key}:[[:space:]]*//p' /proc/{PID}/status");
    private.ok(Who::Root, &script).trim_end().to_owned()
}

/// What every server shows, whoever it is.
#[track_caller]
fn demand_confined(private: &Private, case: &str, (uid, gid): (u32, u32)) {
    let four = |id: u32| [id; 4].map(|id| id.to_string()).join("\t");
    for (key, value) in [
        ("Uid", four(uid)),
        ("Gid", four(gid)),
        ("NoNewPrivs", "1".to_owned()),
        ("Seccomp", "2".to_owned()),
    ] {
        same((case, key), status(private, key), value);
    }
    for key in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        same((case, key), status(private, key), "0".repeat(16));
    }
    // Of whoever mounted it has nothing but the three streams.
    let script = format!("cd /proc/{PID}/fd; for fd in *; do readlink $fd; done");
    let open = private.ok(Who::Root, &script);
    let streams = open.lines().filter(|line| *line == "/dev/null").count();
    same((case, "streams"), streams, 3);
    assert!(!open.contains("/leaked"), "{case}: {open}");
}

#[test]
fn the_server_has_no_right_that_it_does_not_need() {
    let Some(private) = Private::new("the rights of the server") else {
        return;
    };
    fs::write(private.place.path().join("leaked"), "").unwrap();
    let root = (0, 0);
    for (case, owner, options, who) in [
        ("the owner", NTMSFS, "rw", NTMSFS),
        ("another owner", ALICE, "rw", ALICE),
        ("root", root, "rw", root),
        ("by name", NTMSFS, "runas=ntmsfs", NTMSFS),
        ("by number", NTMSFS, "runas=4003", NTMSFS),
    ] {
        private.give(owner);
        private.ok(
            Who::Root,
            &format!("ntmsfs mount -o {options} $C $D 7<$T/leaked"),
        );
        demand_confined(&private, case, who);
        // It serves others than itself, and the keeper lets go of everything at the end.
        private.ok(Who::Alice, "head -n 1 $D/README; ls $D/pools");
        private.ok(Who::Root, "mkdir $D/pools/Q; rmdir $D/pools/Q");
        let keeper = "pgrep -cf '[n]tmsfs keep'";
        same(case, private.ok(Who::Root, keeper), "1\n".to_owned());
        let umount = if case == "root" {
            format!("kill -TERM {PID}")
        } else {
            "umount $D".to_owned()
        };
        private.ok(Who::Root, &umount);
        private.until_let_go();
        same(case, private.mounted(), Vec::new());
        until("the keeper has ended", || {
            private.run(Who::Root, keeper).stdout == "0\n"
        });
    }
}

/// The keeper may mount, and is nobody's way to more.
#[test]
fn the_keeper_can_mount_and_nothing_else() {
    let Some(private) = Private::new("the rights of the keeper") else {
        return;
    };
    private.give(NTMSFS);
    private.ok(Who::Root, "ntmsfs mount $C $D");
    let status = private.ok(
        Who::Root,
        "grep -E '^(Cap|NoNew)' /proc/$(pgrep -f '[n]tmsfs keep')/status",
    );
    // CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH.
    for line in [
        "CapPrm:\t0000000000200004",
        "CapBnd:\t0000000000200004",
        "NoNewPrivs:\t1",
    ] {
        assert!(status.contains(line), "{status}");
    }
    // The signals of a service manager go to all processes of a service; the keeper stays until it is not needed.
    private.ok(
        Who::Root,
        &format!("kill -TERM $(pgrep -f '[n]tmsfs keep') {PID}"),
    );
    private.until_let_go();
    same("unmounted", private.mounted(), Vec::new());
}

#[test]
fn who_cannot_write_the_catalog_is_told_so() {
    let Some(private) = Private::new("a catalog that the user of the server cannot write") else {
        return;
    };
    for (case, owner, options, words) in [
        (
            "catalog",
            ALICE,
            "runas=ntmsfs",
            "serving as user ntmsfs (4003)",
        ),
        ("user", ALICE, "runas=nobody-knows", "there is no such user"),
    ] {
        private.give(owner);
        fs::set_permissions(&private.catalog, Permissions::from_mode(0o600)).unwrap();
        let script = format!("mount -t ntmsfs $C $D -o {options}");
        let ran = private.run(Who::Root, &script);
        let expected = if case == "user" { 1 } else { 32 };
        assert!(
            ran.status == Some(expected) && ran.stderr.contains(words),
            "{case}: {ran:?}"
        );
        same(case, private.mounted(), Vec::new());
    }
    // The file is his, the directory is not: the log of the database has no place.
    private.give(NTMSFS);
    chown(private.catalog.parent().unwrap(), Some(0), Some(0)).unwrap();
    drop(fs::remove_file(format!(
        "{}.lock",
        private.catalog.display()
    )));
    let ran = private.run(Who::Root, "mount -t ntmsfs $C $D");
    assert!(
        ran.status == Some(32) && ran.stderr.contains("serving as user ntmsfs (4003)"),
        "{ran:?}"
    );
    same("directory", private.mounted(), Vec::new());
    let ran = private.run(Who::Alice, "ntmsfs mount -o runas=root $C $D");
    assert!(
        ran.stderr.contains("only root can serve as somebody else"),
        "{ran:?}"
    );
}

/// What root makes in the directory of somebody else can be served as him.
#[test]
fn a_catalog_belongs_to_whom_its_directory_belongs() {
    let Some(private) = Private::new("the owner of a new catalog") else {
        return;
    };
    private.give(NTMSFS);
    let owners = "cd $(dirname $C); stat -c %u:%g new new.lock again";
    let made = private.ok(
        Who::Root,
        &format!(
            "cd $(dirname $C); ntmsfs init new; ntmsfs mount new mnt; cp mnt/export $T/export; umount mnt
             ntmsfs restore $T/export again; {owners}"
        ),
    );
    same("init and restore", made, "4003:4004\n".repeat(3));
    private.ok(
        Who::Root,
        "cd $(dirname $C); ntmsfs mount again mnt; umount mnt",
    );
}

/// A drive is given to a user without any right to give files away.
#[test]
fn a_drive_is_given_to_a_user_by_whoever_serves() {
    let Some(private) = Private::new("drives of a service user") else {
        return;
    };
    let home = private.catalog.parent().unwrap();
    fs::set_permissions(home, Permissions::from_mode(0o711)).unwrap();
    for owner in [NTMSFS, (0, 0)] {
        private.give(owner);
        private.ok(Who::Root, "ntmsfs mount $C $D");
        if owner == NTMSFS {
            private.ok(Who::Root, FURNISH);
        }
        let used = private.ok(
            Who::Alice,
            "cd $D; exec 3<>pools/P/allocate; echo timeout=60s >&3; read -r lmid <&3
             echo mount media=$lmid write > libraries/v/requests/a; drive=$(cat libraries/v/results/a)
             echo mine > $drive && cat $drive; rm libraries/v/requests/a
             echo dismount media=$lmid > libraries/v/requests/b; cat libraries/v/results/b >/dev/null
             rm libraries/v/requests/b; cat $drive 2>&1 | grep -o 'No such file\\|Permission denied'",
        );
        assert!(used.starts_with("mine\n"), "{used}");
        private.ok(Who::Root, "umount $D");
        private.until_let_go();
        // As an older version, or another owner, would have left it.
        private.ok(Who::Root, "chown -R 0:0 $(dirname $C)");
    }
}

/// Whoever uses a mount whose server was killed is told so, and the next mount takes its place.
#[test]
fn a_killed_server_leaves_no_hang_and_is_replaced() {
    let Some(private) = Private::new("a server that is killed") else {
        return;
    };
    private.give(NTMSFS);
    for round in 0..3 {
        private.ok(Who::Root, "ntmsfs mount $C $D");
        private.ok(Who::Root, &format!("mkdir $D/pools/P{round}"));
        // One reader waits meanwhile.
        let script = format!(
            "cat $D/events >/dev/null 2>$T/told & exec 3<$D/README; kill -KILL {PID}; wait $!; cat <&3 >/dev/null"
        );
        let ran = private.run(Who::Root, &script);
        assert_ne!(ran.status, Some(0), "{ran:?}");
        let ran = private.run(Who::Root, "stat $D/pools");
        assert!(ran.stderr.contains("not connected"), "{ran:?}");
        same(round, private.mounted().len() > 2, true);
    }
    private.ok(
        Who::Root,
        "mount -t ntmsfs $C $D; ls $D/pools/P2; umount $D",
    );
    same("one alone was there", private.mounted(), Vec::new());
    // What is not ours stays, and is named.
    private.ok(
        Who::Root,
        "cp $C $T/other; ntmsfs mount $T/other $D; kill -KILL $(sed -n 's/.*ing pid \\([0-9]*\\).*/\\1/p' $T/other.lock)",
    );
    until("it is dead", || {
        private.run(Who::Root, "stat $D").status != Some(0)
    });
    let ran = private.run(Who::Root, "mount -t ntmsfs $C $D");
    assert!(
        ran.status == Some(32)
            && ran
                .stderr
                .contains("/other (fuse.ntmsfs), which is not of this catalog"),
        "{ran:?}"
    );
    private.ok(Who::Root, "umount -l $D; mount -t ntmsfs $C $D; umount $D");
}

/// A call that is not listed ends the server; with the switch it does not.
#[test]
fn the_list_of_calls_is_in_force() {
    let Some(private) = Private::new("the list of calls") else {
        return;
    };
    private.give(NTMSFS);
    let ran = private.run(Who::Root, "NTMSFS_SECCOMP=none ntmsfs mount $C $D");
    assert!(ran.stderr.contains("only log is known"), "{ran:?}");
    same("refused", private.mounted(), Vec::new());
    private.ok(
        Who::Root,
        "NTMSFS_SECCOMP=log ntmsfs mount $C $D; umount $D",
    );
}
