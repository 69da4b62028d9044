//! Questions on the terminal.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_event::{Ask, Question, Sink};

/// The user's terminal.
#[derive(Debug, Default)]
pub(crate) struct Terminal {
    sink: OnceLock<Sink>,
}

impl Terminal {
    /// Lets everything that was sent be shown before a question.
    pub(crate) fn after(&self, sink: &Sink) {
        let _ = self.sink.set(sink.clone());
    }

    /// A password; what is typed is not shown. Without a terminal it may come from a pipe.
    pub(crate) fn password(&self, text: &str) -> Result<String> {
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

    fn ask(&self, question: &Question) -> Result<String> {
        if let Some(sink) = self.sink.get() {
            sink.flush();
        }
        if !self.is_interactive() && !question.piped {
            return Err(unanswered(&question.text, "standard input is no terminal"));
        }
        if question.private {
            return self.password(&question.text);
        }
        let mut out = io::stdout();
        let shown = out.write_all(question.text.as_bytes()).and_then(|()| out.flush());
        shown.map_err(|error| unanswered(&question.text, &error.to_string()))?;
        match question.seconds {
            Some(seconds) if !wait(Duration::from_secs(seconds)) => {
                let _ = out.write_all(b"\n");
                Ok(String::new())
            }
            _ => line(&question.text),
        }
    }
}

/// Whether something was typed in time.
fn wait(time: Duration) -> bool {
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let stdin = io::stdin();
        let mut descriptors = [PollFd::new(&stdin, PollFlags::IN)];
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut descriptors, Some(&timeout)) {
            Ok(0) => return false,
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => return true,
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
