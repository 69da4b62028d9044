//! Content on its way to a host.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use sha1::{Digest, Sha1};
use shevek_connection::{Blobs, Content};
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_proto::Val;

/// Bytes for an argument: they travel inside the request when they are few, and only if the host lacks them otherwise.
pub(crate) fn bytes(blobs: &mut Blobs, bytes: Vec<u8>) -> Val {
    let checksum = hex(&Sha1::digest(&bytes));
    let size = bytes.len() as u64;
    Val::Blob(blobs.add(Content::Bytes(Arc::from(bytes)), size, checksum))
}

/// A file for an argument; it is read through once for its checksum, and again only if the host lacks it.
pub(crate) fn file(blobs: &mut Blobs, path: &Path) -> Result<Val> {
    let unreadable = |error: std::io::Error| {
        Diagnostic::new("a file can't be read")
            .kind(Kind::Machine)
            .detail(format!("{}: {error}", path.display()))
    };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size <= SMALL {
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.read_to_end(&mut content).map_err(unreadable)?;
        return Ok(bytes(blobs, content));
    }
    let checksum = sha1(&mut file).map_err(unreadable)?;
    Ok(Val::Blob(blobs.add(Content::File(path.to_owned()), size, checksum)))
}

/// Files up to this size are held in memory.
const SMALL: u64 = 1 << 20;

/// The SHA-1 of everything that is read, in lower-case hex.
pub(crate) fn sha1(from: &mut impl Read) -> std::io::Result<String> {
    let mut hasher = Sha1::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(buffer.get(..n).unwrap_or_default()),
        }
    }
}

/// Bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
