//! Whether a host's key is to be trusted.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Certificate, HashAlg, PublicKey, PublicKeyOrCertificate};
use tokio::sync::watch;

use crate::known_hosts::{Entry, KnownHosts, Verdict, append, line_for};
use crate::options::{OpenOptions, UnknownHostKey};
use crate::target::{HostKeyCheck, HostKeyPolicy, SshTarget};
use crate::wildcard::matches;
use crate::{ConnectError, Phase};

/// Decides about the key of one host.
pub(super) struct Trust {
    host: Arc<str>,
    policy: HostKeyPolicy,
    known: KnownHosts,
    /// The name that certificates must be for.
    principal: String,
    asking: watch::Sender<bool>,
    options: OpenOptions,
    changed: Arc<AtomicBool>,
}

impl Trust {
    /// Reads what is known about the host.
    pub(super) fn new(
        host: &Arc<str>,
        target: &SshTarget,
        options: &OpenOptions,
    ) -> Result<Self, ConnectError> {
        let policy = target.host_key.clone();
        let mut files = Vec::new();
        for path in policy.user_files.iter().chain(&policy.global_files) {
            let entries = options.shared.known_hosts.entries(path).map_err(|e| {
                let detail = format!("known hosts cannot be read from {}: {e}", path.display());
                ConnectError::unreachable(host, Phase::HostKey, detail)
            })?;
            files.push(entries);
        }
        let (name, port) = match &policy.alias {
            Some(alias) => (alias.as_str(), None),
            None => (target.host.as_str(), Some(target.port)),
        };
        Ok(Trust {
            host: host.clone(),
            known: KnownHosts::new(files, name, port),
            principal: name.to_lowercase(),
            policy,
            asking: watch::Sender::new(false),
            options: options.clone(),
            changed: Arc::default(),
        })
    }

    /// The types of key that the host is known by.
    pub(super) fn known_types(&self) -> Vec<String> {
        self.known.types()
    }

    /// Whether certificates of this host could be checked.
    pub(super) fn has_authorities(&self) -> bool {
        self.known.authorities().next().is_some()
    }

    /// Whether somebody is being asked just now.
    pub(super) fn asking(&self) -> watch::Receiver<bool> {
        self.asking.subscribe()
    }

    /// Whether a key was let pass that is not the known one. Such a host is told no password, and does not get our agent.
    pub(super) fn changed(&self) -> Arc<AtomicBool> {
        self.changed.clone()
    }

    /// Whether the key is to be trusted.
    pub(super) async fn check(&self, shown: &PublicKeyOrCertificate) -> Result<(), ConnectError> {
        let key = shown.public_key();
        if let Some(bits) = too_short(&key, self.policy.required_rsa) {
            let detail = format!(
                "the host's RSA key has {bits} bits, and RequiredRSASize asks for {}",
                self.policy.required_rsa
            );
            return Err(self.refuse(detail).with_help("the host needs a new key, `ssh-keygen -t ed25519`"));
        }
        let bytes = key.to_bytes().map_err(|e| self.refuse(format!("the host's key cannot be read: {e}")))?;
        if let Some(certificate) = shown.certificate() {
            match self.certificate(certificate) {
                Ok(()) => return Ok(()),
                // As OpenSSH does: a certificate that nobody vouches for may still hold a known key.
                Err(error) if self.known.verdict(key_type(&key), &bytes) != Verdict::Known => {
                    if self.policy.check != HostKeyCheck::No {
                        return Err(error);
                    }
                }
                Err(_) => {}
            }
        }
        match self.known.verdict(key_type(&key), &bytes) {
            Verdict::Known => Ok(()),
            Verdict::Revoked(entry) => {
                let detail = format!("the host's key {} was revoked in {}", fingerprint(&key), place(entry));
                Err(self
                    .refuse(detail)
                    .with_help("the key must not be used any more: the host needs a new one"))
            }
            Verdict::Changed(entry) if self.policy.check == HostKeyCheck::No => {
                // Keys may be checked more than once in a connection.
                if !self.changed.swap(true, Ordering::Relaxed) {
                    self.options.warn(format!(
                        "{}: {}; host key checking is off, so the connection goes on, but without passwords and without \
                         the agent",
                        self.host,
                        change(&key, entry)
                    ));
                }
                Ok(())
            }
            Verdict::Changed(entry) => Err(self.other(&key, entry)),
            Verdict::Unknown(others) => self.unknown(&key, &bytes, others).await,
        }
    }

    fn certificate(&self, certificate: &Certificate) -> Result<(), ConnectError> {
        let authority = PublicKey::new(certificate.signature_key().clone(), "");
        let bytes = authority
            .to_bytes()
            .map_err(|e| self.refuse(format!("the host's certificate cannot be read: {e}")))?;
        let name = certificate.key_id();
        if let Some(entry) = self.known.revoked(&bytes) {
            return Err(self.refuse(format!(
                "the authority of the host's certificate {name:?} was revoked in {}",
                place(entry)
            )));
        }
        let own = PublicKey::new(certificate.public_key().clone(), "");
        if let Some(entry) = own.to_bytes().ok().and_then(|own| self.known.revoked(&own)) {
            return Err(self.refuse(format!(
                "the key of the host's certificate {name:?} was revoked in {}",
                place(entry)
            )));
        }
        if !self.known.authorities().any(|entry| entry.key == bytes) {
            let detail = format!(
                "the host's certificate {name:?} is signed by an authority that is not known ({})",
                fingerprint(&authority)
            );
            return Err(self.refuse(detail));
        }
        let algorithm = certificate.signature().algorithm();
        let signed_with = algorithm.as_str();
        if !self.policy.ca_algorithms.iter().any(|name| name == signed_with) {
            let detail = format!(
                "the host's certificate {name:?} is signed with {signed_with}, which is none of CASignatureAlgorithms ({})",
                self.policy.ca_algorithms.join(", ")
            );
            return Err(self.refuse(detail));
        }
        if certificate.cert_type() != CertType::Host {
            return Err(self.refuse(format!("the certificate {name:?} is for a user, not for a host")));
        }
        if certificate.critical_options().iter().next().is_some() {
            return Err(
                self.refuse(format!("the host's certificate {name:?} has options that are not known"))
            );
        }
        let principals = certificate.valid_principals();
        if !principals.is_empty()
            && !principals.iter().any(|one| matches(&one.to_lowercase(), &self.principal))
        {
            let detail = format!(
                "the host's certificate {name:?} is for {}, not for {}",
                principals.join(", "),
                self.principal
            );
            return Err(self.refuse(detail));
        }
        let authority = authority.fingerprint(HashAlg::Sha256);
        certificate
            .validate([&authority])
            .map_err(|e| self.refuse(format!("the host's certificate {name:?} is not valid now: {e}")))
    }

    async fn unknown(&self, key: &PublicKey, bytes: &[u8], others: Vec<String>) -> Result<(), ConnectError> {
        let trusted = match self.policy.check {
            HostKeyCheck::No | HostKeyCheck::AcceptNew => true,
            HostKeyCheck::Yes => false,
            HostKeyCheck::Ask => match &self.options.ask {
                Some(ask) => {
                    self.asking.send_replace(true);
                    let trusted = ask
                        .ask(UnknownHostKey {
                            host: self.host.clone(),
                            name: self.known.name().to_owned(),
                            algorithm: key_type(key).to_owned(),
                            fingerprint: fingerprint(key),
                            also_known_as: others,
                        })
                        .await;
                    self.asking.send_replace(false);
                    if !trusted {
                        return Err(
                            self.refuse(format!("the host's key {} was not accepted", fingerprint(key)))
                        );
                    }
                    true
                }
                None => false,
            },
        };
        if !trusted {
            let detail = format!("the host's {} key {} is not known", key_type(key), fingerprint(key));
            return Err(self.refuse(detail).with_help(format!(
                "compare the fingerprint, then add the key with `ssh-keyscan`, or set StrictHostKeyChecking=accept-new; \
                 known hosts were read from {}",
                self.places()
            )));
        }
        self.remember(key, bytes);
        Ok(())
    }

    /// Adds the key to the user's first file. A file that cannot be written is no reason not to go on.
    fn remember(&self, key: &PublicKey, bytes: &[u8]) {
        let Some(path) = self.policy.user_files.first().filter(|path| *path != Path::new("/dev/null")) else {
            return;
        };
        let files = &self.options.shared.known_hosts;
        let _writing = files.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // Another connection to the same host may have been faster.
        let known = files.entries(path).unwrap_or_default();
        if known
            .iter()
            .any(|entry| entry.marker.is_none() && entry.key == bytes && entry.is_for(self.known.name()))
        {
            return;
        }
        let line = line_for(self.known.name(), self.policy.hash_names, key_type(key), bytes);
        if let Err(e) = append(path, &line) {
            self.options.warn(format!(
                "the key of {} cannot be remembered in {}: {e}",
                self.host,
                path.display()
            ));
        }
    }

    fn other(&self, key: &PublicKey, entry: &Entry) -> ConnectError {
        let detail = format!("{}; somebody may be listening in", change(key, entry));
        self.refuse(detail).with_help(format!(
            "if the host was set up anew, remove the old key with `ssh-keygen -R '{}' -f {}`",
            self.known.name(),
            entry.path.display()
        ))
    }

    fn refuse(&self, detail: String) -> ConnectError {
        ConnectError::unreachable(&self.host, Phase::HostKey, detail)
    }

    fn places(&self) -> String {
        let places: Vec<String> =
            self.policy.user_files.iter().chain(&self.policy.global_files).map(|path| show(path)).collect();
        if places.is_empty() { "nowhere".to_owned() } else { places.join(", ") }
    }
}

/// That a key is not the one that is known.
fn change(key: &PublicKey, entry: &Entry) -> String {
    let known = PublicKey::from_bytes(&entry.key)
        .map_or_else(|_| "unreadable".to_owned(), |known| fingerprint(&known));
    format!(
        "the host's {} key has changed: it shows {}, but {} has {known}",
        key_type(key),
        fingerprint(key),
        place(entry)
    )
}

/// The bits of an RSA key that has less than it must have.
pub(super) fn too_short(key: &PublicKey, required: u32) -> Option<u32> {
    key.key_data().rsa().map(|key| key.key_size()).filter(|bits| *bits < required)
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

fn place(entry: &Entry) -> String {
    format!("{}:{}", entry.path.display(), entry.line)
}

fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// The type as `known_hosts` has it.
fn key_type(key: &PublicKey) -> &'static str {
    match key.algorithm() {
        russh::keys::Algorithm::Ed25519 => "ssh-ed25519",
        russh::keys::Algorithm::Rsa { .. } => "ssh-rsa",
        russh::keys::Algorithm::Ecdsa { curve: russh::keys::EcdsaCurve::NistP256 } => "ecdsa-sha2-nistp256",
        russh::keys::Algorithm::Ecdsa { curve: russh::keys::EcdsaCurve::NistP384 } => "ecdsa-sha2-nistp384",
        russh::keys::Algorithm::Ecdsa { curve: russh::keys::EcdsaCurve::NistP521 } => "ecdsa-sha2-nistp521",
        russh::keys::Algorithm::SkEd25519 => "sk-ssh-ed25519@openssh.com",
        russh::keys::Algorithm::SkEcdsaSha2NistP256 => "sk-ecdsa-sha2-nistp256@openssh.com",
        _ => "unknown",
    }
}
