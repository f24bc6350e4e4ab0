//! The second half of the reference: what is not the search itself.

use super::operation::{Op, Policy};
use super::reference::{
    Answer, Asked, Grant, HOURS_72, Medium, Reference, Request, Right, Side, demand,
};
use ntmsfs::domain::error::ErrorKind as K;
use ntmsfs::domain::state::{OperatorState as O, PoolType, SideState as S};

impl Reference {
    /// What concerns media, pools and libraries.
    pub(super) fn tend(&mut self, op: &Op, uid: u32) -> Result<(), K> {
        match op {
            Op::Complete { grant } => {
                let Grant { side, gone, .. } = self.grants[*grant];
                demand(!gone, K::ObjectNotFound)?;
                self.right(self.pool_of(side), Right::Control, uid)?;
                demand(self.sides[side].state == S::Allocated, K::InvalidState)?;
                self.sides[side].state = S::Complete;
            }
            Op::Decommission { side } => {
                demand(
                    !self.media[self.sides[*side].medium].gone,
                    K::ObjectNotFound,
                )?;
                self.right(self.pool_of(*side), Right::Control, uid)?;
                demand(self.sides[*side].state == S::Available, K::InvalidState)?;
                self.sides[*side].state = S::Decommissioned;
            }
            Op::Move { medium, pool } => self.move_medium(*medium, *pool, uid)?,
            Op::Enable { medium, on } => {
                demand(!self.media[*medium].gone, K::ObjectNotFound)?;
                self.right(self.media[*medium].pool, Right::Modify, uid)?;
                self.media[*medium].enabled = *on;
            }
            Op::Remove { medium } => {
                demand(!self.media[*medium].gone, K::ObjectNotFound)?;
                self.right(self.media[*medium].pool, Right::Control, uid)?;
                demand(!self.states(*medium).any(S::is_held), K::NotEmpty)?;
                demand(self.media[*medium].place.is_none(), K::InvalidState)?;
                self.media[*medium].gone = true;
            }
            Op::Import { pool, lines } => {
                let before = self.clone();
                if let Err(kind) = self.import(*pool, lines, uid) {
                    *self = before;
                    return Err(kind);
                }
            }
            Op::Enabled { library, on } => {
                let library = &mut self.libraries[*library];
                demand(uid == 0 || library.open, K::AccessDenied)?;
                if *on != library.enabled {
                    library.work += usize::from(*on);
                    (library.enabled, library.looking) = (*on, *on);
                }
            }
            Op::Inventory { library, found } => self.inventory(*library, found),
            Op::Set { pool, policy } => self.set(*pool, policy, uid)?,
            Op::Allocate { .. }
            | Op::Unfinished { .. }
            | Op::RemoveRequest { .. }
            | Op::Deallocate { .. }
            | Op::Undo { .. }
            | Op::Delivered { .. }
            | Op::Answer { .. }
            | Op::RemoveAsked { .. }
            | Op::Advance { .. }
            | Op::Restart { .. }
            | Op::Sweep => {}
        }
        Ok(())
    }

    /// Anonymous requests have lost their readers; an expired one gets its last try.
    pub(super) fn restart(&mut self, ms: i64) {
        let waits = |r: &Request| !r.gone && r.result.is_none();
        for no in 0..self.requests.len() {
            if waits(&self.requests[no]) && self.requests[no].name.is_none() {
                self.finish(Some(no), Answer::Failed(K::Cancelled));
            }
        }
        self.ended.clear();
        self.now += ms;
        let now = self.now;
        self.requests
            .iter_mut()
            .for_each(|r| r.deadline = r.deadline.map(|at| at.max(now)));
        self.expire();
    }

    pub(super) fn sweep(&mut self) {
        let now = self.now;
        self.requests
            .iter_mut()
            .for_each(|r| r.gone |= r.result.is_some() && r.purge <= now);
        let old = |a: &Asked| !a.state.is_open() && a.changed + HOURS_72 <= now;
        self.asked.iter_mut().for_each(|a| a.gone |= old(a));
    }

    pub(super) fn remove_request(&mut self, no: usize, uid: u32) -> Result<(), K> {
        if self.requests[no].gone {
            return Ok(());
        }
        demand(uid == 0 || uid == self.requests[no].uid, K::AccessDenied)?;
        if self.requests[no].result.is_none() {
            self.finish(Some(no), Answer::Failed(K::Cancelled));
        }
        self.requests[no].gone = true;
        Ok(())
    }

    pub(super) fn open(&self, asked: usize) -> Result<&Asked, K> {
        Some(&self.asked[asked])
            .filter(|asked| !asked.gone)
            .ok_or(K::ObjectNotFound)
    }

    pub(super) fn answer(&mut self, asked: usize, state: O, uid: u32) -> Result<(), K> {
        let request = self.open(asked)?.request;
        self.right(self.requests[request].pool, Right::Control, uid)?;
        demand(
            self.asked[asked].state.is_open() && state > self.asked[asked].state,
            K::InvalidState,
        )?;
        (self.asked[asked].state, self.asked[asked].changed) = (state, self.now);
        if state == O::Complete {
            self.retry(request, true);
            if self.requests[request].result.is_none() {
                self.ask(request);
            }
        } else if state == O::Refused {
            self.finish(Some(request), Answer::Failed(K::Cancelled));
        }
        Ok(())
    }

    /// Where a medium goes when its side is given back: where it came from if that is undone, else to free if the pool says
    /// so, and nothing on it is anybody's.
    pub(super) fn home(&self, side: usize, undone: Option<usize>) -> Option<usize> {
        let pool = self.pool_of(side);
        let kept = |s: &Side| s.state.is_owned() || matches!(s.state, S::Import | S::Foreign);
        if undone.is_some() {
            return undone;
        }
        let free = self.free(pool)?;
        (self.pools[pool].to_free && !self.others(side).any(kept)).then_some(free)
    }

    pub(super) fn deallocate(&mut self, grant: usize, uid: u32) -> Result<(), K> {
        let Grant {
            side,
            uid: owner,
            gone,
            ..
        } = self.grants[grant];
        demand(!gone, K::ObjectNotFound)?;
        let owns = owner == uid && self.right(self.pool_of(side), Right::Use, uid).is_ok();
        demand(
            owns || self.right(self.pool_of(side), Right::Control, uid).is_ok(),
            K::AccessDenied,
        )?;
        self.home(side, None)
            .map_or(Ok(()), |free| self.right(free, Right::Use, uid))?;
        self.give_back(side, false);
        Ok(())
    }

    pub(super) fn give_back(&mut self, side: usize, undone: bool) {
        let grant = &mut self.grants[self.sides[side].grant.take().expect("a grant")];
        grant.gone = true;
        let (was, from) = (grant.was, grant.from);
        let (pool, medium) = (self.pool_of(side), self.sides[side].medium);
        let home = self.home(side, undone.then_some(from));
        let spent = self.pools[pool].max > 0 && self.sides[side].count >= self.pools[pool].max;
        let last = !self.others(side).any(|other| other.state.is_owned());
        let it = &mut self.sides[side];
        it.state = match (undone, spent) {
            (true, _) if was == S::Reserved && last => S::Available,
            (true, _) => was,
            (false, true) => S::Decommissioned,
            (false, false) => S::Available,
        };
        (it.count, it.idle, it.set) = (it.count - i64::from(undone), self.now, false);
        for other in self.media[medium].sides.clone() {
            if last && self.sides[other].state == S::Reserved {
                self.sides[other].state = S::Available;
            }
        }
        self.media[medium].pool = home.unwrap_or(pool);
    }

    pub(super) fn move_medium(&mut self, medium: usize, to: usize, uid: u32) -> Result<(), K> {
        let from = self.media[medium].pool;
        demand(
            !self.media[medium].gone && self.pools[to].exists,
            K::ObjectNotFound,
        )?;
        for pool in [from, to] {
            let free = self.pools[pool].kind == PoolType::Free && from != to;
            self.right(pool, if free { Right::Use } else { Right::Control }, uid)?;
        }
        if from == to {
            return Ok(());
        }
        let kind = self.pools[to].kind;
        demand(self.pools[to].media_type.is_some(), K::InvalidMediaPool)?;
        demand(
            self.pools[to].media_type == self.pools[from].media_type,
            K::MediaIncompatible,
        )?;
        demand(!self.states(medium).any(S::is_held), K::Busy)?;
        let import = self.states(medium).all(|state| state == S::Import);
        let apart =
            kind == PoolType::Application && self.pools[from].kind == PoolType::Unrecognized;
        let may = kind != PoolType::Unrecognized && (kind != PoolType::Import || import) && !apart;
        demand(may, K::InvalidMediaPool)?;
        self.media[medium].pool = to;
        for side in self.media[medium].sides.clone() {
            if kind == PoolType::Free && self.sides[side].state != S::Decommissioned {
                self.sides[side].state = S::Available;
            }
        }
        Ok(())
    }

    /// The media type is in use from now on: it has its leaves.
    pub(super) fn use_type(&mut self, media_type: usize) {
        self.pools[media_type * 3..media_type * 3 + 3]
            .iter_mut()
            .for_each(|leaf| leaf.exists = true);
    }

    pub(super) fn create(&mut self, name: &str, pool: usize, place: Option<(usize, u32)>) {
        let (first, medium) = (self.sides.len(), self.media.len());
        let state = match self.pools[pool].kind {
            PoolType::Import => S::Import,
            PoolType::Unrecognized => S::Foreign,
            PoolType::Free | PoolType::Application => S::Available,
        };
        let count = if self.pools[pool].media_type == Some(0) {
            2
        } else {
            1
        };
        let side = Side {
            medium,
            state,
            count: 0,
            idle: self.now,
            set: false,
            grant: None,
        };
        self.sides.extend(vec![side; count]);
        let (name, sides) = (name.to_owned(), (first..first + count).collect());
        self.media.push(Medium {
            name,
            pool,
            enabled: true,
            gone: false,
            place,
            sides,
        });
    }

    pub(super) fn known(&self, fits: impl Fn(&Medium) -> bool) -> Option<usize> {
        self.media
            .iter()
            .position(|medium| !medium.gone && fits(medium))
    }

    pub(super) fn import(
        &mut self,
        pool: usize,
        lines: &[(String, Option<(usize, u32)>)],
        uid: u32,
    ) -> Result<(), K> {
        self.right(pool, Right::Control, uid)?;
        let media_type = self.pools[pool].media_type.ok_or(K::InvalidMediaPool)?;
        self.use_type(media_type);
        for (name, place) in lines {
            let open = place.is_none_or(|(library, _)| self.libraries[library].open);
            demand(uid == 0 || open, K::AccessDenied)?;
            let looking = place.is_some_and(|(library, _)| self.libraries[library].looking);
            demand(!looking, K::NotReady)?;
            if let Some(known) = self.known(|m| m.name == *name) {
                let medium = &self.media[known];
                let same = medium.pool == pool && (place.is_none() || medium.place == *place);
                demand(same, K::AlreadyExists)?;
                continue;
            }
            let taken = self.known(|m| place.is_some() && m.place == *place);
            demand(taken.is_none(), K::AlreadyExists)?;
            self.create(name, pool, *place);
        }
        Ok(())
    }

    /// What is found is where it was found; what is not is on the shelf; what is new is free.
    pub(super) fn inventory(&mut self, library: usize, found: &[(u32, String)]) {
        if self.libraries[library].work == 0 {
            return;
        }
        self.libraries[library].work -= 1;
        self.libraries[library].looking = false;
        let mut media = self.media.iter_mut();
        media
            .by_ref()
            .filter(|m| m.place.is_some_and(|(l, _)| l == library))
            .for_each(|m| m.place = None);
        for (slot, name) in found {
            match self.known(|m| m.name == *name) {
                Some(medium) => self.media[medium].place = Some((library, *slot)),
                None => self.create(
                    name,
                    self.libraries[library].media_type * 3,
                    Some((library, *slot)),
                ),
            }
        }
    }

    pub(super) fn set(&mut self, pool: usize, policy: &Policy, uid: u32) -> Result<(), K> {
        self.right(pool, Right::Modify, uid)?;
        let pools =
            self.pools[pool].kind != PoolType::Application || self.pools[pool].media_type.is_none();
        let access = matches!(policy, Policy::Use(_) | Policy::Control(_));
        demand(access || !pools, K::InvalidMediaPool)?;
        let pool = &mut self.pools[pool];
        match *policy {
            Policy::FromFree(on) => pool.from_free = on,
            Policy::ToFree(on) => pool.to_free = on,
            Policy::Max(limit) => pool.max = i64::from(limit),
            Policy::Order(order) => pool.selection = order,
            Policy::Timeout(limit) => pool.timeout = limit,
            Policy::Use(all) => pool.use_all = all,
            Policy::Control(all) => pool.control_all = all,
        }
        Ok(())
    }
}
