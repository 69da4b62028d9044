//! Ctrl-C: an ordered end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Raised when the user wants the run to end; no further tasks are handed out then. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    raised: Arc<AtomicBool>,
}

impl Interrupt {
    /// Not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises it; true: it was raised before.
    pub fn raise(&self) -> bool {
        self.raised.swap(true, Ordering::SeqCst)
    }

    /// Whether it is raised.
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }
}
