//! The integration tests: one binary, one module for each subject.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may end itself and say why; the settings let off only the functions marked as tests"
)]

mod archiving;
mod attributes;
mod check;
mod clients;
mod crash;
mod crashes;
mod daemon;
mod documents;
mod drives;
mod events;
mod exports;
mod faults;
mod golden;
mod harness;
mod hooks;
mod info;
mod kinds;
mod libraries;
mod lists;
mod manual;
mod matrix;
mod media;
mod media_files;
mod methods;
mod model;
mod mounting;
mod objects;
mod operators;
mod pools;
mod posix;
mod power;
mod queueing;
mod refusals;
mod rests;
mod rights;
mod rot;
mod rules;
mod scan;
mod shell;
mod sorted;
mod states;
mod survival;
mod taking;
mod tenants;
mod tidy;
mod tools;
mod waiting;
mod waiting_readers;
mod wants;
mod world;
