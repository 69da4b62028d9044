//! What the lookups of `community.hashi_vault` rest on: their options, the connection to a HashiCorp Vault (or an
//! OpenBao), and the ways to log in to it.

mod connection;
mod login;
mod options;

pub(crate) use connection::{Answer, Client, Failure, quote};
pub(crate) use login::log_in;
pub(crate) use options::resolve;

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_template::plugin::{Arguments, Context};
use shevek_value::Value;

use crate::source::options::{Known, Options, term};

/// Connects and logs in with the options of a call and the variables and environment behind them.
pub(crate) fn open<'a>(
    context: &'a dyn Context,
    arguments: &Arguments,
    extra: &[Known],
) -> Result<(Client<'a>, Options)> {
    let options = resolve(context, &arguments.named, extra)?;
    let mut client = Client::new(context, &options)?;
    log_in(&mut client, &options)?;
    Ok((client, options))
}

/// What is read for each of the paths that a call names, all of it secret.
pub(crate) fn each(
    arguments: &Arguments,
    lookup: &str,
    mut read: impl FnMut(&str) -> Result<Value>,
) -> Result<Value> {
    let paths = arguments.positional.iter().map(|path| term(path, lookup));
    let values: Vec<Value> = paths.map(|path| read(path?).map(Value::secret)).collect::<Result<_>>()?;
    Ok(Value::list(values))
}

/// An answer that must be there, as `read` and `list` want it.
pub(crate) fn must_exist(answer: Result<Answer, Failure>, path: &str) -> Result<Value> {
    match answer {
        Ok(Answer::Json(value)) => Ok(value),
        Ok(Answer::Other(_)) => Err(Diagnostic::new("wrong answer of a Vault")
            .kind(Kind::Machine)
            .detail(format!("what it says about '{path}' is no JSON"))),
        Err(Failure::Status { code: 404, .. }) => Err(Diagnostic::new("no such path in a Vault")
            .kind(Kind::Machine)
            .detail(format!("The path '{path}' doesn't seem to exist."))),
        Err(failure) => Err(forbidden(failure, path)),
    }
}

/// A failure at a path.
pub(crate) fn forbidden(failure: Failure, path: &str) -> Box<Diagnostic> {
    match failure {
        Failure::Status { code: 403, .. } => Diagnostic::new("a Vault refuses a path")
            .kind(Kind::Machine)
            .detail(format!("Forbidden: Permission Denied to path '{path}'.")),
        failure => failure.diagnostic(),
    }
}

/// Lookups that take no terms say so.
pub(crate) fn warn_of_terms(context: &dyn Context, arguments: &Arguments) {
    if !arguments.positional.is_empty() {
        context.warn(
            Diagnostic::new("terms without a meaning")
                .detail("Supplied term strings will be ignored. This lookup does not use term strings."),
        );
    }
}
