//! The virtual library: deterministic, for trying out and for tests.
//!
//! Its cartridges are put in when it is first looked into: the first slots hold one each, with the bar codes of its
//! pattern. From then on what the catalog believes is what is there.

use super::{Believed, Library};
use crate::domain::ask::Found;
use crate::domain::driver::VirtualSpec;
use crate::domain::error::Result;

/// A library without hardware.
#[derive(Debug, Clone)]
pub struct Simulated {
    name: String,
    spec: VirtualSpec,
}

impl Simulated {
    /// Makes the library of that name.
    pub fn new(name: &str, spec: VirtualSpec) -> Self {
        Self {
            name: name.to_owned(),
            spec,
        }
    }

    fn found(&self, slot: u32, barcode: Option<String>, media_type: String) -> Found {
        Found {
            slot,
            barcode,
            media_type,
            label: self.spec.label,
        }
    }
}

impl Library for Simulated {
    fn inventory(&self, believed: &[Believed]) -> Result<Vec<Found>> {
        if !believed.is_empty() {
            let again = |(slot, barcode, media_type): &Believed| {
                self.found(*slot, barcode.clone(), media_type.clone())
            };
            return Ok(believed.iter().map(again).collect());
        }
        let first = |n| {
            Ok(self.found(
                n,
                Some(self.spec.barcode(&self.name, n)?),
                self.spec.media_type.clone(),
            ))
        };
        (1..=self.spec.cartridges).map(first).collect()
    }
}
