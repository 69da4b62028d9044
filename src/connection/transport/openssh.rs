//! The machine's own `ssh`, for what this program does not speak itself: GSSAPI, hostbased logins, smart cards.

use std::sync::Arc;

use tokio::process::Command;
use tokio::sync::watch;

use super::{Exit, Later, Process, Terminal, Transport, child};
use crate::ConnectError;
use crate::target::OpenSshTarget;

/// A host that `ssh` leads to.
pub(crate) struct OpenSsh {
    host: Arc<str>,
    target: OpenSshTarget,
    lost: watch::Sender<Option<ConnectError>>,
}

impl OpenSsh {
    /// A host under its inventory name.
    pub(crate) fn new(host: Arc<str>, target: OpenSshTarget) -> Self {
        OpenSsh { host, target, lost: watch::Sender::new(None) }
    }
}

impl Transport for OpenSsh {
    fn exec<'a>(&'a self, command: &'a str, terminal: Terminal) -> Later<'a, Result<Process, ConnectError>> {
        let mut ssh = Command::new(&self.target.program);
        ssh.args(&self.target.arguments);
        // Nobody is there to answer questions.
        ssh.args(["-o", "BatchMode=yes"]);
        match terminal {
            Terminal::Pty => ssh.arg("-tt"),
            Terminal::None => ssh.arg("-T"),
        };
        ssh.arg("--").arg(&self.target.host).arg(command);
        Box::pin(async move { child::spawn(&self.host, ssh) })
    }

    fn lost(&self) -> watch::Receiver<Option<ConnectError>> {
        self.lost.subscribe()
    }

    fn is_failure(&self, exit: &Exit) -> bool {
        // Its own word for that; the start script never ends so.
        *exit == Exit::Code(255)
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async {})
    }
}
