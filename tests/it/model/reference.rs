//! The reference: what the pages on allocation and on the tree say, in columns, written without the code under test.
//! Media, sides, requests and operator requests are numbers from 0; nothing that has a number ever loses it.

use super::operation::{Answer, File, NEVER, NOTHING, Op, Place, Pool, Want};
use ntmsfs::domain::error::ErrorKind as K;
use ntmsfs::domain::state::SideState::{self as S, Allocated, Available, Decommissioned, Reserved};
use ntmsfs::domain::state::{OperatorState as O, PoolType as P, Selection};
use std::collections::BTreeMap;

/// Pools that are leaves of system pools: free, import and unrecognized of each of three media types.
pub(super) const LEAVES: usize = 9;
/// How long results and answered operator requests are kept, in milliseconds: 72 hours.
const KEPT: i64 = 72 * 3_600_000;

type Is<T = ()> = Result<T, K>;

#[derive(Debug, Clone, Default)]
pub(super) struct Reference {
    pub(super) now: i64,
    pub(super) pools: Vec<Pool>,
    pub(super) files: BTreeMap<(usize, File), i64>,
    /// Libraries: enabled; the first inventory since then is under way; inventories to come.
    pub(super) libraries: [(bool, bool, usize); 2],
    /// The columns of media.
    pub(super) name: Vec<&'static str>,
    pub(super) pool: Vec<usize>,
    pub(super) enabled: Vec<bool>,
    pub(super) gone: Vec<bool>,
    pub(super) place: Vec<Option<Place>>,
    /// The columns of sides; the owner is the request that got it.
    pub(super) medium: Vec<usize>,
    pub(super) state: Vec<S>,
    pub(super) count: Vec<i64>,
    idle: Vec<i64>,
    pub(super) owner: Vec<Option<usize>>,
    /// The columns of requests: until when it waits, later until when its result is kept; which side it got, in which
    /// state that was, and in which pool.
    want: Vec<Want>,
    pub(super) uid: Vec<u32>,
    until: Vec<i64>,
    pub(super) answer: Vec<Answer>,
    pub(super) got: Vec<Option<(usize, S, usize)>>,
    /// Operator requests: the request, the state, until when it is kept.
    pub(super) asked: Vec<(usize, O, i64)>,
    /// The last sweep: what was kept until then is gone.
    swept: i64,
    /// The requests that ended in the last operation.
    pub(super) ended: Vec<(usize, Answer)>,
}

fn demand(holds: bool, kind: K) -> Is {
    if holds { Ok(()) } else { Err(kind) }
}

impl Reference {
    /// Performs an operation, which changes nothing if it is refused; then the waiting requests get what there is, oldest
    /// first. `failed` are those that the manager ended with an error: whether a right that was taken away ends a
    /// waiting request at the next try or later is not laid down.
    pub(super) fn step(&mut self, op: &Op, uid: u32, failed: &[usize]) -> Answer {
        self.ended.clear();
        let before = self.clone();
        let answer = self.perform(op, uid).unwrap_or_else(|kind| {
            *self = before;
            Answer::Refused(kind)
        });
        for no in self.waiting() {
            let found = self.search(no);
            if found.map_or(failed.contains(&no), |side| side.is_some()) {
                self.attempt(no, None);
            }
        }
        answer
    }

    fn perform(&mut self, op: &Op, uid: u32) -> Is<Answer> {
        match *op {
            Op::Allocate(want) => return self.allocate(want, uid),
            Op::RemoveRequest { request } => {
                let may = !self.is_kept(request) || [0, self.uid[request]].contains(&uid);
                demand(may, K::AccessDenied)?;
                if self.answer[request] == Answer::Waits {
                    self.finish(request, Answer::Failed(K::Cancelled));
                }
                self.until[request] = 0;
            }
            Op::Answer { asked, to } => self.answered(asked, to, uid)?,
            Op::Deallocate { grant } => {
                let medium = self.medium[self.live(grant)?.0];
                let pool = self.pool[medium];
                let own = demand(self.uid[grant] == uid, K::AccessDenied);
                let own = own.and(self.may(pool, File::Use, uid));
                own.or(self.may(pool, File::Control, uid))?;
                self.give_back(grant, false)?;
                let kept = demand(self.pool[medium] == pool, K::AccessDenied);
                kept.or(self.may(self.pool[medium], File::Use, uid))?;
            }
            Op::Undo { grant } => drop(self.give_back(grant, true)),
            Op::Complete { grant } => {
                self.mark(self.live(grant)?.0, Allocated, S::Complete, uid)?;
            }
            Op::Decommission { side } => self.mark(side, Available, Decommissioned, uid)?,
            Op::Move { medium, pool } => self.relocate(medium, pool, uid)?,
            Op::Enable { medium, on } => {
                self.has(medium, File::Modify, uid)?;
                self.enabled[medium] = on;
            }
            Op::Remove { medium } => {
                self.has(medium, File::Control, uid)?;
                demand(!self.is_owned(medium), K::NotEmpty)?;
                demand(self.place[medium].is_none(), K::InvalidState)?;
                self.gone[medium] = true;
            }
            Op::Import { pool, ref lines } => self.import(pool, lines, uid)?,
            Op::Enabled { library, on } => {
                demand(uid == 0 || library == 0, K::AccessDenied)?;
                let (enabled, looking, work) = self.libraries[library];
                let again = on && !enabled;
                let looking = again || on && looking;
                self.libraries[library] = (on, looking, work + usize::from(again));
            }
            Op::Inventory { library, ref found } => self.inventory(library, found),
            Op::Set { pool, file, value } => {
                self.may(pool, File::Modify, uid)?;
                let access = [File::Use, File::Control].contains(&file);
                demand(access || self.takes(pool), K::InvalidMediaPool)?;
                self.files.insert((pool, file), value);
            }
            Op::Advance { ms, restart } => self.advance(ms, restart),
            Op::Sweep => self.swept = self.now,
            Op::Delivered { .. } => {}
        }
        Ok(Answer::Done)
    }

    fn file(&self, pool: usize, file: File) -> i64 {
        self.files.get(&(pool, file)).copied().unwrap_or(0)
    }
    /// Root and the owner have every right on a pool, all others those that its files give.
    fn may(&self, pool: usize, right: File, uid: u32) -> Is {
        let named = [0, self.pools[pool].owner].contains(&uid);
        demand(named || self.file(pool, right) == 1, K::AccessDenied)
    }
    /// What leaves or enters a free pool needs USE there, any other pool CONTROL.
    fn may_go(&self, from: usize, to: usize, uid: u32) -> Is {
        let free = |pool: usize| self.pools[pool].kind == P::Free && from != to;
        let right = |pool| if free(pool) { File::Use } else { File::Control };
        self.may(from, right(from), uid)?;
        self.may(to, right(to), uid)
    }
    fn has(&self, medium: usize, right: File, uid: u32) -> Is {
        demand(!self.gone[medium], K::ObjectNotFound)?;
        self.may(self.pool[medium], right, uid)
    }
    fn takes(&self, pool: usize) -> bool {
        self.pools[pool].kind == P::Application && self.pools[pool].media_type.is_some()
    }
    fn admit(&self, pool: usize, uid: u32) -> Is {
        self.may(pool, File::Control, uid)?;
        demand(self.takes(pool), K::InvalidMediaPool)
    }
    /// A type has its system pools if a library takes it or a medium of it was ever there.
    pub(super) fn exists(&self, pool: usize) -> bool {
        let of = |pool: usize| self.pools[pool].media_type;
        pool >= LEAVES || of(pool) < Some(2) || self.pool.iter().any(|no| of(*no) == of(pool))
    }
    fn free(&self, pool: usize) -> Is<usize> {
        let free = 3 * self.pools[pool].media_type.unwrap_or(0);
        demand(self.exists(free), K::DeviceNotAvailable).map(|()| free)
    }
    /// The first side of a medium of which something holds.
    fn side(&self, medium: usize, holds: impl Fn(usize) -> bool) -> Option<usize> {
        (0..self.medium.len()).find(|no| self.medium[*no] == medium && holds(*no))
    }
    fn all(&self, medium: usize, state: S) -> bool {
        self.side(medium, |no| self.state[no] != state).is_none()
    }
    fn is_owned(&self, medium: usize) -> bool {
        self.side(medium, |no| self.owner[no].is_some()).is_some()
    }
    fn turn(&mut self, medium: usize, turns: impl Fn(S) -> bool, to: S) {
        let sides = self.medium.iter().zip(&mut self.state);
        let sides = sides.filter(|(of, state)| **of == medium && turns(**state));
        sides.for_each(|(_, state)| *state = to);
    }
    fn known(&self, holds: impl Fn(usize) -> bool) -> Option<usize> {
        (0..self.pool.len()).find(|no| !self.gone[*no] && holds(*no))
    }
    fn usable(&self, medium: usize) -> Is {
        let on = |place: Place| self.libraries[place.0].0;
        let on = self.enabled[medium] && self.place[medium].is_none_or(on);
        demand(on, K::ResourceDisabled)?;
        demand(self.place[medium].is_some(), K::MediaOffline)
    }
    /// What a request got, if it still has it.
    fn live(&self, grant: usize) -> Is<(usize, S, usize)> {
        let has = |got: &(usize, S, usize)| self.owner[got.0] == Some(grant);
        let got = self.got.get(grant).copied().flatten();
        got.filter(has).ok_or(K::ObjectNotFound)
    }
    fn waiting(&self) -> Vec<usize> {
        let waits = |no: &usize| self.answer[*no] == Answer::Waits;
        (0..self.answer.len()).filter(waits).collect()
    }
    pub(super) fn is_kept(&self, request: usize) -> bool {
        self.until[request] > self.swept
    }
    /// An open operator request goes with its waiting request.
    pub(super) fn is_asked(&self, asked: usize) -> bool {
        let (request, _, until) = self.asked[asked];
        let waits = self.answer[request] == Answer::Waits;
        until > self.swept && (until < NEVER || waits)
    }

    fn allocate(&mut self, want: Want, uid: u32) -> Is<Answer> {
        self.admit(want.pool, uid)?;
        let name = |want: &Want| want.name.map(|name| (want.pool, name));
        let same = |no: usize| self.is_kept(no) && name(&self.want[no]) == name(&want);
        let used = want.name.is_some() && (0..self.want.len()).any(same);
        demand(!used, K::AlreadyExists)?;
        let limit = want.timeout.unwrap_or(self.file(want.pool, File::Timeout));
        self.until.push(self.now.saturating_add(limit));
        self.answer.push(Answer::Waits);
        self.want.push(want);
        self.uid.push(uid);
        self.got.push(None);
        let otherwise = (want.error || limit == 0).then_some(K::MediaUnavailable);
        Ok(self.attempt(self.want.len() - 1, otherwise))
    }

    /// Searches for a request. Nothing found: it fails with `otherwise`, or an operator is asked and it waits.
    fn attempt(&mut self, no: usize, otherwise: Option<K>) -> Answer {
        match (self.search(no), otherwise) {
            (Ok(Some(side)), _) => self.take(no, side),
            (Err(kind), _) | (Ok(None), Some(kind)) => self.finish(no, Answer::Failed(kind)),
            (Ok(None), None) => {
                self.asked.push((no, O::Submitted, NEVER));
                Answer::Waits
            }
        }
    }

    /// A request has its result, which is kept if it has a name.
    fn finish(&mut self, no: usize, answer: Answer) -> Answer {
        self.answer[no] = answer;
        self.until[no] = self.want[no].name.map_or(0, |_| self.now + KEPT);
        self.ended.push((no, answer));
        answer
    }

    /// The side that a request gets now: what is in its pool comes first, then what is free if the pool draws on that.
    fn search(&self, no: usize) -> Is<Option<usize>> {
        let (want, uid) = (&self.want[no], self.uid[no]);
        let (pool, draws) = (want.pool, self.file(want.pool, File::FromFree) == 1);
        self.admit(pool, uid)?;
        demand(!want.unfinished, K::InvalidParameter)?;
        let of = |side: usize| self.pool[self.medium[side]];
        let side = match want.side {
            _ if want.next => Some(self.next(want)?),
            Some(side) => self.fits(want, side).map(|()| Some(side))?,
            None => {
                let fits = |side: &usize| self.fits(want, *side).is_ok();
                let fit = (0..self.state.len()).filter(|side| self.state[*side] == Available);
                let best = fit.filter(fits).min_by_key(|side| self.rank(pool, *side));
                if draws && best.is_none_or(|side| of(side) != pool) {
                    self.may(self.free(pool)?, File::Use, uid)?;
                }
                best
            }
        };
        self.may_go(side.map_or(pool, of), pool, uid)?;
        Ok(side)
    }

    /// The reserved side of a medium that was opened with `new`, named by what was got on it, by a side, or by both.
    fn next(&self, want: &Want) -> Is<usize> {
        let lost = |side: &usize| self.medium.get(*side).is_none_or(|no| self.gone[*no]);
        let got = |grant| self.live(grant).map_or(NOTHING, |got| got.0);
        let named = want.media.map(got).into_iter().chain(want.side);
        let named: Vec<usize> = named.collect();
        let lost = named.is_empty() || named.iter().any(lost);
        demand(!lost, K::InvalidMedia)?;
        let medium = self.medium[named[0]];
        let same = named.iter().all(|side| self.medium[*side] == medium);
        demand(same && self.pool[medium] == want.pool, K::InvalidMedia)?;
        let set = |no: usize| self.want[no].new || self.want[no].next;
        let opener = self.side(medium, |no| self.owner[no].is_some_and(set));
        demand(want.media.map_or(opener.is_some(), set), K::InvalidMedia)?;
        self.usable(medium)?;
        let reserved = self.side(medium, |no| self.state[no] == Reserved);
        reserved.ok_or(K::MediaUnavailable)
    }

    /// Whether a side is for a request, or the first reason why it is not.
    fn fits(&self, want: &Want, side: usize) -> Is {
        let medium = self.medium.get(side).filter(|no| !self.gone[**no]);
        let medium = *medium.ok_or(K::InvalidMedia)?;
        let (from, to) = (&self.pools[self.pool[medium]], &self.pools[want.pool]);
        demand(from.media_type == to.media_type, K::MediaIncompatible)?;
        self.usable(medium)?;
        let own = self.pool[medium] == want.pool;
        let free = from.kind == P::Free && self.file(want.pool, File::FromFree) == 1;
        let import = self.state[side] == S::Import && (own || from.kind == P::Import);
        let available = self.state[side] == Available && (own || free);
        demand(available || import, K::MediaUnavailable)?;
        let flip = self.side(medium, |no| no != side).is_some();
        demand(!(want.new && import && flip), K::InvalidParameter)?;
        let whole = import || self.all(medium, Available);
        demand(whole || !want.new, K::MediaUnavailable)
    }

    /// What decides between sides that fit; the first of equals is taken.
    fn rank(&self, pool: usize, side: usize) -> (bool, bool, i64, i64, &'static str) {
        let medium = self.medium[side];
        let (drawn, alone) = (self.pool[medium] != pool, !self.is_owned(medium));
        let (count, idle, name) = (self.count[side], self.idle[side], self.name[medium]);
        match Selection::from_number(self.file(pool, File::Order)) {
            Some(Selection::LeastUsed) => (drawn, false, count, idle, name),
            Some(Selection::Fill) => (drawn, alone, count, idle, name),
            Some(Selection::Name) => (drawn, false, 0, 0, name),
            Some(Selection::Oldest) | None => (drawn, false, 0, 0, ""),
        }
    }

    fn take(&mut self, no: usize, side: usize) -> Answer {
        let (want, medium) = (self.want[no], self.medium[side]);
        self.got[no] = Some((side, self.state[side], self.pool[medium]));
        self.turn(medium, |_| want.new, Reserved);
        self.pool[medium] = want.pool;
        self.state[side] = Allocated;
        self.count[side] += 1;
        self.idle[side] = self.now;
        self.owner[side] = Some(no);
        self.finish(no, Answer::Got(no))
    }

    /// A side is given back, or it is as if it had never been taken.
    fn give_back(&mut self, grant: usize, undone: bool) -> Is {
        let (side, was, from) = self.live(grant)?;
        let (medium, pool) = (self.medium[side], self.pool[self.medium[side]]);
        let other = |no: usize| no != side && self.owner[no].is_some();
        let shared = self.side(medium, other).is_some();
        demand(!shared || !undone, K::Busy)?;
        let foreign = |no: usize| [S::Import, S::Foreign].contains(&self.state[no]);
        let freed = !shared && self.side(medium, foreign).is_none();
        self.owner[side] = None;
        self.idle[side] = self.now;
        if undone {
            self.count[side] -= 1;
            self.state[side] = was;
            self.pool[medium] = from;
        } else {
            let spent = (1..=self.count[side]).contains(&self.file(pool, File::Max));
            self.state[side] = if spent { Decommissioned } else { Available };
            if freed && self.file(pool, File::ToFree) == 1 {
                self.pool[medium] = self.free(pool)?;
            }
        }
        self.turn(medium, |state| !shared && state == Reserved, Available);
        Ok(())
    }

    fn mark(&mut self, side: usize, from: S, to: S, uid: u32) -> Is {
        self.has(self.medium[side], File::Control, uid)?;
        demand(self.state[side] == from, K::InvalidState)?;
        self.state[side] = to;
        Ok(())
    }

    /// An operator answers, or the operator request is removed.
    fn answered(&mut self, asked: usize, to: Option<O>, uid: u32) -> Is {
        let (request, state, until) = self.asked[asked];
        demand(self.is_asked(asked), K::ObjectNotFound)?;
        self.may(self.want[request].pool, File::Control, uid)?;
        // Only forward.
        let asks = to.map_or(until != NEVER, |to| until == NEVER && to > state);
        demand(asks, K::InvalidState)?;
        let answered = [Some(O::Refused), Some(O::Complete)].contains(&to);
        let kept = if answered { self.now + KEPT } else { NEVER };
        self.asked[asked] = to.map_or((request, state, 0), |to| (request, to, kept));
        if to == Some(O::Complete) {
            self.attempt(request, None);
        } else if to == Some(O::Refused) {
            self.finish(request, Answer::Failed(K::Cancelled));
        }
        Ok(())
    }

    /// Time goes by; what is over gets a last try. A restart takes the readers of anonymous requests away.
    fn advance(&mut self, ms: i64, restart: bool) {
        for no in self.waiting() {
            if restart && self.want[no].name.is_none() {
                self.finish(no, Answer::Failed(K::Cancelled));
            }
        }
        self.ended.clear();
        self.now += ms;
        let mut late = self.waiting();
        late.retain(|no| self.until[*no] <= self.now);
        late.sort_by_key(|no| (!restart).then_some(self.until[*no]));
        for no in late {
            self.attempt(no, Some(K::Timeout));
        }
    }

    fn relocate(&mut self, medium: usize, to: usize, uid: u32) -> Is {
        demand(!self.gone[medium], K::ObjectNotFound)?;
        let from = self.pool[medium];
        self.may_go(from, to, uid)?;
        if from == to {
            return Ok(());
        }
        let (old, new) = (&self.pools[from], &self.pools[to]);
        demand(new.media_type.is_some(), K::InvalidMediaPool)?;
        demand(old.media_type == new.media_type, K::MediaIncompatible)?;
        demand(!self.is_owned(medium), K::Busy)?;
        let free = new.kind == P::Free;
        let may = match new.kind {
            P::Free => true,
            P::Unrecognized => false,
            P::Import => self.all(medium, S::Import),
            P::Application => old.kind != P::Unrecognized,
        };
        demand(may, K::InvalidMediaPool)?;
        self.turn(medium, |state| free && state != Decommissioned, Available);
        self.pool[medium] = to;
        Ok(())
    }

    fn create(&mut self, name: &'static str, pool: usize, place: Option<Place>) {
        let state = match self.pools[pool].kind {
            P::Import => S::Import,
            P::Unrecognized => S::Foreign,
            P::Free | P::Application => Available,
        };
        for _ in 0..=usize::from(self.pools[pool].media_type == Some(0)) {
            self.medium.push(self.pool.len());
            self.state.push(state);
            self.count.push(0);
            self.idle.push(self.now);
            self.owner.push(None);
        }
        self.name.push(name);
        self.pool.push(pool);
        self.enabled.push(true);
        self.gone.push(false);
        self.place.push(place);
    }

    fn import(&mut self, pool: usize, lines: &[(&'static str, Option<Place>)], uid: u32) -> Is {
        self.may(pool, File::Control, uid)?;
        demand(self.pools[pool].media_type.is_some(), K::InvalidMediaPool)?;
        for &(name, place) in lines {
            let library = place.map_or(0, |place| place.0);
            demand(uid == 0 || library == 0, K::AccessDenied)?;
            demand(place.is_none() || !self.libraries[library].1, K::NotReady)?;
            let there = |no: usize| place.is_some() && self.place[no] == place;
            let same = |no: usize| self.pool[no] == pool && (place.is_none() || there(no));
            let known = self.known(|no| self.name[no] == name);
            let conflict = known.map_or(self.known(there).is_some(), |no| !same(no));
            demand(!conflict, K::AlreadyExists)?;
            if known.is_none() {
                self.create(name, pool, place);
            }
        }
        Ok(())
    }

    /// What is found is where it was found; what is not is on the shelf; what is new is free.
    fn inventory(&mut self, library: usize, found: &[(u32, &'static str)]) {
        let (enabled, _, work) = self.libraries[library];
        if work == 0 {
            return;
        }
        self.libraries[library] = (enabled, false, work - 1);
        for place in &mut self.place {
            *place = place.filter(|place| place.0 != library);
        }
        for &(slot, name) in found {
            match self.known(|no| self.name[no] == name) {
                Some(known) => self.place[known] = Some((library, slot)),
                None => self.create(name, 3 * library, Some((library, slot))),
            }
        }
    }
}
