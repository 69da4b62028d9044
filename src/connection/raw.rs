//! Commands without a runner: `raw`, and hosts that cannot have one.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::asked::{Answer, Cue, Talk};
use crate::error::Trouble;
use crate::transport::{Output, Process, Terminal, Transport, write_until_lost};
use crate::{ConnectError, Phase};

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

fn not_begun(host: &Arc<str>) -> ConnectError {
    // In Ansible's words, which people look for.
    let detail = "Timed out waiting for become success or become password prompt";
    ConnectError::unreachable(host, Phase::Become, detail)
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
        let mut talk = answer.as_ref().map(Talk::new);
        if talk.is_none() {
            let _ = cue.send(Cue::Input);
        }
        let writing = async move {
            while let Some(cue) = cues.recv().await {
                let line = answer.as_ref().map(Answer::line);
                let bytes = match (cue, &line) {
                    (Cue::Answer, Some(line)) => line.as_bytes(),
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
            loop {
                let said = match &mut talk {
                    None => output.recv().await,
                    Some(talk) => match tokio::time::timeout_at(talk.pause(), output.recv()).await {
                        Ok(said) => said,
                        Err(_) => match talk.silence() {
                            Some(next) => {
                                let _ = cue.send(next);
                                continue;
                            }
                            None => return Err(not_begun(host)),
                        },
                    },
                };
                let Some(said) = said else { break };
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
