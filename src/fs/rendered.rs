//! What was rendered since the last commit, so that a stat and the open after it ask the catalog once.
//!
//! Invariant: an entry is older than no commit that was acknowledged before it is used: it carries the version that
//! was current before it was rendered.

use super::lock;
use std::collections::HashMap;
use std::sync::Mutex;

/// Entries kept at a time.
const ENTRIES_MAX: usize = 4096;

/// Values by inode number, for one version of the catalog.
#[derive(Debug)]
pub(super) struct Rendered<T> {
    kept: Mutex<(u64, HashMap<u64, T>)>,
}

impl<T> Default for Rendered<T> {
    fn default() -> Self {
        Self {
            kept: Mutex::new((0, HashMap::new())),
        }
    }
}

impl<T: Clone> Rendered<T> {
    /// Returns the value of an inode at `version`, rendering it if need be. An error is not kept.
    pub(super) fn get<E>(
        &self,
        version: u64,
        ino: u64,
        render: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(value) = self.find(version, ino) {
            return Ok(value);
        }
        let value = render()?;
        let mut kept = lock(&self.kept);
        if kept.0 < version || kept.1.len() >= ENTRIES_MAX {
            *kept = (version, HashMap::new());
        }
        if kept.0 == version {
            kept.1.insert(ino, value.clone());
        }
        Ok(value)
    }

    fn find(&self, version: u64, ino: u64) -> Option<T> {
        let kept = lock(&self.kept);
        let current = kept.0 == version;
        kept.1.get(&ino).filter(|_| current).cloned()
    }
}
