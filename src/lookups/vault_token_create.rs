//! `vault_token_create` (community.hashi_vault): a new token of a HashiCorp Vault.

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::{Map, Value};

use crate::hashicorp::{Answer, Failure, open, quote, warn_of_terms};
use crate::source::options::{Known, known};

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["vault_token_create", "community.hashi_vault.vault_token_create"],
    markers: Markers::Propagate,
    run: vault_token_create,
};

const OWN: &[Known] = &[
    known("orphan"),
    known("no_parent"),
    known("no_default_policy"),
    known("policies"),
    known("id"),
    known("role_name"),
    known("meta"),
    known("renewable"),
    known("ttl"),
    known("type"),
    known("explicit_max_ttl"),
    known("display_name"),
    known("num_uses"),
    known("period"),
    known("entity_alias"),
    known("wrap_ttl").variables(&["ansible_hashi_vault_wrap_ttl"]),
];

fn vault_token_create(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let (client, options) = open(context, arguments, OWN)?;
    warn_of_terms(context, arguments);
    let mut data = Map::default();
    for name in ["id", "meta", "ttl", "type", "explicit_max_ttl", "period", "entity_alias"] {
        if let Some(value) = options.get(name) {
            data.insert(Value::from(name), value.clone());
        }
    }
    let orphan = options.truth("orphan", false)?;
    let mut put = |name: &str, value: Value| drop(data.insert(Value::from(name), value));
    // What Python's client sends, asked or not.
    if !orphan {
        put("no_parent", Value::from(options.truth("no_parent", false)?));
    }
    put("no_default_policy", Value::from(options.truth("no_default_policy", false)?));
    put("renewable", Value::from(options.truth("renewable", true)?));
    put("num_uses", Value::from(options.integer("num_uses")?.unwrap_or(0)));
    put("display_name", Value::from(options.text("display_name", "token")));
    if options.get("policies").is_some() {
        put("policies", Value::list(options.list("policies")));
    }
    let path = match (orphan, options.get("role_name")) {
        (true, _) => "auth/token/create-orphan".to_owned(),
        (false, Some(role)) => format!("auth/token/create/{}", quote(&role.text())),
        (false, None) => "auth/token/create".to_owned(),
    };
    let wrap = options.get("wrap_ttl").map(Value::text);
    match client.post(&path, &Value::map(data), wrap.as_deref()).map_err(Failure::diagnostic)? {
        Answer::Json(answer) => Ok(Value::list(vec![answer.secret()])),
        Answer::Other(_) => Err(Diagnostic::new("wrong answer of a Vault")
            .kind(Kind::Machine)
            .detail("the answer about the new token is no JSON")),
    }
}
