//! `ansible._protomatter`: `finalize`, a value as a template's result would be, of plain types only, and `origin`, where
//! a value was written.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["ansible._protomatter.finalize"], markers: Markers::Propagate, run: finalize },
    Filter { names: &["ansible._protomatter.origin"], markers: Markers::Propagate, run: origin },
];

fn origin(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    Ok(value.origin().map_or(Value::NULL, |origin| match origin.source.name() {
        // Not from a file.
        name if name.starts_with('<') => name.into(),
        _ => origin.to_string().into(),
    }))
}

fn finalize(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    Ok(plain(value))
}

fn plain(value: &Value) -> Value {
    if let Some(object) = value.as_object() {
        return object.plain().map_or_else(|| value.clone(), |inner| plain(&inner));
    }
    if let Some(items) = value.as_list() {
        return Value::list(items.iter().map(plain).collect());
    }
    match value.as_map() {
        Some(map) => Value::map(map.iter().map(|(key, value)| (key.clone(), plain(value))).collect()),
        None => value.clone(),
    }
}
