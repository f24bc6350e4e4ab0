//! Reads that wait: what ends them, what does not, and that no result is lost or given twice.

use crate::harness::daemon::{Daemon, Reader, signal, until};
use crate::harness::is_guid;
use crate::harness::world::rounds;
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Command;

/// Answers `poll` on what its arguments name: `poll`, `select` or `epoll`; a file; what is written first, or `-`.
const POLLER: &str = r"
import os, select, sys
way, name, request = sys.argv[1:4]
fd = os.open(name, os.O_NONBLOCK | (os.O_RDWR if request != '-' else os.O_RDONLY))
if request != '-':
    os.write(fd, request.encode() + b'\n')
def ready(seconds):
    if way == 'select':
        return bool(select.select([fd], [], [], seconds)[0])
    if way == 'poll':
        p = select.poll(); p.register(fd, select.POLLIN)
        return bool(p.poll(seconds * 1000))
    return bool(e.poll(seconds))
if way == 'epoll':
    e = select.epoll(); e.register(fd, select.EPOLLIN | select.EPOLLET)
print('early' if ready(0) else 'waits')
print('ready' if ready(60) else 'never')
print(os.read(fd, 4096).decode().split('\n')[0])
";

/// Reads with a handler for SIGUSR1 that returns: Python then reads again.
const HANDLER: &str = r"
import os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b'caught\n'))
fd = os.open(sys.argv[1], os.O_RDWR if len(sys.argv) > 2 else os.O_RDONLY)
if len(sys.argv) > 2:
    os.write(fd, b'\n')
print('begun')
print(os.read(fd, 4096).decode(), end='')
";

/// A thread for each file reads it.
const THREADS: &str = r"
import os, signal, sys, threading
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b'caught\n'))
def read(name):
    os.write(1, b'begun\n')
    os.write(1, os.read(os.open(name, os.O_RDONLY), 4096))
for name in sys.argv[1:]:
    threading.Thread(target=read, args=[name]).start()
";

fn is_lmid(text: &str) -> bool {
    is_guid(text.trim_end())
}

#[test]
fn a_signal_ends_every_kind_of_wait() {
    let daemon = Daemon::new();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        let name = format!("job-{signal}");
        daemon.ask(&name);
        let result = format!("pools/P/results/{name}");
        let asked = daemon.asked();
        let mut readers = [
            Reader::cat(&daemon.path(&result)),
            Reader::cat(&daemon.path("events")),
            Reader::transact(&daemon.path("pools/P/allocate"), ""),
        ];
        for reader in &readers {
            reader.until_waiting();
        }
        until("the anonymous request waits", || {
            daemon.asked() == asked + 1
        });
        // What it asked for by now is in the stream.
        let events = &mut readers[1];
        events.line();
        events.until_waiting();
        for reader in &mut readers {
            reader.signal(signal);
            let (status, _) = reader.end();
            assert_eq!(
                status.signal().map(Signal::try_from),
                Some(Ok(signal)),
                "{signal}"
            );
        }
        until("it is cancelled", || daemon.asked() == asked);
        assert!(daemon.waits(&result));
    }
}

#[test]
fn a_stopped_reader_goes_on_waiting() {
    let daemon = Daemon::new();
    for (slot, stop) in [(1, Signal::SIGSTOP), (3, Signal::SIGTSTP)] {
        let name = format!("job-{stop}");
        daemon.ask(&name);
        let mut readers = [
            Reader::cat(&daemon.path(format!("pools/P/results/{name}"))),
            Reader::transact(&daemon.path("pools/P/allocate"), ""),
        ];
        for reader in &readers {
            reader.until_waiting();
            reader.signal(stop);
            until("it is stopped", || reader.state() == Some('T'));
        }
        for reader in &readers {
            reader.signal(Signal::SIGCONT);
            reader.until_waiting();
        }
        daemon.supply([slot, slot + 1]);
        for reader in &mut readers {
            let (status, text) = reader.end();
            assert!(status.success() && is_lmid(&text), "{stop}: {text}");
        }
    }
    assert_eq!(daemon.asked(), 0);
}

#[test]
fn a_handler_that_returns_does_not_lose_the_result() {
    let daemon = Daemon::new();
    daemon.ask("job");
    let mut readers = [
        Reader::python(HANDLER, &[daemon.path("pools/P/results/job")]),
        Reader::python(
            HANDLER,
            &[daemon.path("pools/P/allocate"), PathBuf::from("w")],
        ),
    ];
    for reader in &mut readers {
        assert_eq!(reader.line(), "begun");
        for _ in 0..3 {
            reader.signal(Signal::SIGUSR1);
            assert_eq!(reader.line(), "caught");
        }
    }
    until("both wait", || daemon.asked() == 2);
    daemon.supply([1, 2]);
    for reader in &mut readers {
        let (status, text) = reader.end();
        assert!(status.success() && is_lmid(&text), "{text}");
    }
}

/// The signal and the result come at the same time: the result is handed over once, before or after the handler.
#[test]
fn a_signal_at_the_moment_of_delivery_loses_nothing() {
    const ROUNDS: u32 = 40;
    let daemon = Daemon::new();
    let mut given = BTreeSet::new();
    for slot in 1..=ROUNDS {
        let files = [daemon.path("pools/P/allocate"), PathBuf::from("w")];
        let mut reader = Reader::python(HANDLER, &files);
        assert_eq!(reader.line(), "begun");
        until("it waits", || daemon.asked() == 1);
        if slot % 2 == 0 {
            daemon.supply([slot]);
            reader.signal(Signal::SIGUSR1);
        } else {
            reader.signal(Signal::SIGUSR1);
            daemon.supply([slot]);
        }
        let (_, text) = reader.end();
        let lines: Vec<&str> = text.lines().filter(|line| *line != "caught").collect();
        let [lmid] = lines[..] else { panic!("{text}") };
        assert!(is_lmid(lmid) && given.insert(lmid.to_owned()), "{text}");
    }
    assert_eq!(daemon.names("logical"), given);
}

#[test]
fn a_caller_in_another_pid_namespace_is_seen() {
    let daemon = Daemon::new();
    for name in ["killed", "served"] {
        daemon.ask(name);
        let file = daemon.path(format!("pools/P/results/{name}"));
        let file = file.to_str().unwrap();
        let mut reader = Reader::run(["unshare", "-p", "-f", "--kill-child", "cat", file]);
        let children = format!("/proc/{0}/task/{0}/children", reader.pid());
        let mut cat = 0;
        until("cat waits", || {
            let pids = fs::read_to_string(&children).unwrap_or_default();
            let Ok(pid) = pids.trim().parse::<u32>() else {
                return false;
            };
            cat = pid;
            fs::read_to_string(format!("/proc/{cat}/wchan"))
                .is_ok_and(|wchan| wchan.contains("request_wait_answer"))
                && fs::read_to_string(format!("/proc/{cat}/comm")).is_ok_and(|it| it == "cat\n")
        });
        if name == "killed" {
            signal(cat, Signal::SIGKILL);
            let (status, _) = reader.end();
            assert!(!status.success());
            assert!(daemon.waits("pools/P/results/killed"));
            fs::remove_file(daemon.path("pools/P/requests/killed")).unwrap();
        } else {
            daemon.supply([1]);
            let (status, text) = reader.end();
            assert!(status.success() && is_lmid(&text), "{text}");
        }
    }
}

#[test]
fn a_caller_who_cannot_be_seen_waits_for_a_while() {
    if !crate::harness::daemon::can_hide_mounts("a caller who cannot be seen") {
        return;
    }
    let mut daemon = Daemon::stopped();
    // The mount is in a mount namespace of its own, which is reached through the process.
    let mut command = Command::new("unshare");
    command.args(["-p", "-f", "--mount-proc", "--kill-child", "sh", "-c"]);
    let script = r#""$0" mount "$1" "$2" -f & echo $! >"$3"; wait"#;
    let flag = daemon.place.path().join("pid");
    command.args([script, crate::harness::daemon::PROGRAM]);
    command.args([&daemon.catalog, &daemon.dir, &flag]);
    let outside = daemon.dir.clone();
    let mut child = command.spawn().unwrap();
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let mut root = PathBuf::new();
    until("the tree answers", || {
        let pids = fs::read_to_string(&children).unwrap_or_default();
        root = PathBuf::from(format!("/proc/{}/root", pids.trim()));
        root.push(outside.strip_prefix("/").unwrap());
        fs::read(root.join("README")).is_ok()
    });
    daemon.dir.clone_from(&root);
    let seen = std::panic::catch_unwind(|| {
        fs::create_dir(root.join("pools/P")).unwrap();
        fs::write(root.join("pools/P/media_type"), "LTO-8").unwrap();
        fs::write(root.join("pools/P/requests/job"), "\n").unwrap();
        let mut text = String::new();
        let mut file = File::open(root.join("pools/P/results/job")).unwrap();
        file.read_to_string(&mut text).unwrap_err()
    });
    let stays = daemon.waits("pools/P/results/job");
    child.kill().unwrap();
    child.wait().unwrap();
    daemon.dir = outside;
    assert_eq!(seen.unwrap().raw_os_error(), Some(libc::EAGAIN));
    assert!(stays);
}

#[test]
fn without_blocking_there_is_eagain_and_then_the_result() {
    let daemon = Daemon::new();
    daemon.ask("job");
    let mut result = daemon.nonblocking("pools/P/results/job", false);
    let mut allocate = daemon.nonblocking("pools/P/allocate", true);
    let mut events = daemon.nonblocking("events", true);
    allocate.write_all(b"\n").unwrap();
    let mut buffer = [0; 4096];
    for file in [&mut result, &mut allocate, &mut events] {
        assert_eq!(
            file.read(&mut buffer).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
    }
    until("both wait", || daemon.asked() == 2);
    daemon.supply([1, 2]);
    for file in [&mut result, &mut allocate] {
        let mut size = 0;
        until("the result is there", || {
            match file.read(&mut buffer) {
                Ok(read) => size = read,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            size > 0
        });
        assert!(is_lmid(str::from_utf8(&buffer[..size]).unwrap()));
    }
    assert!(events.read(&mut buffer).unwrap() > 0);
}

#[test]
fn poll_select_and_epoll_wake() {
    for way in ["poll", "select", "epoll"] {
        let daemon = Daemon::new();
        daemon.ask(way);
        let operator = daemon.names("operator").pop_last().unwrap();
        let place = |name: &str| daemon.path(name).into_os_string().into_string().unwrap();
        let begin = |file: &str, request| {
            let arguments = ["python3", "-u", "-c", POLLER, way, &place(file), request];
            let mut poller = Reader::run(arguments);
            assert_eq!(poller.line(), "waits", "{way} {file}");
            poller
        };
        let allocate = begin("pools/P/allocate", "");
        // What it asked for is an event too: `events` is opened when that is past.
        until("both wait", || daemon.asked() == 2);
        let mut pollers = [
            allocate,
            begin(&format!("pools/P/results/{way}"), "-"),
            begin(&format!("operator/{operator}/result"), "-"),
            begin("events", "-"),
        ];
        daemon.supply([1, 2]);
        let answers = pollers.each_mut().map(|poller| {
            assert_eq!(poller.line(), "ready", "{way}");
            poller.line()
        });
        assert!(is_lmid(&answers[0]) && is_lmid(&answers[1]), "{answers:?}");
        assert_eq!(answers[2], "satisfied");
        assert!(answers[3].starts_with('{'), "{answers:?}");
    }
}

#[test]
fn closing_cancels_what_waits() {
    let daemon = Daemon::new();
    let mut files = Vec::new();
    for count in 1..=5 {
        let mut file = daemon.nonblocking("pools/P/allocate", true);
        file.write_all(b"\n").unwrap();
        file.read(&mut [0; 64]).unwrap_err();
        until("it waits", || daemon.asked() == count);
        files.push(file);
    }
    drop(files);
    until("all are cancelled", || daemon.asked() == 0);
    daemon.supply([1]);
    assert_eq!(daemon.names("logical").len(), 0);
}

/// Carries a request out without reading its result: a read of no bytes would tell it apart from nothing.
fn unread(daemon: &Daemon, pool: &str) -> File {
    let mut file = daemon.nonblocking(&format!("pools/{pool}/allocate"), true);
    let before = daemon.names("logical").len();
    file.write_all(b"\n").unwrap();
    file.read(&mut [0; 64]).unwrap_err();
    until("it is allocated", || daemon.names("logical").len() > before);
    file
}

#[test]
fn what_nobody_read_is_given_back() {
    let daemon = Daemon::new();
    daemon.supply([1]);
    let file = unread(&daemon, "P");
    assert_eq!(daemon.count("P", "allocated"), 1);
    drop(file);
    until("it is given back", || {
        daemon.count("Free/pools/LTO-8", "available") == 1
    });
    assert_eq!(daemon.names("logical").len(), 0);
    assert_eq!(daemon.count("P", "allocated"), 0);

    // Read back from the beginning, to the last byte and no further: that is read.
    let mut file = unread(&daemon, "P");
    file.rewind().unwrap();
    let mut lmid = [0; 36];
    file.read_exact(&mut lmid).unwrap();
    drop(file);
    fs::create_dir(daemon.path("pools/later")).unwrap();
    assert!(
        daemon
            .names("logical")
            .contains(str::from_utf8(&lmid).unwrap())
    );
}

#[test]
fn what_nobody_read_stays_if_another_side_is_owned() {
    let daemon = Daemon::new();
    daemon.library("mo", "virtual type=MO-5.25 slots=2 drives=1 cartridges=1");
    daemon.pool("M", "MO-5.25");
    daemon.supply([1]);
    let first = unread(&daemon, "M");
    let mut second = Reader::transact(&daemon.path("pools/M/allocate"), "timeout=0");
    let (_, lmid) = second.end();
    assert!(is_lmid(&lmid), "{lmid}");
    let other = unread(&daemon, "P");
    drop(first);
    drop(other);
    until("the other is given back", || {
        daemon.names("logical").len() == 2
    });
    assert_eq!(daemon.count("M", "allocated"), 2);
}

#[test]
fn threads_wait_each_for_itself_and_die_together() {
    let daemon = Daemon::new();
    let names = ["a", "b", "c", "d"];
    let files = names.map(|name| {
        daemon.ask(name);
        daemon.path(format!("pools/P/results/{name}"))
    });
    for signal in [Signal::SIGTERM, Signal::SIGKILL, Signal::SIGUSR1] {
        let mut reader = Reader::python(THREADS, &files);
        for _ in names {
            assert_eq!(reader.line(), "begun");
        }
        reader.signal(signal);
        if signal == Signal::SIGUSR1 {
            assert_eq!(reader.line(), "caught");
            daemon.supply([1, 2]);
            assert!(is_lmid(&reader.line()) && is_lmid(&reader.line()));
        } else {
            assert_eq!(
                reader.end().0.signal().map(Signal::try_from),
                Some(Ok(signal))
            );
        }
    }
    assert_eq!(daemon.asked(), 2);
}

#[test]
fn a_daemon_that_ends_ends_all_waits() {
    const EACH: usize = 50;
    let mut daemon = Daemon::new();
    let names: Vec<String> = (0..EACH).map(|it| format!("job-{it}")).collect();
    let mut readers: Vec<Reader> = names
        .iter()
        .map(|name| {
            daemon.ask(name);
            Reader::cat(&daemon.path(format!("pools/P/results/{name}")))
        })
        .collect();
    readers.extend((0..EACH).map(|_| Reader::transact(&daemon.path("pools/P/allocate"), "")));
    readers.iter().for_each(Reader::until_waiting);
    until("all wait", || daemon.asked() == 2 * EACH);
    assert_eq!(daemon.terminate().code(), Some(0), "{}", daemon.log());
    for reader in &mut readers {
        let (status, text) = reader.end();
        assert!(
            status.code() == Some(1) && text.contains("shutdown"),
            "{text}"
        );
    }
    assert!(!ntmsfs::cli::mountpoint::is_mounted(&daemon.dir));
    daemon.start();
    assert_eq!(daemon.asked(), EACH);
    for name in &names {
        assert!(daemon.waits(&format!("pools/P/results/{name}")));
    }
}

#[test]
fn hundreds_of_waits_end() {
    let count = usize::try_from(rounds(300, 1000)).unwrap();
    let daemon = Daemon::new();
    daemon.ask("job");
    let mut readers: Vec<Reader> = (0..count)
        .map(|it| match it % 3 {
            0 => Reader::cat(&daemon.path("pools/P/results/job")),
            1 => Reader::cat(&daemon.path("events")),
            _ => Reader::transact(&daemon.path("pools/P/allocate"), ""),
        })
        .collect();
    until("all wait", || daemon.asked() == 1 + count / 3);
    for reader in readers.iter().filter(|it| it.state().is_some()) {
        reader.signal(Signal::SIGKILL);
    }
    for reader in &mut readers {
        assert_eq!(reader.end().0.signal(), Some(9));
    }
    until("all are cancelled", || daemon.asked() == 1);
    assert!(daemon.waits("pools/P/results/job"));
    assert!(!daemon.log().contains("panicked"));
}

/// A request that is refused in its write has no result, also for those who wait for it already.
#[test]
fn a_refused_request_ends_the_wait_for_its_result() {
    let daemon = Daemon::new();
    for text in ["timeout=never-ever\n", ""] {
        let mut request = File::create_new(daemon.path("pools/P/requests/job")).unwrap();
        let mut reader = Reader::cat(&daemon.path("pools/P/results/job"));
        reader.until_waiting();
        if text.is_empty() {
            drop(request);
        } else {
            request.write_all(text.as_bytes()).unwrap_err();
        }
        let (status, text) = reader.end();
        assert!(
            status.code() == Some(1) && text.contains("No such file"),
            "{text}"
        );
    }
}
