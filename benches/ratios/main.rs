//! Measures the file system against the least that FUSE and the disk allow: `cargo bench --bench ratios -- [--quick]
//! [WORD]`. All figures are ratios of medians of rounds that alternate, so they hold on a busy machine too.
//!
//! The measured side is the released program on a real mount, with catalogs of 1,000 and 1,000,000 media (`--quick`:
//! only 1,000) on the disk of the build directory, where they are kept. WORD runs only the measurements whose name
//! contains it. It must be run by who may mount.

mod allocating;
mod bare;
mod catalog;
mod hostile;
mod measure;
mod mounted;
mod reading;
mod waiting;

use anyhow::{Context as _, Result, bail};
use measure::{Row, print, say, shown};
use mounted::{Daemon, Floor};
use ntmsfs::manager::Faults;
use std::path::{Path, PathBuf};

/// What the command line asks for.
struct Wanted {
    quick: bool,
    word: String,
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["role", "slow", catalog, dir] => mounted::serve_slow(Path::new(catalog), Path::new(dir)),
        ["role", role, place, number] => play(role, Path::new(place), number.parse()?),
        words => {
            let word = words.iter().find(|word| !word.starts_with('-'));
            measure_all(&Wanted {
                quick: words.contains(&"--quick"),
                word: word.map_or_else(String::new, |word| (*word).to_owned()),
            })
        }
    }
}

/// Another role of this program, in a process of its own.
fn play(role: &str, place: &Path, number: u32) -> Result<()> {
    match role {
        "bare" => mounted::serve_floor(place, number),
        "alone" => alone(place, number, &Faults::default()),
        "alone-slow" => alone(place, number, &mounted::slow_disk()),
        "wait" => waiting::wait(place, number),
        "hostile" => hostile::misbehave(place),
        _ => bail!("no role is called {role}"),
    }
}

fn alone(catalog: &Path, count: u32, faults: &Faults) -> Result<()> {
    let time = catalog::alone(catalog, count, faults)?;
    say(&time.as_nanos().to_string())
}

/// What is mounted.
struct Bench {
    work: PathBuf,
    few_catalog: PathBuf,
    few: Daemon,
    many: Option<Daemon>,
    floor: Floor,
}

const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;

impl Bench {
    fn start(quick: bool) -> Result<Self> {
        let work = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let mut catalogs = Vec::new();
        for media in if quick { vec![FEW] } else { vec![FEW, MANY] } {
            let (path, made) = catalog::ready(&work, media)?;
            if let Some(time) = made {
                say(&format!(
                    "a catalog of {media} media was made in {}",
                    shown(time)
                ))?;
            }
            catalogs.push(path);
        }
        let mounts = work.join("mounts");
        let kept = catalogs.first().context("a catalog")?.clone();
        let few = Daemon::start(&catalog::copy(&kept, "few")?, &mounts.join("few"))?;
        let many = catalogs.get(1);
        let many = many.map(|path| Daemon::start(path, &mounts.join("many")));
        Ok(Self {
            few_catalog: kept,
            few,
            many: many.transpose()?,
            floor: Floor::start(&mounts.join("floor"), if quick { FEW } else { MANY })?,
            work,
        })
    }

    /// The mounts by the number of their media.
    fn daemons(&self) -> Vec<(&'static str, u32, &Daemon)> {
        let few = std::iter::once(("1,000", FEW, &self.few));
        let many = self.many.iter().map(|many| ("1,000,000", MANY, many));
        few.chain(many).collect()
    }

    fn run(&self, name: &str) -> Result<Vec<Row>> {
        let all = self.daemons();
        let (size, media, most) = *all.last().context("a mount")?;
        let sized: Vec<_> = all
            .iter()
            .map(|(size, _, daemon)| (*size, *daemon))
            .collect();
        Ok(match name {
            "one" => allocating::one(&sized, &self.floor, &self.work)?,
            "clients" => vec![allocating::many(size, most, &self.few_catalog)?],
            "slow" => vec![allocating::many_slow(
                &self.few_catalog,
                &self.work.join("mounts"),
            )?],
            "attribute" => sized
                .iter()
                .map(|(size, daemon)| reading::attribute(size, daemon, &self.floor))
                .collect::<Result<_>>()?,
            "lookup" => vec![reading::lookup(size, media, most, &self.floor)?],
            "ls" => vec![reading::listing(size, most, &self.floor)?],
            "computed" => reading::computed(&self.few, most)?,
            "waiting" => waiting::cost(most)?,
            "hostile" => hostile::cost(&self.few)?,
            "signals" => waiting::signals(most)?,
            "daemon" => sized
                .iter()
                .map(|(size, daemon)| reading::daemon(size, daemon))
                .collect::<Result<Vec<_>>>()?
                .into_iter()
                .flatten()
                .collect(),
            _ => bail!("no measurement is called {name}"),
        })
    }
}

/// The measurements, in their order; the memory is looked at last.
const NAMES: [&str; 11] = [
    "one",
    "clients",
    "slow",
    "attribute",
    "lookup",
    "ls",
    "computed",
    "waiting",
    "hostile",
    "signals",
    "daemon",
];

fn measure_all(wanted: &Wanted) -> Result<()> {
    let bench = Bench::start(wanted.quick)?;
    print(None)?;
    for name in NAMES.iter().filter(|name| name.contains(&wanted.word)) {
        match bench.run(name) {
            Ok(rows) => rows.iter().try_for_each(|row| print(Some(row)))?,
            Err(error) => say(&format!("{name}: not measured: {error:#}"))?,
        }
    }
    Ok(())
}
