//! The text of a vault: a header line, then hex in lines of 80.

use shevek_diag::{Diagnostic, Kind, Result};

const HEADER: &str = "$ANSIBLE_VAULT";

/// Whether text or a file's bytes are a vault.
pub fn is_encrypted(bytes: impl AsRef<[u8]>) -> bool {
    let bytes = bytes.as_ref();
    bytes.starts_with(HEADER.as_bytes()) && bytes.is_ascii()
}

/// A vault's text, taken apart but not yet decrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The vault id that the header names (format 1.2).
    pub id: Option<String>,
    pub(crate) salt: Vec<u8>,
    pub(crate) mac: Vec<u8>,
    pub(crate) content: Vec<u8>,
}

impl Envelope {
    /// Takes vault text apart.
    pub fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().trim().split(';').map(str::trim).collect();
        let (version, cipher) = match header.as_slice() {
            [HEADER, version, cipher, ..] => (*version, *cipher),
            _ => return Err(malformed("it does not begin with `$ANSIBLE_VAULT;VERSION;CIPHER`")),
        };
        if !matches!(version, "1.1" | "1.2") {
            return Err(malformed(&format!(
                "format version `{version}` is not supported (only 1.1 and 1.2)"
            )));
        }
        if cipher != "AES256" {
            return Err(malformed(&format!("cipher `{cipher}` is not supported (only AES256)")));
        }
        let body: String = lines.map(str::trim).collect();
        let body = unhex(body.as_bytes())?;
        let mut parts = body.splitn(3, |byte| *byte == b'\n');
        let (Some(salt), Some(mac), Some(content)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed("salt, checksum and content are expected"));
        };
        Ok(Self {
            id: header.get(3).map(|id| (*id).to_owned()).filter(|id| !id.is_empty()),
            salt: unhex(salt)?,
            mac: unhex(mac)?,
            content: unhex(content)?,
        })
    }

    /// As text, a newline at its end. Without an id (or with `default`) it is format 1.1.
    pub fn text(&self) -> String {
        let mut out = match self.id.as_deref() {
            Some(id) if id != "default" => format!("{HEADER};1.2;AES256;{id}\n"),
            _ => format!("{HEADER};1.1;AES256\n"),
        };
        let inner = [&self.salt, &self.mac, &self.content].map(hex::encode).join("\n");
        let body = hex::encode(inner);
        for line in body.as_bytes().chunks(80) {
            out.extend(line.iter().map(|byte| char::from(*byte)));
            out.push('\n');
        }
        out
    }
}

fn unhex(digits: &[u8]) -> Result<Vec<u8>> {
    hex::decode(digits).map_err(|why| {
        // Python's words, which people look for.
        let words = match why {
            hex::FromHexError::OddLength => "Odd-length string",
            _ => "Non-hexadecimal digit found",
        };
        malformed(&format!("Vault format unhexlify error: {words}"))
    })
}

fn malformed(why: &str) -> Box<Diagnostic> {
    Diagnostic::new("malformed vault").kind(Kind::Machine).detail(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vault_is_known_by_its_header() {
        assert!(is_encrypted("$ANSIBLE_VAULT;1.1;AES256\n00"));
        assert!(!is_encrypted("x$ANSIBLE_VAULT;1.1;AES256"));
        assert!(!is_encrypted("$ANSIBLE_VAULT é"));
    }

    #[test]
    fn text_and_parts_are_the_same_thing() {
        let envelope =
            Envelope { id: Some("dev".into()), salt: vec![1; 32], mac: vec![2; 32], content: vec![3; 16] };
        let text = envelope.text();
        assert!(text.starts_with("$ANSIBLE_VAULT;1.2;AES256;dev\n"));
        assert!(text.lines().all(|line| line.len() <= 80));
        assert_eq!(Envelope::parse(&text), Ok(envelope.clone()));
        let default = Envelope { id: Some("default".into()), ..envelope };
        assert!(default.text().starts_with("$ANSIBLE_VAULT;1.1;AES256\n"));
    }

    #[test]
    fn says_what_is_wrong() {
        let why = |text: &str| Envelope::parse(text).unwrap_err().detail;
        assert_eq!(why("$ANSIBLE_VAULT;1.1;AES\n00"), "cipher `AES` is not supported (only AES256)");
        assert_eq!(why("$ANSIBLE_VAULT;1.1;AES256\n3"), "Vault format unhexlify error: Odd-length string");
        assert_eq!(why("$ANSIBLE_VAULT;1.1;AES256\n"), "salt, checksum and content are expected");
    }
}
