//! Objects of the tree by their `info.json`: as a table for people, or as they are, one a line.
//!
//! Invariant: what goes away while it is listed is left out; what this user may not read is counted and said.

use super::exit::Failed;
use super::looks::Looks;
use super::place::Tree;
use super::table::{Column, Table};
use crate::domain::name::json_line;
use anyhow::Result;
use serde_json::Value;
use std::fs;
use std::io::{self, BufWriter, StdoutLock, Write as _, stdout};
use std::path::Path;

/// A kind of objects: its columns, and the cells of one in the directory.
pub(super) struct Listing {
    /// What several are called.
    pub(super) called: &'static str,
    pub(super) columns: &'static [Column],
    pub(super) cells: fn(&Path, &Value) -> Vec<String>,
}

/// Objects that are being listed on standard output.
pub(super) struct Lister<'a> {
    tree: &'a Tree,
    listing: &'a Listing,
    out: Out<'a>,
    hidden: usize,
}

enum Out<'a> {
    Table(Table<'a, BufWriter<StdoutLock<'static>>>),
    Json(BufWriter<StdoutLock<'static>>),
}

impl<'a> Lister<'a> {
    pub(super) fn new(tree: &'a Tree, listing: &'a Listing, json: bool) -> Self {
        let out = BufWriter::new(stdout().lock());
        let out = if json {
            Out::Json(out)
        } else {
            Out::Table(Table::new(out, Looks::of_stdout(), listing.columns))
        };
        Self {
            tree,
            listing,
            out,
            hidden: 0,
        }
    }

    /// Lists the object of a directory, if it is wanted.
    pub(super) fn add(&mut self, dir: &Path, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let path = dir.join("info.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.hidden += 1;
                return Ok(());
            }
            Err(error) => return Err(self.tree.failed(&path, &error)),
        };
        let info: Value = serde_json::from_str(&text)?;
        if !wanted(&info) {
            return Ok(());
        }
        match &mut self.out {
            Out::Table(table) => table.add(&(self.listing.cells)(dir, &info))?,
            Out::Json(out) => writeln!(out, "{}", json_line(&info.to_string()))?,
        }
        Ok(())
    }

    /// Lists everything in a directory of objects or of links to them.
    pub(super) fn add_all(&mut self, dir: &Path, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        for name in self.tree.names(dir)? {
            self.add(&dir.join(name), &wanted)?;
        }
        Ok(())
    }

    /// Ends the list.
    pub(super) fn end(self) -> Result<()> {
        match self.out {
            Out::Table(table) => table.end()?,
            Out::Json(mut out) => out.flush()?,
        }
        if self.hidden > 0 {
            let (hidden, called) = (self.hidden, self.listing.called);
            // Nobody to tell if standard error is closed.
            drop(writeln!(
                io::stderr(),
                "ntmsfs: not shown, since you may not read them: {hidden} {called}"
            ));
        }
        Ok(())
    }
}

/// A member as text: nothing for null.
pub(super) fn text(info: &Value, key: &str) -> String {
    match info.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// The path of a pool as people write it, from its path in the tree.
pub(super) fn pool_of(path: &str) -> String {
    let names: Vec<&str> = path.split('/').skip(1).step_by(2).collect();
    names.join("/")
}

/// Reads the whole system as one object.
pub(super) fn system(tree: &Tree) -> Result<Value> {
    serde_json::from_str(&tree.read("info.json")?).map_err(|error| {
        Failed::new(super::exit::Exit::Refused, format!("info.json: {error}")).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_called_as_people_write_them() {
        assert_eq!(pool_of("pools/Backup"), "Backup");
        assert_eq!(pool_of("pools/pools/pools/pools"), "pools/pools");
        assert_eq!(pool_of(""), "");
    }
}
