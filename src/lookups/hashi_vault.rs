//! `hashi_vault` (community.hashi_vault): secrets of a HashiCorp Vault, by the path and field.

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::hashicorp::{Answer, Client, Failure, log_in, resolve};
use crate::source::options::{Known, known, term};

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["hashi_vault", "community.hashi_vault.hashi_vault"],
    markers: Markers::Propagate,
    run: hashi_vault,
};

const OWN: &[Known] = &[known("secret"), known("return_format").or("as")];

fn hashi_vault(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let mut out = Vec::new();
    for value in &arguments.positional {
        let mut given = arguments.named.clone();
        for (name, value) in pairs(term(value, "hashi_vault")?)? {
            given.insert(Value::from(name), Value::from(value));
        }
        let options = resolve(context, &given, OWN)?;
        let mut client = Client::new(context, &options)?;
        log_in(&mut client, &options)?;
        let secret = options.get("secret").map(Value::text);
        let secret = secret.ok_or_else(|| {
            Diagnostic::new("missing option of a lookup").detail("hashi_vault needs the path of a secret")
        })?;
        out.extend(read(&client, &secret, &options.text("return_format", "dict"))?);
    }
    Ok(Value::list(out.into_iter().map(Value::secret).collect()))
}

/// The words of a term; the first may be the path alone.
fn pairs(text: &str) -> Result<Vec<(&str, &str)>> {
    let wrong = |detail: String| Diagnostic::new("wrong term of a lookup").detail(detail);
    let mut out: Vec<(&str, &str)> = Vec::new();
    for (place, word) in text.split_whitespace().enumerate() {
        let (name, value) = match word.split_once('=') {
            Some(pair) => pair,
            None if place == 0 => ("secret", word),
            None => {
                // The term itself may hold a token, so it isn't shown.
                return Err(wrong("hashi_vault lookup plugin needs key=value pairs".to_owned()));
            }
        };
        if out.iter().any(|(known, _)| *known == name) {
            return Err(wrong(format!("Duplicate key '{name}' in the term string.")));
        }
        out.push((name, value));
    }
    Ok(out)
}

fn read(client: &Client<'_>, secret: &str, form: &str) -> Result<Vec<Value>> {
    let wrong = |detail: String| Diagnostic::new("a secret can't be had").kind(Kind::Machine).detail(detail);
    let (path, field) = match secret.rsplit_once(':') {
        Some((path, field)) => (path, Some(field).filter(|field| !field.is_empty())),
        None => (secret, None),
    };
    if !matches!(form, "dict" | "values" | "raw") {
        return Err(
            wrong(format!("return_format can't be '{form}'")).did_you_mean(form, ["dict", "values", "raw"])
        );
    }
    let answer = match client.get(path, &[]) {
        Ok(Answer::Json(answer)) => answer,
        Ok(Answer::Other(_)) => return Err(wrong(format!("what the Vault says about '{path}' is no JSON"))),
        Err(Failure::Status { code: 404, .. }) => {
            return Err(wrong(format!("The secret '{path}' doesn't seem to exist.")));
        }
        Err(Failure::Status { code: 403, .. }) => {
            return Err(wrong(format!("Forbidden: Permission Denied to secret '{path}'.")));
        }
        Err(failure) => return Err(failure.diagnostic()),
    };
    if form == "raw" {
        return Ok(vec![answer]);
    }
    let outer = answer.get("data");
    // Version 2 of the key-value store has its data with metadata beside it.
    let versioned = outer.filter(|outer| outer.get("data").is_some() && outer.get("metadata").is_some());
    let data = versioned.and_then(|outer| outer.get("data")).or(outer);
    let Some(map) = data.and_then(Value::as_map) else {
        return Err(wrong(format!("The secret '{path}' has no data.")));
    };
    if form == "values" {
        return Ok(map.values().cloned().collect());
    }
    match field {
        None => Ok(vec![Value::map(map.clone())]),
        Some(field) => match map.get(field) {
            Some(value) => Ok(vec![value.clone()]),
            None => Err(wrong(format!("The secret {path} does not contain the field '{field}'."))),
        },
    }
}
