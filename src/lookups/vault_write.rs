//! `vault_write` (community.hashi_vault): writes to paths of a HashiCorp Vault.

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::{Map, Value};

use crate::hashicorp::{Answer, Failure, each, forbidden, open};
use crate::source::options::{Known, known};

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["vault_write", "community.hashi_vault.vault_write"],
    markers: Markers::Propagate,
    run: vault_write,
};

const OWN: &[Known] = &[known("data"), known("wrap_ttl").variables(&["ansible_hashi_vault_wrap_ttl"])];

fn vault_write(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let (client, options) = open(context, arguments, OWN)?;
    let data = options.get("data").cloned().unwrap_or_else(|| Value::map(Map::default()));
    let wrap = options.get("wrap_ttl").map(Value::text);
    let wrong =
        |detail: String| Diagnostic::new("a path can't be written").kind(Kind::Machine).detail(detail);
    each(arguments, "vault_write", |path| match client.post(path, &data, wrap.as_deref()) {
        Ok(Answer::Json(answer)) => Ok(answer),
        Ok(Answer::Other(text)) if text.is_empty() => Ok(Value::map(Map::default())),
        Ok(Answer::Other(text)) => {
            context.warn(
                Diagnostic::new("wrong answer of a Vault").detail("Vault returned an unparsable body."),
            );
            Ok(Value::from(text))
        }
        Err(Failure::Status { code: 404, .. }) => {
            Err(wrong(format!("The path '{path}' doesn't seem to exist.")))
        }
        Err(failure) => Err(forbidden(failure, path)),
    })
}
