//! A library whose robot is a person: what is where is what the person said, and so what the catalog believes. What a drive
//! has in it can be read all the same, and is compared before anybody gets it.

use super::{Believed, Cartridge, Library, beginning};
use crate::domain::ask::Found;
use crate::domain::driver::Label;
use crate::domain::error::Result;
use crate::domain::hand::HandSpec;
use crate::domain::id::Guid;
use std::path::Path;

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

    /// Nobody can see it.
    fn inside(&self, _drive: u32) -> Result<Option<Guid>> {
        Ok(None)
    }

    /// The person has done it, and said so.
    fn fetch(&self, _cartridge: &Cartridge, _drive: u32) -> Result<()> {
        Ok(())
    }

    fn load(&self, cartridge: &Cartridge, _drive: u32) -> Result<String> {
        if let Some(label) = &cartridge.label {
            beginning::verify(Path::new(&self.spec.device), label)?;
        }
        Ok(self.spec.device.clone())
    }

    fn release(&self, _drive: u32) -> Result<()> {
        Ok(())
    }

    fn unload(&self, _drive: u32) -> Result<()> {
        Ok(())
    }

    fn put_back(&self, _drive: u32, _slot: Option<u32>) -> Result<()> {
        Ok(())
    }
}
