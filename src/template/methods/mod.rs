//! Methods and operators of Python's types: text, lists, mappings, numbers, bytes, sets.
//!
//! Start reading at [`call`]; one file a type. `percent` and `format` are the two ways of formatting text.

mod arguments;
mod bytes;
mod format;
mod list;
mod map;
mod number;
mod percent;
mod set;
mod slice;
mod text;
mod text_case;

use std::sync::Arc;

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Kind, Map, Value};

use arguments::Args;

pub use percent::percent;
pub(crate) use slice::slice;

/// `value.name(…)`; `None`: values of its type have no such method. Methods that change the value change a copy.
pub(crate) fn call(value: &Value, name: &str, positional: &[Value], named: &Map) -> Option<Result<Value>> {
    if !has(value, name) {
        return None;
    }
    if is_changing(name) && matches!(value.kind(), Kind::List(_) | Kind::Map(_) | Kind::Set(_)) {
        return change(&mut value.clone(), name, positional, named);
    }
    let args = Args { name, positional, named };
    Some(match value.kind() {
        Kind::Str(it) => text::call(it, &args),
        Kind::List(items) | Kind::Tuple(items) => list::call(value, items, &args),
        Kind::Map(map) => map::call(value, map, &args),
        Kind::Set(items) => set::call(items, &args),
        Kind::Bytes(it) => bytes::call(it, &args),
        _ => number::call(value, &args),
    })
}

/// Whether values of this type have a method of that name.
pub(crate) fn has(value: &Value, name: &str) -> bool {
    match value.kind() {
        Kind::Str(_) => text::METHODS.contains(&name),
        Kind::List(_) => list::METHODS.contains(&name) || list::CHANGING.contains(&name),
        Kind::Tuple(_) => matches!(name, "index" | "count"),
        Kind::Map(_) => map::METHODS.contains(&name) || map::CHANGING.contains(&name),
        Kind::Set(_) => set::METHODS.contains(&name) || set::CHANGING.contains(&name),
        Kind::Bytes(_) => bytes::METHODS.contains(&name),
        Kind::Int(_) | Kind::Big(_) | Kind::Bool(_) | Kind::Float(_) => number::has(value, name),
        _ => false,
    }
}

/// An attribute that is no method.
pub(crate) fn attribute(value: &Value, name: &str) -> Option<Value> {
    number::attribute(value, name)
}

/// Ansible lets content use Python's names of the bit operators.
pub(crate) fn is_allowed_dunder(value: &Value, name: &str) -> bool {
    value.as_int().is_some() && number::BIT_OPERATORS.contains(&name)
}

/// Whether a method of that name changes what it is called on.
pub(crate) fn is_changing(name: &str) -> bool {
    list::CHANGING.contains(&name) || map::CHANGING.contains(&name) || set::CHANGING.contains(&name)
}

/// Whether a method of that name looks at the items themselves, so that they must have been rendered.
pub(crate) fn looks_at_items(name: &str) -> bool {
    matches!(name, "index" | "count" | "remove" | "sort")
}

/// Calls a method that changes the value.
pub(crate) fn change(
    value: &mut Value,
    name: &str,
    positional: &[Value],
    named: &Map,
) -> Option<Result<Value>> {
    let args = Args { name, positional, named };
    match value.kind_mut() {
        Kind::List(items) if list::CHANGING.contains(&name) => {
            Some(list::change(Arc::make_mut(items), &args))
        }
        Kind::Map(map) if map::CHANGING.contains(&name) => Some(map::change(Arc::make_mut(map), &args)),
        Kind::Set(items) if set::CHANGING.contains(&name) => Some(set::change(Arc::make_mut(items), &args)),
        _ => None,
    }
}

/// What `for` goes over; `None`: it can't.
pub(crate) fn items(value: &Value) -> Option<Vec<Value>> {
    match value.kind() {
        Kind::List(items) | Kind::Tuple(items) => Some(items.to_vec()),
        Kind::Set(items) => Some(items.iter().cloned().collect()),
        Kind::Map(map) => Some(map.keys().cloned().collect()),
        Kind::Str(text) => {
            let secret = value.is_secret();
            let item = |c: char| {
                let item = Value::from(c.to_string());
                if secret { item.secret() } else { item }
            };
            Some(text.chars().map(item).collect())
        }
        Kind::Bytes(bytes) => Some(bytes.iter().map(|byte| Value::from(i64::from(*byte))).collect()),
        Kind::Object(object) => object.items(),
        _ => None,
    }
}

/// Takes entries over from a mapping or from pairs, as `dict` and `update` do.
pub(crate) fn update_map(map: &mut Map, from: &Value) -> Result<()> {
    if let Kind::Map(other) = from.kind() {
        map.extend(other.iter().map(|(k, v)| (k.clone(), v.clone())));
        return Ok(());
    }
    if let Kind::Object(object) = from.kind()
        && let Some(keys) = object.keys()
    {
        for key in keys {
            let value = object.get(&key)?.unwrap_or_default();
            map.insert(key, value);
        }
        return Ok(());
    }
    let Some(pairs) = items(from) else {
        return Err(
            Diagnostic::new("not a mapping").detail(format!("'{}' object is not iterable", from.type_name()))
        );
    };
    for (number, pair) in pairs.iter().enumerate() {
        match items(pair).as_deref() {
            Some([key, value]) => {
                map.insert(key.clone(), value.clone());
            }
            _ => {
                return Err(Diagnostic::new("not a mapping").detail(format!(
                    "dictionary update sequence element #{number} is no pair of key and value"
                )));
            }
        }
    }
    Ok(())
}
