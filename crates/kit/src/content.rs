//! [`Content`]: what goes into a file; text from the task, or bytes that the controller holds until they are needed.

use std::io::{self, Cursor, Read};

use shevek_proto::{Blob, Val};

use crate::arg::Arg;
use crate::checksum::{Algorithm, checksum};
use crate::kind::Kind;

/// Content for a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Bytes that are here.
    Here(Vec<u8>),
    /// Bytes that the controller has.
    There(Blob),
}

impl Content {
    /// Its length.
    pub fn size(&self) -> u64 {
        match self {
            Content::Here(bytes) => bytes.len() as u64,
            Content::There(blob) => blob.size,
        }
    }

    /// Its SHA-1, if that is known without asking the controller, which would have to read it through.
    pub fn sha1(&self) -> Option<String> {
        match self {
            Content::Here(bytes) => checksum(Algorithm::Sha1, &mut bytes.as_slice()).ok(),
            Content::There(blob) => blob.checksum.clone(),
        }
    }
}

impl Arg for Content {
    const KIND: Kind = Kind::Content;
    fn read(value: Val) -> Result<Self, String> {
        match value {
            Val::Str(text) => Ok(Content::Here(text.into_bytes())),
            Val::Bytes(bytes) => Ok(Content::Here(bytes)),
            Val::Blob(Blob { inline: Some(bytes), .. }) => Ok(Content::Here(bytes)),
            Val::Blob(blob) => Ok(Content::There(blob)),
            other => Err(format!("unexpected {}", crate::printed::python_type(&other))),
        }
    }
}

/// The way to and from the controller for content.
pub trait Courier: Send + Sync {
    /// Content that the controller has.
    fn fetch(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send>>;
    /// The SHA-1 of content that the controller has.
    fn sum(&self, blob: &Blob) -> io::Result<String>;
    /// Sends content up; what comes back goes into the result.
    fn send(&self, content: &mut dyn Read) -> io::Result<Blob>;
    /// Whether the controller has cancelled the call.
    fn cancelled(&self) -> bool {
        false
    }
}

/// No controller: content must be here already. For tests and one-off use.
#[derive(Debug, Default)]
pub struct NoCourier;

impl Courier for NoCourier {
    fn fetch(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send>> {
        match &blob.inline {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            None => Err(io::Error::other("there is no controller to fetch content from")),
        }
    }

    fn sum(&self, blob: &Blob) -> io::Result<String> {
        let none = || io::Error::other("there is no controller to ask for a checksum");
        blob.checksum.clone().ok_or_else(none)
    }

    fn send(&self, content: &mut dyn Read) -> io::Result<Blob> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let checksum = checksum(Algorithm::Sha1, &mut bytes.as_slice())?;
        Ok(Blob { id: 0, size: bytes.len() as u64, checksum: Some(checksum), inline: Some(bytes) })
    }
}
