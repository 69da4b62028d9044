//! A command that is a child process of ours.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};

use super::{Exit, Output, Process, pump};
use crate::{ConnectError, Phase};

/// How long output is waited for after the end, while something else keeps the pipes open.
const LINGER: Duration = Duration::from_secs(2);

/// Starts a program with pipes. Dropping the process's guard kills it.
pub(super) fn spawn(host: &Arc<str>, mut command: Command) -> Result<Process, ConnectError> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .process_group(0)
        .spawn()
        .map_err(|e| ConnectError::unreachable(host, Phase::Start, format!("cannot start {program}: {e}")))?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(ConnectError::bug(host, Phase::Start, "a child process without pipes"));
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
        let _ = tokio::time::timeout(LINGER, drained).await;
        readers.0.abort();
        readers.1.abort();
        let _ = to.send(Output::Exit(exit));
    });
    Ok(Process { stdin: Box::new(stdin), output, guard: Box::new(guard) })
}

/// Waits for the end; when nobody holds the process any more, ends it.
async fn wait(child: &mut Child, dropped: oneshot::Receiver<()>) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    let status = tokio::select! {
        status = child.wait() => status,
        _ = dropped => {
            // The program and what it started.
            let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
            match group.map(|group| kill_process_group(group, Signal::KILL)) {
                Some(Ok(())) => {}
                _ => drop(child.start_kill()),
            }
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
