//! The rules: one file a family of operations. Each is a function of plain facts; it returns events or a refusal
//! and does nothing itself.
//!
//! Invariants: a rule never asks for more facts; the same facts, request, caller and [`Mint`] give the same answer; the
//! first reason that applies is the refusal, with the object and the numbers in its sentence.

pub mod allocate;
pub mod archive;
pub mod attribute;
pub mod deallocate;
pub mod library;
pub mod media_type;
pub mod medium;
pub mod mount;
pub mod operator;
pub mod pool;
pub mod want;

use super::change::Thing;
use super::id::ObjectNo;

/// Where new object numbers and identifiers come from, so that rules stay deterministic.
pub trait Mint {
    /// Returns a number that was never given out.
    fn number(&self) -> ObjectNo;

    /// Returns a number and an identifier for a new object.
    fn thing(&self) -> Thing;
}
