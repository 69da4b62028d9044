//! Bytes written and read as a whole: serde would take a `Vec<u8>` for a list, and go through it number by number.
//!
//! In postcard's encoding both look the same.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;

/// Writes bytes.
pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(bytes)
}

/// Reads bytes.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    from.deserialize_byte_buf(Whole)
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

/// The same for bytes that may be missing.
pub(crate) mod maybe {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize)]
    struct Written<'a>(#[serde(serialize_with = "super::serialize")] &'a [u8]);

    #[derive(Deserialize)]
    struct Read(#[serde(deserialize_with = "super::deserialize")] Vec<u8>);

    /// Writes bytes, or that there are none.
    #[allow(clippy::ref_option, reason = "serde asks for it")]
    pub(crate) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        bytes.as_deref().map(Written).serialize(to)
    }

    /// Reads bytes, or that there are none.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<Read>::deserialize(from)?.map(|read| read.0))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Blob, Val};

    #[test]
    fn bytes_look_on_the_wire_as_a_list_of_numbers_would() {
        let bytes: Vec<u8> = (0..=255).collect();
        let listed = postcard::to_stdvec(&bytes).unwrap();
        let value = postcard::to_stdvec(&Val::Bytes(bytes.clone())).unwrap();
        assert_eq!(value[1..], listed[..]);
        assert_eq!(postcard::from_bytes::<Val>(&value).unwrap(), Val::Bytes(bytes.clone()));
        for inline in [None, Some(bytes)] {
            let blob = Blob { id: 1, size: 2, checksum: Some("c".to_owned()), inline };
            let written = postcard::to_stdvec(&blob).unwrap();
            assert_eq!(postcard::from_bytes::<Blob>(&written).unwrap(), blob);
        }
    }
}
