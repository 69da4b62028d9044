//! `attr`: an attribute by name, never an item.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] = &[Filter { names: &["attr"], markers: Markers::Propagate, run: attr }];

fn attr(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, name], []) = bind(arguments, ["obj", "name"], [])?;
    let name = str_of(name);
    let found = match value.as_object().filter(|object| object.keys().is_none()) {
        Some(object) => object.attribute(&name)?,
        None => None,
    };
    Ok(found.unwrap_or_else(|| Value::undefined(name)))
}
