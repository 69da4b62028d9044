//! [`Exchange`]: content on its way, in pieces and with credit, and which child runner a piece is for.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shevek_kit::Algorithm;
use shevek_proto::{BLOB_CHUNK, Blob, HEAD_START, INLINE_BLOB, Up};

use crate::wire::Outlet;

/// How many bytes of a content may be on their way to this runner.
const WINDOW: u32 = 4 * 1024 * 1024;

/// How often whoever waits looks whether it still should.
const TICK: Duration = Duration::from_millis(200);

/// How long content is waited for.
#[derive(Debug, Clone, Default)]
pub struct Patience {
    /// Set when the call is cancelled.
    pub cancelled: Arc<AtomicBool>,
    /// When the call's time is over.
    pub deadline: Option<Instant>,
}

impl Patience {
    fn check(&self) -> io::Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(io::Error::other("cancelled"));
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }
}

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
    /// Checksums that the controller has told, until who asked takes them.
    sums: HashMap<u64, String>,
    /// What may still be sent of a stream; below nothing by what the last piece was too long.
    credit: HashMap<u64, i64>,
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

    /// A checksum that came in.
    pub fn summed(&self, blob: u64, checksum: String) {
        self.state().sums.insert(blob, checksum);
        self.changed.notify_all();
    }

    /// Leave to send more of a stream.
    pub fn granted(&self, stream: u64, bytes: u32) {
        if let Some(credit) = self.state().credit.get_mut(&stream) {
            *credit += i64::from(bytes);
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
    pub fn fetch(self: &Arc<Self>, blob: &Blob, patience: Patience) -> io::Result<Box<dyn Read + Send>> {
        if let Some(bytes) = &blob.inline {
            return Ok(Box::new(io::Cursor::new(bytes.clone())));
        }
        let (to, pieces) = channel();
        let mut state = self.state();
        while state.arriving.contains_key(&blob.id) && !state.over {
            patience.check()?;
            state = self.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
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
            patience,
            piece: Vec::new(),
            at: 0,
            last: false,
            owed: 0,
        }))
    }

    /// The SHA-1 of content that the controller has.
    pub fn sum(&self, blob: &Blob, patience: &Patience) -> io::Result<String> {
        if let Some(checksum) = &blob.checksum {
            return Ok(checksum.clone());
        }
        self.outlet.say(Up::NeedSum { blob: blob.id });
        let mut state = self.state();
        loop {
            if let Some(checksum) = state.sums.remove(&blob.id) {
                return Ok(checksum);
            }
            if state.over {
                return Err(gone());
            }
            patience.check()?;
            state = self.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Sends content up. Little content goes with the result, in the blob itself.
    pub fn send(&self, content: &mut dyn Read, cancelled: &dyn Fn() -> bool) -> io::Result<Blob> {
        let mut first = Vec::new();
        content.take(INLINE_BLOB as u64 + 1).read_to_end(&mut first)?;
        if first.len() <= INLINE_BLOB {
            let checksum = shevek_kit::checksum(Algorithm::Sha1, &mut first.as_slice())?;
            return Ok(Blob {
                id: 0,
                size: first.len() as u64,
                checksum: Some(checksum),
                inline: Some(first),
            });
        }
        let stream = self.next.fetch_add(1, Ordering::Relaxed);
        self.state().credit.insert(stream, i64::from(HEAD_START));
        let mut sending =
            Sending { exchange: self, stream, sent: 0, cancelled, source: first.chain(content) };
        let checksum = shevek_kit::checksum(Algorithm::Sha1, &mut sending);
        let sent = sending.sent;
        self.state().credit.remove(&stream);
        self.outlet.say(Up::Chunk { stream, data: Vec::new(), last: true });
        Ok(Blob { id: stream, size: sent, checksum: Some(checksum?), inline: None })
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
    patience: Patience,
    piece: Vec<u8>,
    at: usize,
    last: bool,
    owed: u32,
}

impl Arriving {
    /// The next piece. The controller may never send it: what it has cannot be read any more, and it says so by cancelling.
    fn next(&self) -> io::Result<Piece> {
        loop {
            match self.pieces.recv_timeout(TICK) {
                Ok(piece) => return Ok(piece),
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
                Err(RecvTimeoutError::Timeout) => self.patience.check()?,
            }
        }
    }
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.piece.len() {
            if self.last {
                return Ok(0);
            }
            let piece = self.next()?;
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
                    *credit -= i64::try_from(n).unwrap_or(i64::MAX);
                    break;
                }
                _ => {}
            }
            let (next, _) =
                self.exchange.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner);
            state = next;
        }
        drop(state);
        let data = buffer.get(..n).unwrap_or_default().to_vec();
        self.sent += n as u64;
        self.exchange.outlet.say(Up::Chunk { stream: self.stream, data, last: false });
        Ok(n)
    }
}
