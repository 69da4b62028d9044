//! What can be iterated over, attributes of items, and what counts as which type.

use std::sync::Arc;

use shevek_diag::Result;
use shevek_template::plugin::Context;
use shevek_value::{Kind, Map, Value};

/// Whether it is a list or tuple, or lazy data like one (Ansible's `is_sequence`): neither text, mapping nor set.
pub fn is_sequence(value: &Value) -> bool {
    match value.kind() {
        Kind::List(_) | Kind::Tuple(_) => true,
        Kind::Object(object) => object.keys().is_none() && object.items().is_some(),
        _ => false,
    }
}

/// Whether it is a mapping, of data or lazy.
pub fn is_mapping(value: &Value) -> bool {
    match value.kind() {
        Kind::Map(_) => true,
        Kind::Object(object) => object.keys().is_some(),
        _ => false,
    }
}

/// The entries of a mapping; `None`: it is none.
pub fn mapping(value: &Value) -> Result<Option<Arc<Map>>> {
    match value.kind() {
        Kind::Map(map) => Ok(Some(map.clone())),
        Kind::Object(object) => match object.keys() {
            None => Ok(None),
            Some(keys) => {
                let mut map = Map::default();
                for key in keys {
                    if let Some(item) = object.get(&key)? {
                        map.insert(key, item);
                    }
                }
                Ok(Some(Arc::new(map)))
            }
        },
        _ => Ok(None),
    }
}

/// The way from an item to the attribute that a filter looks at (`a.b.0`).
pub struct Attribute {
    parts: Vec<Value>,
    default: Option<Value>,
}

impl Attribute {
    /// From a filter's argument; `None` is the item itself.
    pub fn new(attribute: Option<&Value>, default: Option<&Value>) -> Self {
        let parts = match attribute.map(|attribute| (attribute, attribute.kind())) {
            None | Some((_, Kind::Null)) => Vec::new(),
            Some((_, Kind::Str(text))) => text.split('.').map(part).collect(),
            Some((other, _)) => vec![other.clone()],
        };
        Self { parts, default: default.filter(|default| !default.is_null()).cloned() }
    }

    /// Several, split at commas, for `sort`.
    pub fn list(attribute: Option<&Value>) -> Vec<Self> {
        match attribute.and_then(Value::as_str) {
            Some(text) => text.split(',').map(|part| Self::new(Some(&Value::from(part)), None)).collect(),
            None => vec![Self::new(attribute, None)],
        }
    }

    /// The attribute of an item; undefined when it has none.
    pub fn of(&self, context: &dyn Context, item: &Value) -> Result<Value> {
        let mut value = item.clone();
        for part in &self.parts {
            value = context.item(&value, part)?;
            if value.is_undefined()
                && let Some(default) = &self.default
            {
                value = default.clone();
            }
        }
        Ok(value)
    }
}

fn part(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(index) if text.bytes().all(|byte| byte.is_ascii_digit()) => Value::from(index),
        _ => Value::from(text),
    }
}

/// What sorts and compares regardless of case.
pub fn ignore_case(value: Value) -> Value {
    match value.as_str() {
        Some(text) => Value::from(crate::text::lower(text)),
        None => value,
    }
}
