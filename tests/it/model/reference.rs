//! The reference: what the pages on allocation and on the tree say, as plain structs and vectors, written without the
//! code under test. Whatever has a number here is never removed from its vector, so an index names it for ever.

use super::operation::{Op, Want};
use ntmsfs::domain::error::ErrorKind as K;
use ntmsfs::domain::state::{OperatorState as O, PoolType, Selection, SideState as S};

/// Hours that answered operator requests are kept, in milliseconds.
pub(crate) const HOURS_72: i64 = 72 * 3_600_000;
/// How many pools are leaves of system pools: free, import, unrecognized of each of three types.
pub(crate) const LEAVES: usize = 9;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Done,
    Got(usize),
    Failed(K),
    Waits(usize),
    Refused(K),
}

#[derive(Debug, Clone)]
#[rustfmt::skip]
#[expect(clippy::struct_excessive_bools, reason = "each is a file of the pool")]
pub(crate) struct Pool {
    pub(crate) kind: PoolType, pub(crate) media_type: Option<usize>, pub(crate) exists: bool, pub(crate) owner: u32,
    pub(crate) use_all: bool, pub(crate) control_all: bool, pub(crate) from_free: bool, pub(crate) to_free: bool,
    pub(crate) max: i64, pub(crate) selection: Selection, pub(crate) timeout: Option<i64>,
}
#[derive(Debug, Clone)]
#[rustfmt::skip]
pub(crate) struct Medium {
    pub(crate) name: String, pub(crate) pool: usize, pub(crate) enabled: bool, pub(crate) gone: bool,
    pub(crate) place: Option<(usize, u32)>, pub(crate) sides: Vec<usize>,
}
#[derive(Debug, Clone)]
#[rustfmt::skip]
pub(crate) struct Side {
    pub(crate) medium: usize, pub(crate) state: S, pub(crate) count: i64, pub(super) idle: i64, pub(super) set: bool,
    pub(crate) grant: Option<usize>,
}
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) side: usize,
    pub(crate) uid: u32,
    pub(super) was: S,
    pub(super) from: usize,
    pub(crate) gone: bool,
}
#[derive(Debug, Clone)]
#[rustfmt::skip]
pub(crate) struct Request {
    pub(crate) pool: usize, pub(crate) name: Option<u32>, pub(crate) uid: u32, pub(super) want: Want, pub(super) deadline: Option<i64>,
    pub(crate) result: Option<Answer>, pub(super) purge: i64, pub(crate) gone: bool,
}
impl Request {
    fn new(pool: usize, want: Want, name: Option<u32>, uid: u32) -> Self {
        let (deadline, result, purge, gone) = (None, None, 0, false);
        Self {
            pool,
            name,
            uid,
            want,
            deadline,
            result,
            purge,
            gone,
        }
    }
}
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) request: usize,
    pub(crate) state: O,
    pub(super) changed: i64,
    pub(crate) gone: bool,
}
#[derive(Debug, Clone)]
pub(crate) struct Library {
    pub(crate) media_type: usize,
    /// Whether everybody may change and fill it; else root alone.
    pub(crate) open: bool,
    pub(crate) enabled: bool,
    /// Whether its first inventory after it was enabled is under way.
    pub(crate) looking: bool,
    pub(crate) work: usize,
}

#[derive(Debug, Clone, Default)]
#[rustfmt::skip]
pub(crate) struct Reference {
    pub(crate) now: i64, pub(crate) pools: Vec<Pool>, pub(crate) media: Vec<Medium>, pub(crate) sides: Vec<Side>,
    pub(crate) grants: Vec<Grant>, pub(crate) requests: Vec<Request>, pub(crate) asked: Vec<Asked>,
    pub(crate) libraries: Vec<Library>, pub(crate) ended: Vec<(Option<usize>, Answer)>,
}

pub(super) fn demand(holds: bool, kind: K) -> Result<(), K> {
    if holds { Ok(()) } else { Err(kind) }
}

#[derive(Clone, Copy)]
pub(super) enum Right {
    Use,
    Modify,
    Control,
}

impl Reference {
    /// Performs one operation. `failed` are the waiting requests of which the manager says that a retry failed: whether
    /// a change of rights ends a waiting request at the next retry or later is not laid down.
    pub(crate) fn perform(&mut self, op: &Op, uid: u32, failed: &[usize]) -> Answer {
        self.ended.clear();
        let answer = self.operate(op, uid).unwrap_or_else(Answer::Refused);
        if !matches!(answer, Answer::Refused(_)) {
            self.settle(failed);
        }
        answer
    }

    pub(super) fn operate(&mut self, op: &Op, uid: u32) -> Result<Answer, K> {
        match op {
            Op::Allocate { pool, want, name } => return self.allocate(*pool, want, *name, uid),
            Op::Unfinished { pool, name } => {
                self.admit(*pool, Some(*name), uid)?;
                let request = self.request(Request::new(*pool, Want::default(), Some(*name), uid));
                return Ok(self.finish(Some(request), Answer::Failed(K::InvalidParameter)));
            }
            Op::RemoveRequest { request } => self.remove_request(*request, uid)?,
            Op::Deallocate { grant } => self.deallocate(*grant, uid)?,
            Op::Undo { grant } => {
                let Grant { side, gone, .. } = self.grants[*grant];
                if !gone && !self.others(side).any(|s| s.state.is_owned()) {
                    self.give_back(side, true);
                }
            }
            Op::Delivered { .. } => {}
            Op::Answer { asked, state } => self.answer(*asked, *state, uid)?,
            Op::RemoveAsked { asked } => {
                let pool = self.requests[self.open(*asked)?.request].pool;
                self.right(pool, Right::Control, uid)?;
                demand(!self.asked[*asked].state.is_open(), K::InvalidState)?;
                self.asked[*asked].gone = true;
            }
            Op::Advance { ms } => {
                self.now += ms;
                self.expire();
            }
            Op::Restart { ms } => self.restart(*ms),
            Op::Sweep => self.sweep(),
            Op::Complete { .. }
            | Op::Decommission { .. }
            | Op::Move { .. }
            | Op::Enable { .. }
            | Op::Remove { .. }
            | Op::Import { .. }
            | Op::Enabled { .. }
            | Op::Inventory { .. }
            | Op::Set { .. } => self.tend(op, uid)?,
        }
        Ok(Answer::Done)
    }

    pub(super) fn right(&self, pool: usize, right: Right, uid: u32) -> Result<(), K> {
        let pool = &self.pools[pool];
        let all = match right {
            Right::Use => pool.use_all,
            Right::Control => pool.control_all,
            Right::Modify => false,
        };
        demand(uid == 0 || uid == pool.owner || all, K::AccessDenied)
    }

    pub(super) fn pool_of(&self, side: usize) -> usize {
        self.media[self.sides[side].medium].pool
    }

    pub(super) fn states(&self, medium: usize) -> impl Iterator<Item = S> {
        self.media[medium]
            .sides
            .iter()
            .map(|&side| self.sides[side].state)
    }

    pub(super) fn others(&self, side: usize) -> impl Iterator<Item = &Side> {
        let sides = &self.media[self.sides[side].medium].sides;
        sides
            .iter()
            .filter(move |&&other| other != side)
            .map(|&other| &self.sides[other])
    }

    pub(super) fn enabled(&self, medium: &Medium) -> bool {
        medium.enabled
            && medium
                .place
                .is_none_or(|(library, _)| self.libraries[library].enabled)
    }

    /// The free pool of the type of a pool.
    pub(super) fn free(&self, pool: usize) -> Option<usize> {
        let free = self.pools[pool].media_type? * 3;
        self.pools[free].exists.then_some(free)
    }

    pub(super) fn admit(&self, pool: usize, name: Option<u32>, uid: u32) -> Result<(), K> {
        self.right(pool, Right::Control, uid)?;
        let takes =
            self.pools[pool].kind == PoolType::Application && self.pools[pool].media_type.is_some();
        demand(takes, K::InvalidMediaPool)?;
        let same = |r: &Request| !r.gone && r.pool == pool && r.name.is_some() && r.name == name;
        demand(!self.requests.iter().any(same), K::AlreadyExists)
    }

    pub(super) fn request(&mut self, request: Request) -> usize {
        self.requests.push(request);
        self.requests.len() - 1
    }

    /// A request has its result: a named one keeps it, its open operator request is gone.
    pub(super) fn finish(&mut self, request: Option<usize>, answer: Answer) -> Answer {
        if let Some(no) = request {
            let request = &mut self.requests[no];
            (request.result, request.purge) = (Some(answer.clone()), self.now + HOURS_72);
            request.gone = request.name.is_none();
            let mine = |a: &&mut Asked| a.request == no && a.state.is_open();
            self.asked
                .iter_mut()
                .filter(mine)
                .for_each(|a| a.gone = true);
        }
        self.ended.push((request, answer.clone()));
        answer
    }

    pub(super) fn ask(&mut self, request: usize) {
        self.asked.push(Asked {
            request,
            state: O::Submitted,
            changed: self.now,
            gone: false,
        });
    }

    pub(super) fn allocate(
        &mut self,
        pool: usize,
        want: &Want,
        name: Option<u32>,
        uid: u32,
    ) -> Result<Answer, K> {
        self.admit(pool, name, uid)?;
        let limit = want.timeout.unwrap_or(self.pools[pool].timeout);
        let found = self.search(pool, want, uid);
        let waits = found == Ok(None) && !want.error && limit != Some(0);
        let request = (waits || name.is_some()).then(|| {
            let mut request = Request::new(pool, want.clone(), name, uid);
            request.deadline = limit.map(|ms| self.now + ms);
            self.request(request)
        });
        Ok(match (found, request) {
            (Ok(Some(side)), _) => self.grant((pool, side), want, uid, request),
            (Ok(None), Some(no)) if waits => {
                self.ask(no);
                Answer::Waits(no)
            }
            (Ok(None), _) => self.finish(request, Answer::Failed(K::MediaUnavailable)),
            (Err(kind), _) => self.finish(request, Answer::Failed(kind)),
        })
    }

    pub(super) fn search(&self, pool: usize, want: &Want, uid: u32) -> Result<Option<usize>, K> {
        let side = if want.next {
            Some(self.next(pool, want)?)
        } else if let Some(side) = want.side {
            Some(self.named(pool, side, want.new)?)
        } else if let Some(side) = self.first(pool, pool, want.new) {
            Some(side)
        } else if self.pools[pool].from_free {
            let free = self.free(pool).ok_or(K::DeviceNotAvailable)?;
            self.right(free, Right::Use, uid)?;
            self.first(pool, free, want.new)
        } else {
            None
        };
        if let Some(from) = side
            .map(|side| self.pool_of(side))
            .filter(|from| *from != pool)
        {
            let free = self.pools[from].kind == PoolType::Free;
            self.right(from, if free { Right::Use } else { Right::Control }, uid)?;
        }
        Ok(side)
    }

    pub(super) fn usable(&self, medium: usize) -> Result<(), K> {
        demand(self.enabled(&self.media[medium]), K::ResourceDisabled)?;
        demand(self.media[medium].place.is_some(), K::MediaOffline)
    }

    pub(super) fn next(&self, pool: usize, want: &Want) -> Result<usize, K> {
        let live = |side: usize| {
            (!self.media[self.sides[side].medium].gone)
                .then_some(side)
                .ok_or(K::InvalidMedia)
        };
        let media = want.media.map(|token| {
            let grant = token
                .map(|token| &self.grants[token])
                .filter(|grant| !grant.gone);
            grant.map(|grant| grant.side).ok_or(K::InvalidMedia)
        });
        let media = media.transpose()?;
        let side = want
            .side
            .map(|side| side.ok_or(K::InvalidMedia).and_then(live))
            .transpose()?;
        let medium = self.sides[media.or(side).ok_or(K::InvalidMedia)?].medium;
        demand(
            side.is_none_or(|side| self.sides[side].medium == medium),
            K::InvalidMedia,
        )?;
        demand(self.media[medium].pool == pool, K::InvalidMedia)?;
        let opened = self.media[medium]
            .sides
            .iter()
            .any(|&side| self.sides[side].set);
        demand(
            media.map_or(opened, |side| self.sides[side].set),
            K::InvalidMedia,
        )?;
        self.usable(medium)?;
        let reserved = self.media[medium]
            .sides
            .iter()
            .find(|&&side| self.sides[side].state == S::Reserved);
        reserved.copied().ok_or(K::MediaUnavailable)
    }

    pub(super) fn named(&self, pool: usize, side: Option<usize>, new: bool) -> Result<usize, K> {
        let side = side
            .filter(|&side| !self.media[self.sides[side].medium].gone)
            .ok_or(K::InvalidMedia)?;
        let (medium, from) = (self.sides[side].medium, &self.pools[self.pool_of(side)]);
        demand(
            from.media_type == self.pools[pool].media_type,
            K::MediaIncompatible,
        )?;
        self.usable(medium)?;
        let (own, state) = (self.media[medium].pool == pool, self.sides[side].state);
        let free = self.pools[pool].from_free && from.kind == PoolType::Free;
        let import = state == S::Import && (own || from.kind == PoolType::Import);
        demand(
            import || state == S::Available && (own || free),
            K::MediaUnavailable,
        )?;
        demand(
            !new || !import || self.media[medium].sides.len() == 1,
            K::InvalidParameter,
        )?;
        demand(
            !new || self.others(side).all(|other| other.state == S::Available),
            K::MediaUnavailable,
        )?;
        Ok(side)
    }

    /// The first side of a pool, in the order that the asking pool wants.
    pub(super) fn first(&self, asking: usize, pool: usize, new: bool) -> Option<usize> {
        let fits = |&side: &usize| {
            let Side { medium, state, .. } = self.sides[side];
            let m = &self.media[medium];
            let whole = || self.states(medium).all(|state| state == S::Available);
            !m.gone
                && m.pool == pool
                && self.usable(medium).is_ok()
                && state == S::Available
                && (!new || whole())
        };
        (0..self.sides.len()).filter(fits).min_by_key(|&no| {
            let (side, shared) = (
                &self.sides[no],
                self.others(no).any(|other| other.state.is_owned()),
            );
            let (name, least) = (&self.media[side.medium].name, (side.count, side.idle));
            match self.pools[asking].selection {
                Selection::LeastUsed => (0, least, Some(name), no),
                Selection::Fill => (usize::from(!shared), least, Some(name), no),
                Selection::Name => (0, (0, 0), Some(name), no),
                Selection::Oldest => (0, (0, 0), None, no),
            }
        })
    }

    pub(super) fn grant(
        &mut self,
        (pool, side): (usize, usize),
        want: &Want,
        uid: u32,
        request: Option<usize>,
    ) -> Answer {
        let (medium, token, from) = (
            self.sides[side].medium,
            self.grants.len(),
            self.pool_of(side),
        );
        self.media[medium].pool = pool;
        self.grants.push(Grant {
            side,
            uid,
            was: self.sides[side].state,
            from,
            gone: false,
        });
        for other in self.media[medium].sides.clone() {
            if want.new && other != side {
                self.sides[other].state = S::Reserved;
            }
        }
        let (it, now) = (&mut self.sides[side], self.now);
        (it.state, it.idle, it.set, it.grant) =
            (S::Allocated, now, want.new || want.next, Some(token));
        it.count += 1;
        self.finish(request, Answer::Got(token))
    }

    /// Tries waiting requests, oldest first, until nothing more can be given.
    pub(super) fn settle(&mut self, failed: &[usize]) {
        for no in 0..self.requests.len() {
            if self.requests[no].result.is_none() && !self.requests[no].gone {
                self.retry(no, failed.contains(&no));
            }
        }
    }

    /// Tries a request once more; an error ends it if it may.
    pub(super) fn retry(&mut self, no: usize, may_fail: bool) {
        let Request {
            pool, uid, want, ..
        } = self.requests[no].clone();
        match self.search(pool, &want, uid) {
            Ok(Some(side)) => drop(self.grant((pool, side), &want, uid, Some(no))),
            Err(kind) if may_fail => drop(self.finish(Some(no), Answer::Failed(kind))),
            _ => {}
        }
    }

    pub(super) fn expire(&mut self) {
        let due = |r: &Request| {
            r.deadline
                .filter(|at| *at <= self.now && r.result.is_none() && !r.gone)
        };
        let mut late: Vec<(i64, usize)> = self
            .requests
            .iter()
            .enumerate()
            .filter_map(|(no, r)| Some((due(r)?, no)))
            .collect();
        late.sort_unstable();
        for (_, no) in late {
            self.retry(no, true);
            if self.requests[no].result.is_none() {
                self.finish(Some(no), Answer::Failed(K::Timeout));
            }
        }
    }
}
