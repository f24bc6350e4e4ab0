//! Which drives a dismount means, and what is done with them.

use super::fit::{demand_holder, no_drive, twice, unknown_medium};
use super::{Board, Job, Step, Use};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::library_request::{Dismounted, LibraryRequest};
use crate::domain::object::{Medium, Side};
use crate::domain::state::DriveState;
use std::collections::BTreeSet;

impl Board<'_> {
    /// A dismount of several is refused whole, or taken apart.
    pub(super) fn dismount(&mut self, job: &Job) {
        match self.to_dismount(job) {
            Ok((drives, deferred)) => match drives.as_slice() {
                [at] => self.give_back(job, *at, deferred),
                _ => self.steps.push(Step::Split { work: job.work.no }),
            },
            Err(refusal) => self.end(job, refusal),
        }
    }

    fn give_back(&mut self, job: &Job, at: usize, deferred: bool) {
        let work = job.work.no;
        let Some(drive) = self.facts.drives.get(at).map(|drive| drive.no) else {
            return;
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

    /// Finds the drives that a dismount means, and checks that their media are the caller's to give back.
    fn to_dismount(&self, job: &Job) -> Result<(Vec<usize>, bool)> {
        let request = match &job.request {
            Ok(LibraryRequest::Dismount(request)) => request,
            Ok(_) => return Err(ErrorKind::InvalidParameter.because("not a dismount")),
            Err(refusal) => return Err(refusal.clone()),
        };
        let (drives, by_drive) = match &request.what {
            Dismounted::Drive(number) => (vec![self.numbered(*number)?], true),
            Dismounted::Targets(_) => {
                let targets = job.targets.iter();
                let drives = targets.map(|target| self.holding(target.as_ref()));
                (drives.collect::<Result<_>>()?, false)
            }
        };
        let mut seen = BTreeSet::new();
        for at in &drives {
            let name = self.demand_ready(job, *at, by_drive)?;
            if !seen.insert(at) {
                return Err(twice(name));
            }
        }
        Ok((drives, request.deferred))
    }

    fn numbered(&self, number: u32) -> Result<usize> {
        let mut drives = self.facts.drives.iter();
        let at = drives.position(|drive| drive.number == number);
        at.ok_or_else(|| no_drive(number, self.facts))
    }

    /// Refuses a drive from which the caller cannot give anything back now; returns the name of what is in it.
    fn demand_ready(&self, job: &Job, at: usize, by_drive: bool) -> Result<&str> {
        let facts = self.facts;
        let drive = facts.drives.get(at).ok_or_else(|| no_drive(0, facts))?;
        let shown = format!(
            "drive {} of library \"{}\"",
            drive.number, facts.library.name
        );
        let Some((inside, _, name)) = &drive.inside else {
            return Err(ErrorKind::InvalidState.because(format!("{shown} is empty")));
        };
        let ready = inside.state == DriveState::Loaded
            || by_drive && inside.state == DriveState::Dismountable;
        if !ready || self.uses.get(at).is_some_and(|now| *now == Use::Coming) {
            return Err(ErrorKind::InvalidState
                .because(format!("medium \"{name}\" in {shown} is {}", inside.state)));
        }
        demand_holder(inside, name, &facts.library, &job.work.caller)?;
        Ok(name)
    }

    fn holding(&self, target: Option<&(Medium, Side)>) -> Result<usize> {
        let (medium, side) = target.ok_or_else(unknown_medium)?;
        let at = self.drive_of(medium.no);
        let drive = at.and_then(|at| self.facts.drives.get(at));
        let held = drive.and_then(|drive| drive.inside.as_ref());
        let up = held.is_some_and(|(inside, ..)| {
            inside.side == side.no && inside.state != DriveState::Dismountable
        });
        at.filter(|_| up).ok_or_else(|| {
            ErrorKind::InvalidState.because(format!(
                "medium \"{}\" side {} is not mounted in library \"{}\"",
                medium.name, side.letter, self.facts.library.name
            ))
        })
    }
}
