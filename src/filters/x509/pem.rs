//! PEM: names and bytes in text.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;

/// The first block of text with one of these names, and its bytes.
pub(crate) fn first(bytes: &[u8], names: &[&str]) -> Option<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(bytes);
    let mut rest: &str = &text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let (name, after) = after.split_once("-----")?;
        let (body, after) = after.split_once("-----END ")?;
        rest = after;
        if names.contains(&name) {
            // Headers, as old encrypted keys have them, are no part of it.
            let lines = body.lines().filter(|line| !line.contains(':'));
            let packed: String = lines.flat_map(|line| line.chars().filter(|c| !c.is_whitespace())).collect();
            return Some((name.to_owned(), BASE64.decode(packed).ok()?));
        }
    }
    None
}

/// Bytes as PEM.
pub(crate) fn write(name: &str, bytes: &[u8]) -> String {
    let packed = BASE64.encode(bytes);
    let mut out = format!("-----BEGIN {name}-----\n");
    for line in packed.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str(&format!("-----END {name}-----\n"));
    out
}
