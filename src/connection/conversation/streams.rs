//! Content that comes up from a host (fetched files).
//!
//! A stream may begin before the item that names it, so everything is taken in at once: a small stream is kept in
//! memory, a larger one in an unnamed temporary file. The runner gets credit as bytes are put away.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Seek, SeekFrom, Write};

use shevek_proto::Down;
use tempfile::SpooledTempFile;
use tokio::sync::{mpsc, oneshot};

use super::runner::Outbox;

/// Kept in memory up to this many bytes.
const IN_MEMORY: usize = 1 << 20;

/// A stream that has arrived whole.
#[derive(Debug)]
pub struct Fetched {
    file: SpooledTempFile,
    size: u64,
}

impl Fetched {
    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads it from the start.
    pub fn reader(self) -> FetchedReader {
        FetchedReader(self.file)
    }

    /// All of it; for content that is known to be small.
    pub fn into_bytes(self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader().read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Reads what was fetched.
#[derive(Debug)]
pub struct FetchedReader(SpooledTempFile);

impl Read for FetchedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// How a stream ends.
pub(super) type Arrival = oneshot::Receiver<io::Result<Fetched>>;

/// The streams of one conversation.
#[derive(Default)]
pub(super) struct Streams {
    arriving: HashMap<u64, mpsc::UnboundedSender<(Vec<u8>, bool)>>,
    arrivals: HashMap<u64, Arrival>,
    taken: HashSet<u64>,
}

impl Streams {
    fn open(&mut self, stream: u64, outbox: &Outbox) {
        let (to, pieces) = mpsc::unbounded_channel();
        let (done, arrival) = oneshot::channel();
        self.arriving.insert(stream, to);
        self.arrivals.insert(stream, arrival);
        let outbox = outbox.clone();
        tokio::task::spawn_blocking(move || {
            let _ = done.send(put_away(stream, pieces, &outbox));
        });
    }

    /// Takes a piece that came up.
    pub(super) fn chunk(&mut self, stream: u64, data: Vec<u8>, last: bool, outbox: &Outbox) {
        if !self.arriving.contains_key(&stream) {
            self.open(stream, outbox);
        }
        if let Some(to) = self.arriving.get(&stream) {
            let _ = to.send((data, last));
        }
        if last {
            self.arriving.remove(&stream);
        }
    }

    /// Whether the stream has begun, and nobody has taken it.
    pub(super) fn has(&self, stream: u64) -> bool {
        self.arrivals.contains_key(&stream)
    }

    /// The end of a stream, for the one who was told its id; it may be asked for before the first piece is there.
    pub(super) fn take(&mut self, stream: u64, outbox: &Outbox) -> Option<Arrival> {
        if !self.taken.insert(stream) {
            return None;
        }
        if !self.has(stream) {
            self.open(stream, outbox);
        }
        self.arrivals.remove(&stream)
    }

    /// The host is gone: what has not arrived will not.
    pub(super) fn abandon(&mut self) {
        self.arriving.clear();
    }
}

fn put_away(
    stream: u64,
    mut pieces: mpsc::UnboundedReceiver<(Vec<u8>, bool)>,
    outbox: &Outbox,
) -> io::Result<Fetched> {
    let mut file = SpooledTempFile::new(IN_MEMORY);
    let mut size = 0;
    while let Some((data, last)) = pieces.blocking_recv() {
        file.write_all(&data)?;
        size += data.len() as u64;
        if last {
            file.seek(SeekFrom::Start(0))?;
            return Ok(Fetched { file, size });
        }
        let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let _ = outbox.blocking_send(&Down::Credit { stream, bytes });
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the host was lost before the content had arrived"))
}
