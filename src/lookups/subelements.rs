//! `subelements`: every item with every item of one of its lists.

use shevek_diag::{Diagnostic, Result};
use shevek_python::sequence::mapping;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::{Kind, Map, Value};

pub(crate) const LOOKUP: Lookup =
    Lookup { names: &["subelements"], markers: Markers::Propagate, run: subelements };

fn wrong_terms(more: &str) -> Box<Diagnostic> {
    Diagnostic::new("wrong terms of a lookup")
        .detail(format!("subelements lookup expects a list of two or three items, {more}"))
}

fn subelements(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let (items, path, flags) = match arguments.positional.as_slice() {
        [items, path] => (items, path, None),
        [items, path, flags] => (items, path, Some(flags)),
        _ => return Err(wrong_terms("")),
    };
    let first = "first a dict or a list, second a string pointing to the subkey";
    let path = path.as_str().ok_or_else(|| wrong_terms(first))?;
    let items: Vec<Value> = match (mapping(items)?, items.as_list()) {
        (Some(map), _) if is_skipped(&map) => Vec::new(),
        (Some(map), _) => map.values().cloned().collect(),
        (_, Some(items)) => items.to_vec(),
        _ => return Err(wrong_terms(first)),
    };
    let skip_missing = match flags.map(|flags| (flags, flags.as_map())) {
        None => false,
        Some((_, Some(flags))) => flags.get("skip_missing").is_some_and(truth),
        Some(_) => {
            return Err(wrong_terms("the optional third item must be a dict with flags ('skip_missing',)"));
        }
    };
    let keys: Vec<&str> = path.split('.').collect();
    let mut out = Vec::new();
    for item in items {
        let Some(map) = mapping(&item)? else {
            return Err(Diagnostic::new("not a mapping")
                .detail(format!("subelements lookup expects a dictionary, got '{}'", item.text()))
                .at_maybe(item.origin(), ""));
        };
        if is_skipped(&map) {
            continue;
        }
        let mut map = (*map).clone();
        let found = take(&mut map, &keys, skip_missing)?;
        let item = Value::map(map);
        out.extend(found.into_iter().map(|part| Value::tuple(vec![item.clone(), part])));
    }
    Ok(Value::list(out))
}

fn truth(value: &Value) -> bool {
    matches!(value.text().to_lowercase().as_str(), "true" | "yes" | "on" | "1" | "y" | "t")
}

fn is_skipped(map: &Map) -> bool {
    map.get("skipped").is_some_and(|skipped| skipped.as_bool() != Some(false))
}

/// Takes the list out of the mapping that it is in.
fn take(map: &mut Map, keys: &[&str], skip_missing: bool) -> Result<Vec<Value>> {
    let Some((key, rest)) = keys.split_first() else { return Ok(Vec::new()) };
    let Some(found) = map.get(*key).cloned() else {
        if skip_missing {
            return Ok(Vec::new());
        }
        return Err(Diagnostic::new("a subelement is missing")
            .detail(format!(
                "could not find '{key}' key in iterated item '{}'",
                Value::map(map.clone()).text()
            ))
            .help("skip_missing: true passes over items without it"));
    };
    if rest.is_empty() {
        let Kind::List(items) = found.kind() else {
            return Err(Diagnostic::new("subelements must be lists")
                .detail(format!("the key {key} should point to a list, got '{}'", found.text()))
                .at_maybe(found.origin(), ""));
        };
        map.shift_remove(*key);
        return Ok(items.to_vec());
    }
    match found.as_map() {
        Some(inner) => {
            let mut inner = inner.clone();
            let items = take(&mut inner, rest, skip_missing)?;
            map.insert(Value::from(*key), Value::map(inner));
            Ok(items)
        }
        None if skip_missing => Ok(Vec::new()),
        None => Err(Diagnostic::new("subelements must be found in dictionaries")
            .detail(format!("the key {key} should point to a dictionary, got '{}'", found.text()))
            .at_maybe(found.origin(), "")),
    }
}
