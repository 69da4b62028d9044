//! Questions on the terminal.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_engine::Interrupt;
use shevek_event::{Ask, Event, Question, Sink, Verbose, Wait, Waited};

use crate::keys;

/// The user's terminal.
#[derive(Debug, Default)]
pub(crate) struct Terminal {
    sink: OnceLock<Sink>,
    interrupt: OnceLock<Interrupt>,
}

/// How long an interrupt may go unnoticed while a question waits.
const ATTENTION: Duration = Duration::from_millis(50);

impl Terminal {
    /// Lets everything that was sent be shown before a question.
    pub(crate) fn after(&self, sink: &Sink) {
        let _ = self.sink.set(sink.clone());
    }

    /// Lets an interrupt of the run end questions as well.
    pub(crate) fn ends_with(&self, interrupt: &Interrupt) {
        let _ = self.interrupt.set(interrupt.clone());
    }

    /// A password; what is typed is not shown. Without a terminal it may come from a pipe.
    pub(crate) fn password(&self, text: &str) -> Result<String> {
        // Before the question is there: answers may come at once.
        let _silence = File::options().read(true).write(true).open("/dev/tty").ok().map(Silence::begin);
        match rpassword::prompt_password(text) {
            Ok(password) => Ok(password),
            Err(error) if io::stdin().is_terminal() => Err(unanswered(text, &error.to_string())),
            Err(_) => line_from_pipe(text),
        }
    }
}

impl Ask for Terminal {
    fn is_interactive(&self) -> bool {
        io::stdin().is_terminal()
    }

    fn tell(&self, text: &str) {
        if let Some(sink) = self.sink.get() {
            sink.send(Event::Verbose(Verbose { level: 0, host: None, text: text.to_owned() }));
        }
    }

    fn ask(&self, question: &Question) -> Result<String> {
        if let Some(sink) = self.sink.get() {
            sink.flush();
        }
        if !self.is_interactive() && !question.piped {
            return Err(unanswered(&question.text, "standard input is no terminal"));
        }
        // Hosts are served and interrupts heard while it waits.
        tokio::task::block_in_place(|| self.answer(question))
    }

    fn wait(&self, wait: &Wait) -> Result<Waited> {
        if !keys::has_terminal() {
            return Ok(Waited::Nobody);
        }
        if let Some(sink) = self.sink.get() {
            sink.flush();
        }
        let is_over = || self.interrupt.get().is_some_and(Interrupt::is_raised);
        let waited = tokio::task::block_in_place(|| keys::wait(wait, &is_over));
        waited.map_err(|error| unanswered(&wait.text, &error.to_string()))
    }
}

/// What became of waiting for an answer.
enum Patience {
    Typed,
    TooLong,
    Interrupted,
}

impl Terminal {
    fn answer(&self, question: &Question) -> Result<String> {
        // Before the question is there: answers may come at once.
        let silence = question.private.then(|| Silence::begin(io::stdin()));
        let mut out = io::stdout();
        let shown = out.write_all(question.text.as_bytes()).and_then(|()| out.flush());
        shown.map_err(|error| unanswered(&question.text, &error.to_string()))?;
        let waited = self.wait(question.seconds.map(Duration::from_secs));
        let answer = match waited {
            Patience::Typed => line(&question.text),
            Patience::TooLong => Ok(String::new()),
            Patience::Interrupted => Err(unanswered(&question.text, "the run was interrupted")),
        };
        if silence.is_some() || !matches!(waited, Patience::Typed) {
            let _ = out.write_all(b"\n");
        }
        answer
    }

    /// Waits until a line was typed, for a time if there is one.
    fn wait(&self, time: Option<Duration>) -> Patience {
        let begin = Instant::now();
        loop {
            if self.interrupt.get().is_some_and(Interrupt::is_raised) {
                return Patience::Interrupted;
            }
            let left = time.map_or(ATTENTION, |time| time.saturating_sub(begin.elapsed()));
            if left.is_zero() {
                return Patience::TooLong;
            }
            let stdin = io::stdin();
            let mut descriptors = [PollFd::new(&stdin, PollFlags::IN)];
            let timeout = Timespec { tv_sec: 0, tv_nsec: left.min(ATTENTION).subsec_nanos().into() };
            match poll(&mut descriptors, Some(&timeout)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) | Err(_) => return Patience::Typed,
            }
        }
    }
}

/// Keeps what is typed at a terminal from being shown, until it is dropped.
struct Silence<T: AsFd>(T, Option<Termios>);

impl<T: AsFd> Silence<T> {
    fn begin(terminal: T) -> Self {
        let before = tcgetattr(&terminal).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(&terminal, OptionalActions::Now, &silent);
        }
        Silence(terminal, before)
    }
}

impl<T: AsFd> Drop for Silence<T> {
    fn drop(&mut self) {
        if let Some(before) = &self.1 {
            let _ = tcsetattr(&self.0, OptionalActions::Now, before);
        }
    }
}

fn line(text: &str) -> Result<String> {
    let mut answer = String::new();
    match io::stdin().lock().read_line(&mut answer) {
        Ok(0) => Err(unanswered(text, "standard input has ended")),
        Ok(_) => Ok(answer.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => Err(unanswered(text, &error.to_string())),
    }
}

fn line_from_pipe(text: &str) -> Result<String> {
    line(text)
        .map_err(|_| unanswered(text, "there is no terminal to ask on, and nothing came on standard input"))
}

fn unanswered(text: &str, why: &str) -> Box<Diagnostic> {
    Diagnostic::new("a question without an answer")
        .kind(Kind::Machine)
        .detail(format!("`{}` can't be asked: {why}", text.trim()))
        .help("give passwords in files where nobody can be asked: --become-password-file, --connection-password-file, --vault-password-file")
}
