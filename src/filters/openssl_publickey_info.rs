//! `openssl_publickey_info`, `openssl_privatekey_info` (community.crypto): the numbers and fingerprints of keys.

use ring::signature::{Ed25519KeyPair, KeyPair};
use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, flag, given};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use crate::x509::asn1::{BITS, Node, OCTETS, OID, SEQUENCE, element, only, unsigned};
use crate::x509::fingerprints::fingerprints;
use crate::x509::public_key::PublicKey;
use crate::x509::{content, pem, unreadable};

pub(crate) const FILTERS: &[Filter] = &[
    Filter {
        names: &["community.crypto.openssl_publickey_info", "openssl_publickey_info"],
        markers: Markers::Propagate,
        run: openssl_publickey_info,
    },
    Filter {
        names: &["community.crypto.openssl_privatekey_info", "openssl_privatekey_info"],
        markers: Markers::Propagate,
        run: openssl_privatekey_info,
    },
];

fn openssl_publickey_info(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data], []) = bind(arguments, ["data"], [])?;
    let bytes = content(data, "openssl_publickey_info")?;
    let wrong = || unreadable("public key in PEM").at_maybe(data.origin(), "");
    let (_, der) = pem::first(&bytes, &["PUBLIC KEY"]).ok_or_else(wrong)?;
    let key = only(&der).and_then(PublicKey::read).ok_or_else(wrong)?;
    let (kind, numbers) = key.describe().ok_or_else(wrong)?;
    Ok(Value::dict([
        ("fingerprints", fingerprints(context, key.der)?),
        ("type", Value::from(kind)),
        ("public_data", numbers),
    ]))
}

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const CURVES: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

fn openssl_privatekey_info(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data], [passphrase, with_private]) =
        bind(arguments, ["data"], ["passphrase", "return_private_key_data"])?;
    let bytes = content(data, "openssl_privatekey_info")?;
    let wrong = || unreadable("private key in PEM").at_maybe(data.origin(), "");
    let names = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"];
    let (name, der) = pem::first(&bytes, &names).ok_or_else(wrong)?;
    let encrypted = name == "ENCRYPTED PRIVATE KEY" || bytes.windows(10).any(|part| part == b"Proc-Type:");
    if encrypted {
        return Err(Diagnostic::new("an encrypted key")
            .detail("openssl_privatekey_info cannot open keys that are encrypted with a passphrase")
            .help("decrypt it with `openssl pkey`, or use the module of the same name"));
    }
    if given(passphrase).is_some() {
        return Err(Diagnostic::new("wrong passphrase").detail("the key is not encrypted"));
    }
    let key = PrivateKey::read(&name, &der).ok_or_else(|| {
        unreadable("private key that is understood: RSA, ECC with its public key, and Ed25519 are")
            .at_maybe(data.origin(), "")
    })?;
    let public = only(&key.public).and_then(PublicKey::read).ok_or_else(wrong)?;
    let (kind, numbers) = public.describe().ok_or_else(wrong)?;
    let mut out = vec![
        ("public_key", Value::from(pem::write("PUBLIC KEY", public.der))),
        ("public_key_fingerprints", fingerprints(context, public.der)?),
        ("type", Value::from(kind)),
        ("public_data", numbers),
    ];
    if flag(with_private) {
        out.push(("private_data", key.private.secret()));
    }
    Ok(Value::dict(out))
}

struct PrivateKey {
    /// As `SubjectPublicKeyInfo`.
    public: Vec<u8>,
    private: Value,
}

impl PrivateKey {
    fn read(name: &str, der: &[u8]) -> Option<Self> {
        let parts = only(der)?.inside(SEQUENCE)?;
        match name {
            "RSA PRIVATE KEY" => Self::rsa(&parts),
            "EC PRIVATE KEY" => {
                let curve = parts.iter().find(|node| node.tag == 0xa0)?.value;
                Self::ecc(&parts, curve)
            }
            _ => {
                let [_, algorithm, key, ..] = parts.as_slice() else { return None };
                let algorithm = algorithm.inside(SEQUENCE)?;
                let kind = algorithm.first().filter(|node| node.tag == OID)?.value;
                let key = Some(key.value).filter(|_| key.tag == OCTETS)?;
                match kind {
                    RSA => Self::rsa(&only(key)?.inside(SEQUENCE)?),
                    CURVES => Self::ecc(&only(key)?.inside(SEQUENCE)?, algorithm.get(1)?.full),
                    ED25519 => {
                        let pair = Ed25519KeyPair::from_seed_unchecked(only(key)?.value).ok()?;
                        let public = info(&element(OID, ED25519), pair.public_key().as_ref());
                        Some(Self { public, private: Value::dict::<&str, Value>([]) })
                    }
                    _ => None,
                }
            }
        }
    }

    fn rsa(parts: &[Node<'_>]) -> Option<Self> {
        let [_, modulus, public, private, p, q, ..] = parts else { return None };
        let both = [modulus.full, public.full].concat();
        let algorithm = [element(OID, RSA), element(0x05, &[])].concat();
        let number = |node: &Node<'_>| node.number().map(Value::big);
        let private = [("p", number(p)?), ("q", number(q)?), ("exponent", number(private)?)];
        Some(Self { public: info(&algorithm, &element(SEQUENCE, &both)), private: Value::dict(private) })
    }

    fn ecc(parts: &[Node<'_>], curve: &[u8]) -> Option<Self> {
        let secret = parts.get(1).filter(|node| node.tag == OCTETS)?.value;
        let point = only(parts.iter().find(|node| node.tag == 0xa1)?.value)?.bits()?;
        let algorithm = [&element(OID, CURVES)[..], curve].concat();
        let private = Value::dict([("multiplier", unsigned(secret))]);
        Some(Self { public: info(&algorithm, point), private })
    }
}

fn info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let bits = element(BITS, &[&[0], key].concat());
    element(SEQUENCE, &[element(SEQUENCE, algorithm), bits].concat())
}
