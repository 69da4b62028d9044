//! Gives every message that comes up to the one who waits for it, and never waits itself.

use std::sync::{Arc, Mutex};

use shevek_proto::{Decoder, Down, Fault, FaultKind, Hello, Part, Up};
use tokio::sync::{mpsc, oneshot, watch};

use super::blobs::feed;
use super::runner::{Outbox, State, last_words, lock, send_part};
use super::running::Heard;
use super::streams::Refused;
use crate::error::Trouble;
use crate::runners::Image;
use crate::runners::Runners;
use crate::tail::Tail;
use crate::transport::Output;
use crate::{ConnectError, Phase};

/// How often a runner may ask for a part: once, and again when what it had kept turns out to be damaged.
const PARTS: usize = 4;

/// The one task that reads what a runner says.
pub(super) struct Reader {
    pub(super) host: Arc<str>,
    pub(super) state: Arc<Mutex<State>>,
    pub(super) outbox: Outbox,
    pub(super) runners: Arc<Runners>,
    /// `uname -m`.
    pub(super) machine: String,
    /// How often a part was asked for.
    pub(super) parts: usize,
    /// Where the greeting goes.
    pub(super) hello: Option<oneshot::Sender<Hello>>,
    pub(super) stderr: Tail,
    /// Says that the conversation is over.
    pub(super) over: watch::Sender<Option<ConnectError>>,
    pub(super) lost: watch::Receiver<Option<ConnectError>>,
}

/// Reads until the end. `hold` is what must live as long: the process, and the signal that nobody listens any more.
pub(super) async fn read_all(
    mut reader: Reader,
    mut output: mpsc::UnboundedReceiver<Output>,
    first: Vec<u8>,
    hold: (oneshot::Receiver<()>, Box<dyn Send + Sync>),
) {
    let (mut stop, guard) = hold;
    let mut decoder = Decoder::new();
    decoder.push(&first);
    let why = loop {
        if let Err(why) = reader.take(&mut decoder) {
            break why;
        }
        let heard = tokio::select! {
            biased;
            heard = output.recv() => heard,
            _ = reader.lost.wait_for(Option::is_some) => None,
            _ = &mut stop => {
                break ConnectError::unreachable(&reader.host, Phase::Run, "the connection was closed by this program");
            }
        };
        match heard {
            Some(Output::Stdout(bytes)) => decoder.push(&bytes),
            Some(Output::Stderr(bytes)) => reader.stderr.push(&bytes),
            Some(Output::Exit(exit)) => {
                let phase = reader.phase();
                let cut = if decoder.is_empty() { "" } else { " in the middle of a message" };
                let detail = format!("the runner ended{cut} ({exit}){}", last_words(&reader.stderr));
                break ConnectError::unreachable(&reader.host, phase, detail);
            }
            None => {
                let lost = reader.lost.borrow().clone();
                break lost.unwrap_or_else(|| {
                    ConnectError::unreachable(&reader.host, reader.phase(), "the connection was closed")
                });
            }
        }
    };
    reader.end(&why);
    drop(guard);
}

/// Fails a batch for what went wrong on this side.
fn give_up(batch: u64, trouble: Trouble, shared: &Mutex<State>) {
    if let Some(flight) = lock(shared).batches.remove(&batch) {
        let _ = flight.heard.send(Heard::Failed(ConnectError::Task(Box::new(trouble))));
    }
}

impl Reader {
    fn phase(&self) -> Phase {
        if self.hello.is_some() { Phase::Start } else { Phase::Run }
    }

    /// Tells everyone who waits that nothing more will come.
    fn end(&mut self, why: &ConnectError) {
        let mut state = lock(&self.state);
        state.over = Some(why.clone());
        for (_, flight) in state.batches.drain() {
            let _ = flight.heard.send(Heard::Failed(why.clone()));
        }
        state.feeds.clear();
        state.streams.abandon();
        drop(state);
        // The reason first: whoever waits for the greeting looks for it as soon as there can be none.
        self.over.send_replace(Some(why.clone()));
        self.hello = None;
    }

    fn take(&mut self, decoder: &mut Decoder) -> Result<(), ConnectError> {
        loop {
            match decoder.next::<Up>() {
                Ok(Some(message)) => self.message(message)?,
                Ok(None) => return Ok(()),
                Err(e) => {
                    let detail =
                        format!("what the runner said cannot be understood: {e}{}", last_words(&self.stderr));
                    return Err(ConnectError::bug(&self.host, self.phase(), detail));
                }
            }
        }
    }

    fn message(&mut self, message: Up) -> Result<(), ConnectError> {
        match message {
            Up::Hello(hello) => {
                if let Some(waiting) = self.hello.take() {
                    let _ = waiting.send(*hello);
                }
            }
            Up::Item(item) => {
                let mut state = lock(&self.state);
                // A batch that nobody waits for any more was cancelled.
                if let Some(flight) = state.batches.get_mut(&item.batch) {
                    if !flight.ends(item.index) {
                        let index = item.index;
                        return Err(
                            self.misled(format!("call {index} of a batch came twice, or is none of it"))
                        );
                    }
                    let _ = flight.heard.send(Heard::Item(item));
                }
            }
            Up::Done { batch } => self.finish(batch, Heard::Done),
            Up::Fault { batch: Some(batch), fault } => {
                let error = self.explain(fault);
                self.finish(batch, Heard::Failed(error));
            }
            Up::Fault { batch: None, fault } => return Err(self.explain(fault)),
            Up::Need { blob, credit } => self.need(blob, credit),
            Up::NeedSum { blob } => self.need_sum(blob),
            Up::NeedPart { part, have } => {
                self.parts += 1;
                if self.parts > PARTS {
                    return Err(self.misled("it asks for its parts again and again".to_owned()));
                }
                self.need_part(part, have);
            }
            Up::Chunk { stream, data, last } => {
                let taken = lock(&self.state).streams.chunk(stream, data, last, &self.outbox);
                taken.map_err(|why| self.refuse(why))?;
            }
        }
        Ok(())
    }

    /// The runner does what no runner of ours does: nothing that it says is listened to any more.
    fn misled(&self, detail: String) -> ConnectError {
        let detail = format!("the runner breaks the rules of the conversation: {detail}");
        ConnectError::bug(&self.host, self.phase(), detail)
    }

    /// Content that is not taken in ends the conversation: nothing else would stop it.
    fn refuse(&self, why: Refused) -> ConnectError {
        let limit = match why {
            Refused::Rule(rule) => return self.misled(rule.to_owned()),
            Refused::TooMuch(limit) => limit,
        };
        let detail = format!("the host sends more than {} MiB, and was given up", limit >> 20);
        let help =
            Some("fetch_limit in [shevek] of ansible.cfg, or SHEVEK_FETCH_LIMIT, allows more".to_owned());
        let host = self.host.clone();
        ConnectError::Task(Box::new(Trouble { phase: Phase::Run, host, detail, help, passing: false }))
    }

    fn finish(&self, batch: u64, end: Heard) {
        let mut state = lock(&self.state);
        if let Some(flight) = state.batches.remove(&batch) {
            for (blob, _) in flight.blobs.iter() {
                state.feeds.remove(blob);
            }
            let _ = flight.heard.send(end);
        }
    }

    fn need(&self, blob: u64, credit: u32) {
        let mut state = lock(&self.state);
        if let Some(feed) = state.feeds.get(&blob).filter(|feed| !feed.is_closed()) {
            return feed.send_modify(|credit_so_far| {
                *credit_so_far = credit_so_far.saturating_add(u64::from(credit));
            });
        }
        let Some((batch, content)) = state.content(blob) else { return };
        let (credits, granted) = watch::channel(u64::from(credit));
        state.feeds.insert(blob, credits);
        drop(state);
        let (outbox, shared, host) = (self.outbox.clone(), self.state.clone(), self.host.clone());
        tokio::spawn(async move {
            if let Err(e) = feed(blob, content.clone(), granted, outbox.clone()).await {
                let detail = format!("content cannot be sent: {content}: {e}");
                give_up(
                    batch,
                    Trouble { phase: Phase::Run, host, detail, help: None, passing: false },
                    &shared,
                );
                let _ = outbox.send(&Down::Cancel { batch }).await;
            }
        });
    }

    fn need_sum(&self, blob: u64) {
        let Some((batch, content)) = lock(&self.state).content(blob) else { return };
        let (outbox, shared, host) = (self.outbox.clone(), self.state.clone(), self.host.clone());
        tokio::spawn(async move {
            let answer = match content.sha1().await {
                Ok(checksum) => Down::Sum { blob, checksum },
                Err(e) => {
                    let detail = format!("content cannot be read: {content}: {e}");
                    let trouble = Trouble { phase: Phase::Run, host, detail, help: None, passing: false };
                    give_up(batch, trouble, &shared);
                    Down::Cancel { batch }
                }
            };
            let _ = outbox.send(&answer).await;
        });
    }

    fn need_part(&self, part: Part, have: Vec<String>) {
        let (outbox, machine) = (self.outbox.clone(), self.machine.clone());
        let image = self.runners.find(&machine, part).cloned();
        tokio::spawn(async move {
            let Some(image) = image else {
                let _ = outbox.send(&Down::NoPart { part, machine }).await;
                return;
            };
            if have.iter().any(|hash| hash == image.hash()) {
                return send_part(part, image.hash(), Image::Embedded(&[]), outbox).await;
            }
            let unpacked = tokio::task::spawn_blocking({
                let image = image.clone();
                move || image.bytes().ok()
            });
            match unpacked.await.ok().flatten() {
                Some(bytes) => send_part(part, image.hash(), bytes, outbox).await,
                None => drop(outbox.send(&Down::NoPart { part, machine }).await),
            }
        });
    }

    fn explain(&self, fault: Fault) -> ConnectError {
        let trouble = |phase| {
            Box::new(Trouble {
                phase,
                host: self.host.clone(),
                detail: fault.message.clone(),
                help: fault.help.clone(),
                passing: false,
            })
        };
        match fault.kind {
            FaultKind::BecomePassword | FaultKind::Become => ConnectError::Become(trouble(Phase::Become)),
            FaultKind::BecomeTimedOut => ConnectError::Unreachable(trouble(Phase::Become)),
            FaultKind::NoPlace | FaultKind::UnknownModule => ConnectError::Task(trouble(Phase::Run)),
            FaultKind::NoPart => ConnectError::Task(trouble(Phase::Upload)),
            FaultKind::Cancelled => ConnectError::Cancelled(trouble(Phase::Run)),
            FaultKind::Protocol => ConnectError::Bug(trouble(self.phase())),
        }
    }
}
