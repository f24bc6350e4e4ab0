//! The namespace: one table says what the tree is, and everything else is derived from it.
//!
//! The adapter asks here, always with the [`View`](crate::manager::View) of one snapshot:
//!
//! * [`lookup`]: an entry by its name, what a file shows, a result if there is one, where a link leads;
//! * [`access`]: what stat(2) shows, and who may open what;
//! * [`listing`]: a directory page by page; [`path`]: the way back, `..` among it;
//! * [`tree`]: what a node is and does; transactions, bulk files, requests and streams the adapter serves itself;
//! * [`scope`]: the same of a mount that shows one pool;
//! * [`parse`]: `make`, `create`, `remove`, `unlink`, `rename`, `write`, `chmod`, `chown`: an operation to an ask.
//!
//! Invariants: nothing here changes the catalog, waits, keeps state between calls or asks the time; an inode number is
//! a row and an object number ([`Node`]) for the life of the catalog.

mod access;
mod callers;
mod framing;
pub mod fuse;
mod held;
mod listing;
mod lookup;
mod manual;
mod node;
pub mod parse;
mod path;
mod rendered;
mod scope;
mod show;
mod subject;
pub mod tree;
mod usage;
mod values;
mod waiting;

pub use manual::manual_files;
pub use node::{Node, Row};
pub use path::is_home;
pub use show::info::info_schema;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also what a panic has left poisoned: the call that panicked is refused, the next one goes on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
