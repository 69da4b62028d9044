//! This machine: commands are child processes.

use std::sync::Arc;

use tokio::process::Command;
use tokio::sync::watch;

use super::{Later, Process, Terminal, Transport, child};
use crate::ConnectError;
use crate::target::LocalTarget;

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
}

impl Transport for Local {
    fn exec<'a>(&'a self, command: &'a str, _: Terminal) -> Later<'a, Result<Process, ConnectError>> {
        // As in Ansible, commands on this machine get no terminal.
        let mut shell = Command::new(&self.target.shell);
        shell.arg("-c").arg(command).envs(self.target.environment.iter().map(|(name, value)| (name, value)));
        Box::pin(async move { child::spawn(&self.host, shell) })
    }

    fn lost(&self) -> watch::Receiver<Option<ConnectError>> {
        self.lost.subscribe()
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async {})
    }
}
