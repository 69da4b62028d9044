//! Content that comes up from a host (fetched files).
//!
//! A stream may begin before the item that names it, so everything is taken in at once: a small stream is kept in
//! memory, a larger one in an unnamed temporary file. The runner gets credit as bytes are put away.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shevek_proto::{BLOB_CHUNK, Down, HEAD_START};
use tempfile::SpooledTempFile;
use tokio::sync::{mpsc, oneshot};

use super::runner::Outbox;

/// Kept in memory up to this many bytes.
const IN_MEMORY: usize = 1 << 20;

/// How much of a stream may wait to be put away: what the runner may send ahead, and one piece that it may send too much.
const AHEAD: u64 = HEAD_START as u64 + BLOB_CHUNK as u64;

/// What a piece costs beside its bytes, so that empty ones are not free.
const PIECE: u64 = 64;

/// How many streams may be there beside one for every call: those of calls that were cancelled.
const SPARE: usize = 16;

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
    arriving: HashMap<u64, Arriving>,
    arrivals: HashMap<u64, Arrival>,
    taken: HashSet<u64>,
    /// The most calls that were under way at once.
    calls: usize,
    /// How many bytes may lie here before somebody takes them.
    limit: u64,
    /// What has come of each stream that nobody has read to its end.
    sizes: HashMap<u64, u64>,
}

/// Why a piece is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// No runner of ours would send it.
    Rule(&'static str),
    /// There is more than this machine is to hold, in bytes.
    TooMuch(u64),
}

/// A stream of which more is to come.
struct Arriving {
    to: mpsc::UnboundedSender<(Vec<u8>, bool)>,
    /// What has come, and is not put away yet.
    waiting: Arc<AtomicU64>,
}

impl Streams {
    /// Streams that may have so many bytes in all: a host must not fill the disk of this machine.
    pub(super) fn limited(limit: u64) -> Self {
        Self { limit, ..Self::default() }
    }

    /// So many calls are under way: each may send a stream.
    pub(super) fn expect(&mut self, calls: usize) {
        self.calls = self.calls.max(calls);
    }

    fn open(&mut self, stream: u64, outbox: &Outbox) {
        let (to, pieces) = mpsc::unbounded_channel();
        let (done, arrival) = oneshot::channel();
        let waiting = Arc::new(AtomicU64::new(0));
        self.arriving.insert(stream, Arriving { to, waiting: waiting.clone() });
        self.arrivals.insert(stream, arrival);
        let outbox = outbox.clone();
        tokio::task::spawn_blocking(move || {
            let _ = done.send(put_away(stream, pieces, &waiting, &outbox));
        });
    }

    /// Takes a piece that came up, unless it is one that no runner of ours would send.
    pub(super) fn chunk(
        &mut self,
        stream: u64,
        data: Vec<u8>,
        last: bool,
        outbox: &Outbox,
    ) -> Result<(), Refused> {
        if !self.arriving.contains_key(&stream) {
            if self.has(stream) || self.taken.contains(&stream) {
                return Err(Refused::Rule("a stream goes on after its end"));
            }
            if self.arriving.len().max(self.arrivals.len()) >= self.calls + SPARE {
                return Err(Refused::Rule("there are more streams than calls"));
            }
            self.open(stream, outbox);
        }
        *self.sizes.entry(stream).or_default() += data.len() as u64;
        if self.sizes.values().sum::<u64>() > self.limit {
            return Err(Refused::TooMuch(self.limit));
        }
        if let Some(Arriving { to, waiting }) = self.arriving.get(&stream) {
            let cost = data.len() as u64 + PIECE;
            if waiting.fetch_add(cost, Ordering::Relaxed) + cost > 2 * AHEAD {
                return Err(Refused::Rule("a stream does not wait for credit"));
            }
            let _ = to.send((data, last));
        }
        if last {
            self.arriving.remove(&stream);
            if self.taken.contains(&stream) {
                self.sizes.remove(&stream);
            }
        }
        Ok(())
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
        // What has come whole is read and gone; of what is still to come the bytes count on.
        if self.has(stream) && !self.arriving.contains_key(&stream) {
            self.sizes.remove(&stream);
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
    waiting: &AtomicU64,
    outbox: &Outbox,
) -> io::Result<Fetched> {
    let mut file = SpooledTempFile::new(IN_MEMORY);
    let mut size = 0;
    let mut failed = None;
    while let Some((data, last)) = pieces.blocking_recv() {
        // What cannot be put away is passed over: the runner waits for leave to send the rest, and then for its end.
        if failed.is_none() {
            failed = file.write_all(&data).err();
        }
        size += data.len() as u64;
        waiting.fetch_sub(data.len() as u64 + PIECE, Ordering::Relaxed);
        if last {
            failed.map_or(Ok(()), Err)?;
            file.seek(SeekFrom::Start(0))?;
            return Ok(Fetched { file, size });
        }
        let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let _ = outbox.blocking_send(&Down::Credit { stream, bytes });
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the host was lost before the content had arrived"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_that_does_not_wait_for_credit_is_not_taken_in() {
        // Nobody takes the credit, so nothing is put away after the first pieces.
        let (frames, _queue) = mpsc::channel(1);
        let outbox = Outbox { frames };
        let mut streams = Streams::limited(1 << 30);
        let why = (0..100).find_map(|_| streams.chunk(1, vec![0; BLOB_CHUNK], false, &outbox).err());
        assert_eq!(why, Some(Refused::Rule("a stream does not wait for credit")));
    }

    #[tokio::test]
    async fn an_endless_stream_ends_at_the_limit_and_streams_that_were_read_do_not_count() {
        let (frames, mut queue) = mpsc::channel(1);
        tokio::spawn(async move { while queue.recv().await.is_some() {} });
        let outbox = Outbox { frames };
        let mut streams = Streams::limited(1000);
        for stream in 1..20 {
            streams.expect(1);
            streams.chunk(stream, vec![0; 900], true, &outbox).unwrap();
            let arrived = streams.take(stream, &outbox).unwrap();
            assert_eq!(arrived.await.unwrap().unwrap().size(), 900);
        }
        let why = (0..3).find_map(|_| streams.chunk(99, vec![0; 400], false, &outbox).err());
        assert_eq!(why, Some(Refused::TooMuch(1000)));
    }
}
