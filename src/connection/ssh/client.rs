//! What the server asks of us: whether its key is good, our agent; and the end of the session.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use russh::client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelOpenFailure};
use tokio::sync::watch;

use super::trust::Trust;
use crate::{ConnectError, Phase};

/// Our side of one session.
pub(crate) struct Client {
    pub(super) host: Arc<str>,
    pub(super) trust: Trust,
    /// Why the host's key was refused.
    pub(super) refusal: Refusal,
    pub(super) lost: watch::Sender<Option<ConnectError>>,
    /// The agent's socket, if the host may use it.
    pub(super) agent: Option<PathBuf>,
    /// The patience of the keepalive, for the message.
    pub(super) silence: f32,
}

/// Carries the reason out of the session.
pub(super) type Refusal = Arc<Mutex<Option<ConnectError>>>;

impl Client {
    fn explain(&self, reason: &DisconnectReason<russh::Error>) -> ConnectError {
        let (phase, detail) = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                (Phase::Run, format!("the server ended the connection: {}", info.message.trim()))
            }
            DisconnectReason::Error(russh::Error::KeepaliveTimeout | russh::Error::InactivityTimeout) => {
                (Phase::Idle, format!("nothing was heard from the host for {} s", self.silence))
            }
            DisconnectReason::Error(russh::Error::HUP | russh::Error::Disconnect) => {
                (Phase::Run, "the connection was closed by the host, or on the way".to_owned())
            }
            DisconnectReason::Error(russh::Error::IO(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                (Phase::Run, "the connection was closed by the host, or on the way".to_owned())
            }
            DisconnectReason::Error(e) => (Phase::Run, format!("the connection broke: {e}")),
        };
        ConnectError::unreachable(&self.host, phase, detail)
    }
}

impl Drop for Client {
    /// The session is over, however that came about: everyone who waits must wake.
    fn drop(&mut self) {
        let host = &self.host;
        self.lost.send_if_modified(|lost| {
            let first = lost.is_none();
            if first {
                *lost = Some(ConnectError::unreachable(host, Phase::Run, "the connection was closed"));
            }
            first
        });
    }
}

impl Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        match self.trust.check(key).await {
            Ok(()) => Ok(true),
            Err(error) => {
                *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Ok(false)
            }
        }
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        // A host whose key is not the known one does not get it.
        let trusted = !self.trust.changed().load(Ordering::Relaxed);
        let Some(path) = self.agent.clone().filter(|_| trusted) else {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        };
        reply.accept().await;
        tokio::spawn(async move {
            let mut stream = channel.into_stream();
            if let Ok(mut agent) = tokio::net::UnixStream::connect(path).await {
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut agent).await;
            }
        });
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        let why = self.explain(&reason);
        self.lost.send_replace(Some(why));
        match reason {
            DisconnectReason::ReceivedDisconnect(_) => Ok(()),
            DisconnectReason::Error(e) => Err(e),
        }
    }
}
