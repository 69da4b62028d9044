//! `hash`, `md5`, `sha1`, `checksum`: digests of text.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;
use shevek_python::bytes::bytes_of;
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["hash"], markers: Markers::Propagate, run: hash },
    Filter { names: &["md5"], markers: Markers::Propagate, run: |_, a| of_one(a, "md5") },
    Filter { names: &["sha1", "checksum"], markers: Markers::Propagate, run: |_, a| of_one(a, "sha1") },
];

fn hash(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data], [kind]) = bind(arguments, ["data"], ["hashtype"])?;
    let kind = kind.map_or_else(|| "sha1".into(), str_of);
    digest(&kind, &bytes_of(data)).map(Value::from)
}

fn of_one(arguments: &Arguments, kind: &str) -> Result<Value> {
    let ([data], []) = bind(arguments, ["data"], [])?;
    digest(kind, &bytes_of(data)).map(Value::from)
}

const KINDS: [&str; 13] = [
    "md5",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "sha512_224",
    "sha512_256",
    "sha3_224",
    "sha3_256",
    "sha3_384",
    "sha3_512",
    "blake2b",
];

/// A digest as hexadecimal digits.
fn digest(kind: &str, bytes: &[u8]) -> Result<String> {
    Ok(match kind.to_ascii_lowercase().replace('-', "_").as_str() {
        "md5" => hex::encode(md5::Md5::digest(bytes)),
        "sha1" => hex::encode(sha1::Sha1::digest(bytes)),
        "sha224" => hex::encode(Sha224::digest(bytes)),
        "sha256" => hex::encode(Sha256::digest(bytes)),
        "sha384" => hex::encode(Sha384::digest(bytes)),
        "sha512" => hex::encode(Sha512::digest(bytes)),
        "sha512_224" => hex::encode(Sha512_224::digest(bytes)),
        "sha512_256" => hex::encode(Sha512_256::digest(bytes)),
        "sha3_224" => hex::encode(sha3::Sha3_224::digest(bytes)),
        "sha3_256" => hex::encode(sha3::Sha3_256::digest(bytes)),
        "sha3_384" => hex::encode(sha3::Sha3_384::digest(bytes)),
        "sha3_512" => hex::encode(sha3::Sha3_512::digest(bytes)),
        "blake2b" => hex::encode(blake2::Blake2b512::digest(bytes)),
        "blake2s" => hex::encode(blake2::Blake2s256::digest(bytes)),
        _ => {
            return Err(Diagnostic::new("unknown kind of hash")
                .detail(format!("unsupported hash type {kind}"))
                .did_you_mean(kind, KINDS));
        }
    })
}
