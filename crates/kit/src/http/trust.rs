//! Which servers are believed to be who they say: by the authorities of the task (`ca_path`), of the environment
//! (`SSL_CERT_FILE`, `SSL_CERT_DIR`) or of the system. What OpenSSL takes and webpki alone would not is taken too: a
//! certificate that is itself in the list, the old version without extensions, a server named by its common name.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};

use super::certificate::Certificate;

/// Where systems keep all their authorities in one file: Debian, Red Hat, SUSE, Alpine, and what OpenSSL itself takes.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/lib/ssl/cert.pem",
];

/// Where single authorities are, which Ansible looks through too.
const FOLDERS: [&str; 5] = [
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted/pem",
    "/usr/share/ca-certificates/cacert.org",
    "/etc/ansible",
];

/// Where the authorities are that a request trusts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trusted {
    /// `SSL_CERT_FILE`.
    pub file: Option<PathBuf>,
    /// `SSL_CERT_DIR`.
    pub folder: Option<PathBuf>,
}

/// Authorities.
#[derive(Debug)]
struct Authorities {
    roots: RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
}

impl Authorities {
    fn none() -> Self {
        Authorities { roots: RootCertStore::empty(), certificates: Vec::new() }
    }

    fn add(&mut self, file: &Path) -> io::Result<()> {
        let bytes = fs::read(file)?;
        for certificate in CertificateDer::pem_slice_iter(&bytes).flatten() {
            if self.roots.add(certificate.clone()).is_ok() {
                self.certificates.push(certificate);
            }
        }
        Ok(())
    }

    /// Adds what is in a folder; what cannot be read is of no use, and no obstacle.
    fn add_folder(&mut self, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            // `5e98733a.0` is how OpenSSL finds one by its name's hash.
            let hashed = !ending.is_empty() && ending.chars().all(|c| c.is_ascii_digit());
            if hashed || matches!(ending.as_str(), "pem" | "crt" | "cer") {
                let _ = self.add(&path);
            }
        }
    }
}

/// Checks servers.
#[derive(Debug)]
pub(crate) struct Checking {
    first: Authorities,
    /// Where else to look, when the first do not know a server: reading many small files takes its time.
    elsewhere: Vec<PathBuf>,
    others: OnceLock<Authorities>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Checking {
    /// With the authorities of the task.
    pub(crate) fn given(path: &Path, algorithms: WebPkiSupportedAlgorithms) -> io::Result<Self> {
        let mut first = Authorities::none();
        if path.is_dir() {
            first.add_folder(path)
        } else {
            first.add(path)?
        }
        if first.certificates.is_empty() {
            return Err(io::Error::other(format!("there is no certificate in {}", path.display())));
        }
        Ok(Checking { first, elsewhere: Vec::new(), others: OnceLock::new(), algorithms })
    }

    /// With those of the system, or of the environment.
    pub(crate) fn system(trusted: &Trusted, algorithms: WebPkiSupportedAlgorithms) -> Self {
        let mut first = Authorities::none();
        match &trusted.file {
            Some(file) => drop(first.add(file)),
            None => {
                let _ = BUNDLES.iter().map(Path::new).find(|bundle| first.add(bundle).is_ok());
            }
        }
        let folders = FOLDERS.iter().map(PathBuf::from);
        let elsewhere = match &trusted.folder {
            Some(folder) => std::iter::once(folder.clone()).chain(folders.skip(1)).collect(),
            None => folders.collect(),
        };
        Checking { first, elsewhere, others: OnceLock::new(), algorithms }
    }

    fn others(&self) -> &Authorities {
        self.others.get_or_init(|| {
            let mut others = Authorities::none();
            for folder in &self.elsewhere {
                others.add_folder(folder);
            }
            others
        })
    }

    fn trusts(
        &self,
        der: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Why> {
        let certificate = Certificate::read(der).ok_or(Why::Unreadable)?;
        match self.trusted_by(&self.first, der, others, now) {
            Err(Why::UnknownIssuer | Why::Other(_)) if !self.elsewhere.is_empty() => {
                self.trusted_by(self.others(), der, others, now)
            }
            done => done,
        }
        .map_err(|why| match why {
            Why::UnknownIssuer | Why::Other(_) if certificate.signs_itself() => Why::SignedByItself,
            Why::UnknownIssuer
                if others.iter().any(|o| Certificate::read(o).is_some_and(|o| o.signs_itself())) =>
            {
                Why::SignedByItselfInChain
            }
            Why::UnknownIssuer if self.has_none() => Why::NoAuthorities,
            why => why,
        })
    }

    fn has_none(&self) -> bool {
        self.first.certificates.is_empty() && self.others().certificates.is_empty()
    }

    fn trusted_by(
        &self,
        by: &Authorities,
        der: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Why> {
        let certificate = Certificate::read(der).ok_or(Why::Unreadable)?;
        if by.certificates.contains(der) {
            return in_time(&certificate, now);
        }
        if certificate.version < 3 {
            return self.signed_by_one(by, &certificate, now);
        }
        let parsed = ParsedCertificate::try_from(der).map_err(Why::of)?;
        let algorithms = self.algorithms.all;
        rustls::client::verify_server_cert_signed_by_trust_anchor(&parsed, &by.roots, others, now, algorithms)
            .map_err(Why::of)
    }

    /// Whether the name in a certificate counts. What an authority in between may not sign for is checked against the names
    /// of servers alone: a certificate with none but its common name counts only where nobody stands in between.
    // Differs from Ansible: certificates named by their common name alone have to be signed by a trusted authority itself.
    fn may_use_its_name(&self, der: &CertificateDer<'_>, now: UnixTime) -> bool {
        let Some(certificate) = Certificate::read(der) else { return false };
        let directly = |by: &Authorities| {
            by.certificates.contains(der) || self.signed_by_one(by, &certificate, now).is_ok()
        };
        certificate.names_servers
            || directly(&self.first)
            || (!self.elsewhere.is_empty() && directly(self.others()))
    }

    /// The old versions have no extensions to check: an authority must have signed it itself.
    fn signed_by_one(
        &self,
        by: &Authorities,
        certificate: &Certificate<'_>,
        now: UnixTime,
    ) -> Result<(), Why> {
        let known = by.certificates.iter().filter_map(|der| Certificate::read(der));
        for issuer in known.filter(|known| known.subject == certificate.issuer) {
            let mut fitting = self.algorithms.all.iter().filter(|algorithm| {
                algorithm.signature_alg_id().as_ref() == certificate.algorithm
                    && algorithm.public_key_alg_id().as_ref() == issuer.key_algorithm
            });
            if fitting
                .any(|a| a.verify_signature(issuer.key, certificate.signed, certificate.signature).is_ok())
            {
                return in_time(&issuer, now).and_then(|()| in_time(certificate, now));
            }
        }
        Err(Why::UnknownIssuer)
    }

    /// Whether a handshake was signed with the key of a certificate of an old version.
    fn signed_with(&self, message: &[u8], der: &CertificateDer<'_>, signed: &DigitallySignedStruct) -> bool {
        let Some(certificate) = Certificate::read(der) else { return false };
        let of_scheme = self.algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
        of_scheme.flat_map(|(_, algorithms)| algorithms.iter()).any(|algorithm| {
            algorithm.public_key_alg_id().as_ref() == certificate.key_algorithm
                && algorithm.verify_signature(certificate.key, message, signed.signature()).is_ok()
        })
    }
}

fn in_time(certificate: &Certificate<'_>, now: UnixTime) -> Result<(), Why> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    match () {
        () if now < certificate.not_before => Err(Why::NotYet),
        () if now > certificate.not_after => Err(Why::Expired),
        () => Ok(()),
    }
}

/// Whether a certificate is for the server of this name.
fn names(der: &CertificateDer<'_>, server: &ServerName<'_>) -> bool {
    let by_extension =
        || ParsedCertificate::try_from(der).is_ok_and(|parsed| verify_server_name(&parsed, server).is_ok());
    match Certificate::read(der) {
        None => false,
        Some(certificate) if certificate.names_servers => by_extension(),
        Some(certificate) => {
            let name = server.to_str().to_lowercase();
            name.parse::<IpAddr>().is_err()
                && certificate.common_names().iter().any(|common| matches(&common.to_lowercase(), &name))
        }
    }
}

/// Whether `*.example.com` stands for `www.example.com`.
fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix("*."), name.split_once('.')) {
        (Some(domain), Some((_, rest))) => domain.contains('.') && domain == rest,
        _ => pattern == name,
    }
}

/// Why a server is not believed.
#[derive(Debug)]
enum Why {
    Unreadable,
    UnknownIssuer,
    NoAuthorities,
    SignedByItself,
    SignedByItselfInChain,
    Expired,
    NotYet,
    Other(String),
}

impl Why {
    fn of(e: Error) -> Self {
        match e {
            Error::InvalidCertificate(CertificateError::UnknownIssuer) => Why::UnknownIssuer,
            Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            ) => Why::Expired,
            Error::InvalidCertificate(
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
            ) => Why::NotYet,
            Error::InvalidCertificate(CertificateError::BadSignature) => {
                Why::Other("certificate signature failure".to_owned())
            }
            Error::InvalidCertificate(
                CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
            ) => Why::Other("unsuitable certificate purpose".to_owned()),
            other => Why::Other(other.to_string()),
        }
    }

    fn words(&self) -> &str {
        match self {
            Why::Unreadable => "the certificate cannot be read",
            Why::UnknownIssuer => "unable to get local issuer certificate",
            Why::NoAuthorities => {
                "unable to get local issuer certificate: this host has no certificates of authorities \
                 (the package ca-certificates brings them)"
            }
            Why::SignedByItself => "self-signed certificate",
            Why::SignedByItselfInChain => "self-signed certificate in certificate chain",
            Why::Expired => "certificate has expired",
            Why::NotYet => "certificate is not yet valid",
            Why::Other(why) => why,
        }
    }
}

/// A server that is not believed, in OpenSSL's words.
#[derive(Debug)]
pub(crate) struct Refused(pub String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

fn refused(words: impl Into<String>) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(std::sync::Arc::new(Refused(words.into())))))
}

impl ServerCertVerifier for Checking {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.trusts(server, others, now).map_err(|why| refused(why.words()))?;
        if names(server, name) && self.may_use_its_name(server, now) {
            return Ok(ServerCertVerified::assertion());
        }
        let what = if matches!(name, ServerName::IpAddress(_)) { "IP address" } else { "Hostname" };
        Err(refused(format!("{what} mismatch, certificate is not valid for '{}'.", name.to_str())))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms) {
            Err(_) if self.signed_with(message, certificate, signed) => {
                Ok(HandshakeSignatureValid::assertion())
            }
            done => done,
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        use SignatureScheme::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512};
        let left_behind = [RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512].contains(&signed.scheme);
        match rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms) {
            Err(_) if !left_behind && self.signed_with(message, certificate, signed) => {
                Ok(HandshakeSignatureValid::assertion())
            }
            done => done,
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Believes every server: `validate_certs: no`.
#[derive(Debug)]
pub(crate) struct Unchecked(pub WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _server: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        assert!(matches("*.example.com", "www.example.com"));
        assert!(!matches("*.example.com", "a.b.example.com"));
        assert!(!matches("*.com", "example.com"));
        assert!(matches("host", "host"));
    }
}
