//! Length-prefixed frames: a little-endian `u32`, then that many bytes of postcard.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest frame that either end accepts: a hostile or broken peer must not fill memory.
pub const MAX_FRAME: usize = 64 * 1024 * 1024;

/// Why bytes are not a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    /// The length is over [`MAX_FRAME`].
    TooLong(usize),
    /// The bytes are not a message of this version.
    Malformed(String),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooLong(n) => write!(f, "frame of {n} bytes is over the limit of {MAX_FRAME}"),
            FrameError::Malformed(why) => write!(f, "malformed frame: {why}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Makes a message into a frame.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut frame =
        postcard::to_extend(message, vec![0; 4]).map_err(|e| FrameError::Malformed(e.to_string()))?;
    let body = frame.len() - 4;
    let length = u32::try_from(body).ok().filter(|_| body <= MAX_FRAME).ok_or(FrameError::TooLong(body))?;
    if let Some(head) = frame.first_chunk_mut::<4>() {
        *head = length.to_le_bytes();
    }
    Ok(frame)
}

/// Makes bytes, as they arrive, into messages.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    start: usize,
}

impl Decoder {
    /// An empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, if it has arrived.
    #[allow(clippy::should_implement_trait, reason = "an iterator could not say which type is next")]
    pub fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let Some((head, body)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*head) as usize;
        if length > MAX_FRAME {
            return Err(FrameError::TooLong(length));
        }
        let Some(bytes) = body.get(..length) else { return Ok(None) };
        let message = postcard::from_bytes(bytes).map_err(|e| FrameError::Malformed(e.to_string()))?;
        self.start += 4 + length;
        Ok(Some(message))
    }

    /// Whether bytes of an unfinished frame are left.
    pub fn is_empty(&self) -> bool {
        self.start >= self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Down, Up};

    #[test]
    fn a_message_survives_any_cut() {
        let message = Up::Need { blob: 7, credit: 1 << 20 };
        let frame = encode(&message).unwrap();
        for cut in 0..frame.len() {
            let mut decoder = Decoder::new();
            decoder.push(&frame[..cut]);
            assert_eq!(decoder.next::<Up>().unwrap(), None);
            decoder.push(&frame[cut..]);
            assert_eq!(decoder.next::<Up>().unwrap(), Some(message.clone()));
            assert!(decoder.is_empty());
        }
    }

    #[test]
    fn two_messages_in_one_read_come_out_in_order() {
        let mut bytes = encode(&Down::Bye).unwrap();
        bytes.extend(encode(&Down::Cancel { batch: 3 }).unwrap());
        let mut decoder = Decoder::new();
        decoder.push(&bytes);
        assert_eq!(decoder.next::<Down>().unwrap(), Some(Down::Bye));
        assert_eq!(decoder.next::<Down>().unwrap(), Some(Down::Cancel { batch: 3 }));
        assert_eq!(decoder.next::<Down>().unwrap(), None);
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_memory_is_taken() {
        let mut decoder = Decoder::new();
        decoder.push(&u32::MAX.to_le_bytes());
        assert_eq!(decoder.next::<Up>(), Err(FrameError::TooLong(u32::MAX as usize)));
    }
}
