//! The operations of the model test, and how numbers become one of them.
//!
//! A sequence is a list of numbers alone, so that any part of it can be left out when a failure is made small: what the
//! numbers mean is decided when their turn comes, from what there is then.

use super::reference::{LEAVES, Medium, Reference};
use ntmsfs::domain::state::{OperatorState, Selection};

/// An allocation request; what is named is an index of the reference, `Some(None)` is an identifier of nothing.
#[derive(Debug, Clone, Default)]
#[expect(clippy::option_option, reason = "not asked, nothing, something")]
pub(crate) struct Want {
    pub(crate) new: bool,
    pub(crate) next: bool,
    pub(crate) error: bool,
    pub(crate) timeout: Option<Option<i64>>,
    pub(crate) side: Option<Option<usize>>,
    pub(crate) media: Option<Option<usize>>,
}

/// A library and the number of one of its slots.
pub(crate) type Place = (usize, u32);

#[derive(Debug, Clone)]
#[rustfmt::skip]
pub(crate) enum Op {
    Allocate { pool: usize, want: Want, name: Option<u32> },
    Unfinished { pool: usize, name: u32 },
    RemoveRequest { request: usize },
    Deallocate { grant: usize },
    Undo { grant: usize },
    Delivered { grant: usize },
    Complete { grant: usize },
    Decommission { side: usize },
    Move { medium: usize, pool: usize },
    Enable { medium: usize, on: bool },
    Remove { medium: usize },
    Import { pool: usize, lines: Vec<(String, Option<Place>)> },
    Enabled { library: usize, on: bool },
    Inventory { library: usize, found: Vec<(u32, String)> },
    Set { pool: usize, policy: Policy },
    Answer { asked: usize, state: OperatorState },
    RemoveAsked { asked: usize },
    Advance { ms: i64 },
    Restart { ms: i64 },
    Sweep,
}

#[derive(Debug, Clone)]
pub(crate) enum Policy {
    FromFree(bool),
    ToFree(bool),
    Max(u32),
    Order(Selection),
    Timeout(Option<i64>),
    Use(bool),
    Control(bool),
}

/// The users of the world; root first.
const UIDS: [u32; 3] = [0, 1000, 1001];
/// Slots of each library.
pub(crate) const SLOTS: [u32; 2] = [6, 4];
/// Names of the media of each type.
const NAMES: [&[&str]; 3] = [
    &["m0", "m1", "m2", "m3", "m4", "m5"],
    &["t0", "t1", "t2", "t3"],
    &["d0"],
];

/// The generator of numbers called `SplitMix64`.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
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
pub(crate) fn decode(number: u64, world: &Reference) -> (Op, u32) {
    let mut random = Random(number);
    let users = if random.one_in(2) { 1 } else { UIDS.len() };
    let uid = random.of(&UIDS[..users]);
    let op = choose(&mut random, world);
    (op.unwrap_or(Op::Sweep), uid)
}

/// `None` if there is nothing that the operation could be about.
fn choose(random: &mut Random, world: &Reference) -> Option<Op> {
    let grant = random.recent(world.grants.len());
    let medium = random.below(world.media.len());
    Some(match random.below(100) {
        0..30 => allocate(random, world),
        30..41 => Op::Deallocate { grant: grant? },
        41..44 => Op::Undo { grant: grant? },
        44..46 => Op::Delivered { grant: grant? },
        46..49 => Op::Complete { grant: grant? },
        49..51 => Op::Decommission {
            side: random.below(world.sides.len()),
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
        79..87 => Op::Set {
            pool: pool(random, world),
            policy: policy(random),
        },
        87..91 => {
            let (asked, states) = (random.recent(world.asked.len())?, OperatorState::ALL);
            Op::Answer {
                asked,
                state: random.of(states),
            }
        }
        91 => Op::RemoveAsked {
            asked: random.recent(world.asked.len())?,
        },
        92..94 => Op::Advance {
            ms: random.of(&[1, 5000, 60_000, 3_600_000, 80 * 3_600_000]),
        },
        94 => Op::Restart {
            ms: random.of(&[0, 5000]),
        },
        95 => Op::Sweep,
        96 => Op::Unfinished {
            pool: pool(random, world),
            name: 0,
        },
        _ => Op::RemoveRequest {
            request: random.recent(world.requests.len())?,
        },
    })
}

/// Any pool that exists, most often one of the applications.
fn pool(random: &mut Random, world: &Reference) -> usize {
    let from = if random.one_in(3) { 0 } else { LEAVES };
    let pool = from + random.below(world.pools.len() - from);
    if world.pools[pool].exists {
        pool
    } else {
        LEAVES
    }
}

fn allocate(random: &mut Random, world: &Reference) -> Op {
    let (new, next) = (random.one_in(4), random.one_in(7));
    let grant = world.grants.len();
    let mut want = Want {
        new: new && !next,
        next,
        ..Want::default()
    };
    want.error = random.one_in(5);
    want.timeout = random.of(&[
        None,
        None,
        Some(Some(0)),
        Some(Some(5000)),
        Some(Some(60_000)),
        Some(None),
    ]);
    if random.one_in(5) {
        want.side = Some((!random.one_in(9)).then(|| random.below(world.sides.len())));
    }
    if next && !random.one_in(6) || random.one_in(30) {
        want.media = Some(
            (grant > 0 && !random.one_in(9))
                .then(|| random.recent(grant))
                .flatten(),
        );
    }
    let name = random.one_in(3).then(|| random.of(&[1, 2, 3, 4]));
    Op::Allocate {
        pool: pool(random, world),
        want,
        name,
    }
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
            random.of(NAMES[media_type]).to_owned(),
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
    let here = |m: &Medium| {
        m.place
            .filter(|(at, _)| *at == library && !m.gone)
            .map(|(_, slot)| slot)
    };
    let believed = world
        .media
        .iter()
        .filter_map(|m| Some((here(m)?, m.name.clone())));
    let mut found: Vec<(u32, String)> = believed.collect();
    found.retain(|_| !random.one_in(6));
    let (name, slot) = (
        random.of(NAMES[library]).to_owned(),
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

fn policy(random: &mut Random) -> Policy {
    let on = random.one_in(2);
    match random.below(8) {
        0 | 1 => Policy::FromFree(on),
        2 => Policy::ToFree(on),
        3 => Policy::Max(number(random, 4)),
        4 => Policy::Order(random.of(Selection::ALL)),
        5 => Policy::Timeout(random.of(&[None, Some(0), Some(60_000)])),
        6 => Policy::Use(on),
        _ => Policy::Control(on),
    }
}
