//! The namespace: one table says what the tree is, and everything else is derived from it.
//!
//! The adapter asks here, always with the [`View`](crate::manager::View) of one snapshot:
//!
//! * [`lookup()`], [`exists`], [`parent`]: names to nodes, and `..`;
//! * [`attributes`]: what stat(2) shows;
//! * [`list()`]: a directory page by page;
//! * [`show()`], [`outcome`], [`target`]: what a file shows, a result if there is one, where a link leads;
//! * [`behaviour`]: what a node is and does; transactions, bulk files, requests and streams the adapter serves itself;
//!   [`spec`] is the whole row, also whether readdir shows it;
//! * [`parse`]: `make`, `create`, `remove`, `unlink`, `rename`, `write`, `chmod`, `chown`: an operation to an ask.
//!
//! Invariants: nothing here changes the catalog, waits, keeps state between calls or asks the time; an inode number is
//! a row and an object number ([`Node`]) for the life of the catalog.

mod access;
pub mod callers;
pub mod framing;
pub mod fuse;
pub mod held;
mod listing;
mod lookup;
mod manual;
mod node;
pub mod parse;
mod path;
pub mod rendered;
pub mod scope;
mod show;
mod subject;
pub mod tree;
pub mod usage;
mod values;
pub mod waiting;

pub use access::{Attributes, FileKind, attributes};
pub use listing::{Entry, list};
pub use lookup::{exists, lookup, outcome, show, target};
pub use manual::manual_files;
pub use node::{Node, Row};
pub use path::{home_path, is_home, parent};
pub use show::info::info_schema;
pub use tree::{Behaviour, Listed, behaviour, spec};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also what a panic has left poisoned: the call that panicked is refused, the next one goes on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
