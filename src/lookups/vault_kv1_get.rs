//! `vault_kv1_get` (community.hashi_vault): secrets of a key-value store, version 1.

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::hashicorp::{Answer, Failure, each, open, quote};
use crate::source::options::{Known, known};

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["vault_kv1_get", "community.hashi_vault.vault_kv1_get"],
    markers: Markers::Propagate,
    run: vault_kv1_get,
};

const OWN: &[Known] = &[known("engine_mount_point").variables(&["ansible_hashi_vault_engine_mount_point"])];

fn vault_kv1_get(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let (client, options) = open(context, arguments, OWN)?;
    let mount = quote(&options.text("engine_mount_point", "kv"));
    let wrong = |detail: String| Diagnostic::new("a secret can't be had").kind(Kind::Machine).detail(detail);
    each(arguments, "vault_kv1_get", |path| {
        let raw = match client.get(&format!("{mount}/{}", quote(path)), &[]) {
            Ok(Answer::Json(raw)) => raw,
            Ok(Answer::Other(_)) => return Err(wrong(format!("the answer about ['{path}'] is no JSON"))),
            Err(Failure::Status { code: 403, .. }) => {
                return Err(wrong(format!("Forbidden: Permission Denied to path ['{path}'].")));
            }
            Err(Failure::Status { code: 404, errors, .. }) => {
                let versioned = "Invalid path for a versioned K/V secrets engine";
                let is_versioned = errors.iter().any(|error| error.contains(versioned));
                return Err(if is_versioned {
                    wrong(format!("{versioned} ['{path}']."))
                        .help("if this is a KV version 2 path, use community.hashi_vault.vault_kv2_get")
                } else {
                    wrong(format!("Invalid or missing path ['{path}']."))
                });
            }
            Err(failure) => return Err(failure.diagnostic()),
        };
        let mut metadata = raw.as_map().cloned().unwrap_or_default();
        let data = metadata.shift_remove("data").unwrap_or_default();
        Ok(Value::dict([
            ("raw", raw),
            ("data", data.clone()),
            ("secret", data),
            ("metadata", Value::map(metadata)),
        ]))
    })
}
