//! Hooks: programs that are told of new and of ageing requests to people (mail, chat), by a process of its own.
//!
//! The daemon starts the helper, which is this program in another role, with a pipe as its standard input. A byte in it
//! means that something was committed, its end that the daemon has ended. The helper reads the catalog by itself, so
//! nothing is lost if the pipe is full, and the daemon never waits for it.
//!
//! Invariants: the helper holds no file of the mount; it ends with the daemon, and what it runs with it; a hook runs once
//! at a time and no longer than `settings/hook_timeout`; no program runs that others than root and the user of the daemon
//! could have written.

use super::hookrunner::{Runner, demand_safe};
use super::{daemon, log};
use crate::domain::id::ObjectNo;
use crate::domain::name::printable;
use crate::domain::object::Operator;
use crate::domain::setting::Settings;
use crate::domain::time::{Limit, Time};
use crate::fs::fuse::Wake;
use crate::manager::{Readers, View, clock, list, read};
use anyhow::{Context as _, Result, anyhow, bail};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, PipeWriter, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// The helper looks after so long even if nothing woke it: the time of day may have been set.
const LOOK: Duration = Duration::from_secs(60);

/// So many requests are read at once.
const PAGE: u32 = 256;

/// What the helper says when it has seen what is there.
const READY: &str = "ready";

/// A helper that waits until it may begin.
pub(super) struct Started {
    child: Child,
    /// The last copy beside that of the daemon: the end of the pipe is the end of the helper.
    go: PipeWriter,
}

impl Started {
    /// Starts the helper; calling what is returned wakes it and never blocks.
    pub(super) fn new(places: &Places) -> Result<(Self, Wake)> {
        let (wakes, go) = std::io::pipe().context("a pipe to the hooks")?;
        fcntl(&go, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).context("a pipe to the hooks")?;
        let mut waking = go.try_clone().context("a pipe to the hooks")?;
        // Past any directory that the user of the daemon may not enter.
        let mut command = Command::new("/proc/self/exe");
        command.arg0("ntmsfs").arg("hooks");
        if places.foreground {
            command.arg("-f");
        }
        let child = command
            .arg("--")
            .args([&places.catalog, &places.dir, &places.folder])
            .stdin(Stdio::from(wakes))
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the hooks")?;
        let wake = move || {
            // A full pipe wakes anyway, and one that nobody reads wakes nobody.
            drop(waking.write(b"\n"));
        };
        Ok((Self { child, go }, Box::new(wake)))
    }

    /// Lets it begin, now that the catalog is open; returns when it has seen what there is, or why it does not run.
    pub(super) fn begin(mut self) -> Result<Helper> {
        // One that has ended says why.
        drop(self.go.write(b"\n"));
        let stdout = self.child.stdout.take();
        let mut line = String::new();
        let stdout = stdout.ok_or_else(|| anyhow!("the hooks have no standard output"))?;
        let read = BufReader::new(stdout).take(65_536).read_line(&mut line);
        read.context("waiting for the hooks")?;
        if line.trim_end() != READY {
            drop(self.go);
            self.child.wait().context("waiting for the hooks")?;
            bail!("hooks: {}", line.trim_end());
        }
        Helper::watch(self.child)
    }
}

/// The helper, seen from the daemon.
pub(super) struct Helper {
    pid: Pid,
    ended: Receiver<()>,
}

impl Helper {
    fn watch(mut child: Child) -> Result<Self> {
        let pid = Pid::from_raw(i32::try_from(child.id()).context("a process id")?);
        let (tell, ended) = channel();
        thread::Builder::new()
            .name("hooks".to_owned())
            .spawn(move || {
                match child.wait() {
                    Ok(status) if status.success() => {}
                    Ok(status) => tracing::error!(%status, "the hooks ended; none is run any more"),
                    Err(error) => tracing::error!(%error, "the hooks are lost"),
                }
                drop(tell);
            })?;
        Ok(Self { pid, ended })
    }

    /// Waits for its end, which the end of the pipe has told it; one that does not listen is killed.
    pub(super) fn stop(&self, patience: Duration) {
        if self.ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            tracing::error!("the hooks do not end; killed");
            // It may have ended this moment.
            kill(self.pid, Signal::SIGKILL).ok();
        }
    }
}

/// Where everything is.
#[derive(Debug, clap::Args)]
pub(super) struct Places {
    pub(super) catalog: PathBuf,
    /// Where it is mounted.
    pub(super) dir: PathBuf,
    /// The programs.
    pub(super) folder: PathBuf,
    /// Log to standard error.
    #[arg(short = 'f')]
    pub(super) foreground: bool,
}

/// The helper itself: runs until the daemon has ended.
pub(super) fn run(places: &Places) -> Result<()> {
    daemon::leave_descriptors(&[]);
    log::begin(places.foreground);
    let begun = begin(places);
    let line = match &begun {
        Ok(_) => READY.to_owned(),
        Err(error) => super::message(error).replace('\n', " "),
    };
    writeln!(std::io::stdout(), "{line}").context("reporting")?;
    let (mut watch, mut runner) = begun?;
    let (tell, told) = channel();
    thread::Builder::new()
        .name("wakes".to_owned())
        .spawn(move || listen(&tell))?;
    loop {
        match told.recv_timeout(watch.patience(clock::utc())) {
            Ok(()) => while told.try_recv().is_ok() {},
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        match watch.look(clock::utc()) {
            Ok(news) => news.into_iter().for_each(|news| runner.tell(news)),
            Err(error) => {
                tracing::warn!(%error, "the catalog could not be read; tried again");
                watch.due = Some(Time(clock::utc().0 + 1000));
            }
        }
    }
    runner.end();
    Ok(())
}

fn begin(places: &Places) -> Result<(Watch, Runner)> {
    // The catalog has its schema once the daemon has opened it; a daemon that could not has ended.
    std::io::stdin()
        .read_exact(&mut [0])
        .context("the daemon has ended")?;
    // Neither the terminal's signals nor a directory of anybody's.
    nix::unistd::setsid().context("leaving the terminal")?;
    std::env::set_current_dir("/").context("leaving the directory")?;
    demand_safe(&places.folder)?;
    let watch = Watch::begin(places, clock::utc())?;
    Ok((watch, Runner::new(places.folder.clone())))
}

/// Passes wakes on until the pipe has ended.
fn listen(tell: &Sender<()>) {
    let mut bytes = [0; 4096];
    let mut stdin = std::io::stdin().lock();
    loop {
        match stdin.read(&mut bytes) {
            Ok(0) => return,
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return,
            Ok(_) | Err(_) => {}
        }
        if tell.send(()).is_err() {
            return;
        }
    }
}

/// What a hook is told.
#[derive(Debug)]
pub(super) struct News {
    /// `new` or `aged`, and the number: the arguments.
    pub(super) arguments: [String; 2],
    /// The request, key by key.
    pub(super) facts: Vec<(&'static str, serde_json::Value)>,
    /// How long the hook may run.
    pub(super) limit: Duration,
}

/// An open request: when it was sent, and the age in milliseconds up to which its hooks were run.
struct Open {
    submitted: Time,
    told: i64,
}

/// What is open, as far as the hooks know.
struct Watch {
    readers: Readers,
    dir: PathBuf,
    /// Numbers ascend in the order of the commits, so what is above is new.
    last: ObjectNo,
    open: BTreeMap<ObjectNo, Open>,
    /// When the next one reaches an age.
    due: Option<Time>,
}

impl Watch {
    /// Looks what is open before anything is served: the daemon before has told of that.
    fn begin(places: &Places, now: Time) -> Result<Self> {
        let mut watch = Self {
            readers: Readers::new(&places.catalog),
            dir: places.dir.clone(),
            last: ObjectNo(0),
            open: BTreeMap::new(),
            due: None,
        };
        watch.look(now)?;
        for open in watch.open.values_mut() {
            open.told = now.0.saturating_sub(open.submitted.0);
        }
        watch.due = Some(now);
        Ok(watch)
    }

    /// How long nothing can become due.
    fn patience(&self, now: Time) -> Duration {
        let left = self.due.map(|due| due.0.saturating_sub(now.0).max(0));
        let left = left.and_then(|left| u64::try_from(left).ok());
        left.map_or(LOOK, |left| Duration::from_millis(left + 1).min(LOOK))
    }

    /// Returns what hooks are to be told now.
    fn look(&mut self, now: Time) -> Result<Vec<News>> {
        let (last, dir) = (self.last, self.dir.clone());
        let due = self.due.is_none_or(|due| due <= now);
        let open = &mut self.open;
        let found = self.readers.look(|view| {
            let settings = read::settings(view)?;
            let mut news = Vec::new();
            let mut fresh = Vec::new();
            let mut after = last;
            loop {
                let page = list::operators_open(view, after, PAGE)?;
                let Some(newest) = page.last() else { break };
                after = newest.no;
                fresh.extend(page);
            }
            for operator in &fresh {
                news.push(describe(view, (&settings, &dir), operator, None)?);
            }
            if due {
                news.extend(aged(view, (&settings, &dir), open, now)?);
            }
            Ok((settings, news, fresh, after))
        });
        let (settings, news, fresh, after) = found?;
        self.last = after;
        for operator in fresh {
            let Operator { no, submitted, .. } = operator;
            self.open.insert(no, Open { submitted, told: 0 });
        }
        self.schedule(&settings, now);
        Ok(news)
    }

    /// Forgets what reaches no age any more, and finds out when the next one does.
    fn schedule(&mut self, settings: &Settings, now: Time) {
        self.due = None;
        let ages = &settings.hook_ages;
        self.open.retain(|_, open| ages.after(open.told).is_some());
        for open in self.open.values() {
            let next = ages.after(open.told);
            let at = next.map(|age| Time(open.submitted.0.saturating_add(i64::from(age))));
            self.due = [self.due, at.map(|at| at.max(now))]
                .into_iter()
                .flatten()
                .min();
        }
    }
}

/// The requests that have reached an age. What is not open any more is forgotten.
fn aged(
    view: &View,
    with: (&Settings, &Path),
    open: &mut BTreeMap<ObjectNo, Open>,
    now: Time,
) -> crate::domain::error::Result<Vec<News>> {
    let mut news = Vec::new();
    let mut gone = Vec::new();
    for (&no, known) in &mut *open {
        let old = now.0.saturating_sub(known.submitted.0);
        let Some(age) = with.0.hook_ages.reached(known.told, old) else {
            continue;
        };
        match read::operator(view, no)?.filter(|operator| operator.state.is_open()) {
            Some(operator) => {
                known.told = i64::from(age);
                news.push(describe(view, with, &operator, Some(age))?);
            }
            None => gone.push(no),
        }
    }
    for no in gone {
        open.remove(&no);
    }
    Ok(news)
}

/// Puts together what a hook is told of a request.
fn describe(
    view: &View,
    (settings, dir): (&Settings, &Path),
    operator: &Operator,
    age: Option<u32>,
) -> crate::domain::error::Result<News> {
    let event = if age.is_some() { "aged" } else { "new" };
    let pool = operator.pool.map(|no| read::pool(view, no)).transpose()?;
    let pool = pool.flatten().map(|pool| read::pool_path(view, &pool));
    let library = operator.library.map(|no| read::library(view, no));
    let medium = operator.medium.map(|no| read::medium(view, no));
    let name = |name: Option<String>| name.map(|name| printable(&name));
    let library = library.transpose()?.flatten().map(|library| library.name);
    let medium = medium.transpose()?.flatten().map(|medium| medium.name);
    let home = dir.join("operator").join(operator.no.to_string());
    let facts = vec![
        ("event", event.into()),
        ("number", operator.no.0.into()),
        ("command", operator.command.word().into()),
        ("state", operator.state.word().into()),
        ("message", printable(&operator.message).into()),
        ("submitted", operator.submitted.to_string().into()),
        (
            "deadline",
            operator.deadline.map(|at| at.to_string()).into(),
        ),
        ("uid", operator.uid.into()),
        ("age", age.map(|age| Limit::Ms(age).to_string()).into()),
        ("pool", name(pool.transpose()?).into()),
        ("library", name(library).into()),
        ("medium", name(medium).into()),
        ("path", home.to_string_lossy().into()),
    ];
    let limit = settings.hook_timeout.ms().unwrap_or(60_000);
    Ok(News {
        arguments: [event.to_owned(), operator.no.to_string()],
        facts,
        limit: Duration::from_millis(limit.into()),
    })
}
