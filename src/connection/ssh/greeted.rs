//! A stream that knows whether the server has greeted yet: one that hangs up before is busy rather than broken.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What an SSH server's greeting begins with; it may say something else before.
const GREETING: &[u8] = b"SSH-";

/// How much is looked at.
const LONGEST: usize = 4096;

/// A stream whose first words are listened to.
pub(super) struct Greeted<S> {
    stream: S,
    said: Vec<u8>,
    has_greeted: Arc<AtomicBool>,
}

impl<S> Greeted<S> {
    /// Listens to a stream; the switch is set when the greeting comes.
    pub(super) fn new(stream: S) -> (Self, Arc<AtomicBool>) {
        let has_greeted = Arc::new(AtomicBool::new(false));
        (Self { stream, said: Vec::new(), has_greeted: has_greeted.clone() }, has_greeted)
    }

    fn listen(&mut self, bytes: &[u8]) {
        if self.said.len() >= LONGEST || self.has_greeted.load(Ordering::Relaxed) {
            return;
        }
        self.said.extend_from_slice(bytes);
        if self.said.windows(GREETING.len()).any(|window| window == GREETING) {
            self.has_greeted.store(true, Ordering::Relaxed);
            self.said = Vec::new();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let new = buffer.filled().get(before..).unwrap_or_default();
        self.listen(new);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
