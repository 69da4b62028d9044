//! [`Exchange`]: content on its way, in pieces and with credit, and which child runner a piece is for.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use shevek_kit::Algorithm;
use shevek_proto::{BLOB_CHUNK, Blob, INLINE_BLOB, Up};

use crate::wire::Outlet;

/// How many bytes of a content may be on their way to this runner.
const WINDOW: u32 = 4 * 1024 * 1024;

/// How many bytes of a stream may be on their way up before the first credit.
const HEAD_START: u64 = 1024 * 1024;

/// Content on its way.
pub struct Exchange {
    outlet: Arc<Outlet>,
    state: Mutex<State>,
    changed: Condvar,
    next: AtomicU64,
}

#[derive(Default)]
struct State {
    arriving: HashMap<u64, Sender<Piece>>,
    credit: HashMap<u64, u64>,
    over: bool,
}

struct Piece {
    data: Vec<u8>,
    last: bool,
}

impl Exchange {
    /// Nothing on its way yet.
    pub fn new(outlet: Arc<Outlet>) -> Arc<Self> {
        // Streams are numbered apart from those of the other runners on this host.
        let first = u64::from(std::process::id()) << 32;
        Arc::new(Exchange {
            outlet,
            state: Mutex::default(),
            changed: Condvar::new(),
            next: AtomicU64::new(first),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A piece of content that came in.
    pub fn arrived(&self, blob: u64, data: Vec<u8>, last: bool) {
        let mut state = self.state();
        if let Some(to) = state.arriving.get(&blob) {
            // Whoever read it has given up: what is still on its way is dropped.
            let _ = to.send(Piece { data, last });
        }
        if last {
            state.arriving.remove(&blob);
            self.changed.notify_all();
        }
    }

    /// Leave to send more of a stream.
    pub fn granted(&self, stream: u64, bytes: u32) {
        if let Some(credit) = self.state().credit.get_mut(&stream) {
            *credit += u64::from(bytes);
        }
        self.changed.notify_all();
    }

    /// The conversation is over: nobody waits any longer.
    pub fn end(&self) {
        let mut state = self.state();
        state.over = true;
        state.arriving.clear();
        self.changed.notify_all();
    }

    /// Content that the controller has.
    pub fn fetch(self: &Arc<Self>, blob: &Blob) -> io::Result<Box<dyn Read + Send>> {
        if let Some(bytes) = &blob.inline {
            return Ok(Box::new(io::Cursor::new(bytes.clone())));
        }
        let (to, pieces) = channel();
        let mut state = self.state();
        while state.arriving.contains_key(&blob.id) && !state.over {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.over {
            return Err(gone());
        }
        state.arriving.insert(blob.id, to);
        drop(state);
        self.outlet.say(Up::Need { blob: blob.id, credit: WINDOW });
        Ok(Box::new(Arriving {
            exchange: self.clone(),
            blob: blob.id,
            left: blob.size,
            pieces,
            piece: Vec::new(),
            at: 0,
            last: false,
            owed: 0,
        }))
    }

    /// Sends content up. Little content goes with the result, in the blob itself.
    pub fn send(&self, content: &mut dyn Read, size: u64, cancelled: &dyn Fn() -> bool) -> io::Result<Blob> {
        let mut first = Vec::new();
        content.take(INLINE_BLOB as u64 + 1).read_to_end(&mut first)?;
        if first.len() <= INLINE_BLOB {
            let checksum = shevek_kit::checksum(Algorithm::Sha1, &mut first.as_slice())?;
            return Ok(Blob { id: 0, size: first.len() as u64, checksum, inline: Some(first) });
        }
        let stream = self.next.fetch_add(1, Ordering::Relaxed);
        self.state().credit.insert(stream, HEAD_START);
        let mut sending =
            Sending { exchange: self, stream, sent: 0, cancelled, source: first.chain(content) };
        let checksum = shevek_kit::checksum(Algorithm::Sha1, &mut sending);
        let sent = sending.sent;
        self.state().credit.remove(&stream);
        self.outlet.say(Up::Chunk { stream, data: Vec::new(), last: true });
        let _ = size;
        Ok(Blob { id: stream, size: sent, checksum: checksum?, inline: None })
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the controller is gone")
}

struct Arriving {
    exchange: Arc<Exchange>,
    blob: u64,
    left: u64,
    pieces: Receiver<Piece>,
    piece: Vec<u8>,
    at: usize,
    last: bool,
    owed: u32,
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.piece.len() {
            if self.last {
                return Ok(0);
            }
            let Ok(piece) = self.pieces.recv() else { return Err(gone()) };
            self.last = piece.last;
            self.owed += u32::try_from(piece.data.len()).unwrap_or(u32::MAX);
            self.left = self.left.saturating_sub(piece.data.len() as u64);
            self.piece = piece.data;
            self.at = 0;
            // At the end of a content nothing more must be asked for: the controller has forgotten it.
            if !self.last && self.owed >= WINDOW / 2 && self.left > u64::from(WINDOW - self.owed) {
                self.exchange.outlet.say(Up::Need { blob: self.blob, credit: self.owed });
                self.owed = 0;
            }
        }
        let rest = self.piece.get(self.at..).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n;
        Ok(n)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.exchange.state().arriving.remove(&self.blob);
        self.exchange.changed.notify_all();
    }
}

/// Reads a source, and sends up what is read.
struct Sending<'a, R> {
    exchange: &'a Exchange,
    stream: u64,
    sent: u64,
    cancelled: &'a dyn Fn() -> bool,
    source: R,
}

impl<R: Read> Read for Sending<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(BLOB_CHUNK);
        let n = self.source.read(buffer.get_mut(..room).unwrap_or_default())?;
        if n == 0 {
            return Ok(0);
        }
        let mut state = self.exchange.state();
        loop {
            if state.over || (self.cancelled)() {
                return Err(gone());
            }
            match state.credit.get_mut(&self.stream) {
                Some(credit) if *credit > 0 => {
                    *credit = credit.saturating_sub(n as u64);
                    break;
                }
                _ => {}
            }
            let tick = std::time::Duration::from_millis(200);
            let (next, _) =
                self.exchange.changed.wait_timeout(state, tick).unwrap_or_else(PoisonError::into_inner);
            state = next;
        }
        drop(state);
        let data = buffer.get(..n).unwrap_or_default().to_vec();
        self.sent += n as u64;
        self.exchange.outlet.say(Up::Chunk { stream: self.stream, data, last: false });
        Ok(n)
    }
}
