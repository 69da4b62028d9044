//! The handle to a runner on a host.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use shevek_proto::{Batch, Down, FrameError, Hello, Item, MAX_FRAME, Part, VERSION, encode};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot, watch};

use super::blobs::Blobs;
use super::content::Content;
use super::reader::{Reader, read_all};
use super::running::{Heard, Running};
use super::streams::{Fetched, Streams};
use crate::boot::Started;
use crate::error::Trouble;
use crate::runners::{Image, Runners};
use crate::tail::Tail;
use crate::transport::write_until_lost;
use crate::{ConnectError, Phase};

/// How many frames wait to be written before senders wait too.
const OUTBOX: usize = 16;

/// A runner on a host, greeted and ready. Cheap to clone; ends when the last clone is gone.
#[derive(Clone)]
pub struct Runner {
    shared: Arc<Shared>,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("host", &self.shared.host).finish_non_exhaustive()
    }
}

/// What handle, reader and feeders share.
pub(super) struct Shared {
    pub(super) host: Arc<str>,
    hello: Hello,
    cached: bool,
    outbox: Outbox,
    next_batch: AtomicU64,
    state: Arc<Mutex<State>>,
    lost: watch::Receiver<Option<ConnectError>>,
    _stop: oneshot::Sender<()>,
}

/// Who waits for what.
#[derive(Default)]
pub(super) struct State {
    /// Batches under way.
    pub(super) batches: HashMap<u64, Flight>,
    /// Content being sent: all the credit that was given for it.
    pub(super) feeds: HashMap<u64, watch::Sender<u64>>,
    /// Content coming up.
    pub(super) streams: Streams,
    /// Why the conversation is over, once it is.
    pub(super) over: Option<ConnectError>,
}

impl State {
    /// Content that a batch under way refers to. None when nobody waits for that batch any more: its cancellation is on the
    /// way down.
    pub(super) fn content(&self, blob: u64) -> Option<(u64, Content)> {
        self.batches.iter().find_map(|(batch, flight)| {
            let (_, content) = flight.blobs.iter().find(|(id, _)| **id == blob)?;
            Some((*batch, content.clone()))
        })
    }
}

/// A batch under way.
pub(super) struct Flight {
    pub(super) heard: mpsc::UnboundedSender<Heard>,
    pub(super) blobs: Blobs,
    /// Which of its calls have had their end.
    pub(super) ended: Vec<bool>,
}

impl Flight {
    /// Whether a call of this number is there, and has not ended before; it has now.
    pub(super) fn ends(&mut self, index: u32) -> bool {
        match self.ended.get_mut(index as usize) {
            Some(ended) => !std::mem::replace(ended, true),
            None => false,
        }
    }
}

/// Takes the lock; a thread that panicked with it held left nothing half done.
pub(super) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where frames wait to be written.
#[derive(Clone)]
pub(super) struct Outbox {
    pub(super) frames: mpsc::Sender<Vec<u8>>,
}

impl Outbox {
    /// Queues a message.
    pub(super) async fn send(&self, message: &Down) -> io::Result<()> {
        self.frames.send(frame(message)?).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Queues a message from a thread that may block.
    pub(super) fn blocking_send(&self, message: &Down) -> io::Result<()> {
        self.frames.blocking_send(frame(message)?).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

fn frame<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    encode(message).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// What a conversation needs to begin.
pub(crate) struct Beginning {
    pub(crate) host: Arc<str>,
    pub(crate) started: Started,
    pub(crate) lost: watch::Receiver<Option<ConnectError>>,
    pub(crate) runners: Arc<Runners>,
    pub(crate) within: Duration,
    /// How many bytes may be on their way up.
    pub(crate) fetch_limit: u64,
}

impl Runner {
    /// Waits for the runner's greeting and begins the conversation.
    pub(crate) async fn begin(beginning: Beginning) -> Result<Runner, ConnectError> {
        let Beginning { host, started, lost, runners, within, fetch_limit } = beginning;
        let cached = started.cached;
        let (frames, queue) = mpsc::channel(OUTBOX);
        let outbox = Outbox { frames };
        let (stop, stopped) = oneshot::channel();
        let (hello, greeted) = oneshot::channel();
        let streams = Streams::limited(fetch_limit);
        let state = Arc::new(Mutex::new(State { streams, ..State::default() }));
        let (over, mut is_over) = watch::channel(None);
        let mut transport_lost = lost.clone();
        tokio::spawn({
            let stdin = started.process.stdin;
            let mut lost = over.subscribe();
            async move { write_all(stdin, queue, &mut lost).await }
        });
        let reader = Reader {
            host: host.clone(),
            state: state.clone(),
            outbox: outbox.clone(),
            runners,
            machine: started.machine,
            parts: 0,
            hello: Some(hello),
            stderr: started.stderr,
            over,
            lost: lost.clone(),
        };
        tokio::spawn(read_all(
            reader,
            started.process.output,
            started.first,
            (stopped, started.process.guard),
        ));
        let greeting = tokio::select! {
            biased;
            greeting = greeted => greeting.ok(),
            _ = is_over.wait_for(Option::is_some) => None,
            _ = transport_lost.wait_for(Option::is_some) => None,
            () = tokio::time::sleep(within) => {
                return Err(ConnectError::timed_out(&host, Phase::Start, within, "the runner's greeting"));
            }
        };
        let Some(hello) = greeting else {
            let why = is_over.borrow().clone().or_else(|| transport_lost.borrow().clone());
            return Err(why.unwrap_or_else(|| {
                ConnectError::unreachable(&host, Phase::Start, "the runner ended without a word")
            }));
        };
        if hello.protocol != VERSION {
            let detail = format!(
                "the runner speaks version {} of the protocol, this program version {VERSION}",
                hello.protocol
            );
            return Err(ConnectError::bug(&host, Phase::Start, detail));
        }
        let shared =
            Shared { host, hello, cached, outbox, next_batch: AtomicU64::new(1), state, lost, _stop: stop };
        Ok(Runner { shared: Arc::new(shared) })
    }

    /// What the runner said of itself and its host.
    pub fn hello(&self) -> &Hello {
        &self.shared.hello
    }

    /// Whether the host had the runner already.
    pub fn was_cached(&self) -> bool {
        self.shared.cached
    }

    /// Whether no batch is in flight, and no content on its way.
    pub(crate) fn is_idle(&self) -> bool {
        let state = lock(&self.shared.state);
        state.batches.is_empty() && state.feeds.is_empty() && Arc::strong_count(&self.shared) == 1
    }

    /// Why the conversation is over, once it is.
    pub fn lost(&self) -> Option<ConnectError> {
        lock(&self.shared.state).over.clone()
    }

    /// Starts a batch; its id is given here. Any number may be in flight.
    pub async fn start(&self, mut batch: Batch, blobs: Blobs) -> Result<Running, ConnectError> {
        let id = self.shared.next_batch.fetch_add(1, Ordering::Relaxed);
        batch.id = id;
        let (to, heard) = mpsc::unbounded_channel();
        {
            let mut state = lock(&self.shared.state);
            if let Some(why) = &state.over {
                return Err(why.clone());
            }
            let ended = vec![false; batch.calls.len()];
            state.batches.insert(id, Flight { heard: to, blobs, ended });
            let calls = state.batches.values().map(|flight| flight.ended.len()).sum();
            state.streams.expect(calls);
        }
        let running = Running { runner: self.clone(), batch: id, heard, over: false };
        match self.shared.outbox.send(&Down::Run(batch)).await {
            Ok(()) => Ok(running),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => {
                let host = self.shared.host.clone();
                Err(ConnectError::Task(Box::new(unsendable(host, &e))))
            }
            Err(_) => Err(self.why_gone()),
        }
    }

    /// Runs a batch to its end and gives each call's end to `on_item` as it comes.
    pub async fn run(
        &self,
        batch: Batch,
        blobs: Blobs,
        mut on_item: impl FnMut(&Item) + Send,
    ) -> Result<Vec<Item>, ConnectError> {
        let mut running = self.start(batch, blobs).await?;
        let mut items = Vec::new();
        while let Some(item) = running.next().await {
            let item = item?;
            on_item(&item);
            items.push(item);
        }
        Ok(items)
    }

    /// The content that an item's result names by a blob's id (a fetched file); waits until it has arrived whole.
    pub async fn fetched(&self, stream: u64) -> Result<Fetched, ConnectError> {
        let arrived = {
            let mut state = lock(&self.shared.state);
            if let (Some(why), false) = (&state.over, state.streams.has(stream)) {
                return Err(why.clone());
            }
            state.streams.take(stream, &self.shared.outbox)
        };
        let Some(arrived) = arrived else {
            let detail = format!("fetched content {stream} was asked for twice");
            return Err(ConnectError::bug(&self.shared.host, Phase::Run, detail));
        };
        match arrived.await {
            Ok(Ok(fetched)) => Ok(fetched),
            Ok(Err(e)) => {
                let lost = lock(&self.shared.state).over.clone();
                Err(lost.unwrap_or_else(|| {
                    let detail = format!("fetched content cannot be stored on this machine: {e}");
                    let host = self.shared.host.clone();
                    let trouble = Trouble { phase: Phase::Run, host, detail, help: None, passing: false };
                    ConnectError::Task(Box::new(trouble))
                }))
            }
            Err(_) => Err(self.why_gone()),
        }
    }

    /// Asks the runner to end, and waits until it has.
    pub async fn close(&self, within: Duration) {
        let _ = self.shared.outbox.send(&Down::Bye).await;
        let mut lost = self.shared.lost.clone();
        let ended = async {
            tokio::select! {
                () = self.shared.outbox.frames.closed() => {}
                _ = lost.wait_for(Option::is_some) => {}
            }
        };
        let _ = tokio::time::timeout(within, ended).await;
    }

    /// Why nothing more comes from this runner.
    pub(super) fn why_gone(&self) -> ConnectError {
        lock(&self.shared.state)
            .over
            .clone()
            .or_else(|| self.shared.lost.borrow().clone())
            .unwrap_or_else(|| ConnectError::unreachable(&self.shared.host, Phase::Run, "the runner ended"))
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.shared.outbox
    }

    /// Nobody waits for the batch any more.
    pub(super) fn forget(&self, batch: u64) {
        let mut state = lock(&self.shared.state);
        if let Some(flight) = state.batches.remove(&batch) {
            for (blob, _) in flight.blobs.iter() {
                state.feeds.remove(blob);
            }
        }
    }
}

/// Why arguments cannot go to a host.
fn unsendable(host: Arc<str>, error: &io::Error) -> Trouble {
    let limit = MAX_FRAME / 1024 / 1024;
    let (detail, help) = match error.get_ref().and_then(|e| e.downcast_ref::<FrameError>()) {
        Some(FrameError::TooLong(_)) => (
            format!("the arguments are more than one request may hold ({limit} MiB)"),
            Some("put the content into a file and use `copy` with `src`".to_owned()),
        ),
        _ => (format!("the arguments cannot be sent: {error}"), None),
    };
    Trouble { phase: Phase::Run, host, detail, help, passing: false }
}

/// A part of the runner, piece by piece; without bytes, word that the host's own is the right one.
pub(super) async fn send_part(part: Part, hash: &str, bytes: Image, outbox: Outbox) {
    let mut pieces = bytes.chunks(shevek_proto::BLOB_CHUNK).peekable();
    loop {
        let data = pieces.next().unwrap_or_default().to_vec();
        let last = pieces.peek().is_none();
        let message = Down::PartChunk { part, hash: hash.to_owned(), data, last };
        if outbox.send(&message).await.is_err() || last {
            return;
        }
    }
}

/// Writes frames as they come, several at a time when they wait.
async fn write_all(
    mut to: Box<dyn AsyncWrite + Send + Unpin>,
    mut queue: mpsc::Receiver<Vec<u8>>,
    over: &mut watch::Receiver<Option<ConnectError>>,
) {
    loop {
        let frame = tokio::select! {
            biased;
            _ = over.wait_for(Option::is_some) => break,
            frame = queue.recv() => frame,
        };
        let Some(mut bytes) = frame else { break };
        while bytes.len() < shevek_proto::BLOB_CHUNK {
            let Ok(more) = queue.try_recv() else { break };
            bytes.extend(more);
        }
        if write_until_lost(&mut *to, &bytes, over).await.is_err() {
            break;
        }
    }
    queue.close();
    let _ = tokio::time::timeout(Duration::from_secs(1), to.shutdown()).await;
}

/// Words for a runner that is gone, with the last it said.
pub(super) fn last_words(stderr: &Tail) -> String {
    match stderr.text() {
        text if text.is_empty() => String::new(),
        text => format!(": {text}"),
    }
}
