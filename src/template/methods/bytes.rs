//! Methods of bytes.

use std::sync::Arc;

use shevek_diag::Result;
use shevek_value::Value;

use super::arguments::Args;

pub(super) const METHODS: [&str; 7] = ["decode", "hex", "startswith", "endswith", "strip", "upper", "lower"];

pub(super) fn call(bytes: &Arc<[u8]>, args: &Args<'_>) -> Result<Value> {
    let other = |args: &Args<'_>| -> Result<Vec<u8>> {
        let value = args.require(0, "prefix")?;
        match value.kind() {
            shevek_value::Kind::Bytes(other) => Ok(other.to_vec()),
            _ => Err(args.wrong_type("prefix", "bytes", value)),
        }
    };
    Ok(match args.name {
        "decode" => {
            let encoding = args.text_or_none(0, "encoding")?.unwrap_or("utf-8");
            let errors = args.text_or_none(1, "errors")?.unwrap_or("strict");
            Value::from(decode(bytes, encoding, errors).map_err(|why| args.wrong(why))?)
        }
        "hex" => Value::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        "startswith" => Value::from(bytes.starts_with(&other(args)?)),
        "endswith" => Value::from(bytes.ends_with(&other(args)?)),
        "strip" => Value::bytes(bytes.trim_ascii()),
        "upper" => Value::bytes(bytes.to_ascii_uppercase()),
        "lower" => Value::bytes(bytes.to_ascii_lowercase()),
        _ => return Err(args.unknown()),
    })
}

fn decode(bytes: &[u8], encoding: &str, errors: &str) -> Result<String, String> {
    match encoding.to_ascii_lowercase().replace('_', "-").as_str() {
        "latin-1" | "latin1" | "iso-8859-1" => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
        "utf-8" | "utf8" | "ascii" | "us-ascii" => match (std::str::from_utf8(bytes), errors) {
            (Ok(text), _) => Ok(text.to_owned()),
            (Err(_), "replace") => Ok(String::from_utf8_lossy(bytes).into_owned()),
            (Err(_), "ignore") => Ok(String::from_utf8_lossy(bytes)
                .chars()
                .filter(|c| *c != char::REPLACEMENT_CHARACTER)
                .collect()),
            (Err(why), _) => Err(format!("these bytes are not UTF-8: {why}")),
        },
        other => Err(format!("unknown encoding: {other}")),
    }
}

/// Text as bytes.
pub(super) fn encode(text: &str, encoding: &str, errors: &str) -> Result<Vec<u8>, String> {
    let limit = match encoding.to_ascii_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => return Ok(text.as_bytes().to_vec()),
        "ascii" | "us-ascii" => 0x80,
        "latin-1" | "latin1" | "iso-8859-1" => 0x100,
        "utf-16-le" | "utf-16le" => return Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        "utf-16-be" | "utf-16be" => return Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        other => return Err(format!("unknown encoding: {other}")),
    };
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(u32::from(c)) {
            Ok(byte) if u32::from(byte) < limit => bytes.push(byte),
            _ if errors == "ignore" => {}
            _ if errors == "replace" => bytes.push(b'?'),
            _ => return Err(format!("'{encoding}' can't encode the character '{c}'")),
        }
    }
    Ok(bytes)
}
