//! A batch that is under way.

use shevek_proto::{Down, Item};
use tokio::sync::mpsc;

use super::runner::Runner;
use crate::ConnectError;

/// What a batch hears from the reader.
#[derive(Debug)]
pub(super) enum Heard {
    Item(Box<Item>),
    Done,
    Failed(ConnectError),
}

/// A batch that is under way. Dropping it before its end cancels it.
#[derive(Debug)]
pub struct Running {
    pub(super) runner: Runner,
    pub(super) batch: u64,
    pub(super) heard: mpsc::UnboundedReceiver<Heard>,
    pub(super) over: bool,
}

impl Running {
    /// The batch's id in the conversation.
    pub fn id(&self) -> u64 {
        self.batch
    }

    /// The next call's end; `None` when the batch is done.
    pub async fn next(&mut self) -> Option<Result<Item, ConnectError>> {
        if self.over {
            return None;
        }
        match self.heard.recv().await {
            Some(Heard::Item(item)) => Some(Ok(*item)),
            Some(Heard::Done) => {
                self.over = true;
                None
            }
            Some(Heard::Failed(error)) => {
                self.over = true;
                Some(Err(error))
            }
            None => {
                self.over = true;
                Some(Err(self.runner.why_gone()))
            }
        }
    }

    /// Whether nothing more is heard of the host, which may have gone on all the same.
    pub fn is_cut_off(&self) -> bool {
        self.runner.lost().is_some()
    }

    /// Waits for all calls.
    pub async fn wait(mut self) -> Result<Vec<Item>, ConnectError> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item?);
        }
        Ok(items)
    }

    /// Asks the runner to kill what the batch has running. The batch ends by itself then, with a fault that says so.
    pub async fn cancel(&self) {
        let _ = self.runner.outbox().send(&Down::Cancel { batch: self.batch }).await;
    }
}

impl Running {
    /// Asks the runner to leave undone the tasks behind the one that is running; the batch ends when that one does.
    pub async fn halt(&self) {
        let _ = self.runner.outbox().send(&Down::Halt { batch: self.batch }).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.runner.forget(self.batch);
        if self.over {
            return;
        }
        // The outbox may be full, and a destructor cannot wait.
        let (outbox, batch) = (self.runner.outbox().clone(), self.batch);
        if let Ok(here) = tokio::runtime::Handle::try_current() {
            here.spawn(async move {
                let _ = outbox.send(&Down::Cancel { batch }).await;
            });
        }
    }
}
