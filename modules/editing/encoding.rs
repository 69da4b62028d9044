//! How the text of a file is written as bytes: the encodings that can be named in a task.

use shevek_kit::prelude::*;
use shevek_pyre::{from_latin1, latin1};

/// An encoding of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8, and ASCII with it.
    Utf8,
    /// ISO 8859-1.
    Latin1,
    /// UTF-16 in the order of its mark, with a mark.
    Utf16,
    /// UTF-16, the lower byte first.
    Utf16Little,
    /// UTF-16, the higher byte first.
    Utf16Big,
    /// Bytes that ought to be UTF-8 and are not, one character a byte.
    Bytes,
}

impl Encoding {
    /// The encoding of this name, as Python knows it.
    // Differs from Ansible: only these; Python has some hundred.
    pub fn named(name: &str) -> Result<Encoding> {
        let plain: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        Ok(match plain.as_str() {
            "utf8" | "u8" | "ascii" | "usascii" => Encoding::Utf8,
            "latin1" | "iso88591" | "l1" => Encoding::Latin1,
            "utf16" | "u16" => Encoding::Utf16,
            "utf16le" => Encoding::Utf16Little,
            "utf16be" => Encoding::Utf16Big,
            _ => fail!(
                "unknown encoding: {name} (known are utf-8, ascii, latin-1, utf-16, utf-16-le, utf-16-be)"
            ),
        })
    }

    /// The same, or [`Encoding::Bytes`] for what ought to be UTF-8 and is not: it is changed all the same, as Python's
    /// `surrogateescape` has it.
    pub fn fitting(self, bytes: &[u8]) -> Encoding {
        if self == Encoding::Utf8 && std::str::from_utf8(bytes).is_err() { Encoding::Bytes } else { self }
    }

    /// Whether characters stand for bytes.
    pub fn is_bytes(self) -> bool {
        self == Encoding::Bytes
    }

    /// A pattern or replacement for text that this has decoded.
    pub fn pattern(self, text: &str) -> String {
        if self.is_bytes() { latin1(text.as_bytes()) } else { text.to_owned() }
    }

    /// The text; or what is wrong with the bytes.
    pub fn decode(self, bytes: &[u8]) -> std::result::Result<String, String> {
        let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
            let (pairs, rest) = bytes.as_chunks::<2>();
            if !rest.is_empty() {
                return Err("truncated data".to_owned());
            }
            let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
            String::from_utf16(&units).map_err(|e| e.to_string())
        };
        match (self, bytes) {
            (Encoding::Utf8, _) => std::str::from_utf8(bytes).map(str::to_owned).map_err(|e| e.to_string()),
            (Encoding::Latin1 | Encoding::Bytes, _) => Ok(latin1(bytes)),
            (Encoding::Utf16Big, _) => wide(bytes, u16::from_be_bytes),
            (Encoding::Utf16, [0xfe, 0xff, rest @ ..]) => wide(rest, u16::from_be_bytes),
            (Encoding::Utf16, [0xff, 0xfe, rest @ ..]) => wide(rest, u16::from_le_bytes),
            (Encoding::Utf16 | Encoding::Utf16Little, _) => wide(bytes, u16::from_le_bytes),
        }
    }

    /// The bytes.
    pub fn encode(self, text: &str) -> Result<Vec<u8>> {
        Ok(match self {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Bytes => from_latin1(text),
            Encoding::Latin1 => match text.chars().find(|c| *c > '\u{ff}') {
                Some(c) => fail!("'latin-1' codec can't encode character '{c}'"),
                None => from_latin1(text),
            },
            Encoding::Utf16Big => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Encoding::Utf16Little => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16 => {
                let mut bytes = vec![0xff, 0xfe];
                bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
                bytes
            }
        })
    }
}
