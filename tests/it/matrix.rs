//! The permission matrix: every operation by every kind of user under every combination of the three rights, on a real
//! mount, against what the contract of the tree says. The oracle below is written from that contract, not from the code.

use crate::harness::{Shell, Tree};

/// The script that makes the attempts.
const SCRIPT: &str = include_str!("../data/matrix.py");

/// Users and groups: two users have their group from the user database, which the daemon asks.
const PEOPLE: &str = "set -e; cp /etc/passwd $T/passwd; cp /etc/group $T/group
    echo 'ntms4003:x:4003:4903:::/bin/sh' >> $T/passwd; echo 'ntms4006:x:4006:4906:::/bin/sh' >> $T/passwd
    echo 'ntmsops:x:4100:ntms4003' >> $T/group; echo 'ntmsent:x:4105:ntms4006' >> $T/group
    mount --bind $T/passwd /etc/passwd; mount --bind $T/group /etc/group";

/// Who has which rights on what an attempt is about.
struct Rights<'a> {
    who: &'a str,
    /// USE, MODIFY and CONTROL of the pool or library.
    bits: [bool; 3],
    /// USE of the free pool.
    free: bool,
}

/// The rights of a user in a configuration. In each, every class has another combination, as the script sets them.
fn rights(configuration: usize, who: &str) -> Rights<'_> {
    let class = match who {
        "root" | "owner" => 0,
        "group" | "supplementary" => 1,
        "user-entry" => 2,
        "group-entry" | "supplementary-entry" => 3,
        _ => 4,
    };
    let of = |configuration: usize| (configuration + 3 * class) % 8;
    let bits = of(configuration);
    Rights {
        who,
        bits: [4, 2, 1].map(|bit| bits & bit != 0),
        free: of(configuration + 4) & 4 != 0,
    }
}

/// What the contract says. USE opens the door of a pool's directory; behind it are its attributes, which MODIFY changes, and
/// `media/`, `requests/`, `results/`, which CONTROL opens and changes. What is reached through `logical/` and `operator/` needs no USE of a directory on the way.
fn allowed(operation: &str, r: &Rights<'_>) -> bool {
    let [r#use, modify, control] = r.bits;
    match operation {
        "list media and logical media" | "read the last refusal" => true,
        // Not even root: the file has no mode of its own.
        "chmod of an attribute" => false,
        _ if r.who == "root" => true,
        "list the pool"
        | "read an attribute"
        | "read why"
        | "read a logical medium"
        | "read the state of a logical medium"
        | "read a library"
        | "read a user's attribute"
        | "list slots" => r#use,
        // The door is closed, but what hangs on it is not behind it.
        "set a user's attribute" => modify,
        "write an attribute"
        | "make a pool"
        | "rename a pool"
        | "remove a pool"
        | "name a logical medium"
        | "write to a library" => r#use && modify,
        "allocate"
        | "submit a named request"
        | "read the own result"
        | "remove the own request"
        | "import"
        | "rename a medium"
        | "move a medium"
        | "remove a medium"
        | "read a medium"
        | "read the state of a side"
        | "decommission a side"
        | "complete a logical medium" => r#use && control,
        "draw from free" => r#use && control && r.free,
        "write to a medium" | "disable a medium" => r#use && control && modify,
        "deallocate the own" => r#use || control,
        "deallocate another's" | "answer an operator request" | "remove an operator request" => {
            control
        }
        "chmod" | "setfacl" => r.who == "owner",
        "setfacl of CONTROL" => r.who == "owner" && r#use,
        // Root's alone: the top level, the audit trail, other people's requests, giving a pool away.
        "make a pool at the top"
        | "rename the pool"
        | "rename a library"
        | "make a library"
        | "add a media type"
        | "read the history"
        | "read the status"
        | "open events"
        | "read another's result"
        | "remove another's request"
        | "chown" => false,
        other => panic!("an operation that the oracle does not know: {other}"),
    }
}

#[test]
fn nobody_may_more_or_less_than_the_contract_says() {
    if !crate::daemon::can_hide_mounts("the permission matrix") {
        return;
    }
    let tree = Tree::empty();
    std::fs::write(tree.scratch("scratch").join("matrix.py"), SCRIPT).unwrap();
    tree.unmount();
    let (program, catalog, at) = tree.places();
    let script = format!(
        "{PEOPLE}
         trap 'cd /; umount {at} || umount -l {at}' EXIT
         {program} mount {catalog} {at}; cd {at}; python3 $T/matrix.py prepare; cd /; umount {at}
         {program} mount {catalog} {at}; cd {at}; python3 $T/matrix.py act"
    );
    let quoted = shlex::try_quote(&script).unwrap();
    let ran = tree.run(
        Shell::Bash,
        &format!("exec unshare --mount --propagation private bash -c {quoted}"),
    );
    tree.mount();
    let lines: Vec<Vec<&str>> =
        (ran.output().lines().map(|line| line.split('\t').collect())).collect();
    assert_eq!(lines.len(), 8 * 8 * 51, "configurations, users, operations");
    let mut wrong = Vec::new();
    for line in &lines {
        let [configuration, who, operation, found] = line[..] else {
            panic!("{line:?}")
        };
        let rights = rights(configuration.parse().unwrap(), who);
        let expected = if allowed(operation, &rights) {
            "yes"
        } else {
            "no"
        };
        if found != expected {
            wrong.push(format!("{line:?}: expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
