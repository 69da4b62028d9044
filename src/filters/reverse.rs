//! `reverse`: text or items from the end.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["reverse"], markers: Markers::Inside, run: reverse }];

fn reverse(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    if let Some(text) = value.as_str() {
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let mut items = context
        .iterate(value)
        .map_err(|_| Diagnostic::new("it has no items").detail("argument must be iterable"))?;
    items.reverse();
    Ok(Value::list(items))
}
