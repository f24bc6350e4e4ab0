//! Every form in which mount(8), fstab and umount(8) reach a catalog, every exit status, and the mount of an ordinary user.

use crate::harness::daemon::until;
use crate::harness::private::{ALICE, Private, Who};
use crate::harness::same;
use ntmsfs::cli::failure::Status;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;

const TYPE: &str = "fuse.ntmsfs";

/// How a mount was asked for, by whom, with which line of fstab, and a word that must then be among its options; none: nothing
/// is mounted.
type Form = (&'static str, Who, &'static str, Option<&'static str>);

#[rustfmt::skip]
const FORMS: &[Form] = &[
    ("mount -t ntmsfs $C $D", Who::Root, "", Some("rw")),
    ("mount -t ntmsfs $C $D -o ro,noatime,_netdev,nofail,x-systemd.automount,X-mount.mkdir", Who::Root, "", Some("ro")),
    ("mount -t ntmsfs $C $D -o user,noauto,users,owner,group,nouser,comment=x,defaults", Who::Root, "", Some("rw")),
    ("mount -v -n -s -t ntmsfs $C $D -o foo=bar,ro >/dev/null", Who::Root, "", Some("ro")),
    ("mount -f -t ntmsfs $C $D", Who::Root, "", None),
    ("mount -t fuse.ntmsfs $C $D -o allow_other,nodev,_netdev", Who::Root, "", Some("nosuid")),
    ("mount -t fuse ntmsfs#$C $D", Who::Root, "", Some("nodev")),
    ("mount.ntmsfs $C $D -t ntmsfs -N /proc/self/ns/mnt -o ro -o rw", Who::Root, "", Some("rw")),
    ("mount.ntmsfs -o ro -nv -- $C $D", Who::Root, "", Some("ro")),
    ("ntmsfs mount $C $D -o ro", Who::Root, "", Some("ro")),
    ("cd $(dirname $C); mount.ntmsfs ./catalog mnt", Who::Root, "", Some("rw")),
    ("mount $D", Who::Root, "ro,user,nofail,_netdev,x-systemd.automount", Some("ro")),
    ("mount $C", Who::Root, "noauto,gid=7", Some("allow_other")),
    ("mount -a -t ntmsfs", Who::Root, "defaults", Some("allow_other")),
    ("mount -a -t ntmsfs; mount -a -t ntmsfs", Who::Root, "defaults", Some("noexec")),
    ("mount -a -t ntmsfs", Who::Root, "noauto", None),
    ("mount $D", Who::Alice, "user,noauto", Some("user_id=4001")),
    ("mount $D", Who::Alice, "users,ro", Some("ro")),
    ("ntmsfs mount $C $D", Who::Alice, "", Some("user_id=4001")),
    ("mount.ntmsfs $C $D -o ro", Who::Alice, "", Some("ro")),
];

#[test]
fn every_form_mounts_and_unmounts() {
    let Some(private) = Private::new("the forms of mount(8)") else {
        return;
    };
    for (at, (script, who, fstab, word)) in FORMS.iter().enumerate() {
        fs::write(private.place.path().join("fstab"), "").unwrap();
        if !fstab.is_empty() {
            private.fstab(fstab);
        }
        private.ok(*who, script);
        let words = private.mounted();
        let Some(word) = word else {
            same(script, words, Vec::new());
            continue;
        };
        let catalog = private.words().0;
        assert_eq!(words[..2], [catalog, TYPE].map(str::to_owned), "{script}");
        let alone = *who == Who::Alice;
        for forced in ["nosuid", "nodev", "noexec", "default_permissions", word] {
            assert!(words.iter().any(|it| it == forced), "{script}: {words:?}");
        }
        same(script, words.iter().any(|it| it == "allow_other"), !alone);
        private.ok(*who, "head -n 1 $D/README");
        let umount = ["umount $D", "umount -l $D", "umount $C"][at % 3];
        private.ok(*who, umount);
        same(umount, private.mounted(), Vec::new());
        private.until_let_go();
    }
}

/// `mount -o remount` of an entry of fstab comes through mount.ntmsfs, without one through mount.fuse3.
#[test]
fn a_remount_changes_ro_and_rw_and_nothing_else() {
    let Some(private) = Private::new("remounting") else {
        return;
    };
    private.fstab("rw,gid=7,nofail");
    private.ok(Who::Root, "mount $D");
    let mode = || private.mounted()[2].clone();
    let make = |name: &str| {
        let script = format!("mkdir $D/pools/{name} && rmdir $D/pools/{name}");
        private.run(Who::Root, &script)
    };
    for round in ["by fstab", "by what is mounted"] {
        private.ok(Who::Root, "mount -o remount,ro $D");
        same(round, mode(), "ro".to_owned());
        assert!(make("Q").stderr.contains("Read-only"), "{round}");
        private.ok(Who::Root, "mount -o remount,rw $D");
        same(round, mode(), "rw".to_owned());
        same(round, make("Q").status, Some(0));
        fs::write(private.place.path().join("fstab"), "").unwrap();
    }
    // What is open for writing stays writable.
    let busy = "exec 3<>$D/ask; mount -o remount,ro $D";
    for (script, status, says) in [
        ("mount -o remount,gid=8 $D", 1, "cannot change \"gid=8\""),
        ("mount -o remount,pool=X $D", 1, "cannot change \"pool=X\""),
        ("mount -o remount,zzz $D", 1, "unknown mount option \"zzz\""),
        (
            "mount.ntmsfs $C /usr -o remount,ro",
            32,
            "is not mounted at /usr",
        ),
        (
            "mount.ntmsfs $C.none $D -o remount,ro",
            32,
            "no such catalog",
        ),
        (busy, 32, "busy"),
    ] {
        let ran = private.run(Who::Root, script);
        assert!(
            ran.status == Some(status) && ran.stderr.contains(says),
            "{script}: {ran:?}"
        );
        same(script, mode(), "rw".to_owned());
    }
    let ran = private.run(Who::Alice, "mount.ntmsfs $C $D -o remount,ro");
    assert!(
        ran.status == Some(1) && ran.stderr.contains("only root"),
        "{ran:?}"
    );
    private.ok(Who::Root, "umount $D");
}

/// What fails, for whom, with which status and words; nothing is mounted then.
#[rustfmt::skip]
const FAILURES: &[(&str, Who, i32, &str)] = &[
    ("mount -t ntmsfs $C $D -o noauot", Who::Root, 1, "did you mean \"noauto\"?"),
    ("mount -t ntmsfs $C $D -o gid=x", Who::Root, 1, "number of a group"),
    ("mount.ntmsfs $C", Who::Root, 1, "usage: "),
    ("mount.ntmsfs $C $D -o", Who::Root, 1, "-o needs a value"),
    ("mount.ntmsfs $C $D -q", Who::Root, 1, "unknown option -q"),
    ("mount -t ntmsfs $C.none $D", Who::Root, 32, "ntmsfs init"),
    ("mount -f -t ntmsfs $C.none $D", Who::Root, 32, "ntmsfs init"),
    ("mount.ntmsfs -f $C $C", Who::Root, 32, "not a directory"),
    ("mount.ntmsfs $C $D/none", Who::Root, 32, "No such file"),
    ("mount.ntmsfs $T/passwd $D", Who::Root, 32, "not a database"),
    ("mount.ntmsfs $C /usr/share", Who::Alice, 32, "no write access"),
    ("PATH=/none; exec /sbin/mount.ntmsfs $C $D", Who::Alice, 32, "only root mounts without it"),
    // No file may grow: the kernel kills the daemon.
    ("exec prlimit --fsize=0 mount.ntmsfs $C $D", Who::Root, 4, "the daemon died"),
    ("mount --bind $T/dev/none /dev/fuse", Who::Root, 0, ""),
    ("mount -t ntmsfs $C $D", Who::Root, 2, "/dev/fuse cannot be opened"),
    ("umount /dev/fuse", Who::Root, 0, ""),
];

#[test]
fn every_exit_status_that_can_occur_does() {
    let Some(private) = Private::new("the exit statuses of mount(8)") else {
        return;
    };
    let mut seen = vec![interrupted(&private)];
    for (script, who, status, says) in FAILURES {
        let ran = private.run(*who, script);
        assert!(
            ran.status == Some(*status) && ran.stderr.contains(says),
            "{script}: {ran:?}"
        );
        same(script, private.mounted(), Vec::new());
        seen.extend(ran.status);
    }
    for status in Status::ALL {
        assert!(seen.contains(&status.code().into()), "{status:?}");
    }
    private.ok(Who::Root, "mount -t ntmsfs $C $D && umount $D");
}

/// A signal to the helper while it waits for the holder of the catalog.
fn interrupted(private: &Private) -> i32 {
    let lock = fs::File::create(format!("{}.lock", private.catalog.display())).unwrap();
    lock.lock().unwrap();
    fs::write(
        format!("{}.lock", private.catalog.display()),
        "stopping pid 0\n",
    )
    .unwrap();
    private.give(ALICE);
    let mut command = private.command(
        Who::Root,
        "mount.ntmsfs $C $D & until grep -q . /proc/$!/task/$!/children; do sleep 0.01; done
         kill -TERM $!; wait $!",
    );
    let ran = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains("interrupted"), "{said}");
    assert_eq!(private.mounted(), Vec::<String>::new());
    // Nobody waits for the lock any more.
    drop(lock);
    private.until_let_go();
    private.give(ALICE);
    ran.status.code().unwrap()
}

/// An ordinary user is alone in his tree and its administrator: the catalog knows him as root, and shows root's as his.
#[test]
fn an_ordinary_user_has_his_own_catalog_to_himself() {
    let Some(private) = Private::new("the mount of an ordinary user") else {
        return;
    };
    let alice = |script: &str| private.ok(Who::Alice, script);
    alice("ntmsfs init $(dirname $C)/mine; ntmsfs mount $(dirname $C)/mine $D");
    alice(
        "cd $D; mkdir libraries/v; echo 'virtual type=LTO-8 slots=4 drives=1 cartridges=2' > libraries/v/driver",
    );
    alice(
        "cd $D; echo 1 > libraries/v/enabled; until [ $(cat libraries/v/state) = ready ]; do sleep 0.01; done",
    );
    alice(
        "cd $D; mkdir pools/P; echo LTO-8 > pools/P/media_type; echo 1 > pools/P/allocate_from_free",
    );
    same(
        "owner",
        alice("stat -c %u:%g $D/pools/P $D/pools $D/history"),
        "4001:4002\n".repeat(3),
    );
    // A virtual drive is the user's too.
    let used = alice(
        "cd $D; exec 3<>pools/P/allocate; echo timeout=60s >&3; read -r lmid <&3
         echo mount media=$lmid > libraries/v/requests/a; drive=$(cat libraries/v/results/a)
         tar -cf $drive README && tar -tf $drive; stat -Lc %u $drive
         mkdir pools/Q && chown 4001:4002 pools/Q && chmod 700 pools/Q; rmdir pools/Q
         echo x 2>/dev/null > pools/P/allocate_from_free; cut -d' ' -f2 last-error
         tail -n 1 history | grep -o '\"uid\":[0-9]*'",
    );
    same(
        "use",
        &*used,
        "README\n4001\nERROR_INVALID_PARAMETER\n\"uid\":0\n",
    );
    let seen = private.seen(&private.dir);
    let denied = fs::metadata(&seen).expect_err("root is not let in");
    same("root", denied.kind(), std::io::ErrorKind::PermissionDenied);
    // The end by a signal takes the mount away; a dead one makes room.
    for (signal, left) in [("TERM", true), ("KILL", false)] {
        alice(&format!(
            "kill -{signal} $(sed -n 's/.*ing pid \\([0-9]*\\) .*/\\1/p' $(dirname $C)/mine.lock)"
        ));
        if left {
            until("it is unmounted", || private.mounted().is_empty());
        }
        alice("ntmsfs mount $(dirname $C)/mine $D && ls $D/pools/P");
    }
    alice("umount $D");
    // For root the same catalog has root as its owner.
    private.ok(Who::Root, "ntmsfs mount $(dirname $C)/mine $D");
    let pool = fs::metadata(seen.join("pools/P")).unwrap();
    same("to root", (pool.uid(), pool.gid()), (0, 0));
    private.ok(Who::Root, "umount $D");
}
