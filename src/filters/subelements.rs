//! `subelements`: every item with every item of one of its lists.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, flag};
use shevek_python::sequence::mapping;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["subelements"], markers: Markers::Inside, run: subelements }];

fn subelements(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, path], [skip_missing]) = bind(arguments, ["obj", "subelements"], ["skip_missing"])?;
    let items = match mapping(value)? {
        Some(map) => map.values().cloned().collect(),
        None if value.as_list().is_some() => context.iterate(value)?,
        None => {
            return Err(Diagnostic::new("obj must be a list of dicts or a nested dict")
                .detail(format!("it is a '{}'", value.type_name())));
        }
    };
    let keys: Vec<Value> = match (path.as_str(), path.as_list()) {
        (Some(text), _) => text.split('.').map(Value::from).collect(),
        (_, Some(keys)) => keys.to_vec(),
        _ => return Err(Diagnostic::new("subelements must be a list or a string")),
    };
    let mut out = Vec::new();
    for item in items {
        let Some(values) = find(&item, &keys, flag(skip_missing))? else { continue };
        let Some(values) = values.as_list() else {
            return Err(Diagnostic::new("subelements must be lists").detail(format!(
                "the key {} should point to a list, got {}",
                keys.last().map(Value::repr).unwrap_or_default(),
                values.repr()
            )));
        };
        out.extend(values.iter().map(|value| Value::tuple(vec![item.clone(), value.clone()])));
    }
    Ok(Value::list(out))
}

fn find(item: &Value, keys: &[Value], skip_missing: bool) -> Result<Option<Value>> {
    let mut value = item.clone();
    for key in keys {
        let Some(map) = mapping(&value)? else {
            return Err(Diagnostic::new("subelements must be found in dictionaries").detail(format!(
                "the key {} should point to a dictionary, got '{}'",
                key.text(),
                value.text()
            )));
        };
        value = match map.get(key) {
            Some(found) => found.clone(),
            None if skip_missing => return Ok(None),
            None => {
                return Err(Diagnostic::new("a subelement is missing")
                    .detail(format!("could not find {} key in iterated item {}", key.repr(), value.repr()))
                    .help("skip_missing=True passes over items without it"));
            }
        };
    }
    Ok(Some(value))
}
