//! The verbs that show a file of the tree which is text for people.

use super::looks::Looks;
use super::objects;
use super::place::Place;
use crate::domain::name::{json_line, printable};
use anyhow::Result;
use clap::Args;
use std::io::{Write as _, stdout};

#[derive(Debug, Args)]
pub(in crate::cli) struct Status {
    #[command(flatten)]
    place: Place,
    /// One JSON object: the file info.json of the tree.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Why {
    /// The pool, such as Backup or Backup/Daily.
    #[arg(add = super::complete::pools())]
    pool: String,
    #[command(flatten)]
    place: Place,
}

impl Status {
    pub(super) fn run(&self) -> Result<()> {
        let tree = self.place.find()?;
        if self.json {
            let line = json_line(&objects::system(&tree)?.to_string());
            writeln!(stdout(), "{line}")?;
            return Ok(());
        }
        show(&tree.read("status")?)
    }
}

impl Why {
    pub(super) fn run(&self) -> Result<()> {
        let tree = self.place.find()?;
        let dir = tree.pool(&self.pool)?;
        show(&tree.read(dir.join("why"))?)
    }
}

/// Shows text, with its titles in bold.
fn show(text: &str) -> Result<()> {
    let looks = Looks::of_stdout();
    let mut out = stdout().lock();
    for line in text.lines() {
        let line = printable(line);
        if is_title(&line) {
            writeln!(out, "{}", looks.bold(&line))?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// Whether a line stands above others.
fn is_title(line: &str) -> bool {
    !line.starts_with(' ')
        && (line.ends_with(':') || line.ends_with(": candidates") || line.starts_with("refused "))
}
