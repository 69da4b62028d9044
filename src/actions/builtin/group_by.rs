//! Put hosts into groups by what they are like.
//!
//! ```yaml
//! - group_by: { key: "os_{{ ansible_facts.distribution }}" }
//! ```

use shevek_diag::Result;
use shevek_kit::Kind;
use shevek_kit::schema::{Preset, Schema};

use crate::options::{preset, required, schema};
use crate::{Action, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "group_by",
    &[
        required("key", Kind::Str, "The group's name."),
        preset("parents", Kind::List(&Kind::Str), Preset::List(&["all"]), "Groups that the group is put in."),
    ],
    &[],
);

/// `group_by`.
pub(crate) struct GroupBy;

/// The action.
pub(crate) static ACTION: GroupBy = GroupBy;

impl Action for GroupBy {
    fn name(&self) -> &'static str {
        "group_by"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn takes_turns(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(async move { group(call) })
    }
}

fn group(call: &Invocation<'_>) -> Result<Outcome> {
    let group = call.required("key")?.replace(' ', "-");
    let parents: Vec<String> = match call.get("parents") {
        Some(_) => call.list("parents").iter().map(|parent| parent.replace(' ', "-")).collect(),
        None => vec!["all".to_owned()],
    };
    let (host, names): (_, Vec<&str>) = (call.scope.host(), parents.iter().map(String::as_str).collect());
    let changed =
        call.scope.fleet().change_inventory(|inventory| inventory.group_by(host, &group, &names))?;
    Ok(Outcome::ok().changed(changed).with("add_group", group).with("parent_groups", parents))
}
