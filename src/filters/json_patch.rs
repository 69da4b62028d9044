//! `json_patch`, `json_patch_recipe`, `json_diff` (community.general): changes of data as RFC 6902 writes them.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::bind;
use shevek_python::json_reader::read_json;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

pub(crate) const FILTERS: &[Filter] = &[
    Filter {
        names: &["community.general.json_patch", "json_patch"],
        markers: Markers::Propagate,
        run: json_patch,
    },
    Filter {
        names: &["community.general.json_patch_recipe", "json_patch_recipe"],
        markers: Markers::Propagate,
        run: json_patch_recipe,
    },
    Filter {
        names: &["community.general.json_diff", "json_diff"],
        markers: Markers::Propagate,
        run: json_diff,
    },
];

fn wrong(detail: String) -> Box<Diagnostic> {
    Diagnostic::new("data can't be patched").detail(detail)
}

/// Data, or JSON as text.
fn document(value: &Value, name: &str) -> Result<Value> {
    if let Some(text) = value.as_str() {
        return read_json(text);
    }
    if value.as_list().is_none() && value.as_map().is_none() {
        return Err(wrong(format!("{name} is not dictionary, list or string")));
    }
    Ok(value.clone())
}

fn truth(value: Option<&Value>) -> Result<bool> {
    match value {
        None => Ok(false),
        Some(value) => value.as_bool().ok_or_else(|| wrong("'fail_test' argument is not a bool".to_owned())),
    }
}

fn json_patch(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([input, op, path], [value, from, fail_test]) =
        bind(arguments, ["inp", "op", "path"], ["value", "from", "fail_test"])?;
    let mut operation = vec![("op", op.clone()), ("path", path.clone())];
    operation.extend(from.map(|from| ("from", from.clone())));
    operation.push(("value", value.cloned().unwrap_or_default()));
    apply_all(document(input, "input")?, &[Value::dict(operation)], truth(fail_test)?)
}

fn json_patch_recipe(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([input, operations], [fail_test]) = bind(arguments, ["inp", "operations"], ["fail_test"])?;
    let all = operations.as_list().ok_or_else(|| wrong("'operations' needs to be a list".to_owned()))?;
    apply_all(document(input, "input")?, all, truth(fail_test)?)
}

/// One operation.
enum Operation<'a> {
    Add(&'a Value),
    Remove,
    Replace(&'a Value),
    Move(Vec<String>),
    Copy(Vec<String>),
    Test(&'a Value),
}

fn read(operation: &Value) -> Result<(Operation<'_>, Vec<String>)> {
    let text = |name: &str| {
        operation.get(name).and_then(Value::as_str).ok_or_else(|| {
            wrong(format!("'{name}' argument is not a string")).at_maybe(operation.origin(), "")
        })
    };
    let value = || {
        operation
            .get("value")
            .ok_or_else(|| wrong("The operation does not contain a 'value' member".to_owned()))
    };
    let op = match text("op")? {
        "add" => Operation::Add(value()?),
        "remove" => Operation::Remove,
        "replace" => Operation::Replace(value()?),
        "move" => Operation::Move(pointer(text("from")?)?),
        "copy" => Operation::Copy(pointer(text("from")?)?),
        "test" => Operation::Test(value()?),
        other => {
            return Err(wrong(format!("unsupported 'op' argument: {other}"))
                .did_you_mean(other, ["add", "copy", "move", "remove", "replace", "test"]));
        }
    };
    Ok((op, pointer(text("path")?)?))
}

/// The steps of `/a/0/b~1c`.
fn pointer(text: &str) -> Result<Vec<String>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let rest = text.strip_prefix('/').ok_or_else(|| wrong(format!("{text}: Location must start with /")))?;
    Ok(rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
}

fn apply_all(mut data: Value, operations: &[Value], fail_test: bool) -> Result<Value> {
    let all: Vec<_> = operations.iter().map(read).collect::<Result<_>>()?;
    for (operation, path) in all {
        match operation {
            Operation::Add(value) => data = change(data, &path, &Change::Add(value.clone()))?,
            Operation::Remove => data = change(data, &path, &Change::Remove)?,
            Operation::Replace(value) => data = change(data, &path, &Change::Replace(value.clone()))?,
            Operation::Copy(from) => {
                let value = find(&data, &from)?;
                data = change(data, &path, &Change::Add(value))?;
            }
            Operation::Move(from) => {
                if path.len() > from.len() && path.starts_with(&from) {
                    return Err(wrong("Cannot move values into their own children".to_owned()));
                }
                let value = find(&data, &from)?;
                data = change(data, &from, &Change::Remove)?;
                data = change(data, &path, &Change::Add(value))?;
            }
            Operation::Test(value) => {
                let found = find(&data, &path);
                if found.as_ref().is_ok_and(|found| found == value) {
                    continue;
                }
                if fail_test {
                    return Err(wrong(format!(
                        "test operation failed: /{} is not {}",
                        path.join("/"),
                        value.repr()
                    )));
                }
                return Ok(Value::NULL);
            }
        }
    }
    Ok(data)
}

enum Change {
    Add(Value),
    Remove,
    Replace(Value),
}

/// The place in a list that a step names.
fn place(step: &str, length: usize) -> Result<usize> {
    let canonical = step == "0" || (!step.starts_with('0') && step.bytes().all(|byte| byte.is_ascii_digit()));
    let place = step.parse::<usize>().ok().filter(|place| canonical && *place < length);
    place.ok_or_else(|| wrong(format!("'{step}' is no place in a list of {length}")))
}

fn find(data: &Value, path: &[String]) -> Result<Value> {
    let mut found = data;
    for step in path {
        found = match (found.as_map(), found.as_list()) {
            (Some(map), _) => {
                map.get(step.as_str()).ok_or_else(|| wrong(format!("member '{step}' not found")))?
            }
            (_, Some(items)) => items
                .get(place(step, items.len())?)
                .ok_or_else(|| wrong(format!("'{step}' is no place in the list")))?,
            _ => return Err(wrong(format!("'{step}' is looked for in {}", found.type_name()))),
        };
    }
    Ok(found.clone())
}

fn change(data: Value, path: &[String], how: &Change) -> Result<Value> {
    let Some((step, rest)) = path.split_first() else {
        return match how {
            Change::Add(value) | Change::Replace(value) => Ok(value.clone()),
            Change::Remove => Err(wrong("the whole document can't be removed".to_owned())),
        };
    };
    if let Some(map) = data.as_map() {
        let mut map = map.clone();
        let key = Value::from(step.as_str());
        match (rest.is_empty(), how) {
            (true, Change::Add(value)) => drop(map.insert(key, value.clone())),
            (true, Change::Replace(value)) => {
                let slot = map.get_mut(&key);
                *slot.ok_or_else(|| wrong(format!("can't replace a non-existent object '{step}'")))? =
                    value.clone();
            }
            (true, Change::Remove) => {
                let gone = map.shift_remove(&key);
                gone.ok_or_else(|| wrong(format!("can't remove a non-existent object '{step}'")))?;
            }
            (false, _) => {
                let slot = map.get_mut(&key).ok_or_else(|| wrong(format!("member '{step}' not found")))?;
                *slot = change(slot.clone(), rest, how)?;
            }
        }
        return Ok(Value::map(map));
    }
    let Some(items) = data.as_list() else {
        return Err(wrong(format!("'{step}' is looked for in {}", data.type_name())));
    };
    let mut items = items.to_vec();
    match (rest.is_empty(), how) {
        (true, Change::Add(value)) if step == "-" => items.push(value.clone()),
        (true, Change::Add(value)) => items.insert(place(step, items.len() + 1)?, value.clone()),
        (true, Change::Remove) => drop(items.remove(place(step, items.len())?)),
        (_, _) => {
            let at = place(step, items.len())?;
            if let Some(slot) = items.get_mut(at) {
                *slot = change(slot.clone(), rest, how)?;
            }
        }
    }
    Ok(Value::list(items))
}

fn json_diff(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([input, target], []) = bind(arguments, ["inp", "target"], [])?;
    let mut out = Vec::new();
    differ(&document(input, "input")?, &document(target, "target")?, "", &mut out);
    Ok(Value::list(out))
}

fn operation(op: &str, path: &str, value: Option<&Value>) -> Value {
    let parts = [("op", Value::from(op)), ("path", Value::from(path))];
    Value::dict(parts.into_iter().chain(value.map(|value| ("value", value.clone()))))
}

/// What makes one of the other.
// Differs from Ansible: of several patches that do the same, it may be another one: Python's has `move` operations, and
// the keys of mappings in no order.
fn differ(from: &Value, to: &Value, path: &str, out: &mut Vec<Value>) {
    if let (Some(from), Some(to)) = (from.as_map(), to.as_map()) {
        differ_maps(from, to, path, out);
    } else if let (Some(from), Some(to)) = (from.as_list(), to.as_list()) {
        differ_lists(from, to, path, out);
    } else if from != to || from.type_name() != to.type_name() {
        out.push(operation("replace", path, Some(to)));
    }
}

fn differ_maps(from: &Map, to: &Map, path: &str, out: &mut Vec<Value>) {
    let at = |key: &Value| format!("{path}/{}", key.text().replace('~', "~0").replace('/', "~1"));
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        out.push(operation("remove", &at(key), None));
    }
    for (key, value) in to.iter().filter(|(key, _)| !from.contains_key(*key)) {
        out.push(operation("add", &at(key), Some(value)));
    }
    for (key, value) in from {
        if let Some(other) = to.get(key) {
            differ(value, other, &at(key), out);
        }
    }
}

fn differ_lists(from: &[Value], to: &[Value], path: &str, out: &mut Vec<Value>) {
    // What is the same at the start and at the end stays.
    let start = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let (from, to) = (from.get(start..).unwrap_or_default(), to.get(start..).unwrap_or_default());
    let end = from.iter().rev().zip(to.iter().rev()).take_while(|(a, b)| a == b).count();
    let (from, to) =
        (from.get(..from.len() - end).unwrap_or_default(), to.get(..to.len() - end).unwrap_or_default());
    for (place, (a, b)) in from.iter().zip(to).enumerate() {
        differ(a, b, &format!("{path}/{}", start + place), out);
    }
    for place in (to.len()..from.len()).rev() {
        out.push(operation("remove", &format!("{path}/{}", start + place), None));
    }
    for (place, value) in to.iter().enumerate().skip(from.len()) {
        out.push(operation("add", &format!("{path}/{}", start + place), Some(value)));
    }
}
