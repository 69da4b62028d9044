//! `bool`: yes and no in words and numbers, as truth values.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Kind, Value};

use shevek_python::arguments::bind;

pub(crate) const FILTERS: &[Filter] = &[Filter { names: &["bool"], markers: Markers::Propagate, run: bool }];

fn bool(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    let known = match value.kind() {
        Kind::Bool(b) => Some(*b),
        Kind::Int(1) => Some(true),
        Kind::Int(0) => Some(false),
        Kind::Str(text) => word(&text.to_lowercase()),
        _ => None,
    };
    if let Some(known) = known {
        return Ok(Value::from(known));
    }
    let result = value.as_float() == Some(1.0);
    context.warn(
        Diagnostic::warning("the bool filter was given something that is neither yes nor no")
            .detail(format!("{} ({}) counts as {result}", value.repr(), value.type_name()))
            .at_maybe(value.origin(), ""),
    );
    Ok(Value::from(result))
}

fn word(text: &str) -> Option<bool> {
    match text {
        "yes" | "on" | "true" | "1" => Some(true),
        "no" | "off" | "false" | "0" => Some(false),
        _ => None,
    }
}
