//! `to_uuid`: the UUID (version 5) that belongs to a text.

use sha2::Digest;
use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["to_uuid"], markers: Markers::Propagate, run: to_uuid }];

/// The namespace of Ansible's UUIDs.
const ANSIBLE: &str = "361E6D51-FAEC-444A-9079-341386DA8E2E";

fn to_uuid(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [namespace]) = bind(arguments, ["string"], ["namespace"])?;
    let namespace = namespace.map_or_else(|| ANSIBLE.into(), str_of);
    let bytes = namespace_bytes(&namespace).ok_or_else(|| {
        Diagnostic::new("not a UUID").detail(format!(
            "Invalid value '{namespace}' for 'namespace': badly formed hexadecimal UUID string"
        ))
    })?;
    let mut sha1 = sha1::Sha1::new();
    sha1.update(bytes);
    sha1.update(str_of(value).as_bytes());
    let mut id: Vec<u8> = sha1.finalize().iter().copied().take(16).collect();
    for (place, byte) in id.iter_mut().enumerate() {
        match place {
            6 => *byte = (*byte & 0x0f) | 0x50,
            8 => *byte = (*byte & 0x3f) | 0x80,
            _ => {}
        }
    }
    let digits = hex::encode(id);
    let mut out = String::with_capacity(36);
    for (place, digit) in digits.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    Ok(Value::from(out))
}

/// The bytes of a UUID, written in any of the ways that Python takes.
fn namespace_bytes(text: &str) -> Option<Vec<u8>> {
    let plain = text.replace("urn:", "").replace("uuid:", "");
    let digits = plain.trim_matches(['{', '}']).replace('-', "");
    hex::decode(digits).ok().filter(|bytes| bytes.len() == 16)
}
