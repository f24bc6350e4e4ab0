//! The queue of one library: which request gets which drive, what is asked of a person, and who waits (MS-RSMP,
//! `MountNtmsMedia`, `DismountNtmsMedia`; reference sections 4.3 to 4.5, 6.6).
//!
//! Invariants: dismounts come before mounts, mounts in the order of the queue, so a later request never takes a drive
//! that an earlier one could have; a drive and a medium belong to one request at a time. The same facts give the same
//! steps, and facts to which the steps were applied give none that were taken already.

mod dismount;
mod fit;
mod inventory;
mod several;

use crate::domain::change::Thing;
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::hand::HandSpec;
use crate::domain::id::ObjectNo;
use crate::domain::library_request::{LibraryRequest, MountRequest};
use crate::domain::object::{Library, Medium, Side};
use crate::domain::state::{DriveState, LibraryState, WorkKind, WorkState};
use crate::domain::time::{Limit, Time};
use crate::domain::work::{Inside, Work};
use fit::{demand_online, disabled, fits, plea, unknown_medium};
use std::collections::BTreeSet;

pub use fit::demand_idle;

/// Most requests of a library that have no result yet.
pub const QUEUE_MAX: usize = 4096;

/// A drive of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drive {
    /// Object number.
    pub no: ObjectNo,
    /// Number in the library, from 1.
    pub number: u32,
    /// What is in it, and the name of that.
    pub inside: Option<(Inside, Thing, String)>,
    /// How long a medium that nobody has stays in it.
    pub stays: Limit,
}

impl Drive {
    /// Whether the time of a medium that nobody has is over.
    fn is_overdue(&self, now: Time) -> bool {
        match (&self.inside, self.stays) {
            (Some((inside, ..)), Limit::Ms(ms)) => {
                inside.modified.0.saturating_add(i64::from(ms)) <= now.0
            }
            (Some(_), Limit::Never) | (None, _) => false,
        }
    }
}

/// A request that has no result yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The request.
    pub work: Work,
    /// What it says; one that cannot be read any more ends with the reason.
    pub request: Result<LibraryRequest>,
    /// What it names, in order, as it is now; `None`: nothing has that identifier or name.
    pub targets: Vec<Option<(Medium, Side)>>,
}

impl Job {
    fn target(&self) -> Result<&(Medium, Side)> {
        let first = self.targets.first().and_then(Option::as_ref);
        first.ok_or_else(unknown_medium)
    }
}

/// What the queue looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The instant.
    pub now: Time,
    /// The library.
    pub library: Library,
    /// The type of its media.
    pub media_type: String,
    /// The person who is its robot, if one is.
    pub hands: Option<HandSpec>,
    /// Its drives, by number.
    pub drives: Vec<Drive>,
    /// Its requests, in the order in which they are served.
    pub jobs: Vec<Job>,
    /// Parts of them that have a result already, in order.
    pub ended: Vec<Work>,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are words of the glossary; the variant says what they mean together"
)]
pub enum Step {
    /// The library does it, with that drive.
    Start {
        work: ObjectNo,
        drive: Option<ObjectNo>,
    },
    /// The medium is in that drive of a person's library already.
    Serve { work: ObjectNo, drive: ObjectNo },
    /// A person is asked to put the medium into that drive.
    Insert {
        work: ObjectNo,
        drive: ObjectNo,
        message: String,
    },
    /// A person is asked to bring the medium from its shelf.
    Bring { work: ObjectNo, message: String },
    /// The medium in that drive goes home, because the drive is needed.
    Evict { drive: ObjectNo },
    /// The dismount is done: the medium stays until the drive is needed.
    Leave { work: ObjectNo, drive: ObjectNo },
    /// The dismount is done: a person has the medium.
    Clear { work: ObjectNo, drive: ObjectNo },
    /// It is for several media: each gets a request of its own, which is a part of it.
    Split { work: ObjectNo },
    /// All parts of a mount are ready: the user has the media.
    Hand { work: ObjectNo },
    /// Another part has failed: the medium of this one goes home.
    Withdraw { work: ObjectNo },
    /// It ends as this part of it has.
    Follow { work: ObjectNo, part: ObjectNo },
    /// All parts of a dismount are done.
    Gather { work: ObjectNo },
    /// There is nothing to do for it.
    Pass { work: ObjectNo, result: String },
    /// It waits.
    Wait { work: ObjectNo },
    /// It has failed.
    End { work: ObjectNo, refusal: Refusal },
}

/// What a drive is good for in this pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Free,
    /// It holds something that nobody has.
    Spare,
    /// It is being emptied.
    Coming,
    Taken,
}

/// Whether the library can take mounts now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// Not yet, or not any more: they wait.
    Shut,
}

/// Decides what every request of a library gets now.
pub fn schedule(facts: &Facts) -> Vec<Step> {
    let mut board = Board::new(facts);
    let idle = |job: &&Job| matches!(job.work.state, WorkState::Queued | WorkState::Waiting);
    let of = |kind: WorkKind| facts.jobs.iter().filter(move |job| job.work.kind == kind);
    let under_way = |job: &&Job| job.work.state == WorkState::InProcess && job.targets.len() > 1;
    for job in facts.jobs.iter().filter(under_way) {
        board.conclude(job);
    }
    for job in of(WorkKind::Dismount).filter(idle) {
        board.dismount(job);
    }
    let mut looking = facts.library.state == LibraryState::Initializing
        || of(WorkKind::Inventory).any(|job| job.work.state == WorkState::InProcess);
    for job in of(WorkKind::Inventory)
        .filter(idle)
        .filter(|job| job.work.name.is_some())
    {
        looking = board.inventory(job, looking);
    }
    for job in of(WorkKind::Mount).filter(idle) {
        // One that holds a drive waits for a person, who answers it; a part is started with all others.
        if job.work.drive.is_none() && job.work.part_of.is_none() {
            board.mount(job);
        }
    }
    board.bring_home();
    board.steps
}

/// The drives and media in one pass, and the steps so far.
struct Board<'a> {
    facts: &'a Facts,
    uses: Vec<Use>,
    claimed: BTreeSet<ObjectNo>,
    /// The priority below which nobody gets the drive in this pass.
    kept: Vec<Option<i64>>,
    steps: Vec<Step>,
}

impl<'a> Board<'a> {
    fn new(facts: &'a Facts) -> Self {
        let uses = facts.drives.iter().map(|drive| first_use(facts, drive));
        // What is on its way home is free as soon as its drive is.
        let holds = |job: &&Job| {
            job.work.kind != WorkKind::Dismount
                && (job.work.state == WorkState::InProcess || job.work.drive.is_some())
        };
        let claimed = facts
            .jobs
            .iter()
            .filter(holds)
            .filter_map(|job| job.work.medium);
        Self {
            facts,
            uses: uses.collect(),
            claimed: claimed.collect(),
            kept: vec![None; facts.drives.len()],
            steps: Vec::new(),
        }
    }

    fn end(&mut self, job: &Job, refusal: Refusal) {
        let work = job.work.no;
        self.steps.push(Step::End { work, refusal });
    }

    fn wait(&mut self, job: &Job) {
        if job.work.state == WorkState::Queued {
            self.steps.push(Step::Wait { work: job.work.no });
        }
    }

    fn set(&mut self, at: usize, now: Use) {
        if let Some(slot) = self.uses.get_mut(at) {
            *slot = now;
        }
    }

    /// Sends home what nobody has.
    fn evict(&mut self, at: usize) {
        if let (Some(Use::Spare), Some(drive)) = (self.uses.get(at), self.facts.drives.get(at)) {
            self.steps.push(Step::Evict { drive: drive.no });
            self.set(at, Use::Coming);
        }
    }

    /// Sends home what nobody has taken again in its time.
    fn bring_home(&mut self) {
        let library = &self.facts.library;
        if self.facts.hands.is_some() || !library.enabled || library.state != LibraryState::Ready {
            return;
        }
        for (at, drive) in self.facts.drives.iter().enumerate() {
            if drive.is_overdue(self.facts.now) {
                self.evict(at);
            }
        }
    }

    fn drive_of(&self, medium: ObjectNo) -> Option<usize> {
        self.facts.drives.iter().position(|drive| {
            drive
                .inside
                .as_ref()
                .is_some_and(|(inside, ..)| inside.medium == medium)
        })
    }

    fn mount(&mut self, job: &Job) {
        let request = match &job.request {
            Ok(LibraryRequest::Mount(request)) => request,
            Ok(_) => return self.end(job, ErrorKind::InvalidParameter.because("not a mount")),
            Err(refusal) => return self.end(job, refusal.clone()),
        };
        if job.targets.len() > 1 {
            return self.mount_several(job, request);
        }
        let checked = job.target().and_then(|(medium, side)| {
            let drive = request.drives.first().copied();
            let wanted = [(medium, side, drive)];
            fits(self.facts, request, &wanted)?;
            demand_online(request, &wanted)?;
            Ok((self.way(job)?, medium, side))
        });
        match checked {
            Ok((Way::Open, medium, side)) => self.place(job, request, medium, side),
            Ok((Way::Shut, ..)) => self.wait(job),
            Err(refusal) => self.end(job, refusal),
        }
    }

    /// Whether the library is ready. One that is off, or out of order, refuses a new request; one that waits goes on waiting.
    fn way(&self, job: &Job) -> Result<Way> {
        let library = &self.facts.library;
        let first = job.work.state == WorkState::Queued;
        match (library.enabled, library.state) {
            (true, LibraryState::Ready) => Ok(Way::Open),
            (false, _) if first => Err(disabled(library)),
            (true, LibraryState::NeedsService | LibraryState::NotPresent) if first => {
                Err(ErrorKind::LibraryOffline
                    .because(format!("library \"{}\" is {}", library.name, library.state)))
            }
            _ => Ok(Way::Shut),
        }
    }

    /// Finds a drive for a mount that could be served.
    fn place(&mut self, job: &Job, request: &MountRequest, medium: &Medium, side: &Side) {
        if !self.claimed.insert(medium.no) {
            return self.busy(
                job,
                request,
                &format!("medium \"{}\" is in use", medium.name),
            );
        }
        if let Some(at) = self.drive_of(medium.no) {
            return self.again(job, request, at, (medium, side));
        }
        let standalone = self
            .facts
            .hands
            .as_ref()
            .is_some_and(|hands| hands.standalone);
        if medium.library.is_none() && !standalone {
            return self.bring(job, medium);
        }
        let drive = request.drives.first().copied();
        match self.choose(job, drive, &BTreeSet::new()) {
            Some(at) => self.give(job, at, medium, side),
            None => self.busy(job, request, "every drive that it could use is in use"),
        }
    }

    /// The medium is in a drive: served at once if nobody has it and it is the right one.
    fn again(&mut self, job: &Job, request: &MountRequest, at: usize, medium: (&Medium, &Side)) {
        let (medium, side) = medium;
        let Some(drive) = self.facts.drives.get(at) else {
            return;
        };
        let up = drive
            .inside
            .as_ref()
            .is_some_and(|(inside, ..)| inside.side == side.no);
        let wanted = request.drives.first();
        let here = up && wanted.is_none_or(|number| *number == drive.number);
        match self.uses.get(at) {
            Some(Use::Spare) if here && self.facts.hands.is_some() => {
                self.set(at, Use::Taken);
                let (work, drive) = (job.work.no, drive.no);
                self.steps.push(Step::Serve { work, drive });
            }
            Some(Use::Spare) if here || self.facts.hands.is_some() => {
                self.give(job, at, medium, side);
            }
            Some(Use::Spare) => {
                self.evict(at);
                self.wait(job);
            }
            _ => self.busy(
                job,
                request,
                &format!("medium \"{}\" is in use", medium.name),
            ),
        }
    }

    fn busy(&mut self, job: &Job, request: &MountRequest, why: &str) {
        if job.work.state == WorkState::Queued && request.error_if_unavailable {
            self.end(job, ErrorKind::Busy.because(why));
        } else {
            self.wait(job);
        }
    }

    fn bring(&mut self, job: &Job, medium: &Medium) {
        if job.work.operator.is_some() {
            return;
        }
        let message = format!(
            "bring medium \"{}\" to library \"{}\"",
            medium.name, self.facts.library.name
        );
        let work = job.work.no;
        self.steps.push(Step::Bring { work, message });
    }

    /// The best of the drives that a mount may have: an empty one, one that is being emptied, one whose medium nobody
    /// waits for, the one that was given back first.
    fn choose(&self, job: &Job, number: Option<u32>, without: &BTreeSet<usize>) -> Option<usize> {
        let wanted: BTreeSet<ObjectNo> = self
            .facts
            .jobs
            .iter()
            .filter_map(|job| job.work.medium)
            .collect();
        let rank = |at: usize, drive: &Drive| match (self.uses.get(at)?, &drive.inside) {
            (Use::Free, _) => Some((0, false, 0, drive.number)),
            (Use::Coming, _) => Some((1, false, 0, drive.number)),
            (Use::Spare, Some((inside, ..))) => {
                let wanted = wanted.contains(&inside.medium);
                Some((2, wanted, inside.modified.0, drive.number))
            }
            (Use::Spare, None) | (Use::Taken, _) => None,
        };
        let kept = |at: usize| self.kept.get(at).copied().flatten();
        let drives = self.facts.drives.iter().enumerate();
        let fit = drives
            .filter(|(_, drive)| number.is_none_or(|number| number == drive.number))
            .filter(|(at, _)| !without.contains(at))
            .filter(|(at, _)| kept(*at).is_none_or(|above| job.work.priority >= above));
        fit.filter_map(|(at, drive)| Some((rank(at, drive)?, at)))
            .min()
            .map(|(_, at)| at)
    }

    /// Gives a chosen drive to a mount, after it was emptied if it has to be.
    fn give(&mut self, job: &Job, at: usize, medium: &Medium, side: &Side) {
        let Some(drive) = self.facts.drives.get(at) else {
            return;
        };
        let now = self.uses.get(at).copied().unwrap_or(Use::Taken);
        self.set(at, Use::Taken);
        let other = drive
            .inside
            .as_ref()
            .filter(|(inside, ..)| inside.medium != medium.no);
        let work = job.work.no;
        if let Some(hands) = &self.facts.hands {
            let message = plea(
                self.facts,
                hands,
                drive.number,
                (medium, side),
                other.map(|o| o.2.as_str()),
            );
            self.steps.push(Step::Insert {
                work,
                drive: drive.no,
                message,
            });
        } else if now == Use::Coming {
            self.wait(job);
        } else if other.is_some() {
            self.steps.push(Step::Evict { drive: drive.no });
            self.wait(job);
        } else {
            let drive = Some(drive.no);
            self.steps.push(Step::Start { work, drive });
        }
    }
}

/// What a drive is good for before anything is decided.
fn first_use(facts: &Facts, drive: &Drive) -> Use {
    let holder = facts
        .jobs
        .iter()
        .find(|job| job.work.drive == Some(drive.no));
    match (holder, &drive.inside) {
        (Some(job), _) if job.work.kind == WorkKind::Dismount => Use::Coming,
        (None, None) => Use::Free,
        (None, Some((inside, ..))) if inside.state == DriveState::Dismountable => Use::Spare,
        (Some(_), _) | (None, Some(_)) => Use::Taken,
    }
}
