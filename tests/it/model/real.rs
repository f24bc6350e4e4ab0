//! The manager under test, beside the reference: the same operations, and what can be seen of both.

use super::operation::{Answer, File, NEVER, Op, Place, Want};
use super::reference::Reference;
use crate::world::{World, advance, kind_in, root, user};
use ntmsfs::domain::ask::{Ask, Found, Named, Reply, SetLibrary, SetLogical, SetMedium, SetPool};
use ntmsfs::domain::change::Thing;
use ntmsfs::domain::driver::Label;
use ntmsfs::domain::error::Result;
use ntmsfs::domain::event::Event;
use ntmsfs::domain::id::{Guid, ObjectNo};
use ntmsfs::domain::import::ImportLine;
use ntmsfs::domain::request::AllocateRequest;
use ntmsfs::domain::state::{PoolType, Selection, SideState};
use ntmsfs::domain::time::Limit;
use ntmsfs::store::{check, fact};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const TYPES: [&str; 3] = ["MO-5.25", "LTO-8", "DLT"];
pub(super) const LIBRARIES: [&str; 2] = ["box", "tape"];
pub(super) const SYSTEM: [PoolType; 3] = [PoolType::Free, PoolType::Import, PoolType::Unrecognized];

/// What the indices of the reference are in the catalog.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub(super) pools: Vec<Option<ObjectNo>>,
    pub(super) media: Vec<ObjectNo>,
    pub(super) sides: Vec<Thing>,
    /// By the request that got it.
    pub(super) grants: BTreeMap<usize, Thing>,
    /// 0 for one that ended at once and has no name.
    pub(super) requests: Vec<ObjectNo>,
    pub(super) asked: Vec<ObjectNo>,
    pub(super) libraries: Vec<ObjectNo>,
}

/// Both.
pub(super) struct Pair {
    pub(super) world: World,
    pub(super) reference: Reference,
    pub(super) names: Names,
}

impl Pair {
    /// Performs an operation on both and says what differs.
    pub(super) fn step(&mut self, op: &Op, uid: u32) -> std::result::Result<(), String> {
        let reply = self.perform(op, uid);
        let ended = self.learn();
        let failed = ended.iter().filter(|(_, a)| matches!(a, Answer::Failed(_)));
        let failed: Vec<usize> = failed.map(|(request, _)| *request).collect();
        let known = self.names.requests.len();
        let expected = self.reference.step(op, uid, &failed);
        if self.reference.answer.len() > known {
            let number = self.number_of(&reply, op).unwrap_or(ObjectNo(0));
            self.names.requests.push(number);
        }
        let answer = self.answer(&reply);
        if answer != expected {
            return Err(format!(
                "the answer is {answer:?} ({reply:?}), the reference has {expected:?}"
            ));
        }
        let expected = &self.reference.ended;
        if ended != *expected {
            return Err(format!("ended {ended:?}, the reference has {expected:?}"));
        }
        self.compare()
    }

    /// The number of the request that an operation made.
    fn number_of(&self, reply: &Result<Reply>, op: &Op) -> Option<ObjectNo> {
        match (reply, op) {
            (Ok(Reply::Waiting { request }), _) => Some(*request),
            (
                _,
                Op::Allocate(Want {
                    pool,
                    name: Some(name),
                    ..
                }),
            ) => {
                let pool = self.names.pools[*pool].expect("a pool");
                let named = ntmsfs::manager::read::request_named(
                    self.world.db(),
                    pool,
                    &format!("job-{name}"),
                );
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

    /// Learns the numbers of what the last operation made, and returns which requests ended. One that is not known is the
    /// one that the operation made.
    fn learn(&mut self) -> Vec<(usize, Answer)> {
        let mut ended = Vec::new();
        let requests = self.names.requests.clone();
        let index = |no: Option<ObjectNo>| {
            let known = requests.iter().position(|known| Some(*known) == no);
            known.unwrap_or(requests.len())
        };
        for event in std::mem::take(&mut self.world.events) {
            let event = Arc::as_ref(&event);
            if let Event::MediumCreated { medium } = event {
                self.names.media.push(medium.thing.no);
                self.names.sides.extend(&medium.sides);
            }
            if let Event::RequestWaiting { operator: no, .. }
            | Event::OperatorRequested { no, .. } = event
            {
                self.names.asked.push(*no);
            }
            if let Event::PoolCreated {
                pool,
                kind,
                media_type: Some(name),
                ..
            } = event
            {
                let kind = SYSTEM.iter().position(|k| k == kind).expect("a leaf");
                let media_type = TYPES.iter().position(|t| t == name).expect("a type");
                self.names.pools[media_type * 3 + kind] = Some(pool.no);
            }
            if let Event::Allocated { allocation } = event {
                let request = index(allocation.request.no);
                ended.push((request, Answer::Got(request)));
                self.names.grants.insert(request, allocation.logical);
            }
            if let Event::RequestFailed { request, code, .. } = event {
                let kind = ntmsfs::codes::kind_of(*code).expect("a code of the table");
                ended.push((index(request.no), Answer::Failed(kind)));
            }
        }
        ended
    }

    fn perform(&mut self, op: &Op, uid: u32) -> Result<Reply> {
        if let Op::Advance { ms, restart } = *op {
            if restart {
                self.world.restart_after(ms);
            } else {
                advance(ms);
            }
            self.world.due();
            return Ok(Reply::Done);
        }
        let ask = self.ask_of(op)?;
        let caller = if uid == 0 { root() } else { user(uid) };
        self.world.ask(&caller, ask)
    }

    fn named(&mut self, name: u32) -> Named {
        self.world.named(&format!("job-{name}"))
    }

    fn ask_of(&mut self, op: &Op) -> Result<Ask> {
        let names = self.names.clone();
        let pool_no = |pool: &usize| names.pools[*pool].expect("a pool that exists");
        let logical = |grant: &usize| names.grants[grant].no;
        Ok(match op {
            Op::Allocate(want) => {
                let request = Box::new(AllocateRequest::parse(&self.body(want))?);
                let pool = pool_no(&want.pool);
                let name = want.name.map(|name| self.named(name));
                match name {
                    Some(mut name) if want.unfinished => {
                        "ne".clone_into(&mut name.body);
                        Ask::Unfinished { pool, name }
                    }
                    name => Ask::Allocate {
                        pool,
                        request,
                        name,
                    },
                }
            }
            Op::RemoveRequest { request } => Ask::RemoveRequest {
                no: names.requests[*request],
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
            Op::Answer { asked, to } => {
                let no = names.asked[*asked];
                to.map_or(Ask::RemoveOperator { no }, |state| Ask::AnswerOperator {
                    no,
                    state,
                })
            }
            Op::Sweep | Op::Advance { .. } => Ask::Sweep,
            Op::Complete { .. }
            | Op::Decommission { .. }
            | Op::Move { .. }
            | Op::Enable { .. }
            | Op::Remove { .. }
            | Op::Import { .. }
            | Op::Enabled { .. }
            | Op::Inventory { .. }
            | Op::Set { .. } => self.tending(op),
        })
    }

    /// What concerns media, pools and libraries.
    fn tending(&self, op: &Op) -> Ask {
        let names = &self.names;
        let pool_no = |pool: &usize| names.pools[*pool].expect("a pool that exists");
        match op {
            Op::Complete { grant } => Ask::SetLogical {
                no: names.grants[grant].no,
                set: SetLogical::State("complete".to_owned()),
            },
            Op::Decommission { side } => Ask::SetSide {
                no: names.sides[*side].no,
                state: SideState::Decommissioned,
            },
            Op::Move { medium, pool } => {
                let name = self.reference.name[*medium].to_owned();
                Ask::MoveMedium {
                    no: names.media[*medium],
                    pool: pool_no(pool),
                    name,
                }
            }
            Op::Enable { medium, on } => Ask::SetMedium {
                no: names.media[*medium],
                set: SetMedium::Enabled(*on),
            },
            Op::Remove { medium } => Ask::RemoveMedium {
                no: names.media[*medium],
            },
            Op::Import { pool, lines } => Ask::Import {
                pool: pool_no(pool),
                lines: import(lines),
            },
            Op::Enabled { library, on } => Ask::SetLibrary {
                no: names.libraries[*library],
                set: SetLibrary::Enabled(*on),
            },
            Op::Inventory { library, found } => {
                let found = found
                    .iter()
                    .map(|(slot, name)| seen(*library, *slot, name))
                    .collect();
                Ask::Inventoried {
                    work: self.work(*library),
                    found: Ok(found),
                }
            }
            Op::Set { pool, file, value } => Ask::SetPool {
                no: pool_no(pool),
                set: setting(*file, *value),
            },
            Op::Allocate(_)
            | Op::RemoveRequest { .. }
            | Op::Deallocate { .. }
            | Op::Undo { .. }
            | Op::Delivered { .. }
            | Op::Answer { .. }
            | Op::Advance { .. }
            | Op::Sweep => Ask::Sweep,
        }
    }

    /// The oldest open work of a library; a number of nothing if there is none.
    fn work(&self, library: usize) -> ObjectNo {
        let db = self.world.db();
        let of = |work: &ObjectNo| {
            let found = fact::inventory(db, *work).expect("work");
            found.is_some_and(|(found, _)| found.no == self.names.libraries[library])
        };
        fact::open_work(db)
            .expect("work")
            .into_iter()
            .find(of)
            .unwrap_or(ObjectNo(0))
    }

    fn body(&self, want: &Want) -> String {
        let mut words = Vec::new();
        let flags = [
            (want.new, "new"),
            (want.next, "next"),
            (want.error, "error-if-unavailable"),
        ];
        words.extend(
            flags
                .iter()
                .filter(|flag| flag.0)
                .map(|flag| flag.1.to_owned()),
        );
        let id = |thing: Option<&Thing>| {
            let nothing = "00000000-0000-7000-8000-000000000001".to_owned();
            thing.map_or(nothing, |thing| thing.id.to_string())
        };
        let side = |no: usize| format!("side={}", id(self.names.sides.get(no)));
        words.extend(want.side.map(side));
        let media = |grant: usize| format!("media={}", id(self.names.grants.get(&grant)));
        words.extend(want.media.map(media));
        let timeout = |ms: i64| match ms {
            NEVER => "timeout=infinite".to_owned(),
            ms => format!("timeout={ms}"),
        };
        words.extend(want.timeout.map(timeout));
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
        for (n, medium) in world.medium.iter().enumerate() {
            let id = |request: usize| self.names.grants[&request].id;
            let library = |(library, slot)| (self.names.libraries[library], slot);
            let seen = Seen {
                no: self.names.sides[n].no,
                state: world.state[n],
                count: world.count[n],
                pool: self.names.pools[world.pool[*medium]].expect("a pool that exists"),
                enabled: world.enabled[*medium],
                place: world.place[*medium].map(library),
                owner: world.owner[n].map(|request| (id(request), world.uid[request])),
            };
            out.extend((!world.gone[*medium]).then_some(seen));
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
        for (n, answer) in world.answer.iter().enumerate() {
            let result = match answer {
                Answer::Got(grant) => self.names.grants[grant].id.to_string(),
                Answer::Failed(kind) => format!("{kind:?}"),
                Answer::Waits | Answer::Done | Answer::Refused(_) => String::new(),
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

fn import(lines: &[(&str, Option<Place>)]) -> Vec<(u64, ImportLine)> {
    let line = |(name, place): &(&str, Option<Place>)| {
        let slot = place.map(|(library, slot)| format!(" slot={}/{slot}", LIBRARIES[library]));
        let line = format!("{name} barcode={name}{}", slot.unwrap_or_default());
        ImportLine::parse(&line)
            .expect("a line")
            .expect("no comment")
    };
    (1..).zip(lines.iter().map(line)).collect()
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
        File::Use | File::Modify => SetPool::Mode(if on { 0o755 } else { 0o700 }),
        File::Control => SetPool::Control(if on { 0o666 } else { 0o660 }),
    }
}
