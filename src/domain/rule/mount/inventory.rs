//! When a library looks into its slots.

use super::fit::disabled;
use super::{Board, Job, Step};
use crate::domain::error::ErrorKind;
use crate::domain::library_request::LibraryRequest;
use crate::domain::state::{InventoryMethod, WorkKind, WorkState};

impl Board<'_> {
    /// Returns whether an inventory is under way from now on.
    pub(super) fn inventory(&mut self, job: &Job, looking: bool) -> bool {
        let work = job.work.no;
        let default = self.facts.library.inventory_method;
        let method = match &job.request {
            Ok(LibraryRequest::Inventory(InventoryMethod::Default)) => default,
            Ok(LibraryRequest::Inventory(method)) => *method,
            Ok(_) => InventoryMethod::Fast,
            Err(refusal) => {
                self.end(job, refusal.clone());
                return looking;
            }
        };
        match method {
            InventoryMethod::None => {
                let result = "ok no inventory was taken\n".to_owned();
                self.steps.push(Step::Pass { work, result });
                looking
            }
            InventoryMethod::Stop => {
                self.stop_waiting(job, looking);
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
            InventoryMethod::Fast | InventoryMethod::Omid | InventoryMethod::Default => {
                self.steps.push(Step::Start { work, drive: None });
                true
            }
        }
    }

    /// Ends the inventories that wait. One that is under way comes to its end.
    fn stop_waiting(&mut self, job: &Job, looking: bool) {
        let waits = |other: &&Job| {
            other.work.kind == WorkKind::Inventory && other.work.state == WorkState::Waiting
        };
        let waiting: Vec<&Job> = self.facts.jobs.iter().filter(waits).collect();
        for other in &waiting {
            let refusal = ErrorKind::Cancelled.because(format!("work {} stopped it", job.work.no));
            self.end(other, refusal);
        }
        let rest = if looking { ", one is under way" } else { "" };
        let result = format!("ok stopped {} inventories{rest}\n", waiting.len());
        let work = job.work.no;
        self.steps.push(Step::Pass { work, result });
    }
}
