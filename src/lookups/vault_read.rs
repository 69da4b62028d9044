//! `vault_read` (community.hashi_vault): what a HashiCorp Vault has at a path.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::hashicorp::{each, must_exist, open};

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["vault_read", "community.hashi_vault.vault_read"],
    markers: Markers::Propagate,
    run: vault_read,
};

fn vault_read(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let (client, _) = open(context, arguments, &[])?;
    each(arguments, "vault_read", |path| must_exist(client.get(path, &[]), path))
}
