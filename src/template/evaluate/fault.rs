//! Why an evaluation stops.

use std::sync::Arc;

use shevek_diag::{Diagnostic, Origin};
use shevek_value::{Reason, Undefined, Value};

pub(crate) type Eval<T> = Result<T, Fault>;

/// Stops the evaluation of one template; whoever asked for its value gets a marker.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Something missing or unknown was used.
    Undefined(Arc<Undefined>),
    /// An operation failed.
    Error(Box<Diagnostic>),
}

impl Fault {
    pub(crate) fn new(summary: &'static str, detail: impl Into<String>) -> Self {
        Fault::Error(Diagnostic::new(summary).detail(detail))
    }

    /// A use of `value`, which is undefined.
    pub(crate) fn of_undefined(value: &Value) -> Self {
        match value.as_undefined() {
            Some(undefined) => Fault::Undefined(undefined.clone()),
            None => Fault::Undefined(Arc::new(Undefined::default())),
        }
    }

    /// As the marker that stands for the failed value.
    pub(crate) fn into_marker(self) -> Value {
        match self {
            Fault::Undefined(undefined) => Value::new(shevek_value::Kind::Undefined(undefined)),
            Fault::Error(why) => Undefined { reason: Reason::Failed(why), ..Undefined::default() }.into(),
        }
    }

    /// Gives an error its place, unless it has one.
    pub(crate) fn or_at(self, place: impl FnOnce() -> Option<Origin>) -> Self {
        match self {
            Fault::Error(why) if why.labels.is_empty() => Fault::Error(why.at_maybe(place().as_ref(), "")),
            other => other,
        }
    }
}

impl From<Box<Diagnostic>> for Fault {
    fn from(why: Box<Diagnostic>) -> Self {
        Fault::Error(why)
    }
}
