//! Messages in and out: to and from the controller, or to and from the runner that started this one.

use std::io::{self, Read, Stdout, Write};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use shevek_kit::Plan;
use shevek_proto::{Decoder, Down, FrameError, Item, MAX_FRAME, Outcome, Up, encode};

/// Who started this runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The controller.
    Controller,
    /// Another runner, to become another user.
    Parent,
}

/// From a runner to one that it started.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToChild {
    /// What the controller said.
    Message(Down),
    /// Check mode's plan so far.
    Plan(Vec<u8>),
}

/// From a runner to the one that started it.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromChild {
    /// For the controller.
    Message(Up),
    /// Check mode's plan, continued.
    Plan(Vec<u8>),
}

/// Something that came in.
#[derive(Debug)]
pub enum Heard {
    /// A message of the controller.
    Message(Down),
    /// Check mode's plan so far.
    Plan(Vec<u8>),
}

/// Check mode's plan as bytes that fit a frame.
pub fn packed(plan: &Plan) -> Result<Vec<u8>, String> {
    // Less what is around them.
    within(plan, MAX_FRAME - 64)
}

fn within(plan: &Plan, limit: usize) -> Result<Vec<u8>, String> {
    let bytes = postcard::to_stdvec(plan).map_err(|e| e.to_string())?;
    if bytes.len() > limit { Err(FrameError::TooLong(bytes.len()).to_string()) } else { Ok(bytes) }
}

/// Where messages go out; shared by all threads.
pub struct Outlet {
    side: Side,
    out: Mutex<Stdout>,
}

impl Outlet {
    /// Standard output.
    pub fn new(side: Side) -> Self {
        Outlet { side, out: Mutex::new(io::stdout()) }
    }

    /// Says something to the controller. When nobody listens any more, the end of the input will end the runner.
    pub fn say(&self, message: Up) {
        self.write(framed(self.side, message));
    }

    /// Who listens.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Hands check mode's plan to the runner that started this one; or says why it cannot.
    pub fn hand_up(&self, plan: &Plan) -> Result<(), String> {
        let frame = packed(plan).and_then(|plan| encode(&FromChild::Plan(plan)).map_err(|e| e.to_string()));
        self.write(Ok(frame.map_err(|why| format!("check mode's plan cannot be handed on: {why}"))?));
        Ok(())
    }

    fn write(&self, frame: Result<Vec<u8>, FrameError>) {
        let Ok(frame) = frame else { return };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(&frame).and_then(|()| out.flush());
    }
}

/// A message as it goes out. A result that cannot go is replaced by word of that: whoever waits for it must hear something.
fn framed(side: Side, message: Up) -> Result<Vec<u8>, FrameError> {
    let (frame, message) = match side {
        Side::Controller => (encode(&message), message),
        Side::Parent => {
            let message = FromChild::Message(message);
            let frame = encode(&message);
            match message {
                FromChild::Message(message) => (frame, message),
                FromChild::Plan(_) => return frame,
            }
        }
    };
    match (frame, message) {
        (Err(why), Up::Item(item)) => {
            let Item { batch, index, outcome } = *item;
            let limit = MAX_FRAME / 1024 / 1024;
            let failure = Outcome::failure(match why {
                FrameError::TooLong(_) => {
                    format!("the result is larger than one message may be ({limit} MiB)")
                }
                why => format!("the result cannot be sent: {why}"),
            });
            let outcome = Outcome { changed: outcome.changed, seconds: outcome.seconds, ..failure };
            framed(side, Up::Item(Box::new(Item { batch, index, outcome })))
        }
        (frame, _) => frame,
    }
}

/// Where messages come in.
pub struct Inlet {
    side: Side,
    decoder: Decoder,
    buffer: Vec<u8>,
}

impl Inlet {
    /// Standard input, after what was said ahead of it.
    pub fn new(side: Side, ahead: &[u8]) -> Self {
        let mut decoder = Decoder::new();
        decoder.push(ahead);
        Inlet { side, decoder, buffer: vec![0; 128 * 1024] }
    }

    /// The next message; `None` at the end of the input.
    pub fn next(&mut self) -> Result<Option<Heard>, FrameError> {
        loop {
            let heard = match self.side {
                Side::Controller => self.decoder.next::<Down>()?.map(Heard::Message),
                Side::Parent => self.decoder.next::<ToChild>()?.map(|message| match message {
                    ToChild::Message(message) => Heard::Message(message),
                    ToChild::Plan(plan) => Heard::Plan(plan),
                }),
            };
            if heard.is_some() {
                return Ok(heard);
            }
            match io::stdin().read(&mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(n) => self.decoder.push(self.buffer.get(..n).unwrap_or_default()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_fits_no_frame_is_told_and_not_dropped() {
        let plan = Plan::default();
        assert!(within(&plan, 1000).is_ok());
        assert_eq!(
            within(&plan, 1).unwrap_err(),
            FrameError::TooLong(packed(&plan).unwrap().len()).to_string()
        );
    }

    #[test]
    fn a_result_that_is_too_large_becomes_a_failure_that_says_so() {
        let outcome = Outcome::ok().changed_if(true).with("stdout", "x".repeat(MAX_FRAME));
        let item = Up::Item(Box::new(Item { batch: 4, index: 2, outcome }));
        for side in [Side::Controller, Side::Parent] {
            let mut decoder = Decoder::new();
            decoder.push(&framed(side, item.clone()).unwrap());
            let heard = match side {
                Side::Controller => decoder.next::<Up>().unwrap().unwrap(),
                Side::Parent => match decoder.next::<FromChild>().unwrap().unwrap() {
                    FromChild::Message(message) => message,
                    other => panic!("unexpected {other:?}"),
                },
            };
            let Up::Item(item) = heard else { panic!("unexpected {heard:?}") };
            assert_eq!((item.batch, item.index), (4, 2));
            assert!(item.outcome.failed && item.outcome.changed);
            assert_eq!(item.outcome.message(), "the result is larger than one message may be (64 MiB)");
        }
    }
}
