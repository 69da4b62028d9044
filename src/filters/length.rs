//! `length`: how many.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Kind, Value};

use shevek_python::arguments::bind;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["length", "count"], markers: Markers::Inside, run: length }];

fn length(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["obj"], [])?;
    let length = match value.kind() {
        Kind::Str(text) => Some(shevek_python::text::length(text)),
        Kind::Bytes(bytes) => Some(bytes.len()),
        Kind::List(items) | Kind::Tuple(items) => Some(items.len()),
        Kind::Map(map) => Some(map.len()),
        Kind::Set(set) => Some(set.len()),
        Kind::Object(object) => object.length(),
        _ => None,
    };
    length.map(Value::from).ok_or_else(|| {
        Diagnostic::new("it has no length")
            .detail(format!("object of type '{}' has no len()", value.type_name()))
            .at_maybe(value.origin(), "")
    })
}
