//! Content that goes down to a host: small content inside the request, large content when the runner asks for it.

use std::collections::HashMap;
use std::io::{self, Cursor};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shevek_proto::{BLOB_CHUNK, Blob, Down, INLINE_BLOB};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;

use super::runner::Outbox;

/// Where content comes from.
#[derive(Debug, Clone)]
pub enum Content {
    /// Memory.
    Bytes(Arc<[u8]>),
    /// A file on this machine, read when a host needs it.
    File(PathBuf),
}

impl Content {
    async fn open(&self) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
        Ok(match self {
            Content::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
            Content::File(path) => Box::new(tokio::fs::File::open(path).await?),
        })
    }
}

/// The content that a batch refers to, by id. Cheap to clone; one set can serve many hosts.
#[derive(Debug, Clone, Default)]
pub struct Blobs {
    contents: HashMap<u64, Content>,
}

impl Blobs {
    /// None at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds content of which length and SHA-1 (lower-case hex) are known, and gives what to put into the call's
    /// arguments. Content in memory that is small travels inside the request.
    pub fn add(&mut self, content: Content, size: u64, checksum: impl Into<String>) -> Blob {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let inline = match &content {
            Content::Bytes(bytes) if bytes.len() <= INLINE_BLOB => Some(bytes.to_vec()),
            _ => None,
        };
        if inline.is_none() {
            self.contents.insert(id, content);
        }
        Blob { id, size, checksum: checksum.into(), inline }
    }

    /// Adds the content of another set.
    pub fn extend(&mut self, other: Self) {
        self.contents.extend(other.contents);
    }

    /// Whether nothing needs to be sent apart from the requests.
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&u64, &Content)> {
        self.contents.iter()
    }
}

/// Sends one content as the runner grants credit; ends when all is sent or nobody grants any more.
pub(super) async fn feed(
    blob: u64,
    content: Content,
    mut credits: watch::Receiver<u64>,
    outbox: Outbox,
) -> io::Result<()> {
    let mut source = content.open().await?;
    let mut piece = read_piece(&mut *source, BLOB_CHUNK).await?;
    let (mut credit, mut granted) = (0, 0);
    loop {
        // A piece is held back until it is known whether it is the last one.
        while credit == 0 {
            let so_far = *credits.borrow_and_update();
            credit = usize::try_from(so_far - granted).unwrap_or(usize::MAX);
            granted = so_far;
            if credit == 0 && credits.changed().await.is_err() {
                return Ok(());
            }
        }
        let rest = piece.split_off(piece.len().min(credit));
        let (next, last) = if rest.is_empty() {
            let next = read_piece(&mut *source, BLOB_CHUNK).await?;
            let last = next.is_empty();
            (next, last)
        } else {
            (rest, false)
        };
        // Empty content is one empty piece, and costs one byte of credit like every other.
        credit -= piece.len().clamp(1, credit);
        if outbox.send(&Down::Chunk { blob, data: piece, last }).await.is_err() || last {
            return Ok(());
        }
        piece = next;
    }
}

async fn read_piece(source: &mut (dyn AsyncRead + Send + Unpin), size: usize) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(size);
    source.take(size as u64).read_to_end(&mut piece).await?;
    Ok(piece)
}

impl std::fmt::Display for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Content::Bytes(bytes) => write!(f, "{} bytes in memory", bytes.len()),
            Content::File(path) => write!(f, "{}", path.display()),
        }
    }
}
