//! The vocabulary and the rules of removable storage management, without any input or output.
//!
//! Invariants: nothing here names a database, FUSE, a device, a clock, a thread or a file. A rule is a function
//! of facts and a request, and returns what is to be recorded.

pub mod access;
pub mod acl;
pub mod allocate_request;
pub mod ask;
pub mod attribute;
pub mod change;
pub mod counts;
pub mod driver;
pub mod error;
pub mod event;
pub mod fault;
pub mod hand;
mod hex;
pub mod history;
pub mod id;
pub mod import;
pub mod json;
pub mod label;
pub mod library_request;
pub mod name;
pub mod object;
pub mod operator_request;
pub mod options;
pub mod quota;
pub mod rule;
pub mod setting;
pub mod state;
pub mod time;
mod word_enum;
pub mod words;
pub mod work;
