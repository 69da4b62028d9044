//! TLS around a connection, by rustls with the ciphers of ring.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ClientConfig, ClientConnection, Resumption};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, StreamOwned};

use super::connection::Wire;
use super::trust::{Checking, Refused, Unchecked};
use super::{Request, ciphers, late, words};

/// Shakes hands with a server, and speaks with it in secret from then on.
pub(crate) fn around(
    mut wire: Box<dyn Wire>,
    name: &str,
    terms: Arc<ClientConfig>,
) -> io::Result<Box<dyn Wire>> {
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| io::Error::other(format!("'{name}' is no name of a server")))?;
    let mut talk = ClientConnection::new(terms, name).map_err(|e| io::Error::other(said(&e)))?;
    while talk.is_handshaking() {
        talk.complete_io(&mut wire).map_err(|e| match e.kind() {
            ErrorKind::TimedOut => io::Error::other("The handshake operation timed out"),
            ErrorKind::UnexpectedEof => {
                let why = "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol";
                io::Error::other(why)
            }
            _ => worded(e),
        })?;
    }
    Ok(Box::new(Secret(StreamOwned::new(talk, wire))))
}

/// On which terms a request speaks with a server: whom it believes, and what it shows.
pub(crate) fn terms(request: &Request) -> io::Result<Arc<ClientConfig>> {
    config(request).map(Arc::new).map_err(late)
}

fn config(request: &Request) -> io::Result<ClientConfig> {
    // Differs from Ansible: servers that speak nothing newer than TLS 1.1, or only ciphers without forward secrecy, are not
    // spoken with.
    let options = &request.options;
    let usual = ring::default_provider();
    let algorithms = usual.signature_verification_algorithms;
    let cipher_suites = ciphers::selected(&options.ciphers).map_err(io::Error::other)?;
    let provider = Arc::new(CryptoProvider { cipher_suites, ..usual });
    let checks: Arc<dyn ServerCertVerifier> = match &request.ca_path {
        _ if !options.validate_certs => Arc::new(Unchecked(algorithms)),
        Some(path) => Arc::new(Checking::given(path, algorithms)?),
        None => Arc::new(Checking::system(&request.trusted, algorithms)),
    };
    let building = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| io::Error::other(said(&e)))?
        .dangerous()
        .with_custom_certificate_verifier(checks);
    let mut config = match &options.client_cert {
        None => building.with_no_client_auth(),
        Some(path) => {
            let (chain, key) = own(path, options.client_key.as_deref())?;
            building
                .with_client_auth_cert(chain, key)
                .map_err(|e| io::Error::other(format!("{}: {}", path.display(), said(&e))))?
        }
    };
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The client's own certificate with its chain, and the key, which may be in the same file.
fn own(
    path: &Path,
    key: Option<&Path>,
) -> io::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let read = |path: &Path| {
        fs::read(path).map_err(|e| io::Error::new(e.kind(), format!("{}: '{}'", words(&e), path.display())))
    };
    let bytes = read(path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes).flatten().collect();
    if chain.is_empty() {
        return Err(io::Error::other(format!("there is no certificate in {}", path.display())));
    }
    let (place, bytes) = match key {
        Some(key) => (key, read(key)?),
        None => (path, bytes),
    };
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        let encrypted = String::from_utf8_lossy(&bytes).contains("ENCRYPTED");
        let what = if encrypted { "the key is encrypted" } else { "there is no private key" };
        io::Error::other(format!("{what} in {}", place.display()))
    })?;
    Ok((chain, key))
}

/// A connection that nobody else can read.
struct Secret(StreamOwned<ClientConnection, Box<dyn Wire>>);

impl Read for Secret {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            // Many servers hang up without a word; how long the answer is says itself, as in Python.
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => Ok(0),
            done => done.map_err(worded),
        }
    }
}

impl Write for Secret {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(worded)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(worded)
    }
}

/// An error of rustls in OpenSSL's words, which playbooks look for.
fn worded(e: io::Error) -> io::Error {
    match e.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(inner) => io::Error::other(said(inner)),
        None => e,
    }
}

fn said(e: &Error) -> String {
    let named = |name: &str, words: &str| format!("[SSL: {name}] {words}");
    match e {
        Error::InvalidCertificate(why) => {
            let why = match why {
                CertificateError::Other(other) => match other.0.downcast_ref::<Refused>() {
                    Some(refused) => refused.0.clone(),
                    None => other.to_string(),
                },
                other => other.to_string(),
            };
            named("CERTIFICATE_VERIFY_FAILED", &format!("certificate verify failed: {why}"))
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            named("WRONG_VERSION_NUMBER", "wrong version number")
        }
        Error::AlertReceived(alert) => {
            let name = alert_name(*alert);
            named(&name, &name.to_lowercase().replace('_', " "))
        }
        other => format!("[SSL] {other}"),
    }
}

/// `BadCertificate` as OpenSSL has it: `SSLV3_ALERT_BAD_CERTIFICATE`.
fn alert_name(alert: AlertDescription) -> String {
    let mut name = String::new();
    for c in format!("{alert:?}").chars() {
        if c.is_ascii_uppercase()
            && !name.is_empty()
            && !name.ends_with(|last: char| last.is_ascii_uppercase() && c == 'A')
        {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    let first = match u8::from(alert) {
        0..=50 if !matches!(u8::from(alert), 21 | 22 | 48..=50) => "SSLV3_ALERT",
        109 | 116 => "TLSV13_ALERT",
        _ => "TLSV1_ALERT",
    };
    format!("{first}_{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_openssls_names() {
        assert_eq!(alert_name(AlertDescription::HandshakeFailure), "SSLV3_ALERT_HANDSHAKE_FAILURE");
        assert_eq!(alert_name(AlertDescription::UnknownCA), "TLSV1_ALERT_UNKNOWN_CA");
        assert_eq!(alert_name(AlertDescription::ProtocolVersion), "TLSV1_ALERT_PROTOCOL_VERSION");
        assert_eq!(alert_name(AlertDescription::CertificateRequired), "TLSV13_ALERT_CERTIFICATE_REQUIRED");
    }
}
