//! A task's action and arguments, rendered.

use shevek_actions::Action;
use shevek_diag::{Diagnostic, Result};
use shevek_playbook::{Loader, Target, Task};
use shevek_proto::Val;
use shevek_value::{Map, Value};
use shevek_vars::HostScope;

use crate::unknown;

/// The argument under which free-form text travels.
const FREE_FORM: &str = "_raw_params";

/// The action's canonical name and who does it.
pub(crate) fn action(task: &Task, scope: &HostScope, loader: &Loader) -> Result<(String, Target)> {
    let action = &task.action;
    if action.target != Target::Template {
        return Ok((action.resolved.to_string(), action.target.clone()));
    }
    let written = scope.fleet().templar.render(&action.name, scope)?.text();
    let found = loader.resolve(&written, task).ok_or_else(|| {
        Diagnostic::new("unknown module or action")
            .detail(format!("couldn't resolve module/action '{written}'"))
            .or_at(action.name.origin())
    })?;
    Ok((found.0.to_string(), found.1))
}

/// The arguments: the play's defaults for the module below the task's own. `unrendered` ones stay as written.
pub(crate) fn render(
    task: &Task,
    name: &str,
    scope: &HostScope,
    (unrendered, loader): (&[&str], &Loader),
) -> Result<Map> {
    let templar = &scope.fleet().templar;
    let mut args = defaults(task, name, scope, loader)?;
    if name == "gather_facts" {
        // It stands for the module that it runs.
        let own = std::mem::replace(&mut args, defaults(task, "setup", scope, loader)?);
        args.extend(own);
    }
    if let Some(more) = &task.action.variable_args {
        let rendered = templar.render(more, scope)?;
        let Some(map) = rendered.as_map() else {
            return Err(Diagnostic::new("invalid arguments")
                .detail(format!("`args` must give a mapping, not {}", rendered.type_name()))
                .at_maybe(more.origin(), ""));
        };
        args.extend(map.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    if let Some(text) = &task.action.free_form {
        let raw = Value::str(FREE_FORM);
        let rendered = templar.render(text, scope).map_err(|error| explain(error, name, &raw, text))?;
        match rendered.as_map() {
            Some(map) => args.extend(map.iter().map(|(k, v)| (k.clone(), v.clone()))),
            None => {
                args.insert(Value::str(FREE_FORM), rendered);
            }
        }
    }
    for (key, value) in task.action.args.iter() {
        let as_written = key.as_str().is_some_and(|key| unrendered.contains(&key));
        let rendered = if as_written {
            value.clone()
        } else {
            templar.render(value, scope).map_err(|error| explain(error, name, key, value))?
        };
        // `set_fact: { "{{ prefix }}_port": 80 }` makes up its names.
        let key = if key.is_template() { templar.render(key, scope)? } else { key.clone() };
        if rendered.is_omit() {
            args.shift_remove(&key);
        } else {
            args.insert(key, rendered.from_where(value));
        }
    }
    Ok(args)
}

fn explain(mut error: Box<Diagnostic>, action: &str, key: &Value, value: &Value) -> Box<Diagnostic> {
    let message = unknown::words(&error);
    error.summary = format!("Finalization of task args for 'ansible.builtin.{action}' failed").into();
    error.detail = format!("Error while resolving value for '{}': {message}", key.text());
    error.or_at(value.origin())
}

/// `module_defaults` for this action.
///
/// What stands nearest replaces what stands further out under the same name, and what names the action itself wins over
/// what names a group that it is in.
fn defaults(task: &Task, name: &str, scope: &HostScope, loader: &Loader) -> Result<Map> {
    let mut own: Option<Value> = None;
    let mut groups = Map::default();
    for written in &task.keywords.module_defaults {
        for (key, values) in written.as_map().into_iter().flatten() {
            let named = key.text();
            let bare =
                named.strip_prefix("ansible.builtin.").or_else(|| named.strip_prefix("ansible.legacy."));
            if bare.unwrap_or(&named) == name {
                own = Some(values.clone());
            } else if let Some(group) = named.strip_prefix("group/")
                && loader.is_in_group(name, group, task)
            {
                groups.insert(key.clone(), values.clone());
            }
        }
    }
    let mut args = Map::default();
    for values in groups.into_values().chain(own) {
        let rendered = scope.fleet().templar.render(&values, scope)?;
        args.extend(rendered.as_map().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
    }
    Ok(args)
}

/// Actions that say so themselves when an argument is none of theirs.
const OWN_WORDS: [&str; 5] = ["fail", "group_by", "reboot", "set_stats", "wait_for_connection"];

/// What such an action says of arguments that it does not have.
pub(crate) fn strangers(action: &dyn Action, args: &Map) -> Option<String> {
    let schema = action.schema();
    let name = OWN_WORDS.into_iter().find(|name| *name == action.name())?;
    let strange = |key: &Value| key.as_str().is_none_or(|key| schema.option(key).is_none());
    let strangers: Vec<String> = args.keys().filter(|key| strange(key)).map(Value::text).collect();
    (!strangers.is_empty()).then(|| format!("Invalid options for {name}: {}", strangers.join(",")))
}

/// A module's arguments with what it takes for those that are not given; secret ones are left out.
pub(crate) fn invocation(task: &Task, args: &Map) -> Value {
    const HIDDEN: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";
    let mut shown = args.clone();
    for option in task.action.schema.iter().flat_map(|schema| schema.options()) {
        let given = std::iter::once(option.name).chain(option.aliases.iter().copied());
        let mut is_given = false;
        for name in given {
            if let Some(value) = shown.get_mut(&Value::str(name)) {
                is_given = true;
                if option.secret && !value.is_null() {
                    *value = HIDDEN.into();
                }
            }
        }
        if !is_given {
            let preset = option.default.val().map_or(Value::NULL, shevek_actions::wire::from_wire);
            shown.insert(Value::str(option.name), preset);
        }
    }
    Value::map(shown)
}

/// What is wrong with an action's arguments; those that it renders itself are taken on trust.
pub(crate) fn problems(action: &dyn Action, args: &Map) -> Option<String> {
    let schema = action.schema();
    let names: Vec<String> = args.keys().map(Value::text).collect();
    let values: Vec<Option<Val>> = args
        .iter()
        .map(|(key, value)| match key.as_str() {
            Some(key) if action.unrendered().contains(&key) => None,
            _ => shevek_actions::wire::to_wire(value).ok(),
        })
        .collect();
    let given: Vec<(&str, Option<&Val>)> =
        names.iter().map(String::as_str).zip(values.iter().map(Option::as_ref)).collect();
    let words: Vec<String> = schema.check(&given).iter().map(ToString::to_string).collect();
    (!words.is_empty()).then(|| words.join("; "))
}
