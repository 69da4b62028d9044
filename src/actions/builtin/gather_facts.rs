//! Gather what is known of a host.
//!
//! ```yaml
//! - gather_facts: { gather_subset: [min, network] }
//! ```

use shevek_diag::Result;
use shevek_kit::Kind;
use shevek_kit::schema::{Preset, Schema};
use shevek_value::Map;

use crate::options::{open, preset};
use crate::{Action, Asks, Invocation, Outcome, Running};

static SCHEMA: Schema = open(
    "gather_facts",
    &[preset(
        "parallel",
        Kind::Bool,
        Preset::None,
        "Run several fact modules at once; there is one here, so it makes no difference.",
    )],
);

/// `gather_facts`.
pub(crate) struct GatherFacts;

/// The action.
pub(crate) static ACTION: GatherFacts = GatherFacts;

impl Action for GatherFacts {
    fn name(&self) -> &'static str {
        "gather_facts"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn asks(&self) -> Asks {
        Asks::Once
    }

    fn calls_module(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(gather(call))
    }
}

async fn gather(call: &Invocation<'_>) -> Result<Outcome> {
    let args: Map = call
        .args
        .iter()
        .filter(|(name, _)| **name != "parallel")
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    call.host.module("setup", &args).await
}
