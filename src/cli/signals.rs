//! Signals to a run: Ctrl-C and requests to terminate end it in order, Ctrl-\\ asks what hosts are doing.

use std::time::Duration;

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_engine::Interrupt;
use shevek_event::{Event, Notice, Sink};
use shevek_report::Doing;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// How long the run has for its report after all that was running has been killed: as long as the tasks had before, within
/// these bounds.
const LAST_WORDS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// What signals bring about.
pub(crate) struct Heeded {
    pub interrupt: Interrupt,
    /// How long running tasks have for their end after an interrupt.
    pub grace: Duration,
    pub sink: Sink,
    /// What hosts are doing.
    pub doing: Doing,
}

impl Heeded {
    /// Listens from now on, until the user has asked twice for an end; the first time the engine comes to an orderly one.
    ///
    /// It has a thread of its own: the run's threads may all be at work on something that takes its time, or wait for an
    /// answer.
    pub(crate) fn listen(self) -> Result<oneshot::Receiver<()>> {
        let cannot = |error: std::io::Error| {
            Diagnostic::new("no thread to hear signals").kind(Kind::Machine).detail(error.to_string())
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
        let signals = {
            let _inside = runtime.enter();
            Signals::new()
        };
        let (mut over, is_over) = oneshot::channel();
        let hears = move || {
            let run_has_ended = runtime.block_on(async {
                tokio::select! {
                    () = self.hear(signals) => false,
                    () = over.closed() => true,
                }
            });
            if !run_has_ended {
                let _ = over.send(());
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(hears).map_err(cannot)?;
        Ok(is_over)
    }

    async fn hear(self, mut signals: Option<Signals>) {
        let mut over = None;
        let mut is_given_up = false;
        loop {
            let heard = async {
                match &mut signals {
                    Some(signals) => signals.next().await,
                    // Nobody can ask.
                    None => std::future::pending().await,
                }
            };
            let late = async {
                match over {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let heard = tokio::select! {
                heard = heard => heard,
                () = late => {
                    if is_given_up {
                        return;
                    }
                    // What a thread of the controller does by itself (a template without end) nobody can stop.
                    over = Some(tokio::time::Instant::now() + self.grace.clamp(LAST_WORDS[0], LAST_WORDS[1]));
                    is_given_up = true;
                    self.warn("running tasks did not come to their end in time; what they have running on hosts is killed");
                    self.interrupt.give_up();
                    continue;
                }
            };
            match heard {
                Heard::Question => self.tell(),
                Heard::End if self.interrupt.raise() => return,
                Heard::End => {
                    over = Some(tokio::time::Instant::now() + self.grace);
                    let grace = self.grace.as_secs();
                    self.warn(&format!(
                        "interrupted: running tasks have {grace} s to come to their end; interrupt again to leave them"
                    ));
                }
            }
        }
    }

    fn warn(&self, text: &str) {
        self.sink.send(Event::Notice(Notice::warning(text)));
    }

    /// Says what hosts are doing, on standard error; the run goes on.
    fn tell(&self) {
        // What was told so far is counted in, and live lines are out of the way.
        self.sink.flush();
        let text = self.doing.lines().join("\n") + "\n";
        let mut err = std::io::stderr().lock();
        // Whoever closed it does not want to know.
        let _ = std::io::Write::write_all(&mut err, text.as_bytes());
    }
}

/// What a signal asks for.
enum Heard {
    /// The end of the run.
    End,
    /// What hosts are doing.
    Question,
}

/// Ctrl-C, requests to terminate, and Ctrl-\\.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
}

impl Signals {
    /// `None`: there is no way to hear of them.
    fn new() -> Option<Self> {
        let listen = |kind| signal(kind).ok();
        Some(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            quit: listen(SignalKind::quit())?,
        })
    }

    async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.interrupt.recv() => Heard::End,
            _ = self.terminate.recv() => Heard::End,
            _ = self.quit.recv() => Heard::Question,
        }
    }
}
