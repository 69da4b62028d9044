//! Turning results into plain data: what leaves a template.

use std::sync::Arc;

use shevek_value::{Flags, Kind, Map, Value};

use super::{Eval, Fault, Machine};

/// How strictly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The final result: what can't be stored is an error.
    Stored,
    /// To be printed beside other things.
    Printed,
    /// The final result, with markers left in it.
    Lenient,
}

impl Machine<'_> {
    /// A value for printing: rendered, tuples as lists.
    pub(crate) fn printable(&self, value: Value) -> Eval<Value> {
        self.finish(value, Finish::Printed)
    }

    /// Renders what is left to render, drops `omit`, makes tuples lists; something missing is a fault.
    pub(crate) fn finish(&self, value: Value, how: Finish) -> Eval<Value> {
        let flags = value.flags();
        if !flags.has(Flags::TEMPLATE) && !flags.has(Flags::INNER) {
            return Ok(value);
        }
        match value.kind() {
            Kind::Str(_) if flags.has(Flags::TEMPLATE) => {
                let place = value.origin().cloned();
                let rendered = self.ready(value)?;
                self.finish(rendered, how).map_err(|fault| fault.or_at(|| place))
            }
            Kind::Str(_) | Kind::Omit => Ok(value),
            Kind::List(items) | Kind::Tuple(items) => {
                let done =
                    stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.finish_items(items.iter(), how))?;
                Ok(like(&value, Value::list(done)))
            }
            Kind::Set(items) => Ok(like(&value, Value::list(self.finish_items(items.iter(), how)?))),
            Kind::Map(map) => {
                let done = stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.finish_map(map, how))?;
                Ok(like(&value, done))
            }
            Kind::Undefined(_) if how == Finish::Lenient => Ok(value),
            Kind::Undefined(undefined) => Err(Fault::Undefined(undefined.clone())),
            Kind::Object(object) if how == Finish::Printed => match object.plain() {
                Some(plain) if plain.as_map().is_some() || plain.as_list().is_some() => {
                    self.finish(like(&value, plain), how)
                }
                _ => Ok(value),
            },
            Kind::Object(object) => match object.plain() {
                Some(plain) => self.finish(like(&value, plain), how),
                None => Err(Fault::new(
                    "not a value that can be stored",
                    format!("Type '{}' is unsupported for variable storage.", object.type_name()),
                )),
            },
            _ => Ok(value),
        }
    }

    fn finish_items<'v>(&self, items: impl Iterator<Item = &'v Value>, how: Finish) -> Eval<Vec<Value>> {
        let mut done = Vec::with_capacity(items.size_hint().0);
        for item in items {
            let item = self.finish(item.clone(), how)?;
            if !item.is_omit() {
                done.push(item);
            }
        }
        Ok(done)
    }

    fn finish_map(&self, map: &Map, how: Finish) -> Eval<Value> {
        let mut done = Map::with_capacity_and_hasher(map.len(), map.hasher().clone());
        for (key, item) in map {
            let item = self.finish(item.clone(), how)?;
            if !item.is_omit() {
                done.insert(key.clone().untrusted(), item);
            }
        }
        Ok(Value::map(done))
    }

    /// Renders a container through and through, for plugins and comparisons; what fails becomes a marker in its place.
    pub(crate) fn rendered_through(&self, value: Value) -> Value {
        if !value.is_template() {
            return value;
        }
        match value.kind() {
            Kind::List(items) => like(&value, Value::list(self.through_items(items))),
            Kind::Tuple(items) => like(&value, Value::tuple(self.through_items(items))),
            Kind::Map(map) => stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
                let done: Map = map
                    .iter()
                    .map(|(key, item)| (key.clone().untrusted(), self.rendered_through(item.clone())))
                    .collect();
                like(&value, Value::map(done))
            }),
            Kind::Str(_) => match self.ready(value) {
                Ok(rendered) => self.rendered_through(rendered),
                Err(fault) => fault.into_marker(),
            },
            _ => value,
        }
    }

    fn through_items(&self, items: &Arc<Vec<Value>>) -> Vec<Value> {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
            items.iter().map(|item| self.rendered_through(item.clone())).collect()
        })
    }
}

/// The new value with the old one's origin and secrecy.
fn like(old: &Value, new: Value) -> Value {
    let new = new.from_where(old);
    if old.is_secret() { new.flagged(Flags::SECRET) } else { new }
}

/// The first missing thing in a value, however deep.
pub(crate) fn first_missing(value: &Value) -> Option<&Value> {
    if !value.flags().has(Flags::UNDEFINED) {
        return None;
    }
    match value.kind() {
        Kind::Undefined(_) => Some(value),
        Kind::List(items) | Kind::Tuple(items) => items.iter().find_map(first_missing),
        Kind::Map(map) => map.values().find_map(first_missing),
        Kind::Set(items) => items.iter().find_map(first_missing),
        _ => None,
    }
}
