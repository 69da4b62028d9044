//! Reading and writing DER, over the crate `der`.

use der::{Decode, Header, Reader, SliceReader};
use num_bigint::{BigInt, Sign};
use shevek_value::Value;

/// One element.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'a> {
    /// Its first byte.
    pub tag: u8,
    /// With tag and length.
    pub full: &'a [u8],
    /// Without.
    pub value: &'a [u8],
}

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BITS: u8 = 0x03;
pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;

/// The elements one after the other.
pub(crate) fn nodes(bytes: &[u8]) -> Option<Vec<Node<'_>>> {
    let mut out = Vec::new();
    let mut reader = SliceReader::new(bytes).ok()?;
    while !reader.is_finished() {
        let full = reader.tlv_bytes().ok()?;
        let mut inner = SliceReader::new(full).ok()?;
        let header = Header::decode(&mut inner).ok()?;
        let value = inner.read_slice(header.length()).ok()?;
        out.push(Node { tag: *full.first()?, full, value });
    }
    Some(out)
}

/// The only element.
pub(crate) fn only(bytes: &[u8]) -> Option<Node<'_>> {
    match nodes(bytes)?.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

impl<'a> Node<'a> {
    /// What is in it, if it has that tag.
    pub(crate) fn inside(self, tag: u8) -> Option<Vec<Node<'a>>> {
        if self.tag == tag { nodes(self.value) } else { None }
    }

    /// A whole number.
    pub(crate) fn number(self) -> Option<BigInt> {
        Some(BigInt::from_signed_bytes_be(self.value)).filter(|_| self.tag == INTEGER)
    }

    /// Bits, whose count is whole bytes.
    pub(crate) fn bits(self) -> Option<&'a [u8]> {
        self.value.get(1..).filter(|_| self.tag == BITS)
    }

    /// `1.2.840.113549`.
    pub(crate) fn oid(self) -> Option<String> {
        if self.tag == OID { oid(self.value) } else { None }
    }

    /// Whether it says true.
    pub(crate) fn is_true(self) -> bool {
        self.tag == 0x01 && self.value.iter().any(|byte| *byte != 0)
    }

    /// A moment, as `20260131235959Z`.
    pub(crate) fn moment(self) -> Option<String> {
        let text = std::str::from_utf8(self.value).ok()?;
        match self.tag {
            0x17 => {
                let year: u32 = text.get(..2)?.parse().ok()?;
                Some(format!("{}{text}", if year < 50 { "20" } else { "19" }))
            }
            0x18 => Some(text.to_owned()),
            _ => None,
        }
    }
}

/// An object identifier, from its bytes.
pub(crate) fn oid(bytes: &[u8]) -> Option<String> {
    let mut parts: Vec<u64> = Vec::new();
    let mut number: u64 = 0;
    for byte in bytes {
        number = number.checked_mul(128)? + u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            parts.push(number);
            number = 0;
        }
    }
    let (first, rest) = parts.split_first()?;
    let root = (*first / 40).min(2);
    let all = [root, first - 40 * root].into_iter().chain(rest.iter().copied());
    Some(all.map(|part| part.to_string()).collect::<Vec<_>>().join("."))
}

/// A number from unsigned bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Value {
    Value::big(BigInt::from_bytes_be(Sign::Plus, bytes))
}

/// An element with its length.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = content.len().to_be_bytes();
            let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(0);
            let length = bytes.get(start..).unwrap_or_default();
            out.push(0x80 | length.len() as u8);
            out.extend(length);
        }
    }
    out.extend(content);
    out
}
