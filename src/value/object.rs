//! Values with behaviour.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt::Debug;

use shevek_diag::{Diagnostic, Result};

use crate::{Map, Value};

/// Data that is made when asked for (`hostvars`), or something that can be called (a macro, `range`).
///
/// What an implementation leaves out, its values can't do; asking is then an error or undefined, as in Python.
pub trait Object: Any + Debug + Send + Sync {
    /// Python's name of the type.
    fn type_name(&self) -> &'static str;

    /// `object[key]`; `None`: it has no such thing.
    fn get(&self, _key: &Value) -> Result<Option<Value>> {
        Ok(None)
    }

    /// `object.name`; mappings look into themselves.
    fn attribute(&self, name: &str) -> Result<Option<Value>> {
        self.get(&Value::str(name))
    }

    /// The keys, if it is a mapping.
    fn keys(&self) -> Option<Vec<Value>> {
        None
    }

    /// The items, if it can be iterated over; a mapping iterates over its keys.
    fn items(&self) -> Option<Vec<Value>> {
        self.keys()
    }

    /// How many items.
    fn length(&self) -> Option<usize> {
        self.items().map(|items| items.len())
    }

    /// Whether it can be called.
    fn is_callable(&self) -> bool {
        false
    }

    /// `object(…)`.
    fn call(&self, _arguments: &[Value], _named: &Map) -> Result<Value> {
        Err(Diagnostic::new("not callable").detail(format!("'{}' object is not callable", self.type_name())))
    }

    /// `object.name(…)`; `None`: it has no such method.
    fn method(&self, _name: &str, _arguments: &[Value], _named: &Map) -> Option<Result<Value>> {
        None
    }

    /// Its truth.
    fn is_true(&self) -> bool {
        self.length() != Some(0)
    }

    /// As `str` prints it.
    fn text(&self) -> String {
        self.plain().map_or_else(|| format!("<{}>", self.type_name()), |value| value.text())
    }

    /// As `repr` prints it.
    fn repr(&self) -> String {
        self.plain().map_or_else(|| self.text(), |value| value.repr())
    }

    /// The same as plain data, for leaving a template (a list, a mapping, text); `None`: it can't leave.
    fn plain(&self) -> Option<Value> {
        None
    }

    /// Whether it equals another value; by default the same as plain data does.
    fn equals(&self, other: &Value) -> bool {
        self.plain().is_some_and(|value| value == *other)
    }

    /// Python's order against another value; `None`: they don't compare.
    fn compare(&self, _other: &Value) -> Option<Result<Ordering>> {
        None
    }

    /// `self + other`; `None`: it has no such operator.
    fn add(&self, _other: &Value) -> Option<Result<Value>> {
        None
    }

    /// `self - other`.
    fn subtract(&self, _other: &Value) -> Option<Result<Value>> {
        None
    }

    /// As `'{:specification}'.format(self)` prints it; `None`: as `str` does.
    fn format(&self, _specification: &str) -> Option<Result<String>> {
        None
    }

    /// For finding the type behind the trait.
    fn as_any(&self) -> &dyn Any;
}
