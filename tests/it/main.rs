//! The integration tests: one binary, one module for each subject.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may end itself and say why; the settings let off only the functions marked as tests"
)]

mod attributes;
mod check;
mod clients;
mod crash;
mod crashes;
mod daemon;
mod documents;
mod events;
mod exports;
mod faults;
mod golden;
mod harness;
mod info;
mod libraries;
mod lists;
mod manual;
mod matrix;
mod methods;
mod model;
mod mounting;
mod objects;
mod pools;
mod posix;
mod power;
mod refusals;
mod rights;
mod rot;
mod rules;
mod scan;
mod shell;
mod sorted;
mod survival;
mod taking;
mod tenants;
mod tidy;
mod tools;
mod waiting;
mod waiting_readers;
mod world;
