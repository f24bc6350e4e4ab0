//! Where every sequence begins: two libraries, five pools, seven media, here and in the reference.

use super::operation::{File, NEVER, Op, Pool, SLOTS};
use super::real::{LIBRARIES, Names, Pair, SYSTEM, TYPES};
use super::reference::{LEAVES, Reference};
use crate::world::{World, now};
use ntmsfs::domain::ask::{Ask, SetLibrary, SetPool};
use ntmsfs::domain::id::CATALOG;
use ntmsfs::domain::state::PoolType;

/// Where every sequence begins.
pub(super) struct Template {
    bytes: Vec<u8>,
    reference: Reference,
    names: Names,
}

impl Template {
    pub(super) fn new() -> Self {
        crate::world::reset();
        let mut pair = Pair {
            world: World::new(),
            reference: Reference::default(),
            names: Names::default(),
        };
        pair.found();
        for (pool, names) in [
            (0, &["m0", "m1"][..]),
            (LEAVES, &["m2"]),
            (1, &["m3"]),
            (11, &["t0"]),
            (3, &["t1"]),
        ] {
            let library = pair.reference.pools[pool].media_type.expect("a type");
            let slot = |name: &&str| {
                name.trim_start_matches(['m', 't'])
                    .parse()
                    .map(|n: u32| (library, n + 1))
                    .expect("a number")
            };
            let lines = names.iter().map(|name| (*name, Some(slot(name)))).collect();
            pair.step(&Op::Import { pool, lines }, 0)
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
        crate::world::reset();
        Pair {
            world: World::alone(&self.bytes),
            reference: self.reference.clone(),
            names: self.names.clone(),
        }
    }
}

impl Pair {
    /// Makes the pools and libraries of the world, here and there.
    fn found(&mut self) {
        let world = &mut self.world;
        self.names.libraries = (0..2)
            .map(|n| world.library(LIBRARIES[n], TYPES[n], SLOTS[n]))
            .collect();
        let (no, set) = (self.names.libraries[1], SetLibrary::Mode(0o755));
        world.done(Ask::SetLibrary { no, set });
        let leaf = |n: usize| world.leaf(["Free", "Import", "Unrecognized"][n % 3], TYPES[n / 3]);
        self.names.pools = (0..LEAVES).map(|n| (n < 6).then(|| leaf(n))).collect();
        let group = world.pool(CATALOG, "G", "");
        let pools = [
            ("A", CATALOG, 0, 1000),
            ("B", group, 0, 1001),
            ("C", CATALOG, 1, 1000),
            ("D", CATALOG, 2, 1000),
        ];
        let mut owners = vec![(PoolType::Application, None, group, 0)];
        for (name, parent, media_type, uid) in pools.into_iter().rev() {
            let no = world.pool(parent, name, TYPES[media_type]);
            owners.insert(0, (PoolType::Application, Some(media_type), no, uid));
        }
        for (_, _, no, uid) in &owners {
            world.set(*no, SetPool::Mode(0o755));
            world.set(*no, SetPool::Control(0o660));
            world.set(
                *no,
                SetPool::Owner {
                    uid: Some(*uid),
                    gid: Some(*uid),
                },
            );
        }
        let leaves = (0..LEAVES).map(|n| (SYSTEM[n % 3], Some(n / 3), 0));
        let applications = owners
            .iter()
            .map(|&(kind, media_type, _, owner)| (kind, media_type, owner));
        let pools = leaves.chain(applications);
        let reference = &mut self.reference;
        for (no, (kind, media_type, owner)) in pools.enumerate() {
            reference.pools.push(Pool {
                kind,
                media_type,
                owner,
            });
            reference.files.insert((no, File::Use), 1);
            reference.files.insert((no, File::Timeout), NEVER);
        }
        reference.libraries = [(true, false, 0); 2];
        reference.now = now();
        self.names
            .pools
            .extend(owners.iter().map(|owner| Some(owner.2)));
    }
}
