//! `b64encode` and `b64decode`.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, flag};
use shevek_python::bytes::{bytes_of, decode, encode};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["b64encode"], markers: Markers::Propagate, run: b64encode },
    Filter { names: &["b64decode"], markers: Markers::Propagate, run: b64decode },
];

/// Padding is needed, left-over bits are not looked at, as in Python.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

fn b64encode(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [encoding, urlsafe]) = bind(arguments, ["string"], ["encoding", "urlsafe"])?;
    let bytes = encode(value, encoding)?;
    Ok(Value::from(if flag(urlsafe) { URL_SAFE.encode(bytes) } else { STANDARD.encode(bytes) }))
}

fn b64decode(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [encoding, urlsafe]) = bind(arguments, ["string"], ["encoding", "urlsafe"])?;
    let urlsafe = flag(urlsafe);
    // Python passes over what is not of the alphabet, and stops at complete padding.
    let mut text: Vec<u8> = Vec::new();
    for byte in bytes_of(value) {
        let byte = match byte {
            b'-' if urlsafe => b'+',
            b'_' if urlsafe => b'/',
            byte => byte,
        };
        match byte {
            b'=' if text.len() % 4 >= 2 => {
                text.push(byte);
                if text.len().is_multiple_of(4) {
                    break;
                }
            }
            b'+' | b'/' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                while text.last() == Some(&b'=') {
                    text.pop();
                }
                text.push(byte);
            }
            _ => {}
        }
    }
    let bytes = STANDARD.decode(&text).map_err(|_| {
        let digits = text.iter().filter(|byte| **byte != b'=').count();
        let why = if digits % 4 == 1 {
            format!(
                "Invalid base64-encoded string: number of data characters ({digits}) cannot be 1 more than a multiple of 4"
            )
        } else {
            "Incorrect padding".to_owned()
        };
        Diagnostic::new("not base64").detail(why).at_maybe(value.origin(), "")
    })?;
    decode(&bytes, encoding).map(Value::from)
}
