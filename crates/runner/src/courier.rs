//! The kit's way to the controller for content, for one batch.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use shevek_kit::Courier;
use shevek_proto::Blob;

use crate::exchange::{Exchange, Patience};

/// Fetches and sends content on behalf of a batch.
pub struct BatchCourier {
    /// Where content comes and goes.
    pub exchange: Arc<Exchange>,
    /// Set when the batch is cancelled.
    pub cancelled: Arc<AtomicBool>,
    /// When the call's time is over.
    pub deadline: Option<Instant>,
}

impl Courier for BatchCourier {
    fn fetch(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send>> {
        let cancelled = self.cancelled.clone();
        self.exchange.fetch(blob, Patience { cancelled, deadline: self.deadline })
    }

    fn sum(&self, blob: &Blob) -> io::Result<String> {
        let cancelled = self.cancelled.clone();
        self.exchange.sum(blob, &Patience { cancelled, deadline: self.deadline })
    }

    fn send(&self, content: &mut dyn Read) -> io::Result<Blob> {
        self.exchange.send(content, &|| self.cancelled())
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
