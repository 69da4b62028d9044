//! Fingerprints by every digest that Python always has.

use shake::{ExtendableOutput, Shake128, Shake256, Update};
use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context};
use shevek_value::{Map, Value};

/// Bytes as `00:1f:…`.
pub(crate) fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// All of them by the names of the digests.
pub(crate) fn fingerprints(context: &dyn Context, bytes: &[u8]) -> Result<Value> {
    const KINDS: [&str; 12] = [
        "blake2b", "blake2s", "md5", "sha1", "sha224", "sha256", "sha384", "sha3_224", "sha3_256",
        "sha3_384", "sha3_512", "sha512",
    ];
    let mut out = Map::default();
    for kind in KINDS {
        let positional = vec![Value::bytes(bytes), Value::from(kind)];
        let hex = context.filter("hash", Arguments { positional, ..Arguments::default() })?.text();
        let pairs: Vec<&str> = (0..hex.len() / 2).filter_map(|at| hex.get(2 * at..2 * at + 2)).collect();
        out.insert(Value::from(kind), Value::from(pairs.join(":")));
    }
    let (mut short, mut long) = ([0; 32], [0; 32]);
    let mut hasher = Shake128::default();
    hasher.update(bytes);
    hasher.finalize_xof_into(&mut short);
    let mut hasher = Shake256::default();
    hasher.update(bytes);
    hasher.finalize_xof_into(&mut long);
    out.insert(Value::from("shake_128"), Value::from(colons(&short)));
    out.insert(Value::from("shake_256"), Value::from(colons(&long)));
    Ok(Value::map(out))
}
