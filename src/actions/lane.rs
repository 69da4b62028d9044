//! Calls that wait to be sent together with others.
//!
//! A [`crate::Host`] with a [`Lane`] does not send what it is asked but leaves it there, and waits. Whoever made the lane takes
//! it out, sends it with others' as one batch, and hands back the answers.

use std::sync::{Arc, Mutex, PoisonError};

use shevek_connection::Blobs;
use shevek_proto::{Call, Val};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::host::{failed_connection, out_of_time};
use crate::{Host, Outcome};

/// Where a host leaves what it is asked first; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lane {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Empty,
    Asked(Box<Asked>),
    /// What comes now goes its usual way.
    Closed,
}

/// What a host was asked, waiting to be sent.
#[derive(Debug)]
pub struct Asked {
    /// The host, with the settings of the task.
    pub host: Host,
    calls: Vec<Call>,
    blobs: Blobs,
    answers: mpsc::UnboundedSender<(usize, Outcome)>,
    /// Which calls have had their answer.
    answered: Vec<bool>,
    fate: Option<oneshot::Sender<Fate>>,
}

/// What is known of a task that was sent behind another one. Nothing is known to have come of it where nobody tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The host has begun it, and its answers come.
    Begun,
    /// The host may have done it, or a part of it; no answer will come.
    Unknown,
}

/// The answers to what was asked, by their calls' numbers.
pub type Answers = mpsc::UnboundedReceiver<(usize, Outcome)>;

impl Lane {
    /// Leaves calls there; gives them back where the lane is used up.
    pub(crate) fn ask(
        &self,
        host: &Host,
        calls: Vec<Call>,
        blobs: Blobs,
    ) -> Result<Answers, (Vec<Call>, Blobs)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*state, State::Empty) {
            return Err((calls, blobs));
        }
        let (answers, heard) = mpsc::unbounded_channel();
        let host = Host { lane: None, ..host.clone() };
        *state = State::Asked(Box::new(Asked {
            host,
            answered: vec![false; calls.len()],
            calls,
            blobs,
            answers,
            fate: None,
        }));
        Ok(heard)
    }

    /// What was left there, if anything; the lane is used up in any case.
    pub fn take(&self) -> Option<Asked> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Closed) {
            State::Asked(asked) => Some(*asked),
            State::Empty | State::Closed => None,
        }
    }
}

impl Asked {
    /// Whether two go to the same host as the same user, to the same part of the runner.
    pub fn goes_with(&self, other: &Self) -> bool {
        let core = shevek_modules::core();
        let part = |asked: &Self| asked.calls.iter().all(|call| core.can(&call.module, &call.args));
        self.host.same_way(&other.host) && part(self) == part(other)
    }

    /// About how many bytes its calls take.
    pub fn weight(&self) -> usize {
        let arguments = self.calls.iter().flat_map(|call| &call.args);
        arguments.map(|(name, value)| name.len() + weight(value)).sum()
    }

    /// The modules that it calls.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.calls.iter().map(|call| &*call.module)
    }

    /// Takes out what is to be sent.
    pub fn take(&mut self) -> (Vec<Call>, Blobs) {
        (std::mem::take(&mut self.calls), std::mem::take(&mut self.blobs))
    }

    /// Gives a call's answer to whoever waits for it; only the first one counts.
    pub fn answer(&mut self, call: usize, outcome: Outcome) {
        match self.answered.get_mut(call) {
            Some(answered @ false) => *answered = true,
            _ => return,
        }
        self.tell(Fate::Begun);
        // Without anyone who waits it is lost.
        let _ = self.answers.send((call, outcome));
    }

    /// Gives all calls that have had none the same answer.
    fn answer_all(&mut self, outcome: impl Fn() -> Outcome) {
        for call in 0..self.answered.len() {
            self.answer(call, outcome());
        }
    }

    /// When its answers must be there if it begins now, and the seconds that each call has.
    fn limit(&self) -> Option<(u32, Instant)> {
        let (seconds, limit) = self.host.limit(self.answered.len())?;
        Some((seconds, Instant::now() + limit))
    }

    /// What tells of its fate, as soon as that is known; it ends without a word if the host never begins it.
    pub fn fate(&mut self) -> oneshot::Receiver<Fate> {
        let (fate, heard) = oneshot::channel();
        self.fate = Some(fate);
        heard
    }

    fn tell(&mut self, fate: Fate) {
        if let Some(told) = self.fate.take() {
            let _ = told.send(fate);
        }
    }

    /// Whether all calls have had their answers.
    pub fn is_done(&self) -> bool {
        self.answered.iter().all(|answered| *answered)
    }
}

fn weight(value: &Val) -> usize {
    const PLAIN: usize = 16;
    match value {
        Val::Str(text) => text.len(),
        Val::Blob(blob) => blob.inline.as_ref().map_or(PLAIN, Vec::len),
        Val::List(items) => items.iter().map(weight).sum(),
        Val::Map(entries) => entries.iter().map(|(key, value)| key.len() + weight(value)).sum(),
        _ => PLAIN,
    }
}

/// What ends a batch of several tasks early.
#[derive(Debug)]
pub struct Ends<H, G> {
    /// The task that is running comes to its end, and those behind it are not begun.
    pub halted: H,
    /// The task that is running is killed.
    pub given_up: G,
}

/// Sends what several tasks ask of a host as one batch that ends behind the first task that fails. Once it is halted, or
/// nobody waits for the next task, it ends behind the one that is running. Tasks that are not begun get no answer.
pub async fn send_all<H, G>(asked: Vec<Asked>, ends: Ends<H, G>)
where
    H: Future<Output = ()> + Send,
    G: Future<Output = ()> + Send,
{
    let mut given_up = std::pin::pin!(ends.given_up);
    let mut halted = std::pin::pin!(ends.halted);
    let mut asked = asked;
    let Some(host) = asked.first().map(|first| first.host.clone()) else { return };
    let mut blobs = Blobs::new();
    let (mut calls, mut ends) = (Vec::new(), Vec::with_capacity(asked.len()));
    for one in &mut asked {
        let (mine, content) = one.take();
        calls.extend(mine);
        blobs.extend(content);
        ends.push(calls.len());
    }
    let task_ends = ends.iter().map(|end| u32::try_from(*end).unwrap_or(u32::MAX)).collect();
    let started = tokio::select! {
        biased;
        () = &mut given_up => return until_left(&asked).await,
        started = host.start(calls, task_ends, blobs) => started,
    };
    // Where the host is not heard of any more, it may have gone on.
    let (error, is_cut_off) = match started {
        Err(error) => (error, false),
        Ok(mut running) => {
            let (mut is_halted, mut at) = (false, 0);
            let mut limit = asked.first().and_then(Asked::limit);
            loop {
                let next = tokio::select! {
                    biased;
                    () = &mut given_up => {
                        // The task that is running knows by itself that it is killed.
                        if let Some(asked) = asked.get_mut(at) {
                            asked.tell(Fate::Begun);
                        }
                        if !is_halted {
                            lose_sight(&mut asked, at);
                        }
                        drop(running);
                        return until_left(&asked).await;
                    }
                    () = &mut halted, if !is_halted => {
                        is_halted = true;
                        running.halt().await;
                        continue;
                    }
                    next = running.next() => next,
                    seconds = over(limit) => {
                        host.forget();
                        lose_sight(&mut asked, at);
                        if let Some(asked) = asked.get_mut(at) {
                            asked.answer_all(|| out_of_time(seconds));
                        }
                        return;
                    }
                };
                let item = match next {
                    None => return,
                    Some(Err(error)) => break (error, running.is_cut_off()),
                    Some(Ok(item)) => item,
                };
                let index = item.index as usize;
                at = ends.partition_point(|end| *end <= index);
                let before = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
                let Some(one) = asked.get_mut(at) else { continue };
                one.answer(index - before, item.outcome.into());
                if !one.is_done() {
                    continue;
                }
                at += 1;
                limit = asked.get(at).and_then(Asked::limit);
                if asked.get(at).is_some_and(|next| next.answers.is_closed()) && !is_halted {
                    is_halted = true;
                    running.halt().await;
                }
            }
        }
    };
    host.gave_up(&error).await;
    // It came upon the task that was running, as far as is known.
    let Some(at) = asked.iter().position(|asked| !asked.is_done()) else { return };
    if is_cut_off {
        lose_sight(&mut asked, at);
    }
    if let Some(asked) = asked.get_mut(at) {
        asked.answer_all(|| failed_connection(&error));
    }
}

/// Waits until nobody waits for answers any more: tasks that are given up say so themselves, rather than that the host gave
/// no result.
async fn until_left(asked: &[Asked]) {
    for one in asked {
        one.answers.closed().await;
    }
}

/// The host may have gone on from a task to those behind it. Whoever hears what came of the task must know of that before.
fn lose_sight(asked: &mut [Asked], at: usize) {
    asked.iter_mut().skip(at + 1).for_each(|behind| behind.tell(Fate::Unknown));
}

/// Waits until a time is over, and says how many seconds a call had.
async fn over(limit: Option<(u32, Instant)>) -> u32 {
    match limit {
        Some((seconds, at)) => {
            tokio::time::sleep_until(at).await;
            seconds
        }
        None => std::future::pending().await,
    }
}
