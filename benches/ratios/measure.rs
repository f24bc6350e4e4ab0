//! Interleaved rounds, medians, and the table.

use anyhow::{Context as _, Result};
use ntmsfs::manager::clock;
use std::io::Write as _;
use std::time::Duration;

/// What a ratio is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// Not more.
    AtMost(f64),
    /// Not less.
    AtLeast(f64),
    /// Only told.
    Told,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) figure: String,
    pub(crate) measured: String,
    pub(crate) floor: String,
    pub(crate) ratio: f64,
    pub(crate) goal: Goal,
}

impl Row {
    /// Compares the times of two sides, round by round: the ratio is the median of the rounds' ratios.
    pub(crate) fn times(
        figure: &str,
        sides: (&[Duration], &[Duration]),
        goal: Goal,
    ) -> Result<Self> {
        let seconds = |time: &Duration| time.as_secs_f64();
        let mut ratios: Vec<f64> = (sides.0.iter().zip(sides.1))
            .map(|(measured, floor)| seconds(measured) / seconds(floor).max(1e-9))
            .collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let ratio = ratios
            .get(ratios.len() / 2)
            .context("nothing was measured")?;
        Ok(Self {
            figure: figure.to_owned(),
            measured: shown(median(sides.0)?),
            floor: shown(median(sides.1)?),
            ratio: *ratio,
            goal,
        })
    }

    /// Compares a time with a limit.
    pub(crate) fn limit(figure: &str, measured: Duration, limit: Duration) -> Self {
        Self {
            figure: figure.to_owned(),
            measured: shown(measured),
            floor: shown(limit),
            ratio: measured.as_secs_f64() / limit.as_secs_f64(),
            goal: Goal::AtMost(1.0),
        }
    }

    fn verdict(&self) -> &'static str {
        let met = match self.goal {
            Goal::AtMost(most) => self.ratio <= most,
            Goal::AtLeast(least) => self.ratio >= least,
            Goal::Told => return "",
        };
        if met { "met" } else { "MISSED" }
    }

    fn goal(&self) -> String {
        match self.goal {
            Goal::AtMost(most) => format!("<= {most}"),
            Goal::AtLeast(least) => format!(">= {least}"),
            Goal::Told => String::new(),
        }
    }
}

/// Returns a time in the unit that suits it.
pub(crate) fn shown(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1e3 {
        format!("{micros:.1} us")
    } else if micros < 1e6 {
        format!("{:.2} ms", micros / 1e3)
    } else {
        format!("{:.2} s", micros / 1e6)
    }
}

/// Says something at once.
pub(crate) fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Prints one line of the table; without a row, its head.
pub(crate) fn print(row: Option<&Row>) -> Result<()> {
    say(&match row {
        None => format!(
            "{:<58} {:>12} {:>12} {:>8} {:>8}",
            "figure", "measured", "floor", "ratio", "goal"
        ),
        Some(row) => format!(
            "{:<58} {:>12} {:>12} {:>8.2} {:>8} {}",
            row.figure,
            row.measured,
            row.floor,
            row.ratio,
            row.goal(),
            row.verdict()
        ),
    })
}

/// Measures one run of something.
pub(crate) fn timed<T>(run: impl FnOnce() -> Result<T>) -> Result<(Duration, T)> {
    let begun = clock::boot();
    let value = run()?;
    Ok((clock::boot().saturating_sub(begun), value))
}

/// Returns the median.
pub(crate) fn median(samples: &[Duration]) -> Result<Duration> {
    let mut samples = samples.to_vec();
    samples.sort_unstable();
    let middle = samples.get(samples.len() / 2);
    middle.copied().context("nothing was measured")
}

/// Gives samples of one side of a comparison for one round.
pub(crate) type Side<'a> = &'a mut dyn FnMut() -> Result<Vec<Duration>>;

/// Runs the sides one after the other in every round, beginning with another one each time, and returns the best of
/// each round. The first round only warms up.
pub(crate) fn interleaved(rounds: usize, sides: &mut [Side<'_>]) -> Result<Vec<Vec<Duration>>> {
    let mut medians: Vec<Vec<Duration>> = sides.iter().map(|_| Vec::new()).collect();
    for round in 0..=rounds {
        for turn in 0..sides.len() {
            let place = (round + turn) % sides.len();
            let side = sides.get_mut(place).context("a side")?;
            // another program may have had the processor meanwhile: the best of a round stands for it
            let found = side()?.into_iter().min().context("a sample")?;
            if round > 0 {
                medians.get_mut(place).context("a side")?.push(found);
            }
        }
    }
    Ok(medians)
}

/// Runs two sides.
pub(crate) fn pair(rounds: usize, a: Side<'_>, b: Side<'_>) -> Result<[Vec<Duration>; 2]> {
    let medians = interleaved(rounds, &mut [a, b])?;
    medians.try_into().ok().context("two sides")
}
