//! Commands without a runner: `raw`, and hosts that cannot have one.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::transport::{Output, Process, Terminal, Transport, write_until_lost};
use crate::{ConnectError, Phase};

/// A command line for the login user's shell.
#[derive(Debug, Clone)]
pub struct RawCommand {
    /// The line.
    pub line: String,
    /// What it reads from standard input.
    pub stdin: Vec<u8>,
    /// Whether it gets a terminal.
    pub terminal: Terminal,
    /// Time after which it is given up.
    pub timeout: Option<Duration>,
}

impl RawCommand {
    /// A command that reads nothing, has no terminal and takes as long as it takes.
    pub fn new(line: impl Into<String>) -> Self {
        RawCommand { line: line.into(), stdin: Vec::new(), terminal: Terminal::None, timeout: None }
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

pub(crate) async fn run_raw(
    host: &Arc<str>,
    transport: &dyn Transport,
    command: RawCommand,
) -> Result<RawOutput, ConnectError> {
    let deadline = command.timeout.map(|limit| (limit, Instant::now() + limit));
    let run = async {
        let Process { mut stdin, mut output, guard } =
            transport.exec(&command.line, command.terminal).await?;
        let (mut lost, input) = (transport.lost(), command.stdin);
        let writing = async move {
            // A command that does not read its input ends by itself, and says so.
            let written = write_until_lost(&mut *stdin, &input, &mut lost).await;
            if written.is_ok() {
                let _ = stdin.shutdown().await;
            }
            // Pipes know no shutdown: only closing them ends the command's input.
            drop(stdin);
            std::future::pending::<()>().await
        };
        let reading = async {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            while let Some(said) = output.recv().await {
                match said {
                    Output::Stdout(bytes) => stdout.extend(bytes),
                    Output::Stderr(bytes) => stderr.extend(bytes),
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
