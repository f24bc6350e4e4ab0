//! What an allocation would take now, and why it would not take the rest: the answer without the question.

use super::found;
use super::pool::counts_of;
use super::table;
use crate::domain::counts::Counts;
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::name::printable;
use crate::domain::object::Pool;
use crate::domain::state::{PoolType, Selection, SideState};
use crate::manager::search::{Candidate, candidates};
use crate::manager::{View, read, views};

/// How many candidates are shown. A person looks at the first; more only make the file long.
const CANDIDATES: u32 = 10;

/// Candidates of the pool, then of its free pool, in the order of the search; then what is refused and why.
pub(crate) fn why(view: &View, no: ObjectNo) -> Result<String> {
    let pool = found(read::pool(view, no)?)?;
    let name = format!("pools/{}", printable(&read::pool_path(view, &pool)?));
    let Some(media_type) = allocatable(&pool) else {
        return Ok(format!(
            "{name} cannot be allocated from: {}\n",
            if pool.kind == PoolType::Application {
                "it has no media_type, so it holds pools"
            } else {
                "it is a system pool"
            }
        ));
    };
    let free = read::system_pool(view, PoolType::Free, media_type)?;
    let mut out = section(
        view,
        &pool,
        &format!("{name}, {}", pool.selection),
        pool.selection,
    )?;
    match &free {
        _ if !pool.allocate_from_free => {
            out.push_str("\nfree pool: not used, allocate_from_free is 0\n");
        }
        None => out.extend(["\nfree pool: there is none for ", media_type, "\n"]),
        Some(free) => {
            out.push('\n');
            out.push_str(&section(view, free, "free pool", pool.selection)?);
        }
    }
    out.push('\n');
    let free = free.filter(|_| pool.allocate_from_free);
    let free = free.map(|free| counts_of(view, &free)).transpose()?;
    let other = views::free_of_other_types(view, media_type)?;
    out.push_str(&refusals(&counts_of(view, &pool)?, free.as_ref(), other));
    Ok(out)
}

/// The media type of a pool that allocations can be made from.
fn allocatable(pool: &Pool) -> Option<&str> {
    pool.media_type
        .as_deref()
        .filter(|_| pool.kind == PoolType::Application)
}

fn section(view: &View, pool: &Pool, title: &str, selection: Selection) -> Result<String> {
    let found = candidates(view, pool.no, selection, false, CANDIDATES)?;
    if found.is_empty() {
        return Ok(format!("{title}: no candidates\n"));
    }
    let lines = (1..).zip(&found).map(|(place, candidate)| {
        let name = printable(&candidate.medium_name);
        let key = key(candidate, selection);
        format!("{place:>3}  {name}/{}  {key}\n", candidate.letter)
    });
    Ok(format!(
        "{title}: candidates\n{}",
        lines.collect::<String>()
    ))
}

/// What ranks a candidate.
fn key(candidate: &Candidate, selection: Selection) -> String {
    let used = || {
        let Candidate {
            allocations,
            idle_since,
            ..
        } = candidate;
        format!("allocations {allocations}, unused since {idle_since}")
    };
    match selection {
        Selection::LeastUsed => used(),
        Selection::Fill => {
            let partly = if candidate.is_partly_owned() {
                "partly used medium, "
            } else {
                ""
            };
            format!("{partly}{}", used())
        }
        Selection::Oldest => format!("sequence number {}", candidate.medium),
        Selection::Name => "by name".to_owned(),
    }
}

/// Counts every side that is no candidate exactly once, for the pool and for free. A decommissioned side is one whose limit
/// of allocations was reached, or that a person retired. Of other types, what is available in their free pools.
fn refusals(own: &Counts, free: Option<&Counts>, other_types: i64) -> String {
    let row = |word: &str, count: &dyn Fn(&Counts) -> i64| {
        let free = free.map_or_else(|| "-".to_owned(), |free| count(free).to_string());
        vec![word.to_owned(), count(own).to_string(), free]
    };
    let mut rows = vec![
        ["refused", "pool", "free"].map(str::to_owned).to_vec(),
        row("offline", &Counts::offline),
        row("disabled", &Counts::disabled),
        row("resting", &Counts::resting),
    ];
    for &state in SideState::ALL
        .iter()
        .filter(|state| **state != SideState::Available)
    {
        let word = if state == SideState::Decommissioned {
            "limit reached"
        } else {
            state.word()
        };
        rows.push(row(word, &|counts| counts.all(state)));
    }
    let other = other_types.to_string();
    rows.push(vec!["other type".to_owned(), "-".to_owned(), other]);
    table(&rows)
}
