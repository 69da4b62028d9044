//! `value.name` and `value[key]`.

use std::sync::Arc;

use shevek_value::{Kind, Value};

use super::globals::BoundMethod;
use super::place::index;
use super::{Eval, Fault, Machine, Run};
use crate::methods;
use crate::syntax::Expr;

/// What an access found.
pub(crate) enum Found {
    Value(Value),
    /// Nothing, with the reason in words (empty: that there is no such attribute).
    Nothing(String),
}

impl Machine<'_> {
    /// `value.name`: an attribute or method, then an entry.
    pub(crate) fn find_attribute(&self, value: &Value, name: &Arc<str>) -> Eval<Found> {
        if let Kind::Object(object) = value.kind()
            && let Some(found) = object.attribute(name)?
        {
            return Ok(Found::Value(self.ready_or_marker(found)));
        }
        if name.starts_with("__") && !methods::is_allowed_dunder(value, name) {
            let hint = format!("access to attribute '{name}' of '{}' object is unsafe.", value.type_name());
            return Ok(match entry(value, &Value::str(name.clone())) {
                Some(found) => Found::Value(self.ready_or_marker(found)),
                None => Found::Nothing(hint),
            });
        }
        if let Some(found) = methods::attribute(value, name) {
            return Ok(Found::Value(found));
        }
        if methods::has(value, name) {
            return Ok(Found::Value(Value::object(BoundMethod { of: value.clone(), name: name.clone() })));
        }
        Ok(match entry(value, &Value::str(name.clone())) {
            Some(found) => Found::Value(self.ready_or_marker(found)),
            None => Found::Nothing(String::new()),
        })
    }

    /// `value[key]`: an entry, then an attribute.
    pub(crate) fn find_item(&self, value: &Value, key: &Value) -> Eval<Found> {
        if let Kind::Object(object) = value.kind()
            && let Some(found) = object.get(key)?
        {
            return Ok(Found::Value(self.ready_or_marker(found)));
        }
        if let Some(found) = entry(value, key) {
            return Ok(Found::Value(self.ready_or_marker(found)));
        }
        match key.as_shared_str() {
            Some(name) => self.find_attribute(value, name),
            None => Ok(Found::Nothing(String::new())),
        }
    }
}

/// The entry of a key, as it is there.
fn entry(value: &Value, key: &Value) -> Option<Value> {
    match value.kind() {
        Kind::Map(map) => map.get(key).cloned(),
        Kind::List(items) | Kind::Tuple(items) => items.get(index(key, items.len())?).cloned(),
        Kind::Str(text) => {
            let found = match key.as_int()? {
                at @ 0.. => text.chars().nth(usize::try_from(at).ok()?),
                at => text.chars().rev().nth(usize::try_from(-1 - at).ok()?),
            };
            let found = Value::from(found?.to_string());
            Some(if value.is_secret() { found.secret() } else { found })
        }
        Kind::Bytes(bytes) => bytes.get(index(key, bytes.len())?).map(|byte| Value::from(i64::from(*byte))),
        _ => None,
    }
}

impl Run<'_> {
    /// `value.name` of an expression.
    pub(crate) fn attribute(&mut self, value: &Value, name: &Arc<str>, expr: &Expr) -> Eval<Value> {
        if value.is_blank() {
            return Err(Fault::of_undefined(value));
        }
        if value.is_undefined() {
            return Ok(value.clone());
        }
        match self.at(expr.at, self.machine.find_attribute(value, name))? {
            Found::Value(found) => Ok(tainted(found, value)),
            Found::Nothing(hint) => Ok(self.nothing(value, &format!("'{name}'"), &hint, expr)),
        }
    }

    /// `value[key]` of an expression.
    pub(crate) fn item(&mut self, value: &Value, key: &Value, expr: &Expr) -> Eval<Value> {
        if value.is_blank() {
            return Err(Fault::of_undefined(value));
        }
        if value.is_undefined() {
            return Ok(value.clone());
        }
        if key.is_undefined() {
            return Err(Fault::of_undefined(key));
        }
        match self.at(expr.at, self.machine.find_item(value, key))? {
            Found::Value(found) => Ok(tainted(found, value)),
            Found::Nothing(hint) => Ok(self.nothing(value, &key.repr(), &hint, expr)),
        }
    }

    fn nothing(&self, value: &Value, name: &str, hint: &str, expr: &Expr) -> Value {
        let hint = match hint {
            "" => format!("object of type '{}' has no attribute {name}", value.type_name()),
            hint => hint.to_owned(),
        };
        self.undefined(expr.path().unwrap_or_default(), &hint, expr.at)
    }
}

/// An entry of something wholly secret is secret. (A container with one secret in it is marked too: its entries keep
/// their own marks.)
fn tainted(found: Value, of: &Value) -> Value {
    match of.kind() {
        Kind::Str(_) | Kind::Bytes(_) if of.is_secret() => found.secret(),
        _ => found,
    }
}
