//! The kit's way to the controller for content, for one batch.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shevek_kit::Courier;
use shevek_proto::Blob;

use crate::exchange::Exchange;

/// Fetches and sends content on behalf of a batch.
pub struct BatchCourier {
    /// Where content comes and goes.
    pub exchange: Arc<Exchange>,
    /// Set when the batch is cancelled.
    pub cancelled: Arc<AtomicBool>,
}

impl Courier for BatchCourier {
    fn fetch(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send>> {
        self.exchange.fetch(blob)
    }

    fn send(&self, content: &mut dyn Read, size: u64) -> io::Result<Blob> {
        self.exchange.send(content, size, &|| self.cancelled())
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
