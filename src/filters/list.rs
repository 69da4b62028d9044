//! `list`: anything that has items, as a list.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;

pub(crate) const FILTERS: &[Filter] = &[Filter { names: &["list"], markers: Markers::Inside, run: list }];

fn list(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    let items = context.iterate(value)?;
    // Unlike a mapping's keys, something undefined among the items is looked at.
    match items.iter().find(|item| item.is_undefined()) {
        Some(undefined) => Ok(undefined.clone()),
        None => Ok(Value::list(items)),
    }
}
