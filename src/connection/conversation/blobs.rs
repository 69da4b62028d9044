//! Content that goes down to a host: small content inside the request, large content when the runner asks for it.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use shevek_proto::{Blob, Down, INLINE_BLOB};
use tokio::sync::watch;

use super::content::{Content, Pieces};
use super::runner::Outbox;

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

    /// Adds content, and gives what to put into the call's arguments. `checksum` is its SHA-1 (lower-case hex), if that is
    /// known yet: a host that needs it asks. Content in memory that is small travels inside the request.
    pub fn add(&mut self, content: Content, checksum: Option<String>) -> Blob {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let size = content.size();
        let inline = match &content {
            Content::Bytes(bytes) if bytes.len() <= INLINE_BLOB => Some(bytes.to_vec()),
            _ => None,
        };
        if inline.is_none() {
            self.contents.insert(id, content);
        }
        Blob { id, size, checksum, inline }
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
    let mut source = Pieces::of(content);
    let mut piece = source.next().await?;
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
            let next = source.next().await?;
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
