//! The whole manager against an independent reference: random sequences of operations, both compared after each.
//! What the manager must answer, and what is left then, stands in `reference.rs` alone; it reads how new media begin from the
//! table of pools in `template.rs`.
//!
//! `NTMSFS_SEED=<number>` runs one sequence again; a sequence that fails is made small and printed.

mod operation;
mod real;
mod reference;
mod template;

use crate::harness::random::Random;
use crate::harness::world::rounds;
use ntmsfs::store::check;
use operation::decode;
use real::Pair;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use template::Template;

/// Operations of one sequence.
const OPERATIONS: usize = 50;
/// The tables are rebuilt from the log after each so-many-th sequence.
const REBUILT_EVERY: u64 = 8;
/// Seed of the first sequence.
const SEED: u64 = 1;

/// How often each kind of operation and answer occurred.
type Tally = BTreeMap<String, u64>;

/// Runs a sequence; the error says at which operation and why.
fn run(
    template: &Template,
    numbers: &[u64],
    rebuild: bool,
    tally: &mut Tally,
) -> Result<(), (usize, String)> {
    let mut pair = template.open();
    for (at, number) in numbers.iter().enumerate() {
        let op = decode(*number, &pair.reference);
        let result = pair.step(&op);
        result.map_err(|why| (at, format!("{op:?}: {why}")))?;
        if rebuild {
            let kind = format!("{op:?}");
            let kind = kind.split([' ', '(']).next().unwrap_or_default().to_owned();
            *tally.entry(kind).or_default() += 1;
        }
    }
    let last = numbers.len();
    let broken = check::invariants(pair.world.db());
    if broken != Ok(Vec::new()) {
        return Err((last, format!("{broken:?}")));
    }
    if rebuild {
        rebuilt(&pair).map_err(|why| (last, why))?;
    }
    Ok(())
}

fn rebuilt(pair: &Pair) -> Result<(), String> {
    let db = pair.world.db();
    check::chain(db).map_err(|refusal| refusal.to_string())?;
    let differences = check::rebuilt(db).map_err(|refusal| refusal.to_string())?;
    if differences.is_empty() {
        Ok(())
    } else {
        Err(format!("{differences:?}"))
    }
}

fn numbers(seed: u64) -> Vec<u64> {
    let mut random = Random(seed);
    (0..OPERATIONS).map(|_| random.next()).collect()
}

/// Makes a failing sequence small, and shows it.
fn shrunk(template: &Template, seed: u64, at: usize) -> String {
    let mut small = numbers(seed);
    small.truncate(at + 1);
    let fails = |numbers: &[u64]| run(template, numbers, true, &mut Tally::new()).err();
    let mut step = small.len();
    while step > 0 {
        let mut from = 0;
        while from < small.len() {
            let mut fewer = small.clone();
            fewer.drain(from..(from + step).min(small.len()));
            if fails(&fewer).is_some() {
                small = fewer;
            } else {
                from += step;
            }
        }
        step /= 2;
    }
    let mut out = format!("seed {seed}, made small to {} operations:\n", small.len());
    let mut pair = template.open();
    for number in &small {
        let op = decode(*number, &pair.reference);
        let result = pair.step(&op);
        writeln!(
            out,
            "  {number:#018x} {op:?}{}",
            result
                .err()
                .map(|why| format!("\n    {why}"))
                .unwrap_or_default()
        )
        .expect("text");
    }
    if let Err(why) = rebuilt(&pair) {
        writeln!(out, "  in the end: {why}").expect("text");
    }
    out
}

/// One of the threads: takes seeds until there are no more.
fn work(next: &AtomicU64, end: u64) -> Result<Tally, String> {
    let template = Template::new();
    let mut tally = Tally::new();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return Ok(tally);
        }
        let rebuild = seed.is_multiple_of(REBUILT_EVERY);
        if let Err((at, why)) = run(&template, &numbers(seed), rebuild, &mut tally) {
            next.store(end, Ordering::Relaxed);
            let small = shrunk(&template, seed, at);
            return Err(format!(
                "NTMSFS_SEED={seed}, operation {at}: {why}\n{small}"
            ));
        }
    }
}

#[test]
fn the_manager_does_what_the_reference_does() {
    let one = std::env::var("NTMSFS_SEED")
        .ok()
        .and_then(|seed| seed.parse::<u64>().ok());
    let (first, count) = one.map_or((SEED, rounds(20_000, 100_000)), |seed| (seed, 1));
    let next = AtomicU64::new(first);
    let work = || work(&next, first + count);
    let results = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mine = work();
        [mine, other.join().expect("a thread")]
    });
    let mut tally = Tally::new();
    for result in results {
        for (kind, times) in result.unwrap_or_else(|why| panic!("{why}")) {
            *tally.entry(kind).or_default() += times;
        }
    }
    println!(
        "{count} sequences of {OPERATIONS} operations, seeds from {first}; rebuilt one in {REBUILT_EVERY}: {tally:?}"
    );
}
