//! Fault points: where a test makes a step fail, panic or end the process. In the product nothing is ever injected.

use crate::domain::error::{ErrorKind, Result};
use std::fmt;
use std::sync::Arc;

/// Decides what happens at a point; the point is named by a static word.
type Hook = dyn Fn(&'static str) -> Option<ErrorKind> + Send + Sync;

/// A hook that every layer asks at its fault points.
#[derive(Clone, Default)]
pub struct Faults(Option<Arc<Hook>>);

impl Faults {
    /// Asks `hook` at every point: `Some` refuses the step with that kind. The hook may panic or end the process.
    pub fn new(hook: impl Fn(&'static str) -> Option<ErrorKind> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    /// Passes the point, or refuses.
    pub fn at(&self, point: &'static str) -> Result<()> {
        match self.0.as_ref().and_then(|hook| hook(point)) {
            None => Ok(()),
            Some(kind) => Err(kind.because(format!("fault injected at {point}"))),
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Faults(hook)"
        } else {
            "Faults(none)"
        })
    }
}
