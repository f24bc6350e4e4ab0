//! Where every sequence begins: two libraries, nine pools, five media, here and in the reference.

use super::operation::{File, LEAVES, NEVER, Op, Pool, SLOTS};
use super::real::{LIBRARIES, Names, Pair, TYPES};
use super::reference::Reference;
use crate::harness::world::{World, now};
use ntmsfs::domain::ask::SetAccess;
use ntmsfs::domain::id::CATALOG;
use ntmsfs::domain::state::{PoolType, Selection, SideState};

/// The system pools, and how new media begin in them.
const SYSTEM: [(&str, PoolType, SideState); 3] = [
    ("Free", PoolType::Free, SideState::Available),
    ("Import", PoolType::Import, SideState::Import),
    ("Unrecognized", PoolType::Unrecognized, SideState::Foreign),
];
/// The pools of applications: name, whether it is below another pool, media type.
const APPLICATIONS: [(&str, bool, usize); 3] = [("A", false, 0), ("B", true, 0), ("C", false, 1)];
/// Sides of the media of each type: three, so that one can be taken, one reserved, and one given back.
const SIDES: [usize; 2] = [3, 1];
/// What is set of pools in the beginning, so that they share what is free, each in its order.
const SET: [(usize, File, i64); 5] = [
    (LEAVES, File::ToFree, 1),
    (LEAVES + 1, File::FromFree, 1),
    (LEAVES + 1, File::Order, Selection::Fill.number()),
    (LEAVES + 2, File::FromFree, 1),
    (LEAVES + 2, File::Order, Selection::Name.number()),
];
/// The first media: pool, name, slot. Their names are in another order than their ages.
const MEDIA: [(usize, &str, u32); 5] = [
    (0, "c2", 1),
    (LEAVES, "c1", 2),
    (1, "c4", 3),
    (LEAVES + 2, "t2", 1),
    (3, "t1", 2),
];

/// Where every sequence begins.
pub(super) struct Template {
    bytes: Vec<u8>,
    reference: Reference,
    names: Names,
}

impl Template {
    pub(super) fn new() -> Self {
        crate::harness::world::reset();
        let mut pair = Pair {
            world: World::new(),
            reference: Reference::default(),
            names: Names::default(),
        };
        pair.found();
        for (pool, file, value) in SET {
            pair.step(&Op::Set { pool, file, value }).expect("a policy");
        }
        for (pool, name, slot) in MEDIA {
            let place = Some((pair.reference.pools[pool].media_type, slot));
            pair.step(&Op::Import { pool, name, place })
                .expect("a first medium");
        }
        let Pair {
            world,
            reference,
            names,
        } = pair;
        Self {
            bytes: world.into_bytes(),
            reference,
            names,
        }
    }

    pub(super) fn open(&self) -> Pair {
        crate::harness::world::reset();
        Pair {
            world: World::alone(&self.bytes),
            reference: self.reference.clone(),
            names: self.names.clone(),
        }
    }
}

impl Pair {
    /// Makes the libraries and pools of the world, here and there, open to everybody.
    fn found(&mut self) {
        let world = &mut self.world;
        let sides = u32::try_from(SIDES[0]).expect("a small number");
        world.media_type(TYPES[0], sides);
        self.names.libraries = (0..2)
            .map(|n| world.library(LIBRARIES[n], TYPES[n], SLOTS[n]))
            .collect();
        self.reference.libraries = [true; 2];
        self.reference.now = now();
        for (media_type, type_name) in TYPES.iter().enumerate() {
            for (name, kind, first) in SYSTEM {
                let no = self.world.leaf(name, type_name);
                self.world.set(no, SetAccess::Control(0o666));
                self.names.pools.push(no);
                self.add(kind, media_type, first);
            }
        }
        let group = self.world.pool(CATALOG, "G", "");
        for (name, below, media_type) in APPLICATIONS {
            let above = if below { group } else { CATALOG };
            let no = self.world.pool(above, name, TYPES[media_type]);
            self.names.pools.push(no);
            self.add(PoolType::Application, media_type, SideState::Available);
        }
    }

    fn add(&mut self, kind: PoolType, media_type: usize, first: SideState) {
        self.reference.pools.push(Pool {
            kind,
            media_type,
            sides: SIDES[media_type],
            first,
            free: media_type * SYSTEM.len(),
            files: [(File::Timeout, NEVER)].into(),
        });
    }
}
