//! Certificates and keys, as Python's `cryptography` and the collection community.crypto show them: what its `…_info`
//! filters rest on.

pub(crate) mod asn1;
pub(crate) mod extensions;
pub(crate) mod fingerprints;
pub(crate) mod names;
pub(crate) mod pem;
pub(crate) mod public_key;

use shevek_diag::{Diagnostic, Result};
use shevek_python::text::str_of;
use shevek_value::Value;

/// Text that holds a certificate or key.
pub(crate) fn content(value: &Value, filter: &str) -> Result<Vec<u8>> {
    match value.kind() {
        shevek_value::Kind::Bytes(bytes) => Ok(bytes.to_vec()),
        shevek_value::Kind::Str(text) => Ok(text.as_bytes().to_vec()),
        _ => Err(Diagnostic::new("not text").detail(format!(
            "The community.crypto.{filter} input must be a text type, not {}",
            value.type_name()
        ))),
    }
}

/// Says that something can't be read as what it should be.
pub(crate) fn unreadable(what: &str) -> Box<Diagnostic> {
    Diagnostic::new("can't be decoded").detail(format!("it is no {what}, or is damaged"))
}

/// How names that are not ASCII are shown.
pub(crate) fn check_encoding(value: Option<&Value>) -> Result<()> {
    match value.map_or_else(|| "ignore".into(), str_of).as_ref() {
        "ignore" => Ok(()),
        other @ ("idna" | "unicode") => Err(Diagnostic::new("unsupported option")
            .detail(format!("name_encoding={other} is not supported: names are shown as they are written"))
            .help("leave it out, or say name_encoding=ignore")),
        other => Err(Diagnostic::new("wrong option")
            .detail(format!("The name_encoding option can't be '{other}'"))
            .did_you_mean(other, ["ignore"])),
    }
}
