//! `ntmsfs operator`: what people are asked for, and their answers.

use super::exit::{Exit, Failed};
use super::list;
use super::place::{Place, Tree};
use crate::domain::attribute::REASON;
use crate::domain::state::OperatorState;
use anyhow::Result;
use clap::{Args, Subcommand};
use rustix::fs::{XattrFlags, setxattr};
use std::io;

#[derive(Debug, Args)]
pub(in crate::cli) struct Operator {
    #[command(subcommand)]
    answer: Option<Answer>,
    /// The answered ones too.
    #[arg(long)]
    all: bool,
    /// One JSON object a line, as in the files info.json.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Answer {
    /// Say that it is done.
    Done {
        /// The number of the request.
        #[arg(add = super::complete::operators())]
        number: u64,
        #[command(flatten)]
        place: Place,
    },
    /// Say that it will not be done; whoever waits for it is refused.
    Refuse {
        /// The number of the request.
        #[arg(add = super::complete::operators())]
        number: u64,
        /// Why. It is kept with the request as its attribute user.reason, which only root can set.
        text: Vec<String>,
        #[command(flatten)]
        place: Place,
    },
}

impl Operator {
    pub(super) fn run(&self) -> Result<()> {
        match &self.answer {
            None => list::operator(&self.place.find()?, self.all, self.json),
            Some(Answer::Done { number, place }) => place.find()?.write(state(*number), "complete"),
            Some(Answer::Refuse {
                number,
                text,
                place,
            }) => {
                let tree = place.find()?;
                if !text.is_empty() {
                    explain(&tree, *number, &text.join(" "))?;
                }
                tree.write(state(*number), "refused")
            }
        }
    }
}

/// Whether a request whose file says this state has its answer. It never loses it.
pub(super) fn is_answered(state: &str) -> bool {
    OperatorState::from_word(state.trim_end()).is_some_and(|state| !state.is_open())
}

fn state(number: u64) -> String {
    format!("operator/{number}/state")
}

/// Keeps a reason with a request that is still open. A request that has its answer is refused when that is written.
fn explain(tree: &Tree, number: u64, text: &str) -> Result<()> {
    if is_answered(&tree.read(state(number))?) {
        return Ok(());
    }
    let dir = tree.path(format!("operator/{number}"));
    setxattr(&dir, REASON, text.as_bytes(), XattrFlags::empty()).map_err(|error| {
        let error = io::Error::from(error);
        if error.kind() == io::ErrorKind::PermissionDenied {
            let sentence = format!(
                "only root can give a reason; without one, ntmsfs operator refuse {number}"
            );
            return Failed::new(Exit::Refused, sentence).into();
        }
        tree.failed(&dir, &error)
    })
}
