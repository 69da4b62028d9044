//! Length-prefixed frames: a little-endian `u32`, then that many bytes of postcard.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::val::MAX_DEPTH;

/// Longest frame that either end accepts: a hostile or broken peer must not fill memory.
pub const MAX_FRAME: usize = 64 * 1024 * 1024;

/// Why bytes are not a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    /// The length is over [`MAX_FRAME`].
    TooLong(usize),
    /// The bytes are not a message of this version.
    Malformed(String),
    /// The values of a message that was to be sent are nested over [`MAX_DEPTH`].
    TooDeep,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooLong(n) => write!(f, "frame of {n} bytes is over the limit of {MAX_FRAME}"),
            FrameError::Malformed(why) => write!(f, "malformed frame: {why}"),
            FrameError::TooDeep => write!(f, "values nested over the limit of {MAX_DEPTH}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Makes a message into a frame.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut frame = postcard::to_extend(message, vec![0; 4]).map_err(|e| match e {
        // The only thing that refuses to be written.
        postcard::Error::SerdeSerCustom => FrameError::TooDeep,
        e => FrameError::Malformed(e.to_string()),
    })?;
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
        let message = postcard::from_bytes(bytes).map_err(|e| {
            FrameError::Malformed(match e {
                postcard::Error::SerdeDeCustom => {
                    format!("no message of this version, or values nested over {MAX_DEPTH} deep")
                }
                e => e.to_string(),
            })
        })?;
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
    use crate::{Down, Item, Outcome, Up, Val};

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

    fn item(value: Val) -> Up {
        let outcome = Outcome::ok().with("deep", value);
        Up::Item(Box::new(Item { batch: 1, index: 0, outcome }))
    }

    fn nested(levels: usize) -> Val {
        (1..levels).fold(Val::List(Vec::new()), |inner, _| Val::List(vec![inner]))
    }

    #[test]
    fn values_that_are_nested_too_deep_are_refused_and_leave_the_stack_alone() {
        let frame = encode(&item(Val::Null)).unwrap();
        let at = frame.iter().rposition(|byte| *byte == b'p').unwrap() + 1;
        let (head, tail) = (&frame[4..at], &frame[at + 1..]);
        // One list in another, a million times: the variant's number, and the length 1.
        let body = [head, &[6, 1].repeat(1_000_000), &[0], tail].concat();
        let mut decoder = Decoder::new();
        decoder.push(&[&(body.len() as u32).to_le_bytes(), &*body].concat());
        let why = decoder.next::<Up>().unwrap_err().to_string();
        assert_eq!(why, "malformed frame: no message of this version, or values nested over 192 deep");

        assert_eq!(encode(&item(nested(MAX_DEPTH + 1))), Err(FrameError::TooDeep));
        // What was refused counts for nothing afterwards.
        let deep = item(nested(MAX_DEPTH));
        let mut decoder = Decoder::new();
        decoder.push(&encode(&deep).unwrap());
        assert_eq!(decoder.next::<Up>().unwrap(), Some(deep));
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_memory_is_taken() {
        let mut decoder = Decoder::new();
        decoder.push(&u32::MAX.to_le_bytes());
        assert_eq!(decoder.next::<Up>(), Err(FrameError::TooLong(u32::MAX as usize)));
    }
}
