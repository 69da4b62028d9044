//! Private keys, read and decrypted once for all hosts of a run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key};
use tokio::sync::{OnceCell, watch};
use zeroize::Zeroizing;

use super::short_keys;
use crate::Secret;
use crate::options::AskHostKey;
use crate::target::Login;

/// The keys of a run. Decrypting a key takes a tenth of a second by design, so every file is read once; the keys are
/// overwritten when the run ends.
#[derive(Default)]
pub(crate) struct KeyRing {
    files: Mutex<HashMap<PathBuf, Arc<OnceCell<Arc<KeyFile>>>>>,
    unlocked: Mutex<HashMap<String, Unlocking>>,
    asking: watch::Sender<bool>,
}

/// An encrypted key that people were asked about, or are being asked about: the key, or why it cannot be used.
type Unlocking = Arc<OnceCell<Result<Arc<PrivateKey>, String>>>;

/// How often a passphrase is asked for, as `ssh` does.
const ATTEMPTS: usize = 3;

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
    /// Only with a passphrase that nobody has given.
    Encrypted(Arc<Zeroizing<String>>),
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

    /// Whether somebody is being asked for a passphrase just now.
    pub(super) fn asking(&self) -> watch::Receiver<bool> {
        self.asking.subscribe()
    }

    /// Decrypts a key with what people say when they are asked; they are asked once for all hosts of a run.
    pub(super) async fn unlock(
        &self,
        name: &str,
        text: &Arc<Zeroizing<String>>,
        ask: Option<&Arc<dyn AskHostKey>>,
    ) -> Result<Arc<PrivateKey>, String> {
        let Some(ask) = ask else { return Err(locked(name)) };
        let cell = {
            let mut known = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(name.to_owned()).or_default().clone()
        };
        let unlocked = cell.get_or_init(|| async {
            self.asking.send_replace(true);
            let key = ask_for(name, text, ask).await;
            self.asking.send_replace(false);
            key
        });
        unlocked.await.clone()
    }
}

async fn ask_for(
    name: &str,
    text: &Arc<Zeroizing<String>>,
    ask: &Arc<dyn AskHostKey>,
) -> Result<Arc<PrivateKey>, String> {
    let mut why = locked(name);
    for _ in 0..ATTEMPTS {
        let Some(passphrase) = ask.passphrase(name).await.filter(|word| !word.expose().is_empty()) else {
            break;
        };
        let (name, text) = (name.to_owned(), text.clone());
        let file = tokio::task::spawn_blocking(move || parse(&name, &text, Some(&passphrase))).await;
        match file.map(|file| file.key) {
            Ok(Loaded::Usable(key)) => return Ok(key),
            Ok(Loaded::Unusable(words)) => why = words,
            Ok(Loaded::Encrypted(_) | Loaded::Absent) | Err(_) => break,
        }
    }
    Err(why)
}

fn locked(name: &str) -> String {
    format!(
        "key {name} is encrypted and no passphrase was given (give ansible_private_key_passphrase, or the key to an agent)"
    )
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
        return file(public, Loaded::Encrypted(Arc::new(Zeroizing::new(text.to_owned()))));
    }
    let passphrase = passphrase.filter(|_| encrypted).map(Secret::expose);
    match decode_secret_key(text, passphrase).or_else(|e| short_keys::read(text, passphrase).ok_or(e)) {
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
    fn a_key_in_256_is_a_key_too() {
        let file = parse("id_ecdsa", &short_keys::short(), None);
        assert!(matches!(file.key, Loaded::Usable(_)) && file.public.is_some());
    }

    #[test]
    fn something_else_than_a_key_says_so() {
        let file = parse("id_x", "hello", None);
        assert!(matches!(file.key, Loaded::Unusable(why) if why.starts_with("key id_x cannot be used")));
    }
}
