//! Methods of mappings.

use std::sync::Arc;

use shevek_diag::Result;
use shevek_value::{Map, Value};

use super::arguments::Args;

pub(super) const METHODS: [&str; 6] = ["items", "keys", "values", "get", "copy", "fromkeys"];
pub(super) const CHANGING: [&str; 5] = ["pop", "popitem", "update", "setdefault", "clear"];

pub(super) fn call(value: &Value, map: &Arc<Map>, args: &Args<'_>) -> Result<Value> {
    match args.name {
        "items" => {
            Ok(Value::list(map.iter().map(|(k, v)| Value::tuple(vec![k.clone(), v.clone()])).collect()))
        }
        "keys" => Ok(Value::list(map.keys().cloned().collect())),
        "values" => Ok(Value::list(map.values().cloned().collect())),
        "get" => {
            let found = map.get(args.require(0, "key")?).cloned();
            Ok(found.or_else(|| args.get(1, "default").cloned()).unwrap_or_default())
        }
        "copy" => Ok(value.clone()),
        "fromkeys" => {
            let keys = args.require(0, "iterable")?;
            let default = args.get(1, "value").cloned().unwrap_or_default();
            match super::items(keys) {
                Some(keys) => Ok(Value::map(keys.into_iter().map(|key| (key, default.clone())).collect())),
                None => Err(args.wrong(format!("'{}' object is not iterable", keys.type_name()))),
            }
        }
        _ => Err(args.unknown()),
    }
}

pub(super) fn change(map: &mut Map, args: &Args<'_>) -> Result<Value> {
    match args.name {
        "pop" => {
            let key = args.require(0, "key")?;
            match (map.shift_remove(key), args.get(1, "default")) {
                (Some(value), _) => Ok(value),
                (None, Some(default)) => Ok(default.clone()),
                (None, None) => Err(args.wrong(format!("there is no key {}", key.repr()))),
            }
        }
        "popitem" => match map.pop() {
            Some((key, value)) => Ok(Value::tuple(vec![key, value])),
            None => Err(args.wrong("popitem(): dictionary is empty")),
        },
        "update" => {
            if let Some(from) = args.positional.first() {
                super::update_map(map, from)?;
            }
            map.extend(args.named.iter().map(|(k, v)| (k.clone(), v.clone())));
            Ok(Value::NULL)
        }
        "setdefault" => {
            let key = args.require(0, "key")?;
            let default = args.get(1, "default").cloned().unwrap_or_default();
            Ok(map.entry(key.clone()).or_insert(default).clone())
        }
        "clear" => {
            map.clear();
            Ok(Value::NULL)
        }
        _ => Err(args.unknown()),
    }
}
