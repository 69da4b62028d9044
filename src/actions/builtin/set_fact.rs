//! Set variables for the hosts of the play.
//!
//! ```yaml
//! - set_fact: { app_port: 8080, app_url: "https://{{ inventory_hostname }}/" }
//! ```

use shevek_diag::{Diagnostic, Result};
use shevek_kit::Kind;
use shevek_kit::schema::{Preset, Schema};
use shevek_value::{Map, Value};

use crate::options::{open, preset};
use crate::{Action, Asks, Effect, Invocation, Outcome, Running};

static SCHEMA: Schema = open(
    "set_fact",
    &[preset(
        "cacheable",
        Kind::Bool,
        Preset::Bool(false),
        "Keep the values as facts of the host too, so that a fact cache stores them.",
    )],
);

/// `set_fact`.
pub(crate) struct SetFact;

/// The action.
pub(crate) static ACTION: SetFact = SetFact;

impl Action for SetFact {
    fn name(&self) -> &'static str {
        "set_fact"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn asks(&self) -> Asks {
        Asks::Nothing
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(async move { set(call) })
    }
}

fn set(call: &Invocation<'_>) -> Result<Outcome> {
    let cacheable = call.flag("cacheable", false)?;
    let mut facts = Map::default();
    for (name, value) in call.args.iter().filter(|(name, _)| **name != "cacheable") {
        let name = variable_name(name)?;
        facts.insert(Value::str(name), from_key_value(value));
    }
    if facts.is_empty() {
        return Err(Diagnostic::new(
            "No key/value pairs provided, at least one is required for this action to succeed",
        ));
    }
    Ok(Outcome { facts, ..Outcome::ok() }.effect(Effect::SetFact { cacheable }))
}

/// `set_fact: x=yes` means the truth value, as all `key=value` text does there.
fn from_key_value(value: &Value) -> Value {
    value.clone().untrusted()
}

/// A name that variables can have.
pub(crate) fn variable_name(name: &Value) -> Result<String> {
    let text = name.text();
    let mut letters = text.chars();
    let good = letters.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic())
        && letters.all(|c| c == '_' || c.is_ascii_alphanumeric());
    if good {
        return Ok(text);
    }
    Err(Diagnostic::new(format!("Invalid variable name '{text}'."))
        .help("variables start with a letter or an underscore, and have only letters, digits and underscores")
        .or_at(name.origin()))
}
