//! Messages in and out: to and from the controller, or to and from the runner that started this one.

use std::io::{self, Read, Stdout, Write};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use shevek_proto::{Decoder, Down, FrameError, Up, encode};

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
        let frame = match self.side {
            Side::Controller => encode(&message),
            Side::Parent => encode(&FromChild::Message(message)),
        };
        self.write(frame);
    }

    /// Hands check mode's plan to the runner that started this one.
    pub fn hand_up(&self, plan: Vec<u8>) {
        if self.side == Side::Parent {
            self.write(encode(&FromChild::Plan(plan)));
        }
    }

    fn write(&self, frame: Result<Vec<u8>, FrameError>) {
        let Ok(frame) = frame else { return };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(&frame).and_then(|()| out.flush());
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
