//! Where the options of a lookup come from: the call, variables, the environment, `ansible.cfg`'s defaults.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context};
use shevek_value::{Map, Value};

use crate::source::options::Options;

/// One option: where it is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    name: &'static str,
    alias: Option<&'static str>,
    variables: &'static [&'static str],
    environment: &'static [&'static str],
}

/// An option that only a call can give.
pub(crate) const fn known(name: &'static str) -> Known {
    Known { name, alias: None, variables: &[], environment: &[] }
}

impl Known {
    /// Another name for it.
    pub(crate) const fn or(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }

    /// Variables that give it; the last that is set counts.
    pub(crate) const fn variables(self, variables: &'static [&'static str]) -> Self {
        Self { variables, ..self }
    }

    /// What gives it in the environment; the first that is set counts.
    const fn environment(self, environment: &'static [&'static str]) -> Self {
        Self { environment, ..self }
    }
}

/// The options of connections and logins, which all lookups have.
const SHARED: &[Known] = &[
    known("url")
        .variables(&["ansible_hashi_vault_url", "ansible_hashi_vault_addr"])
        .environment(&["ANSIBLE_HASHI_VAULT_ADDR", "VAULT_ADDR"]),
    known("proxies")
        .variables(&["ansible_hashi_vault_proxies"])
        .environment(&["ANSIBLE_HASHI_VAULT_PROXIES"]),
    known("ca_cert")
        .or("cacert")
        .variables(&["ansible_hashi_vault_ca_cert"])
        .environment(&["ANSIBLE_HASHI_VAULT_CA_CERT", "VAULT_CACERT"]),
    known("validate_certs").variables(&["ansible_hashi_vault_validate_certs"]),
    known("namespace")
        .variables(&["ansible_hashi_vault_namespace"])
        .environment(&["ANSIBLE_HASHI_VAULT_NAMESPACE", "VAULT_NAMESPACE"]),
    known("timeout")
        .variables(&["ansible_hashi_vault_timeout"])
        .environment(&["ANSIBLE_HASHI_VAULT_TIMEOUT"]),
    known("retries")
        .variables(&["ansible_hashi_vault_retries"])
        .environment(&["ANSIBLE_HASHI_VAULT_RETRIES"]),
    known("retry_action")
        .variables(&["ansible_hashi_vault_retry_action"])
        .environment(&["ANSIBLE_HASHI_VAULT_RETRY_ACTION"]),
    known("auth_method")
        .variables(&["ansible_hashi_vault_auth_method"])
        .environment(&["ANSIBLE_HASHI_VAULT_AUTH_METHOD"]),
    known("mount_point")
        .variables(&["ansible_hashi_vault_mount_point"])
        .environment(&["ANSIBLE_HASHI_VAULT_MOUNT_POINT"]),
    known("token")
        .variables(&["ansible_hashi_vault_token"])
        .environment(&["ANSIBLE_HASHI_VAULT_TOKEN", "VAULT_TOKEN"]),
    known("token_path")
        .variables(&["ansible_hashi_vault_token_path"])
        .environment(&["ANSIBLE_HASHI_VAULT_TOKEN_PATH", "HOME"]),
    known("token_file")
        .variables(&["ansible_hashi_vault_token_file"])
        .environment(&["ANSIBLE_HASHI_VAULT_TOKEN_FILE"]),
    known("token_validate")
        .variables(&["ansible_hashi_vault_token_validate"])
        .environment(&["ANSIBLE_HASHI_VAULT_TOKEN_VALIDATE"]),
    known("username")
        .variables(&["ansible_hashi_vault_username"])
        .environment(&["ANSIBLE_HASHI_VAULT_USERNAME"]),
    known("password")
        .variables(&["ansible_hashi_vault_password"])
        .environment(&["ANSIBLE_HASHI_VAULT_PASSWORD"]),
    known("role_id")
        .variables(&["ansible_hashi_vault_role_id"])
        .environment(&["ANSIBLE_HASHI_VAULT_ROLE_ID"]),
    known("secret_id")
        .variables(&["ansible_hashi_vault_secret_id"])
        .environment(&["ANSIBLE_HASHI_VAULT_SECRET_ID"]),
    known("jwt").environment(&["ANSIBLE_HASHI_VAULT_JWT"]),
    known("cert_auth_public_key")
        .variables(&["ansible_hashi_vault_cert_auth_public_key"])
        .environment(&["ANSIBLE_HASHI_VAULT_CERT_AUTH_PUBLIC_KEY"]),
    known("cert_auth_private_key")
        .variables(&["ansible_hashi_vault_cert_auth_private_key"])
        .environment(&["ANSIBLE_HASHI_VAULT_CERT_AUTH_PRIVATE_KEY"]),
    // Of the ways to log in that are refused by name.
    known("aws_profile").or("boto_profile"),
    known("aws_access_key").or("aws_access_key_id"),
    known("aws_secret_key").or("aws_secret_access_key"),
    known("aws_security_token"),
    known("region"),
    known("aws_iam_server_id"),
    known("azure_tenant_id"),
    known("azure_client_id"),
    known("azure_client_secret"),
    known("azure_resource"),
];

/// The options of a call with what variables and the environment give for those that it leaves out.
// Differs from Ansible: the section hashi_vault_collection of ansible.cfg is not read; its settings can be given as
// variables or in the environment.
pub(crate) fn resolve(context: &dyn Context, given: &Map, extra: &[Known]) -> Result<Options> {
    let all = || SHARED.iter().chain(extra);
    let names: Vec<&str> = all().flat_map(|known| [Some(known.name), known.alias]).flatten().collect();
    let checked = Options::new(&Arguments { positional: Vec::new(), named: given.clone() }, &names)?;
    let mut out = Map::default();
    for known in all() {
        let here = checked.get(known.name).or_else(|| checked.get(known.alias?)).cloned();
        let value = match here {
            Some(value) => Some(value),
            None => match variable(context, known.variables)? {
                Some(value) => Some(value),
                None => known.environment.iter().find_map(|name| std::env::var(name).ok()).map(Value::from),
            },
        };
        if let Some(value) = value {
            out.insert(Value::from(known.name), value);
        }
    }
    Options::new(&Arguments { positional: Vec::new(), named: out }, &names)
}

fn variable(context: &dyn Context, names: &[&str]) -> Result<Option<Value>> {
    for name in names.iter().rev() {
        if let Some(value) = context.scope().get(name)? {
            return Ok(Some(context.render(&value)?).filter(|value| !value.is_null()));
        }
    }
    Ok(None)
}
