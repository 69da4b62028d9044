//! Set numbers and texts to show at the end of the run.
//!
//! ```yaml
//! - set_stats: { data: { deployed: 1 }, aggregate: true }
//! ```

use shevek_diag::{Diagnostic, Result};
use shevek_kit::Kind;
use shevek_kit::schema::{Preset, Schema};
use shevek_value::{Map, Value};

use crate::options::{preset, schema};
use crate::{Action, Asks, Effect, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "set_stats",
    &[
        preset("data", Kind::Dict, Preset::None, "Names and values."),
        preset("per_host", Kind::Bool, Preset::Bool(false), "Keep them for each host apart."),
        preset("aggregate", Kind::Bool, Preset::Bool(true), "Add to what is there instead of replacing it."),
    ],
    &[],
);

/// `set_stats`.
pub(crate) struct SetStats;

/// The action.
pub(crate) static ACTION: SetStats = SetStats;

impl Action for SetStats {
    fn name(&self) -> &'static str {
        "set_stats"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn takes_turns(&self) -> bool {
        true
    }

    fn asks(&self) -> Asks {
        Asks::Nothing
    }

    fn unrendered(&self) -> &'static [&'static str] {
        &["data"]
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(async move { set(call) })
    }
}

fn set(call: &Invocation<'_>) -> Result<Outcome> {
    let per_host = call.flag("per_host", false)?;
    let aggregate = call.flag("aggregate", true)?;
    let rendered = |value: &Value| call.templar().render(value, call.scope);
    // The whole may be a template, or give its parts under names that are.
    let data = match call.get("data") {
        Some(data) if data.as_map().is_none() => Some(rendered(data)?),
        data => data.cloned(),
    };
    let data = data.unwrap_or_else(|| Value::map(Map::default()));
    let Some(data) = data.as_map() else {
        return Err(
            Diagnostic::new("wrong argument").detail("The 'data' option needs to be a dictionary/hash")
        );
    };
    let data = data
        .iter()
        .map(|(name, value)| {
            let name = if name.is_template() { rendered(name)? } else { name.clone() };
            super::set_fact::variable_name(&name)?;
            Ok((name, rendered(value)?))
        })
        .collect::<Result<Map>>()?;
    let shown = Value::dict([
        ("data", Value::map(data.clone())),
        ("per_host", per_host.into()),
        ("aggregate", aggregate.into()),
    ]);
    Ok(Outcome::ok().with("ansible_stats", shown).effect(Effect::Stats { data, per_host, aggregate }))
}
