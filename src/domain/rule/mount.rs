//! The queue of one library: which request gets which drive, what is asked of a person, and who waits (MS-RSMP,
//! `MountNtmsMedia`, `DismountNtmsMedia`; reference sections 4.3 to 4.5, 6.6).
//!
//! Invariants: dismounts come before mounts, mounts in the order of the queue, so a later request never takes a drive
//! that an earlier one could have; a drive and a medium belong to one request at a time. The same facts give the same
//! steps, and facts to which the steps were applied give none that were taken already.

use crate::domain::access::{Caller, Right};
use crate::domain::change::Thing;
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::hand::HandSpec;
use crate::domain::id::ObjectNo;
use crate::domain::noun::{Library, Medium, Side};
use crate::domain::state::{DriveState, LibraryState, MediumState, SideState, WorkKind, WorkState};
use crate::domain::verb::{DismountRequest, Dismounted, LibraryRequest, MountRequest};
use crate::domain::work::{Inside, Work};
use std::collections::BTreeSet;

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
}

/// A request that has no result yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The request.
    pub work: Work,
    /// What it says; one that cannot be read any more ends with the reason.
    pub request: Result<LibraryRequest>,
    /// What it names, as it is now.
    pub target: Option<(Medium, Side)>,
}

/// What the queue looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
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

/// Decides what every request of a library gets now.
pub fn schedule(facts: &Facts) -> Vec<Step> {
    let mut board = Board::new(facts);
    let idle = |job: &&Job| matches!(job.work.state, WorkState::Queued | WorkState::Waiting);
    let of = |kind: WorkKind| facts.jobs.iter().filter(move |job| job.work.kind == kind);
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
        // One that holds a drive waits for a person, who answers it.
        if job.work.drive.is_none() {
            board.mount(job);
        }
    }
    board.steps
}

/// The drives and media in one pass, and the steps so far.
struct Board<'a> {
    facts: &'a Facts,
    uses: Vec<Use>,
    claimed: BTreeSet<ObjectNo>,
    steps: Vec<Step>,
}

impl<'a> Board<'a> {
    fn new(facts: &'a Facts) -> Self {
        let uses = facts.drives.iter().map(|drive| first_use(facts, drive));
        let holds = |job: &&Job| job.work.state == WorkState::InProcess || job.work.drive.is_some();
        let claimed = facts
            .jobs
            .iter()
            .filter(holds)
            .filter_map(|job| job.work.medium);
        Self {
            facts,
            uses: uses.collect(),
            claimed: claimed.collect(),
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

    fn dismount(&mut self, job: &Job) {
        let work = job.work.no;
        let (at, drive, deferred) = match self.to_dismount(job) {
            Ok(found) => found,
            Err(refusal) => return self.end(job, refusal),
        };
        let (step, now) = match &self.facts.hands {
            Some(hands) if deferred || hands.standalone => {
                (Step::Leave { work, drive }, Use::Spare)
            }
            Some(_) => (Step::Clear { work, drive }, Use::Free),
            // Also a deferred one: the device is taken back from its user.
            None => (
                Step::Start {
                    work,
                    drive: Some(drive),
                },
                Use::Coming,
            ),
        };
        self.set(at, now);
        self.steps.push(step);
    }

    /// Finds the drive that a dismount means, and checks that its medium is the caller's to give back.
    fn to_dismount(&self, job: &Job) -> Result<(usize, ObjectNo, bool)> {
        let request = match &job.request {
            Ok(LibraryRequest::Dismount(request)) => request,
            Ok(_) => return Err(ErrorKind::InvalidParameter.because("not a dismount")),
            Err(refusal) => return Err(refusal.clone()),
        };
        let at = self.meant(job, request)?;
        let drive = self
            .facts
            .drives
            .get(at)
            .ok_or_else(|| no_drive(0, self.facts))?;
        let shown = format!(
            "drive {} of library \"{}\"",
            drive.number, self.facts.library.name
        );
        let Some((inside, _, name)) = &drive.inside else {
            return Err(ErrorKind::InvalidState.because(format!("{shown} is empty")));
        };
        let by_drive = matches!(request.what, Dismounted::Drive(_));
        let ready = inside.state == DriveState::Loaded
            || by_drive && inside.state == DriveState::Dismountable;
        if !ready || self.uses.get(at).is_some_and(|now| *now == Use::Coming) {
            return Err(ErrorKind::InvalidState
                .because(format!("medium \"{name}\" in {shown} is {}", inside.state)));
        }
        demand_holder(inside, name, &self.facts.library, &job.work.caller)?;
        Ok((at, drive.no, request.deferred))
    }

    fn meant(&self, job: &Job, request: &DismountRequest) -> Result<usize> {
        match &request.what {
            Dismounted::Drive(number) => {
                let at = self
                    .facts
                    .drives
                    .iter()
                    .position(|drive| drive.number == *number);
                at.ok_or_else(|| no_drive(*number, self.facts))
            }
            Dismounted::Target(_) => {
                let Some((medium, side)) = &job.target else {
                    return Err(unknown_medium());
                };
                self.drive_of(medium.no)
                    .filter(|at| {
                        let drive = self.facts.drives.get(*at);
                        drive
                            .and_then(|drive| drive.inside.as_ref())
                            .is_some_and(|(inside, ..)| {
                                inside.side == side.no && inside.state != DriveState::Dismountable
                            })
                    })
                    .ok_or_else(|| {
                        ErrorKind::InvalidState.because(format!(
                            "medium \"{}\" side {} is not mounted in library \"{}\"",
                            medium.name, side.letter, self.facts.library.name
                        ))
                    })
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

    /// Returns whether an inventory is under way from now on.
    fn inventory(&mut self, job: &Job, looking: bool) -> bool {
        let work = job.work.no;
        match &job.request {
            Ok(LibraryRequest::Inventory(false)) => {
                let result = "ok no inventory is under way\n".to_owned();
                self.steps.push(Step::Pass { work, result });
                looking
            }
            _ if !self.facts.library.enabled => {
                self.end(job, disabled(&self.facts.library));
                looking
            }
            _ if looking => {
                self.wait(job);
                true
            }
            _ => {
                self.steps.push(Step::Start { work, drive: None });
                true
            }
        }
    }

    fn mount(&mut self, job: &Job) {
        let checked = self.check(job).map(|found| {
            found.map(|(request, medium, side)| (request.clone(), medium.clone(), side.clone()))
        });
        match checked {
            Ok(Some((request, medium, side))) => self.place(job, &request, &medium, &side),
            Ok(None) => self.wait(job),
            Err(refusal) => self.end(job, refusal),
        }
    }

    /// Checks what no waiting can change, or what only people change. `None`: the library is not ready yet.
    fn check<'b>(&self, job: &'b Job) -> Result<Option<(&'b MountRequest, &'b Medium, &'b Side)>> {
        let library = &self.facts.library;
        let first = job.work.state == WorkState::Queued;
        let request = match &job.request {
            Ok(LibraryRequest::Mount(request)) => request,
            Ok(_) => return Err(ErrorKind::InvalidParameter.because("not a mount")),
            Err(refusal) => return Err(refusal.clone()),
        };
        let Some((medium, side)) = &job.target else {
            return Err(unknown_medium());
        };
        fits(self.facts, request, medium, side)?;
        match (library.enabled, library.state) {
            (true, LibraryState::Ready) => Ok(Some((request, medium, side))),
            (false, _) if first => Err(disabled(library)),
            (true, LibraryState::NeedsService | LibraryState::NotPresent) if first => {
                Err(ErrorKind::LibraryOffline
                    .because(format!("library \"{}\" is {}", library.name, library.state)))
            }
            _ => Ok(None),
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
        if medium.library.is_none() {
            if request.error_if_offline {
                let sentence = format!("medium \"{}\" is on a shelf", medium.name);
                return self.end(job, ErrorKind::MediaOffline.because(sentence));
            }
            if !standalone {
                return self.bring(job, medium);
            }
        }
        match self.choose(request.drive) {
            Some(at) => self.give(job, at, medium, side),
            None => self.busy(job, request, "every drive that it could use is in use"),
        }
    }

    /// The medium is in a drive: served at once if nobody has it and it is the right one.
    fn again(&mut self, job: &Job, request: &MountRequest, at: usize, wanted: (&Medium, &Side)) {
        let (medium, side) = wanted;
        let Some(drive) = self.facts.drives.get(at) else {
            return;
        };
        let up = drive
            .inside
            .as_ref()
            .is_some_and(|(inside, ..)| inside.side == side.no);
        let here = up && request.drive.is_none_or(|number| number == drive.number);
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
                self.set(at, Use::Coming);
                self.steps.push(Step::Evict { drive: drive.no });
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
    fn choose(&self, number: Option<u32>) -> Option<usize> {
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
        let drives = self.facts.drives.iter().enumerate();
        let fit = drives.filter(|(_, drive)| number.is_none_or(|number| number == drive.number));
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

/// Refuses a mount that this library can never serve.
fn fits(facts: &Facts, request: &MountRequest, medium: &Medium, side: &Side) -> Result<()> {
    let library = &facts.library;
    if !medium.enabled {
        return Err(
            ErrorKind::ResourceDisabled.because(format!("medium \"{}\" is disabled", medium.name))
        );
    }
    if medium.media_type != facts.media_type {
        return Err(ErrorKind::DriveMediaMismatch.because(format!(
            "medium \"{}\" is {}, library \"{}\" takes {}",
            medium.name, medium.media_type, library.name, facts.media_type
        )));
    }
    if medium.library.is_some_and(|no| no != library.no) {
        return Err(ErrorKind::DriveMediaMismatch.because(format!(
            "medium \"{}\" is not in library \"{}\"",
            medium.name, library.name
        )));
    }
    if request.write == Some(true) && side.state == SideState::Complete {
        return Err(ErrorKind::WriteProtect.because(format!(
            "medium \"{}\" side {} is complete; mount it for reading",
            medium.name, side.letter
        )));
    }
    match request.drive {
        Some(number) if !facts.drives.iter().any(|drive| drive.number == number) => {
            Err(no_drive(number, facts))
        }
        None if facts.drives.is_empty() => Err(ErrorKind::ResourceNotPresent
            .because(format!("library \"{}\" has no drive", library.name))),
        _ => Ok(()),
    }
}

/// Who may give back what is in a drive: whoever mounted it, and whoever may change the library.
fn demand_holder(inside: &Inside, name: &str, library: &Library, caller: &Caller) -> Result<()> {
    if inside.uid == caller.uid || library.access.permits(caller, Right::Modify) {
        return Ok(());
    }
    Err(ErrorKind::AccessDenied.because(format!(
        "uid {} mounted medium \"{name}\"; uid {} lacks MODIFY on \"{}\"",
        inside.uid, caller.uid, library.name
    )))
}

/// Refuses to give away or move a medium that somebody has in a drive, or that is on its way.
pub fn demand_idle(state: MediumState, inside: Option<&Inside>, name: &str) -> Result<()> {
    let spare = inside.is_some_and(|inside| inside.state == DriveState::Dismountable);
    if spare || matches!(state, MediumState::Idle | MediumState::OperatorRequest) {
        return Ok(());
    }
    Err(ErrorKind::Busy.because(format!("medium \"{name}\" is {state}; dismount it first")))
}

/// What a person is asked.
fn plea(
    facts: &Facts,
    hands: &HandSpec,
    drive: u32,
    (medium, side): (&Medium, &Side),
    out: Option<&str>,
) -> String {
    let first = out.map_or(String::new(), |name| {
        format!("take out medium \"{name}\" and ")
    });
    format!(
        "{first}put medium \"{}\" side {} into drive {drive} of library \"{}\" ({})",
        medium.name, side.letter, facts.library.name, hands.device
    )
}

fn disabled(library: &Library) -> Refusal {
    ErrorKind::ResourceDisabled.because(format!("library \"{}\" is disabled", library.name))
}

fn no_drive(number: u32, facts: &Facts) -> Refusal {
    ErrorKind::InvalidDrive.because(format!(
        "library \"{}\" has no drive {number}",
        facts.library.name
    ))
}

fn unknown_medium() -> Refusal {
    ErrorKind::InvalidMedia.because("no medium has that identifier or name")
}
