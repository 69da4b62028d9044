//! Print a message or a variable while a play runs.
//!
//! ```yaml
//! - debug: { msg: "{{ inventory_hostname }} runs {{ ansible_facts.kernel }}" }
//! - debug: { var: result, verbosity: 2 }
//! ```

use shevek_diag::Result;
use shevek_kit::Kind;
use shevek_kit::schema::{Preset, Rule, Schema};
use shevek_template::Scope;
use shevek_value::Value;

use crate::options::{opt, preset, schema};
use crate::{Action, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "debug",
    &[
        opt("msg", Kind::Raw, "What to print; without it and `var`, a greeting."),
        opt("var", Kind::Str, "A variable, or an expression, to print with its name."),
        preset("verbosity", Kind::Int, Preset::Int(0), "Print only from this many `-v` on."),
    ],
    &[Rule::Exclusive(&["msg", "var"])],
);

/// `debug`.
pub(crate) struct Debug;

/// The action.
pub(crate) static ACTION: Debug = Debug;

impl Action for Debug {
    fn name(&self) -> &'static str {
        "debug"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn unrendered(&self) -> &'static [&'static str] {
        &["var"]
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(async move { print(call) })
    }
}

fn print(call: &Invocation<'_>) -> Result<Outcome> {
    let wanted = call.integer("verbosity")?.unwrap_or(0);
    let given = i64::from(call.scope.fleet().options.verbosity);
    if wanted > given {
        let outcome = Outcome { skipped: true, ..Outcome::ok() };
        return Ok(outcome.with("skipped_reason", "Verbosity threshold not met."));
    }
    if let Some(var) = call.get("var") {
        let value = expression(call, var)?;
        return Ok(Outcome::ok().with(&var.text(), value));
    }
    Ok(Outcome::ok().with("msg", call.get("msg").cloned().unwrap_or_else(|| "Hello world!".into())))
}

/// The value of `var`: a name, an expression, or a template that gives either.
fn expression(call: &Invocation<'_>, var: &Value) -> Result<Value> {
    let templar = call.templar();
    if var.is_template() {
        return templar.render(var, call.scope);
    }
    let text = var.text();
    let value = match call.scope.get(&text)? {
        Some(value) => templar.render(&value, call.scope),
        None => templar
            .expression(&Value::str(text).from_where(var), call.scope)
            .map_err(|e| e.or_at(var.origin())),
    };
    match value {
        Ok(value) if value.is_undefined() => Ok("VARIABLE IS NOT DEFINED!".into()),
        Err(error) if error.summary.contains("undefined") => Ok("VARIABLE IS NOT DEFINED!".into()),
        other => other,
    }
}
