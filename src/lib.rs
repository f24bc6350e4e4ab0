//! Removable storage management as a file system.

pub mod codes;
pub mod domain;
pub mod library;
pub mod manager;
pub mod store;
