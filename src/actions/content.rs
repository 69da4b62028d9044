//! Content on its way to a host.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use shevek_connection::{Blobs, Content, sha1_of};
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_proto::Val;

/// Bytes for an argument: they travel inside the request when they are few, and only if the host lacks them otherwise.
pub(crate) fn bytes(blobs: &mut Blobs, bytes: Vec<u8>) -> Val {
    let checksum = sha1_of(&mut bytes.as_slice()).ok();
    Val::Blob(blobs.add(Content::Bytes(Arc::from(bytes)), checksum))
}

/// A file for an argument; it is read only if the host lacks it. One that is not large is read through for its checksum first,
/// so that a host that has it need not ask.
pub(crate) fn file(blobs: &mut Blobs, path: &Path) -> Result<Val> {
    let unreadable = |error: std::io::Error| {
        Diagnostic::new("a file can't be read")
            .kind(Kind::Machine)
            .detail(format!("{}: {error}", path.display()))
    };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let status = file.metadata().map_err(unreadable)?;
    let size = status.len();
    if size <= SMALL {
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.read_to_end(&mut content).map_err(unreadable)?;
        return Ok(bytes(blobs, content));
    }
    let checksum = match Content::known_sha1(&status) {
        None if size <= LARGE => Some(Content::file_sha1(&file).map_err(unreadable)?),
        known => known,
    };
    Ok(Val::Blob(blobs.add(Content::File { path: path.to_owned(), size }, checksum)))
}

/// Files up to this size are held in memory.
const SMALL: u64 = 1 << 20;

/// Reading larger files through takes longer than a host may take to ask.
const LARGE: u64 = 16 << 20;
