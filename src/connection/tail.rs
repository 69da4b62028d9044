//! The last words of a program, for error messages.

/// Keeps the last few kilobytes.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tail {
    bytes: Vec<u8>,
}

const KEPT: usize = 4096;

impl Tail {
    /// Adds what was said.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if let Some(over) = self.bytes.len().checked_sub(KEPT) {
            self.bytes.drain(..over);
        }
    }

    /// The last lines, trimmed.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).trim().to_owned()
    }
}
