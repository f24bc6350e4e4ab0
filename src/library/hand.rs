//! A library whose robot is a person: what is where is what the person said, and so what the catalog believes.

use super::{Believed, Cartridge, Library};
use crate::domain::ask::Found;
use crate::domain::driver::Label;
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::hand::HandSpec;
use crate::domain::id::Guid;

/// A drive and a person.
#[derive(Debug, Clone)]
pub struct Hand {
    spec: HandSpec,
}

impl Hand {
    /// Makes it of its specification.
    pub fn new(spec: HandSpec) -> Self {
        Self { spec }
    }

    /// Nothing here moves by itself; the queue asks the person instead.
    fn no_robot(&self) -> Refusal {
        ErrorKind::NotSupported.because(format!("a person serves {}", self.spec.device))
    }
}

impl Library for Hand {
    fn inventory(&self, believed: &[Believed]) -> Result<Vec<Found>> {
        let again = |(slot, barcode, media_type): &Believed| Found {
            slot: *slot,
            barcode: barcode.clone(),
            media_type: media_type.clone(),
            label: Label::Free,
        };
        Ok(believed.iter().map(again).collect())
    }

    fn inside(&self, _drive: u32) -> Result<Option<Guid>> {
        Err(self.no_robot())
    }

    fn fetch(&self, _cartridge: &Cartridge, _drive: u32) -> Result<()> {
        Err(self.no_robot())
    }

    fn load(&self, _cartridge: &Cartridge, _drive: u32) -> Result<String> {
        Err(self.no_robot())
    }

    fn release(&self, _drive: u32) -> Result<()> {
        Err(self.no_robot())
    }

    fn unload(&self, _drive: u32) -> Result<()> {
        Err(self.no_robot())
    }

    fn put_back(&self, _drive: u32, _slot: Option<u32>) -> Result<()> {
        Err(self.no_robot())
    }
}
