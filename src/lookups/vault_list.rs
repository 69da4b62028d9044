//! `vault_list` (community.hashi_vault): what a HashiCorp Vault lists at a path.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::hashicorp::{each, must_exist, open};

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["vault_list", "community.hashi_vault.vault_list"],
    markers: Markers::Propagate,
    run: vault_list,
};

fn vault_list(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let (client, _) = open(context, arguments, &[])?;
    each(arguments, "vault_list", |path| must_exist(client.list(path), path))
}
