//! The actions, one a file, named as the action. `build.rs` lists this folder: a forgotten line here is a compile error.

mod add_host;
mod assemble;
mod assert;
mod copy;
mod debug;
mod expressions;
mod fail;
mod fetch;
mod gather_facts;
mod group_by;
mod include_vars;
mod package;
mod patch;
mod pause;
mod raw;
mod reboot;
mod script;
mod service;
mod set_fact;
mod set_stats;
mod synchronize;
mod template;
mod unarchive;
mod uri;
mod validate_argument_spec;
mod wait_for_connection;

use shevek_diag::Result;
use shevek_kit::schema::Schema;
use shevek_value::{Map, Value};

use crate::{Invocation, Listed, Outcome};

include!(concat!(env!("OUT_DIR"), "/actions.rs"));

/// The name of a manager that a variable or a fact of the host tells; the fact is gathered when it is not known.
/// `Err`: gathering failed, with this outcome.
async fn manager(call: &Invocation<'_>, variable: &str, fact: &str) -> Result<Result<String, Outcome>> {
    if let Some(name) =
        call.scope.rendered_variable(variable)?.filter(|name| name.as_str().is_some_and(|n| n != "auto"))
    {
        return Ok(Ok(name.text()));
    }
    if call.task.keywords.delegate_to.is_none() {
        let facts = call.scope.fleet().memory(call.scope.host()).facts();
        if let Some(name) = facts.namespaced().get(fact) {
            return Ok(Ok(name.text()));
        }
    }
    let mut args = Map::default();
    args.insert("filter".into(), Value::list(vec![format!("ansible_{fact}").into()]));
    args.insert("gather_subset".into(), Value::list(vec!["!all".into(), "!min".into(), fact.into()]));
    let outcome = call.host.module("setup", &args).await?;
    if outcome.failed || outcome.unreachable {
        return Ok(Err(outcome));
    }
    let name = outcome.facts.get(format!("ansible_{fact}").as_str()).or_else(|| outcome.facts.get(fact));
    Ok(name
        .map(Value::text)
        .ok_or_else(|| Outcome::failure(format!("the host has no {fact} that is known here"))))
}

/// The schema of the module behind an action of the same name.
fn module_schema(name: &str) -> &'static Schema {
    static NONE: Schema = crate::options::open("", &[]);
    shevek_modules::find(name).map_or(&NONE, |module| module.schema())
}
