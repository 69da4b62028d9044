//! `dict2items` and `items2dict`: a mapping as a list of its entries, and back.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

use shevek_python::arguments::bind;
use shevek_python::sequence::{is_sequence, mapping};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["dict2items"], markers: Markers::Inside, run: dict2items },
    Filter { names: &["items2dict"], markers: Markers::Inside, run: items2dict },
];

fn names(key: Option<&Value>, value: Option<&Value>) -> (Value, Value) {
    let or = |name: Option<&Value>, default: &str| name.cloned().unwrap_or_else(|| Value::from(default));
    (or(key, "key"), or(value, "value"))
}

/// What is at a position of a list.
fn at<'a>(item: &'a Value, position: &Value) -> Option<&'a Value> {
    let items = item.as_list()?;
    let position = position.as_int()?;
    let from_end = usize::try_from(position.unsigned_abs()).ok()?;
    items.get(if position < 0 { items.len().checked_sub(from_end)? } else { from_end })
}

fn dict2items(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [key_name, value_name]) = bind(arguments, ["mydict"], ["key_name", "value_name"])?;
    let (key_name, value_name) = names(key_name, value_name);
    let Some(map) = mapping(value)? else {
        return Err(Diagnostic::new("dict2items requires a dictionary")
            .detail(format!("it was given a '{}'", value.type_name()))
            .at_maybe(value.origin(), ""));
    };
    let entry = |(key, item): (&Value, &Value)| {
        let mut entry = Map::default();
        entry.insert(key_name.clone(), key.clone());
        entry.insert(value_name.clone(), item.clone());
        Value::map(entry)
    };
    Ok(Value::list(map.iter().map(entry).collect()))
}

fn items2dict(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [key_name, value_name]) = bind(arguments, ["mylist"], ["key_name", "value_name"])?;
    let (key_name, value_name) = names(key_name, value_name);
    if !is_sequence(value) {
        return Err(Diagnostic::new("items2dict requires a list")
            .detail(format!("it was given a '{}'", value.type_name()))
            .at_maybe(value.origin(), ""));
    }
    let mut out = Map::default();
    for item in context.iterate(value)? {
        // Pairs, with the positions of key and value for names.
        if let (Some(key), Some(value)) = (at(&item, &key_name), at(&item, &value_name)) {
            out.insert(key.clone(), value.clone());
            continue;
        }
        let Some(map) = mapping(&item)? else {
            return Err(Diagnostic::new("items2dict requires a list of dictionaries")
                .detail(format!("one of the items is a '{}'", item.type_name()))
                .at_maybe(item.origin(), ""));
        };
        match (map.get(&key_name), map.get(&value_name)) {
            (Some(key), Some(value)) => out.insert(key.clone(), value.clone()),
            _ => {
                return Err(Diagnostic::new("items2dict requires the same keys in each dictionary")
                    .detail(format!(
                        "items2dict requires each dictionary in the list to contain the keys '{}' and '{}', but one has {}",
                        key_name.text(),
                        value_name.text(),
                        Value::list(map.keys().cloned().collect()).text()
                    ))
                    .at_maybe(item.origin(), "")
                    .help("name other keys with key_name and value_name"));
            }
        };
    }
    Ok(Value::map(out))
}
