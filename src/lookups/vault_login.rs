//! `vault_login` (community.hashi_vault): a login to a HashiCorp Vault.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::hashicorp::{Client, log_in, resolve, warn_of_terms};

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["vault_login", "community.hashi_vault.vault_login"],
    markers: Markers::Propagate,
    run: vault_login,
};

fn vault_login(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    // Only a look at the token gives more than the token itself.
    let options = resolve(context, &arguments.named, &[])?.or("token_validate", Value::from(true));
    if options.text("auth_method", "token") == "none" {
        return Err(Diagnostic::new("wrong option of a lookup")
            .detail("The 'none' auth method is not valid for this lookup."));
    }
    let mut client = Client::new(context, &options)?;
    warn_of_terms(context, arguments);
    Ok(Value::list(vec![log_in(&mut client, &options)?.secret()]))
}
