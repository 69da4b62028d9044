//! Loops of tasks.

use std::time::Duration;

use shevek_actions::truth;
use shevek_diag::{Diagnostic, Result};
use shevek_event::Masker;
use shevek_playbook::{Loop, LoopControl, LoopKind};
use shevek_template::plugin::Arguments;
use shevek_value::{Map, Value};
use shevek_vars::HostScope;

use crate::done::LoopItem;
use crate::{keyword, span, unknown};

/// What a task loops over.
pub(crate) fn items(scope: &HostScope, over: &Loop) -> Result<Vec<Value>> {
    let templar = &scope.fleet().templar;
    let items = match &over.kind {
        LoopKind::Loop => {
            let items = templar.render(&over.value, scope)?;
            if items.as_list().is_none() {
                return Err(Diagnostic::new("invalid loop")
                    .detail(format!("the `loop` value must resolve to a 'list', not '{}'", items.type_name()))
                    .help("wrap it in a list, or use a filter such as `dict2items`, `split` or `flatten`")
                    .at_maybe(over.value.origin(), ""));
            }
            items
        }
        LoopKind::With(lookup) => {
            let first_found = matches!(
                &**lookup,
                "first_found" | "ansible.builtin.first_found" | "ansible.legacy.first_found"
            );
            // Names that can't be made because a variable is undefined are just not looked for.
            let terms = match first_found {
                true => templar.render_lenient(&over.value, scope)?,
                false => templar.render(&over.value, scope)?,
            };
            let mut positional = match terms.as_list() {
                Some(terms) => terms.to_vec(),
                None => vec![terms],
            };
            let mut named = Map::default();
            if first_found {
                positional.retain(|term| !term.is_undefined());
                // The loop looks where the task itself would: among templates, variables or files.
                named.insert(Value::str("_subfolder"), Value::str(subfolder(scope)));
            }
            let found = templar
                .with_context(scope, |context| context.lookup(lookup, Arguments { positional, named }))?;
            // What a loop gives to its tasks is data: a tuple is a list there.
            let items = found.as_list().unwrap_or_default().iter();
            Value::list(
                items
                    .map(|item| {
                        item.as_list().map_or_else(|| item.clone(), |parts| Value::list(parts.to_vec()))
                    })
                    .collect(),
            )
        }
    };
    Ok(items.as_list().map(<[Value]>::to_vec).unwrap_or_default())
}

/// The subfolder of roles and playbooks in which the task's own files are.
fn subfolder(scope: &HostScope) -> &'static str {
    let action = scope.task().map(|task| task.action.resolved.clone());
    let has = |word: &str| action.as_ref().is_some_and(|action| action.contains(word));
    match (has("template"), has("var")) {
        (true, _) => "templates",
        (_, true) => "vars",
        _ => "files",
    }
}

/// `loop_control`, rendered.
pub(crate) struct Control {
    /// The variable that takes the item.
    pub(crate) variable: String,
    index: Option<String>,
    /// What is shown of an item, unrendered.
    label: Option<Value>,
    /// Between items.
    pub(crate) pause: Duration,
    extended: bool,
    all_items: bool,
}

impl Control {
    pub(crate) fn read(scope: &HostScope, control: &LoopControl) -> Result<Self> {
        let flag = |written: &Option<Value>, default: bool| -> Result<bool> {
            Ok(keyword::value(scope, written.as_ref())?.and_then(|v| truth(&v)).unwrap_or(default))
        };
        let text = |name: &str, written: &Option<Value>| {
            keyword::text(scope, written.as_ref()).map_err(|error| keyword::unusable(name, error))
        };
        let pause = keyword::number(scope, "pause", control.pause.as_ref())?;
        let origin = control.pause.as_ref().and_then(Value::origin);
        Ok(Self {
            variable: text("loop_var", &control.loop_var)?.unwrap_or_else(|| "item".to_owned()),
            index: text("index_var", &control.index_var)?,
            label: control.label.clone(),
            pause: span::of_seconds("pause", pause.unwrap_or(0.0), origin)?,
            extended: flag(&control.extended, false)?,
            all_items: flag(&control.extended_allitems, true)?,
        })
    }

    /// The items with the variables that each sets.
    pub(crate) fn items(&self, items: Vec<Value>) -> Vec<LoopItem> {
        let all = Value::list(items.clone());
        let count = items.len();
        (0..)
            .zip(items.iter())
            .map(|(position, item): (usize, &Value)| {
                let mut variables = Map::default();
                variables.insert(Value::str("ansible_loop_var"), Value::str(self.variable.clone()));
                variables.insert(Value::str(self.variable.clone()), item.clone());
                if let Some(index) = &self.index {
                    variables.insert(Value::str("ansible_index_var"), Value::str(index.clone()));
                    variables.insert(Value::str(index.clone()), position.into());
                }
                if self.extended {
                    let neighbours =
                        (position.checked_sub(1).and_then(|p| items.get(p)), items.get(position + 1));
                    let all = self.all_items.then_some(&all);
                    variables.insert(Value::str("ansible_loop"), extended(position, count, neighbours, all));
                }
                LoopItem { index: position, label: self.label.clone(), value: item.clone(), variables }
            })
            .collect()
    }
}

fn extended(
    at: usize,
    count: usize,
    (before, after): (Option<&Value>, Option<&Value>),
    all: Option<&Value>,
) -> Value {
    let mut map = Map::default();
    let mut put = |key: &str, value: Value| {
        map.insert(Value::str(key), value);
    };
    put("index", (at + 1).into());
    put("index0", at.into());
    put("first", (at == 0).into());
    put("last", (at + 1 == count).into());
    put("length", count.into());
    put("revindex", (count - at).into());
    put("revindex0", (count - at - 1).into());
    if let Some(all) = all {
        put("allitems", all.clone());
    }
    if let Some(after) = after {
        put("nextitem", after.clone());
    }
    if let Some(before) = before {
        put("previtem", before.clone());
    }
    Value::map(map)
}

/// What is shown for an item, without what is secret in it: once it is text that cannot be told any more.
pub(crate) fn label(scope: &HostScope, item: &LoopItem, masker: &Masker) -> String {
    let rendered = match &item.label {
        Some(label) => scope.fleet().templar.render(label, &scope.with(item.variables.clone())),
        None => Ok(item.value.clone()),
    };
    // An empty label is none. One that cannot be rendered has failed its item.
    let rendered = rendered.map(|label| if label.text().is_empty() { item.value.clone() } else { label });
    rendered.map_or_else(|_| "None".to_owned(), |value| masker.mask_value(&value).text())
}

/// Why an item's label cannot be rendered, if so.
pub(crate) fn label_fault(scope: &HostScope, item: &LoopItem) -> Option<String> {
    let label = item.label.as_ref().filter(|label| label.is_template())?;
    let error = scope.fleet().templar.render(label, scope).err()?;
    Some(format!("Failed to template loop_control.label: {}", unknown::words(&error)))
}
