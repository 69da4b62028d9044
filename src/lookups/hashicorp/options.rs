//! The options that all lookups of a Vault have.

use shevek_diag::Result;
use shevek_template::plugin::Context;
use shevek_value::Map;

use crate::source::options::{Known, Options, known};

/// The section of `ansible.cfg` that has them.
const SECTION: &str = "hashi_vault_collection";

/// The options of connections and logins, which all lookups have.
const SHARED: &[Known] = &[
    known("url")
        .variables(&["ansible_hashi_vault_url", "ansible_hashi_vault_addr"])
        .environment(&["ANSIBLE_HASHI_VAULT_ADDR"])
        .file(SECTION, "url")
        .at_last(&["VAULT_ADDR"]),
    known("proxies")
        .variables(&["ansible_hashi_vault_proxies"])
        .environment(&["ANSIBLE_HASHI_VAULT_PROXIES"])
        .file(SECTION, "proxies"),
    known("ca_cert")
        .or("cacert")
        .variables(&["ansible_hashi_vault_ca_cert"])
        .environment(&["ANSIBLE_HASHI_VAULT_CA_CERT"])
        .file(SECTION, "ca_cert")
        .at_last(&["VAULT_CACERT"]),
    known("validate_certs").variables(&["ansible_hashi_vault_validate_certs"]),
    known("namespace")
        .variables(&["ansible_hashi_vault_namespace"])
        .environment(&["ANSIBLE_HASHI_VAULT_NAMESPACE"])
        .file(SECTION, "namespace")
        .at_last(&["VAULT_NAMESPACE"]),
    known("timeout")
        .variables(&["ansible_hashi_vault_timeout"])
        .environment(&["ANSIBLE_HASHI_VAULT_TIMEOUT"])
        .file(SECTION, "timeout"),
    known("retries")
        .variables(&["ansible_hashi_vault_retries"])
        .environment(&["ANSIBLE_HASHI_VAULT_RETRIES"])
        .file(SECTION, "retries"),
    known("retry_action")
        .variables(&["ansible_hashi_vault_retry_action"])
        .environment(&["ANSIBLE_HASHI_VAULT_RETRY_ACTION"])
        .file(SECTION, "retry_action"),
    known("auth_method")
        .variables(&["ansible_hashi_vault_auth_method"])
        .environment(&["ANSIBLE_HASHI_VAULT_AUTH_METHOD"])
        .file(SECTION, "auth_method"),
    known("mount_point")
        .variables(&["ansible_hashi_vault_mount_point"])
        .environment(&["ANSIBLE_HASHI_VAULT_MOUNT_POINT"])
        .file(SECTION, "mount_point"),
    known("token")
        .variables(&["ansible_hashi_vault_token"])
        .environment(&["ANSIBLE_HASHI_VAULT_TOKEN"])
        .at_last(&["VAULT_TOKEN"]),
    known("token_path")
        .variables(&["ansible_hashi_vault_token_path"])
        .environment(&["ANSIBLE_HASHI_VAULT_TOKEN_PATH"])
        .file(SECTION, "token_path")
        .at_last(&["HOME"]),
    known("token_file")
        .variables(&["ansible_hashi_vault_token_file"])
        .environment(&["ANSIBLE_HASHI_VAULT_TOKEN_FILE"])
        .file(SECTION, "token_file"),
    known("token_validate")
        .variables(&["ansible_hashi_vault_token_validate"])
        .environment(&["ANSIBLE_HASHI_VAULT_TOKEN_VALIDATE"])
        .file(SECTION, "token_validate"),
    known("username")
        .variables(&["ansible_hashi_vault_username"])
        .environment(&["ANSIBLE_HASHI_VAULT_USERNAME"]),
    known("password")
        .variables(&["ansible_hashi_vault_password"])
        .environment(&["ANSIBLE_HASHI_VAULT_PASSWORD"]),
    known("role_id")
        .variables(&["ansible_hashi_vault_role_id"])
        .environment(&["ANSIBLE_HASHI_VAULT_ROLE_ID"])
        .file(SECTION, "role_id"),
    known("secret_id")
        .variables(&["ansible_hashi_vault_secret_id"])
        .environment(&["ANSIBLE_HASHI_VAULT_SECRET_ID"]),
    known("jwt").environment(&["ANSIBLE_HASHI_VAULT_JWT"]),
    known("cert_auth_public_key")
        .variables(&["ansible_hashi_vault_cert_auth_public_key"])
        .environment(&["ANSIBLE_HASHI_VAULT_CERT_AUTH_PUBLIC_KEY"])
        .file(SECTION, "cert_auth_public_key"),
    known("cert_auth_private_key")
        .variables(&["ansible_hashi_vault_cert_auth_private_key"])
        .environment(&["ANSIBLE_HASHI_VAULT_CERT_AUTH_PRIVATE_KEY"])
        .file(SECTION, "cert_auth_private_key"),
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

/// The options of a call, with those of all lookups.
pub(crate) fn resolve(context: &dyn Context, given: &Map, own: &[Known]) -> Result<Options> {
    Options::resolve(context, given, &[SHARED, own].concat())
}
