//! The operations of the model test, and how numbers become one of them.
//!
//! A sequence is a list of numbers alone, so that any part of it can be left out when a failure is made small: what the
//! numbers mean is decided when their turn comes, from what there is then.
//!
//! Tables have what is not here: rights (`matrix.rs`, `allocation_rules.rs`, `pools.rs`, `waiting_requests.rs`); imports that are refused, and the
//! removal of media (`pools.rs`); pools that hold no media, and types without a free pool (`allocation_rules.rs`); what an inventory finds
//! that is new (`state_machines.rs`, `libraries.rs`); the removal of operator requests (`state_machines.rs`).

use super::reference::Reference;
use crate::harness::random::Random;
use ntmsfs::domain::state::{OperatorState, PoolType, Selection, SideState};
use std::collections::BTreeMap;

/// A medium, and which of its sides.
pub(super) type At = (usize, usize);
/// A library and the number of one of its slots.
pub(super) type Place = (usize, u32);

/// An allocation request. The LMID in `media` is that of another request; an index of nothing stands for an identifier of
/// nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Want {
    pub(super) uid: u32,
    pub(super) pool: usize,
    /// Each pool has names of its own.
    pub(super) name: Option<(usize, u32)>,
    pub(super) new: bool,
    pub(super) next: bool,
    pub(super) error: bool,
    pub(super) timeout: Option<i64>,
    pub(super) side: Option<At>,
    pub(super) media: Option<usize>,
}

/// A time-out that never comes, and an instant that never comes.
pub(super) const NEVER: i64 = i64::MAX;
/// The index of nothing.
pub(super) const NOTHING: usize = usize::MAX;

/// An operation; a grant is the index of the request that got it.
#[derive(Debug, Clone, Copy)]
#[rustfmt::skip]
pub(super) enum Op {
    Allocate(Want),
    RemoveRequest { request: usize },
    Deallocate { grant: usize },
    Undo { grant: usize },
    Delivered { grant: usize },
    Complete { grant: usize },
    Decommission { side: At },
    Move { medium: usize, pool: usize },
    Enable { medium: usize, on: bool },
    /// An inventory finds a medium there, and all others where they were.
    Place { medium: usize, place: Option<Place> },
    Import { pool: usize, name: &'static str, place: Option<Place> },
    /// The inventory that comes with it finds all where they were.
    Enabled { library: usize, on: bool },
    Set { pool: usize, file: File, value: i64 },
    Answer { asked: usize, to: OperatorState },
    Advance { ms: i64, restart: bool },
    Sweep,
}

/// A pool, and what is set of it.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) kind: PoolType,
    pub(super) media_type: usize,
    /// How many sides its media have, and in which state new ones begin.
    pub(super) sides: usize,
    pub(super) first: SideState,
    /// The free pool of its type.
    pub(super) free: usize,
    pub(super) files: BTreeMap<File, i64>,
}

impl Pool {
    pub(super) fn file(&self, file: File) -> i64 {
        self.files.get(&file).copied().unwrap_or(0)
    }
}

/// What can be set of a pool, each as a number: 1 is yes, a time-out is in milliseconds, an order has its own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum File {
    FromFree,
    ToFree,
    Max,
    Order,
    Timeout,
}

/// Pools that are leaves of system pools: free, import and unrecognized of each media type.
pub(super) const LEAVES: usize = 6;
/// The users of the world; root first.
const UIDS: [u32; 3] = [0, 1000, 1001];
/// Slots of each library.
pub(super) const SLOTS: [u32; 2] = [6, 4];
/// Names of the media of each type.
const NAMES: [&[&str]; 2] = [
    &["c0", "c1", "c2", "c3", "c4", "c5"],
    &["t0", "t1", "t2", "t3"],
];

impl Random {
    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn of<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// One of these, most often one of the last.
    fn recent(&mut self, from: &[usize]) -> Option<usize> {
        let window = if self.one_in(4) { from.len() } else { 4 };
        let last = from.iter().rev().take(window);
        let last: Vec<usize> = last.copied().collect();
        (!last.is_empty()).then(|| self.of(&last))
    }

    /// An index below `bound` that is not this one.
    fn other(&mut self, bound: usize, than: usize) -> usize {
        (than + 1 + self.below(bound - 1)) % bound
    }

    /// A pool of an application; those come last.
    fn application(&mut self, world: &Reference) -> usize {
        LEAVES + self.below(world.pools.len() - LEAVES)
    }
}

/// What a number means now.
pub(super) fn decode(number: u64, world: &Reference) -> Op {
    let mut random = Random(number);
    let some = (0..8).find_map(|_| choose(&mut random, world));
    some.unwrap_or(Op::Sweep)
}

/// `None` if there is nothing that the operation could be about.
fn choose(random: &mut Random, world: &Reference) -> Option<Op> {
    let grant = granted(random, world);
    let medium = random.below(world.media.len());
    Some(match random.below(100) {
        0..34 => Op::Allocate(want(random, world)),
        34..46 => Op::Deallocate { grant: grant? },
        46..49 => Op::Undo { grant: grant? },
        49 => Op::Delivered { grant: grant? },
        50..52 => Op::Complete { grant: grant? },
        52..54 => Op::Decommission {
            side: side(random, world),
        },
        54..60 => Op::Move {
            medium,
            pool: random.other(world.pools.len(), world.media[medium].pool),
        },
        60..66 => import(random, world)?,
        66..70 => Op::Enable {
            medium,
            on: !random.one_in(3),
        },
        70..72 => Op::Enabled {
            library: random.below(2),
            on: !random.one_in(3),
        },
        72..74 => place(random, world, medium)?,
        74..82 => set(random, world),
        82..88 => {
            let asked = (0..world.asked.len()).filter(|no| world.is_asked(*no));
            let asked = random.recent(&asked.collect::<Vec<_>>())?;
            let to = random.of(OperatorState::ALL);
            Op::Answer { asked, to }
        }
        88..93 => Op::Advance {
            ms: random.of(&[1, 1, 1, 5000, 60_000, 3_600_000, 72 * 3_600_000]),
            restart: false,
        },
        93 => Op::Advance {
            ms: random.of(&[0, 5000]),
            restart: true,
        },
        94..96 => Op::Sweep,
        _ => {
            let any = 0..world.want.len();
            let kept = any.clone().filter(|no| world.is_kept(*no));
            let kept = random.recent(&kept.collect::<Vec<_>>());
            let any = random.recent(&any.collect::<Vec<_>>())?;
            let request = kept.filter(|_| !random.one_in(8)).unwrap_or(any);
            Op::RemoveRequest { request }
        }
    })
}

/// A request that got a side, and most often still has it.
fn granted(random: &mut Random, world: &Reference) -> Option<usize> {
    let dead = random.one_in(8);
    let got = |no: &usize| matches!(world.result[*no], Some(Ok(_)));
    let is = |no: &usize| got(no) && (dead || world.live(*no).is_ok());
    let all = (0..world.result.len()).filter(is);
    random.recent(&all.collect::<Vec<_>>())
}

/// A request that got a side of a medium that was opened with `new`, and still has it.
fn opened(random: &mut Random, world: &Reference) -> Option<usize> {
    let opens = |no: &usize| world.want[*no].new || world.want[*no].next;
    let is = |no: &usize| opens(no) && world.live(*no).is_ok();
    let all = (0..world.result.len()).filter(is);
    random.recent(&all.collect::<Vec<_>>())
}

fn side(random: &mut Random, world: &Reference) -> At {
    let medium = random.below(world.media.len());
    (medium, random.below(world.media[medium].state.len()))
}

fn want(random: &mut Random, world: &Reference) -> Want {
    let (new, nothing) = (random.one_in(4), random.one_in(9));
    let set = opened(random, world);
    let next = random.one_in(if set.is_some() { 6 } else { 24 });
    let set = set.filter(|_| !random.one_in(4));
    let set = set.or_else(|| granted(random, world));
    let mut media = set.filter(|_| next && !random.one_in(6) || random.one_in(30));
    let mut side = random.one_in(5).then(|| side(random, world));
    // What is named is most often where it is asked for.
    let named = side.or(media.and_then(|grant| world.live(grant).ok()));
    let there = named.map(|at| world.media[at.0].pool);
    let there = there.filter(|pool| *pool >= LEAVES && !random.one_in(3));
    let pool = there.unwrap_or_else(|| random.application(world));
    if nothing {
        side = side.map(|_| (NOTHING, 0));
        media = media.map(|_| NOTHING);
    }
    Want {
        uid: random.of(&UIDS),
        pool,
        name: random.one_in(3).then(|| (pool, random.of(&[1, 2, 3, 4]))),
        new: new && !next,
        next,
        error: random.one_in(5),
        timeout: random.of(&[None, None, Some(0), Some(5000), Some(60_000), Some(NEVER)]),
        side,
        media,
    }
}

/// A medium that is new, in a slot or on the shelf.
fn import(random: &mut Random, world: &Reference) -> Option<Op> {
    let pool = random.below(world.pools.len());
    let media_type = world.pools[pool].media_type;
    let known = |name: &str| world.media.iter().any(|medium| medium.name == name);
    let names = NAMES[media_type].iter().filter(|name| !known(name));
    let names: Vec<&str> = names.copied().collect();
    let name = (!names.is_empty()).then(|| random.of(&names))?;
    let place = slot(random, world, media_type);
    Some(Op::Import { pool, name, place })
}

/// A slot of a library in which nothing is; sometimes none.
fn slot(random: &mut Random, world: &Reference, library: usize) -> Option<Place> {
    let taken = |place: Place| world.media.iter().any(|medium| medium.place == Some(place));
    let slots = (1..=SLOTS[library]).map(|slot| (library, slot));
    let slots: Vec<Place> = slots.filter(|place| !taken(*place)).collect();
    let some = !slots.is_empty() && !random.one_in(3);
    some.then(|| random.of(&slots))
}

/// Only a library that is enabled has an inventory.
fn place(random: &mut Random, world: &Reference, medium: usize) -> Option<Op> {
    let library = world.pools[world.media[medium].pool].media_type;
    let place = slot(random, world, library);
    world.libraries[library].then_some(Op::Place { medium, place })
}

fn set(random: &mut Random, world: &Reference) -> Op {
    let pool = random.application(world);
    let on = i64::from(random.one_in(2));
    let (file, value) = match random.below(6) {
        0 | 1 => (File::FromFree, on),
        2 => (File::ToFree, on),
        3 => (File::Max, random.of(&[0, 1, 2, 3])),
        4 => (File::Order, random.of(Selection::ALL).number()),
        _ => (File::Timeout, random.of(&[NEVER, 0, 60_000])),
    };
    Op::Set { pool, file, value }
}
