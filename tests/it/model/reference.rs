//! The reference: what design/allocation.md says, in plain data, written without the code under test.
//!
//! Everybody has every right here: `matrix.rs`, `allocation_rules.rs`, `pools.rs` and `waiting_requests.rs` have the rights, in tables.
//! Requests, media and operator requests are numbers from 0; nothing ever loses its number.

use super::operation::{At, File, NEVER, NOTHING, Op, Place, Pool, Want};
use ntmsfs::domain::error::ErrorKind as K;
use ntmsfs::domain::state::SideState::{self as S, Allocated, Available, Decommissioned, Reserved};
use ntmsfs::domain::state::{OperatorState as O, PoolType as P, Selection};

/// How long results and answered operator requests are kept, in milliseconds: 72 hours.
const KEPT: i64 = 72 * 3_600_000;

pub(super) type Is<T = ()> = Result<T, K>;

#[derive(Debug, Clone, Default)]
pub(super) struct Reference {
    pub(super) now: i64,
    pub(super) pools: Vec<Pool>,
    /// Whether each library is enabled.
    pub(super) libraries: [bool; 2],
    pub(super) media: Vec<Medium>,
    /// The columns of requests: until when it waits, later until when its result is kept; the result, none while it waits.
    pub(super) want: Vec<Want>,
    until: Vec<i64>,
    pub(super) result: Vec<Option<Is<At>>>,
    /// Operator requests: the request, the state, until when it is kept.
    pub(super) asked: Vec<(usize, O, i64)>,
    /// The last sweep: what was kept until then is gone.
    swept: i64,
}

/// A medium, and the columns of its sides.
#[derive(Debug, Clone)]
pub(super) struct Medium {
    pub(super) name: &'static str,
    pub(super) pool: usize,
    pub(super) place: Option<Place>,
    pub(super) enabled: bool,
    pub(super) state: Vec<S>,
    pub(super) count: Vec<i64>,
    idle: Vec<i64>,
    /// The request that got it, and its state and pool before that.
    pub(super) owner: Vec<Option<(usize, S, usize)>>,
}

fn demand(holds: bool, kind: K) -> Is {
    if holds { Ok(()) } else { Err(kind) }
}
fn turn(states: &mut [S], turns: impl Fn(S) -> bool, to: S) {
    let states = states.iter_mut().filter(|state| turns(**state));
    states.for_each(|state| *state = to);
}

impl Reference {
    /// Performs an operation, then the waiting requests get what there is, oldest first.
    pub(super) fn step(&mut self, op: &Op) -> Is {
        let done = self.perform(op);
        for no in self.waiting() {
            if let Ok(Some(at)) = self.search(no) {
                self.finish(no, Ok(at));
            }
        }
        done
    }

    /// What is refused changes nothing.
    fn perform(&mut self, op: &Op) -> Is {
        match *op {
            Op::Allocate(want) => self.allocate(want)?,
            Op::RemoveRequest { request } => {
                self.result[request].get_or_insert(Err(K::Cancelled));
                self.until[request] = 0;
            }
            Op::Answer { asked, to } => self.answered(asked, to)?,
            Op::Deallocate { grant } => self.give_back(grant, false)?,
            Op::Undo { grant } => drop(self.give_back(grant, true)),
            Op::Complete { grant } => self.mark(self.live(grant)?, Allocated, S::Complete)?,
            Op::Decommission { side } => self.mark(side, Available, Decommissioned)?,
            Op::Move { medium, pool } => self.relocate(medium, pool)?,
            Op::Enable { medium, on } => self.media[medium].enabled = on,
            Op::Place { medium, place } => self.media[medium].place = place,
            Op::Import { pool, name, place } => self.import(pool, name, place),
            Op::Enabled { library, on } => self.libraries[library] = on,
            Op::Set { pool, file, value } => drop(self.pools[pool].files.insert(file, value)),
            Op::Advance { ms, restart } => self.advance(ms, restart),
            Op::Sweep => self.swept = self.now,
            Op::Delivered { .. } => {}
        }
        Ok(())
    }

    fn waiting(&self) -> Vec<usize> {
        let all = 0..self.result.len();
        all.filter(|no| self.result[*no].is_none()).collect()
    }
    pub(super) fn is_kept(&self, request: usize) -> bool {
        self.until[request] > self.swept
    }
    /// An open operator request goes with its waiting request.
    pub(super) fn is_asked(&self, asked: usize) -> bool {
        let (request, _, until) = self.asked[asked];
        until > self.swept && (until < NEVER || self.result[request].is_none())
    }
    /// The side that a request got, if it still has it.
    pub(super) fn live(&self, grant: usize) -> Is<At> {
        let has = |owner: &Option<(usize, S, usize)>| owner.is_some_and(|owner| owner.0 == grant);
        let on = |no: usize| Some((no, self.media[no].owner.iter().position(has)?));
        (0..self.media.len()).find_map(on).ok_or(K::ObjectNotFound)
    }
    fn usable(&self, medium: &Medium) -> Is {
        let on = medium.place.is_none_or(|place| self.libraries[place.0]);
        demand(medium.enabled && on, K::ResourceDisabled)?;
        demand(medium.place.is_some(), K::MediaOffline)
    }
    fn mark(&mut self, at: At, from: S, to: S) -> Is {
        let state = &mut self.media[at.0].state[at.1];
        demand(*state == from, K::InvalidState)?;
        *state = to;
        Ok(())
    }

    fn allocate(&mut self, want: Want) -> Is {
        let no = self.want.len();
        let same = |no| self.is_kept(no) && self.want[no].name == want.name;
        demand(want.name.is_none() || !(0..no).any(same), K::AlreadyExists)?;
        let timeout = self.pools[want.pool].file(File::Timeout);
        let limit = want.timeout.unwrap_or(timeout);
        self.want.push(want);
        self.until.push(self.now.saturating_add(limit));
        self.result.push(None);
        let at_once = want.error || limit == 0;
        self.attempt(no, at_once.then_some(K::MediaUnavailable));
        Ok(())
    }

    /// Searches for a request. Nothing there: it fails with `otherwise`, or an operator is asked and it waits.
    fn attempt(&mut self, no: usize, otherwise: Option<K>) {
        match (self.search(no).transpose(), otherwise) {
            (Some(result), _) => self.finish(no, result),
            (None, Some(kind)) => self.finish(no, Err(kind)),
            (None, None) => self.asked.push((no, O::Submitted, NEVER)),
        }
    }

    /// A request has its result, which is kept if it has a name.
    fn finish(&mut self, no: usize, result: Is<At>) {
        let want = self.want[no];
        self.until[no] = want.name.map_or(0, |_| self.now + KEPT);
        self.result[no] = Some(result);
        if let Ok((medium, side)) = result {
            let medium = &mut self.media[medium];
            medium.owner[side] = Some((no, medium.state[side], medium.pool));
            turn(&mut medium.state, |_| want.new, Reserved);
            medium.state[side] = Allocated;
            medium.count[side] += 1;
            medium.idle[side] = self.now;
            medium.pool = want.pool;
        }
    }

    /// The side that a request gets now: the one that it names, or the first of those that fit.
    fn search(&self, no: usize) -> Is<Option<At>> {
        let want = &self.want[no];
        let sides = |no: usize| (0..self.media[no].state.len()).map(move |side| (no, side));
        let all = (0..self.media.len()).flat_map(sides);
        let fit = all.filter(|at| self.fits(want, *at) == Ok(Available));
        match want.side {
            _ if want.next => self.next(want).map(Some),
            Some(at) => self.fits(want, at).map(|_| Some(at)),
            None => Ok(fit.min_by_key(|at| self.rank(want.pool, *at))),
        }
    }

    /// The reserved side of a medium that was opened with `new`, named by what was got on it, by a side, or by both.
    fn next(&self, want: &Want) -> Is<At> {
        let got = |grant| self.live(grant).map_or(NOTHING, |at| at.0);
        let (media, side) = (want.media.map(got), want.side.map(|at| at.0));
        let no = media.or(side).unwrap_or(NOTHING);
        let medium = self.media.get(no).ok_or(K::InvalidMedia)?;
        let same = side.is_none_or(|side| side == no) && medium.pool == want.pool;
        let set = |no: usize| self.want[no].new || self.want[no].next;
        let mut owners = medium.owner.iter().flatten();
        let opened = owners.any(|owner| set(want.media.unwrap_or(owner.0)));
        demand(same && opened, K::InvalidMedia)?;
        self.usable(medium)?;
        let reserved = medium.state.iter().position(|state| *state == Reserved);
        reserved.map(|side| (no, side)).ok_or(K::MediaUnavailable)
    }

    /// Whether a side is for a request, with its state, or the first reason why it is not.
    fn fits(&self, want: &Want, at: At) -> Is<S> {
        let medium = self.media.get(at.0).ok_or(K::InvalidMedia)?;
        let (state, flip) = (medium.state[at.1], medium.state.len() > 1);
        let (from, to) = (&self.pools[medium.pool], &self.pools[want.pool]);
        demand(from.media_type == to.media_type, K::MediaIncompatible)?;
        self.usable(medium)?;
        let own = medium.pool == want.pool;
        let free = from.kind == P::Free && to.file(File::FromFree) == 1;
        let import = state == S::Import && (own || from.kind == P::Import);
        let available = state == Available && (own || free);
        demand(available || import, K::MediaUnavailable)?;
        demand(!(want.new && import && flip), K::InvalidParameter)?;
        let whole = import || medium.state.iter().all(|state| *state == Available);
        demand(whole || !want.new, K::MediaUnavailable).map(|()| state)
    }

    /// What decides between sides that fit: what is in the pool comes first. Of equals the first is taken.
    fn rank(&self, pool: usize, (medium, side): At) -> impl Ord {
        let medium = &self.media[medium];
        let (count, idle, name) = (medium.count[side], medium.idle[side], medium.name);
        let alone = medium.owner.iter().all(Option::is_none);
        let order = match Selection::from_number(self.pools[pool].file(File::Order)) {
            Some(Selection::LeastUsed) => (false, count, idle, name),
            Some(Selection::Fill) => (alone, count, idle, name),
            Some(Selection::Name) => (false, 0, 0, name),
            Some(Selection::Oldest) | None => (false, 0, 0, ""),
        };
        (medium.pool != pool, order)
    }

    /// A side is given back, or it is as if it had never been taken.
    fn give_back(&mut self, grant: usize, undone: bool) -> Is {
        let (no, side) = self.live(grant)?;
        let medium = &mut self.media[no];
        let pool = &self.pools[medium.pool];
        let last = medium.owner.iter().flatten().count() == 1;
        demand(last || !undone, K::Busy)?;
        medium.idle[side] = self.now;
        let owner = medium.owner[side].take();
        if let (Some((_, was, from)), true) = (owner, undone) {
            medium.count[side] -= 1;
            (medium.state[side], medium.pool) = (was, from);
        } else {
            let spent = (1..=medium.count[side]).contains(&pool.file(File::Max));
            medium.state[side] = if spent { Decommissioned } else { Available };
            let free = pool.file(File::ToFree) == 1 && !medium.state.contains(&S::Import);
            medium.pool = if last && free { pool.free } else { medium.pool };
        }
        let reserved = |state| last && state == Reserved;
        turn(&mut medium.state, reserved, Available);
        Ok(())
    }

    /// An operator goes on with an operator request, never back.
    fn answered(&mut self, asked: usize, to: O) -> Is {
        let ((request, state, _), kept) = (self.asked[asked], self.now + KEPT);
        demand(state < O::Refused && state < to, K::InvalidState)?;
        self.asked[asked] = (request, to, if to < O::Refused { NEVER } else { kept });
        match to {
            O::Complete => self.attempt(request, None),
            O::Refused => self.finish(request, Err(K::Cancelled)),
            O::Submitted | O::Active | O::InProgress => {}
        }
        Ok(())
    }

    /// Time goes by; what is over gets a last try. A restart takes the readers of anonymous requests away.
    fn advance(&mut self, ms: i64, restart: bool) {
        self.now += ms;
        for no in self.waiting() {
            if restart && self.want[no].name.is_none() {
                self.finish(no, Err(K::Cancelled));
            } else if self.until[no] <= self.now {
                self.attempt(no, Some(K::Timeout));
            }
        }
    }

    /// A medium that nobody owns goes to another pool of its type; in a free one its sides are available.
    fn relocate(&mut self, medium: usize, to: usize) -> Is {
        let medium = &mut self.media[medium];
        let (old, new) = (&self.pools[medium.pool], &self.pools[to]);
        demand(old.media_type == new.media_type, K::MediaIncompatible)?;
        demand(medium.owner.iter().all(Option::is_none), K::Busy)?;
        let free = new.kind == P::Free;
        let import = new.kind == P::Import && medium.state.iter().all(|state| *state == S::Import);
        let application = new.kind == P::Application && old.kind != P::Unrecognized;
        demand(free || import || application, K::InvalidMediaPool)?;
        let freed = |state| free && state != Decommissioned;
        turn(&mut medium.state, freed, Available);
        medium.pool = to;
        Ok(())
    }

    /// A new medium begins as its pool says.
    fn import(&mut self, pool: usize, name: &'static str, place: Option<Place>) {
        let Pool { sides, first, .. } = self.pools[pool];
        self.media.push(Medium {
            name,
            pool,
            place,
            enabled: true,
            state: vec![first; sides],
            count: vec![0; sides],
            idle: vec![self.now; sides],
            owner: vec![None; sides],
        });
    }
}
