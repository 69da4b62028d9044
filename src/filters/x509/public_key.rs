//! Public keys.

use num_bigint::BigInt;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use shevek_diag::{Diagnostic, Result};
use shevek_value::Value;

use super::asn1::{Node, SEQUENCE, nodes, only, unsigned};

/// Curves: number, name, bits.
const CURVES: &[(&str, &str, i64)] = &[
    ("1.2.840.10045.3.1.1", "secp192r1", 192),
    ("1.3.132.0.33", "secp224r1", 224),
    ("1.2.840.10045.3.1.7", "secp256r1", 256),
    ("1.3.132.0.10", "secp256k1", 256),
    ("1.3.132.0.34", "secp384r1", 384),
    ("1.3.132.0.35", "secp521r1", 521),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1", 256),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1", 384),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1", 512),
];

/// The name and the size of a curve.
fn curve(oid: &str) -> Option<(&'static str, i64)> {
    CURVES.iter().find(|(known, ..)| *known == oid).map(|(_, name, bits)| (*name, *bits))
}

/// A key with its algorithm (`SubjectPublicKeyInfo`).
pub(crate) struct PublicKey<'a> {
    pub der: &'a [u8],
    algorithm: Vec<Node<'a>>,
    bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Reads one; `None`: it is damaged.
    pub(crate) fn read(node: Node<'a>) -> Option<Self> {
        match node.inside(SEQUENCE)?.as_slice() {
            [algorithm, bits] => {
                Some(Self { der: node.full, algorithm: algorithm.inside(SEQUENCE)?, bits: bits.bits()? })
            }
            _ => None,
        }
    }

    /// Its type and its numbers; `None`: it is damaged, or of a type that isn't known here.
    pub(crate) fn describe(&self) -> Option<(&'static str, Value)> {
        let nothing = || Value::dict::<&str, Value>([]);
        Some(match self.algorithm.first()?.oid()?.as_str() {
            "1.2.840.113549.1.1.1" => match only(self.bits)?.inside(SEQUENCE)?.as_slice() {
                [modulus, exponent] => ("RSA", rsa(&modulus.number()?, &exponent.number()?)),
                _ => return None,
            },
            "1.2.840.10045.2.1" => {
                let (name, size) = curve(&self.algorithm.get(1)?.oid()?)?;
                // Uncompressed points only: the others would have to be computed.
                let point = self.bits.strip_prefix(&[4])?;
                let (x, y) = point.split_at(point.len() / 2);
                let parts = [
                    ("curve", Value::from(name)),
                    ("x", unsigned(x)),
                    ("y", unsigned(y)),
                    ("exponent_size", Value::from(size)),
                ];
                ("ECC", Value::dict(parts))
            }
            "1.2.840.10040.4.1" => {
                let numbers = self.algorithm.get(1)?.inside(SEQUENCE)?;
                let number = |place: usize| numbers.get(place).and_then(|node| node.number());
                let (p, q, g) = (number(0)?, number(1)?, number(2)?);
                let parts = [
                    ("size", Value::from(p.bits() as i64)),
                    ("p", Value::big(p)),
                    ("q", Value::big(q)),
                    ("g", Value::big(g)),
                    ("y", Value::big(only(self.bits)?.number()?)),
                ];
                ("DSA", Value::dict(parts))
            }
            "1.3.101.110" => ("X25519", nothing()),
            "1.3.101.111" => ("X448", nothing()),
            "1.3.101.112" => ("Ed25519", nothing()),
            "1.3.101.113" => ("Ed448", nothing()),
            _ => return None,
        })
    }

    /// Whether a signature is this key's.
    pub(crate) fn verifies(&self, algorithm: &str, message: &[u8], signed: &[u8]) -> Result<bool> {
        let curve = self.algorithm.get(1).and_then(|node| node.oid()).unwrap_or_default();
        let of_rsa = |usual: &'static dyn VerificationAlgorithm,
                      short: &'static dyn VerificationAlgorithm| {
            let size = only(self.bits)
                .and_then(|key| nodes(key.value))
                .and_then(|parts| Some(parts.first()?.number()?.bits()))
                .unwrap_or(0);
            if size < 2048 { short } else { usual }
        };
        let how: &dyn VerificationAlgorithm = match (algorithm, curve.as_str()) {
            ("1.2.840.113549.1.1.11", _) => of_rsa(
                &signature::RSA_PKCS1_2048_8192_SHA256,
                &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
            ),
            ("1.2.840.113549.1.1.12", _) => &signature::RSA_PKCS1_2048_8192_SHA384,
            ("1.2.840.113549.1.1.13", _) => of_rsa(
                &signature::RSA_PKCS1_2048_8192_SHA512,
                &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
            ),
            ("1.2.840.113549.1.1.5", _) => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
            ("1.2.840.10045.4.3.2", "1.2.840.10045.3.1.7") => &signature::ECDSA_P256_SHA256_ASN1,
            ("1.2.840.10045.4.3.3", "1.2.840.10045.3.1.7") => &signature::ECDSA_P256_SHA384_ASN1,
            ("1.2.840.10045.4.3.2", "1.3.132.0.34") => &signature::ECDSA_P384_SHA256_ASN1,
            ("1.2.840.10045.4.3.3", "1.3.132.0.34") => &signature::ECDSA_P384_SHA384_ASN1,
            ("1.3.101.112", _) => &signature::ED25519,
            _ => {
                return Err(Diagnostic::new("a signature can't be checked").detail(format!(
                    "signatures by {} with this key are not supported",
                    super::names::object(algorithm)
                )));
            }
        };
        Ok(UnparsedPublicKey::new(how, self.bits).verify(message, signed).is_ok())
    }
}

/// The numbers of an RSA key.
fn rsa(modulus: &BigInt, exponent: &BigInt) -> Value {
    Value::dict([
        ("size", Value::from(modulus.bits() as i64)),
        ("modulus", Value::big(modulus.clone())),
        ("exponent", Value::big(exponent.clone())),
    ])
}
