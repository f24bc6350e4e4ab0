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
mod client_completion;
mod client_top;
mod client_verbs;
mod clients;
mod crash;
mod crashes;
mod daemon;
mod documents;
mod drives;
mod events;
mod exports;
mod faults;
mod forms;
mod golden;
mod harness;
mod hooks;
mod info;
mod interop;
mod kinds;
mod labels;
mod leaves;
mod libraries;
mod limits;
mod lists;
mod manual;
mod matrix;
mod media;
mod media_files;
mod methods;
mod model;
mod mounting;
mod names;
mod objects;
mod operators;
mod page;
mod played;
mod pools;
mod posix;
mod power;
mod private;
mod privileges;
mod queueing;
mod recovery;
mod refusals;
mod rests;
mod rights;
mod rot;
mod rules;
mod scan;
mod several;
mod shell;
mod soak;
mod sorted;
mod states;
mod survival;
mod taking;
mod tenants;
mod terminal;
mod tidy;
mod tools;
mod unanswered;
mod units;
mod waiting;
mod waiting_readers;
mod wants;
mod world;
