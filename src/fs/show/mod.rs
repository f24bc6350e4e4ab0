//! What files show: one small function a file.
//!
//! Invariants: every text ends with a newline; nothing contains the time of reading; text from people and hardware is
//! shown without control characters, so one value is one line.

pub(crate) mod info;
pub(crate) mod library;
pub(crate) mod link;
pub(crate) mod logical;
mod looks;
pub(crate) mod map;
mod markup;
pub(crate) mod medium;
pub(crate) mod metrics;
pub(crate) mod operator;
pub(crate) mod page;
pub(crate) mod pool;
pub(crate) mod settings;
mod squares;
pub(crate) mod status;
pub(crate) mod types;
mod value_type;
pub(crate) mod why;
pub(crate) mod work;

use crate::domain::error::{ErrorKind, Result};
use crate::domain::name::printable;
use std::fmt::Display;

/// One value as a line.
fn line(value: impl Display) -> String {
    format!("{value}\n")
}

/// Text from people or hardware as a line.
fn text(value: &str) -> String {
    line(printable(value))
}

/// A switch: 1 or 0.
fn switch(on: bool) -> String {
    line(u8::from(on))
}

/// Refuses if the object is gone.
fn found<T>(object: Option<T>) -> Result<T> {
    object.ok_or_else(|| ErrorKind::ObjectNotFound.because("the object is gone"))
}

/// Aligns rows of words in columns: the first to the left, the others to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, &width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// A title, then a table under its heads if it has some; `none` if it has no rows.
fn section(title: &str, heads: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return format!("{title}: none\n");
    }
    let heads: Vec<String> = heads.iter().copied().map(str::to_owned).collect();
    let heads = (!heads.is_empty()).then_some(heads);
    let all: Vec<_> = heads.into_iter().chain(rows).collect();
    format!("{title}:\n{}", table(&all))
}
