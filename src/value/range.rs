//! `range(…)`.

use std::any::Any;

use shevek_diag::Result;

use crate::{Kind, Map, Object, Value};

/// Whole numbers in equal steps, made when asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub start: i64,
    /// Where to stop; not among them.
    pub stop: i64,
    /// From one to the next; never zero.
    pub step: i64,
}

impl Range {
    /// How many.
    pub fn count(&self) -> usize {
        let span = if self.step > 0 { self.stop - self.start } else { self.start - self.stop };
        let step = self.step.unsigned_abs().max(1);
        let span = u64::try_from(span).unwrap_or(0);
        usize::try_from(span.div_ceil(step)).unwrap_or(usize::MAX)
    }

    /// The number at a position.
    pub fn at(&self, position: usize) -> Option<i64> {
        if position >= self.count() {
            return None;
        }
        Some(self.start + self.step * i64::try_from(position).ok()?)
    }
}

impl Object for Range {
    fn type_name(&self) -> &'static str {
        "range"
    }
    fn get(&self, key: &Value) -> Result<Option<Value>> {
        let Some(index) = key.as_int() else { return Ok(None) };
        let count = i64::try_from(self.count()).unwrap_or(i64::MAX);
        let index = if index < 0 { index + count } else { index };
        Ok(usize::try_from(index).ok().and_then(|index| self.at(index)).map(Value::from))
    }
    fn attribute(&self, name: &str) -> Result<Option<Value>> {
        Ok(match name {
            "start" => Some(Value::from(self.start)),
            "stop" => Some(Value::from(self.stop)),
            "step" => Some(Value::from(self.step)),
            _ => None,
        })
    }
    fn items(&self) -> Option<Vec<Value>> {
        Some((0..self.count()).filter_map(|position| self.at(position)).map(Value::from).collect())
    }
    fn length(&self) -> Option<usize> {
        Some(self.count())
    }
    fn method(&self, name: &str, arguments: &[Value], _: &Map) -> Option<Result<Value>> {
        let wanted = arguments.first().and_then(Value::as_int);
        let position = (0..self.count()).position(|position| self.at(position) == wanted);
        match (name, position) {
            ("count", position) => Some(Ok(Value::from(usize::from(position.is_some())))),
            ("index", Some(position)) => Some(Ok(Value::from(position))),
            ("index", None) => {
                Some(Err(shevek_diag::Diagnostic::new("wrong call").detail("not in the range")))
            }
            _ => None,
        }
    }
    fn text(&self) -> String {
        match self.step {
            1 => format!("range({}, {})", self.start, self.stop),
            step => format!("range({}, {}, {step})", self.start, self.stop),
        }
    }
    fn equals(&self, other: &Value) -> bool {
        match other.kind() {
            Kind::Object(object) => object.as_any().downcast_ref::<Range>() == Some(self),
            _ => false,
        }
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
