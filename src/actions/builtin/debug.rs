//! Print a message or a variable while a play runs.
//!
//! ```yaml
//! - debug: { msg: "{{ inventory_hostname }} runs {{ ansible_facts.kernel }}" }
//! - debug: { var: result, verbosity: 2 }
//! ```

use shevek_diag::{Diagnostic, Result};
use shevek_kit::Kind as Type;
use shevek_kit::schema::{Preset, Rule, Schema};
use shevek_template::Scope;
use shevek_value::{Flags, Kind, Value};

use crate::options::{opt, preset, schema};
use crate::{Action, Asks, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "debug",
    &[
        opt("msg", Type::Raw, "What to print; without it and `var`, a greeting."),
        opt("var", Type::Str, "A variable, or an expression, to print with its name."),
        preset("verbosity", Type::Int, Preset::Int(0), "Print only from this many `-v` on."),
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

    fn asks(&self) -> Asks {
        Asks::Nothing
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
    if let Some(var) = call.get("var").filter(|var| var.is_true()) {
        if var.as_str().is_none() {
            let (kind, shown) = (var.type_name(), var.repr());
            let message = format!(
                "argument 'var' is of type {kind} and we were unable to convert to str: {shown} is not a string and \
                 conversion is not allowed"
            );
            return Ok(Outcome::failure(message));
        }
        let mut errors = Errors::default();
        let value = expression(call, var, &mut errors)?;
        return Ok(errors.told(Outcome::ok().with(&var.text(), value)));
    }
    Ok(Outcome::ok().with("msg", call.args.get("msg").cloned().unwrap_or_else(|| "Hello world!".into())))
}

/// The value of `var`: a name or an expression. What is undefined in it is named there.
fn expression(call: &Invocation<'_>, var: &Value, errors: &mut Errors) -> Result<Value> {
    let templar = call.templar();
    let text = var.text();
    let value = match call.scope.get(&text)? {
        Some(value) => templar.render_lenient(&value, call.scope),
        // Differs from Ansible: a name that was computed is looked up, as before 2.19; any other expression is refused.
        None if var.flags().has(Flags::WRITTEN) || is_name(&text) => templar
            .expression(&Value::str(text).from_where(var), call.scope)
            .map_err(|error| error.or_at(var.origin())),
        None => Err(Diagnostic::new("Encountered untrusted template or expression.")
            .detail(
                "the text of `var` was computed, or comes from outside of the playbook, and is not evaluated",
            )
            .or_at(var.origin())),
    };
    errors.in_place_of(value)
}

/// Whether it is the name of a variable, or of something within one.
fn is_name(text: &str) -> bool {
    text.split('.').all(|part| {
        part.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
            && part.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
    })
}

/// What was undefined in values that are shown: a line of text stands in its place.
#[derive(Default)]
pub(super) struct Errors(Vec<String>);

impl Errors {
    /// The value, if there is one to be shown.
    pub(super) fn in_place_of(&mut self, value: Result<Value>) -> Result<Value> {
        match value {
            Ok(value) => Ok(self.replaced(&value)),
            Err(error) if error.summary.contains("undefined") => Ok(self.said(&error.detail)),
            Err(error) => Err(error),
        }
    }

    /// The outcome with a warning of them all.
    pub(super) fn told(self, mut outcome: Outcome) -> Outcome {
        let count = self.0.len();
        if count > 0 {
            let s = if count == 1 { "" } else { "s" };
            outcome.warnings.push(format!("Encountered {count} template error{s}.\n{}", self.0.join("\n")));
        }
        outcome
    }

    fn replaced(&mut self, value: &Value) -> Value {
        match value.kind() {
            Kind::Undefined(missing) => self.said(&missing.message()),
            Kind::List(items) if value.flags().has(Flags::UNDEFINED) => {
                Value::list(items.iter().map(|item| self.replaced(item)).collect())
            }
            Kind::Map(map) if value.flags().has(Flags::UNDEFINED) => {
                Value::map(map.iter().map(|(key, item)| (key.clone(), self.replaced(item))).collect())
            }
            _ => value.clone(),
        }
    }

    fn said(&mut self, why: &str) -> Value {
        let error = format!("error {} - {why}", self.0.len() + 1);
        let shown = format!("<< {error} >>");
        self.0.push(error);
        shown.into()
    }
}
