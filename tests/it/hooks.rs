//! Hooks: programs that a process of its own runs on new and ageing requests to people.

use crate::harness::{Tree, same, until};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A catalog that is mounted with a folder of hooks.
struct Hooked {
    tree: Tree,
    folder: PathBuf,
    /// Where hooks leave what they were told.
    out: PathBuf,
}

impl Hooked {
    fn new(programs: &[(&str, &str)]) -> Self {
        let tree = Tree::empty();
        let folder = tree.scratch("hooks");
        mode(&folder, 0o755);
        let out = tree.scratch("out");
        let hooked = Self { tree, folder, out };
        for (name, body) in programs {
            hooked.program(name, body);
        }
        hooked.tree.unmount();
        same("mount", hooked.mount(), (Some(0), String::new()));
        hooked
    }

    /// Writes a hook; `$O` is the folder for what it leaves.
    fn program(&self, name: &str, body: &str) {
        let path = self.folder.join(name);
        let text = format!("#!/bin/sh\nO={}\n{body}\n", self.out.display());
        fs::write(&path, text).expect("a hook");
        mode(&path, 0o755);
    }

    fn mount(&self) -> (Option<i32>, String) {
        let (program, catalog, at) = self.tree.places();
        let options = format!("hooks={}", self.folder.display());
        let mut command = Command::new(program);
        let output = command
            .args(["mount", "-o", &options, catalog, at])
            .output();
        let output = output.expect("the program");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    }

    fn ask(&self, line: &str) -> String {
        let asked = self.tree.ask("ask", format!("{line}\n").as_bytes());
        assert_eq!(asked.refused, None, "{asked:?}");
        asked.text.trim_end().to_owned()
    }

    /// What a hook has left, once it is there.
    fn left(&self, name: &str) -> String {
        let path = self.out.join(name);
        until(name, || fs::read_to_string(&path).ok())
    }

    /// The processes of this program in the role of the helper for this catalog, and what they run.
    fn helpers(&self) -> Vec<u32> {
        let catalog = self.tree.places().1;
        processes(|line| line.contains("\0hooks\0") && line.contains(catalog))
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// The processes whose command line fits; ended ones have none.
fn processes(fits: impl Fn(&str) -> bool) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("the processes").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|number: &u32| {
            let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
            fits(&String::from_utf8_lossy(&line))
        })
        .collect()
}

/// Leaves arguments, environment and standard input in a file that appears when it is complete.
const TELL: &str =
    "{ echo \"$NTMSFS_EVENT $NTMSFS_NUMBER $NTMSFS_COMMAND $NTMSFS_STATE $NTMSFS_UID $NTMSFS_AGE\"
  echo \"$NTMSFS_MESSAGE\"; cat \"$NTMSFS_PATH/message\"; cat; } > $O/.$1-$2
mv $O/.$1-$2 $O/$1-$2";

#[test]
fn a_hook_is_told_of_new_and_of_ageing_requests() {
    let hooked = Hooked::new(&[("mail", TELL)]);
    let n = hooked.ask("message \"bring $(coffee) `now`\"");
    let lines = hooked.left(&format!("new-{n}"));
    let lines: Vec<&str> = lines.lines().collect();
    let text = "bring $(coffee) `now`";
    same(
        "new",
        lines[..3].to_vec(),
        vec![&*format!("new {n} message submitted 0 "), text, text],
    );
    let facts: serde_json::Value = serde_json::from_str(lines[3]).expect("JSON");
    for (key, value) in [
        ("event", serde_json::json!("new")),
        ("number", serde_json::json!(n.parse::<i64>().unwrap())),
        ("command", serde_json::json!("message")),
        ("message", serde_json::json!(text)),
        ("age", serde_json::Value::Null),
        ("deadline", serde_json::Value::Null),
        ("pool", serde_json::Value::Null),
        (
            "submitted",
            hooked
                .tree
                .read(&format!("operator/{n}/submitted"))
                .trim_end()
                .into(),
        ),
    ] {
        same(key, &facts[key], &value);
    }
    // The list of ages counts from now on for what is open, too.
    hooked.tree.write("settings/hook_ages", "1ms");
    hooked.tree.write(&format!("operator/{n}/state"), "active");
    let lines = hooked.left(&format!("aged-{n}"));
    let first = format!("aged {n} message active 0 1ms");
    let submitted = format!("aged {n} message submitted 0 1ms");
    let found = lines.lines().next().unwrap_or_default();
    assert!(found == first || found == submitted, "{lines}");
    // What an allocation asks for is told as well; what is answered ages no more.
    hooked.tree.write("settings/hook_ages", "1h");
    hooked.tree.pool("Empty", "LTO-3");
    hooked.tree.write("pools/Empty/allocate_from_free", "0");
    hooked.tree.write("pools/Empty/requests/a", "timeout=1h");
    let all = hooked.tree.names("operator");
    let other = all.iter().find(|name| **name != n).expect("another");
    let told = hooked.left(&format!("new-{other}"));
    assert!(
        told.contains("\"command\":\"new-media\"") && told.contains("\"pool\":\"Empty\""),
        "{told}"
    );
}

#[test]
fn a_hook_that_hangs_is_killed_and_blocks_nothing() {
    let hooked = Hooked::new(&[
        (
            "a-hangs",
            "echo $$ > $O/.h$2; mv $O/.h$2 $O/h$2; sleep 1000 & wait",
        ),
        ("b-tells", TELL),
    ]);
    let first = hooked.ask("message one");
    // The other hook and the tree go on while the first hangs.
    hooked.left(&format!("new-{first}"));
    let pid = hooked.left(&format!("h{first}"));
    let second = hooked.ask("message two");
    hooked.left(&format!("new-{second}"));
    assert!(
        !hooked.out.join(format!("h{second}")).exists(),
        "one at a time"
    );
    // From now on it may run for so long that it can say who it is also on a busy machine; the one that runs keeps its
    // minute, so the daemon is stopped under it.
    hooked.tree.write("settings/hook_timeout", "3s");
    hooked.tree.unmount();
    let gone = || !Path::new(&format!("/proc/{}", pid.trim_end())).exists();
    until("the hook went with the daemon", || gone().then_some(()));
    until("and so did the helper", || {
        hooked.helpers().is_empty().then_some(())
    });
    same("mount", hooked.mount(), (Some(0), String::new()));
    for text in ["three", "four"] {
        let n = hooked.ask(&format!("message {text}"));
        let pid = hooked.left(&format!("h{n}"));
        let gone = || !Path::new(&format!("/proc/{}", pid.trim_end())).exists();
        until("the hook is killed", || gone().then_some(()));
    }
}

#[test]
fn what_was_open_at_a_mount_is_not_new() {
    let hooked = Hooked::new(&[("mail", TELL)]);
    let n = hooked.ask("message one");
    let told = hooked.out.join(format!("new-{n}"));
    hooked.left(&format!("new-{n}"));
    fs::remove_file(&told).expect("what was left");
    hooked.tree.unmount();
    same("mount", hooked.mount(), (Some(0), String::new()));
    let m = hooked.ask("message two");
    hooked.left(&format!("new-{m}"));
    assert!(!told.exists(), "the older one was told first, and once");
}

#[test]
fn nothing_runs_that_others_could_have_written() {
    let hooked = Hooked::new(&[("good", TELL)]);
    hooked.program("loose", "touch $O/loose");
    mode(&hooked.folder.join("loose"), 0o777);
    hooked.program("foreign", "touch $O/foreign");
    std::os::unix::fs::chown(hooked.folder.join("foreign"), Some(4001), None).expect("chown");
    std::os::unix::fs::symlink("/usr/bin/touch", hooked.folder.join("link")).expect("a link");
    for text in ["one", "two"] {
        let n = hooked.ask(&format!("message {text}"));
        hooked.left(&format!("new-{n}"));
    }
    for name in ["loose", "foreign"] {
        assert!(!hooked.out.join(name).exists(), "{name} has run");
    }
    hooked.tree.unmount();
    mode(&hooked.folder, 0o777);
    let (status, said) = hooked.mount();
    assert!(
        status == Some(1) && said.contains("can be written by others than root"),
        "{said}"
    );
    assert!(hooked.helpers().is_empty());
    mode(&hooked.folder, 0o755);
    same("mount", hooked.mount(), (Some(0), String::new()));
}

/// A daemon that is killed takes its hooks with it, and the catalog can be served again.
#[test]
fn a_killed_daemon_leaves_no_hooks() {
    let hooked = Hooked::new(&[("hangs", "echo $$ > $O/.h; mv $O/.h $O/h; sleep 1000 & wait")]);
    hooked.ask("message one");
    let pid = hooked.left("h");
    let catalog = hooked.tree.places().1.to_owned();
    let daemons = processes(|line| line.contains("\0--report\0") && line.contains(&catalog));
    for daemon in daemons {
        let daemon = nix::unistd::Pid::from_raw(i32::try_from(daemon).expect("a process id"));
        nix::sys::signal::kill(daemon, nix::sys::signal::Signal::SIGKILL).expect("a daemon");
    }
    let gone = || !Path::new(&format!("/proc/{}", pid.trim_end())).exists();
    until("the hook is killed", || gone().then_some(()));
    until("the helper has ended", || {
        hooked.helpers().is_empty().then_some(())
    });
    same("mount", hooked.mount(), (Some(0), String::new()));
    same("kept", hooked.tree.names("operator").len(), 1);
}
