//! The verbs for people on a real mount: each does what the files do, says why not, and ends with the status of the manual.

use crate::harness::daemon::signal;
use crate::harness::private::{Private, Who};
use crate::harness::{Ran, Shell, Tree, User, is_guid, same, until};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

const ANYBODY: User = User {
    uid: 4300,
    gid: 4300,
    groups: "",
};

/// Runs a script in which `ntmsfs` is the program.
fn run_as(tree: &Tree, user: User, script: &str) -> Ran {
    let program = tree.places().0;
    tree.run_as(
        user,
        Shell::Bash,
        &format!("ntmsfs() {{ {program} \"$@\"; }}\n{script}"),
    )
}

fn run(tree: &Tree, script: &str) -> Ran {
    run_as(tree, crate::harness::ROOT, script)
}

/// Checks how a script ended: its status, and a part of what it said on standard error.
#[track_caller]
fn refused(ran: &Ran, status: i32, said: &str) {
    assert_eq!((ran.status, &*ran.stdout), (Some(status), ""), "{ran:#?}");
    let only = ran.stderr.lines().count() == 1 && ran.stderr.starts_with("ntmsfs: ");
    assert!(only && ran.stderr.contains(said), "{said}\n{ran:#?}");
}

fn objects(ran: &Ran) -> Vec<Value> {
    let lines = ran.output().lines();
    lines
        .map(|line| serde_json::from_str(line).expect("one object a line"))
        .collect()
}

#[test]
fn every_way_to_find_the_tree() {
    let Some(private) = Private::new("how the tree is found") else {
        return;
    };
    let said = |script: &str| {
        let ran = private.run(Who::Root, script);
        (ran.status, ran.stdout + &ran.stderr)
    };
    let (status, text) = said("cd /; ntmsfs pools");
    assert_eq!(status, Some(5));
    assert!(
        text.contains("no tree is mounted; mount one, or name one with --tree DIR or NTMSFS_TREE"),
        "{text}"
    );
    assert_eq!(said("ntmsfs mount $C $D").0, Some(0));
    for script in [
        "cd /; ntmsfs pools",
        "cd $D/pools/Free; ntmsfs pools",
        "cd /; NTMSFS_TREE=$D ntmsfs pools",
        "cd /; NTMSFS_TREE=/nowhere ntmsfs pools --tree $D/media",
        "cd $D; NTMSFS_TREE= ntmsfs pools --tree .",
    ] {
        let (status, text) = said(script);
        assert!(
            status == Some(0) && text.contains("Free"),
            "{script}: {text}"
        );
    }
    for (script, expected) in [
        (
            "cd $D; NTMSFS_TREE=/nowhere ntmsfs pools",
            "NTMSFS_TREE: /nowhere: No such file",
        ),
        ("ntmsfs pools --tree /", "--tree: / is in no mounted tree"),
    ] {
        let (status, text) = said(script);
        assert!(
            status == Some(5) && text.contains(expected),
            "{script}: {text}"
        );
    }
    // A bind mount of the same tree is no other one; a second tree is.
    assert_eq!(
        said("mkdir $T/again $T/more; mount --bind $D $T/again; cd /; ntmsfs status").0,
        Some(0)
    );
    let more = "ntmsfs init $T/second; ntmsfs mount $T/second $T/more; cd /";
    let (status, text) = said(&format!("{more}; ntmsfs pools"));
    assert!(
        status == Some(5) && text.contains("several trees are mounted: "),
        "{text}"
    );
    assert_eq!(said("cd $T/more; ntmsfs pools").0, Some(0));
    let dead = "cd /; kill -9 $(pgrep -f \"ntmsfs mount.*$T/second\"); until ! ls $T/more 2>/dev/null; do sleep 0.01; done; ntmsfs pools --tree $T/more";
    let (status, text) = said(dead);
    assert!(
        status == Some(5) && text.contains("nobody serves the tree at"),
        "{text}"
    );
    assert_eq!(said("umount $T/more $T/again $D").0, Some(0));
}

/// A tree with something of everything that is listed, and the LMID of what is allocated.
fn listed() -> (Tree, String) {
    let tree = Tree::stocked(3);
    fs::create_dir(tree.path("pools/Group")).unwrap();
    tree.pool("Group/pools/Inner", "LTO-8");
    tree.write("pools/Group/pools/Inner/allocate_from_free", "0");
    let lmid = tree.allocate("Backup", "name=\"Full of May\"");
    tree.write("pools/Group/pools/Inner/requests/waits", "timeout=9h");
    (tree, lmid)
}

#[test]
fn objects_are_listed_as_they_are_in_the_tree() {
    let (tree, lmid) = listed();
    let of = |verb: &str| -> BTreeSet<String> {
        let found = objects(&run(&tree, &format!("ntmsfs {verb} --json"))).into_iter();
        found
            .map(|info| info["path"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = tree.run(Shell::Bash, "find pools -name allocate -printf '%h\\n'");
    assert_eq!(
        of("pools"),
        all.lines().into_iter().map(str::to_owned).collect()
    );
    let all = tree.run(Shell::Bash, "cd -P . && realpath --relative-to . media/*");
    assert_eq!(
        of("media"),
        all.lines().into_iter().map(str::to_owned).collect()
    );
    assert_eq!(of("media Backup").len(), 1);
    assert_eq!(of("logical"), BTreeSet::from([format!("logical/{lmid}")]));
    assert_eq!(of("logical Backup").len(), 1);
    assert_eq!(of("logical Group/Inner").len(), 0);
    assert_eq!(of("libraries").len(), 2);
    assert_eq!(of("operator").len(), 1);
    let system = objects(&run(&tree, "ntmsfs status --json"));
    let whole: Value = serde_json::from_str(&tree.read("info.json")).unwrap();
    assert_eq!(system, [whole]);
}

#[test]
fn tables_show_what_the_tree_has() {
    let (tree, lmid) = listed();
    for (verb, parts) in [
        (
            "pools",
            &["pool ", "Group/Inner", "Free/LTO-8", "available"][..],
        ),
        ("media", &["lto-0001", "Free/LTO-8", "lto/1"]),
        ("media Backup", &["lto-0001"]),
        ("logical", &[&lmid, "Full of May", "lto-0001/A"]),
        ("libraries", &["lto", "ready", "virtual type=LTO-8"]),
        ("operator", &["new-media", "submitted", "Group/Inner"]),
    ] {
        let ran = run(&tree, &format!("ntmsfs {verb}"));
        let text = ran.output();
        for part in parts {
            assert!(text.contains(part), "{verb}: {part}\n{text}");
        }
        assert!(
            !text.contains(['\u{1b}', '\u{2026}']) && !text.contains(" \n"),
            "{verb}:\n{text}"
        );
    }
    for (verb, file) in [
        ("status", "status"),
        ("why Group/Inner", "pools/Group/pools/Inner/why"),
    ] {
        same(
            verb,
            run(&tree, &format!("ntmsfs {verb}")).output(),
            &tree.read(file),
        );
    }
    // Whoever reads may have enough at any time.
    assert_eq!(
        run(
            &tree,
            "set -o pipefail; ntmsfs media --json | head -n 1 | wc -l"
        )
        .output(),
        "1\n"
    );
}

#[test]
fn who_may_not_read_is_told_so() {
    let tree = Tree::stocked(2);
    fs::set_permissions(tree.path("pools/Backup"), fs::Permissions::from_mode(0o700)).unwrap();
    let ran = run_as(&tree, ANYBODY, "ntmsfs pools");
    assert!(
        ran.status == Some(0) && ran.stdout.contains("Archive") && !ran.stdout.contains("Backup"),
        "{ran:#?}"
    );
    assert_eq!(
        ran.stderr,
        "ntmsfs: not shown, since you may not read them: 1 pools\n"
    );
    refused(
        &run_as(&tree, ANYBODY, "ntmsfs status"),
        1,
        "status: Permission denied (EACCES)",
    );
    refused(
        &run_as(&tree, ANYBODY, "ntmsfs allocate Backup"),
        1,
        "(EACCES); pools/Backup is of uid 0 and gid 0, with mode 700",
    );
    refused(
        &run_as(&tree, ANYBODY, "ntmsfs why Nowhere"),
        1,
        "there is no pool Nowhere (ENOENT)",
    );
    refused(
        &run_as(&tree, ANYBODY, "ntmsfs why a/../b"),
        1,
        "ERROR_INVALID_NAME",
    );
}

#[test]
fn an_allocation_is_printed_or_refused_with_its_status() {
    let tree = Tree::stocked(6);
    tree.pool("Empty", "LTO-8");
    tree.write("pools/Empty/allocate_from_free", "0");
    let lmid = |ran: &Ran| {
        let lmid = ran.output().trim_end().to_owned();
        assert!(
            is_guid(&lmid) && tree.path("logical").join(&lmid).exists(),
            "{ran:#?}"
        );
        lmid
    };
    let first = lmid(&run(
        &tree,
        "ntmsfs allocate Backup name='Full of \"May\"' timeout=60s",
    ));
    assert_eq!(
        tree.read(&format!("logical/{first}/name")),
        "Full of \"May\"\n"
    );
    let object = &objects(&run(
        &tree,
        "ntmsfs allocate Backup allocate-information --json",
    ))[0];
    assert!(is_guid(object["lmid"].as_str().unwrap()));
    assert_eq!(object["allocated_from"]["pool"], "Free/LTO-8", "{object}");
    // Once for each name.
    let once = "ntmsfs allocate Backup timeout=60s --name job-42";
    let named = lmid(&run(&tree, once));
    assert_eq!(lmid(&run(&tree, once)), named);
    assert_eq!(
        tree.read("pools/Backup/results/job-42"),
        format!("{named}\n")
    );
    refused(
        &run(&tree, "ntmsfs allocate Backup new --name job-42"),
        1,
        "was sent with other words: timeout=60s;",
    );
    for (words, status, said) in [
        ("Empty error-if-unavailable", 3, "ERROR_MEDIA_UNAVAILABLE"),
        ("Empty timeout=1ms", 4, "(ETIMEDOUT)"),
        (
            "Empty timeout=1ms --name late",
            4,
            "ERROR_TIMEOUT its time of 1ms is over: ",
        ),
        ("Backup nonsense", 1, "(EINVAL)"),
        ("Backup nonsense --name none", 1, "(EINVAL)"),
        ("Free/LTO-8", 1, "ERROR_INVALID_MEDIA_POOL"),
        ("Nowhere", 1, "there is no pool Nowhere"),
        ("Backup $'name=a\\nb'", 2, "cannot be part of a line"),
    ] {
        refused(
            &run(&tree, &format!("ntmsfs allocate {words}")),
            status,
            said,
        );
    }
    assert_eq!(run(&tree, "ntmsfs allocate").status, Some(2));
    // As sentences of the tree call it.
    assert_eq!(run(&tree, "ntmsfs why pools/Backup").status, Some(0));
    assert!(!tree.path("pools/Backup/requests/none").exists());
}

#[test]
fn a_wait_ends_with_a_signal_or_with_a_medium() {
    let tree = Tree::stocked(1);
    tree.pool("Empty", "LTO-8");
    tree.write("pools/Empty/allocate_from_free", "0");
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let script = format!(
            "env --default-signal={signal} {} allocate Empty & p=$!; until ls operator | grep -q .; do sleep 0.01; done; \
             kill -{signal} $p; wait $p; echo $?; until ! ls operator | grep -q .; do sleep 0.01; done",
            tree.places().0
        );
        assert_eq!(tree.run(Shell::Bash, &script).lines(), [status.to_string()]);
    }
    let waits = tree.spawn(
        Shell::Bash,
        &format!("exec {} allocate Empty --name later", tree.places().0),
    );
    until("a person is asked", || {
        (!tree.names("operator").is_empty()).then_some(())
    });
    fs::rename(
        tree.path("pools/Free/pools/LTO-8/media/lto-0001"),
        tree.path("pools/Empty/media/lto-0001"),
    )
    .unwrap();
    let ran = waits.end();
    assert_eq!(ran.output(), tree.read("pools/Empty/results/later"));
}

#[test]
fn media_are_given_back() {
    let tree = Tree::stocked(4);
    let lmids: Vec<String> = (0..3).map(|_| tree.allocate("Backup", "")).collect();
    // In any form in which the tree reads an identifier.
    let forms = format!("'{{{}}}' {}", lmids[0].to_uppercase(), lmids[1]);
    assert_eq!(run(&tree, &format!("ntmsfs release {forms}")).output(), "");
    assert_eq!(tree.names("logical"), [lmids[2].as_str()]);
    refused(
        &run(&tree, &format!("ntmsfs release {}", lmids[0])),
        1,
        "there is no such logical medium (ENOENT)",
    );
    refused(
        &run(&tree, "ntmsfs release job"),
        1,
        "ERROR_INVALID_PARAMETER",
    );
    let by_another = format!("ntmsfs release {}", lmids[2]);
    refused(&run_as(&tree, ANYBODY, &by_another), 1, "(EACCES)");
    tree.write(
        "libraries/lto/requests/use",
        &format!("mount media={}", lmids[2]),
    );
    tree.read("libraries/lto/results/use");
    for _ in 0..2 {
        refused(
            &run(&tree, &format!("ntmsfs release {}", lmids[2])),
            1,
            "ERROR_BUSY",
        );
    }
}

#[test]
fn people_answer() {
    let tree = Tree::stocked(1);
    tree.pool("Empty", "LTO-8");
    tree.write("pools/Empty/allocate_from_free", "0");
    for name in ["one", "two"] {
        tree.write(&format!("pools/Empty/requests/{name}"), "timeout=9h");
    }
    let numbers = tree.names("operator");
    let [one, two] = numbers.as_slice() else {
        panic!("{numbers:?}")
    };
    refused(
        &run_as(&tree, ANYBODY, &format!("ntmsfs operator refuse {one}")),
        1,
        "(EACCES)",
    );
    refused(
        &run_as(
            &tree,
            ANYBODY,
            &format!("ntmsfs operator refuse {one} too late"),
        ),
        1,
        "only root can give a reason",
    );
    assert_eq!(
        run(
            &tree,
            &format!("ntmsfs operator refuse {one} 'no such' tape")
        )
        .output(),
        ""
    );
    assert_eq!(tree.read(&format!("operator/{one}/result")), "refused\n");
    let reason = format!("getfattr --only-values -n user.reason operator/{one}");
    assert_eq!(tree.run(Shell::Bash, &reason).stdout, "no such tape");
    refused(
        &run(&tree, "ntmsfs allocate Empty timeout=9h --name one"),
        1,
        "ERROR_CANCELLED",
    );
    assert_eq!(
        run(&tree, &format!("ntmsfs operator done {two}")).output(),
        ""
    );
    assert_eq!(tree.read(&format!("operator/{two}/state")), "complete\n");
    refused(
        &run(&tree, &format!("ntmsfs operator done {two}")),
        1,
        "ERROR_INVALID_STATE",
    );
    refused(&run(&tree, "ntmsfs operator done 999999"), 1, "(ENOENT)");
    let ran = run(&tree, "ntmsfs operator; echo; ntmsfs operator --all");
    let (open, all) = ran.output().split_once("\n\n").expect("two tables");
    assert_eq!(
        (open.lines().count(), all.lines().count()),
        (2, 4),
        "{ran:#?}"
    );
}

#[test]
fn records_of_media_are_imported() {
    let tree = Tree::stocked(1);
    let dir = tree.scratch("lists");
    let media = |script: &str| {
        assert_eq!(run(&tree, script).output(), "", "{script}");
        tree.names("pools/Backup/media").len()
    };
    assert_eq!(
        media("ntmsfs import Backup A1 barcode=A1 description='on a shelf'"),
        1
    );
    assert_eq!(tree.read("media/A1/description"), "on a shelf\n");
    assert_eq!(
        media("printf '# list\\nB1\\nB2 barcode=B2' | ntmsfs import Backup"),
        3
    );
    let many: Vec<String> = (0..5000)
        .map(|number| format!("C{number:04} barcode=C{number:04}\n"))
        .collect();
    fs::write(dir.join("many"), many.concat()).unwrap();
    assert_eq!(media("ntmsfs import Backup --file $T/../lists/many"), 5003);
    fs::write(
        dir.join("table"),
        "barcode,name,description\r\nD1,D1,\"a, \"\"b\"\"\"\r\n,D2,\r\n",
    )
    .unwrap();
    assert_eq!(
        media("ntmsfs import Backup --csv --file $T/../lists/table"),
        5005
    );
    assert_eq!(tree.read("media/D1/description"), "a, \"b\"\n");
}

#[test]
fn a_bad_line_of_an_import_is_named() {
    let tree = Tree::stocked(1);
    let dir = tree.scratch("lists");
    for (script, status, said) in [
        (
            "printf 'E1\\nE2 nonsense\\n' | ntmsfs import Backup",
            1,
            "nothing was imported: 0x80070057 ERROR_INVALID_PARAMETER line 2: ",
        ),
        (
            "printf 'name\\nE1\\nE2 x,\\n' | ntmsfs import Backup --csv --file -",
            1,
            "line 3: 2 cells, the first line has 1",
        ),
        (
            "printf 'name,sides\\nE1,\\nE2,99\\n' | ntmsfs import Backup --csv",
            1,
            "line 3: ",
        ),
        (
            "ntmsfs import Backup --file /nowhere",
            1,
            "/nowhere: No such file",
        ),
        ("ntmsfs import Nowhere A", 1, "there is no pool Nowhere"),
        (
            "ntmsfs import Backup nonsense=1",
            2,
            "\"nonsense=1\": the name of the medium comes first\n",
        ),
        (
            "ntmsfs import Backup barcod=1",
            2,
            "comes first; did you mean \"barcode=\"?",
        ),
        (
            "echo barcod=1 | ntmsfs import Backup",
            1,
            "line 1: barcode=: the name of the medium comes first",
        ),
    ] {
        refused(&run(&tree, script), status, said);
    }
    // What was applied before is said.
    let many: Vec<String> = (0..5000)
        .map(|number| format!("C{number:04} barcode=C{number:04}\n"))
        .collect();
    fs::write(dir.join("bad"), many.concat() + "F nonsense\n").unwrap();
    let ran = run(&tree, "ntmsfs import Backup --file $T/../lists/bad");
    assert!(
        ran.stderr.contains("only lines 1 to ") && ran.stderr.contains(" line 5001: "),
        "{ran:#?}"
    );
    refused(
        &run_as(&tree, ANYBODY, "ntmsfs import Backup A"),
        1,
        "(EACCES)",
    );
    let applied = tree.names("pools/Backup/media").len();
    assert!((1..5000).contains(&applied), "{applied}");
}

#[test]
fn an_export_is_there_whole_or_not_at_all() {
    let tree = Tree::stocked(3);
    let at = tree.scratch("exports");
    let script = "cd $T/../exports && ntmsfs export one --tree ../mnt && ntmsfs restore one restored && ntmsfs check restored";
    assert_eq!(run(&tree, script).output(), "");
    let mode = fs::metadata(at.join("one")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    refused(
        &run(&tree, "ntmsfs export $T/../exports/one"),
        1,
        "exists; --replace takes its place",
    );
    let before = fs::read(at.join("one")).unwrap();
    tree.allocate("Backup", "");
    assert_eq!(
        run(&tree, "ntmsfs export --replace $T/../exports/one").output(),
        ""
    );
    assert_ne!(fs::read(at.join("one")).unwrap(), before);
    refused(
        &run(&tree, "ntmsfs export $T/nowhere/x"),
        1,
        "nowhere/x: No such file",
    );
    refused(
        &run_as(&tree, ANYBODY, "ntmsfs export $T/x"),
        1,
        "export: Permission denied (EACCES)",
    );
    let left: Vec<_> = fs::read_dir(&at)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().contains(".export-")),
        "{left:?}"
    );
}

#[test]
fn what_happens_is_watched() {
    let tree = Tree::stocked(2);
    let (program, _, at) = tree.places();
    let out = tree.scratch("watched");
    let script = format!(
        "cd /; {program} watch --tree {at} --from 1 --json > {0}/json & {program} watch --tree {at} --from 1 > {0}/text; echo $?; wait $!; echo $?",
        out.display()
    );
    let running = tree.spawn(Shell::Bash, &script);
    let lines = |name: &str| fs::read_to_string(out.join(name)).unwrap_or_default();
    tree.allocate("Backup", "name=watched");
    until("both have seen it", || {
        (lines("json").contains("watched") && lines("text").contains("watched")).then_some(())
    });
    let history = tree.read("history");
    assert!(
        history.starts_with(
            lines("json")
                .split_inclusive('\n')
                .take(20)
                .collect::<String>()
                .as_str()
        )
    );
    assert!(
        lines("text").contains("pool created") && lines("text").contains("\"Backup\""),
        "{}",
        lines("text")
    );
    assert!(!lines("text").contains('\u{1b}'));
    signal(tree.holder(), Signal::SIGTERM);
    let ran = running.end();
    assert_eq!(ran.lines(), ["5", "5"], "{ran:#?}");
    assert!(
        ran.stderr.contains("watch: the tree was unmounted"),
        "{ran:#?}"
    );
}

#[test]
fn tables_fit_a_terminal_and_have_colours_there() {
    let tree = Tree::stocked(3);
    fs::create_dir(tree.path(&format!("pools/{}", "日本語".repeat(20)))).unwrap();
    let (program, _, at) = tree.places();
    let shown = |columns: u32, before: &str, verb: &str| {
        let inner = format!("stty rows 0 cols {columns}; {before} {program} {verb} --tree {at}");
        let script = format!("TERM=xterm script -qec '{inner}' /dev/null");
        tree.run(Shell::Bash, &script).output().replace('\r', "")
    };
    for verb in ["pools", "media", "libraries"] {
        for columns in [40, 80] {
            let text = shown(columns, "NO_COLOR=1", verb);
            let wide = |line: &&str| {
                line.chars()
                    .map(|c| if c > '\u{2e80}' { 2 } else { 1 })
                    .sum::<u32>()
                    > columns
            };
            assert_eq!(text.lines().find(wide), None, "{text}");
            assert!(!text.contains('\u{1b}'), "{text}");
        }
    }
    assert!(shown(40, "", "pools").contains('\u{2026}'));
    assert!(shown(100, "", "libraries").contains("\u{1b}[32mready\u{1b}[0m"));
    assert!(!shown(100, "TERM=dumb", "libraries").contains('\u{1b}'));
}

#[test]
fn long_work_shows_a_bar_on_a_terminal_only() {
    let tree = Tree::stocked(3);
    let (program, catalog, at) = tree.places();
    let dir = tree.scratch("work");
    let lines: Vec<String> = (0..20_000).map(|number| format!("M{number}\n")).collect();
    fs::write(dir.join("many"), lines.concat()).unwrap();
    let dir = dir.display();
    let on_a_terminal = |command: &str| {
        tree.run(
            Shell::Bash,
            &format!("TERM=xterm script -qec '{command}' /dev/null"),
        )
        .output()
        .to_owned()
    };
    let text = on_a_terminal(&format!(
        "{program} import Backup --file {dir}/many --tree {at}"
    ));
    assert!(
        text.contains("importing") && text.contains(" %") && text.ends_with("\r\u{1b}[K"),
        "{text:?}"
    );
    let text = on_a_terminal(&format!("{program} export {dir}/copy --tree {at}"));
    assert!(
        text.contains("exporting") && text.ends_with("\r\u{1b}[K"),
        "{text:?}"
    );
    let text = on_a_terminal(&format!("{program} restore {dir}/copy {dir}/restored"));
    assert!(
        text.contains("tables ") && text.ends_with("\r\u{1b}[K"),
        "{text:?}"
    );
    tree.unmount();
    let text = on_a_terminal(&format!("{program} check {catalog}"));
    assert!(
        text.contains("records ") && text.ends_with("\r\u{1b}[K"),
        "{text:?}"
    );
    tree.mount();
    assert_eq!(
        tree.run(Shell::Bash, &format!("{program} check {dir}/restored"))
            .output(),
        ""
    );
}

/// A directory that looks like a tree, as one that is seen through another file system, in which everything is called by
/// what moves a terminal.
fn hostile() -> (tempfile::TempDir, &'static str) {
    let evil = "x\u{1b}[2J\u{1b}]0;owned\u{7}\n\r\u{9b}31m\u{202e}y";
    let dir = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let info = |keys: &[&str]| {
        let members = keys.iter().map(|&key| (key.to_owned(), Value::from(evil)));
        Value::Object(members.collect()).to_string()
    };
    put(
        "last-error",
        &format!("0x80070005 ERROR_ACCESS_DENIED {evil}\n"),
    );
    put("status", evil);
    put("info.json", &info(&["id"]));
    put(
        &format!("pools/{evil}/info.json"),
        &info(&["path", "type", "media_type"]),
    );
    put(
        &format!("media/{evil}/info.json"),
        &info(&["name", "barcode", "location", "state", "pool"]),
    );
    put(
        &format!("logical/{evil}/info.json"),
        &info(&["id", "name", "state", "device"]),
    );
    put(
        &format!("libraries/{evil}/info.json"),
        &info(&["name", "state", "driver"]),
    );
    put(
        &format!("operator/{evil}/info.json"),
        &info(&["command", "state", "message", "pool"]),
    );
    put("operator/7/state", "");
    let record = serde_json::json!({"object": evil, "by": {"command": evil}, "detail": {"event": evil, "name": evil}, "result": evil});
    put("events", &format!("{record}\n"));
    (dir, evil)
}

#[test]
fn no_name_is_a_command_of_the_terminal() {
    let (dir, evil) = hostile();
    let program = crate::harness::PROGRAM;
    for words in [
        &["status"][..],
        &["status", "--json"],
        &["pools"],
        &["pools", "--json"],
        &["media"],
        &["media", "--json"],
        &["logical"],
        &["libraries"],
        &["operator"],
        &["operator", "--json"],
        &["watch"],
        &["watch", "--json"],
        &["why", evil],
        &["allocate", evil],
        &["release", evil],
        &["import", "Backup", "--file", evil],
        &["export", evil, "--replace"],
    ] {
        let output = Command::new(program)
            .args(words)
            .arg("--tree")
            .arg(dir.path())
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!said.is_empty(), "{words:?}");
        let bad = said
            .chars()
            .find(|&c| (c != '\n' && c.is_control()) || c == '\u{202e}');
        assert_eq!(bad, None, "{words:?}: {said:?}");
    }
}
