//! Moving bytes without ever waiting for a host that is gone.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};

use super::Output;
use crate::ConnectError;

/// Reads until the end and passes everything on.
pub(crate) async fn pump(
    mut from: impl AsyncRead + Unpin,
    to: mpsc::UnboundedSender<Output>,
    make: fn(Vec<u8>) -> Output,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n) = from.read(&mut buffer).await {
        let Some(bytes) = buffer.get(..n).filter(|b| !b.is_empty()) else { break };
        if to.send(make(bytes.to_vec())).is_err() {
            break;
        }
    }
}

/// Writes and flushes, but gives up when the host is lost: SSH writers do not wake by themselves then.
pub(crate) async fn write_until_lost(
    to: &mut (dyn AsyncWrite + Send + Unpin),
    bytes: &[u8],
    lost: &mut watch::Receiver<Option<ConnectError>>,
) -> io::Result<()> {
    let gone = || io::Error::new(io::ErrorKind::ConnectionAborted, "the connection is gone");
    tokio::select! {
        biased;
        _ = lost.wait_for(Option::is_some) => Err(gone()),
        written = async {
            to.write_all(bytes).await?;
            to.flush().await
        } => written,
    }
}
