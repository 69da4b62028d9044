//! Evaluate expressions as they are written, and show each result; what is undefined is no failure.
//!
//! ```yaml
//! - ansible._protomatter.debug: { expression: ["1 + 1", "lookup('env', 'EDITOR', default=undef())"] }
//! ```

use shevek_diag::Result;
use shevek_kit::Kind as Type;
use shevek_kit::schema::Schema;
use shevek_value::Value;

use super::debug::Errors;
use crate::options::{required, schema};
use crate::{Action, Invocation, Outcome, Running};

static SCHEMA: Schema = Schema {
    collection: "ansible._protomatter",
    ..schema("debug", &[required("expression", Type::Raw, "The expressions.")], &[])
};

/// `ansible._protomatter.debug`.
pub(crate) struct Expressions;

/// The action.
pub(crate) static ACTION: Expressions = Expressions;

impl Action for Expressions {
    fn name(&self) -> &'static str {
        "ansible._protomatter.debug"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn unrendered(&self) -> &'static [&'static str] {
        &["expression"]
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(async move { evaluate(call) })
    }
}

fn evaluate(call: &Invocation<'_>) -> Result<Outcome> {
    let mut errors = Errors::default();
    let written = call.get("expression").and_then(Value::as_list).unwrap_or_default();
    let results = written
        .iter()
        .map(|expression| errors.in_place_of(call.templar().expression(expression, call.scope)))
        .collect::<Result<_>>()?;
    Ok(errors.told(Outcome::ok().with("expression_result", Value::list(results))))
}
