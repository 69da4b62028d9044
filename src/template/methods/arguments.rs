//! Arguments of a method.

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Map, Value};

/// Arguments of a method, with its name for messages.
pub(super) struct Args<'a> {
    pub name: &'a str,
    pub positional: &'a [Value],
    pub named: &'a Map,
}

impl<'a> Args<'a> {
    /// The argument at a position, or by name.
    pub(super) fn get(&self, position: usize, name: &str) -> Option<&'a Value> {
        self.positional.get(position).or_else(|| self.named.get(name))
    }

    pub(super) fn require(&self, position: usize, name: &str) -> Result<&'a Value> {
        self.get(position, name)
            .ok_or_else(|| self.wrong(format!("{}() misses its argument '{name}'", self.name)))
    }

    /// Text, which must be given.
    pub(super) fn text(&self, position: usize, name: &str) -> Result<&'a str> {
        let value = self.require(position, name)?;
        value.as_str().ok_or_else(|| self.wrong_type(name, "str", value))
    }

    /// Text if given and not `none`.
    pub(super) fn text_or_none(&self, position: usize, name: &str) -> Result<Option<&'a str>> {
        match self.get(position, name) {
            None => Ok(None),
            Some(value) if value.is_null() => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| self.wrong_type(name, "str", value)),
        }
    }

    /// A whole number, or a default.
    pub(super) fn int_or(&self, position: usize, name: &str, default: i64) -> Result<i64> {
        match self.get(position, name) {
            None => Ok(default),
            Some(value) => value.as_int().ok_or_else(|| self.wrong_type(name, "int", value)),
        }
    }

    pub(super) fn bool_or(&self, position: usize, name: &str, default: bool) -> bool {
        self.get(position, name).map_or(default, Value::is_true)
    }

    pub(super) fn wrong_type(&self, name: &str, wanted: &str, value: &Value) -> Box<Diagnostic> {
        self.wrong(format!(
            "the argument '{name}' of {}() must be {wanted}, not {}",
            self.name,
            value.type_name()
        ))
    }

    pub(super) fn wrong(&self, detail: impl Into<String>) -> Box<Diagnostic> {
        Diagnostic::new("wrong call").detail(detail)
    }

    /// The error for a name that the type's table has but its code doesn't.
    pub(super) fn unknown(&self) -> Box<Diagnostic> {
        Diagnostic::bug("a method without code").detail(self.name.to_owned())
    }
}
