//! `vault_kv2_get` (community.hashi_vault): secrets of a key-value store, version 2.

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::hashicorp::{Answer, Failure, each, open, quote};
use crate::source::options::{Known, known};

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["vault_kv2_get", "community.hashi_vault.vault_kv2_get"],
    markers: Markers::Propagate,
    run: vault_kv2_get,
};

const OWN: &[Known] =
    &[known("engine_mount_point").variables(&["ansible_hashi_vault_engine_mount_point"]), known("version")];

fn vault_kv2_get(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let (client, options) = open(context, arguments, OWN)?;
    let mount = quote(&options.text("engine_mount_point", "secret"));
    let version = options.integer("version")?.map(|version| version.to_string());
    let wrong = |detail: String| Diagnostic::new("a secret can't be had").kind(Kind::Machine).detail(detail);
    each(arguments, "vault_kv2_get", |path| {
        let query: Vec<(&str, String)> = version.iter().map(|version| ("version", version.clone())).collect();
        let raw = match client.get(&format!("{mount}/data/{}", quote(path)), &query) {
            Ok(Answer::Json(raw)) => raw,
            Ok(Answer::Other(_)) => return Err(wrong(format!("the answer about ['{path}'] is no JSON"))),
            Err(Failure::Status { code: 403, .. }) => {
                return Err(wrong(format!("Forbidden: Permission Denied to path ['{path}'].")));
            }
            Err(Failure::Status { code: 404, .. }) => {
                let version = version.as_deref().unwrap_or("latest");
                return Err(wrong(format!(
                    "Invalid or missing path ['{path}'] with secret version '{version}'. Check the path or secret version."
                )));
            }
            Err(failure) => return Err(failure.diagnostic()),
        };
        let data = raw.get("data").cloned().unwrap_or_default();
        let part = |name: &str| {
            data.get(name).cloned().ok_or_else(|| {
                wrong(format!("the answer about ['{path}'] has no {name}"))
                    .help("a KV version 1 path is for community.hashi_vault.vault_kv1_get")
            })
        };
        let (secret, metadata) = (part("data")?, part("metadata")?);
        Ok(Value::dict([("raw", raw), ("data", data), ("secret", secret), ("metadata", metadata)]))
    })
}
