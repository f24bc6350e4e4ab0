//! The units of systemd, and what a service manager is told and gives.

use crate::harness::Ran;
use crate::harness::daemon::{Daemon, PROGRAM, can_hide_mounts, ended, not_run, signal, until};
use crate::harness::private::{Private, Who, enter};
use nix::sys::signal::Signal;
use ntmsfs::cli::mountpoint;
use ntmsfs::manager::founding;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The most that `systemd-analyze security` may find, in tenths.
const EXPOSURE: &str = "15";

/// Where control groups are.
const GROUPS: &str = "/sys/fs/cgroup";

/// The units, with the program where it is here.
fn units() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("mount/systemd");
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        let text = text.replace("/usr/bin/ntmsfs", PROGRAM);
        let name = entry.file_name().into_string().unwrap();
        fs::write(dir.path().join(name.replace("@.", "@media.")), text).unwrap();
    }
    dir
}

#[track_caller]
fn analyze(words: &[&str], files: &[PathBuf]) -> String {
    let mut command = Command::new("systemd-analyze");
    let output = command.args(words).args(files).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

#[test]
fn units_are_sound_and_confined() {
    let dir = units();
    let unit = |name: &str| dir.path().join(name);
    let service = unit("ntmsfs@media.service");
    let said = analyze(
        &["verify", "--man=no"],
        &[
            service.clone(),
            unit("srv-media.automount"),
            unit("srv-media.mount"),
        ],
    );
    assert_eq!(said, "");
    let said = analyze(
        &[
            "security",
            "--no-pager",
            "--offline=true",
            "--threshold",
            EXPOSURE,
        ],
        &[service],
    );
    let exposure = said.lines().last().unwrap_or_default().to_owned();
    println!("{exposure}");
}

/// A service manager that listens.
struct Manager {
    socket: UnixDatagram,
    place: TempDir,
}

impl Manager {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(place.path().join("notify")).unwrap();
        let patience = Some(Duration::from_secs(60));
        socket.set_read_timeout(patience).unwrap();
        Self { socket, place }
    }

    fn path(&self) -> PathBuf {
        self.place.path().join("notify")
    }

    /// The next thing that it is told, but for pings.
    fn told(&self) -> String {
        loop {
            let said = self.next();
            if said != "WATCHDOG=1" {
                return said;
            }
        }
    }

    fn next(&self) -> String {
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).expect("it is told something");
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }
}

#[test]
fn a_service_manager_is_told_of_the_beginning_the_life_and_the_end() {
    let manager = Manager::new();
    let mut daemon = Daemon::stopped();
    let mut command = Command::new(PROGRAM);
    command
        .args(["mount", "-f"])
        .args([&daemon.catalog, &daemon.dir])
        .env("NOTIFY_SOCKET", manager.path())
        .env("WATCHDOG_USEC", "20000");
    daemon.start_as(&mut command);
    assert_eq!(manager.told(), "READY=1\nSTATUS=serving");
    for _ in 0..3 {
        assert_eq!(manager.next(), "WATCHDOG=1");
    }
    // A daemon that does not answer is not alive, and lives again when it answers.
    signal(daemon.pid(), Signal::SIGSTOP);
    let silent = Some(Duration::from_millis(300));
    manager.socket.set_read_timeout(silent).unwrap();
    until("nothing is heard", || {
        manager.socket.recv(&mut [0; 64]).is_err()
    });
    signal(daemon.pid(), Signal::SIGCONT);
    let patience = Some(Duration::from_secs(60));
    manager.socket.set_read_timeout(patience).unwrap();
    assert_eq!(manager.next(), "WATCHDOG=1");
    assert!(daemon.terminate().success());
    assert_eq!(manager.told(), "STOPPING=1");
}

/// What the service manager has mounted is served without another mount.
#[test]
fn a_connection_that_is_passed_is_served() {
    let manager = Manager::new();
    let mut daemon = Daemon::stopped();
    let mounted = mountpoint::mount(&daemon.catalog, &daemon.dir, false);
    let (device, mounted) = mounted.unwrap();
    // The shell puts the descriptor where a service manager does.
    let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ exec \"$@\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", script, "sh", PROGRAM, "mount", "-f"])
        .args([&daemon.catalog, &daemon.dir])
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDNAMES", "fuse")
        .env("NOTIFY_SOCKET", manager.path());
    daemon.start_from(&mut command, Stdio::from(device));
    drop(command);
    assert_eq!(manager.told(), "FDSTOREREMOVE=1\nFDNAME=fuse");
    assert_eq!(manager.told(), "READY=1\nSTATUS=serving");
    fs::create_dir(daemon.path("pools/P")).unwrap();
    assert!(mounted.unmount().unwrap());
    assert!(daemon.end().success());
    assert_eq!(manager.told(), "STOPPING=1");
}

/// A machine, as far as its systemd sees, on which the service runs.
struct Machine {
    holder: Child,
    place: TempDir,
    groups: String,
}

impl Machine {
    /// Boots it; `None`, said loudly, where that is not possible.
    fn boot() -> Option<Self> {
        let what = "the service under a systemd of its own";
        if !can_hide_mounts(what) {
            return None;
        }
        if !Path::new("/lib/systemd/systemd").exists()
            || !Path::new(GROUPS).join("systemd").exists()
        {
            not_run(what, "there is no systemd, or no control groups for it");
            return None;
        }
        let place = tempfile::tempdir().unwrap();
        let at = place.path();
        fs::set_permissions(at, Permissions::from_mode(0o755)).unwrap();
        founding::found(&at.join("catalog")).unwrap();
        fs::copy(PROGRAM, at.join("program")).unwrap();
        fs::create_dir(at.join("units")).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let unit = fs::read_to_string(source.join("mount/systemd/ntmsfs@.service")).unwrap();
        // The one of PATH may be hidden from the service, as all of this directory is.
        let unit = unit.replace("/usr/bin/ntmsfs", "/run/ntmsfs");
        fs::write(at.join("units/ntmsfs@.service"), unit).unwrap();
        for (file, line) in [
            ("passwd", "ntmsfs:x:4003:4004::/:/bin/sh\n"),
            ("group", "ntmsfs:x:4004:\n"),
        ] {
            let text = fs::read_to_string(Path::new("/etc").join(file)).unwrap();
            fs::write(at.join(file), text + line).unwrap();
        }
        let groups = format!("ntmsfs-test-{}", std::process::id());
        let join = format!(
            "for at in {GROUPS}/*/; do mkdir \"$at{groups}\" && echo 0 > \"$at{groups}/cgroup.procs\"; done 2>/dev/null
             exec unshare --mount --pid --fork --cgroup --ipc --uts --kill-child=KILL \"$@\""
        );
        let holder = Command::new("sh")
            .args(["-c", &join, "sh"])
            .arg(source.join("tests/data/boot.sh"))
            .arg(at)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(at.join("errors")).unwrap())
            .spawn();
        Some(Self {
            holder: holder.unwrap(),
            place,
            groups,
        })
    }

    /// Runs a script there.
    fn run(&self, script: &str) -> Ran {
        let children = format!("/proc/{0}/task/{0}/children", self.holder.id());
        let first = fs::read_to_string(children).unwrap_or_default();
        let mut command = enter(first.trim(), "60");
        command
            .args(["sh", "-c", script])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .current_dir("/");
        Ran::from(command.output().unwrap())
    }

    /// Waits until a script says so.
    #[track_caller]
    fn until(&self, what: &str, script: &str, says: &str) {
        let mut last = None;
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(what, || {
                let ran = self.run(script);
                let done = ran.stdout == says;
                last = Some(ran);
                done
            });
        }));
        let log = || self.run("cat /run/log; systemctl status -l --no-pager ntmsfs@media");
        let errors = || fs::read_to_string(self.place.path().join("errors"));
        assert!(seen.is_ok(), "{last:#?} {:#?} {:?}", log(), errors());
    }

    fn state(&self, key: &str) -> String {
        let script = format!("systemctl show -P {key} ntmsfs@media");
        self.run(&script).stdout.trim_end().to_owned()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let children = format!("/proc/{0}/task/{0}/children", self.holder.id());
        if let Ok(first) = fs::read_to_string(children)
            .unwrap_or_default()
            .trim()
            .parse()
        {
            signal(first, Signal::SIGKILL);
        }
        drop(self.holder.kill());
        drop(self.holder.wait());
        let script = format!(
            "find {GROUPS}/*/{} -depth -type d -exec rmdir {{}} +",
            self.groups
        );
        drop(
            Command::new("sh")
                .args(["-c", &script])
                .stderr(Stdio::null())
                .status(),
        );
    }
}

/// The service in its sandbox: everybody sees the mount, nobody's right is left, and it comes back whatever becomes of it.
#[test]
fn the_service_runs_under_systemd() {
    let Some(machine) = Machine::boot() else {
        return;
    };
    let served = "head -c 0 /srv/media/README && echo served";
    machine.until("it is served", served, "served\n");
    assert_eq!(machine.state("ActiveState"), "active");
    let status = "cat /proc/$(systemctl show -P MainPID ntmsfs@media)/status";
    let status = machine.run(status).stdout;
    for line in [
        "Uid:\t4003\t4003\t4003\t4003",
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ] {
        assert!(status.contains(line), "{line}: {status}");
    }
    let table = machine
        .run("grep -c ' /srv/media fuse.ntmsfs ' /proc/1/mounts")
        .stdout;
    assert_eq!(table, "1\n");
    assert_eq!(
        machine.run("mkdir /srv/media/pools/P; echo $?").stdout,
        "0\n"
    );
    let fed = machine.state("WatchdogTimestampMonotonic");
    let again = format!(
        "[ \"$(systemctl show -P WatchdogTimestampMonotonic ntmsfs@media)\" != {fed} ] && echo fed"
    );
    machine.until("the watchdog is fed", &again, "fed\n");
    for name in ["KILL", "STOP"] {
        let before = machine.state("MainPID");
        machine.run(&format!("kill -{name} {before}"));
        let again = format!(
            "[ \"$(systemctl show -P MainPID ntmsfs@media)\" != {before} ] && ls /srv/media/pools | grep P"
        );
        machine.until(name, &again, "P\n");
    }
    machine.run("systemctl reload ntmsfs@media");
    assert_eq!(machine.state("ActiveState"), "active");
    machine.run("systemctl stop ntmsfs@media");
    assert_eq!(machine.state("Result"), "success");
    let left = "grep -c ntmsfs /proc/1/mounts; pgrep -c ntmsfs";
    machine.until("nothing is left", left, "0\n0\n");
}

/// What is logged arrives field by field, if standard error leads to the journal.
#[test]
fn records_reach_the_journal_with_their_fields() {
    let Some(private) = Private::new("the journal") else {
        return;
    };
    let path = private.place.path().join("journal");
    let journal = UnixDatagram::bind(&path).unwrap();
    let patience = Some(Duration::from_secs(60));
    journal.set_read_timeout(patience).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
    private.give((4003, 4004));
    private.ok(
        Who::Root,
        "mount -t tmpfs run /run; mkdir -p /run/systemd/journal; touch /run/systemd/journal/socket
         mount --bind $T/journal /run/systemd/journal/socket; touch $T/errors",
    );
    let mut command = private.command(
        Who::Root,
        "export JOURNAL_STREAM=$(stat -c %d:%i $T/errors); exec ntmsfs mount -f $C $D 2>$T/errors",
    );
    let mut daemon = command.spawn().unwrap();
    let mut bytes = [0; 4096];
    let length = journal.recv(&mut bytes).unwrap();
    let record = String::from_utf8_lossy(&bytes[..length]);
    let catalog = format!("NTMSFS_CATALOG={}", private.catalog.display());
    for field in [
        "PRIORITY=6",
        "SYSLOG_IDENTIFIER=ntmsfs",
        "NTMSFS_USER=4003",
        &catalog,
    ] {
        assert!(
            record.lines().any(|line| line == field),
            "{field}: {record}"
        );
    }
    assert!(record.contains("MESSAGE=serving "), "{record}");
    private.ok(Who::Root, "umount $D");
    assert!(ended(&mut daemon, "the daemon ends").success());
    assert_eq!(
        fs::read_to_string(private.place.path().join("errors")).unwrap(),
        ""
    );
}
