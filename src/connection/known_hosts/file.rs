//! The lines of a `known_hosts` file.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::wildcard::matches_list;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) marker: Option<Marker>,
    hosts: Hosts,
    /// `ssh-ed25519`, `ssh-rsa`, …
    pub(crate) key_type: String,
    /// The key as it goes over the wire.
    pub(crate) key: Vec<u8>,
    pub(crate) path: Arc<PathBuf>,
    /// From 1.
    pub(crate) line: usize,
}

/// What a line says about its key, when it is not simply the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    /// The key signs host certificates.
    CertAuthority,
    /// The key must not be accepted.
    Revoked,
}

#[derive(Debug, PartialEq, Eq)]
enum Hosts {
    Patterns(String),
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

impl Entry {
    /// Whether the line is for a host, named as [`host_name`] does.
    pub(crate) fn is_for(&self, name: &str) -> bool {
        match &self.hosts {
            Hosts::Patterns(patterns) => matches_list(patterns.split(','), name),
            Hosts::Hashed { salt, hash } => digest(salt, name).is_some_and(|made| made == *hash),
        }
    }

    /// The names of the line, unless they are hashed.
    pub(crate) fn shown_names(&self) -> Option<String> {
        match &self.hosts {
            Hosts::Patterns(patterns) => Some(patterns.clone()),
            Hosts::Hashed { .. } => None,
        }
    }
}

fn digest(salt: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    mac.update(name.as_bytes());
    Some(mac.finalize().into_bytes().to_vec())
}

/// The name a host is known by: lower-case, and with its port unless that is 22.
pub(crate) fn host_name(host: &str, port: Option<u16>) -> String {
    let host = host.to_lowercase();
    match port {
        None | Some(22) => host,
        Some(port) => format!("[{host}]:{port}"),
    }
}

/// Reads the lines of a file. As with OpenSSH, a line that makes no sense is passed over.
pub(super) fn parse(path: &Path, text: &str) -> Vec<Entry> {
    let path = Arc::new(path.to_owned());
    let lines = text.lines().enumerate();
    lines.filter_map(|(index, line)| parse_line(&path, index + 1, line.trim())).collect()
}

fn parse_line(path: &Arc<PathBuf>, line: usize, text: &str) -> Option<Entry> {
    if text.starts_with('#') {
        return None;
    }
    let mut words = text.split_ascii_whitespace().peekable();
    let marker = match words.peek().filter(|word| word.starts_with('@')) {
        Some(&"@cert-authority") => Some(Marker::CertAuthority),
        Some(&"@revoked") => Some(Marker::Revoked),
        Some(_) => return None,
        None => None,
    };
    if marker.is_some() {
        words.next();
    }
    let names = words.next()?;
    let key_type = words.next()?.to_owned();
    let key = BASE64.decode(words.next()?).ok()?;
    let hosts = match names.strip_prefix("|1|") {
        Some(hashed) => {
            let (salt, hash) = hashed.split_once('|')?;
            Hosts::Hashed { salt: BASE64.decode(salt).ok()?, hash: BASE64.decode(hash).ok()? }
        }
        None => Hosts::Patterns(names.to_lowercase()),
    };
    Some(Entry { marker, hosts, key_type, key, path: path.clone(), line })
}

/// The line to remember a key with.
pub(crate) fn line_for(name: &str, hashed: bool, key_type: &str, key: &[u8]) -> String {
    let salt: [u8; 20] = rand::random();
    let name = match digest(&salt, name).filter(|_| hashed) {
        Some(hash) => format!("|1|{}|{}", BASE64.encode(salt), BASE64.encode(hash)),
        None => name.to_owned(),
    };
    format!("{name} {key_type} {}\n", BASE64.encode(key))
}

/// Adds a line at the end of a file, in one write, so that others who append at the same time do not mix with it.
pub(crate) fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?;
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let start = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{start}{line}").as_bytes())
}
