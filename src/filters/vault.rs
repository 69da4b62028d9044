//! `vault` and `unvault`: text encrypted and decrypted with a password of one's own.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;
use shevek_vault::{Matching, Password, Vault, is_encrypted};

use shevek_python::arguments::{bind, given};
use shevek_python::bytes::bytes_of;
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["vault"], markers: Markers::Propagate, run: vault },
    Filter { names: &["unvault"], markers: Markers::Propagate, run: unvault },
];

fn password(secret: &Value) -> Result<Password> {
    if !matches!(secret.type_name(), "str" | "bytes") {
        return Err(Diagnostic::new("not a password").detail(format!(
            "Secret passed is required to be a string, instead we got {}.",
            secret.type_name()
        )));
    }
    Password::new(&bytes_of(secret)).ok_or_else(|| Diagnostic::new("not a password").detail("it is empty"))
}

fn vault(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data, secret], [salt, id, wrap, old_id]) =
        bind(arguments, ["data", "secret"], ["salt", "vault_id", "wrap_object", "vaultid"])?;
    let password = password(secret)?;
    if !matches!(data.type_name(), "str" | "bytes") {
        return Err(Diagnostic::new("only text can be encrypted")
            .detail(format!("Can only vault strings, instead we got {}.", data.type_name())));
    }
    let id = given(id).or(given(old_id)).map_or_else(|| "filter_default".into(), str_of);
    let salt = given(salt).map(bytes_of);
    let text = password.encrypt(&bytes_of(data), Some(&id), salt.as_deref());
    if wrap.is_some_and(Value::is_true) {
        // Differs from Ansible: the object that it wraps text in is its text wherever it is used; so it is that here.
        return Ok(data.clone().secret());
    }
    Ok(Value::from(text))
}

fn unvault(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([vault, secret], [id, old_id]) = bind(arguments, ["vault", "secret"], ["vault_id", "vaultid"])?;
    let password = password(secret)?;
    if !matches!(vault.type_name(), "str" | "bytes") {
        return Err(Diagnostic::new("not a vault").detail(format!(
            "Vault should be in the form of a string, instead we got {}.",
            vault.type_name()
        )));
    }
    let text = str_of(vault);
    if !is_encrypted(text.as_bytes()) {
        return Ok(vault.clone());
    }
    let id = given(id).or(given(old_id)).map_or_else(|| "filter_default".into(), str_of);
    let keyring = Vault::new(vec![(id.into_owned(), password)], Matching::default());
    let plain = keyring.decrypt_text(&text)?;
    Ok(Value::from(plain.as_str()).secret())
}
