//! Text as bytes and back, in the encodings that playbooks name.

use std::borrow::Cow;

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::latin1;
use shevek_value::{Kind, Value};

use crate::text::str_of;

/// The bytes of a value: UTF-8 of its text.
pub fn bytes_of(value: &Value) -> Vec<u8> {
    match value.kind() {
        Kind::Bytes(bytes) => bytes.to_vec(),
        _ => str_of(value).into_owned().into_bytes(),
    }
}

/// An encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { big: bool, mark: bool },
    Ascii,
    Latin1,
}

fn encoding(name: Option<&Value>) -> Result<Encoding> {
    let name = name.map_or(Cow::Borrowed("utf-8"), str_of);
    Ok(match name.to_ascii_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => Encoding::Utf8,
        "utf-16" | "utf16" => Encoding::Utf16 { big: false, mark: true },
        "utf-16-le" | "utf-16le" | "utf16-le" => Encoding::Utf16 { big: false, mark: false },
        "utf-16-be" | "utf-16be" | "utf16-be" => Encoding::Utf16 { big: true, mark: false },
        "ascii" | "us-ascii" => Encoding::Ascii,
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => Encoding::Latin1,
        _ => {
            return Err(Diagnostic::new("unknown encoding")
                .detail(format!("unknown encoding: {name}"))
                .help("known are utf-8, utf-16, utf-16-le, utf-16-be, ascii and latin-1"));
        }
    })
}

/// The bytes of a value's text in an encoding.
pub fn encode(value: &Value, name: Option<&Value>) -> Result<Vec<u8>> {
    let encoding = encoding(name)?;
    if let Kind::Bytes(bytes) = value.kind() {
        return Ok(bytes.to_vec());
    }
    let text = str_of(value);
    let cannot = |c: char| {
        Diagnostic::new("text does not fit the encoding")
            .detail(format!("the character {c:?} is not in {}", name.map(Value::text).unwrap_or_default()))
    };
    match encoding {
        Encoding::Utf8 => Ok(text.into_owned().into_bytes()),
        Encoding::Utf16 { big, mark } => {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            Ok(units
                .flat_map(|unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect())
        }
        Encoding::Ascii | Encoding::Latin1 => {
            let highest = if encoding == Encoding::Ascii { 0x7f } else { 0xff };
            text.chars()
                .map(|c| u8::try_from(c).ok().filter(|byte| *byte <= highest).ok_or_else(|| cannot(c)))
                .collect()
        }
    }
}

/// Bytes in an encoding as text.
pub fn decode(bytes: &[u8], name: Option<&Value>) -> Result<String> {
    let wrong = || {
        Diagnostic::new("bytes are not text")
            .detail(format!("they are not {}", name.map_or_else(|| "utf-8".to_owned(), Value::text)))
    };
    match encoding(name)? {
        // Differs from Ansible: bytes that are no UTF-8 become U+FFFD, where Python smuggles them through as surrogates.
        Encoding::Utf8 => Ok(String::from_utf8_lossy(bytes).into_owned()),
        Encoding::Ascii if !bytes.is_ascii() => Err(wrong()),
        Encoding::Ascii | Encoding::Latin1 => Ok(latin1(bytes)),
        Encoding::Utf16 { big, mark } => {
            let (big, bytes) = match bytes {
                [0xff, 0xfe, rest @ ..] if mark => (false, rest),
                [0xfe, 0xff, rest @ ..] if mark => (true, rest),
                bytes => (big, bytes),
            };
            let (pairs, rest) = bytes.as_chunks::<2>();
            if !rest.is_empty() {
                return Err(wrong());
            }
            let units = pairs
                .iter()
                .map(|pair| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) });
            char::decode_utf16(units).collect::<Result<String, _>>().map_err(|_| wrong())
        }
    }
}
