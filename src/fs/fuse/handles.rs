//! The open files: by handle, and by what they show.
//!
//! Invariant: an open file counts for the user who opened it until it is released.

use super::open::Open;
use super::served::{Failed, Outcome, Served, lock};
use crate::domain::id::ObjectNo;
use crate::domain::quota::Quota;
use crate::fs::Node;
use crate::fs::usage::Ticket;
use fuser::{FileHandle, PollNotifier};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// One open file.
pub(super) struct File {
    pub(super) node: Node,
    /// The user who opened it,
    pub(super) uid: u32,
    /// for whom it counts.
    _ticket: Ticket,
    pub(super) open: Open,
    /// Told when the file becomes ready.
    pub(super) poll: Mutex<Option<PollNotifier>>,
}

impl File {
    /// Tells whoever polls that the file is ready now.
    pub(super) fn notify(&self) {
        if let Some(notifier) = lock(&self.poll).take()
            && let Err(error) = notifier.notify()
        {
            tracing::debug!(%error, "a poll could not be notified");
        }
    }
}

/// The open files by handle, and the handles by node.
#[derive(Default)]
struct Files {
    by_handle: HashMap<u64, Arc<File>>,
    by_node: HashMap<Node, BTreeSet<u64>>,
}

/// The open files.
#[derive(Default)]
pub(super) struct Handles {
    next: AtomicU64,
    files: RwLock<Files>,
    /// Open `allocate` files by the request that waits for them.
    pub(super) waiting: Mutex<HashMap<ObjectNo, u64>>,
}

impl Handles {
    pub(super) fn insert(
        &self,
        node: Node,
        (uid, ticket): (u32, Ticket),
        open: Open,
    ) -> FileHandle {
        let handle = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let file = Arc::new(File {
            node,
            uid,
            _ticket: ticket,
            open,
            poll: Mutex::default(),
        });
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        files.by_handle.insert(handle, file);
        files.by_node.entry(node).or_default().insert(handle);
        FileHandle(handle)
    }

    pub(super) fn get(&self, handle: u64) -> Option<Arc<File>> {
        self.files
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .by_handle
            .get(&handle)
            .map(Arc::clone)
    }

    /// Returns the open files of a node.
    pub(super) fn of_node(&self, node: Node) -> Vec<Arc<File>> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let handles = files.by_node.get(&node).into_iter().flatten();
        handles
            .filter_map(|handle| files.by_handle.get(handle).map(Arc::clone))
            .collect()
    }

    pub(super) fn remove(&self, handle: u64) -> Option<Arc<File>> {
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        let file = files.by_handle.remove(&handle)?;
        if let Some(handles) = files.by_node.get_mut(&file.node) {
            handles.remove(&handle);
            if handles.is_empty() {
                files.by_node.remove(&file.node);
            }
        }
        Some(file)
    }
}

impl Served {
    /// Counts one more open file.
    pub(super) fn ticket(&self, uid: u32) -> Outcome<Ticket> {
        let taken = (self.usage).take(self.manager.limits(), uid, Quota::OpenFiles);
        taken.map_err(Failed::from)
    }
}
