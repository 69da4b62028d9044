//! Fail unless conditions hold.
//!
//! ```yaml
//! - assert:
//!     that: [ansible_facts.memtotal_mb > 1000, app_port is defined]
//!     fail_msg: This host is too small.
//! ```

use shevek_diag::{Diagnostic, Result};
use shevek_kit::Kind;
use shevek_kit::schema::{Opt, Preset, Schema};
use shevek_template::Truth;
use shevek_value::Value;

use crate::options::{opt, preset, required, schema};
use crate::{Action, Asks, Invocation, Outcome, Running, of_condition};

static SCHEMA: Schema = schema(
    "assert",
    &[
        required("that", Kind::Raw, "The conditions, as in `when`: one, or a list of which all must hold."),
        Opt { aliases: &["msg"], ..opt("fail_msg", Kind::Raw, "What to say when one does not hold.") },
        opt("success_msg", Kind::Raw, "What to say when all hold."),
        preset("quiet", Kind::Bool, Preset::Bool(false), "Show nothing of conditions that hold."),
    ],
    &[],
);

/// `assert`.
pub(crate) struct Assert;

/// The action.
pub(crate) static ACTION: Assert = Assert;

impl Action for Assert {
    fn name(&self) -> &'static str {
        "assert"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn unrendered(&self) -> &'static [&'static str] {
        &["that"]
    }

    fn asks(&self) -> Asks {
        Asks::Nothing
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(async move { judge(call) })
    }
}

fn judge(call: &Invocation<'_>) -> Result<Outcome> {
    let message = match call.get("fail_msg").or_else(|| call.get("msg")) {
        Some(message) => message.clone(),
        None => "Assertion failed".into(),
    };
    let that = call.get("that").ok_or_else(|| {
        Diagnostic::new("missing argument").detail("conditional required in \"that\" string")
    })?;
    let conditions = conditions(call, that)?;
    for condition in &conditions {
        let truth = call
            .templar()
            .condition(condition, call.scope)
            .map_err(|e| of_condition(e).or_at(condition.origin()))?;
        match truth {
            Truth::Yes => {}
            Truth::Undecided(why) => {
                let outcome = Outcome { skipped: true, unknown: true, ..Outcome::ok() };
                return Ok(outcome.with("skip_reason", why.message()));
            }
            Truth::No => {
                let outcome = Outcome { failed: true, ..Outcome::ok() };
                let outcome = outcome.with("evaluated_to", false);
                return Ok(outcome.with("assertion", condition.clone().untrusted()).with("msg", message));
            }
        }
    }
    let message = call.get("success_msg").cloned().unwrap_or_else(|| "All assertions passed".into());
    Ok(Outcome::ok().with("msg", message))
}

/// The conditions: a list as it is written, or what a template of a list gives.
fn conditions(call: &Invocation<'_>, that: &Value) -> Result<Vec<Value>> {
    if let Some(items) = that.as_list() {
        return Ok(items.to_vec());
    }
    if that.is_template() {
        let rendered = call.templar().render(that, call.scope)?;
        if let Some(items) = rendered.as_list() {
            return Ok(items.to_vec());
        }
    }
    Ok(vec![that.clone()])
}
