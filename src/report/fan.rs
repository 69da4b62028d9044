//! Hands events to several reporters.

use std::io;
use std::sync::mpsc::RecvTimeoutError;
use std::thread::JoinHandle;
use std::time::Duration;

use shevek_event::{Event, Incoming, Message, Notice, Stamped};

use crate::Reporter;

/// How often live displays are brought up to date when nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// All reporters of a run.
#[derive(Default)]
pub struct Reporters {
    reporters: Vec<Box<dyn Reporter>>,
}

impl Reporters {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more. The first is where failures of the others are shown.
    #[must_use]
    pub fn with(mut self, reporter: Box<dyn Reporter>) -> Self {
        self.reporters.push(reporter);
        self
    }

    /// Hands an event to each; one that fails is dropped, and the others are told.
    pub fn on(&mut self, event: &Stamped) {
        self.each(|reporter| reporter.on(event));
    }

    fn each(&mut self, mut call: impl FnMut(&mut dyn Reporter) -> io::Result<()>) {
        let mut failed = Vec::new();
        self.reporters.retain_mut(|reporter| match call(reporter.as_mut()) {
            Ok(()) => true,
            Err(error) => {
                // Whoever closed the pipe (`| head`) has seen enough.
                if error.kind() != io::ErrorKind::BrokenPipe {
                    failed.push(format!("the {} output is given up: {error}", reporter.name()));
                }
                false
            }
        });
        for message in failed {
            self.on(&Stamped::now(Event::Notice(Notice::warning(message))));
        }
    }

    /// Takes events until all senders are gone.
    pub fn run(mut self, incoming: &Incoming) {
        loop {
            match incoming.recv_timeout(TICK) {
                Ok(Message::Event(event)) => self.on(&event),
                Ok(Message::Flush(done)) => {
                    self.each(|reporter| reporter.flush());
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => self.each(|reporter| reporter.tick()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.finish();
    }

    /// Lets each come to its end.
    pub fn finish(&mut self) {
        self.each(|reporter| reporter.finish());
    }

    /// Takes events on a thread of its own; join it for everything to be shown.
    pub fn spawn(self, incoming: Incoming) -> io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("reporters".to_owned()).spawn(move || self.run(&incoming))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use shevek_event::Sink;

    use super::*;

    struct Full;
    impl Reporter for Full {
        fn name(&self) -> &'static str {
            "full"
        }
        fn on(&mut self, _: &Stamped) -> io::Result<()> {
            Err(io::Error::other("no space left"))
        }
    }

    struct Keeps(Arc<Mutex<Vec<String>>>);
    impl Reporter for Keeps {
        fn name(&self) -> &'static str {
            "keeps"
        }
        fn on(&mut self, event: &Stamped) -> io::Result<()> {
            let text = match &event.event {
                Event::Notice(notice) => notice.message.clone(),
                other => format!("{other:?}"),
            };
            self.0.lock().unwrap().push(text);
            Ok(())
        }
    }

    #[test]
    fn one_that_fails_is_dropped_with_a_warning_and_the_others_go_on() {
        let seen = Arc::default();
        let (sink, incoming) = Sink::new(Arc::default());
        let reporters = Reporters::new().with(Box::new(Keeps(Arc::clone(&seen)))).with(Box::new(Full));
        let thread = reporters.spawn(incoming).unwrap();
        sink.send(Event::NoHostsMatched);
        sink.flush();
        sink.send(Event::NoHostsRemaining);
        drop(sink);
        thread.join().unwrap();
        assert_eq!(
            *seen.lock().unwrap(),
            ["NoHostsMatched", "the full output is given up: no space left", "NoHostsRemaining"]
        );
    }
}
