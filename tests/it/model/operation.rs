//! The operations of the model test, and how numbers become one of them.
//!
//! A sequence is a list of numbers alone, so that any part of it can be left out when a failure is made small: what the
//! numbers mean is decided when their turn comes, from what there is then.

use super::reference::{LEAVES, Reference};
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::domain::state::{OperatorState, PoolType, Selection};

/// An allocation request. `side` is an index, and so is the request in `media`, of which the LMID is named; one that the
/// reference does not have stands for an identifier of nothing.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the request"
)]
pub(super) struct Want {
    pub(super) pool: usize,
    pub(super) name: Option<u32>,
    /// Its line has no end.
    pub(super) unfinished: bool,
    pub(super) new: bool,
    pub(super) next: bool,
    pub(super) error: bool,
    pub(super) timeout: Option<i64>,
    pub(super) side: Option<usize>,
    pub(super) media: Option<usize>,
}

/// A time-out that never comes, and an instant that never comes.
pub(super) const NEVER: i64 = i64::MAX;
/// The index of nothing.
pub(super) const NOTHING: usize = usize::MAX;

/// A library and the number of one of its slots.
pub(super) type Place = (usize, u32);

/// An operation; a grant is the index of the request that got it.
#[derive(Debug, Clone)]
#[rustfmt::skip]
pub(super) enum Op {
    Allocate(Want),
    RemoveRequest { request: usize },
    Deallocate { grant: usize },
    Undo { grant: usize },
    Delivered { grant: usize },
    Complete { grant: usize },
    Decommission { side: usize },
    Move { medium: usize, pool: usize },
    Enable { medium: usize, on: bool },
    Remove { medium: usize },
    Import { pool: usize, lines: Vec<(&'static str, Option<Place>)> },
    Enabled { library: usize, on: bool },
    Inventory { library: usize, found: Vec<(u32, &'static str)> },
    Set { pool: usize, file: File, value: i64 },
    /// `None` removes the operator request.
    Answer { asked: usize, to: Option<OperatorState> },
    Advance { ms: i64, restart: bool },
    Sweep,
}

/// What an operation is answered, and what a request has got.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Answer {
    Done,
    Got(usize),
    Failed(ErrorKind),
    Waits,
    Refused(ErrorKind),
}

/// A pool as it is founded.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) kind: PoolType,
    pub(super) media_type: Option<usize>,
    pub(super) owner: u32,
}

/// What can be set of a pool, each as a number: 1 is yes, a time-out is in milliseconds, an order has its own number.
/// The last three are what everybody may do; nothing gives MODIFY to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum File {
    FromFree,
    ToFree,
    Max,
    Order,
    Timeout,
    Use,
    Modify,
    Control,
}

/// The users of the world; root first.
const UIDS: [u32; 3] = [0, 1000, 1001];
/// Slots of each library.
pub(super) const SLOTS: [u32; 2] = [6, 4];
/// Names of the media of each type.
const NAMES: [&[&str]; 3] = [
    &["m0", "m1", "m2", "m3", "m4", "m5"],
    &["t0", "t1", "t2", "t3"],
    &["d0"],
];

/// The generator of numbers called `SplitMix64`.
#[derive(Debug, Clone)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a small bound");
        usize::try_from(self.next() % bound).expect("a number below the bound")
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn of<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// An index, most often one of the last.
    fn recent(&mut self, len: usize) -> Option<usize> {
        let window = if self.one_in(4) { len } else { len.min(4) };
        (len > 0).then(|| len - 1 - self.below(window))
    }
}

/// What a number means now, and who does it.
pub(super) fn decode(number: u64, world: &Reference) -> (Op, u32) {
    let mut random = Random(number);
    let users = if random.one_in(2) { 1 } else { UIDS.len() };
    let uid = random.of(&UIDS[..users]);
    let op = choose(&mut random, world);
    (op.unwrap_or(Op::Sweep), uid)
}

/// `None` if there is nothing that the operation could be about.
fn choose(random: &mut Random, world: &Reference) -> Option<Op> {
    let grant = granted(random, world);
    let medium = random.below(world.pool.len());
    Some(match random.below(100) {
        0..30 => allocate(random, world),
        30..41 => Op::Deallocate { grant: grant? },
        41..44 => Op::Undo { grant: grant? },
        44..46 => Op::Delivered { grant: grant? },
        46..49 => Op::Complete { grant: grant? },
        49..51 => Op::Decommission {
            side: random.below(world.medium.len()),
        },
        51..58 => Op::Move {
            medium,
            pool: pool(random, world),
        },
        58..66 => import(random, world),
        66..70 => Op::Enable {
            medium,
            on: !random.one_in(3),
        },
        70..72 => Op::Remove { medium },
        72..75 => Op::Enabled {
            library: random.below(2),
            on: !random.one_in(3),
        },
        75..79 => inventory(random, world),
        79..87 => set(random, world),
        87..92 => {
            let asked = random.recent(world.asked.len())?;
            let to = (!random.one_in(5)).then(|| random.of(OperatorState::ALL));
            Op::Answer { asked, to }
        }
        92..94 => Op::Advance {
            ms: random.of(&[1, 5000, 60_000, 3_600_000, 80 * 3_600_000]),
            restart: false,
        },
        94 => Op::Advance {
            ms: random.of(&[0, 5000]),
            restart: true,
        },
        95 => Op::Sweep,
        96 => Op::Allocate(Want {
            pool: pool(random, world),
            name: Some(0),
            unfinished: true,
            ..Want::default()
        }),
        _ => {
            let kept = (0..world.answer.len()).filter(|no| world.is_kept(*no));
            let kept: Vec<usize> = kept.collect();
            let kept = random.recent(kept.len()).map(|at| kept[at]);
            let any = random.recent(world.answer.len())?;
            let request = kept.filter(|_| !random.one_in(8)).unwrap_or(any);
            Op::RemoveRequest { request }
        }
    })
}

/// A request that got a side.
fn granted(random: &mut Random, world: &Reference) -> Option<usize> {
    let got = (0..world.answer.len()).filter(|no| world.got[*no].is_some());
    let got: Vec<usize> = got.collect();
    random.recent(got.len()).map(|at| got[at])
}

/// Any pool that exists, most often one of the applications.
fn pool(random: &mut Random, world: &Reference) -> usize {
    let from = if random.one_in(3) { 0 } else { LEAVES };
    let pool = from + random.below(world.pools.len() - from);
    if world.exists(pool) { pool } else { LEAVES }
}

fn allocate(random: &mut Random, world: &Reference) -> Op {
    let (new, next) = (random.one_in(4), random.one_in(7));
    let mut want = Want {
        pool: pool(random, world),
        name: random.one_in(3).then(|| random.of(&[1, 2, 3, 4])),
        new: new && !next,
        next,
        error: random.one_in(5),
        timeout: random.of(&[None, None, Some(0), Some(5000), Some(60_000), Some(NEVER)]),
        ..Want::default()
    };
    if random.one_in(5) {
        let nothing = random.one_in(9);
        let side = random.below(world.medium.len());
        want.side = Some(if nothing { NOTHING } else { side });
    }
    if next && !random.one_in(6) || random.one_in(30) {
        let nothing = random.one_in(9);
        let grant = granted(random, world).filter(|_| !nothing);
        want.media = Some(grant.unwrap_or(NOTHING));
    }
    Op::Allocate(want)
}

fn import(random: &mut Random, world: &Reference) -> Op {
    let pool = pool(random, world);
    let media_type = world.pools[pool].media_type.unwrap_or(0);
    let count = 1 + random.below(2);
    let lines = (0..count).map(|_| {
        let slot = SLOTS
            .get(media_type)
            .filter(|_| !random.one_in(3))
            .map(|slots| 1 + number(random, *slots));
        (
            random.of(NAMES[media_type]),
            slot.map(|slot| (media_type, slot)),
        )
    });
    Op::Import {
        pool,
        lines: lines.collect(),
    }
}

fn number(random: &mut Random, below: u32) -> u32 {
    let bound = usize::try_from(below).expect("a small bound");
    u32::try_from(random.below(bound)).expect("a number below the bound")
}

/// What is believed, with a few changes: something gone, something new, two in each other's slots.
fn inventory(random: &mut Random, world: &Reference) -> Op {
    let library = random.below(2);
    let slot = |no: usize| world.place[no].filter(|(at, _)| *at == library && !world.gone[no]);
    let believed = (0..world.pool.len()).filter_map(|no| Some((slot(no)?.1, world.name[no])));
    let mut found: Vec<(u32, &str)> = believed.collect();
    found.retain(|_| !random.one_in(6));
    let (name, slot) = (
        random.of(NAMES[library]),
        1 + number(random, SLOTS[library]),
    );
    if random.one_in(2)
        && found
            .iter()
            .all(|(at, known)| *at != slot && *known != name)
    {
        found.push((slot, name));
    }
    if found.len() > 1 && random.one_in(3) {
        let (a, b) = (found[0].0, found[1].0);
        (found[0].0, found[1].0) = (b, a);
    }
    Op::Inventory { library, found }
}

fn set(random: &mut Random, world: &Reference) -> Op {
    let pool = pool(random, world);
    let on = i64::from(random.one_in(2));
    let (file, value) = match random.below(10) {
        0 | 1 => (File::FromFree, on),
        2 => (File::ToFree, on),
        3 => (File::Max, i64::from(number(random, 4))),
        4 => (File::Order, random.of(Selection::ALL).number()),
        5 => (File::Timeout, random.of(&[NEVER, 0, 60_000])),
        6 | 7 => (File::Use, on),
        _ => (File::Control, on),
    };
    let free = file == File::Use && random.one_in(2);
    let pool = if free { 3 * random.below(2) } else { pool };
    Op::Set { pool, file, value }
}
