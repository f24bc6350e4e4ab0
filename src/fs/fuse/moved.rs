//! Media that have moved by themselves while the kernel still has them where they were.
//!
//! A directory has one place in the kernel. If it is looked up at another, the kernel moves what it has there, but not in the
//! middle of a rename(2): then it says ESTALE to itself, and tries once more, from the beginning of the path on and without
//! believing any name. That is what it says to its caller if it fails again, so mv(1) would fail, once.
//!
//! What is asked for in that second try shows that it is one: `media` of a pool is a name that the kernel knows for as long as it
//! knows anything in it. The medium then gets another generation, which makes it another directory to the kernel, with the same
//! number. Whoever is in the old one has to go to the new one.
//!
//! Invariant: a medium has one generation at a time, and it only grows.

use super::served::lock;
use crate::domain::id::ObjectNo;
use crate::fs::{Node, Row};
use fuser::Generation;
use std::collections::HashMap;
use std::sync::Mutex;

/// Threads whose last look is remembered.
const LOOKS_MAX: usize = 1024;

/// Which media moved unseen, and who has just looked at one.
#[derive(Default)]
pub(super) struct Moved {
    generations: Mutex<HashMap<ObjectNo, u64>>,
    /// The pool and the medium that a thread of a caller has looked up last.
    looks: Mutex<HashMap<u32, (ObjectNo, ObjectNo)>>,
}

impl Moved {
    /// Returns the generation of a node.
    pub(super) fn generation(&self, node: Node) -> Generation {
        if node.row != Row::Medium {
            return Generation(0);
        }
        let generations = lock(&self.generations);
        Generation(generations.get(&node.no).copied().unwrap_or(0))
    }

    /// Notes what a thread looks up, and returns the generation of that.
    pub(super) fn looked_up(&self, tid: u32, parent: Node, node: Node) -> Generation {
        let mut looks = lock(&self.looks);
        if node.row == Row::Medium {
            if looks.len() >= LOOKS_MAX {
                looks.clear();
            }
            looks.insert(tid, (parent.no, node.no));
        } else if node.row == Row::PoolMedia
            && let Some((pool, medium)) = looks.remove(&tid)
            && pool == node.no
        {
            *lock(&self.generations).entry(medium).or_default() += 1;
        }
        drop(looks);
        self.generation(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: ObjectNo = ObjectNo(7);
    const OTHER: ObjectNo = ObjectNo(8);

    fn media(pool: ObjectNo) -> Node {
        Node::new(Row::PoolMedia, pool)
    }

    fn medium(no: i64) -> Node {
        Node::new(Row::Medium, ObjectNo(no))
    }

    #[test]
    fn who_begins_anew_gets_another_generation() {
        let moved = Moved::default();
        let pools = Node::new(Row::Pools, ObjectNo(1));
        let all = |tid| moved.looked_up(tid, pools, media(POOL));
        all(1);
        moved.looked_up(1, media(POOL), medium(20));
        moved.looked_up(2, media(POOL), medium(21));
        assert_eq!(moved.generation(medium(20)), Generation(0));
        moved.looked_up(1, pools, media(OTHER));
        all(1);
        assert_eq!(
            moved.generation(medium(20)),
            Generation(0),
            "of another pool"
        );
        moved.looked_up(1, media(POOL), medium(20));
        all(3);
        assert_eq!(
            moved.generation(medium(20)),
            Generation(0),
            "another thread"
        );
        all(1);
        all(1);
        assert_eq!(moved.looked_up(1, media(POOL), medium(20)), Generation(1));
        assert_eq!(moved.generation(medium(21)), Generation(0));
    }

    #[test]
    fn the_looks_are_bounded() {
        let moved = Moved::default();
        for tid in 0..5_000 {
            moved.looked_up(tid, media(POOL), medium(20));
        }
        assert!(lock(&moved.looks).len() <= LOOKS_MAX);
    }
}
