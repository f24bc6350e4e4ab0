//! Runs the programs of a folder: each once at a time, none for longer than it may, none that others could have written.

use super::hooks::News;
use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, geteuid};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// So much news may wait for one hook; more is dropped and logged.
const BACKLOG: usize = 1024;

/// Where a hook finds programs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The process groups that run now; `None` when no more may begin.
type Running = Arc<Mutex<Option<BTreeSet<i32>>>>;

/// Runs hooks.
pub(super) struct Runner {
    folder: PathBuf,
    queues: BTreeMap<OsString, SyncSender<Arc<News>>>,
    running: Running,
    /// What was complained of already.
    refused: BTreeSet<String>,
}

impl Runner {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            queues: BTreeMap::new(),
            running: Arc::new(Mutex::new(Some(BTreeSet::new()))),
            refused: BTreeSet::new(),
        }
    }

    /// Hands news to every hook that is in the folder now. Waits for none.
    pub(super) fn tell(&mut self, news: News) {
        let news = Arc::new(news);
        let names = match demand_safe(&self.folder).and_then(|()| names(&self.folder)) {
            Ok(names) => names,
            Err(error) => return self.complain(&error),
        };
        for name in names {
            let program = self.folder.join(&name);
            if let Err(error) = demand_program(&program) {
                self.complain(&error);
                continue;
            }
            let running = Arc::clone(&self.running);
            let queue = self.queues.entry(name).or_insert_with(|| {
                let (queue, waiting) = sync_channel(BACKLOG);
                let worker = thread::Builder::new().name("hook".to_owned());
                if let Err(error) = worker.spawn(move || work(&program, &waiting, &running)) {
                    tracing::error!(%error, "no thread for a hook");
                }
                queue
            });
            if queue.try_send(Arc::clone(&news)).is_err() {
                tracing::error!("{BACKLOG} requests wait for a hook; it is not told of another");
            }
        }
    }

    /// Logs a reason once.
    fn complain(&mut self, error: &anyhow::Error) {
        let line = super::message(error);
        if self.refused.insert(line.clone()) {
            tracing::warn!("hooks: {line}");
        }
    }

    /// Kills what runs, and begins nothing any more.
    pub(super) fn end(&self) {
        let running = self.running.lock();
        let groups = running.unwrap_or_else(PoisonError::into_inner).take();
        for group in groups.into_iter().flatten() {
            kill_group(group);
        }
    }
}

fn kill_group(group: i32) {
    // It may have ended already.
    killpg(Pid::from_raw(group), Signal::SIGKILL).ok();
}

/// The names in the folder, sorted, without hidden and backup files.
fn names(folder: &Path) -> Result<Vec<OsString>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut names: Vec<OsString> = names
        .filter(|name| !name.as_bytes().starts_with(b".") && !name.as_bytes().ends_with(b"~"))
        .collect();
    names.sort();
    Ok(names)
}

/// Whether only root and the user of the daemon can write it. With an ACL the group's bits are its mask.
fn is_ours(found: &Metadata) -> bool {
    let owner = found.uid() == 0 || found.uid() == geteuid().as_raw();
    owner && found.mode() & 0o022 == 0
}

/// Refuses a folder that others could fill or exchange: it, and what is above it, must belong to root or the user of the
/// daemon, and not be writable by group or others; above it also with the sticky bit.
pub(super) fn demand_safe(folder: &Path) -> Result<()> {
    let found = fs::metadata(folder).with_context(|| folder.display().to_string())?;
    if !found.is_dir() {
        bail!("{} is not a directory", folder.display());
    }
    for place in folder.ancestors() {
        let found = fs::symlink_metadata(place).with_context(|| place.display().to_string())?;
        let owner = found.uid() == 0 || found.uid() == geteuid().as_raw();
        let sticky = place != folder && found.mode() & 0o1000 != 0;
        if !(is_ours(&found) || owner && sticky) {
            bail!(
                "{} can be written by others than root and the user of the daemon; no hook is run",
                place.display()
            );
        }
    }
    Ok(())
}

/// Refuses what is no program, or one that others could have written.
fn demand_program(program: &Path) -> Result<()> {
    let shown = program.display();
    let found = fs::symlink_metadata(program).with_context(|| shown.to_string())?;
    if !found.is_file() || found.mode() & 0o111 == 0 {
        bail!("{shown} is no executable file (links are not followed); it is not run");
    }
    if !is_ours(&found) {
        bail!(
            "{shown} can be written by others than root and the user of the daemon; it is not run"
        );
    }
    Ok(())
}

/// Runs one hook for each piece of news, one after the other.
fn work(program: &Path, waiting: &Receiver<Arc<News>>, running: &Running) {
    for news in waiting {
        if let Err(error) = demand_program(program).and_then(|()| run(program, &news, running)) {
            tracing::warn!("hook {}: {}", program.display(), super::message(&error));
        }
    }
}

/// Runs one hook to its end or to the end of its time.
fn run(program: &Path, news: &News, running: &Running) -> Result<()> {
    let Some((mut child, group)) = begin(program, news, running)? else {
        return Ok(());
    };
    if let Some(mut stdin) = child.stdin.take() {
        let facts: serde_json::Map<_, _> = news
            .facts
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        // It fits into the pipe, and a hook need not read it.
        drop(writeln!(stdin, "{}", serde_json::Value::Object(facts)));
    }
    let (tell, ended) = channel();
    let over = thread::scope(|scope| {
        // The end is seen and not collected, so the number means this process until the lines below.
        scope.spawn(move || {
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            // It is our child, and nobody else waits for it.
            waitid(Id::Pid(Pid::from_raw(group)), flags).ok();
            drop(tell);
        });
        let over = ended.recv_timeout(news.limit)
            == Err::<(), _>(std::sync::mpsc::RecvTimeoutError::Timeout);
        if over {
            kill_group(group);
        }
        over
    });
    if let Some(groups) = &mut *running.lock().unwrap_or_else(PoisonError::into_inner) {
        groups.remove(&group);
    }
    let status = child.wait().context("waiting")?;
    if over {
        bail!("killed: it ran for longer than {:?}", news.limit);
    }
    if !status.success() {
        bail!("{status}");
    }
    Ok(())
}

/// Starts a hook in a group of its own; `None` if no more may begin.
fn begin(program: &Path, news: &News, running: &Running) -> Result<Option<(Child, i32)>> {
    let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(groups) = &mut *running else {
        return Ok(None);
    };
    let mut command = Command::new(program);
    command
        .args(&news.arguments)
        .env_clear()
        .env("PATH", PATH)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    for (key, value) in news.facts.iter().filter(|(_, value)| !value.is_null()) {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        command.env(format!("NTMSFS_{}", key.to_uppercase()), value);
    }
    let child = command.spawn().context("starting it")?;
    let group = i32::try_from(child.id()).context("a process id")?;
    groups.insert(group);
    Ok(Some((child, group)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_programs_that_nobody_else_can_write_are_run() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("mail");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        for (mode, runs) in [
            (0o755, true),
            (0o500, true),
            (0o644, false),
            (0o775, false),
            (0o757, false),
            (0o720, false),
        ] {
            chmod(&program, mode);
            assert_eq!(demand_program(&program).is_ok(), runs, "{mode:o}");
        }
        chmod(&program, 0o755);
        let link = dir.path().join("link");
        symlink(&program, &link).unwrap();
        assert!(demand_program(&link).is_err());
        assert!(demand_program(dir.path()).is_err());
        if geteuid().is_root() {
            std::os::unix::fs::chown(&program, Some(4001), None).unwrap();
            assert!(demand_program(&program).is_err());
        }
    }

    #[test]
    fn a_folder_is_safe_with_all_above_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/hooks");
        fs::create_dir_all(&folder).unwrap();
        for (of, mode, safe) in [
            ("a/hooks", 0o755, true),
            ("a/hooks", 0o775, false),
            ("a/hooks", 0o1777, false),
            ("a/hooks", 0o700, true),
            ("a", 0o777, false),
            ("a", 0o1777, true),
            ("a", 0o755, true),
        ] {
            chmod(&dir.path().join(of), mode);
            assert_eq!(demand_safe(&folder).is_ok(), safe, "{of} {mode:o}");
            if !safe {
                chmod(&dir.path().join(of), 0o755);
            }
        }
        assert!(demand_safe(&dir.path().join("none")).is_err());
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(demand_safe(&dir.path().join("file")).is_err());
    }

    #[test]
    fn hidden_and_backup_files_are_no_hooks() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b", "a", ".hidden", "a~"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert_eq!(names(dir.path()).unwrap(), ["a", "b"]);
    }
}
