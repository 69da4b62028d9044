//! The way from the engine to the reporters.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use crate::{Event, Masker, Stamped};

thread_local! {
    /// What is not to be sent yet, while something is done ahead of its time.
    static HELD: RefCell<Option<Vec<Event>>> = const { RefCell::new(None) };
}

/// Does something ahead of its time, and gives back what it would have sent. It must not leave its thread.
pub fn held<T>(what: impl FnOnce() -> T) -> (T, Vec<Event>) {
    let before = HELD.replace(Some(Vec::new()));
    let result = what();
    (result, HELD.replace(before).unwrap_or_default())
}

/// What travels.
#[derive(Debug)]
pub enum Message {
    /// An event.
    Event(Box<Stamped>),
    /// Show everything so far, then answer: a question to the user follows.
    Flush(Sender<()>),
}

/// The reporters' end.
pub type Incoming = Receiver<Message>;

/// Where the engine sends events: stamped and masked here, so that nobody can forget it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sink {
    sender: Sender<Message>,
    masker: Arc<Masker>,
}

impl Sink {
    /// A sink and the end to read from.
    pub fn new(masker: Arc<Masker>) -> (Self, Incoming) {
        let (sender, incoming) = mpsc::channel();
        (Self { sender, masker }, incoming)
    }

    /// Sends an event on its way. Without anyone who listens it is lost, which is no matter to the run.
    pub fn send(&self, event: Event) {
        let Some(event) = HELD.with_borrow_mut(|held| match held {
            Some(held) => {
                held.push(event);
                None
            }
            None => Some(event),
        }) else {
            return;
        };
        let event = Stamped::now(self.masker.mask_event(event));
        let _ = self.sender.send(Message::Event(Box::new(event)));
    }

    /// Waits until everything sent so far has been shown.
    pub fn flush(&self) {
        let (done, wait) = mpsc::channel();
        if self.sender.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv();
        }
    }

    /// What is kept out of sight; tell it of further secrets.
    pub fn masker(&self) -> &Arc<Masker> {
        &self.masker
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Notice, PlayStarted};
    use shevek_value::Value;

    #[test]
    fn events_arrive_in_order_and_without_secrets() {
        let (sink, incoming) = Sink::new(Arc::default());
        sink.masker().learn(&Value::str("hunter2").secret());
        sink.send(Event::PlayStarted(PlayStarted {
            name: "deploy hunter2".to_owned(),
            ..PlayStarted::default()
        }));
        let ((), held) = held(|| sink.send(Event::Notice(Notice::warning("it is hunter2!"))));
        held.into_iter().for_each(|event| sink.clone().send(event));
        drop(sink);
        let names: Vec<String> = incoming
            .iter()
            .map(|message| match message {
                Message::Event(stamped) => match stamped.event {
                    Event::PlayStarted(play) => play.name,
                    Event::Notice(notice) => notice.message,
                    other => panic!("{other:?}"),
                },
                Message::Flush(_) => panic!("nobody flushed"),
            })
            .collect();
        assert_eq!(names, ["deploy ********", "it is ********!"]);
    }
}
