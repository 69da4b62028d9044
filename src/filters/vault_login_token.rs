//! `vault_login_token` (community.hashi_vault): the token in the answer to a login.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::bind;
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["vault_login_token", "community.hashi_vault.vault_login_token"],
    markers: Markers::Propagate,
    run: vault_login_token,
}];

fn vault_login_token(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([answer], [field]) = bind(arguments, ["login_response"], ["optional_field"])?;
    let wrong = |detail: &str| Diagnostic::new("not the answer to a login").detail(detail);
    if answer.as_map().is_none() {
        return Err(wrong("The 'vault_login_token' filter expects a dictionary."));
    }
    let field = field.map_or_else(|| "login".into(), str_of);
    let answer = answer.get(&field).unwrap_or(answer);
    let token = answer.get("auth").and_then(|auth| auth.get("client_token"));
    token.cloned().ok_or_else(|| {
        wrong("Could not find 'auth' or 'auth.client_token' fields. Input may not be a Vault login response.")
    })
}
