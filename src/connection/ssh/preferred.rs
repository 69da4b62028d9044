//! Which algorithms are offered.

use std::borrow::Cow;

use russh::Preferred;
use russh::cipher::{self, Name as Cipher};
use russh::kex::Name as Kex;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::mac::Name as Mac;

use crate::target::Algorithms;

/// AES-GCM first: it is the fastest wherever there are AES instructions.
const CIPHERS: &[Cipher] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// Host keys: SHA-1 signatures (`ssh-rsa`) only where they were asked for.
fn host_keys() -> Vec<Algorithm> {
    vec![
        Algorithm::Ed25519,
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ]
}

/// The lists to offer. `known` are the types of key that the host is known by (`ssh-ed25519`, `ssh-rsa`, …): they come
/// first, so that the server shows a key that can be checked. A list that was asked for holds only names that
/// [`unknown`] has nothing against.
pub(super) fn preferred(
    asked: &Algorithms,
    known: &[String],
    compression: bool,
    certificates: bool,
) -> Preferred {
    let mut preferred = Preferred { cipher: Cow::Borrowed(CIPHERS), ..Preferred::DEFAULT };
    if let Some(names) = &asked.kex {
        let extensions =
            preferred.kex.iter().filter(|name| is_extension(name.as_ref())).copied().collect::<Vec<_>>();
        let chosen = names.iter().filter_map(|name| Kex::try_from(name.as_str()).ok());
        preferred.kex = Cow::Owned(chosen.chain(extensions).collect());
    }
    if let Some(names) = &asked.ciphers {
        preferred.cipher =
            Cow::Owned(names.iter().filter_map(|name| Cipher::try_from(name.as_str()).ok()).collect());
    }
    if let Some(names) = &asked.macs {
        preferred.mac =
            Cow::Owned(names.iter().filter_map(|name| Mac::try_from(name.as_str()).ok()).collect());
    }
    let mut keys = match &asked.host_key {
        Some(names) => names.iter().filter_map(|name| host_key(name)).collect(),
        None => host_keys(),
    };
    keys.sort_by_key(|key| !known.iter().any(|known| is_of_type(key, known)));
    if certificates {
        preferred.host_key_certificates = Cow::Owned(keys.clone());
    }
    preferred.key = Cow::Owned(keys);
    if compression {
        preferred.compression = Cow::Borrowed(&[
            russh::compression::ZLIB,
            russh::compression::ZLIB_LEGACY,
            russh::compression::NONE,
        ]);
    }
    preferred
}

fn is_extension(name: &str) -> bool {
    name.starts_with("ext-info-") || name.starts_with("kex-strict-")
}

fn host_key(name: &str) -> Option<Algorithm> {
    let name = name.replace("-cert-v01@openssh.com", "");
    Algorithm::new(&name).ok().filter(|algorithm| !matches!(algorithm, Algorithm::Other(_)))
}

/// `known_hosts` calls all RSA keys `ssh-rsa`, whatever they sign with.
fn is_of_type(algorithm: &Algorithm, key_type: &str) -> bool {
    if matches!(algorithm, Algorithm::Rsa { .. }) {
        key_type == "ssh-rsa"
    } else {
        algorithm.as_str() == key_type
    }
}

/// The default lists, for `+name`, `-name` and `^name` to start from.
pub(crate) fn default_names(list: List) -> Vec<String> {
    match list {
        List::Kex => Preferred::DEFAULT
            .kex
            .iter()
            .map(|n| n.as_ref().to_owned())
            .filter(|n| !is_extension(n))
            .collect(),
        List::Ciphers => CIPHERS.iter().map(|n| n.as_ref().to_owned()).collect(),
        List::Macs => Preferred::DEFAULT.mac.iter().map(|n| n.as_ref().to_owned()).collect(),
        List::HostKeys => host_keys().iter().map(|a| a.as_str().to_owned()).collect(),
    }
}

/// Whether a name of a list is one that this program has.
pub(crate) fn is_supported(list: List, name: &str) -> bool {
    match list {
        List::Kex => Kex::try_from(name).is_ok(),
        List::Ciphers => Cipher::try_from(name).is_ok(),
        List::Macs => Mac::try_from(name).is_ok(),
        List::HostKeys => host_key(name).is_some(),
    }
}

/// The lists of algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// `KexAlgorithms`.
    Kex,
    /// `HostKeyAlgorithms`.
    HostKeys,
    /// `Ciphers`.
    Ciphers,
    /// `MACs`.
    Macs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_known_come_first() {
        let preferred = preferred(&Algorithms::default(), &["ssh-rsa".to_owned()], false, false);
        assert_eq!(preferred.key[0].as_str(), "rsa-sha2-512");
        assert_eq!(preferred.key[2].as_str(), "ssh-ed25519");
        assert!(preferred.key.iter().all(|key| key.as_str() != "ssh-rsa"));
    }

    #[test]
    fn a_list_that_was_asked_for_replaces_the_default_and_keeps_strict_key_exchange() {
        let asked =
            Algorithms { kex: Some(vec!["diffie-hellman-group14-sha1".into()]), ..Algorithms::default() };
        let preferred = preferred(&asked, &[], false, false);
        let names: Vec<&str> = preferred.kex.iter().map(AsRef::as_ref).collect();
        assert_eq!(names[0], "diffie-hellman-group14-sha1");
        assert!(names[1..].iter().all(|name| is_extension(name)));
        assert!(names.contains(&"kex-strict-c-v00@openssh.com"));
    }
}
