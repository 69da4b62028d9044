//! Private keys, read and decrypted once for all hosts of a run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::Secret;
use crate::target::Login;

/// The keys of a run. Decrypting a key takes a tenth of a second by design, so every file is read once; the keys are
/// overwritten when the run ends.
#[derive(Default)]
pub(crate) struct KeyRing {
    files: Mutex<HashMap<PathBuf, Arc<OnceCell<Arc<KeyFile>>>>>,
}

/// What a key file holds.
pub(super) struct KeyFile {
    /// Its path, for messages.
    pub(super) name: String,
    /// The public key, as far as it is known.
    pub(super) public: Option<PublicKey>,
    pub(super) key: Loaded,
    /// Certificates for this key.
    pub(super) certificates: Vec<Certificate>,
}

/// Whether the private key can be used.
pub(super) enum Loaded {
    Usable(Arc<PrivateKey>),
    /// Why not, in words.
    Unusable(String),
    /// There is no private key here (no such file, or only the public key).
    Absent,
}

impl KeyRing {
    /// The keys that a login may offer, in order.
    pub(super) async fn files(&self, login: &Login) -> Vec<Arc<KeyFile>> {
        let mut files = Vec::new();
        if let Some(text) = &login.key_text {
            let (text, passphrase) = (text.clone(), login.passphrase.clone());
            let made = tokio::task::spawn_blocking(move || {
                parse("ansible_private_key", text.expose(), passphrase.as_ref())
            });
            if let Ok(file) = made.await {
                files.push(Arc::new(file));
            }
        }
        for path in &login.keys {
            let cell = {
                let mut known = self.files.lock().unwrap_or_else(PoisonError::into_inner);
                known.entry(path.clone()).or_default().clone()
            };
            let read = || async {
                let (path, passphrase, certificates) =
                    (path.clone(), login.passphrase.clone(), login.certificates.clone());
                let made =
                    tokio::task::spawn_blocking(move || read(&path, passphrase.as_ref(), &certificates));
                made.await.map(Arc::new)
            };
            if let Ok(file) = cell.get_or_try_init(read).await {
                files.push(file.clone());
            }
        }
        files
    }
}

fn read(path: &Path, passphrase: Option<&Secret>, certificates: &[PathBuf]) -> KeyFile {
    let name = path.display().to_string();
    let mut file = match std::fs::read_to_string(path).map(Zeroizing::new) {
        Ok(text) => parse(&name, &text, passphrase),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            KeyFile { name: name.clone(), public: None, key: Loaded::Absent, certificates: Vec::new() }
        }
        Err(e) => {
            let why = format!("key {name} cannot be read: {e}");
            KeyFile { name: name.clone(), public: None, key: Loaded::Unusable(why), certificates: Vec::new() }
        }
    };
    if file.public.is_none() {
        file.public = PublicKey::read_openssh_file(beside(path, ".pub")).ok();
    }
    let beside = beside(path, "-cert.pub");
    for path in certificates.iter().chain([&beside]) {
        let Ok(certificate) = Certificate::read_file(path) else { continue };
        let fits = file.public.as_ref().is_some_and(|public| public.key_data() == certificate.public_key());
        if fits && !file.certificates.contains(&certificate) {
            file.certificates.push(certificate);
        }
    }
    file
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn parse(name: &str, text: &str, passphrase: Option<&Secret>) -> KeyFile {
    let file = |public, key| KeyFile { name: name.to_owned(), public, key, certificates: Vec::new() };
    // `IdentityFile` may name a public key, whose private half the agent has.
    if let Ok(public) = PublicKey::from_openssh(text) {
        return file(Some(public), Loaded::Absent);
    }
    // OpenSSH's format shows the public key even when the private one is encrypted.
    let outer = PrivateKey::from_openssh(text).ok();
    let public = outer.as_ref().map(|key| key.public_key().clone());
    let encrypted = match &outer {
        Some(key) => key.is_encrypted(),
        None => text.contains("ENCRYPTED"),
    };
    if encrypted && passphrase.is_none() {
        return file(
            public,
            Loaded::Unusable(format!(
                "key {name} is encrypted and no passphrase was given (give ansible_private_key_passphrase, or the key to an agent)"
            )),
        );
    }
    match decode_secret_key(text, passphrase.filter(|_| encrypted).map(Secret::expose)) {
        Ok(key) => {
            let public = key.public_key().clone();
            file(Some(public), Loaded::Usable(Arc::new(key)))
        }
        Err(e) => {
            let hint = if encrypted {
                "its passphrase is wrong, or it is damaged"
            } else {
                "it is no private key that is supported"
            };
            file(public, Loaded::Unusable(format!("key {name} cannot be used: {hint} ({e})")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_else_than_a_key_says_so() {
        let file = parse("id_x", "hello", None);
        assert!(matches!(file.key, Loaded::Unusable(why) if why.starts_with("key id_x cannot be used")));
    }
}
