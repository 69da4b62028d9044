//! Fail with a message of one's own.
//!
//! ```yaml
//! - fail: { msg: Only Debian is supported. }
//!   when: ansible_facts.os_family != 'Debian'
//! ```

use shevek_kit::Kind;
use shevek_kit::schema::{Preset, Schema};

use crate::options::{preset, schema};
use crate::{Action, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "fail",
    &[preset("msg", Kind::Str, Preset::Str("Failed as requested from task"), "What to say.")],
    &[],
);

/// `fail`.
pub(crate) struct Fail;

/// The action.
pub(crate) static ACTION: Fail = Fail;

impl Action for Fail {
    fn name(&self) -> &'static str {
        "fail"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(async move {
            let message = call.get("msg").cloned();
            let message = message.unwrap_or_else(|| "Failed as requested from task".into());
            Ok(Outcome { failed: true, ..Outcome::default() }.with("msg", message))
        })
    }
}
