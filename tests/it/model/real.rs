//! The manager under test, beside the reference: the same operations, and what can be seen of both.

use super::operation::{At, File, NEVER, Op, Place, Want};
use super::reference::{Is, Reference};
use crate::harness::world::{World, advance, kind_in, user};
use ntmsfs::domain::allocate_request::AllocateRequest;
use ntmsfs::domain::ask::{Ask, Found, Reply, SetLibrary, SetLogical, SetMedium, SetPool};
use ntmsfs::domain::change::Thing;
use ntmsfs::domain::driver::Label;
use ntmsfs::domain::error::{ErrorKind, Result};
use ntmsfs::domain::event::Event;
use ntmsfs::domain::id::{Guid, ObjectNo};
use ntmsfs::domain::import::ImportLine;
use ntmsfs::domain::state::{Selection, SideState};
use ntmsfs::domain::time::Limit;
use ntmsfs::manager::read;
use ntmsfs::store::{check, fact};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const TYPES: [&str; 2] = ["Cube", "LTO-8"];
pub(super) const LIBRARIES: [&str; 2] = ["box", "tape"];

/// What the indices of the reference are in the catalog.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub(super) pools: Vec<ObjectNo>,
    pub(super) media: Vec<ObjectNo>,
    pub(super) sides: Vec<Vec<Thing>>,
    /// By the request that got it.
    pub(super) grants: BTreeMap<usize, Thing>,
    /// 0 for one that ended at once and has no name.
    pub(super) requests: Vec<ObjectNo>,
    pub(super) asked: Vec<ObjectNo>,
    pub(super) libraries: Vec<ObjectNo>,
}

/// What an operation is answered, and what a request has got.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Done,
    Got(usize),
    Failed(ErrorKind),
    Waits,
    Refused(ErrorKind),
}

/// Both.
pub(super) struct Pair {
    pub(super) world: World,
    pub(super) reference: Reference,
    pub(super) names: Names,
}

impl Pair {
    /// Performs an operation on both and says what differs.
    pub(super) fn step(&mut self, op: &Op) -> std::result::Result<(), String> {
        let reply = self.perform(op);
        let ended = self.learn();
        let before = self.reference.result.clone();
        let expected = self.reference.step(op);
        if self.reference.result.len() > before.len() {
            let number = self.number_of(&reply, op).unwrap_or(ObjectNo(0));
            self.names.requests.push(number);
        }
        let (answer, expected) = (self.answer(&reply), self.expected(op, expected));
        if answer != expected {
            return Err(format!(
                "the answer is {answer:?} ({reply:?}), the reference has {expected:?}"
            ));
        }
        let expected = self.expected_ends(op, &before);
        if ended != expected {
            return Err(format!("ended {ended:?}, the reference has {expected:?}"));
        }
        self.compare()
    }

    /// The number of the request that an operation made.
    fn number_of(&self, reply: &Result<Reply>, op: &Op) -> Option<ObjectNo> {
        match (reply, op) {
            (Ok(Reply::Waiting { request }), _) => Some(*request),
            (_, Op::Allocate(want)) => {
                let (pool, name) = want.name?;
                let (pool, name) = (self.names.pools[pool], format!("job-{name}"));
                let named = read::request_named(self.world.db(), pool, &name);
                named.expect("a request").map(|request| request.no)
            }
            _ => None,
        }
    }

    fn answer(&self, reply: &Result<Reply>) -> Answer {
        match reply {
            Ok(Reply::Allocated { logical, .. }) => {
                let mut grants = self.names.grants.iter();
                let grant = grants.find(|(_, thing)| thing.no == *logical);
                Answer::Got(*grant.expect("an event of the allocation").0)
            }
            Ok(Reply::Failed { result }) => Answer::Failed(kind_in(result)),
            Ok(Reply::Waiting { .. }) => Answer::Waits,
            Ok(Reply::Done | Reply::Created(_)) => Answer::Done,
            Err(refusal) => Answer::Refused(refusal.kind),
        }
    }

    fn expected(&self, op: &Op, done: Is) -> Answer {
        match (done, op) {
            (Err(kind), _) => Answer::Refused(kind),
            (Ok(()), Op::Allocate(_)) => self.result(self.reference.result.len() - 1),
            (Ok(()), _) => Answer::Done,
        }
    }

    fn result(&self, request: usize) -> Answer {
        match self.reference.result[request] {
            Some(Ok(_)) => Answer::Got(request),
            Some(Err(kind)) => Answer::Failed(kind),
            None => Answer::Waits,
        }
    }

    /// The requests that ended in the last operation. What a start cancels, nobody hears.
    fn expected_ends(&self, op: &Op, before: &[Option<Is<At>>]) -> BTreeMap<usize, Answer> {
        let restarted = matches!(op, Op::Advance { restart: true, .. });
        let heard = |answer| !restarted || answer != Answer::Failed(ErrorKind::Cancelled);
        let waited = |no: &usize| before.get(*no).is_none_or(Option::is_none);
        let all = (0..self.reference.result.len()).filter(waited);
        all.map(|no| (no, self.result(no)))
            .filter(|(_, answer)| *answer != Answer::Waits && heard(*answer))
            .collect()
    }

    /// Learns the numbers of what the last operation made, and returns which requests ended. One that is not known is the
    /// one that the operation made.
    fn learn(&mut self) -> BTreeMap<usize, Answer> {
        let mut ended = BTreeMap::new();
        let requests = self.names.requests.clone();
        let index = |no: Option<ObjectNo>| {
            let known = requests.iter().position(|known| Some(*known) == no);
            known.unwrap_or(requests.len())
        };
        for event in std::mem::take(&mut self.world.events) {
            let event = Arc::as_ref(&event);
            if let Event::MediumCreated { medium } = event {
                self.names.media.push(medium.thing.no);
                self.names.sides.push(medium.sides.clone());
            }
            if let Event::RequestWaiting { operator: no, .. }
            | Event::OperatorRequested { no, .. } = event
            {
                self.names.asked.push(*no);
            }
            if let Event::Allocated { allocation } = event {
                let request = index(allocation.request.no);
                ended.insert(request, Answer::Got(request));
                self.names.grants.insert(request, allocation.logical);
            }
            if let Event::RequestFailed { request, code, .. } = event {
                let kind = ntmsfs::codes::kind_of(*code).expect("a code of the table");
                ended.insert(index(request.no), Answer::Failed(kind));
            }
        }
        ended
    }

    fn perform(&mut self, op: &Op) -> Result<Reply> {
        if let Op::Advance { ms, restart } = *op {
            if restart {
                self.world.restart_after(ms);
            } else {
                advance(ms);
            }
            self.world.due();
            return Ok(Reply::Done);
        }
        if let Op::Enabled { library, on } = *op {
            let found = self.seen_in(library, None);
            return self.switch(library, &[on], &found);
        }
        if let Op::Place { medium, place } = *op {
            let pool = self.reference.media[medium].pool;
            let library = self.reference.pools[pool].media_type;
            let found = self.seen_in(library, Some((medium, place)));
            return self.switch(library, &[false, true], &found);
        }
        let (mut uid, mut request) = (0, None);
        if let Op::RemoveRequest { request } = *op {
            uid = self.reference.want[request].uid;
        }
        if let Op::Allocate(want) = op {
            uid = want.uid;
            request = Some(self.allocate(want)?);
        }
        let ask = request.unwrap_or_else(|| self.ask_of(op));
        self.world.ask(&user(uid), ask)
    }

    /// Turns a library off or on; the inventory that begins with it finds so much.
    fn switch(&mut self, library: usize, turns: &[bool], found: &[Found]) -> Result<Reply> {
        let no = self.names.libraries[library];
        let sets = turns.iter().map(|on| SetLibrary::Enabled(*on));
        let mut asks: Vec<Ask> = sets.map(|set| Ask::SetLibrary { no, set }).collect();
        let mut events = Vec::new();
        while !asks.is_empty() {
            for ask in asks.drain(..) {
                self.world.ask(&user(0), ask)?;
                events.append(&mut self.world.events);
            }
            for work in fact::open_work(self.world.db())? {
                let found = Ok(found.to_vec());
                asks.push(Ask::Inventoried { work, found });
            }
        }
        self.world.events = events;
        Ok(Reply::Done)
    }

    /// What is in a library, if one medium is elsewhere than it was.
    fn seen_in(&self, library: usize, moved: Option<(usize, Option<Place>)>) -> Vec<Found> {
        let media = self.reference.media.iter().enumerate();
        let found = media.filter_map(|(no, medium)| {
            let moved = moved.filter(|moved| moved.0 == no);
            let place = moved.map_or(medium.place, |moved| moved.1);
            let (_, slot) = place.filter(|place| place.0 == library)?;
            Some(seen(library, slot, medium.name))
        });
        found.collect()
    }

    fn allocate(&mut self, want: &Want) -> Result<Ask> {
        let request = Box::new(AllocateRequest::parse(&self.body(want))?);
        let pool = self.names.pools[want.pool];
        let name = want.name.map(|(_, name)| format!("job-{name}"));
        let name = name.map(|name| self.world.named(&name));
        Ok(Ask::Allocate {
            pool,
            request,
            name,
        })
    }

    fn ask_of(&self, op: &Op) -> Ask {
        let names = &self.names;
        let logical = |grant| names.grants[&grant].no;
        match *op {
            Op::RemoveRequest { request } => Ask::RemoveRequest {
                no: names.requests[request],
            },
            Op::Deallocate { grant } => Ask::Deallocate {
                logical: logical(grant),
            },
            Op::Undo { grant } => Ask::Undo {
                logical: logical(grant),
            },
            Op::Delivered { grant } => Ask::Delivered {
                logical: logical(grant),
            },
            Op::Complete { grant } => Ask::SetLogical {
                no: logical(grant),
                set: SetLogical::State("complete".to_owned()),
            },
            Op::Decommission { side } => Ask::SetSide {
                no: names.sides[side.0][side.1].no,
                state: SideState::Decommissioned,
            },
            Op::Move { medium, pool } => Ask::MoveMedium {
                no: names.media[medium],
                pool: names.pools[pool],
                name: self.reference.media[medium].name.to_owned(),
            },
            Op::Enable { medium, on } => Ask::SetMedium {
                no: names.media[medium],
                set: SetMedium::Enabled(on),
            },
            Op::Import { pool, name, place } => Ask::Import {
                pool: names.pools[pool],
                lines: vec![(1, import(name, place))],
            },
            Op::Set { pool, file, value } => Ask::SetPool {
                no: names.pools[pool],
                set: setting(file, value),
            },
            Op::Answer { asked, to } => Ask::AnswerOperator {
                no: names.asked[asked],
                state: to,
            },
            // The others are more than one ask, or none.
            Op::Allocate(_)
            | Op::Place { .. }
            | Op::Enabled { .. }
            | Op::Advance { .. }
            | Op::Sweep => Ask::Sweep,
        }
    }

    fn body(&self, want: &Want) -> String {
        let nothing = || "00000000-0000-7000-8000-000000000001".to_owned();
        let id = |thing: Option<&Thing>| thing.map_or_else(nothing, |thing| thing.id.to_string());
        let side = |at: At| self.names.sides.get(at.0).map(|sides| &sides[at.1]);
        let media = |grant: usize| self.names.grants.get(&grant);
        let timeout = |ms: i64| match ms {
            NEVER => "timeout=infinite".to_owned(),
            ms => format!("timeout={ms}"),
        };
        let flag = |set: bool, word: &str| set.then(|| word.to_owned());
        let words = [
            flag(want.new, "new"),
            flag(want.next, "next"),
            flag(want.error, "error-if-unavailable"),
            want.side.map(|at| format!("side={}", id(side(at)))),
            want.media
                .map(|grant| format!("media={}", id(media(grant)))),
            want.timeout.map(timeout),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        words.join(" ")
    }

    /// Compares what can be seen, and checks what must always hold.
    fn compare(&self) -> std::result::Result<(), String> {
        self.world.sql("BEGIN");
        let result = self.differences();
        self.world.sql("COMMIT");
        result
    }

    fn differences(&self) -> std::result::Result<(), String> {
        let (here, there) = (self.real_media(), self.expected_media());
        if here != there {
            let differ = here.iter().zip(&there).find(|(a, b)| a != b);
            return Err(format!(
                "media: {differ:?}, {} and {} of them",
                here.len(),
                there.len()
            ));
        }
        let (here, there) = (self.real_requests(), self.expected_requests());
        if here != there {
            return Err(format!(
                "requests and operator requests: {here:?}, the reference has {there:?}"
            ));
        }
        let broken = check::cheap(self.world.db()).map_err(|refusal| refusal.to_string())?;
        if broken.is_empty() {
            Ok(())
        } else {
            Err(format!("{broken:?}"))
        }
    }

    fn real_media(&self) -> Vec<Seen> {
        let sql = "SELECT side.no, state, allocations, medium.pool, enabled, medium.library, \
                   (SELECT number FROM element WHERE element.no = slot), logical.id, logical.owner FROM side \
                   JOIN medium ON medium.no = side.medium LEFT JOIN logical ON logical.side = side.no ORDER BY side.no";
        let mut statement = self.world.db().prepare_cached(sql).expect("a statement");
        let rows = statement.query_map([], |row| {
            let id: Option<Guid> = row.get(7)?;
            let place = row.get::<_, Option<ObjectNo>>(5)?.zip(row.get(6)?);
            let (no, state, count) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Seen {
                no,
                state,
                count,
                pool: row.get(3)?,
                enabled: row.get(4)?,
                place,
                owner: id.zip(row.get(8)?),
            })
        });
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    }

    fn expected_media(&self) -> Vec<Seen> {
        let mut out = Vec::new();
        let world = &self.reference;
        for (no, medium) in world.media.iter().enumerate() {
            for (n, side) in self.names.sides[no].iter().enumerate() {
                let library = |(library, slot)| (self.names.libraries[library], slot);
                let id = |request: usize| self.names.grants[&request].id;
                let owner = medium.owner[n].map(|owner| owner.0);
                out.push(Seen {
                    no: side.no,
                    state: medium.state[n],
                    count: medium.count[n],
                    pool: self.names.pools[medium.pool],
                    enabled: medium.enabled,
                    place: medium.place.map(library),
                    owner: owner.map(|request| (id(request), world.want[request].uid)),
                });
            }
        }
        out
    }

    /// Number and result of each request, then number and state of each operator request.
    fn real_requests(&self) -> Vec<(ObjectNo, String)> {
        let sql = "SELECT no, substr(result, 1, 36) FROM request \
                   UNION ALL SELECT no, 'state ' || state FROM operator ORDER BY no";
        let mut statement = self.world.db().prepare_cached(sql).expect("a statement");
        let rows = statement.query_map([], |row| {
            let text: String = row.get(1)?;
            let code = text
                .starts_with("0x")
                .then(|| format!("{:?}", kind_in(&text)));
            Ok((row.get(0)?, code.unwrap_or(text)))
        });
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    }

    fn expected_requests(&self) -> Vec<(ObjectNo, String)> {
        let mut out = Vec::new();
        let world = &self.reference;
        for (n, result) in world.result.iter().enumerate() {
            let result = match result {
                Some(Ok(_)) => self.names.grants[&n].id.to_string(),
                Some(Err(kind)) => format!("{kind:?}"),
                None => String::new(),
            };
            let kept = world.is_kept(n);
            out.extend(kept.then_some((self.names.requests[n], result)));
        }
        for (n, (_, state, _)) in world.asked.iter().enumerate() {
            let kept = world.is_asked(n);
            let state = format!("state {}", state.number());
            let no = self.names.asked.get(n).copied();
            out.extend(kept.then_some((no.unwrap_or(ObjectNo(0)), state)));
        }
        out.sort();
        out
    }
}

/// What is seen of a side, with its medium and its owner.
#[derive(Debug, PartialEq)]
struct Seen {
    no: ObjectNo,
    state: SideState,
    count: i64,
    pool: ObjectNo,
    enabled: bool,
    place: Option<(ObjectNo, u32)>,
    owner: Option<(Guid, u32)>,
}

fn import(name: &str, place: Option<Place>) -> ImportLine {
    let slot = place.map(|(library, slot)| format!(" slot={}/{slot}", LIBRARIES[library]));
    let line = format!("{name} barcode={name}{}", slot.unwrap_or_default());
    let line = ImportLine::parse(&line).expect("a line");
    line.expect("no comment")
}

fn seen(library: usize, slot: u32, name: &str) -> Found {
    let (barcode, media_type) = (Some(name.to_owned()), TYPES[library].to_owned());
    Found {
        slot,
        barcode,
        media_type,
        label: Label::Free,
    }
}

fn setting(file: File, value: i64) -> SetPool {
    let (on, number) = (value == 1, u32::try_from(value).unwrap_or(u32::MAX));
    match file {
        File::FromFree => SetPool::AllocateFromFree(on),
        File::ToFree => SetPool::DeallocateToFree(on),
        File::Max => SetPool::MaxAllocates(number),
        File::Order => SetPool::Selection(Selection::from_number(value).expect("an order")),
        File::Timeout if value == NEVER => SetPool::DefaultTimeout(Limit::Never),
        File::Timeout => SetPool::DefaultTimeout(Limit::Ms(number)),
    }
}
