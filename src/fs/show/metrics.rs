//! `metrics`: the numbers of the catalog and of the daemon as `OpenMetrics` text.
//!
//! Invariants: only counters and lists of what waits are read, so the cost grows with the pools and not with the media;
//! numbers that change without an event have a fixed width, so the length of the text changes with the catalog only.

use super::pool::STATES;
use crate::domain::counts::{Counts, Standing};
use crate::domain::error::Result;
use crate::domain::id::{CATALOG, ObjectNo};
use crate::domain::name::printable;
use crate::domain::quota;
use crate::domain::state::LibraryState;
use crate::domain::time::Time;
use crate::manager::list::{self, Kind};
use crate::manager::{View, log, read, views};
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

/// Most pools, and libraries, that have lines of their own: those with the lowest numbers. The other pools are summed under an
/// empty name, which no pool has.
pub(crate) const LABELS: u32 = 250;

/// The width of a number that changes without an event.
const WIDTH: usize = 10;

/// What the daemon knows beside the catalog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Process {
    /// Reads that wait.
    pub(crate) waiting_reads: u64,
    /// Files that are open.
    pub(crate) open_files: u64,
    /// Of every quota its size, and how often it was refused since the start.
    pub(crate) quotas: [(u64, u64); quota::COUNT],
    /// Callbacks that panicked since the start.
    pub(crate) panics: u64,
}

/// What goes before the numbers of the daemon.
const OF_THE_DAEMON: &str = "# TYPE ntmsfs_waiting_reads gauge\n";

/// The numbers of the catalog; those of the daemon are 0.
pub(crate) fn metrics(view: &View, _no: ObjectNo) -> Result<String> {
    let mut out = Families::default();
    // Not of the type info, which the text format of Prometheus does not know.
    out.family("ntmsfs_info", "gauge", "Version of the program.");
    out.sample("ntmsfs_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    totals(view, &mut out)?;
    waiting(view, &mut out)?;
    pools(view, &mut out)?;
    libraries(view, &mut out)?;
    Ok(out.0 + &of_the_daemon(Process::default()))
}

/// Puts the numbers of the daemon into what [`metrics`] returned. The length stays.
pub(crate) fn with_process(text: &str, process: Process) -> String {
    let catalog = text.split(OF_THE_DAEMON).next().unwrap_or_default();
    catalog.to_owned() + &of_the_daemon(process)
}

fn of_the_daemon(process: Process) -> String {
    let mut out = Families::default();
    let wide = |number: u64| format!("{:0WIDTH$}", number.min(9_999_999_999));
    out.family(
        "ntmsfs_waiting_reads",
        "gauge",
        "Reads that wait for something.",
    );
    out.sample("ntmsfs_waiting_reads", &[], wide(process.waiting_reads));
    let help = "Files of all users that are open.";
    out.family("ntmsfs_open_files", "gauge", help);
    out.sample("ntmsfs_open_files", &[], wide(process.open_files));
    let rows = quota::ALL.map(|quota| quota.row().key);
    let help = "What one user may have at once; 0: any number.";
    out.family("ntmsfs_limit", "gauge", help);
    for (key, (size, _)) in rows.iter().zip(process.quotas) {
        out.sample("ntmsfs_limit", &[("limit", *key)], wide(size));
    }
    let help = "How often a user wanted more than that, since the start.";
    out.family("ntmsfs_limit_refusals", "counter", help);
    for (key, (_, refused)) in rows.iter().zip(process.quotas) {
        out.sample(
            "ntmsfs_limit_refusals_total",
            &[("limit", *key)],
            wide(refused),
        );
    }
    out.family(
        "ntmsfs_panics",
        "counter",
        "Failures of the program that were answered with EIO, since the start.",
    );
    out.sample("ntmsfs_panics_total", &[], wide(process.panics));
    out.0 + "# EOF\n"
}

/// The text of families of samples.
#[derive(Default)]
struct Families(String);

impl Families {
    /// Begins a family.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.0.extend([
            "# TYPE ",
            name,
            " ",
            kind,
            "\n# HELP ",
            name,
            " ",
            &escaped(help),
            "\n",
        ]);
    }

    /// Adds a sample.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        if !labels.is_empty() {
            self.0.extend(["{", &labels.join(","), "}"]);
        }
        // Writing to a string cannot fail.
        writeln!(self.0, " {value}").ok();
    }

    /// Adds a family of one number.
    fn one(&mut self, name: &str, value: i64, help: &str) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    /// Adds a counter.
    fn counter(&mut self, name: &str, value: i64, help: &str) {
        self.family(name, "counter", help);
        self.sample(&format!("{name}_total"), &[], value);
    }

    /// Adds an instant, if there is one.
    fn instant(&mut self, name: &str, time: Option<Time>, help: &str) {
        self.family(name, "gauge", help);
        if let Some(Time(ms)) = time {
            let (seconds, millis) = (ms.div_euclid(1000), ms.rem_euclid(1000));
            self.sample(name, &[], format!("{seconds}.{millis:03}"));
        }
    }
}

/// Text as it stands between quotes and in help.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn totals(view: &View, out: &mut Families) -> Result<()> {
    let head = list::head(view)?;
    out.counter(
        "ntmsfs_records",
        head.map_or(0, |head| head.seq),
        "Records of the history.",
    );
    out.counter(
        "ntmsfs_history_bytes",
        head.map_or(0, |head| head.end),
        "Length of the history, with what is in archives.",
    );
    out.one(
        "ntmsfs_oldest_record",
        log::first(view)?,
        "Number of the oldest record that is not in an archive.",
    );
    let last = head.map(|head| head.time);
    out.instant(
        "ntmsfs_last_record_timestamp_seconds",
        last,
        "When the last record was written.",
    );
    let census = views::census(view)?;
    out.one("ntmsfs_pools", census.pools, "Pools of all levels.");
    out.one("ntmsfs_media", census.media, "Media.");
    out.one("ntmsfs_libraries", census.libraries, "Libraries.");
    let (_, allocatable) = list::totals(view)?;
    out.one(
        "ntmsfs_allocatable_sides",
        allocatable,
        "Sides that can be allocated now.",
    );
    Ok(())
}

fn waiting(view: &View, out: &mut Families) -> Result<()> {
    let census = views::census(view)?;
    out.one(
        "ntmsfs_waiting_requests",
        census.requests_waiting,
        "Allocation requests that wait.",
    );
    let oldest = "ntmsfs_oldest_waiting_request_timestamp_seconds";
    out.instant(
        oldest,
        census.oldest_waiting,
        "When the oldest of them was written.",
    );
    out.one(
        "ntmsfs_operator_requests",
        census.operators_open,
        "Requests to a person that have no answer.",
    );
    let oldest = "ntmsfs_oldest_operator_request_timestamp_seconds";
    out.instant(
        oldest,
        census.oldest_open,
        "When the oldest of them was submitted.",
    );
    let unknown = "Logical media of which nobody knows whether their owners read the identifier.";
    out.one("ntmsfs_delivery_unknown", census.delivery_unknown, unknown);
    Ok(())
}

/// The sides of every pool by state, and how many of them cannot be used although they have their state.
fn pools(view: &View, out: &mut Families) -> Result<()> {
    let mut paths = BTreeMap::new();
    for item in list::page(view, Kind::PoolId, CATALOG, 0, LABELS)? {
        if let Some(pool) = read::pool(view, item.no)? {
            paths.insert(pool.no, printable(&read::pool_path(view, &pool)?));
        }
    }
    let mut sums: BTreeMap<&str, Counts> = BTreeMap::new();
    for count in views::tallies(view)? {
        let pool = paths.get(&count.pool).map_or("", String::as_str);
        let counts = &mut sums.entry(pool).or_default().0;
        counts.push((count.state, count.standing, count.sides));
    }
    out.family("ntmsfs_sides", "gauge", "Sides of a pool in a state.");
    for (pool, counts) in &sums {
        for state in STATES {
            let labels = [("pool", *pool), ("state", state.word())];
            out.sample("ntmsfs_sides", &labels, counts.all(state));
        }
    }
    for (name, standing, help) in [
        (
            "ntmsfs_offline_sides",
            Standing::Offline,
            "Sides of a pool that are in no library.",
        ),
        (
            "ntmsfs_disabled_sides",
            Standing::Disabled,
            "Sides of a pool that are switched off.",
        ),
    ] {
        out.family(name, "gauge", help);
        for (pool, counts) in &sums {
            out.sample(name, &[("pool", pool)], counts.standing(standing));
        }
    }
    Ok(())
}

fn libraries(view: &View, out: &mut Families) -> Result<()> {
    let name = "ntmsfs_library_ready";
    out.family(name, "gauge", "1 if the library works, else 0.");
    for item in list::page(view, Kind::LibraryId, CATALOG, 0, LABELS)? {
        if let Some(library) = read::library(view, item.no)? {
            let ready = library.enabled && library.state == LibraryState::Ready;
            out.sample(
                name,
                &[("library", &printable(&library.name))],
                u8::from(ready),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::tests::Sample;

    #[test]
    fn numbers_of_the_daemon_do_not_change_the_length() {
        let sample = Sample::new();
        let text = sample.shows("metrics");
        let process = |waiting_reads| Process {
            waiting_reads,
            panics: 12,
            ..Process::default()
        };
        let most = with_process(&text, process(u64::MAX));
        assert_eq!(most.len(), text.len());
        assert!(most.contains("ntmsfs_waiting_reads 9999999999\n"), "{most}");
        let filled = with_process(&text, process(3));
        assert_eq!(filled.len(), text.len());
        assert!(filled.contains("ntmsfs_waiting_reads 0000000003\n"));
        assert!(filled.ends_with("ntmsfs_panics_total 0000000012\n# EOF\n"));
        assert_eq!(with_process(&filled, Process::default()), text);
    }

    #[test]
    fn counts_by_pool_and_state() {
        let text = Sample::new().shows("metrics");
        for line in [
            "ntmsfs_sides{pool=\"Backup\",state=\"allocated\"} 1",
            "ntmsfs_sides{pool=\"Archive/Täglich \\\"日本\\\" a\\\\x0a\",state=\"import\"} 2",
            "ntmsfs_offline_sides{pool=\"Backup\"} 1",
            "ntmsfs_library_ready{library=\"lib 0\"} 1",
            "ntmsfs_records_total 1",
            "ntmsfs_media 4",
            "ntmsfs_waiting_requests 2",
            "ntmsfs_operator_requests 2",
            "ntmsfs_delivery_unknown 1",
            "ntmsfs_oldest_waiting_request_timestamp_seconds 1700000000.000",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
