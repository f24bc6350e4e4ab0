//! The integration tests: one binary, one module for each subject.

mod check;
mod crash;
mod faults;
mod golden;
mod libraries;
mod model;
mod pools;
mod rules;
mod scan;
mod taking;
mod tidy;
mod waiting;
mod world;
