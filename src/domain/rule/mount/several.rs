//! Requests for several media at once: all or none (MS-RSMP, `MountNtmsMedia` with more than one identifier).
//!
//! Invariants: the parts of a mount are started together, with all their drives, so two such requests never wait for each
//! other; a user has all of the media, or none. While one waits it keeps nothing from requests of its own priority.

use super::fit::{Wanted, demand_online, fits, unknown_medium};
use super::{Board, Job, Step, Use, Way};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::library_request::MountRequest;
use crate::domain::state::{WorkKind, WorkState};
use std::collections::BTreeSet;

impl<'a> Board<'a> {
    /// The parts of a request that have no result yet, in the order of the request.
    fn parts(&self, job: &Job) -> Vec<&'a Job> {
        let jobs = self.facts.jobs.iter();
        let mut parts: Vec<&Job> = jobs
            .filter(|j| j.work.part_of == Some(job.work.no))
            .collect();
        parts.sort_by_key(|part| part.work.no);
        parts
    }

    /// A request whose parts are under way: its media are handed over when all are ready, what was ready goes back when one
    /// has failed, and it ends when nothing of it is left to do.
    pub(super) fn conclude(&mut self, job: &Job) {
        let work = job.work.no;
        let parts = self.parts(job);
        let ended: Vec<_> = self
            .facts
            .ended
            .iter()
            .filter(|part| part.part_of == Some(work))
            .collect();
        let ready = |part: &&&'a Job| !part.work.result.is_empty();
        let failed = ended.iter().find(|part| part.state == WorkState::Failed);
        let homewards = |job: &Job| {
            job.work.kind == WorkKind::Dismount
                && ended.iter().any(|part| part.medium == job.work.medium)
        };
        if let Some(failed) = failed {
            let back = parts.iter().filter(ready).map(|part| part.work.no);
            self.steps.extend(back.map(|work| Step::Withdraw { work }));
            if parts.is_empty() && !self.facts.jobs.iter().any(homewards) {
                let part = failed.no;
                self.steps.push(Step::Follow { work, part });
            }
        } else if parts.is_empty() {
            self.steps.push(Step::Gather { work });
        } else if job.work.kind == WorkKind::Mount && parts.iter().all(|part| ready(&part)) {
            self.steps.push(Step::Hand { work });
        }
    }

    /// Refuses a mount of several that this library can never serve, and takes apart one that it can.
    pub(super) fn mount_several(&mut self, job: &Job, request: &MountRequest) {
        let wanted = match wanted(job, request) {
            Ok(wanted) => wanted,
            Err(refusal) => return self.end(job, refusal),
        };
        let checked = fits(self.facts, request, &wanted)
            .and_then(|()| demand_online(request, &wanted))
            .and_then(|()| self.way(job));
        match checked {
            Err(refusal) => self.end(job, refusal),
            Ok(Way::Shut) => self.wait(job),
            Ok(Way::Open) if self.parts(job).is_empty() => {
                self.steps.push(Step::Split { work: job.work.no });
            }
            Ok(Way::Open) => self.place_several(job, request, &wanted),
        }
    }

    fn place_several(&mut self, job: &Job, request: &MountRequest, wanted: &[Wanted<'_>]) {
        if wanted.iter().any(|(medium, ..)| medium.library.is_none()) {
            return self.bring_all(job, wanted);
        }
        for (medium, ..) in wanted {
            let at = self.drive_of(medium.no);
            let used = at.is_some_and(|at| self.uses.get(at) == Some(&Use::Taken));
            if used || self.claimed.contains(&medium.no) {
                let why = format!("medium \"{}\" is in use", medium.name);
                return self.busy(job, request, &why);
            }
        }
        let Some(drives) = self.assign(job, wanted) else {
            self.keep(job, wanted);
            let why = format!(
                "{} drives that it could use are not free at once",
                wanted.len()
            );
            return self.busy(job, request, &why);
        };
        self.claimed
            .extend(wanted.iter().map(|(medium, ..)| medium.no));
        self.take(job, wanted, &drives);
    }

    /// None is mounted until all are in the library; a person is asked for each that is not.
    fn bring_all(&mut self, job: &Job, wanted: &[Wanted<'_>]) {
        for part in self.parts(job) {
            let medium = wanted
                .iter()
                .find(|(medium, ..)| part.work.medium == Some(medium.no));
            let off = medium.filter(|(medium, ..)| medium.library.is_none());
            if let Some((medium, ..)) = off.filter(|(medium, ..)| self.claimed.insert(medium.no)) {
                self.bring(part, medium);
            }
        }
        self.wait(job);
    }

    /// A drive for each side: the one that it has to be in, the one that it is in, or the best of the others. `None`: there
    /// are not enough at once.
    fn assign(&self, job: &Job, wanted: &[Wanted<'_>]) -> Option<Vec<usize>> {
        let mut taken = BTreeSet::new();
        let mut found = vec![None; wanted.len()];
        for pass in 0..3 {
            for ((medium, side, drive), found) in wanted.iter().zip(&mut found) {
                let at = match (&found, drive, pass) {
                    (None, Some(number), 0) => Some(self.choose(job, Some(*number), &taken)?),
                    (None, None, 1) => self
                        .drive_of(medium.no)
                        .filter(|at| !taken.contains(at) && self.holds(*at, medium.no, side.no)),
                    (None, None, 2) => Some(self.choose(job, None, &taken)?),
                    _ => None,
                };
                taken.extend(at);
                *found = found.or(at);
            }
        }
        found.into_iter().collect()
    }

    /// Whether that side is up in that drive.
    fn holds(&self, at: usize, medium: ObjectNo, side: ObjectNo) -> bool {
        let inside = self
            .facts
            .drives
            .get(at)
            .and_then(|drive| drive.inside.as_ref());
        inside.is_some_and(|(inside, ..)| inside.medium == medium && inside.side == side)
    }

    /// Starts all parts if every drive is ready for its side; otherwise they are made ready, and nobody else gets them.
    fn take(&mut self, job: &Job, wanted: &[Wanted<'_>], drives: &[usize]) {
        let ready = |board: &Self, at: usize, part: &Wanted<'_>| match board.uses.get(at) {
            Some(Use::Free) => board.drive_of(part.0.no).is_none_or(|other| other == at),
            Some(Use::Spare) => board.holds(at, part.0.no, part.1.no),
            Some(Use::Coming | Use::Taken) | None => false,
        };
        let pairs = || drives.iter().copied().zip(wanted);
        if pairs().all(|(at, part)| ready(self, at, part)) {
            let work = job.work.no;
            self.steps.push(Step::Start { work, drive: None });
            for (part, at) in self.parts(job).into_iter().zip(drives) {
                let work = part.work.no;
                let drive = self.facts.drives.get(*at).map(|drive| drive.no);
                self.steps.push(Step::Start { work, drive });
            }
        } else {
            for (at, part) in pairs() {
                let home = self.drive_of(part.0.no).filter(|home| *home != at);
                if let Some(home) = home {
                    self.evict(home);
                }
                if !self.holds(at, part.0.no, part.1.no) {
                    self.evict(at);
                }
            }
            self.wait(job);
        }
        for at in drives {
            self.set(*at, Use::Taken);
        }
    }

    /// A request of several that lacks drives lets those of its own priority pass, so that whoever waits with media in his
    /// hands is served; those of lower priority wait behind it.
    fn keep(&mut self, job: &Job, wanted: &[Wanted<'_>]) {
        let named: BTreeSet<u32> = wanted.iter().filter_map(|(.., drive)| *drive).collect();
        let drives = self.facts.drives.iter().zip(&mut self.kept);
        for (drive, kept) in drives {
            if named.is_empty() || named.contains(&drive.number) {
                *kept = (*kept).max(Some(job.work.priority));
            }
        }
    }
}

/// What a mount names, each with the drive that it has to be in.
fn wanted<'a>(job: &'a Job, request: &MountRequest) -> Result<Vec<Wanted<'a>>> {
    let targets = job.targets.iter().enumerate();
    let one = |(at, target): (usize, &'a Option<_>)| {
        let (medium, side) = target.as_ref().ok_or_else(unknown_medium)?;
        Ok((medium, side, request.drives.get(at).copied()))
    };
    targets.map(one).collect()
}
