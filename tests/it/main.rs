//! The integration tests: one binary, one module for each subject.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may end itself and say why; the settings let off only the functions marked as tests"
)]

mod check;
mod clients;
mod crash;
mod crashes;
mod daemon;
mod documents;
mod drives;
mod faults;
mod golden;
mod harness;
mod libraries;
mod manual;
mod model;
mod mounting;
mod objects;
mod pools;
mod queueing;
mod refusals;
mod rights;
mod rules;
mod scan;
mod shell;
mod survival;
mod taking;
mod tidy;
mod tools;
mod waiting;
mod waiting_readers;
mod world;
