//! Logging in to a Vault.

use std::fs;
use std::path::Path;

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_value::{Map, Value};

use super::connection::{Answer, Client, Failure, quote};
use crate::source::options::Options;

/// Logs in as the options say; the answer, or what stands for it (a token needs no login).
pub(crate) fn log_in(client: &mut Client<'_>, options: &Options) -> Result<Value> {
    let method = options.text("auth_method", "token");
    let mount = options.text("mount_point", &method);
    let mount = quote(&mount);
    let need = |names: &[&str]| {
        let missing: Vec<&str> = names.iter().copied().filter(|name| options.get(name).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(wrong(format!(
            "Authentication method {method} requires options {} to be set, but these are missing: {}",
            names.join(", "),
            missing.join(", ")
        )))
    };
    let text = |name: &str| options.get(name).cloned().unwrap_or_default();
    let (path, data) = match method.as_str() {
        "none" => return Ok(Value::NULL),
        "token" => return token(client, options),
        "userpass" | "ldap" => {
            need(&["username", "password"])?;
            let user = quote(&options.text("username", ""));
            (format!("auth/{mount}/login/{user}"), Value::dict([("password", text("password"))]))
        }
        "approle" => {
            need(&["role_id"])?;
            let mut data = vec![("role_id", text("role_id"))];
            if options.get("secret_id").is_some() {
                data.push(("secret_id", text("secret_id")));
            }
            (format!("auth/{mount}/login"), Value::dict(data))
        }
        "jwt" | "gcp" => {
            need(&["role_id", "jwt"])?;
            let data = Value::dict([("role", text("role_id")), ("jwt", text("jwt"))]);
            (format!("auth/{mount}/login"), data)
        }
        "cert" => {
            need(&["cert_auth_public_key", "cert_auth_private_key"])?;
            let file = |name: &str| options.text(name, "");
            client.show_certificate(&file("cert_auth_public_key"), &file("cert_auth_private_key"))?;
            (format!("auth/{mount}/login"), Value::dict([("name", text("role_id"))]))
        }
        "aws_iam" | "azure" => {
            return Err(wrong(format!(
                "the auth_method '{method}' is not supported: it needs the cloud's own way to sign requests"
            ))
            .help("token, userpass, ldap, approle, jwt, gcp, cert and none are"));
        }
        other => {
            let all = "token userpass ldap approle aws_iam azure jwt cert gcp none";
            return Err(
                wrong(format!("'{other}' is no auth_method")).did_you_mean(other, all.split_whitespace())
            );
        }
    };
    let answer = match client.post(&path, &data, None).map_err(Failure::diagnostic)? {
        Answer::Json(answer) => answer,
        Answer::Other(_) => return Err(wrong("the answer to the login is no JSON".to_owned())),
    };
    let token = answer.get("auth").and_then(|auth| auth.get("client_token")).and_then(Value::as_str);
    match token {
        Some(token) => client.use_token(token),
        None => return Err(wrong("the answer to the login has no token".to_owned())),
    }
    Ok(answer)
}

fn token(client: &mut Client<'_>, options: &Options) -> Result<Value> {
    let token = match options.get("token") {
        Some(token) => token.text(),
        None => token_of_file(options)?
            .ok_or_else(|| wrong("No Vault Token specified or discovered.".to_owned()))?,
    };
    client.use_token(&token);
    let mut auth = Map::default();
    auth.insert(Value::from("client_token"), Value::from(token));
    let mut out = Map::default();
    out.insert(Value::from("auth"), Value::NULL);
    if options.truth("token_validate", false)? {
        match client.get("auth/token/lookup-self", &[]) {
            Ok(Answer::Json(answer)) => {
                let data = answer.get("data").and_then(Value::as_map);
                for (key, value) in data.into_iter().flatten() {
                    match key.as_str() {
                        Some("meta") if value.is_null() => {}
                        Some("meta") => drop(auth.insert(Value::from("metadata"), value.clone())),
                        _ => drop(auth.insert(key.clone(), value.clone())),
                    }
                }
                out.extend(answer.as_map().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
            }
            Ok(Answer::Other(_)) => {}
            Err(Failure::Status { code: 400 | 403 | 404, .. }) => {
                return Err(wrong("Invalid Vault Token Specified.".to_owned()));
            }
            Err(failure) => return Err(failure.diagnostic()),
        }
    }
    out.insert(Value::from("auth"), Value::map(auth));
    Ok(Value::map(out))
}

fn token_of_file(options: &Options) -> Result<Option<String>> {
    let Some(folder) = options.get("token_path") else { return Ok(None) };
    let path = Path::new(&folder.text()).join(options.text("token_file", ".vault-token"));
    if !path.exists() {
        return Ok(None);
    }
    if !path.is_file() {
        return Err(wrong(format!("The Vault token file '{}' was found but is not a file.", path.display())));
    }
    let text = fs::read_to_string(&path)
        .map_err(|error| wrong(format!("{} can't be read: {error}", path.display())))?;
    Ok(Some(text.trim().to_owned()))
}

fn wrong(detail: String) -> Box<Diagnostic> {
    Diagnostic::new("can't log in to a Vault").kind(Kind::Machine).detail(detail)
}
