//! SSH, with russh.
//!
//! [`Ssh`] is the transport; `reach` gets a byte stream to the host (TCP, jumps, proxy command), `client` answers what
//! the server asks of us, `gates` limits how many come at once, `trust` decides about host keys, `login` logs in, `preferred` picks algorithms.

mod client;
mod gates;
mod greeted;
mod jumps;
mod keyring;
mod login;
mod preferred;
mod reach;
mod short_keys;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use russh::client::Handle;
use russh::{ChannelMsg, Disconnect};
use tokio::sync::{mpsc, oneshot, watch};

use crate::options::OpenOptions;
use crate::target::SshTarget;
use crate::transport::{Exit, Later, Output, Process, Terminal, Transport};
use crate::{ConnectError, Phase};
use client::Client;
pub(crate) use gates::Gates;
pub(crate) use jumps::Jumps;
pub(crate) use keyring::KeyRing;
pub(crate) use preferred::{List, default_names, is_supported};

/// An SSH connection, logged in.
pub(crate) struct Ssh {
    host: Arc<str>,
    handle: Handle<Client>,
    lost: watch::Receiver<Option<ConnectError>>,
    /// How long the server may take to open a channel.
    patience: Duration,
    forward_agent: bool,
    environment: Vec<(String, String)>,
    /// The connection that this one goes through, kept alive.
    _through: Option<jumps::Jump>,
}

impl Ssh {
    /// Reaches the host, checks its key and logs in.
    pub(crate) async fn open(
        host: &Arc<str>,
        target: &SshTarget,
        options: &OpenOptions,
    ) -> Result<Ssh, ConnectError> {
        let through = options.shared.jumps.through(host, &target.jumps, options).await?;
        let reached = reach::reach(host, target, through.as_deref(), options).await?;
        Ok(Ssh {
            host: host.clone(),
            handle: reached.handle,
            lost: reached.lost,
            patience: options.deadlines.start,
            forward_agent: target.forward_agent && !reached.changed,
            environment: target.environment.clone(),
            _through: through,
        })
    }

    /// The reason, once the session is known to be over; the error at hand otherwise.
    fn failed(&self, phase: Phase, what: &str, error: &russh::Error) -> ConnectError {
        match &*self.lost.borrow() {
            Some(lost) if lost.phase() == Phase::Idle => lost.clone(),
            Some(lost) => ConnectError::unreachable(&self.host, phase, lost.detail()).passing(),
            None => ConnectError::unreachable(&self.host, phase, format!("{what}: {error}")),
        }
    }

    async fn start(&self, command: &str, terminal: Terminal) -> Result<Process, ConnectError> {
        let mut lost = self.lost.clone();
        let opened = tokio::select! {
            biased;
            opened = self.handle.channel_open_session() => opened,
            _ = lost.wait_for(Option::is_some) => Err(russh::Error::Disconnect),
            () = tokio::time::sleep(self.patience) => {
                let what = "the server to open a channel";
                return Err(ConnectError::timed_out(&self.host, Phase::Start, self.patience, what));
            }
        };
        let channel = opened.map_err(|e| {
            let failed = self.failed(Phase::Start, "the server opens no channel", &e);
            let refused = matches!(e, russh::Error::ChannelOpenFailure(_));
            if refused { failed.with_help("the server's MaxSessions may be too low") } else { failed }
        })?;
        let (mut from, to) = channel.split();
        let asked = async {
            if self.forward_agent {
                to.agent_forward(false).await?;
            }
            for (name, value) in &self.environment {
                to.set_env(false, name, value).await?;
            }
            if terminal == Terminal::Pty {
                to.request_pty(false, "dumb", 80, 24, 0, 0, &[]).await?;
            }
            to.exec(true, command).await
        };
        asked.await.map_err(|e| self.failed(Phase::Start, "the command cannot be sent", &e))?;
        let stdin = Box::new(to.make_writer());
        let (said, output) = mpsc::unbounded_channel();
        let (guard, mut dropped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let mut exit = None;
            loop {
                let message = tokio::select! {
                    biased;
                    message = from.wait() => message,
                    // Nobody listens any more: closing the channel makes the server hang up on the command.
                    _ = &mut dropped => break,
                };
                let heard = match message {
                    Some(ChannelMsg::Data { data }) => Output::Stdout(data.into()),
                    Some(ChannelMsg::ExtendedData { data, .. }) => Output::Stderr(data.into()),
                    Some(ChannelMsg::ExitStatus { exit_status }) => {
                        exit = Some(Exit::Code(i32::try_from(exit_status).unwrap_or(i32::MAX)));
                        continue;
                    }
                    Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                        exit = Some(Exit::Signal(format!("{signal_name:?}")));
                        continue;
                    }
                    Some(ChannelMsg::Failure) => {
                        let refused = b"the server refuses to run commands".to_vec();
                        let _ = said.send(Output::Stderr(refused));
                        exit = Some(Exit::Code(255));
                        break;
                    }
                    Some(ChannelMsg::Close) => break,
                    Some(_) => continue,
                    None => break,
                };
                if said.send(heard).is_err() {
                    break;
                }
            }
            if let Some(exit) = exit {
                let _ = said.send(Output::Exit(exit));
            }
            drop(said);
            let _ = to.close().await;
        });
        Ok(Process { stdin, output, guard: Box::new(guard) })
    }
}

impl Transport for Ssh {
    fn exec<'a>(&'a self, command: &'a str, terminal: Terminal) -> Later<'a, Result<Process, ConnectError>> {
        Box::pin(self.start(command, terminal))
    }

    fn lost(&self) -> watch::Receiver<Option<ConnectError>> {
        self.lost.clone()
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async {
            let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
        })
    }
}
