//! Ways to run one command on a host: a duplex stream and an exit code.
//!
//! Start at [`Transport`]. A way to a host (SSH, a child process; later containers) is one file here that implements
//! it; everything above (starting the runner, batches, raw commands) is the same for all. Imports nothing of the
//! project but this crate's errors and targets.

mod child;
mod inside;
mod local;
mod openssh;
mod pump;

use std::future::Future;
use std::pin::Pin;

use tokio::io::AsyncWrite;
use tokio::sync::{mpsc, watch};

use crate::ConnectError;

pub(crate) use inside::Inside;
pub(crate) use local::Local;
pub(crate) use openssh::OpenSsh;
pub(crate) use pump::{pump, write_until_lost};

/// A boxed future, so that transports can be chosen at run time.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A way to run commands on a host.
pub(crate) trait Transport: Send + Sync {
    /// Starts a command line with the login user's shell.
    fn exec<'a>(&'a self, command: &'a str, terminal: Terminal) -> Later<'a, Result<Process, ConnectError>>;

    /// Says why the host is lost, once it is.
    fn lost(&self) -> watch::Receiver<Option<ConnectError>>;

    /// Whether a command that ends so was none of the host's: the way there has failed, and standard error says why.
    fn is_failure(&self, _exit: &Exit) -> bool {
        false
    }

    /// Ends everything that runs over this transport.
    fn close(&self) -> Later<'_, ()>;
}

/// Whether a command gets a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// It has pipes.
    None,
    /// It has a pseudo-terminal.
    Pty,
}

/// A command that runs on a host.
pub(crate) struct Process {
    /// Its standard input; shutting it down closes it.
    pub stdin: Box<dyn AsyncWrite + Send + Unpin>,
    /// What it says. A task of its own fills this all the time: a channel that is not read would block the others of
    /// the same connection. Ends after [`Output::Exit`], or without one when the host is lost.
    pub output: mpsc::UnboundedReceiver<Output>,
    /// Kept alive with the process; dropping it lets the transport clean up.
    pub guard: Box<dyn Send + Sync>,
}

/// What a command says.
#[derive(Debug)]
pub(crate) enum Output {
    /// Bytes on standard output.
    Stdout(Vec<u8>),
    /// Bytes on standard error.
    Stderr(Vec<u8>),
    /// It ended.
    Exit(Exit),
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal, named without `SIG`.
    Signal(String),
}

impl Exit {
    /// The code as a shell would give it.
    pub fn code(&self) -> i32 {
        match self {
            Exit::Code(code) => *code,
            Exit::Signal(name) => {
                let number = match name.as_str() {
                    "HUP" => 1,
                    "INT" => 2,
                    "QUIT" => 3,
                    "ILL" => 4,
                    "ABRT" => 6,
                    "FPE" => 8,
                    "KILL" => 9,
                    "SEGV" => 11,
                    "PIPE" => 13,
                    "ALRM" => 14,
                    "TERM" => 15,
                    other => other.parse().unwrap_or(1),
                };
                128 + number
            }
        }
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exit code {code}"),
            Exit::Signal(name) => write!(f, "signal {name}"),
        }
    }
}
