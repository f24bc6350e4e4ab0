//! Pools, what they count, and their named requests.

use super::{found, line, switch, table, text};
use crate::domain::counts::{Counts, Standing};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::object::{Pool, Request};
use crate::domain::state::{RequestState, SideState};
use crate::manager::{View, list, read, views};

/// The states in the order in which people ask for them.
pub(crate) const STATES: [SideState; 10] = [
    SideState::Available,
    SideState::Allocated,
    SideState::Complete,
    SideState::Reserved,
    SideState::Import,
    SideState::Foreign,
    SideState::Unprepared,
    SideState::Incompatible,
    SideState::Decommissioned,
    SideState::Unknown,
];

/// Counts the sides of a pool; of a pool of pools those of its direct children.
pub(crate) fn counts_of(view: &View, pool: &Pool) -> Result<Counts> {
    Ok(Counts(match pool.media_type {
        Some(_) => read::tally(view, pool.no)?,
        None => list::tally_below(view, pool.no)?,
    }))
}

fn pool(view: &View, no: ObjectNo) -> Result<Pool> {
    found(read::pool(view, no)?)
}

/// Identifier.
pub(crate) fn id(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(pool(view, no)?.id))
}

/// Name.
pub(crate) fn name(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&pool(view, no)?.name))
}

/// Text for people.
pub(crate) fn description(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&pool(view, no)?.description))
}

/// What it is for.
pub(crate) fn kind(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(pool(view, no)?.kind))
}

/// Type of its media.
pub(crate) fn media_type(view: &View, no: ObjectNo) -> Result<String> {
    Ok(text(&pool(view, no)?.media_type.unwrap_or_default()))
}

/// Whether it draws from free.
pub(crate) fn allocate_from_free(view: &View, no: ObjectNo) -> Result<String> {
    Ok(switch(pool(view, no)?.allocate_from_free))
}

/// Whether it returns to free.
pub(crate) fn deallocate_to_free(view: &View, no: ObjectNo) -> Result<String> {
    Ok(switch(pool(view, no)?.deallocate_to_free))
}

/// Limit of allocations of a side.
pub(crate) fn max_allocates(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(pool(view, no)?.max_allocates))
}

/// Order of the search.
pub(crate) fn selection(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(pool(view, no)?.selection))
}

/// Time-out of requests without one.
pub(crate) fn default_timeout(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(pool(view, no)?.default_timeout))
}

/// How long finished requests are kept.
pub(crate) fn purge_time(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(pool(view, no)?.purge_time))
}

/// How long a side rests.
pub(crate) fn reuse_delay(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(pool(view, no)?.reuse_delay))
}

/// How many sides it keeps available.
pub(crate) fn want_available(view: &View, no: ObjectNo) -> Result<String> {
    Ok(line(pool(view, no)?.want_available))
}

/// Sides in each state, then how many of all are offline, disabled and resting.
pub(crate) fn counts(view: &View, no: ObjectNo) -> Result<String> {
    Ok(counted(&counts_of(view, &pool(view, no)?)?))
}

/// The same for all pools together.
pub(crate) fn counts_of_all(view: &View) -> Result<String> {
    let tallies = views::tallies(view)?.into_iter();
    let rows = tallies.map(|count| (count.state, count.standing, count.sides));
    Ok(counted(&Counts(rows.collect())))
}

fn counted(counts: &Counts) -> String {
    let row = |word: &str, sides: i64| vec![word.to_owned(), sides.to_string()];
    let states = STATES.iter();
    let mut rows: Vec<_> = states
        .map(|&state| row(state.word(), counts.all(state)))
        .collect();
    rows.push(row("offline", counts.standing(Standing::Offline)));
    rows.push(row("disabled", counts.standing(Standing::Disabled)));
    rows.push(row("resting", counts.standing(Standing::Resting)));
    table(&rows)
}

fn named(view: &View, no: ObjectNo) -> Result<Request> {
    found(read::request(view, no)?)
}

/// A request as it was written.
pub(crate) fn request(view: &View, no: ObjectNo) -> Result<String> {
    let body = named(view, no)?.body;
    Ok(if body.ends_with('\n') {
        body
    } else {
        line(body)
    })
}

/// The result of a request; `None` while it waits.
pub(crate) fn outcome(view: &View, no: ObjectNo) -> Result<Option<String>> {
    let request = named(view, no)?;
    Ok(match request.state {
        RequestState::Finished => Some(request.result),
        RequestState::Waiting => None,
    })
}
