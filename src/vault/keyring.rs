//! The passwords that a run knows.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use shevek_diag::{Diagnostic, Kind, Result};
use zeroize::Zeroizing;

use crate::Password;
use crate::cipher::Keys;
use crate::envelope::Envelope;

/// Which passwords are tried on a vault that names an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Matching {
    /// That id's first, then all others: Ansible's default.
    #[default]
    Any,
    /// That id's only (`DEFAULT_VAULT_ID_MATCH`).
    ById,
}

/// Derived keys by password (its position) and salt.
type Cache = Mutex<HashMap<(usize, Vec<u8>), Arc<Keys>>>;

/// The vault passwords of a run, in the order given. Cheap to clone; clones share their derived keys.
#[derive(Clone, Default)]
pub struct Vault(Arc<Inner>);

#[derive(Default)]
struct Inner {
    secrets: Vec<(String, Password)>,
    matching: Matching,
    keys: Cache,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Vault {
    /// A keyring of passwords with their vault ids (`default` where the user named none), best first.
    pub fn new(secrets: Vec<(String, Password)>, matching: Matching) -> Self {
        Self(Arc::new(Inner { secrets, matching, keys: Cache::default() }))
    }

    /// Whether it has no password.
    pub fn is_empty(&self) -> bool {
        self.0.secrets.is_empty()
    }

    /// The ids that it has passwords for, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.secrets.iter().map(|(id, _)| id.as_str())
    }

    /// Decrypts vault text.
    pub fn decrypt(&self, text: &str) -> Result<Zeroizing<Vec<u8>>> {
        Ok(self.decrypt_with_id(text)?.1)
    }

    /// Decrypts vault text that holds text.
    pub fn decrypt_text(&self, text: &str) -> Result<Zeroizing<String>> {
        let plain = self.decrypt(text)?;
        match std::str::from_utf8(&plain) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(Diagnostic::new("vault holds no text")
                .kind(Kind::Machine)
                .detail("the decrypted bytes are not UTF-8")),
        }
    }

    /// Decrypts vault text and says which id's password did it.
    pub fn decrypt_with_id(&self, text: &str) -> Result<(&str, Zeroizing<Vec<u8>>)> {
        let envelope = Envelope::parse(text)?;
        if self.is_empty() {
            return Err(Diagnostic::new("Attempting to decrypt but no vault secrets found")
                .kind(Kind::Machine)
                .detail(match &envelope.id {
                    Some(id) => {
                        format!("this is encrypted for vault id `{id}`, and no vault password was given")
                    }
                    None => "this is encrypted, and no vault password was given".to_owned(),
                })
                .help("give one with --ask-vault-pass, --vault-password-file or --vault-id"));
        }
        for position in self.candidates(&envelope) {
            let Some((id, _)) = self.0.secrets.get(position) else { continue };
            let Some(keys) = self.keys(position, &envelope.salt) else { continue };
            if let Some(plain) = keys.decrypt(&envelope.content, &envelope.mac) {
                return Ok((id, plain));
            }
        }
        let known: Vec<&str> = self.ids().collect();
        let detail = match &envelope.id {
            Some(id) if !known.contains(&id.as_str()) => {
                format!("it is encrypted for vault id `{id}`; passwords are known for: {}", known.join(", "))
            }
            Some(id) => format!("the password of vault id `{id}` does not open it"),
            None => format!("no password opens it (vault ids tried: {})", known.join(", ")),
        };
        Err(Diagnostic::new("Decryption failed (no vault secrets were found that could decrypt)")
            .kind(Kind::Machine)
            .detail(detail))
    }

    /// Encrypts with an id's password (or the first there is), under that id.
    pub fn encrypt(&self, plain: &[u8], id: Option<&str>) -> Result<String> {
        let (_, secret) = self.secret_for_writing(id)?;
        Ok(secret.encrypt(plain, id, None))
    }

    /// The id and password to write with: that id's, or the first there is.
    pub fn secret_for_writing(&self, id: Option<&str>) -> Result<&(String, Password)> {
        let found = match id {
            Some(id) => self.0.secrets.iter().find(|(known, _)| known == id),
            None => self.0.secrets.first(),
        };
        found.ok_or_else(|| match id {
            Some(id) => {
                let known: Vec<&str> = self.ids().collect();
                let ids: Vec<String> = known.iter().map(|id| format!("'{id}'")).collect();
                let ids = ids.join(", ");
                Diagnostic::new(format!(
                    "Did not find a match for --encrypt-vault-id={id} in the known vault-ids [{ids}]"
                ))
                .kind(Kind::Machine)
                .did_you_mean(id, known)
            }
            None => Diagnostic::new("vault without a password")
                .kind(Kind::Machine)
                .detail("a vault password is needed to encrypt")
                .help("give one with --ask-vault-pass, --vault-password-file or --vault-id"),
        })
    }

    /// Derives the keys of several vault texts at once, on all processors; decrypting them is then quick. What is
    /// malformed is left for [`Vault::decrypt`] to complain about.
    pub fn prepare<'a>(&self, texts: impl IntoIterator<Item = &'a str>) {
        let mut wanted: Vec<(usize, Vec<u8>)> = texts
            .into_iter()
            .filter_map(|text| Envelope::parse(text).ok())
            .filter_map(|envelope| Some((*self.candidates(&envelope).first()?, envelope.salt)))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.len() > 1 {
            wanted.into_par_iter().for_each(|(position, salt)| {
                self.keys(position, &salt);
            });
        }
    }

    /// Positions of the passwords to try, in order.
    fn candidates(&self, envelope: &Envelope) -> Vec<usize> {
        let id = envelope.id.as_deref().unwrap_or("default");
        let named = |(_, (known, _)): &(usize, &(String, Password))| known == id;
        let secrets = || self.0.secrets.iter().enumerate();
        let first = secrets().filter(named).map(|(position, _)| position);
        match self.0.matching {
            Matching::ById => first.collect(),
            Matching::Any => {
                first.chain(secrets().filter(|s| !named(s)).map(|(position, _)| position)).collect()
            }
        }
    }

    fn keys(&self, position: usize, salt: &[u8]) -> Option<Arc<Keys>> {
        let (_, password) = self.0.secrets.get(position)?;
        let at = (position, salt.to_vec());
        let cache = || self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = cache().get(&at) {
            return Some(keys.clone());
        }
        // Not under the lock: several threads derive at the same time.
        let keys = Arc::new(Keys::derive(password.bytes(), salt));
        cache().insert(at, keys.clone());
        Some(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by ansible-vault with the password `secret` under the id `dev`.
    const DEV: &str = include_str!("testdata/dev.vault");
    /// Written by ansible-vault with the password `other` and no id.
    const DEFAULT: &str = include_str!("testdata/default.vault");

    fn keyring(matching: Matching) -> Vault {
        let secrets = [("default", "other"), ("dev", "secret")];
        let secrets =
            secrets.map(|(id, password)| (id.to_owned(), Password::new(password.as_bytes()).unwrap()));
        Vault::new(secrets.into(), matching)
    }

    #[test]
    fn opens_what_ansible_wrote_with_the_right_password() {
        let vault = keyring(Matching::Any);
        vault.prepare([DEV, DEFAULT]);
        let (id, plain) = vault.decrypt_with_id(DEV).unwrap();
        assert_eq!((id, plain.as_slice()), ("dev", "héllo: {{ x }}\n".as_bytes()));
        assert_eq!(vault.decrypt_text(DEFAULT).unwrap().as_str(), "héllo: {{ x }}\n");
        let keys = vault.0.keys.lock().unwrap();
        assert_eq!(keys.len(), 2, "the keys were derived once");
    }

    #[test]
    fn says_which_password_is_missing() {
        let renamed = DEV.replacen("dev", "prod", 1);
        let why = keyring(Matching::ById).decrypt(&renamed).unwrap_err();
        assert_eq!(
            why.message(),
            "Decryption failed (no vault secrets were found that could decrypt): it is encrypted for vault id `prod`; passwords are known for: default, dev"
        );
        let why = Vault::default().decrypt(DEV).unwrap_err();
        assert!(why.message().starts_with(
            "Attempting to decrypt but no vault secrets found: this is encrypted for vault id `dev`"
        ));
    }

    #[test]
    fn a_changed_vault_is_not_opened() {
        let mut lines: Vec<String> = DEV.lines().map(str::to_owned).collect();
        let line = lines.last_mut().unwrap();
        let flipped = if line.ends_with('3') { "4" } else { "3" };
        line.replace_range(line.len() - 1.., flipped);
        assert!(keyring(Matching::ById).decrypt(&lines.join("\n")).is_err());
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        let vault = keyring(Matching::Any);
        let text = vault.encrypt(b"", Some("dev")).unwrap();
        assert!(text.starts_with("$ANSIBLE_VAULT;1.2;AES256;dev\n"));
        assert_eq!(vault.decrypt_with_id(&text).unwrap().0, "dev");
        let error = vault.encrypt(b"x", Some("dve")).unwrap_err();
        assert_eq!(error.help, ["did you mean `dev`?"]);
    }
}
