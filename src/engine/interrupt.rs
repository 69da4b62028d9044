//! Ctrl-C: an ordered end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use shevek_event::Left;
use tokio::sync::{Notify, watch};

/// Raised when the user wants the run to end; no further tasks are handed out then. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    raised: Arc<AtomicBool>,
    tell: Arc<Notify>,
    /// Running tasks have had their time.
    given_up: watch::Sender<bool>,
    /// What was stopped then.
    stopped: Arc<Mutex<Vec<Left>>>,
}

impl Interrupt {
    /// Not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises it; true: it was raised before.
    pub fn raise(&self) -> bool {
        let before = self.raised.swap(true, Ordering::SeqCst);
        self.tell.notify_waiters();
        before
    }

    /// Waits until it is raised.
    pub async fn raised(&self) {
        let mut told = std::pin::pin!(self.tell.notified());
        told.as_mut().enable();
        if !self.is_raised() {
            told.await;
        }
    }

    /// Whether it is raised.
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    /// Running tasks are not waited for any longer: what they have running on hosts is killed.
    pub fn give_up(&self) {
        self.given_up.send_replace(true);
    }

    /// Waits until running tasks are given up.
    pub(crate) async fn given_up(&self) {
        // The sender is held here.
        let _ = self.given_up.subscribe().wait_for(|given_up| *given_up).await;
    }

    /// Notes a task that was stopped.
    pub(crate) fn note_stopped(&self, left: Left) {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).push(left);
    }

    /// The tasks that were stopped, in the order of hosts' names.
    pub(crate) fn stopped(&self) -> Vec<Left> {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stopped.sort_by(|a, b| (&a.host, &a.task).cmp(&(&b.host, &b.task)));
        stopped
    }
}
