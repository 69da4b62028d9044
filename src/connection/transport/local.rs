//! This machine: commands are child processes.

use std::process::Stdio;
use std::sync::Arc;

use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Exit, Later, Output, Process, Terminal, Transport, pump};
use crate::target::LocalTarget;
use crate::{ConnectError, Phase};

/// This machine.
pub(crate) struct Local {
    host: Arc<str>,
    target: LocalTarget,
    lost: watch::Sender<Option<ConnectError>>,
}

impl Local {
    /// This machine under an inventory name.
    pub(crate) fn new(host: Arc<str>, target: LocalTarget) -> Self {
        Local { host, target, lost: watch::Sender::new(None) }
    }

    fn start(&self, command: &str) -> Result<Process, ConnectError> {
        let shell = self.target.shell.display();
        let mut child = Command::new(&self.target.shell)
            .arg("-c")
            .arg(command)
            .envs(self.target.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .process_group(0)
            .spawn()
            .map_err(|e| {
                ConnectError::unreachable(&self.host, Phase::Start, format!("cannot start {shell}: {e}"))
            })?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(ConnectError::bug(&self.host, Phase::Start, "a child process without pipes"));
        };
        let (to, output) = mpsc::unbounded_channel();
        let (guard, dropped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let out = tokio::spawn(pump(stdout, to.clone(), Output::Stdout));
            let err = tokio::spawn(pump(stderr, to.clone(), Output::Stderr));
            let readers = (out.abort_handle(), err.abort_handle());
            let exit = wait(&mut child, dropped).await;
            // What was written before the end is passed on; a background child that keeps the pipes open is not waited for.
            let drained = async {
                let _ = out.await;
                let _ = err.await;
            };
            let _ = tokio::time::timeout(std::time::Duration::from_millis(200), drained).await;
            readers.0.abort();
            readers.1.abort();
            let _ = to.send(Output::Exit(exit));
        });
        Ok(Process { stdin: Box::new(stdin), output, guard: Box::new(guard) })
    }
}

/// Waits for the end; when nobody holds the process any more, ends it.
async fn wait(child: &mut Child, dropped: oneshot::Receiver<()>) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    let status = tokio::select! {
        status = child.wait() => status,
        _ = dropped => {
            let _ = child.start_kill();
            child.wait().await
        }
    };
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, signal) => Exit::Signal(signal_name(signal.unwrap_or(0))),
        },
        Err(_) => Exit::Code(-1),
    }
}

fn signal_name(number: i32) -> String {
    let known = [
        (1, "HUP"),
        (2, "INT"),
        (3, "QUIT"),
        (6, "ABRT"),
        (9, "KILL"),
        (11, "SEGV"),
        (13, "PIPE"),
        (15, "TERM"),
    ];
    known
        .iter()
        .find(|(n, _)| *n == number)
        .map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned())
}

impl Transport for Local {
    fn exec<'a>(&'a self, command: &'a str, _: Terminal) -> Later<'a, Result<Process, ConnectError>> {
        // As in Ansible, commands on this machine get no terminal.
        Box::pin(async move { self.start(command) })
    }

    fn lost(&self) -> watch::Receiver<Option<ConnectError>> {
        self.lost.subscribe()
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async {})
    }
}
