//! Pools, what they count, and their named requests.

use super::{found, line, switch, table, text};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::noun::{Pool, Request};
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

/// Why a side cannot be used beside its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not in a library.
    Offline,
    /// Switched off.
    Disabled,
    /// Given back a while ago.
    Resting,
}

impl Standing {
    /// The number in the tally.
    const fn number(self) -> u32 {
        match self {
            Self::Offline => 1,
            Self::Disabled => 2,
            Self::Resting => 3,
        }
    }
}

/// How many sides of a pool have each state and standing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Vec<(SideState, u32, i64)>);

impl Tally {
    /// Reads the counters of a pool; of a pool of pools the sums of those of its direct children.
    pub(crate) fn of(view: &View, pool: &Pool) -> Result<Self> {
        let counted = match pool.media_type {
            Some(_) => read::tally(view, pool.no)?,
            None => list::tally_below(view, pool.no)?,
        };
        Ok(Self(counted))
    }

    /// Sides in a state.
    pub(crate) fn state(&self, state: SideState) -> i64 {
        self.sum(|of, _| of == state)
    }

    /// Sides with a standing.
    pub(crate) fn standing(&self, standing: Standing) -> i64 {
        self.sum(|_, of| of == standing.number())
    }

    /// Sides in a state with a standing.
    pub(crate) fn both(&self, state: SideState, standing: Standing) -> i64 {
        self.sum(|a, b| a == state && b == standing.number())
    }

    fn sum(&self, counts: impl Fn(SideState, u32) -> bool) -> i64 {
        let counted = self
            .0
            .iter()
            .filter(|(state, standing, _)| counts(*state, *standing));
        counted.map(|(_, _, sides)| sides).sum()
    }
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
    Ok(counted(&Tally::of(view, &pool(view, no)?)?))
}

/// The same for all pools together.
pub(crate) fn counts_of_all(view: &View) -> Result<String> {
    let tallies = views::tallies(view)?.into_iter();
    let tally = Tally(
        tallies
            .map(|count| (count.state, count.standing, count.sides))
            .collect(),
    );
    Ok(counted(&tally))
}

fn counted(tally: &Tally) -> String {
    let row = |word: &str, sides: i64| vec![word.to_owned(), sides.to_string()];
    let mut rows: Vec<_> = STATES
        .iter()
        .map(|&state| row(state.word(), tally.state(state)))
        .collect();
    rows.push(row("offline", tally.standing(Standing::Offline)));
    rows.push(row("disabled", tally.standing(Standing::Disabled)));
    rows.push(row("resting", tally.standing(Standing::Resting)));
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
