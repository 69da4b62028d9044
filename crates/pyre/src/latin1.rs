//! Bytes as text, for patterns over bytes.
//!
//! Python matches `bytes` with `bytes` patterns. The same is had here by reading the bytes of both pattern and subject
//! as Latin-1 (one character a byte) and matching with [`crate::Flags::ASCII`]; the result goes back the same way.

/// One character a byte.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The bytes that [`latin1`] made text of; characters beyond come out as their UTF-8.
pub fn from_latin1(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte) => out.push(byte),
            Err(_) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flags, Regex};

    #[test]
    fn bytes_that_are_no_utf8_go_through_unchanged() {
        let file = b"name=\xff\xe9\nk=v\n";
        let regex = Regex::new("(?m)^k=.*$", Flags::ASCII).unwrap();
        let out = regex.replace(&latin1(file), "k=w", 0).unwrap().0;
        assert_eq!(from_latin1(&out), b"name=\xff\xe9\nk=w\n");
    }
}
