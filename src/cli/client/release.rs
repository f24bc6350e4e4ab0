//! `ntmsfs release`: gives logical media back.

use super::exit::{Exit, Failed};
use super::place::Place;
use crate::domain::id::Guid;
use anyhow::{Context as _, Result};
use clap::Args;
use std::fs;
use std::io;

#[derive(Debug, Args)]
pub(in crate::cli) struct Release {
    /// The logical medium, by its LMID.
    #[arg(required = true, value_name = "LMID", add = super::complete::logical())]
    lmids: Vec<String>,
    #[command(flatten)]
    place: Place,
}

impl Release {
    /// Gives them back one by one; the first that cannot be ends it.
    pub(super) fn run(&self) -> Result<()> {
        let ids = self
            .lmids
            .iter()
            .map(|text| Guid::parse(text).map(|id| id.to_string()));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let tree = self.place.find()?;
        for id in ids {
            let path = tree.path("logical").join(&id);
            fs::remove_dir(&path)
                .map_err(|error| {
                    if error.kind() != io::ErrorKind::NotFound {
                        return tree.failed(&path, &error);
                    }
                    let sentence =
                        "there is no such logical medium (ENOENT); ntmsfs logical lists them";
                    Failed::new(Exit::Refused, sentence).into()
                })
                .with_context(|| id.clone())?;
        }
        Ok(())
    }
}
