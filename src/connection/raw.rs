//! Commands without a runner: `raw`, and hosts that cannot have one.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::error::Trouble;
use crate::transport::{Output, Process, Terminal, Transport, write_until_lost};
use crate::{ConnectError, Phase, Secret};

/// A prompt that a command may put, such as `sudo`'s, and what to answer. There is no runner here that could tell prompts
/// from other words, so the prompt is chosen by us, and cannot be guessed.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The prompt, on standard error.
    pub prompt: String,
    /// The word that the command says on standard error, on a line of its own, when there will be no prompt any more. Only
    /// then does it get its input.
    pub begun: String,
    secret: Secret,
}

impl Answer {
    /// What is told to nobody but the one who puts this prompt.
    pub fn new(secret: Secret) -> Self {
        let nonce = format!("{:032x}", rand::random::<u128>());
        Answer {
            prompt: format!("[shevek {nonce}] password: "),
            begun: format!("shevek-{nonce}-begun"),
            secret,
        }
    }

    /// Takes out what was said for us.
    pub fn clean(&self, stderr: &[u8]) -> Vec<u8> {
        let line = format!("{}\n", self.begun);
        let cut = |text: Vec<u8>, what: &[u8]| match find(&text, what) {
            Some(at) => [text.get(..at), text.get(at + what.len()..)]
                .into_iter()
                .flatten()
                .flatten()
                .copied()
                .collect(),
            None => text,
        };
        cut(cut(cut(stderr.to_vec(), line.as_bytes()), self.prompt.as_bytes()), self.prompt.as_bytes())
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// When a command gets what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cue {
    Answer,
    Input,
    End,
}

/// What was said to a command that may put a prompt.
struct Talk<'a> {
    answer: &'a Answer,
    answered: bool,
}

impl Talk<'_> {
    /// What to do after all that was said on standard error so far.
    fn heard(&mut self, stderr: &[u8]) -> Option<Cue> {
        if find(stderr, self.answer.begun.as_bytes()).is_some() {
            return Some(Cue::Input);
        }
        let prompt = self.answer.prompt.as_bytes();
        let first = find(stderr, prompt)?;
        if !self.answered {
            self.answered = true;
            return Some(Cue::Answer);
        }
        // The same answer twice is wrong twice.
        find(stderr.get(first + prompt.len()..)?, prompt).map(|_| Cue::End)
    }
}

/// A command line for the login user's shell.
#[derive(Debug, Clone)]
pub struct RawCommand {
    /// The line.
    pub line: String,
    /// What it reads from standard input.
    pub stdin: Vec<u8>,
    /// The prompt that it may put before it reads that.
    pub answer: Option<Answer>,
    /// Whether it gets a terminal.
    pub terminal: Terminal,
    /// Time after which it is given up.
    pub timeout: Option<Duration>,
}

impl RawCommand {
    /// A command that reads nothing, has no terminal and takes as long as it takes.
    pub fn new(line: impl Into<String>) -> Self {
        RawCommand {
            line: line.into(),
            stdin: Vec::new(),
            answer: None,
            terminal: Terminal::None,
            timeout: None,
        }
    }
}

/// What a raw command said, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawOutput {
    /// Its exit code; of a command that a signal killed, the number that a shell would give.
    pub rc: i32,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error; with a terminal, that is part of standard output.
    pub stderr: Vec<u8>,
}

/// How much a command may print.
const MOST: usize = 64 * 1024 * 1024;

fn too_much(host: &Arc<str>) -> Trouble {
    let detail = format!("the command printed more than {} MiB, and was given up", MOST / 1024 / 1024);
    let help = Some("send its output to a file on the host".to_owned());
    Trouble { phase: Phase::Run, host: host.clone(), detail, help, passing: false }
}

pub(crate) async fn run_raw(
    host: &Arc<str>,
    transport: &dyn Transport,
    command: RawCommand,
) -> Result<RawOutput, ConnectError> {
    let deadline = command.timeout.map(|limit| (limit, Instant::now() + limit));
    let run = async {
        let Process { mut stdin, mut output, guard } =
            transport.exec(&command.line, command.terminal).await?;
        let (mut lost, input, answer) = (transport.lost(), &command.stdin, &command.answer);
        let (cue, mut cues) = mpsc::unbounded_channel();
        let mut talk = answer.as_ref().map(|answer| Talk { answer, answered: false });
        if talk.is_none() {
            let _ = cue.send(Cue::Input);
        }
        let writing = async move {
            while let Some(cue) = cues.recv().await {
                let secret =
                    answer.as_ref().map(|answer| Zeroizing::new(format!("{}\n", answer.secret.expose())));
                let bytes = match (cue, &secret) {
                    (Cue::Answer, Some(secret)) => secret.as_bytes(),
                    (Cue::Input, _) => input,
                    _ => &[],
                };
                // A command that does not read its input ends by itself, and says so.
                let written = write_until_lost(&mut *stdin, bytes, &mut lost).await;
                if cue != Cue::Answer || written.is_err() {
                    break;
                }
            }
            let _ = stdin.shutdown().await;
            // Pipes know no shutdown: only closing them ends the command's input.
            drop(stdin);
            std::future::pending::<()>().await
        };
        let reading = async {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            while let Some(said) = output.recv().await {
                if stdout.len() + stderr.len() > MOST {
                    return Err(ConnectError::Task(Box::new(too_much(host))));
                }
                match said {
                    Output::Stdout(bytes) => stdout.extend(bytes),
                    Output::Stderr(bytes) => {
                        stderr.extend(bytes);
                        if let Some(next) = talk.as_mut().and_then(|talk| talk.heard(&stderr)) {
                            let _ = cue.send(next);
                            if next != Cue::Answer {
                                talk = None;
                            }
                        }
                    }
                    Output::Exit(exit) => return Ok(RawOutput { rc: exit.code(), stdout, stderr }),
                }
            }
            let why = transport.lost().borrow().clone();
            Err(why.unwrap_or_else(|| {
                ConnectError::unreachable(host, Phase::Run, "the connection was closed during a command")
            }))
        };
        let result = tokio::select! {
            result = reading => result,
            () = writing => Err(ConnectError::bug(host, Phase::Run, "a writer that never ends has ended")),
        };
        drop(guard);
        result
    };
    match deadline {
        None => run.await,
        Some((limit, at)) => tokio::time::timeout_at(at, run)
            .await
            .unwrap_or_else(|_| Err(ConnectError::timed_out(host, Phase::Run, limit, "the command to end"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_for_the_prompt_alone_and_given_once() {
        let answer = Answer::new(Secret::new("open sesame"));
        let mut talk = Talk { answer: &answer, answered: false };
        let mut said = b"Password: ".to_vec();
        assert_eq!(talk.heard(&said), None);
        said.extend(answer.prompt.as_bytes());
        assert_eq!(talk.heard(&said), Some(Cue::Answer));
        said.extend(b"\nSorry, try again.\n");
        assert_eq!(talk.heard(&said), None);
        said.extend(answer.prompt.as_bytes());
        assert_eq!(talk.heard(&said), Some(Cue::End));
        assert_eq!(answer.clean(&said), b"Password: \nSorry, try again.\n");
        let begun = format!("careful\n{}\n", answer.begun);
        assert_eq!(Talk { answer: &answer, answered: false }.heard(begun.as_bytes()), Some(Cue::Input));
        assert_eq!(answer.clean(begun.as_bytes()), b"careful\n");
    }
}
