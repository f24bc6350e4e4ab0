//! Removable storage management as a file system.
