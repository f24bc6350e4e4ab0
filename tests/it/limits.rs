//! What one user may have at once: each limit refused with its sentence on a real mount, root without any, and the
//! configuration read again.

use crate::harness::daemon::signal;
use crate::harness::{ROOT, Ran, Shell, Tree, User, until};
use nix::sys::signal::Signal;
use std::fs;
use std::process::Command;

/// Somebody with every right on the pool of the tests, and a quota.
const USER: User = User {
    uid: 5001,
    gid: 5001,
    groups: "",
};

const EDQUOT: &str = "Disk quota exceeded";

/// A catalog that is mounted with a configuration, and a pool where everybody may do everything.
fn tree(limits: &str) -> Tree {
    let tree = Tree::stocked(3);
    configure(&tree, limits);
    tree.unmount();
    tree.mount_with(&format!("config={}", path(&tree)));
    tree.run(
        Shell::Bash,
        "chmod 777 pools/Backup && chmod 666 pools/Backup/allocate && chmod 777 libraries/lto",
    )
    .output();
    tree
}

fn path(tree: &Tree) -> String {
    tree.scratch("scratch").join("conf").display().to_string()
}

fn configure(tree: &Tree, limits: &str) {
    fs::write(path(tree), format!("[limits]\n{limits}\n")).unwrap();
}

fn user(tree: &Tree, script: &str) -> Ran {
    tree.run_as(USER, Shell::Bash, script)
}

/// How often a limit was refused, as `metrics` says.
fn refused(tree: &Tree, limit: &str) -> u64 {
    let metrics = tree.read("metrics");
    let sample = format!("ntmsfs_limit_refusals_total{{limit=\"{limit}\"}} ");
    let found = metrics.lines().find_map(|line| line.strip_prefix(&sample));
    found.expect("the sample").parse().expect("a number")
}

#[test]
fn each_limit_is_refused_with_its_sentence_and_shown() {
    let tree = tree("open_files = 6\noperator_requests = 2\nnames = 5\nattribute_bytes = 100");
    for (limit, script) in [
        (
            "open_files",
            "exec 3<README 4<README 5<README 6<README 7<README 8<README; exec 9<README || true",
        ),
        (
            "operator_requests",
            "for n in 1 2 3; do echo 'message text=help' > ask; done",
        ),
        (
            "names",
            "for n in 1 2 3 4 5 6; do echo timeout=0 > pools/Backup/requests/n$n; done",
        ),
        (
            "attribute_bytes",
            "setfattr -n user.a -v $(printf %090d 1) pools/Backup; setfattr -n user.b -v 12345 pools/Backup",
        ),
    ] {
        let ran = user(
            &tree,
            &format!("{script}; exec 3<&- 4<&- 5<&-; cat last-error"),
        );
        assert!(ran.stderr.contains(EDQUOT), "{limit}: {ran:#?}");
        let sentence = format!("({limit} of ntmsfs.conf)");
        assert!(
            ran.stdout.contains("0x80070718 ERROR_NOT_ENOUGH_QUOTA ")
                && ran.stdout.contains(&sentence),
            "{limit}: {ran:#?}"
        );
        assert_eq!(refused(&tree, limit), 1, "{limit}");
    }
}

#[test]
fn requests_and_reads_that_wait_are_bounded_and_what_ends_makes_room() {
    let tree = tree("open_requests = 2\nwaiting_reads = 1");
    tree.run(
        Shell::Bash,
        "for n in 1 2 3; do echo > pools/Backup/requests/all$n; done",
    )
    .output();
    let ran = user(
        &tree,
        "cd pools/Backup; for n in 1 2 3; do echo > requests/w$n; done; ls requests; cat ../../last-error
         rm requests/w1; echo > requests/w3 && ls requests",
    );
    assert_eq!(ran.stderr.matches(EDQUOT).count(), 1, "{ran:#?}");
    assert!(
        ran.stdout
            .contains("3 requests to pools and libraries without a result"),
        "{ran:#?}"
    );
    assert!(ran.stdout.ends_with("w2\nw3\n"), "{ran:#?}");
    let waiter = tree.spawn_as(USER, Shell::Bash, "exec cat pools/Backup/results/w2");
    until("it waits", || {
        tree.read("metrics")
            .contains("ntmsfs_waiting_reads 0000000001\n")
            .then_some(())
    });
    let ran = user(&tree, "cat pools/Backup/results/w3; cat last-error");
    assert!(ran.stderr.contains(EDQUOT), "{ran:#?}");
    assert!(
        ran.stdout.contains("waiting_reads of ntmsfs.conf"),
        "{ran:#?}"
    );
    drop(waiter);
    until("the reader that was killed counts no more", || {
        tree.read("metrics")
            .contains("ntmsfs_waiting_reads 0000000000\n")
            .then_some(())
    });
    assert_eq!(refused(&tree, "waiting_reads"), 1);
}

#[test]
fn root_has_no_limits() {
    let tree = tree(
        "open_files = 1\nopen_requests = 1\noperator_requests = 1\nnames = 1\nattribute_bytes = 1",
    );
    tree.run_as(
        ROOT,
        Shell::Bash,
        "set -e; exec 3<README 4<README 5<README; for n in 1 2 3; do echo 'message text=help' > ask
         echo > pools/Backup/requests/w$n; echo 1 > libraries/lto/requests/none 2>/dev/null && exit 1
         setfattr -n user.a$n -v 12345 pools/Backup; done",
    )
    .output();
}

#[test]
fn the_configuration_is_read_again_or_stays_as_it_was() {
    let tree = tree("operator_requests = 1");
    let ask = "echo 'message text=help' > ask";
    user(&tree, ask).output();
    assert!(user(&tree, ask).stderr.contains(EDQUOT));
    configure(&tree, "operator_requests = 2");
    let limit = |size: u32| format!("ntmsfs_limit{{limit=\"operator_requests\"}} {size:010}\n");
    signal(tree.holder(), Signal::SIGHUP);
    until("the limit is the new one", || {
        tree.read("metrics").contains(&limit(2)).then_some(())
    });
    user(&tree, ask).output();
    // One word that is wrong, and nothing is taken; what is right afterwards is.
    configure(&tree, "operator_requests = 3\nnames = -1");
    signal(tree.holder(), Signal::SIGHUP);
    assert!(user(&tree, ask).stderr.contains(EDQUOT));
    configure(&tree, "operator_requests = 4");
    signal(tree.holder(), Signal::SIGHUP);
    until("the limit is the newest", || {
        let metrics = tree.read("metrics");
        assert!(!metrics.contains(&limit(3)));
        metrics.contains(&limit(4)).then_some(())
    });
}

#[test]
fn a_configuration_that_is_refused_is_named_by_its_line() {
    let tree = Tree::empty();
    tree.unmount();
    let (program, catalog, at) = tree.places();
    let conf = path(&tree);
    let run = |args: &[&str]| Ran::from(Command::new(program).args(args).output().unwrap());
    fs::write(&conf, "[limits]\nopen_file = 3\n").unwrap();
    let wrong =
        format!("{conf}: line 2: unknown limit \"open_file\"; did you mean \"open_files\"?");
    let checked = run(&["check-config", &conf]);
    assert_eq!(
        (checked.status, checked.stderr),
        (Some(1), format!("ntmsfs: {wrong}\n"))
    );
    let mounted = run(&["mount", "-o", &format!("config={conf}"), catalog, at]);
    assert_eq!(mounted.status, Some(1));
    assert!(mounted.stderr.contains(&wrong), "{mounted:#?}");
    fs::write(&conf, "[limits]\nopen_files = 3\n").unwrap();
    assert_eq!(run(&["check-config", &conf]).output(), "");
    let chmod = Command::new("chmod").args(["666", &conf]).status().unwrap();
    assert!(chmod.success());
    let checked = run(&["check-config", &conf]);
    assert!(
        checked.stderr.contains("others may write it"),
        "{checked:#?}"
    );
    assert_eq!(run(&["check-config", "/nowhere"]).status, Some(1));
}

/// The file that is shipped says what holds anyway, and names every limit.
#[test]
fn the_configuration_that_is_shipped_is_the_usual_one() {
    let text = include_str!("../../mount/ntmsfs.conf");
    let quotas = ntmsfs::cli::config::parse(text);
    assert_eq!(quotas, Ok(ntmsfs::domain::quota::Quotas::default()));
    let page = fs::read_to_string("man/ntmsfs.conf.5").unwrap();
    for quota in ntmsfs::domain::quota::ALL {
        let row = quota.row();
        assert!(
            text.contains(&format!("\n#{} = {}\n", row.key, row.usual)),
            "{row:?}"
        );
        assert!(
            page.contains(&format!(".BR {} \" ({})\"\n", row.key, row.usual)),
            "{row:?}"
        );
    }
}
